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
/// What stays of evidence, of steps, where a screen has no room for more.
const LEAST_EVIDENCE: usize = 2;
const LEAST_STEPS: usize = 4;
/// No command of ours is longer; a saved report may hold anything.
const COMMAND: usize = 4096;

pub(super) fn write(page: &mut Page, report: &Report, width: usize, style: &Style) {
    let (causes, notices) = digest::causes(report);
    // On a terminal the first one is the answer, which stands last.
    let first = usize::from(style.rows.is_some());
    for (n, cause) in causes.iter().enumerate().skip(first) {
        page.line("");
        match n {
            0 => heading(page, "FIX FIRST"),
            1 => heading(page, "ALSO"),
            _ => {}
        }
        title(page, cause, width);
        Told::of(cause, width).write(page);
    }
    if style.room > Room::Free && style.verbose == 0 && !notices.is_empty() {
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
        let mut told = Told::of(cause, width);
        if style.verbose == 0 {
            told.parts.retain(|(label, _)| *label == MORE);
        }
        told.parts.retain(|(label, _)| *label != VERIFY);
        told.write(page);
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
pub(super) fn sentence(title: &str) -> String {
    let title = ascii(title);
    if title.is_empty() || title.ends_with(['.', '!', '?']) { title } else { format!("{title}.") }
}

const BECAUSE: &str = "because";
const IMPACT: &str = "impact";
const DO: &str = "do";
const VERIFY: &str = "verify";
const MORE: &str = "more";

/// A cause below its title: labels and their lines.
pub(super) struct Told {
    parts: Vec<(&'static str, Vec<String>)>,
    width: usize,
}

impl Told {
    /// All that a report says of a cause.
    pub(super) fn of(cause: &Cause, width: usize) -> Self {
        let room = width - INDENT;
        let page = format!("connector-doctor explain {}", ascii(&cause.code));
        let impact = ascii(&cause.impact);
        let parts = [
            (BECAUSE, because(cause, room)),
            (IMPACT, if impact.is_empty() { Vec::new() } else { wrap(&impact, room) }),
            (DO, remedies(&cause.remedies, room)),
            (VERIFY, vec![command(&cause.verify)]),
            (MORE, vec![command(&page)]),
        ];
        let parts = parts.into_iter().filter(|(_, lines)| !lines.is_empty()).collect();
        Self { parts, width }
    }

    /// Leaves out what a screen of `rows` has no room for: evidence first, then the impact, then steps after the first ones.
    pub(super) fn fit(&mut self, rows: usize) {
        let over = |told: &Self| {
            let lines = told.parts.iter().flat_map(|(_, lines)| lines);
            lines.map(|line| told.rows(line)).sum::<usize>().saturating_sub(rows)
        };
        self.cut(BECAUSE, over(self), LEAST_EVIDENCE);
        if over(self) > 0 {
            self.parts.retain(|(label, _)| *label != IMPACT);
        }
        self.cut(DO, over(self), LEAST_STEPS);
    }

    /// A command that is longer than the screen is wide takes several of its rows.
    fn rows(&self, line: &str) -> usize {
        (INDENT + line.len()).div_ceil(self.width).max(1)
    }

    /// Takes `over` lines from the end of a part, and says so; `least` lines stay.
    fn cut(&mut self, label: &str, over: usize, least: usize) {
        let Some(at) = self.parts.iter().position(|(own, _)| *own == label) else { return };
        let lines = &self.parts[at].1;
        if over == 0 || lines.len() <= least {
            return;
        }
        // One row is the count's.
        let (mut keep, mut freed) = (lines.len(), 0);
        while freed < over + 1 && keep + 1 > least {
            keep -= 1;
            freed += self.rows(&lines[keep]);
        }
        let lines = &mut self.parts[at].1;
        let more = lines.len() - keep;
        lines.truncate(keep);
        lines.push(format!("... {more} {} more: -v", plural(more, "line")));
    }

    pub(super) fn write(self, page: &mut Page) {
        for (label, lines) in self.parts {
            page.hanging(&format!("    {label}"), INDENT, lines);
        }
    }
}

fn because(cause: &Cause, room: usize) -> Vec<String> {
    let mut items: Vec<String> = cause.because.iter().take(SHOWN).map(|line| ascii(line)).collect();
    // Two checks may have seen the same.
    items.dedup();
    let more = cause.because.len().saturating_sub(SHOWN);
    if more > 0 {
        items.push(format!("and {more} more {}", plural(more, "observation")));
    }
    flow(&items, room)
}

/// What to do, in order, one command a line. Further lines of an action are rows that complete it (a table for the
/// network team).
fn remedies(remedies: &[Remedy], room: usize) -> Vec<String> {
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
    lines
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
