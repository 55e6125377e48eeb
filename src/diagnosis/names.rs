//! Causes that lie in names: resolvers, and where the Controller's name leads. Rows and pure functions.

use super::{CauseRule, Evidence, Fit, Layer};
use crate::model::address::{Scope, scope};
use crate::model::finding::Symptom;
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text::millis;

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: "dns-unreachable",
        severity: Severity::Critical,
        title: "No configured resolver answers",
        impact: "No name resolves: the Connector finds neither Controller nor relays, and may not recover by itself.",
        layer: Layer::Names,
        explains: &["dns.resolvers", "dns.controller", "controller.tcp", "relay.tcp", "services.tcp"],
        folds: &["resolver-down"],
        fits: dns_unreachable,
        remedies: mend_resolvers,
        verify: "connector-doctor check 'dns.*' --wait 2m",
        page: include_str!("../../docs/causes/dns-unreachable.md"),
    },
    CauseRule {
        code: "resolver-down",
        severity: Severity::Warning,
        title: "One of several resolvers does not answer",
        impact: "Each look-up that begins with it waits some 5 s: connections are slow or time out at random.",
        layer: Layer::Names,
        explains: &["dns.resolvers"],
        folds: &[],
        fits: resolver_down,
        remedies: mend_resolvers,
        verify: "connector-doctor check dns.resolvers --wait 2m",
        page: include_str!("../../docs/causes/resolver-down.md"),
    },
    CauseRule {
        code: "controller-name-unknown",
        severity: Severity::Critical,
        title: "Resolvers answer, but the Controller's name does not exist",
        impact: "The Connector is offline.",
        layer: Layer::Names,
        explains: &["dns.controller", "controller.tcp"],
        folds: &["controller-down", "controller-port-blocked"],
        fits: name_unknown,
        remedies: |_| {
            vec![
                Remedy::advice(
                    "Compare the network's name, letter by letter, with the address of the admin console, https://NAME.twingate.com",
                ),
                Remedy::advice(
                    "If it is right, ask other resolvers: connector-doctor check dns.controller --dns IP",
                ),
            ]
        },
        verify: "connector-doctor check dns.controller --wait 2m",
        page: include_str!("../../docs/causes/controller-name-unknown.md"),
    },
    CauseRule {
        code: "dns-hijacked",
        severity: Severity::Critical,
        title: "The Controller's name leads to a sinkhole, to loopback or to a LAN address",
        impact: "The Connector talks to the wrong machine, or to none: it is offline.",
        layer: Layer::Names,
        explains: &[
            "dns.controller",
            "controller.tcp",
            "controller.tls",
            "controller.http",
            "relay.tcp",
            "services.tcp",
            "stun.discovery",
            "clock.sources",
        ],
        folds: &[
            "controller-down",
            "controller-port-blocked",
            "controller-certificate",
            "tls-intercepted",
            "relay-down",
            "relay-ports-blocked",
            "service-blocked",
            "stun-servers-down",
            "stun-blocked",
            "udp-blocked",
            "ntp-blocked",
        ],
        fits: hijacked,
        remedies: |_| {
            vec![
                Remedy::advice(
                    "Allow *.twingate.com in the DNS filter (Pi-hole, AdGuard, router or firewall \"security\") that answers this",
                ),
                Remedy {
                    action: "Look for an entry of this host's own".to_owned(),
                    commands: vec!["grep -i twingate /etc/hosts".to_owned()],
                    needs_root: false,
                },
            ]
        },
        verify: "connector-doctor check dns.controller --wait 2m",
        page: include_str!("../../docs/causes/dns-hijacked.md"),
    },
];

/// What a wrong address of the Controller spoils.
const CONTROLLER: [&str; 4] = ["dns.controller", "controller.tcp", "controller.tls", "controller.http"];

