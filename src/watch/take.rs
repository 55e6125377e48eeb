//! What the loop does with an observation: which session it belongs to, what changed, what is kept and told.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use tokio::sync::watch::Sender;

use super::change::{Change, Value};
use super::history::{controller, of_controller};
use super::keeper::Kept;
use super::latest::Latest;
use super::record::{Ended, NewEvent, Record, Sampled, state};
use super::run::{Last, Moment, State};
use super::seen::{Seen, seen};
use super::timeline::{MOVED, Timeline};
use super::told::{Told, Tone};
use crate::model::Report;
use crate::model::facts::Facts;
use crate::model::history::State as Reached;

/// A process's start is told by seconds of two clocks: this much is rounding.
const SAME_START_S: i64 = 2;

/// A reference that is known worse than this gives no times.
const GOOD_REFERENCE_S: f64 = 1.0;

impl State<'_> {
    /// Takes an observation.
    pub(super) fn take(
        &mut self,
        report: Report,
        moment: Moment,
        feed: &Sender<Arc<Latest>>,
        tell: &mut dyn FnMut(&Told),
    ) {
        self.counted.samples += 1;
        let verdict = report.verdict();
        let mut records = self.session(&report, moment, tell);
        let Some(line) = self.line else { return };
        let after = line.after(moment.boot);
        let mut seen = seen(report, self.full.as_ref().filter(|_| !moment.full));
        if let Some(value) = self.connector(&seen.report, moment.boot) {
            seen.values.push(value);
        }
        let before = self.reached();
        let (mut states, mut settled, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for value in &mut seen.values {
            if !moment.full && self.settler.settled(&value.name) == Some(value.value.as_str()) {
                value.cause = self.settler.cause(&value.name).map(str::to_owned);
            }
            let step = self.settler.observe(value, after);
            states.extend(step.new);
            settled.extend(step.settled);
            changes.extend(step.change);
        }
        let news = states.iter().any(|state| !state.settled);
        self.count_reach(before, &changes, moment, after);
        let keep_facts = moment.full && (self.full.is_none() || !changes.is_empty());
        records.push(Record::Sampled(Box::new(Sampled {
            after,
            started_ns: line.started_ns,
            by_reference: line.by_reference,
            wall_ns: moment.wall_ns,
            took: moment.took,
            full: moment.full,
            verdict,
            states,
            settled,
            measures: seen.measures.clone(),
            events: std::mem::take(&mut self.events),
            facts: keep_facts.then(|| packed(&seen.report.facts)),
        })));
        let kept = self.put(records, tell);
        self.count_kept(kept);
        self.tell_changes(&changes, &seen, line, tell);
        whisper(kept, moment, line, tell);
        // Twice in a row is enough, for a change and for its cause: what flaps is not asked more often for ever.
        self.hurried = if news && self.hurried < 2 { self.hurried + 1 } else { 0 };
        self.since_full = if moment.full { 0 } else { self.since_full + 1 };
        self.last = Some(Last { boot: moment.boot, took: moment.took });
        seen.report.connector_details.downtime_s = Some(self.downtime_s());
        if moment.full {
            self.full = Some(seen.report.clone());
        }
        let latest =
            Latest { report: Some(Arc::new(seen.report)), at_ns: self.at(), counted: self.counted.clone() };
        feed.send_replace(Arc::new(latest));
    }

    /// The session that the observation belongs to: the records that end one and begin another.
    fn session(&mut self, report: &Report, moment: Moment, tell: &mut dyn FnMut(&Told)) -> Vec<Record> {
        let reference_ns = reference_ns(report, moment);
        let Some(last) = self.last.filter(|_| self.begun && !self.keeper.must_begin()) else {
            let line = Timeline::begin(moment.boot, moment.wall_ns, reference_ns, self.line);
            return vec![self.begin(line, self.keeper.must_begin())];
        };
        let line =
            self.line.get_or_insert_with(|| Timeline::begin(moment.boot, moment.wall_ns, reference_ns, None));
        if moment.boot.saturating_sub(last.boot) > self.watch.pace.unwatched_after(last.took) {
            let line = Timeline::begin(moment.boot, moment.wall_ns, None, Some(*line));
            return vec![Record::Ended(Ended::Paused), self.begin(line, false)];
        }
        let Some(reference_ns) = reference_ns else { return Vec::new() };
        let moved = line.refer(moment.boot, reference_ns);
        let before = std::mem::replace(&mut self.moved, moved);
        let Some(moved) = moved else { return Vec::new() };
        // One wild answer moves nothing: the next observation has to agree, and asks all servers.
        if before.is_none_or(|before| before.abs_diff(moved) > MOVED.as_nanos() as u64) {
            self.full_next = true;
            return Vec::new();
        }
        let seconds = moved as f64 / 1e9;
        let text = format!("the reference moved by {seconds:+.1} s against this host's boot clock");
        let line = Timeline::begin(moment.boot, moment.wall_ns, Some(reference_ns), None);
        let records = vec![Record::Ended(Ended::Clock), self.begin(line, true)];
        self.events.push(NewEvent { kind: "clock-moved", seconds: Some(seconds), text: text.clone() });
        tell(&Told::new(self.at(), "clock-moved", text).with("seconds", seconds));
        records
    }

    /// When the Connector's process started; the same word for the same process.
    fn connector(&self, report: &Report, boot: Duration) -> Option<Value> {
        let line = self.line?;
        let text = match report.connector_details.uptime_s {
            None => String::new(),
            Some(uptime_s) => {
                let start = (line.at(boot) as f64 / 1e9 - uptime_s) as i64;
                let before = self.settler.settled(state::CONNECTOR).and_then(|text| text.parse::<i64>().ok());
                before.filter(|before| (before - start).abs() <= SAME_START_S).unwrap_or(start).to_string()
            }
        };
        Some(Value { name: state::CONNECTOR.to_owned(), value: text, cause: None })
    }

    fn reached(&self) -> Reached {
        controller(|id| Some((self.settler.settled(id)?, self.settler.cause(id))))
    }

    /// Counts the time since the observation before, by what is now known to have stood in it.
    fn count_reach(&mut self, before: Reached, changes: &[Change], moment: Moment, after: Duration) {
        let Some(last) = self.last else { return };
        let span = moment.boot.saturating_sub(last.boot);
        if span > self.watch.pace.unwatched_after(last.took) {
            return;
        }
        let earlier = changes.iter().any(|c| of_controller().contains(&c.name.as_str()) && c.first < after);
        match if earlier { self.reached() } else { before } {
            Reached::Up => self.counted.controller_up_s += span.as_secs_f64(),
            Reached::Down => self.counted.controller_down_s += span.as_secs_f64(),
            Reached::Unknown => {}
        }
    }

    fn count_kept(&mut self, kept: Kept) {
        match kept {
            Kept::Yes(..) => self.counted.kept = self.counted.samples - self.counted.lost,
            Kept::NotYet => {}
            Kept::Lost(n) => self.counted.lost += n,
        }
    }

    fn tell_changes(&mut self, changes: &[Change], seen: &Seen, line: Timeline, tell: &mut dyn FnMut(&Told)) {
        for change in changes {
            if change.name.contains('.') {
                *self.counted.changes.entry(change.name.clone()).or_default() += 1;
            }
            let at_ns = line.started_ns.saturating_add(change.first.as_nanos() as i64);
            for told in self.words.of(change, &seen.report, at_ns) {
                tell(&told);
            }
        }
    }
}

