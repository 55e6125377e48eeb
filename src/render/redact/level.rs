//! How much of a report is hidden.

use crate::model::report::Report;

/// How much is hidden; ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing; secrets are never collected in the first place.
    #[default]
    None,
    /// Public addresses, the network's name, host names, user names, MAC addresses.
    Default,
    /// Also private addresses, interface names, names of servers.
    Strict,
}

impl Level {
    /// Every level by its word.
    pub const ALL: [(&str, Self); 3] =
        [("none", Self::None), ("default", Self::Default), ("strict", Self::Strict)];

    /// The word of `--redact` and of the report.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, level)| *level == self).map_or("none", |(word, _)| word)
    }

    /// The level that a report says it has; an unknown word counts as none.
    pub fn of(report: &Report) -> Self {
        Self::of_word(&report.redaction)
    }

    /// The level of a word; an unknown word counts as none.
    pub(in crate::render) fn of_word(word: &str) -> Self {
        Self::ALL.iter().find(|(own, _)| *own == word).map_or(Self::None, |(_, level)| *level)
    }
}
