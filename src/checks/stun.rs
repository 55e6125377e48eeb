//! Checks of STUN discovery. Pure.

use super::check::Check;
use super::needs::nobody_asked;
use crate::inference::Inference;
use crate::inference::elsewhere::learnt;
use crate::inference::loss::nothing_left;
use crate::inference::refusal::{all_unsent, is_denied};
use crate::model::CheckId;
use crate::model::address::{Scope, scope};
use crate::model::check::{CheckRow, Segment, Topic, Track};
use crate::model::facts::{Facts, SecondOpinion, StunAnswer, TargetRole};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::observation::{FailureKind, NotRun, Observation, Outcome, ProbeFailure};
use crate::model::text::{self, millis};
use crate::model::words::StunDiscovery;

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::StunDiscovery,
    title: "At least one STUN server told our mapped address",
    contacts: "STUN servers, UDP; their TCP port as a control",
    rights: "none",
    row: CheckRow::under(Topic::Nat).essential().on(Segment::StunServers).tracks(Track::Stun),
    page: include_str!("../../docs/checks/stun.discovery.md"),
    eval: discovery,
}];

/// In the console's words.
pub fn discovery_word(status: Status) -> StunDiscovery {
    match status {
        Status::Pass | Status::Warn => StunDiscovery::Available,
        Status::Fail => StunDiscovery::Unavailable,
        Status::Skip | Status::Unknown => StunDiscovery::Unknown,
    }
}

fn discovery(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::StunDiscovery;
    let facts = run.facts;
    let asked = server_names(facts, |_| true);
    let answered = server_names(facts, |o| o.seen().is_some());
    let took = facts.stun.iter().map(|o| o.took_us).max().unwrap_or(0);
    let finding = |status, summary: String| {
        Finding::new(ID, status, summary)
            .evidence_all(facts.stun.iter().map(|o| line(facts, o)))
            .evidence_all(run.witnesses.stun_elsewhere.iter().cloned())
            .evidence_all(facts.stun_second.iter().filter_map(|o| second(facts, o)))
            .measure("asked", asked.len() as f64)
            .measure("answered", answered.len() as f64)
            .took(took)
    };
    if asked.is_empty() {
        let none = nobody_asked(ID, run, TargetRole::Stun, "STUN server");
        return vec![Finding { symptom: none.symptom, ..finding(none.status, none.summary) }];
    }
    let wrong = &run.witnesses.stun.wrong;
    let seen = || facts.stun.iter().filter_map(|o| Some((o, o.seen()?)));
    // An address that others contradict is not the one to show.
    let best = seen().filter(|(o, _)| run.nat.believes(o)).chain(seen()).map(|(_, a)| a);
    let believed = seen().filter(|(o, _)| run.nat.believes(o)).count();
    let best = best.take(believed.max(1)).min_by_key(|a| a.rtt_us);
    if let Some(best) = best {
        let f = finding(Status::Pass, format!("{}, best {}", best.mapped, millis(best.rtt_us)))
            .measure("rtt_s", best.rtt_us as f64 / 1e6);
        let silent: Vec<String> = server_names(facts, |o| o.failure().is_some_and(|f| is_silent(run, f)))
            .into_iter()
            .filter(|n| !answered.contains(n))
            .map(str::to_owned)
            .collect();
        let down = !silent.is_empty() || !wrong.is_empty();
        let f = if down { f.symptom(Symptom::StunServersDown { silent, wrong: wrong.clone() }) } else { f };
        return std::iter::once(f.evidence_all(wrong.iter().cloned())).chain(tampered(run)).collect();
    }
    let failures = || facts.stun.iter().filter_map(Observation::failure);
    let sent: u32 = failures().map(|f| f.sent).sum();
    let cut = facts
        .stun
        .iter()
        .any(|o| matches!(o.outcome, Outcome::NotRun(NotRun::Interrupted | NotRun::Deadline)));
    let left = nothing_left(&facts.stun).or_else(|| all_unsent(facts, &facts.stun));
    let conclusive = left.is_none() && failures().next().is_some() && failures().all(|f| run.loss.proven(f));
    if !conclusive {
        let short = failures().any(|f| !f.conclusive);
        let why = match (left, cut, short) {
            (Some(why), ..) => why,
            (_, true, _) => "the run ended first".to_owned(),
            (.., true) => "the wait was too short to prove silence".to_owned(),
            _ => "too much is lost on the way to prove silence".to_owned(),
        };
        return vec![finding(Status::Unknown, format!("0 of {} answered; {why}", asked.len()))];
    }
    // What never left this host says nothing of any server; where it has no way out, that is told as such.
    let own = |f: &ProbeFailure| matches!(f.kind, FailureKind::Denied | FailureKind::NoRoute);
    if sent == 0 && !failures().any(own) && has_way_out(facts) {
        let why = failures().next().map_or("", |f| f.kind.word());
        return vec![finding(
            Status::Unknown,
            format!("0 of {} asked: nothing left this host: {why}", asked.len()),
        )];
    }
    let servers = asked.len();
    let all = |kind| failures().all(|f| f.kind == kind);
    let summary = if let Some(line) = wrong.first() {
        let more = if wrong.len() > 1 { format!(" (and {} more)", wrong.len() - 1) } else { String::new() };
        format!("{} of {servers} servers answer, none usably: {line}{more}", wrong.len())
    } else if let Some(line) = run.witnesses.stun_elsewhere.first() {
        format!("{sent} requests to {}, 0 answers from there: {line}", text::count(servers, "server"))
    } else if all(FailureKind::NoRoute) {
        format!("this host's own routing refuses to send to {}", text::count(servers, "server"))
    } else if facts.stun.iter().filter(|o| o.failure().is_some()).all(|o| is_denied(facts, o)) {
        format!("this host refused to send to {}", text::count(servers, "server"))
    } else if all(FailureKind::Refused) || all(FailureKind::Unreachable) || all(FailureKind::Denied) {
        format!("0 of {servers} servers answered: {}", failures().next().map_or("", kind_word))
    } else {
        format!("{sent} requests to {}, 0 answers", text::count(servers, "server"))
    };
    let fail = finding(Status::Fail, summary).symptom(Symptom::StunUnavailable);
    vec![fail.evidence_all(wrong.iter().cloned()).evidence_all(run.nat.tampered.iter().cloned())]
}

