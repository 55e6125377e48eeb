//! What this host shows of its Connector: processes, how it was deployed, its limits.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deployment::Deployment;
use super::kept::KeptConnector;
use super::settings::Settings;

/// The Connector as this host shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Connector {
    /// Processes of it, the oldest id first; at most 8.
    pub processes: Vec<ConnectorProcess>,
    /// How many processes of it there are in all.
    pub process_count: u32,
    /// Processes of its name that steer nothing, since any user may have started them; at most 8.
    pub strangers: Vec<Stranger>,
    /// Paths that show an installation on this host: its program, its unit.
    pub installed: Vec<String>,
    /// Its unit on this host.
    pub unit: Option<ConnectorUnit>,
    /// The version that the package's list of files names.
    pub version: Option<String>,
    /// The configuration file of this host, where it could be read.
    pub file: Option<Settings>,
    /// That file is there and could not be read; why.
    pub file_unread: Option<String>,
    /// Connectors that runtimes and service managers keep files of, running or not; at most 16.
    pub kept: Vec<KeptConnector>,
    /// Places that may hold such files and could not be read: why.
    pub kept_unread: Vec<String>,
    /// Token pairs that two places of this host have in common.
    pub shared_tokens: Vec<SharedTokens>,
}

impl Connector {
    /// Those of the kept of which nothing runs.
    pub fn at_rest(&self) -> impl Iterator<Item = &KeptConnector> {
        let runs = |kept: &KeptConnector| self.processes.iter().any(|p| p.runs() && kept.is(&p.deployment));
        self.kept.iter().filter(move |kept| !kept.alive && !runs(kept) && !self.of_a_stranger(kept))
    }

    /// A user's container that a process in that user's session is of: it runs, and nobody else follows it.
    fn of_a_stranger(&self, kept: &KeptConnector) -> bool {
        let (owner, id) = (kept.deployment.owner, &kept.deployment.id);
        owner.is_some()
            && id.is_some()
            && self.strangers.iter().any(|stranger| stranger.owner == owner && &stranger.container == id)
    }

    /// Those of the kept that run as other users' strangers.
    pub fn strangers_own(&self) -> impl Iterator<Item = &KeptConnector> {
        self.kept.iter().filter(|kept| self.of_a_stranger(kept))
    }

    /// Whether anything on this host shows a Connector.
    pub fn is_here(&self) -> bool {
        let kept = || self.kept.iter().any(|kept| !self.of_a_stranger(kept));
        !self.processes.is_empty() || !self.installed.is_empty() || kept()
    }
}

/// Two places of this host with the same token. The token itself is never kept, nor anything made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SharedTokens {
    /// Where it stands.
    pub first: String,
    /// Where it stands, too.
    pub second: String,
    /// How the two may meet.
    pub meet: Meet,
}

/// How two Connectors with one pair of tokens may meet, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Meet {
    /// One of them does not run, and nothing starts it.
    Idle,
    /// One of them does not run, and is started by itself sooner or later.
    MayStart,
    /// Both run.
    BothRun,
}

/// A process of a Connector's name that is not believed to be this system's Connector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Stranger {
    /// Its id, as this process sees it.
    pub pid: u32,
    /// The user that it runs as.
    pub uid: Option<u32>,
    /// The id of the container that its control group names.
    pub container: Option<String>,
    /// The user in whose session it runs.
    pub owner: Option<u32>,
}

/// A systemd unit on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConnectorUnit {
    /// `twingate-connector`.
    pub name: String,
    /// Started at boot.
    pub enabled: bool,
    /// Masked: made impossible to start.
    pub masked: bool,
}

/// One process of a Connector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConnectorProcess {
    /// Its id, as this process sees it.
    pub pid: u32,
    /// The kernel's name for it, at most 15 characters.
    pub name: String,
    /// Its state.
    pub state: ProcessState,
    /// The user that it runs as.
    pub uid: Option<u32>,
    /// How long it has been running, microseconds.
    pub age_us: Option<u64>,
    /// How it was deployed.
    pub deployment: Deployment,
    /// What it is configured with, a source each: its environment, its command line, a file of its own root.
    pub settings: Vec<Settings>,
    /// Sources that could not be read: why.
    pub unread: Vec<String>,
    /// Where it stands in the network, compared with this run.
    pub view: View,
    /// Its limits and what it uses of them.
    pub limits: ProcessLimits,
    /// Relays that it has a connection to, out of its sockets; at most 4.
    pub relays: Vec<SocketAddr>,
    /// Its connections to the ports of Controllers and relays; none where nobody looked.
    pub connections: Option<Connections>,
    /// Its own metrics, where it is configured to serve them.
    pub metrics: Option<OwnMetrics>,
}

