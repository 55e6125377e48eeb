//! What the Controller shows: what its certificates are worth at the time of the reference, and whether it serves. Pure.

use super::clock::Clock;
use super::target::controller;
use crate::model::facts::{ChainProblem, ChainVerdict, Facts, TlsSession};
use crate::model::observation::Observation;

/// What one session's certificate is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Holds,
    /// It holds at the reference's time, and not by this host's clock.
    ByReferenceAlone,
    /// It is for a name of the vendor's, and by an issuer that this system's own store alone trusts: no public one.
    BySystemAlone,
    /// Its issuer is not known here.
    Untrusted,
    /// Its issuer is known, and it does not hold for what it is used for: its purpose, its issuer's constraints, its dates.
    Unfit,
    /// It is for another name.
    OtherName,
    /// It has expired, or is not valid yet.
    OutOfDate {
        /// It has expired.
        expired: bool,
        /// Since when, or from when on; seconds since 1970.
        date_s: i64,
    },
}

/// What a session's certificate is worth.
pub fn standing(facts: &Facts, clock: &Clock, s: &TlsSession) -> Standing {
    let holds = |ns| s.system.holds_at(ns) || s.mozilla.holds_at(ns);
    if !s.system.trusted && !s.mozilla.trusted {
        return if unfit(s).is_some() { Standing::Unfit } else { Standing::Untrusted };
    }
    if !s.name_matches {
        return Standing::OtherName;
    }
    if !holds(clock.started_ns) {
        let second = clock.started_ns.div_euclid(1_000_000_000);
        let windows = || s.system.windows.iter().chain(&s.mozilla.windows);
        let ended = windows().map(|w| w.1).filter(|end| *end < second).max();
        let begins = || windows().map(|w| w.0).min().unwrap_or(0);
        return Standing::OutOfDate { expired: ended.is_some(), date_s: ended.unwrap_or_else(begins) };
    }
    let no_public = !s.mozilla.trusted && s.mozilla.problem == Some(ChainProblem::UnknownIssuer);
    if no_public && s.vendors {
        return Standing::BySystemAlone;
    }
    if holds(facts.run.started_wall_ns) { Standing::Holds } else { Standing::ByReferenceAlone }
}

/// What is wrong with a certificate whose issuer is known: its purpose, a constraint, its dates.
pub fn unfit(s: &TlsSession) -> Option<&ChainProblem> {
    let of = |verdict: &'_ ChainVerdict| verdict.issuer_known;
    let known = [&s.system, &s.mozilla].into_iter().filter(|verdict| of(verdict));
    known.filter_map(|verdict| verdict.problem.as_ref()).find(|problem| {
        matches!(problem, ChainProblem::NotForServers | ChainProblem::NeverValid | ChainProblem::Other(_))
    })
}

/// Whether the Controller showed a certificate, and none that does not hold: one address that is wrong is what the
/// Connector may meet.
pub(super) fn holds(facts: &Facts, clock: &Clock) -> bool {
    let mut sessions = facts.control.tls.iter().filter_map(Observation::seen).peekable();
    let good = |s| matches!(standing(facts, clock, s), Standing::Holds | Standing::ByReferenceAlone);
    controller(facts).is_some() && sessions.peek().is_some() && sessions.all(good)
}

/// Whether this system takes what the Controller showed, be it by its own store alone: then its answers say something.
pub fn taken_here(facts: &Facts, clock: &Clock) -> bool {
    let mut sessions = facts.control.tls.iter().filter_map(Observation::seen).peekable();
    let taken = |s| {
        use Standing::{ByReferenceAlone, BySystemAlone, Holds};
        matches!(standing(facts, clock, s), Holds | ByReferenceAlone | BySystemAlone)
    };
    controller(facts).is_some() && sessions.peek().is_some() && sessions.all(taken)
}

/// Whether it answers requests without an error of its own, by a clock that is not known to be wrong.
pub(super) fn serves(facts: &Facts, clock: &Clock) -> bool {
    let statuses = facts.control.http.iter().filter_map(Observation::seen).map(|a| a.status);
    statuses.max().is_some_and(|worst| worst < 500) && clock.controller_off_ns.is_none()
}
