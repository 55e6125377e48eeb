//! Programs that keep clocks: installed, enabled, running, and what they are configured with.

use super::files;
use super::processes::Processes;
use super::services;
use super::time_sources as sources;
use crate::env::Env;
use crate::model::facts::TimeDaemon;

/// One program: how it is recognised.
struct Row {
    /// Its name in the report.
    name: &'static str,
    /// /proc/*/comm (15 characters).
    comm: &'static str,
    /// Names of its service; the first that is installed is the one to name.
    units: &'static [&'static str],
    /// Its binaries, where it has no service.
    binaries: &'static [&'static str],
    /// Users it runs as, for where /proc hides it.
    users: &'static [&'static str],
    /// What it is configured with.
    sources: fn(&Env) -> Vec<String>,
    /// Exists once it has synchronised.
    synchronised: Option<&'static str>,
}

/// The comm of every kind of ntpd.
const NTPD: &str = "ntpd";

/// The programs; of two that share a comm the more telling one stands first.
const ROWS: &[Row] = &[
    Row {
        name: "chrony",
        comm: "chronyd",
        units: &["chrony", "chronyd"],
        binaries: &["/usr/sbin/chronyd"],
        users: &["_chrony", "chrony"],
        sources: sources::chrony,
        synchronised: None,
    },
    Row {
        name: "systemd-timesyncd",
        comm: "systemd-timesyn",
        units: &["systemd-timesyncd"],
        binaries: &["/lib/systemd/systemd-timesyncd", "/usr/lib/systemd/systemd-timesyncd"],
        users: &["systemd-timesync"],
        sources: sources::timesyncd,
        synchronised: Some("/run/systemd/timesync/synchronized"),
    },
    Row {
        name: "ntpd-rs",
        comm: "ntp-daemon",
        units: &["ntpd-rs"],
        binaries: &["/usr/bin/ntp-daemon"],
        users: &["ntpd-rs", "_ntpd-rs"],
        sources: sources::ntpd_rs,
        synchronised: None,
    },
    Row {
        name: "ntpsec",
        comm: NTPD,
        units: &["ntpsec"],
        binaries: &["/etc/ntpsec/ntp.conf"],
        users: &["ntpsec"],
        sources: sources::ntpsec,
        synchronised: None,
    },
    Row {
        name: "openntpd",
        comm: NTPD,
        units: &["openntpd"],
        binaries: &["/etc/openntpd/ntpd.conf"],
        users: &["openntpd", "_ntp", "ntpd"],
        sources: sources::openntpd,
        synchronised: None,
    },
    Row {
        name: "ntpd",
        comm: NTPD,
        units: &["ntp", "ntpd"],
        binaries: &["/etc/ntp.conf"],
        users: &["ntp"],
        sources: sources::ntpd,
        synchronised: None,
    },
    Row {
        name: "phc2sys",
        comm: "phc2sys",
        units: &["phc2sys"],
        binaries: &[],
        users: &[],
        sources: |_| Vec::new(),
        synchronised: None,
    },
    Row {
        name: "VBoxService",
        comm: "VBoxService",
        units: &[],
        binaries: &[],
        users: &[],
        sources: |_| Vec::new(),
        synchronised: None,
    },
];

/// Every comm that a scan should look for.
pub(super) fn comms() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.comm)
}

/// The programs installed or running, the running ones first. In a container only running ones have sources:
/// a file that nobody reads there says nothing of the clock.
pub(super) fn discover(env: &Env, processes: &Processes, in_container: bool) -> Vec<TimeDaemon> {
    let sockets = if processes.hidden { time_sockets(env) } else { Vec::new() };
    let running_ntpd = processes.named(NTPD).next();
    let mut found: Vec<TimeDaemon> = Vec::new();
    for row in ROWS {
        let unit = row.units.iter().find(|unit| services::installed(env, unit));
        let installed = unit.is_some() || row.binaries.iter().any(|path| files::exists(env, path));
        let named = match running_ntpd {
            Some(id) if row.comm == NTPD => is_this_ntpd(env, id, row, installed, &found),
            _ => processes.named(row.comm).next().is_some(),
        };
        let running = named || row.users.iter().any(|user| sockets.iter().any(|owner| owner == user));
        if !running && (!installed || row.units.is_empty()) {
            continue;
        }
        found.push(TimeDaemon {
            name: row.name.to_owned(),
            running,
            enabled: unit.is_some_and(|unit| services::enabled(env, unit)),
            unit: unit.map(|unit| (*unit).to_owned()),
            synchronised: row.synchronised.map(|path| running && files::exists(env, path)),
            sources: if running || !in_container { (row.sources)(env) } else { Vec::new() },
        });
    }
    found.sort_by_key(|daemon| !daemon.running);
    found
}

/// Three programs are called ntpd: the one that is installed, told by its command line where several are.
fn is_this_ntpd(env: &Env, id: u32, row: &Row, installed: bool, before: &[TimeDaemon]) -> bool {
    let command =
        files::read(env, &format!("/proc/{id}/cmdline"), 4096).unwrap_or_default().replace('\0', " ");
    let engine = command.starts_with("ntpd: ") || command.contains("openntpd");
    match row.name {
        "openntpd" => engine,
        _ if engine => false,
        "ntpsec" => installed && !command.contains(" /etc/ntp.conf"),
        // The last of them takes what the others did not: ntp.org's, or busybox's.
        _ => !before.iter().any(|daemon| daemon.running && daemon.name == "ntpsec"),
    }
}

/// Owners of UDP sockets from or to port 123, or of chronyd's command port 323.
fn time_sockets(env: &Env) -> Vec<String> {
    let passwd = files::read(env, "/etc/passwd", files::SMALL).unwrap_or_default();
    let mut owners = Vec::new();
    for table in ["/proc/net/udp", "/proc/net/udp6"] {
        let table = files::read(env, table, 1024 * 1024).unwrap_or_default();
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, remote, _, _, _, _, uid, ..] = fields[..] else { continue };
            let time = local.ends_with(":007B") || local.ends_with(":0143") || remote.ends_with(":007B");
            if time {
                owners.extend(user_name(&passwd, uid).map(str::to_owned));
            }
        }
    }
    owners
}

fn user_name<'a>(passwd: &'a str, uid: &str) -> Option<&'a str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then_some(name)
    })
}
