//! What is left of this host's memory and disks, bytes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Memory and disks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Resources {
    /// `MemTotal`.
    pub memory_total: Option<u64>,
    /// `MemAvailable`: what can be had without swapping, page cache included.
    pub memory_available: Option<u64>,
    /// `SwapFree`.
    pub swap_free: Option<u64>,
    /// Processes that the kernel killed for want of memory since boot, anywhere on this machine.
    pub oom_kills: Option<u64>,
    /// File systems that a Connector or its system writes to.
    pub disks: Vec<Disk>,
    /// Groups that may send ICMP echo without rights (`net.ipv4.ping_group_range`).
    pub ping_groups: Option<PingGroups>,
}

/// A file system that is written to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Disk {
    /// A place on it.
    pub path: String,
    /// Its size.
    pub total: u64,
    /// What an ordinary user may still fill.
    pub available: u64,
    /// Files that may still be made; none where the file system does not count them.
    pub files_available: Option<u64>,
}

/// A range of group ids; `1 0` is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PingGroups {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
}
