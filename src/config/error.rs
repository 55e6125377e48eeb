//! Why a configuration cannot be used: one line that says what, where, and what was probably meant.

use std::fmt;
use std::io;
use std::path::Path;

use crate::model::text::{clean, looks_secret};

use super::origin::Origin;

/// The longest line that is shown, characters.
const MAX_LINE: usize = 300;

/// One clear line; the run does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    line: String,
}

impl ConfigError {
    /// A problem with the value of `key` from `origin`.
    pub fn at(origin: &Origin, key: &str, problem: &str) -> Self {
        match origin {
            Origin::File { .. } if !key.is_empty() => Self::new(&format!("{origin}: {key}: {problem}")),
            _ => Self::new(&format!("{origin}: {problem}")),
        }
    }

    /// A file that `origin` names and that cannot be read.
    pub fn unreadable(origin: &Origin, key: &str, path: &Path, error: &io::Error) -> Self {
        let text = error.to_string();
        // The system's words without its number.
        let reason = text.split(" (os error").next().unwrap_or_default();
        match origin {
            Origin::File { path: own, .. } if own == path => {
                Self::at(origin, key, &format!("cannot be read: {reason}"))
            }
            _ => Self::at(origin, key, &format!("cannot read {}: {reason}", path.display())),
        }
    }

    /// A problem that stands in no one place.
    pub fn new(line: &str) -> Self {
        Self { line: clean(line, MAX_LINE) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for ConfigError {}

/// A given value, quoted, fit to show; not shown where a token or a password may have got into its place.
pub(super) fn quoted(given: &str) -> String {
    if looks_secret(given) || given.contains('@') {
        return "the value (not shown, it may hold a secret)".to_owned();
    }
    format!("\"{}\"", clean(given, 60))
}

/// `unknown check "clok.*"; the nearest is clock.offset`.
pub fn unknown<'a>(what: &str, given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(given, known.iter().copied()) {
        Some(near) => format!("unknown {what} {}; the nearest is {near}", quoted(given)),
        None if known.is_empty() => format!("unknown {what} {}", quoted(given)),
        None => format!("unknown {what} {}; valid: {}", quoted(given), known.join(", ")),
    }
}

/// Less alike than this is no typing error: to offer it would send people astray.
const ALIKE: f64 = 1.0;

/// The known name that is most like what was given; the first of equals. None where none is near.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given: String =
        given.chars().filter(|c| !matches!(c, '*' | '?')).take(40).collect::<String>().to_lowercase();
    let given = given.trim_start_matches('-').replace('_', "-");
    let mut best: Option<(f64, &str)> = None;
    for name in known {
        let score = likeness(&given, &name.to_lowercase().replace('_', "-"));
        if best.is_none_or(|(top, _)| score > top) {
            best = Some((score, name));
        }
    }
    best.filter(|(score, _)| *score >= ALIKE).map(|(_, name)| name)
}

/// 0 to 3. Typing errors count most; a common beginning, or a word taken whole, counts as well.
fn likeness(given: &str, name: &str) -> f64 {
    let longest = given.chars().count().max(name.chars().count()).max(1);
    let typing = 1.0 - strsim::osa_distance(given, name) as f64 / longest as f64;
    let beginning = strsim::jaro_winkler(given, name);
    let given = given.trim_matches('.');
    let whole = given.len() > 2 && name.split(['.', '-']).any(|part| part == given);
    typing + beginning + if whole { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let keys = super::super::options::options().iter().map(|o| o.key.as_str());
        let ids = [
            "host.hostname",
            "host.addresses",
            "clock.offset",
            "clock.sources",
            "clock.sync",
            "stun.discovery",
            "stun.mapping",
            "controller.tcp",
            "controller.tls",
            "relay.tcp",
            "public.address",
            "path.mtu",
        ];
        for (given, meant) in [
            ("clock.ofset", "clock.offset"),
            ("clokc.sync", "clock.sync"),
            ("clock.sycn", "clock.sync"),
            ("sutn.*", "stun.mapping"),
            ("stun", "stun.mapping"),
            ("mtu", "path.mtu"),
            ("offset", "clock.offset"),
            ("CLOCK.OFFSET", "clock.offset"),
            ("controler.tls", "controller.tls"),
            ("public", "public.address"),
            ("hostname", "host.hostname"),
        ] {
            assert_eq!(nearest(given, ids), Some(meant), "{given}");
        }
        for (given, meant) in [
            ("stunn", "stun"),
            ("--fail_on", "fail-on"),
            ("failon", "fail-on"),
            ("time-out", "timeout"),
            ("netwrok", "network"),
            ("dsn", "dns"),
            ("cafile", "ca-file"),
            ("colour", "color"),
            ("relays", "relay"),
            ("exitcodes", "exit-codes"),
        ] {
            assert_eq!(nearest(given, keys.clone()), Some(meant), "{given}");
        }
        assert_eq!(nearest("anything", []), None);
    }

    #[test]
    fn an_error_is_one_printable_line_of_bounded_length() {
        let hostile = format!("a\nb\u{1b}[31m\u{202e}{}", "x".repeat(5000));
        let line = ConfigError::new(&hostile).to_string();
        assert!(!line.contains(['\n', '\u{1b}', '\u{202e}']), "{line}");
        assert!(line.chars().count() <= MAX_LINE);
    }
}
