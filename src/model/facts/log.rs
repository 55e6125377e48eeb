//! What a Connector's log says, counted: signatures, states, the clock of its tokens, relays. No line as it stood.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::text::count;

/// What was read of one log. Tokens are masked before they come here; times are the log's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
pub struct ConnectorLog {
    /// Bytes read.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Lines longer than 64 KiB, of which only the beginning was looked at.
    pub cut_lines: u64,
    /// At least one line is of the form that Connectors write, or tells of one.
    pub recognised: bool,
    /// It is the log of the vendor's Client, not of a Connector.
    pub client: bool,
    /// Telling lines of other programs, which count for nothing.
    pub others: u64,
    /// When it was read from the running system, the host's wall clock, nanoseconds since 1970; none for a file.
    pub read_at_ns: Option<i64>,
    /// The first line that bears a time, or the first.
    pub first: Place,
    /// The last line that bears a time, or the last.
    pub last: Place,
    /// The times bear a zone, or come from a source that writes UTC.
    pub zone_known: bool,
    /// The lines stand newest first, or in no order, and were sorted by their times.
    pub sorted: bool,
    /// Telling lines that the bound of memory left out of a log in no order: all of them older than what was kept.
    pub left_out: u64,
    /// The oldest time that is whole where lines were left out, nanoseconds since 1970.
    pub whole_since_ns: Option<i64>,
    /// Relays that the log names, the latest first; at most 8.
    pub relays: Vec<SocketAddr>,
    /// The Connector whose lines these are; the one to worry about most where there are several.
    #[serde(flatten)]
    pub own: OneLog,
    /// Other Connectors whose lines stand between.
    pub more: Vec<OneLog>,
}

impl ConnectorLog {
    /// Every Connector of the log.
    pub fn connectors(&self) -> impl Iterator<Item = &OneLog> {
        std::iter::once(&self.own).chain(&self.more)
    }
}

/// What the lines of one Connector show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OneLog {
    /// How its lines are marked, the host left out: a service, a pod, a container; empty where they are not.
    pub name: String,
    /// The host that its lines name; empty where they name none.
    pub host: String,
    /// Its first and last line with a time; none where there is one Connector only, or no times.
    pub span_ns: Option<(i64, i64)>,
    /// Each signature that was found, in the order of the table.
    pub signs: Vec<LogSign>,
    /// Signs of health were looked for: without any a log is not good.
    pub reads_health: bool,
    /// The last sign that it works.
    pub health: Option<HealthSeen>,
    /// The state that the last line on it names, its letters alone.
    pub state: Option<String>,
    /// Changes of state.
    pub state_changes: u64,
    /// The last state is none in which it works, and no sign of health came after it.
    pub bad_state: bool,
    /// It was stopped, and not started again.
    pub stopped: Option<Place>,
    /// How the host's clock stands to the Controller's, by tokens issued there.
    pub token_clock: Option<TokenClock>,
    /// What a time daemon said that it set the clock by, nanoseconds: positive where the clock had been behind.
    pub clock_step_ns: Option<i64>,
    /// Errors that the table does not know, most often seen first; at most 8 shapes.
    pub unknown: Vec<UnknownError>,
    /// Lines of those, and of shapes beyond the first 8.
    pub unknown_lines: u64,
    /// Unknown errors after the last sign of health.
    pub unknown_since: u64,
    /// The last of them.
    pub unknown_last: Option<Place>,
    /// A panic or a fatal error after the last sign of health.
    pub died: Option<Place>,
    /// Lines with a time in a form that is not known: of silence nothing can be said.
    pub strange_times: u64,
    /// Another of the same kind came after it: a pod that was replaced.
    pub replaced: bool,
    /// Connections of Clients to Resources.
    pub traffic: Traffic,
}

/// A sign that the Connector works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthSeen {
    /// Which.
    pub sign: Health,
    /// Where.
    pub last: Place,
}

/// What shows that a Connector works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Its event service's token is renewed, as it is each hour.
    Renewed,
    /// A name server answers again.
    NamesBack,
    /// The Controller took a heartbeat.
    Heartbeat,
    /// It decided on a Client's connection.
    Served,
    /// It is in the state Ready or Online.
    Ready,
}

