//! Causes that lie in names: resolvers, and where the Controller's name leads. Rows and pure functions.

use std::net::IpAddr;

use super::doubt::{doubted, unheard, unheard_first};
use super::hijack;
use super::lookups;
use super::name_service;
use super::remedy::{Allow, ask_network_team};
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::{controller_serves, none_serves};
use crate::model::facts::ResolverOrigin;
use crate::model::finding::{DeadResolver, ResolverTrouble, Status, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text::{self, millis};
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::DnsUnreachable,
        severity: Severity::Critical,
        title: "No configured resolver answers",
        impact: "No name resolves: the Connector cannot reach the Controller and the relays; restart it afterwards.",
        layer: Layer::Names,
        explains: &[
            CheckId::DnsResolvers,
            CheckId::DnsController,
            CheckId::ControllerTcp,
            CheckId::RelayTcp,
            CheckId::ServicesTcp,
            CheckId::ResourceDns,
        ],
        folds: &[
            CauseCode::ResolverDown,
            CauseCode::ControllerNameUnknown,
            CauseCode::RelayDown,
            CauseCode::ServiceBlocked,
            CauseCode::ResourceUnresolved,
        ],
        fits: dns_unreachable,
        remedies: mend_resolvers,
        verify: "connector-doctor check 'dns.*' --wait 2m",
        page: include_str!("../../docs/causes/dns-unreachable.md"),
    },
    CauseRule {
        code: CauseCode::ResolverDown,
        severity: Severity::Warning,
        title: "One of several resolvers does not answer",
        impact: "Each look-up that begins with it waits some 5 s: connections are slow or time out at random.",
        layer: Layer::Names,
        explains: &[CheckId::DnsResolvers],
        folds: &[],
        fits: resolver_down,
        remedies: mend_resolvers,
        verify: "connector-doctor check dns.resolvers --wait 2m",
        page: include_str!("../../docs/causes/resolver-down.md"),
    },
    CauseRule {
        code: CauseCode::ControllerNameUnknown,
        severity: Severity::Critical,
        title: "Resolvers answer, but the Controller's name does not exist",
        impact: "The Connector is offline.",
        layer: Layer::Names,
        explains: &[
            CheckId::DnsController,
            CheckId::ControllerTcp,
            CheckId::ControllerTls,
            CheckId::ControllerHttp,
        ],
        folds: &[
            CauseCode::ControllerDown,
            CauseCode::ControllerPortBlocked,
            CauseCode::ControllerCertificate,
            CauseCode::TlsBlocked,
            CauseCode::TlsIntercepted,
            CauseCode::CaptivePortal,
        ],
        fits: name_unknown,
        remedies: right_name,
        verify: "connector-doctor check dns.controller --wait 2m",
        page: include_str!("../../docs/causes/controller-name-unknown.md"),
    },
    CauseRule {
        code: CauseCode::DnsHijacked,
        severity: Severity::Critical,
        title: "The Controller's name leads to a sinkhole, to loopback or to a LAN address",
        impact: "The Connector talks to the wrong machine, or to none: it is offline.",
        layer: Layer::Names,
        explains: &[
            CheckId::DnsController,
            CheckId::ControllerTcp,
            CheckId::ControllerTls,
            CheckId::ControllerHttp,
            CheckId::RelayTcp,
            CheckId::ServicesTcp,
            CheckId::StunDiscovery,
            CheckId::ClockSources,
        ],
        folds: &[
            CauseCode::ControllerDown,
            CauseCode::ControllerPortBlocked,
            CauseCode::ControllerCertificate,
            CauseCode::TlsBlocked,
            CauseCode::TlsIntercepted,
            CauseCode::RelayDown,
            CauseCode::RelayPortsBlocked,
            CauseCode::ServiceBlocked,
            CauseCode::StunServersDown,
            CauseCode::StunBlocked,
            CauseCode::UdpBlocked,
            CauseCode::NtpBlocked,
        ],
        fits: hijack::hijacked,
        remedies: hijack::right_names,
        verify: "connector-doctor check dns.controller --wait 2m",
        page: include_str!("../../docs/causes/dns-hijacked.md"),
    },
    CauseRule {
        code: CauseCode::NameService,
        severity: Severity::Warning,
        title: "This system's own lookup fails where its resolvers answer",
        impact: "Programs that look names up by the system's library fail; the Connector asks the resolvers itself, as far as is known.",
        layer: Layer::Names,
        explains: &[CheckId::DnsController],
        folds: &[],
        fits: name_service::fits,
        remedies: name_service::mend,
        verify: "connector-doctor check dns.controller --wait 2m",
        page: include_str!("../../docs/causes/name-service.md"),
    },
];

