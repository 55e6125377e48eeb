//! Causes that lie on this host: its links, its clock. Rows and pure functions.

use std::collections::BTreeSet;

use super::remedy::{Allow, ask_network_team, keep_clock};
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::{relays, services};
use crate::model::finding::{ClockError, Status, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text::{self, seconds, span};
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::NoNetwork,
        severity: Severity::Critical,
        title: "This host has no link, no address or no default route",
        impact: "The Connector reaches nothing.",
        layer: Layer::Link,
        explains: &[
            CheckId::HostAddresses,
            CheckId::HostRoute,
            CheckId::StunDiscovery,
            CheckId::ClockSources,
            CheckId::ClockSync,
            CheckId::DnsResolvers,
            CheckId::DnsController,
            CheckId::ControllerTcp,
            CheckId::RelayTcp,
            CheckId::ServicesTcp,
            CheckId::ResourceDns,
            CheckId::ResourceTcp,
        ],
        folds: &[
            CauseCode::ResourceUnresolved,
            CauseCode::ResourceUnreachable,
            CauseCode::NoIpv4,
            CauseCode::EgressBlocked,
            CauseCode::UdpBlocked,
            CauseCode::StunBlocked,
            CauseCode::StunServersDown,
            CauseCode::NtpBlocked,
            CauseCode::DnsUnreachable,
            CauseCode::ResolverDown,
            CauseCode::ControllerPortBlocked,
            CauseCode::RelayPortsBlocked,
            CauseCode::RelayDown,
            CauseCode::ServiceBlocked,
            CauseCode::StunServerDown,
        ],
        fits: no_network,
        remedies: bring_up,
        verify: "connector-doctor check 'host.*' --wait 2m",
        page: include_str!("../../docs/causes/no-network.md"),
    },
    CauseRule {
        code: CauseCode::NoIpv4,
        severity: Severity::Critical,
        title: "This host has IPv6 only",
        impact: "Relays need IPv4: the Connector looks healthy and carries nothing.",
        layer: Layer::Link,
        explains: &[CheckId::HostAddresses, CheckId::HostRoute, CheckId::RelayTcp, CheckId::ServicesTcp],
        folds: &[CauseCode::RelayPortsBlocked, CauseCode::RelayDown, CauseCode::ServiceBlocked],
        fits: no_ipv4,
        remedies: give_ipv4,
        verify: "connector-doctor check host.route --wait 2m",
        page: include_str!("../../docs/causes/no-ipv4.md"),
    },
    CauseRule {
        code: CauseCode::AddressOverlap,
        severity: Severity::Warning,
        title: "A local network lies in the Clients' range 100.96.0.0/12",
        impact: "Names and Resources with addresses of that range lead to the wrong place.",
        layer: Layer::Link,
        explains: &[CheckId::HostAddresses],
        folds: &[],
        fits: address_overlap,
        remedies: |_| {
            vec![Remedy::advice(
                "Renumber that network out of 100.96.0.0/12; where it is another overlay's (Tailscale), run the Connector on a host without it or confine that overlay to addresses outside the range",
            )]
        },
        verify: "connector-doctor check host.addresses",
        page: include_str!("../../docs/causes/address-overlap.md"),
    },
    CauseRule {
        code: CauseCode::ClockSkew,
        severity: Severity::Critical,
        title: "This host's clock is more than 5 s off",
        impact: "The Controller tolerates at most 5 s: tokens are refused, the Connector goes offline and comes back at random.",
        layer: Layer::Host,
        explains: &[CheckId::ClockOffset, CheckId::ClockSync, CheckId::ConnectorConnections],
        folds: &[CauseCode::ClockUnsynchronised, CauseCode::ConnectorStuck],
        fits: clock_skew,
        remedies: set_clock,
        verify: "connector-doctor check 'clock.*' --wait 2m",
        page: include_str!("../../docs/causes/clock-skew.md"),
    },
    CauseRule {
        code: CauseCode::ClockNearLimit,
        severity: Severity::Warning,
        title: "This host's clock is 3 to 5 s off",
        impact: "Near the limit of 5 s trouble is intermittent: the Connector drops out now and then.",
        layer: Layer::Host,
        explains: &[CheckId::ClockOffset, CheckId::ClockSync],
        folds: &[CauseCode::ClockUnsynchronised],
        fits: clock_near_limit,
        remedies: set_clock,
        verify: "connector-doctor check 'clock.*' --wait 2m",
        page: include_str!("../../docs/causes/clock-near-limit.md"),
    },
    CauseRule {
        code: CauseCode::ClockUnsynchronised,
        severity: Severity::Notice,
        title: "The clock is correct, but no time service keeps it in sync",
        impact: "It will drift; beyond 5 s the Controller refuses the Connector's tokens.",
        layer: Layer::Host,
        explains: &[CheckId::ClockSync],
        folds: &[],
        fits: clock_unsynchronised,
        remedies: set_clock,
        verify: "connector-doctor check clock.sync",
        page: include_str!("../../docs/causes/clock-unsynchronised.md"),
    },
];

