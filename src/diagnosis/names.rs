//! Causes that lie in names: resolvers, and where the Controller's name leads. Rows and pure functions.

use std::net::IpAddr;

use super::doubt::{doubted, unheard, unheard_first};
use super::remedy::plain;
use super::remedy::{Allow, ask_network_team};
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::none_serves;
use crate::model::address::{Scope, scope};
use crate::model::facts::ResolverOrigin;
use crate::model::finding::{DeadResolver, Finding, ResolverTrouble, Status, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text::{self, millis};
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::DnsUnreachable,
        severity: Severity::Critical,
        title: "No configured resolver answers",
        impact: "No name resolves: the Connector finds neither Controller nor relays, and may not recover by itself.",
        layer: Layer::Names,
        explains: &[
            CheckId::DnsResolvers,
            CheckId::DnsController,
            CheckId::ControllerTcp,
            CheckId::RelayTcp,
            CheckId::ServicesTcp,
        ],
        folds: &[
            CauseCode::ResolverDown,
            CauseCode::ControllerNameUnknown,
            CauseCode::RelayDown,
            CauseCode::ServiceBlocked,
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
        explains: &[CheckId::DnsController, CheckId::ControllerTcp],
        folds: &[CauseCode::ControllerDown, CauseCode::ControllerPortBlocked],
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
            CauseCode::TlsIntercepted,
            CauseCode::RelayDown,
            CauseCode::RelayPortsBlocked,
            CauseCode::ServiceBlocked,
            CauseCode::StunServersDown,
            CauseCode::StunBlocked,
            CauseCode::UdpBlocked,
            CauseCode::NtpBlocked,
        ],
        fits: hijacked,
        remedies: right_names,
        verify: "connector-doctor check dns.controller --wait 2m",
        page: include_str!("../../docs/causes/dns-hijacked.md"),
    },
];

/// What a wrong address of the Controller spoils.
const CONTROLLER: [CheckId; 4] =
    [CheckId::DnsController, CheckId::ControllerTcp, CheckId::ControllerTls, CheckId::ControllerHttp];

fn dns_unreachable(e: &Evidence<'_>) -> Option<Fit> {
    use ResolverTrouble as T;
    let dead = none_serves(e)?;
    let all = |is: fn(&T) -> bool| dead.iter().all(|r| is(&r.trouble));
    let some = |is: fn(&T) -> bool| dead.iter().any(|r| is(&r.trouble));
    let (one, names) = (dead.len() == 1, names(&dead));
    let rejected = dead.iter().find_map(|r| match r.trouble {
        T::Rejected(ip) | T::TcpAlone { rejected_by: Some(ip), .. } => Some(ip),
        _ => None,
    });
    let title = if all(|t| matches!(t, T::KnowsNothing)) {
        let verb = if one { "The only configured resolver knows" } else { "The configured resolvers know" };
        format!("{verb} no name at all: {names}")
    } else if all(|t| matches!(t, T::TcpAlone { .. })) {
        let how = rejected.map_or_else(|| "dropped".to_owned(), |ip| format!("rejected by {ip}"));
        format!("UDP 53 is {how} on the way to {names}, where TCP 53 answers")
    } else if all(|t| matches!(t, T::Truncated)) {
        format!("Answers of {names} do not fit into UDP, and TCP 53 to it does not pass")
    } else if all(|t| matches!(t, T::Fails(_))) {
        let verb = if one {
            "The only configured resolver answers that it"
        } else {
            "The configured resolvers answer that they"
        };
        format!("{verb} failed: {names}")
    } else if let Some(ip) = rejected.filter(|_| all(|t| matches!(t, T::Rejected(_)))) {
        format!("Questions to {names} are rejected on the way, by {ip}")
    } else if all(|t| matches!(t, T::Closed)) {
        let what = if one { "the only configured resolver" } else { "any configured resolver" };
        format!("Nothing listens at {what}: {names}")
    } else if one {
        format!("The only configured resolver gives no answer: {names}")
    } else {
        format!("No configured resolver serves names: {names}")
    };
    let w = e.witnesses;
    let answers = some(|t| !matches!(t, T::Silent(_) | T::Rejected(_)));
    let alone = !answers && w.tcp.is_none() && w.stun.answered + w.ntp.answered == 0;
    let doubt = alone || all(|t| matches!(t, T::KnowsNothing));
    let confidence = if doubt { Confidence::Likely } else { Confidence::Certain };
    let fit = said(Fit::new(doubted(e, confidence), title), &dead).because_some(unheard(e));
    let tcp = w.tcp.as_ref().map(|tcp| format!("TCP to {tcp} works, so the network is there"));
    let alone = alone.then(|| {
        "Without names nothing else could be asked: it may be that nothing gets past the gateway".to_owned()
    });
    Some(fit.because_some(tcp).because_some(alone))
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
    let fit = said(Fit::new(Confidence::Certain, title), &dead);
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
            "Replace a resolver that is gone; allow UDP and TCP 53 to those that live"
        }),
    ]
}

