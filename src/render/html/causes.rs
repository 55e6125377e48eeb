//! Causes with their remedies, each command to be copied; the anchors that checks point at.

use maud::{Markup, html};

use super::parts::copied;
use crate::model::report::{Cause, Report, Severity};
use crate::render::digest::{causes, line, remedy};

/// More lines of evidence or commands than these are folded into a count.
const SHOWN: usize = 20;

pub(super) fn section(report: &Report) -> Markup {
    let (causes, notices) = causes(report);
    html! {
        @for (heading, group) in [("Fix first", &causes[..causes.len().min(1)]), ("Also", causes.get(1..).unwrap_or_default()), ("Notices", &notices[..])] {
            @if !group.is_empty() {
                section {
                    h2 { (heading) }
                    @for found in group { (cause(report, found)) }
                }
            }
        }
    }
}

fn cause(report: &Report, cause: &Cause) -> Markup {
    let severity = match cause.severity {
        Severity::Critical => "t-fail",
        Severity::Warning => "t-warn",
        Severity::Notice => "t-unknown",
    };
    html! {
        article.card.cause id=[anchor(report, &cause.code)] {
            div.head {
                span class={ "tag " (severity) } { (cause.severity.word()) }
                code { (line(&cause.code)) }
                span.small.muted { (cause.confidence.word()) }
            }
            h3 { (line(&cause.title)) }
            dl {
                @if !cause.because.is_empty() {
                    dt { "Because" }
                    dd { ul { @for seen in folded(&cause.because) { li { (seen) } } } }
                }
                @if !cause.impact.is_empty() { dt { "Impact" } dd { (line(&cause.impact)) } }
                @if !cause.remedies.is_empty() {
                    dt { "Do" }
                    dd {
                        @for one in &cause.remedies {
                            @let (action, rows) = remedy(one);
                            div.step {
                                p { (line(action)) }
                                @if !rows.is_empty() { (copied(&folded(&rows).join("\n"))) }
                            }
                        }
                    }
                }
                @if !cause.verify.is_empty() { dt { "Verify" } dd { (copied(&line(&cause.verify))) } }
                dt { "More" } dd { code { "connector-doctor explain " (line(&cause.code)) } }
            }
        }
    }
}

/// Cleaned lines, those beyond the limit as a count.
fn folded<T: AsRef<str>>(lines: &[T]) -> Vec<String> {
    let mut out: Vec<String> = lines.iter().take(SHOWN).map(|text| line(text.as_ref())).collect();
    if lines.len() > SHOWN {
        out.push(format!("and {} more; see the JSON report", lines.len() - SHOWN));
    }
    out
}

/// Where a cause stands in the page; by its rank, since a code out of a file may be anything.
pub(super) fn anchor(report: &Report, code: &str) -> Option<String> {
    report.causes.iter().position(|cause| cause.code == code).map(|rank| format!("cause-{}", rank + 1))
}
