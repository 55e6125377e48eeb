//! Saved or pasted reports, read and judged anew from their facts; no network, no Linux.

use std::path::Path;

use anyhow::{Context, bail};

use super::{input, output};
use crate::config::Meant;
use crate::model::Report;
use crate::pipeline;
use crate::render::{paste, seal};

/// A report with its ticket around it is never larger.
const MAX_BYTES: u64 = 8 << 20;
/// Nor does it have so many lines.
const MAX_LINES: usize = 200_000;

/// The report's facts, judged by this version, under what was hidden of them and what its run selected.
pub(super) fn anew(saved: &Report, meant: &Meant) -> Report {
    let mut policy = meant.policy.clone();
    policy.select.clone_from(&saved.facts.run.select);
    policy.skip.extend(saved.facts.run.skip.iter().cloned());
    policy.allow.extend(saved.facts.run.allow.iter().cloned());
    let redaction = saved.redaction.clone();
    Report { redaction, ..pipeline::judge(saved.facts.clone(), &policy) }
}

/// The last report of a file, or of stdin (`-`).
pub(super) fn load(file: &Path) -> anyhow::Result<Report> {
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

/// What a file, or stdin (`-`), holds.
pub(super) fn text(file: &Path) -> anyhow::Result<String> {
    let read = if file == Path::new("-") { input::stdin(MAX_BYTES) } else { input::read(file, MAX_BYTES) };
    let bytes = read.with_context(|| format!("cannot read {}", shown(file)))?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!("{}: larger than {} MiB", shown(file), MAX_BYTES >> 20);
    }
    if memchr::memchr_iter(b'\n', &bytes).count() > MAX_LINES {
        bail!("{}: more than {MAX_LINES} lines", shown(file));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn shown(file: &Path) -> String {
    if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() }
}
