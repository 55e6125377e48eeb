//! Who runs: one pass over /proc/*/comm for the few names that matter.

use std::io::Read as _;

use super::files;
use crate::connector::PROCESSES;
use crate::env::Env;

/// Most processes looked at.
const MOST: usize = 32_768;

/// The processes of interest.
#[derive(Debug, Default)]
pub(in crate::probes) struct Processes {
    /// Id and name.
    found: Vec<(u32, String)>,
    /// /proc is there.
    pub(in crate::probes) readable: bool,
    /// /proc hides other users' processes (`hidepid`).
    pub(in crate::probes) hidden: bool,
}

impl Processes {
    /// Looks for processes whose name is in `names` or a Connector's.
    pub(in crate::probes) fn scan(env: &Env, names: &[&str]) -> Self {
        let mut ids: Vec<u32> =
            files::list(env, "/proc", 2 * MOST).iter().filter_map(|name| name.parse().ok()).collect();
        ids.sort_unstable();
        ids.truncate(MOST);
        let found = ids
            .iter()
            .filter_map(|id| {
                let name = name(env, *id)?;
                let wanted = names.contains(&name.as_str()) || PROCESSES.contains(&name.as_str());
                wanted.then_some((*id, name))
            })
            .collect();
        Self { found, readable: files::exists(env, "/proc/self") || !ids.is_empty(), hidden: hidden(env) }
    }

    /// Ids of the processes of one name, the oldest id first.
    pub(in crate::probes) fn named(&self, name: &str) -> impl Iterator<Item = u32> {
        self.found.iter().filter(move |(_, own)| own == name).map(|(id, _)| *id)
    }
}

/// The kernel's name of a process, in one read: a host may have tens of thousands.
fn name(env: &Env, id: u32) -> Option<String> {
    let mut bytes = [0; 64];
    let mut file = files::open(env, &format!("/proc/{id}/comm")).ok()?;
    let read = file.read(&mut bytes).ok()?;
    let text = std::str::from_utf8(&bytes[..read]).ok()?;
    Some(text.trim_end_matches('\n').to_owned())
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