fn dns_unreachable(e: &Evidence<'_>) -> Option<Fit> {
    use ResolverTrouble as T;
    let dead = none_serves(e)?;
    let all = |is: fn(&T) -> bool| dead.iter().all(|r| is(&r.trouble));
    let some = |is: fn(&T) -> bool| dead.iter().any(|r| is(&r.trouble));
    let (one, names) = (dead.len() == 1, names(&dead));
    let who = named(e);
    let only = who.as_ref().map_or_else(
        || "The only configured resolver".to_owned(),
        |by| format!("The resolver that {by} names"),
    );
    let all_of = who
        .as_ref()
        .map_or_else(|| "The configured resolvers".to_owned(), |by| format!("The resolvers that {by} names"));
    let rejected = dead.iter().find_map(|r| match r.trouble {
        T::Rejected(ip) | T::TcpAlone { rejected_by: Some(ip), .. } => Some(ip),
        _ => None,
    });
    let title = if all(|t| matches!(t, T::KnowsNothing)) {
        let verb = if one { format!("{only} knows") } else { format!("{all_of} know") };
        format!("{verb} no name at all: {names}")
    } else if all(|t| matches!(t, T::TcpAlone { .. })) {
        let how = rejected.map_or_else(|| "dropped".to_owned(), |ip| format!("rejected by {ip}"));
        format!("UDP 53 is {how} on the way to {names}, where TCP 53 answers")
    } else if all(|t| matches!(t, T::Truncated)) {
        format!("Answers of {names} do not fit into UDP, and TCP 53 to it does not pass")
    } else if all(|t| matches!(t, T::Fails(_))) {
        let verb = if one { format!("{only} answers that it") } else { format!("{all_of} answer that they") };
        format!("{verb} failed: {names}")
    } else if let Some(ip) = rejected.filter(|_| all(|t| matches!(t, T::Rejected(_)))) {
        format!("Questions to {names} are rejected on the way, by {ip}")
    } else if all(|t| matches!(t, T::Closed)) {
        let what = match (&who, one) {
            (Some(by), true) => format!("the resolver that {by} names"),
            (Some(by), false) => format!("the resolvers that {by} names"),
            (None, true) => "the only configured resolver".to_owned(),
            (None, false) => "any configured resolver".to_owned(),
        };
        format!("Nothing listens at {what}: {names}")
    } else if one {
        format!("{only} gives no answer: {names}")
    } else {
        match &who {
            Some(by) => format!("No resolver that {by} names serves names: {names}"),
            None => format!("No configured resolver serves names: {names}"),
        }
    };
    let w = e.witnesses;
    let answers = some(|t| !matches!(t, T::Silent(_) | T::Rejected(_)));
    let alone = !answers && w.tcp.is_none() && w.stun.answered + w.ntp.answered == 0;
    let doubt = alone || (all(|t| matches!(t, T::KnowsNothing)) && !w.public_names);
    let confidence = if doubt { Confidence::Likely } else { Confidence::Certain };
    let fit =
        said(Fit::new(doubted(e, confidence), title), &dead).because_some(unheard(e)).because_some(unused(e));
    let tcp = w.tcp.as_ref().map(|tcp| format!("TCP to {tcp} works, so the network is there"));
    let public: Vec<String> = w.public_dns.iter().map(ToString::to_string).collect();
    let public = (!public.is_empty()).then(|| {
        let verb = if public.len() == 1 { "answers when it is" } else { "answer when they are" };
        let whose = if public.len() == 1 { "its address" } else { "their addresses" };
        format!("{} {verb} asked by {whose}: the fault is these resolvers' alone", text::list(&public))
    });
    let alone = alone.then(|| {
        "DNS failed, so nothing else could be tested: perhaps nothing gets past the gateway".to_owned()
    });
    let fit = fit.because_some(public).because_some(tcp).because_some(alone);
    let reached = [CheckId::ControllerTcp, CheckId::RelayTcp].map(|id| e.status(id));
    Some(if reached.contains(&Status::Pass) || controller_serves(e) {
        fit.impact("What is not looked up yet is not found: the Connector does not recover once its connections break.")
    } else {
        fit
    })
}

