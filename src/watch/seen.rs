//! What of a report is kept: values that are compared, figures that are drawn. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::change::Value;
use super::record::state;
use crate::model::check::WhenCheap;
use crate::model::report::CheckResult;
use crate::model::{Report, Severity, Status};
use crate::pipeline::when_cheap;

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
    let made = move |check: &CheckResult| match when_cheap(&check.id) {
        WhenCheap::Always => true,
        WhenCheap::Timed => timed,
        WhenCheap::AllTimeServers => all_asked,
        WhenCheap::Never => full.is_none(),
    };
    let mut values = Vec::new();
    let mut measures = BTreeMap::new();
    for check in report.checks.iter().filter(|check| made(check)) {
        // What a cheap observation takes for the cause has seen less than a full one.
        let cause = check.caused_by.clone().filter(|code| full.is_none() && counts(&report, code));
        values.push(Value { name: check.id.clone(), value: check.counted().word().to_owned(), cause });
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
    // What an earlier observation saw of a Resource stands until it is asked again.
    let accepted =
        report.checks.iter().any(|check| is_of_resources(check) && check.counted() != check.outcome);
    for one in &report.resources {
        let outcome = if accepted && one.outcome >= Status::Warn { Status::Skip } else { one.outcome };
        let cause = one.caused_by.clone().filter(|_| outcome == one.outcome);
        let name = format!("{}{}", state::RESOURCE, one.name);
        values.push(Value { name, value: outcome.word().to_owned(), cause });
    }
    let report = match full {
        None => {
            let codes: Vec<&str> = report.causes.iter().map(|cause| cause.code.as_str()).collect();
            values.push(Value { name: state::CAUSES.to_owned(), value: codes.join(","), cause: None });
            report
        }
        Some(full) => joined(report, full, timed, made),
    };
    let verdict = report.verdict().word().to_owned();
    values.push(Value { name: state::VERDICT.to_owned(), value: verdict, cause: None });
    Seen { values, measures: measures.into_iter().collect(), report }
}

fn is_of_resources(check: &CheckResult) -> bool {
    check.id.starts_with("resource.")
}

/// Whether a cause has effects that count: one whose effects are all accepted is a notice.
fn counts(report: &Report, code: &str) -> bool {
    !report.causes.iter().any(|cause| cause.code == code && cause.severity == Severity::Notice)
}

/// The cheap report with the full one's word on what it did not ask.
fn joined(mut cheap: Report, full: &Report, timed: bool, made: impl Fn(&CheckResult) -> bool) -> Report {
    // What the full one did not test is not tested yet, unless this one asked for it.
    let asked: Vec<String> = cheap.checks.iter().filter(|c| made(c)).map(|c| c.id.clone()).collect();
    cheap.not_tested.retain(|row| asked.contains(&row.check));
    cheap.not_tested.extend(full.not_tested.iter().filter(|row| !asked.contains(&row.check)).cloned());
    for check in &mut cheap.checks {
        if !made(check)
            && let Some(earlier) = full.checks.iter().find(|c| c.id == check.id)
        {
            *check = earlier.clone();
        }
    }
    cheap.causes.clone_from(&full.causes);
    cheap.p2p_outlook.clone_from(&full.p2p_outlook);
    if timed {
        return judged(cheap);
    }
    let (now, then) = (&mut cheap.connector_details, &full.connector_details);
    now.time_offset_s = then.time_offset_s;
    now.time_offset_error_s = then.time_offset_error_s;
    now.time_offset_source.clone_from(&then.time_offset_source);
    judged(cheap)
}

fn judged(mut report: Report) -> Report {
    report.verdict = Report::verdict_of(&report.checks);
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CheckId;
    use crate::model::Verdict;
    use crate::model::allow::Allowed;
    use crate::model::facts::Facts;
    use crate::model::policy::Policy;
    use crate::model::report::{Cause, Confidence};
    use crate::pipeline::judge;

    /// A healthy report but for one check, which fails for this cause.
    fn failing(id: &str, allowed: bool) -> Report {
        let mut report = judge(Facts::default(), &Policy::default());
        for check in &mut report.checks {
            check.outcome = if check.id == id { Status::Fail } else { Status::Pass };
            check.lacks = None;
            check.caused_by = (check.id == id).then(|| "udp-blocked".to_owned());
            let allowance = Allowed { reason: "by design".into(), until: None, expired: false };
            check.allowed = (check.id == id && allowed).then_some(allowance);
        }
        report.causes = vec![Cause {
            code: "udp-blocked".into(),
            severity: if allowed { Severity::Notice } else { Severity::Critical },
            confidence: Confidence::Certain,
            title: String::new(),
            because: Vec::new(),
            impact: String::new(),
            checks: vec![id.to_owned()],
            remedies: Vec::new(),
            verify: String::new(),
            docs: String::new(),
        }];
        judged(report)
    }

    fn value<'a>(seen: &'a Seen, name: &str) -> (&'a str, Option<&'a str>) {
        let value = seen.values.iter().find(|value| value.name == name).unwrap();
        (&value.value, value.cause.as_deref())
    }

    #[test]
    fn what_is_accepted_counts_as_it_does_in_the_report() {
        let id = CheckId::StunDiscovery.as_str();
        let bad = seen(failing(id, false), None);
        assert_eq!(value(&bad, id), ("fail", Some("udp-blocked")));
        assert_eq!(value(&bad, state::VERDICT).0, "unhealthy");
        let accepted = failing(id, true);
        // A full observation, and a cheap one after it.
        for full in [None, Some(&accepted)] {
            let seen = seen(accepted.clone(), full);
            assert_eq!(value(&seen, id), ("skip", None), "{full:?}");
            assert_eq!(value(&seen, state::VERDICT).0, "healthy", "{full:?}");
            assert_eq!(seen.report.verdict(), Verdict::Healthy, "{full:?}");
        }
    }
}
