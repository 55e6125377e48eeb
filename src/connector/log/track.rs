//! Counts what the lines of one Connector tell, in the order of time: how often, when, whether it went by. Constant memory.

use std::collections::VecDeque;

use super::events::GOOD;
use super::order::{Entry, Tells};
use super::signatures::{row, rows};
use super::stamp::{Kind, Stamp};
use crate::model::facts::{Ended, Health, HealthSeen, LogSign, OneLog, Place, Signature as S, TokenClock};

/// Tokens of which the least difference counts.
const TOKENS: usize = 16;
/// A process that began so shortly before the end has not shown yet that it does better, nanoseconds.
const GRACE_NS: i64 = 90_000_000_000;
/// Zones differ by quarters of an hour, nanoseconds.
const QUARTER_NS: i64 = 900_000_000_000;
/// Tokens that differ by no more are shown in step, nanoseconds.
const STEP_NS: i64 = 1_500_000_000;
/// Up to here a clock is right, nanoseconds.
const RIGHT_NS: i64 = 3_000_000_000;

#[derive(Debug)]
struct Track {
    sign: LogSign,
    process: Option<u32>,
    /// Times (or, without times, the lines) of the last lines, as many as the row asks for.
    recent: VecDeque<i64>,
    /// What was open when another process began, and where that was.
    before: Option<(u64, Place, Place)>,
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    tracks: Vec<Track>,
    state: Option<u8>,
    /// Changes are said with the state before them.
    switches: bool,
    state_changes: u64,
    bad_state: bool,
    tokens: u64,
    /// Line minus issue, issue, and where.
    token_times: VecDeque<(i64, i64, Place)>,
    health: Option<HealthSeen>,
    stopped: Option<Place>,
    stepped_ns: Option<i64>,
    unknown_since: u64,
    unknown_last: Option<Place>,
    died: Option<Place>,
    last_process: Option<u32>,
}

impl Tracker {
    /// Counts one line; `samples` has a line of each signature.
    pub(super) fn count(&mut self, entry: Entry, states: &[String], samples: &[(S, String)]) {
        let place = Place { line: entry.line, at_ns: entry.at_ns };
        self.last_process = entry.process.or(self.last_process);
        match entry.tells {
            Tells::Sign(signature) => {
                self.sign(signature, place, entry.process, samples);
                if signature == S::EventTokenExpired {
                    self.healthy(Health::Renewed, place);
                }
            }
            Tells::Health(health) => self.well(health, place),
            Tells::Served { relayed } => {
                self.well(Health::Served, place);
                if relayed {
                    self.ended(Ended::Served, place, |s| s == S::RelayUnreached);
                }
            }
            Tells::State { from, to } => self.state(from, to, place, entry.process, states, samples),
            Tells::Answered => self.ended(Ended::Answered, place, reached),
            Tells::Started => {
                self.stopped = None;
                self.ended(Ended::Restarted, place, |s| !matches!(s, S::Crashed | S::RestartLoop));
            }
            Tells::Stopped => self.stopped = Some(place),
            Tells::Token { issued_s, stamp } => {
                if let Some(stamp) = stamp {
                    self.token(issued_s, stamp, place);
                }
            }
            Tells::Unknown { fatal } => {
                self.unknown_since += 1;
                self.unknown_last = Some(place);
                if fatal {
                    self.died = Some(place);
                }
            }
            Tells::Stepped { ns } => {
                self.stepped_ns = Some(ns);
                self.sign(S::ClockStepped, place, None, samples);
            }
        }
    }

