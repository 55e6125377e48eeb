//! A UDP socket that learns of ICMP errors and of its true local address; knows no protocol.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd, RawFd};

use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrStorage, getsockopt,
    recvmsg, sendmsg, setsockopt, sockopt,
};
use tokio::io::Interest;

use super::width::i64_of;
use crate::proto::{IcmpKind, Transmit};

/// Larger than any answer we ask for (coturn's padded answer has 1,604 bytes); a longer datagram is cut.
const BUFFER: usize = 2048;

/// `SO_EE_ORIGIN_ICMP` and `SO_EE_ORIGIN_ICMP6` of linux/errqueue.h: the error came from the network.
const ORIGIN_ICMP: u8 = 2;
const ORIGIN_ICMP6: u8 = 3;

/// What a socket received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A datagram and its source.
    Datagram(Vec<u8>, SocketAddr),
    /// An error about an earlier datagram.
    Error(IcmpError),
}

/// An ICMP error, or this host's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Where the datagram was going; none where the kernel does not say.
    pub to: Option<SocketAddr>,
    /// What is wrong.
    pub kind: IcmpKind,
    /// Who sent the error; none where this host itself did.
    pub offender: Option<IpAddr>,
    /// ICMP `type * 256 + code`.
    pub code: u16,
}

/// Whether a route or a rule of this host's own refuses this destination: unreachable, prohibit, blackhole. A look-up by
/// `connect`; nothing is sent. That there is no route at all is another matter (`ENETUNREACH`).
pub fn own_route_refuses(to: SocketAddr) -> bool {
    let looked_up = UdpSocket::bind(wildcard(to.ip())).and_then(|socket| socket.connect(to));
    let code = looked_up.err().and_then(|error| error.raw_os_error());
    matches!(code, Some(libc::EHOSTUNREACH | libc::EACCES | libc::EINVAL))
}

/// Whether this host has no address to send there from. A look-up by `connect`; nothing is sent.
pub fn no_source_address(to: SocketAddr) -> bool {
    let Ok(socket) = UdpSocket::bind(wildcard(to.ip())) else { return false };
    socket.connect(to).err().and_then(|error| error.raw_os_error()) == Some(libc::EADDRNOTAVAIL)
}

/// A non-blocking UDP socket of one family with `IP_RECVERR` on.
#[derive(Debug)]
pub struct UdpPort {
    io: tokio::net::UdpSocket,
}

impl UdpPort {
    /// An unconnected socket on any local address of the family of `to`, on a port that the kernel draws.
    pub fn unconnected(to: IpAddr) -> io::Result<Self> {
        Self::open(UdpSocket::bind(wildcard(to))?, to)
    }

    /// A socket that talks to `server` alone; its local address is the true one for that destination.
    pub fn connected(server: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(wildcard(server.ip()))?;
        socket.connect(server)?;
        Self::open(socket, server.ip())
    }

    /// Over a connected socket of another protocol that takes datagrams: ICMP echoes.
    pub(super) fn over(socket: UdpSocket, peer: IpAddr) -> io::Result<Self> {
        Self::open(socket, peer)
    }

