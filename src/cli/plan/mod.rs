//! `plan`: which names, addresses, ports and files a run would touch; reads files, sends nothing.

mod files;

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use self::files::FILES;
use super::check::{meant, runtime};
use super::{fit, output};
use crate::config::defaults::STAND_IN;
use crate::config::last_known::{HTTPS, PUBLIC_RESOLVERS, published};
use crate::config::{HostPort, Meant, Named, Origin, Said};
use crate::env::Env;
use crate::model::facts::Host;
use crate::probes::own_log::OwnLog;
use crate::probes::{host, journal, metrics};
use crate::proto::greeting::Kind;
use crate::render::json::to_json;
use crate::{checks, pipeline};

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
    paths: Vec<String>,
}

/// Prints what a run with these options would touch.
pub(super) fn run(env: &Env, said: Said) -> anyhow::Result<u8> {
    let config = said.config.clone();
    let meant = meant(env, said)?;
    let named = config.into_iter().chain(meant.ca_file.iter().map(|file| file.at.clone()));
    let mut named: Vec<String> = named.map(|path| path.to_string_lossy().into_owned()).collect();
    named
        .extend(["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().filter_map(|name| env.var(name)).map(str::to_owned));
    let host = host::look_here(env, meant.timeout);
    let meant = pipeline::on_host(&meant, &host);
    let resolvers: Vec<(String, String)> = if meant.dns.is_empty() {
        host.resolvers.iter().map(|r| (r.address.to_string(), r.origin.to_string())).collect()
    } else {
        meant.dns.iter().map(|r| (r.at.to_string(), r.origin.to_string())).collect()
    };
    let mut resolvers = resolvers;
    let own = meant.dns.iter().all(|named| !named.origin.is_said()) && !meant.resources.is_empty();
    for r in host.resolvers.iter().filter(|_| own) {
        // Whom the host itself asks is compared with whom the Connector asks.
        if !resolvers.iter().any(|(at, _)| *at == r.address.to_string()) {
            resolvers.push((r.address.to_string(), r.origin.to_string()));
        }
    }
    let mut contacts = contacts(&meant, &host, resolvers);
    contacts.extend(of_log(env, &meant, &host)?);
    contacts.extend(of_metrics(&host));
    let own = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
    let mut reads: Vec<Read> = FILES.iter().map(|(what, paths)| Read { what, paths: own(paths) }).collect();
    if !named.is_empty() {
        reads.push(Read { what: "what options and variables name", paths: named });
    }
    let plan = Plan { contacts, reads };
    let json = meant.formats.iter().any(|spec| spec.file.is_none() && spec.format == "json");
    output::print(&if json { to_json(&plan) } else { human(&plan, &meant) });
    Ok(0)
}

/// The Connector's own metrics, on this host.
fn of_metrics(host: &Host) -> Vec<Contact> {
    let connector = &host.connector;
    let at = connector.processes.iter().filter_map(|process| metrics::address(process, connector));
    let row = |at: SocketAddr| Contact {
        protocol: "TCP",
        destination: at.to_string(),
        what: "the Connector's own metrics, on this host",
        origin: "TWINGATE_METRICS_PORT".to_owned(),
    };
    at.map(row).collect()
}

/// Relays that the Connector's log names: the log is read for it, as a run would.
fn of_log(env: &Env, meant: &Meant, host: &Host) -> anyhow::Result<Vec<Contact>> {
    let Some(source) = OwnLog::of(&host.connector) else {
        return Ok(Vec::new());
    };
    let log = runtime(async { Ok(source.read(env, meant.timeout).await) })?;
    let row = |relay: SocketAddr| Contact {
        protocol: "TCP",
        destination: relay.to_string(),
        what: "a connection, closed at once",
        origin: journal::ORIGIN.to_owned(),
    };
    Ok(journal::relays(&log, meant).into_iter().map(row).collect())
}

fn contacts(meant: &Meant, host: &Host, resolvers: Vec<(String, String)>) -> Vec<Contact> {
    let mut rows = Vec::new();
    for (destination, origin) in resolvers {
        rows.push(Contact { protocol: "UDP, TCP", destination, what: RESOLVER, origin });
    }
    let mut add = |servers: &[Named<HostPort>], protocol, what| {
        for named in servers {
            let origin = named.origin.to_string();
            rows.push(Contact { protocol, destination: named.at.to_string(), what, origin });
        }
    };
    add(&meant.stun, "UDP, TCP", if meant.lifetime { STUN_LIFETIME } else { STUN });
    add(&meant.ntp, "UDP", "NTP requests");
    add(&meant.quic, "UDP, TCP", QUIC);
    add(&meant.relay, "TCP", RELAY);
    add(&meant.service, "TCP", SERVICE);
    if let Some(named) = &meant.controller {
        let at = |port| HostPort { host: named.at.host.clone(), port }.to_string();
        let origin = named.origin.to_string();
        rows.push(Contact {
            protocol: "TCP",
            destination: at(named.at.port),
            what: CONTROLLER,
            origin: origin.clone(),
        });
        if named.at.port == 443 {
            rows.push(Contact { protocol: "TCP", destination: at(80), what: PLAIN, origin });
        }
    }
    rows.extend(where_names_fail(meant));
    for named in &meant.resources {
        let row = named.at.kind.row();
        let protocol = match row.kind {
            Kind::Icmp => "ICMP",
            Kind::Dns => "UDP, TCP",
            Kind::Udp => continue,
            _ => "TCP",
        };
        let destination = match named.at.port {
            0 => named.at.host.to_string(),
            port => HostPort { host: named.at.host.clone(), port }.to_string(),
        };
        rows.push(Contact { protocol, destination, what: row.sends, origin: named.origin.to_string() });
    }
    let gateway = host.default_routes.iter().find_map(|route| route.gateway.filter(IpAddr::is_ipv4));
    if let Some(gateway) = gateway.filter(|_| meant.ask_gateway) {
        for (protocol, port, what) in
            [("UDP", 5351, "its public address, by NAT-PMP"), ("UDP, TCP", 1900, GATEWAY_UPNP)]
        {
            let destination = SocketAddr::new(gateway, port).to_string();
            rows.push(Contact { protocol, destination, what, origin: "--ask-gateway".to_owned() });
        }
    }
    rows
}

/// What is asked where this host's resolvers give nothing, or lie; and the stand-in for relays' ports.
fn where_names_fail(meant: &Meant) -> Vec<Contact> {
    if meant.fallback_off().is_some() {
        return Vec::new();
    }
    let origin = || Origin::Default.to_string();
    let at = |addresses: &[IpAddr], port, protocol, what| -> Vec<Contact> {
        let allowed = addresses.iter().filter(|ip| meant.family.allows(**ip));
        let row = |ip: &IpAddr| {
            let destination = SocketAddr::new(*ip, port).to_string();
            Contact { protocol, destination, what, origin: origin() }
        };
        allowed.map(row).collect()
    };
    let mut rows = at(PUBLIC_RESOLVERS, 53, "UDP, TCP", PUBLIC);
    rows.extend(at(HTTPS, 443, "TCP", OUT));
    for named in meant.stun.iter().chain(&meant.ntp) {
        // Whatever the clock says: the table's age is looked at when the run begins.
        for address in published(&named.at.host.to_string(), named.at.port, 0) {
            if meant.family.allows(address.ip()) {
                let (destination, origin) =
                    (address.to_string(), format!("{} is published there", named.at.host));
                rows.push(Contact { protocol: "UDP, TCP", destination, what: PUBLISHED, origin });
            }
        }
    }
    let known = meant.relay.iter().any(|named| named.at.port != 443);
    let vendors = meant.controller.as_ref().is_some_and(|named| named.at.vendor);
    if vendors && meant.relays_open() && !known {
        for destination in [STAND_IN.to_owned(), STAND_IN.replace(":30001", ":443")] {
            rows.push(Contact { protocol: "TCP", destination, what: STANDS_IN, origin: origin() });
        }
    }
    rows
}

const PUBLIC: &str = "only where the resolvers above are silent for 0.3 s, fail, or lead the vendor's names astray: the names of the \
                      vendor and of the built-in defaults, your network's among them";
const OUT: &str = "only then: a connection, closed at once, to see whether anything gets out";
const PUBLISHED: &str = "only then: the same as by name";
const STANDS_IN: &str = "where no relay's own address is known, by check and report alone, once: a connection, closed at once, to see \
                         whether ports 30000-31000 pass";
const RESOLVER: &str = "names of the servers below, twingate.com where all are addresses; the Controller's name and those of Resources, A and \
                        AAAA; TCP where an answer is truncated; the first one a name below .invalid, which cannot exist, and the \
                        Controller's below search domains where this system tries those first";
const STUN: &str = "STUN Binding requests, up to some 40 to each. One that answers, and the alternate address that it \
                    names: requests of up to 1500 bytes, and with times to live from 1 to 8. One Binding request over TCP to \
                    the same port";
const STUN_LIFETIME: &str = "STUN Binding requests, up to some 40 to each. One that answers, and the alternate address that it names: \
                             requests of up to 1500 bytes, and with times to live from 1 to 8; over five minutes, some 800 from 176 \
                             sockets. One Binding request over TCP to the same port";
const QUIC: &str = "where a STUN server answers: QUIC handshakes and version probes, in datagrams of up to 1500 bytes; TLS \
                    over TCP to the same port";
const RELAY: &str = "a connection, closed at once; where it is reset, more with times to live from 1 to 30";
const SERVICE: &str = "a connection; where it is reset, more with times to live from 1 to 30; on 443, where no time \
                       server answers, or one tells a time 2.5 s off, TLS and HEAD / for its Date";
const CONTROLLER: &str = "connections, TLS, HEAD / (again for its Date where no time server answers); GET / after an \
                          error of the server's; smaller segments where its handshake is silent; TLS under the name \
                          example.com and TLS 1.2 alone where it is silent or cut; where a connection is reset, more \
                          with times to live from 1 to 30";
const PLAIN: &str = "HEAD / where 443 shows no session";
const GATEWAY_UPNP: &str = "its public address, by UPnP, and the TCP port that it then names";

/// What stands before the text of a line.
const INDENT: &str = "    ";

fn human(plan: &Plan, meant: &Meant) -> String {
    let room = usize::from(meant.width);
    let mut text = String::from("WOULD CONTACT\n");
    let width = plan.contacts.iter().map(|c| c.destination.len()).max().unwrap_or(0);
    for alike in plan.contacts.chunk_by(|a, b| a.what == b.what) {
        for c in alike {
            let _ = writeln!(text, "  {:8}  {:width$}  {}", c.protocol, c.destination, c.origin);
        }
        text.push_str(&fit::hanging(INDENT, alike[0].what, room));
    }
    if meant.controller.is_none() {
        text.push_str("  no Controller, relays or services: use --network NAME\n");
    }
    text.push_str("WOULD READ\n");
    for read in &plan.reads {
        let _ = writeln!(text, "  {}", read.what);
        text.push_str(&fit::hanging(INDENT, &read.paths.join(" "), room));
    }
    let selected = checks::all().filter(|check| meant.policy.selects(check.id.as_str())).count();
    let all = checks::all().count();
    let end = format!(
        "{selected} of {all} checks are reported; what they and their controls need is asked all the same. Nothing was sent.",
    );
    text + &fit::hanging("", &end, room)
}
