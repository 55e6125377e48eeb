//! The checks by topic: what passed in a line, the rest in full; with `-v` each on a line of its own.

use crate::model::check::Topic;
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
/// Where the text of a topic begins, as that of a cause does; on a narrow page it begins a line of its own.
const BESIDE: usize = 15;
const BELOW: usize = 4;
/// A page narrower than this is narrow.
const NARROW: usize = 64;
/// What a line of text is worth having, beside the columns before it.
const LEAST: usize = 24;

/// Where lines of a topic begin, and how wide its ids are.
struct Columns {
    base: usize,
    ids: usize,
    width: usize,
}

impl Columns {
    /// Where the text begins.
    fn text(&self) -> usize {
        (self.base + 6 + self.ids + 2).min(self.width - LEAST)
    }
}

pub(super) fn write(page: &mut Page, report: &Report, width: usize, style: &Style) {
    if report.checks.is_empty() {
        return;
    }
    page.line("");
    if style.rows.is_none() {
        heading(page, "CHECKS");
    }
    if style.verbose > 0 {
        let ids = report.checks.iter().map(|check| check.id.len()).max().unwrap_or(0).min(LONGEST_ID);
        let columns = Columns { base: BELOW, ids, width };
        for (topic, members) in by_topic(report) {
            page.line(format!("  {}", topic.heading()));
            for check in members {
                one(page, "", check, &[], &columns, style);
            }
        }
        return;
    }
    for (topic, members) in by_topic(report) {
        folded(page, report, topic, &members, width, style);
    }
}

/// A topic: what did not pass, a line each, then what passed, on one line.
fn folded(
    page: &mut Page,
    report: &Report,
    topic: Topic,
    members: &[&CheckResult],
    width: usize,
    style: &Style,
) {
    let plain = |check: &&CheckResult| {
        check.outcome == Status::Pass
            && check.allowed.is_none()
            // What passed and left something untested is told in full.
            && report.not_tested.iter().all(|row| row.check != check.id)
    };
    let (passed, others): (Vec<&CheckResult>, Vec<&CheckResult>) = members.iter().copied().partition(plain);
    let mut label = format!("  {}", topic.short());
    let base = if width < NARROW { BELOW } else { BESIDE };
    if base == BELOW {
        page.line(std::mem::take(&mut label));
    }
    let ids = others.iter().map(|check| check.id.len()).max().unwrap_or(0).min(LONGEST_ID);
    let columns = Columns { base, ids, width };
    for alike in grouped(others, style) {
        if let [first, others @ ..] = alike.as_slice() {
            one(page, &std::mem::take(&mut label), first, others, &columns, style);
        }
    }
    if !passed.is_empty() {
        page.hanging(&label, base, [passes(&passed, width - base, style)]);
    }
}

/// `3 passed: 3 of 3 answered; kept by chrony`: as much as a line holds; what the box says is not said again.
fn passes(passed: &[&CheckResult], room: usize, style: &Style) -> String {
    let mut line = format!("{} passed", passed.len());
    let mut before = ": ";
    for check in passed.iter().filter(|check| style.quiet || !check.standing.in_details) {
        let whole = ascii(&check.summary);
        let part = whole.split(';').next().unwrap_or_default();
        let fitting =
            [whole.as_str(), part].into_iter().find(|text| line.len() + before.len() + text.len() <= room);
        if let Some(text) = fitting.filter(|text| !text.is_empty()) {
            line.push_str(before);
            line.push_str(text);
            before = "; ";
        }
    }
    line
}

/// Checks of which one line tells all, in the order of the first of each.
fn grouped<'a>(members: Vec<&'a CheckResult>, style: &Style) -> Vec<Vec<&'a CheckResult>> {
    let mut groups: Vec<Vec<&CheckResult>> = Vec::new();
    for check in members {
        match groups.iter_mut().find(|group| alike(group[0], check, style)) {
            Some(group) => group.push(check),
            None => groups.push(vec![check]),
        }
    }
    groups
}

/// Skipped for the very same reason, or in a paste by the same cause.
fn alike(a: &CheckResult, b: &CheckResult, style: &Style) -> bool {
    let reason = a.summary == b.summary || (style.room > Room::Free && a.caused_by.is_some());
    a.outcome == Status::Skip && b.outcome == Status::Skip && a.caused_by == b.caused_by && reason
}

/// What a line says of its checks.
fn text(check: &CheckResult, others: &[&CheckResult], room: usize, style: &Style) -> String {
    let ids: Vec<&CheckResult> = [check].into_iter().chain(others.iter().copied()).collect();
    let names: Vec<String> = ids.windows(2).map(|pair| ascii(&short(&pair[0].id, &pair[1].id))).collect();
    let also = if names.is_empty() { String::new() } else { format!(" (also {})", names.join(", ")) };
    let full = ascii(&told(check));
    let text = match (&check.caused_by, check.outcome) {
        _ if style.room == Room::Free || style.verbose > 0 || check.allowed.is_some() => full,
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
    label: &str,
    check: &CheckResult,
    others: &[&CheckResult],
    columns: &Columns,
    style: &Style,
) {
    let verbose = style.verbose;
    let Columns { base, ids, width } = *columns;
    let (word, indent) = (word(check.outcome), columns.text());
    let text = text(check, others, width - indent, style);
    let id = ascii(&clean(&check.id, width - base - 8));
    let mut lines = wrap(&text, width - indent).into_iter();
    let head = format!("{label:base$}{word:4}  {id:ids$}  ");
    if head.len() <= indent {
        let first = lines.next().unwrap_or_default();
        page.painted(format!("{head}{first}"), word, Paint::Outcome(check.outcome));
    } else {
        page.painted(head, word, Paint::Outcome(check.outcome));
    }
    page.hanging("", indent, lines);
    let unexplained = check.caused_by.is_none() && !matches!(check.counted(), Status::Pass | Status::Skip);
    let (bullet, figure) = (format!("{:base$}      - ", ""), format!("{:base$}      = ", ""));
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
            page.hanging(&bullet, base + 8, wrap(&line, width - base - 8));
        }
    }
    if verbose > 1 {
        for (name, value) in &check.measurements {
            let line = ascii(&format!("{name} = {value}"));
            page.hanging(&figure, base + 8, wrap(&line, width - base - 8));
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
pub(super) fn word(status: Status) -> &'static str {
    match status {
        Status::Skip => "SKIP",
        Status::Pass => "PASS",
        Status::Unknown => "UNKN",
        Status::Warn => "WARN",
        Status::Fail => "FAIL",
    }
}
