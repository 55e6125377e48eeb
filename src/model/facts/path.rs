//! What was observed of the way out: its routers, how far out NATs stand, what the gateway says, which sizes pass.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Requests whose time to live ends on the way, each from a socket of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathHops {
    /// The address asked, a STUN server's other one where it has one.
    pub to: SocketAddr,
    /// The local address of the route there.
    pub from: IpAddr,
    /// One row a time to live, rising from 1.
    pub hops: Vec<Hop>,
    /// Whether the alternate address got through without any opening: then openings tell nothing.
    pub open_anyway: bool,
}

/// What became of one time to live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    /// The time to live, 1 for the first router.
    pub ttl: u8,
    /// Who said that it ended there.
    pub router: Option<IpAddr>,
    /// Whether the packet reached the server.
    pub reached: bool,
    /// Whether the packet opened the way back for the server's alternate address; none where that was not tried.
    pub opened: Option<bool>,
    /// How often the alternate's answer was asked for.
    #[serde(default)]
    pub asked: u32,
}

/// What the gateway itself says of its public address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayWord {
    /// `nat-pmp` or `upnp`.
    pub protocol: String,
    /// The address of its outer side; none where it says that it has no public one (NAT-PMP's "network failure").
    pub external: Option<IpAddr>,
}

/// Requests of several sizes, which routers may not fragment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathMtu {
    /// Whether the server has another address (RFC 5780), as software does that is known to answer padded requests.
    pub alternate: bool,
    /// What the route allows, as the kernel knows it, bytes of IP.
    pub route_mtu: u32,
    /// One row a size.
    pub sizes: Vec<SizeTried>,
}

impl PathMtu {
    /// The largest size that was answered and the smallest larger one that was swallowed without a word, where a size was.
    pub fn hole(&self) -> Option<(u32, u32)> {
        let passed = self.sizes.iter().filter(|tried| tried.answered).map(|tried| tried.size).max()?;
        let silent = |tried: &&SizeTried| !tried.answered && tried.too_big.is_none() && tried.sent > 0;
        let swallowed = self.sizes.iter().filter(silent).map(|tried| tried.size).min()?;
        (passed < swallowed).then_some((passed, swallowed))
    }
}

/// What became of one size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SizeTried {
    /// Bytes of IP.
    pub size: u32,
    /// How often it was sent.
    pub sent: u32,
    /// Whether any was answered.
    pub answered: bool,
    /// A router said that it was too big, and the size that it would take where it told.
    pub too_big: Option<TooBig>,
}

/// An ICMP error "fragmentation needed", or this host's own refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TooBig {
    /// Who said so; none where this host itself did.
    pub by: Option<IpAddr>,
    /// The size that would pass.
    pub mtu: Option<u32>,
}

/// TLS handshakes that asked the server for smaller segments, after one without that was not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentTrial {
    /// The size of IP packets that was asked for, bytes.
    pub size: u32,
    /// Whether the server's certificate arrived.
    pub answered: bool,
}
