//! The contract's words for what the details of a report hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who told the time that this host's clock is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSource {
    /// Time servers, alone or with others.
    Ntp,
    /// Dates of HTTP answers alone, the Controller's among them.
    ControllerDate,
    /// Dates of other hosts' HTTP answers.
    HttpsDate,
}

impl TimeSource {
    /// What a renderer adds to a time that no time server told.
    pub fn by_whom(self) -> Option<&'static str> {
        match self {
            Self::Ntp => None,
            Self::ControllerDate => Some("by the Controller's Date"),
            Self::HttpsDate => Some("by another host's Date"),
        }
    }
}

/// Whether a STUN server told our mapped address: the console's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StunDiscovery {
    /// At least one did.
    Available,
    /// None did.
    Unavailable,
    /// It could not be tried, or not decided.
    #[default]
    Unknown,
}

impl StunDiscovery {
    /// The console's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Unavailable => "Unavailable",
            Self::Unknown => "Unknown",
        }
    }
}

/// What to expect of peer-to-peer connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum P2pExpect {
    /// Direct ones, with most others.
    DirectLikely,
    /// The other side's NAT decides.
    DependsOnClient,
    /// None, or with few: relays must carry it.
    Relayed,
}
