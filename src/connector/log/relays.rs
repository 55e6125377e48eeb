//! Relays that a log names, the latest first.

use std::net::SocketAddr;

use memchr::memmem;

use super::line;
use super::stamp::DAY_NS;
use crate::model::facts::Place;

/// Relays that are kept.
const RELAYS: usize = 8;
/// Bytes of a list of relays that is remembered.
const LIST: usize = 4096;

/// Relays with the last time at which each was named.
#[derive(Debug, Default)]
pub(super) struct Relays {
    all: Vec<(SocketAddr, Place)>,
    /// The last list: most records repeat it.
    list: Vec<u8>,
    /// How many it has.
    named: usize,
}

impl Relays {
    /// Those of a record of traffic.
    pub(super) fn record(&mut self, record: &[u8], place: Place) {
        let Some(list) = memmem::find(record, b"relays\"").map(|at| &record[at..]) else { return };
        if !self.list.is_empty() && list.starts_with(&self.list) {
            for (_, last) in self.all.iter_mut().take(self.named) {
                *last = later(*last, place);
            }
            return;
        }
        self.list.clear();
        if let Some(end) = memchr::memchr(b']', &list[..list.len().min(LIST)]) {
            self.list.extend_from_slice(&list[..=end]);
        }
        let relays = line::relays(list);
        self.named = relays.len();
        for relay in relays.into_iter().rev() {
            self.put(relay, place);
        }
    }

    /// One that a line names.
    pub(super) fn named(&mut self, relay: SocketAddr, place: Place) {
        self.put(relay, place);
        self.list.clear();
    }

    fn put(&mut self, relay: SocketAddr, place: Place) {
        let known = self.all.iter().position(|(known, _)| *known == relay).map(|at| self.all.remove(at).1);
        let place = known.map_or(place, |known| later(known, place));
        self.all.insert(0, (relay, place));
        // A log may stand newest first.
        if self.all.len() > RELAYS {
            let oldest = (0..self.all.len()).min_by_key(|at| (self.all[*at].1.at_ns, std::cmp::Reverse(*at)));
            self.all.remove(oldest.unwrap_or(RELAYS));
        }
    }

    /// Those that may be in use at the log's end: one that was not named for a day may be gone for good.
    pub(super) fn recent(mut self, end: Place) -> Vec<SocketAddr> {
        let fresh = |place: &Place| {
            place.at_ns.zip(end.at_ns).is_none_or(|(at, end)| end.saturating_sub(at) <= DAY_NS)
        };
        self.all.retain(|(_, place)| fresh(place));
        self.all.into_iter().map(|(relay, _)| relay).collect()
    }
}

fn later(a: Place, b: Place) -> Place {
    if a.at_ns > b.at_ns { a } else { b }
}
