//! One Connector's log, looked at with what else the run knows: what fails, what is over, and what may not be called well.

use super::log_when::{DAY_NS, NS, when};
use crate::connector::log::signatures::{Lasts, Row, Weight, row};
use crate::inference::Inference;
use crate::model::facts::{ConnectorLog, Ended, LogSign, OneLog, Place, Signature as S, TokenClock};
use crate::model::finding::{LogTrouble, Status};
use crate::model::text::{count, seconds, span};

/// Before 2020 there was no log of a Connector's that is read now: such a clock was never set.
const EARLIEST_NS: i64 = 1_577_836_800 * NS;
/// So many unknown errors are worth a doubt.
const MANY_UNKNOWN: u64 = 3;
/// Silence for less than this ends nothing, seconds.
const LEAST_QUIET_S: u32 = 300;
/// The same in a log without times, lines.
const QUIET_LINES: u64 = 1000;
/// A log without times that is no longer than this is taken for a piece of one, cut out for what it shows; lines.
const PIECE: u64 = 200;
/// A process that is younger has not shown yet that it does better, microseconds.
const GRACE_US: u64 = 90_000_000;
/// From here on a clock is wrong, and up to here it is right, nanoseconds.
const CLOCK_WRONG: i64 = 5 * NS;
pub(super) const CLOCK_RIGHT: i64 = 3 * NS;
/// So many tokens show that a clock is right; one shows that it is wrong.
pub(super) const TOKENS: u64 = 3;

/// One Connector's lines with what else the run knows.
pub(super) struct View<'a> {
    run: &'a Inference<'a>,
    pub(super) log: &'a ConnectorLog,
    pub(super) one: &'a OneLog,
    /// Its number where there are several.
    number: Option<usize>,
}

impl<'a> View<'a> {
    /// Every Connector of a log.
    pub(super) fn all(run: &'a Inference<'a>, log: &'a ConnectorLog) -> impl Iterator<Item = Self> {
        let several = !log.more.is_empty();
        log.connectors().enumerate().map(move |(at, one)| Self {
            run,
            log,
            one,
            number: several.then_some(at + 1),
        })
    }

    /// How it is called where there are several, in front of a sentence.
    pub(super) fn named(&self) -> String {
        let parts = [&self.one.host, &self.one.name].into_iter().filter(|part| !part.is_empty());
        match (self.number, parts.map(String::as_str).collect::<Vec<_>>().join(" ")) {
            (None, _) => String::new(),
            (Some(number), name) if name.is_empty() => format!("Connector {number}: "),
            (Some(_), name) => format!("{name}: "),
        }
    }

    /// What fails and is not over.
    pub(super) fn troubles(&self) -> Vec<LogTrouble> {
        if self.one.replaced {
            return Vec::new();
        }
        let mut troubles: Vec<LogTrouble> =
            self.one.signs.iter().filter_map(|sign| self.trouble(sign)).collect();
        troubles.extend(self.clock_trouble(&troubles));
        troubles
    }

    /// How many failures are over.
    pub(super) fn over(&self) -> usize {
        self.one.signs.iter().filter(|sign| weight(sign) > Weight::Note && !self.is_open(sign)).count()
    }

    /// Why it may not be called well although nothing known fails; no evidence of health is not health.
    pub(super) fn doubt(&self) -> Option<String> {
        let one = self.one;
        if !one.reads_health || one.replaced || !self.troubles().is_empty() {
            return None;
        }
        let said = |what: String| Some(format!("{}{what}", self.named()));
        if let Some(at) = one.died {
            return said(format!(
                "it died of a panic or a fatal error ({}), and no line known here says why",
                self.when(at)
            ));
        }
        if one.bad_state {
            let state = one.state.as_deref().unwrap_or("?");
            return said(format!("the last state that it names is {state}, and no line known here says why"));
        }
        if let Some(at) = one.stopped {
            return said(format!("it was stopped ({}), and not started again", self.when(at)));
        }
        let errors = count(one.unknown_lines as usize, "unknown error");
        let Some(health) = one.health else {
            let errors = if one.unknown_lines > 0 { format!(", and {errors}") } else { String::new() };
            return said(format!("no sign that the Connector works{errors}"));
        };
        let since = |place: Place| match place.at_ns.zip(health.last.at_ns) {
            Some((at, well)) => at > well,
            None => place.line > health.last.line,
        };
        let failed = |sign: &&LogSign| {
            weight(sign) > Weight::Note
                && !matches!(sign.ended, Some(Ended::Ready | Ended::Served | Ended::Answered | Ended::Heartbeat) if sign.open == 0)
                && sign.signature != S::EventTokenExpired
                && sign.incident.is_some()
        };
        if one.signs.iter().filter(failed).any(|sign| since(sign.last)) {
            return said("its last failure is over by silence alone: no sign that it works since".to_owned());
        }
        let late = one.unknown_last.is_some_and(|at| match at.at_ns.zip(health.last.at_ns) {
            Some((at, well)) => at.saturating_sub(well) > i64::from(LEAST_QUIET_S) * NS,
            None => at.line.saturating_sub(health.last.line) > MANY_UNKNOWN * 4,
        });
        if one.unknown_since >= MANY_UNKNOWN && late {
            return said(format!("{errors}, and no sign that it works since {}", self.when(health.last)));
        }
        None
    }

