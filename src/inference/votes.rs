//! Who votes on the time: servers of NTP and Dates of HTTP answers. Pure.

use crate::model::facts::{DateClock, Facts, NtpAnswer, NtpStanding};
use crate::model::observation::Observation;
use crate::proto::ntp::select::Interval;

/// What one source says of this host's clock, host minus source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vote {
    pub(super) name: String,
    pub(super) interval: Interval,
    pub(super) by_date: bool,
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

/// One vote a host, however many addresses: what all its answers allow, or the narrowest where they differ.
pub(super) fn dates(facts: &Facts) -> Vec<Vote> {
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
