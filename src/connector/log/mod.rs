//! Reads a Connector's log as it comes, in constant memory: bytes in, facts out; no I/O, no judgement.
//!
//! One pass finds the few lines that say something; only these are taken apart.

mod again;
mod answers;
mod book;
mod document;
mod envelope;
mod events;
mod export;
mod hash;
mod json;
mod line;
mod mask;
mod months;
mod order;
mod own;
mod parts;
mod reason;
mod record;
mod relays;
mod row;
mod runtime;
pub mod signatures;
mod source;
mod stamp;
mod tell;
#[cfg(test)]
mod tests;
mod times;
mod track;
mod traffic;
mod vocabulary;
mod wide;
mod words;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use self::again::Again;
use self::book::Book;
use self::document::begins_document;
use self::events::OURS;
use self::export::Form;
use self::json::Json;
use self::wide::Width;
use self::words::Found;
use crate::model::facts::ConnectorLog;

/// Of a longer line only so many bytes are looked at.
pub const MOST_OF_LINE: usize = 64 * 1024;
/// So many lines at the beginning are looked at one by one, for the form of the log and of its times.
const OPENING: u64 = 64;
/// Among so many lines at the beginning the form of an export shows.
const FORM: u64 = 16;

/// How the log is written.
#[derive(Debug)]
enum Shape {
    /// A line stands for itself.
    Lines,
    /// Several lines are a record.
    Export(Form),
    /// One document.
    Document(Json),
}

/// A log on its way.
#[derive(Debug)]
pub struct Reader {
    now_ns: i64,
    /// How letters are written in it.
    width: Width,
    shape: Shape,
    /// The beginning of a line whose end has not come yet.
    pending: Vec<u8>,
    /// Its bytes, those that are not kept included.
    pending_len: usize,
    /// The last lines with no word of the tables, which may bear the last time.
    last: Vec<u8>,
    last_number: u64,
    /// A word showed that it is a Connector's, in a line without any other.
    ours: bool,
    facts: ConnectorLog,
    book: Book,
}

impl Reader {
    /// Begins; `now_ns` is the host's wall clock, nanoseconds since 1970, for times that do not tell their year.
    pub fn new(now_ns: i64) -> Self {
        Self {
            now_ns,
            width: Width::default(),
            shape: Shape::Lines,
            pending: Vec::new(),
            pending_len: 0,
            last: Vec::new(),
            last_number: 0,
            ours: false,
            facts: ConnectorLog::default(),
            book: Book::new(now_ns),
        }
    }

