//! How this host's kernel would send to each address of a run: its route, the next hop's state, its rules of policy routing.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the kernel said when all was asked (rtnetlink, readable by anyone; nothing is sent).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Routing {
    /// The route to each address that was asked, resolvers included.
    pub routes: Vec<RouteTo>,
    /// Rules of policy routing beside the kernel's own three (IPv4), in their order.
    pub rules: Vec<PolicyRule>,
    /// The kernel could not be asked; why.
    pub error: Option<String>,
}

impl Routing {
    /// The route to an address.
    pub fn to(&self, ip: IpAddr) -> Option<&RouteTo> {
        self.routes.iter().find(|route| route.to == ip)
    }
}

/// The route that the kernel takes to one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RouteTo {
    /// Where to.
    pub to: IpAddr,
    /// What the kernel does with it.
    pub kind: RouteKind,
    /// The next hop; none where the address itself is taken to be on the link.
    pub gateway: Option<IpAddr>,
    /// The interface's name.
    pub interface: Option<String>,
    /// The address that it would send from.
    pub source: Option<IpAddr>,
    /// The network of the route that decides, and its prefix length.
    pub network: Option<IpAddr>,
    /// The prefix length: 0 is a default route.
    pub prefix: Option<u8>,
    /// The table that it stands in; 254 is the main one.
    pub table: Option<u32>,
    /// The interface has no carrier, or nobody holds its other end.
    pub link_down: bool,
    /// What the kernel knows of the gateway, or of the address itself where there is none, on the link.
    pub neighbour: Option<NeighbourState>,
    /// All next hops of a route that has several, the one above among them.
    pub hops: Vec<NextHop>,
}

impl Default for RouteTo {
    fn default() -> Self {
        Self {
            to: std::net::Ipv4Addr::UNSPECIFIED.into(),
            kind: RouteKind::default(),
            gateway: None,
            interface: None,
            source: None,
            network: None,
            prefix: None,
            table: None,
            link_down: false,
            neighbour: None,
            hops: Vec::new(),
        }
    }
}

/// What a route does (`rtm_type` of `rtnetlink(7)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RouteKind {
    /// Sends it on.
    #[default]
    Unicast,
    /// It is this host's own address, or a broadcast.
    Local,
    /// Drops it.
    Blackhole,
    /// Says that there is no way.
    Unreachable,
    /// Says that it is forbidden.
    Prohibit,
    /// There is no route.
    None,
}

/// One of several next hops.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NextHop {
    /// The gateway; none on a point-to-point link.
    pub gateway: Option<IpAddr>,
    /// The interface's name.
    pub interface: String,
    /// The interface has no carrier.
    pub link_down: bool,
    /// What the kernel knows of the gateway.
    pub neighbour: Option<NeighbourState>,
}

/// The state of a neighbour on a link (`NUD_*`, RFC 4861 7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NeighbourState {
    /// Asked for, and not answered yet.
    Incomplete,
    /// Confirmed a moment ago.
    Reachable,
    /// Known, and not confirmed lately.
    Stale,
    /// In use, to be confirmed.
    Delay,
    /// Being confirmed.
    Probe,
    /// Asked for several times, and never answered.
    Failed,
    /// The link needs no hardware addresses.
    Noarp,
    /// Somebody wrote its hardware address down by hand.
    Permanent,
}

impl NeighbourState {
    /// Whether it was asked for, and did not answer.
    pub fn is_dead(self) -> bool {
        matches!(self, Self::Incomplete | Self::Failed)
    }

    /// The kernel's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Incomplete => "INCOMPLETE",
            Self::Reachable => "REACHABLE",
            Self::Stale => "STALE",
            Self::Delay => "DELAY",
            Self::Probe => "PROBE",
            Self::Failed => "FAILED",
            Self::Noarp => "NOARP",
            Self::Permanent => "PERMANENT",
        }
    }
}

/// A rule of policy routing (`ip-rule(8)`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PolicyRule {
    /// Less comes first.
    pub priority: u32,
    /// The table that it sends to, where it sends to one.
    pub table: Option<u32>,
    /// Holds for packets from here alone, with the prefix length.
    pub from: Option<IpAddr>,
    /// The prefix length of `from`.
    pub from_prefix: u8,
    /// Holds for packets to here alone, with the prefix length.
    pub destination: Option<IpAddr>,
    /// The prefix length of `destination`.
    pub destination_prefix: u8,
    /// Holds for packets with this mark alone.
    pub mark: Option<u32>,
    /// Holds for all others instead (`not`).
    pub inverted: bool,
    /// Routes of that table with this prefix length, or a shorter one, do not count (`suppress_prefixlength`).
    pub suppress: Option<u32>,
}

impl PolicyRule {
    /// As `ip rule` writes it.
    pub fn words(&self) -> String {
        let net = |ip: Option<IpAddr>, prefix: u8| ip.map(|ip| format!("{ip}/{prefix}"));
        let from = net(self.from, self.from_prefix).unwrap_or_else(|| "all".to_owned());
        let to = net(self.destination, self.destination_prefix).map(|to| format!(" to {to}"));
        let mark = self.mark.map(|mark| format!(" fwmark {mark:#x}"));
        let table = self.table.map(|table| format!(" lookup {table}"));
        let suppress = self.suppress.map(|n| format!(" suppress_prefixlength {n}"));
        let rest: String = [to, mark, table, suppress].into_iter().flatten().collect();
        format!("{}: {}from {from}{rest}", self.priority, if self.inverted { "not " } else { "" })
    }
}
