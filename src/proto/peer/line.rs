//! The line that two people swap: where a host may be reached, and the hash of its one-time certificate. Text in,
//! text out; nothing of a line is believed before its sum is right.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ring::digest::{SHA256, digest};

use super::base58;

/// What a line of this version begins with.
pub const PREFIX: &str = "cdp1:";
/// Longest line, in characters.
pub const MOST_CHARACTERS: usize = 200;
/// Most candidates of a line; those that do not fit into [`MOST_CHARACTERS`] are left out, the last first.
pub const MOST_CANDIDATES: usize = 16;
/// How long a line is of use, in seconds: its maker waits no longer.
pub const LIFE_S: u32 = 600;
/// How far two hosts' clocks may be apart before a fresh line is taken for an old one, in seconds.
pub const CLOCKS_S: u32 = 120;

/// Bytes that give at most 195 letters of base58.
const MOST_BYTES: usize = 142;
const SUM: usize = 4;

/// How a candidate was found (RFC 8445 5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An address of the host's own.
    Host,
    /// What STUN servers see.
    ServerReflexive,
}

/// Where a host may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// How it was found.
    pub kind: Kind,
    /// Address and port.
    pub address: SocketAddr,
}

/// What the maker's NAT does to one socket that asks several STUN servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// Fewer than two servers answered.
    Unknown,
    /// Servers see the local address.
    NoNat,
    /// All see the same (RFC 4787 4.1).
    Independent,
    /// They do not: the mapping changes with the destination.
    Dependent,
    /// No server answered.
    Silent,
}

const MAPPINGS: [Mapping; 5] =
    [Mapping::Unknown, Mapping::NoNat, Mapping::Independent, Mapping::Dependent, Mapping::Silent];

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was made, by its maker's clock, seconds since 1970.
    pub made_s: u32,
    /// SHA-256 of the maker's one-time certificate (DER).
    pub certificate: [u8; 32],
    /// The maker's NAT.
    pub mapping: Mapping,
    /// The maker would search ports (`--hard`).
    pub hard: bool,
    /// [`Line::tag`] of the line that the maker held already.
    pub answers: Option<[u8; 2]>,
    /// Where the maker may be reached, best first.
    pub candidates: Vec<Candidate>,
}

/// Why a text is no line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineError {
    /// Nothing of the kind.
    NotALine,
    /// A line of another version: its prefix.
    Version(String),
    /// A character is missing, too many or changed.
    Damaged,
    /// The sum is right, the content is none that this program writes.
    Content,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotALine => {
                write!(f, "this is no line of `connector-doctor peer`: one begins with {PREFIX}")
            }
            Self::Version(other) => write!(
                f,
                "the line is of version {other}, this program speaks {}: use the same version on both hosts",
                PREFIX.trim_end_matches(':')
            ),
            Self::Damaged => {
                write!(f, "the line is damaged: a character is missing or changed; copy the whole line again")
            }
            Self::Content => write!(f, "the line holds what no line of this version holds: make a new one"),
        }
    }
}

impl std::error::Error for LineError {}

impl Line {
    /// The line as text, at most [`MOST_CHARACTERS`] long; with it, the line as the other side will read it, without the
    /// candidates that had no room.
    pub fn write(mut self) -> (String, Self) {
        self.candidates.truncate(MOST_CANDIDATES);
        while self.payload().len() + SUM > MOST_BYTES && self.candidates.pop().is_some() {}
        let mut bytes = self.payload();
        bytes.extend(sum(&bytes));
        (format!("{PREFIX}{}", base58::encode(&bytes)), self)
    }

    /// Reads what somebody pasted: white space, quotation marks and words around the line do no harm.
    pub fn read(text: &str) -> Result<Self, LineError> {
        // Longer than any line in its wrapping: a chat's page, not a line.
        let text: String = text.chars().take(4096).filter(|c| !c.is_whitespace()).collect();
        let (prefix, rest) = find(&text).ok_or(LineError::NotALine)?;
        if format!("{prefix}:") != PREFIX {
            return Err(LineError::Version(prefix.to_owned()));
        }
        let letters: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        if letters.len() > MOST_CHARACTERS - PREFIX.len() {
            return Err(LineError::Damaged);
        }
        let bytes = base58::decode(&letters).ok_or(LineError::Damaged)?;
        let (payload, told) = bytes.split_last_chunk::<SUM>().ok_or(LineError::Damaged)?;
        if sum(payload) != *told {
            return Err(LineError::Damaged);
        }
        let line = Self::of_payload(payload).ok_or(LineError::Content)?;
        // One text a line: keys are made of what both sides have read.
        if line.payload() == payload { Ok(line) } else { Err(LineError::Content) }
    }

