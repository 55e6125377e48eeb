//! `explain`: the page of a cause or a check, and what is done on which system, out of the tables; offline.

use crate::model::CauseCode;
use std::fmt::Write as _;

use anyhow::bail;

use super::{fit, output};
use crate::config::unknown;
use crate::diagnosis::CauseRule;
use crate::env::Env;
use crate::{checks, diagnosis};

/// Prints the page; a misspelt name is told the nearest.
pub(super) fn run(env: &Env, name: &str) -> anyhow::Result<u8> {
    let Some((_, page)) = pages().find(|(known, _)| *known == name) else {
        bail!("{}; see list", unknown("cause or check", name, pages().map(|(known, _)| known)));
    };
    let systems =
        diagnosis::all().find(|cause| cause.code.as_str() == name).map_or_else(String::new, systems);
    output::print(&fit::page(&format!("{page}{systems}"), fit::prose(env)));
    Ok(0)
}

/// What is done on systems that have a word of their own.
fn systems(cause: &CauseRule) -> String {
    let mut text = String::new();
    for (label, remedies) in diagnosis::by_system(cause) {
        if text.is_empty() {
            text.push_str("\n## On which system\n");
        }
        let _ = writeln!(text, "{label}:");
        for remedy in remedies {
            let _ = writeln!(text, "- {}", remedy.action.replace('\n', "\n  "));
            for command in remedy.commands {
                let _ = writeln!(text, "      {command}");
            }
        }
    }
    text
}

/// Every page by its name, the one of what no rule explains included.
fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    let causes = diagnosis::all().map(|c| (c.code.as_str(), c.page));
    let checks = checks::all().map(|c| (c.id.as_str(), c.page));
    causes
        .chain(checks)
        .chain([(CauseCode::Unexplained.as_str(), include_str!("../../docs/causes/unexplained.md"))])
}
