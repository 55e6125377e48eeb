//! Families of distributions, and how each starts a service.

use crate::model::facts::{Host, Init};

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

/// Who starts services here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// systemd.
    Systemd,
    /// `OpenRC`.
    OpenRc,
    /// runit.
    Runit,
    /// s6.
    S6,
    /// Scripts in /etc/init.d: `OpenWrt`'s procd, `BusyBox`.
    Scripts,
}

impl Service {
    /// By what is there; where that is not known by the distribution.
    pub(super) fn of(host: &Host) -> Self {
        match host.manager.init {
            Some(Init::OpenRc) => Self::OpenRc,
            Some(Init::Runit) => Self::Runit,
            Some(Init::S6) => Self::S6,
            Some(Init::Procd | Init::Busybox) => Self::Scripts,
            None if Family::of(host) == Family::Alpine => Self::OpenRc,
            Some(Init::Systemd) | None => Self::Systemd,
        }
    }

    /// Starts a service now and at every boot.
    pub(super) fn start(self, unit: &str) -> Vec<String> {
        match self {
            Self::Systemd => vec![format!("sudo systemctl enable --now {unit}")],
            Self::OpenRc => {
                vec![format!("sudo rc-update add {unit} default"), format!("sudo rc-service {unit} start")]
            }
            Self::Runit => {
                vec![format!("sudo ln -sf /etc/sv/{unit} /var/service/"), format!("sudo sv up {unit}")]
            }
            Self::S6 => vec![format!("sudo s6-svc -u /run/service/{unit}")],
            Self::Scripts => vec![format!("sudo /etc/init.d/{unit} start")],
        }
    }

    /// Restarts a service.
    pub(super) fn restart(self, unit: &str) -> String {
        match self {
            Self::Systemd => format!("sudo systemctl restart {unit}"),
            Self::OpenRc => format!("sudo rc-service {unit} restart"),
            Self::Runit => format!("sudo sv restart {unit}"),
            Self::S6 => format!("sudo s6-svc -r /run/service/{unit}"),
            Self::Scripts => format!("sudo /etc/init.d/{unit} restart"),
        }
    }

    /// Shows what a service says.
    pub(super) fn read(self, unit: &str) -> String {
        match self {
            Self::Systemd => format!("sudo journalctl -u {unit} -n 50 --no-pager"),
            Self::OpenRc => "sudo tail -n 50 /var/log/messages".to_owned(),
            Self::Runit | Self::S6 => format!("sudo tail -n 50 /var/log/{unit}/current"),
            Self::Scripts => "logread".to_owned(),
        }
    }
}
