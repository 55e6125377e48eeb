//! Which file is being read, so that one that does not answer (a dead NFS or FUSE mount) can be named and passed over.
//!
//! A thread that hangs in the kernel cannot be called back. It is left, and the look at the host begins anew on another
//! thread, without what hung: all that answers is read again in milliseconds.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

thread_local! {
    static HERE: RefCell<Option<Arc<Reading>>> = const { RefCell::new(None) };
}

/// What one thread reads, and what it passes over.
#[derive(Debug, Default)]
pub(super) struct Reading(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The path, and how many were read before it: the same path read twice is no standstill.
    now: Option<(String, u64)>,
    count: u64,
    hung: Vec<String>,
}

impl Reading {
    /// Passes over these.
    pub(super) fn without(hung: Vec<String>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { hung, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is being read, with its number.
    pub(super) fn now(&self) -> Option<(String, u64)> {
        self.state().now.clone()
    }

    /// Reads on this thread are noted here from now on.
    pub(super) fn here(self: &Arc<Self>) {
        HERE.with(|here| here.replace(Some(Arc::clone(self))));
    }
}

/// A read under way; at its end it is over.
pub(in crate::probes) struct Mark(Option<Arc<Reading>>);

impl Drop for Mark {
    fn drop(&mut self) {
        if let Some(reading) = &self.0 {
            reading.state().now = None;
        }
    }
}

/// Begins a read; an error where this path is one that hung.
pub(in crate::probes) fn begin(path: &str) -> std::io::Result<Mark> {
    let Some(reading) = HERE.with(|here| here.borrow().clone()) else { return Ok(Mark(None)) };
    {
        let mut state = reading.state();
        if state.hung.iter().any(|hung| path.starts_with(hung.as_str())) {
            return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "did not answer in time"));
        }
        state.count += 1;
        state.now = Some((path.to_owned(), state.count));
    }
    Ok(Mark(Some(reading)))
}

/// What to pass over where this path hangs: its folder, or another root as a whole.
pub(super) fn mount_of(path: &str) -> String {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["", "proc", process, "root", ..] => format!("/proc/{process}/root"),
        // Of folders that hold everything only the very file.
        []
        | [_]
        | ["", _]
        | ["", "proc", ..]
        | ["", "etc" | "run", _]
        | ["", "usr", "bin", _]
        | ["", "usr", "local", "bin", _] => path.to_owned(),
        [folder @ .., _] => format!("{}/", folder.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_is_passed_over_with_its_folder_or_its_root() {
        for (path, expected) in [
            ("/proc/812/root/etc/resolv.conf", "/proc/812/root"),
            ("/proc/812/root", "/proc/812/root"),
            ("/proc/812/cmdline", "/proc/812/cmdline"),
            ("/etc/resolv.conf", "/etc/resolv.conf"),
            ("/etc/chrony/chrony.conf", "/etc/chrony/"),
            ("/var/lib/docker/containers/x/config.v2.json", "/var/lib/docker/containers/x/"),
        ] {
            assert_eq!(mount_of(path), expected, "{path}");
        }
        let reading = Reading::without(vec!["/etc/chrony/".to_owned()]);
        reading.here();
        assert_eq!(
            begin("/etc/chrony/chrony.conf").err().map(|e| e.kind()),
            Some(std::io::ErrorKind::TimedOut)
        );
        let mark = begin("/etc/hosts").unwrap();
        assert_eq!(reading.now(), Some(("/etc/hosts".to_owned(), 1)));
        drop(mark);
        assert_eq!(reading.now(), None);
    }
}
