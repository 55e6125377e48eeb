//! Small parts of the page that several of its sections have.

use maud::{Markup, html};

use crate::model::finding::Status;
use crate::model::text::clean;

/// Text with a button to copy it, where the script runs.
pub(super) fn copied(text: &str) -> Markup {
    html! { div.block { pre { (text) } } }
}

/// The class of an outcome's tag.
pub(super) fn tag(status: Status) -> String {
    format!("t-{}", status.word())
}

/// Text for a picture, where nothing wraps: cut to `max` characters.
pub(super) fn short(text: &str, max: usize) -> String {
    clean(text, max)
}

/// A number for an SVG attribute.
pub(super) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}
