//! Files that somebody named to be read: regular ones alone, bounded, and never waited for without end.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, bail};

/// A file system that gives nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(2);

/// A file's bytes, at most `most` of them and one more, which tells that there are more.
pub(super) fn read(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let (path, (done, result)) = (path.to_owned(), mpsc::channel());
    std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        // Whoever asked may have given up.
        let _ = done.send(regular(&path).and_then(|file| {
            let mut bytes = Vec::new();
            file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(bytes)
        }));
    })?;
    let late = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "it does not answer");
    result.recv_timeout(PATIENCE).map_err(late)?
}

/// Opens a regular file; a pipe, a device or a folder is refused at once, and nothing is read of it.
fn regular(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let kind = file.metadata()?.file_type();
    let what = if kind.is_file() {
        return Ok(file);
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "no file"
    };
    Err(std::io::Error::other(format!("it is {what}")))
}

/// What stands behind `-`, where a person or a program means standard input.
pub(super) fn stdin(most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Refuses a store that is no file: a pipe would hold whoever opens it, a device would be written to.
pub(super) fn no_file_is_refused(path: &Path) -> anyhow::Result<()> {
    let (owned, (done, result)) = (path.to_owned(), mpsc::channel());
    std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        let _ = done.send(std::fs::metadata(&owned).map(|meta| meta.file_type()));
    })?;
    let late = || format!("{}: it does not answer", path.display());
    match result.recv_timeout(PATIENCE).with_context(late)? {
        Ok(kind) if !kind.is_file() && !kind.is_dir() => bail!("{}: it is no file", path.display()),
        _ => Ok(()),
    }
}
