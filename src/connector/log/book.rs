//! Whose lines they are: every line to its Connector, and each Connector by itself.

use memchr::memmem;

use super::again::{Again, Fresh, Known, Memo};
use super::envelope::{self, Envelope, Program};
use super::events::{Event, OURS};
use super::hash::hash;
use super::json::Json;
use super::order::{MOST, Order};
use super::record::Record;
use super::source::{Source, alike};
use super::tell::{Said, Teller};
use super::words::{Found, Meaning, meaning};
use crate::model::facts::{ConnectorLog, OneLog, Place, Signature as S};

/// Sources that are told apart; what comes beyond is one.
const SOURCES: usize = 24;
/// Messages whose meaning is remembered: a power of two.
const REMEMBERED: usize = 512;
/// Lines of one message.
const LINES: usize = 64;

/// Everything that lines have told so far.
#[derive(Debug)]
pub(super) struct Book {
    now_ns: i64,
    memo: Memo,
    sources: Vec<Source>,
    /// Whose the last line was; none where it was another program's.
    current: Option<usize>,
    /// Hash of a message, and what it means.
    remembered: Vec<(u64, Meaning)>,
    teller: Teller,
    others: u64,
    /// The first and the last line of all.
    first: Option<Place>,
    last: Place,
    last_line: u64,
}

impl Book {
    pub(super) fn new(now_ns: i64) -> Self {
        Self {
            now_ns,
            memo: Memo::default(),
            sources: Vec::new(),
            current: None,
            remembered: vec![(0, Meaning::default()); REMEMBERED],
            teller: Teller::default(),
            others: 0,
            first: None,
            last: Place::default(),
            last_line: 0,
        }
    }

    /// Whether the lines are of several sources, so that each must be looked at.
    pub(super) fn is_mixed(&self) -> bool {
        self.sources.len() > 1
    }

    /// Whether some source is a Connector's beyond doubt.
    pub(super) fn is_recognised(&self) -> bool {
        self.sources.iter().any(|source| source.ours)
    }

    /// A line as it stands in the log, and the words in it where they are known.
    pub(super) fn line(&mut self, text: &[u8], number: u64, found: Option<Found>, fresh: Option<Fresh>) {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let envelope = envelope::open(text, self.now_ns);
        let message = &text[envelope.at..];
        if message.first() == Some(&b'{')
            && message.last().is_some_and(|b| matches!(b, b'}' | b','))
            && is_record(message)
        {
            let mut records = Vec::new();
            let mut json = Json::new(self.now_ns);
            json.feed(message, &mut |record| records.push(record));
            if !records.is_empty() {
                for record in records {
                    self.record(&record, number, Some(&envelope));
                }
                return;
            }
        }
        self.said(&envelope, message, number, found, fresh);
    }

    /// A record of an export; `around` is what stood before it in its line.
    pub(super) fn record(&mut self, record: &Record, number: u64, around: Option<&Envelope<'_>>) {
        let Some(message) = &record.message else { return };
        for part in message.split(|b| *b == b'\n').filter(|part| !part.trim_ascii().is_empty()).take(LINES) {
            let part = part.strip_suffix(b"\r").unwrap_or(part);
            let mut envelope = envelope::open(part, self.now_ns);
            let inner = &part[envelope.at..];
            let stamp = around.and_then(|around| around.stamp).or(record.stamp);
            envelope.stamp = stamp.or(envelope.stamp);
            envelope.strange &= envelope.stamp.is_none();
            if let Some(around) = around.filter(|around| !around.mark.is_empty()) {
                envelope.mark = around.mark;
            } else if !record.mark.is_empty() {
                envelope.mark = &record.mark;
            }
            if !record.host.is_empty() {
                envelope.host = &record.host;
            }
            if envelope.program == Program::Unknown && !record.name.is_empty() {
                (envelope.name, envelope.program) = (&record.name, record.program());
            }
            envelope.pid = envelope.pid.or(record.pid);
            self.said(&envelope, inner, number, None, None);
        }
    }

