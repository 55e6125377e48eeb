//! What `peer` found: whether two hosts can speak directly, over which pair of addresses, how well; and if not, why.

use std::net::{IpAddr, SocketAddr};

use super::cause_code::CauseCode;

use schemars::JsonSchema;
use serde::Serialize;

/// One side's result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct PeerReport {
    /// A QUIC connection stood with the holder of the other line, until its end.
    pub proven: bool,
    /// Why not, in one sentence; null where proven.
    pub reason: Option<String>,
    /// The same as a word for programs.
    pub reason_code: Option<&'static str>,
    /// What may help, imperative.
    pub advice: Vec<String>,
    /// What to ask a network team for: lines `UDP FROM -> TO`.
    pub firewall_request: Vec<String>,
    /// The pair that carried the connection.
    pub pair: Option<PeerPair>,
    /// Round trips of datagrams over QUIC on the idle path.
    pub rtt_ms: Option<PeerRtt>,
    /// Share of these datagrams that did not come back, 0 to 1.
    pub loss: Option<f64>,
    /// What the other end received of one stream, bits a second.
    pub throughput_bps: PeerThroughput,
    /// Largest IP packet that passed, bytes; the search ends at 1500.
    pub mtu: Option<u16>,
    /// From when both lines were known to the connection, milliseconds.
    pub connected_ms: Option<f64>,
    /// This side's NAT and the other's, as their lines say.
    pub nat: PeerNats,
    /// Every pair tried.
    pub pairs: Vec<PeerPair>,
    /// Datagrams that came from neither line's holder.
    pub strangers: u64,
}

/// Both sides' mapping behaviour: `no-nat`, `endpoint-independent`, `endpoint-dependent`, `unknown`, `no-stun-answer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PeerNats {
    /// This side.
    pub ours: &'static str,
    /// The other side.
    pub theirs: &'static str,
}

/// A pair of addresses and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PeerPair {
    /// The address of this host on the way there.
    pub local: Option<IpAddr>,
    /// This side as the other saw it.
    pub seen_as: Option<SocketAddr>,
    /// The other end.
    pub remote: SocketAddr,
    /// `host`, `server-reflexive`, `peer-reflexive` or `predicted`.
    pub kind: &'static str,
    /// Checks sent.
    pub sent: u32,
    /// Checks answered.
    pub answered: u32,
    /// Checks of the other side that came.
    pub heard: u32,
    /// Least round trip of a check, milliseconds.
    pub rtt_ms: Option<f64>,
    /// What this host or the network refused it with.
    pub error: Option<String>,
}

/// Round trips, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PeerRtt {
    /// Least.
    pub min: f64,
    /// Half are shorter.
    pub median: f64,
    /// Nineteen of twenty are shorter.
    pub p95: f64,
    /// Mean difference of one to the next.
    pub jitter: f64,
}

/// Bits a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct PeerThroughput {
    /// From here to the other side.
    pub up: Option<f64>,
    /// From the other side to here.
    pub down: Option<f64>,
}

/// Why two hosts were not proven to speak directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerReason {
    /// No STUN server answered this host.
    BlockedHere,
    /// No STUN server answered the other one, as its line says.
    BlockedThere,
    /// Nothing to send to: no family in common.
    NoCommonFamily,
    /// The other line names nothing but private addresses of other networks.
    OnlyPrivate,
    /// This host's own firewall refuses to send.
    Denied,
    /// This host's address changed after its line was made.
    StaleMapping {
        /// In the line.
        was: SocketAddr,
        /// Now.
        is: SocketAddr,
    },
    /// The other side came from where its line does not say.
    Elsewhere(SocketAddr),
    /// Its checks arrive, ours are not answered.
    OneWay,
    /// Both NATs give a port a destination.
    BothDependent,
    /// One of them does, and no search of ports was made.
    OneDependent {
        /// This side's.
        here: bool,
    },
    /// The search of ports met nobody.
    SearchFailed,
    /// Both are behind one NAT that does not lead its inside back to itself.
    NoHairpin(IpAddr),
    /// Nothing came.
    NothingHeard {
        /// How long was waited, seconds.
        waited_s: u64,
        /// Age of the other side's line, seconds.
        line_age_s: i64,
    },
    /// Checks pass, QUIC does not.
    QuicBlocked,
    /// Somebody answered who does not hold the certificate of the line.
    Stranger,
    /// The connection stood and was lost.
    Broke {
        /// For so long, milliseconds.
        after_ms: u64,
    },
    /// This run was ended from outside.
    Interrupted,
}

