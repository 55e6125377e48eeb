//! Two reports compared: causes gone and new, then outcomes, then figures and addresses that moved. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;

use serde::Serialize;

use super::Style;
use super::digest::allowed;
use super::redact::{Level, shown, to_label};
use super::text::{Page, Paint, ascii, name, wrap};
use crate::model::finding::Status;
use crate::model::report::{CheckResult, Report, Severity, Verdict};

/// What changed from one report to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// The earlier one.
    pub old: Side,
    /// The later one.
    pub new: Side,
    /// A check became worse, up to a warn or a fail, or the verdict did: exit 1.
    pub worse: bool,
    /// Causes that explained something then and do not now.
    pub causes_gone: Vec<Named>,
    /// Causes that explain something now and did not then.
    pub causes_new: Vec<Named>,
    /// Warned or failed, passes now.
    pub fixed: Vec<Change>,
    /// Warns or fails now, did not before.
    pub appeared: Vec<Change>,
    /// Warns or fails in both.
    pub still: Vec<Change>,
    /// Any other change of an outcome: not tested any more is not fixed.
    pub changed: Vec<Change>,
    /// Figures that moved beyond their noise.
    pub moved: Vec<Moved>,
    /// Addresses and names that changed.
    pub addresses: Vec<Replaced>,
    /// Why addresses were not compared.
    pub addresses_skipped: Option<String>,
}

/// Which report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Its id.
    pub id: String,
    /// When it began.
    pub started_at: String,
    /// Its verdict.
    pub verdict: Verdict,
}

/// A cause in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Its code.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it says.
    pub title: String,
}

/// A check whose outcome changed, or stayed bad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The check.
    pub check: String,
    /// Its earlier outcome; null where it was not in that report.
    pub old: Option<Status>,
    /// Its later outcome.
    pub new: Option<Status>,
    /// The later summary, or the earlier one where there is none, with what was accepted of it.
    pub summary: String,
    /// The later cause.
    pub caused_by: Option<String>,
}

/// A figure that moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// The check.
    pub check: String,
    /// The figure's name; its end names the unit.
    pub measurement: String,
    /// Earlier.
    pub old: f64,
    /// Later.
    pub new: f64,
}

/// Values of one kind that went and came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// `public address`, `private address`, `gateway`, `resolver`, `host name`.
    pub what: String,
    /// No longer there.
    pub gone: Vec<String>,
    /// Newly there.
    pub come: Vec<String>,
}

/// Compares two reports, the earlier first; both judged by this version if outcomes are to be comparable.
pub fn diff(old: &Report, new: &Report) -> Diff {
    let side = |report: &Report| Side {
        id: report.id.clone(),
        started_at: report.started_at.clone(),
        verdict: report.verdict,
    };
    let mut diff = Diff {
        old: side(old),
        new: side(new),
        worse: new.verdict > old.verdict,
        causes_gone: without(old, new),
        causes_new: without(new, old),
        fixed: Vec::new(),
        appeared: Vec::new(),
        still: Vec::new(),
        changed: Vec::new(),
        moved: Vec::new(),
        addresses: Vec::new(),
        addresses_skipped: None,
    };
    let before: BTreeMap<&str, &CheckResult> = by_id(old);
    let after: BTreeMap<&str, &CheckResult> = by_id(new);
    let gone = old.checks.iter().filter(|check| !after.contains_key(check.id.as_str()));
    for check in new.checks.iter().chain(gone) {
        diff.sort(before.get(check.id.as_str()).copied(), after.get(check.id.as_str()).copied());
    }
    match (Level::of(old), Level::of(new)) {
        (Level::None, Level::None) => diff.addresses = replaced(old, new),
        // Labels are all that there is: other ones are other addresses, the same ones need not be the same.
        (was, is) if was == is => {
            diff.addresses = replaced(old, new);
            diff.addresses_skipped = Some("redacted: each report counts its labels for itself".to_owned());
        }
        (was, is) => {
            diff.addresses_skipped =
                Some(format!("one is redacted at level {}, the other at {}", was.word(), is.word()));
        }
    }
    diff
}

/// The causes of one report that are none of the other's.
fn without(report: &Report, other: &Report) -> Vec<Named> {
    let known = |code: &str| other.causes.iter().any(|cause| cause.code == code);
    let only = report.causes.iter().filter(|cause| !known(&cause.code));
    only.map(|cause| Named { code: cause.code.clone(), severity: cause.severity, title: cause.title.clone() })
        .collect()
}

