//! What is left of memory and disks; asks no file system that a network could hold up.

use super::kernel::Kernel;
use super::{files, reading};
use crate::env::Env;
use crate::model::facts::{Disk, PingGroups, Resources};

/// Places that a Connector, its log or its system writes to.
const PLACES: &[&str] = &["/", "/var", "/var/log", "/run", "/var/lib/docker", "/var/lib/containers"];
/// Beginnings of types of file systems that wait for a network, or for a program.
const REMOTE: &[&str] = &["nfs", "cifs", "smb", "fuse", "9p", "ceph", "glusterfs", "afs", "lustre", "autofs"];

/// Looks.
pub(super) fn discover(env: &Env, kernel: &dyn Kernel) -> Resources {
    let memory = files::read(env, "/proc/meminfo", files::SMALL).unwrap_or_default();
    let events = files::read(env, "/proc/vmstat", files::SMALL).unwrap_or_default();
    let kilobytes = |key: &str| {
        let rest = memory.lines().find_map(|line| line.strip_prefix(key))?;
        rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    Resources {
        memory_total: kilobytes("MemTotal:"),
        memory_available: kilobytes("MemAvailable:"),
        swap_free: kilobytes("SwapFree:"),
        oom_kills: events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()),
        disks: disks(env, kernel),
        ping_groups: ping_groups(env),
    }
}

fn disks(env: &Env, kernel: &dyn Kernel) -> Vec<Disk> {
    let mounts = files::read(env, "/proc/self/mounts", 1 << 20).unwrap_or_default();
    let mut disks: Vec<Disk> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for place in PLACES {
        let Some((point, kind, options)) = covering(&mounts, place) else { continue };
        let read_only = options.split(',').any(|option| option == "ro");
        if read_only || seen.contains(&point) || REMOTE.iter().any(|remote| kind.starts_with(remote)) {
            continue;
        }
        seen.push(point);
        disks.extend(reading::begin(place).ok().and_then(|_mark| kernel.disk(place)));
    }
    disks
}

/// The mount that a path lies on: its point, type and options.
fn covering<'a>(mounts: &'a str, path: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let mut best: Option<(&str, &str, &str)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(1);
        let (Some(point), Some(kind), Some(options)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let within = point == "/"
            || path.strip_prefix(point).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if within && best.is_none_or(|(so_far, _, _)| point.len() >= so_far.len()) {
            best = Some((point, kind, options));
        }
    }
    best
}

fn ping_groups(env: &Env) -> Option<PingGroups> {
    let line = files::line(env, "/proc/sys/net/ipv4/ping_group_range")?;
    let mut figures = line.split_whitespace().map(|word| word.parse().ok());
    Some(PingGroups { first: figures.next()??, last: figures.next()?? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mount_point_covers_a_path_and_the_later_of_two() {
        let mounts = "/dev/sda1 / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\nnas:/log /var/log nfs4 rw 0 0\n/dev/sr0 / iso9660 ro 0 0\n";
        assert_eq!(covering(mounts, "/var/log"), Some(("/var/log", "nfs4", "rw")));
        assert_eq!(covering(mounts, "/var/logs"), Some(("/", "iso9660", "ro")));
        assert_eq!(covering("", "/"), None);
    }
}