/// A server that was asked and gave no answer of any kind.
fn is_silent(run: &Inference<'_>, failure: &ProbeFailure) -> bool {
    run.loss.proven(failure) && !no_way(failure) && !failure.kind.is_wrong_answer()
}

/// Whether this host has an address and a route by which something could have left it.
fn has_way_out(facts: &Facts) -> bool {
    let near = |ip| matches!(scope(ip), Scope::Loopback | Scope::LinkLocal | Scope::Unspecified);
    let mut addresses = facts.host.interfaces.iter().filter(|i| i.up).flat_map(|i| &i.addresses);
    !facts.host.default_routes.is_empty() && addresses.any(|address| !near(address.ip))
}

/// Whether another implementation agrees with what this one saw of a server; nothing where it had no opinion.
fn second(facts: &Facts, opinion: &Observation<SecondOpinion>) -> Option<String> {
    let seen = opinion.seen()?;
    let ours = facts.stun.iter().find(|o| o.address == opinion.address).and_then(Observation::seen);
    let says = match (ours, seen.mapped) {
        (Some(ours), Some(ip)) if ours.mapped.ip().to_canonical() == ip => {
            "agrees: the same address".to_owned()
        }
        (Some(_), Some(ip)) => format!("was told {ip}"),
        (None, Some(ip)) => format!("got an answer: {ip}"),
        // Of old reports.
        (_, None) if seen.reachable => "got an answer".to_owned(),
        (_, None) => "got no answer".to_owned(),
    };
    Some(format!("{}: another implementation (stunclient) {says}", opinion.target))
}

fn tampered(run: &Inference<'_>) -> Option<Finding> {
    let lines = &run.nat.tampered;
    let summary = format!("answers are changed or forged on the way: {}", lines.first()?);
    let finding = Finding::new(CheckId::StunDiscovery, Status::Warn, summary).evidence_all(lines.clone());
    Some(finding.symptom(Symptom::StunTampered(lines.clone())))
}

/// Its kind in words; a filter on the way may say by ICMPv6 what this host's own says by an error.
fn kind_word(failure: &ProbeFailure) -> &'static str {
    match (failure.kind, failure.offender) {
        (FailureKind::Denied, Some(_)) => "prohibited",
        (kind, _) => kind.word(),
    }
}

/// This host has no route there: nothing was asked of the server.
fn no_way(failure: &ProbeFailure) -> bool {
    matches!(failure.kind, FailureKind::Unreachable | FailureKind::NoRoute) && failure.offender.is_none()
}

fn server_names(facts: &Facts, keep: impl Fn(&Observation<StunAnswer>) -> bool) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for o in facts.stun.iter().filter(|o| o.address.is_some() && keep(o)) {
        if !names.contains(&o.target.as_str()) {
            names.push(&o.target);
        }
    }
    names
}

/// One transaction as a line of evidence.
fn line(facts: &Facts, o: &Observation<StunAnswer>) -> String {
    let target = &o.target;
    let by = learnt(facts, o).map_or_else(String::new, |how| format!(", {how}"));
    let address = o.address.map_or_else(String::new, |a| format!(" ({}{by})", a.ip()));
    match &o.outcome {
        Outcome::Seen(a) => {
            let strays = if a.strays > 0 { format!(", {} strays dropped", a.strays) } else { String::new() };
            format!("{target}{address}: {} -> {}, round trip {}{strays}", a.local, a.mapped, millis(a.rtt_us))
        }
        Outcome::Failed(f) => {
            let by = f.offender.map_or_else(String::new, |ip| format!(" by {ip}"));
            let code = match (f.kind, f.code) {
                (FailureKind::Rejected, Some(code)) => format!(" with STUN error {code}"),
                _ => String::new(),
            };
            format!("{target}{address}: {} requests, {}{by}{code}", f.sent, kind_word(f))
        }
        Outcome::NotRun(_) => format!("{target}{address}: not asked"),
    }
}
