//! What only the kernel can tell, behind one trait: the addresses, links and routes of the namespace this
//! process is in. Files (and so fixtures) are read elsewhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use if_addrs::{IfAddr, IfOperStatus};

use super::netlink;
use crate::model::facts::{Disk, KernelClock, Route};
use crate::model::observation::Outcome;
use crate::probes::kernel_clock;
use crate::probes::width::u64_of;

/// A global address of each family that no host has a route of its own to (a.root-servers.net): the kernel is
/// asked which way it would send there. Nothing is sent.
const FAR_V4: Ipv4Addr = Ipv4Addr::new(198, 41, 0, 4);
const FAR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30);

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

/// The kernel below us.
pub(super) struct Linux {
    netlink: Option<netlink::Socket>,
}

impl Linux {
    pub(super) fn new() -> Self {
        Self { netlink: netlink::Socket::open().ok() }
    }
}

impl Kernel for Linux {
    fn hostname(&self) -> Option<String> {
        Some(gethostname::gethostname().to_string_lossy().into_owned())
    }

    fn addresses(&self) -> Result<Vec<Address>, String> {
        let all = if_addrs::get_if_addrs().map_err(|e| format!("getifaddrs: {}", e.kind()))?;
        Ok(all.iter().map(address).collect())
    }

    fn link(&self, name: &str) -> Option<Link> {
        self.netlink.as_ref()?.link(name)
    }

    fn way_out(&self, ipv6: bool) -> Result<Option<Route>, String> {
        let socket = self.netlink.as_ref().ok_or("netlink: not available")?;
        socket.route(if ipv6 { FAR_V6.into() } else { FAR_V4.into() })
    }

    fn uid(&self) -> Option<u32> {
        Some(nix::unistd::geteuid().as_raw())
    }

    fn since_boot(&self) -> Option<Duration> {
        let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).ok()?;
        Some(Duration::from(time))
    }

    fn clock(&self) -> Option<KernelClock> {
        match kernel_clock::read() {
            Outcome::Seen(clock) => Some(clock),
            _ => None,
        }
    }

    fn disk(&self, path: &str) -> Option<Disk> {
        let seen = nix::sys::statvfs::statvfs(path).ok()?;
        let unit = u64_of(seen.fragment_size());
        Some(Disk {
            path: path.to_owned(),
            total: u64_of(seen.blocks()).saturating_mul(unit),
            available: u64_of(seen.blocks_available()).saturating_mul(unit),
            // Some file systems make inodes as they need them, and say 0 of 0.
            files_available: (seen.files() > 0).then(|| u64_of(seen.files_available())),
        })
    }
}

fn address(found: &if_addrs::Interface) -> Address {
    let prefix = match &found.addr {
        IfAddr::V4(v4) => v4.prefixlen,
        IfAddr::V6(v6) => v6.prefixlen,
    };
    Address {
        interface: found.name.split(':').next().unwrap_or_default().to_owned(),
        index: found.index,
        ip: found.addr.ip(),
        prefix,
        running: found.oper_status == IfOperStatus::Up,
    }
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