/// An error that the table does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnknownError {
    /// Its words, as far as they are known ones; figures are `N`.
    pub shape: String,
    /// Lines.
    pub count: u64,
}

/// Connections, counted; nobody's name or address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Traffic {
    /// That went straight to the Client.
    pub direct: u64,
    /// That went over a relay.
    pub relayed: u64,
    /// To Resources that were not reached, most often failed first; at most 8.
    pub failed: Vec<FailedResource>,
    /// Failures beside those.
    pub failed_more: u64,
}

/// A Resource that the Connector did not reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedResource {
    /// Its address and port.
    pub resource: String,
    /// Why.
    pub reason: ResourceFault,
    /// Connections.
    pub count: u64,
}

impl FailedResource {
    /// Host and port, as `--resource` takes them; none of a wildcard, or where the port is not known.
    pub fn place(&self) -> Option<(&str, u16)> {
        let (host, port) = self.resource.rsplit_once(':')?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let named = !host.is_empty() && !host.contains([':', '*', ' ']);
        let host = bare.or(named.then_some(host))?;
        Some((host, port.parse().ok().filter(|port| *port > 0)?))
    }

    /// Its host: what is hidden where names of Resources are.
    pub fn host(&self) -> Option<&str> {
        let whole = Some(self.resource.as_str()).filter(|text| !text.contains(' '));
        self.place().map(|(host, _)| host).or(whole)
    }

    /// Why and how often, in words.
    pub fn words(&self) -> String {
        format!(
            "{}, {}",
            self.reason.words(),
            count(usize::try_from(self.count).unwrap_or(usize::MAX), "time")
        )
    }
}

/// Why a Resource was not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceFault {
    /// Its name did not resolve.
    Names,
    /// It refused.
    Refused,
    /// No answer came.
    Timeout,
    /// No way leads there.
    Unreachable,
    /// It broke off.
    Reset,
    /// Another reason.
    Other,
}

impl ResourceFault {
    /// In words, said of the Resource.
    pub fn words(self) -> &'static str {
        match self {
            Self::Names => "its name does not resolve",
            Self::Refused => "refuses",
            Self::Timeout => "does not answer",
            Self::Unreachable => "no route to it",
            Self::Reset => "breaks off",
            Self::Other => "not reached",
        }
    }
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
    /// The Controller took a heartbeat.
    Heartbeat,
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
    /// Different tokens in a row that were all shown so long after their issue, give or take a second and a half: what
    /// is always the same is the clock's error, not the tokens' age.
    pub in_step: u64,
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
    /// The Controller refuses the tokens: HTTP 401 or 403.
    TokensRefused,
    /// The Controller does not know the network: HTTP 404.
    NetworkUnknown,
    /// A proxy stands in the way: HTTP 407, or its words.
    ProxyInTheWay,
    /// The Controller refuses this version: HTTP 426, or its words.
    VersionRefused,
    /// The Controller limits requests: HTTP 429.
    RateLimited,
    /// The Controller refuses, with another 4xx.
    ControllerRefused,
    /// The Controller's name does not resolve.
    HostUnresolved,
    /// A certificate is not trusted.
    CertificateRefused,
    /// A certificate is not valid yet, or no longer, by this host's clock.
    CertificateDates,
    /// Tokens are shown so long after their issue, always alike: the clock is ahead of the Controller's.
    ClockAhead,
    /// A time daemon set the clock.
    ClockStepped,
    /// A Resource is not reached.
    ResourceFailed,
    /// Its own socket cannot be made.
    SocketUnwritable,
    /// A setting is missing.
    SettingMissing,
    /// Its environment file, secret or configuration is not there.
    FileMissing,
    /// Its program cannot be executed.
    CannotExecute,
    /// The runtime or the service manager cannot start it.
    CannotStart,
    /// Its image cannot be had.
    ImageMissing,
    /// It ended badly.
    Crashed,
    /// It is started again and again.
    RestartLoop,
    /// Its container or unit has ended and is not running.
    Exited,
}
