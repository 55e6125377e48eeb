//! The Resources: a table with where each stands, how long it took, and what it said.

use maud::{Markup, html};

use super::causes::anchor;
use super::tag;
use crate::model::report::Report;
use crate::model::resource::ResourceResult;
use crate::render::digest::line;
use crate::render::redact::shown;

/// More than these are left to the JSON report.
const SHOWN: usize = 300;

pub(super) fn section(report: &Report) -> Markup {
    if report.resources.is_empty() {
        return html! {};
    }
    let more = report.resources.len().saturating_sub(SHOWN);
    html! {
        section {
            h2 { "Resources" }
            div.card {
                table.resources {
                    thead { tr { @for head in ["", "Resource", "Address", "By", "Round trip", "Says"] { th { (head) } } } }
                    tbody {
                        @for one in report.resources.iter().take(SHOWN) { (row(report, one)) }
                    }
                }
                @if more > 0 { p { "and " (more) " more; see the JSON report" } }
            }
        }
    }
}

fn row(report: &Report, one: &ResourceResult) -> Markup {
    let place = match (one.port, one.host.contains(':')) {
        (0, _) => one.host.clone(),
        (port, true) => format!("[{}]:{port}", one.host),
        (port, false) => format!("{}:{port}", one.host),
    };
    let trip = one.connect_ms.map_or_else(String::new, |ms| format!("{ms:.1} ms"));
    let address = one.address.map_or_else(String::new, |ip| shown(ip, report));
    let by = match (&one.resolver, &one.interface) {
        (Some(resolver), Some(interface)) => format!("{resolver}, {interface}"),
        (Some(by), None) | (None, Some(by)) => by.clone(),
        (None, None) => String::new(),
    };
    html! {
        tr {
            td { span class={ "tag " (tag(one.outcome)) } { (one.outcome.word()) } }
            td { b { (line(&one.name)) } div.mono.small { (line(&place)) "/" (line(&one.kind)) } }
            td.mono data-label="Address" { (line(&address)) }
            td.small data-label="By" { (line(&by)) }
            td.mono data-label="Round trip" { (trip) }
            td data-label="Says" {
                (line(one.reply.as_ref().unwrap_or(&one.summary)))
                @if let Some(certificate) = &one.certificate {
                    div.small { "certificate by " (line(&certificate.issuer)) ", " (certificate.days_left) " d left" }
                }
                @if let Some(code) = &one.caused_by {
                    div {
                        @if one.reply.is_some() { (line(&one.summary)) ", " }
                        "caused by "
                        @match anchor(report, code) {
                            Some(at) => a href={ "#" (at) } { (line(code)) },
                            None => (line(code)),
                        }
                    }
                }
            }
        }
    }
}
