//! Computes what the controls saw, for the diagnosis to decide between neighbours. Pure; judges nothing.

use crate::model::CheckId;
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::controller::{fate, maker};
use super::silence::{is_silence, proven};
use crate::model::address::{Scope, is_global, scope};
use crate::model::facts::Facts;
use crate::model::finding::Maker;
use crate::model::observation::{FailureKind, Observation, Outcome, ProbeFailure};
use crate::model::witness::{IcmpSeen, UdpTally, Witnesses};

/// The witnesses of one run.
pub fn witnesses(facts: &Facts) -> Witnesses {
    let beyond = |ip: IpAddr| facts.run.lab.is_some() || scope(ip) != Scope::Loopback;
    let tcp_rejected = tcp_rejected(facts);
    let denied = denied(facts);
    Witnesses {
        udp_dns: facts
            .dns
            .iter()
            .filter_map(|o| o.seen().zip(o.address))
            .filter(|(answer, address)| answer.transport == "udp" && beyond(address.ip()))
            .map(|(answer, address)| (address, answer.rtt_us))
            .min_by_key(|(_, rtt)| *rtt),
        tcp: tcp_works(facts, tcp_rejected.is_empty()),
        tcp_silent: tcp_silent(facts),
        tcp_rejected,
        resolvers_denied: !facts.dns.is_empty() && facts.dns.iter().all(|o| is_denied(facts, o)),
        no_way_to_resolvers: no_way_to_resolvers(facts),
        ipv4_dead: ipv4_dead(facts),
        misled: super::dns::misled(facts),
        denied,
        misrouted: misrouted(facts),
        stun: tally(facts, &facts.stun),
        ntp: tally(facts, &facts.ntp),
        second_opinion_answered: facts.stun_second.iter().any(|o| o.seen().is_some_and(|s| s.reachable)),
        https: super::relay::others_on_443(facts),
        portal_signs: super::portal::signs(facts),
    }
}

/// Who takes a connection. A bare refusal shows it, too, unless somebody on the way is known to refuse in others' names.
fn tcp_works(facts: &Facts, refusals_are_peers: bool) -> Option<String> {
    let control = &facts.control;
    let honest = |o: &&Observation<_>| o.seen().is_some() || (refusals_are_peers && tcp_gets_out(facts, o));
    let controls = facts.tcp_controls.iter().filter(honest).map(|o| &o.target);
    // Who refuses is known better for these: only a connection that stood counts.
    let controller = control.tcp.iter().filter(|o| o.seen().is_some()).map(|o| &o.target);
    let relays = control.relays.iter().filter(|o| o.seen().is_some()).map(|o| &o.target);
    let services = control.services.iter().filter(|o| o.seen().is_some()).map(|o| &o.target);
    // Whoever answers on port 80, be it a portal: something gets out.
    let plain = control.plain.iter().filter(|o| o.seen().is_some()).map(|o| &o.target);
    controller.chain(relays).chain(services).chain(controls).chain(plain).next().cloned()
}

fn tcp_rejected(facts: &Facts) -> Vec<String> {
    fn rejected<T>(facts: &Facts, observations: &[Observation<T>]) -> Vec<String> {
        let fates = observations.iter().filter_map(|o| Some(fate(facts, o, o.failure()?)));
        fates.filter(|fate| matches!(fate.maker, Maker::Nearer(_))).map(|fate| fate.words()).collect()
    }
    let control = &facts.control;
    let mut all = rejected(facts, &control.tcp);
    all.extend(rejected(facts, &control.relays));
    all.extend(rejected(facts, &control.services));
    all.extend(rejected(facts, &facts.tcp_controls));
    all
}

/// A router that sends ICMP network or host unreachable about every resolver: no filter, but no way.
fn no_way_to_resolvers(facts: &Facts) -> Option<IpAddr> {
    /// Type 3, codes 0 and 1, and their kin (RFC 792, RFC 1122 3.2.2.1).
    const NO_WAY: &[u16] = &[0x300, 0x301, 0x306, 0x307];
    let router = |o: &Observation<_>| {
        let failure = o.failure().filter(|f| f.code.is_some_and(|code| NO_WAY.contains(&code)))?;
        match maker(facts, failure, o.address) {
            Maker::Nearer(router) => router,
            _ => None,
        }
    };
    let first = facts.dns.first().and_then(router)?;
    facts.dns.iter().all(|o| router(o).is_some()).then_some(first)
}

