//! Connectors by what a runtime or a service manager keeps of them on disk: those that do not run leave nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deployment::{Deployment, DeploymentKind};
use super::settings::Settings;

/// A Connector that a file of this host tells of, whether it runs or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KeptConnector {
    /// The file or folder that tells of it.
    pub place: String,
    /// By whom it was deployed, and its names there.
    pub deployment: Deployment,
    /// Its state, as that file has it.
    pub state: KeptState,
    /// Its last exit code.
    pub exit_code: Option<i32>,
    /// The kernel killed it for want of memory.
    pub oom_killed: bool,
    /// Somebody stopped it by hand.
    pub stopped_by_hand: bool,
    /// Its runtime starts it anew when it ends; none where that is not told.
    pub restarts_itself: Option<bool>,
    /// What its runtime says of the last start.
    pub error: Option<String>,
    /// The version that its image's tag names.
    pub version: Option<String>,
    /// Files that it cannot start without, and that are not there: what is wrong, a sentence each.
    pub missing: Vec<String>,
    /// What it is configured with.
    pub settings: Vec<Settings>,
    /// Its log on this host.
    pub log: Option<String>,
    /// The process that its runtime names is there, and is its own.
    pub alive: bool,
}

/// The state of a Connector that a file tells of, the worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeptState {
    /// It runs, by that file.
    Running,
    /// Not told.
    #[default]
    Untold,
    /// Described, and never made or started.
    Declared,
    /// Paused: its processes are frozen.
    Paused,
    /// It has ended.
    Exited,
    /// Its start failed, or its manager gave it up.
    Failed,
    /// It starts and dies again and again.
    Restarting,
}

impl KeptConnector {
    /// Whether a process that was deployed so is it.
    pub fn is(&self, its: &Deployment) -> bool {
        let own = &self.deployment;
        let both = |own: &Option<String>, its: &Option<String>| own.is_some() && own == its;
        let named = matches!(own.kind, DeploymentKind::Kubernetes | DeploymentKind::Podman)
            && own.kind == its.kind
            && both(&own.name, &its.name);
        // These managers give a process no control group that names it.
        let plain = matches!(own.kind, DeploymentKind::OpenRc | DeploymentKind::Runit | DeploymentKind::S6);
        plain && its.kind.native()
            || named
            || both(&own.id, &its.id)
            || both(&own.pod, &its.pod)
            || both(&own.unit, &its.unit)
    }

    /// It starts and dies again and again, by its runtime's own word.
    pub fn dies_again(&self) -> bool {
        self.state == KeptState::Restarting
    }
}
