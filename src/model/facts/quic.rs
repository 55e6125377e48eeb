//! What was observed of QUIC: handshakes, version probes, and TLS over TCP with the same hosts as their control.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::observation::Observation;

/// Everything observed of QUIC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Quic {
    /// Full handshakes, one a server and family.
    pub handshakes: Vec<Observation<QuicSession>>,
    /// Version negotiation, one a server and family.
    pub versions: Vec<Observation<QuicVersions>>,
    /// TLS over TCP with the same addresses.
    pub controls: Vec<Observation<QuicControl>>,
    /// Handshakes of another shape.
    pub variants: Vec<Observation<QuicVariant>>,
}

/// A handshake (RFC 9000 7) that ended, or was refused by QUIC's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QuicSession {
    /// From the first packet to the end of the handshake, microseconds.
    pub handshake_us: u64,
    /// The round trip that QUIC itself measured, microseconds.
    pub rtt_us: u64,
    /// The protocol agreed on by ALPN.
    pub alpn: Option<String>,
    /// The server's refusal by a QUIC packet: it was reached, and QUIC passes.
    pub refused: Option<String>,
    /// Whether packets still came back while the connection was held; null where it was not.
    pub held: Option<bool>,
    /// Datagrams that came from the server.
    pub received: u64,
}

/// The answer to a version that nobody speaks (RFC 9000 6, 17.2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QuicVersions {
    /// Versions that the server offers; at most 16.
    pub versions: Vec<u32>,
    /// Round trip, microseconds.
    pub rtt_us: u64,
}

/// TLS over TCP with the same host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QuicControl {
    /// SYN to SYN-ACK, microseconds.
    pub connect_us: u64,
    /// The TLS handshake, microseconds.
    pub handshake_us: u64,
}

/// How a handshake differs from the usual one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QuicShape {
    /// A name in the first message that no filter knows.
    #[default]
    NeutralName,
    /// Datagrams as large as the way out carries, in place of 1200 bytes.
    FullSize,
}

/// A handshake of another shape, and whether it was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QuicVariant {
    /// What was different.
    pub shape: QuicShape,
    /// Whether the server answered.
    pub answered: bool,
    /// UDP payload of the first packet, bytes.
    pub size: u16,
    /// How often it was tried.
    pub tries: u32,
}
