//! What was observed of a NAT's behaviour (RFC 5780): every request with what became of it; judged elsewhere.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A series of requests from fresh sockets to one server with RFC 5780, or to several without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NatSeries {
    /// The addresses asked; of a server with RFC 5780 its primary and its other one.
    pub paths: Vec<NatPath>,
    /// Whether the two paths are a server's primary and its OTHER-ADDRESS.
    pub alternate: bool,
    /// Every request, in the order sent.
    pub asked: Vec<NatRequest>,
    /// How long an answer was awaited before it counts as lost, microseconds.
    pub patience_us: u64,
    /// When watching ended, microseconds since the run's start.
    pub ended_us: u64,
    /// Datagrams that were dropped as not an answer.
    pub strays: u32,
}

/// A destination, and the local address that datagrams to it leave from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NatPath {
    /// Where to.
    pub to: SocketAddr,
    /// The true local address of the route there.
    pub from: IpAddr,
}

/// One request and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NatRequest {
    /// Which socket: 0 speaks to the primary address alone, the others to every address.
    pub socket: usize,
    /// The true local address it left from.
    pub local: SocketAddr,
    /// Its destination.
    pub to: SocketAddr,
    /// What was asked.
    pub ask: NatAsk,
    /// When it was sent, microseconds since the run's start.
    pub sent_us: u64,
    /// What came back, if anything did.
    pub reply: Option<NatReply>,
}

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NatAsk {
    /// A plain Binding request.
    Plain,
    /// CHANGE-REQUEST: answer from the other port.
    ChangePort,
    /// CHANGE-REQUEST: answer from the other address and port.
    ChangeBoth,
}

/// What came back with the request's transaction id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NatReply {
    /// A success response.
    Mapped {
        /// From where.
        from: SocketAddr,
        /// Our address as the server saw it.
        mapped: SocketAddr,
        /// When, microseconds since the run's start.
        at_us: u64,
    },
    /// An error response with this code.
    Refused(u16),
}
