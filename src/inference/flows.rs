//! Which packets of the series go missing: all after the first ones (a policer), or those of new flows alone (a NAT with nothing left). Pure.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::loss::Loss;
use crate::model::facts::{Facts, NatAsk, NatRequest, NatSeries};
use crate::model::finding::Missing;
use crate::model::observation::Observation;

/// What the pattern shows; none where it is that of chance, or of no loss.
pub fn missing(facts: &Facts, loss: &Loss) -> Option<Missing> {
    let series = facts.nat.iter().find_map(Observation::seen)?;
    let mut known: Vec<&NatRequest> = series.asked.iter().filter(|a| fate_known(series, a)).collect();
    known.sort_by_key(|a| a.sent_us);
    new_flows(&known, loss).or_else(|| after_the_first(&known))
}

/// A plain request that was answered, or awaited for long enough.
fn fate_known(series: &NatSeries, a: &NatRequest) -> bool {
    a.ask == NatAsk::Plain && (a.reply.is_some() || a.sent_us + series.patience_us <= series.ended_us)
}

/// Some sockets hear nothing from a server that answers others every time.
fn new_flows(known: &[&NatRequest], loss: &Loss) -> Option<Missing> {
    const SEVERAL: usize = 3;
    let mut flows: BTreeMap<(usize, SocketAddr), (usize, usize)> = BTreeMap::new();
    for a in known {
        let flow = flows.entry((a.socket, a.to)).or_default();
        flow.0 += 1;
        flow.1 += usize::from(a.reply.is_some());
    }
    let alive = |to: SocketAddr| {
        flows.iter().any(|((_, t), (asked, heard))| *t == to && heard == asked && *asked >= SEVERAL)
    };
    let of = |heard_any: bool| {
        let of_kind = flows
            .iter()
            .filter(|((_, to), (asked, heard))| *asked >= SEVERAL && (*heard > 0) == heard_any && alive(*to));
        of_kind.fold((0, 0), |(n, asks), (_, (asked, _))| (n + 1, asks + asked))
    };
    let ((dead, asked), (living, _)) = (of(false), of(true));
    let whole = flows.values().all(|(asked, heard)| *heard == 0 || heard == asked);
    let tries = u32::try_from(asked).unwrap_or(u32::MAX);
    (dead >= 2 && living >= 1 && whole && loss.improbable(tries)).then_some(Missing::NewFlows {
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
        missing(&facts, &Loss::of(&facts))
    }

    #[test]
    fn what_goes_missing_tells_a_policer_and_a_full_nat_from_chance() {
        let flow = |socket, answered| std::iter::repeat_n((socket, answered), 4);
        let full: Vec<_> = flow(0, true).chain(flow(1, false)).chain(flow(2, false)).collect();
        assert_eq!(pattern(&full), Some(Missing::NewFlows { dead: 2, living: 1, asked: 8 }));
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