fn name_unknown(e: &Evidence<'_>) -> Option<Fit> {
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
    vec![
        Remedy::advice(
            "Compare the network's name, letter by letter, with the address of the admin console, https://NAME.twingate.com",
        ),
        Remedy::advice(format!("If it is right, {ask}")),
    ]
}

/// /etc/hosts leads elsewhere than the resolvers, and no Controller serves there.
fn by_hosts_file(e: &Evidence<'_>) -> Option<Fit> {
    let (name, file, resolvers) = hosts_file(e)?;
    let suffers = [CheckId::ControllerTcp, CheckId::ControllerTls, CheckId::ControllerHttp];
    let bad: Vec<&Finding> =
        e.findings.iter().filter(|f| suffers.contains(&f.check) && f.status == Status::Fail).collect();
    // Where nobody's 443 is reached, the address is not to blame.
    let blocked = e.status(CheckId::ControllerTcp) == Status::Fail && e.witnesses.https.is_empty();
    if bad.is_empty() || blocked {
        return None;
    }
    let shown = |ips: &[IpAddr]| text::list(&ips.iter().map(ToString::to_string).collect::<Vec<_>>());
    let title = format!("/etc/hosts leads {name} to {}, where no Controller serves", shown(&file));
    let fit = Fit::new(Confidence::Likely, title)
        .because(format!("The resolvers lead it to {}", shown(&resolvers)))
        .only(suffers);
    Some(bad.iter().fold(fit, |fit, f| fit.because(format!("{}: {}", f.check, f.summary))))
}

/// The name, where /etc/hosts leads it, where the resolvers do.
fn hosts_file(e: &Evidence<'_>) -> Option<(String, Vec<IpAddr>, Vec<IpAddr>)> {
    e.symptom(|s| match s {
        Symptom::ControllerHostsFile { name, file, resolvers } => {
            Some((name.clone(), file.clone(), resolvers.clone()))
        }
        _ => None,
    })
}

fn right_names(e: &Evidence<'_>) -> Vec<Remedy> {
    let own = |name: &str| Remedy {
        action: "Look for an entry of this host's own".to_owned(),
        commands: vec![format!("grep -n -i {name} /etc/hosts")],
        needs_root: false,
    };
    if let Some((name, ..)) = hosts_file(e).filter(|(name, ..)| plain(name)) {
        let delete =
            Remedy::advice(format!("Take the line of {name} out of /etc/hosts: the resolvers know it"));
        return vec![own(&name), delete];
    }
    vec![
        Remedy::advice(
            "Allow *.twingate.com in the DNS filter (Pi-hole, AdGuard, router or firewall \"security\") that answers this",
        ),
        own("twingate"),
    ]
}

fn hijacked(e: &Evidence<'_>) -> Option<Fit> {
    if let Some(fit) = by_hosts_file(e) {
        return Some(fit);
    }
    if let Some((name, resolvers, decides)) = e.symptom(|s| match s {
        Symptom::ControllerNameDiffers { name, resolvers, decides } => {
            Some((name.clone(), resolvers.clone(), *decides))
        }
        _ => None,
    }) {
        let fit = Fit::new(Confidence::Likely, format!("Some resolvers hide {name}"))
            .because(format!("No such name, says {}; others know it", resolvers.join(", ")));
        return Some(if decides {
            fit.because("getaddrinfo, and with it the Connector, believes them").only(CONTROLLER)
        } else {
            fit.severity(Severity::Warning).only(CONTROLLER)
        });
    }
    let misled = &e.witnesses.misled;
    let Some((name, addresses, by)) = e.symptom(|s| match s {
        Symptom::ControllerHijacked { name, addresses, by } => {
            Some((name.clone(), addresses.clone(), by.clone()))
        }
        _ => None,
    }) else {
        // A service's cause of its own says so; a relay has none.
        let names = misled.get(&CheckId::RelayTcp)?;
        let title = format!("The relays' names lead to a sinkhole: {}", names.join(", "));
        let said = e
            .findings
            .iter()
            .filter(|f| f.check == CheckId::RelayTcp)
            .flat_map(|f| f.evidence.iter().take(4));
        let fit = Fit::new(Confidence::Certain, title).only([CheckId::RelayTcp]);
        return Some(said.fold(fit, |fit, line| fit.because(line.clone())));
    };
    let kind = match addresses.first().map(|ip| scope(*ip)) {
        Some(Scope::Unspecified) => "a sinkhole",
        Some(Scope::Loopback) => "this host itself",
        _ => "a private address",
    };
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let some = e.status(CheckId::DnsController) < crate::model::Status::Fail;
    let by = if by.is_empty() { "getaddrinfo (see /etc/hosts)".to_owned() } else { by.join(", ") };
    let fit = Fit::new(Confidence::Certain, format!("{name} leads to {kind}: {}", shown.join(", ")))
        .because(format!("So says {by}; a Controller has a global address"));
    let fit = fit.only(CONTROLLER.into_iter().chain(misled.keys().copied()));
    let others: Vec<&str> = misled.values().flatten().map(String::as_str).collect();
    let fit = if others.is_empty() { fit } else { fit.because(format!("So do {}", others.join(", "))) };
    Some(if some { fit.severity(Severity::Warning) } else { fit })
}
