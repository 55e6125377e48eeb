//! Checks of the host itself: its name, addresses, default route and uptime. Pure.

use std::net::{IpAddr, Ipv4Addr};

use super::check::Check;
use super::route;
use super::vicinity;
use crate::inference::Inference;
use crate::model::CheckId;
use crate::model::address::{Scope, overlaps_v4, scope};
use crate::model::check::{CheckRow, Segment, Topic};
use crate::model::facts::{Host, Interface, InterfaceAddress, Machine, Route, Runtime};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::text::{count, span};

/// The Clients' range: a local network inside it collides (connector-facts 2.3).
const CLIENTS: (Ipv4Addr, u8) = (Ipv4Addr::new(100, 96, 0, 0), 12);
/// A Connector younger than this may still be connecting, microseconds.
const YOUNG_US: u64 = 90_000_000;
/// Most addresses named in a summary.
const NAMED: usize = 3;

/// The rows.
pub const CHECKS: &[Check] = &[
    Check {
        id: CheckId::HostHostname,
        title: "The host's name is known",
        contacts: "nothing: the kernel and files",
        rights: "none",
        row: CheckRow::under(Topic::Host).in_details(),
        page: include_str!("../../docs/checks/host.hostname.md"),
        eval: hostname,
    },
    Check {
        id: CheckId::HostAddresses,
        title: "The host has an address beyond loopback",
        contacts: "nothing: the kernel, /proc and /sys",
        rights: "none",
        row: CheckRow::under(Topic::Host).on(Segment::FirstLeg),
        page: include_str!("../../docs/checks/host.addresses.md"),
        eval: addresses,
    },
    Check {
        id: CheckId::HostRoute,
        title: "The host has a default route over IPv4",
        contacts: "nothing: the kernel and /proc",
        rights: "none",
        row: CheckRow::under(Topic::Host).on(Segment::FirstLeg),
        page: include_str!("../../docs/checks/host.route.md"),
        eval: default_route,
    },
    Check {
        id: CheckId::HostUptime,
        title: "The host's and the Connector's uptime are known",
        contacts: "nothing: the kernel and /proc",
        rights: "none; root where /proc hides other users' processes",
        row: CheckRow::under(Topic::Host).in_details(),
        page: include_str!("../../docs/checks/host.uptime.md"),
        eval: uptime,
    },
];

fn hostname(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::HostHostname;
    let host = &run.facts.host;
    let mut finding = match (&host.hostname, &host.container) {
        (None, _) => Finding::new(ID, Status::Unknown, "the kernel told no name"),
        (Some(name), None) => Finding::new(ID, Status::Pass, format!("{name}, this machine's own")),
        (Some(name), Some(container)) => Finding::new(
            ID,
            Status::Pass,
            format!("{name}, the {}'s, not the machine's", in_words(&container.runtime)),
        ),
    };
    if let Some(container) = &host.container {
        finding = finding.evidence(format!("{}, by {}", in_words(&container.runtime), container.sign));
    }
    let system = [
        host.os.name.as_str(),
        host.os.kernel.as_str(),
        host.virtualisation.as_ref().map_or("", Machine::word),
    ];
    let system: Vec<&str> = system.into_iter().filter(|part| !part.is_empty()).collect();
    if !system.is_empty() {
        finding = finding.evidence(system.join(", "));
    }
    vec![finding.evidence_all(host.unseen_in_words().map(|what| format!("not seen: {what}")))]
}

/// `docker container`; a container of a kind not told is just that.
fn in_words(runtime: &Runtime) -> String {
    match runtime {
        Runtime::Container => "container".to_owned(),
        Runtime::Kubernetes => "Kubernetes pod".to_owned(),
        runtime => format!("{} container", runtime.word()),
    }
}

