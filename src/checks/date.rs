//! Dates of HTTP answers as votes on the clock. Pure.

use super::clock::Measured;
use crate::model::facts::{DateClock, Facts};
use crate::model::finding::ClockError;
use crate::model::observation::Observation;
use crate::model::text::{seconds, signed_offset};
use crate::proto::ntp::select::{Interval, Selection, select};

/// What the Dates say together; none where no host's can be believed or they disagree without a majority.
pub(super) fn measured(facts: &Facts) -> Option<Measured> {
    let votes = votes(facts);
    let intervals: Vec<Interval> = votes.iter().map(|(_, interval)| *interval).collect();
    let selection = select(&intervals);
    let interval = selection.interval()?;
    let liars = match &selection {
        Selection::Agreed { falsetickers, .. } => falsetickers.as_slice(),
        _ => &[],
    };
    Some(Measured {
        error: ClockError {
            offset_ns: interval.mid_ns(),
            error_ns: interval.error_ns().unsigned_abs(),
            agreeing: votes.len() - liars.len(),
            answered: votes.len(),
        },
        source: "controller-date",
        falsetickers: liars
            .iter()
            .filter_map(|i| votes.get(*i))
            .map(|(name, i)| (name.clone(), i.mid_ns()))
            .collect(),
        spread_ns: 0,
    })
}

/// One vote a host, however many addresses: what all its answers allow, or the narrowest where they differ.
fn votes(facts: &Facts) -> Vec<(String, Interval)> {
    let mut votes: Vec<(String, Interval)> = Vec::new();
    for (name, interval) in facts.control.dates.iter().filter_map(believed) {
        match votes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => {
                let narrower = if interval.width_ns() < known.width_ns() { interval } else { *known };
                *known = known.intersection(interval).unwrap_or(narrower);
            }
            None => votes.push((name, interval)),
        }
    }
    votes
}

/// A host's interval, where nothing speaks against it.
pub(super) fn believed(o: &Observation<DateClock>) -> Option<(String, Interval)> {
    let clock = o.seen().filter(|clock| clock.refused.is_none() && clock.least_ns <= clock.most_ns)?;
    Some((o.target.clone(), Interval { lo_ns: clock.least_ns, hi_ns: clock.most_ns }))
}

/// One host's Date as a line of evidence.
pub(super) fn line(o: &Observation<DateClock>) -> String {
    let name = &o.target;
    let Some(clock) = o.seen() else { return format!("{name}: no Date") };
    let interval = Interval { lo_ns: clock.least_ns, hi_ns: clock.most_ns };
    let figures = format!(
        "Date says {} +/- {} s, {} requests",
        signed_offset(interval.mid_ns()),
        seconds(interval.error_ns().unsigned_abs()),
        clock.answers
    );
    match &clock.refused {
        None => format!("{name}: {figures}"),
        Some(why) => format!("{name}: {figures}; not believed: {why}"),
    }
}
