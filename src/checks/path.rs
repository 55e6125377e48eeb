//! Checks of the path to the internet: what is lost on it. Pure.

use super::check::Check;
use super::needs::needs_stun;
use crate::inference::Inference;
use crate::inference::flows::missing;
use crate::inference::loss::{pairs, wilson};
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic, WhenCheap};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::observation::Observation;

/// Loss that is too much, as a share of pairs.
const LIMIT: f64 = 0.05;

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::PathLoss,
    title: "Less than 5 % of packets are lost",
    contacts: "nothing further: what the STUN series lost",
    rights: "none",
    row: CheckRow::under(Topic::Path).when_cheap(WhenCheap::Never),
    page: include_str!("../../docs/checks/path.loss.md"),
    eval: loss,
}];

fn loss(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::PathLoss;
    let facts = run.facts;
    if facts.run.lab.is_some() {
        return vec![Finding::new(ID, Status::Skip, "not judged in the lab")];
    }
    let Some(series) = facts.nat.iter().find_map(Observation::seen) else {
        return needs_stun(ID);
    };
    let (in_series, lost_there) = pairs(series);
    if let Some(missing) = missing(facts) {
        let found = Finding::new(ID, Status::Warn, missing.words()).measure("lost", run.loss.lost as f64);
        return vec![found.measure("sent", run.loss.sent as f64).symptom(Symptom::Missing(missing))];
    }
    if in_series == 0 {
        return vec![Finding::new(ID, Status::Skip, "no pair was awaited for long enough")];
    }
    // A short series alone is a small sample; first contacts alone may meet a router that drops first packets.
    let (sent, lost) = (run.loss.sent, run.loss.lost);
    let (low, high) = wilson(lost, sent, Z99);
    let shown = lost_there > 0 && low >= LIMIT;
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let summary = format!("{lost} of {sent} pairs lost, 99 % interval {} to {}", percent(low), percent(high));
    let finding = Finding::new(ID, if shown { Status::Warn } else { Status::Pass }, summary)
        .evidence(format!(
            "{lost_there} of {in_series} in the series, the others in first contacts that were answered"
        ))
        .measure("sent", sent as f64)
        .measure("lost", lost as f64)
        .measure("loss_low", low)
        .measure("loss_high", high);
    vec![if shown { finding.symptom(Symptom::PacketLoss { sent, lost }) } else { finding }]
}

/// The standard score of an accusation: by that of 95 % a loss of 2 % would pass for one of 5 % or more once in 140 runs.
const Z99: f64 = 2.576;
