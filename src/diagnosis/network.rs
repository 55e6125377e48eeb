//! Causes that lie on the path: what the network lets through. Rows and pure functions.

use super::doubt::{doubted, proxy, unheard, unheard_first};
use super::remedy::{Allow, ask_network_team, plain};
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::stun;
use super::symptoms::{by_relays, closed_by_servers, none_serves, unanswered};
use crate::model::finding::{DeadResolver, ResolverTrouble, Status, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text::{self, count, millis};
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::EgressBlocked,
        severity: Severity::Critical,
        title: "Nothing gets past the gateway",
        impact: "The Connector is offline.",
        layer: Layer::Path,
        explains: &[
            CheckId::StunDiscovery,
            CheckId::ClockSources,
            CheckId::DnsResolvers,
            CheckId::DnsController,
            CheckId::ControllerTcp,
            CheckId::RelayTcp,
            CheckId::ServicesTcp,
        ],
        folds: &[
            CauseCode::UdpBlocked,
            CauseCode::StunBlocked,
            CauseCode::StunServersDown,
            CauseCode::NtpBlocked,
            CauseCode::DnsUnreachable,
            CauseCode::ResolverDown,
            CauseCode::ControllerPortBlocked,
            CauseCode::ControllerDown,
            CauseCode::RelayPortsBlocked,
            CauseCode::RelayDown,
            CauseCode::ServiceBlocked,
        ],
        fits: egress_blocked,
        remedies: allow_all,
        verify: "connector-doctor check --wait 10m",
        page: include_str!("../../docs/causes/egress-blocked.md"),
    },
    CauseRule {
        code: CauseCode::UdpBlocked,
        severity: Severity::Critical,
        title: "Outbound UDP is blocked on the network path",
        impact: "No peer-to-peer connections: relays carry all traffic, slower.",
        layer: Layer::Path,
        explains: &[CheckId::StunDiscovery, CheckId::ClockSources, CheckId::DnsResolvers],
        folds: &[
            CauseCode::NtpBlocked,
            CauseCode::StunBlocked,
            CauseCode::StunServersDown,
            CauseCode::DnsUnreachable,
            CauseCode::ResolverDown,
        ],
        fits: udp_blocked,
        remedies: allow_udp,
        verify: "connector-doctor check 'stun.*' --wait 10m",
        page: include_str!("../../docs/causes/udp-blocked.md"),
    },
    CauseRule {
        code: CauseCode::StunBlocked,
        severity: Severity::Critical,
        title: "UDP passes, the STUN ports do not",
        impact: "The Connector cannot learn its public address: no peer-to-peer, relays carry all traffic.",
        layer: Layer::Path,
        explains: &[CheckId::StunDiscovery],
        folds: &[CauseCode::StunServersDown],
        fits: stun::blocked,
        remedies: stun::allow,
        verify: "connector-doctor check 'stun.*' --wait 10m",
        page: include_str!("../../docs/causes/stun-blocked.md"),
    },
    CauseRule {
        code: CauseCode::StunServersDown,
        severity: Severity::Critical,
        title: "No STUN server answers; no sign of a firewall",
        impact: "No peer-to-peer connections while it lasts: relays carry all traffic.",
        layer: Layer::Service,
        explains: &[CheckId::StunDiscovery],
        folds: &[],
        fits: stun::servers_down,
        remedies: stun::other_servers,
        verify: "connector-doctor check 'stun.*' --wait 10m",
        page: include_str!("../../docs/causes/stun-servers-down.md"),
    },
    CauseRule {
        code: CauseCode::StunServerDown,
        severity: Severity::Notice,
        title: "One of several STUN servers does not answer",
        impact: "None: the others do.",
        layer: Layer::Service,
        explains: &[CheckId::StunDiscovery],
        folds: &[],
        fits: stun::server_down,
        remedies: |_| {
            vec![Remedy::advice("Nothing, unless it stays so: then name another server with --stun")]
        },
        verify: "connector-doctor check stun.discovery",
        page: include_str!("../../docs/causes/stun-server-down.md"),
    },
    CauseRule {
        code: CauseCode::NtpBlocked,
        severity: Severity::Warning,
        title: "UDP 123 is unanswered",
        impact: "This host cannot keep its clock by NTP; beyond 5 s the Controller refuses its tokens.",
        layer: Layer::Path,
        explains: &[CheckId::ClockSources],
        folds: &[],
        fits: ntp_blocked,
        remedies: allow_ntp,
        verify: "connector-doctor check clock.sources --wait 10m",
        page: include_str!("../../docs/causes/ntp-blocked.md"),
    },
];

