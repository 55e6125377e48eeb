//! `connector.log`: what the Connector's own log shows, and whether it is over. Pure.

use super::check::Check;
use crate::connector::log::signatures::{Lasts, Row, Weight, row};
use crate::inference::Inference;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic};
use crate::model::facts::{ConnectorLog, Ended, LogSign, Place, Signature as S, TokenClock};
use crate::model::finding::{Finding, LogTrouble, Status, Symptom};
use crate::model::observation::{FailureKind, NotRun, Outcome};
use crate::model::text::{count, seconds, span};

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::ConnectorLog,
    title: "The Connector's log shows no failure that is not over",
    contacts: "nothing: the journal, by journalctl",
    rights: "the group systemd-journal, or root",
    row: CheckRow::under(Topic::Connector),
    page: include_str!("../../docs/checks/connector.log.md"),
    eval: log,
}];

const ID: CheckId = CheckId::ConnectorLog;
const NS: i64 = 1_000_000_000;
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
const CLOCK_RIGHT: i64 = 3 * NS;
/// So many tokens show that a clock is right; one shows that it is wrong.
const TOKENS: u64 = 3;

fn log(run: &Inference<'_>) -> Vec<Finding> {
    let facts = run.facts;
    if facts.run.lab.is_some() {
        return vec![Finding::new(ID, Status::Skip, "lab: this host's own Connector is not judged")];
    }
    let Some(read) = &facts.connector_log else {
        let connector = &facts.host.connector;
        let absent = connector.processes.is_empty() && connector.installed.is_empty();
        let why = if absent {
            "no Connector on this host"
        } else {
            "its log was not read: no journal of a unit of its own"
        };
        return vec![unread(why)];
    };
    let found = match &read.outcome {
        Outcome::Seen(log) => judge(run, &read.target, log),
        Outcome::Failed(failure) if failure.kind == FailureKind::Rights => {
            vec![unread(&format!("{}: may not be read by this user", read.target))]
        }
        Outcome::Failed(failure) => vec![unread(&format!("{}: {}", read.target, failure.kind.word()))],
        Outcome::NotRun(NotRun::Unsupported(why)) => vec![unread(why)],
        Outcome::NotRun(_) => vec![unread("the run ended before its log was read")],
    };
    found.into_iter().map(|finding| finding.took(read.took_us)).collect()
}

/// Not read: never good, never bad, and how it would be read.
fn unread(why: &str) -> Finding {
    Finding::new(ID, Status::Skip, why)
        .evidence(
            "as a service: sudo journalctl -u twingate-connector -o short-iso | connector-doctor logs -",
        )
        .evidence("in docker: docker logs -t NAME 2>&1 | connector-doctor logs -")
        .evidence("in Kubernetes: kubectl logs --timestamps POD | connector-doctor logs -")
}

fn judge(run: &Inference<'_>, source: &str, log: &ConnectorLog) -> Vec<Finding> {
    if log.lines == 0 && log.read_at_ns.is_some() {
        return vec![unread(&format!("{source}: no line of the last seven days"))];
    }
    if !log.recognised && log.signs.is_empty() {
        let why = format!("{source}: none of {} is a Connector's", count(log.lines as usize, "line"));
        return vec![Finding::new(ID, Status::Unknown, why)];
    }
    let view = View { run, log };
    let troubles: Vec<LogTrouble> =
        log.signs.iter().filter_map(|sign| view.trouble(sign)).chain(view.clock_trouble()).collect();
    let over = log.signs.iter().filter(|sign| weight(sign) > Weight::Note && !view.is_open(sign)).count();
    let evidence: Vec<String> =
        log.signs.iter().flat_map(|sign| view.lines(sign)).chain(view.rest()).collect();
    let mut summary = format!("{source}: no failure in {}", count(log.lines as usize, "line"));
    if over > 0 {
        summary = format!(
            "{source}: {} in {}, over",
            count(over, "past failure"),
            count(log.lines as usize, "line")
        );
    }
    let mut all = Finding::new(ID, Status::Pass, summary)
        .evidence_all(evidence)
        .measure("lines", log.lines as f64)
        .measure("bytes", log.bytes as f64);
    for sign in &log.signs {
        all = all.measure(&format!("count {}", name(sign.signature)), sign.count as f64);
    }
    if let Some(clock) = log.token_clock {
        all = all.measure("token_clock_at_most_s", clock.at_most_ns as f64 / 1e9);
        if clock.tokens >= TOKENS && clock.at_most_ns.abs() <= CLOCK_RIGHT {
            all = all.symptom(Symptom::LogClockRight);
        }
    }
    let bad = troubles.into_iter().map(|trouble| {
        Finding::new(ID, trouble.status, trouble.told.clone()).symptom(Symptom::LogTrouble(trouble))
    });
    bad.chain([all]).collect()
}

fn weight(sign: &LogSign) -> Weight {
    row(sign.signature).weight
}

/// The signature's name as facts have it.
fn name(signature: S) -> String {
    serde_json::to_value(signature).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A log with what else the run knows.
struct View<'a> {
    run: &'a Inference<'a>,
    log: &'a ConnectorLog,
}

