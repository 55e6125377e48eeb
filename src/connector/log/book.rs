//! Whose lines they are: every line to its Connector, and each Connector by itself.

use memchr::memmem;

use super::envelope::{self, Envelope, Program};
use super::events::{Event, OURS};
use super::hash::hash;
use super::json::Json;
use super::order::{Entry, MOST, Order, Tells};
use super::record::Record;
use super::source::Source;
use super::words::{Found, Meaning, meaning};
use super::{line, traffic};
use crate::model::facts::{ConnectorLog, Health, OneLog, Place, Signature as S};

/// Sources that are told apart; what comes beyond is one.
const SOURCES: usize = 24;
/// Names of states.
const STATES: usize = 32;
/// Messages whose meaning is remembered: a power of two.
const REMEMBERED: usize = 512;
/// Lines of one message.
const LINES: usize = 64;

/// Everything that lines have told so far.
#[derive(Debug)]
pub(super) struct Book {
    now_ns: i64,
    sources: Vec<Source>,
    /// Whose the last line was; none where it was another program's.
    current: Option<usize>,
    states: Vec<String>,
    /// Hash of a message, and what it means.
    remembered: Vec<(u64, Meaning)>,
    relays: super::relays::Relays,
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
            sources: Vec::new(),
            current: None,
            states: Vec::new(),
            remembered: vec![(0, Meaning::default()); REMEMBERED],
            relays: super::relays::Relays::default(),
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
    pub(super) fn line(&mut self, text: &[u8], number: u64, found: Option<Found>) {
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
        self.said(&envelope, message, number, found);
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
            self.said(&envelope, inner, number, None);
        }
    }

    /// A message, by whom and when.
    fn said(&mut self, envelope: &Envelope<'_>, message: &[u8], number: u64, found: Option<Found>) {
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
        self.current = Some(at);
        if !source.strong {
            source.strong = meaning.ours || speaks(envelope, message);
            source.ours |=
                source.strong || OURS.iter().any(|word| memmem::find(message, word.as_bytes()).is_some());
        }
        source.own_lines |=
            matches!(envelope.program, Program::Connector | Program::Unknown | Program::Other);
        source.client_lines += u64::from(found.is_clients());
        source.strange += u64::from(envelope.strange);
        let place = source.place(envelope.stamp, number);
        if self.first.is_none_or(|first| first.at_ns.is_none() && place.at_ns.is_some()) {
            self.first = Some(place);
        }
        self.last = Place { line: number, at_ns: place.at_ns.or(self.last.at_ns) };
        if envelope.program == Program::Connector {
            source.process = envelope.pid.or(source.process);
        }
        if meaning == Meaning::default() {
            return;
        }
        self.tell(at, envelope, message, place, meaning);
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
                    || has(OURS)
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

    /// What a line tells, to its source's queue.
    fn tell(&mut self, at: usize, envelope: &Envelope<'_>, message: &[u8], place: Place, meaning: Meaning) {
        let most = MOST / self.sources.len().max(1);
        let states = &mut self.states;
        let Some(source) = self.sources.get_mut(at) else { return };
        let process = envelope.pid.filter(|_| envelope.program == Program::Connector);
        let mut entry = Entry { at_ns: place.at_ns, line: place.line, process, tells: Tells::Started };
        let mut push = |source: &mut Source, states: &[String], tells: Tells| {
            entry.tells = tells;
            source.push(entry, most, states);
        };
        let tells = match meaning.event {
            Some(Event::Switch) => line::states(message).map(|(from, to)| Tells::State {
                from: Some(number_of(states, from)),
                to: number_of(states, to),
            }),
            Some(Event::State) => {
                line::state(message).map(|to| Tells::State { from: None, to: number_of(states, to) })
            }
            Some(Event::Health(Health::Served)) => Some(Tells::Served { relayed: false }),
            Some(Event::Health(health)) => Some(Tells::Health(health)),
            Some(Event::Started) => Some(Tells::Started),
            Some(Event::Stopped) => Some(Tells::Stopped),
            Some(Event::Answered) if meaning.signature.is_none() => Some(Tells::Answered),
            Some(Event::Traffic) => {
                self.relays.record(message, place);
                match traffic::read(message, &mut source.traffic) {
                    traffic::Record::Served { relayed } => Some(Tells::Served { relayed }),
                    _ => None,
                }
            }
            Some(Event::Token) => line::issued_at(message)
                .map(|issued_s| Tells::Token { issued_s, stamp: source.stamp_of(envelope.stamp) }),
            Some(Event::Error | Event::Fatal) if meaning.signature.is_none() => {
                source.unknown(message);
                Some(Tells::Unknown { fatal: meaning.event == Some(Event::Fatal) })
            }
            Some(Event::Fatal) => Some(Tells::Unknown { fatal: true }),
            _ => None,
        };
        if let Some(tells) = tells {
            push(source, states, tells);
        }
        let Some(signature) = meaning.signature else { return };
        source.sample(signature, message);
        if signature == S::ClockStepped {
            return push(source, states, Tells::Stepped { ns: line::step(message).unwrap_or(0) });
        }
        push(source, states, Tells::Sign(signature));
        if let Some(relay) = line::lost_relay(message).filter(|_| signature == S::RelayLost) {
            self.relays.named(relay, place);
        }
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
        facts.relays = self.relays.recent(facts.last);
        if !some && sources.len() > 1 {
            // No Connector's: nothing of it is judged, one stands for all.
            sources.truncate(1);
        }
        let alone = sources.len() == 1;
        let states = &self.states;
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

fn number_of(states: &mut Vec<String>, name: String) -> u8 {
    let known = states.iter().position(|known| *known == name);
    let at = known.unwrap_or_else(|| {
        if states.len() < STATES {
            states.push(name);
        }
        states.len() - 1
    });
    at as u8
}
