//! Every check on a line of its own, grouped by topic.

use std::fmt::Write as _;

use super::{Style, heading};
use crate::model::finding::Status;
use crate::model::report::{CheckResult, Report};
use crate::model::text::clean;
use crate::render::digest::{by_topic, told};
use crate::render::text::{Page, Paint, ascii, wrap};

/// Ids are padded to the longest, within this.
const LONGEST_ID: usize = 24;
/// More lines of evidence than these are folded into a count.
const EVIDENCE: usize = 12;

pub(super) fn write(page: &mut Page, report: &Report, width: usize, style: &Style) {
    let verbose = style.verbose;
    if report.checks.is_empty() {
        return;
    }
    page.line("");
    heading(page, "CHECKS");
    let ids = report.checks.iter().map(|check| check.id.len()).max().unwrap_or(0).min(LONGEST_ID);
    let mut topics = by_topic(report);
    // A paste has no room for headings: the ids say the topic.
    if style.brief {
        topics = vec![("", topics.into_iter().flat_map(|(_, members)| members).collect())];
    }
    for (name, members) in topics {
        if !style.brief {
            page.line(format!("  {name}"));
        }
        for alike in members.chunk_by(|a, b| verbose == 0 && skipped_alike(a, b, style.brief)) {
            if let [first, others @ ..] = alike {
                one(page, first, others, ids, width, style);
            }
        }
    }
}

/// Skipped for the very same reason, or in a paste by the same cause: one line tells it.
fn skipped_alike(a: &CheckResult, b: &CheckResult, brief: bool) -> bool {
    let skipped = a.outcome == Status::Skip && b.outcome == Status::Skip;
    let reason = a.summary == b.summary || (brief && a.caused_by.is_some());
    skipped && a.caused_by == b.caused_by && reason
}

fn one(
    page: &mut Page,
    check: &CheckResult,
    others: &[&CheckResult],
    ids: usize,
    width: usize,
    style: &Style,
) {
    let verbose = style.verbose;
    let word = word(check.outcome);
    let indent = 10 + ids + 2;
    let mut text = ascii(&told(check));
    if !others.is_empty() {
        let names: Vec<String> = others.iter().map(|other| ascii(&short(&check.id, &other.id))).collect();
        let _ = write!(text, " (also {})", names.join(", "));
    }
    if style.brief && check.outcome == Status::Pass {
        text = clean(&text, width - indent);
    }
    let id = ascii(&clean(&check.id, width - 12));
    let mut lines = wrap(&text, width - indent).into_iter();
    let head = format!("    {word:4}  {id:ids$}  ");
    if head.len() <= indent {
        let first = lines.next().unwrap_or_default();
        page.painted(format!("{head}{first}"), word, Paint::Outcome(check.outcome));
    } else {
        page.painted(head, word, Paint::Outcome(check.outcome));
    }
    page.hanging("", indent, lines);
    let unexplained = check.caused_by.is_none() && !matches!(check.counted(), Status::Pass | Status::Skip);
    if verbose > 0 || unexplained {
        let mut evidence: Vec<String> =
            check.evidence.iter().take(EVIDENCE).map(|line| ascii(line)).collect();
        let more = check.evidence.len().saturating_sub(EVIDENCE);
        if more > 0 {
            evidence.push(format!("and {more} more; see the JSON report"));
        }
        for line in evidence {
            page.hanging("          - ", 12, wrap(&line, width - 12));
        }
    }
    if verbose > 1 {
        for (name, value) in &check.measurements {
            let line = ascii(&format!("{name} = {value}"));
            page.hanging("          = ", 12, wrap(&line, width - 12));
        }
    }
}

/// `.log` beside `connector.process` for `connector.log`.
fn short(beside: &str, id: &str) -> String {
    match (beside.split_once('.'), id.split_once('.')) {
        (Some((topic, _)), Some((same, rest))) if topic == same => format!(".{rest}"),
        _ => id.to_owned(),
    }
}

/// Four letters each, so that columns stand.
fn word(status: Status) -> &'static str {
    match status {
        Status::Skip => "SKIP",
        Status::Pass => "PASS",
        Status::Unknown => "UNKN",
        Status::Warn => "WARN",
        Status::Fail => "FAIL",
    }
}
