//! What one probe saw: an answer, a failure, or nothing because it did not run. Never an `Err`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One try at one target, and how far it got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation<T> {
    /// The target as the user or the table names it: `stun.example.net:3478`.
    pub target: String,
    /// The address that was really asked; none where the name did not resolve.
    pub address: Option<SocketAddr>,
    /// When the try began, microseconds since the run's start.
    pub at_us: u64,
    /// How long it took, microseconds.
    pub took_us: u64,
    /// What came of it.
    pub outcome: Outcome<T>,
}

/// The three ways a try can end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// An answer that was accepted.
    Seen(T),
    /// Tried, and stopped by something.
    Failed(ProbeFailure),
    /// Not tried.
    NotRun(NotRun),
}

/// What stopped a try. Checks match `phase` and `kind`, never `detail`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeFailure {
    /// How far the try got.
    pub phase: Phase,
    /// What stopped it, by who must act.
    pub kind: FailureKind,
    /// Who said so: the sender of an ICMP error or of a reset, where it is known.
    #[serde(default)]
    pub offender: Option<IpAddr>,
    /// A protocol's own code: STUN ERROR-CODE, ICMP `type * 256 + code`.
    #[serde(default)]
    pub code: Option<u16>,
    /// Packets sent without an accepted answer.
    #[serde(default)]
    pub sent: u32,
    /// Datagrams that were dropped as not an answer to what was sent.
    #[serde(default)]
    pub strays: u32,
    /// Whether a full schedule was waited for, so that silence means something.
    #[serde(default = "yes")]
    pub conclusive: bool,
    /// For people; already cleaned of control characters.
    #[serde(default)]
    pub detail: String,
}

fn yes() -> bool {
    true
}

/// How far a try got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// A name to addresses.
    Resolve,
    /// Opening a socket, finding a route.
    Socket,
    /// Handing a packet to the kernel.
    Send,
    /// Waiting for a datagram.
    Receive,
    /// TCP connect.
    Connect,
    /// TLS handshake.
    Handshake,
    /// Writing a request.
    Request,
    /// Reading a response.
    Response,
    /// Reading a file or the kernel's state.
    Read,
}

/// What stopped a try, told apart by who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Silence for as long as was waited.
    Timeout,
    /// Said no: ICMP port unreachable, TCP reset at connect.
    Refused,
    /// No route here, or an ICMP error of network or host unreachable, prohibited included.
    Unreachable,
    /// EPERM or EACCES: a firewall or policy of this very host.
    Denied,
    /// This host's own routing refuses: an unreachable, prohibit or blackhole route, or a rule.
    NoRoute,
    /// A connection that stood was reset.
    Reset,
    /// A connection that stood was closed too early.
    Closed,
    /// Bytes that do not follow the protocol, or that answer nothing.
    Malformed,
    /// A well-formed answer that says what cannot be: an address that no server can have seen.
    Implausible,
    /// The peer's identity did not hold.
    Untrusted,
    /// A well-formed refusal of the protocol itself: a STUN error, a kiss of death.
    Rejected,
    /// The name does not exist (NXDOMAIN).
    NotFound,
    /// The resolver failed (SERVFAIL and its like).
    ResolverFailed,
    /// The name exists and has no address of this family.
    NoAddress,
    /// More than was asked for, or could be kept.
    TooLarge,
    /// Lacking rights to look.
    Rights,
    /// This host had no file descriptor, memory or thread left to try with.
    Exhausted,
    /// This host had no local port left to send from.
    NoPort,
    /// This host had no room left in the buffers of its network stack.
    NoBuffers,
    /// Anything else the system said.
    Io,
}

/// Why a try was not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotRun {
    /// Nobody asked for it.
    NotAsked,
    /// An earlier step did not succeed; its name.
    Needs(String),
    /// Not supported by this system or server; why.
    Unsupported(String),
    /// This host had no file descriptor, memory or thread left to try with; the system's word.
    Exhausted(String),
    /// This host had no local port left to send from; the system's word.
    NoPort(String),
    /// This host had no room left in the buffers of its network stack; the system's word.
    NoBuffers(String),
    /// Ctrl-C came first.
    Interrupted,
    /// The run's deadline came first.
    Deadline,
}

impl NotRun {
    /// What this host had nothing left of, in the system's words.
    pub fn own_want(&self) -> Option<&str> {
        match self {
            Self::Exhausted(why) | Self::NoPort(why) | Self::NoBuffers(why) => Some(why),
            _ => None,
        }
    }
}

