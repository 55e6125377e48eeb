//! The kernel below us, asked.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use if_addrs::{IfAddr, IfOperStatus};

use super::kernel::{Address, Kernel, Link};
use super::netlink;
use crate::model::facts::{Disk, KernelClock, Route};
use crate::model::observation::Outcome;
use crate::probes::kernel_clock;
use crate::probes::width::u64_of;

/// A global address of each family that no host has a route of its own to (a.root-servers.net): the kernel is
/// asked which way it would send there. Nothing is sent.
const FAR_V4: Ipv4Addr = Ipv4Addr::new(198, 41, 0, 4);
const FAR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30);

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
