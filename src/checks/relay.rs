//! Checks of relays and event services: whether they take TCP connections over IPv4. Pure.

use super::Check;
use super::controller::{fate, maker};
use super::resolvers::know_nothing;
use super::silence::{nothing_left, proven};
use crate::model::CheckId;
use crate::model::check::{CheckRow, Segment, Topic};
use crate::model::facts::controller::peer;
use crate::model::facts::{Facts, Target, TargetRole, TcpConnected};
use crate::model::finding::{Finding, Status, Symptom, Unreached};
use crate::model::observation::{FailureKind, Observation, Outcome};
use crate::model::text::{count, millis};

/// The rows.
pub const CHECKS: &[Check] = &[
    Check {
        id: CheckId::RelayTcp,
        title: "Relays take connections over IPv4",
        contacts: "relays, TCP 443 and the ports given",
        rights: "none",
        row: CheckRow::under(Topic::Relays).essential().on(Segment::Relays),
        page: include_str!("../../docs/checks/relay.tcp.md"),
        eval: relays,
    },
    Check {
        id: CheckId::ServicesTcp,
        title: "The event services that the Connector needs take connections",
        contacts: "event services, TCP 443",
        rights: "none",
        row: CheckRow::under(Topic::Relays).on(Segment::Services),
        page: include_str!("../../docs/checks/services.tcp.md"),
        eval: services,
    },
];

const HTTPS: u16 = 443;

/// One server, whatever the number of its addresses.
struct Server<'a> {
    target: &'a Target,
    /// How long the best connection took, microseconds; else why there is none.
    fate: Result<u64, Option<Unreached>>,
    conclusive: bool,
    /// Its name did not resolve, for want of resolvers: nothing is known of it.
    unresolved: bool,
}

fn servers<'a, T>(
    facts: &'a Facts,
    role: TargetRole,
    observations: &'a [Observation<T>],
    connected: fn(&T) -> &TcpConnected,
) -> Vec<Server<'a>> {
    let of_role = facts.targets.iter().filter(|t| t.role == role);
    let nobody_knows = know_nothing(facts);
    of_role
        .map(|target| {
            let name = target.name();
            let own = || observations.iter().filter(|o| o.target == name);
            let best = own().filter_map(|o| o.seen()).map(|t| connected(t).connect_us).min();
            let failed = own().find_map(|o| Some((o, o.failure()?))).map(|(o, failure)| Unreached {
                target: peer(o),
                port: target.port,
                kind: failure.kind,
                maker: maker(facts, failure, o.address),
            });
            let unresolved =
                target.failure.as_ref().filter(|_| target.addresses.is_empty()).map(|failure| Unreached {
                    target: name.clone(),
                    port: target.port,
                    kind: failure.kind,
                    maker: crate::model::finding::Maker::Unknown,
                });
            let silence = own().filter_map(|o| o.failure()).filter(|f| f.kind == FailureKind::Timeout);
            let conclusive = silence.clone().count() == 0 || silence.clone().any(|f| proven(facts, f));
            let conclusive = conclusive && target.failure.as_ref().is_none_or(|f| proven(facts, f));
            let failure = target.failure.as_ref().filter(|_| target.addresses.is_empty());
            // An answer of the DNS itself (no such name) is a fault of this name, anything else one of the DNS.
            let answered = |kind| matches!(kind, FailureKind::NotFound | FailureKind::NoAddress);
            let nameless = failure.is_some_and(|f| !answered(f.kind) || nobody_knows);
            Server { target, fate: best.ok_or(failed.or(unresolved)), conclusive, unresolved: nameless }
        })
        .collect()
}

