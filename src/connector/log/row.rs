//! What a row of the tables of signatures is.

use crate::model::facts::Signature as S;

/// What an incident of this kind is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Harmless, or only a hint beside others.
    Note,
    /// Hurts.
    Warn,
    /// The Connector does not work.
    Fail,
}

/// When an incident that nothing ended is over all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// It does not heal by itself, said again or not.
    UntilRestart,
    /// It is said again and again while it lasts: silence ends it.
    WhileSaid,
}

/// One row: a signature and its words.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub signature: S,
    /// Any of these; each with what else must stand in the same line (`a|b`: one of them). The first row that fits a
    /// line counts it.
    pub words: &'static [(&'static str, &'static [&'static str])],
    /// What shows that the line means something else.
    pub unless: &'static [&'static str],
    /// Nobody else says this: the words alone show a Connector's log.
    pub ours: bool,
    /// What it shows, as in "the log shows that …".
    pub shows: &'static str,
    /// What an incident is worth.
    pub weight: Weight,
    /// When it is over.
    pub lasts: Lasts,
    /// So many lines make an incident …
    pub times: usize,
    /// … within so many seconds; silence for as long (five minutes at least) ends one that lasts while it is said.
    pub within_s: u32,
    /// Where it is known from: connector-facts' keys.
    pub source: &'static str,
}

pub(super) const MINUTE: u32 = 60;
