//! Dates of HTTP answers as votes on the clock. Pure.

use super::time::Vote;
use crate::model::facts::{DateClock, Facts};
use crate::model::observation::Observation;
use crate::model::text::{seconds, signed_offset};
use crate::proto::ntp::select::Interval;

/// One vote a host, however many addresses: what all its answers allow, or the narrowest where they differ.
pub(super) fn votes(facts: &Facts) -> Vec<Vote> {
    let mut votes: Vec<Vote> = Vec::new();
    for (name, interval) in facts.control.dates.iter().filter_map(believed) {
        match votes.iter_mut().find(|vote| vote.name == name) {
            Some(Vote { interval: known, .. }) => {
                let narrower = if interval.width_ns() < known.width_ns() { interval } else { *known };
                *known = known.intersection(interval).unwrap_or(narrower);
            }
            None => votes.push(Vote { name, interval, by_date: true }),
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
