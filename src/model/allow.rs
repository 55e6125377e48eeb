//! What is known and accepted: as a user says it, and as a report shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A finding that is known and accepted for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allow {
    /// The check's id, an anchored glob.
    pub check: String,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is, `YYYY-MM-DD`; none means for good.
    pub until: Option<String>,
}

/// Why a warn or fail is accepted: it is shown, and counts for no verdict and no exit code until its last day is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allowed {
    /// The user's own words.
    pub reason: String,
    /// The last day, `YYYY-MM-DD`; null means for good.
    pub until: Option<String>,
    /// The last day is over: the outcome counts again.
    pub expired: bool,
}
