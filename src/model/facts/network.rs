//! What was observed of names and connections: targets as resolved, DNS answers, TCP connects.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::learnt::{By, Learnt};
use crate::model::observation::ProbeFailure;

/// What a target is for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TargetRole {
    /// A STUN server.
    #[default]
    Stun,
    /// A time server.
    Ntp,
    /// A resolver.
    Dns,
    /// The Controller.
    Controller,
    /// A relay.
    Relay,
    /// An event service that the Connector needs.
    Service,
    /// A public host that stands in for relays' own ports.
    StandIn,
    /// A QUIC server.
    Quic,
}

/// A name and what it resolved to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// What it is for.
    pub role: TargetRole,
    /// The host as given: a name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Who named it: `--stun`, `default`, a file, a variable.
    pub origin: String,
    /// What is probed, IPv4 first; an address stands for itself.
    pub addresses: Vec<IpAddr>,
    /// How long that took, microseconds.
    pub resolve_us: u64,
    /// Why there is no address.
    pub failure: Option<ProbeFailure>,
    /// Whose word the addresses are.
    #[serde(default)]
    pub resolved_by: ResolvedBy,
    /// Which of the addresses were learnt elsewhere than from this host's resolvers, and how. `failure` is then these resolvers' own.
    #[serde(default)]
    pub learnt: Vec<Learnt>,
    /// The addresses that /etc/hosts has for the name; looked up for the Controller.
    #[serde(default)]
    pub hosts_file: Vec<IpAddr>,
    /// What getaddrinfo gave, or that it was not back when probing began; none where it was not asked.
    #[serde(default)]
    pub system: Option<SystemLookup>,
}

/// Whose word a target's addresses are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResolvedBy {
    /// The target was given as an address.
    #[default]
    Literal,
    /// `getaddrinfo`, as the Connector itself.
    System,
    /// The resolvers, asked directly: `--dns`, or getaddrinfo was slower.
    Resolvers,
    /// None of this host's: every address was learnt elsewhere.
    Elsewhere,
}

/// What `getaddrinfo` came back with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SystemLookup {
    /// Addresses, IPv4 first.
    pub addresses: Vec<IpAddr>,
    /// How long it took, microseconds.
    pub took_us: u64,
    /// Why there is none.
    pub failure: Option<ProbeFailure>,
}

impl Target {
    /// `host:port`, an IPv6 address in brackets.
    pub fn name(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// How one of its addresses was learnt.
    pub fn by(&self, address: IpAddr) -> By {
        self.learnt.iter().find(|learnt| learnt.address == address).map_or(By::Name, |learnt| learnt.how)
    }

    /// The addresses that this host's own resolvers gave.
    pub fn own_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().copied().filter(|ip| self.by(*ip) == By::Name)
    }
}

/// The type of a DNS record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
}

impl RecordType {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
        }
    }
}

/// What carried a DNS answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DnsTransport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

/// A resolver's answer to one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DnsAnswer {
    /// The name asked for.
    pub name: String,
    /// What was asked for.
    pub record: RecordType,
    /// Response code: 0 no error, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
    pub rcode: u16,
    /// Addresses given.
    pub addresses: Vec<IpAddr>,
    /// Round trip, microseconds.
    pub rtt_us: u64,
    /// UDP; TCP after truncation, or where UDP stayed without an answer.
    pub transport: DnsTransport,
    /// What stopped the question over UDP, where TCP alone was answered: programs that ask by UDP get nothing.
    #[serde(default)]
    pub over_udp: Option<ProbeFailure>,
    /// Questions sent until the answer.
    pub sent: u32,
    /// Datagrams dropped as not the answer.
    pub strays: u32,
}

/// A resolver's answer to a question that tells of the resolver, not of the name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DnsBeside {
    /// A name that cannot exist (RFC 6761 6.4); else the Controller's below a search domain.
    pub nowhere: bool,
    /// What it said.
    pub answer: DnsAnswer,
}

/// A TCP connection that stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TcpConnected {
    /// Our end.
    pub local: SocketAddr,
    /// Time from SYN to SYN-ACK, microseconds.
    pub connect_us: u64,
}
