//! What was asked beside this host's resolvers because these gave nothing, or lied: public resolvers, and TCP 443 to two addresses.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::network::{DnsAnswer, TcpConnected};
use crate::model::observation::Observation;

/// Questions and connections that need no resolver of this host's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Fallback {
    /// Who turned it off: `--no-fallback`, `--dns`.
    pub off: Option<String>,
    /// When and why it began; none where it did not.
    pub began: Option<FallbackBegan>,
    /// Questions to public resolvers, by their addresses.
    pub dns: Vec<Observation<FallbackDns>>,
    /// TCP 443 to addresses of public resolvers.
    pub tcp: Vec<Observation<FallbackTcp>>,
}

/// When and why the fallback began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FallbackBegan {
    /// Microseconds since the run's start.
    pub at_us: u64,
    /// Why.
    pub why: FallbackReason,
}

/// Why names were asked elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum FallbackReason {
    /// No configured resolver had answered by then.
    Silent,
    /// None is configured, or every one refused, failed, or could not be asked.
    ServesNothing,
    /// One of the vendor's names does not exist, by the resolvers of this host.
    Hidden {
        /// The name.
        name: String,
    },
    /// One of the vendor's names leads to an address that is not global.
    Astray {
        /// The name.
        name: String,
        /// Where it leads.
        address: IpAddr,
    },
}

/// A public resolver's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FallbackDns(pub DnsAnswer);

/// A TCP connection that shows that something gets out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FallbackTcp(pub TcpConnected);
