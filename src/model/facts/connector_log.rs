//! What the Connector's log showed: counts and times of known signatures, never a token.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a log showed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConnectorLog {
    /// Where it was read: a file's name, `standard input`, `journalctl`; none where none was.
    pub source: Option<String>,
}
