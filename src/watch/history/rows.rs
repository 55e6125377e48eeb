//! What of the store a history is told from.

use super::drift::Reading;
use crate::watch::record::{Event, Session, State as Kept};

/// What the store holds of the time asked for.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Sessions, oldest first; one before the time asked for tells of a gap at its beginning.
    pub sessions: Vec<Session>,
    /// Values, by session and time.
    pub states: Vec<Kept>,
    /// What happened to the watch.
    pub events: Vec<Event>,
    /// Offsets of the clock, each of one observation or of a minute.
    pub offsets: Vec<Offset>,
}

/// The clock's offset in one observation, or in a minute's or an hour's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offset {
    /// Mean, and how far it may be off.
    pub reading: Reading,
    /// The least, seconds.
    pub min_s: f64,
    /// The greatest, seconds.
    pub max_s: f64,
}
