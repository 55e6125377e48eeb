//! What a search for a pair of addresses begins with, and what it knows of each pair. Data alone.

use std::net::SocketAddr;
use std::time::Duration;

use super::check::Keys;
use super::pair::Remote;
use crate::proto::IcmpKind;

/// What is known of a pair: one of our sockets, one remote address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Which of our sockets.
    pub socket: usize,
    /// The other end.
    pub remote: Remote,
    /// RFC 8445 6.1.2.3.
    pub priority: u64,
    /// Checks sent.
    pub sent: u32,
    /// Checks of ours that the other side answered.
    pub answered: u32,
    /// Checks of the other side that came from there.
    pub heard: u32,
    /// Our address as the other side saw it.
    pub seen: Option<SocketAddr>,
    /// The least round trip.
    pub rtt: Option<Duration>,
    /// The last error about it.
    pub error: Option<IcmpKind>,
    pub(super) next: Duration,
    /// No answer came to its nomination.
    pub(super) failed: bool,
}

/// The pair that both sides use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Which of our sockets.
    pub socket: usize,
    /// The other end.
    pub remote: SocketAddr,
    /// Round trip of a check, where one was measured.
    pub rtt: Option<Duration>,
}

/// What a search of ports sends to.
pub type Target = (usize, SocketAddr);

/// What a [`Punch`](super::Punch) begins with.
#[derive(Debug)]
pub struct Settings {
    /// Whether this side leads: [`super::leads`].
    pub leads: bool,
    /// The keys of both lines.
    pub keys: Keys,
    /// Random bytes, used for nothing else.
    pub seed: [u8; 32],
    /// Since the run's start.
    pub start: Duration,
    /// Which socket reaches IPv4 and which IPv6; none where there is none.
    pub sockets: [Option<usize>; 2],
    /// Whom to send to.
    pub remotes: Vec<Remote>,
    /// More to send to, by turns, where a NAT's ports are searched.
    pub search: Vec<Target>,
}
