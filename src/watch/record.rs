//! What is kept: plain rows, written and read by `store` alone. Pure data, no I/O.
//!
//! Times are nanoseconds since 1970 by the best clock known: the reference where one was measured, else the host's.
//! Inside a session they follow the boot clock, which counts a suspended host and never steps.

use std::time::Duration;

use crate::model::Verdict;

/// Names of states that are no check's; a check's state has its id, which holds a dot.
pub mod state {
    /// The verdict's word.
    pub const VERDICT: &str = "verdict";
    /// Codes of the causes, the first to fix at the front, by comma; empty where there is none.
    pub const CAUSES: &str = "causes";
    /// Public IPv4 addresses, by comma.
    pub const IPV4: &str = "ipv4";
    /// Public IPv6 addresses, by comma.
    pub const IPV6: &str = "ipv6";
    /// When the Connector's process started, seconds since 1970; empty where none runs.
    pub const CONNECTOR: &str = "connector";
    /// Begins the name of a Resource's outcome: its own name follows. No check's id holds a space.
    pub const RESOURCE: &str = "resource ";
}

/// A session, as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Rises with time.
    pub id: i64,
    /// The first session of the same process.
    pub run: i64,
    /// The kernel's boot id.
    pub boot_id: String,
    /// The version that watched.
    pub version: String,
    /// The pace that was asked for.
    pub every: Duration,
    /// The first observation.
    pub started_ns: i64,
    /// The last observation: beyond it nothing is known.
    pub last_ns: i64,
    /// The boot clock at the beginning.
    pub boot: Duration,
    /// The times are a reference's; else the host's own.
    pub by_reference: bool,
    /// Observations, thinned ones included.
    pub samples: u64,
    /// Why it ended; none while it goes on, and where the process was killed.
    pub ended: Option<Ended>,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A signal asked the process to end.
    Stopped,
    /// The process or the host stood still: suspended, stopped, starved.
    Paused,
    /// The reference moved against the boot clock: a virtual machine was paused or restored.
    Clock,
    /// Samples were lost, since the store could not be written.
    Store,
}

impl Ended {
    /// Every reason, with its word in the store.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Stopped, "stopped"),
        (Self::Paused, "paused"),
        (Self::Clock, "clock"),
        (Self::Store, "store"),
    ];

    /// The word in the store.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(ended, _)| *ended == self).map_or("", |(_, word)| word)
    }

    /// The reason of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, own)| *own == word).map(|(ended, _)| *ended)
    }
}

/// A value that began to stand, as kept. It stands until the next settled one of the same name and session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// A check's id, or a name of [`state`].
    pub name: String,
    /// Its session.
    pub session: i64,
    /// When it was first seen.
    pub at_ns: i64,
    /// An outcome's word, or what [`state`] says.
    pub value: String,
    /// The cause that explains a bad outcome.
    pub cause: Option<String>,
    /// A second observation agreed. What never settled was a moment's: one lost packet.
    pub settled: bool,
}

/// One observation, as kept; beyond a day only states and figures are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its session.
    pub session: i64,
    /// When it began.
    pub at_ns: i64,
    /// What the host's clock showed then, nanoseconds since 1970.
    pub wall_ns: i64,
    /// How long it took.
    pub took: Duration,
    /// Everything was asked; else the cheap checks alone.
    pub full: bool,
    /// The verdict of this observation alone.
    pub verdict: Verdict,
}

/// A figure over time: one observation, or a minute's or an hour's together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When it was measured, or when its minute or hour began.
    pub at_ns: i64,
    /// How many observations.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// Something that happened to the watch itself, as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its session.
    pub session: i64,
    /// When it was noticed.
    pub at_ns: i64,
    /// `clock-step`, `paused`, …: see docs/store.md.
    pub kind: String,
    /// Its size, seconds, where it has one.
    pub seconds: Option<f64>,
    /// For people.
    pub text: String,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A session begins.
    Began(Begun),
    /// An observation of the session that began last.
    Sampled(Box<Sampled>),
    /// That session ends.
    Ended(Ended),
}

/// A session's beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// It is the first of its process.
    pub first_of_run: bool,
    /// The kernel's boot id.
    pub boot_id: String,
    /// The version that watches.
    pub version: String,
    /// The pace that was asked for.
    pub every: Duration,
    /// When it began.
    pub started_ns: i64,
    /// The boot clock then.
    pub boot: Duration,
    /// That time is a reference's.
    pub by_reference: bool,
}

/// One observation with all that is kept of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// When, since the session began, by the boot clock.
    pub after: Duration,
    /// When the session began, as it is known by now: a reference may have come since.
    pub started_ns: i64,
    /// That time is a reference's.
    pub by_reference: bool,
    /// What the host's clock showed, nanoseconds since 1970.
    pub wall_ns: i64,
    /// How long it took.
    pub took: Duration,
    /// Everything was asked.
    pub full: bool,
    /// The verdict of this observation alone.
    pub verdict: Verdict,
    /// Values that were not there the time before.
    pub states: Vec<NewState>,
    /// Earlier values that are settled by this observation.
    pub settled: Vec<Settled>,
    /// Figures: `CHECK.MEASUREMENT`, in the base unit that the name ends in.
    pub measures: Vec<(String, f64)>,
    /// What happened since the observation before.
    pub events: Vec<NewEvent>,
    /// Facts as compressed JSON, where they are worth keeping.
    pub facts: Option<Vec<u8>>,
}

/// A value that was first seen at its observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewState {
    /// A check's id, or a name of [`state`].
    pub name: String,
    /// The value.
    pub value: String,
    /// The cause that explains it.
    pub cause: Option<String>,
    /// It needs no second observation.
    pub settled: bool,
}

/// An earlier value that a second observation agreed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Its name.
    pub name: String,
    /// When it was first seen, since the session began.
    pub first: Duration,
    /// The cause, as known by now.
    pub cause: Option<String>,
}

/// Something that happened to the watch itself.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// `clock-step`, `paused`, …
    pub kind: &'static str,
    /// Its size, seconds, where it has one.
    pub seconds: Option<f64>,
    /// For people.
    pub text: String,
}
