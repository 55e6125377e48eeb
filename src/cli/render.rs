//! `render`: a saved or pasted report in any format, or whether it is what was written.

use std::path::Path;

use super::check::{finish, meant};
use super::output;
use super::saved::{anew, load, text};
use crate::config::Said;
use crate::env::Env;
use crate::render::{paste, seal};

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
