//! One report in many formats: pure writers. No format judges, counts as a verdict or reads anything.

pub mod diff;
mod digest;
#[cfg(test)]
mod filled;
pub mod github;
pub mod history;
pub mod html;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod nagios;
pub mod paste;
pub mod peer;
pub mod prometheus;
pub mod redact;
pub mod schema;
pub mod seal;
mod style;
pub(crate) mod text;

pub use style::{Room, Style};

use crate::model::report::Report;

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
    Format {
        name: "markdown",
        summary: "for tickets, pull requests, a job's step summary",
        file_mode: 0o600,
        render: markdown::render,
    },
    Format { name: "junit", summary: "for CI: a test case a check", file_mode: 0o600, render: junit::render },
    Format {
        name: "nagios",
        summary: "for Nagios and Icinga: one line, performance data",
        file_mode: 0o600,
        render: nagios::render,
    },
    Format {
        name: "prometheus",
        summary: "for the node exporter's textfile collector",
        file_mode: 0o644,
        render: prometheus::render,
    },
    Format {
        name: "github",
        summary: "for GitHub Actions: annotations",
        file_mode: 0o600,
        render: github::render,
    },
    Format {
        name: "html",
        summary: "for people and their browsers: one page with pictures, nothing fetched",
        file_mode: 0o600,
        render: html::render,
    },
];

/// The format of this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
