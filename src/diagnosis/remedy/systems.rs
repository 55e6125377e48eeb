//! Systems that remedies differ for, each as a host that has nothing but that: `explain` and the tests run over them.

use super::family::FAMILIES;
use crate::model::facts::{
    Appliance, Cloud, Compose, Connector, ConnectorProcess, Container, Deployment, DeploymentKind, Host,
    Init, Machine, Manager, Os, Packages, Runtime, TimeDaemon,
};

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
    for (init, packages) in [
        (Init::OpenRc, Packages::Apk),
        (Init::Runit, Packages::Xbps),
        (Init::S6, Packages::Emerge),
        (Init::Procd, Packages::Opkg),
        (Init::Systemd, Packages::Yum),
    ] {
        let manager = Manager { init: Some(init), packages: Some(packages), ..Manager::default() };
        all.push((format!("{init:?} and {packages:?}"), Host { manager, ..Host::default() }));
    }
    for appliance in
        [Appliance::NixOs, Appliance::Flatcar, Appliance::Unraid, Appliance::Synology, Appliance::TrueNas]
    {
        let manager = Manager { appliance: Some(appliance), ..Manager::default() };
        all.push((format!("{appliance:?}"), Host { manager, ..Host::default() }));
    }
    for (label, deployment) in deployments() {
        let process = ConnectorProcess { deployment, ..ConnectorProcess::default() };
        let connector = Connector { processes: vec![process], ..Connector::default() };
        all.push((label.to_owned(), Host { connector, ..Host::default() }));
    }
    for tool in ["ufw", "firewalld", "nftables", "iptables"] {
        all.push((tool.to_owned(), Host { firewalls: vec![tool.to_owned()], ..Host::default() }));
    }
    all
}

/// A Connector of each way of deployment.
fn deployments() -> Vec<(&'static str, Deployment)> {
    let of = |kind| Deployment { kind, name: Some("conn-1".to_owned()), ..Deployment::default() };
    let compose = Compose { project: "office".to_owned(), service: "connector".to_owned() };
    vec![
        ("a Connector in docker", of(DeploymentKind::Docker)),
        (
            "a Connector in docker compose",
            Deployment { compose: Some(compose), ..of(DeploymentKind::Docker) },
        ),
        ("a Connector in podman", of(DeploymentKind::Podman)),
        ("a Connector in a user's podman", Deployment { owner: Some(1000), ..of(DeploymentKind::Podman) }),
        (
            "a Connector of a quadlet",
            Deployment { unit: Some("office".to_owned()), ..of(DeploymentKind::Podman) },
        ),
        (
            "a Connector in Kubernetes",
            Deployment { namespace: Some("tg".to_owned()), ..of(DeploymentKind::Kubernetes) },
        ),
        ("a Connector in LXC", of(DeploymentKind::Lxc)),
        ("a Connector in systemd-nspawn", of(DeploymentKind::SystemdNspawn)),
        ("a Connector of OpenRC", Deployment { name: None, ..of(DeploymentKind::OpenRc) }),
        ("a Connector of runit", Deployment { name: None, ..of(DeploymentKind::Runit) }),
    ]
}