/// Those that take no connection, where their names resolved.
fn failed(all: &[Server<'_>]) -> Vec<Unreached> {
    all.iter().filter(|s| !s.unresolved).filter_map(|s| s.fate.as_ref().err()?.clone()).collect()
}

fn line<T>(o: &Observation<T>, connected: fn(&T) -> &TcpConnected, facts: &Facts) -> String {
    match &o.outcome {
        Outcome::Seen(t) => format!("{}: connected in {}", peer(o), millis(connected(t).connect_us)),
        Outcome::Failed(failure) => fate(facts, o, failure).words(),
        Outcome::NotRun(_) => format!("{}: not tried", peer(o)),
    }
}

fn relays(facts: &Facts) -> Vec<Finding> {
    const ID: CheckId = CheckId::RelayTcp;
    let all = servers(facts, TargetRole::Relay, &facts.control.relays, |t| &t.0);
    let lines = facts.control.relays.iter().map(|o| line(o, |t| &t.0, facts));
    let took = facts.control.relays.iter().map(|o| o.took_us).max().unwrap_or(0);
    let finding = |status, summary: String| {
        Finding::new(ID, status, summary)
            .measure("asked", all.len() as f64)
            .measure("reached", all.iter().filter(|s| s.fate.is_ok()).count() as f64)
            .took(took)
    };
    if let Some(early) =
        not_judged(ID, &all, nothing_left(&facts.control.relays), "relay", "--relay HOST:PORT")
    {
        return vec![early];
    }
    let group = |high: bool| all.iter().filter(move |s| (s.target.port != HTTPS) == high);
    let reached = |high: bool| group(high).filter(|s| s.fate.is_ok()).count();
    let (low, high) = (group(false).count(), group(true).count());
    let failed: Vec<Unreached> = failed(&all);
    let judged = |high: bool| group(high).any(|s| !s.unresolved);
    let dead = |high: bool| judged(high) && reached(high) == 0;
    let untried = nothing_left(&facts.control.relays).is_some();
    let undecided = all.iter().any(|s| s.fate.is_err() && (untried || !s.conclusive) && !s.unresolved);
    let summary = match (low, high) {
        (_, 0) => format!(
            "443 on {} of {low}; 30000-31000 not tested, no relay's own address is known",
            reached(false)
        ),
        (0, _) => format!("high ports on {} of {high}", reached(true)),
        _ => format!("443 on {} of {low}, high ports on {} of {high}", reached(false), reached(true)),
    };
    let nameless = |high: bool| group(high).count() > 0 && !judged(high);
    let status = match (dead(false) || dead(true), undecided) {
        (false, _) if nameless(false) || nameless(true) => {
            let found = finding(Status::Skip, format!("needs dns: {summary}")).evidence_all(lines);
            return vec![found.symptom(Symptom::Needs(CheckId::DnsResolvers))];
        }
        (false, _) => Status::Pass,
        (true, true) => Status::Unknown,
        (true, false) => Status::Fail,
    };
    let mut found = finding(status, summary).evidence_all(lines);
    if status == Status::Fail {
        let https_passes = reached(false) > 0 || super::controller::reached(facts);
        // Where 443 itself fails, that is the matter, whatever the other ports do.
        let about =
            if dead(false) { failed } else { failed.into_iter().filter(|f| f.port != HTTPS).collect() };
        found = found.symptom(Symptom::RelaysUnreached {
            failed: about,
            https_passes,
            high_passes: reached(true) > 0,
        });
    }
    vec![found]
}

fn services(facts: &Facts) -> Vec<Finding> {
    const ID: CheckId = CheckId::ServicesTcp;
    let all = servers(facts, TargetRole::Service, &facts.control.services, |t| &t.0);
    let lines = facts.control.services.iter().map(|o| line(o, |t| &t.0, facts));
    let took = facts.control.services.iter().map(|o| o.took_us).max().unwrap_or(0);
    if let Some(early) =
        not_judged(ID, &all, nothing_left(&facts.control.services), "service", "--service HOST:PORT")
    {
        return vec![early];
    }
    let failed: Vec<Unreached> = failed(&all);
    if failed.is_empty() && all.iter().any(|s| s.unresolved) {
        let nameless = all.iter().filter(|s| s.unresolved).count();
        let summary = format!("needs dns: {} did not resolve", count(nameless, "service name"));
        let found = Finding::new(ID, Status::Skip, summary).evidence_all(lines);
        return vec![found.symptom(Symptom::Needs(CheckId::DnsResolvers))];
    }
    let silent = |s: &Server<'_>| !s.conclusive || matches!(s.fate, Err(None));
    let undecided = all.iter().any(|s| s.fate.is_err() && !s.unresolved && silent(s));
    let reached = all.iter().filter(|s| s.fate.is_ok()).count();
    let (status, summary) = match (failed.is_empty(), undecided) {
        (true, false) => (Status::Pass, format!("{} reached", count(reached, "service"))),
        (_, true) => (
            Status::Unknown,
            format!("{reached} of {} reached; the wait was too short for the others", all.len()),
        ),
        (false, false) => (Status::Fail, failed.iter().map(Unreached::words).collect::<Vec<_>>().join("; ")),
    };
    let mut found = Finding::new(ID, status, summary)
        .evidence_all(lines)
        .measure("asked", all.len() as f64)
        .measure("reached", reached as f64)
        .took(took);
    if status == Status::Fail {
        found = found.symptom(Symptom::ServicesUnreached(failed));
    }
    vec![found]
}

/// Nobody named any, no name resolved, or nothing came of any.
fn not_judged(
    id: CheckId,
    all: &[Server<'_>],
    left: Option<String>,
    noun: &str,
    how: &str,
) -> Option<Finding> {
    if all.is_empty() {
        return Some(Finding::new(
            id,
            Status::Skip,
            format!("no {noun} is named: say --network NAME or {how}"),
        ));
    }
    if all.iter().all(|s| s.unresolved) {
        let f = Finding::new(
            id,
            Status::Skip,
            format!("needs dns: {} did not resolve", count(all.len(), &format!("{noun} name"))),
        );
        return Some(f.symptom(Symptom::Needs(CheckId::DnsResolvers)));
    }
    if all.iter().all(|s| matches!(s.fate, Err(None))) {
        if let Some(why) = left {
            return Some(Finding::new(id, Status::Unknown, why));
        }
        let ipv6 = all.iter().any(|s| s.target.addresses.iter().any(std::net::IpAddr::is_ipv6));
        let why = if ipv6 { "no IPv4 address to try" } else { "the run ended first" };
        return Some(Finding::new(id, if ipv6 { Status::Skip } else { Status::Unknown }, why));
    }
    None
}

/// Relays and services that took a connection on port 443.
pub(super) fn others_on_443(facts: &Facts) -> Vec<String> {
    let on_443 = |target: &str, up: bool| (up && target.ends_with(":443")).then(|| target.to_owned());
    let relays = facts.control.relays.iter().filter_map(|o| on_443(&o.target, o.seen().is_some()));
    let services = facts.control.services.iter().filter_map(|o| on_443(&o.target, o.seen().is_some()));
    relays.chain(services).collect()
}