    fn sign(&mut self, signature: S, place: Place, process: Option<u32>, samples: &[(S, String)]) {
        let row = row(signature);
        let at =
            self.tracks.iter().position(|track| track.sign.signature == signature).unwrap_or_else(|| {
                let sample =
                    samples.iter().find(|(of, _)| *of == signature).map(|(_, sample)| sample.clone());
                self.tracks.push(Track::new(signature, place, process, sample.unwrap_or_default()));
                self.tracks.len() - 1
            });
        let track = &mut self.tracks[at];
        if track.process.zip(process).is_some_and(|(old, new)| old != new) && track.sign.open > 0 {
            track.close(Ended::Restarted, place);
        }
        track.process = process.or(track.process);
        let sign = &mut track.sign;
        sign.count += 1;
        sign.last = place;
        if sign.open == 0 {
            sign.open_since = place;
            sign.incident = None;
            track.before = None;
        }
        sign.open += 1;
        track.recent.push_back(place.at_ns.unwrap_or(0));
        if track.recent.len() > row.times {
            track.recent.pop_front();
        }
        let within = i64::from(row.within_s) * 1_000_000_000;
        let ends = track.recent.back().zip(track.recent.front());
        let span = ends.map_or(0, |(last, first)| last.saturating_sub(*first));
        // Without times only the number can be told; of what comes each hour for ever that says nothing.
        let timed = place.at_ns.is_some() || signature != S::EventTokenExpired;
        if timed && track.recent.len() == row.times && (0..=within).contains(&span) {
            sign.incident = Some(place);
        }
    }

    /// What had failed works: every trouble of these is over.
    fn ended(&mut self, how: Ended, place: Place, ends: impl Fn(S) -> bool) {
        for track in self.tracks.iter_mut().filter(|track| track.sign.open > 0 && ends(track.sign.signature))
        {
            track.close(how, place);
        }
    }

    fn healthy(&mut self, sign: Health, place: Place) {
        self.health = Some(HealthSeen { sign, last: place });
    }

    /// It works, in one way or another.
    fn well(&mut self, health: Health, place: Place) {
        self.healthy(health, place);
        match health {
            Health::Renewed => return,
            Health::NamesBack => {
                let names = |s| matches!(s, S::NameserversFailed | S::NameserverFailed | S::HostUnresolved);
                return self.ended(Ended::Answered, place, names);
            }
            Health::Heartbeat => self.ended(Ended::Heartbeat, place, accepted),
            Health::Served => self.ended(Ended::Served, place, accepted),
            // What keeps it from Ready is over; flapping and what grows with its use are not.
            Health::Ready => self.ended(Ended::Ready, place, |s| {
                accepted(s)
                    || matches!(
                        s,
                        S::RelayUnreached | S::SocketUnwritable | S::EventTokenExpired | S::NameserverFailed
                    )
            }),
        }
        (self.unknown_since, self.died, self.stopped, self.bad_state) = (0, None, None, false);
    }

    fn state(
        &mut self,
        from: Option<u8>,
        to: u8,
        place: Place,
        process: Option<u32>,
        states: &[String],
        samples: &[(S, String)],
    ) {
        let good = |state: Option<u8>| {
            state
                .and_then(|state| states.get(usize::from(state)))
                .is_some_and(|name| GOOD.contains(&name.as_str()))
        };
        self.switches |= from.is_some();
        if self.state != Some(to) {
            self.state_changes += 1;
        }
        let left = if from.is_some() { good(from) } else { !self.switches && good(self.state) };
        if left && !good(Some(to)) {
            self.sign(S::LeftReady, place, process, samples);
        }
        self.state = Some(to);
        self.bad_state = !good(Some(to));
        if good(Some(to)) {
            self.well(Health::Ready, place);
        }
    }

    /// A token that was issued at `issued_s` is shown by a line.
    fn token(&mut self, issued_s: i64, stamp: Stamp, place: Place) {
        if stamp.kind <= Kind::Clock {
            return;
        }
        let Some(mut ahead) = issued_s
            .checked_mul(1_000_000_000)
            .and_then(|issued| stamp.ns.checked_add(stamp.resolution_ns)?.checked_sub(issued))
        else {
            return;
        };
        if stamp.kind < Kind::Zoned {
            // Of the clock's hours only what no zone explains is its error.
            ahead = (ahead + QUARTER_NS / 2).rem_euclid(QUARTER_NS) - QUARTER_NS / 2;
        }
        self.tokens += 1;
        self.token_times.push_back((ahead, issued_s, place));
        if self.token_times.len() > TOKENS {
            self.token_times.pop_front();
        }
    }

