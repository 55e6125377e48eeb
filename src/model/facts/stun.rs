//! What was observed of STUN: Binding answers (RFC 8489) and an independent second opinion.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An accepted Binding success response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StunAnswer {
    /// The true local address that the request left from (never `0.0.0.0`).
    pub local: SocketAddr,
    /// Our address as the server sees it: XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS.
    pub mapped: SocketAddr,
    /// MAPPED-ADDRESS, where the server sent it too; a difference is tampering (RFC 5780 3.6).
    pub mapped_plain: Option<SocketAddr>,
    /// Whether `mapped` came from XOR-MAPPED-ADDRESS.
    pub xor: bool,
    /// Round trip, microseconds; each request has an id of its own, so resends leave no doubt.
    pub rtt_us: u64,
    /// Requests sent until the answer.
    pub sent: u32,
    /// Datagrams dropped as not the answer.
    pub strays: u32,
    /// Answers that contradict another one to the same request.
    #[serde(default)]
    pub conflicts: u32,
    /// RESPONSE-ORIGIN (RFC 5780 7.3).
    pub response_origin: Option<SocketAddr>,
    /// OTHER-ADDRESS (RFC 5780 7.4).
    pub other_address: Option<SocketAddr>,
    /// SOFTWARE, cleaned and cut.
    pub software: Option<String>,
}

/// Whether another implementation, on a fresh connected socket, got any answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecondOpinion {
    /// An answer came.
    pub reachable: bool,
    /// The address that it told; the port is another socket's than ours.
    #[serde(default)]
    pub mapped: Option<IpAddr>,
}

/// A Binding response over TCP (RFC 8489 6.2.2): our address as TCP connections show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StunOverTcp(pub StunAnswer);

/// Whose answer reached a socket that takes answers from anybody, after the server itself had been silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StunAnywhere {
    /// Where the answer to our request came from: another address or port than the one that was asked.
    pub from: SocketAddr,
    /// Requests sent until then.
    pub sent: u32,
}