fn addresses(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::HostAddresses;
    let host = &run.facts.host;
    if run.facts.run.lab.is_some() {
        return vec![Finding::new(ID, Status::Skip, "not judged in the lab")];
    }
    if host.interfaces_error.is_some() || host.interfaces.is_empty() {
        let why = host.interfaces_error.as_deref().unwrap_or("none was found");
        return vec![Finding::new(ID, Status::Unknown, format!("the interfaces could not be read: {why}"))];
    }
    let usable: Vec<(&Interface, &InterfaceAddress)> =
        up(host).filter(|(_, a)| !matches!(scope(a.ip), Scope::Loopback | Scope::LinkLocal)).collect();
    let overlaps: Vec<String> = usable
        .iter()
        .filter(|(i, a)| is_clients(a) && !vicinity::is_tunnels_own(i, a))
        .map(|(i, a)| format!("{}/{} {}", a.ip, a.prefix, i.name))
        .collect();
    let finding = if usable.is_empty() {
        let own: Vec<String> = up(host)
            .filter(|(_, a)| a.ip.is_ipv4() && scope(a.ip) == Scope::LinkLocal)
            .map(|(i, a)| format!("{} on {}", a.ip, i.name))
            .collect();
        let summary = match own.as_slice() {
            [] => {
                format!("no address beyond loopback on {}", count(host.interface_count as usize, "interface"))
            }
            own => format!(
                "{} alone, an address that a host gives itself where no DHCP server answers",
                own.join(", ")
            ),
        };
        Finding::new(ID, Status::Fail, summary).symptom(Symptom::NoAddress)
    } else if overlaps.is_empty() {
        Finding::new(ID, Status::Pass, named(&usable))
    } else {
        let summary = format!("{} lies in 100.96.0.0/12, the Clients' range", overlaps.join(", "));
        Finding::new(ID, Status::Warn, summary).symptom(Symptom::AddressOverlap(overlaps))
    };
    let hidden = host.unseen.iter().filter(|what| what.is_of_interfaces());
    vec![
        finding
            .evidence_all(host.interfaces.iter().map(describe))
            .evidence_all(vicinity::overlays(host))
            .evidence_all(hidden.map(|what| format!("not seen: {}", host.in_words(*what))))
            .measure("interfaces", f64::from(host.interface_count))
            .measure("addresses", usable.len() as f64),
    ]
}

/// Addresses of the interfaces that are up.
fn up(host: &Host) -> impl Iterator<Item = (&Interface, &InterfaceAddress)> {
    host.interfaces.iter().filter(|i| i.up).flat_map(|i| i.addresses.iter().map(move |a| (i, a)))
}

fn is_clients(address: &InterfaceAddress) -> bool {
    match address.ip {
        // A prefix this short is no network but a tunnel's way to write "all": the address alone counts.
        IpAddr::V4(ip) if address.prefix < 8 => overlaps_v4(CLIENTS, (ip, 32)),
        IpAddr::V4(ip) => overlaps_v4(CLIENTS, (ip, address.prefix)),
        IpAddr::V6(_) => false,
    }
}