    /// SHA-256 over all that the line says.
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.payload())
    }

    /// Two bytes by which an answering line names this one.
    pub fn tag(&self) -> [u8; 2] {
        let [a, b, ..] = self.hash();
        [a, b]
    }

    /// Its age in seconds by the reader's clock; negative where it comes from the future.
    pub fn age_s(&self, now_s: i64) -> i64 {
        now_s.saturating_sub(i64::from(self.made_s))
    }

    /// Whether it is of no use any more by a clock that shows `now_s`, or was made in that clock's future.
    pub fn expired(&self, now_s: i64) -> bool {
        let age = self.age_s(now_s);
        age > i64::from(LIFE_S + CLOCKS_S) || age < -i64::from(CLOCKS_S)
    }

    /// Addresses that STUN servers saw.
    pub fn mapped(&self) -> impl Iterator<Item = SocketAddr> {
        self.candidates.iter().filter(|c| c.kind == Kind::ServerReflexive).map(|c| c.address)
    }

    fn payload(&self) -> Vec<u8> {
        let mapping = MAPPINGS.iter().position(|m| *m == self.mapping).unwrap_or(0) as u8;
        let flags = mapping | u8::from(self.hard) << 3 | u8::from(self.answers.is_some()) << 4;
        let mut bytes = vec![flags];
        bytes.extend(self.made_s.to_be_bytes());
        bytes.extend(self.certificate);
        bytes.extend(self.answers.iter().flatten());
        let mut ports = [0; 2];
        for Candidate { kind, address } in &self.candidates {
            let v6 = address.is_ipv6();
            let port = &mut ports[usize::from(v6)];
            let same = *port == address.port();
            let mapped = *kind == Kind::ServerReflexive;
            bytes.push(u8::from(v6) | u8::from(mapped) << 1 | u8::from(same) << 2);
            match address.ip() {
                IpAddr::V4(ip) => bytes.extend(ip.octets()),
                IpAddr::V6(ip) => bytes.extend(ip.octets()),
            }
            if !same {
                *port = address.port();
                bytes.extend(port.to_be_bytes());
            }
        }
        bytes
    }

    fn of_payload(payload: &[u8]) -> Option<Self> {
        let (&[flags, m0, m1, m2, m3], rest) = payload.split_first_chunk()?;
        let (&certificate, mut rest) = rest.split_first_chunk()?;
        let mapping = *MAPPINGS.get(usize::from(flags & 7))?;
        let mut answers = None;
        if flags & 16 != 0 {
            let (&tag, after) = rest.split_first_chunk()?;
            (answers, rest) = (Some(tag), after);
        }
        let mut candidates = Vec::new();
        let mut ports = [0; 2];
        while let Some((&head, after)) = rest.split_first() {
            let v6 = head & 1 != 0;
            let (ip, after): (IpAddr, _) = if v6 {
                let (&octets, after) = after.split_first_chunk::<16>()?;
                (octets.into(), after)
            } else {
                let (&octets, after) = after.split_first_chunk::<4>()?;
                (octets.into(), after)
            };
            let port = &mut ports[usize::from(v6)];
            rest = after;
            if head & 4 == 0 {
                let (&octets, after) = after.split_first_chunk()?;
                (*port, rest) = (u16::from_be_bytes(octets), after);
            }
            let kind = if head & 2 == 0 { Kind::Host } else { Kind::ServerReflexive };
            let candidate = Candidate { kind, address: SocketAddr::new(ip, *port) };
            if candidates.len() == MOST_CANDIDATES || !is_a_hosts(candidate.address) {
                return None;
            }
            candidates.push(candidate);
        }
        let made_s = u32::from_be_bytes([m0, m1, m2, m3]);
        Some(Self { made_s, certificate, mapping, hard: flags & 8 != 0, answers, candidates })
    }
}

/// SHA-256, as certificates are named by.
pub fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

fn sum(payload: &[u8]) -> [u8; SUM] {
    let [a, b, c, d, ..] = hash(payload);
    [a, b, c, d]
}

/// `cdpN` and what follows its colon.
fn find(text: &str) -> Option<(&str, &str)> {
    text.match_indices("cdp").find_map(|(at, _)| {
        let (prefix, rest) = text.get(at..)?.split_once(':')?;
        let digits = prefix.strip_prefix("cdp")?;
        let version = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        version.then_some((prefix, rest))
    })
}

/// Whether a datagram may be sent there at all: one host's address, one that needs no zone, and a port.
pub fn is_a_hosts(address: SocketAddr) -> bool {
    let ip = address.ip();
    let odd = match ip {
        IpAddr::V4(v4) => v4.is_broadcast() || v4.octets()[0] == 0 || v4.octets()[0] >= 240,
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.to_ipv4_mapped().is_some(),
    };
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !odd
}

#[cfg(test)]
#[path = "line/tests.rs"]
mod tests;
