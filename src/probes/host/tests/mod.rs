//! Whole hosts as fixtures: a folder that stands for `/`, and a kernel that answers as told.

mod connector;
mod kept;
mod network;
mod place;
mod time;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::discover::{assemble, discover};
use super::kernel::{Absent, Address, Kernel, Link};
use crate::env::Env;
use crate::model::facts::{
    Cloud, Disk, Host, InterfaceKind, KernelClock, Machine, Route, TimeDaemon, Unseen,
};

/// A root of files in the temporary folder, removed when dropped.
pub(super) struct Root(PathBuf);

impl Root {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("cdr-host-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let root = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&root.0).unwrap();
        for (path, text) in files {
            let path = root.0.join(path.trim_start_matches('/'));
            if path.to_string_lossy().ends_with('/') {
                fs::create_dir_all(&path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, text).unwrap();
            }
        }
        root
    }

    pub(super) fn env(&self) -> Env {
        Env::frozen(0, 0).with_root(&self.0)
    }

    fn host(&self) -> Host {
        assemble(&self.env(), &Absent)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A kernel with these addresses, links and ways out.
#[derive(Default)]
struct Fake {
    addresses: Vec<Address>,
    links: BTreeMap<String, Link>,
    way_out: Option<Route>,
    uid: Option<u32>,
}

impl Kernel for Fake {
    fn hostname(&self) -> Option<String> {
        Some("conn-ams-1\u{1b}[2J".to_owned())
    }

    fn addresses(&self) -> Result<Vec<Address>, String> {
        Ok(self.addresses.clone())
    }

    fn link(&self, name: &str) -> Option<Link> {
        self.links.get(name).cloned()
    }

    fn way_out(&self, ipv6: bool) -> Result<Option<Route>, String> {
        Ok(self.way_out.clone().filter(|r| r.ipv6 == ipv6))
    }

    fn uid(&self) -> Option<u32> {
        self.uid.or(Some(65534))
    }

    fn since_boot(&self) -> Option<Duration> {
        Some(Duration::from_hours(25))
    }

    fn clock(&self) -> Option<KernelClock> {
        None
    }

    fn disk(&self, _: &str) -> Option<Disk> {
        None
    }
}

fn address(interface: &str, index: u32, ip: &str, prefix: u8) -> Address {
    Address {
        interface: interface.into(),
        index: Some(index),
        ip: ip.parse().unwrap(),
        prefix,
        running: true,
    }
}

fn link(word: &str, up: bool) -> Link {
    Link {
        kind: (!word.is_empty()).then(|| word.to_owned()),
        hardware: Some(1),
        up,
        mtu: Some(1500),
        ..Link::default()
    }
}

fn running<'a>(host: &'a Host, name: &str) -> Option<&'a TimeDaemon> {
    host.time_daemons.iter().find(|d| d.name == name && d.running)
}

