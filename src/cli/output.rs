//! Where bytes leave: stdout for the report alone, stderr for the rest, files whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::config::Color;
use crate::env::Env;

/// Writes to stdout. A reader that has gone away (`| head -1`) is no fault.
pub(super) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    // Nothing sensible is left to do where even stderr may be gone.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes a line to stderr.
pub(super) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether stdout is coloured: option > `NO_COLOR` > `CLICOLOR_FORCE`, `FORCE_COLOR` > `TERM=dumb` > terminal.
/// Empty variables count as not set (no-color.org).
pub(super) fn coloured(color: Color, env: &Env) -> bool {
    let set = |name| env.var(name).is_some_and(|value| !value.is_empty());
    let forced = |name| set(name) && env.var(name) != Some("0");
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") => true,
        Color::Auto if env.var("TERM") == Some("dumb") => false,
        Color::Auto => io::stdout().is_terminal(),
    }
}

/// Adds to the end of a file, which is made where it is not there.
pub(super) fn append_file(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file whole, by rename beside it, with `mode`.
pub(super) fn write_file(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let name = path.file_name().context("no file name")?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Best effort: the error that is reported is the first one.
        let _ = fs::remove_file(&beside);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}
