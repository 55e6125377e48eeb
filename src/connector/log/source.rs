//! One Connector's lines: their times put in a row, their order, their unknown errors, and what comes of them.

use super::hash::hash;
use super::mask;
use super::order::{Entry, Order, Queue};
use super::signatures::{Weight, row};
use super::stamp::{DAY_NS, Kind, Stamp, near};
use super::track::Tracker;
use crate::model::facts::{Ended, OneLog, Place, Signature as S, Traffic, UnknownError};
use crate::model::text::clean_bytes;

/// Shapes of unknown errors that are kept.
const SHAPES: usize = 8;
/// Bytes of a mark.
const MARK: usize = 80;

/// Lines that are marked alike.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) mark: Vec<u8>,
    pub(super) host: Vec<u8>,
    pub(super) name: Vec<u8>,
    /// A Connector's, or about one.
    pub(super) ours: bool,
    /// A Connector's beyond doubt.
    pub(super) strong: bool,
    /// Lines that only the vendor's Client writes.
    pub(super) client_lines: u64,
    /// Lines that told something.
    pub(super) told: u64,
    /// The Connector itself speaks here, not only others of it.
    pub(super) own_lines: bool,
    pub(super) strange: u64,
    pub(super) process: Option<u32>,
    pub(super) queue: Queue,
    pub(super) traffic: Traffic,
    tracker: Tracker,
    samples: Vec<(S, String)>,
    shapes: Vec<(u64, UnknownError)>,
    unknown_lines: u64,
    kind: Option<Kind>,
    /// The last time, which one without a day or a year lies near.
    near_ns: Option<i64>,
    first: Option<i64>,
    least: Option<i64>,
    most: Option<i64>,
}

impl Source {
    pub(super) fn new(mark: &[u8], host: &[u8], name: &[u8]) -> Self {
        let own = |text: &[u8]| text[..text.len().min(MARK)].to_vec();
        Self { mark: own(mark), host: own(host), name: own(name), ..Self::default() }
    }

    pub(super) fn is(&self, mark: &[u8], host: &[u8], name: &[u8]) -> bool {
        let same = |own: &[u8], other: &[u8]| {
            let other = &other[..other.len().min(MARK)];
            own.len() == other.len() && (own.is_empty() || own == other)
        };
        same(&self.mark, mark) && same(&self.host, host) && same(&self.name, name)
    }

    /// Where a line stands, its time put in a row with the others.
    pub(super) fn place(&mut self, stamp: Option<Stamp>, line: u64) -> Place {
        let at_ns = self.stamp_of(stamp).map(|stamp| stamp.ns);
        if let Some(at) = at_ns {
            self.near_ns = Some(at);
            self.first = self.first.or(at_ns);
            self.least = Some(self.least.map_or(at, |least| least.min(at)));
            self.most = Some(self.most.map_or(at, |most| most.max(at)));
        }
        Place { line, at_ns }
    }

    /// The time with its day and year, where forms are not mixed (a program's own times among journald's): the first
    /// form counts.
    pub(super) fn stamp_of(&mut self, stamp: Option<Stamp>) -> Option<Stamp> {
        let mut stamp = stamp?;
        let kind = *self.kind.get_or_insert(stamp.kind);
        if kind != stamp.kind {
            return None;
        }
        let last = self.near_ns;
        match kind {
            // From a middle day on, forward or back over midnight, whichever is nearer.
            Kind::Clock => {
                let last = last.unwrap_or(100 * DAY_NS + stamp.ns);
                let day = last.div_euclid(DAY_NS) * DAY_NS;
                let days = [day - DAY_NS, day, day + DAY_NS];
                stamp.ns = days
                    .iter()
                    .map(|day| day + stamp.ns)
                    .min_by_key(|ns| ns.abs_diff(last))
                    .unwrap_or(stamp.ns);
            }
            Kind::Yearless => stamp.ns = last.map_or(stamp.ns, |last| near(stamp.ns, last)),
            Kind::Relative | Kind::Local | Kind::Zoned => {}
        }
        Some(stamp)
    }

    pub(super) fn push(&mut self, entry: Entry, most: usize, states: &[String]) {
        let Self { queue, tracker, samples, .. } = self;
        self.told += 1;
        queue.push(entry, most, |entry| tracker.count(entry, states, samples));
    }

    /// Keeps a line of each signature.
    pub(super) fn sample(&mut self, signature: S, message: &[u8]) {
        if !self.samples.iter().any(|(known, _)| *known == signature) {
            self.samples.push((signature, mask::sample(message, 0)));
        }
    }

    /// An error that the tables do not know, by what its lines have in common.
    pub(super) fn unknown(&mut self, message: &[u8], key: u64) {
        self.unknown_lines += 1;
        if let Some((_, known)) = self.shapes.iter_mut().find(|(known, _)| *known == key) {
            known.count += 1;
            return;
        }
        if self.shapes.len() >= SHAPES {
            return;
        }
        let shape = mask::shape(message, 0);
        // What differs in masked words alone is one shape, too.
        match self.shapes.iter_mut().find(|(_, known)| known.shape == shape) {
            Some((_, known)) => known.count += 1,
            None => self.shapes.push((key, UnknownError { shape, count: 1 })),
        }
    }

