//! Computes what the controls saw, for the diagnosis to decide between neighbours. Pure; judges nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::silence::{is_silence, proven};
use crate::model::address::{Scope, scope};
use crate::model::facts::Facts;
use crate::model::observation::{FailureKind, Observation, Outcome};
use crate::model::witness::{IcmpSeen, UdpTally, Witnesses};

/// The witnesses of one run.
pub fn witnesses(facts: &Facts) -> Witnesses {
    let beyond = |ip: IpAddr| facts.run.lab.is_some() || scope(ip) != Scope::Loopback;
    Witnesses {
        udp_dns: facts
            .dns
            .iter()
            .filter_map(|o| o.seen().zip(o.address))
            .filter(|(answer, address)| answer.transport == "udp" && beyond(address.ip()))
            .map(|(answer, address)| (address, answer.rtt_us))
            .min_by_key(|(_, rtt)| *rtt),
        tcp: tcp_works(facts),
        tcp_silent: tcp_silent(facts),
        denied: denied(facts),
        stun: tally(facts, &facts.stun),
        ntp: tally(facts, &facts.ntp),
        second_opinion_answered: facts.stun_second.iter().any(|o| o.seen().is_some_and(|s| s.reachable)),
        https: super::relay::others_on_443(facts),
        portal_signs: super::portal::signs(facts),
    }
}

fn tcp_works(facts: &Facts) -> Option<String> {
    let control = &facts.control;
    let controls = facts.tcp_controls.iter().filter(|o| tcp_gets_out(o)).map(|o| &o.target);
    // Who refuses is known better for these: only a connection that stood counts.
    let controller = control.tcp.iter().filter(|o| o.seen().is_some()).map(|o| &o.target);
    let relays = control.relays.iter().filter(|o| o.seen().is_some()).map(|o| &o.target);
    let services = control.services.iter().filter(|o| o.seen().is_some()).map(|o| &o.target);
    controller.chain(relays).chain(services).chain(controls).next().cloned()
}

fn tcp_silent(facts: &Facts) -> Vec<String> {
    fn silent<'a, T>(facts: &Facts, observations: &'a [Observation<T>]) -> impl Iterator<Item = &'a String> {
        let timeout = |o: &&Observation<T>| o.failure().is_some_and(|f| is_silence(facts, f));
        observations.iter().filter(timeout).map(|o| &o.target)
    }
    let control = &facts.control;
    let mut names: Vec<String> = Vec::new();
    let all = silent(facts, &facts.tcp_controls).chain(silent(facts, &control.tcp));
    for name in all.chain(silent(facts, &control.relays)).chain(silent(facts, &control.services)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// Targets to which this host did not let anything out, by the check that suffers.
fn denied(facts: &Facts) -> BTreeMap<&'static str, Vec<String>> {
    fn names<T>(observations: &[Observation<T>]) -> Vec<String> {
        let denied = |o: &&Observation<T>| o.failure().is_some_and(|f| f.kind == FailureKind::Denied);
        let mut names: Vec<String> = observations.iter().filter(denied).map(|o| o.target.clone()).collect();
        names.dedup();
        names
    }
    let control = &facts.control;
    let all = [
        ("stun.discovery", names(&facts.stun)),
        ("clock.sources", names(&facts.ntp)),
        ("dns.resolvers", names(&facts.dns)),
        ("controller.tcp", names(&control.tcp)),
        ("relay.tcp", names(&control.relays)),
        ("services.tcp", names(&control.services)),
    ];
    all.into_iter().filter(|(_, names)| !names.is_empty()).collect()
}

/// A stood connection, or a refusal by the very peer, shows that TCP gets out.
fn tcp_gets_out<T>(o: &Observation<T>) -> bool {
    match &o.outcome {
        Outcome::Seen(_) => true,
        Outcome::Failed(f) => f.kind == FailureKind::Refused && f.offender.is_none(),
        Outcome::NotRun(_) => false,
    }
}

/// Counts by server name: a name of which any address answered has answered.
pub(super) fn tally<T>(facts: &Facts, observations: &[Observation<T>]) -> UdpTally {
    let mut names: Vec<&str> = Vec::new();
    for o in observations {
        if o.address.is_some()
            && !matches!(o.outcome, Outcome::NotRun(_))
            && !names.contains(&o.target.as_str())
        {
            names.push(&o.target);
        }
    }
    let mut tally = UdpTally { asked: names.len(), conclusive: true, ..UdpTally::default() };
    for name in names {
        let of_name = || observations.iter().filter(|o| o.target == name);
        // An error reply of the protocol is an answer, too: the packets passed.
        let answered = of_name()
            .any(|o| o.seen().is_some() || o.failure().is_some_and(|f| f.kind == FailureKind::Rejected));
        if answered {
            tally.answered += 1;
            continue;
        }
        tally.silent.push(name.to_owned());
        let failures = || of_name().filter_map(|o| o.failure().zip(o.address));
        if failures().all(|(f, _)| f.kind == FailureKind::Denied) {
            tally.denied += 1;
        }
        for (failure, address) in failures() {
            tally.sent += failure.sent;
            tally.silent_ports.push(address.port());
            tally.conclusive &= failure.kind != FailureKind::Timeout || proven(facts, failure);
            // Without an offender the error is this host's own: no route.
            if failure.offender.is_some()
                && matches!(failure.kind, FailureKind::Refused | FailureKind::Unreachable)
            {
                tally.icmp.push(IcmpSeen {
                    target: name.to_owned(),
                    offender: failure.offender,
                    by_server: failure.offender == Some(address.ip()),
                });
            }
        }
    }
    tally.silent_ports.sort_unstable();
    tally.silent_ports.dedup();
    tally
}