fn egress_blocked(e: &Evidence<'_>) -> Option<Fit> {
    let w = e.witnesses;
    // Where no name resolved, silent resolvers and a silent TCP server named by address are all there is to see.
    let unnamed = w.stun.asked + w.ntp.asked == 0;
    let tcp_dead = !w.tcp_silent.is_empty() || !w.tcp_rejected.is_empty();
    let udp_silent = if unnamed {
        let names_dead = e.status(CheckId::DnsResolvers) == Status::Fail && w.udp_dns.is_none();
        names_dead && !w.resolvers_denied && (tcp_dead || w.no_way_to_resolvers.is_some())
    } else {
        e.status(CheckId::StunDiscovery) == Status::Fail && unanswered(&w.stun) && w.ntp.answered == 0
    };
    // Answers that came from elsewhere came: nothing is blocked.
    if !w.stun_elsewhere.is_empty() {
        return None;
    }
    let only_udp = w.tcp.is_some() || !names_by_tcp(e).is_empty() || (w.udp_dns.is_some() && !tcp_dead);
    if !udp_silent || only_udp || closed_by_servers(&w.stun) || closed_by_servers(&w.ntp) {
        return None;
    }
    let past = match e.host.default_routes.first().map(|route| (route.gateway, &route.interface)) {
        Some((Some(gateway), _)) => format!("the gateway {gateway}"),
        Some((None, interface)) => format!("the link {interface}, by which this host sends"),
        None => "this host".to_owned(),
    };
    let confidence = if tcp_dead && !unnamed { Confidence::Certain } else { Confidence::Likely };
    let udp = (!unnamed).then(|| {
        format!(
            "UDP: {} to {} and {}: 0 answers",
            count((w.stun.sent + w.ntp.sent) as usize, "request"),
            count(w.stun.asked, "STUN server"),
            count(w.ntp.asked, "time server"),
        )
    });
    let confidence = doubted(e, confidence);
    let mut fit = Fit::new(confidence, format!("Nothing gets past {past}")).because_some(udp);
    if !w.tcp_silent.is_empty() {
        fit = fit.because(format!("TCP: no answer from {}", w.tcp_silent.join(", ")));
    }
    let fit = w.tcp_rejected.iter().take(4).fold(fit, |fit, line| fit.because(format!("TCP: {line}")));
    let no_way = w.no_way_to_resolvers.map(|ip| format!("{ip} says that there is no way to the resolvers"));
    let fit = fit.because_some(no_way).because_some(proxy(e)).because_some(unheard(e));
    Some(match w.udp_dns {
        Some((resolver, _)) => fit.because(format!("{resolver} answers, so the way to it is open")),
        None => fit.because("No resolver was heard over UDP"),
    })
}

/// The tunnel by which this host sends everything, where it does.
fn tunnel(e: &Evidence<'_>) -> Option<String> {
    use crate::model::facts::InterfaceKind::{Ppp, Tunnel, Vpn};
    let name = &e.host.default_routes.iter().find(|route| !route.ipv6)?.interface;
    let interface = e.host.interfaces.iter().find(|i| i.name == *name)?;
    (matches!(interface.kind, Ppp | Tunnel | Vpn) && plain(name)).then(|| name.clone())
}

