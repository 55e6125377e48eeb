//! `plan`: which names, addresses, ports and files a run would touch; reads files, sends nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;

use serde::Serialize;

use super::check::{meant, runtime};
use super::output;
use crate::config::{HostPort, Meant, Named, Said};
use crate::env::Env;
use crate::model::facts::Host;
use crate::probes::{host, journal};
use crate::render::json::to_json;
use crate::{checks, pipeline};

/// What a run reads of this host, by what it is read for. `*` stands for one name.
const FILES: &[(&str, &[&str])] = &[
    (
        "the system",
        &["/etc/os-release", "/usr/lib/os-release", "/proc/version", "/proc/uptime", "/proc/cpuinfo"],
    ),
    ("its name and users", &["/proc/sys/kernel/*", "/etc/hostname", "/etc/hosts", "/etc/passwd"]),
    (
        "virtual machine and container",
        &["/sys/class/dmi/id/*", "/sys/hypervisor/*", "/proc/xen/*", "/proc/1/*", "/proc/self/*", "/run/*"],
    ),
    ("interfaces and routes", &["/sys/class/net/*", "/proc/net/*"]),
    ("resolvers", &["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf", "/etc/nsswitch.conf"]),
    (
        "who keeps the clock",
        &[
            "/etc/chrony*",
            "/etc/systemd/timesyncd.conf*",
            "/etc/ntp*",
            "/etc/openntpd/*",
            "/etc/conf.d/*",
            "/lib/systemd/*",
            "/etc/systemd/*",
            "/etc/runlevels/*",
            "/sys/devices/system/clocksource/*",
        ],
    ),
    ("processes", &["/proc/*/comm", "/proc/*/stat", "/proc/*/cmdline"]),
    (
        "the Connector, of whose tokens nothing is kept",
        &[
            "/etc/twingate/connector.conf",
            "/usr/bin/twingate-connector",
            "/var/lib/dpkg/status",
            "/proc/*/environ",
            "/proc/*/status",
            "/proc/*/limits",
            "/proc/*/fd",
            "/proc/*/cgroup",
            "/proc/*/mountinfo",
            "/proc/*/net/*",
            "/proc/*/root/etc/*",
            "/var/lib/docker/containers/*/config.v2.json",
            "/var/lib/containers/storage/*/containers.json",
        ],
    ),
    ("the Connector's log, by journalctl", &["/var/log/journal/*", "/run/log/journal/*"]),
    ("memory and disks", &["/proc/meminfo", "/proc/vmstat", "/sys/fs/cgroup/*"]),
    ("firewall in use", &["/etc/ufw/ufw.conf", "/proc/net/*"]),
    ("trusted certificates", &["/etc/ssl/certs", "/etc/pki", "/etc/ssl/cert.pem"]),
    ("its own configuration", &["/etc/connector-doctor/config.toml"]),
];

#[derive(Serialize)]
struct Plan {
    contacts: Vec<Contact>,
    reads: Vec<Read>,
}

/// One destination and what is sent there.
#[derive(Serialize)]
struct Contact {
    protocol: &'static str,
    /// `host:port`; a name is resolved first.
    destination: String,
    what: &'static str,
    /// Who named it.
    origin: String,
}

#[derive(Serialize)]
struct Read {
    what: &'static str,
    paths: &'static [&'static str],
}

/// Prints what a run with these options would touch.
pub(super) fn run(env: &Env, said: Said) -> anyhow::Result<u8> {
    let meant = meant(env, said)?;
    let host = host::discover(env);
    let meant = pipeline::on_host(&meant, &host);
    let resolvers: Vec<(String, String)> = if meant.dns.is_empty() {
        host.resolvers.iter().map(|r| (r.address.to_string(), r.origin.clone())).collect()
    } else {
        meant.dns.iter().map(|r| (r.at.to_string(), r.origin.to_string())).collect()
    };
    let mut contacts = contacts(&meant, resolvers);
    contacts.extend(of_log(env, &meant, &host)?);
    let plan = Plan { contacts, reads: FILES.iter().map(|(what, paths)| Read { what, paths }).collect() };
    let json = meant.formats.iter().any(|spec| spec.file.is_none() && spec.format == "json");
    output::print(&if json { to_json(&plan) } else { human(&plan, &meant) });
    Ok(0)
}

/// Relays that the Connector's log names: the log is read for it, as a run would.
fn of_log(env: &Env, meant: &Meant, host: &Host) -> anyhow::Result<Vec<Contact>> {
    if !journal::expected(&host.connector) {
        return Ok(Vec::new());
    }
    let log = runtime(async { Ok(journal::read(env, meant.timeout).await) })?;
    let row = |relay: SocketAddr| Contact {
        protocol: "TCP",
        destination: relay.to_string(),
        what: "a connection, closed at once",
        origin: journal::ORIGIN.to_owned(),
    };
    Ok(journal::relays(&log, meant).into_iter().map(row).collect())
}

fn contacts(meant: &Meant, resolvers: Vec<(String, String)>) -> Vec<Contact> {
    let mut rows = Vec::new();
    for (destination, origin) in resolvers {
        let what =
            "names of the servers below; the Controller's name, A and AAAA; TCP where an answer is truncated";
        rows.push(Contact { protocol: "UDP, TCP", destination, what, origin });
    }
    let mut add = |servers: &[Named<HostPort>], protocol, what| {
        for named in servers {
            let origin = named.origin.to_string();
            rows.push(Contact { protocol, destination: named.at.to_string(), what, origin });
        }
    };
    add(
        &meant.stun,
        "UDP",
        "STUN Binding requests; of the first that answers its alternate address, too; TCP to the same port where UDP is silent",
    );
    add(&meant.ntp, "UDP", "NTP requests");
    add(&meant.relay, "TCP", "a connection, closed at once");
    add(&meant.service, "TCP", "a connection; on 443 TLS and HEAD /, for its Date");
    if let Some(named) = &meant.controller {
        let (host, port) = (&named.at.host, named.at.port);
        let destination = HostPort { host: host.clone(), port }.to_string();
        let origin = named.origin.to_string();
        let what = "connection, TLS, HEAD /; GET / after an error of the server's";
        rows.push(Contact { protocol: "TCP", destination, what, origin: origin.clone() });
        if port == 443 {
            let destination = HostPort { host: host.clone(), port: 80 }.to_string();
            rows.push(Contact {
                protocol: "TCP",
                destination,
                what: "HEAD / where 443 shows no session",
                origin,
            });
        }
    }
    rows
}

fn human(plan: &Plan, meant: &Meant) -> String {
    let mut text = String::from("WOULD CONTACT\n");
    let width = plan.contacts.iter().map(|c| c.destination.len()).max().unwrap_or(0);
    for c in &plan.contacts {
        let _ = writeln!(text, "  {:8}  {:width$}  {} ({})", c.protocol, c.destination, c.what, c.origin);
    }
    if meant.controller.is_none() {
        text.push_str("  no Controller, relays or services: say --network NAME\n");
    }
    text.push_str("WOULD READ\n");
    for read in &plan.reads {
        let _ = writeln!(text, "  {}: {}", read.what, read.paths.join(" "));
    }
    let selected: BTreeSet<&str> =
        checks::all().map(|check| check.id).filter(|id| meant.policy.selects(id)).collect();
    let all = checks::all().count();
    let _ = writeln!(
        text,
        "{} of {all} checks are reported; what they and their controls need is asked all the same. Nothing was sent.",
        selected.len()
    );
    text
}
