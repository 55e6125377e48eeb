//! Files below a root that somebody else made (a container's, another user's process's): no link leads out of it, no pipe
//! and no device is read, and whose file it is is told. Without `openat2` (Linux 5.6, or seccomp) nothing is opened at all.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;

use super::reading;
use crate::env::Env;

/// How often a path is tried whose folders are being renamed meanwhile.
const TRIES: usize = 4;

/// Another root of files, held open: a process that ends meanwhile leads nowhere else.
#[derive(Debug)]
pub(in crate::probes) struct Inside {
    root: OwnedFd,
    /// Its path, by which a read that hangs is named.
    path: String,
    /// Whose root it is, for people.
    whose: String,
}

/// What a file there held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probes) struct Found {
    /// Its text, cut at the bound, whatever is not UTF-8 replaced.
    pub(in crate::probes) text: String,
    /// The user it belongs to, as this process counts users.
    pub(in crate::probes) owner: u32,
}

/// Why a file there was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probes) enum Closed {
    /// Nothing of that name is there.
    Absent,
    /// Anything else, in words with its path.
    Refused(String),
}

impl Inside {
    /// The root of a process.
    pub(in crate::probes) fn process(env: &Env, pid: u32) -> Result<Self, Closed> {
        Self::folder(env, &format!("/proc/{pid}/root"), format!("process {pid}"))
    }

    /// A folder as a root; `whose` it is, for people.
    pub(in crate::probes) fn folder(env: &Env, path: &str, whose: String) -> Result<Self, Closed> {
        let _mark = begin(path, &whose)?;
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root =
            open(&env.path(path), flags, Mode::empty()).map_err(|errno| closed(path, &whose, errno))?;
        Ok(Self { root, path: path.to_owned(), whose })
    }

    /// Reads a regular file, at most `max` bytes of it.
    pub(in crate::probes) fn read(&self, path: &str, max: usize) -> Result<Found, Closed> {
        let _mark = begin(&format!("{}{path}", self.path), &self.whose)?;
        let refused = |why: &str| Closed::Refused(format!("{path} of {}: {why}", self.whose));
        let file = File::from(self.open(path)?);
        let io = |e: std::io::Error| refused(&e.kind().to_string());
        let meta = file.metadata().map_err(io)?;
        if !meta.is_file() {
            return Err(refused("not a regular file"));
        }
        let mut bytes = Vec::new();
        file.take(max as u64).read_to_end(&mut bytes).map_err(io)?;
        Ok(Found { text: String::from_utf8_lossy(&bytes).into_owned(), owner: meta.uid() })
    }

    fn open(&self, path: &str) -> Result<OwnedFd, Closed> {
        let how = OpenHow::new()
            .flags(OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        let mut tries = 0;
        loop {
            tries += 1;
            match openat2(&self.root, path, how) {
                Err(Errno::EAGAIN | Errno::EINTR) if tries < TRIES => {}
                done => return done.map_err(|errno| closed(path, &self.whose, errno)),
            }
        }
    }
}

fn begin(path: &str, whose: &str) -> Result<reading::Mark, Closed> {
    reading::begin(path).map_err(|e| Closed::Refused(format!("the files of {whose}: {e}")))
}

fn closed(path: &str, whose: &str, errno: Errno) -> Closed {
    let why = match errno {
        Errno::ENOENT | Errno::ENOTDIR => return Closed::Absent,
        Errno::ENOSYS | Errno::EPERM | Errno::E2BIG => {
            "not opened: this kernel, or its seccomp filter, has no openat2 (Linux 5.6)".to_owned()
        }
        Errno::ELOOP | Errno::EXDEV => "a link leads out of its root".to_owned(),
        other => std::io::Error::from(other).kind().to_string(),
    };
    Closed::Refused(format!("{path} of {whose}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::Root;
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_link_leads_out_and_only_files_are_read() {
        let root = Root::new(&[
            ("/secret", "the host's own"),
            ("/etc/passwd", "the host's own"),
            ("/proc/7/root/run/own", "its own"),
            ("/proc/7/root/etc/", ""),
        ]);
        let env = root.env();
        let at = |path: &str| env.path(&format!("/proc/7/root{path}"));
        symlink("/run/own", at("/etc/absolute")).unwrap();
        symlink("../../../../../../run/own", at("/etc/upwards")).unwrap();
        symlink("../../../secret", at("/etc/outside")).unwrap();
        symlink("/proc/self/root/etc/passwd", at("/etc/magic")).unwrap();
        symlink("/etc/turning", at("/etc/turning")).unwrap();
        nix::unistd::mkfifo(&at("/etc/pipe"), Mode::S_IRWXU).unwrap();
        let inside = Inside::process(&env, 7).unwrap();
        for path in ["/run/own", "run/own", "/etc/absolute", "/etc/upwards", "/etc/../../../run/own"] {
            let found = inside.read(path, 4096).unwrap();
            assert_eq!(
                (found.text.as_str(), found.owner),
                ("its own", nix::unistd::geteuid().as_raw()),
                "{path}"
            );
        }
        assert_eq!(inside.read("/run/own", 3).unwrap().text, "its");
        for path in ["/etc/outside", "/etc/magic", "/nowhere", "/run/own/below"] {
            assert_eq!(inside.read(path, 4096), Err(Closed::Absent), "{path}");
        }
        for (path, why) in [
            ("/etc/pipe", "/etc/pipe of process 7: not a regular file"),
            ("/etc", "/etc of process 7: not a regular file"),
            ("/etc/turning", "/etc/turning of process 7: a link leads out of its root"),
        ] {
            assert_eq!(inside.read(path, 4096), Err(Closed::Refused(why.to_owned())));
        }
        assert!(matches!(Inside::process(&env, 8), Err(Closed::Absent)));
    }

    #[test]
    fn a_magic_link_of_the_real_proc_is_not_followed() {
        let env = Env::system();
        let inside = Inside::folder(&env, "/proc/self", "this process".to_owned()).unwrap();
        // exe leads to the program itself, by a way that no path has.
        let refused = inside.read("/exe", 16);
        assert!(matches!(refused, Err(Closed::Refused(_))), "{refused:?}");
        assert!(inside.read("/status", 64).is_ok());
    }

    #[test]
    fn where_openat2_is_missing_nothing_is_opened() {
        for errno in [Errno::ENOSYS, Errno::EPERM] {
            let Closed::Refused(why) = closed("/etc/x", "process 7", errno) else { panic!("said") };
            assert!(why.contains("no openat2"), "{why}");
        }
    }
}