fn allow_all(e: &Evidence<'_>) -> Vec<Remedy> {
    if let Some(name) = tunnel(e) {
        return vec![
            Remedy {
                action: format!(
                    "See whether the VPN or line behind {name} is up, by which this host sends everything"
                ),
                commands: vec![format!("ip addr show dev {name}"), "ip route".to_owned()],
                needs_root: false,
            },
            Remedy::advice(format!(
                "Fix it, or take this host's default route off {name}: the Connector needs no VPN"
            )),
        ];
    }
    let w = e.witnesses;
    // A rejection's line begins with its target.
    let tcp = || w.tcp_silent.iter().chain(&w.tcp_rejected).filter_map(|line| line.split([' ', ',']).next());
    let port = |target: &str| target.trim_end_matches(':').rsplit_once(':')?.1.parse::<u16>().ok();
    let tried = |is: fn(u16) -> bool| tcp().filter_map(port).any(is);
    let (https, high) = (tried(|port| port == 443), tried(|port| (30_000..=31_000).contains(&port)));
    let rows = [
        (https, Allow { protocol: "TCP", destination: "any:443", purpose: "Controller, relays, events" }),
        (high, Allow { protocol: "TCP", destination: "any:30000-31000", purpose: "relays" }),
        (
            w.stun.sent + w.ntp.sent > 0,
            Allow { protocol: "UDP", destination: "any:1-65535", purpose: "peer-to-peer, QUIC, STUN, time" },
        ),
    ];
    let rows: Vec<Allow<'_>> = rows.into_iter().filter(|(tried, _)| *tried).map(|(_, row)| row).collect();
    let needs = Remedy::advice(
        "What a Connector needs in all: TCP 443 and 30000-31000, and UDP, to any address (connector-doctor plan lists what a run tries)",
    );
    let table = (!rows.is_empty()).then(|| ask_network_team(e.host, &rows));
    let asked = table.into_iter().chain(vec![
        needs,
        Remedy::advice(
            "If nothing of this host gets out at all, ask whether its address, VLAN or subscription was shut off",
        ),
    ]);
    unheard_first(e, asked.collect())
}

fn udp_blocked(e: &Evidence<'_>) -> Option<Fit> {
    let w = e.witnesses;
    let stun_fails = e.status(CheckId::StunDiscovery) == Status::Fail && unanswered(&w.stun);
    if !stun_fails || closed_by_servers(&w.stun) || w.ntp.answered > 0 || closed_by_servers(&w.ntp) {
        return None;
    }
    if !w.stun_elsewhere.is_empty() {
        return None;
    }
    // Without a witness that this host gets anything else out, it is not UDP alone.
    let by_tcp = names_by_tcp(e);
    if w.tcp.is_none() && by_tcp.is_empty() && (w.udp_dns.is_none() || !w.tcp_silent.is_empty()) {
        return None;
    }
    let servers = w.stun.asked + w.ntp.asked;
    let mut ports: Vec<u16> = w.stun.silent_ports.iter().chain(&w.ntp.silent_ports).copied().collect();
    ports.sort_unstable();
    ports.dedup();
    let enough = servers >= 2 && ports.len() >= 2 && w.tcp.is_some() && !w.second_opinion_answered;
    let confidence = if enough { Confidence::Certain } else { Confidence::Likely };
    let rejected = w.stun.icmp.iter().chain(&w.ntp.icmp).find(|i| !i.by_server);
    let names_too = if by_tcp.is_empty() { "" } else { ", that to the resolvers, too" };
    let title = match rejected.and_then(|i| i.offender) {
        Some(offender) => format!("Outbound UDP is rejected on the network path, by {offender}{names_too}"),
        None => format!("Outbound UDP is dropped on the network path{names_too}"),
    };
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let end = match w.stun.icmp.len() + w.ntp.icmp.len() {
        0 => "0 ICMP errors, so a silent drop".to_owned(),
        n => count(n, "ICMP error"),
    };
    let sent = w.stun.sent + w.ntp.sent;
    let mut fit = Fit::new(doubted(e, confidence), title).because(format!(
        "{} to {} and {}, ports {}: 0 answers, {end}",
        count(sent as usize, "request"),
        count(w.stun.asked, "STUN server"),
        count(w.ntp.asked, "time server"),
        text::list(&ports),
    ));
    if let Some((resolver, rtt)) = w.udp_dns {
        fit = fit.because(format!("UDP to {resolver} answered in {}, so this host can send", millis(rtt)));
    }
    fit = fit.because_some(w.tcp.as_ref().map(|tcp| format!("TCP to {tcp} works"))).because_some(unheard(e));
    let fit = by_tcp.iter().fold(fit, |fit, resolver| fit.because(resolver.words()));
    let names = (!by_tcp.is_empty()).then_some(CheckId::DnsResolvers);
    let fit = fit.impact(format!("No peer-to-peer connections: {}.", by_relays(e)));
    Some(fit.only([CheckId::StunDiscovery, CheckId::ClockSources].into_iter().chain(names)))
}

