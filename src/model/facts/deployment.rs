//! By whom a Connector was deployed, and its names there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a Connector was deployed, by its control group or its runtime's files.
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
    /// A pod's own id.
    pub pod: Option<String>,
    /// The namespace of a pod.
    pub namespace: Option<String>,
    /// The user in whose podman or docker it runs, where that is not root.
    pub owner: Option<u32>,
    /// The project of docker compose that it belongs to.
    pub compose: Option<Compose>,
}

/// A service of a compose project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Compose {
    /// The project's name.
    pub project: String,
    /// The service's name.
    pub service: String,
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
    /// An `OpenRC` service.
    #[serde(rename = "openrc")]
    OpenRc,
    /// A runit service.
    Runit,
    /// An s6 service.
    S6,
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
            Self::OpenRc => "an OpenRC service",
            Self::Runit => "a runit service",
            Self::S6 => "an s6 service",
            Self::Container => "a container",
        }
    }

    /// Runs on this host's own root of files.
    pub fn native(self) -> bool {
        matches!(self, Self::Bare | Self::Systemd | Self::OpenRc | Self::Runit | Self::S6)
    }
}