    /// The time at which is judged: when the running system's log was read, else where its own lines end.
    fn end_ns(&self) -> Option<i64> {
        self.log.read_at_ns.or(self.one.span_ns.map(|(_, end)| end)).or(self.log.last.at_ns)
    }

    /// The log's own clock is years off: it is the host's.
    fn far_off(&self, at: Place) -> bool {
        let now_ns = self.log.read_at_ns.unwrap_or(self.run.facts.run.started_wall_ns);
        at.at_ns.is_some_and(|ns| {
            self.log.zone_known && (ns < EARLIEST_NS || ns > now_ns.saturating_add(400 * DAY_NS))
        })
    }

    fn trouble(&self, sign: &LogSign) -> Option<LogTrouble> {
        let row = row(sign.signature);
        if row.weight == Weight::Note || !self.is_open(sign) {
            return None;
        }
        let works_here = self.works_here(sign.signature);
        // What works here fails there for a reason of its own: worth a word, no alarm.
        let status = if row.weight == Weight::Fail && !works_here { Status::Fail } else { Status::Warn };
        let times = if sign.open == 1 { "once".to_owned() } else { format!("{} times", sign.open) };
        let named = self.named();
        let told = match sign.open {
            1 => format!("{named}{}: {times}, {}", row.shows, self.when(sign.last)),
            _ => format!(
                "{named}{}: {times} from {} to {}",
                row.shows,
                self.when(sign.open_since),
                self.when(sign.last)
            ),
        };
        Some(LogTrouble {
            signature: sign.signature,
            told,
            line: sign.sample.clone(),
            status,
            works_here,
            connector: self.number.unwrap_or(1),
            far_off: self.far_off(sign.last),
        })
    }

    /// Tokens' times of issue decide where nobody else told the time; so does a time daemon, where tokens are refused.
    fn clock_trouble(&self, others: &[LogTrouble]) -> Option<LogTrouble> {
        if self.run.clock.measured.is_some() {
            return None;
        }
        let refused =
            others.iter().any(|t| matches!(t.signature, S::InvalidToken | S::TokensRefused | S::GaveUp));
        let hint = self.one.signs.iter().any(|sign| sign.signature == S::TokenExpired && sign.open > 0);
        let (signature, status, told) = if let Some(clock) = self.token_clock().filter(|clock| wrong(*clock))
        {
            let recent = self
                .quiet_ns(clock.place)
                .is_none_or(|ns| ns <= i64::from(row(S::ClockBehind).within_s) * NS);
            if !recent {
                return None;
            }
            let told = format!("the clock was {}", self.clock_words(clock));
            let ahead = clock.at_most_ns > 0;
            let hurts = !ahead || refused || hint || self.one.bad_state;
            let signature = if ahead { S::ClockAhead } else { S::ClockBehind };
            (signature, if hurts { Status::Fail } else { Status::Warn }, told)
        } else {
            let step = self
                .one
                .clock_step_ns
                .filter(|ns| refused && ns.unsigned_abs() >= CLOCK_WRONG.unsigned_abs())?;
            let (signature, how) =
                if step > 0 { (S::ClockBehind, "behind") } else { (S::ClockAhead, "ahead") };
            let by = span((step / NS).unsigned_abs());
            (signature, Status::Fail, format!("the clock was {by} {how}, said the time daemon that set it"))
        };
        Some(LogTrouble {
            signature,
            told,
            line: String::new(),
            status,
            works_here: false,
            connector: self.number.unwrap_or(1),
            far_off: false,
        })
    }

    fn token_clock(&self) -> Option<TokenClock> {
        self.one.token_clock
    }

    /// The clock by the tokens' times of issue, in words that follow "the clock was".
    pub(super) fn clock_words(&self, clock: TokenClock) -> String {
        let by = seconds(clock.at_most_ns.unsigned_abs());
        let how = if clock.at_most_ns < 0 {
            format!("at least {by} s BEHIND the Controller's")
        } else if wrong(clock) {
            // Never the same by chance: what is left is at most a second and a half of tokens' age.
            let by = if clock.at_most_ns > 600 * NS {
                span((clock.at_most_ns / NS).unsigned_abs())
            } else {
                format!("{by} s")
            };
            return format!(
                "{by} AHEAD OF the Controller's: {} were all shown so long after their issue ({})",
                count(clock.in_step as usize, "token"),
                self.when(clock.place)
            );
        } else {
            format!("at most {by} s AHEAD OF the Controller's")
        };
        let zone = if self.log.zone_known { "" } else { ", whatever its zone" };
        format!("{how}, by a token's time of issue ({}{zone})", self.when(clock.place))
    }

