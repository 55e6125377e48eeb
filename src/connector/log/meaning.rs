//! What single lines say, told to the tracker: their times, their process, their values.

use memchr::memmem;

use super::signatures::Event;
use super::stamp::{self, Kind, Stamp};
use super::track::{Seen, Tracker};
use super::words::meaning;
use super::{line, mask};
use crate::model::facts::{ConnectorLog, Ended, Place, Signature as S};

/// Bytes of a list of relays that is remembered.
const LIST: usize = 4096;

/// What is known so far.
#[derive(Debug)]
pub(super) struct Meaning {
    /// The host's wall clock, for times without a year.
    now_ns: i64,
    tracker: Tracker,
    /// The time of the entry, where its lines bear none (`journalctl -o export`).
    exported: Option<Stamp>,
    /// Kind of the first time that was read.
    kind: Option<Kind>,
    /// The last list of relays: most lines repeat it.
    relays: Vec<u8>,
    /// How many it has.
    named: usize,
    first: Option<Place>,
    last: Place,
    last_process: Option<u32>,
}

impl Meaning {
    pub(super) fn new(now_ns: i64) -> Self {
        Self {
            now_ns,
            tracker: Tracker::default(),
            exported: None,
            kind: None,
            relays: Vec::new(),
            named: 0,
            first: None,
            last: Place::default(),
            last_process: None,
        }
    }

    /// Whether the log bears times, as far as is known.
    pub(super) fn timed(&self) -> bool {
        self.kind.is_some()
    }

    /// One of the first lines: the form of its time is the log's.
    pub(super) fn opening(&mut self, line: &[u8], number: u64) {
        let place = self.place(line, number);
        if place.at_ns.is_some() || self.first.is_none() {
            self.first = Some(place);
        }
    }

    /// A line that may turn out to be the last one; false where an earlier one would tell more.
    pub(super) fn closing(&mut self, line: &[u8], number: u64, last: bool) -> bool {
        let place = if self.timed() { self.place(line, number) } else { Place { line: number, at_ns: None } };
        if last {
            self.last.line = number;
            self.last_process = line::process(line);
        }
        if place.at_ns.is_some() {
            self.last.at_ns = place.at_ns;
        }
        place.at_ns.is_some() || !self.timed()
    }

    fn time(&mut self, line: &[u8]) -> Option<Stamp> {
        let stamp = stamp::stamp(line, self.now_ns).or(self.exported)?;
        // Where forms are mixed (a program's own times among journald's) the first form counts.
        let kind = *self.kind.get_or_insert(stamp.kind);
        (kind == stamp.kind).then_some(stamp)
    }

    fn place(&mut self, line: &[u8], number: u64) -> Place {
        Place { line: number, at_ns: self.time(line).map(|stamp| stamp.ns) }
    }

    /// A line that has a word of the table.
    pub(super) fn line(&mut self, line: &[u8], number: u64) {
        let (event, signature) = meaning(line);
        if event == Some(Event::ExportedTime) {
            let time = line.strip_prefix(b"__REALTIME_TIMESTAMP=").and_then(stamp::of_micros);
            self.exported = time.or(self.exported);
            return;
        }
        let stamp = self.time(line);
        let place = Place { line: number, at_ns: stamp.map(|stamp| stamp.ns) };
        let seen = Seen { place, process: line::process(line) };
        match event {
            Some(Event::Traffic) => return self.traffic(line, place),
            Some(event) => self.event(event, line, seen, stamp),
            None => {}
        }
        let Some(signature) = signature else { return };
        self.tracker.sign(signature, seen, || mask::sample(line, line::message_at(line)));
        if let Some(relay) = line::lost_relay(line).filter(|_| signature == S::RelayLost) {
            self.tracker.relay(relay, place);
            self.relays.clear();
        }
    }

    fn event(&mut self, event: Event, line: &[u8], seen: Seen, stamp: Option<Stamp>) {
        match event {
            Event::State => {
                if let Some((from, to)) = line::states(line) {
                    let sample = || mask::sample(line, line::message_at(line));
                    self.tracker.state(&from, to, seen, sample);
                }
            }
            Event::Ready => self.tracker.ready(seen.place),
            Event::Started => self.tracker.ended(Ended::Restarted, seen.place, |_| true),
            Event::NameserverBack => {
                let names = |s| matches!(s, S::NameserversFailed | S::NameserverFailed);
                self.tracker.ended(Ended::Answered, seen.place, names);
            }
            Event::Token => {
                if let Some((issued, stamp)) = line::issued_at(line).zip(stamp) {
                    self.tracker.token(issued, stamp, seen.place);
                }
            }
            Event::Traffic | Event::ExportedTime => {}
        }
    }

    /// A record of traffic: whatever its strings say, it is no failure.
    fn traffic(&mut self, line: &[u8], place: Place) {
        if memmem::find(line, b"established_connection").is_some() {
            let relayed = memmem::find(line, b"relay\"").is_some();
            self.tracker.ended(Ended::Served, place, |s| match s {
                S::TokensGone
                | S::InvalidToken
                | S::GaveUp
                | S::Offline
                | S::ControllerError
                | S::ControllerFailed => true,
                S::RelayUnreached => relayed,
                _ => false,
            });
        }
        let Some(list) = memmem::find(line, b"relays\"").map(|at| &line[at..]) else { return };
        if !self.relays.is_empty() && list.starts_with(&self.relays) {
            return self.tracker.relays_again(self.named, place);
        }
        self.relays.clear();
        if let Some(end) = memchr::memchr(b']', &list[..list.len().min(LIST)]) {
            self.relays.extend_from_slice(&list[..=end]);
        }
        let relays = line::relays(list);
        self.named = relays.len();
        for relay in relays.into_iter().rev() {
            self.tracker.relay(relay, place);
        }
    }

    /// Puts everything into the facts.
    pub(super) fn finish(mut self, facts: &mut ConnectorLog) {
        facts.zone_known = self.kind == Some(Kind::Zoned);
        facts.first = self.first.unwrap_or_default();
        // Lines may end with what bears no time, and the log's times may jump back: the latest known is the end.
        let known = [self.last.at_ns, self.tracker.latest_ns(), facts.first.at_ns];
        self.last.at_ns = known.into_iter().flatten().max();
        facts.last = self.last;
        self.tracker.finish(facts, self.last_process);
    }
}
