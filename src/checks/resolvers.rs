//! `dns.resolvers`: whether each configured resolver serves names, and what keeps it from that. Pure.

use std::net::IpAddr;

use super::check::Check;
use super::vicinity;
use crate::inference::Inference;
use crate::inference::resolvers::{NAME_ERROR, NO_ERROR, Resolver, Serving, error_word};
use crate::model::CheckId;
use crate::model::check::{CheckRow, Segment, Topic};
use crate::model::facts::DnsAnswer;
use crate::model::finding::{DeadResolver, Finding, SlowResolver, Status, Symptom};
use crate::model::observation::{Observation, Outcome};
use crate::model::text::{count, millis};

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::DnsResolvers,
    row: CheckRow::under(Topic::Dns).on(Segment::Resolvers),
    title: "Each configured resolver answers",
    contacts: "the resolvers of /etc/resolv.conf, or --dns, UDP and TCP 53",
    rights: "none",
    page: include_str!("../../docs/checks/dns.resolvers.md"),
    eval: resolvers,
}];

fn resolvers(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::DnsResolvers;
    let (dns, all) = (&run.facts.dns, &run.resolvers.all);
    let took = dns.iter().map(|o| o.took_us).max().unwrap_or(0);
    let finding = |status, summary: String| {
        Finding::new(ID, status, summary)
            .evidence_all(dns.iter().map(line))
            .evidence_all(unused(&run.facts.host.resolvers_unused))
            .evidence_all(vicinity::resolvers(&run.facts.host))
            .took(took)
    };
    let what = |dead: &[DeadResolver]| dead.iter().map(DeadResolver::words).collect::<Vec<_>>().join("; ");
    vec![match &run.resolvers.serving {
        Serving::NothingLeft(why) => finding(Status::Unknown, why.clone()),
        Serving::NotAsked => Finding::new(ID, Status::Skip, "no resolver was asked"),
        Serving::AllButOneName => {
            finding(Status::Pass, "answered, and fails for the Controller's name alone".into())
        }
        Serving::Unproven { names, cut } => {
            let why = if *cut {
                "the wait was too short to prove it"
            } else {
                "too much is lost on the way to prove it"
            };
            finding(Status::Unknown, format!("{} silent; {why}", names.join(", ")))
        }
        Serving::All if run.resolvers.slow.is_some() => {
            let slow = run.resolvers.slow.clone();
            let words = slow.as_ref().map_or_else(String::new, SlowResolver::words);
            let found = finding(
                Status::Warn,
                format!("{} of {} answered, the first too slowly: {words}", all.len(), all.len()),
            );
            Finding { symptom: slow.map(Symptom::ResolverSlow), ..found }
        }
        Serving::All => {
            let best = all.iter().flat_map(Resolver::usual).map(|a| a.rtt_us).min().unwrap_or(0);
            finding(Status::Pass, format!("{} of {} answered, best {}", all.len(), all.len(), millis(best)))
        }
        Serving::None(dead) => finding(Status::Fail, format!("0 of {} answered: {}", all.len(), what(dead)))
            .symptom(Symptom::ResolversDead(dead.clone())),
        Serving::NotSome(dead) => {
            let (n, all) = (dead.len(), all.len());
            finding(Status::Warn, format!("{n} of {all} did not answer: {}", what(dead)))
                .symptom(Symptom::ResolverDead(dead.clone()))
        }
    }]
}

/// Resolvers that are named and that nobody asks.
fn unused(resolvers: &[IpAddr]) -> Option<String> {
    let verb = if resolvers.len() == 1 { "is" } else { "are" };
    (!resolvers.is_empty()).then(|| {
        format!(
            "{} {verb} never asked: the C library uses the first three of /etc/resolv.conf",
            join(resolvers)
        )
    })
}

/// One question as a line of evidence.
pub(super) fn line(o: &Observation<DnsAnswer>) -> String {
    let target = &o.target;
    match &o.outcome {
        Outcome::Seen(a) => {
            let got = match (a.rcode, a.addresses.as_slice()) {
                (NO_ERROR, []) => "no such address".to_owned(),
                (NO_ERROR, ips) => join(ips),
                (NAME_ERROR, _) => "no such name".to_owned(),
                (code, _) => error_word(code),
            };
            let over = if a.over_udp.is_some() { ", over TCP alone" } else { "" };
            format!("{target}: {} {}: {got}, {}{over}", a.name, a.record.word(), millis(a.rtt_us))
        }
        Outcome::Failed(f) => format!("{target}: {}, {}", f.kind.word(), count(f.sent as usize, "question")),
        Outcome::NotRun(_) => format!("{target}: not asked"),
    }
}

pub(super) fn join(ips: &[IpAddr]) -> String {
    ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
}