/// Resolvers that might serve, and that nobody asks.
fn unused(e: &Evidence<'_>) -> Option<String> {
    let all: Vec<String> = e.host.resolvers_unused.iter().map(ToString::to_string).collect();
    (!all.is_empty() && named(e).is_none()).then(|| {
        format!("{} in /etc/resolv.conf is never asked: the C library uses the first three", text::list(&all))
    })
}

/// Who named the resolvers, where it was not this system's own configuration.
fn named(e: &Evidence<'_>) -> Option<String> {
    match &e.host.resolvers.first()?.origin {
        ResolverOrigin::Said(origin) => Some(origin.clone()),
        ResolverOrigin::LibraryDefault | ResolverOrigin::System(_) => None,
    }
}

fn resolver_down(e: &Evidence<'_>) -> Option<Fit> {
    let dead = e.symptom(|s| if let Symptom::ResolverDead(dead) = s { Some(dead.clone()) } else { None })?;
    let how = match dead.as_slice() {
        all if all.iter().all(|r| matches!(r.trouble, ResolverTrouble::Fails(_))) => "answers that it failed",
        all if all.iter().all(|r| matches!(r.trouble, ResolverTrouble::TcpAlone { .. })) => {
            "answers over TCP alone"
        }
        _ => "does not answer",
    };
    let title = format!("Of several resolvers, {} {how}", names(&dead));
    let fit = said(Fit::new(Confidence::Certain, title), &dead).because_some(unused(e));
    Some(match e.witnesses.udp_dns {
        Some((resolver, rtt)) => fit.because(format!("{resolver} answered in {}", millis(rtt))),
        None => fit.because("Another one answered"),
    })
}

fn names(dead: &[DeadResolver]) -> String {
    text::list(&dead.iter().map(|r| r.name.as_str()).collect::<Vec<_>>())
}

/// What became of each resolver, a line each.
fn said(fit: Fit, dead: &[DeadResolver]) -> Fit {
    dead.iter().take(4).fold(fit, |fit, resolver| fit.because(resolver.words()))
}

fn dead_resolvers(e: &Evidence<'_>) -> Vec<DeadResolver> {
    e.symptom(|s| match s {
        Symptom::ResolversDead(dead) | Symptom::ResolverDead(dead) => Some(dead.clone()),
        _ => None,
    })
    .unwrap_or_default()
}

