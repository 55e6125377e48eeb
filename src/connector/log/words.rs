//! The table's words, compiled to be found in one pass.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;

use super::signatures::{EVENTS, Event, ROWS};
use crate::model::facts::Signature;

/// Every word to look for, each once, sorted.
static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let rows = ROWS.iter().flat_map(|row| row.words.iter().map(|(word, _)| *word));
    let mut words: Vec<&str> = rows.chain(EVENTS.iter().map(|(word, ..)| *word)).collect();
    words.sort_unstable();
    words.dedup();
    words
});

/// All of them at once; none where they cannot be compiled, which a test rules out.
pub(super) static FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(WORDS.iter()).ok());

/// A row or an event: its word's bit, what else must stand in the line, and what that means.
struct Wanted<T> {
    bit: u64,
    also: &'static [&'static str],
    means: T,
}

static SIGNS: LazyLock<Vec<Wanted<Signature>>> = LazyLock::new(|| {
    let all = ROWS.iter().flat_map(|row| row.words.iter().map(|words| (row.signature, words)));
    all.map(|(means, (word, also))| Wanted { bit: bit(word), also, means }).collect()
});

static HAPPENINGS: LazyLock<Vec<Wanted<Event>>> = LazyLock::new(|| {
    EVENTS.iter().map(|(word, also, means)| Wanted { bit: bit(word), also, means: *means }).collect()
});

/// The place of a word among the words, as a bit.
fn bit(word: &str) -> u64 {
    WORDS.binary_search(&word).map_or(0, |at| 1 << at)
}

/// What a line means: an event, and the first row that fits it.
pub(super) fn meaning(line: &[u8]) -> (Option<Event>, Option<Signature>) {
    let Some(finder) = FINDER.as_ref() else { return (None, None) };
    let found = finder.find_iter(line).fold(0, |found, hit| found | 1 << hit.pattern().as_usize());
    (first(&HAPPENINGS, found, line), first(&SIGNS, found, line))
}

fn first<T: Copy>(wanted: &[Wanted<T>], found: u64, line: &[u8]) -> Option<T> {
    let also = |words: &[&str]| words.iter().all(|word| memmem::find(line, word.as_bytes()).is_some());
    wanted.iter().find(|wanted| wanted.bit & found != 0 && also(wanted.also)).map(|wanted| wanted.means)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_compile_and_have_a_bit_each() {
        assert!(FINDER.is_some());
        assert!(WORDS.len() <= 64, "a bit each: {} words", WORDS.len());
        assert!(
            SIGNS.iter().all(|wanted| wanted.bit != 0) && HAPPENINGS.iter().all(|wanted| wanted.bit != 0)
        );
        assert!(WORDS.iter().all(|word| !word.contains('\n')), "no word reaches over a line's end");
    }
}
