//! The words for a change: a check's outcome, a cause, an address. Pure.

use std::collections::BTreeSet;
use std::path::Path;

use super::change::Change;
use super::record::state;
use super::told::Told;
use crate::config::Redact;
use crate::model::report::Cause;
use crate::model::{Report, Severity};
use crate::render::redact::{Level, redact};

/// Says changes, and hides what is to be hidden.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    level: Level,
}

impl Words {
    pub(super) fn new(redact: Redact) -> Self {
        let level = match redact {
            Redact::None => Level::None,
            Redact::Default => Level::Default,
            Redact::Strict => Level::Strict,
        };
        Self { level }
    }

    /// What is said of a change: nothing of one that is neither good nor bad.
    pub(super) fn of(self, change: &Change, report: &Report, at_ns: i64) -> Vec<Told> {
        match change.name.as_str() {
            state::VERDICT => vec![verdict(change, report, at_ns)],
            state::CAUSES => causes(change, &self.shown(report), at_ns),
            state::IPV4 | state::IPV6 => self.address(change, at_ns).into_iter().collect(),
            state::CONNECTOR => connector(change, at_ns).into_iter().collect(),
            name if name.starts_with(state::RESOURCE) => {
                resource(change, report, &self.shown(report), at_ns).into_iter().collect()
            }
            _ => check(change, &self.shown(report), at_ns).into_iter().collect(),
        }
    }

    /// A file: where its folders may name a user, its own name alone.
    pub(super) fn file(self, file: &Path) -> String {
        let name = file.file_name().filter(|_| self.level > Level::None);
        name.map_or_else(|| file.display().to_string(), |name| Path::new(name).display().to_string())
    }

    fn shown(self, report: &Report) -> Report {
        // Redaction fails only by a bug of its own; then nothing of the report is said.
        redact(report, self.level).unwrap_or_else(|_| Report {
            checks: Vec::new(),
            causes: Vec::new(),
            ..report.clone()
        })
    }

    fn address(self, change: &Change, at_ns: i64) -> Option<Told> {
        let from = change.from.as_deref()?;
        let family = if change.name == state::IPV4 { "IPv4" } else { "IPv6" };
        let told = |text| Told::new(at_ns, "address", text).with("family", family);
        if self.level > Level::None {
            return Some(told(format!("the public {family} address changed")));
        }
        let text = format!("the public {family} address changed from {from} to {}", change.to);
        Some(told(text).with("from", from).with("to", change.to.as_str()))
    }
}

fn verdict(change: &Change, report: &Report, at_ns: i64) -> Told {
    let counts = |cause: &&Cause| cause.severity != Severity::Notice;
    let first = report.causes.iter().find(counts).map(|cause| cause.code.as_str());
    let because = first.map_or_else(String::new, |code| format!(", {code} first"));
    let text = format!("now {}{because}", change.to.to_uppercase());
    Told::new(at_ns, "verdict", text).with("from", change.from.as_deref()).with("to", change.to.as_str())
}

/// A line for each cause that came or went.
fn causes(change: &Change, report: &Report, at_ns: i64) -> Vec<Told> {
    let set = |text: &str| -> BTreeSet<String> {
        text.split(',').filter(|code| !code.is_empty()).map(str::to_owned).collect()
    };
    let (before, now) = (set(change.from.as_deref().unwrap_or_default()), set(&change.to));
    let came = now.difference(&before).map(|code| {
        let cause = report.causes.iter().find(|cause| cause.code == *code);
        let title = cause.map_or("", |cause| cause.title.as_str());
        let told = Told::new(at_ns, "cause", format!("cause {code}: {title}"));
        told.with("code", code.as_str()).with("state", "began").with("title", title)
    });
    let went = before.difference(&now).map(|code| {
        let told = Told::new(at_ns, "cause", format!("over {code}"));
        told.with("code", code.as_str()).with("state", "ended")
    });
    came.chain(went).collect()
}

fn connector(change: &Change, at_ns: i64) -> Option<Told> {
    let from = change.from.as_deref()?;
    let text = match (from, change.to.as_str()) {
        (_, "") => "the Connector's process is gone",
        ("", _) => "a Connector's process runs",
        _ => "the Connector's process was restarted",
    };
    Some(Told::new(at_ns, "connector", text).with("running", !change.to.is_empty()))
}

/// Whether a change between these is neither good nor bad.
fn is_quiet(change: &Change) -> bool {
    let quiet = |word: Option<&str>| matches!(word, None | Some("pass" | "skip"));
    quiet(change.from.as_deref()) && quiet(Some(&change.to))
}

/// One Resource, by its name or by the label that `shown`, the same report, has in its place.
fn resource(change: &Change, report: &Report, shown: &Report, at_ns: i64) -> Option<Told> {
    let name = change.name.strip_prefix(state::RESOURCE)?;
    let number = report.resources.iter().position(|one| one.name == name)?;
    let one = shown.resources.get(number).filter(|_| !is_quiet(change))?;
    let because = change.cause.as_deref().map_or_else(String::new, |code| format!(", caused by {code}"));
    let text = format!("{} Resource {}: {}{because}", change.to.to_uppercase(), one.name, one.summary);
    let told = Told::new(at_ns, "resource", text).with("resource", one.name.as_str());
    let told = told.with("from", change.from.as_deref()).with("to", change.to.as_str());
    Some(told.with("summary", one.summary.as_str()).with("caused_by", change.cause.as_deref()))
}

fn check(change: &Change, report: &Report, at_ns: i64) -> Option<Told> {
    // Each Resource is told of by itself.
    if is_quiet(change) || (change.name.starts_with("resource.") && !report.resources.is_empty()) {
        return None;
    }
    let summary =
        report.checks.iter().find(|check| check.id == change.name).map_or("", |c| c.summary.as_str());
    let because = change.cause.as_deref().map_or_else(String::new, |code| format!(", caused by {code}"));
    let text = format!("{} {}: {summary}{because}", change.to.to_uppercase(), change.name);
    let told = Told::new(at_ns, "check", text).with("check", change.name.as_str());
    let told = told.with("from", change.from.as_deref()).with("to", change.to.as_str());
    Some(told.with("summary", summary).with("caused_by", change.cause.as_deref()))
}
