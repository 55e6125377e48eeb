//! `render` and `diff`: saved or pasted reports, judged anew from their facts; no network, no Linux.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use super::check::{finish, meant};
use super::output;
use crate::config::{Meant, Said};
use crate::env::Env;
use crate::model::Report;
use crate::pipeline;
use crate::render::json::to_json;
use crate::render::{Style, diff, paste, seal};

/// A report with its ticket around it is never larger.
const MAX_BYTES: u64 = 64 << 20;

/// Writes a saved report in any format, judged by this version's checks.
pub(super) fn render(env: &Env, file: &Path, said: Said) -> anyhow::Result<u8> {
    let meant = meant(env, said)?;
    let report = anew(&load(file)?, &meant);
    finish(env, &meant, &report, None, None)
}

/// Whether each pasted report of a text is what was written.
pub(super) fn verify(file: &Path) -> anyhow::Result<u8> {
    let told: Vec<(bool, String)> = seal::parts(&text(file)?).iter().map(|part| verified(part)).collect();
    for (_, line) in &told {
        output::print(&format!("{line}\n"));
    }
    Ok(u8::from(!told.iter().all(|(good, _)| *good)))
}

/// Whether one is, and a line that says so.
fn verified(part: &str) -> (bool, String) {
    // Data, where there are any, must be whole, too.
    match (seal::verify(part), paste::read(part)) {
        (Ok(id), Ok(_)) => (true, format!("{id}: as it was written, with its data")),
        (Ok(id), Err(paste::Unreadable::NoData)) => (true, format!("{id}: as it was written")),
        (Ok(id), Err(why)) => (false, format!("{id}: {why}")),
        (Err(why), _) => (false, why.to_string()),
    }
}

/// What changed between two saved reports; 1 when worse.
pub(super) fn compare(env: &Env, old: &Path, new: &Path, said: Said) -> anyhow::Result<u8> {
    let meant = meant(env, said)?;
    if old == Path::new("-") && new == Path::new("-") {
        bail!("- stands for one of the two reports, stdin can be read once");
    }
    let (old, new) = (anew(&load(old)?, &meant), anew(&load(new)?, &meant));
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

/// The report's facts, judged by this version, under what was hidden of them and what its run selected.
fn anew(saved: &Report, meant: &Meant) -> Report {
    let mut policy = meant.policy.clone();
    policy.select.clone_from(&saved.facts.run.select);
    policy.skip.extend(saved.facts.run.skip.iter().cloned());
    policy.allow.extend(saved.facts.run.allow.iter().cloned());
    let redaction = saved.redaction.clone();
    Report { redaction, ..pipeline::judge(saved.facts.clone(), &policy) }
}

fn load(file: &Path) -> anyhow::Result<Report> {
    let text = text(file)?;
    let report = paste::read(&text).with_context(|| shown(file))?;
    let several = seal::parts(&text).len();
    if several > 1 {
        output::complain(&format!(
            "{}: {several} reports; the last with data, {}, is read",
            shown(file),
            report.id
        ));
    }
    Ok(report)
}

fn text(file: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|f| f.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("cannot read {}", shown(file)))?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!("{}: larger than 64 MiB", shown(file));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn shown(file: &Path) -> String {
    if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() }
}
