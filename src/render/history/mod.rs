//! The history in a terminal, as JSON, and as a page: pure writers, as the report's.

mod bar;
mod chart;
pub mod page;
mod plot;
pub mod terminal;
mod words;

use super::redact::Level;
use crate::model::history::History;

/// The whole of it, indented.
pub fn json(history: &History) -> String {
    super::json::write(history, level(history))
}

/// How much is hidden in it.
fn level(history: &History) -> Level {
    Level::of_word(&history.redaction)
}
