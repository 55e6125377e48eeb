//! The loop: look, compare, keep, tell, rest. Ends only when it is told to.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Sender;

use super::change::{Settler, Value};
use super::keeper::{Keeper, Kept};
use super::latest::{Counted, Latest};
use super::look::{Clocks, Disturbance, look, rest};
use super::place::Place;
use super::record::{Begun, Ended, NewEvent, Record};
use super::resources::{Asked, calm};
use super::schedule::{FULL_EACH, Pace};
use super::timeline::Timeline;
use super::told::{Told, Tone};
use super::words::Words;
use crate::config::Meant;
use crate::env::Env;
use crate::model::Report;
use crate::pipeline;

/// Between the roundings-off of the store, and between two counts of the Controller's downtime.
const TIDY: Duration = Duration::from_mins(10);

/// What a watch is given.
#[derive(Clone, Debug)]
pub struct Watch {
    /// What is checked.
    pub meant: Meant,
    /// How often.
    pub pace: Pace,
    /// Where the history is kept.
    pub place: Option<Place>,
}

/// Watches until `stop` resolves, and ends with everything kept. `tell` is called for each thing to say.
pub async fn run(
    env: &Env,
    watch: Watch,
    feed: &Sender<Arc<Latest>>,
    tell: &mut dyn FnMut(&Told),
    stop: impl Future<Output = ()>,
) {
    let mut state = State::new(env, watch);
    state.start(tell);
    tokio::select! {
        biased;
        () = stop => {}
        () = state.go(feed, tell) => {}
    }
    state.end(tell);
}

/// What the loop knows.
pub(super) struct State<'a> {
    pub(super) env: &'a Env,
    pub(super) watch: Watch,
    pub(super) keeper: Keeper,
    pub(super) settler: Settler,
    pub(super) line: Option<Timeline>,
    pub(super) begun: bool,
    pub(super) last: Option<Last>,
    pub(super) full: Option<Report>,
    pub(super) since_full: u32,
    /// Observations in a row that came sooner, to settle the one before.
    pub(super) hurried: u32,
    pub(super) full_next: bool,
    /// What was seen of Resources.
    asked: Asked,
    /// How far the reference was off in the observation before, where that is too far for the session; nanoseconds.
    pub(super) moved: Option<i64>,
    pub(super) events: Vec<NewEvent>,
    pub(super) counted: Counted,
    pub(super) words: Words,
    clocks: Clocks,
    boot_id: String,
    tidied: Option<Duration>,
    /// Downtime of the Controller that the store tells of, and what was counted live by then; seconds.
    down: (f64, f64),
}

/// The observation before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last {
    pub(super) boot: Duration,
    pub(super) took: Duration,
}

impl<'a> State<'a> {
    fn new(env: &'a Env, watch: Watch) -> Self {
        let watch = Watch { meant: calm(watch.meant), ..watch };
        let words = Words::new(watch.meant.redact);
        let keeper = Keeper::new(watch.place.clone(), words);
        let standing = keeper.standing();
        let values = standing.into_iter().map(|(name, value, cause)| Value { name, value, cause });
        let settler = Settler::remembering(values);
        let boot_id = boot_id(env);
        let line = keeper.earlier(&boot_id);
        Self {
            env,
            keeper,
            settler,
            line,
            words,
            clocks: Clocks::now(env),
            boot_id,
            watch,
            begun: false,
            last: None,
            full: None,
            since_full: 0,
            hurried: 0,
            full_next: false,
            asked: Asked::default(),
            moved: None,
            events: Vec::new(),
            counted: Counted::default(),
            tidied: None,
            down: (0.0, 0.0),
        }
    }

    /// Looks, and rests, for ever.
    async fn go(&mut self, feed: &Sender<Arc<Latest>>, tell: &mut dyn FnMut(&Told)) {
        loop {
            let began = self.env.elapsed();
            let full = self.full.is_none()
                || std::mem::take(&mut self.full_next)
                || self.settler.is_waiting()
                || self.since_full + 1 >= FULL_EACH;
            let mut meant = if full { self.watch.meant.clone() } else { cheap(&self.watch.meant) };
            meant.known = self.asked.known(self.env.boot());
            let (boot, wall_ns) = (self.env.boot(), self.env.wall_ns());
            match look(self.env, &meant, &mut self.clocks).await {
                Ok(report) => {
                    self.asked.learn(boot, &report);
                    // For as long as this watch runs.
                    let kissed = pipeline::asked_to_be_left_alone(&report);
                    self.watch.meant.left_alone.extend(kissed);
                    let moment =
                        Moment { boot, wall_ns, took: self.env.elapsed().saturating_sub(began), full };
                    self.take(report, moment, feed, tell);
                }
                Err(disturbance) => {
                    self.disturbed(disturbance, tell);
                    // What was spoilt is made good, but a host that starves is not starved further.
                    let soon = self.env.elapsed() + self.watch.pace.hurried.min(Duration::from_secs(2));
                    rest(self.env, soon, &mut self.clocks).await;
                    continue;
                }
            }
            let until = began + self.watch.pace.next(self.hurried > 0, self.env.random());
            self.tidy();
            while let Some(disturbance) = rest(self.env, until, &mut self.clocks).await {
                self.disturbed(disturbance, tell);
                // After a step, or a long pause, the next look is due and is a full one.
                if matches!(disturbance, Disturbance::Stepped(_))
                    || matches!(disturbance, Disturbance::Paused(span) if span > self.watch.pace.every)
                {
                    self.full_next = true;
                    let soon = self.env.elapsed() + self.watch.pace.hurried.min(Duration::from_secs(5));
                    rest(self.env, soon, &mut self.clocks).await;
                    break;
                }
            }
        }
    }

