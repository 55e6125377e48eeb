//! What controls saw: the observations that decide between neighbouring causes. Data only.

use super::check_id::CheckId;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Witnesses of one run, computed from its facts by the checks, read by the diagnosis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Witnesses {
    /// A resolver beyond this host answered over UDP: this host can send and receive UDP. Address and round trip in microseconds.
    pub udp_dns: Option<(SocketAddr, u64)>,
    /// A TCP connect stood, or was refused by its very peer: TCP gets out. The peer's name.
    pub tcp: Option<String>,
    /// Tries at TCP that ended without any word from the peer.
    pub tcp_silent: Vec<String>,
    /// Tries at TCP that a device on the way rejected, in words.
    pub tcp_rejected: Vec<String>,
    /// What this host itself refused to send, or answered in the peer's place: the check that suffers, and the targets.
    pub denied: BTreeMap<CheckId, Vec<String>>,
    /// Addresses among these that this host's own routing refuses.
    pub misrouted: Vec<IpAddr>,
    /// Every resolver is among these.
    pub resolvers_denied: bool,
    /// A router that says of the resolvers that there is no way to them (ICMP network or host unreachable).
    pub no_way_to_resolvers: Option<IpAddr>,
    /// Tries at global addresses of IPv4 that all failed while IPv6 was answered.
    pub ipv4_dead: Option<usize>,
    /// Names that lead to a sinkhole, or to the same private address as the Controller's: the check that suffers, and them.
    pub misled: BTreeMap<CheckId, Vec<String>>,
    /// UDP to servers beyond this host, by protocol.
    pub stun: UdpTally,
    /// The same for NTP.
    pub ntp: UdpTally,
    /// Another STUN implementation got an answer where ours did not.
    pub second_opinion_answered: bool,
    /// The Controller, `host:port`, where one is known.
    pub controller: Option<String>,
    /// Hosts other than the Controller that took a connection on port 443.
    pub https: Vec<String>,
    /// Public resolvers that answered when they were asked by address.
    pub public_dns: Vec<IpAddr>,
    /// One of them gave an address for a name.
    pub public_names: bool,
    /// STUN servers whose answers come from elsewhere than was asked, a line each.
    pub stun_elsewhere: Vec<String>,
    /// Requests and SYNs that were sent and that nobody answered, of the run's own targets.
    pub silent_sent: u64,
    /// Signs that another site answers for the Controller.
    pub portal_signs: Vec<String>,
}

/// What became of one protocol's requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UdpTally {
    /// Servers asked (an address of a name each).
    pub asked: usize,
    /// Servers that gave any answer, one that cannot be used included.
    pub answered: usize,
    /// Servers whose every answer cannot be used, a line each.
    pub wrong: Vec<String>,
    /// Requests sent to the silent ones.
    pub sent: u32,
    /// Ports of the silent servers, ascending.
    pub silent_ports: Vec<u16>,
    /// Names of the silent servers.
    pub silent: Vec<String>,
    /// Servers that this host itself refused to send to.
    pub denied: usize,
    /// ICMP errors, by offender and whether it is the server itself.
    pub icmp: Vec<IcmpSeen>,
    /// All silence was waited for in full.
    pub conclusive: bool,
}

/// An ICMP error that answered a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpSeen {
    /// The server asked, as named.
    pub target: String,
    /// Who sent the error.
    pub offender: Option<IpAddr>,
    /// The offender is the very server: its port is closed.
    pub by_server: bool,
}
