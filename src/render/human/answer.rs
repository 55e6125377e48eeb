//! The end of a report on a terminal, which is what its reader sees: the verdict, the first cause and its commands.

use super::causes::{Told, sentence};
use super::untested;
use crate::model::report::{Cause, Report};
use crate::render::Style;
use crate::render::digest::{causes, of_a_part};
use crate::render::text::{Page, Paint, ascii, wrap};

/// Fewer rows than these are no screen.
const LEAST_ROWS: usize = 12;

pub(super) fn write(page: &mut Page, report: &Report, width: usize, style: &Style, closing: Option<&str>) {
    let begun = page.len();
    untested::write(page, report, width);
    page.line("");
    let verdict = report.verdict.word().to_uppercase();
    let part = of_a_part(report);
    let part = if part.is_empty() { String::new() } else { format!(" ({part})") };
    let (causes, _) = causes(report);
    let Some(first) = causes.first() else {
        let text = format!("{verdict}{part}  {}", closing.unwrap_or_default());
        paragraph(page, text.trim_end(), &verdict, report, width);
        return;
    };
    let sure = format!("[{}]", first.confidence.word());
    let text = format!("{verdict}{part}  {}: {}", ascii(&first.code), sentence(&first.title));
    let mut lines = wrap(&text, width);
    match lines.last_mut() {
        // One column is for the second blank after the verdict.
        Some(last) if last.len() + 2 + sure.len() < width => {
            *last = format!("{last:room$}{sure}", room = width - 2 - sure.len());
        }
        _ => lines.push(format!("{:room$}{sure}", "", room = width - 2 - sure.len())),
    }
    let rows = style.rows.unwrap_or(usize::MAX).max(LEAST_ROWS);
    // One row is the prompt's.
    let taken = page.len() - begun + lines.len() + 1;
    apart(&mut lines, width, &verdict);
    painted(page, lines, &verdict, report);
    told(first, width, style, rows.saturating_sub(taken)).write(page);
}

/// The cause's own lines, within `rows` where nobody asked for all of them.
fn told(cause: &Cause, width: usize, style: &Style, rows: usize) -> Told {
    let mut told = Told::of(cause, width);
    if style.verbose == 0 {
        told.fit(rows);
    }
    told
}

fn paragraph(page: &mut Page, text: &str, verdict: &str, report: &Report, width: usize) {
    let mut lines = wrap(text, width);
    apart(&mut lines, width, verdict);
    painted(page, lines, verdict, report);
}

/// Two blanks after the verdict, which wrapping makes one, where there is room.
fn apart(lines: &mut [String], width: usize, verdict: &str) {
    if let Some(first) = lines.first_mut().filter(|first| first.len() < width && first.len() > verdict.len())
    {
        *first = first.replacen(' ', "  ", 1);
    }
}

fn painted(page: &mut Page, lines: Vec<String>, verdict: &str, report: &Report) {
    for (n, line) in lines.into_iter().enumerate() {
        if n == 0 {
            page.painted(line, verdict, Paint::Verdict(report.verdict));
        } else {
            page.line(line);
        }
    }
}
