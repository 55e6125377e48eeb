//! A connected UDP socket that knows when the kernel received and who refused; knows nothing of NTP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::Interest;
use tokio::net::UdpSocket;

/// The longest datagram that is read; what is longer is cut.
const MAX_DATAGRAM: usize = 2048;

/// A datagram from the peer: the kernel drops those of others, since the socket is connected.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) bytes: Vec<u8>,
    /// When the kernel received it by `CLOCK_REALTIME`, nanoseconds since 1970.
    pub(super) stamp_ns: Option<i64>,
}

/// What the system said, and the ICMP error behind it.
#[derive(Debug)]
pub(super) struct SocketError {
    pub(super) error: io::Error,
    /// Who sent the ICMP error; `None` when it came from this host.
    pub(super) offender: Option<IpAddr>,
    /// `type * 256 + code`.
    pub(super) icmp: Option<u16>,
}

impl From<io::Error> for SocketError {
    fn from(error: io::Error) -> Self {
        Self { error, offender: None, icmp: None }
    }
}

/// The socket; made inside a tokio runtime.
#[derive(Debug)]
pub(super) struct Socket(UdpSocket);

impl Socket {
    /// A socket of an ephemeral port (random: RFC 9109) that hears `peer` alone.
    pub(super) fn connect(peer: SocketAddr) -> io::Result<Self> {
        let any: IpAddr = match peer {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = std::net::UdpSocket::bind((any, 0))?;
        socket.set_nonblocking(true)?;
        linux::prepare(&socket, peer);
        socket.connect(peer)?;
        Ok(Self(UdpSocket::from_std(socket)?))
    }

    /// Hands a datagram to the kernel at once; a full buffer is an error.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        linux::send(&self.0, bytes)
    }

    /// The next datagram, or the next error. Interest in errors is needed: tokio alone does not wake a reader for one.
    pub(super) async fn receive(&self) -> Result<Datagram, SocketError> {
        let wanted = Interest::READABLE | Interest::ERROR;
        match self.0.async_io(wanted, || linux::receive(&self.0)).await {
            Ok(datagram) => Ok(datagram),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Adds to an error what the kernel's error queue knows of it.
    pub(super) fn explain(&self, error: io::Error) -> SocketError {
        let (offender, icmp) = linux::icmp_error(&self.0).unwrap_or_default();
        SocketError { error, offender, icmp }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, IoSliceMut};
    use std::net::{IpAddr, SocketAddr};
    use std::os::fd::AsRawFd;

    use nix::cmsg_space;
    use nix::sys::socket::{
        ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, send as send_to_peer, setsockopt, sockopt,
    };
    use nix::sys::time::TimeSpec;

    use super::{Datagram, MAX_DATAGRAM};

    /// Best effort: without a stamp the time of reading serves, without the error queue the bare error does.
    pub(super) fn prepare(socket: &std::net::UdpSocket, peer: SocketAddr) {
        let _ = setsockopt(socket, sockopt::ReceiveTimestampns, &true);
        let _ = match peer {
            SocketAddr::V4(_) => setsockopt(socket, sockopt::Ipv4RecvErr, &true),
            SocketAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvErr, &true),
        };
    }

    /// Not tokio's `try_send`: that one refuses until the runtime has seen the socket writable, which is after T1.
    pub(super) fn send(socket: &impl AsRawFd, bytes: &[u8]) -> io::Result<usize> {
        Ok(send_to_peer(socket.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT)?)
    }

    pub(super) fn receive(socket: &impl AsRawFd) -> io::Result<Datagram> {
        let mut bytes = vec![0; MAX_DATAGRAM];
        let mut control = cmsg_space!(TimeSpec);
        let (length, stamp_ns) = {
            let mut parts = [IoSliceMut::new(&mut bytes)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let message =
                recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
            let stamp = message.cmsgs().ok().and_then(|mut all| all.find_map(stamp_ns));
            (message.bytes, stamp)
        };
        bytes.truncate(length);
        Ok(Datagram { bytes, stamp_ns })
    }

    #[expect(clippy::needless_pass_by_value, reason = "the shape that find_map wants")]
    fn stamp_ns(message: ControlMessageOwned) -> Option<i64> {
        let ControlMessageOwned::ScmTimestampns(at) = message else { return None };
        at.tv_sec().checked_mul(1_000_000_000)?.checked_add(at.tv_nsec())
    }

    /// Empties the error queue; the sender and `type * 256 + code` of the last ICMP error in it.
    pub(super) fn icmp_error(socket: &impl AsRawFd) -> Option<(Option<IpAddr>, Option<u16>)> {
        let mut last = None;
        // Every packet sent raises at most a few errors; the bound only guards against a flood of them.
        for _ in 0..16 {
            let mut quoted = [0; 64];
            let mut parts = [IoSliceMut::new(&mut quoted)];
            let mut control = vec![0; 256];
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_ERRQUEUE;
            let read = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags);
            let Ok(message) = read else { break };
            last = message.cmsgs().ok().and_then(|mut all| all.find_map(icmp)).or(last);
        }
        last
    }

    #[expect(clippy::needless_pass_by_value, reason = "the shape that find_map wants")]
    fn icmp(message: ControlMessageOwned) -> Option<(Option<IpAddr>, Option<u16>)> {
        const FROM_ICMP: [u8; 2] = [libc::SO_EE_ORIGIN_ICMP, libc::SO_EE_ORIGIN_ICMP6];
        let (error, offender) = match message {
            ControlMessageOwned::Ipv4RecvErr(error, from) => {
                (error, from.map(|a| IpAddr::from(a.sin_addr.s_addr.to_ne_bytes())))
            }
            ControlMessageOwned::Ipv6RecvErr(error, from) => {
                (error, from.map(|a| IpAddr::from(a.sin6_addr.s6_addr)))
            }
            _ => return None,
        };
        FROM_ICMP
            .contains(&error.ee_origin)
            .then(|| (offender, Some(u16::from_be_bytes([error.ee_type, error.ee_code]))))
    }
}

/// Elsewhere the time of reading serves as the stamp, and errors come without their sender.
#[cfg(not(target_os = "linux"))]
mod linux {
    use std::io;
    use std::net::{IpAddr, SocketAddr};

    use tokio::net::UdpSocket;

    use super::{Datagram, MAX_DATAGRAM};

    pub(super) fn prepare(_: &std::net::UdpSocket, _: SocketAddr) {}

    pub(super) fn send(socket: &UdpSocket, bytes: &[u8]) -> io::Result<usize> {
        socket.try_send(bytes)
    }

    pub(super) fn receive(socket: &UdpSocket) -> io::Result<Datagram> {
        let mut bytes = vec![0; MAX_DATAGRAM];
        let length = socket.try_recv(&mut bytes)?;
        bytes.truncate(length);
        Ok(Datagram { bytes, stamp_ns: None })
    }

    pub(super) fn icmp_error(_: &UdpSocket) -> Option<(Option<IpAddr>, Option<u16>)> {
        None
    }
}
