//! How this host's own routing leads astray: data, with the words that a check and a cause share.

use std::net::IpAddr;

use super::check_id::CheckId;
use super::text;

/// A part of this host's routing that leads nowhere, or to the wrong place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Astray {
    /// What is wrong with it.
    pub kind: AstrayKind,
    /// The interface that the kernel sends by.
    pub interface: String,
    /// Those who are not reached by it, as they are named.
    pub targets: Vec<String>,
    /// An address among them, for commands.
    pub address: Option<IpAddr>,
    /// Checks that suffer.
    pub checks: Vec<CheckId>,
    /// Of each of these checks something is reached by another way.
    pub spared: bool,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AstrayKind {
    /// The next hop does not answer on its link.
    DeadNextHop {
        /// It.
        gateway: IpAddr,
        /// Another way that stands beside it, a next hop or a default route: gateway and interface.
        other: Option<(Option<IpAddr>, String)>,
        /// Both are next hops of one route, which deals out the destinations.
        shared: bool,
    },
    /// One of several next hops answers on its link, and nothing comes back by it.
    SilentUplink {
        /// It.
        gateway: Option<IpAddr>,
        /// Another one.
        other: (Option<IpAddr>, String),
        /// That one was tried, and works.
        works: bool,
    },
    /// A network of this host's own, of a bridge or an overlay, covers the address.
    Covered {
        /// That network.
        network: (IpAddr, u8),
        /// What the interface is, in words.
        what: &'static str,
        /// A container engine made it.
        engine: bool,
    },
    /// The link's network is so wide that a remote address seems to be on the link.
    TooWide {
        /// That network.
        network: (IpAddr, u8),
    },
    /// A route takes a network to be on the link, names no gateway, and nobody answers there.
    NoGateway {
        /// That network.
        network: (IpAddr, u8),
    },
    /// A neighbour's hardware address is written down by hand, and nothing comes back.
    Pinned {
        /// The neighbour: the gateway mostly.
        neighbour: IpAddr,
    },
    /// A tunnel takes what this host sends, and nothing comes back by it.
    DeadTunnel {
        /// Nobody holds its other end, or it has no carrier.
        down: bool,
        /// How it takes it.
        by: Takes,
    },
    /// An IPv4 address, and no IPv4 default route beside it.
    NoIpv4Default {
        /// The address.
        address: IpAddr,
    },
}

/// How a tunnel takes everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A rule of policy routing, to this table (wg-quick's way).
    Rule(u32),
    /// Two halves of the internet, 0.0.0.0/1 and 128.0.0.0/1 (`OpenVPN`'s way).
    Halves,
    /// The default route.
    Default,
}

impl Astray {
    /// One sentence, without a period.
    pub fn words(&self) -> String {
        let (on, whom) = (&self.interface, self.whom());
        match &self.kind {
            AstrayKind::DeadNextHop { gateway, .. } => {
                format!(
                    "The next hop {gateway} on {on} does not answer: this host's route to {whom} leads to it"
                )
            }
            AstrayKind::SilentUplink { gateway, other, works } => {
                let hop = |gateway: Option<IpAddr>, on: &str| match gateway {
                    Some(gateway) => format!("{gateway} on {on}"),
                    None => on.to_owned(),
                };
                let (bad, good) = (hop(*gateway, on), hop(other.0, &other.1));
                let rest =
                    if *works { "does" } else { "was not tried: this run was dealt to the first alone" };
                format!("Of several uplinks, {bad} passes nothing, {good} {rest}")
            }
            AstrayKind::Covered { network: (net, prefix), what, .. } => {
                format!("The {what} {on} covers {net}/{prefix}: this host looks for {whom} there, in vain")
            }
            AstrayKind::TooWide { network: (net, prefix) } => {
                format!(
                    "By the netmask of {on}, {net}/{prefix}, {whom} seems to be on this host's own link, and nobody answers there"
                )
            }
            AstrayKind::NoGateway { network: (net, prefix) } => {
                format!(
                    "The route to {net}/{prefix} on {on} names no gateway: this host looks for {whom} on its own link, in vain"
                )
            }
            AstrayKind::Pinned { neighbour } => {
                format!(
                    "The hardware address of {neighbour} is pinned on {on}, and nothing comes back from there"
                )
            }
            AstrayKind::DeadTunnel { down: true, .. } => {
                format!("The tunnel {on} takes this host's traffic, and its other end is not there")
            }
            AstrayKind::DeadTunnel { down: false, .. } => {
                format!("The tunnel {on} takes this host's traffic, and nothing comes back by it")
            }
            AstrayKind::NoIpv4Default { address } => {
                format!("This host has the IPv4 address {address} on {on}, and no IPv4 default route")
            }
        }
    }

    /// Whom it does not reach: two names, and how many more.
    fn whom(&self) -> String {
        match self.targets.as_slice() {
            [] => "others".to_owned(),
            all @ ([_] | [_, _]) => text::list(all),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        }
    }
}
