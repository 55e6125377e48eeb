//! What was observed of how long a UDP mapping lives (RFC 5780 4.6); judged elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sockets that fell silent for different times, each asked afterwards whether its mapping still stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MappingLifetime {
    /// How it was told.
    pub by: LifetimeBy,
    /// One row a socket, by kind of use and rising silence.
    pub rungs: Vec<Rung>,
}

/// How a mapping is known to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LifetimeBy {
    /// The server was asked, from another socket, to answer to the mapped port (RESPONSE-PORT): an answer arrives
    /// only while the mapping stands.
    ResponsePort,
    /// No server answers to another port: the socket asked again, and saw the same mapped address or another one. A NAT
    /// that gives the same port again hides the end of a mapping from this.
    SameAddress,
}

/// One socket and what became of its mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rung {
    /// Packets went both ways for three seconds before the silence, as in a connection; else a single exchange.
    pub used: bool,
    /// How long nothing was sent, milliseconds.
    pub silent_ms: u64,
    /// What became of the mapping.
    pub fate: Fate,
}

/// What became of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It stood.
    Alive,
    /// It was gone, while the server still answered.
    Gone,
    /// Nothing tells: the server did not answer any more.
    Untold,
}
