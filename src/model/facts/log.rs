//! What a Connector's log says, counted: signatures, states, the clock of its tokens, relays. No line as it stood.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was read of one log. Tokens are masked before they come here; times are the log's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConnectorLog {
    /// Bytes read.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Lines longer than 64 KiB, of which only the beginning was looked at.
    pub cut_lines: u64,
    /// At least one line is of the form that Connectors write.
    pub recognised: bool,
    /// When it was read from the running system, the host's wall clock, nanoseconds since 1970; none for a file.
    pub read_at_ns: Option<i64>,
    /// The first line that bears a time, or the first.
    pub first: Place,
    /// The last line that bears a time, or the last.
    pub last: Place,
    /// The times bear a zone, or come from a source that writes UTC.
    pub zone_known: bool,
    /// Each signature that was found, in the order of the table.
    pub signs: Vec<LogSign>,
    /// The state that the last change led to, its letters alone.
    pub state: Option<String>,
    /// Changes of state.
    pub state_changes: u64,
    /// How the host's clock stands to the Controller's, by tokens issued there.
    pub token_clock: Option<TokenClock>,
    /// Relays that the log names, the latest first; at most 8.
    pub relays: Vec<SocketAddr>,
}

/// Where in a log, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Place {
    /// The line, counted from 1.
    pub line: u64,
    /// The line's time, nanoseconds since 1970 (since the start where the log counts from there).
    pub at_ns: Option<i64>,
}

/// How often, when, and whether it went by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogSign {
    /// Which.
    pub signature: Signature,
    /// Lines that show it.
    pub count: u64,
    /// The first of them.
    pub first: Place,
    /// The last of them.
    pub last: Place,
    /// Lines since the Connector last was seen to work, or to start anew.
    pub open: u64,
    /// The first of those.
    pub open_since: Place,
    /// What ended the one before.
    pub ended: Option<Ended>,
    /// The last line that made it an incident: so many within so long as the table says.
    pub incident: Option<Place>,
    /// The line that began it, masked and cut.
    pub sample: String,
}

/// What shows that a trouble is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The Connector came to the state Ready.
    Ready,
    /// It served a Client.
    Served,
    /// What had failed was said to work again.
    Answered,
    /// Another process began.
    Restarted,
}

/// Tokens' own times of issue against the times of the lines that show them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TokenClock {
    /// Tokens seen.
    pub tokens: u64,
    /// The least of line minus issue over the last 16 tokens, nanoseconds: the host's clock is ahead of the Controller's
    /// by at most this (negative: behind by at least as much), since no token is seen before it is issued.
    pub at_most_ns: i64,
    /// The line that shows it.
    pub place: Place,
}

/// A known failure, or what looks like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// The Controller says that the tokens are gone: HTTP 410.
    TokensGone,
    /// The Controller refuses the token.
    InvalidToken,
    /// A Client's token is held to be expired.
    TokenExpired,
    /// The Connector gave up for good.
    GaveUp,
    /// It says that it is offline.
    Offline,
    /// A token is empty or missing.
    TokenMissing,
    /// Relays cannot be reached.
    RelayUnreached,
    /// Connections to relays are given up.
    RelayLost,
    /// All name servers have failed.
    NameserversFailed,
    /// One name server has failed.
    NameserverFailed,
    /// The Controller answers 5xx.
    ControllerError,
    /// The Controller does not serve, for another reason.
    ControllerFailed,
    /// STUN requests fail.
    StunFailed,
    /// Too many open files.
    FdExhausted,
    /// Memory gone: killed, or refused.
    OutOfMemory,
    /// Disk full.
    DiskFull,
    /// The state Ready was left.
    LeftReady,
    /// Tokens are shown before they were issued.
    ClockBehind,
    /// The event service refuses a token that is about to be renewed.
    EventTokenExpired,
}
