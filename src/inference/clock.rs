//! What is known of this host's clock: whom to believe about the time, and how far off it is. Pure.

use super::target;
use super::votes::{Vote, believed, dates, servers};
use crate::model::facts::Facts;
use crate::model::finding::{ClockError, NtpTampered};
use crate::model::words::TimeSource;
use crate::proto::ntp::select::{Interval, Selection, select};

/// Beyond this the Controller refuses tokens, nanoseconds (connector-facts 2.1).
pub const LIMIT_NS: u64 = 5_000_000_000;

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
    /// By whom.
    pub source: TimeSource,
    /// Named sources outside the majority's interval, with their offsets in nanoseconds.
    pub falsetickers: Vec<(String, i64)>,
    /// Largest difference between agreeing sources, nanoseconds.
    pub spread_ns: u64,
}

/// What a run knows of the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What the time servers say together; where they say nothing, what the Dates of HTTP answers say; where these
    /// contradict each other, what the majority of all says.
    pub measured: Option<Measured>,
    /// What the time servers alone say together; none where none answered usably or no majority agrees.
    pub by_ntp: Option<Measured>,
    /// Time servers agree on a time that Dates over TLS contradict, and these are believed.
    pub tampered: Option<NtpTampered>,
    /// Time servers that answered usably.
    pub servers: usize,
    /// The run's start by the reference, by this host's clock where there is none; nanoseconds since 1970.
    pub started_ns: i64,
    /// How far the Controller's clock is off the time servers', where that is beyond the limit for certain,
    /// nanoseconds; negative = past.
    pub controller_off_ns: Option<i64>,
}

impl Clock {
    pub(super) fn of(facts: &Facts) -> Self {
        let (servers, dates) = (servers(facts), dates(facts));
        let (by_ntp, by_dates) = (elect(&servers), elect(&dates));
        let count = servers.len();
        let doubted = match (&by_ntp, &by_dates) {
            (Some(servers), Some(dates)) => gap_ns(servers.error, dates.error) > DOUBT_NS,
            (None, Some(_)) => !servers.is_empty(),
            _ => false,
        };
        let tampered = by_ntp.as_ref().zip(by_dates.as_ref()).and_then(|(n, d)| tampered(&servers, n, d));
        let measured = if tampered.is_some() {
            by_dates
        } else if doubted {
            elect(&[servers, dates].concat())
        } else {
            by_ntp.clone().or(by_dates)
        };
        let offset_ns = measured.as_ref().map_or(0, |m| m.error.offset_ns);
        Self {
            controller_off_ns: measured.as_ref().and_then(|m| controller_off_ns(facts, m)),
            started_ns: facts.run.started_wall_ns.saturating_sub(offset_ns),
            tampered,
            servers: count,
            measured,
            by_ntp,
        }
    }
}

/// Nobody vouches for what time servers say; for a Date over TLS a certificate does. Where not one server agrees with the Dates, these
/// are believed: of two hosts always, of one where this host's own clock agrees with it.
fn tampered(servers: &[Vote], ntp: &Measured, dates: &Measured) -> Option<NtpTampered> {
    /// One server alone may just be wrong.
    const SEVERAL: usize = 2;
    let by_dates =
        Interval::around(dates.error.offset_ns, i64::try_from(dates.error.error_ns).unwrap_or(i64::MAX));
    let near = Interval::around(by_dates.mid_ns(), by_dates.error_ns().saturating_add(DOUBT_NS as i64));
    let honest = servers.iter().any(|vote| near.intersection(vote.interval).is_some());
    let own = dates.error.offset_ns.unsigned_abs() <= dates.error.error_ns.saturating_add(DOUBT_NS);
    let hosts = dates.error.agreeing;
    // One Date near the limit may be late itself.
    let alone = own && gap_ns(ntp.error, dates.error) > LIMIT_NS;
    (ntp.error.agreeing >= SEVERAL && !honest && (hosts >= SEVERAL || alone)).then_some(NtpTampered {
        by_servers_ns: ntp.error.offset_ns,
        by_dates_ns: dates.error.offset_ns,
        servers: ntp.error.agreeing,
        hosts,
        follows: !own,
    })
}

fn controller_off_ns(facts: &Facts, reference: &Measured) -> Option<i64> {
    let ntp = Some(reference.error).filter(|_| reference.source == TimeSource::Ntp)?;
    let target = target::controller(facts)?.name();
    let (_, date) = facts.control.dates.iter().filter(|o| o.target == target).find_map(believed)?;
    // Host minus reference, less host minus Controller: Controller minus reference.
    let off = ntp.offset_ns.saturating_sub(date.mid_ns());
    let error = date.error_ns().unsigned_abs().saturating_add(ntp.error_ns);
    (off.unsigned_abs().saturating_sub(error) > LIMIT_NS).then_some(off)
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
        source: if by_date { TimeSource::ControllerDate } else { TimeSource::Ntp },
        falsetickers: of(true).map(|vote| (vote.name.clone(), vote.interval.mid_ns())).collect(),
        spread_ns: most.abs_diff(least),
    })
}
