//! Workflow commands for GitHub Actions: an annotation a cause, at most 10 of each level, as the runner keeps.
//!
//! The step summary is the Markdown report; the command line writes it where the runner names a file for it.

use std::fmt::Write as _;

use super::Style;
use super::digest::{line, not_tested, remedy, tally, told};
use crate::model::finding::Status;
use crate::model::report::{Report, Severity};

/// What the runner shows of a level in a step.
const MOST: usize = 10;

/// Writes the commands, then one line for the log.
pub fn render(report: &Report, _: &Style) -> String {
    let mut commands: Vec<(&str, String, String)> = Vec::new();
    for cause in &report.causes {
        let level = match cause.severity {
            Severity::Critical => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        };
        let mut text = vec![line(&cause.title)];
        text.extend(
            [&cause.impact].into_iter().filter(|impact| !impact.is_empty()).map(|impact| line(impact)),
        );
        for one in &cause.remedies {
            let (action, rows) = remedy(one);
            text.push(format!("Do: {}", line(action)));
            text.extend(rows.iter().take(MOST).map(|row| format!("    {}", line(row))));
        }
        text.push(format!("Verify: {}", line(&cause.verify)));
        commands.push((level, line(&cause.code), text.join("\n")));
    }
    for (checks, reason, command) in not_tested(report) {
        let text =
            format!("Not tested: {}: {}\nDo: {}", line(&checks.join(", ")), line(reason), line(command));
        commands.push(("warning", "not-tested".to_owned(), text));
    }
    // What a cause explains is said with it; what somebody accepted, or did until a day that is over, is said.
    for check in report.checks.iter().filter(|check| check.caused_by.is_none() || check.allowed.is_some()) {
        let level = match (check.counted(), check.outcome) {
            (Status::Fail, _) => "error",
            (Status::Warn, _) => "warning",
            (_, Status::Unknown | Status::Warn | Status::Fail) => "notice",
            (_, Status::Skip | Status::Pass) => continue,
        };
        commands.push((level, line(&check.id), format!("{}: {}", check.outcome.word(), told(check))));
    }
    let mut out = String::new();
    for level in ["error", "warning", "notice"] {
        let of_level: Vec<_> = commands.iter().filter(|(of, ..)| *of == level).collect();
        let folded = of_level.len().saturating_sub(MOST);
        // The last one that is kept tells of those that are not.
        let shown = if folded > 0 { MOST - 1 } else { MOST };
        for (_, title, text) in of_level.iter().take(shown) {
            let _ = writeln!(out, "::{level} title=connector-doctor {}::{}", property(title), message(text));
        }
        if folded > 0 {
            let _ = writeln!(out, "::{level} title=connector-doctor::{} more; see the report", folded + 1);
        }
    }
    let _ = writeln!(out, "connector-doctor: {}, {}", report.verdict.word(), tally(report));
    out
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