    fn open(socket: UdpSocket, family: IpAddr) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        if family.is_ipv4() {
            setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
        } else {
            setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
        }
        Ok(Self { io: tokio::net::UdpSocket::from_std(socket)? })
    }

    /// The bound address; the true local one where the socket is connected.
    pub fn local(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// The same socket once more, for a reader who wants no ICMP errors: they are off from here on, for both.
    pub fn again(&self) -> io::Result<UdpSocket> {
        let socket = UdpSocket::from(self.io.as_fd().try_clone_to_owned()?);
        // Either family: the other one's option is not there to be set.
        let _ = setsockopt(&socket, sockopt::Ipv4RecvErr, &false);
        let _ = setsockopt(&socket, sockopt::Ipv6RecvErr, &false);
        Ok(socket)
    }

    /// The peer, where the socket is connected.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.io.peer_addr().ok()
    }

    /// Hands a datagram to the kernel. An error that an earlier datagram caused is not this one's: it is tried again.
    pub fn send(&self, datagram: &Transmit) -> io::Result<()> {
        match self.send_once(datagram) {
            Err(e)
                if matches!(e.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable) =>
            {
                self.send_once(datagram)
            }
            done => done,
        }
    }

    fn send_once(&self, datagram: &Transmit) -> io::Result<()> {
        let socket = &self.io;
        if let (Some(ttl), SocketAddr::V6(_)) = (datagram.ttl, datagram.to) {
            setsockopt(socket, sockopt::Ipv6Ttl, &i32::from(ttl))?;
        }
        let ttl = i32::from(datagram.ttl.unwrap_or(64));
        let limit = [ControlMessage::Ipv4Ttl(&ttl)];
        let limit = if datagram.ttl.is_some() && datagram.to.is_ipv4() { &limit[..] } else { &[] };
        let bytes = [io::IoSlice::new(&datagram.bytes)];
        let connected = self.peer().is_some();
        let to = SockaddrStorage::from(datagram.to);
        sendmsg(socket.as_raw_fd(), &bytes, limit, MsgFlags::empty(), (!connected).then_some(&to))?;
        Ok(())
    }

    /// The MTU of the route to the peer as the kernel knows it, bytes of IP.
    pub fn route_mtu(&self) -> io::Result<u32> {
        let mtu = getsockopt(&self.io, sockopt::IpMtu)?;
        Ok(u32::try_from(mtu).unwrap_or(0))
    }

    /// Waits for the next datagram or error. Safe to cancel.
    pub async fn receive(&self) -> io::Result<Arrival> {
        Ok(self.receive_stamped().await?.0)
    }

    /// Asks the kernel to stamp arrivals. Best effort: without stamps the time of reading has to serve.
    pub fn stamp_arrivals(&self) {
        let _ = setsockopt(&self.io, sockopt::ReceiveTimestampns, &true);
    }

    /// As [`Self::receive`], and when the kernel received the datagram by `CLOCK_REALTIME`, nanoseconds since 1970.
    pub async fn receive_stamped(&self) -> io::Result<(Arrival, Option<i64>)> {
        self.io.async_io(Interest::READABLE | Interest::ERROR, || self.take()).await
    }

    /// What is there now: errors first, since they explain the silence; `WouldBlock` where there is nothing.
    fn take(&self) -> io::Result<(Arrival, Option<i64>)> {
        let mut bytes = [0; BUFFER];
        // The socket's pending error is told once by the queue and once by receiving: the second time says nothing new.
        for _ in 0..2 {
            if let Some(error) = queued_error(self.io.as_raw_fd(), &mut bytes)? {
                return Ok((Arrival::Error(error), None));
            }
            match self.receive_once(&mut bytes) {
                Ok((length, from, stamp_ns)) => {
                    return Ok((Arrival::Datagram(bytes[..length].to_vec(), from), stamp_ns));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => {}
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn receive_once(&self, bytes: &mut [u8]) -> io::Result<(usize, SocketAddr, Option<i64>)> {
        let mut parts = [IoSliceMut::new(bytes)];
        let mut space = nix::cmsg_space!(libc::timespec);
        let flags = MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<SockaddrStorage>(self.io.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
        let stamp_ns = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(at) => {
                i64_of(at.tv_sec()).checked_mul(1_000_000_000)?.checked_add(i64_of(at.tv_nsec()))
            }
            _ => None,
        });
        let from = message.address.as_ref().and_then(to_std).ok_or(io::ErrorKind::InvalidData)?;
        Ok((message.bytes, from, stamp_ns))
    }
}

/// The oldest error that the network sent about this socket, or this host itself; the socket needs `IP_RECVERR`.
pub(super) fn queued_error(socket: RawFd, bytes: &mut [u8]) -> io::Result<Option<IcmpError>> {
    let mut parts = [IoSliceMut::new(bytes)];
    // Stamps come along with errors, too.
    let mut space = nix::cmsg_space!(libc::timespec, libc::sock_extended_err, libc::sockaddr_in6);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message = match recvmsg::<SockaddrStorage>(socket, &mut parts, Some(&mut space), flags) {
        Ok(message) => message,
        Err(nix::errno::Errno::EAGAIN) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let to = message.address.as_ref().and_then(to_std);
    let found = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::Ipv4RecvErr(error, from) => {
            Some((error, from.map(|a| IpAddr::V4(Ipv4Addr::from(u32::from_be(a.sin_addr.s_addr))))))
        }
        ControlMessageOwned::Ipv6RecvErr(error, from) => {
            Some((error, from.map(|a| IpAddr::V6(Ipv6Addr::from(a.sin6_addr.s6_addr)))))
        }
        _ => None,
    });
    Ok(found.map(|(error, from)| IcmpError {
        to,
        kind: kind_of(&error),
        offender: from.filter(|ip| from_network(&error) && !ip.is_unspecified()),
        code: u16::from(error.ee_type) << 8 | u16::from(error.ee_code),
    }))
}

fn wildcard(family: IpAddr) -> SocketAddr {
    match family {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

fn to_std(address: &SockaddrStorage) -> Option<SocketAddr> {
    address
        .as_sockaddr_in()
        .map(|a: &SockaddrIn| SocketAddr::from((a.ip(), a.port())))
        .or_else(|| address.as_sockaddr_in6().map(|a: &SockaddrIn6| SocketAddr::from((a.ip(), a.port()))))
}

fn from_network(error: &libc::sock_extended_err) -> bool {
    matches!(error.ee_origin, ORIGIN_ICMP | ORIGIN_ICMP6)
}

/// Sorts an error of the queue. ICMP types: RFC 792, RFC 1812 5.2.7.1 (codes 9, 10, 13), RFC 4443.
fn kind_of(error: &libc::sock_extended_err) -> IcmpKind {
    match (error.ee_origin, error.ee_type, error.ee_code) {
        (ORIGIN_ICMP, 3, 3) | (ORIGIN_ICMP6, 1, 4) => IcmpKind::PortUnreachable,
        (ORIGIN_ICMP, 3, 9 | 10 | 13) | (ORIGIN_ICMP6, 1, 1 | 5) => IcmpKind::Prohibited,
        (ORIGIN_ICMP, 3, 4) | (ORIGIN_ICMP6, 2, _) => IcmpKind::TooBig(Some(error.ee_info)),
        (ORIGIN_ICMP, 3, 1 | 7 | 12) | (ORIGIN_ICMP6, 1, 3) => IcmpKind::HostUnreachable,
        (ORIGIN_ICMP, 3, _) | (ORIGIN_ICMP6, 1, _) => IcmpKind::NetUnreachable,
        (ORIGIN_ICMP, 11, _) | (ORIGIN_ICMP6, 3, _) => IcmpKind::TimeExceeded,
        _ => kind_of_errno(i32::try_from(error.ee_errno).unwrap_or(0)),
    }
}

/// Sorts what `sendto` said.
pub fn kind_of_send(error: &io::Error) -> IcmpKind {
    error.raw_os_error().map_or(IcmpKind::Other, kind_of_errno)
}

fn kind_of_errno(errno: i32) -> IcmpKind {
    match errno {
        libc::ECONNREFUSED => IcmpKind::PortUnreachable,
        libc::EHOSTUNREACH => IcmpKind::HostUnreachable,
        libc::ENETUNREACH | libc::ENETDOWN => IcmpKind::NetUnreachable,
        libc::EADDRNOTAVAIL | libc::EADDRINUSE => IcmpKind::NoPort,
        libc::ENOBUFS | libc::ENOMEM | libc::EAGAIN => IcmpKind::NoBuffers,
        libc::EPERM | libc::EACCES => IcmpKind::Denied,
        libc::EMSGSIZE => IcmpKind::TooBig(None),
        _ => IcmpKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_closed_port_is_told_with_its_offender_on_an_unconnected_socket() {
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let port = UdpPort::unconnected(closed.ip()).unwrap();
        port.send(&Transmit::new(closed, b"x".to_vec())).unwrap();
        let expected = IcmpError {
            to: Some(closed),
            kind: IcmpKind::PortUnreachable,
            offender: Some(closed.ip()),
            code: 3 << 8 | 3,
        };
        assert_eq!(port.receive().await.unwrap(), Arrival::Error(expected));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_connected_socket_knows_its_true_local_address_and_hears_its_peer() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let port = UdpPort::connected(address).unwrap();
        let local = port.local().unwrap();
        assert_eq!(local.ip(), address.ip());
        port.send(&Transmit { ttl: Some(9), ..Transmit::new(address, b"ping".to_vec()) }).unwrap();
        let mut buffer = [0; 16];
        let (length, from) = server.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&b"ping"[..], local));
        server.send_to(b"pong", from).unwrap();
        assert_eq!(port.receive().await.unwrap(), Arrival::Datagram(b"pong".to_vec(), address));
    }
}
