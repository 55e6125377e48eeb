//! One input through every parser of the configuration; the fuzz target and the ordinary test both call it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use connector_doctor::config::{
    ConfigError, Controller, HostPort, Known, Meant, Said, Source, environment, file, parse_duration,
    parse_glob, parse_resolver, show_duration,
};

const CHECKS: [&str; 4] = ["clock.offset", "clock.sync", "stun.discovery", "host.hostname"];
const KNOWN: Known<'_> = Known { checks: &CHECKS, formats: &["human", "json", "junit"] };

/// The bytes as a file, their lines as variables (`NAME=VALUE`) and as single values.
pub(crate) fn run(data: &[u8]) {
    let in_file = checked(file(Path::new("/c.toml"), data));
    let text = String::from_utf8_lossy(data);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let vars: BTreeMap<String, String> = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let in_env = checked(environment(&vars));
    for source in in_file.iter().chain(&in_env) {
        joined(std::slice::from_ref(source));
    }
    if let (Some(in_file), Some(in_env)) = (in_file, in_env) {
        joined(&[in_env, in_file]);
    }
    for line in text.lines().take(4) {
        value(line);
    }
    // Finding the nearest name costs more than all the rest: once an input.
    if let Err(problem) = parse_glob(text.lines().next().unwrap_or(""), &CHECKS) {
        printable(&ConfigError::new(&problem));
    }
}

fn joined(sources: &[Source]) {
    let Some(meant) = checked(Meant::of(sources, KNOWN)) else { return };
    assert_eq!(meant.formats.iter().filter(|spec| spec.file.is_none()).count(), 1);
    assert!(meant.formats.iter().all(|spec| spec.file.is_none()), "no source here may name a file to write");
    assert!((Duration::from_millis(100)..=Duration::from_mins(10)).contains(&meant.timeout));
    for list in [&meant.stun, &meant.ntp, &meant.relay, &meant.service] {
        assert!(list.len() <= 64 && list.iter().all(|named| named.at.port > 0));
    }
    assert!(CHECKS.iter().any(|id| meant.policy.selects(id)));
    // A host may be configured with anything.
    let time: Vec<String> = meant.policy.allow.iter().map(|allow| allow.reason.clone()).collect();
    let host = meant.with_host(sources.first().map_or_else(Said::default, |s| s.said.clone()), &time);
    assert!(host.ntp.len() <= 64 + 32);
}

/// What is read is written back so that it reads the same.
fn value(text: &str) {
    for port in [None, Some(3478)] {
        match HostPort::parse(text, port) {
            Ok(at) => assert_eq!(HostPort::parse(&at.to_string(), None).as_ref(), Ok(&at)),
            Err(problem) => printable(&ConfigError::new(&problem)),
        }
    }
    if let Ok(at) = parse_resolver(text, 53) {
        assert_eq!(parse_resolver(&at.to_string(), 1), Ok(at));
    }
    for controller in [Controller::of_url(text), Controller::of_network(text)].into_iter().flatten() {
        assert_eq!(Controller::of_url(&controller.url()), Ok(controller));
    }
    if let Ok(span) = parse_duration(text) {
        assert_eq!(parse_duration(&show_duration(span)), Ok(span));
    }
}

fn checked<T>(result: Result<T, ConfigError>) -> Option<T> {
    result.map_err(|error| printable(&error)).ok()
}

/// One line, bounded, nothing in it that a terminal obeys.
fn printable(error: &ConfigError) {
    let line = error.to_string();
    assert!(!line.is_empty() && line.chars().count() <= 300, "{line:?}");
    assert!(!line.contains(|c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}')), "{line:?}");
}
