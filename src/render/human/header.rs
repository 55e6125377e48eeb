//! The first lines: what was run, the verdict where it does not stand last, when, where, how much.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::model::facts::{NamedBy, Runtime};
use crate::model::report::Report;
use crate::model::text::{count, plural};
use crate::model::words::TimeSource;
use crate::render::digest::{hidden, of_a_part, tally};
use crate::render::text::{Page, Paint, ascii, name, wrap};

/// Where the text of a labelled line begins.
const INDENT: usize = 9;

pub(super) fn write(page: &mut Page, report: &Report, width: usize, answer_last: bool) {
    let tool = &report.tool;
    let left = format!("{} {}  {}", name(&tool.name), name(&tool.version), name(&tool.target));
    let right = format!("report {}", ascii(&report.id));
    match (width - 1).checked_sub(left.len() + right.len()) {
        Some(gap) if gap > 0 => page.line(format!("{left}{:gap$}{right}", "")),
        _ => {
            page.hanging("", 0, wrap(&left, width));
            page.line(&right);
        }
    }
    if !answer_last {
        result(page, report, width);
    }
    for (label, text) in [("time", time(report)), ("host", host(report)), ("run", run(report))] {
        page.hanging(label, INDENT, wrapped(&text, width));
    }
    if let Some(hidden) = hidden(&report.redaction) {
        page.hanging("hidden", INDENT, wrapped(hidden, width));
    }
}

/// The verdict and the count of outcomes.
fn result(page: &mut Page, report: &Report, width: usize) {
    let verdict = report.verdict.word().to_uppercase();
    let part = of_a_part(report);
    let part = if part.is_empty() { String::new() } else { format!("{part}: ") };
    let result = format!("{verdict}   {part}{}", tally(report));
    // Three columns less than there are: the gap after the verdict's word.
    for (n, line) in wrapped(&result.replace("   ", " "), width - 3).into_iter().enumerate() {
        if n == 0 {
            let line = line.replacen(' ', "   ", 1);
            page.painted(format!("{:INDENT$}{line}", "result"), &verdict, Paint::Verdict(report.verdict));
        } else {
            page.line(format!("{:INDENT$}{line}", ""));
        }
    }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    wrap(text, width - INDENT)
}

/// `2026-11-22T09:26:53Z by reference; this host says 09:26:46Z`.
pub(in crate::render) fn time(report: &Report) -> String {
    let reference = ascii(&report.started_at);
    let Ok(host) = Timestamp::from_nanosecond(i128::from(report.facts.run.started_wall_ns)) else {
        return reference;
    };
    let host = host.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    if report.connector_details.time_offset_s.is_none() {
        return format!("{host} by this host; nothing to compare it with");
    }
    let said = match (reference.split_once('T'), host.split_once('T')) {
        (Some((day, _)), Some((same, clock))) if day == same => clock,
        _ => &host,
    };
    let by = report.connector_details.time_offset_source.and_then(TimeSource::by_whom);
    let by = by.unwrap_or("by reference");
    format!("{reference} {by}; this host says {said}")
}

/// `conn-ams-1, Debian 12, kernel 6.1.0, KVM guest, uid 1000`.
pub(in crate::render) fn host(report: &Report) -> String {
    let host = &report.facts.host;
    let mut parts = vec![host.hostname.as_deref().map_or_else(|| "name unknown".to_owned(), name)];
    parts.push(name(if host.os.name.is_empty() { &host.os.id } else { &host.os.name }));
    if !host.os.kernel.is_empty() {
        parts.push(format!("kernel {}", name(&host.os.kernel)));
    }
    parts.extend(host.virtualisation.as_ref().map(|machine| name(machine.word())));
    parts.extend(host.container.as_ref().map(|container| match &container.runtime {
        Runtime::Container => "container".to_owned(),
        runtime => format!("{} container", name(runtime.word())),
    }));
    parts.extend(host.uid.map(|uid| format!("uid {uid}")));
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// `network acme, 26 checks in 0.5 s, redaction none`.
pub(in crate::render) fn run(report: &Report) -> String {
    let run = &report.facts.run;
    let mut parts = Vec::new();
    if let Some(scenario) = &run.lab {
        parts.push(format!("lab {} (an embedded internet, not the real one)", name(scenario)));
    }
    if let Some(network) = &run.network {
        // Options are what the reader typed; what was found here is said with its place.
        let by = match &run.network_by {
            Some(NamedBy::Found(place)) => format!(" (by {})", name(place)),
            Some(NamedBy::Option(_)) | None => String::new(),
        };
        parts.push(format!("network {}{by}", name(network)));
    }
    let ms = report.duration_ms;
    // "0.0 s" would be no time at all.
    let took = if ms < 50 {
        format!("{ms} ms")
    } else {
        format!("{}.{} s", (ms + 50) / 1000, (ms + 50) % 1000 / 100)
    };
    parts.push(format!("{} in {took}", count(report.checks.len(), "check")));
    if run.tries > 1 {
        parts.push(format!("try {}", run.tries));
    }
    for (globs, word) in [(&run.select, "only"), (&run.skip, "without")] {
        if !globs.is_empty() {
            let folded = globs.len().saturating_sub(4);
            let mut text = globs.iter().take(4).map(|glob| name(glob)).collect::<Vec<_>>().join(" ");
            if folded > 0 {
                let _ = write!(text, " and {folded} more {}", plural(folded, "glob"));
            }
            parts.push(format!("{word} {text}"));
        }
    }
    if run.interrupted {
        parts.push("interrupted: what was not finished is skip or unknown".to_owned());
    }
    parts.push(format!("redaction {}", name(&report.redaction)));
    parts.join(", ")
}
