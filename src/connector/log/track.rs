//! Counts what lines show: how often, when, whether it went by. Constant memory, whatever the log's length.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::signatures::{ROWS, row};
use super::stamp::{Kind, Stamp};
use crate::model::facts::{ConnectorLog, Ended, LogSign, Place, Signature as S, TokenClock};

/// Tokens of which the least difference counts.
const TOKENS: usize = 16;
/// Relays that are kept.
const RELAYS: usize = 8;
/// A process that began so shortly before the end has not shown yet that it does better, nanoseconds.
const GRACE_NS: i64 = 90_000_000_000;
/// A relay that was not named for so long is no longer in use, nanoseconds.
const DAY_NS: i64 = 86_400_000_000_000;
/// Zones differ by quarters of an hour, nanoseconds.
const QUARTER_NS: i64 = 900_000_000_000;

/// One line that shows something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) place: Place,
    /// The Connector's process, where the line names it.
    pub(super) process: Option<u32>,
}

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
    state: Option<String>,
    state_changes: u64,
    tokens: u64,
    token_times: VecDeque<(i64, Place)>,
    /// Relays with the last time at which each was named.
    relays: Vec<(SocketAddr, Option<i64>)>,
}

impl Tracker {
    /// Counts a line that shows a signature; `sample` is made only for what is kept.
    pub(super) fn sign(&mut self, signature: S, seen: Seen, sample: impl FnOnce() -> String) {
        let row = row(signature);
        let at =
            self.tracks.iter().position(|track| track.sign.signature == signature).unwrap_or_else(|| {
                self.tracks.push(Track::new(signature, seen));
                self.tracks.len() - 1
            });
        let track = &mut self.tracks[at];
        if track.process.zip(seen.process).is_some_and(|(old, new)| old != new) && track.sign.open > 0 {
            track.close(Ended::Restarted, seen.place);
        }
        track.process = seen.process.or(track.process);
        let sign = &mut track.sign;
        sign.count += 1;
        sign.last = seen.place;
        if sign.open == 0 {
            sign.open_since = seen.place;
            // One line of a kind is like another: masking each would take longer than all the rest.
            sign.sample = sample();
            track.before = None;
        }
        sign.open += 1;
        track.recent.push_back(seen.place.at_ns.unwrap_or(0));
        if track.recent.len() > row.times {
            track.recent.pop_front();
        }
        let within = i64::from(row.within_s) * 1_000_000_000;
        let ends = track.recent.back().zip(track.recent.front());
        let span = ends.map_or(0, |(last, first)| last.saturating_sub(*first));
        // Without times only the number can be told.
        if track.recent.len() == row.times && (0..=within).contains(&span) {
            sign.incident = Some(seen.place);
        }
    }

    /// What had failed works: every trouble of these is over.
    pub(super) fn ended(&mut self, how: Ended, place: Place, ends: impl Fn(S) -> bool) {
        for track in self.tracks.iter_mut().filter(|track| track.sign.open > 0 && ends(track.sign.signature))
        {
            track.close(how, place);
        }
    }

    /// A change of state.
    pub(super) fn state(&mut self, from: &str, to: String, seen: Seen, sample: impl FnOnce() -> String) {
        self.state_changes += 1;
        if from == "Ready" && to != "Ready" {
            self.sign(S::LeftReady, seen, sample);
        }
        if to == "Ready" {
            self.ready(seen.place);
        }
        self.state = Some(to);
    }

    /// The Connector is in the state Ready: what keeps it from there is over, flapping and what grows with its use are not.
    pub(super) fn ready(&mut self, place: Place) {
        self.ended(Ended::Ready, place, |s| {
            !matches!(
                s,
                S::LeftReady | S::FdExhausted | S::OutOfMemory | S::DiskFull | S::RelayLost | S::StunFailed
            )
        });
    }

    /// A token that was issued at `issued_s` is shown by a line.
    pub(super) fn token(&mut self, issued_s: i64, stamp: Stamp, place: Place) {
        if stamp.kind == Kind::Relative {
            return;
        }
        let Some(mut ahead) = issued_s
            .checked_mul(1_000_000_000)
            .and_then(|issued| stamp.ns.checked_add(stamp.resolution_ns)?.checked_sub(issued))
        else {
            return;
        };
        if stamp.kind == Kind::Local {
            // Of the clock's hours only what no zone explains is its error.
            ahead = (ahead + QUARTER_NS / 2).rem_euclid(QUARTER_NS) - QUARTER_NS / 2;
        }
        self.tokens += 1;
        self.token_times.push_back((ahead, place));
        if self.token_times.len() > TOKENS {
            self.token_times.pop_front();
        }
    }

    /// A relay that the log names; the latest first.
    pub(super) fn relay(&mut self, relay: SocketAddr, place: Place) {
        self.relays.retain(|(known, _)| *known != relay);
        self.relays.insert(0, (relay, place.at_ns));
        self.relays.truncate(RELAYS);
    }

    /// The relays that were named last, `count` of them, are named again.
    pub(super) fn relays_again(&mut self, count: usize, place: Place) {
        for (_, at_ns) in self.relays.iter_mut().take(count) {
            *at_ns = place.at_ns;
        }
    }

    /// The latest time of all that was counted.
    pub(super) fn latest_ns(&self) -> Option<i64> {
        self.tracks.iter().filter_map(|track| track.sign.last.at_ns).max()
    }

    /// Puts all that was counted into the facts; `last_process` wrote the log's last line.
    pub(super) fn finish(mut self, log: &mut ConnectorLog, last_process: Option<u32>) {
        for track in &mut self.tracks {
            let elsewhere = track.process.zip(last_process).is_some_and(|(old, new)| old != new);
            if elsewhere && track.sign.open > 0 {
                let last = track.sign.last;
                track.close(Ended::Restarted, last);
            }
            track.reopen_if_young(log.last);
        }
        self.tracks.sort_by_key(|track| ROWS.iter().position(|row| row.signature == track.sign.signature));
        log.signs = self.tracks.into_iter().map(|track| track.sign).collect();
        log.state = self.state;
        log.state_changes = self.state_changes;
        log.token_clock = self
            .token_times
            .iter()
            .min_by_key(|(ahead, _)| *ahead)
            .map(|(ahead, place)| TokenClock { tokens: self.tokens, at_most_ns: *ahead, place: *place });
        // One that was not named for a day may be gone for good.
        let recent = |at_ns: Option<i64>| {
            at_ns.zip(log.last.at_ns).is_none_or(|(at, end)| end.saturating_sub(at) <= DAY_NS)
        };
        log.relays = self.relays.iter().filter(|(_, at)| recent(*at)).map(|(relay, _)| *relay).collect();
    }
}

impl Track {
    fn new(signature: S, seen: Seen) -> Self {
        let sign = LogSign {
            signature,
            count: 0,
            first: seen.place,
            last: seen.place,
            open: 0,
            open_since: seen.place,
            ended: None,
            incident: None,
            sample: String::new(),
        };
        Self { sign, process: seen.process, recent: VecDeque::new(), before: None }
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
