//! Causes at relays and event services: who does not let the Connector reach them. Rows and pure functions.

use super::remedy::{Allow, ask_network_team};
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::{Relays, others, proven, relays, said, services, unknown_name};
use crate::model::finding::{Maker, Symptom, Unreached};
use crate::model::observation::FailureKind;
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::RelayPortsBlocked,
        severity: Severity::Critical,
        title: "443 passes, the relays' ports 30000-31000 do not",
        impact: "Where peer-to-peer fails, nothing carries the traffic: the Connector looks healthy and Resources time out.",
        layer: Layer::Path,
        explains: &[CheckId::RelayTcp],
        folds: &[CauseCode::RelayDown],
        fits: relay_ports_blocked,
        remedies: allow_relays,
        verify: "connector-doctor check relay.tcp --wait 10m",
        page: include_str!("../../docs/causes/relay-ports-blocked.md"),
    },
    CauseRule {
        code: CauseCode::ServiceBlocked,
        severity: Severity::Critical,
        title: "An event service that the Connector needs cannot be reached",
        impact: "The Connector misses changes: new Resources and Clients reach it late or never.",
        layer: Layer::Path,
        explains: &[CheckId::ServicesTcp],
        folds: &[],
        fits: service_blocked,
        remedies: allow_services,
        verify: "connector-doctor check services.tcp --wait 10m",
        page: include_str!("../../docs/causes/service-blocked.md"),
    },
    CauseRule {
        code: CauseCode::RelayDown,
        severity: Severity::Critical,
        title: "No relay accepts connections; no sign of a firewall",
        impact: "Where peer-to-peer fails, nothing carries the traffic: Resources time out.",
        layer: Layer::Service,
        explains: &[CheckId::RelayTcp],
        folds: &[],
        fits: relay_down,
        remedies: other_relays,
        verify: "connector-doctor check relay.tcp --wait 10m",
        page: include_str!("../../docs/causes/relay-down.md"),
    },
];

/// Neither the relay itself nor the DNS refuses it.
fn on_the_way(u: &Unreached) -> bool {
    !u.by_peer() && !unknown_name(u)
}

fn relay_ports_blocked(e: &Evidence<'_>) -> Option<Fit> {
    if let Some(unreached) =
        e.symptom(
            |s| if let Symptom::StandInUnreached(unreached) = s { Some(unreached.clone()) } else { None },
        )
    {
        let host = unreached.target.split(':').next().unwrap_or_default().to_owned();
        let title = format!(
            "TCP 443 to {host} passes, port {} does not: relays' ports 30000-31000 may be blocked",
            unreached.port
        );
        let fit = Fit::new(Confidence::Likely, title).because(unreached.words());
        return Some(fit.because(format!(
            "{host} is a public host that listens on every port; no relay's own address is known here"
        )));
    }
    let Relays { failed, https_passes, high_passes } = relays(e)?;
    let rejected = failed.iter().find_map(|u| match u.maker {
        Maker::Nearer(by) => Some(by.map_or_else(String::new, |ip| format!(" by {ip}"))),
        _ => None,
    });
    let high = failed.iter().all(|u| u.port != 443);
    if failed.is_empty() || !failed.iter().any(on_the_way) {
        return None;
    }
    let how = rejected.clone().map_or_else(|| "dropped".to_owned(), |by| format!("rejected{by}"));
    let title = match (high, https_passes, high_passes) {
        (true, true, _) => format!("TCP 443 passes, the relays' ports 30000-31000 are {how} on the way"),
        (false, _, true) => format!("The relays' high ports pass, their port 443 is {how} on the way"),
        // One relay alone may be down; a rejection on the way is nobody's but the way's.
        _ if rejected.is_some() => format!("Connections to relays are {how} on the way"),
        _ => return None,
    };
    let certain = rejected.is_some() || (high && failed.len() > 1);
    let confidence = if certain { Confidence::Certain } else { Confidence::Likely };
    Some(proven(Fit::new(confidence, title), failed.iter().map(Unreached::words)).because_some(others(e)))
}

fn relay_down(e: &Evidence<'_>) -> Option<Fit> {
    let seen = relays(e)?;
    let failed = &seen.failed;
    let certain = !failed.is_empty() && failed.iter().all(Unreached::by_peer);
    let confidence = if certain { Confidence::Certain } else { Confidence::Likely };
    let title = if !failed.is_empty() && failed.iter().all(unknown_name) {
        "The relays' names do not exist"
    } else if seen.high_passes {
        "No relay accepts connections on port 443; no sign of a firewall"
    } else {
        "No relay accepts connections; no sign of a firewall"
    };
    let lines = if failed.is_empty() {
        said(e, CheckId::RelayTcp)
    } else {
        failed.iter().map(Unreached::words).collect()
    };
    Some(proven(Fit::new(confidence, title), lines))
}