/// Resolvers, where none is heard over UDP while TCP answers.
fn names_by_tcp(e: &Evidence<'_>) -> Vec<DeadResolver> {
    let by_tcp = |r: &DeadResolver| matches!(r.trouble, ResolverTrouble::TcpAlone { .. });
    none_serves(e).filter(|all| all.iter().all(by_tcp)).unwrap_or_default()
}

fn allow_udp(e: &Evidence<'_>) -> Vec<Remedy> {
    let by_tcp = names_by_tcp(e);
    let mut rows = vec![Allow { protocol: "UDP", destination: "any:1-65535", purpose: "peer-to-peer, QUIC" }];
    rows.extend(by_tcp.iter().map(|r| Allow { protocol: "UDP", destination: &r.name, purpose: "names" }));
    rows.extend(e.witnesses.stun.silent.iter().map(|d| Allow {
        protocol: "UDP",
        destination: d,
        purpose: "STUN",
    }));
    rows.extend(e.witnesses.ntp.silent.iter().map(|d| Allow {
        protocol: "UDP",
        destination: d,
        purpose: "time",
    }));
    unheard_first(e, vec![ask_network_team(e.host, &rows)])
}

fn ntp_blocked(e: &Evidence<'_>) -> Option<Fit> {
    let w = e.witnesses;
    if !e.has(&Symptom::NtpSilent) || !unanswered(&w.ntp) {
        return None;
    }
    let kept = e.status(CheckId::ClockSources) < Status::Warn;
    let rejected = w.ntp.icmp.iter().find(|i| !i.by_server).and_then(|i| i.offender);
    let (confidence, title) = match rejected {
        _ if closed_by_servers(&w.ntp) => {
            (Confidence::Certain, "The time servers refuse: their port 123 is closed".to_owned())
        }
        Some(ip) => (Confidence::Certain, format!("UDP 123 is rejected on the way, by {ip}")),
        None => (Confidence::Likely, "No time server answers on UDP 123".to_owned()),
    };
    let fit = Fit::new(confidence, title).because(format!(
        "{} to {}: 0 answers",
        count(w.ntp.sent as usize, "request"),
        count(w.ntp.asked, "server")
    ));
    let fit = match w.stun.answered {
        0 => fit,
        n => fit.because(format!("UDP passes: {} answered", count(n, "STUN server"))),
    };
    Some(if kept {
        fit.severity(Severity::Notice).because("The clock is kept all the same").impact(
            "None while the clock is kept otherwise: this host reaches no time server that was asked.",
        )
    } else {
        fit
    })
}

fn allow_ntp(e: &Evidence<'_>) -> Vec<Remedy> {
    if closed_by_servers(&e.witnesses.ntp) {
        return vec![Remedy::advice(
            "Name time servers that live, to the time daemon, and to this tool with --ntp",
        )];
    }
    let rows: Vec<Allow<'_>> = e
        .witnesses
        .ntp
        .silent
        .iter()
        .map(|d| Allow { protocol: "UDP", destination: d, purpose: "time" })
        .collect();
    vec![
        ask_network_team(e.host, &rows),
        Remedy::advice(
            "Or point the time daemon at a time server inside the network, and name it with --ntp",
        ),
    ]
}
