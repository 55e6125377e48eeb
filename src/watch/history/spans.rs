//! Addresses, the NAT's behaviour and the Connector's starts: what stood, and what came in its place; pure.

use crate::model::CheckId;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::history::{AddressSpan, Moment, NatSpan};
use crate::watch::record::{State, state};

/// A process's start is read to the clock tick, and moves with the host's clock.
const SAME_START_S: i64 = 2;

fn settled<'a>(states: &'a [State], name: &'a str) -> impl Iterator<Item = &'a State> {
    states.iter().filter(move |kept| kept.settled && kept.name == name)
}

/// Public addresses. One that nobody told for a while is the same one still; only another ends it.
pub(super) fn addresses(states: &[State]) -> Vec<AddressSpan> {
    let mut spans: Vec<AddressSpan> = Vec::new();
    for name in [state::IPV4, state::IPV6] {
        let first = spans.len();
        for kept in settled(states, name) {
            let now: BTreeSet<IpAddr> =
                kept.value.split(',').filter_map(|ip| ip.trim().parse().ok()).collect();
            let at = Moment(kept.at_ns);
            if now.is_empty() {
                continue;
            }
            for open in spans[first..].iter_mut().filter(|span| span.ended_at.is_none()) {
                if !now.contains(&open.address) {
                    open.ended_at = Some(at);
                }
            }
            for address in now {
                if !spans[first..].iter().any(|span| span.ended_at.is_none() && span.address == address) {
                    spans.push(AddressSpan { address, started_at: at, ended_at: None });
                }
            }
        }
    }
    spans
}

/// How the NAT maps, as far as that was measured.
pub(super) fn nat(states: &[State]) -> Vec<NatSpan> {
    let mut spans: Vec<NatSpan> = Vec::new();
    for kept in settled(states, CheckId::StunMapping.as_str()) {
        let mapping = match kept.value.as_str() {
            "pass" => "endpoint-independent",
            "warn" => "endpoint-dependent",
            _ => continue,
        };
        let at = Moment(kept.at_ns);
        match spans.last_mut() {
            Some(last) if last.mapping == mapping => continue,
            Some(last) => last.ended_at = Some(at),
            None => {}
        }
        spans.push(NatSpan { mapping: mapping.to_owned(), started_at: at, ended_at: None });
    }
    spans
}

/// When another process took the place of the one before, from `since` on.
pub(super) fn restarts(states: &[State], since: Moment) -> Vec<Moment> {
    let mut before: Option<i64> = None;
    let mut all = Vec::new();
    for kept in settled(states, state::CONNECTOR) {
        let Ok(started_s) = kept.value.parse::<i64>() else { continue };
        let other = before.is_some_and(|before| before.abs_diff(started_s) > SAME_START_S as u64);
        if other && kept.at_ns >= since.0 {
            all.push(Moment(kept.at_ns));
        }
        before = Some(started_s);
    }
    all
}