/// `10.0.0.5 eth0; 172.17.0.1 docker0`, IPv4 first.
fn named(usable: &[(&Interface, &InterfaceAddress)]) -> String {
    let mut sorted: Vec<_> = usable.iter().collect();
    sorted.sort_by_key(|(_, a)| a.ip.is_ipv6());
    let shown: Vec<String> = sorted.iter().take(NAMED).map(|(i, a)| format!("{} {}", a.ip, i.name)).collect();
    match usable.len().saturating_sub(NAMED) {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}

/// `eth0: Ethernet, up, MTU 1500, 10.0.0.5/24`.
fn describe(interface: &Interface) -> String {
    let mut parts =
        vec![interface.kind.word().to_owned(), if interface.up { "up" } else { "down" }.to_owned()];
    parts.extend(interface.mtu.map(|mtu| format!("MTU {mtu}")));
    parts.extend(interface.addresses.iter().map(|a| format!("{}/{}", a.ip, a.prefix)));
    format!("{}: {}", interface.name, parts.join(", "))
}

fn default_route(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::HostRoute;
    let host = &run.facts.host;
    if run.facts.run.lab.is_some() {
        return vec![Finding::new(ID, Status::Skip, "not judged in the lab")];
    }
    let first = |ipv6: bool| host.default_routes.iter().find(|r| r.ipv6 == ipv6);
    let (v4, v6) = (first(false), first(true));
    // Where no interface could be read, a route speaks for itself.
    let readable = host.interfaces_error.is_none() && !host.interfaces.is_empty();
    let has_address =
        |ipv6: bool| !readable || up(host).any(|(_, a)| a.ip.is_ipv6() == ipv6 && beyond_link(a.ip, ipv6));
    let finding = match (v4, v6) {
        (Some(v4), v6) if has_address(false) => {
            let six = v6.map_or_else(|| "no IPv6".to_owned(), |v6| format!("IPv6 {}", via(v6)));
            Finding::new(ID, Status::Pass, format!("IPv4 {}; {six}", via(v4)))
        }
        // Its own finding says what is wanting.
        (_, Some(_)) if route::no_ipv4_default(run) => return route::astray(run),
        (_, Some(v6)) if has_address(true) => {
            let summary = format!("IPv6 only, {}; relays need IPv4", via(v6));
            Finding::new(ID, Status::Fail, summary).symptom(Symptom::NoIpv4)
        }
        (None, None) if host.routes_error.is_some() || !readable => {
            let why = host.routes_error.as_deref().unwrap_or("no interface could be read either");
            Finding::new(ID, Status::Unknown, format!("no default route is seen: {why}"))
        }
        (None, None) => {
            Finding::new(ID, Status::Fail, "no default route, IPv4 or IPv6").symptom(Symptom::NoDefaultRoute)
        }
        _ => Finding::new(ID, Status::Fail, "a default route, but no address to use it with")
            .symptom(Symptom::NoAddress),
    };
    let proxies = &host.proxy_variables;
    let proxies =
        (!proxies.is_empty()).then(|| format!("set, and not used by this run: {}", proxies.join(", ")));
    let finding =
        finding
            .evidence_all(host.default_routes.iter().map(|r| {
                format!("IPv{} default {}, metric {}", if r.ipv6 { 6 } else { 4 }, via(r), r.metric)
            }))
            .evidence_all(route::lines(&host.routing))
            .evidence_all(proxies);
    std::iter::once(finding).chain(route::astray(run)).collect()
}

/// An IPv6 address of the link alone reaches nothing; of IPv4 any will do, clouds route 169.254.0.0/16.
fn beyond_link(ip: IpAddr, ipv6: bool) -> bool {
    let scope = scope(ip);
    scope != Scope::Loopback && !(ipv6 && scope == Scope::LinkLocal)
}

fn via(route: &Route) -> String {
    match route.gateway {
        Some(gateway) => format!("via {gateway} {}", route.interface),
        None => format!("on {}", route.interface),
    }
}

fn uptime(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::HostUptime;
    let host = &run.facts.host;
    let Some(host_us) = host.uptime_us else {
        return vec![Finding::new(
            ID,
            Status::Unknown,
            "neither the boot clock nor /proc/uptime can be read",
        )];
    };
    let up = span(host_us / 1_000_000);
    let finding = match host.connector_uptime_us {
        None => Finding::new(ID, Status::Pass, format!("host {up}; no Connector's process is seen")),
        Some(us) if us < YOUNG_US => {
            let young = span(us / 1_000_000);
            Finding::new(
                ID,
                Status::Pass,
                format!("host {up}; Connector started only {young} ago, may still connect"),
            )
        }
        Some(us) => Finding::new(ID, Status::Pass, format!("host {up}; Connector {}", span(us / 1_000_000))),
    };
    let finding = finding.measure("host_uptime_s", host_us as f64 / 1e6);
    vec![match host.connector_uptime_us {
        Some(us) => finding.measure("uptime_s", us as f64 / 1e6),
        None => finding,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::infer;
    use crate::model::facts::{Container, Facts, InterfaceKind, Unseen};

    /// `eth0 up 10.0.0.5/24 fd00::5/64`.
    fn interface(line: &str) -> Interface {
        let mut words = line.split(' ');
        Interface {
            name: words.next().unwrap().to_owned(),
            kind: InterfaceKind::Ethernet,
            up: words.next() == Some("up"),
            mtu: Some(1500),
            addresses: words
                .map(|word| {
                    let (ip, prefix) = word.split_once('/').unwrap();
                    InterfaceAddress { ip: ip.parse().unwrap(), prefix: prefix.parse().unwrap() }
                })
                .collect(),
        }
    }

    fn facts(interfaces: &[&str], routes: &[&str]) -> Facts {
        let mut facts = Facts::default();
        facts.host.interfaces = interfaces.iter().map(|line| interface(line)).collect();
        facts.host.interface_count = interfaces.len() as u32;
        facts.host.default_routes = routes
            .iter()
            .map(|gateway| Route {
                gateway: Some(gateway.parse().unwrap()),
                ipv6: gateway.contains(':'),
                interface: "eth0".into(),
                metric: 100,
            })
            .collect();
        facts
    }

    const LO: &str = "lo up 127.0.0.1/8 ::1/128";

    #[test]
    fn addresses_pass_beyond_loopback_and_warn_of_the_clients_range() {
        let overlap = |networks: &[&str]| {
            Some(Symptom::AddressOverlap(networks.iter().map(|n| (*n).to_owned()).collect()))
        };
        for (interfaces, status, symptom) in [
            (&[LO, "eth0 up 10.0.0.5/24"][..], Status::Pass, None),
            (&[LO, "eth0 up 198.51.100.7/24"][..], Status::Pass, None),
            (&[LO, "eth0 up fd00::5/64"][..], Status::Pass, None),
            // A router without numbers on its links bears its address on lo.
            (&["lo up 127.0.0.1/8 192.0.2.1/32"][..], Status::Pass, None),
            (&[LO, "eth0 up 169.254.7.7/16 fe80::1/64"][..], Status::Fail, Some(Symptom::NoAddress)),
            (&[LO, "eth0 down 10.0.0.5/24"][..], Status::Fail, Some(Symptom::NoAddress)),
            (&[LO], Status::Fail, Some(Symptom::NoAddress)),
            (&[LO, "eth0 up 10.0.0.5/24", "tailscale0 up 100.101.102.103/32"][..], Status::Pass, None),
            (&[LO, "eth0 up 100.64.0.7/10"][..], Status::Warn, overlap(&["100.64.0.7/10 eth0"])),
            (&[LO, "eth0 up 100.64.0.7/24"][..], Status::Pass, None),
            (&[LO, "eth0 up 10.0.0.5/24", "old0 down 100.96.0.1/16"][..], Status::Pass, None),
            (&[LO, "tun0 up 10.8.0.2/0"][..], Status::Pass, None),
        ] {
            let finding = addresses(&infer(&facts(interfaces, &[]))).remove(0);
            assert_eq!((finding.status, finding.symptom), (status, symptom), "{interfaces:?}");
        }
        let finding =
            addresses(&infer(&facts(&[LO, "eth0 up fd00::5/64 10.0.0.5/24 10.0.0.6/24 10.0.0.7/24"], &[])))
                .remove(0);
        assert_eq!(finding.summary, "10.0.0.5 eth0; 10.0.0.6 eth0; 10.0.0.7 eth0; and 1 more");
        assert_eq!(finding.evidence[0], "lo: Ethernet, up, MTU 1500, 127.0.0.1/8, ::1/128");
    }

    #[test]
    fn a_route_needs_ipv4_and_an_address_to_use_it_with() {
        let eth = "eth0 up 10.0.0.5/24 2001:db8::5/64";
        let six = "eth0 up 2001:db8::5/64";
        for (interfaces, routes, status, symptom) in [
            (&[LO, eth][..], &["10.0.0.1", "fe80::1"][..], Status::Pass, None),
            (&[LO, eth], &["10.0.0.1"], Status::Pass, None),
            (&[LO, six], &["fe80::1"], Status::Fail, Some(Symptom::NoIpv4)),
            (&[LO, six], &["fe80::1"], Status::Fail, Some(Symptom::NoIpv4)),
            // A stale IPv4 route without an address leaves IPv6 alone.
            (&[LO, six], &["10.0.0.1", "fe80::1"], Status::Fail, Some(Symptom::NoIpv4)),
            (&[LO, eth], &[], Status::Fail, Some(Symptom::NoDefaultRoute)),
            (&[LO], &[], Status::Fail, Some(Symptom::NoDefaultRoute)),
            (&[LO, "eth0 up fe80::5/64"], &["fe80::1"], Status::Fail, Some(Symptom::NoAddress)),
            (&[LO, "eth0 up 169.254.8.8/32"], &["169.254.1.1"], Status::Pass, None),
            // Interfaces that could not be read prove nothing.
            (&[], &["10.0.0.1"], Status::Pass, None),
            (&[], &[], Status::Unknown, None),
        ] {
            let finding = default_route(&infer(&facts(interfaces, routes))).remove(0);
            assert_eq!((finding.status, finding.symptom), (status, symptom), "{interfaces:?} {routes:?}");
        }
        let mut blind = facts(&[LO, eth], &[]);
        blind.host.routes_error = Some("/proc/net/route: permission denied".into());
        assert_eq!(default_route(&infer(&blind))[0].status, Status::Unknown);
    }

    #[test]
    fn a_proxy_is_named_as_not_used_and_the_lab_judges_no_network() {
        let mut lab = facts(&[LO], &[]);
        lab.host.proxy_variables = vec!["HTTPS_PROXY".into()];
        assert_eq!(default_route(&infer(&lab))[0].evidence, ["set, and not used by this run: HTTPS_PROXY"]);
        lab.run.lab = Some("healthy".into());
        assert_eq!(
            (default_route(&infer(&lab))[0].status, addresses(&infer(&lab))[0].status),
            (Status::Skip, Status::Skip)
        );
    }

    #[test]
    fn a_name_says_whose_it_is() {
        let mut facts = Facts::default();
        facts.host.hostname = Some("conn-ams-1".into());
        assert_eq!(hostname(&infer(&facts))[0].summary, "conn-ams-1, this machine's own");
        facts.host.container = Some(Container { runtime: Runtime::Docker, sign: "/.dockerenv".into() });
        facts.host.unseen = vec![Unseen::MachineProcesses];
        let finding = hostname(&infer(&facts)).remove(0);
        assert_eq!(finding.summary, "conn-ams-1, the docker container's, not the machine's");
        assert_eq!(
            finding.evidence,
            [
                "docker container, by /.dockerenv",
                "not seen: the machine's processes and firewall, from inside this docker container"
            ]
        );
    }

    #[test]
    fn a_young_connector_is_noted() {
        let mut facts = Facts::default();
        facts.host.uptime_us = Some(1_040_461_250_000);
        assert_eq!(uptime(&infer(&facts))[0].summary, "host 12 d 1 h; no Connector's process is seen");
        facts.host.connector_uptime_us = Some(273_600_000_000);
        assert_eq!(uptime(&infer(&facts))[0].summary, "host 12 d 1 h; Connector 3 d 4 h");
        facts.host.connector_uptime_us = Some(89_999_999);
        let finding = uptime(&infer(&facts)).remove(0);
        assert_eq!(
            finding.summary,
            "host 12 d 1 h; Connector started only 1 min 29 s ago, may still connect"
        );
        assert_eq!((finding.status, finding.measurements["uptime_s"]), (Status::Pass, 89.999_999));
    }
}
