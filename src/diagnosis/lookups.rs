//! Causes that lie in how this host looks names up: search domains, resolvers that are slow or invent addresses. Rows and pure functions.

use super::rule::{CauseRule, Evidence, Fit, Layer};
use crate::model::finding::{Misfound, Slow, SlowResolver, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text;
use crate::model::{CauseCode, CheckId};

/// What a wrong address of the Controller's spoils.
const CONTROLLER: [CheckId; 4] =
    [CheckId::DnsController, CheckId::ControllerTcp, CheckId::ControllerTls, CheckId::ControllerHttp];

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::SearchDomain,
        severity: Severity::Critical,
        title: "A search domain's wildcard leads names astray",
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
            CauseCode::DnsHijacked,
            CauseCode::CaptivePortal,
            CauseCode::ControllerNameUnknown,
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
        fits: searched,
        remedies: without_search,
        verify: "connector-doctor check dns.controller --wait 2m",
        page: include_str!("../../docs/causes/search-domain.md"),
    },
    CauseRule {
        code: CauseCode::DnsSlow,
        severity: Severity::Warning,
        title: "Names resolve only after seconds",
        impact: "Each look-up waits: connections are slow to come, or time out before they are tried.",
        layer: Layer::Names,
        explains: &[CheckId::DnsResolvers],
        folds: &[],
        fits: slow,
        remedies: quicker,
        verify: "connector-doctor check dns.resolvers --wait 2m",
        page: include_str!("../../docs/causes/dns-slow.md"),
    },
];

fn misfound(e: &Evidence<'_>) -> Option<Misfound> {
    e.symptom(|s| if let Symptom::SearchDomain(found) = s { Some(found.clone()) } else { None })
}

fn shown(addresses: &[std::net::IpAddr]) -> String {
    text::list(&addresses.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn searched(e: &Evidence<'_>) -> Option<Fit> {
    let found = misfound(e)?;
    let domain = found.as_name.strip_prefix(&format!("{}.", found.name)).unwrap_or(&found.as_name);
    let title = format!("The search domain {domain} leads {} to {}", found.name, shown(&found.addresses));
    let proof = format!("{} says that {} is {}", found.resolver, found.as_name, shown(&found.addresses));
    let right = if found.right.is_empty() {
        format!("The name itself has no address by the resolvers: {} may be misspelt, too", found.name)
    } else {
        format!("The name itself is {}", shown(&found.right))
    };
    let fit = Fit::new(Confidence::Certain, title).because(proof).because(right);
    let dots =
        format!("ndots is {}: names with fewer dots are tried below the search domains first", e.host.ndots);
    Some(fit.because(dots).only(CONTROLLER.into_iter().chain(found.checks)))
}

fn without_search(_: &Evidence<'_>) -> Vec<Remedy> {
    vec![
        Remedy {
            action: "See who sets the search domains and ndots (DHCP, netplan, NetworkManager, the container's own DNS settings)".to_owned(),
            commands: vec!["cat /etc/resolv.conf".to_owned()],
            needs_root: false,
        },
        Remedy::advice(
            "Take the domain with the wildcard out of the search list, or set ndots:1 (Kubernetes: dnsConfig with the option ndots 1 in the pod); or have the wildcard removed",
        ),
        Remedy::advice("Then restart the Connector"),
    ]
}

/// The Controller's name does not exist, and a resolver invents an address for it: of `controller-name-unknown`.
pub(super) fn invented(e: &Evidence<'_>) -> Option<Fit> {
    let found =
        e.symptom(
            |s| if let Symptom::ControllerNameInvented(found) = s { Some(found.clone()) } else { None },
        )?;
    let title = format!("{} does not exist: the resolver invents an address for it", found.name);
    let proof = format!(
        "{} leads to {}, and so does {}, a name that cannot exist, by {}",
        found.name,
        shown(&found.addresses),
        found.as_name,
        found.resolver
    );
    Some(Fit::new(Confidence::Certain, title).because(proof).only(CONTROLLER))
}

/// What the resolver does beside.
pub(super) fn honest_resolver(e: &Evidence<'_>) -> Option<Remedy> {
    e.symptom(|s| matches!(s, Symptom::ControllerNameInvented(_)).then_some(())).map(|()| {
        Remedy::advice(
            "Turn the resolver's search page for unknown names off, or use another resolver: it hides that names do not exist",
        )
    })
}

fn of_slow(e: &Evidence<'_>) -> Option<SlowResolver> {
    e.symptom(|s| if let Symptom::ResolverSlow(slow) = s { Some(slow.clone()) } else { None })
}

fn slow(e: &Evidence<'_>) -> Option<Fit> {
    let slow = of_slow(e)?;
    let fit = match slow.why {
        Slow::NoAaaa(_) => {
            let title = format!(
                "{} never answers questions for IPv6 addresses (AAAA): each lookup waits for it",
                slow.name
            );
            Fit::new(Confidence::Certain, title)
                .because("The C library asks for both families and waits 5 s for the one that is missing")
        }
        Slow::Late { .. } => {
            let title = format!("The first resolver, {}, answers only after more than a second", slow.name);
            Fit::new(Confidence::Likely, title)
        }
    };
    Some(fit.because(slow.words()))
}

fn quicker(e: &Evidence<'_>) -> Vec<Remedy> {
    let mend = match of_slow(e).map(|slow| slow.why) {
        Some(Slow::Late { .. }) => {
            "Put a resolver that answers soon first, or mend this one: it asks upstreams that are slow or dead"
        }
        _ => {
            "Have the resolver, or the filter before it, answer AAAA (an empty answer will do), or use another resolver"
        }
    };
    vec![
        Remedy {
            action: "See which resolver is asked first".to_owned(),
            commands: vec!["cat /etc/resolv.conf".to_owned()],
            needs_root: false,
        },
        Remedy::advice(mend),
    ]
}
