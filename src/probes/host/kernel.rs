//! What only the kernel can tell, behind one trait: the addresses, links and routes of the namespace this
//! process is in. Files (and so fixtures) are read elsewhere.

use std::net::IpAddr;
use std::time::Duration;

use crate::model::facts::{Disk, KernelClock, Route};

/// An address as `getifaddrs` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The interface's name, without the label of an alias (`eth0:1` is `eth0`).
    pub(super) interface: String,
    /// The interface's index.
    pub(super) index: Option<u32>,
    pub(super) ip: IpAddr,
    pub(super) prefix: u8,
    /// Up with a carrier.
    pub(super) running: bool,
}

/// A link's nature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    /// The kernel's word for a virtual link: `veth`, `bridge`, `vlan`, `wireguard`, …
    pub(super) kind: Option<String>,
    /// `ARPHRD_*`: 1 Ethernet, 772 loopback.
    pub(super) hardware: Option<u16>,
    /// Up with a carrier, or up without a notion of one.
    pub(super) up: bool,
    pub(super) mtu: Option<u32>,
    /// A port of a bridge or a member of a bond.
    pub(super) enslaved: bool,
    /// A TAP device (frames), not a TUN device (packets).
    pub(super) tap: bool,
}

/// The questions. Whoever cannot answer says so: a caller falls back on files.
pub(super) trait Kernel {
    /// `uname`'s nodename.
    fn hostname(&self) -> Option<String>;
    /// Every address of every interface; the reason where they cannot be read.
    fn addresses(&self) -> Result<Vec<Address>, String>;
    /// One link's nature by its name.
    fn link(&self, name: &str) -> Option<Link>;
    /// The way to the internet by the kernel's own look-up, policy routing included; none where there is none.
    fn way_out(&self, ipv6: bool) -> Result<Option<Route>, String>;
    /// The user id.
    fn uid(&self) -> Option<u32>;
    /// Time since boot, suspend included; unlike /proc/uptime not a container's own.
    fn since_boot(&self) -> Option<Duration>;
    /// Its opinion of its clock.
    fn clock(&self) -> Option<KernelClock>;
    /// What is left of the file system that a path lies on; the path must not be a network's.
    fn disk(&self, path: &str) -> Option<Disk>;
}

/// No kernel to ask: below a fixture's root everything comes from files.
pub(super) struct Absent;

impl Kernel for Absent {
    fn hostname(&self) -> Option<String> {
        None
    }

    fn addresses(&self) -> Result<Vec<Address>, String> {
        Err("getifaddrs: not asked below another root".to_owned())
    }

    fn link(&self, _: &str) -> Option<Link> {
        None
    }

    fn way_out(&self, _: bool) -> Result<Option<Route>, String> {
        Err("netlink: not asked below another root".to_owned())
    }

    fn uid(&self) -> Option<u32> {
        None
    }

    fn since_boot(&self) -> Option<Duration> {
        None
    }

    fn clock(&self) -> Option<KernelClock> {
        None
    }

    fn disk(&self, _: &str) -> Option<Disk> {
        None
    }
}
