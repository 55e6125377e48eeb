//! Checks of relays and event services: whether they take TCP connections over IPv4. Pure.

use super::check::Check;
use super::needs::unnamed;
use crate::inference::Inference;
use crate::inference::elsewhere::learnt;
use crate::inference::loss::nothing_left;
use crate::inference::own_sockets::relay_ports;
use crate::inference::reach::{Group, Server, failed};
use crate::inference::refusal::fate;
use crate::inference::target;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Segment, Topic};
use crate::model::facts::controller::peer;
use crate::model::facts::{Facts, TcpConnected};
use crate::model::finding::{Finding, Status, Symptom, Unreached};
use crate::model::observation::{FailureKind, Observation, Outcome, ProbeFailure};
use crate::model::text::{count, millis};
use crate::model::verdict::Lack;

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

fn line<T>(o: &Observation<T>, connected: fn(&T) -> &TcpConnected, facts: &Facts) -> String {
    match &o.outcome {
        Outcome::Seen(t) => {
            let by = learnt(facts, o).map_or_else(String::new, |how| format!(", its address {how}"));
            format!("{}: connected in {}{by}", peer(o), millis(connected(t).connect_us))
        }
        Outcome::Failed(failure) => fate(facts, o, failure).words(),
        Outcome::NotRun(_) => format!("{}: not tried", peer(o)),
    }
}

fn relays(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::RelayTcp;
    let facts = run.facts;
    let all = &run.reach.relays;
    let lines = facts.control.relays.iter().map(|o| line(o, |t| &t.0, facts));
    let took = facts.control.relays.iter().map(|o| o.took_us).max().unwrap_or(0);
    let finding = |status, summary: String| {
        Finding::new(ID, status, summary)
            .measure("asked", all.len() as f64)
            .measure("reached", all.iter().filter(|s| s.fate.is_ok()).count() as f64)
            .took(took)
    };
    if let Some(early) =
        not_judged(ID, run, all, nothing_left(&facts.control.relays), "relay", "--relay HOST:PORT")
    {
        return vec![early];
    }
    let (low, high) = (run.reach.relays_on_443(), run.reach.relays_on_high_ports());
    let failed: Vec<Unreached> = failed(all);
    let untried = nothing_left(&facts.control.relays).is_some();
    let undecided = all.iter().any(|s| s.fate.is_err() && (untried || !s.conclusive) && !s.unresolved);
    let of = |group: Group| format!("{} of {}", group.reached, group.asked);
    let summary = match (low.asked, high.asked) {
        (_, 0) => {
            format!("Not tested: ports 30000-31000, no relay's own address is known; 443 on {}", of(low))
        }
        (0, _) => format!("high ports on {}", of(high)),
        _ => format!("443 on {}, high ports on {}", of(low), of(high)),
    };
    let instead = if high.asked == 0 { instead(run) } else { None };
    let summary = match &instead {
        Some(Instead::OwnSockets(n)) => {
            format!("{}; 30000-31000 by {} of the Connector's own", on_443(low), count(*n, "connection"))
        }
        Some(Instead::Passes(host)) => format!("{}; 30000-31000 pass to {host}", on_443(low)),
        Some(Instead::Blocked(unreached)) => format!("{}; {}", unreached.words(), on_443(low)),
        None => summary,
    };
    if let Some(Instead::Blocked(unreached)) = instead.clone().filter(|_| !low.dead() && !low.nameless()) {
        let found = finding(Status::Fail, summary).evidence_all(lines);
        return vec![found.symptom(Symptom::StandInUnreached(unreached))];
    }
    let status = match (low.dead() || high.dead(), undecided) {
        (false, _) if low.nameless() || high.nameless() => {
            let found = finding(Status::Skip, format!("needs dns: {summary}")).evidence_all(lines);
            return vec![found.symptom(Symptom::Needs(CheckId::DnsResolvers))];
        }
        (false, _) => Status::Pass,
        (true, true) => Status::Unknown,
        (true, false) => Status::Fail,
    };
    let mut found = finding(status, summary).evidence_all(lines);
    if status == Status::Pass && high.asked == 0 && instead.is_none() {
        found = found.lacks(Lack::Part);
    }
    if status == Status::Fail {
        let https_passes = low.reached > 0 || target::reached(facts);
        // Where 443 itself fails, that is the matter, whatever the other ports do.
        let about =
            if low.dead() { failed } else { failed.into_iter().filter(|f| f.port != HTTPS).collect() };
        found = found.symptom(Symptom::RelaysUnreached {
            failed: about,
            https_passes,
            high_passes: high.reached > 0,
        });
    }
    vec![found]
}

/// What speaks for ports 30000-31000 where no relay's own address is known.
#[derive(Clone)]
enum Instead {
    /// So many connections of the Connector's own stand there.
    OwnSockets(usize),
    /// They pass to the host that stands in.
    Passes(String),
    /// They do not, while its 443 does.
    Blocked(Unreached),
}

fn instead(run: &Inference<'_>) -> Option<Instead> {
    let facts = run.facts;
    let own = relay_ports(facts);
    if own > 0 {
        return Some(Instead::OwnSockets(own));
    }
    let at = |https: bool| {
        facts.control.stand_in.iter().find(|o| o.address.is_some_and(|a| (a.port() == HTTPS) == https))
    };
    let (high, control) = (at(false)?, at(true)?);
    // Without its control nothing is said.
    control.seen()?;
    if high.seen().is_some() {
        return Some(Instead::Passes(high.target.clone()));
    }
    // It is asked but once: its silence counts, as likely, where the run lost nothing at all.
    let silent = |f: &ProbeFailure| f.conclusive && run.loss.sent > 0 && run.loss.lost == 0;
    let stands =
        |f: &&ProbeFailure| f.kind != FailureKind::Denied && (f.kind != FailureKind::Timeout || silent(f));
    let failure = high.failure().filter(stands)?;
    Some(Instead::Blocked(fate(facts, high, failure)))
}

fn on_443(low: Group) -> String {
    format!("443 on {} of {}", low.reached, low.asked)
}

fn services(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::ServicesTcp;
    let facts = run.facts;
    let all = &run.reach.services;
    let lines = facts.control.services.iter().map(|o| line(o, |t| &t.0, facts));
    let took = facts.control.services.iter().map(|o| o.took_us).max().unwrap_or(0);
    if let Some(early) =
        not_judged(ID, run, all, nothing_left(&facts.control.services), "service", "--service HOST:PORT")
    {
        return vec![early];
    }
    let failed: Vec<Unreached> = failed(all);
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
    run: &Inference<'_>,
    all: &[Server<'_>],
    left: Option<String>,
    noun: &str,
    how: &str,
) -> Option<Finding> {
    if all.is_empty() {
        // An own Controller's relays and services are known to whoever runs it: not applicable until they are named.
        return match run.controller {
            None => unnamed(id, run).pop(),
            Some(_) => Some(Finding::new(
                id,
                Status::Skip,
                format!("not applicable: an own Controller, and no {noun} was named; use {how}"),
            )),
        };
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
        let status = if ipv6 { Status::Skip } else { Status::Unknown };
        return Some(Finding::new(id, status, why).lacks(Lack::Answer));
    }
    None
}
