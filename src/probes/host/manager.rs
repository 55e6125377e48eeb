//! By what this host is run: tables of what is there.

use super::{files, reading};
use crate::env::Env;
use crate::model::facts::{Appliance, Init, LxcTool, Manager, Os, Packages};

/// What is there only where it runs; the first that is decides.
const INITS: &[(&str, Init)] = &[
    ("/run/systemd/system", Init::Systemd),
    ("/run/openrc", Init::OpenRc),
    ("/run/runit", Init::Runit),
    ("/etc/runit/runsvdir", Init::Runit),
    ("/run/s6", Init::S6),
    ("/run/s6-rc", Init::S6),
    ("/sbin/procd", Init::Procd),
];
/// A program of each; the first that is there decides.
const PACKAGES: &[(&str, Packages)] = &[
    ("/usr/bin/apt-get", Packages::Apt),
    ("/usr/bin/dnf", Packages::Dnf),
    ("/usr/bin/zypper", Packages::Zypper),
    ("/usr/bin/yum", Packages::Yum),
    ("/usr/bin/pacman", Packages::Pacman),
    ("/sbin/apk", Packages::Apk),
    ("/usr/bin/xbps-install", Packages::Xbps),
    ("/usr/bin/emerge", Packages::Emerge),
    ("/bin/opkg", Packages::Opkg),
];
const LXC: &[(&str, LxcTool)] = &[
    ("/usr/sbin/pct", LxcTool::Pct),
    ("/usr/bin/incus", LxcTool::Incus),
    ("/snap/bin/lxc", LxcTool::Lxc),
    ("/usr/bin/lxc", LxcTool::Lxc),
    ("/usr/bin/lxc-attach", LxcTool::LxcAttach),
];
const APPLIANCES: &[(&str, Appliance)] = &[
    ("/etc/unraid-version", Appliance::Unraid),
    ("/etc/synoinfo.conf", Appliance::Synology),
    ("/usr/bin/midclt", Appliance::TrueNas),
    ("/etc/NIXOS", Appliance::NixOs),
];
/// By os-release alone.
const NAMES: &[(&str, Appliance)] =
    &[("nixos", Appliance::NixOs), ("flatcar", Appliance::Flatcar), ("coreos", Appliance::Flatcar)];

/// Looks for all of them.
pub(super) fn discover(env: &Env, os: &Os) -> Manager {
    let init = first(env, INITS).or_else(|| {
        let _mark = reading::begin("/sbin/init").ok()?;
        let target = std::fs::read_link(env.path("/sbin/init")).ok()?;
        target.to_string_lossy().contains("busybox").then_some(Init::Busybox)
    });
    let named = || NAMES.iter().find(|(id, _)| *id == os.id).map(|(_, appliance)| *appliance);
    Manager {
        init,
        packages: first(env, PACKAGES),
        lxc: first(env, LXC),
        appliance: first(env, APPLIANCES).or_else(named),
    }
}

fn first<T: Copy>(env: &Env, table: &[(&str, T)]) -> Option<T> {
    table.iter().find(|(path, _)| files::exists(env, path)).map(|(_, found)| *found)
}
