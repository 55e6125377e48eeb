//! The Prometheus text format 0.0.4, for the textfile collector and for `/metrics`: a report, and what a watch counts.
//!
//! Base units, state sets, no timestamps of samples; labels hold ids and codes of ours and the Resources' names as the user
//! gave them, never another address or a name of the host's.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::Style;
use super::digest::line;
use crate::model::finding::Status;
use crate::model::report::{Report, Verdict};
use crate::model::words::StunDiscovery;

/// Writes the metrics.
pub fn render(report: &Report, _: &Style) -> String {
    let mut out = Families::default();
    let details = &report.connector_details;
    verdict(&mut out, report);
    out.family("check_outcome", "The outcome of each check, a state set.");
    for check in &report.checks {
        for status in Status::ALL {
            out.sample(&[("check", &check.id), ("outcome", status.word())], flag(status == check.outcome));
        }
    }
    out.family(
        "check_not_tested",
        "1 for each essential check without an outcome, or with the outcome of a part alone.",
    );
    for row in &report.not_tested {
        out.sample(&[("check", &row.check)], 1.0);
    }
    out.family("check_allowed", "1 for each warn or fail that is accepted and does not count.");
    for check in report.checks.iter().filter(|check| check.counted() != check.outcome) {
        out.sample(&[("check", &check.id)], 1.0);
    }
    out.family("check_duration_seconds", "How long the observations behind each check took.");
    for check in &report.checks {
        out.sample(&[("check", &check.id)], check.duration_ms as f64 / 1000.0);
    }
    for (family, help, unit) in MEASURED {
        out.family(family, help);
        for check in &report.checks {
            for (name, value) in check.measurements.iter().filter(|(name, _)| is_plain(name)) {
                let (name, of, value) = in_base_unit(name, *value);
                if of == *unit {
                    out.sample(&[("check", &check.id), ("measurement", name)], value);
                }
            }
        }
    }
    out.family("cause", "1 for each cause that was found.");
    for cause in &report.causes {
        let labels = [
            ("code", cause.code.as_str()),
            ("severity", cause.severity.word()),
            ("confidence", cause.confidence.word()),
        ];
        out.sample(&labels, 1.0);
    }
    // By the names that the user gave.
    let resources = || report.resources.iter().map(|one| ([("resource", one.name.as_str())], one));
    out.family("resource_outcome", "The outcome of each named Resource, a state set.");
    for (_, one) in resources() {
        for status in Status::ALL {
            out.sample(&[("resource", &one.name), ("outcome", status.word())], flag(status == one.outcome));
        }
    }
    out.family("resource_reached", "1 if a named Resource takes a connection or echoes, 0 if it does not.");
    for (label, one) in resources() {
        if one.connect_ms.is_some() || one.outcome == Status::Fail {
            out.sample(&label, flag(one.connect_ms.is_some()));
        }
    }
    out.family("resource_connect_seconds", "How long a named Resource's connection, or echo, took.");
    for (label, ms) in resources().filter_map(|(label, one)| Some((label, one.connect_ms?))) {
        out.sample(&label, ms / 1000.0);
    }
    out.family(
        "resource_certificate_left_seconds",
        "Time until a named Resource's certificate expires; negative where it has.",
    );
    for (label, certificate) in
        resources().filter_map(|(label, one)| Some((label, one.certificate.as_ref()?)))
    {
        out.sample(&label, certificate.days_left * 86_400.0);
    }
    let stun = match details.stun_discovery {
        StunDiscovery::Available => Some(1.0),
        StunDiscovery::Unavailable => Some(0.0),
        StunDiscovery::Unknown => None,
    };
    let started = report.started_at.parse::<Timestamp>().ok().map(|at| at.as_second() as f64);
    for (name, help, value) in [
        (
            "time_offset_seconds",
            "Host clock minus reference; negative: the host is in the past.",
            details.time_offset_s,
        ),
        ("time_offset_error_seconds", "The offset is off by at most this.", details.time_offset_error_s),
        ("stun_discovery_available", "1 if a STUN server told the mapped address, 0 if none did.", stun),
        ("uptime_seconds", "Uptime of the Connector's process.", details.uptime_s),
        ("host_uptime_seconds", "Time since the host's boot.", details.host_uptime_s),
        ("downtime_seconds", "Downtime as seen by watch.", details.downtime_s),
        ("run_duration_seconds", "How long observing took.", Some(report.duration_ms as f64 / 1000.0)),
        ("run_timestamp_seconds", "When the run began, by the best clock known.", started),
    ] {
        if let Some(value) = value {
            out.family(name, help);
            out.sample(&[], value);
        }
    }
    out.text
}

