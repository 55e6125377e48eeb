//! By what this host is run: who starts its services, installs its packages, holds its containers. Told by what is
//! there, not by the distribution's name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// By what this host is run; none where nothing tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Manager {
    /// Who starts services.
    pub init: Option<Init>,
    /// Who installs packages.
    pub packages: Option<Packages>,
    /// Who enters LXC containers.
    pub lxc: Option<LxcTool>,
    /// A system that is set up in a way of its own.
    pub appliance: Option<Appliance>,
}

/// Who starts services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// systemd.
    Systemd,
    /// `OpenRC`.
    #[serde(rename = "openrc")]
    OpenRc,
    /// runit.
    Runit,
    /// s6.
    S6,
    /// `OpenWrt`'s.
    Procd,
    /// `BusyBox`'s init, with scripts in /etc/init.d.
    Busybox,
}

/// Who installs packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Packages {
    /// apt-get.
    Apt,
    /// dnf.
    Dnf,
    /// yum.
    Yum,
    /// zypper.
    Zypper,
    /// pacman.
    Pacman,
    /// apk.
    Apk,
    /// xbps.
    Xbps,
    /// emerge.
    Emerge,
    /// opkg.
    Opkg,
}

/// Who enters LXC containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LxcTool {
    /// Proxmox VE's.
    Pct,
    /// Incus.
    Incus,
    /// LXD's.
    Lxc,
    /// LXC's own.
    LxcAttach,
}

/// A system that is set up in a way of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Appliance {
    /// `NixOS`.
    #[serde(rename = "nixos")]
    NixOs,
    /// Flatcar, Fedora `CoreOS`: /usr cannot be written.
    Flatcar,
    /// Unraid.
    Unraid,
    /// Synology DSM.
    Synology,
    /// `TrueNAS`.
    #[serde(rename = "truenas")]
    TrueNas,
}
