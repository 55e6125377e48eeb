//! Why a check has no outcome.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a check has no outcome, by what would give it one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lack {
    /// Nobody named the network.
    Network,
    /// What it rests on may be read by root alone.
    Rights,
    /// A step before it has no outcome, or failed.
    Step,
    /// Part of it was not tested, the rest passed; changes no verdict.
    Part,
    /// Nobody named what the Connector's log calls failed; changes no verdict.
    Named,
    /// No answer, too short a wait, this host exhausted: another try may decide.
    Answer,
}

impl Lack {
    /// Whether another try of the same command may give the outcome.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Step | Self::Answer)
    }

    /// Whether it is said and changes no verdict.
    pub fn is_aside(self) -> bool {
        matches!(self, Self::Part | Self::Named)
    }
}