impl<T> Observation<T> {
    /// The same with another answer in it.
    pub fn map<U>(self, wrap: impl FnOnce(T) -> U) -> Observation<U> {
        let Self { target, address, at_us, took_us, outcome } = self;
        let outcome = match outcome {
            Outcome::Seen(value) => Outcome::Seen(wrap(value)),
            Outcome::Failed(failure) => Outcome::Failed(failure),
            Outcome::NotRun(why) => Outcome::NotRun(why),
        };
        Observation { target, address, at_us, took_us, outcome }
    }

    /// The accepted answer, if there is one.
    pub fn seen(&self) -> Option<&T> {
        match &self.outcome {
            Outcome::Seen(value) => Some(value),
            Outcome::Failed(_) | Outcome::NotRun(_) => None,
        }
    }

    /// What stopped it, if something did.
    pub fn failure(&self) -> Option<&ProbeFailure> {
        match &self.outcome {
            Outcome::Failed(failure) => Some(failure),
            Outcome::Seen(_) | Outcome::NotRun(_) => None,
        }
    }

    /// The port that was asked, or would have been.
    pub fn port(&self) -> Option<u16> {
        let named = || self.target.rsplit_once(':')?.1.parse().ok();
        self.address.map(|address| address.port()).or_else(named)
    }

    /// How long the try took.
    pub fn took(&self) -> Duration {
        Duration::from_micros(self.took_us)
    }
}

impl ProbeFailure {
    /// A failure without numbers; the builder methods add them.
    pub fn new(phase: Phase, kind: FailureKind, detail: impl Into<String>) -> Self {
        Self {
            phase,
            kind,
            offender: None,
            code: None,
            sent: 0,
            strays: 0,
            conclusive: true,
            detail: detail.into(),
        }
    }

    /// The same, sorted by what the operating system said.
    pub fn from_io(phase: Phase, error: &std::io::Error) -> Self {
        Self::new(phase, FailureKind::of_io(error), error.to_string())
    }
}

/// EMFILE, ENFILE and ENOMEM, the same on every Unix.
const EXHAUSTED: [i32; 3] = [24, 23, 12];
/// EADDRINUSE and EADDRNOTAVAIL of a socket that named no port itself, and ENOBUFS, as Linux numbers them.
const NO_PORT: [i32; 2] = [98, 99];
const NO_BUFFERS: i32 = 105;

impl FailureKind {
    /// Sorts an operating system's error by who must act.
    pub fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as E;
        if error.raw_os_error().is_some_and(|errno| EXHAUSTED.contains(&errno)) {
            return Self::Exhausted;
        }
        match error.raw_os_error() {
            Some(errno) if NO_PORT.contains(&errno) => return Self::NoPort,
            Some(NO_BUFFERS) => return Self::NoBuffers,
            _ => {}
        }
        match error.kind() {
            E::TimedOut | E::WouldBlock => Self::Timeout,
            E::ConnectionRefused => Self::Refused,
            E::ConnectionReset | E::BrokenPipe => Self::Reset,
            E::ConnectionAborted | E::UnexpectedEof | E::NotConnected => Self::Closed,
            E::PermissionDenied => Self::Denied,
            E::HostUnreachable | E::NetworkUnreachable | E::NetworkDown | E::AddrNotAvailable => {
                Self::Unreachable
            }
            E::NotFound => Self::NotFound,
            E::InvalidData => Self::Malformed,
            _ => Self::Io,
        }
    }

    /// The peer answered, and its answer cannot be used: packets pass both ways.
    pub fn is_wrong_answer(self) -> bool {
        matches!(self, Self::Malformed | Self::Implausible | Self::Rejected)
    }

    /// Whether this host had nothing left to try with: that says nothing of anybody else.
    pub fn is_own_want(self) -> bool {
        matches!(self, Self::Exhausted | Self::NoPort | Self::NoBuffers)
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Timeout => "no answer",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Denied => "denied by this host",
            Self::NoRoute => "refused by this host's own routing",
            Self::Reset => "reset",
            Self::Closed => "closed early",
            Self::Malformed => "malformed answer",
            Self::Implausible => "impossible answer",
            Self::Untrusted => "not trusted",
            Self::Rejected => "rejected",
            Self::NotFound => "not found",
            Self::ResolverFailed => "resolver failed",
            Self::NoAddress => "no address",
            Self::TooLarge => "too large",
            Self::Rights => "lacks rights",
            Self::Exhausted => "this host has nothing left to try with",
            Self::NoPort => "this host has no local port left",
            Self::NoBuffers => "this host has no buffers left to send with",
            Self::Io => "system error",
        }
    }
}
