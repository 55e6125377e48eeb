//! The history in words: what the terminal and the page say alike.

use crate::model::history::{AddressSpan, Availability, Gap, History, Incident, Moment};
use crate::model::text::{clean, count, seconds, signed_offset, span};
use crate::render::redact::shown_at;

/// The limit of the clock's offset, seconds (contract.md, `clock.offset`).
pub(super) const LIMIT_S: f64 = 5.0;

/// Characters of a Resource's name.
const NAME: usize = 40;

/// What is told of, with its words.
pub(super) fn rows(history: &History) -> Vec<(&'static str, String)> {
    let resources = (!history.resources.is_empty()).then(|| ("Resources", resources(history)));
    let rows = [
        ("Controller", availability(&history.controller)),
        ("Connector", process(history)),
        ("STUN discovery", availability(&history.stun)),
        ("Time offset", offset(history)),
        ("Public IP", addresses(history)),
        ("NAT mapping", nat(history)),
    ];
    rows.into_iter().chain(resources).chain([("Watch", watch(history))]).collect()
}

/// How many were watched, and who was down the longest.
fn resources(history: &History) -> String {
    let mut down: Vec<_> = history.resources.iter().filter(|one| one.availability.downtime_s > 0.0).collect();
    down.sort_by(|a, b| b.availability.downtime_s.total_cmp(&a.availability.downtime_s));
    let watched = format!("{} watched", history.resources.len());
    let Some(worst) = down.first() else { return format!("{watched}, none was seen down") };
    let (of, incidents) = (&worst.availability, worst.availability.incidents.len());
    let most = if down.len() > 1 { ", most of all " } else { ": " };
    let were = if down.len() == 1 { "was" } else { "were" };
    format!(
        "{watched}, {} {were} down{most}{} for {} in {}",
        down.len(),
        clean(&worst.name, NAME),
        lasting(of.downtime_s),
        count(incidents, "incident")
    )
}

/// The timelines: name, and what to draw.
pub(super) fn tracks(history: &History) -> [(&'static str, &Availability); 3] {
    [
        ("Controller", &history.controller),
        ("Connector", &history.process.availability),
        ("STUN discovery", &history.stun),
    ]
}

/// Incidents with the thing that was down, in the order of time.
pub(super) fn incidents(history: &History) -> Vec<(String, &Incident)> {
    let tracks = tracks(history).into_iter().map(|(name, of)| (name.to_owned(), of));
    let resources = history
        .resources
        .iter()
        .map(|one| (format!("Resource {}", clean(&one.name, NAME)), &one.availability));
    let mut all: Vec<_> = tracks
        .chain(resources)
        .flat_map(|(name, of)| of.incidents.iter().map(move |incident| (name.clone(), incident)))
        .collect();
    all.sort_by_key(|(_, incident)| incident.started_at);
    all
}

/// `2026-11-24 09:26:53`.
pub(super) fn when(at: Moment) -> String {
    let text = at.to_string().replace('T', " ");
    text.split(['.', 'Z']).next().unwrap_or_default().to_owned()
}

/// Whole seconds in words; what is less than one is said so.
pub(super) fn lasting(s: f64) -> String {
    if s > 0.0 && s < 1.0 { "less than 1 s".to_owned() } else { span(s.clamp(0.0, 1e12) as u64) }
}

/// A level of the clock's curve, in ten columns at most: a host without a clock of its own is half a century behind.
pub(super) fn level(s: f64) -> String {
    match s.abs() {
        away if away < 999.9995 => format!("{s:+.3} s"),
        away if away < 172_800.0 => format!("{s:+.0} s"),
        _ => format!("{:+.0} d", (s / 86_400.0).clamp(-9_999_999.0, 9_999_999.0)),
    }
}

/// Why nobody looked.
pub(super) fn reason(gap: &Gap) -> &'static str {
    match gap.reason.as_str() {
        "stopped" => "the watch was stopped",
        "killed" => "the watch ended without a word",
        "reboot" => "the host was started anew",
        "paused" => "the watch or the host stood still",
        "clock" => "the machine was paused or put back",
        "store" => "the store could not be written",
        _ => "unknown",
    }
}