    pub(super) fn zone_known(&self) -> bool {
        self.kind == Some(Kind::Zoned)
    }

    /// Its first and last time: the last line's where the lines are in order, since a clock may be set back.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        let in_order = self.queue.order() == Order::Ascending;
        let (least, most) = self.least.zip(self.most)?;
        Some(if in_order {
            (self.first.unwrap_or(least), self.near_ns.unwrap_or(most))
        } else {
            (least, most)
        })
    }

    /// What another source told of this one.
    pub(super) fn join(&mut self, other: Self) {
        self.queue.join(other.queue);
        self.samples.extend(other.samples);
        self.least = [self.least, other.least].into_iter().flatten().min();
        self.most = [self.most, other.most].into_iter().flatten().max();
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.near_ns = [self.near_ns, other.near_ns].into_iter().flatten().max();
        self.kind = self.kind.or(other.kind);
        self.strange += other.strange;
        self.unknown_lines += other.unknown_lines;
        self.shapes.extend(other.shapes);
        self.shapes.truncate(SHAPES);
    }

    /// What comes of its lines; `end` is where the whole log ends.
    pub(super) fn finish(mut self, states: &[String], alone: bool, end: Place) -> OneLog {
        let span_ns = self.span();
        let end = if alone { end } else { Place { at_ns: span_ns.map(|(_, end)| end), ..end } };
        // Where the lines are in order the last one tells which process is the last.
        let process = self.process.filter(|_| self.queue.order() == Order::Ascending);
        let Self { queue, tracker, samples, .. } = &mut self;
        queue.finish(|entry| tracker.count(entry, states, samples));
        let text = |bytes: &[u8]| clean_bytes(bytes, MARK);
        let name = [&self.mark, &self.name].into_iter().filter(|part| !part.is_empty());
        let name: Vec<String> =
            name.map(|part| text(part)).filter(|part| !crate::model::text::looks_secret(part)).collect();
        let mut log = OneLog {
            name: name.join(" "),
            host: text(&self.host),
            span_ns: span_ns.filter(|_| !alone),
            unknown_lines: self.unknown_lines,
            strange_times: self.strange,
            ..OneLog::default()
        };
        self.traffic.failed.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.resource.cmp(&b.resource)));
        log.traffic = self.traffic;
        self.shapes.sort_by(|(_, a), (_, b)| b.count.cmp(&a.count).then_with(|| a.shape.cmp(&b.shape)));
        log.unknown = self.shapes.into_iter().map(|(_, shape)| shape).collect();
        self.tracker.finish(states, end, process, &mut log);
        log
    }
}

/// Hash of a message with its figures left out.
pub(super) fn alike(message: &[u8]) -> u64 {
    if !message.iter().any(u8::is_ascii_digit) {
        return hash(message);
    }
    let mut folded = Vec::with_capacity(message.len());
    for byte in message.iter().take(1024) {
        if !byte.is_ascii_digit() {
            folded.push(*byte);
        } else if folded.last() != Some(&b'0') {
            folded.push(b'0');
        }
    }
    hash(&folded)
}

/// How bad it looks, so that the worst stands first.
pub(super) fn worth(log: &OneLog) -> u8 {
    let open = log.signs.iter().filter(|sign| sign.open > 0);
    match open.map(|sign| row(sign.signature).weight).max() {
        Some(Weight::Fail) => 3,
        Some(Weight::Warn) => 2,
        _ => u8::from(log.health.is_none()),
    }
}

/// A pod that another of the same kind came after has been replaced: it fails no more.
pub(super) fn successors(logs: &mut [OneLog]) {
    for at in 0..logs.len() {
        let Some((_, end)) = logs[at].span_ns else { continue };
        let kin = family(&logs[at].name);
        let replaced = (0..logs.len()).any(|other| {
            other != at
                && !kin.is_empty()
                && family(&logs[other].name) == kin
                && logs[other].host == logs[at].host
                && logs[other].span_ns.is_some_and(|(begun, _)| begun >= end)
        });
        if replaced {
            for sign in logs[at].signs.iter_mut().filter(|sign| sign.open > 0) {
                (sign.open, sign.ended) = (0, Some(Ended::Restarted));
            }
            logs[at].replaced = true;
        }
    }
}

/// A pod's name without what its Deployment puts behind it: `connector-7d9f8b6c5-x2x9z`. Others have none.
fn family(name: &str) -> &str {
    let base = name.split([' ', '/']).find(|part| part.matches('-').count() >= 2).unwrap_or_default();
    let mut parts = base.rsplitn(3, '-');
    let (pod, set, rest) = (parts.next(), parts.next(), parts.next());
    let random =
        |part: &str| part.len() >= 5 && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    match (pod, set, rest) {
        (Some(pod), Some(set), Some(rest))
            if pod.len() == 5 && random(pod) && (8..=10).contains(&set.len()) && random(set) =>
        {
            rest
        }
        _ => "",
    }
}