impl View<'_> {
    /// The time at which is judged: when the running system's log was read, else the log's own end.
    fn end_ns(&self) -> Option<i64> {
        self.log.read_at_ns.or(self.log.last.at_ns)
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
        let told = match sign.open {
            1 => format!("{}: {times}, {}", row.shows, self.when(sign.last)),
            _ => format!(
                "{}: {times} from {} to {}",
                row.shows,
                self.when(sign.open_since),
                self.when(sign.last)
            ),
        };
        Some(LogTrouble { signature: sign.signature, told, line: sign.sample.clone(), status, works_here })
    }

    /// Tokens' times of issue decide where nobody else told the time.
    fn clock_trouble(&self) -> Option<LogTrouble> {
        let clock = self.log.token_clock.filter(|clock| clock.at_most_ns <= -CLOCK_WRONG)?;
        let recent =
            self.quiet_ns(clock.place).is_none_or(|ns| ns <= i64::from(row(S::ClockBehind).within_s) * NS);
        (recent && self.run.clock.measured.is_none()).then(|| LogTrouble {
            signature: S::ClockBehind,
            told: format!("the clock was {}", self.clock_words(clock)),
            line: String::new(),
            status: Status::Fail,
            works_here: false,
        })
    }

    /// The clock by the tokens' times of issue, in words that follow "the clock was".
    fn clock_words(&self, clock: TokenClock) -> String {
        let by = seconds(clock.at_most_ns.unsigned_abs());
        let how = if clock.at_most_ns < 0 {
            format!("at least {by} s BEHIND the Controller's")
        } else {
            format!("at most {by} s AHEAD OF the Controller's")
        };
        let zone = if self.log.zone_known { "" } else { ", whatever its zone" };
        format!("{how}, by a token's time of issue ({}{zone})", self.when(clock.place))
    }

    /// How long nothing like it was said before the end, nanoseconds.
    fn quiet_ns(&self, last: Place) -> Option<i64> {
        Some(self.end_ns()?.saturating_sub(last.at_ns?))
    }

    /// Neither ended, nor silent, nor too few.
    fn is_open(&self, sign: &LogSign) -> bool {
        self.why_over(sign).is_none()
    }

    /// Why there is nothing to mend, in words; none where there is.
    fn why_over(&self, sign: &LogSign) -> Option<String> {
        let row = row(sign.signature);
        if sign.open == 0 {
            let how = match sign.ended {
                Some(Ended::Ready) => "the Connector came to Ready since",
                Some(Ended::Served) => "it served a Client since",
                Some(Ended::Answered) => "it was answered since",
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
                None if self.log.last.line.saturating_sub(sign.last.line) > QUIET_LINES => {
                    return Some(format!("not said in the last {QUIET_LINES} lines"));
                }
                _ => {}
            }
        }
        let often = sign.incident.is_some_and(|incident| incident.line >= sign.open_since.line);
        // What is a failure by its frequency alone is none without it.
        let by_itself = row.weight == Weight::Fail && self.is_piece(row);
        (!often && !by_itself).then(|| "too seldom to be a failure".to_owned())
    }

    /// Too short to show how often something is said.
    fn is_piece(&self, row: &Row) -> bool {
        match self.end_ns().zip(self.log.first.at_ns) {
            Some((end, first)) => end.saturating_sub(first) < i64::from(row.within_s) * NS,
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
    fn works_here(&self, signature: S) -> bool {
        let elsewhere =
            self.run.facts.host.connector.processes.iter().any(|p| p.view.same_network == Some(false));
        let run = self.run;
        let by_high_port =
            || self.run.facts.control.relays.iter().any(|o| o.seen().is_some() && o.port() != Some(443));
        !elsewhere
            && match signature {
                S::RelayUnreached | S::RelayLost => by_high_port() && run.reach.relays_work(),
                S::NameserversFailed => run.resolvers.all_serve(),
                S::ControllerError | S::ControllerFailed => run.controller_serves,
                S::StunFailed => run.nat.stun_works,
                _ => false,
            }
    }

    /// The evidence: how often, when, whether it is over, and the line.
    fn lines(&self, sign: &LogSign) -> Vec<String> {
        let over = match (weight(sign), self.why_over(sign)) {
            (Weight::Note, _) => "no failure by itself".to_owned(),
            (_, Some(why)) => format!("over: {why}"),
            (_, None) if self.works_here(sign.signature) => "not over, and works here now".to_owned(),
            (_, None) => "not over".to_owned(),
        };
        let shows = row(sign.signature).shows;
        let times = count(sign.count as usize, "line");
        let (first, last) = (self.when(sign.first), self.when(sign.last));
        vec![
            format!("{shows}: {times}, first {first}, last {last}; {over}"),
            format!("it says: {}", sign.sample),
        ]
    }

    /// What else is worth knowing.
    fn rest(&self) -> Vec<String> {
        let log = self.log;
        let dated = log.first.at_ns.zip(log.last.at_ns).is_some();
        let times =
            (!dated).then(|| "it bears no times: docker logs -t, TWINGATE_TIMESTAMP_FORMAT=2".to_owned());
        let reaches =
            dated.then(|| format!("it reaches from {} to {}", self.when(log.first), self.when(log.last)));
        let state = log.state.as_ref().map(|state| {
            format!("{}, the last one to {state}", count(log.state_changes as usize, "change") + " of state")
        });
        let cut = (log.cut_lines > 0).then(|| {
            format!("of {} only the first 64 KiB were looked at", count(log.cut_lines as usize, "long line"))
        });
        let clock = log.token_clock.map(|clock| format!("the clock was {}", self.clock_words(clock)));
        times.into_iter().chain(reaches).chain(state).chain(clock).chain(cut).collect()
    }

    fn when(&self, place: Place) -> String {
        match place.at_ns {
            None => format!("line {}", place.line),
            // Nobody's clock stood there: it counts from a start.
            Some(ns) if ns < 100_000_000 * NS => format!("{}.{:03} s", ns / NS, ns % NS / 1_000_000),
            Some(ns) => {
                let time = jiff::Timestamp::from_second(ns.div_euclid(NS))
                    .map_or_else(|_| "?".to_owned(), |t| t.to_string());
                if self.log.zone_known { time } else { time.trim_end_matches('Z').to_owned() }
            }
        }
    }
}
