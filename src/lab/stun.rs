//! A STUN server over UDP (RFC 5780: two addresses, two ports) and TCP; what it answers stands in `binding`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::binding::{self, Place, Request};
use super::fault::{self, Conduct, Held, Reply, StunFault};
use super::sockets::{self, Sockets};
use super::tasks::Tasks;

/// A server's part in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StunServer {
    /// How it treats requests.
    pub conduct: Conduct<StunFault>,
    /// What it makes of its second address.
    pub second: Second,
}

/// What a STUN server makes of CHANGE-REQUEST and OTHER-ADDRESS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// All of RFC 5780.
    Whole,
    /// Has one address only: no OTHER-ADDRESS, CHANGE-REQUEST is an error 420.
    Lacks,
    /// Names OTHER-ADDRESS, but answers every CHANGE-REQUEST from the address that was asked.
    Ignores,
}

/// An RFC 5780 server that does as it should.
pub(super) const HONEST: StunServer = StunServer { conduct: Conduct::Honest, second: Second::Whole };

/// Starts a server on `ips` (the primary address, the other one) and gives its primary address.
pub(super) fn start(
    server: StunServer,
    primary: IpAddr,
    other: Option<IpAddr>,
    tasks: &mut Tasks,
) -> io::Result<SocketAddr> {
    let ips: Vec<IpAddr> = [Some(primary), other].into_iter().flatten().collect();
    let (first_port, tcp) = sockets::same_port(&ips)?;
    let (second_port, _) = sockets::same_port(&ips)?;
    // By index: bit 1 is the other IP address, bit 0 the other port.
    let all = first_port.into_iter().zip(second_port).flat_map(|(first, second)| [first, second]).collect();
    let sockets = Sockets::new(all, &server.conduct)?;
    let server = if other.is_some() { server } else { StunServer { second: Second::Lacks, ..server } };
    for index in 0..sockets.addresses().len() {
        let addresses = sockets.addresses().to_vec();
        let mut held = Held::default();
        let answer = move |bytes: &[u8], client| answer(server, &addresses, index, bytes, client, &mut held);
        tasks.spawn(sockets::serve(Arc::clone(&sockets), index, answer));
    }
    let address = sockets.addresses().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
    sockets::accept(tcp, &server.conduct, tasks, converse)?;
    Ok(address)
}

/// What the socket `index` of `addresses` makes of a datagram.
fn answer(
    server: StunServer,
    addresses: &[SocketAddr],
    index: usize,
    bytes: &[u8],
    client: SocketAddr,
    held: &mut Held,
) -> Vec<Reply> {
    let Some(request) = Request::parse(bytes) else { return Vec::new() };
    let changes = usize::from(request.change_ip) << 1 | usize::from(request.change_port);
    let (from, other, refused) = match server.second {
        Second::Whole => (index ^ changes, addresses.get(index ^ 3), false),
        Second::Ignores => (index, addresses.get(index ^ 3), false),
        Second::Lacks => (index, None, changes != 0),
    };
    let Some(&origin) = addresses.get(from) else { return Vec::new() };
    let place = Place { client, origin, other: other.copied() };
    let honest = || {
        let bytes = match (refused, request.unknown.as_slice()) {
            (true, _) => binding::error(&request, 420, &[binding::CHANGE_REQUEST]),
            // Two ways to send more than was received, at somebody else's cost: one at a time (RFC 5780 7.6).
            (false, []) if request.padding > 0 && request.response_port.is_some() => {
                binding::error(&request, 400, &[])
            }
            (false, []) => binding::success(&request, &place),
            (false, unknown) => binding::error(&request, 420, unknown),
        };
        vec![Reply { to_port: request.response_port, ..Reply::now(bytes, from) }]
    };
    server.conduct.replies(honest, |fault| fault::stun(fault, &request, &place, from, held))
}

/// STUN over TCP (RFC 8489 6.2.2): one message after the other, honestly; a firewall for UDP leaves TCP alone.
async fn converse(mut stream: TcpStream, client: SocketAddr) -> io::Result<()> {
    let origin = stream.local_addr()?;
    loop {
        let mut message = vec![0; 20];
        stream.read_exact(&mut message).await?;
        let length = usize::from(u16::from_be_bytes([message[2], message[3]]));
        message.resize(20 + length, 0);
        stream.read_exact(message.get_mut(20..).unwrap_or_default()).await?;
        let Some(request) = Request::parse(&message) else { return Ok(()) };
        let place = Place { client, origin, other: None };
        stream.write_all(&binding::success(&request, &place)).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request of RFC 8489 with CHANGE-REQUEST's flags.
    fn request(flags: u8) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 8, 0x21, 0x12, 0xA4, 0x42];
        bytes.extend([9; 12]);
        bytes.extend([0, 3, 0, 4, 0, 0, 0, flags]);
        bytes
    }

    fn ask(second: Second, index: usize, flags: u8) -> Reply {
        let addresses: Vec<SocketAddr> = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", "127.0.0.2:2"]
            .iter()
            .map(|it| it.parse().unwrap())
            .collect();
        let server = StunServer { conduct: Conduct::Honest, second };
        let client = "127.0.0.1:9".parse().unwrap();
        let replies = answer(server, &addresses, index, &request(flags), client, &mut Held::default());
        assert_eq!(replies.len(), 1);
        replies.into_iter().next().unwrap()
    }

    #[test]
    fn change_request_is_answered_from_the_right_socket() {
        // RFC 5780 7.2 table 1, for each socket that may be asked: 0x04 is the other IP address, 0x02 the other port.
        for (index, flags, from) in
            [(0, 0, 0), (0, 2, 1), (0, 4, 2), (0, 6, 3), (1, 2, 0), (2, 4, 0), (3, 6, 0), (3, 0, 3)]
        {
            let reply = ask(Second::Whole, index, flags);
            assert_eq!(reply.from, fault::Sender::Socket(from), "{index} {flags}");
            assert!(reply.bytes.starts_with(&[1, 1]));
        }
        assert_eq!(ask(Second::Ignores, 0, 6).from, fault::Sender::Socket(0));
        assert!(ask(Second::Lacks, 0, 0).bytes.starts_with(&[1, 1]));
        let refused = ask(Second::Lacks, 0, 6);
        assert!(refused.bytes.starts_with(&[1, 0x11]) && refused.bytes[24..28] == [0, 0, 4, 20]);
    }
}
