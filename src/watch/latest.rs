//! What the watch knows right now, for whoever serves it: `/metrics`, `/healthz`, the textfile.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Report;

/// A view of the latest; the loop sends a new one after each observation, and never waits for a reader.
pub type Feed = tokio::sync::watch::Receiver<Arc<Latest>>;

/// The latest report, and what was counted since the process began.
#[derive(Clone, Debug, Default)]
pub struct Latest {
    /// The latest observation, whole: what a cheap one did not ask is carried over from the one before.
    /// None before the first has ended.
    pub report: Option<Arc<Report>>,
    /// When it ended, nanoseconds since 1970 by the best clock known.
    pub at_ns: i64,
    /// Counters.
    pub counted: Counted,
}

/// Counters since the process began; none ever falls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// Observations.
    pub samples: u64,
    /// Observations that the store kept.
    pub kept: u64,
    /// Observations that it could not keep.
    pub lost: u64,
    /// Settled changes by check.
    pub changes: BTreeMap<String, u64>,
    /// Pauses of the process or the host.
    pub pauses: u64,
    /// Steps of the host's clock.
    pub clock_steps: u64,
    /// How long the Controller was not reached, seconds.
    pub controller_down_s: f64,
    /// How long it was, seconds.
    pub controller_up_s: f64,
}
