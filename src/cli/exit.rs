//! The exit code: a table over how the run ended. It follows from the verdict, never from the format.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::config::{Choice, ExitCodes, FailOn, PREFIX};
use crate::model::{Status, Verdict};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a report: its verdict, and the worst outcome of the checks that it shows.
    Judged(Verdict, Status),
    /// It did not start: an option, the configuration, nothing selected.
    NotStarted,
    /// Ctrl-C (SIGINT); the partial report was printed.
    Interrupted,
    /// SIGTERM; the partial report was printed.
    Terminated,
    /// A bug.
    Panicked,
}

/// The code of an end. `fail_on` matters to the standard scheme alone: nagios and bool have their own words.
pub fn code(end: End, scheme: ExitCodes, fail_on: FailOn) -> u8 {
    match (end, scheme) {
        (End::Panicked, _) => 70,
        (End::Judged(verdict, worst), ExitCodes::Standard) => standard(verdict, worst, fail_on),
        (End::NotStarted, ExitCodes::Standard) => 2,
        (End::Interrupted, ExitCodes::Standard) => 130,
        (End::Terminated, ExitCodes::Standard) => 143,
        (End::Judged(verdict, _), ExitCodes::Nagios) => match verdict {
            Verdict::Healthy => 0,
            Verdict::Degraded => 1,
            Verdict::Unhealthy => 2,
            Verdict::Inconclusive => 3,
        },
        (_, ExitCodes::Nagios) => 3,
        (End::Judged(Verdict::Healthy | Verdict::Degraded, _), ExitCodes::Bool) => 0,
        (_, ExitCodes::Bool) => 1,
    }
}

fn standard(verdict: Verdict, worst: Status, fail_on: FailOn) -> u8 {
    let threshold = match fail_on {
        FailOn::Fail => Status::Fail,
        FailOn::Warn => Status::Warn,
        FailOn::Unknown => Status::Unknown,
        // Whoever wants no code wants none for what could not be decided either.
        FailOn::None => return 0,
    };
    match verdict {
        _ if worst >= threshold => 1,
        Verdict::Inconclusive => 3,
        _ => 0,
    }
}

/// The scheme that the words or the environment ask for, for a run that did not start: a monitor that asked for
/// its own codes gets its own "did not start", whatever else is wrong.
pub fn asked_scheme(words: &[OsString], vars: &BTreeMap<String, String>) -> ExitCodes {
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let option =
        words.iter().enumerate().rev().find_map(|(i, word)| match word.strip_prefix("--exit-codes") {
            Some("") => words.get(i + 1).copied(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        });
    let variable = vars.get(&format!("{PREFIX}EXIT_CODES")).map(|text| text.trim());
    let parsed = option.or(variable).and_then(|word| ExitCodes::parse(word).ok());
    parsed.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Fail, Pass, Skip, Unknown, Warn};
    use Verdict::{Degraded, Healthy, Inconclusive, Unhealthy};

    #[test]
    fn the_contracts_table() {
        // Verdict and worst outcome; codes for --fail-on fail, warn, unknown, none; nagios; bool.
        for (verdict, worst, [fail, warn, unknown, none, nagios, bool]) in [
            (Healthy, Pass, [0, 0, 0, 0, 0, 0]),
            (Healthy, Unknown, [0, 0, 1, 0, 0, 0]), // unknown, but not one that decides
            // Nobody named the network: an essential check is skipped, and nothing else is wrong.
            (Inconclusive, Pass, [3, 3, 3, 0, 3, 1]),
            (Inconclusive, Skip, [3, 3, 3, 0, 3, 1]),
            (Inconclusive, Unknown, [3, 3, 1, 0, 3, 1]),
            // The same beside a warning, which a threshold may ask for.
            (Inconclusive, Warn, [3, 1, 1, 0, 3, 1]),
            (Degraded, Warn, [0, 1, 1, 0, 1, 0]),
            // A failure is certain, whatever else is undecided.
            (Unhealthy, Fail, [1, 1, 1, 0, 2, 1]),
        ] {
            let end = End::Judged(verdict, worst);
            for (fail_on, expected) in
                [(FailOn::Fail, fail), (FailOn::Warn, warn), (FailOn::Unknown, unknown), (FailOn::None, none)]
            {
                assert_eq!(code(end, ExitCodes::Standard, fail_on), expected, "{end:?} {fail_on:?}");
                assert_eq!(code(end, ExitCodes::Nagios, fail_on), nagios, "{end:?} nagios");
                assert_eq!(code(end, ExitCodes::Bool, fail_on), bool, "{end:?} bool");
            }
        }
        for (end, [standard, nagios, bool]) in [
            (End::NotStarted, [2, 3, 1]),
            (End::Interrupted, [130, 3, 1]),
            (End::Terminated, [143, 3, 1]),
            (End::Panicked, [70, 70, 70]),
        ] {
            for fail_on in [FailOn::Fail, FailOn::None] {
                assert_eq!(code(end, ExitCodes::Standard, fail_on), standard, "{end:?}");
                assert_eq!(code(end, ExitCodes::Nagios, fail_on), nagios, "{end:?}");
                assert_eq!(code(end, ExitCodes::Bool, fail_on), bool, "{end:?}");
            }
        }
    }

    #[test]
    fn a_run_that_does_not_start_still_uses_the_scheme_that_was_asked_for() {
        let vars = BTreeMap::from([("CONNECTOR_DOCTOR_EXIT_CODES".to_owned(), "bool".to_owned())]);
        for (words, vars, expected) in [
            ("x --exit-codes nagios --stunn", &vars, ExitCodes::Nagios),
            ("x --exit-codes=nagios", &vars, ExitCodes::Nagios),
            ("x --stunn", &vars, ExitCodes::Bool),
            ("x --exit-codes", &BTreeMap::new(), ExitCodes::Standard),
            ("x --exit-codes nagiso", &BTreeMap::new(), ExitCodes::Standard),
            ("x --exit-codes bool --exit-codes nagios", &BTreeMap::new(), ExitCodes::Nagios),
        ] {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            assert_eq!(asked_scheme(&words, vars), expected, "{words:?}");
        }
    }
}
