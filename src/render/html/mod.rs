//! The report as one HTML page: nothing is fetched, no text from outside is markup, and it reads without its script.
//!
//! The page's own policy (Content-Security-Policy) names its one style and its one script by their SHA-256 and
//! forbids all else, so that even a hole in the escaping would run nothing. Colours are classes: what `style=`
//! would say, the policy refuses.

mod causes;
mod checks;
mod clock;
mod parts;
mod path;
mod phases;
mod resources;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::parts::{copied, tag};
use super::Style;
use super::digest::{COUNTED, causes, hidden, line, not_tested, outcomes, p2p};
use super::human::{closing, details, header};
use super::json;
use crate::model::report::{Report, Verdict};

/// The style of every page of ours.
pub(super) const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("copy.js");

/// Writes the page.
pub fn render(report: &Report, _: &Style) -> String {
    let verdict = report.verdict.word();
    let title = format!("{}: {verdict}, {}", line(&report.tool.name), line(&report.id));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(STYLE, SCRIPT));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (head(report))
                    (causes::section(report))
                    (untested(report))
                    (facts_of_the_console(report))
                    section.pictures {
                        figure.card { h2 { "The path" } (path::picture(report)) }
                        div {
                            figure.card { h2 { "Clock offset" } (clock::picture(report)) }
                            figure.card { h2 { "Connection to the Controller" } (phases::picture(report)) }
                        }
                    }
                    (resources::section(report))
                    (checks::section(report))
                    (raw(report))
                    footer { (foot(report)) }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string() + "\n"
}

/// A policy that allows this one style and this one script.
pub(super) fn policy(style: &str, script: &str) -> String {
    let sum = |text: &str| {
        let sum = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        STANDARD.encode(sum)
    };
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        sum(style),
        sum(script)
    )
}

/// The verdict, what it rests on, and where and when.
fn head(report: &Report) -> Markup {
    let tool = &report.tool;
    let class = match report.verdict {
        Verdict::Healthy => "v-pass",
        Verdict::Inconclusive => "v-unknown",
        Verdict::Degraded => "v-warn",
        Verdict::Unhealthy => "v-fail",
    };
    let lead = match (causes(report).0.first(), closing(report)) {
        (Some(first), _) => line(&first.title),
        // There the checks stand before this sentence, here behind it.
        (None, Some(closing)) => closing.replace("see above", "see below"),
        (None, None) => "What failed is not explained by a known cause; see the checks.".to_owned(),
    };
    html! {
        header {
            div.product {
                span { b { (line(&tool.name)) } " " (line(&tool.version)) }
                span { "report " span.mono { (line(&report.id)) } }
            }
            div class={ "verdict " (class) } {
                h1 { (capital(report.verdict.word())) }
                p.lead { (lead) }
                div.tally {
                    @for status in COUNTED {
                        @let n = outcomes(report, status);
                        @if n > 0 { span class={ "tag " (tag(status)) } { (n) " " (status.word()) } }
                    }
                }
                div.meta {
                    @for text in [header::time(report), header::host(report), header::run(report)] { p { (text) } }
                    @if let Some(what) = hidden(&report.redaction) { p { "Hidden: " (what) "." } }
                }
            }
        }
    }
}

/// What was not tested, and what would test it.
fn untested(report: &Report) -> Markup {
    let all = not_tested(report);
    html! {
        @if !all.is_empty() {
            section.untested {
                h2 { "Not tested" }
                @for (checks, reason, command) in all {
                    div.card {
                        p.mono { (line(&checks.join(", "))) }
                        p { (line(reason)) }
                        (copied(&line(command)))
                    }
                }
            }
        }
    }
}

/// The six details, and what to expect of peer-to-peer connections.
fn facts_of_the_console(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Connector details" }
            dl.card.details {
                @for (label, value) in details::rows(report) { div { dt { (label) } dd { (line(&value)) } } }
            }
            @if let Some((outlook, words)) = report.p2p_outlook.as_ref().zip(p2p(report)) {
                p.small.muted { "Peer-to-peer: " (words) " (" (line(&outlook.reason)) ")." }
            }
        }
    }
}

fn raw(report: &Report) -> Markup {
    html! {
        section.raw {
            h2 { "Raw facts" }
            details.card {
                summary { "Everything that was observed, as JSON" }
                pre { (json::facts(report)) }
            }
        }
    }
}

fn foot(report: &Report) -> Markup {
    let tool = &report.tool;
    html! {
        p {
            (line(&report.id)) ", " (line(&report.started_at)) ", "
            (line(&tool.name)) " " (line(&tool.version)) " " (line(&tool.target)) ", redaction " (line(&report.redaction)) ". "
            "Measured from this host; no telemetry, nothing was changed."
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
