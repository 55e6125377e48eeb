//! Small files read below the environment's root: bounded, never blocking, never an error; judges nothing.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;

use super::reading;
use crate::env::Env;

/// Most bytes taken of a small configuration file.
pub(in crate::probes) const SMALL: usize = 64 * 1024;

/// Opens for reading; without `O_NONBLOCK` a named pipe in the place of a file would hold the run for ever.
pub(in crate::probes) fn open(env: &Env, path: &str) -> std::io::Result<fs::File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(env.path(path))
}

/// A file's text, cut at `max` bytes, whatever is not UTF-8 replaced; the reason where it cannot be read.
pub(in crate::probes) fn read_why(env: &Env, path: &str, max: usize) -> Result<String, String> {
    bytes_why(env, path, max).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The same as it stands.
pub(in crate::probes) fn bytes_why(env: &Env, path: &str, max: usize) -> Result<Vec<u8>, String> {
    let why = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::TimedOut => format!("{path}: {e}"),
        kind => format!("{path}: {kind}"),
    };
    let _mark = reading::begin(path).map_err(why)?;
    let file = open(env, path).map_err(why)?;
    if !file.metadata().map_err(why)?.is_file() {
        return Err(format!("{path}: not a file"));
    }
    let mut bytes = Vec::new();
    file.take(max as u64).read_to_end(&mut bytes).map_err(why)?;
    Ok(bytes)
}

/// The same where the reason does not matter.
pub(in crate::probes) fn read(env: &Env, path: &str, max: usize) -> Option<String> {
    read_why(env, path, max).ok()
}

/// A one-line file (as in /sys) without its newline; none where it is empty.
pub(in crate::probes) fn line(env: &Env, path: &str) -> Option<String> {
    let text = read(env, path, 4096)?;
    let first = text.lines().next()?.trim_matches(['\0', ' ']);
    (!first.is_empty()).then(|| first.to_owned())
}

/// Whether the path exists; a dangling link (a unit of another root) counts.
pub(in crate::probes) fn exists(env: &Env, path: &str) -> bool {
    reading::begin(path).is_ok_and(|_mark| fs::symlink_metadata(env.path(path)).is_ok())
}

/// Whether it is known that nothing is there to be opened.
pub(in crate::probes) fn absent(env: &Env, path: &str) -> bool {
    let Ok(_mark) = reading::begin(path) else { return false };
    fs::metadata(env.path(path)).is_err_and(|why| why.kind() == std::io::ErrorKind::NotFound)
}

/// Names in a folder, sorted, at most `max` of them; empty where it cannot be read.
pub(in crate::probes) fn list(env: &Env, folder: &str, max: usize) -> Vec<String> {
    // With its slash: what lies in a folder that hangs hangs, too.
    let Ok(_mark) = reading::begin(&format!("{}/", folder.trim_end_matches('/'))) else { return Vec::new() };
    let Ok(entries) = fs::read_dir(env.path(folder)) else {
        return Vec::new();
    };
    let mut names: Vec<String> =
        entries.take(max).filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// `KEY=value` lines of a shell-like file: comments and blanks left out, one layer of quotes taken off.
pub(in crate::probes) fn assignments(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let line = line.trim();
        let (key, value) = line.split_once('=')?;
        let value = value.trim();
        let bare = ['"', '\''].iter().find_map(|q| value.strip_prefix(*q)?.strip_suffix(*q)).unwrap_or(value);
        (!line.starts_with('#')).then(|| (key.trim(), bare))
    })
}
