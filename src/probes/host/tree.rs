//! A folder of which others may write parts: opened step by step, no link followed, regular files alone, bounded.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::OwnedFd;

use nix::dir::Dir;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::{files, reading};
use crate::env::Env;

/// A folder that is open.
#[derive(Debug)]
pub(in crate::probes) struct Tree {
    fd: OwnedFd,
    /// Its path, by which a read that hangs is named.
    path: String,
}

impl Tree {
    /// Opens a folder by its path, whose links are the administrator's own.
    pub(in crate::probes) fn open(env: &Env, path: &str) -> io::Result<Self> {
        // With its slash: what lies in a folder that hangs hangs, too.
        let path = path.trim_end_matches('/');
        let _mark = reading::begin(&format!("{path}/"))?;
        let file = files::open(env, if path.is_empty() { "/" } else { path })?;
        if file.metadata()?.is_dir() {
            Ok(Self { fd: file.into(), path: path.to_owned() })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Begins a read of what lies below it.
    fn mark(&self, path: &str) -> io::Result<reading::Mark> {
        reading::begin(&format!("{}/{}", self.path, path.trim_start_matches('/')))
    }

    /// Opens what lies below it; a link on the way ends it, as does `..`.
    fn below(&self, path: &str) -> io::Result<OwnedFd> {
        let mut fd = self.fd.try_clone()?;
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        for (n, part) in parts.iter().enumerate() {
            if *part == ".." {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let folder = if n + 1 < parts.len() { OFlag::O_DIRECTORY } else { OFlag::empty() };
            let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | folder;
            fd = openat(&fd, *part, flags, Mode::empty())?;
        }
        Ok(fd)
    }

    /// The names in a folder, sorted, at most `max` of them.
    pub(in crate::probes) fn names(&self, folder: &str, max: usize) -> Vec<String> {
        let Ok(_mark) = self.mark(&format!("{folder}/")) else { return Vec::new() };
        let Ok(dir) = self.below(folder).and_then(|fd| Ok(Dir::from_fd(fd)?)) else { return Vec::new() };
        let names = dir.into_iter().filter_map(|entry| {
            let name = entry.ok()?.file_name().to_str().ok()?.to_owned();
            (name != "." && name != "..").then_some(name)
        });
        let mut names: Vec<String> = names.take(max).collect();
        names.sort_unstable();
        names
    }

    /// A regular file.
    fn file(&self, path: &str) -> io::Result<File> {
        let file = File::from(self.below(path)?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    /// A file's text, cut at `max` bytes.
    pub(in crate::probes) fn read(&self, path: &str, max: usize) -> Option<String> {
        let _mark = self.mark(path).ok()?;
        let mut bytes = Vec::new();
        self.file(path).ok()?.take(max as u64).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A file, from so many bytes before its end on, and whether that is not its beginning.
    pub(in crate::probes) fn end_of(&self, path: &str, bytes: u64) -> io::Result<(File, bool)> {
        let _mark = self.mark(path)?;
        let mut file = self.file(path)?;
        let from = file.metadata()?.len().saturating_sub(bytes);
        file.seek(SeekFrom::Start(from))?;
        Ok((file, from > 0))
    }

    /// Whether there is a regular file that may be read.
    pub(in crate::probes) fn holds(&self, path: &str) -> bool {
        self.mark(path).is_ok_and(|_mark| self.file(path).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_link_leads_out_and_no_pipe_holds() {
        let root = std::env::temp_dir().join(format!("connector-doctor-tree-{}", std::process::id()));
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("secret"), "canary").unwrap();
        fs::write(root.join("a/b/plain"), "0123456789").unwrap();
        symlink(root.join("secret"), root.join("a/link")).unwrap();
        symlink(&root, root.join("a/folder")).unwrap();
        nix::unistd::mkfifo(&root.join("a/pipe"), Mode::S_IRUSR).unwrap();
        let tree = Tree::open(&Env::system().with_root(&root), "/a").unwrap();
        assert_eq!(tree.names("", 9), ["b", "folder", "link", "pipe"]);
        assert_eq!(tree.names("folder", 9), Vec::<String>::new());
        assert_eq!(tree.read("b/plain", 4).as_deref(), Some("0123"));
        for path in ["link", "folder/secret", "../secret", "b/../../secret", "pipe", "b", "none"] {
            assert_eq!(tree.read(path, 99), None, "{path}");
        }
        let (mut file, cut) = tree.end_of("b/plain", 3).unwrap();
        let mut end = String::new();
        file.read_to_string(&mut end).unwrap();
        assert_eq!((end.as_str(), cut, tree.holds("b/plain")), ("789", true, true));
        assert!(Tree::open(&Env::system().with_root(&root), "/secret").is_err());
        fs::remove_dir_all(root).unwrap();
    }
}
