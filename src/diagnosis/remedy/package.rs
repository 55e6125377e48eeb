//! How packages are installed and updated here: by the program that is there, else by the distribution.

use super::family::Family;
use crate::model::facts::{Host, Packages};

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package(Packages);

impl Package {
    /// The one of this host; none where nothing tells.
    pub fn of(host: &Host) -> Option<Self> {
        let by_family = || {
            Some(match Family::of(host) {
                Family::Debian => Packages::Apt,
                Family::RedHat => Packages::Dnf,
                Family::Suse => Packages::Zypper,
                Family::Arch => Packages::Pacman,
                Family::Alpine => Packages::Apk,
                Family::Other => return None,
            })
        };
        host.manager.packages.or_else(by_family).map(Self)
    }

    /// Installs a package.
    pub(super) fn install(self, name: &str) -> String {
        let how = match self.0 {
            Packages::Apt => "apt-get install -y",
            Packages::Dnf => "dnf install -y",
            Packages::Yum => "yum install -y",
            Packages::Zypper => "zypper install -y",
            Packages::Pacman => "pacman -S --noconfirm",
            Packages::Apk => "apk add",
            Packages::Xbps => "xbps-install -y",
            Packages::Emerge => "emerge",
            Packages::Opkg => "opkg install",
        };
        format!("sudo {how} {name}")
    }

    /// Updates a package that is installed.
    pub fn upgrade(self, name: &str) -> Vec<String> {
        let one = |how: &str| vec![format!("sudo {how} {name}")];
        match self.0 {
            Packages::Apt => vec![
                "sudo apt-get update".to_owned(),
                format!("sudo apt-get install -y --only-upgrade {name}"),
            ],
            Packages::Dnf => one("dnf upgrade -y"),
            Packages::Yum => one("yum update -y"),
            Packages::Zypper => one("zypper update -y"),
            Packages::Pacman => one("pacman -Syu --noconfirm"),
            Packages::Apk => one("apk add --upgrade"),
            Packages::Xbps => one("xbps-install -Su"),
            Packages::Emerge => one("emerge --update"),
            Packages::Opkg => one("opkg upgrade"),
        }
    }
}
