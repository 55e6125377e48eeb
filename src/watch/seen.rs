//! What of a report is kept: values that are compared, figures that are drawn. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::change::Value;
use super::record::state;
use crate::model::{Report, Verdict};

/// What a cheap observation does not ask, or asks of fewer: what it says of these is left out.
const DEAR: &[&str] =
    &["nat.layers", "path.loss", "path.mtu", "public.address", "stun.filtering", "stun.mapping"];

/// Figures that only say how much was asked, or that a state tells as well.
const NOT_DRAWN: &[&str] = &["asked", "packets", "host_uptime_s", "connector_uptime_s"];

/// One observation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    /// Values that were observed.
    pub(super) values: Vec<Value>,
    /// Figures, `CHECK.MEASUREMENT`.
    pub(super) measures: Vec<(String, f64)>,
    /// The report; what a cheap observation left out is the last full one's.
    pub(super) report: Report,
}

/// What `report` says; `full` is the last full report where this one is of a cheap observation.
pub(super) fn seen(report: Report, full: Option<&Report>) -> Seen {
    let all_asked = full.is_none_or(|full| full.facts.ntp.len() == report.facts.ntp.len());
    let timed = full.is_none() || report.facts.ntp.iter().any(|answer| answer.seen().is_some());
    let made = move |id: &str| match id {
        "clock.offset" | "clock.sync" => timed,
        "clock.sources" => all_asked,
        id => full.is_none() || !DEAR.contains(&id),
    };
    let mut values = Vec::new();
    let mut measures = BTreeMap::new();
    for check in report.checks.iter().filter(|check| made(&check.id)) {
        // What a cheap observation takes for the cause has seen less than a full one.
        let cause = check.caused_by.clone().filter(|_| full.is_none());
        values.push(Value { name: check.id.clone(), value: check.outcome.word().to_owned(), cause });
        let drawn = check.measurements.iter().filter(|(name, _)| !NOT_DRAWN.contains(&name.as_str()));
        measures.extend(drawn.map(|(name, value)| (format!("{}.{name}", check.id), *value)));
    }
    for (name, v6) in [(state::IPV4, false), (state::IPV6, true)] {
        let mut ips: Vec<IpAddr> = report.connector_details.public_ips.clone();
        ips.retain(|ip| ip.is_ipv6() == v6);
        ips.sort();
        let text: Vec<String> = ips.iter().map(IpAddr::to_string).collect();
        // Nobody told it: that is no change of address.
        if !text.is_empty() {
            values.push(Value { name: name.to_owned(), value: text.join(","), cause: None });
        }
    }
    let report = match full {
        None => {
            let codes: Vec<&str> = report.causes.iter().map(|cause| cause.code.as_str()).collect();
            values.push(Value { name: state::CAUSES.to_owned(), value: codes.join(","), cause: None });
            report
        }
        Some(full) => joined(report, full, made),
    };
    let verdict = report.verdict().word().to_owned();
    values.push(Value { name: state::VERDICT.to_owned(), value: verdict, cause: None });
    Seen { values, measures: measures.into_iter().collect(), report }
}

/// The cheap report with the full one's word on what it did not ask.
fn joined(mut cheap: Report, full: &Report, made: impl Fn(&str) -> bool) -> Report {
    for check in &mut cheap.checks {
        if !made(&check.id)
            && let Some(earlier) = full.checks.iter().find(|c| c.id == check.id)
        {
            *check = earlier.clone();
        }
    }
    cheap.causes.clone_from(&full.causes);
    cheap.p2p_outlook.clone_from(&full.p2p_outlook);
    if made("clock.offset") {
        return judged(cheap);
    }
    let (now, then) = (&mut cheap.connector_details, &full.connector_details);
    now.time_offset_s = then.time_offset_s;
    now.time_offset_error_s = then.time_offset_error_s;
    now.time_offset_source.clone_from(&then.time_offset_source);
    judged(cheap)
}

fn judged(mut report: Report) -> Report {
    report.verdict = Verdict::of(report.checks.iter().map(|c| (c.id.as_str(), c.outcome)));
    report
}