/// Says what became of an observation, to whoever asked for it.
fn whisper(kept: Kept, moment: Moment, line: Timeline, tell: &mut dyn FnMut(&Told)) {
    let (text, session, number) = match kept {
        Kept::Yes(session, samples) => {
            (format!("kept sample {samples} of session {session}"), Some(session), Some(samples))
        }
        Kept::NotYet => ("not kept yet".to_owned(), None, None),
        Kept::Lost(_) => ("not kept".to_owned(), None, None),
    };
    let told = Told::new(line.at(moment.boot), "sample", text).tone(Tone::Whispered);
    tell(&told.with("kept", session.is_some()).with("session", session).with("sample", number));
}

/// The time by the reference when the observation began, where it is known well enough.
fn reference_ns(report: &Report, moment: Moment) -> Option<i64> {
    let details = &report.connector_details;
    let good = details.time_offset_error_s.is_some_and(|error| error <= GOOD_REFERENCE_S);
    let offset_s = details.time_offset_s.filter(|_| good)?;
    Some(moment.wall_ns.saturating_sub((offset_s * 1e9) as i64))
}

/// Facts as deflated JSON; empty where they cannot be written, which would be a bug of theirs.
fn packed(facts: &Facts) -> Vec<u8> {
    let json = serde_json::to_vec(facts).unwrap_or_default();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(&json);
    encoder.finish().unwrap_or_default()
}