fn dns_unreachable(e: &Evidence<'_>) -> Option<Fit> {
    let (names, failing) = e.symptom(|s| match s {
        Symptom::ResolversDead { names, failing } => Some((names.clone(), *failing)),
        _ => None,
    })?;
    let (title, confidence) = match (failing, names.len()) {
        (true, _) => ("The configured resolvers answer that they failed", Confidence::Certain),
        (false, 1) => ("The only configured resolver gives no answer", Confidence::Certain),
        (false, _) => ("No configured resolver answers", Confidence::Certain),
    };
    let w = e.witnesses;
    let alone = !failing && w.tcp.is_none() && w.stun.answered + w.ntp.answered == 0;
    let confidence = if alone { Confidence::Likely } else { confidence };
    let fit = Fit::new(confidence, format!("{title}: {}", names.join(", ")));
    let lines =
        e.findings.iter().filter(|f| f.check == "dns.resolvers").flat_map(|f| f.evidence.iter().take(4));
    let fit = lines.fold(fit, |fit, line| fit.because(line.clone()));
    let tcp = e.witnesses.tcp.as_ref().map(|tcp| format!("TCP to {tcp} works, so the network is there"));
    let alone = alone.then(|| {
        "Without names nothing else could be asked: it may be that nothing gets past the gateway".to_owned()
    });
    Some(fit.because_some(tcp).because_some(alone))
}

fn resolver_down(e: &Evidence<'_>) -> Option<Fit> {
    let (names, failing) = e.symptom(|s| match s {
        Symptom::ResolverDead { names, failing } => Some((names.clone(), *failing)),
        _ => None,
    })?;
    let how = if failing { "answers that it failed" } else { "does not answer" };
    let fit = Fit::new(Confidence::Certain, format!("Of several resolvers, {} {how}", names.join(", ")));
    Some(match e.witnesses.udp_dns {
        Some((resolver, rtt)) => fit.because(format!("{resolver} answered in {}", millis(rtt))),
        None => fit.because("Another one answered"),
    })
}

fn mend_resolvers(e: &Evidence<'_>) -> Vec<Remedy> {
    let stub = e.host.resolvers.iter().any(|r| r.address.ip().is_loopback());
    let mut remedies = vec![if stub {
        Remedy::root(
            "See which upstreams this host uses, and whether they live",
            &["resolvectl status", "sudo systemctl restart systemd-resolved"],
        )
    } else {
        Remedy {
            action: "See which resolvers this host is given, and by whom (DHCP, netplan, NetworkManager)"
                .to_owned(),
            commands: vec!["cat /etc/resolv.conf".to_owned()],
            needs_root: false,
        }
    }];
    remedies.push(Remedy::advice("Replace a resolver that is gone; allow UDP and TCP 53 to those that live"));
    remedies
        .push(Remedy::advice("Then restart the Connector: it does not recover from failed DNS by itself"));
    remedies
}

fn name_unknown(e: &Evidence<'_>) -> Option<Fit> {
    let fit = e.symptom(|s| match s {
        Symptom::ControllerNameUnknown { name } => {
            Some(Fit::new(Confidence::Certain, format!("{name} does not exist")))
        }
        Symptom::ControllerNameFails { name } => Some(Fit::new(
            Confidence::Likely,
            format!("No resolver finds {name}, though they know other names"),
        )),
        _ => None,
    })?;
    let lines =
        e.findings.iter().filter(|f| f.check == "dns.controller").flat_map(|f| f.evidence.iter().take(3));
    Some(lines.fold(fit, |fit, line| fit.because(line.clone())))
}

fn hijacked(e: &Evidence<'_>) -> Option<Fit> {
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
        let names = misled.get("relay.tcp")?;
        let title = format!("The relays' names lead to a sinkhole: {}", names.join(", "));
        let said =
            e.findings.iter().filter(|f| f.check == "relay.tcp").flat_map(|f| f.evidence.iter().take(4));
        let fit = Fit::new(Confidence::Certain, title).only(["relay.tcp"]);
        return Some(said.fold(fit, |fit, line| fit.because(line.clone())));
    };
    let kind = match addresses.first().map(|ip| scope(*ip)) {
        Some(Scope::Unspecified) => "a sinkhole",
        Some(Scope::Loopback) => "this host itself",
        _ => "a private address",
    };
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let some = e.status("dns.controller") < crate::model::Status::Fail;
    let by = if by.is_empty() { "getaddrinfo (see /etc/hosts)".to_owned() } else { by.join(", ") };
    let fit = Fit::new(Confidence::Certain, format!("{name} leads to {kind}: {}", shown.join(", ")))
        .because(format!("So says {by}; a Controller has a global address"));
    let fit = fit.only(CONTROLLER.into_iter().chain(misled.keys().copied()));
    let others: Vec<&str> = misled.values().flatten().map(String::as_str).collect();
    let fit = if others.is_empty() { fit } else { fit.because(format!("So do {}", others.join(", "))) };
    Some(if some { fit.severity(Severity::Warning) } else { fit })
}