impl PeerReason {
    /// The word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BlockedHere => "udp-blocked-here",
            Self::BlockedThere => "udp-blocked-there",
            Self::NoCommonFamily => "no-common-family",
            Self::OnlyPrivate => "only-private-addresses",
            Self::Denied => CauseCode::LocalFirewall.as_str(),
            Self::StaleMapping { .. } => "stale-mapping",
            Self::Elsewhere(_) => "other-address",
            Self::OneWay => "one-way",
            Self::BothDependent => "both-endpoint-dependent",
            Self::OneDependent { .. } => "one-endpoint-dependent",
            Self::SearchFailed => "search-failed",
            Self::NoHairpin(_) => "no-hairpin",
            Self::NothingHeard { .. } => "nothing-heard",
            Self::QuicBlocked => CauseCode::QuicBlocked.as_str(),
            Self::Stranger => "wrong-certificate",
            Self::Broke { .. } => "connection-lost",
            Self::Interrupted => "interrupted",
        }
    }

    /// One sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::BlockedHere => "UDP is blocked on this side: no STUN server answered this host".to_owned(),
            Self::BlockedThere => {
                "UDP is blocked at the other side: no STUN server answered it, as its line says".to_owned()
            }
            Self::NoCommonFamily => {
                "one side has IPv4 alone and the other IPv6 alone: there is no way between them".to_owned()
            }
            Self::OnlyPrivate => {
                "the other line names private addresses of another network alone, none that leads there from here"
                    .to_owned()
            }
            Self::Denied => "this host's own firewall refuses to send to the other side".to_owned(),
            Self::StaleMapping { was, is } => format!(
                "your line is older than its mapping: it says {was}, the NAT shows {is} now; make a new line"
            ),
            Self::Elsewhere(from) => format!(
                "the other side came from {from}, an address that its line does not name: its network has several ways out"
            ),
            Self::OneWay => {
                "the other side's packets arrive here, but it answers none of ours: they are dropped on the way"
                    .to_owned()
            }
            Self::BothDependent => {
                "both NATs are endpoint-dependent: each shows another port to every destination".to_owned()
            }
            Self::OneDependent { here } => {
                let (dependent, other) = if *here { ("this", "the other") } else { ("the other", "this") };
                format!(
                    "nothing came through: the NAT on {dependent} side is endpoint-dependent, and that works only where the NAT on {other} side lets in every port"
                )
            }
            Self::SearchFailed => {
                "one NAT is endpoint-dependent, and the search of its ports met nobody in time".to_owned()
            }
            Self::NoHairpin(ip) => format!(
                "both hosts are behind the same NAT ({ip}): it does not lead packets back inside, and there is no way between the two inside"
            ),
            Self::NothingHeard { waited_s, line_age_s } => format!(
                "nothing came from the other side in {waited_s} s: its command may have ended (its line is {line_age_s} s old), or a firewall drops UDP between the two"
            ),
            Self::QuicBlocked => {
                "the two hosts reach each other by UDP, but QUIC is dropped between them: a filter looks inside".to_owned()
            }
            Self::Stranger => {
                "somebody answered who does not hold the certificate that the line names; nothing was accepted".to_owned()
            }
            Self::Broke { after_ms } => format!(
                "the connection stood for {:.1} s, then the other side fell silent",
                *after_ms as f64 / 1000.0
            ),
            Self::Interrupted => "interrupted before the other side was met".to_owned(),
        }
    }

    /// What may help.
    pub fn advice(&self) -> Vec<String> {
        let list: &[&str] = match self {
            Self::BlockedHere => &[
                "Ask this side's network team to allow outbound UDP",
                "Run connector-doctor check 'stun.*' here",
            ],
            Self::BlockedThere => &[
                "Ask the other side's network team to allow outbound UDP",
                "Run connector-doctor check 'stun.*' there",
            ],
            Self::NoCommonFamily => &["Give one of the two sides the other's family, too"],
            Self::OnlyPrivate => {
                &["Name STUN servers that the other side reaches: --stun HOST, on both hosts"]
            }
            Self::Denied => &["Allow outbound UDP in this host's firewall"],
            Self::StaleMapping { .. } => &["Run peer again on both hosts and exchange the lines at once"],
            Self::Elsewhere(_) => &["Give the other side one way out for all UDP"],
            Self::OneWay => &["Ask the network teams of both sides to allow UDP, outbound and stateful"],
            Self::BothDependent => &[
                "Make one of the two NATs endpoint-independent (RFC 4787), or forward a UDP port on it",
                "Traffic between the two goes through relays until then",
            ],
            Self::OneDependent { .. } => &[
                "Make that NAT endpoint-independent (RFC 4787)",
                "Search for a port: run peer --hard on both hosts",
            ],
            Self::SearchFailed => {
                &["Run peer --hard on both hosts again", "Make that NAT endpoint-independent (RFC 4787)"]
            }
            Self::NoHairpin(_) => {
                &["Allow UDP between the two hosts inside, or turn on hairpinning (NAT loopback) on the NAT"]
            }
            Self::NothingHeard { .. } => &[
                "Run peer again on both hosts and exchange the lines while both are running",
                "Ask the network teams of both sides to allow UDP, outbound and stateful",
            ],
            Self::QuicBlocked => &[
                "Ask the network teams of both sides to turn off QUIC inspection (block QUIC) for these hosts",
            ],
            Self::Stranger => &["Compare the line with the one that the other host printed"],
            Self::Broke { .. } => {
                &["Run peer again, with --for 60s, to see whether the connection is lost again"]
            }
            Self::Interrupted => &[],
        };
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    /// Whether a firewall is to be asked for something.
    pub fn wants_firewall(&self) -> bool {
        matches!(self, Self::BlockedHere | Self::OneWay | Self::NothingHeard { .. } | Self::QuicBlocked)
    }
}