fn mend_resolvers(e: &Evidence<'_>) -> Vec<Remedy> {
    use ResolverTrouble as T;
    let dead = dead_resolvers(e);
    let of = |is: fn(&T) -> bool| -> Vec<&DeadResolver> { dead.iter().filter(|r| is(&r.trouble)).collect() };
    let blocked_udp = of(|t| matches!(t, T::TcpAlone { .. } | T::Rejected(_)));
    let blocked_tcp = of(|t| matches!(t, T::Truncated));
    let mut remedies = Vec::new();
    if !blocked_udp.is_empty() || !blocked_tcp.is_empty() {
        let row = |protocol| move |r: &&DeadResolver| (protocol, r.name.clone());
        let rows: Vec<(&'static str, String)> =
            blocked_udp.iter().map(row("UDP")).chain(blocked_tcp.iter().map(row("TCP"))).collect();
        let rows: Vec<Allow<'_>> = rows
            .iter()
            .map(|(protocol, destination)| Allow { protocol, destination, purpose: "names" })
            .collect();
        remedies.push(ask_network_team(e.host, &rows));
    }
    if blocked_udp.len() + blocked_tcp.len() < dead.len() || dead.is_empty() {
        remedies.extend(find_resolvers(e, &dead));
    }
    remedies
        .push(Remedy::advice("Then restart the Connector: it does not recover from failed DNS by itself"));
    unheard_first(e, remedies)
}

/// Who gives this host its resolvers, and which to take instead.
fn find_resolvers(e: &Evidence<'_>, dead: &[DeadResolver]) -> Vec<Remedy> {
    if let Some(by) = named(e) {
        return vec![Remedy::advice(format!(
            "Name a resolver that answers in its place, or take it out of {by}: then this system's own ones are asked"
        ))];
    }
    let of_default = |r: &crate::model::facts::Resolver| r.origin == ResolverOrigin::LibraryDefault;
    if e.host.resolvers.iter().any(of_default) {
        return vec![Remedy::advice(
            "/etc/resolv.conf names no resolver: have DHCP, netplan, NetworkManager or resolvconf write it, or add a line nameserver IP",
        )];
    }
    // Those of resolvectl(1): 127.0.0.53 and 127.0.0.54; another loopback address is another program's.
    let resolved = |ip: IpAddr| matches!(ip.to_string().as_str(), "127.0.0.53" | "127.0.0.54");
    let stub = |is: &dyn Fn(IpAddr) -> bool| e.host.resolvers.iter().any(|r| is(r.address.ip()));
    let see = if stub(&resolved) {
        Remedy::root(
            "See which upstreams this host uses, and whether they live",
            &["resolvectl status", "sudo systemctl restart systemd-resolved"],
        )
    } else if stub(&|ip| ip.is_loopback()) {
        Remedy::root(
            "See whether the resolver on this host runs (dnsmasq, unbound, bind), and what it says",
            &["cat /etc/resolv.conf", "sudo ss -lunp 'sport = :53'"],
        )
    } else {
        Remedy {
            action: "See which resolvers this host is given, and by whom (DHCP, netplan, NetworkManager)"
                .to_owned(),
            commands: vec!["cat /etc/resolv.conf".to_owned()],
            needs_root: false,
        }
    };
    let knows_nothing = dead.iter().any(|r| matches!(r.trouble, ResolverTrouble::KnowsNothing));
    vec![
        see,
        Remedy::advice(if knows_nothing {
            "Give this host a resolver that knows the internet's names: this one serves names of the inside alone, or cannot ask further"
        } else {
            "Remove dead resolvers, or have the way to them opened (UDP and TCP 53)"
        }),
    ]
}

fn name_unknown(e: &Evidence<'_>) -> Option<Fit> {
    if let Some(fit) = lookups::invented(e) {
        return Some(fit);
    }
    let fit = e.symptom(|s| match s {
        Symptom::ControllerNameUnknown { name } => {
            Some(Fit::new(Confidence::Certain, format!("{name} does not exist")))
        }
        Symptom::ControllerNoIpv4 { name } => Some(Fit::new(
            Confidence::Likely,
            format!("{name} has no IPv4 address, and this host has no way for IPv6"),
        )),
        Symptom::ControllerNameFails { name } => Some(Fit::new(
            Confidence::Likely,
            format!("No resolver finds {name}, though they know other names"),
        )),
        _ => None,
    })?;
    let lines = e
        .findings
        .iter()
        .filter(|f| f.check == CheckId::DnsController)
        .flat_map(|f| f.evidence.iter().take(3));
    Some(lines.fold(fit, |fit, line| fit.because(line.clone())))
}

fn right_name(e: &Evidence<'_>) -> Vec<Remedy> {
    let ask = "ask other resolvers: connector-doctor check dns.controller --dns IP";
    if e.symptom(|s| matches!(s, Symptom::ControllerNoIpv4 { .. }).then_some(())).is_some() {
        return vec![Remedy::advice(format!(
            "Find out why no IPv4 address is given (a resolver that filters A records, a DNS64 for other hosts): {ask}"
        ))];
    }
    let compare = Remedy::advice(
        "Compare the network's name, letter by letter, with the address of the admin console, https://NAME.twingate.com",
    );
    let ask = Remedy::advice(format!("If it is right, {ask}"));
    [compare, ask].into_iter().chain(lookups::honest_resolver(e)).collect()
}
