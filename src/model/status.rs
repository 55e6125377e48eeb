//! How a check ends.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The outcome of a check, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not applicable, not asked for, not measurable, needs an earlier step, or lacks rights; never good, never bad.
    Skip,
    /// The title's claim is true.
    Pass,
    /// Tried, could not decide.
    Unknown,
    /// Works, with a flaw that will hurt.
    Warn,
    /// The title's claim is false.
    Fail,
}

impl Status {
    /// Every status, in order.
    pub const ALL: [Self; 5] = [Self::Skip, Self::Pass, Self::Unknown, Self::Warn, Self::Fail];

    /// The lower-case word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}
