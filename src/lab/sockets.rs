//! The responders' sockets, all on loopback and on ports of the system's choice; knows no protocol.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::fault::{Conduct, Reply, Sender};
use super::tasks::Tasks;

/// The addresses that the embedded internet stands on.
pub(super) const FIRST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Linux and Windows have all of 127.0.0.0/8; elsewhere it is to be added to the loopback interface by hand.
pub(super) const SECOND: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
pub(super) const THIRD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
pub(super) const FOURTH: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 4));
/// May be missing: then the embedded internet has no IPv6.
pub(super) const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Somebody else's port may be in the way this often.
const TRIES: usize = 64;

/// A TCP client is kept no longer.
const CONVERSATION: Duration = Duration::from_secs(10);

/// No datagram is longer than this.
const DATAGRAM: usize = 65_536;

/// A UDP responder's sockets.
pub(super) struct Sockets {
    service: Vec<UdpSocket>,
    addresses: Vec<SocketAddr>,
    /// Of the first one's IP address, but of another port.
    stranger: UdpSocket,
}

impl Sockets {
    /// Takes the sockets of one service; `closed` ones refuse what they are sent.
    pub(super) fn new<F: PartialEq>(
        sockets: Vec<std::net::UdpSocket>,
        conduct: &Conduct<F>,
    ) -> io::Result<Arc<Self>> {
        let addresses =
            sockets.iter().map(std::net::UdpSocket::local_addr).collect::<io::Result<Vec<_>>>()?;
        let ip = addresses.first().map_or(FIRST, SocketAddr::ip);
        if *conduct == Conduct::Closed {
            for (socket, address) in sockets.iter().zip(&addresses) {
                // Connected to itself it holds its port, and the kernel answers all others with port unreachable.
                socket.connect(address)?;
            }
        }
        let service = sockets.into_iter().map(into_tokio).collect::<io::Result<_>>()?;
        let stranger = into_tokio(udp(ip, 0)?)?;
        Ok(Arc::new(Self { service, addresses, stranger }))
    }

    /// Where the service listens, by index.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    fn sender(&self, sender: Sender) -> Option<&UdpSocket> {
        match sender {
            Sender::Socket(index) => self.service.get(index),
            Sender::Stranger => Some(&self.stranger),
        }
    }

    async fn send(&self, reply: &Reply, mut client: SocketAddr) {
        client.set_port(reply.to_port.unwrap_or(client.port()));
        if let Some(socket) = self.sender(reply.from) {
            // A client that has gone is no concern of the lab's.
            let _ = socket.send_to(&reply.bytes, client).await;
        }
    }
}

/// Answers what comes in at the socket `index`, until the task is aborted.
pub(super) async fn serve(
    sockets: Arc<Sockets>,
    index: usize,
    mut answer: impl FnMut(&[u8], SocketAddr) -> Vec<Reply>,
) {
    let Some(socket) = sockets.service.get(index) else { return };
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let Ok((size, client)) = socket.recv_from(&mut buffer).await else {
            // An ICMP error on account of an earlier answer; the pause keeps a lasting one from spinning.
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        for reply in answer(buffer.get(..size).unwrap_or_default(), client) {
            if reply.after.is_zero() {
                sockets.send(&reply, client).await;
            } else {
                let sockets = Arc::clone(&sockets);
                tokio::spawn(async move {
                    tokio::time::sleep(reply.after).await;
                    sockets.send(&reply, client).await;
                });
            }
        }
    }
}

/// UDP sockets that share one port over all of `ips`, and that port free for TCP on the first of them.
pub(super) fn same_port(ips: &[IpAddr]) -> io::Result<(Vec<std::net::UdpSocket>, TcpSocket)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        match try_same_port(ips) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            done => return done,
        }
    }
    Err(last)
}

fn try_same_port(ips: &[IpAddr]) -> io::Result<(Vec<std::net::UdpSocket>, TcpSocket)> {
    let mut sockets: Vec<std::net::UdpSocket> = Vec::new();
    let mut port = 0;
    for &ip in ips {
        let socket = udp(ip, port)?;
        port = socket.local_addr()?.port();
        sockets.push(socket);
    }
    let first = SocketAddr::new(ips.first().copied().unwrap_or(FIRST), port);
    let tcp = if first.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    tcp.bind(first)?;
    Ok((sockets, tcp))
}

/// A UDP socket; port 0 lets the system choose.
pub(super) fn udp(ip: IpAddr, port: u16) -> io::Result<std::net::UdpSocket> {
    let socket = std::net::UdpSocket::bind((ip, port))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Whether this host has `::1`.
pub(super) fn has_six() -> bool {
    udp(SIX, 0).is_ok()
}

/// Holds conversations with who connects, unless the service is closed: a bound port that does not listen resets them.
pub(super) fn accept<F: PartialEq, C>(
    socket: TcpSocket,
    conduct: &Conduct<F>,
    tasks: &mut Tasks,
    converse: impl Fn(TcpStream, SocketAddr) -> C + Send + 'static,
) -> io::Result<()>
where
    C: Future<Output = io::Result<()>> + Send + 'static,
{
    if *conduct == Conduct::Closed {
        tasks.keep(socket);
        return Ok(());
    }
    let listener = socket.listen(128)?;
    tasks.spawn(async move {
        let mut clients = JoinSet::new();
        loop {
            if let Ok((stream, client)) = listener.accept().await {
                clients.spawn(tokio::time::timeout(CONVERSATION, converse(stream, client)));
            } else {
                // Out of descriptors, or a client that has gone already.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            while clients.try_join_next().is_some() {}
        }
    });
    Ok(())
}

fn into_tokio(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
    UdpSocket::from_std(socket)
}
