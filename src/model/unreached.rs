//! A peer that takes no connection: what came instead, and who said so; as data and in words.

use super::observation::FailureKind;

/// A peer that takes no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// `host:port`, with the address where it is known.
    pub target: String,
    /// Its port.
    pub port: u16,
    /// What came instead.
    pub kind: FailureKind,
    /// Who said so, as far as it is known.
    pub maker: Maker,
}

/// Who refuses a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The peer itself.
    Peer,
    /// This host itself: its packet filter lets nothing out, or answers in the peer's place.
    ThisHost,
    /// A device on the way, by its ICMP error, or by its reset's TTL.
    Nearer(Option<std::net::IpAddr>),
    /// Nobody can tell.
    Unknown,
}

impl Unreached {
    /// The peer itself refuses: it is there, and nothing listens.
    pub fn by_peer(&self) -> bool {
        self.kind == FailureKind::Refused && !matches!(self.maker, Maker::Nearer(_) | Maker::ThisHost)
    }

    /// What came, in words.
    pub fn words(&self) -> String {
        let kind = match self.kind {
            FailureKind::Timeout => "no answer",
            FailureKind::Refused => "refused",
            kind => kind.word(),
        };
        match self.maker {
            Maker::Nearer(Some(ip)) => format!("{}: {kind} by {ip}, on the way", self.target),
            Maker::Nearer(None) => format!("{}: {kind} by a router on the way (by its TTL)", self.target),
            Maker::ThisHost if self.kind == FailureKind::NoRoute => {
                format!("{}: refused by this host's own routing", self.target)
            }
            Maker::ThisHost => format!("{}: denied by this host's own packet filter", self.target),
            Maker::Peer => format!("{}: {kind} by the host itself", self.target),
            Maker::Unknown => format!("{}: {kind}", self.target),
        }
    }
}
