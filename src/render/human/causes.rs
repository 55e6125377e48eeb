//! What to fix: the first cause in full, then the others, then notices in short.

use crate::model::report::{Cause, Remedy, Report};
use crate::model::text::{clean, plural};
use crate::render::Room;
use crate::render::Style;
use crate::render::digest;
use crate::render::text::heading;
use crate::render::text::{Page, ascii, ascii_whole, flow, wrap};

/// Where the text of a cause begins.
const INDENT: usize = 15;
/// More lines of evidence or commands than these are folded into a count.
const SHOWN: usize = 12;
/// No command of ours is longer; a saved report may hold anything.
const COMMAND: usize = 4096;

pub(super) fn write(page: &mut Page, report: &Report, width: usize, style: &Style) {
    let verbose = style.verbose;
    let (causes, notices) = digest::causes(report);
    for (n, cause) in causes.iter().enumerate() {
        page.line("");
        match n {
            0 => heading(page, "FIX FIRST"),
            1 => heading(page, "ALSO"),
            _ => {}
        }
        title(page, cause, width);
        because(page, cause, width);
        labelled(page, "impact", &ascii(&cause.impact), width);
        remedies(page, &cause.remedies, width);
        page.hanging("    verify", INDENT, [command(&cause.verify)]);
        more(page, cause);
    }
    if style.room > Room::Free && verbose == 0 && !notices.is_empty() {
        let lines = notices.iter().flat_map(|cause| {
            wrap(&format!("{}: {}", ascii(&cause.code), sentence(&cause.title)), width - 8)
        });
        page.line("");
        page.hanging("NOTICE", 8, lines);
        return;
    }
    for (n, cause) in notices.iter().enumerate() {
        if n == 0 {
            page.line("");
            heading(page, "NOTICE");
        }
        title(page, cause, width);
        if verbose > 0 {
            because(page, cause, width);
            labelled(page, "impact", &ascii(&cause.impact), width);
            remedies(page, &cause.remedies, width);
        }
        more(page, cause);
    }
}

/// The code, the sentence and how sure it is; a long code has a line of its own.
fn title(page: &mut Page, cause: &Cause, width: usize) {
    let sure = format!("[{}]", cause.confidence.word());
    let sentence = sentence(&cause.title);
    let lines = wrap(&sentence, width - INDENT);
    let room = width - 1 - sure.len();
    let code = ascii(&clean(&cause.code, room.saturating_sub(3)));
    let first = format!("  {code:12} {}", lines.first().map_or("", String::as_str));
    if code.len() <= INDENT - 3 && first.len() < room {
        page.line(format!("{first:room$}{sure}"));
        page.hanging("", INDENT, lines.into_iter().skip(1));
        return;
    }
    let fits = wrap(&sentence, room.saturating_sub(INDENT + 1));
    if code.len() <= INDENT - 3 {
        // The sentence makes room for the word at the end of its first line.
        let first = fits.first().map_or("", String::as_str);
        let rest = sentence.get(first.len()..).unwrap_or_default().to_owned();
        page.line(format!("{:room$}{sure}", format!("  {code:12} {first}")));
        page.hanging("", INDENT, wrap(&rest, width - INDENT));
    } else {
        page.line(format!("{:room$}{sure}", format!("  {code}")));
        page.hanging("", INDENT, lines);
    }
}

/// Titles are claims without a period; here one ends a paragraph.
fn sentence(title: &str) -> String {
    let title = ascii(title);
    if title.is_empty() || title.ends_with(['.', '!', '?']) { title } else { format!("{title}.") }
}

fn because(page: &mut Page, cause: &Cause, width: usize) {
    let mut items: Vec<String> = cause.because.iter().take(SHOWN).map(|line| ascii(line)).collect();
    // Two checks may have seen the same.
    items.dedup();
    let more = cause.because.len().saturating_sub(SHOWN);
    if more > 0 {
        items.push(format!("and {more} more {}", plural(more, "observation")));
    }
    page.hanging("    because", INDENT, flow(&items, width - INDENT));
}

fn labelled(page: &mut Page, label: &str, text: &str, width: usize) {
    if !text.is_empty() {
        page.hanging(&format!("    {label}"), INDENT, wrap(text, width - INDENT));
    }
}

/// What to do, in order, one command a line. Further lines of an action are rows that complete it (a table for the
/// network team).
fn remedies(page: &mut Page, remedies: &[Remedy], width: usize) {
    let room = width - INDENT;
    let mut lines = Vec::new();
    for remedy in remedies {
        let (action, rows) = digest::remedy(remedy);
        lines.extend(wrap(&ascii(action), room));
        let (table, commands) = rows.split_at(rows.len().saturating_sub(remedy.commands.len()));
        for text in table.iter().take(SHOWN) {
            lines.extend(row(text, room - 2).into_iter().map(|line| format!("  {line}")));
        }
        let more = table.len().saturating_sub(SHOWN);
        if more > 0 {
            lines.extend(wrap(&format!("and {more} more; see the JSON report"), room));
        }
        lines.extend(commands.iter().map(|text| format!("  {}", command(text))));
    }
    page.hanging("    do", INDENT, lines);
}

fn more(page: &mut Page, cause: &Cause) {
    let text = format!("connector-doctor explain {}", ascii(&cause.code));
    page.hanging("    more", INDENT, [command(&text)]);
}

/// A command on one line, however long: a screen that breaks it breaks nothing of what is copied.
pub(super) fn command(text: &str) -> String {
    ascii_whole(&clean(text, COMMAND))
}

/// A row of a table on as few lines as it takes; spaces that align columns stay where the line fits.
fn row(text: &str, room: usize) -> Vec<String> {
    let text = ascii(text);
    if text.len() <= room { vec![text] } else { wrap(&text, room) }
}
