//! One line for Nagios, Icinga and their like: a state, the first cause, performance data; at most 4 KB.

use std::fmt::Write as _;

use super::Style;
use super::digest::{COUNTED, causes, not_tested, of_a_part, outcomes, tally};
use super::text::ascii;
use crate::model::report::{Report, Verdict};

/// What common receivers take.
const MOST: usize = 4096;

/// Writes the line.
pub fn render(report: &Report, _: &Style) -> String {
    let state = match report.verdict {
        Verdict::Healthy => "OK",
        Verdict::Degraded => "WARNING",
        Verdict::Unhealthy => "CRITICAL",
        Verdict::Inconclusive => "UNKNOWN",
    };
    // The cause before the counts: receivers cut the end off.
    let mut out = format!("CONNECTOR {state} - {}", report.verdict.word());
    if let Some(cause) = causes(report).0.first() {
        let _ = write!(out, ": {}: {}", ascii(&cause.code), ascii(&cause.title));
    }
    if let Some((checks, reason, _)) = not_tested(report).first() {
        let _ = write!(out, "; not tested: {}: {}", ascii(&checks.join(", ")), ascii(reason));
    }
    let _ = write!(out, "; {}", tally(report));
    if !of_a_part(report).is_empty() {
        let _ = write!(out, " {}", of_a_part(report));
    }
    // Everything behind the first bar is performance data.
    let mut out = out.replace('|', "/");
    out.push_str(" |");
    for part in performance(report) {
        if out.len() + 1 + part.len() < MOST {
            out.push(' ');
            out.push_str(&part);
        }
    }
    out.push('\n');
    out
}

/// `'label'=value[unit];[warn];[crit];[min];[max]`, the important first.
fn performance(report: &Report) -> Vec<String> {
    let details = &report.connector_details;
    let mut out = Vec::new();
    if let Some(offset) = details.time_offset_s {
        out.push(format!("'time_offset'={}s;-3:3;-5:5", decimal(offset)));
    }
    for (label, value) in [
        ("time_offset_error", details.time_offset_error_s),
        ("uptime", details.uptime_s),
        ("host_uptime", details.host_uptime_s),
        ("downtime", details.downtime_s),
    ] {
        out.extend(value.map(|value| format!("'{label}'={}s;;;0", decimal(value))));
    }
    out.extend(COUNTED.iter().map(|status| format!("'{}'={};;;0", status.word(), outcomes(report, *status))));
    out.push(format!("'run_time'={}s;;;0", decimal(report.duration_ms as f64 / 1000.0)));
    for check in &report.checks {
        for (name, value) in &check.measurements {
            let label = format!("{}.{name}", check.id);
            let fits = label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
            if fits && value.is_finite() {
                let unit = if name.ends_with("_s") { "s" } else { "" };
                out.push(format!("'{label}'={}{unit}", decimal(*value)));
            }
        }
    }
    out
}

/// Without an exponent, which receivers do not read.
fn decimal(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