fn by_id(report: &Report) -> BTreeMap<&str, &CheckResult> {
    report.checks.iter().map(|check| (check.id.as_str(), check)).collect()
}

fn bad(status: Option<Status>) -> bool {
    status >= Some(Status::Warn)
}

impl Diff {
    fn sort(&mut self, old: Option<&CheckResult>, new: Option<&CheckResult>) {
        let Some(check) = new.or(old) else { return };
        let (was, is) = (old.map(|check| check.outcome), new.map(|check| check.outcome));
        let change = Change {
            check: check.id.clone(),
            old: was,
            new: is,
            summary: match allowed(check) {
                Some(words) => format!("{}, {words}", check.summary),
                None => check.summary.clone(),
            },
            caused_by: new.and_then(|check| check.caused_by.clone()),
        };
        let counted = |check: Option<&CheckResult>| check.map(CheckResult::counted);
        self.worse |= bad(counted(new)) && counted(new) > counted(old);
        match (bad(was), bad(is)) {
            (true, true) => self.still.push(change),
            (false, true) => self.appeared.push(change),
            (true, false) if is == Some(Status::Pass) => self.fixed.push(change),
            _ if was != is => self.changed.push(change),
            _ => {}
        }
        for (measurement, new_value) in new.iter().flat_map(|check| &check.measurements) {
            let old_value = old.and_then(|check| check.measurements.get(measurement));
            let error: f64 = [old, new].iter().map(|check| error_of(*check, measurement)).sum();
            let beyond = |old_value: &&f64| {
                (**old_value - *new_value).abs() > error && moved(measurement, **old_value, *new_value)
            };
            if let Some(old_value) = old_value.filter(beyond) {
                self.moved.push(Moved {
                    check: check.id.clone(),
                    measurement: measurement.clone(),
                    old: *old_value,
                    new: *new_value,
                });
            }
        }
    }
}

/// How far off a figure may be; 0 where nothing says it.
fn error_of(check: Option<&CheckResult>, measurement: &str) -> f64 {
    let error = check.and_then(|check| check.measurements.get("error_s"));
    error.copied().filter(|_| measurement == "offset_s").unwrap_or(0.0)
}

/// Beyond a tenth and, for times, beyond 5 ms: runs of one healthy host differ by less. An uptime moves
/// when it falls.
fn moved(name: &str, old: f64, new: f64) -> bool {
    if name.ends_with("uptime_s") {
        return new < old;
    }
    let floor = match name.rsplit_once('_') {
        Some((_, "s")) => 0.005,
        Some((_, "ms")) => 5.0,
        _ => 0.0,
    };
    (new - old).abs() > (old.abs().max(new.abs()) * 0.1).max(floor)
}

fn replaced(old: &Report, new: &Report) -> Vec<Replaced> {
    type Values = fn(&Report) -> Vec<String>;
    const KINDS: [(&str, Values); 5] = [
        ("public address", |r| r.connector_details.public_ips.iter().map(|ip| shown(*ip, r)).collect()),
        ("private address", |r| r.connector_details.private_ips.iter().map(|ip| shown(*ip, r)).collect()),
        ("gateway", |r| {
            r.facts
                .host
                .default_routes
                .iter()
                .filter_map(|route| route.gateway)
                .map(|ip| shown(ip, r))
                .collect()
        }),
        ("resolver", |r| {
            let of = |address: SocketAddr| match to_label(&address.to_string(), Level::of(r)) {
                Some(label) => label,
                None => address.to_string(),
            };
            r.facts.host.resolvers.iter().map(|resolver| of(resolver.address)).collect()
        }),
        ("host name", |r| r.connector_details.hostname.iter().cloned().collect()),
    ];
    let mut out = Vec::new();
    for (what, values) in KINDS {
        let (before, after): (BTreeSet<_>, BTreeSet<_>) =
            (values(old).into_iter().collect(), values(new).into_iter().collect());
        let less = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
        let (gone, come) = (less(&before, &after), less(&after, &before));
        if !gone.is_empty() || !come.is_empty() {
            out.push(Replaced { what: what.to_owned(), gone, come });
        }
    }
    out
}

/// More addresses than these are folded into a count.
const SHOWN: usize = 8;