/// Who made the report, and its verdict.
fn verdict(out: &mut Families, report: &Report) {
    out.family("build_info", "The tool that made the report.");
    out.sample(&[("version", &report.tool.version), ("target", &report.tool.target)], 1.0);
    out.family("verdict", "The verdict, a state set: 1 for the one that holds.");
    for verdict in [Verdict::Healthy, Verdict::Inconclusive, Verdict::Degraded, Verdict::Unhealthy] {
        out.sample(&[("verdict", verdict.word())], flag(verdict == report.verdict));
    }
}

/// What a watch says beside the report.
#[derive(Clone, Debug)]
pub struct Family<'a> {
    /// Its name without the prefix; a counter's ends in `_total`.
    pub name: &'static str,
    /// What it is, one line.
    pub help: &'static str,
    /// Its samples, each with at most one label.
    pub samples: Vec<(Option<(&'static str, &'a str)>, f64)>,
}

/// Writes families of their own.
pub fn families(all: &[Family<'_>]) -> String {
    let mut out = Families::default();
    for family in all {
        out.family(family.name, family.help);
        for (label, value) in &family.samples {
            out.sample(label.as_slice(), *value);
        }
    }
    out.text
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Bytes,
    Ratio,
    Count,
}

/// What checks measured: a family for each unit.
const MEASURED: &[(&str, &str, Unit)] = &[
    ("check_measured_seconds", "Times that each check measured.", Unit::Seconds),
    ("check_measured_bytes", "Sizes that each check measured.", Unit::Bytes),
    ("check_measured_ratio", "Shares that each check measured, 0 to 1.", Unit::Ratio),
    ("check_measured_number", "What each check counted.", Unit::Count),
];

/// A measurement's name without its unit, the unit, and the value in it.
fn in_base_unit(name: &str, value: f64) -> (&str, Unit, f64) {
    if let Some(name) = name.strip_suffix("_s") {
        return (name, Unit::Seconds, value);
    }
    if let Some(name) = name.strip_suffix("_ppm") {
        return (name, Unit::Ratio, value / 1e6);
    }
    match name {
        "bytes" | "mtu" => (name, Unit::Bytes, value),
        "loss_low" | "loss_high" | "relayed_share" => (name, Unit::Ratio, value),
        _ => {
            name.strip_suffix("_bytes").map_or((name, Unit::Count, value), |name| (name, Unit::Bytes, value))
        }
    }
}

/// Names of ours: anything else may hold a server's name.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn flag(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

#[derive(Default)]
struct Families {
    text: String,
    name: &'static str,
    help: &'static str,
    /// Label sets already written: a scrape with the same one twice is refused whole.
    written: BTreeSet<String>,
}

impl Families {
    fn family(&mut self, name: &'static str, help: &'static str) {
        (self.name, self.help) = (name, help);
        self.written.clear();
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        if self.written.is_empty() {
            let (name, help) = (self.name, self.help);
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            let _ = writeln!(
                self.text,
                "# HELP connector_doctor_{name} {help}\n# TYPE connector_doctor_{name} {kind}"
            );
        }
        let labels: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        if self.written.insert(labels.clone()) {
            let _ = writeln!(self.text, "connector_doctor_{}{labels} {value}", self.name);
        }
    }
}

fn escaped(value: &str) -> String {
    line(value).replace('\\', "\\\\").replace('"', "\\\"")
}
