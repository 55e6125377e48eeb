//! Who runs: one pass over /proc/*/comm for the few names that matter, and a process's age.

use std::time::Duration;

use super::files;
use crate::env::Env;

/// Most processes looked at.
const MOST: usize = 32_768;
/// The Connector's process, native (cut to 15 characters by the kernel) and in its image.
const CONNECTOR: &[&str] = &["twingate-connec", "connectord"];
/// Ticks a second of /proc/PID/stat: `USER_HZ`, 100 wherever Rust's std runs on Linux.
const TICKS: u64 = 100;

/// The processes of interest.
#[derive(Debug, Default)]
pub(super) struct Processes {
    /// Id and name.
    found: Vec<(u32, String)>,
    /// /proc is there.
    pub(super) readable: bool,
    /// /proc hides other users' processes (`hidepid`).
    pub(super) hidden: bool,
}

impl Processes {
    /// Looks for processes whose name is in `names` or a Connector's.
    pub(super) fn scan(env: &Env, names: &[&str]) -> Self {
        let mut ids: Vec<u32> =
            files::list(env, "/proc", 2 * MOST).iter().filter_map(|name| name.parse().ok()).collect();
        ids.sort_unstable();
        ids.truncate(MOST);
        let found = ids
            .iter()
            .filter_map(|id| {
                let name = files::line(env, &format!("/proc/{id}/comm"))?;
                let wanted = names.contains(&name.as_str()) || CONNECTOR.contains(&name.as_str());
                wanted.then_some((*id, name))
            })
            .collect();
        Self { found, readable: files::exists(env, "/proc/self") || !ids.is_empty(), hidden: hidden(env) }
    }

    /// Ids of the processes of one name, the oldest id first.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = u32> {
        self.found.iter().filter(move |(_, own)| own == name).map(|(id, _)| *id)
    }

    /// The age of the Connector's process, the oldest one's where several run.
    pub(super) fn connector_age(&self, env: &Env, since_boot: Duration) -> Option<Duration> {
        CONNECTOR.iter().flat_map(|name| self.named(name)).filter_map(|id| age(env, id, since_boot)).max()
    }
}

fn age(env: &Env, id: u32, since_boot: Duration) -> Option<Duration> {
    let stat = files::read(env, &format!("/proc/{id}/stat"), 4096)?;
    // The name stands in parentheses and may hold anything; what follows the last one is well-formed.
    let ticks: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    Some(since_boot.saturating_sub(Duration::from_millis(ticks.checked_mul(1000 / TICKS)?)))
}

fn hidden(env: &Env) -> bool {
    let mounts = files::read(env, "/proc/self/mounts", files::SMALL)
        .or_else(|| files::read(env, "/proc/mounts", files::SMALL))
        .unwrap_or_default();
    mounts.lines().any(|line| {
        let mut words = line.split(' ').skip(1);
        let proc = words.next() == Some("/proc");
        proc && words.nth(1).is_some_and(|options| {
            options.split(',').any(|o| o.strip_prefix("hidepid=").is_some_and(|v| !matches!(v, "0" | "off")))
        })
    })
}
