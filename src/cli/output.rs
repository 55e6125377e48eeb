//! Where bytes leave: stdout for the report alone, stderr for the rest, files whole or not at all.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;

use crate::config::Color;
use crate::env::Env;

/// Writes to stdout; what could not be written is told.
pub(super) fn print(text: &str) {
    if let Err(error) = try_print(text) {
        complain(&format!("connector-doctor: {error:#}"));
    }
}

/// Writes to stdout. A reader that has gone away (`| head -1`) is no fault, a full disk is one.
pub(super) fn try_print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}

/// Writes a line to stderr.
pub(super) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Columns and rows of the terminal that stdout is; none where it is no terminal, or one that does not say.
pub(super) fn terminal() -> Option<(u16, u16)> {
    let (columns, rows) = terminal_size::terminal_size_of(io::stdout())?;
    (columns.0 > 0 && rows.0 > 0).then_some((columns.0, rows.0))
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
        Color::Auto if env.var("CLICOLOR") == Some("0") || env.var("TERM") == Some("dumb") => false,
        Color::Auto => io::stdout().is_terminal(),
    }
}

/// Adds to the end of a file, which is made where it is not there.
pub(super) fn append_file(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .and_then(|mut file| {
            if !file.metadata()?.is_file() {
                return Err(io::Error::other("it is no file"));
            }
            file.write_all(text.as_bytes())
        });
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file whole, by rename beside it, with `mode` whatever the umask is. A symbolic link is replaced, never
/// followed: in /tmp anybody can lay one. A pipe, a terminal and what is named by its descriptor are written as they are.
pub(super) fn write_file(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let kind = if below(path, &["/dev", "/proc"]) { fs::metadata(path) } else { fs::symlink_metadata(path) };
    let written = match kind.map(|meta| meta.file_type()) {
        Ok(kind) if kind.is_fifo() || kind.is_char_device() || below(path, DESCRIPTORS) => into(path, text),
        Ok(kind) if kind.is_block_device() || kind.is_socket() => Err(io::Error::other("it is no file")),
        _ => whole(path, text, mode),
    };
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Where open files have names.
const DESCRIPTORS: &[&str] = &["/dev/fd", "/dev/stderr", "/proc"];

fn below(path: &Path, folders: &[&str]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

fn whole(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(beside);
    // In a container every run has the same number: one that was killed may have left its file.
    let _ = fs::remove_file(&beside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)
        .and_then(|mut file| {
            file.set_permissions(Permissions::from_mode(mode))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Best effort: the error that is reported is the first one.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Writes behind what is there. A pipe that nobody reads is an error: a run waits for no reader.
fn into(path: &Path, text: &str) -> io::Result<()> {
    let open = |flags| OpenOptions::new().append(true).custom_flags(flags).open(path);
    // The first one holds the pipe open while the second, which may wait for room, is opened.
    let reader_is_there = open(libc::O_NONBLOCK)?;
    let file = open(0)?;
    for meta in [reader_is_there.metadata()?, file.metadata()?] {
        // In /tmp anybody can lay one, and read what others write into it.
        let own = meta.uid() == 0 || meta.uid() == nix::unistd::geteuid().as_raw();
        if meta.file_type().is_fifo() && !own && !below(path, DESCRIPTORS) {
            return Err(io::Error::other("it is another user's pipe"));
        }
    }
    { file }.write_all(text.as_bytes())
}
