//! `diff`: what changed between two saved or pasted reports.

use std::path::Path;

use anyhow::{Context, bail};

use super::check::meant;
use super::output;
use super::saved::{anew, load};
use crate::config::Said;
use crate::env::Env;
use crate::model::Report;
use crate::render::json::to_json;
use crate::render::redact::{Level, redact};
use crate::render::{Style, diff};

/// What changed between two saved reports; 1 when worse.
pub(super) fn compare(env: &Env, old: &Path, new: &Path, said: Said) -> anyhow::Result<u8> {
    let meant = meant(env, said)?;
    if old == Path::new("-") && new == Path::new("-") {
        bail!("- stands for one of the two reports, stdin can be read once");
    }
    let shown = |file: &Path| -> anyhow::Result<Report> {
        let report = anew(&load(file)?, &meant);
        // What stands for a label reads as the label, in sentences made anew, too.
        redact(&report, Level::of(&report)).context("the report cannot be redacted")
    };
    let (old, new) = (shown(old)?, shown(new)?);
    let diff = diff::diff(&old, &new);
    let text = match meant.formats.iter().find(|spec| spec.file.is_none()).map(|spec| spec.format.as_str()) {
        Some("json") => to_json(&diff),
        Some("human") | None => {
            let colour = output::coloured(meant.color, env);
            colored::control::set_override(colour);
            diff::render(&diff, &Style { colour, width: usize::from(meant.width), ..Style::default() })
        }
        Some(other) => bail!("--format {other}: diff writes human or json"),
    };
    output::print(&text);
    Ok(u8::from(diff.worse))
}