    fn token_clock(&self) -> Option<TokenClock> {
        let mut tokens: Vec<(i64, i64, Place)> = self.token_times.iter().copied().collect();
        // A clock that was set is right since: what was before counts no more.
        let last = &tokens[tokens.len().saturating_sub(3)..];
        if last.len() == 3 && last.iter().all(|(ahead, ..)| ahead.abs() <= RIGHT_NS) {
            tokens = last.to_vec();
        }
        let lowest = tokens.iter().min_by_key(|(ahead, ..)| *ahead)?;
        let most = tokens.iter().map(|(ahead, ..)| *ahead).max()?;
        let mut issued: Vec<i64> = tokens.iter().map(|(_, issued, _)| *issued).collect();
        issued.sort_unstable();
        issued.dedup();
        let in_step = if most.saturating_sub(lowest.0) <= STEP_NS { issued.len() as u64 } else { 0 };
        Some(TokenClock { tokens: self.tokens, at_most_ns: lowest.0, in_step, place: lowest.2 })
    }

    /// Puts all that was counted into the facts; `end` is where the log ends, `process` wrote its last line.
    pub(super) fn finish(mut self, states: &[String], end: Place, process: Option<u32>, log: &mut OneLog) {
        for track in &mut self.tracks {
            let elsewhere =
                track.process.zip(process.or(self.last_process)).is_some_and(|(old, new)| old != new);
            if elsewhere && track.sign.open > 0 {
                let last = track.sign.last;
                track.close(Ended::Restarted, last);
            }
            track.reopen_if_young(end);
        }
        self.tracks.sort_by_key(|track| rows().position(|row| row.signature == track.sign.signature));
        log.token_clock = self.token_clock();
        log.signs = self.tracks.into_iter().map(|track| track.sign).collect();
        log.state = self.state.and_then(|state| states.get(usize::from(state)).cloned());
        log.state_changes = self.state_changes;
        log.bad_state = self.bad_state;
        log.reads_health = true;
        log.health = self.health;
        log.stopped = self.stopped;
        log.clock_step_ns = self.stepped_ns;
        (log.unknown_since, log.unknown_last, log.died) = (self.unknown_since, self.unknown_last, self.died);
    }
}

/// What is over once the Controller answers at all.
fn reached(signature: S) -> bool {
    matches!(
        signature,
        S::ControllerFailed
            | S::ControllerError
            | S::HostUnresolved
            | S::CertificateRefused
            | S::CertificateDates
            | S::ProxyInTheWay
            | S::NetworkUnknown
            | S::VersionRefused
            | S::RateLimited
            | S::NameserversFailed
    )
}

/// What is over once the Controller takes what the Connector sends.
fn accepted(signature: S) -> bool {
    reached(signature)
        || matches!(
            signature,
            S::TokensGone
                | S::InvalidToken
                | S::TokensRefused
                | S::TokenExpired
                | S::ControllerRefused
                | S::GaveUp
                | S::Offline
                | S::TokenMissing
                | S::SettingMissing
                | S::FileMissing
                | S::CannotExecute
                | S::CannotStart
                | S::ImageMissing
                | S::RestartLoop
                | S::Exited
        )
}

impl Track {
    fn new(signature: S, place: Place, process: Option<u32>, sample: String) -> Self {
        let sign = LogSign {
            signature,
            count: 0,
            first: place,
            last: place,
            open: 0,
            open_since: place,
            ended: None,
            incident: None,
            sample,
        };
        Self { sign, process, recent: VecDeque::new(), before: None }
    }

    fn close(&mut self, how: Ended, place: Place) {
        self.before = (how == Ended::Restarted).then_some((self.sign.open, self.sign.open_since, place));
        self.sign.open = 0;
        self.sign.ended = Some(how);
    }

    /// A new process that had no time to fail again has not ended anything.
    fn reopen_if_young(&mut self, end: Place) {
        let Some((open, since, at)) = self.before.filter(|_| self.sign.open == 0) else { return };
        let age = end.at_ns.zip(at.at_ns).map(|(end, at)| end.saturating_sub(at));
        if age.is_some_and(|age| age < GRACE_NS) {
            (self.sign.open, self.sign.open_since, self.sign.ended) = (open, since, None);
        }
    }
}
