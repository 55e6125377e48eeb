//! Systems that remedies differ for, each as a host that has nothing but that: `explain` and the tests run over them.

use super::family::FAMILIES;
use crate::model::facts::{Cloud, Container, Host, Machine, Os, Runtime, TimeDaemon};

/// Label, and the host.
pub fn systems() -> Vec<(String, Host)> {
    let mut all: Vec<(String, Host)> = Vec::new();
    for (family, ids) in FAMILIES {
        let os = Os { id: ids[0].to_owned(), ..Os::default() };
        all.push((format!("{family:?}"), Host { os, ..Host::default() }));
    }
    for name in ["chrony", "systemd-timesyncd", "ntpd", "ntpsec", "openntpd", "ntpd-rs"] {
        for running in [false, true] {
            let daemon = TimeDaemon { name: name.to_owned(), running, ..TimeDaemon::default() };
            let label = if running { format!("{name} runs") } else { format!("{name} is installed") };
            all.push((label, Host { time_daemons: vec![daemon], ..Host::default() }));
        }
    }
    for runtime in
        [Runtime::Docker, Runtime::Podman, Runtime::Kubernetes, Runtime::Lxc, Runtime::SystemdNspawn]
    {
        let label = format!("in {}", runtime.word());
        let container = Container { runtime, sign: String::new() };
        all.push((label, Host { container: Some(container), ..Host::default() }));
    }
    for guest in [Machine::Vmware, Machine::HyperV, Machine::Wsl2, Machine::Wsl1] {
        all.push((guest.word().to_owned(), Host { virtualisation: Some(guest), ..Host::default() }));
    }
    for (label, cloud) in [("AWS", Cloud::Aws), ("Google Cloud", Cloud::Gcp), ("Azure", Cloud::Azure)] {
        all.push((label.to_owned(), Host { cloud: Some(cloud), ..Host::default() }));
    }
    for tool in ["ufw", "firewalld", "nftables", "iptables"] {
        all.push((tool.to_owned(), Host { firewalls: vec![tool.to_owned()], ..Host::default() }));
    }
    all
}
