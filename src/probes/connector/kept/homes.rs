//! Users whose own docker or podman may hold a Connector: root looks at all of them, anybody else at himself.

use crate::env::Env;
use crate::probes::host::files;

/// Most users that are looked at.
const MOST: usize = 64;

/// A user and the folder that is his.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) uid: u32,
    pub(super) folder: String,
}

/// Where people's homes lie; others are services'.
const FOLDERS: &[&str] = &["/home/", "/var/home/"];

/// Out of /etc/passwd: passwd(5).
pub(super) fn list(env: &Env, own: Option<u32>) -> Vec<Home> {
    let users = files::read(env, "/etc/passwd", files::SMALL).unwrap_or_default();
    let homes = users.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let uid = fields.nth(2)?.parse().ok()?;
        let folder = fields.nth(2)?;
        let plain = FOLDERS.iter().any(|above| folder.starts_with(above)) && !folder.contains("/..");
        let may = uid != 0 && (own == Some(0) || own == Some(uid));
        (may && plain).then(|| Home { uid, folder: folder.to_owned() })
    });
    homes.take(MOST).collect()
}
