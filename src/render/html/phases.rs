//! The phases of the Controller's connections as a waterfall: name, TCP, TLS, first byte, each with its time.

use crate::model::CheckId;
use maud::{Markup, html};

use super::parts::{px, short};
use crate::model::facts::TargetRole;
use crate::model::finding::Status;
use crate::model::observation::{NotRun, Observation, Outcome};
use crate::model::report::Report;
use crate::model::text::{count, millis};
use crate::render::digest::line;
use crate::render::redact::{Level, to_label};

/// More addresses than these are folded into a count.
const ADDRESSES: usize = 3;
const WIDTH: f64 = 340.0;
const ROW: f64 = 36.0;
/// How many letters stand side by side.
const LETTERS: usize = 46;

/// One phase.
struct Bar {
    label: String,
    /// What came of it: a time, or what stopped it.
    said: String,
    status: Status,
    from_us: u64,
    to_us: u64,
}

pub(super) fn picture(report: &Report) -> Markup {
    let (bars, folded) = bars(report);
    if bars.is_empty() {
        let why = report.checks.iter().find(|check| check.id == CheckId::ControllerTcp);
        let why =
            why.map_or_else(|| "not among the selected checks".to_owned(), |check| line(&check.summary));
        return html! { p.muted { "Not tested: " (why) "." } };
    }
    let begun = bars.iter().map(|bar| bar.from_us).min().unwrap_or(0);
    let ended = bars.iter().map(|bar| bar.to_us).max().unwrap_or(0);
    let whole = (ended - begun).max(1) as f64;
    let x = |us: u64| (us - begun) as f64 / whole * WIDTH;
    let said: Vec<String> = bars.iter().map(|bar| format!("{}: {}", bar.label, bar.said)).collect();
    html! {
        svg viewBox={ "0 0 340 " (px(ROW * bars.len() as f64)) } role="img" aria-label={ "Phases. " (said.join("; ")) } {
            @for (n, bar) in bars.iter().enumerate() {
                @let top = ROW * n as f64;
                @let (from, to) = (x(bar.from_us), x(bar.to_us));
                @let said = short(&bar.said, 20);
                text x="2" y=(px(top + 13.0)) { (short(&bar.label, LETTERS - said.chars().count())) }
                text class={ "word f-" (bar.status.word()) } x="338" y=(px(top + 13.0)) text-anchor="end" { (said) }
                rect.track x="0" y=(px(top + 19.0)) width="340" height="8" rx="2" {}
                rect class={ "f-" (bar.status.word()) } x=(px(from.min(WIDTH - 2.0))) y=(px(top + 19.0)) width=(px((to - from).max(2.0))) height="8" rx="2" {}
            }
        }
        p.small.muted {
            (millis(ended - begun)) " in all"
            @if folded > 0 { "; " (count(folded, "further address")) @if folded > 1 { "es" } ", in the raw facts" }
        }
    }
}

/// The phases of up to [`ADDRESSES`] addresses, and how many addresses are left out.
fn bars(report: &Report) -> (Vec<Bar>, usize) {
    let (facts, level) = (&report.facts, Level::of(report));
    let control = &facts.control;
    let mut out = Vec::new();
    if control.tcp.is_empty() {
        return (out, 0);
    }
    let named = facts.targets.iter().find(|target| target.role == TargetRole::Controller);
    if let Some(target) = named.filter(|target| target.resolve_us > 0) {
        out.push(Bar {
            label: format!("DNS  {}", line(&target.host)),
            said: target
                .failure
                .as_ref()
                .map_or_else(|| millis(target.resolve_us), |f| f.kind.word().to_owned()),
            status: if target.failure.is_some() { Status::Fail } else { Status::Pass },
            from_us: 0,
            to_us: target.resolve_us,
        });
    }
    for tcp in control.tcp.iter().take(ADDRESSES) {
        let at = tcp.address.map(|at| at.to_string());
        let at = at.map_or_else(|| line(&tcp.target), |at| to_label(&at, level).unwrap_or(at));
        out.extend(bar(tcp, format!("TCP  {at}")));
        out.extend(control.tls.iter().filter(|tls| tls.address == tcp.address).find_map(|tls| {
            let version = tls.seen().map_or("TLS", |session| session.version.as_str());
            bar(tls, line(version))
        }));
        out.extend(control.http.iter().filter(|http| http.address == tcp.address).find_map(|http| {
            let status = http.seen().map_or_else(String::new, |answer| format!(" {}", answer.status));
            bar(http, format!("HTTP{status}"))
        }));
    }
    (out, control.tcp.len().saturating_sub(ADDRESSES))
}

/// A phase that was tried; one that never ran is not drawn, since it took no time.
fn bar<T>(seen: &Observation<T>, label: String) -> Option<Bar> {
    let (said, status) = match &seen.outcome {
        Outcome::Seen(_) => (millis(seen.took_us), Status::Pass),
        Outcome::Failed(failure) => (failure.kind.word().to_owned(), Status::Fail),
        Outcome::NotRun(NotRun::Deadline | NotRun::Interrupted) => ("cut off".to_owned(), Status::Unknown),
        Outcome::NotRun(_) => return None,
    };
    let to_us = seen.at_us.saturating_add(seen.took_us);
    Some(Bar { label, said, status, from_us: seen.at_us, to_us })
}
