//! `host.limits`: open files of the Connector, memory and disks. Pure.

use super::check::Check;
use super::room;
use crate::inference::Inference;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic};
use crate::model::facts::{ConnectorProcess, Disk, MemoryGroup, PingGroups, Resources};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::text::{bytes, count};

/// Descriptors that one active client takes (connector-facts 2.4).
pub const FILES_A_CLIENT: u64 = 8;
/// From this share of the limit on it is near, percent.
const NEAR: u64 = 80;
/// Less memory than this share of all of it, percent, and than [`LITTLE_MEMORY`], is none.
const LITTLE_SHARE: u64 = 2;
const LITTLE_MEMORY: u64 = 32 << 20;
/// A control group that uses more than this share of its limit, percent, page cache left out, is full.
const FULL_GROUP: u64 = 98;
/// A disk with less than this left is full; one that is smaller than so many of it holds nothing that matters.
const LITTLE_DISK: u64 = 1 << 20;
const TINY_DISKS: u64 = 16;
/// A kill for want of memory is history once the process has lived for so long since, microseconds.
const HISTORY_US: u64 = 3_600_000_000;

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::HostLimits,
    title: "Open files, local ports, memory and disks suffice for the Connector",
    contacts: "nothing: /proc, /sys/fs/cgroup and the file systems' own figures",
    rights: "none; before Linux 6.2 the Connector's own user, or root, for its open files",
    row: CheckRow::under(Topic::Host),
    page: include_str!("../../docs/checks/host.limits.md"),
    eval: limits,
}];

const ID: CheckId = CheckId::HostLimits;

fn limits(run: &Inference<'_>) -> Vec<Finding> {
    let facts = run.facts;
    if facts.run.lab.is_some() {
        return vec![Finding::new(ID, Status::Skip, "not judged in the lab")];
    }
    let resources = &facts.host.resources;
    let processes: Vec<&ConnectorProcess> =
        facts.host.connector.processes.iter().filter(|p| p.runs()).collect();
    if processes.is_empty() && resources.memory_total.is_none() && resources.disks.is_empty() {
        let unread = Finding::new(ID, Status::Skip, "neither memory nor disks could be read");
        return std::iter::once(unread).chain(room::gone(run)).collect();
    }
    let mut rest = exhausted(resources, &processes).evidence_all(room::lines(run));
    let mut findings: Vec<Finding> = processes.iter().map(|p| open_files(p)).collect();
    // A part that was not tested is not good because the rest is: of a pass only a skip is left.
    if let Some(untested) = findings.iter().find(|f| f.status == Status::Skip)
        && rest.status == Status::Pass
    {
        rest.status = Status::Skip;
        rest.summary = format!("{}; {}", untested.summary, rest.summary);
    }
    findings.push(rest);
    findings.extend(room::gone(run));
    findings
}

fn open_files(process: &ConnectorProcess) -> Finding {
    let (pid, limits) = (process.pid, &process.limits);
    let who = format!("process {pid}");
    let (Some(used), Some(limit)) = (limits.open_files, limits.open_files_soft) else {
        let (summary, how) = match (limits.open_files, limits.open_files_soft) {
            (None, Some(limit)) => (
                format!("how many of its {limit} open files {who} uses may not be read"),
                format!("to read it: sudo connector-doctor check {ID}"),
            ),
            (Some(used), _) => (format!("{who} has {}, without a limit", count_files(used)), String::new()),
            (None, None) => (format!("the limits of {who} may not be read"), String::new()),
        };
        // Open without a limit is fine; not readable is not tested.
        let status = if limits.open_files.is_some() { Status::Pass } else { Status::Skip };
        return Finding::new(ID, status, summary).evidence_all((!how.is_empty()).then_some(how));
    };
    let room = limit.saturating_sub(used) / FILES_A_CLIENT;
    let percent = used.saturating_mul(100) / limit.max(1);
    let symptom = |exhausted| Symptom::OpenFiles { pid, used, limit, exhausted };
    let finding = if room == 0 {
        let summary = format!("{who} has {used} of {limit} files open: no room for one more client");
        Finding::new(ID, Status::Fail, summary).symptom(symptom(true))
    } else if percent >= NEAR {
        let summary = format!(
            "{who} has {used} of {limit} files open, room for {} more",
            count(room as usize, "client")
        );
        Finding::new(ID, Status::Warn, summary).symptom(symptom(false))
    } else {
        Finding::new(ID, Status::Pass, format!("{used} of {limit} files open"))
    };
    let hard =
        limits.open_files_hard.map_or_else(|| "no hard limit".to_owned(), |h| format!("hard limit {h}"));
    finding
        .evidence(format!(
            "{who}: {}, soft limit {limit} ({} at {FILES_A_CLIENT} each), {hard}",
            count_files(used),
            count((limit / FILES_A_CLIENT) as usize, "client")
        ))
        .measure("open_files", used as f64)
        .measure("open_files_limit", limit as f64)
}