    /// A message, by whom and when.
    fn said(
        &mut self,
        envelope: &Envelope<'_>,
        message: &[u8],
        number: u64,
        found: Option<Found>,
        fresh: Option<Fresh>,
    ) {
        self.last_line = self.last_line.max(number);
        let found = found.unwrap_or_else(|| Found::of(message));
        let meaning = if found.is_empty() { Meaning::default() } else { self.meaning(found, message) };
        if !self.counts(envelope, message, meaning) {
            self.others += u64::from(meaning.signature.is_some());
            self.current = None;
            return;
        }
        let at = self.source(envelope);
        let Some(source) = self.sources.get_mut(at) else { return };
        if !source.strong {
            source.strong = meaning.ours || speaks(envelope, message);
            source.ours |= source.strong || of_ours(message);
        }
        source.own_lines |=
            matches!(envelope.program, Program::Connector | Program::Unknown | Program::Other);
        source.client_lines += u64::from(found.is_clients());
        source.strange += u64::from(envelope.strange);
        let unknown =
            meaning.signature.is_none() && matches!(meaning.event, Some(Event::Error | Event::Fatal));
        let said = Said {
            stamp: envelope.stamp,
            process: envelope.pid.filter(|_| envelope.program == Program::Connector),
            message,
            meaning,
            tells: self.teller.tells(message, meaning),
            alike: unknown.then(|| alike(message)),
        };
        if self.counted(at, &said, number).is_some()
            && !found.is_clients()
            && (envelope.program != Program::Unknown
                || !is_bare(envelope)
                || meaning.ours
                || of_ours(message))
            && let Some(fresh) = fresh
        {
            self.memo.note(fresh, at, envelope.at, &said);
        }
    }

    /// Counts a line that was known but for its time.
    pub(super) fn again(&mut self, text: &[u8], number: u64) -> Again {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let Some(fresh) = self.memo.key(text, self.now_ns) else { return Again::New(None) };
        let line = match self.memo.known(fresh) {
            Some(Known::Line(line)) => line,
            Some(Known::Nothing) if !self.is_mixed() => return Again::Nothing,
            _ => return Again::New(Some(fresh)),
        };
        match self.counted(line.source, &line.said(text, fresh), number) {
            Some(()) => Again::Told,
            None => Again::New(None),
        }
    }

    /// Remembers that nothing in a line has a meaning.
    pub(super) fn nothing(&mut self, fresh: Option<Fresh>) {
        self.memo.nothing(fresh);
    }

    /// Counts what a line of a source says; none where there is no such source.
    fn counted(&mut self, at: usize, said: &Said<'_>, number: u64) -> Option<()> {
        let most = MOST / self.sources.len().max(1);
        let source = self.sources.get_mut(at)?;
        self.current = Some(at);
        self.last_line = self.last_line.max(number);
        let place = source.place(said.stamp, number);
        if self.first.is_none_or(|first| first.at_ns.is_none() && place.at_ns.is_some()) {
            self.first = Some(place);
        }
        self.last = Place { line: number, at_ns: place.at_ns.or(self.last.at_ns) };
        source.process = said.process.or(source.process);
        if said.meaning != Meaning::default() {
            self.teller.tell(source, most, said, place);
        }
        Some(())
    }

    /// Whether what a program says counts.
    fn counts(&self, envelope: &Envelope<'_>, message: &[u8], meaning: Meaning) -> bool {
        let has = |words: &[&str]| words.iter().any(|word| memmem::find(message, word.as_bytes()).is_some());
        match envelope.program {
            Program::Connector => true,
            // A line with nothing around it goes on with the one before it.
            Program::Unknown => {
                self.current.is_some()
                    || self.sources.is_empty()
                    || !is_bare(envelope)
                    || meaning.ours
                    || of_ours(message)
            }
            Program::Manager => has(&["twingate", "Twingate", "connectord", "connector"]),
            Program::Clock => meaning.signature == Some(S::ClockStepped),
            // Containers' logs come under the names that their runtime gives them.
            Program::Other => has(&["[libsdwan]", "[connector]", "[controller]", "[stun]"]) || meaning.ours,
        }
    }

    fn meaning(&mut self, found: Found, message: &[u8]) -> Meaning {
        let hash = hash(message);
        let place = (hash % REMEMBERED as u64) as usize;
        if let Some((known, meaning)) = self.remembered.get(place)
            && *known == hash
        {
            return *meaning;
        }
        let meaning = meaning(found, message);
        self.remembered[place] = (hash, meaning);
        meaning
    }

    /// The source of a line, by what marks it.
    fn source(&mut self, envelope: &Envelope<'_>) -> usize {
        if is_bare(envelope)
            && let Some(current) = self.current.filter(|_| envelope.stamp.is_none())
        {
            return current;
        }
        let name = match envelope.program {
            Program::Manager | Program::Clock => &b""[..],
            Program::Connector if is_usual(envelope.name) => b"",
            _ => envelope.name,
        };
        let is = |source: &Source| source.is(envelope.mark, envelope.host, name);
        if let Some(current) = self.current.filter(|at| self.sources.get(*at).is_some_and(is)) {
            return current;
        }
        if let Some(at) = self.sources.iter().position(is) {
            return at;
        }
        if self.sources.len() == SOURCES {
            return SOURCES - 1;
        }
        self.sources.push(Source::new(envelope.mark, envelope.host, name));
        self.sources.len() - 1
    }

