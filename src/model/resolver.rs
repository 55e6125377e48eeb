//! A resolver that serves no names: why, as data and in words.

use std::net::IpAddr;

use super::observation::FailureKind;
use super::text::{count, millis};

/// A resolver that serves no names, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadResolver {
    /// `address:port`.
    pub name: String,
    /// Why.
    pub trouble: ResolverTrouble,
}

/// Why a resolver serves no names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolverTrouble {
    /// Nothing comes, over UDP nor over TCP; questions sent.
    Silent(u32),
    /// Nothing comes over UDP; TCP is answered, in so many microseconds.
    TcpAlone {
        /// Questions sent over UDP.
        sent: u32,
        /// Round trip over TCP.
        rtt_us: u64,
        /// Who rejects UDP, if somebody on the way does.
        rejected_by: Option<IpAddr>,
    },
    /// It answers that it failed: `SERVFAIL`.
    Fails(String),
    /// It says of every name that it does not exist.
    KnowsNothing,
    /// Its port is closed, by its own word.
    Closed,
    /// A router on the way rejects the questions.
    Rejected(IpAddr),
    /// Its answers are cut short, and TCP, which would carry them whole, does not pass.
    Truncated,
    /// This host itself does not let the questions out.
    Withheld(FailureKind),
    /// Something else.
    Other(FailureKind),
}

impl DeadResolver {
    /// What was asked and what came, in words.
    pub fn words(&self) -> String {
        let questions = |n: u32| count(n as usize, "question");
        let what = match &self.trouble {
            ResolverTrouble::Silent(0) => "no answer".to_owned(),
            ResolverTrouble::Silent(sent) => format!("no answer to {}", questions(*sent)),
            ResolverTrouble::TcpAlone { sent, rtt_us, rejected_by } => {
                let udp = match rejected_by {
                    Some(ip) => format!("UDP 53 is rejected by {ip}, on the way"),
                    None => format!("no answer to {} over UDP", questions(*sent)),
                };
                format!("{udp}; TCP 53 answers in {}", millis(*rtt_us))
            }
            ResolverTrouble::Fails(code) => format!("answers {code}"),
            ResolverTrouble::KnowsNothing => "says of every name that it does not exist".to_owned(),
            ResolverTrouble::Closed => "refused: its port is closed".to_owned(),
            ResolverTrouble::Rejected(ip) => format!("rejected by {ip}, on the way"),
            ResolverTrouble::Truncated => {
                "its answers are cut short over UDP, and TCP 53 does not pass".to_owned()
            }
            ResolverTrouble::Withheld(FailureKind::NoRoute) => "this host's own routing refuses".to_owned(),
            ResolverTrouble::Withheld(_) => "this host's own firewall refuses".to_owned(),
            ResolverTrouble::Other(kind) => kind.word().to_owned(),
        };
        format!("{}: {what}", self.name)
    }
}

/// A resolver that serves names, and only after a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowResolver {
    /// `address:port`.
    pub name: String,
    /// What takes so long.
    pub why: Slow,
}

/// Why names take long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    /// Questions for IPv6 addresses are never answered, those for IPv4 are; questions sent.
    NoAaaa(u32),
    /// Its answer comes late, while others' come soon; microseconds.
    Late {
        /// Its round trip.
        rtt_us: u64,
        /// The shortest round trip of the run.
        best_us: u64,
    },
}

impl SlowResolver {
    /// What was asked and what came, in words.
    pub fn words(&self) -> String {
        match self.why {
            Slow::NoAaaa(sent) => {
                format!(
                    "{}: answers for A, and none of {} for AAAA",
                    self.name,
                    count(sent as usize, "question")
                )
            }
            Slow::Late { rtt_us, best_us } => {
                format!(
                    "{}: answers after {}, where others take {}",
                    self.name,
                    millis(rtt_us),
                    millis(best_us)
                )
            }
        }
    }
}
