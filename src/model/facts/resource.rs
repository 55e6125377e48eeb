//! What was observed of each Resource that the user named: its name, the way to it, its connection, what it said first.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::controller::{RefusalTrace, TlsSession};
use super::network::{DnsAnswer, TcpConnected};
use super::path::SegmentTrial;
use crate::model::observation::{NotRun, Observation, Outcome, ProbeFailure};
pub use crate::proto::greeting::{Kind as ResourceKind, Reply as Greeting};

/// One Resource, and what was seen of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    /// How the user calls it: a name of its own, else `HOST:PORT`.
    pub name: String,
    /// The host as given: a name or an address.
    pub host: String,
    /// The port; 0 where the kind has none.
    pub port: u16,
    /// What it speaks.
    pub kind: ResourceKind,
    /// The user said so; else it is guessed by the port.
    pub kind_named: bool,
    /// Words that its greeting must contain.
    #[serde(default)]
    pub expect: Option<String>,
    /// Who named it: `--resource`, a file, a variable.
    pub origin: String,
    /// What was seen. Not run where an earlier try, or an earlier round of `watch`, has to do.
    pub seen: Outcome<ResourceSeen>,
}

/// What was seen of a Resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResourceSeen {
    /// How its name was resolved; none where it is given as an address.
    pub names: Option<ResourceNames>,
    /// Each address that was tried, IPv4 first; at most 4 of a family.
    pub tried: Vec<ResourceTried>,
    /// Addresses beyond those, which were not tried.
    pub left_out: u32,
    /// How long all of it took, microseconds.
    pub took_us: u64,
}

/// A name, resolved as the Connector resolves it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResourceNames {
    /// Whose resolvers were asked: `TWINGATE_DNS`, `--dns`, `/etc/resolv.conf`, with their origin.
    pub resolvers_by: String,
    /// The full names that were asked for, in order: the search list's included.
    pub asked: Vec<String>,
    /// The one of them that has addresses.
    pub full: Option<String>,
    /// Whose word the addresses are; none where they stand in /etc/hosts.
    pub resolver: Option<SocketAddr>,
    /// The addresses stand in /etc/hosts.
    pub hosts_file: bool,
    /// The addresses, IPv4 first.
    pub addresses: Vec<IpAddr>,
    /// What each of the Connector's resolvers answered, a question each.
    pub answers: Vec<Observation<DnsAnswer>>,
    /// What this host's own resolvers answered, where the Connector has others.
    pub own: Vec<Observation<DnsAnswer>>,
    /// How long it took until there were addresses, or none, microseconds.
    pub took_us: u64,
    /// Why there is none.
    pub failure: Option<ProbeFailure>,
}

/// One address of a Resource, taken as far as it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceTried {
    /// The address.
    pub address: IpAddr,
    /// The way that the kernel takes there; none where it knows none.
    pub way: Option<ResourceWay>,
    /// The next hop's state on the link after the try; none where the kernel keeps none.
    #[serde(default)]
    pub neighbour: Option<Neighbour>,
    /// The TCP connection; none where the kind has none.
    pub connect: Option<Outcome<TcpConnected>>,
    /// Who refused, where a reset came from afar.
    #[serde(default)]
    pub trace: Option<RefusalTrace>,
    /// Routers that let no SYN with so many hops to live pass, by distance; looked for where nothing answered.
    #[serde(default)]
    pub hops: Vec<ResourceHop>,
    /// The question over UDP, of a name server.
    #[serde(default)]
    pub udp: Option<Outcome<Greeting>>,
    /// The echo, of kind `icmp`: its round trip, microseconds.
    #[serde(default)]
    pub echo: Option<Outcome<u64>>,
    /// The TLS handshake, where it ended.
    #[serde(default)]
    pub tls: Option<TlsSession>,
    /// Handshakes that asked for smaller segments, where the usual one was not answered.
    #[serde(default)]
    pub segments: Vec<SegmentTrial>,
    /// What it said first; none where nothing is awaited, or another address was greeted.
    #[serde(default)]
    pub greeting: Option<Outcome<Greeting>>,
    /// From the connection to the end of the greeting, microseconds.
    #[serde(default)]
    pub greeting_us: Option<u64>,
}

/// The kernel's way to an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResourceWay {
    /// The outgoing interface.
    pub interface: String,
    /// The source address.
    pub source: Option<IpAddr>,
    /// The next hop; none where the address is on the link.
    pub gateway: Option<IpAddr>,
}

/// What the kernel knows of a neighbour on the link (`NUD_*` of linux/neighbour.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Neighbour {
    /// It answered: its hardware address is known.
    Answers,
    /// It was asked for and did not answer.
    Silent,
    /// Its hardware address was set by hand.
    Fixed,
    /// The link has no neighbours that are asked for (a tunnel).
    NotAsked,
}

/// A router on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceHop {
    /// Its distance, counted from 1.
    pub ttl: u8,
    /// Who said that the SYN ended there.
    pub router: IpAddr,
}

impl Resource {
    /// `HOST:PORT`, an IPv6 address in brackets; the host alone where there is no port.
    pub fn place(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 0 { self.host.clone() } else { format!("{host}:{}", self.port) }
    }

    /// What was seen of it, if it was asked.
    pub fn seen(&self) -> Option<&ResourceSeen> {
        match &self.seen {
            Outcome::Seen(seen) => Some(seen),
            Outcome::Failed(_) | Outcome::NotRun(_) => None,
        }
    }

    /// Why it was not asked.
    pub fn not_run(&self) -> Option<&NotRun> {
        match &self.seen {
            Outcome::NotRun(why) => Some(why),
            Outcome::Seen(_) | Outcome::Failed(_) => None,
        }
    }
}

impl ResourceTried {
    /// An address of which nothing is known yet.
    pub fn new(address: IpAddr) -> Self {
        Self {
            address,
            way: None,
            neighbour: None,
            connect: None,
            trace: None,
            hops: Vec::new(),
            udp: None,
            echo: None,
            tls: None,
            segments: Vec::new(),
            greeting: None,
            greeting_us: None,
        }
    }
}
