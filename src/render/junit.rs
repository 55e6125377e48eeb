//! The report as `JUnit` XML, a test case a check, for CI systems that show those.
//!
//! `JUnit` knows no warning and no "could not decide": a warn is a passed case that says so in its output,
//! skip and unknown are skipped cases with their reason, and so is what was accepted. Only a fail is a failure.

use crate::model::CauseCode;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::Style;
use super::digest::{by_topic, line, of_a_part, remedy, told};
use crate::model::check::Topic;
use crate::model::finding::Status;
use crate::model::report::{CheckResult, Report};
use crate::model::resource::ResourceResult;

/// More lines of evidence than these are folded into a count.
const SHOWN: usize = 50;

/// Writes the report as `JUnit` XML.
pub fn render(report: &Report, _: &Style) -> String {
    let mut junit = Junit::new("connector-doctor");
    junit.set_time(Duration::from_millis(report.duration_ms));
    for (topic, checks) in by_topic(report) {
        let topic = topic.heading();
        let mut suite = TestSuite::new(topic);
        for (name, value) in [
            ("report", report.id.as_str()),
            ("verdict", report.verdict.word()),
            ("started_at", &report.started_at),
            ("redaction", &report.redaction),
            ("of", of_a_part(report)),
        ] {
            suite.add_property((name, line(value).as_str()));
        }
        suite.add_test_cases(checks.into_iter().map(|check| case(report, topic, check)));
        if topic == Topic::Resources.heading() {
            suite.add_test_cases(report.resources.iter().map(|one| resource(report, topic, one)));
        }
        junit.add_test_suite(suite);
    }
    // Writing to memory cannot fail; an empty file would be noticed by any reader.
    junit.to_string().unwrap_or_default()
}

fn case(report: &Report, topic: &str, check: &CheckResult) -> TestCase {
    let told = told(check);
    let status = match check.outcome {
        // A failure would fail the job that accepted it.
        Status::Warn | Status::Fail if check.counted() == Status::Skip => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {told}", check.outcome.word()));
            status
        }
        Status::Pass | Status::Warn => TestCaseStatus::success(),
        Status::Skip | Status::Unknown => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {told}", check.outcome.word()));
            status
        }
        Status::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(told.clone());
            status.set_type(check.caused_by.as_deref().map_or_else(|| CauseCode::Unexplained.into(), line));
            status.set_description(advice(report, check));
            status
        }
    };
    let mut case = TestCase::new(line(&check.id), status);
    case.set_classname(format!("connector-doctor.{topic}"));
    case.set_time(Duration::from_millis(check.duration_ms));
    let mut said = vec![format!("{}: {told}", check.outcome.word().to_uppercase())];
    said.extend(check.evidence.iter().take(SHOWN).map(|seen| line(seen)));
    if check.evidence.len() > SHOWN {
        said.push(format!("and {} more", check.evidence.len() - SHOWN));
    }
    said.extend(check.measurements.iter().map(|(name, value)| format!("{} = {value}", line(name))));
    case.set_system_out(said.join("\n"));
    case
}

/// A case a Resource: a failure where it fails, and nobody accepted that.
fn resource(report: &Report, topic: &str, one: &ResourceResult) -> TestCase {
    let told = line(&one.summary);
    let accepted =
        |check: &CheckResult| check.id.starts_with("resource.") && check.counted() != check.outcome;
    let status = match one.outcome {
        Status::Fail if !report.checks.iter().any(accepted) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(told.clone());
            status.set_type(one.caused_by.as_deref().map_or_else(|| CauseCode::Unexplained.into(), line));
            status.set_description(cause_of(report, one.caused_by.as_ref(), &one.name));
            status
        }
        Status::Pass | Status::Warn => TestCaseStatus::success(),
        Status::Fail | Status::Skip | Status::Unknown => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {told}", one.outcome.word()));
            status
        }
    };
    let mut case = TestCase::new(line(&one.name), status);
    case.set_classname(format!("connector-doctor.{topic}"));
    case.set_time(Duration::from_secs_f64(one.connect_ms.unwrap_or(0.0).clamp(0.0, 1e6) / 1000.0));
    let mut said = vec![format!("{}: {told}", one.outcome.word().to_uppercase())];
    said.extend(one.reply.as_deref().map(line));
    case.set_system_out(said.join("\n"));
    case
}

/// The cause and what to do about it, as lines.
fn advice(report: &Report, check: &CheckResult) -> String {
    cause_of(report, check.caused_by.as_ref(), &check.title)
}

fn cause_of(report: &Report, code: Option<&String>, title: &str) -> String {
    let Some(cause) = report.causes.iter().find(|cause| code == Some(&cause.code)) else {
        return line(title);
    };
    let mut lines = vec![format!("{}: {}", line(&cause.code), line(&cause.title)), line(&cause.impact)];
    for one in &cause.remedies {
        let (action, rows) = remedy(one);
        lines.push(format!("do: {}", line(action)));
        lines.extend(rows.iter().take(SHOWN).map(|row| format!("    {}", line(row))));
    }
    lines.push(format!("verify: {}", line(&cause.verify)));
    lines.join("\n")
}
