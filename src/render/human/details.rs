//! The box with the six details of the vendor's console, drawn by comfy-table with plain text in it.

use crate::model::CheckId;
use crate::model::facts::Runtime;
use crate::model::words::TimeSource;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};

use crate::model::finding::Status;
use crate::model::report::Report;
use crate::model::text::{count, seconds, signed_offset, span};
use crate::render::redact::shown;
use crate::render::text::{Page, ascii, name, wrap};

/// Width of the first column's text; the second takes the rest.
const LABELS: usize = 14;
/// More addresses than these are folded into a count.
const SHOWN: usize = 8;

pub(super) fn write(page: &mut Page, report: &Report, width: usize) {
    boxed(page, rows(report), width);
}

/// Labels and their texts in a box of two columns.
pub(in crate::render) fn boxed<'a>(
    page: &mut Page,
    rows: impl IntoIterator<Item = (&'a str, String)>,
    width: usize,
) {
    let room = width - LABELS - 7;
    let mut table = Table::new();
    table
        .load_style(ASCII_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    for (label, text) in rows {
        // Wrapped here, so that the box breaks lines where the rest of the report would.
        table.add_row([label.to_owned(), wrap(&ascii(&text), room).join("\n")]);
    }
    for (column, text) in [(0, LABELS), (1, room)] {
        if let Some(column) = table.column_mut(column) {
            let cells = u16::try_from(text + 2).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(cells)));
        }
    }
    for line in table.lines() {
        page.line(line);
    }
}

/// The six details as label and text.
pub(in crate::render) fn rows(report: &Report) -> [(&'static str, String); 6] {
    [
        ("Uptime", uptime(report)),
        ("Time offset", time_offset(report)),
        ("STUN discovery", stun(report)),
        ("Hostname", hostname(report)),
        ("Public IP", public_ips(report)),
        ("Private IPs", private_ips(report)),
    ]
}

fn uptime(report: &Report) -> String {
    let details = &report.connector_details;
    let words = |s: f64| span(s.clamp(0.0, 1e12) as u64);
    let connector = details.uptime_s.map_or_else(|| "no Connector seen".to_owned(), words);
    let host = details.host_uptime_s.map_or_else(|| "unknown".to_owned(), words);
    let down = details.downtime_s.map_or_else(String::new, |s| format!("; down for {}", words(s)));
    format!("{connector} (host: {host}){down}")
}

fn time_offset(report: &Report) -> String {
    let details = &report.connector_details;
    let Some(offset) = details.time_offset_s else {
        return "unknown: nothing to compare this clock with".to_owned();
    };
    let ns = |s: f64| (s * 1e9) as i64;
    let bound = details
        .time_offset_error_s
        .map_or_else(String::new, |s| format!(" +/- {} s", seconds(ns(s).unsigned_abs())));
    let judged = match outcome(report, CheckId::ClockOffset) {
        Some(Status::Pass) => ": within the +/-5 s limit",
        Some(Status::Warn) => ": near the +/-5 s limit",
        Some(Status::Fail) => ": outside the +/-5 s limit",
        Some(Status::Unknown) => ": not known on which side of the +/-5 s limit",
        Some(Status::Skip) | None => "",
    };
    let source = details.time_offset_source.and_then(TimeSource::by_whom);
    let source = source.map_or_else(String::new, |by| format!(", {by}"));
    format!("{}{bound}{judged}{source}", signed_offset(ns(offset)))
}

fn stun(report: &Report) -> String {
    // A server counts once, whatever its number of addresses.
    let mut servers: BTreeMap<&str, bool> = BTreeMap::new();
    for seen in &report.facts.stun {
        *servers.entry(&seen.target).or_default() |= seen.seen().is_some();
    }
    let state = report.connector_details.stun_discovery.word();
    match servers.len() {
        0 => state.to_owned(),
        n => format!("{state}, {} of {}", servers.values().filter(|up| **up).count(), count(n, "server")),
    }
}

fn hostname(report: &Report) -> String {
    let Some(hostname) = &report.connector_details.hostname else {
        return "unknown".to_owned();
    };
    let whose = match report.facts.host.container.as_ref().map(|container| &container.runtime) {
        None => "this machine's own".to_owned(),
        Some(Runtime::Container) => "a container's".to_owned(),
        Some(runtime) => format!("a {} container's", name(runtime.word())),
    };
    format!("{} ({whose})", name(hostname))
}

fn public_ips(report: &Report) -> String {
    let ips = &report.connector_details.public_ips;
    if ips.is_empty() {
        "none seen".to_owned()
    } else {
        folded(ips.iter().map(|ip| shown(*ip, report)).collect())
    }
}

fn private_ips(report: &Report) -> String {
    let interfaces = &report.facts.host.interfaces;
    let named = |ip: IpAddr| {
        interfaces
            .iter()
            .find(|interface| interface.up && interface.addresses.iter().any(|address| address.ip == ip))
            .map_or_else(|| shown(ip, report), |with| format!("{} {}", shown(ip, report), name(&with.name)))
    };
    let ips = &report.connector_details.private_ips;
    if ips.is_empty() { "none".to_owned() } else { folded(ips.iter().map(|ip| named(*ip)).collect()) }
}

fn folded(mut items: Vec<String>) -> String {
    let more = items.len().saturating_sub(SHOWN);
    items.truncate(SHOWN);
    let mut text = items.join("; ");
    if more > 0 {
        let _ = write!(text, "; and {more} more");
    }
    text
}

fn outcome(report: &Report, id: CheckId) -> Option<Status> {
    report.checks.iter().find(|check| check.id == id).map(|check| check.outcome)
}
