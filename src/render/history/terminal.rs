//! The history for people: ASCII, at most `width` columns, with timelines and a curve in letters.

use super::bar::{LEGEND, bar};
use super::plot::{SCALE, plot};
use super::words::{LIMIT_S, incidents, lasting, new_addresses, reason, rows, shown, tracks, when};
use crate::model::history::History;
use crate::model::text::signed_offset;
use crate::render::Style;
use crate::render::human::details::boxed;
use crate::render::text::{Page, ascii, heading, wrap};

/// Columns of the names before timelines.
const NAMES: usize = 16;
/// More rows than these are folded into a count; JSON has all of them.
const ROWS: usize = 20;

/// Writes the history.
pub fn render(history: &History, style: &Style) -> String {
    let width = style.width.clamp(40, 240);
    let mut page = Page::default();
    page.line(format!("connector-doctor {}  history", env!("CARGO_PKG_VERSION")));
    page.line(format!("since    {} UTC", when(history.since)));
    page.line(format!("until    {} UTC", when(history.until)));
    page.line("");
    boxed(&mut page, rows(history).into_iter().map(|(label, text)| (label, ascii(&text))), width);
    timelines(&mut page, history, width);
    curve(&mut page, history, width);
    let found: Vec<_> = incidents(history)
        .into_iter()
        .map(|(name, incident)| {
            let lasts = if incident.ended_at.is_none() { ", and goes on" } else { "" };
            let cause = incident.cause.as_deref().unwrap_or("no cause named");
            let name = ascii(&name);
            (when(incident.started_at), format!("{name}, {}{lasts}: {cause}", lasting(incident.downtime_s)))
        })
        .collect();
    table(&mut page, "INCIDENTS", &found, width);
    let gap = |gap: &crate::model::history::Gap| {
        let lasted = lasting(gap.ended_at.seconds_since(gap.started_at));
        (when(gap.started_at), format!("{lasted}, {}", reason(gap)))
    };
    table(
        &mut page,
        "GAPS, in which nobody looked",
        &history.gaps.iter().map(gap).collect::<Vec<_>>(),
        width,
    );
    table(&mut page, "CHANGES", &changes(history), width);
    page.finish(style.colour)
}

fn timelines(page: &mut Page, history: &History, width: usize) {
    let room = width - NAMES - 2;
    page.line("");
    heading(page, "TIMELINE");
    let column_s = history.until.seconds_since(history.since) / room as f64;
    let mut drawn = String::new();
    for (name, availability) in tracks(history) {
        let bar = bar(&availability.timeline, history.since, history.until, room);
        page.line(format!("  {name:NAMES$}{bar}"));
        drawn.push_str(&bar);
    }
    let known = LEGEND.iter().filter(|(letter, _)| drawn.contains(*letter));
    let legend: Vec<String> = known.map(|(letter, words)| format!("{letter} {words}")).collect();
    let legend = format!("a column is {}; {}", lasting(column_s), legend.join(", "));
    page.hanging("", 2 + NAMES, wrap(&legend, room));
}

fn curve(page: &mut Page, history: &History, width: usize) {
    let room = width - SCALE - 4;
    let lines = plot(&history.time_offset.points, history.since, history.until, room, LIMIT_S);
    if lines.is_empty() {
        return;
    }
    page.line("");
    heading(page, "TIME OFFSET, host minus reference");
    for line in lines {
        page.line(format!("  {line}"));
    }
}

fn changes(history: &History) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for address in new_addresses(history) {
        all.push((address.started_at, format!("public address {}", shown(address, history))));
    }
    for nat in history.nat.iter().skip(1) {
        all.push((nat.started_at, format!("NAT mapping {}", ascii(&nat.mapping))));
    }
    all.extend(history.process.restarts.iter().map(|at| (*at, "Connector started anew".to_owned())));
    for step in &history.watch.clock_steps {
        all.push((step.at, format!("wall clock stepped by {}", signed_offset((step.step_s * 1e9) as i64))));
    }
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(at, text)| (when(at), text)).collect()
}

/// Times and what was then; the latest, where there are many.
fn table(page: &mut Page, title: &str, rows: &[(String, String)], width: usize) {
    if rows.is_empty() {
        return;
    }
    page.line("");
    heading(page, title);
    let folded = rows.len().saturating_sub(ROWS);
    if folded > 0 {
        page.line(format!("  {folded} earlier ones are left out; --json has them"));
    }
    for (at, text) in &rows[folded..] {
        let label = format!("  {at}  ");
        let room = width - label.len();
        page.hanging(&label, label.len(), wrap(text, room));
    }
}
