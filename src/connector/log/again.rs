//! Lines that were read before but for their time: by what follows the time it is remembered whose they are and what they
//! tell. A line that is not known is taken apart; one that is says the same as if it were.

use memchr::memmem;

use super::hash::hash;
use super::order::Tells;
use super::stamp::{Kind, Stamp};
use super::tell::Said;
use super::times::Times;
use super::words::Meaning;

/// Lines that are remembered: a power of two.
const MOST: usize = 1024;
/// A record of traffic is no shorter, and is told within so many bytes behind the time.
const RECORD: usize = 160;
const HEAD: usize = 120;
const TRAFFIC: &[u8] = b"ANALYTICS ";
/// Sets the hash of a record's beginning apart from that of a whole line.
const OF_TRAFFIC: u64 = 0x5851_F42D_4C95_7F2D;

/// What is remembered of a line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    /// Nothing in it has a meaning.
    Nothing,
    /// It counts.
    Line(Line),
}

/// A line that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Whose it is.
    pub(super) source: usize,
    /// Where the message begins, behind the time.
    at: usize,
    process: Option<u32>,
    meaning: Meaning,
    tells: Option<Tells>,
    alike: Option<u64>,
}

impl Line {
    /// The same said once more, in `text`.
    pub(super) fn said<'a>(&self, text: &'a [u8], fresh: Fresh) -> Said<'a> {
        let Self { at, process, meaning, tells, alike, .. } = *self;
        let message = text.get(fresh.from + at..).unwrap_or_default();
        Said { stamp: Some(fresh.stamp), process, message, meaning, tells, alike }
    }
}

/// A line's key, for what will be known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh {
    key: u64,
    stamp: Stamp,
    /// Where its time ends.
    from: usize,
    traffic: bool,
}

/// Whether a line is known.
#[derive(Debug)]
pub(super) enum Again {
    /// It is, and was counted.
    Told,
    /// It is: nothing in it has a meaning.
    Nothing,
    /// It is not.
    New(Option<Fresh>),
}

/// All that is remembered.
#[derive(Debug)]
pub(super) struct Memo {
    times: Times,
    known: Vec<(u64, Known)>,
}

impl Default for Memo {
    fn default() -> Self {
        // Nought is no line's key.
        Self { times: Times::default(), known: vec![(0, Known::Nothing); MOST] }
    }
}

impl Memo {
    /// The key of a line; none where its time has no form that is known quickly.
    pub(super) fn key(&mut self, text: &[u8], now_ns: i64) -> Option<Fresh> {
        let (stamp, from) = self.times.begins(text, now_ns)?;
        let rest = &text[from..];
        // How long the time is says how much behind it is looked at.
        let form = (from as u64) << 1 | u64::from(stamp.kind == Kind::Zoned);
        let record = (rest.len() >= RECORD).then(|| memmem::find(&rest[..HEAD], TRAFFIC)).flatten();
        let hashed = match record {
            Some(at) => hash(&rest[..at + TRAFFIC.len()]) ^ OF_TRAFFIC,
            None => hash(rest),
        };
        let key = (hashed ^ form.wrapping_mul(0x9E37_79B9_7F4A_7C15)).max(1);
        Some(Fresh { key, stamp, from, traffic: record.is_some() })
    }

    /// What is known of it.
    pub(super) fn known(&self, fresh: Fresh) -> Option<Known> {
        self.known.get(place(fresh.key)).filter(|(key, _)| *key == fresh.key).map(|(_, known)| *known)
    }

    /// Remembers that nothing in a line has a meaning.
    pub(super) fn nothing(&mut self, fresh: Option<Fresh>) {
        if let Some(fresh) = fresh.filter(|fresh| !fresh.traffic) {
            self.put(fresh, Known::Nothing);
        }
    }

    /// Remembers what a line of a source said, whose message begins at `at`.
    pub(super) fn note(&mut self, fresh: Fresh, source: usize, at: usize, said: &Said<'_>) {
        let behind = at.checked_sub(fresh.from).filter(|_| said.stamp == Some(fresh.stamp));
        // A record's key is its beginning's: only where nothing else in it counts.
        if let Some(at) = behind.filter(|_| said.meaning.is_traffic() == fresh.traffic) {
            let Said { process, meaning, tells, alike, .. } = *said;
            self.put(fresh, Known::Line(Line { source, at, process, meaning, tells, alike }));
        }
    }

    fn put(&mut self, fresh: Fresh, known: Known) {
        if let Some(at) = self.known.get_mut(place(fresh.key)) {
            *at = (fresh.key, known);
        }
    }
}

fn place(key: u64) -> usize {
    (key % MOST as u64) as usize
}
