//! What stands behind every pasted report: its facts in at most 40 lines, or its findings and as many facts as fit.

use serde_json::{Value, json};

use super::frame::{LEFT_OUT, framed};
use super::pack;
use crate::model::finding::Status;
use crate::model::report::{ConnectorDetails, Report};
use crate::render::redact;
use crate::render::text::wrap;

/// Lines of data, with the one before them, the one behind them and what is left out.
const LINES: usize = 40;
/// Columns of a line of data: what mailers leave alone.
const COLUMNS: usize = 76;
/// Parts of facts with parts of their own, which are left out one by one.
const NESTED: [&str; 2] = ["host", "control"];
/// Lines of evidence that a cause keeps where room is short.
const EVIDENCE: usize = 3;

/// The lines to be pasted behind `report`, as it is to be read again.
pub fn brief(report: &Report) -> String {
    let facts_alone = Report {
        connector_details: ConnectorDetails::default(),
        p2p_outlook: None,
        not_tested: Vec::new(),
        checks: Vec::new(),
        resources: Vec::new(),
        causes: Vec::new(),
        ..report.clone()
    };
    let whole = value(&facts_alone).map(|value| lines(report, &value, &[]));
    if let Some(text) = whole.filter(|text| fits(text)) {
        return text;
    }
    // Judged already: findings cannot be found again in a part of the facts.
    let mut judged = report.clone();
    for check in judged.checks.iter_mut().filter(|check| check.outcome == Status::Pass) {
        check.evidence.clear();
    }
    let mut left_out = Vec::new();
    if let Some(text) = with_what_fits(&judged, &mut left_out) {
        return text;
    }
    left_out.push("evidence of checks".to_owned());
    judged.checks.iter_mut().for_each(|check| check.evidence.clear());
    judged.causes.iter_mut().for_each(|cause| cause.because.truncate(EVIDENCE));
    if let Some(text) = with_what_fits(&judged, &mut left_out) {
        return text;
    }
    left_out.push("measurements and passed checks".to_owned());
    judged.checks.retain(|check| check.outcome != Status::Pass);
    judged.checks.iter_mut().for_each(|check| check.measurements.clear());
    // Beyond this a report is of no ordinary host; it is whole in `--with-data`.
    with_what_fits(&judged, &mut left_out).unwrap_or_default()
}

/// The report with its largest facts taken out, one after the other, until it fits.
fn with_what_fits(report: &Report, left_out: &mut Vec<String>) -> Option<String> {
    let (mut value, mut gone) = (value(report)?, left_out.clone());
    let mut parts = parts(&value);
    parts.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let mut parts = parts.into_iter();
    loop {
        let text = lines(report, &value, &gone);
        if fits(&text) {
            *left_out = gone;
            return Some(text);
        }
        let (path, _) = parts.next()?;
        take_out(&mut value, &path);
        gone.push(path.join("."));
    }
}

fn fits(text: &str) -> bool {
    text.lines().count() <= LINES
}

fn lines(report: &Report, value: &Value, left_out: &[String]) -> String {
    let mut value = value.clone();
    let mut text = String::new();
    if !left_out.is_empty() {
        value[LEFT_OUT] = json!(left_out);
        for line in wrap(&format!("-- left out of the data: {} --", left_out.join(", ")), COLUMNS) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    let json = value.to_string();
    text + &framed(&report.id, json.len(), &pack::pack(json.as_bytes()), COLUMNS)
}

/// The report as JSON, without what its facts need not say: what is null or empty, where it reads back alike.
fn value(report: &Report) -> Option<Value> {
    let whole = serde_json::to_value(report).ok()?;
    // As it will be read: labels are told apart from addresses by the level.
    let as_read = redact::load(&whole.to_string()).ok()?;
    let alike = |value: &Value| redact::load(&value.to_string()).is_ok_and(|read| read == as_read);
    let mut short = whole.clone();
    short["facts"] = pruned(&whole["facts"], true);
    if alike(&short) {
        return Some(short);
    }
    // One part that must say its empty places is no reason for all to say theirs.
    let mut value = whole.clone();
    for (path, _) in parts(&whole) {
        let at = format!("/facts/{}", path.join("/"));
        for lists in [true, false] {
            let mut candidate = value.clone();
            if let Some(part) = candidate.pointer_mut(&at) {
                *part = pruned(part, lists);
            }
            if alike(&candidate) {
                value = candidate;
                break;
            }
        }
    }
    Some(value)
}

/// Without what is null; without empty lists and texts, too.
fn pruned(value: &Value, lists: bool) -> Value {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => lists && items.is_empty(),
        Value::Object(map) => lists && map.is_empty(),
        Value::String(text) => lists && text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), pruned(value, lists)))
            .filter(|(_, value)| !empty(value))
            .collect(),
        Value::Array(items) => items.iter().map(|item| pruned(item, lists)).collect(),
        other => other.clone(),
    }
}

/// Every part that may be left out, with its size; the run itself stays.
fn parts(value: &Value) -> Vec<(Vec<String>, usize)> {
    let Some(facts) = value["facts"].as_object() else { return Vec::new() };
    let mut parts = Vec::new();
    for (key, part) in facts.iter().filter(|(key, _)| *key != "run") {
        match part.as_object().filter(|_| NESTED.contains(&key.as_str())) {
            Some(inner) => parts.extend(
                inner.iter().map(|(name, part)| (vec![key.clone(), name.clone()], part.to_string().len())),
            ),
            None => parts.push((vec![key.clone()], part.to_string().len())),
        }
    }
    parts
}

/// Facts have a default each: what is not there reads as not observed.
fn take_out(value: &mut Value, path: &[String]) {
    let Some((last, before)) = path.split_last() else { return };
    let mut at = &mut value["facts"];
    for key in before {
        at = &mut at[key];
    }
    if let Some(map) = at.as_object_mut() {
        map.remove(last);
    }
}