/// How many tries at global addresses of IPv4 failed on the way, all of them, while IPv6 was answered.
fn ipv4_dead(facts: &Facts) -> Option<usize> {
    /// Of each family: tries that were answered, those that were lost on the way, and others.
    #[derive(Default)]
    struct Tally {
        answered: usize,
        lost: usize,
        other: usize,
    }
    fn add<T>(facts: &Facts, observations: &[Observation<T>], tallies: &mut [Tally; 2]) {
        for o in observations {
            let Some(ip) = o.address.map(|a| a.ip()).filter(|ip| is_global(*ip)) else { continue };
            let tally = &mut tallies[usize::from(ip.is_ipv6())];
            let lost = |f: &ProbeFailure| {
                is_silence(facts, f) || matches!(maker(facts, f, o.address), Maker::Nearer(_))
            };
            match &o.outcome {
                Outcome::Seen(_) => tally.answered += 1,
                Outcome::Failed(f) if lost(f) => tally.lost += 1,
                Outcome::Failed(_) => tally.other += 1,
                Outcome::NotRun(_) => {}
            }
        }
    }
    let mut tallies = [Tally::default(), Tally::default()];
    add(facts, &facts.dns, &mut tallies);
    add(facts, &facts.stun, &mut tallies);
    add(facts, &facts.ntp, &mut tallies);
    add(facts, &facts.control.tcp, &mut tallies);
    add(facts, &facts.control.relays, &mut tallies);
    add(facts, &facts.control.services, &mut tallies);
    let [four, six] = tallies;
    (four.answered + four.other == 0 && four.lost >= 3 && six.answered > 0).then_some(four.lost)
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
fn denied(facts: &Facts) -> BTreeMap<CheckId, Vec<String>> {
    fn names<T>(facts: &Facts, observations: &[Observation<T>]) -> Vec<String> {
        let denied = observations.iter().filter(|o| is_denied(facts, o));
        let mut names: Vec<String> = denied.map(|o| o.target.clone()).collect();
        names.dedup();
        names
    }
    let control = &facts.control;
    let all = [
        (CheckId::StunDiscovery, names(facts, &facts.stun)),
        (CheckId::ClockSources, names(facts, &facts.ntp)),
        (CheckId::DnsResolvers, names(facts, &facts.dns)),
        (CheckId::ControllerTcp, names(facts, &control.tcp)),
        (CheckId::RelayTcp, names(facts, &control.relays)),
        (CheckId::ServicesTcp, names(facts, &control.services)),
    ];
    all.into_iter().filter(|(_, names)| !names.is_empty()).collect()
}

/// Addresses that this host's own routing refuses.
fn misrouted(facts: &Facts) -> Vec<IpAddr> {
    fn of<T>(facts: &Facts, observations: &[Observation<T>]) -> Vec<IpAddr> {
        let refused = |o: &&Observation<T>| o.failure().is_some_and(|f| f.kind == FailureKind::NoRoute);
        let own = observations.iter().filter(refused).filter(|o| is_denied(facts, o));
        own.filter_map(|o| o.address).map(|address| address.ip()).collect()
    }
    let control = &facts.control;
    let mut all = of(facts, &facts.dns);
    all.extend(of(facts, &control.tcp));
    all.extend(of(facts, &control.relays));
    all.extend(of(facts, &control.services));
    all.extend(of(facts, &facts.stun));
    all.extend(of(facts, &facts.ntp));
    all.sort_unstable();
    all.dedup();
    all
}

fn is_denied<T>(facts: &Facts, o: &Observation<T>) -> bool {
    o.failure().is_some_and(|failure| maker(facts, failure, o.address) == Maker::ThisHost)
}

/// A stood connection, or a refusal by the very peer, shows that TCP gets out.
fn tcp_gets_out<T>(facts: &Facts, o: &Observation<T>) -> bool {
    let by_peer = |f: &ProbeFailure| matches!(maker(facts, f, o.address), Maker::Peer | Maker::Unknown);
    match &o.outcome {
        Outcome::Seen(_) => true,
        Outcome::Failed(f) => f.kind == FailureKind::Refused && by_peer(f),
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
        if of_name().filter(|o| o.failure().is_some()).all(|o| is_denied(facts, o)) {
            tally.denied += 1;
        }
        for (failure, address) in failures() {
            tally.sent += failure.sent;
            tally.silent_ports.push(address.port());
            tally.conclusive &= failure.kind != FailureKind::Timeout || proven(facts, failure);
            // Without an offender the error is this host's own: no route.
            if matches!(maker(facts, failure, Some(address)), Maker::Peer | Maker::Nearer(Some(_)))
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