fn no_network(e: &Evidence<'_>) -> Option<Fit> {
    let what = e.symptom(|s| match s {
        Symptom::NoAddress => Some("This host has no address beyond loopback"),
        Symptom::NoDefaultRoute => Some("This host has no default route"),
        _ => None,
    })?;
    let link = |id| matches!(id, CheckId::HostAddresses | CheckId::HostRoute);
    let lines = e.findings.iter().filter(|f| link(f.check) && f.status == Status::Fail);
    let fit = lines.fold(Fit::new(Confidence::Certain, what), |fit, f| fit.because(f.summary.clone()));
    let w = e.witnesses;
    let near = w.tcp.is_some() || w.stun.answered + w.ntp.answered > 0;
    Some(if near { fit.impact("The Connector reaches its neighbours alone, if it needs any.") } else { fit })
}

fn bring_up(e: &Evidence<'_>) -> Vec<Remedy> {
    use crate::model::facts::InterfaceKind::{Bond, Bridge, Ethernet, Vlan, Wireless};
    let down: Vec<String> = e
        .host
        .interfaces
        .iter()
        // Only what carries a host's traffic, and only names that are safe in a shell.
        .filter(|i| !i.up && matches!(i.kind, Ethernet | Wireless | Bond | Vlan | Bridge))
        .filter(|i| i.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')))
        .take(4)
        .map(|i| format!("sudo ip link set dev {} up", i.name))
        .collect();
    let mut remedies = Vec::new();
    if !down.is_empty() {
        let commands: Vec<&str> = down.iter().map(String::as_str).collect();
        remedies.push(Remedy::root("Bring the link up", &commands));
    }
    remedies.push(Remedy {
        action: "See what is missing: this host needs an address and a default route".to_owned(),
        commands: vec!["ip -brief address".to_owned(), "ip route".to_owned()],
        needs_root: false,
    });
    remedies.push(Remedy::advice(
        "Where they are missing, check the cable or the virtual machine's network adapter (in the hypervisor's console), and that a DHCP server answers or the address is configured",
    ));
    remedies
}

/// IPv4 has a route, and nothing comes of it, while IPv6 passes.
fn ipv4_does_not_pass(e: &Evidence<'_>) -> Option<Fit> {
    let tries = e.witnesses.ipv4_dead?;
    let route = e.host.default_routes.iter().find(|route| !route.ipv6)?;
    let past = match route.gateway {
        Some(gateway) => format!("the gateway {gateway}"),
        None => format!("the link {}", route.interface),
    };
    let title = format!("IPv4 does not get past {past}, IPv6 does; relays need IPv4");
    let fit = Fit::new(Confidence::Likely, title);
    let fit =
        fit.because(format!("{} over IPv4: 0 answers; IPv6 is answered", text::count(tries, "attempt")));
    Some(fit.only([CheckId::RelayTcp, CheckId::ServicesTcp]))
}

fn give_ipv4(e: &Evidence<'_>) -> Vec<Remedy> {
    if !e.has(&Symptom::NoIpv4) && ipv4_does_not_pass(e).is_some() {
        let failed = relays(e).map(|seen| seen.failed).into_iter().chain(services(e)).flatten();
        let ports: BTreeSet<u16> = failed.map(|u| u.port).collect();
        let row = |destination| Allow { protocol: "TCP", destination, purpose: "relays, events" };
        let https = ports.contains(&443).then(|| row("any-IPv4:443"));
        let high = ports.iter().any(|port| *port != 443).then(|| row("any-IPv4:30000-31000"));
        let rows: Vec<Allow<'_>> = https.into_iter().chain(high).collect();
        let ask = (!rows.is_empty()).then(|| ask_network_team(e.host, &rows));
        let line = Remedy::advice(
            "Mend this line's IPv4: see whether another host behind the same gateway gets out by it",
        );
        return std::iter::once(line).chain(ask).collect();
    }
    vec![Remedy::advice(
        "Give this host an IPv4 address and an IPv4 default route (private behind NAT is enough), then restart the Connector",
    )]
}

fn no_ipv4(e: &Evidence<'_>) -> Option<Fit> {
    if let Some(fit) = ipv4_does_not_pass(e) {
        return Some(fit);
    }
    e.has(&Symptom::NoIpv4).then(|| {
        let fit = Fit::new(Confidence::Certain, "This host has IPv6 only; relays need IPv4");
        e.findings
            .iter()
            .filter(|f| f.symptom == Some(Symptom::NoIpv4))
            .fold(fit, |fit, f| fit.because(f.summary.clone()))
    })
}

fn address_overlap(e: &Evidence<'_>) -> Option<Fit> {
    let networks =
        e.symptom(|s| if let Symptom::AddressOverlap(networks) = s { Some(networks.clone()) } else { None })?;
    let what =
        format!("{} in 100.96.0.0/12, the Clients' range", text::count(networks.len(), "local network"));
    Some(networks.into_iter().fold(Fit::new(Confidence::Certain, what), Fit::because))
}

fn clock_skew(e: &Evidence<'_>) -> Option<Fit> {
    let error = e.symptom(|s| if let Symptom::ClockOff(error) = s { Some(*error) } else { None })?;
    let confidence = if error.answered > 1 { Confidence::Certain } else { Confidence::Likely };
    Some(
        Fit::new(confidence, format!("This host's clock is {} the reference", direction(error)))
            .because(agreement(error))
            .because_some(breaks_tls(e))
            .because_some(keeper(e)),
    )
}

fn breaks_tls(e: &Evidence<'_>) -> Option<String> {
    e.has(&Symptom::ClockBreaksTls)
        .then(|| "By this clock the Controller's certificate is not valid; by the reference it is".to_owned())
}

fn clock_near_limit(e: &Evidence<'_>) -> Option<Fit> {
    let error = e.symptom(|s| if let Symptom::ClockNearLimit(error) = s { Some(*error) } else { None })?;
    let title = format!("This host's clock is {} the reference, near the limit of 5 s", direction(error));
    Some(Fit::new(Confidence::Certain, title).because(agreement(error)).because_some(keeper(e)))
}

fn clock_unsynchronised(e: &Evidence<'_>) -> Option<Fit> {
    let right = e.status(CheckId::ClockOffset) == Status::Pass;
    e.symptom(|s| if let Symptom::ClockUnkept { daemon } = s { Some(daemon.clone()) } else { None })
        .filter(|_| right)
        .map(|_| {
            Fit::new(Confidence::Certain, "The clock is correct, but no time service keeps it in sync")
                .because_some(keeper(e))
        })
}

fn set_clock(e: &Evidence<'_>) -> Vec<Remedy> {
    let ntp = &e.witnesses.ntp;
    keep_clock(e.host, ntp.asked > 0 && ntp.answered == 0)
}

/// `7.003 s BEHIND`, `9 y 3 d AHEAD OF`.
fn direction(error: ClockError) -> String {
    let magnitude = error.offset_ns.unsigned_abs();
    let figure = if magnitude >= 172_800_000_000_000 {
        span(magnitude / 1_000_000_000)
    } else {
        format!("{} s", seconds(magnitude))
    };
    format!("{figure} {}", if error.offset_ns < 0 { "BEHIND" } else { "AHEAD OF" })
}

fn agreement(error: ClockError) -> String {
    let what = match error.dates {
        0 => "time server",
        n if n == error.answered => "HTTP Date",
        _ => "clock",
    };
    let bound = seconds(error.error_ns);
    match error.answered {
        1 => format!("One {what} answered, unverified; the error is at most {bound} s"),
        n => format!("{} of {n} {what}s agree within {bound} s", error.agreeing),
    }
}

fn keeper(e: &Evidence<'_>) -> Option<String> {
    e.symptom(|s| match s {
        Symptom::ClockUnkept { daemon } => Some(match daemon {
            Some(daemon) if e.host.time_daemons.iter().any(|d| d.running && d.name == *daemon) => {
                format!("{daemon} is running but has not synchronised the clock yet")
            }
            Some(daemon) => format!("{daemon} is installed but not running"),
            None => "no time service runs".to_owned(),
        }),
        _ => None,
    })
}
