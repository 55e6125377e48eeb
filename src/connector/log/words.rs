//! The tables' words, compiled to be found in one pass.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem;

use super::events::{CLIENT, EVENTS, Event};
use super::reason::{REQUESTS, reason};
use super::signatures::{Row, TABLES, rows};
use crate::model::facts::Signature;

/// Every word to look for, each once, sorted.
static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let of_rows = rows().flat_map(|row| row.words.iter().map(|(word, _)| *word));
    let of_events = EVENTS.iter().map(|(word, ..)| *word);
    let mut words: Vec<&str> =
        of_rows.chain(of_events).chain(REQUESTS.iter().map(|(word, _)| *word)).collect();
    words.sort_unstable();
    words.dedup();
    words
});

/// All of them at once; none where they cannot be compiled, which a test rules out.
pub(super) static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let mut builder = AhoCorasick::builder();
    builder.match_kind(MatchKind::LeftmostLongest).kind(Some(AhoCorasickKind::DFA));
    builder.build(WORDS.iter()).ok()
});

/// Which words a line has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found([u64; 3]);

impl Found {
    pub(super) fn add(&mut self, word: usize) {
        if let Some(part) = self.0.get_mut(word / 64) {
            *part |= 1 << (word % 64);
        }
    }

    fn meets(self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == [0; 3]
    }

    /// Whether only the vendor's Client writes such a line.
    pub(super) fn is_clients(self) -> bool {
        static CLIENTS: LazyLock<Found> = LazyLock::new(|| Found::word(CLIENT));
        self.meets(*CLIENTS)
    }

    /// The words of a text.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut found = Self::default();
        if let Some(finder) = FINDER.as_ref() {
            finder.find_iter(text).for_each(|hit| found.add(hit.pattern().as_usize()));
        }
        found
    }

    /// That one of them alone.
    fn word(word: &str) -> Self {
        let mut found = Self::default();
        if let Ok(at) = WORDS.binary_search(&word) {
            found.add(at);
        }
        found
    }
}

/// A row or an event: its word, what else must stand in the line, what must not, and what that means.
struct Wanted<T> {
    word: Found,
    /// Of each at least one.
    also: Vec<Vec<&'static str>>,
    unless: &'static [&'static str],
    means: T,
}

impl<T: Copy> Wanted<T> {
    fn new(word: &str, also: &[&'static str], unless: &'static [&'static str], means: T) -> Self {
        let also = also.iter().map(|one_of| one_of.split('|').collect()).collect();
        Self { word: Found::word(word), also, unless, means }
    }

    fn fits(&self, found: Found, line: &[u8]) -> bool {
        let has = |word: &&str| memmem::find(line, word.as_bytes()).is_some();
        self.word.meets(found)
            && self.also.iter().all(|one_of| one_of.iter().any(has))
            && !self.unless.iter().any(has)
    }
}

/// A table's rows.
fn compiled(table: &'static [Row]) -> Rows {
    let words = table.iter().flat_map(|row| row.words.iter().map(move |words| (row, words)));
    words.map(|(row, (word, also))| Wanted::new(word, also, row.unless, (row.signature, row.ours))).collect()
}

/// The rows of one table: what each means, and whether nobody else says it.
type Rows = Vec<Wanted<(Signature, bool)>>;

static SIGNS: LazyLock<Vec<Rows>> = LazyLock::new(|| TABLES.iter().map(|table| compiled(table)).collect());

static HAPPENINGS: LazyLock<Vec<Wanted<Event>>> =
    LazyLock::new(|| EVENTS.iter().map(|(word, also, means)| Wanted::new(word, also, &[], *means)).collect());

static REASONS: LazyLock<Vec<(Found, &'static str, Option<Signature>)>> =
    LazyLock::new(|| REQUESTS.iter().map(|(word, default)| (Found::word(word), *word, *default)).collect());

/// What a message tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) event: Option<Event>,
    pub(super) signature: Option<Signature>,
    /// Nobody but a Connector says this.
    pub(super) ours: bool,
}

impl Meaning {
    /// A record of traffic, which holds other people's words.
    pub(super) fn is_traffic(self) -> bool {
        self.event == Some(Event::Traffic)
    }
}

/// What a message with these words means: an event, and the first row that fits it.
pub(super) fn meaning(found: Found, message: &[u8]) -> Meaning {
    let event = HAPPENINGS.iter().find(|wanted| wanted.fits(found, message)).map(|wanted| wanted.means);
    if event == Some(Event::Traffic) {
        return Meaning { event, signature: None, ours: true };
    }
    let by_row = |table: usize| {
        let row = SIGNS.get(table)?.iter().find(|wanted| wanted.fits(found, message))?;
        Some(row.means)
    };
    let by_reason = || {
        let mut said = REASONS.iter().filter(|(word, ..)| word.meets(found));
        said.find_map(|(_, request, default)| reason(message, request, *default)).map(|s| (s, true))
    };
    let sign = by_row(0).or_else(by_reason).or_else(|| by_row(1)).or_else(|| by_row(2));
    let ours = sign.is_some_and(|(_, ours)| ours)
        || matches!(event, Some(Event::Switch | Event::Health(_) | Event::Token));
    Meaning { event, signature: sign.map(|(signature, _)| signature), ours }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_compile_and_have_a_bit_each() {
        assert!(FINDER.is_some());
        assert!(WORDS.len() <= 192, "a bit each: {} words", WORDS.len());
        assert!(SIGNS.iter().flatten().all(|wanted| !wanted.word.is_empty()));
        assert!(HAPPENINGS.iter().all(|wanted| !wanted.word.is_empty()));
        assert!(WORDS.iter().all(|word| !word.contains('\n')), "no word reaches over a line's end");
    }
}