#[test]
fn a_bare_debian_host_with_chrony_is_read_whole() {
    let root = Root::new(&[
        ("/etc/os-release", "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"12\"\n"),
        ("/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n"),
        ("/proc/sys/kernel/hostname", "conn-ams-1\n"),
        ("/proc/uptime", "1040461.25 99.00\n"),
        ("/proc/self/mounts", "proc /proc proc rw,nosuid 0 0\n"),
        ("/proc/cpuinfo", "processor : 0\nflags\t\t: fpu vme hypervisor lm\n"),
        ("/proc/700/comm", "chronyd\n"),
        ("/proc/812/comm", "twingate-connec\n"),
        ("/proc/812/stat", &format!("812 (a) b) (x) S 1 {} 100000000 9 9\n", "0 ".repeat(17).trim())),
        ("/sys/class/dmi/id/sys_vendor", "QEMU\n"),
        ("/lib/systemd/system/chrony.service", ""),
        ("/usr/sbin/chronyd", ""),
        ("/etc/systemd/system/multi-user.target.wants/chrony.service", ""),
        (
            "/etc/chrony/chrony.conf",
            "# comment\nconfdir /etc/chrony/conf.d\npool 2.debian.pool.ntp.org iburst\n\
             sourcedir /run/chrony-dhcp\nsourcedir /etc/chrony/sources.d\nkeyfile /etc/chrony/chrony.keys\n\
             Server ntp.example.net iburst nts\nserver $(reboot)\nserver evil\u{1b}[31m.example\n",
        ),
        ("/etc/chrony/conf.d/lan.conf", "peer 10.0.0.123\ninclude /etc/chrony/chrony.conf\n"),
        ("/etc/chrony/conf.d/ignored.txt", "server ignored.example\n"),
        ("/run/chrony-dhcp/eth0.sources", "server 192.168.1.1 iburst\n"),
        ("/etc/ufw/ufw.conf", "# on\nENABLED=yes\nLOGLEVEL=low\n"),
        (
            "/etc/resolv.conf",
            "search lan\nnameserver 10.0.0.53\nnameserver 2001:db8::53\nnameserver nonsense\n",
        ),
        ("/proc/net/route", ""),
        ("/proc/net/dev", ""),
    ]);
    let host = root.host();
    assert_eq!(host.hostname.as_deref(), Some("conn-ams-1"));
    assert_eq!((host.os.name.as_str(), host.os.kernel.as_str()), ("Debian 12", "6.1.0-28-amd64"));
    assert_eq!(host.virtualisation, Some(Machine::Kvm));
    assert_eq!((host.container.as_ref(), host.cloud), (None, None));
    assert_eq!(host.uptime_us, Some(1_040_461_250_000));
    assert_eq!(host.connector_uptime_us, Some(40_461_250_000), "1,000,000 s after boot");
    assert_eq!(host.firewalls, ["ufw"]);
    let chrony = running(&host, "chrony").expect("chrony runs");
    assert_eq!((chrony.enabled, chrony.unit.as_deref(), chrony.synchronised), (true, Some("chrony"), None));
    assert_eq!(
        chrony.sources,
        ["2.debian.pool.ntp.org", "ntp.example.net", "10.0.0.123", "192.168.1.1"],
        "an include that includes itself ends, nonsense is left out"
    );
    let resolvers: Vec<String> = host.resolvers.iter().map(|r| r.address.to_string()).collect();
    assert_eq!(resolvers, ["10.0.0.53:53", "[2001:db8::53]:53"]);
    assert_eq!(host.interfaces_error.as_deref(), Some("getifaddrs: not asked below another root"));
    assert!(host.unseen.is_empty(), "{:?}", host.unseen);
}

#[test]
fn nothing_to_read_is_less_and_never_an_error() {
    let host = Root::new(&[]).host();
    assert_eq!((host.hostname, host.uptime_us, host.uid), (None, None, None));
    assert!(host.interfaces.is_empty() && host.time_daemons.is_empty() && host.firewalls.is_empty());
    assert!(host.routes_error.is_some() && host.interfaces_error.is_some());
    assert_eq!(host.unseen, [Unseen::Proc]);
    // Rubbish in the place of every file, and pipes that nobody writes to.
    let rubbish = "\u{0}\u{1b}]0;x\u{7}=%n nameserver server pool (((\n".repeat(300);
    let root = Root::new(&[
        ("/proc/net/route", &rubbish),
        ("/proc/net/dev", &rubbish),
        ("/proc/1/comm", "connectord"),
        ("/proc/1/stat", &rubbish),
        ("/proc/uptime", "-1e999"),
        ("/etc/os-release", &rubbish),
        ("/etc/chrony.conf", &rubbish),
        ("/etc/ntpd-rs/ntp.toml", &rubbish),
        ("/lib/systemd/system/ntpd-rs.service", &rubbish),
        ("/lib/systemd/system/chrony.service", &rubbish),
    ]);
    nix::unistd::mkfifo(&root.0.join("etc/resolv.conf"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let host = root.host();
    assert_eq!((host.uptime_us, host.connector_uptime_us), (None, None));
    let shown = format!("{host:?}");
    assert!(!shown.contains("\\u{1b}") && !shown.contains("\\u{7}"), "{shown}");
}

#[test]
fn proxies_are_named_and_their_values_never_kept() {
    let vars = [("https_proxy", "http://user:hunter2@proxy:3128"), ("HTTP_PROXY", ""), ("NO_PROXY", "x")];
    let env = Root::new(&[]).env().with_vars(vars.map(|(k, v)| (k.to_owned(), v.to_owned())));
    let host = discover(&env);
    assert_eq!(host.proxy_variables, ["https_proxy"]);
    assert!(!format!("{host:?}").contains("hunter2"));
}

#[test]
fn this_very_machine_is_read() {
    let host = discover(&Env::system());
    assert!(host.hostname.is_some() && host.uptime_us.is_some() && host.uid.is_some());
    let lo = host.interfaces.iter().find(|i| i.name == "lo").expect("lo is everywhere");
    assert_eq!(lo.kind, InterfaceKind::Loopback);
    assert_eq!((host.interfaces_error, host.routes_error), (None, None));
}