/// Writes a comparison for people: ASCII, at most `width` columns.
pub fn render(diff: &Diff, style: &Style) -> String {
    let width = style.width.clamp(40, 240);
    let mut page = Page::default();
    for (label, side) in [("old", &diff.old), ("new", &diff.new)] {
        let verdict = side.verdict.word().to_uppercase();
        let text = format!("{verdict}  {} of {}", name(&side.id), name(&side.started_at));
        let mut lines = wrap(&text, width - 9).into_iter();
        let first = lines.next().unwrap_or_default();
        page.painted(format!("{label:9}{first}"), &verdict, Paint::Verdict(side.verdict));
        page.hanging("", 9, lines);
    }
    let counted = [
        (diff.fixed.len(), "fixed"),
        (diff.appeared.len(), "new"),
        (diff.still.len(), "still failing"),
        (diff.changed.len(), "otherwise changed"),
    ];
    let counts: Vec<String> =
        counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let counts = if counts.is_empty() { "no outcome changed".to_owned() } else { counts.join(", ") };
    let result = format!("{}{counts}", if diff.worse { "WORSE: " } else { "" });
    page.hanging("result", 9, wrap(&result, width - 9));
    for (heading, causes) in [("CAUSES GONE", &diff.causes_gone), ("CAUSES NEW", &diff.causes_new)] {
        named(&mut page, heading, causes, width);
    }
    for (heading, changes) in [
        ("NEW", &diff.appeared),
        ("STILL FAILING", &diff.still),
        ("FIXED", &diff.fixed),
        ("OTHERWISE CHANGED", &diff.changed),
    ] {
        section(&mut page, heading, changes, width);
    }
    figures(&mut page, diff, width);
    addresses(&mut page, diff, width);
    page.finish(style.colour)
}

fn named(page: &mut Page, heading: &str, causes: &[Named], width: usize) {
    if causes.is_empty() {
        return;
    }
    page.line("");
    page.painted(heading, heading, Paint::Strong);
    for cause in causes {
        let notice = if cause.severity == Severity::Notice { " (notice)" } else { "" };
        let text = format!("{}: {}{notice}", name(&cause.code), ascii(&cause.title));
        page.hanging("  ", 2, wrap(&text, width - 2));
    }
}

fn section(page: &mut Page, heading: &str, changes: &[Change], width: usize) {
    if changes.is_empty() {
        return;
    }
    page.line("");
    page.painted(heading, heading, Paint::Strong);
    let word = |status: Option<Status>| status.map_or("absent", Status::word);
    for change in changes {
        let mut text = ascii(&change.summary);
        if let Some(code) = &change.caused_by {
            let _ = write!(text, ", caused by {}", ascii(code));
        }
        page.hanging("  ", 2, wrap(&name(&change.check), width - 2));
        let head = format!("    {} -> {}  ", word(change.old), word(change.new));
        page.hanging(&head, head.len(), wrap(&text, width - head.len()));
    }
}

fn figures(page: &mut Page, diff: &Diff, width: usize) {
    if diff.moved.is_empty() {
        return;
    }
    page.line("");
    page.painted("MOVED", "MOVED", Paint::Strong);
    for moved in &diff.moved {
        let text = format!(
            "{} {}: {} -> {}",
            name(&moved.check),
            name(&moved.measurement),
            figure(moved.old),
            figure(moved.new)
        );
        page.hanging("  ", 2, wrap(&text, width - 2));
    }
}

fn addresses(page: &mut Page, diff: &Diff, width: usize) {
    if let Some(why) = &diff.addresses_skipped {
        let text = if diff.addresses.is_empty() {
            format!("No address is known to have changed ({why}).")
        } else {
            format!("Addresses are compared by their labels ({why}).")
        };
        page.line("");
        page.hanging("", 0, wrap(&text, width));
    }
    if diff.addresses.is_empty() {
        return;
    }
    page.line("");
    page.painted("ADDRESSES", "ADDRESSES", Paint::Strong);
    for replaced in &diff.addresses {
        for (sign, values) in [("gone", &replaced.gone), ("come", &replaced.come)] {
            if values.is_empty() {
                continue;
            }
            let mut text = values.iter().take(SHOWN).map(|value| name(value)).collect::<Vec<_>>().join("; ");
            if values.len() > SHOWN {
                let _ = write!(text, "; and {} more", values.len() - SHOWN);
            }
            page.hanging("  ", 2, wrap(&format!("{} {sign}: {text}", replaced.what), width - 2));
        }
    }
}

fn figure(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