    /// How long nothing like it was said before the end, nanoseconds.
    fn quiet_ns(&self, last: Place) -> Option<i64> {
        if self.one.strange_times > 0 {
            return None;
        }
        Some(self.end_ns()?.saturating_sub(last.at_ns?))
    }

    /// Neither ended, nor silent, nor too few.
    fn is_open(&self, sign: &LogSign) -> bool {
        self.why_over(sign).is_none()
    }

    /// Why there is nothing to mend, in words; none where there is.
    pub(super) fn why_over(&self, sign: &LogSign) -> Option<String> {
        let row = row(sign.signature);
        if sign.open == 0 {
            let how = match sign.ended {
                Some(Ended::Ready) => "the Connector came to Ready since",
                Some(Ended::Served) => "it served a Client since",
                Some(Ended::Answered) => "it was answered since",
                Some(Ended::Heartbeat) => "the Controller took a heartbeat since",
                Some(Ended::Restarted) if self.one.replaced => "another came in its place",
                Some(Ended::Restarted) | None => "another process began since, and does not say so",
            };
            return Some(how.to_owned());
        }
        if self.before_the_process(sign.last) {
            return Some("the process that runs now began later, and does not say so".to_owned());
        }
        if row.lasts == Lasts::WhileSaid {
            let quiet_s = i64::from(row.within_s.max(LEAST_QUIET_S));
            match self.quiet_ns(sign.last) {
                Some(ns) if ns > quiet_s * NS => {
                    let before = if self.log.read_at_ns.is_some() { "now" } else { "the log's end" };
                    return Some(format!(
                        "not said in the {} before {before}",
                        span((ns / NS).unsigned_abs())
                    ));
                }
                None if self.one.strange_times == 0
                    && self.log.last.line.saturating_sub(sign.last.line) > QUIET_LINES =>
                {
                    return Some(format!("not said in the last {QUIET_LINES} lines"));
                }
                _ => {}
            }
        }
        // A log may stand newest first: lines tell only where times do not.
        let since = |at: Place| match at.at_ns.zip(sign.open_since.at_ns) {
            Some((at, since)) => at >= since,
            None => at.line >= sign.open_since.line,
        };
        let often = sign.incident.is_some_and(since);
        // What is a failure by its frequency alone is none without it.
        let by_itself = row.weight == Weight::Fail && self.is_piece(row);
        (!often && !by_itself).then(|| "too seldom to be a failure".to_owned())
    }

    /// Too short to show how often something is said.
    fn is_piece(&self, row: &Row) -> bool {
        let begun = match self.number {
            Some(_) => self.one.span_ns.map(|(begun, _)| begun),
            None => self.log.first.at_ns,
        };
        match self.end_ns().zip(begun) {
            Some((end, begun)) => end.saturating_sub(begun) < i64::from(row.within_s) * NS,
            None => self.log.lines <= PIECE,
        }
    }

    /// A process that has been running for a while began after this was said.
    fn before_the_process(&self, last: Place) -> bool {
        let ages =
            self.run.facts.host.connector.processes.iter().filter(|p| p.runs()).filter_map(|p| p.age_us);
        let Some(age_us) = ages.min().filter(|age| *age >= GRACE_US) else { return false };
        let began = self.log.read_at_ns.map(|now| now.saturating_sub((age_us as i64).saturating_mul(1000)));
        began.zip(last.at_ns).is_some_and(|(began, last)| last < began)
    }

    /// Whether what the log complains of works in this run, seen from the Connector's own network.
    pub(super) fn works_here(&self, signature: S) -> bool {
        let elsewhere =
            self.run.facts.host.connector.processes.iter().any(|p| p.view.same_network == Some(false));
        let run = self.run;
        let by_high_port =
            || self.run.facts.control.relays.iter().any(|o| o.seen().is_some() && o.port() != Some(443));
        !elsewhere
            && match signature {
                S::RelayUnreached | S::RelayLost => by_high_port() && run.reach.relays_work(),
                S::NameserversFailed => run.resolvers.all_serve(),
                S::ControllerError | S::ControllerFailed | S::HostUnresolved => run.controller_serves,
                S::StunFailed => run.nat.stun_works,
                _ => false,
            }
    }

    pub(super) fn when(&self, place: Place) -> String {
        when(self.log, place)
    }
}

pub(super) fn weight(sign: &LogSign) -> Weight {
    row(sign.signature).weight
}

/// Tokens show that the clock is wrong: one that was shown before its issue, or several that were always shown alike.
fn wrong(clock: TokenClock) -> bool {
    clock.at_most_ns <= -CLOCK_WRONG || (clock.at_most_ns >= CLOCK_WRONG && clock.in_step >= TOKENS)
}