    /// Puts everything into the facts.
    pub(super) fn finish(mut self, facts: &mut ConnectorLog) {
        self.join_managers();
        let first = self.first.unwrap_or_default();
        facts.first = first;
        facts.last = Place { line: facts.lines.max(self.last.line), ..self.last };
        // Of several the ones that are Connectors; of none the whole, so that it can be said what it is.
        let some = self.sources.iter().any(|source| source.ours && source.client_lines == 0);
        let strong = self.sources.iter().any(|source| source.strong && source.client_lines == 0);
        let counts = |source: &Source| {
            let by_name = !strong || source.strong || source.told > 0;
            !some || (source.ours && source.client_lines == 0 && by_name)
        };
        let mut sources: Vec<Source> = self.sources.into_iter().filter(counts).collect();
        facts.recognised = some;
        facts.client = !some && sources.iter().any(|source| source.client_lines > 0);
        facts.others = self.others;
        facts.zone_known = !sources.is_empty() && sources.iter().all(Source::zone_known);
        facts.sorted = sources.iter().any(|source| source.queue.order() != Order::Ascending);
        facts.left_out = sources.iter().map(|source| source.queue.left_out).sum();
        facts.whole_since_ns = sources.iter().filter_map(|source| source.queue.floor_ns()).max();
        let spans: Vec<(i64, i64)> = sources.iter().filter_map(Source::span).collect();
        if let Some(begun) = spans.iter().map(|(begun, _)| *begun).min() {
            facts.first.at_ns = Some(begun);
            facts.last.at_ns = spans.iter().map(|(_, end)| *end).max();
        }
        facts.relays = self.teller.relays.recent(facts.last);
        if !some && sources.len() > 1 {
            // No Connector's: nothing of it is judged, one stands for all.
            sources.truncate(1);
        }
        let alone = sources.len() == 1;
        let states = &self.teller.states;
        let mut logs: Vec<OneLog> =
            sources.into_iter().map(|source| source.finish(states, alone, facts.last)).collect();
        super::source::successors(&mut logs);
        // The one that fails most stands first; the order of appearance decides else.
        let worst =
            (0..logs.len()).max_by_key(|at| (super::source::worth(&logs[*at]), std::cmp::Reverse(*at)));
        if let Some(worst) = worst {
            facts.own = logs.remove(worst);
            facts.more = logs;
        }
    }

    /// What a host's service manager said of its one Connector belongs to it.
    fn join_managers(&mut self) {
        for at in (0..self.sources.len()).rev() {
            let source = &self.sources[at];
            if !source.name.is_empty() || !source.mark.is_empty() || source.own_lines {
                continue;
            }
            let kin: Vec<usize> = (0..self.sources.len())
                .filter(|other| *other != at && self.sources[*other].ours)
                .filter(|other| source.host.is_empty() || self.sources[*other].host == source.host)
                .collect();
            if let [one] = *kin.as_slice() {
                let source = self.sources.remove(at);
                let one = if one > at { one - 1 } else { one };
                self.sources[one].join(source);
            }
        }
    }
}

/// Nothing tells whose it is.
fn is_bare(envelope: &Envelope<'_>) -> bool {
    envelope.mark.is_empty() && envelope.host.is_empty() && envelope.name.is_empty()
}

/// A word shows that a Connector wrote it, or that it tells of one.
fn of_ours(message: &[u8]) -> bool {
    OURS.iter().any(|word| memmem::find(message, word.as_bytes()).is_some())
}

/// The names under which the vendor's packages run.
fn is_usual(name: &[u8]) -> bool {
    matches!(
        name,
        b"twingate-connector" | b"twingate_connector" | b"connectord" | b"twingate" | b"twingate-connec"
    )
}

/// The Connector itself: by its name, or its modules.
fn speaks(envelope: &Envelope<'_>, message: &[u8]) -> bool {
    const MODULES: [&str; 5] = ["[libsdwan]", "[connector]", "[controller]", "[stun]", "ANALYTICS "];
    envelope.program == Program::Connector
        || MODULES.iter().any(|word| memmem::find(message, word.as_bytes()).is_some())
}

/// A JSON object that is an envelope, not a message: it has a message's key.
fn is_record(text: &[u8]) -> bool {
    let head = &text[..text.len().min(20_000)];
    let keys = [
        "\"log\"",
        "\"MESSAGE\"",
        "\"message\"",
        "\"msg\"",
        "\"line\"",
        "\"textPayload\"",
        "ayload\"",
        "\"_raw\"",
        "\"LogEntry",
        "\"Log",
        "\"content\"",
        "\"body\"",
        "\"full_log\"",
        "\"text\"",
        "\"values\"",
    ];
    // The event service's answer is a message, and has a key of that name.
    memmem::find(head, b"Access Manager\",\"message").is_none()
        && keys.iter().any(|key| memmem::find(head, key.as_bytes()).is_some())
}
