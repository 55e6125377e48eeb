//! Families of distributions, and how each starts a service.

use crate::model::facts::Host;

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

/// os-release ids of each family; the first stands for it.
pub(super) const FAMILIES: &[(Family, &[&str])] = &[
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

/// Starts a service now and at every boot.
pub(super) fn start(family: Family, unit: &str) -> Vec<String> {
    match family {
        Family::Alpine => {
            vec![format!("sudo rc-update add {unit} default"), format!("sudo rc-service {unit} start")]
        }
        _ => vec![format!("sudo systemctl enable --now {unit}")],
    }
}

/// Restarts a service.
pub(super) fn restart(family: Family, unit: &str) -> String {
    match family {
        Family::Alpine => format!("sudo rc-service {unit} restart"),
        _ => format!("sudo systemctl restart {unit}"),
    }
}