fn other_relays(e: &Evidence<'_>) -> Vec<Remedy> {
    let look = Remedy::advice(
        "Look at https://status.twingate.com; name other relays with --relay HOST:PORT: if those answer, this host is fine",
    );
    let silent = |u: &Unreached| u.kind == FailureKind::Timeout;
    let failed = relays(e).map(|seen| seen.failed).filter(|all| all.iter().any(silent)).unwrap_or_default();
    // Silence is also what a filter by address makes.
    let names: Vec<&str> = failed.iter().map(|u| u.target.split(' ').next().unwrap_or_default()).collect();
    let rows = names.iter().map(|destination| Allow { protocol: "TCP", destination, purpose: "relays" });
    let rows: Vec<Allow<'_>> = rows.collect();
    let ask = (!rows.is_empty()).then(|| ask_network_team(e.host, &rows));
    std::iter::once(look).chain(ask).collect()
}

/// Names of services that a DNS filter leads to a sinkhole.
fn sunk<'a>(e: &Evidence<'a>) -> Option<&'a Vec<String>> {
    e.witnesses.misled.get(&CheckId::ServicesTcp)
}

fn service_blocked(e: &Evidence<'_>) -> Option<Fit> {
    let failed = services(e)?;
    let names: Vec<&str> = failed.iter().map(|f| f.target.as_str()).collect();
    let title = match sunk(e) {
        Some(sunk) => format!("The DNS leads event services to a sinkhole: {}", sunk.join(", ")),
        None => format!("Event services cannot be reached: {}", names.join(", ")),
    };
    let fit = proven(Fit::new(Confidence::Likely, title), failed.iter().map(Unreached::words));
    Some(fit.because_some(others(e)))
}

fn allow_relays(e: &Evidence<'_>) -> Vec<Remedy> {
    let row = |destination| Allow { protocol: "TCP", destination, purpose: "relays" };
    let Some(Relays { failed, high_passes, .. }) = relays(e) else {
        // By the host that stands in for relays their high ports alone are in question.
        let stand_in = e.symptom(|s| matches!(s, Symptom::StandInUnreached(_)).then_some(()));
        return vec![match stand_in {
            Some(()) => ask_network_team(e.host, &[row("any:30000-31000")]),
            None => Remedy::advice(
                "Try the relays that the log names from here: connector-doctor check relay.tcp --relay HOST:PORT",
            ),
        }];
    };
    // Those that failed, by name; their high ports as a range where none of it passes.
    let all_high = !high_passes && failed.iter().any(|u| u.port != 443);
    let by_name = failed.iter().filter(|u| on_the_way(u) && (u.port == 443 || !all_high));
    let by_name = by_name.map(|u| u.target.split(' ').next().unwrap_or_default());
    let rows: Vec<Allow<'_>> =
        all_high.then_some("any:30000-31000").into_iter().chain(by_name).map(row).collect();
    vec![ask_network_team(e.host, &rows)]
}

fn allow_services(e: &Evidence<'_>) -> Vec<Remedy> {
    let failed = services(e).unwrap_or_default();
    if let Some(sunk) = sunk(e) {
        let names = sunk.join(", ");
        let filter = "the DNS filter (Pi-hole, AdGuard, router or firewall \"security\")";
        return vec![Remedy::advice(format!("Allow {names} in {filter} that answers this"))];
    }
    if failed.iter().all(unknown_name) {
        return vec![Remedy::advice(
            "Ask other resolvers for these names: connector-doctor check services.tcp --dns IP; a DNS filter may hide them",
        )];
    }
    if !failed.iter().any(on_the_way) {
        return vec![Remedy::advice(
            "The service itself refuses: look at https://status.twingate.com; nothing on this host or its network is to be changed",
        )];
    }
    let destinations =
        failed.iter().filter(|f| on_the_way(f)).map(|f| f.target.split(' ').next().unwrap_or_default());
    let rows: Vec<Allow<'_>> =
        destinations.map(|destination| Allow { protocol: "TCP", destination, purpose: "events" }).collect();
    vec![ask_network_team(e.host, &rows)]
}
