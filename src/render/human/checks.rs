//! Every check on a line of its own, grouped by topic.

use crate::model::finding::Status;
use crate::model::report::{CheckResult, Report};
use crate::model::text::{self, clean};
use crate::render::Room;
use crate::render::Style;
use crate::render::digest::{by_topic, told};
use crate::render::text::heading;
use crate::render::text::{Page, Paint, ascii, wrap};

/// Ids are padded to the longest, within this.
const LONGEST_ID: usize = 24;
/// More lines of evidence than these are folded into a count.
const EVIDENCE: usize = 12;

pub(super) fn write(page: &mut Page, report: &Report, width: usize, style: &Style) {
    if report.checks.is_empty() {
        return;
    }
    page.line("");
    heading(page, "CHECKS");
    let ids = report.checks.iter().map(|check| check.id.len()).max().unwrap_or(0).min(LONGEST_ID);
    let mut topics = by_topic(report);
    // A paste has no room for headings: the ids say the topic.
    if style.room > Room::Free {
        topics = vec![("", topics.into_iter().flat_map(|(_, members)| members).collect())];
    }
    for (name, members) in topics {
        if style.room == Room::Free {
            page.line(format!("  {name}"));
        }
        for alike in grouped(members, style) {
            if let [first, others @ ..] = alike.as_slice() {
                one(page, first, others, ids, width, style);
            }
        }
    }
}

/// Checks of which one line tells all, in the order of the first of each.
fn grouped<'a>(members: Vec<&'a CheckResult>, style: &Style) -> Vec<Vec<&'a CheckResult>> {
    let mut groups: Vec<Vec<&CheckResult>> = Vec::new();
    for check in members {
        let own = groups.iter_mut().find(|group| style.verbose == 0 && alike(group[0], check, style));
        match own {
            Some(group) => group.push(check),
            None => groups.push(vec![check]),
        }
    }
    groups
}

/// Skipped for the very same reason, or in a paste by the same cause; passed, and told elsewhere or of less weight.
fn alike(a: &CheckResult, b: &CheckResult, style: &Style) -> bool {
    match (a.outcome, b.outcome) {
        (Status::Skip, Status::Skip) => {
            let reason = a.summary == b.summary || (style.room > Room::Free && a.caused_by.is_some());
            a.caused_by == b.caused_by && reason
        }
        (Status::Pass, Status::Pass) if is_above(a, style) || is_above(b, style) => {
            is_above(a, style) && is_above(b, style)
        }
        (Status::Pass, Status::Pass) => {
            style.room == Room::Tight && a.standing.topic == b.standing.topic && a.standing.topic.folds()
        }
        _ => false,
    }
}

/// Whether the box of a paste says all that a check which passed has to say.
fn is_above(check: &CheckResult, style: &Style) -> bool {
    style.room > Room::Free
        && style.verbose == 0
        && check.outcome == Status::Pass
        && check.standing.in_details
}

/// What a line says of its checks.
fn text(check: &CheckResult, others: &[&CheckResult], room: usize, style: &Style) -> String {
    let ids: Vec<&CheckResult> = [check].into_iter().chain(others.iter().copied()).collect();
    let names: Vec<String> = ids.windows(2).map(|pair| ascii(&short(&pair[0].id, &pair[1].id))).collect();
    let also = if names.is_empty() { String::new() } else { format!(" (also {})", names.join(", ")) };
    let full = ascii(&told(check));
    let text = match (&check.caused_by, check.outcome) {
        _ if style.room == Room::Free || style.verbose > 0 || check.allowed.is_some() => full,
        (_, Status::Pass) if is_above(check, style) => "as above".to_owned(),
        (_, Status::Pass) => clean(&full, room.saturating_sub(also.len()).max(room / 2)),
        (Some(code), Status::Skip) => format!("caused by {}", ascii(code)),
        // The cause has said it in full.
        (Some(code), _) if style.room == Room::Tight && full.len() > room => {
            clean(&format!("caused by {}: {}", ascii(code), ascii(&check.summary)), room)
        }
        _ => full,
    };
    text + &also
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
    let text = text(check, others, width - indent, style);
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
        if !check.by.is_empty() {
            let by: Vec<String> = check.by.iter().map(|proof| proof.words()).collect();
            evidence.push(format!("proven by {}", text::list(&by)));
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
