//! Checks of the path to the internet: what is lost on it. Pure.

use super::Check;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic, WhenCheap};
use crate::model::facts::{Facts, NatAsk, NatSeries};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::observation::Observation;

/// Loss that is too much, as a share of pairs.
const LIMIT: f64 = 0.05;

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::PathLoss,
    title: "Loss of request-and-answer pairs is not shown to be 5 % or more",
    contacts: "nothing further: what the STUN series lost",
    rights: "none",
    row: CheckRow::under(Topic::Path).when_cheap(WhenCheap::Never),
    page: include_str!("../../docs/checks/path.loss.md"),
    eval: loss,
}];

fn loss(facts: &Facts) -> Vec<Finding> {
    const ID: CheckId = CheckId::PathLoss;
    if facts.run.lab.is_some() {
        return vec![Finding::new(ID, Status::Skip, "lab: this host's own path is not judged")];
    }
    let Some(series) = facts.nat.iter().find_map(Observation::seen) else {
        let needs = Finding::new(ID, Status::Skip, "needs stun.discovery");
        return vec![needs.symptom(Symptom::Needs(CheckId::StunDiscovery))];
    };
    let (in_series, lost_there) = pairs(series);
    if in_series == 0 {
        return vec![Finding::new(ID, Status::Skip, "no pair was awaited for long enough")];
    }
    // A short series alone is a small sample; first contacts alone may meet a router that drops first packets.
    let (sent, lost) = super::silence::all_pairs(facts);
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

/// Plain requests that were awaited long enough, and how many of them stayed unanswered. A destination that never
/// answered is dead, not lossy.
pub(super) fn pairs(series: &NatSeries) -> (usize, usize) {
    let alive = |to| series.asked.iter().any(|a| a.to == to && a.reply.is_some());
    let known = series.asked.iter().filter(|a| {
        let awaited = a.reply.is_some() || a.sent_us + series.patience_us <= series.ended_us;
        a.ask == NatAsk::Plain && awaited && alive(a.to)
    });
    known.fold((0, 0), |(sent, lost), a| (sent + 1, lost + usize::from(a.reply.is_none())))
}

/// Standard scores: of a bound to reckon with, and of an accusation. By the former a loss of 2 % would pass for one of
/// 5 % or more once in 140 runs.
pub(super) const Z95: f64 = 1.96;
const Z99: f64 = 2.576;

/// The Wilson score interval of a share for a standard score `z` (E. B. Wilson, 1927).
pub(super) fn wilson(hits: usize, n: usize, z: f64) -> (f64, f64) {
    let (n, p) = (n as f64, hits as f64 / n as f64);
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        for (hits, n, low, high) in
            [(0, 20, 0.0, 0.161), (1, 20, 0.009, 0.236), (6, 20, 0.145, 0.519), (5, 100, 0.022, 0.112)]
        {
            let (a, b) = wilson(hits, n, Z95);
            assert!((a - low).abs() < 0.001 && (b - high).abs() < 0.001, "{hits} of {n}: {a} to {b}");
        }
    }
}
