//! The report for people: ASCII, at most `width` columns, the same bytes for the same report.

mod answer;
mod causes;
mod checks;
pub(super) mod details;
pub(super) mod header;
mod resources;
mod untested;

use super::digest::{p2p, tally};
use super::seal::end_line;
use super::text::{Page, ascii, wrap};
use super::{Room, Style};
use crate::model::finding::Status;
use crate::model::report::{Report, Severity, Verdict};
use crate::model::text::count;

/// What a paste takes of a ticket, the fence around it left out.
const LINES: usize = 58;
const BYTES: usize = 4080;

/// Writes the report: on a terminal the answer stands last, elsewhere a line that seals it (see [`super::seal`]).
pub fn render(report: &Report, style: &Style) -> String {
    let width = style.width.clamp(40, 240);
    let on_terminal = style.rows.is_some();
    let mut page = Page::default();
    header::write(&mut page, report, width, on_terminal);
    if !on_terminal {
        untested::write(&mut page, report, width);
    }
    if !style.quiet {
        if style.room < Room::Tight {
            page.line("");
        }
        details::write(&mut page, report, width);
    }
    let closing = closing(report).filter(|_| !style.quiet);
    if on_terminal {
        rest(&mut page, report, width, style);
        causes::write(&mut page, report, width, style);
        answer::write(&mut page, report, width, style, closing.as_deref());
        return page.finish(style.colour);
    }
    causes::write(&mut page, report, width, style);
    rest(&mut page, report, width, style);
    if let Some(closing) = closing {
        page.line("");
        page.hanging("", 0, wrap(&closing, width));
    }
    let end = end_line(&ascii(&report.id), report.checks.len(), page.len(), &page.plain());
    page.hanging("", 0, wrap(&end, width));
    page.finish(style.colour)
}

/// The checks, and what to expect of peer-to-peer connections.
fn rest(page: &mut Page, report: &Report, width: usize, style: &Style) {
    if style.quiet {
        return;
    }
    checks::write(page, report, width, style);
    resources::write(page, report, width, style);
    let folded = style.verbose == 0 && report.checks.iter().any(|check| check.outcome == Status::Pass);
    if style.rows.is_some() && folded {
        page.hanging("", 2, wrap(&format!("{} (-v shows all)", tally(report)), width - 2));
    }
    if let Some((outlook, words)) = report.p2p_outlook.as_ref().zip(p2p(report)) {
        let text = format!("Peer-to-peer: {words} ({}).", ascii(&outlook.reason));
        if style.room < Room::Tight {
            page.line("");
        }
        // A paste has room for what to expect, and for the reason where it fits beside it.
        let text = if style.room > Room::Free && text.len() > width {
            format!("Peer-to-peer: {words}.")
        } else {
            text
        };
        page.hanging("", 0, wrap(&text, width));
    }
}

/// The report as `report` pastes it: inside a fence, without colour, with its data behind it where there are any.
pub fn fenced(report: &Report, style: &Style, data: &str) -> String {
    let style = Style { colour: false, room: Room::Paste, rows: None, ..*style };
    let mut text = render(report, &style);
    if style.verbose == 0 && (text.lines().count() > LINES || text.len() > BYTES) {
        text = render(report, &Style { room: Room::Tight, ..style });
    }
    text.push_str(data);
    // A fence is longer than any run of backticks inside it, or text could close it.
    let inside = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(inside + 1));
    format!("{fence}text\n{text}{fence}\n")
}

/// What is left to say when there is nothing to fix.
pub(super) fn closing(report: &Report) -> Option<String> {
    let of = |status| report.checks.iter().filter(|check| check.outcome == status).count();
    let notices = report.causes.iter().filter(|cause| cause.severity == Severity::Notice).count();
    if notices < report.causes.len() || report.verdict >= Verdict::Degraded {
        return None;
    }
    let mut rest = Vec::new();
    if notices > 0 {
        rest.push(count(notices, "notice"));
    }
    let (skipped, undecided) = (of(Status::Skip), of(Status::Unknown));
    for (n, what) in [(skipped, "skipped"), (undecided, "not decided")] {
        if n > 0 {
            let were = if n == 1 { "was" } else { "were" };
            rest.push(format!("{} {were} {what}", count(n, "check")));
        }
    }
    let opening = if report.verdict == Verdict::Inconclusive {
        "Nothing is shown to be broken, and not all that matters could be decided."
    } else {
        "Nothing to do."
    };
    if rest.is_empty() {
        return Some(opening.to_owned());
    }
    Some(format!("{opening} {}; see above.", rest.join(", ")))
}
