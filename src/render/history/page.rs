//! The history as one page: charts and tables, nothing from elsewhere, no script; light and dark, wide and narrow.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use plotters::style::RGBColor;

use super::super::html;
use super::chart::{NARROW, ROLES, Size, WIDE, offset, timelines};
use super::words::{incidents, lasting, new_addresses, reason, rows, shown, tracks, when};
use crate::model::history::History;
use crate::model::text::{clean, signed_offset};

const STYLE: &str = include_str!("page.css");
/// More rows than these are folded into a count; JSON has all of them.
const ROWS: usize = 200;

/// Writes the page.
pub fn render(history: &History) -> String {
    let title = format!("Connector history to {} UTC", when(history.until));
    let style = [html::STYLE, STYLE, &tones()].concat();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(html::policy(&style, ""));
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                main {
                    header {
                        div.product { span { b { "connector-doctor" } " " (env!("CARGO_PKG_VERSION")) } }
                        h1 { "Connector history" }
                        p.muted { (when(history.since)) " to " (when(history.until)) " UTC" }
                    }
                    section {
                        dl.card.wide-details {
                            @for (label, text) in rows(history) { div { dt.muted { (label) } dd { (text) } } }
                        }
                    }
                    (section_of_timelines(history))
                    (section_of_offset(history))
                    (table("Incidents", ["Began (UTC)", "What was down", "For", "Cause"], &incident_rows(history)))
                    (table("Gaps", ["Began (UTC)", "Nobody looked because", "For", ""], &gap_rows(history)))
                    (table("Changes", ["At (UTC)", "What", "To", ""], &change_rows(history)))
                    footer { "Measured from this host; no telemetry, nothing was changed." }
                }
            }
        }
    }
    .into_string()
        + "\n"
}

/// The style sheet's variables in place of the colours that the charts were drawn in.
fn tones() -> String {
    let rule = |(name, RGBColor(r, g, b)): (&str, RGBColor)| {
        let colour = format!("#{r:02X}{g:02X}{b:02X}");
        format!("[fill=\"{colour}\"]{{fill:var(--{name})}}[stroke=\"{colour}\"]{{stroke:var(--{name})}}")
    };
    ROLES.map(rule).concat()
}

fn section_of_timelines(history: &History) -> Markup {
    let names = html! { ul.names { @for (name, _) in tracks(history) { li { (name) } } } };
    let legend = [("up", "up"), ("down", "down"), ("unknown", "not known"), ("unseen", "nobody looked")];
    html! {
        section {
            h2 { "Timeline" }
            figure.card.tracks {
                (drawn("Up and down over time", &names, |size| timelines(history, size)))
                ul.legend { @for (class, words) in legend { li class=(class) { (words) } } }
            }
        }
    }
}

fn section_of_offset(history: &History) -> Markup {
    html! {
        section {
            h2 { "Time offset" }
            @if history.time_offset.points.is_empty() {
                p { "The clock was never compared with a reference." }
            } @else {
                figure.card { (drawn("Time offset over time", &html! {}, |size| offset(history, size))) }
                p.small.muted { "Host minus reference; negative: the host is in the past. The limit is \u{b1}5 s." }
            }
        }
    }
}

/// The chart twice: the style sheet shows the one that fits.
fn drawn(label: &str, beside: &Markup, draw: impl Fn(Size) -> Option<String>) -> Markup {
    html! {
        @for (class, size) in [("wide-chart", WIDE), ("narrow-chart", NARROW)] {
            @if let Some(svg) = draw(size) {
                div class=(class) {
                    (beside)
                    // plotters escapes what it writes, and nothing in it comes from outside.
                    div role="img" aria-label=(label) { (PreEscaped(svg)) }
                }
            }
        }
    }
}

type Row = [String; 4];

fn table(title: &str, heads: [&str; 4], rows: &[Row]) -> Markup {
    let folded = rows.len().saturating_sub(ROWS);
    let used = heads.iter().filter(|head| !head.is_empty()).count();
    html! {
        section {
            h2 { (title) }
            @if rows.is_empty() {
                p { "None." }
            } @else {
                @if folded > 0 { p.small.muted { (folded) " earlier ones are left out." } }
                div.card.scroll {
                    table {
                        thead { tr { @for head in heads.iter().take(used) { th scope="col" { (head) } } } }
                        tbody {
                            @for row in &rows[folded..] {
                                tr { @for cell in row.iter().take(used) { td { (cell) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn incident_rows(history: &History) -> Vec<Row> {
    let row = |(name, incident): (String, &crate::model::history::Incident)| {
        let goes_on = if incident.ended_at.is_none() { ", goes on" } else { "" };
        [
            when(incident.started_at),
            name,
            format!("{}{goes_on}", lasting(incident.downtime_s)),
            clean(incident.cause.as_deref().unwrap_or("not named"), 60),
        ]
    };
    incidents(history).into_iter().map(row).collect()
}

fn gap_rows(history: &History) -> Vec<Row> {
    let row = |gap: &crate::model::history::Gap| {
        let lasted = gap.ended_at.seconds_since(gap.started_at);
        [when(gap.started_at), reason(gap).to_owned(), lasting(lasted), String::new()]
    };
    history.gaps.iter().map(row).collect()
}

fn change_rows(history: &History) -> Vec<Row> {
    let mut all = Vec::new();
    let mut add = |at, what: &str, to: String| all.push((at, [when(at), what.to_owned(), to, String::new()]));
    for span in new_addresses(history) {
        add(span.started_at, "Public address", shown(span, history));
    }
    for span in history.nat.iter().skip(1) {
        add(span.started_at, "NAT mapping", clean(&span.mapping, 60));
    }
    for at in &history.process.restarts {
        add(*at, "Connector", "started anew".to_owned());
    }
    for step in &history.watch.clock_steps {
        add(step.at, "Wall clock", format!("stepped by {}", signed_offset((step.step_s * 1e9) as i64)));
    }
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, row)| row).collect()
}