/// The Connector's own metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OwnMetrics {
    /// They were there and could be read.
    pub read: bool,
    /// How long it has been running, by its own count, seconds.
    pub uptime_s: Option<u64>,
    /// Bytes that went peer-to-peer, both ways.
    pub direct_bytes: u64,
    /// Bytes that went over relays, both ways.
    pub relayed_bytes: u64,
    /// How long the answer took, microseconds.
    pub took_us: u64,
}

/// Connections of a process, by the table of its network namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Connections {
    /// How they were told from other programs'.
    pub by: AttributedBy,
    /// Those to TCP 443, 30000-31000 and its Controller's own port, at the beginning and at the end of the run; at most 64.
    pub seen: Vec<Connection>,
    /// Why they could not be read.
    pub unread: Option<String>,
}

/// How a connection was attributed to a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttributedBy {
    /// By the process's own descriptors: certain.
    Descriptors,
    /// By the user that it runs as: another program of this user's may hold it.
    #[default]
    User,
}

/// One TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// The other end.
    pub peer: SocketAddr,
    /// Its state.
    pub state: ConnectionState,
}

/// The state of a TCP connection (RFC 9293 3.3.2), as far as it matters here; the best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionState {
    /// Ending, by either side.
    Closing,
    /// SYN sent, no answer yet.
    Opening,
    /// It stands.
    Established,
}

impl ConnectorProcess {
    /// It is alive: no zombie, not stopped by a signal.
    pub fn runs(&self) -> bool {
        !matches!(
            self.state,
            ProcessState::Zombie | ProcessState::Dead | ProcessState::Stopped | ProcessState::Traced
        )
    }
}

/// The state of a process, by the letter of /proc/PID/stat (proc(5)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProcessState {
    /// Ended, and its parent has not noticed.
    #[serde(rename = "Z")]
    Zombie,
    /// Dead.
    #[serde(rename = "X")]
    Dead,
    /// Stopped by a signal.
    #[serde(rename = "T")]
    Stopped,
    /// Stopped by a tracer.
    #[serde(rename = "t")]
    Traced,
    /// Any other: it runs, sleeps or waits.
    #[serde(untagged)]
    Alive(String),
}

impl From<&str> for ProcessState {
    fn from(letter: &str) -> Self {
        match letter {
            "Z" => Self::Zombie,
            "X" => Self::Dead,
            "T" => Self::Stopped,
            "t" => Self::Traced,
            alive => Self::Alive(alive.to_owned()),
        }
    }
}

impl Default for ProcessState {
    fn default() -> Self {
        Self::Alive(String::new())
    }
}

/// Where a process stands in the network, compared with this run; none where it cannot be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct View {
    /// It is in this run's network namespace.
    pub same_network: Option<bool>,
    /// It reads the same resolvers.
    pub same_resolvers: Option<bool>,
    /// Its resolvers, where they were read.
    pub resolvers: Vec<IpAddr>,
    /// Names (never values) of proxy variables that it has, and this run not, or with another value.
    pub proxy_variables: Vec<String>,
}

/// Limits of a process, and its use of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProcessLimits {
    /// Descriptors that are open; none where that may not be read.
    pub open_files: Option<u64>,
    /// The soft limit; none where there is none, or it could not be read.
    pub open_files_soft: Option<u64>,
    /// The hard limit.
    pub open_files_hard: Option<u64>,
    /// Its control group's memory, where it has a limit of its own or was read at all.
    pub memory: Option<MemoryGroup>,
}

/// Memory of a control group, bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MemoryGroup {
    /// The least limit of the group and those above it.
    pub limit: Option<u64>,
    /// In use, without what the kernel can take back (page cache, reclaimable slab).
    pub used: u64,
    /// Processes of this very group that the kernel killed for want of memory, since the group was made.
    pub oom_kills: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processs_state_is_the_kernels_letter_in_json() {
        for (letter, runs) in
            [("S", true), ("R", true), ("Z", false), ("X", false), ("T", false), ("t", false)]
        {
            let state = ProcessState::from(letter);
            assert_eq!(serde_json::to_value(&state).unwrap(), letter);
            assert_eq!(serde_json::from_value::<ProcessState>(letter.into()).unwrap(), state);
            assert_eq!(ConnectorProcess { state, ..ConnectorProcess::default() }.runs(), runs, "{letter}");
        }
    }
}
