//! Whom to believe about the time: servers of NTP and Dates of HTTP answers, each a vote. Pure.

use super::date;
use crate::model::facts::{Facts, NtpAnswer, NtpStanding};
use crate::model::finding::ClockError;
use crate::proto::ntp::select::{Interval, Selection, select};

/// A Date may lag behind its server's clock by a second or two, being kept and not made for each answer; time servers
/// and Dates contradict each other only beyond that, nanoseconds.
const DOUBT_NS: u64 = 2_000_000_000;

/// Where no majority agrees to the millisecond, sources this far apart still tell the same time for our purpose: leap
/// smears differ by half a second, and bounds are what servers say of themselves, nanoseconds.
const SLACK_NS: i64 = 500_000_000;

/// The clock's error with its bound, and where it was learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Offset and bound.
    pub error: ClockError,
    /// `ntp` or `controller-date`.
    pub source: &'static str,
    /// Named sources outside the majority's interval, with their offsets in nanoseconds.
    pub falsetickers: Vec<(String, i64)>,
    /// Largest difference between agreeing sources, nanoseconds.
    pub spread_ns: u64,
}

/// What one source says of this host's clock, host minus source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vote {
    pub(super) name: String,
    pub(super) interval: Interval,
    pub(super) by_date: bool,
}

/// What the time servers say together; where they say nothing, what the Dates of HTTP answers say; where these
/// contradict each other, what the majority of all says.
pub fn measured(facts: &Facts) -> Option<Measured> {
    let (servers, dates) = (servers(facts), date::votes(facts));
    let (by_servers, by_dates) = (elect(&servers), elect(&dates));
    let doubted = match (&by_servers, &by_dates) {
        (Some(servers), Some(dates)) => gap_ns(servers.error, dates.error) > DOUBT_NS,
        (None, Some(_)) => !servers.is_empty(),
        _ => false,
    };
    if doubted { elect(&[servers, dates].concat()) } else { by_servers.or(by_dates) }
}

/// What the time servers alone say together; none where none answered usably or no majority agrees.
pub(super) fn by_ntp(facts: &Facts) -> Option<Measured> {
    elect(&servers(facts))
}

/// How far apart two intervals are.
fn gap_ns(a: ClockError, b: ClockError) -> u64 {
    a.offset_ns.abs_diff(b.offset_ns).saturating_sub(a.error_ns).saturating_sub(b.error_ns)
}

fn elect(votes: &[Vote]) -> Option<Measured> {
    let intervals: Vec<Interval> = votes.iter().map(|vote| vote.interval).collect();
    let mut selection = select(&intervals);
    if selection.interval().is_none() {
        let wide = |i: &Interval| Interval::around(i.mid_ns(), i.error_ns().saturating_add(SLACK_NS));
        selection = select(&intervals.iter().map(wide).collect::<Vec<_>>());
    }
    let interval = selection.interval()?;
    let liars = match &selection {
        Selection::Agreed { falsetickers, .. } => falsetickers.as_slice(),
        _ => &[],
    };
    let of = |liar: bool| {
        votes.iter().enumerate().filter(move |(i, _)| liars.contains(i) == liar).map(|(_, vote)| vote)
    };
    let (least, most) = of(false)
        .map(|vote| vote.interval.mid_ns())
        .fold((i64::MAX, i64::MIN), |(least, most), mid| (least.min(mid), most.max(mid)));
    let by_date = of(false).all(|vote| vote.by_date);
    Some(Measured {
        error: ClockError {
            offset_ns: interval.mid_ns(),
            error_ns: interval.error_ns().unsigned_abs(),
            agreeing: votes.len() - liars.len(),
            answered: votes.len(),
            dates: votes.iter().filter(|vote| vote.by_date).count(),
        },
        source: if by_date { "controller-date" } else { "ntp" },
        falsetickers: of(true).map(|vote| (vote.name.clone(), vote.interval.mid_ns())).collect(),
        spread_ns: most.abs_diff(least),
    })
}

/// One vote a time server, however many addresses it has: the one with the least root distance.
pub(super) fn servers(facts: &Facts) -> Vec<Vote> {
    let mut votes: Vec<Vote> = Vec::new();
    for (target, answer) in answers(facts).filter(|(_, a)| a.standing == NtpStanding::Usable) {
        let interval = Interval::around(answer.local_minus_ref_ns, answer.error_ns as i64);
        match votes.iter_mut().find(|vote| vote.name == target) {
            Some(vote) if vote.interval.width_ns() > interval.width_ns() => vote.interval = interval,
            Some(_) => {}
            None => votes.push(Vote { name: target.to_owned(), interval, by_date: false }),
        }
    }
    votes
}

fn answers(facts: &Facts) -> impl Iterator<Item = (&str, &NtpAnswer)> {
    facts.ntp.iter().filter_map(|o| o.seen().map(|a| (o.target.as_str(), a)))
}
