//! Remedies for this very system: tables by distribution and time daemon; knows no findings.

use std::fmt::Write as _;

use crate::model::facts::Host;
use crate::model::report::Remedy;

/// A family of distributions that share commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Debian, Ubuntu and what derives from them.
    Debian,
    /// RHEL, Fedora, `CentOS` Stream, Oracle Linux, Amazon Linux.
    RedHat,
    /// SLES, openSUSE.
    Suse,
    /// Arch Linux.
    Arch,
    /// Alpine, without systemd.
    Alpine,
    /// Any other.
    Other,
}

/// os-release ids of each family.
const FAMILIES: &[(Family, &[&str])] = &[
    (Family::Debian, &["debian", "ubuntu", "linuxmint", "raspbian", "pop"]),
    (Family::RedHat, &["rhel", "fedora", "centos", "rocky", "almalinux", "ol", "amzn"]),
    (Family::Suse, &["suse", "sles", "opensuse", "opensuse-leap", "opensuse-tumbleweed"]),
    (Family::Arch, &["arch", "archarm", "manjaro"]),
    (Family::Alpine, &["alpine"]),
];

impl Family {
    /// The family of a host; `ID` decides before `ID_LIKE`.
    pub fn of(host: &Host) -> Self {
        std::iter::once(&host.os.id)
            .chain(&host.os.id_like)
            .find_map(|id| FAMILIES.iter().find(|(_, ids)| ids.contains(&id.as_str())))
            .map_or(Self::Other, |(family, _)| *family)
    }
}

/// How to install and start a time daemon where there is none: family, commands.
const INSTALL_CHRONY: &[(Family, &[&str])] = &[
    (
        Family::Debian,
        &["sudo apt-get install -y chrony", "sudo systemctl enable --now chrony", "sudo chronyc makestep"],
    ),
    (
        Family::RedHat,
        &["sudo dnf install -y chrony", "sudo systemctl enable --now chronyd", "sudo chronyc makestep"],
    ),
    (
        Family::Suse,
        &["sudo zypper install -y chrony", "sudo systemctl enable --now chronyd", "sudo chronyc makestep"],
    ),
    (
        Family::Arch,
        &[
            "sudo pacman -S --noconfirm chrony",
            "sudo systemctl enable --now chronyd",
            "sudo chronyc makestep",
        ],
    ),
    (
        Family::Alpine,
        &[
            "sudo apk add chrony",
            "sudo rc-update add chronyd default",
            "sudo rc-service chronyd start",
            "sudo chronyc makestep",
        ],
    ),
    (Family::Other, &["sudo systemctl enable --now chronyd", "sudo chronyc makestep"]),
];

/// How to start a daemon that is installed and make it step the clock: daemon, family (none: any), commands.
const START: &[(&str, Option<Family>, &[&str])] = &[
    ("chrony", Some(Family::Debian), &["sudo systemctl enable --now chrony", "sudo chronyc makestep"]),
    (
        "chrony",
        Some(Family::Alpine),
        &["sudo rc-update add chronyd default", "sudo rc-service chronyd start", "sudo chronyc makestep"],
    ),
    ("chrony", None, &["sudo systemctl enable --now chronyd", "sudo chronyc makestep"]),
    (
        "systemd-timesyncd",
        None,
        &["sudo timedatectl set-ntp true", "sudo systemctl restart systemd-timesyncd"],
    ),
    ("ntpsec", None, &["sudo systemctl enable --now ntpsec", "sudo systemctl restart ntpsec"]),
    ("ntpd", Some(Family::Debian), &["sudo systemctl enable --now ntp", "sudo systemctl restart ntp"]),
    ("ntpd", Some(Family::Alpine), &["sudo rc-update add ntpd default", "sudo rc-service ntpd restart"]),
    ("ntpd", None, &["sudo systemctl enable --now ntpd", "sudo systemctl restart ntpd"]),
    (
        "openntpd",
        Some(Family::Alpine),
        &["sudo rc-update add openntpd default", "sudo rc-service openntpd restart"],
    ),
    ("openntpd", None, &["sudo systemctl enable --now openntpd", "sudo systemctl restart openntpd"]),
    ("ntpd-rs", None, &["sudo systemctl enable --now ntpd-rs", "sudo systemctl restart ntpd-rs"]),
];

/// What makes a running daemon correct the clock at once.
const CORRECT: &[(&str, &[&str])] = &[
    ("chrony", &["chronyc sources", "sudo chronyc makestep"]),
    ("systemd-timesyncd", &["timedatectl timesync-status", "sudo systemctl restart systemd-timesyncd"]),
    ("ntpsec", &["ntpq -pn", "sudo systemctl restart ntpsec"]),
    ("ntpd", &["ntpq -pn", "sudo systemctl restart ntp || sudo systemctl restart ntpd"]),
    ("openntpd", &["ntpctl -s all", "sudo systemctl restart openntpd"]),
    ("ntpd-rs", &["ntp-ctl status", "sudo systemctl restart ntpd-rs"]),
];

