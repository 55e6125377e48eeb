//! Which packets of the series go missing: all after the first ones (a policer), or those of new flows alone (a NAT with nothing left). Pure.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::model::facts::{Facts, NatAsk, NatRequest, NatSeries};
use crate::model::finding::Missing;
use crate::model::observation::Observation;

/// What the pattern shows; none where it is that of chance, or of no loss.
pub fn missing(facts: &Facts) -> Option<Missing> {
    let series = facts.nat.iter().find_map(Observation::seen)?;
    let mut known: Vec<&NatRequest> = series.asked.iter().filter(|a| fate_known(series, a)).collect();
    known.sort_by_key(|a| a.sent_us);
    new_flows(&known).or_else(|| after_the_first(&known))
}

/// A plain request that was answered, or awaited for long enough.
pub(super) fn fate_known(series: &NatSeries, a: &NatRequest) -> bool {
    a.ask == NatAsk::Plain && (a.reply.is_some() || a.sent_us + series.patience_us <= series.ended_us)
}

/// How one socket fared with one server.
enum Flow {
    /// Every request was answered.
    Lives,
    /// None was.
    Dead(usize),
    /// None at first, and from then on each: an entry became free meanwhile.
    Late,
    /// Some were, as chance has it.
    Mixed,
}

impl Flow {
    fn of(heard: &[bool]) -> Self {
        let first = heard.iter().take_while(|heard| !**heard).count();
        match (first, heard[first..].iter().all(|heard| *heard)) {
            (0, true) => Self::Lives,
            (lost, _) if lost == heard.len() => Self::Dead(lost),
            (2.., true) => Self::Late,
            _ => Self::Mixed,
        }
    }
}

/// Some sockets hear nothing from a server that answers others every time.
fn new_flows(known: &[&NatRequest]) -> Option<Missing> {
    /// Fewer requests of one flow tell nothing.
    const SEVERAL: usize = 3;
    /// Where the living lose nothing, chance takes so many in a row once in a thousand times (`loss::UNKNOWN_LOSS`).
    const TRIES: usize = 5;
    let mut heard: BTreeMap<(usize, SocketAddr), Vec<bool>> = BTreeMap::new();
    for a in known {
        heard.entry((a.socket, a.to)).or_default().push(a.reply.is_some());
    }
    let flows: Vec<(SocketAddr, Flow)> = heard.iter().map(|((_, to), all)| (*to, Flow::of(all))).collect();
    let answers =
        |to: &SocketAddr| flows.iter().any(|(t, flow)| t == to && matches!(flow, Flow::Lives | Flow::Late));
    let of_dead = flows.iter().filter_map(|(to, flow)| match flow {
        Flow::Dead(asked) if *asked >= SEVERAL && answers(to) => Some(*asked),
        _ => None,
    });
    let (dead, asked) = of_dead.fold((0, 0), |(n, all), asked| (n + 1, all + asked));
    let living = flows.iter().filter(|(_, flow)| matches!(flow, Flow::Lives)).count();
    let mixed = flows.iter().any(|(_, flow)| matches!(flow, Flow::Mixed));
    (dead >= 2 && living >= 1 && !mixed && asked >= TRIES).then_some(Missing::NewFlows {
        dead,
        living,
        asked,
    })
}

/// The first requests all pass; of what follows much is lost.
fn after_the_first(known: &[&NatRequest]) -> Option<Missing> {
    /// So many must pass first, and follow.
    const FIRST: usize = 10;
    const THEN: usize = 12;
    let first = known.iter().take_while(|a| a.reply.is_some()).count();
    let then = &known[first..];
    let lost = then.iter().filter(|a| a.reply.is_none()).count();
    (first >= FIRST && then.len() >= THEN && lost * 2 >= then.len()).then_some(Missing::AfterFirst {
        first,
        then: then.len(),
        lost,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::NatReply;
    use crate::model::observation::Outcome;

    /// A series of one destination: per request its socket, and whether it was answered.
    fn facts(asked: &[(usize, bool)]) -> Facts {
        let to: SocketAddr = ([203, 0, 113, 20], 3478).into();
        let local: SocketAddr = ([10, 0, 0, 5], 40_000).into();
        let mapped = NatReply::Mapped { from: to, mapped: local, at_us: 1 };
        let request = |(i, (socket, answered)): (usize, &(usize, bool))| NatRequest {
            socket: *socket,
            local,
            to,
            ask: NatAsk::Plain,
            sent_us: i as u64 * 10_000,
            reply: answered.then_some(mapped),
        };
        let asked = asked.iter().enumerate().map(request).collect();
        let series = NatSeries {
            paths: Vec::new(),
            alternate: false,
            asked,
            patience_us: 60_000,
            ended_us: 9_000_000,
            strays: 0,
        };
        let o = Observation {
            target: "s:1".into(),
            address: Some(to),
            at_us: 0,
            took_us: 9_000_000,
            outcome: Outcome::Seen(series),
        };
        Facts { nat: vec![o], ..Facts::default() }
    }

    fn pattern(asked: &[(usize, bool)]) -> Option<Missing> {
        let facts = facts(asked);
        missing(&facts)
    }

    #[test]
    fn what_goes_missing_tells_a_policer_and_a_full_nat_from_chance() {
        let flow = |socket, answered| std::iter::repeat_n((socket, answered), 4);
        let full: Vec<_> = flow(0, true).chain(flow(1, false)).chain(flow(2, false)).collect();
        assert_eq!(pattern(&full), Some(Missing::NewFlows { dead: 2, living: 1, asked: 8 }));
        // One of them was let in at last.
        let late: Vec<_> = flow(0, true)
            .chain(flow(3, false))
            .chain([(3, true)])
            .chain([1, 2, 1, 2, 1, 2].map(|socket| (socket, false)))
            .collect();
        assert_eq!(pattern(&late), Some(Missing::NewFlows { dead: 2, living: 1, asked: 6 }));
        let policed: Vec<_> = (0..30).map(|i| (i % 3, i < 12 || i % 5 == 0)).collect();
        assert!(matches!(pattern(&policed), Some(Missing::AfterFirst { .. })), "{:?}", pattern(&policed));
        for chance in [
            (0..30).map(|i| (i % 3, true)).collect::<Vec<_>>(),
            (0..30).map(|i| (i % 3, i % 4 != 1)).collect(),
            (0..30).map(|i| (i % 3, i < 25)).collect(),
            flow(0, true).chain(flow(1, false)).collect(),
            (0..12).map(|i| (i % 3, false)).collect(),
        ] {
            assert_eq!(pattern(&chance), None, "{chance:?}");
        }
    }
}