    fn disturbed(&mut self, disturbance: Disturbance, tell: &mut dyn FnMut(&Told)) {
        let at_ns = self.at();
        let (kind, seconds, text) = match disturbance {
            Disturbance::Paused(span) => {
                self.counted.pauses += 1;
                let seconds = span.as_secs_f64();
                ("paused", seconds, format!("this process or its host stood still for {seconds:.0} s"))
            }
            Disturbance::Stepped(ns) => {
                self.counted.clock_steps += 1;
                let seconds = ns as f64 / 1e9;
                ("clock-step", seconds, format!("this host's clock stepped by {seconds:+.3} s"))
            }
        };
        self.events.push(NewEvent { kind, seconds: Some(seconds), text: text.clone() });
        tell(&Told::new(at_ns, kind, text).with("seconds", seconds));
    }

    /// The time now, by the best clock known.
    pub(super) fn at(&self) -> i64 {
        self.line.map_or_else(|| self.env.wall_ns(), |line| line.at(self.env.boot()))
    }

    /// A session's beginning; `unbroken`: the observation before was not long ago.
    pub(super) fn begin(&mut self, line: Timeline, unbroken: bool) -> Record {
        self.settler.anew(unbroken);
        self.moved = None;
        self.line = Some(line);
        let first_of_run = !std::mem::replace(&mut self.begun, true);
        Record::Began(Begun {
            first_of_run,
            boot_id: self.boot_id.clone(),
            version: crate::model::build::VERSION.to_owned(),
            every: self.watch.pace.every,
            started_ns: line.started_ns,
            boot: line.boot,
            by_reference: line.by_reference,
        })
    }

    pub(super) fn put(&mut self, records: Vec<Record>, tell: &mut dyn FnMut(&Told)) -> Kept {
        let kept = self.keeper.put(records);
        for text in self.keeper.troubles() {
            tell(&Told::new(self.at(), "store", text).tone(Tone::Trouble));
        }
        kept
    }

    /// Downtime of the Controller within the last week, seconds.
    pub(super) fn downtime_s(&self) -> f64 {
        self.down.0 + self.counted.controller_down_s - self.down.1
    }

    fn tidy(&mut self) {
        let now = self.env.elapsed();
        if self.tidied.is_some_and(|at| now < at + TIDY) {
            return;
        }
        let at_ns = self.at();
        if self.tidied.replace(now).is_some() {
            self.keeper.thin(at_ns, self.env.wall_ns());
        }
        if let Some(down_s) = self.keeper.downtime_s(self.env.wall_ns()) {
            self.down = (down_s, self.counted.controller_down_s);
        }
    }

    fn start(&mut self, tell: &mut dyn FnMut(&Told)) {
        let every = crate::config::show_duration(self.watch.pace.every);
        let file = self.keeper.file().map(|file| self.words.file(file));
        let place =
            file.as_deref().map_or_else(|| "nothing is kept".to_owned(), |file| format!("kept in {file}"));
        for text in self.keeper.troubles() {
            tell(&Told::new(self.at(), "store", text).tone(Tone::Trouble));
        }
        let told = Told::new(self.at(), "started", format!("watching every {every}, {place}"));
        tell(&told.with("every_s", self.watch.pace.every.as_secs_f64()).with("store", file));
    }

    fn end(&mut self, tell: &mut dyn FnMut(&Told)) {
        if self.begun && !self.keeper.must_begin() {
            self.put(vec![Record::Ended(Ended::Stopped)], tell);
        }
        tell(&Told::new(self.at(), "stopped", "stopped by signal").with("samples", self.counted.samples));
    }
}

/// An observation's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) boot: Duration,
    pub(super) wall_ns: i64,
    pub(super) took: Duration,
    pub(super) full: bool,
}

/// The same with less: no NAT's behaviour, sizes and hops, and no public time server asked (RFC 8633).
fn cheap(meant: &Meant) -> Meant {
    let mut cheap = meant.clone();
    cheap.cheap = true;
    cheap.ntp.retain(|named| named.origin.is_said());
    cheap
}

/// The kernel's id of this boot; empty where it has none.
fn boot_id(env: &Env) -> String {
    let read = std::fs::read_to_string(env.path("/proc/sys/kernel/random/boot_id")).unwrap_or_default();
    read.chars().filter(|c| c.is_ascii_hexdigit() || *c == '-').take(36).collect()
}