fn count_files(n: u64) -> String {
    format!("{} open", count(n as usize, "file"))
}

/// Memory and disks, the machine's and the Connector's own.
fn exhausted(resources: &Resources, processes: &[&ConnectorProcess]) -> Finding {
    let mut gone = Vec::new();
    gone.extend(no_memory(resources));
    gone.extend(resources.disks.iter().filter_map(full));
    for process in processes {
        gone.extend(process.limits.memory.as_ref().and_then(|group| full_group(process, group)));
    }
    let mut finding = if gone.is_empty() {
        Finding::new(ID, Status::Pass, left(resources))
    } else {
        Finding::new(ID, Status::Fail, gone.join("; ")).symptom(Symptom::HostExhausted(gone))
    };
    if let (Some(total), Some(available)) = (resources.memory_total, resources.memory_available) {
        finding = finding
            .evidence(format!("memory: {} of {} available", bytes(available), bytes(total)))
            .measure("memory_available_bytes", available as f64);
    }
    for process in processes {
        let group = process.limits.memory.as_ref();
        finding = finding.evidence_all(group.map(|g| describe(process.pid, g)));
    }
    finding
        .evidence_all(
            resources
                .disks
                .iter()
                .map(|d| format!("{}: {} of {} left", d.path, bytes(d.available), bytes(d.total))),
        )
        .evidence_all(resources.oom_kills.filter(|n| *n > 0).map(|n| {
            format!(
                "{} for want of memory on this machine since boot, of whatever program",
                count(n as usize, "kill")
            )
        }))
        .evidence_all(no_ping(resources, processes))
}

fn no_memory(resources: &Resources) -> Option<String> {
    let (total, available) = (resources.memory_total?, resources.memory_available?);
    let little = LITTLE_MEMORY.min(total / 100 * LITTLE_SHARE).max(1 << 20);
    // Swap that is left is slow, but not exhausted.
    let swap = resources.swap_free.unwrap_or(0);
    (available < little && swap < LITTLE_MEMORY)
        .then(|| format!("{} of {} of memory available", bytes(available), bytes(total)))
}

fn full(disk: &Disk) -> Option<String> {
    if disk.total < TINY_DISKS * LITTLE_DISK {
        None
    } else if disk.available < LITTLE_DISK {
        Some(format!(
            "the disk of {} is full: {} of {} left",
            disk.path,
            bytes(disk.available),
            bytes(disk.total)
        ))
    } else if disk.files_available == Some(0) {
        Some(format!("the disk of {} can hold no more files (no inodes left)", disk.path))
    } else {
        None
    }
}

fn full_group(process: &ConnectorProcess, group: &MemoryGroup) -> Option<String> {
    let pid = process.pid;
    let limit = group.limit?;
    if group.used >= limit / 100 * FULL_GROUP {
        return Some(format!(
            "process {pid} uses {} of the {} that it is allowed",
            bytes(group.used),
            bytes(limit)
        ));
    }
    // Counted since the group was made: what the process outlived long ago is history.
    let recent = process.age_us.is_none_or(|age| age < HISTORY_US);
    (group.oom_kills > 0 && recent).then(|| {
        let kills = count(group.oom_kills as usize, "kill");
        format!("{kills} for want of memory where process {pid} runs, limit {}", bytes(limit))
    })
}

fn describe(pid: u32, group: &MemoryGroup) -> String {
    let limit =
        group.limit.map_or_else(|| "no limit of its own".to_owned(), |l| format!("limit {}", bytes(l)));
    let kills = match group.oom_kills {
        0 => String::new(),
        n => format!(", {} for want of memory", count(n as usize, "kill")),
    };
    format!("process {pid}: {} of memory in its control group, {limit}{kills}", bytes(group.used))
}

/// `2.1 GB of memory available; 40 GB of disk`.
fn left(resources: &Resources) -> String {
    let memory = resources.memory_available.map(|m| format!("{} of memory available", bytes(m)));
    let disk = resources.disks.iter().map(|d| d.available).min();
    let parts: Vec<String> =
        memory.into_iter().chain(disk.map(|d| format!("{} of disk", bytes(d)))).collect();
    if parts.is_empty() { "memory and disks were not read".to_owned() } else { parts.join("; ") }
}

/// Pings to Resources need the Connector's group to be let; TCP and UDP do not, so it is told and not judged.
fn no_ping(resources: &Resources, processes: &[&ConnectorProcess]) -> Option<String> {
    let PingGroups { first, last } = resources.ping_groups?;
    (first > last && processes.iter().any(|p| p.view.same_network == Some(true))).then(|| {
        format!(
            "net.ipv4.ping_group_range is {first} {last}: pings to Resources fail, TCP works; sudo sysctl -w net.ipv4.ping_group_range=\"0 2147483647\""
        )
    })
}
