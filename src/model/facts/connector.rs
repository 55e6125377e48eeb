//! What this host shows of its Connector: processes, how it was deployed, its settings and its limits. No secret is
//! among it: of tokens presence, form, and a JWT's times alone.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::origin::SettingsSource;

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
}

/// A process of a Connector's name that is not believed to be this system's Connector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Stranger {
    /// Its id, as this process sees it.
    pub pid: u32,
    /// The user that it runs as.
    pub uid: Option<u32>,
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

/// How a process was deployed, by its control group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Deployment {
    /// By whom.
    pub kind: DeploymentKind,
    /// The systemd unit, without `.service`.
    pub unit: Option<String>,
    /// The container's id, in full.
    pub id: Option<String>,
    /// The container's, machine's or pod's name.
    pub name: Option<String>,
    /// How often its runtime started it anew, where that is readable.
    pub restarts: Option<u32>,
}

/// By whom a process was deployed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeploymentKind {
    /// Started by hand, or nothing tells.
    #[default]
    Bare,
    /// A systemd service, as the package installs it.
    Systemd,
    /// Docker.
    Docker,
    /// Podman.
    Podman,
    /// Kubernetes.
    Kubernetes,
    /// systemd-nspawn.
    SystemdNspawn,
    /// LXC, LXD, Incus.
    Lxc,
    /// A container of a kind not told.
    Container,
}

impl DeploymentKind {
    /// The kind in words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Bare => "started by hand",
            Self::Systemd => "a systemd service",
            Self::Docker => "a docker container",
            Self::Podman => "a podman container",
            Self::Kubernetes => "a Kubernetes pod",
            Self::SystemdNspawn => "a systemd-nspawn container",
            Self::Lxc => "an LXC container",
            Self::Container => "a container",
        }
    }

    /// Runs on this host's own root of files.
    pub fn native(self) -> bool {
        matches!(self, Self::Bare | Self::Systemd)
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

/// What one source says of a Connector's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// Which source.
    pub source: SettingsSource,
    /// Permission bits of the file.
    pub mode: Option<u32>,
    /// The user that the file belongs to, where it lies below another process's root.
    pub owner: Option<u32>,
    /// The network's name, from either form.
    pub network: Option<String>,
    /// The Controller's URL, where one is given, without anything but host and port.
    pub url: Option<String>,
    /// The access token, where the variable is set at all.
    pub access_token: Option<Token>,
    /// The refresh token, where the variable is set at all.
    pub refresh_token: Option<Token>,
    /// Resolvers that it uses in place of the system's.
    pub dns: Vec<String>,
    /// -1 to 7.
    pub log_level: Option<i8>,
    /// What is wrong with what is written there.
    pub faults: Vec<SettingsFault>,
}

/// What is known of a token: never its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// The variable that holds it.
    pub variable: String,
    /// Its form.
    pub form: TokenForm,
    /// A JWT's time of issue, seconds since 1970.
    #[serde(default)]
    pub issued_s: Option<i64>,
    /// A JWT's expiry, seconds since 1970.
    #[serde(default)]
    pub expires_s: Option<i64>,
}

/// The form of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenForm {
    /// Nothing.
    Empty,
    /// Words that stand for a token, of an example that was not filled in.
    Placeholder,
    /// A JSON Web Token (RFC 7519).
    Jwt,
    /// Anything else.
    Opaque,
}

/// A fault of a configuration's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "fault")]
pub enum SettingsFault {
    /// The value is neither a network's name nor a URL.
    NotANetwork {
        /// The variable.
        variable: String,
    },
    /// A URL, or a host's name, where a network's name belongs.
    UrlForName {
        /// The variable.
        variable: String,
    },
    /// A name where a URL belongs, or a URL that is not `https://HOST`.
    NotAUrl {
        /// The variable.
        variable: String,
    },
    /// A host's name without `https://` where a URL belongs.
    NoScheme {
        /// The variable.
        variable: String,
    },
    /// The name that this variable had in older versions.
    OldName {
        /// The variable.
        variable: String,
    },
    /// A variable of no known name, so it does nothing; the nearest known one.
    Unknown {
        /// The variable.
        variable: String,
        /// The nearest known one.
        nearest: String,
    },
    /// A line that is no `NAME=VALUE`.
    Malformed {
        /// Counted from 1.
        line: u32,
    },
    /// Set several times with different values; the last one counts.
    Twice {
        /// The variable.
        variable: String,
    },
    /// Both tokens have the same value.
    SameTokens,
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
