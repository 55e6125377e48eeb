//! Up, down and unknown, added up; incidents out of what was down; pure.

use std::collections::BTreeMap;

use crate::model::history::{Availability, Incident, Moment, State, Stretch};

/// What was seen to hold for a while. Where one ends before the next begins, nobody looked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen<'a> {
    /// Its start.
    pub from: Moment,
    /// Its end.
    pub to: Moment,
    /// What held.
    pub state: State,
    /// What the checks blame.
    pub cause: Option<&'a str>,
}

/// An incident that goes on, with the seconds that each cause was named for.
struct Open<'a> {
    incident: Incident,
    causes: BTreeMap<&'a str, f64>,
}

impl Open<'_> {
    fn close(self, ended_at: Option<Moment>) -> Incident {
        let most = self.causes.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        Incident { ended_at, cause: most.map(|(cause, _)| cause.to_owned()), ..self.incident }
    }
}

/// Adds up; stretches in the order of time, none over another.
pub fn availability<'a>(seen: impl IntoIterator<Item = Seen<'a>>) -> Availability {
    let mut told = Availability::default();
    let mut open: Option<Open<'a>> = None;
    for now in seen {
        let before = told.timeline.last().map(|stretch| stretch.ended_at);
        if let Some(before) = before.filter(|end| *end < now.from) {
            told.incidents.extend(open.take().map(|open| open.close(Some(before))));
        }
        let seconds = now.to.seconds_since(now.from).max(0.0);
        match now.state {
            State::Up => {
                told.uptime_s += seconds;
                told.incidents.extend(open.take().map(|open| open.close(Some(now.from))));
            }
            State::Down => {
                told.downtime_s += seconds;
                let open = open.get_or_insert_with(|| Open {
                    incident: Incident { started_at: now.from, ended_at: None, downtime_s: 0.0, cause: None },
                    causes: BTreeMap::new(),
                });
                open.incident.downtime_s += seconds;
                if let Some(cause) = now.cause {
                    *open.causes.entry(cause).or_default() += seconds;
                }
            }
            // It may be either: an incident goes on until something is seen to work again.
            State::Unknown => told.unknown_s += seconds,
        }
        match told.timeline.last_mut() {
            Some(last) if last.state == now.state && last.ended_at == now.from => last.ended_at = now.to,
            _ => {
                told.timeline.push(Stretch { started_at: now.from, ended_at: now.to, state: now.state });
            }
        }
    }
    told.incidents.extend(open.map(|open| open.close(None)));
    let looked = told.uptime_s + told.downtime_s;
    told.availability = (looked > 0.0).then(|| told.uptime_s / looked);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    /// `u10 d5 ?3 .7`: seconds up, down, unknown, unseen.
    fn told(plan: &str) -> Availability {
        let mut at = 0;
        let mut seen = Vec::new();
        for word in plan.split(' ') {
            let (kind, rest) = word.split_at(1);
            let (seconds, cause) = rest.split_once(':').map_or((rest, None), |(s, c)| (s, Some(c)));
            let to = at + seconds.parse::<i64>().unwrap() * S;
            let state = match kind {
                "u" => Some(State::Up),
                "d" => Some(State::Down),
                "?" => Some(State::Unknown),
                _ => None,
            };
            seen.extend(state.map(|state| Seen { from: Moment(at), to: Moment(to), state, cause }));
            at = to;
        }
        availability(seen)
    }

    fn incidents(plan: &str) -> Vec<(i64, Option<i64>, i64)> {
        let told = told(plan);
        let row = |i: &Incident| (i.started_at.0 / S, i.ended_at.map(|e| e.0 / S), i.downtime_s as i64);
        told.incidents.iter().map(row).collect()
    }

    #[test]
    fn spans_become_incidents() {
        for (plan, expected) in [
            ("u10", vec![]),
            ("u10 d5 u10", vec![(10, Some(15), 5)]),
            ("d5 u10", vec![(0, Some(5), 5)]),
            ("u10 d5", vec![(10, None, 5)]),
            ("u10 d5 u1 d2 u1", vec![(10, Some(15), 5), (16, Some(18), 2)]),
            // What cannot be told does not end it, and adds nothing.
            ("u10 d5 ?3 d2 u1", vec![(10, Some(20), 7)]),
            ("u10 d5 ?3 u1", vec![(10, Some(18), 5)]),
            // When nobody looked it may have ended.
            ("u10 d5 .100 d2 u1", vec![(10, Some(15), 5), (115, Some(117), 2)]),
            ("u10 d5 .100 u1", vec![(10, Some(15), 5)]),
            ("?9 .3 u1 ?2", vec![]),
        ] {
            assert_eq!(incidents(plan), expected, "{plan}");
        }
    }

    #[test]
    fn every_second_is_counted_once_and_gaps_never() {
        let told = told("u10 d5:a .100 u3 u4 ?2 d1");
        assert_eq!((told.uptime_s, told.downtime_s, told.unknown_s), (17.0, 6.0, 2.0));
        assert!((told.availability.unwrap() - 17.0 / 23.0).abs() < 1e-12);
        assert_eq!(told.timeline.len(), 5, "{:?}", told.timeline);
        assert_eq!(availability([]).availability, None);
    }

    #[test]
    fn the_cause_named_longest_is_the_incidents() {
        let cause = |plan| told(plan).incidents[0].cause.clone();
        assert_eq!(cause("d5:a d9:b d5:a u1").as_deref(), Some("a"));
        assert_eq!(cause("d5:a d19:b d5:a").as_deref(), Some("b"));
        assert_eq!(cause("d5"), None);
    }
}
