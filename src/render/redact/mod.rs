//! Hides what a report should not tell, by type at its source; runs before any renderer, judges nothing.
//!
//! A redacted report holds labels (`[host-1]`) in its strings and, where the type is an address, an address
//! of a reserved block that stands for a label (see `labels`): so it can still be judged, and every
//! renderer shows the label. The same value has the same label everywhere.

mod fields;
mod labels;
mod level;
mod names;
#[cfg(test)]
mod tests;

pub use labels::shown;
pub(super) use labels::{shown_at, to_label};
pub use level::Level;

use serde_json::Value;

use crate::model::history::History;
use crate::model::report::Report;
use fields::Field;
use labels::Labels;
use names::Names;

/// The report with everything hidden that `level`, or the level it already has, hides.
///
/// # Errors
/// When a changed string no longer fits its type; that would be a bug of this module.
pub fn redact(report: &Report, level: Level) -> Result<Report, serde_json::Error> {
    let level = level.max(Level::of(report));
    if level == Level::None {
        return Ok(report.clone());
    }
    let mut value = serde_json::to_value(report)?;
    let mut hide =
        Hide { names: Names::collect(report, level, &value), labels: Labels::new(report, level, &value) };
    // This host and its network have the first labels of their kinds, wherever else a name stands before theirs.
    for own in [&report.connector_details.hostname, &report.facts.run.network].into_iter().flatten() {
        let _ = hide.text(own);
    }
    hide.walk(&mut value, &mut Vec::new());
    let mut redacted: Report = serde_json::from_value(value)?;
    level.word().clone_into(&mut redacted.redaction);
    Ok(redacted)
}

/// The history with its addresses hidden; there is nothing else in it to hide. The addresses at hand have the first
/// labels, as they have in a report of the same day.
pub fn redact_history(history: &History, level: Level) -> History {
    let mut told = History { redaction: level.word().to_owned(), ..history.clone() };
    if level == Level::None {
        return told;
    }
    let mut labels = Labels::empty(level);
    for at_hand in [true, false] {
        for span in told.addresses.iter_mut().filter(|span| span.ended_at.is_none() == at_hand) {
            span.address = labels.stand_in(span.address).unwrap_or(span.address);
        }
    }
    for (number, one) in told.resources.iter_mut().enumerate() {
        one.name = format!("[resource-{}]", number + 1);
    }
    told
}

/// Reads a saved report; labels in address fields become the addresses that stand for them.
///
/// # Errors
/// When it is not JSON or not a report.
pub fn load(json: &str) -> Result<Report, serde_json::Error> {
    // Straight into types where nothing has to be put back.
    if serde_json::from_str(json).is_ok_and(|Redaction { redaction }| redaction == "none") {
        return serde_json::from_str(json);
    }
    let mut value: Value = serde_json::from_str(json)?;
    if value.get("redaction").is_some_and(|level| level != "none") {
        for at in ["/facts", "/connector_details/public_ips", "/connector_details/private_ips"] {
            if let Some(part) = value.pointer_mut(at) {
                strings(part, &mut |text| labels::to_placeholder(text));
            }
        }
    }
    if value.get("redaction").is_some_and(|level| level != "none") {
        let rows = value.get_mut("resources").and_then(Value::as_array_mut);
        for row in rows.into_iter().flatten() {
            for key in ["address", "source", "resolver"] {
                if let Some(part) = row.get_mut(key) {
                    strings(part, &mut |text| labels::to_placeholder(text));
                }
            }
        }
    }
    serde_json::from_value(value)
}

/// What is read first.
#[derive(serde::Deserialize)]
struct Redaction {
    redaction: String,
}

/// Replaces every string for which `change` gives another.
fn strings(value: &mut Value, change: &mut impl FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(other) = change(text) {
                *text = other;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strings(item, change)),
        Value::Object(map) => map.values_mut().for_each(|item| strings(item, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

struct Hide {
    names: Names,
    labels: Labels,
}

impl Hide {
    fn walk(&mut self, value: &mut Value, path: &mut Vec<String>) {
        match value {
            Value::String(text) => {
                let fact = path.first().is_some_and(|top| top == "facts");
                let changed = match fields::field(path) {
                    Some(Field::Plain) => None,
                    // An address in a fact stays one: the next judgement may look at it.
                    Some(Field::Foreign) if !text.is_empty() => {
                        Some(self.names.foreign(text, &mut self.labels).unwrap_or_else(|| self.text(text)))
                    }
                    Some(Field::Server | Field::Text | Field::Foreign) if fact => {
                        self.labels.whole(text).or_else(|| Some(self.text(text)))
                    }
                    Some(Field::Server | Field::Text | Field::Foreign) => Some(self.text(text)),
                    // What the table leaves out is an address by its type, or of a closed vocabulary.
                    Some(Field::Address) | None => self.labels.whole(text),
                };
                if let Some(changed) = changed {
                    *text = changed;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item, path)),
            Value::Object(map) => {
                if path.last().is_some_and(|key| key == "measurements") {
                    let renamed = std::mem::take(map).into_iter().map(|(key, item)| (self.text(&key), item));
                    *map = renamed.collect();
                    return;
                }
                for (key, item) in map.iter_mut() {
                    path.push(key.clone());
                    self.walk(item, path);
                    path.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str) -> String {
        self.names.hide(text, &mut self.labels)
    }
}
