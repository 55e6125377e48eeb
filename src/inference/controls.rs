//! Computes what the controls saw, for the diagnosis to decide between neighbours. Pure; judges nothing.

use std::net::IpAddr;

use super::elsewhere::Elsewhere;
use super::loss::Loss;
use super::names::misled;
use super::portal;
use super::refusal::{denied, is_denied, maker, misrouted, tcp_rejected, tcp_works};
use super::tally::tally;
use super::target;
use crate::model::address::{Scope, is_global, scope};
use crate::model::facts::controller::peer;
use crate::model::facts::{DnsTransport, Facts, Target};
use crate::model::finding::Maker;
use crate::model::observation::{FailureKind, Observation, Outcome, ProbeFailure};
use crate::model::witness::Witnesses;

/// The witnesses of one run.
pub(super) fn witnesses(facts: &Facts, loss: &Loss) -> Witnesses {
    let beyond = |ip: IpAddr| facts.run.lab.is_some() || scope(ip) != Scope::Loopback;
    let tcp_rejected = tcp_rejected(facts);
    Witnesses {
        udp_dns: facts
            .dns
            .iter()
            .filter_map(|o| o.seen().zip(o.address))
            .chain(facts.fallback.dns.iter().filter_map(|o| Some((&o.seen()?.0, o.address?))))
            .filter(|(answer, address)| answer.transport == DnsTransport::Udp && beyond(address.ip()))
            .map(|(answer, address)| (address, answer.rtt_us))
            .min_by_key(|(_, rtt)| *rtt),
        tcp: tcp_works(facts, tcp_rejected.is_empty()),
        tcp_silent: tcp_silent(facts, loss),
        tcp_rejected,
        denied: denied(facts),
        misrouted: misrouted(facts),
        resolvers_denied: !facts.dns.is_empty() && facts.dns.iter().all(|o| is_denied(facts, o)),
        no_way_to_resolvers: no_way_to_resolvers(facts),
        ipv4_dead: ipv4_dead(facts, loss),
        misled: misled(facts),
        stun: tally(facts, loss, &facts.stun),
        ntp: tally(facts, loss, &facts.ntp),
        second_opinion_answered: facts.stun_second.iter().any(|o| o.seen().is_some_and(|s| s.reachable)),
        controller: target::controller(facts).map(Target::name),
        https: others_on_443(facts),
        silent_sent: silent_sent(facts),
        portal_signs: portal::signs(facts),
        public_dns: Elsewhere::of(facts).resolvers,
        public_names: knows_names(facts),
        stun_elsewhere: stun_elsewhere(facts),
    }
}

/// Whether a public resolver gave an address for any name.
fn knows_names(facts: &Facts) -> bool {
    facts.fallback.dns.iter().filter_map(Observation::seen).any(|answer| !answer.0.addresses.is_empty())
}

/// STUN servers whose answers come from elsewhere than was asked, a line each.
fn stun_elsewhere(facts: &Facts) -> Vec<String> {
    let seen = facts.stun_anywhere.iter().filter_map(|o| Some((o, o.seen()?.from)));
    let mut lines: Vec<String> = seen.map(|(o, from)| format!("{} answers from {from}", peer(o))).collect();
    lines.dedup();
    lines
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
    // Routers say so at most once in a while: of several questions to a resolver one is told.
    let told = |o: &Observation<_>| facts.dns.iter().any(|p| p.address == o.address && router(p).is_some());
    let first = facts.dns.iter().find_map(router)?;
    facts.dns.iter().all(|o| o.seen().is_none() && told(o)).then_some(first)
}

/// How many tries at global addresses of IPv4 failed on the way, all of them, while IPv6 was answered.
fn ipv4_dead(facts: &Facts, loss: &Loss) -> Option<usize> {
    /// Of each family: tries that were answered, those that were lost on the way, and others.
    #[derive(Default)]
    struct Tally {
        answered: usize,
        lost: usize,
        other: usize,
    }
    fn add<T>(facts: &Facts, loss: &Loss, observations: &[Observation<T>], tallies: &mut [Tally; 2]) {
        for o in observations {
            let Some(ip) = o.address.map(|a| a.ip()).filter(|ip| is_global(*ip)) else { continue };
            let tally = &mut tallies[usize::from(ip.is_ipv6())];
            let vanished = |f: &ProbeFailure| {
                loss.is_silence(f) || matches!(maker(facts, f, o.address), Maker::Nearer(_))
            };
            match &o.outcome {
                Outcome::Seen(_) => tally.answered += 1,
                Outcome::Failed(f) if vanished(f) => tally.lost += 1,
                Outcome::Failed(_) => tally.other += 1,
                Outcome::NotRun(_) => {}
            }
        }
    }
    let mut tallies = [Tally::default(), Tally::default()];
    add(facts, loss, &facts.dns, &mut tallies);
    add(facts, loss, &facts.stun, &mut tallies);
    add(facts, loss, &facts.ntp, &mut tallies);
    add(facts, loss, &facts.fallback.dns, &mut tallies);
    add(facts, loss, &facts.fallback.tcp, &mut tallies);
    add(facts, loss, &facts.control.tcp, &mut tallies);
    add(facts, loss, &facts.control.relays, &mut tallies);
    add(facts, loss, &facts.control.services, &mut tallies);
    let [four, six] = tallies;
    (four.answered + four.other == 0 && four.lost >= 3 && six.answered > 0).then_some(four.lost)
}

/// What was sent and stayed unanswered: so many answers would have been dropped by an input filter that drops them all.
fn silent_sent(facts: &Facts) -> u64 {
    fn of<T>(observations: &[Observation<T>]) -> u64 {
        let silent =
            observations.iter().filter_map(Observation::failure).filter(|f| f.kind == FailureKind::Timeout);
        silent.map(|f| u64::from(f.sent)).sum()
    }
    let control = &facts.control;
    of(&facts.stun)
        + of(&facts.ntp)
        + of(&facts.dns)
        + of(&facts.tcp_controls)
        + of(&control.tcp)
        + of(&control.relays)
        + of(&control.services)
        + of(&control.plain)
        + of(&facts.fallback.dns)
        + of(&facts.fallback.tcp)
}

fn tcp_silent(facts: &Facts, loss: &Loss) -> Vec<String> {
    fn silent<'a, T>(loss: &Loss, observations: &'a [Observation<T>]) -> impl Iterator<Item = &'a String> {
        let timeout = |o: &&Observation<T>| o.failure().is_some_and(|f| loss.is_silence(f));
        observations.iter().filter(timeout).map(|o| &o.target)
    }
    let control = &facts.control;
    let mut names: Vec<String> = Vec::new();
    let all = silent(loss, &facts.fallback.tcp)
        .chain(silent(loss, &facts.tcp_controls))
        .chain(silent(loss, &control.tcp));
    for name in all.chain(silent(loss, &control.relays)).chain(silent(loss, &control.services)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// Relays and services that took a connection on port 443.
fn others_on_443(facts: &Facts) -> Vec<String> {
    fn up<T>(all: &[Observation<T>]) -> impl Iterator<Item = String> {
        all.iter().filter(|o| o.port() == Some(443) && o.seen().is_some()).map(|o| o.target.clone())
    }
    up(&facts.control.relays).chain(up(&facts.control.services)).collect()
}
