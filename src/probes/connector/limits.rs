//! A process's open files against its limit, and the memory of its control group (v1 and v2).

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::env::Env;
use crate::model::facts::{Deployment, DeploymentKind, MemoryGroup, ProcessLimits};
use crate::probes::host::files;

/// Most descriptors counted one by one.
const DESCRIPTORS: usize = 1 << 20;
/// v1 writes "no limit" as a number near the largest.
const NO_LIMIT: u64 = 1 << 60;

/// Reads them.
pub(super) fn read(env: &Env, pid: u32, groups: &str, deployment: &Deployment) -> ProcessLimits {
    let limits = files::read(env, &format!("/proc/{pid}/limits"), 4096).unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    let mut figures = line.split_whitespace().map(|word| word.parse().ok());
    ProcessLimits {
        open_files: open_files(env, pid),
        open_files_soft: figures.next().flatten(),
        open_files_hard: figures.next().flatten(),
        memory: memory(env, groups, deployment),
    }
}

/// Since Linux 6.2 the folder's size is their number, for everybody; before, they can be counted with rights.
fn open_files(env: &Env, pid: u32) -> Option<u64> {
    let folder = env.path(&format!("/proc/{pid}/fd"));
    let size = fs::metadata(&folder).ok().filter(|m| m.is_dir() && m.dev() != 0).map(|m| m.size());
    // A real folder has the size of its blocks; only /proc counts.
    let counts = env.root() == std::path::Path::new("/");
    match size.filter(|size| *size > 0 && counts) {
        Some(size) => Some(size),
        None => Some(fs::read_dir(folder).ok()?.take(DESCRIPTORS).count() as u64),
    }
}

/// Of the group and those above it, the one that is nearest its limit.
fn memory(env: &Env, groups: &str, deployment: &Deployment) -> Option<MemoryGroup> {
    let v1 = groups.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        controllers.split(',').any(|c| c == "memory").then_some(path)
    });
    let v2 = groups.lines().find_map(|line| line.strip_prefix("0::"));
    let (mount, path, read): (_, _, fn(&Env, &str) -> Option<Group>) = match (v1, v2) {
        (Some(path), _) => ("/sys/fs/cgroup/memory", path, version_1),
        (None, Some(path)) => ("/sys/fs/cgroup", path, version_2),
        (None, None) => return None,
    };
    // Outside our own part of the tree the path begins with /..
    if path.split('/').any(|part| part == "..") {
        return None;
    }
    let mut path = path.trim_end_matches('/');
    let own = read(env, &format!("{mount}{path}"))?;
    let mut nearest = own.clone();
    while let Some((above, _)) = path.rsplit_once('/') {
        path = above;
        if let Some(group) = read(env, &format!("{mount}{path}")).filter(|g| g.room() < nearest.room()) {
            nearest = group;
        }
    }
    // Kills in a group that others share are not the Connector's.
    let alone = deployment.kind != DeploymentKind::Bare;
    Some(MemoryGroup {
        limit: nearest.limit,
        used: nearest.used,
        oom_kills: if alone { own.oom_kills } else { 0 },
    })
}

#[derive(Clone, Debug)]
struct Group {
    limit: Option<u64>,
    used: u64,
    oom_kills: u64,
}

impl Group {
    fn room(&self) -> u64 {
        self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.used))
    }
}

/// Control Group v2 (kernel documentation, `memory.*`).
fn version_2(env: &Env, group: &str) -> Option<Group> {
    let stat = files::read(env, &format!("{group}/memory.stat"), files::SMALL)?;
    let current = number(env, &format!("{group}/memory.current"))?;
    let back = keyed(&stat, "file").saturating_sub(keyed(&stat, "shmem")) + keyed(&stat, "slab_reclaimable");
    let events = files::read(env, &format!("{group}/memory.events.local"), 4096)
        .or_else(|| files::read(env, &format!("{group}/memory.events"), 4096))
        .unwrap_or_default();
    Some(Group {
        limit: number(env, &format!("{group}/memory.max")),
        used: current.saturating_sub(back),
        oom_kills: keyed(&events, "oom_kill"),
    })
}

/// Control Group v1.
fn version_1(env: &Env, group: &str) -> Option<Group> {
    let stat = files::read(env, &format!("{group}/memory.stat"), files::SMALL)?;
    let current = number(env, &format!("{group}/memory.usage_in_bytes"))?;
    let back = keyed(&stat, "total_cache").saturating_sub(keyed(&stat, "total_shmem"));
    let control = files::read(env, &format!("{group}/memory.oom_control"), 4096).unwrap_or_default();
    Some(Group {
        limit: number(env, &format!("{group}/memory.limit_in_bytes")).filter(|limit| *limit < NO_LIMIT),
        used: current.saturating_sub(back),
        oom_kills: keyed(&control, "oom_kill"),
    })
}

/// A file of one number; none for `max`.
fn number(env: &Env, path: &str) -> Option<u64> {
    files::line(env, path)?.trim().parse().ok()
}

/// The figure of a line `key figure`; 0 where there is none.
fn keyed(text: &str, key: &str) -> u64 {
    let figure = |line: &str| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok();
    text.lines().find_map(figure).unwrap_or(0)
}
