//! One report in many formats: pure writers. No format judges, counts as a verdict or reads anything.

pub mod human;
pub mod json;
pub mod redact;
pub mod schema;
pub mod seal;
mod text;

use crate::model::report::Report;

/// How to write, as far as that is not a property of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns that a line of the human report may take; held between 40 and 240.
    pub width: usize,
    /// Whether outcome words and the verdict are coloured; whoever says yes has set `colored`'s override.
    pub colour: bool,
    /// 1 adds each check's evidence, 2 its measurements.
    pub verbose: u8,
    /// The human report shows the verdict and its causes alone.
    pub quiet: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 80, colour: false, verbose: 0, quiet: false }
    }
}

/// One output format.
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it is for, one line.
    pub summary: &'static str,
    /// Permission bits of a file written in it.
    pub file_mode: u32,
    /// Writes the whole report; the text ends with a newline.
    pub render: fn(&Report, &Style) -> String,
}

/// Every format, the default first.
pub const FORMATS: &[Format] = &[
    Format {
        name: "human",
        summary: "for reading on a terminal or in a ticket",
        file_mode: 0o600,
        render: human::render,
    },
    Format {
        name: "json",
        summary: "everything, for programs; `schema` describes it",
        file_mode: 0o600,
        render: json::render,
    },
];

/// The format of this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
