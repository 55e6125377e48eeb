//! What this host had left to open connections with, and what its network stack counted while the run asked: read without rights.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Before and after the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Room {
    /// Local ports when the run began; none where they could not be read.
    pub ports: Option<Ports>,
    /// Local ports when it ended.
    pub ports_after: Option<Ports>,
    /// The table of tracked connections when the run began; none where nothing is tracked here.
    pub conntrack: Option<Conntrack>,
    /// The same when it ended.
    pub conntrack_after: Option<Conntrack>,
    /// What was counted meanwhile.
    pub counted: Option<Counted>,
    /// Interfaces that drop what comes in by another way than answers would leave (`rp_filter` 1), by their names.
    pub strict_reverse_path: Vec<String>,
}

/// Local ports that programs are given (`ip_local_port_range`), and how many are in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Ports {
    /// The first of the range.
    pub first: u16,
    /// The last of the range.
    pub last: u16,
    /// How many of the range are reserved (`ip_local_reserved_ports`).
    pub reserved: u32,
    /// Ports of the range that UDP sockets hold.
    pub udp: u32,
    /// Ports of the range that TCP connections hold, those that linger (`TIME_WAIT`) included.
    pub tcp: u32,
}

impl Ports {
    /// How many there are to be given.
    pub fn given(self) -> u32 {
        (u32::from(self.last) + 1).saturating_sub(u32::from(self.first)).saturating_sub(self.reserved)
    }

    /// How many are left for UDP.
    pub fn udp_left(self) -> u32 {
        self.given().saturating_sub(self.udp)
    }
}

/// The kernel's table of tracked connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Conntrack {
    /// Entries of this network namespace.
    pub count: u64,
    /// How many there may be.
    pub max: u64,
}

/// Counters of the network stack, by how much they rose (RFC 4113, RFC 4293, Linux' own).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counted {
    /// UDP datagrams to a port where nobody listens (`NoPorts`).
    pub udp_no_ports: u64,
    /// UDP datagrams that could not be delivered for another reason (`InErrors`).
    pub udp_in_errors: u64,
    /// Of these, for want of room in a socket's buffer (`RcvbufErrors`).
    pub udp_receive_buffer: u64,
    /// Packets dropped because answers would leave by another interface (`IPReversePathFilter`).
    pub reverse_path: u64,
    /// Connections that a listening socket dropped (`ListenDrops`).
    pub listen_drops: u64,
}
