//! Reads a Connector's log as it comes, in constant memory: bytes in, facts out; no I/O, no judgement.
//!
//! One pass finds the few lines that say something; only these are taken apart.

mod line;
mod mask;
mod meaning;
pub mod signatures;
mod stamp;
#[cfg(test)]
mod tests;
mod track;
mod wide;
mod words;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use self::meaning::Meaning;
use self::signatures::OURS;
use self::wide::Form;
use self::words::FINDER;
use crate::model::facts::ConnectorLog;

/// Of a longer line only so many bytes are looked at.
pub const MOST_OF_LINE: usize = 64 * 1024;
/// So many lines at the beginning are looked at one by one, for the form of the log's times.
const OPENING: u64 = 64;

/// A log on its way.
#[derive(Debug)]
pub struct Reader {
    /// How letters are written in it.
    form: Form,
    /// The beginning of a line whose end has not come yet.
    pending: Vec<u8>,
    /// Its bytes, those that are not kept included.
    pending_len: usize,
    facts: ConnectorLog,
    meaning: Meaning,
}

impl Reader {
    /// Begins; `now_ns` is the host's wall clock, nanoseconds since 1970, for times that do not tell their year.
    pub fn new(now_ns: i64) -> Self {
        Self {
            form: Form::default(),
            pending: Vec::new(),
            pending_len: 0,
            facts: ConnectorLog::default(),
            meaning: Meaning::new(now_ns),
        }
    }

    /// Takes more bytes; where they are cut makes no difference.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.facts.bytes += bytes.len() as u64;
        match self.form.narrow(bytes) {
            Some(narrow) => self.take(&narrow),
            None => self.take(bytes),
        }
    }

    fn take(&mut self, mut bytes: &[u8]) {
        if self.pending_len > 0 {
            let Some(end) = memchr(b'\n', bytes) else { return self.keep(bytes) };
            self.keep(&bytes[..end]);
            self.end_pending();
            bytes = &bytes[end + 1..];
        }
        let whole = memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        self.lines(&bytes[..whole]);
        self.keep(&bytes[whole..]);
    }

    /// Ends the log: a last line that is not ended counts, too.
    pub fn finish(mut self) -> ConnectorLog {
        if let Some(byte) = self.form.finish() {
            self.take(&[byte]);
        }
        if self.pending_len > 0 {
            self.end_pending();
        }
        self.meaning.finish(&mut self.facts);
        self.facts
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.pending_len += bytes.len();
        let room = MOST_OF_LINE.saturating_sub(self.pending.len()).min(bytes.len());
        self.pending.extend_from_slice(&bytes[..room]);
    }

    fn end_pending(&mut self) {
        let line = std::mem::take(&mut self.pending);
        self.single(&line, self.pending_len);
        self.pending = line;
        self.pending.clear();
        self.pending_len = 0;
    }

    /// A line by itself, of which `len` bytes there were.
    fn single(&mut self, line: &[u8], len: usize) {
        self.facts.lines += 1;
        self.facts.cut_lines += u64::from(len > MOST_OF_LINE);
        let number = self.facts.lines;
        self.facts.recognised |= ours(line);
        if number <= OPENING && !self.meaning.timed() {
            self.meaning.opening(line, number);
        }
        if FINDER.as_ref().is_some_and(|finder| finder.is_match(line)) {
            self.meaning.line(line, number);
        }
        if !line.trim_ascii().is_empty() {
            self.meaning.closing(line, number, true);
        }
    }

    /// Whole lines.
    fn lines(&mut self, mut block: &[u8]) {
        while self.facts.lines < OPENING
            && let Some(end) = memchr(b'\n', block)
        {
            self.single(&block[..end.min(MOST_OF_LINE)], end);
            block = &block[end + 1..];
        }
        if block.is_empty() {
            return;
        }
        if !self.facts.recognised {
            self.facts.recognised = ours(block);
        }
        self.those_with_words(block);
        self.last_of(block);
    }

    /// The lines that have a word, found without looking at the others one by one.
    fn those_with_words(&mut self, block: &[u8]) {
        let Some(finder) = FINDER.as_ref() else { return };
        let mut at = 0;
        while let Some(hit) = finder.find(&block[at..]).map(|found| at + found.start()) {
            let start = memrchr(b'\n', &block[at..hit]).map_or(at, |n| at + n + 1);
            let end = memchr(b'\n', &block[hit..]).map_or(block.len(), |n| hit + n);
            self.count(&block[at..start]);
            self.count(&block[start..(end + 1).min(block.len())]);
            self.meaning.line(&block[start..end.min(start + MOST_OF_LINE)], self.facts.lines);
            at = (end + 1).min(block.len());
        }
        self.count(&block[at..]);
    }

    /// Counts lines, the long ones among them, too.
    fn count(&mut self, block: &[u8]) {
        if block.len() <= MOST_OF_LINE {
            self.facts.lines += memchr_iter(b'\n', block).count() as u64;
            return;
        }
        let mut from = 0;
        for end in memchr_iter(b'\n', block) {
            self.facts.lines += 1;
            self.facts.cut_lines += u64::from(end - from > MOST_OF_LINE);
            from = end + 1;
        }
    }

    /// Looks from a block's end backwards: for its last line, and for the last that bears a time.
    fn last_of(&mut self, block: &[u8]) {
        let (mut end, mut number, mut last) = (block.len(), self.facts.lines + 1, true);
        while end > 0 {
            // What lies behind the newline before `end`.
            let start = memrchr(b'\n', &block[..end - 1]).map_or(0, |n| n + 1);
            number -= 1;
            let line = &block[start..end - 1];
            let line = &line[..line.len().min(MOST_OF_LINE)];
            if !line.trim_ascii().is_empty() {
                if self.meaning.closing(line, number, last) {
                    return;
                }
                last = false;
            }
            end = start;
        }
    }
}

/// Whether a line shows that a Connector wrote it.
fn ours(block: &[u8]) -> bool {
    let begins = |at: usize| memrchr(b'\n', &block[..at]).map_or(0, |n| n + 1);
    OURS.iter().any(|word| {
        memmem::find_iter(block, word.as_bytes()).any(|at| at + word.len() - begins(at) <= MOST_OF_LINE)
    })
}