fn availability(of: &Availability) -> String {
    let Some(share) = of.availability else {
        return if of.unknown_s > 0.0 { "not known" } else { "never looked at" }.to_owned();
    };
    let down = match (of.downtime_s > 0.0, of.incidents.len()) {
        (false, _) => "never down".to_owned(),
        (true, n) => format!("{} down in {}", lasting(of.downtime_s), count(n, "incident")),
    };
    let unknown =
        if of.unknown_s > 0.0 { format!(", {} not known", lasting(of.unknown_s)) } else { String::new() };
    format!("{} %: {} up, {down}{unknown}", percent(share), lasting(of.uptime_s))
}

/// Down to three decimals: nothing that was ever down is 100 %.
fn percent(share: f64) -> String {
    let thousandths = (share.clamp(0.0, 1.0) * 100_000.0).floor() / 1000.0;
    let text = format!("{thousandths:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn process(history: &History) -> String {
    let process = &history.process;
    if process.availability.availability.is_none() && process.restarts.is_empty() {
        return "none was seen on this host".to_owned();
    }
    let restarts = match process.restarts.as_slice() {
        [] => "no restart".to_owned(),
        [.., last] => format!("{}, the last {}", count(process.restarts.len(), "restart"), when(*last)),
    };
    format!("{}; {restarts}", availability(&process.availability))
}

fn offset(history: &History) -> String {
    let offset = &history.time_offset;
    let Some(last) = offset.last_s else { return "never measured".to_owned() };
    let ns = |s: f64| (s * 1e9) as i64;
    let bound =
        offset.last_error_s.map_or_else(String::new, |s| format!(" +/- {} s", seconds(ns(s).unsigned_abs())));
    let drift = match (offset.drift_ppm, offset.drift_error_ppm) {
        (Some(ppm), Some(error)) => format!("; drift {ppm:+.2} +/- {error:.2} ppm"),
        _ => "; drift not known".to_owned(),
    };
    let limit = match offset.limit_in_s {
        Some(s) => {
            let side = if offset.drift_ppm.is_some_and(|ppm| ppm < 0.0) { '-' } else { '+' };
            format!(", reaches {side}{LIMIT_S} s in {}", lasting(s))
        }
        None => String::new(),
    };
    let outside = if offset.outside_s > 0.0 {
        format!("; beyond +/-{LIMIT_S} s for {}", lasting(offset.outside_s))
    } else {
        String::new()
    };
    format!("{}{bound}{drift}{limit}{outside}", signed_offset(ns(last)))
}

fn addresses(history: &History) -> String {
    let now: Vec<String> = history
        .addresses
        .iter()
        .filter(|span| span.ended_at.is_none())
        .map(|span| shown(span, history))
        .collect();
    let shown = if now.is_empty() { "none at the end".to_owned() } else { now.join(", ") };
    if history.addresses.is_empty() {
        "none seen".to_owned()
    } else {
        format!("{shown}; {}", changes(new_addresses(history).count()))
    }
}

/// An address, or its label.
pub(super) fn shown(span: &AddressSpan, history: &History) -> String {
    shown_at(span.address, super::level(history))
}

/// Addresses that another of the same family stood before.
pub(super) fn new_addresses(history: &History) -> impl Iterator<Item = &AddressSpan> {
    let all = &history.addresses;
    let known = |n: usize| all[..n].iter().any(|before| before.address.is_ipv4() == all[n].address.is_ipv4());
    (0..all.len()).filter(move |n| known(*n)).map(move |n| &all[n])
}

fn nat(history: &History) -> String {
    match history.nat.as_slice() {
        [] => "never measured".to_owned(),
        [before @ .., last] => format!("{}; {}", last.mapping, changes(before.len())),
    }
}

fn changes(n: usize) -> String {
    if n == 0 { "no change".to_owned() } else { count(n, "change") }
}

fn watch(history: &History) -> String {
    let watched = &history.watch;
    let gaps = match history.gaps.len() {
        0 => "no gap".to_owned(),
        1 => format!("1 gap of {}", lasting(watched.gap_s)),
        n => format!("{} of {} together", count(n, "gap"), lasting(watched.gap_s)),
    };
    let steps = match watched.clock_steps.len() {
        0 => String::new(),
        n => format!("; {} of the wall clock", count(n, "step")),
    };
    let samples = count(usize::try_from(watched.samples).unwrap_or(usize::MAX), "sample");
    format!("{samples} in {}; {gaps}{steps}", lasting(watched.covered_s))
}
