//! Checks of STUN discovery. Pure.

use crate::model::CheckId;
use crate::model::check::{CheckRow, Segment, Topic, Track};
use std::net::IpAddr;

use super::Check;
use super::silence::{nothing_left, proven};
use crate::model::facts::{Facts, StunAnswer, TargetRole};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::observation::{FailureKind, NotRun, Observation, Outcome, ProbeFailure};
use crate::model::text::{self, millis};

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

/// The distinct mapped addresses that were believed, IPv4 first.
pub fn public_ips(facts: &Facts) -> Vec<IpAddr> {
    let mut ips: Vec<IpAddr> = Vec::new();
    for answer in facts.stun.iter().filter_map(Observation::seen) {
        let ip = answer.mapped.ip().to_canonical();
        if !ips.contains(&ip) {
            ips.push(ip);
        }
    }
    ips.sort_by_key(IpAddr::is_ipv6);
    ips
}

/// `available`, `unavailable` or `unknown`: the console's words.
pub fn discovery_word(status: Status) -> &'static str {
    match status {
        Status::Pass | Status::Warn => "available",
        Status::Fail => "unavailable",
        Status::Skip | Status::Unknown => "unknown",
    }
}

fn discovery(facts: &Facts) -> Vec<Finding> {
    const ID: CheckId = CheckId::StunDiscovery;
    let asked = server_names(facts, |_| true);
    let answered = server_names(facts, |o| o.seen().is_some());
    let took = facts.stun.iter().map(|o| o.took_us).max().unwrap_or(0);
    let finding = |status, summary: String| {
        Finding::new(ID, status, summary)
            .evidence_all(facts.stun.iter().map(line))
            .measure("asked", asked.len() as f64)
            .measure("answered", answered.len() as f64)
            .took(took)
    };
    if asked.is_empty() {
        return vec![match unresolved(facts, TargetRole::Stun) {
            0 => finding(Status::Skip, "no STUN server was asked".into()),
            n => needs_names(
                facts,
                finding(Status::Skip, format!("{} did not resolve", text::count(n, "name"))),
            ),
        }];
    }
    if let Some(best) = facts.stun.iter().filter_map(Observation::seen).min_by_key(|a| a.rtt_us) {
        let f = finding(Status::Pass, format!("{}, best {}", best.mapped, millis(best.rtt_us)))
            .measure("rtt_s", best.rtt_us as f64 / 1e6);
        let silent: Vec<String> =
            server_names(facts, |o| o.failure().is_some_and(|f| proven(facts, f) && !no_way(f)))
                .into_iter()
                .filter(|n| !answered.contains(n))
                .map(str::to_owned)
                .collect();
        let f = if silent.is_empty() { f } else { f.symptom(Symptom::StunServersSilent(silent)) };
        return std::iter::once(f).chain(tampered(facts)).collect();
    }
    let failures = || facts.stun.iter().filter_map(Observation::failure);
    let sent: u32 = failures().map(|f| f.sent).sum();
    let cut = facts
        .stun
        .iter()
        .any(|o| matches!(o.outcome, Outcome::NotRun(NotRun::Interrupted | NotRun::Deadline)));
    let left = nothing_left(&facts.stun);
    let conclusive = left.is_none() && failures().next().is_some() && failures().all(|f| proven(facts, f));
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
    let servers = asked.len();
    let all = |kind| failures().all(|f| f.kind == kind);
    let summary = if all(FailureKind::NoRoute) {
        format!("this host's own routing refuses to send to {}", text::count(servers, "server"))
    } else if all(FailureKind::Denied) {
        format!("this host refused to send to {}", text::count(servers, "server"))
    } else if all(FailureKind::Refused) || all(FailureKind::Unreachable) {
        format!("0 of {servers} servers answered: {}", failures().next().map_or("", |f| f.kind.word()))
    } else {
        format!("{sent} requests to {}, 0 answers", text::count(servers, "server"))
    };
    vec![finding(Status::Fail, summary).symptom(Symptom::StunUnavailable)]
}

/// Answers that were changed on the way, or that contradict each other (RFC 5780 3.6).
fn tampered(facts: &Facts) -> Option<Finding> {
    let seen = facts.stun.iter().filter_map(|o| o.seen().map(|a| (&o.target, a)));
    let lines: Vec<String> = seen
        .filter_map(|(target, a)| match a.mapped_plain.filter(|plain| a.xor && *plain != a.mapped) {
            Some(plain) => {
                Some(format!("{target}: MAPPED-ADDRESS is {plain}, XOR-MAPPED-ADDRESS {}", a.mapped))
            }
            None if a.conflicts > 0 => {
                Some(format!("{target}: two answers to one request contradict each other"))
            }
            None => None,
        })
        .collect();
    let first = lines.first()?.clone();
    let summary = format!("answers are changed or forged on the way: {first}");
    let finding = Finding::new(CheckId::StunDiscovery, Status::Warn, summary).evidence_all(lines.clone());
    Some(finding.symptom(Symptom::StunTampered(lines)))
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

/// How many names of a role have no address.
pub(super) fn unresolved(facts: &Facts, role: TargetRole) -> usize {
    facts.targets.iter().filter(|t| t.role == role && t.addresses.is_empty()).count()
}

/// Without an address there is nothing to ask: for want of resolvers, where they are proven dead, or else for
/// reasons that this check cannot tell.
pub(super) fn needs_names(facts: &Facts, finding: Finding) -> Finding {
    let dead = super::resolvers::none_serves(facts);
    let summary = if dead { format!("needs dns: {}", finding.summary) } else { finding.summary.clone() };
    let status = if dead { Status::Skip } else { Status::Unknown };
    Finding { status, summary, ..finding }.symptom(Symptom::Needs(CheckId::DnsResolvers))
}

/// One transaction as a line of evidence.
fn line(o: &Observation<StunAnswer>) -> String {
    let target = &o.target;
    let address = o.address.map_or_else(String::new, |a| format!(" ({})", a.ip()));
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
            format!("{target}{address}: {} requests, {}{by}{code}", f.sent, f.kind.word())
        }
        Outcome::NotRun(_) => format!("{target}{address}: not asked"),
    }
}