    /// Takes more bytes; where they are cut makes no difference.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.facts.bytes += bytes.len() as u64;
        match self.width.narrow(bytes) {
            Some(narrow) => self.take(&narrow),
            None => self.take(bytes),
        }
    }

    fn take(&mut self, mut bytes: &[u8]) {
        if matches!(self.shape, Shape::Document(_)) {
            return self.document(bytes);
        }
        if self.pending_len > 0 {
            let Some(end) = memchr(b'\n', bytes) else { return self.keep(bytes) };
            // A document of one line without end begins: what came of it is whole until now.
            self.keep(&bytes[..end]);
            if matches!(self.shape, Shape::Document(_)) {
                return self.document(&bytes[end..]);
            }
            self.end_pending();
            bytes = &bytes[end + 1..];
            if matches!(self.shape, Shape::Document(_)) {
                return self.document(bytes);
            }
        }
        let whole = memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        let left = self.lines(&bytes[..whole]);
        let left = &bytes[whole - left..];
        if matches!(self.shape, Shape::Document(_)) {
            return self.document(left);
        }
        self.keep(left);
    }

    /// Ends the log: a last line that is not ended counts, too.
    pub fn finish(mut self) -> ConnectorLog {
        let rest = self.width.finish();
        self.take(&rest);
        if self.pending_len > 0 {
            self.end_pending();
        }
        let (now_ns, number) = (self.now_ns, self.facts.lines);
        let mut records = Vec::new();
        match &mut self.shape {
            Shape::Lines => {}
            Shape::Export(form) => form.end(now_ns, &mut |record| records.push(record)),
            Shape::Document(json) => {
                json.end(&mut |record| records.push(record));
                // A document's last line has no end.
                self.facts.lines += u64::from(self.pending_len > 0);
            }
        }
        for record in records {
            self.book.record(&record, number.max(1), None);
        }
        if !self.last.is_empty() {
            let last = std::mem::take(&mut self.last);
            self.book.line(&last, self.last_number, Some(Found::default()), None);
        }
        self.book.finish(&mut self.facts);
        if self.ours && !self.facts.recognised && !self.facts.client {
            self.facts.recognised = true;
        }
        self.facts
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.pending_len += bytes.len();
        let room = MOST_OF_LINE.saturating_sub(self.pending.len()).min(bytes.len());
        self.pending.extend_from_slice(&bytes[..room]);
        // A document that has no lines would be cut: it is read as it comes.
        if self.pending.len() == MOST_OF_LINE
            && room > 0
            && self.facts.lines < FORM
            && matches!(self.shape, Shape::Lines)
            && begins_document(&self.pending)
        {
            let begun = std::mem::take(&mut self.pending);
            self.pending_len = 0;
            self.shape = Shape::Document(Json::new(self.now_ns));
            self.document(&begun);
            self.document(&bytes[room..]);
        }
    }

    fn end_pending(&mut self) {
        let line = std::mem::take(&mut self.pending);
        self.single(&line, self.pending_len);
        self.pending = line;
        self.pending.clear();
        self.pending_len = 0;
    }

    /// A part of a document, whose lines are counted.
    fn document(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let mut records = Vec::new();
            if let Shape::Document(json) = &mut self.shape {
                json.feed(&rest[..end], &mut |record| records.push(record));
            }
            let ended = rest[end - 1] == b'\n';
            self.facts.lines += u64::from(ended);
            self.pending_len = usize::from(!ended);
            let number = self.facts.lines + u64::from(!ended);
            for record in records {
                self.book.record(&record, number, None);
            }
            rest = &rest[end..];
        }
    }

    /// A line by itself, of which `len` bytes there were.
    fn single(&mut self, line: &[u8], len: usize) {
        self.facts.lines += 1;
        self.facts.cut_lines += u64::from(len > MOST_OF_LINE);
        let number = self.facts.lines;
        if number <= FORM && matches!(self.shape, Shape::Lines) && len <= MOST_OF_LINE && self.turns(line) {
            return;
        }
        if let Shape::Export(form) = &mut self.shape {
            let mut records = Vec::new();
            form.line(line, self.now_ns, &mut |record| records.push(record));
            for record in records {
                self.book.record(&record, number, None);
            }
            return;
        }
        self.ours |= !self.ours && ours(line);
        let found = Found::of(line);
        if number <= OPENING || self.book.is_mixed() || !found.is_empty() {
            if !line.trim_ascii().is_empty() {
                self.last.clear();
                self.book.line(line, number, Some(found), None);
            }
        } else {
            self.remember(line, number);
        }
    }

    /// Whether the log turns out to be an export; its line is taken then.
    fn turns(&mut self, line: &[u8]) -> bool {
        if let Some(form) = Form::of(line) {
            // A heading is no record; anything else is its first line.
            let heading = matches!(form, Form::Table(_));
            self.shape = Shape::Export(form);
            if let (false, Shape::Export(form)) = (heading, &mut self.shape) {
                form.line(line, self.now_ns, &mut |_| {});
            }
            return true;
        }
        if !begins_document(line) {
            return false;
        }
        let mut json = Json::new(self.now_ns);
        let mut records = Vec::new();
        json.feed(line, &mut |record| records.push(record));
        json.feed(b"\n", &mut |record| records.push(record));
        let array = line.trim_ascii_start().first() == Some(&b'[');
        if !json.is_open() && !array {
            return false;
        }
        let number = self.facts.lines;
        for record in records {
            self.book.record(&record, number, None);
        }
        self.shape = Shape::Document(json);
        true
    }

    /// Whole lines; how many bytes are left where the log turned out to be a document.
    fn lines(&mut self, mut block: &[u8]) -> usize {
        while (self.facts.lines < OPENING || !matches!(self.shape, Shape::Lines))
            && let Some(end) = memchr(b'\n', block)
        {
            self.single(&block[..end.min(MOST_OF_LINE)], end);
            block = &block[end + 1..];
            if matches!(self.shape, Shape::Document(_)) {
                return block.len();
            }
        }
        if block.is_empty() {
            return 0;
        }
        self.ours |= !self.ours && !self.book.is_recognised() && ours(block);
        self.each(block);
        0
    }

    /// Line by line; of those that stood there before, but for their time, it is known what they say.
    fn each(&mut self, block: &[u8]) {
        // The last line that says nothing: the log's last time may be its.
        let (mut from, mut idle) = (0, None);
        for end in memchr_iter(b'\n', block) {
            self.facts.lines += 1;
            let number = self.facts.lines;
            let line = &block[from..end];
            from = end + 1;
            self.facts.cut_lines += u64::from(line.len() > MOST_OF_LINE);
            let line = &line[..line.len().min(MOST_OF_LINE)];
            let fresh = match self.book.again(line, number) {
                Again::Told => {
                    idle = None;
                    self.last.clear();
                    continue;
                }
                Again::Nothing => {
                    idle = Some((line, number));
                    continue;
                }
                Again::New(fresh) => fresh,
            };
            let found = Found::of(line);
            if line.trim_ascii().is_empty() {
                continue;
            }
            if found.is_empty() && !self.book.is_mixed() {
                self.book.nothing(fresh);
                idle = Some((line, number));
            } else {
                idle = None;
                self.last.clear();
                self.book.line(line, number, Some(found), fresh);
            }
        }
        if let Some((line, number)) = idle {
            self.remember(line, number);
        }
    }

    /// A line that may turn out to be the last one.
    fn remember(&mut self, line: &[u8], number: u64) {
        if line.trim_ascii().is_empty() {
            return;
        }
        self.last.clear();
        self.last.extend_from_slice(&line[..line.len().min(MOST_OF_LINE)]);
        self.last_number = number;
    }
}

/// Whether a line shows that a Connector wrote it.
fn ours(block: &[u8]) -> bool {
    let begins = |at: usize| memrchr(b'\n', &block[..at]).map_or(0, |n| n + 1);
    OURS.iter().any(|word| {
        memmem::find_iter(block, word.as_bytes()).any(|at| at + word.len() - begins(at) <= MOST_OF_LINE)
    })
}
