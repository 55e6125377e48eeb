//! Saved or pasted reports, read and judged anew from their facts; no network, no Linux.

use std::path::Path;

use anyhow::{Context, bail};

use super::{input, output};
use crate::config::Meant;
use crate::model::Report;
use crate::pipeline;
use crate::render::paste::{self, Saved};
use crate::render::seal;

/// A report with its ticket around it is never larger.
const MAX_BYTES: u64 = 8 << 20;
/// Nor does it have so many lines.
const MAX_LINES: usize = 200_000;

/// The report's facts, judged by this version, under what was hidden of them and what its run selected. Where facts are
/// missing, what was found then stands.
pub(super) fn anew(Saved { report: saved, left_out }: &Saved, meant: &Meant) -> Report {
    if !left_out.is_empty() {
        return saved.clone();
    }
    let mut policy = meant.policy.clone();
    policy.select.clone_from(&saved.facts.run.select);
    policy.skip.extend(saved.facts.run.skip.iter().cloned());
    policy.allow.extend(saved.facts.run.allow.iter().cloned());
    let redaction = saved.redaction.clone();
    Report { redaction, ..pipeline::judge(saved.facts.clone(), &policy) }
}

/// The last report of a file, or of stdin (`-`).
pub(super) fn load(file: &Path) -> anyhow::Result<Saved> {
    let text = text(file)?;
    let saved = paste::read(&text).with_context(|| shown(file))?;
    if let Some(parts) = saved.lacks() {
        output::complain(&format!(
            "{}: findings are as they were judged then: the paste had no room for {parts}",
            shown(file)
        ));
    }
    let several = seal::parts(&text).len();
    if several > 1 {
        output::complain(&format!(
            "{}: {several} reports; the last with data, {}, is read",
            shown(file),
            saved.report.id
        ));
    }
    Ok(saved)
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
    // Some editors save UTF-16.
    let (little, big) = (bytes.starts_with(&[0xff, 0xfe]), bytes.starts_with(&[0xfe, 0xff]));
    if little || big {
        let unit =
            |pair: &[u8; 2]| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
        let units: Vec<u16> = bytes.as_chunks().0.iter().map(unit).collect();
        return Ok(String::from_utf16_lossy(&units));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn shown(file: &Path) -> String {
    if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() }
}
