//! The history in a terminal, as JSON, and as a page: pure writers, as the report's.

mod bar;
mod chart;
pub mod page;
mod plot;
pub mod terminal;
mod words;

use super::json::to_json;
use crate::model::history::History;

/// The whole of it, indented.
pub fn json(history: &History) -> String {
    to_json(history)
}
