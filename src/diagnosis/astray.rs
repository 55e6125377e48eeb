//! Causes that lie in this host's own routing: looked at before any server is called gone. Rows and pure functions.

use super::astray_remedies::{free_of_tunnel, mend_route};
use super::resource;
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::fault;
use crate::model::astray::{Astray, AstrayKind, Takes};
use crate::model::facts::PolicyRule;
use crate::model::report::{Confidence, Severity};
use crate::model::text;
use crate::model::{CauseCode, CheckId};

/// What a route that leads astray says nothing of, but for itself.
const NETWORK: &[CheckId] = &[
    CheckId::HostRoute,
    CheckId::StunDiscovery,
    CheckId::ClockSources,
    CheckId::DnsResolvers,
    CheckId::DnsController,
    CheckId::ControllerTcp,
    CheckId::RelayTcp,
    CheckId::ServicesTcp,
    CheckId::ResourceDns,
    CheckId::ResourceTcp,
    CheckId::ResourceReply,
];

/// Causes that its failures would else be laid to.
const EFFECTS: &[CauseCode] = &[
    CauseCode::NoIpv4,
    CauseCode::EgressBlocked,
    CauseCode::UdpBlocked,
    CauseCode::StunBlocked,
    CauseCode::StunServersDown,
    CauseCode::StunServerDown,
    CauseCode::NtpBlocked,
    CauseCode::DnsUnreachable,
    CauseCode::ResolverDown,
    CauseCode::ControllerNameUnknown,
    CauseCode::ControllerPortBlocked,
    CauseCode::ControllerDown,
    CauseCode::RelayPortsBlocked,
    CauseCode::RelayDown,
    CauseCode::ServiceBlocked,
];

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::RouteBroken,
        severity: Severity::Critical,
        title: "This host's own routes or neighbours lead astray",
        impact: "What this host sends there never arrives; the servers themselves are not to blame.",
        layer: Layer::Link,
        explains: NETWORK,
        folds: EFFECTS,
        fits: |e| with_resources(route_broken(e), resource::route_broken(e)),
        remedies: mend_route,
        verify: "connector-doctor check --wait 2m",
        page: include_str!("../../docs/causes/route-broken.md"),
    },
    CauseRule {
        code: CauseCode::TunnelOwnsRoute,
        severity: Severity::Critical,
        title: "A VPN takes this host's traffic, and nothing comes back by it",
        impact: "What the tunnel takes is lost, the Connector's traffic with it.",
        layer: Layer::Link,
        explains: NETWORK,
        folds: EFFECTS,
        fits: |e| with_resources(tunnel_owns_route(e), resource::tunnel_owns_route(e)),
        remedies: free_of_tunnel,
        verify: "connector-doctor check --wait 2m",
        page: include_str!("../../docs/causes/tunnel-owns-route.md"),
    },
];

/// What was found of this host's servers, and of the Resources that the user named: one cause.
fn with_resources(own: Option<Fit>, of_resource: Option<Fit>) -> Option<Fit> {
    match (own, of_resource) {
        (Some(own), Some(other)) => {
            let mut fit = own.because(other.title);
            fit.only.get_or_insert_default().extend(resource::ALL);
            Some(fit)
        }
        (own, other) => own.or(other),
    }
}

fn fit(one: &Astray) -> Fit {
    let confidence = match &one.kind {
        AstrayKind::DeadNextHop { .. }
        | AstrayKind::NoIpv4Default { .. }
        | AstrayKind::DeadTunnel { down: true, .. } => Confidence::Certain,
        _ => Confidence::Likely,
    };
    let fit = Fit::new(confidence, one.words());
    let shown: Vec<&str> = one.targets.iter().take(4).map(String::as_str).collect();
    let more = one.targets.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let silent = (!shown.is_empty()).then(|| format!("Silent: {}{more}", shown.join(", ")));
    let fit = fit.because_some(silent).only(one.checks.iter().copied().chain([CheckId::HostRoute]));
    if one.spared { fit.severity(Severity::Warning) } else { fit }
}

fn route_broken(e: &Evidence<'_>) -> Option<Fit> {
    const ASKED: &str = "The kernel asked for its hardware address (ARP), and nobody answered";
    let one = fault(e, false)?;
    let hop = |gateway: &Option<std::net::IpAddr>, on: &str| {
        gateway.map_or_else(|| on.to_owned(), |gateway| format!("{gateway} on {on}"))
    };
    let fit = fit(one);
    Some(match &one.kind {
        AstrayKind::DeadNextHop { other, shared, .. } => {
            let beside = other.as_ref().map(|(gateway, on)| match shared {
                true => format!("{} is another next hop of the same route, which deals out the destinations", hop(gateway, on)),
                false => format!("Another default route, by {}, is not used: this one comes first", hop(gateway, on)),
            });
            fit.because(ASKED).because_some(beside)
        }
        AstrayKind::SilentUplink { works: true, .. } => {
            fit.because("Both are next hops of one route, which deals out the destinations; what is silent by the one passes by the other")
        }
        AstrayKind::SilentUplink { works: false, .. } => {
            fit.because("Both are next hops of one route, which deals out the destinations; its router answers on the link, and nothing comes back by it")
        }
        AstrayKind::Covered { what, .. } if *what == crate::model::facts::InterfaceKind::Vpn.word() => {
            fit.because("Nothing at all came back by that interface")
        }
        AstrayKind::Covered { .. } | AstrayKind::TooWide { .. } | AstrayKind::NoGateway { .. } => {
            fit.because("The kernel asked for the hardware address on that link, and nobody answered")
        }
        AstrayKind::Pinned { .. } => fit.because("The entry is PERMANENT: the kernel does not ask who really has that address"),
        AstrayKind::NoIpv4Default { .. } => fit.because("IPv6 has a default route, IPv4 has none; relays need IPv4"),
        AstrayKind::DeadTunnel { .. } => fit,
    })
}

fn tunnel_owns_route(e: &Evidence<'_>) -> Option<Fit> {
    let one = fault(e, true)?;
    let AstrayKind::DeadTunnel { down, by } = &one.kind else { return None };
    let how = match by {
        Takes::Rule(table) => {
            let rules: Vec<String> =
                e.host.routing.rules.iter().filter(|rule| rule.table == Some(*table)).map(PolicyRule::words).collect();
            match rules.as_slice() {
                [] => format!("Its routes stand in table {table}, which comes before this host's own"),
                rules => format!("A rule sends it there: {}", text::list(rules)),
            }
        }
        Takes::Halves => "It holds both halves of the internet, 0.0.0.0/1 and 128.0.0.0/1: they come before the default route".to_owned(),
        Takes::Default => "The default route leads by it".to_owned(),
    };
    let carrier = down.then(|| format!("{} has no carrier: no program holds its other end", one.interface));
    Some(fit(one).because(how).because_some(carrier))
}
