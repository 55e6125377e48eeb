//! Every check by topic: outcome, sentence, cause; evidence and figures folded.

use maud::{Markup, html};

use super::causes::anchor;
use super::parts::tag;
use crate::model::finding::Status;
use crate::model::report::{CheckResult, Report};
use crate::render::digest::{allowed, by_topic, line};

/// More lines of evidence than these are folded into a count.
const SHOWN: usize = 50;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Checks" }
            div.card {
                @for (topic, checks) in by_topic(report) {
                    div.topic {
                        h3 { (topic.heading()) }
                        @for one in checks { (check(report, one)) }
                    }
                }
            }
        }
    }
}

fn check(report: &Report, check: &CheckResult) -> Markup {
    // What failed without a known cause shows its evidence at once.
    let open = matches!(check.counted(), Status::Fail | Status::Warn) && check.caused_by.is_none();
    let more = check.evidence.len().saturating_sub(SHOWN);
    html! {
        div.check {
            span class={ "tag " (tag(check.outcome)) } { (check.outcome.word()) }
            span.id.mono title=(line(&check.title)) { (line(&check.id)) }
            div.what {
                p {
                    (line(&check.summary))
                    @if let Some(code) = &check.caused_by {
                        ", caused by "
                        @match anchor(report, code) {
                            Some(at) => a href={ "#" (at) } { (line(code)) },
                            None => (line(code)),
                        }
                    }
                    @if let Some(words) = allowed(check) { ", " (words) }
                }
                @if !check.evidence.is_empty() || !check.measurements.is_empty() {
                    details open[open] {
                        summary { "Evidence" }
                        ul.evidence {
                            @for seen in check.evidence.iter().take(SHOWN) { li { (line(seen)) } }
                            @if more > 0 { li { "and " (more) " more; see the JSON report" } }
                        }
                        @if !check.measurements.is_empty() {
                            p.figures.mono {
                                @for (n, (name, value)) in check.measurements.iter().enumerate() {
                                    @if n > 0 { ", " }
                                    (line(name)) " = " (value)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
