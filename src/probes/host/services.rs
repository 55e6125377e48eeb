//! Services as systemd, `OpenRC` and `SysV` keep them on disk: installed, enabled; starts and asks nothing.

use super::files;
use crate::env::Env;

/// Where units and init scripts lie: folder, ending.
const INSTALLED: &[(&str, &str)] = &[
    ("/etc/systemd/system", ".service"),
    ("/lib/systemd/system", ".service"),
    ("/usr/lib/systemd/system", ".service"),
    ("/etc/init.d", ""),
];

/// Folders of links that start a unit at boot: systemd's and `OpenRC`'s.
const WANTS: &[&str] =
    &["multi-user.target", "sysinit.target", "default.target", "basic.target", "network.target"];
const RUNLEVELS: &[&str] = &["default", "boot", "sysinit"];

/// Where a service of this name is installed.
pub(in crate::probes) fn place(env: &Env, unit: &str) -> Option<String> {
    let mut places = INSTALLED.iter().map(|(folder, ending)| format!("{folder}/{unit}{ending}"));
    places.find(|place| files::exists(env, place))
}

/// Whether a service of this name is installed.
pub(in crate::probes) fn installed(env: &Env, unit: &str) -> bool {
    place(env, unit).is_some()
}

/// Whether it is started at boot.
pub(in crate::probes) fn enabled(env: &Env, unit: &str) -> bool {
    let systemd = WANTS
        .iter()
        .any(|target| files::exists(env, &format!("/etc/systemd/system/{target}.wants/{unit}.service")));
    let openrc =
        || RUNLEVELS.iter().any(|level| files::exists(env, &format!("/etc/runlevels/{level}/{unit}")));
    // Beside a unit, SysV's links are a leftover that systemd ignores.
    let sysv = || {
        !files::exists(env, "/run/systemd/system")
            && files::list(env, "/etc/rc2.d", 512)
                .iter()
                .any(|link| link.starts_with('S') && link.get(3..) == Some(unit))
    };
    systemd || openrc() || sysv()
}
