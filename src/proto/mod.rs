//! Protocols without I/O: bytes and times in, bytes and times out.

use std::net::SocketAddr;
use std::time::Duration;

pub mod date;
pub mod greeting;
pub mod ntp;
pub mod peer;
pub mod stun;

/// When a first contact over UDP is tried, after its start: spread, since losses come in bursts.
pub const SENDS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_millis(1500),
];

/// No answer by then, after the start, is silence.
pub const SILENCE: Duration = Duration::from_millis(2200);

/// A protocol's side of a conversation. A driver calls [`poll`](Machine::poll) until it says
/// [`Step::Wait`], waits that long for datagrams and errors, hands them over, and polls again.
///
/// All times are since the run's start.
pub trait Machine {
    /// A datagram came; whose it is and whether it is to be believed is the machine's business.
    fn handle(&mut self, bytes: &[u8], from: SocketAddr, now: Duration);
    /// The network, or this host, refused what was sent to `to`.
    fn handle_error(&mut self, to: SocketAddr, error: IcmpKind, now: Duration);
    /// The datagram that [`poll`](Machine::poll) gave last did not leave this host: it counts as not sent.
    fn handle_unsent(&mut self, to: SocketAddr, error: IcmpKind, now: Duration) {
        self.handle_error(to, error, now);
    }
    /// What to do next. Never waits itself.
    fn poll(&mut self, now: Duration) -> Step;
}

/// What a [`Machine`] wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this now, then poll again.
    Transmit(Transmit),
    /// Nothing to do before this time (since the run's start) unless something arrives.
    Wait(Duration),
    /// The machine is at its end; datagrams may still be handed over, to be counted.
    Done,
}

/// A datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Which of the machine's sockets; 0 where it has one.
    pub socket: usize,
    /// Destination.
    pub to: SocketAddr,
    /// The payload of UDP.
    pub bytes: Vec<u8>,
    /// IP time to live for this datagram only; the system's default if none.
    pub ttl: Option<u8>,
    /// Forbid fragmentation (DF), for questions about the path's MTU.
    pub dont_fragment: bool,
}

impl Transmit {
    /// A plain datagram from the machine's first socket.
    pub fn new(to: SocketAddr, bytes: Vec<u8>) -> Self {
        Self { socket: 0, to, bytes, ttl: None, dont_fragment: false }
    }
}

/// Why a datagram did not go through, as ICMP or the sending system call said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IcmpKind {
    /// The host is there, the port is closed (`ECONNREFUSED`).
    PortUnreachable,
    /// No such host on its network (`EHOSTUNREACH`).
    HostUnreachable,
    /// No route (`ENETUNREACH`).
    NetUnreachable,
    /// A router's filter says so (ICMP type 3 codes 9, 10, 13).
    Prohibited,
    /// This host's own firewall (`EPERM`): nothing left it.
    Denied,
    /// Too big for the path; the next hop's MTU in bytes where the router told it (`EMSGSIZE`).
    TooBig(Option<u32>),
    /// Time to live exceeded on the way.
    TimeExceeded,
    /// This host had no local port left, or no address of its own to send from (`EADDRNOTAVAIL`).
    NoPort,
    /// This host had no buffers or memory left (`ENOBUFS`, `ENOMEM`).
    NoBuffers,
    /// Anything else.
    Other,
}