/// How to set this host's clock right and keep it so.
pub fn keep_clock(host: &Host) -> Vec<Remedy> {
    if let Some(container) = &host.container {
        let kind = &container.runtime;
        return vec![Remedy::advice(format!(
            "Fix the clock of the machine that runs this {kind} container, not of the container: run connector-doctor check 'clock.*' there"
        ))];
    }
    let family = Family::of(host);
    if let Some(daemon) = host.time_daemons.iter().find(|d| d.running) {
        let known = CORRECT.iter().find(|(name, _)| *name == daemon.name);
        return vec![match known {
            Some((name, commands)) => {
                Remedy::root(format!("See why {name} does not correct the clock, then make it"), commands)
            }
            None => Remedy::advice(format!("See why {} does not correct the clock", daemon.name)),
        }];
    }
    let installed = host
        .time_daemons
        .iter()
        .find_map(|d| START.iter().find(|(name, of, _)| *name == d.name && of.is_none_or(|of| of == family)));
    if let Some((name, _, commands)) = installed {
        return vec![Remedy::root(format!("Start {name}, which is installed"), commands)];
    }
    let commands =
        INSTALL_CHRONY.iter().find(|(of, _)| *of == family).map_or(&[][..], |(_, commands)| *commands);
    vec![Remedy::root("Install and start a time daemon", commands)]
}

/// One row of a request to the network team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow<'a> {
    /// `UDP` or `TCP`.
    pub protocol: &'static str,
    /// `host:ports`.
    pub destination: &'a str,
    /// What it is for.
    pub purpose: &'static str,
}

/// A table that the network team can be sent; a line a rule.
pub fn ask_network_team(host: &Host, rows: &[Allow<'_>]) -> Remedy {
    let source = source_address(host);
    let width = rows.iter().map(|r| r.destination.len()).max().unwrap_or(0);
    let mut text = "Ask the network team to allow, outbound and stateful:".to_owned();
    for row in rows {
        let Allow { protocol, destination, purpose } = row;
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{protocol}  {source}  ->  {destination:width$}  {purpose}");
    }
    Remedy::advice(text)
}

/// The address that this host sends from: the first of the default route's interface.
fn source_address(host: &Host) -> String {
    let route = host.default_routes.iter().find(|r| !r.ipv6).or(host.default_routes.first());
    host.interfaces
        .iter()
        .filter(|i| route.is_none_or(|r| r.interface == i.name))
        .flat_map(|i| &i.addresses)
        .find(|a| a.ip.is_ipv4() && !a.ip.is_loopback())
        .map_or_else(|| "this host".to_owned(), |a| a.ip.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::{Os, TimeDaemon};

    fn host(id: &str, like: &[&str]) -> Host {
        let id_like = like.iter().map(|s| (*s).to_owned()).collect();
        Host { os: Os { id: id.into(), id_like, ..Os::default() }, ..Host::default() }
    }

    #[test]
    fn every_family_has_a_way_to_a_kept_clock() {
        for (id, like, expected) in [
            ("debian", &[][..], "sudo apt-get install -y chrony"),
            ("zorin", &["ubuntu", "debian"][..], "sudo apt-get install -y chrony"),
            ("rocky", &["rhel", "centos", "fedora"][..], "sudo dnf install -y chrony"),
            ("sles", &["suse"][..], "sudo zypper install -y chrony"),
            ("arch", &[][..], "sudo pacman -S --noconfirm chrony"),
            ("alpine", &[][..], "sudo apk add chrony"),
            ("", &[][..], "sudo systemctl enable --now chronyd"),
        ] {
            assert_eq!(keep_clock(&host(id, like))[0].commands[0], expected, "{id}");
        }
    }

    #[test]
    fn what_is_installed_is_started_and_what_runs_is_corrected() {
        let daemon = |name: &str, running| TimeDaemon { name: name.into(), running, ..TimeDaemon::default() };
        let mut ubuntu = host("ubuntu", &["debian"]);
        ubuntu.time_daemons = vec![daemon("systemd-timesyncd", false)];
        assert_eq!(keep_clock(&ubuntu)[0].commands[0], "sudo timedatectl set-ntp true");
        ubuntu.time_daemons = vec![daemon("chrony", true)];
        assert_eq!(keep_clock(&ubuntu)[0].commands[1], "sudo chronyc makestep");
    }

    #[test]
    fn a_container_is_told_to_mend_its_host() {
        let mut docker = host("alpine", &[]);
        docker.container =
            Some(crate::model::facts::Container { runtime: "docker".into(), sign: "/.dockerenv".into() });
        let remedies = keep_clock(&docker);
        assert!(remedies[0].action.contains("machine that runs this docker container"));
        assert!(remedies[0].commands.is_empty());
    }
}
