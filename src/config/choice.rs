//! Settings that take one word of a few.

use super::error::unknown;

/// A setting whose values are words of the contract; the first is the default.
pub trait Choice: Copy + 'static {
    /// What it is called in an error.
    const WHAT: &'static str;
    /// The words and what they mean.
    const WORDS: &'static [(&'static str, Self)];

    /// The value of a word; an unknown one is told the nearest.
    fn parse(text: &str) -> Result<Self, String> {
        match Self::WORDS.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(*value),
            None => Err(unknown(Self::WHAT, text, Self::WORDS.iter().map(|(word, _)| *word))),
        }
    }

    /// The word of a value.
    fn word(self) -> &'static str
    where
        Self: PartialEq,
    {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| *word)
    }
}

/// The mildest outcome that makes the exit code 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailOn {
    /// Fail.
    #[default]
    Fail,
    /// Warn or fail.
    Warn,
    /// Unknown, warn or fail.
    Unknown,
    /// Nothing does.
    None,
}

impl Choice for FailOn {
    const WHAT: &'static str = "outcome";
    const WORDS: &'static [(&'static str, Self)] =
        &[("fail", Self::Fail), ("warn", Self::Warn), ("unknown", Self::Unknown), ("none", Self::None)];
}

/// The scheme of exit codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExitCodes {
    /// 0 good, 1 at or above the threshold, 2 not started, 3 inconclusive.
    #[default]
    Standard,
    /// OK, WARNING, CRITICAL, UNKNOWN.
    Nagios,
    /// 0 healthy or degraded, 1 anything else.
    Bool,
}

impl Choice for ExitCodes {
    const WHAT: &'static str = "scheme of exit codes";
    const WORDS: &'static [(&'static str, Self)] =
        &[("standard", Self::Standard), ("nagios", Self::Nagios), ("bool", Self::Bool)];
}

/// What the report hides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redact {
    /// Nothing but secrets, which are never collected.
    #[default]
    None,
    /// Public addresses, the network's name, host and user names, MAC addresses.
    Default,
    /// Also private addresses, interface names, names of servers.
    Strict,
}

impl Choice for Redact {
    const WHAT: &'static str = "level of redaction";
    const WORDS: &'static [(&'static str, Self)] =
        &[("none", Self::None), ("default", Self::Default), ("strict", Self::Strict)];
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Choice for Color {
    const WHAT: &'static str = "colour";
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("always", Self::Always), ("never", Self::Never)];
}

/// Which families to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Both.
    #[default]
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

impl Family {
    /// Whether an address of this kind may be used.
    pub fn allows(self, ip: std::net::IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => ip.is_ipv4(),
            Self::V6 => ip.is_ipv6(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Choice + Default + PartialEq + std::fmt::Debug>() {
        assert_eq!(T::WORDS[0].1, T::default(), "the first word is the default");
        for (word, value) in T::WORDS {
            assert_eq!(T::parse(word), Ok(*value));
            assert_eq!(value.word(), *word);
            let typo = format!("{word}x");
            let problem = T::parse(&typo).unwrap_err();
            assert!(problem.ends_with(&format!("the nearest is {word}")), "{problem}");
        }
    }

    #[test]
    fn words_and_values_agree_and_typing_errors_name_the_word() {
        check::<FailOn>();
        check::<ExitCodes>();
        check::<Redact>();
        check::<Color>();
    }
}
