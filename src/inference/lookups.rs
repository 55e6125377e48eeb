//! How this host's lookups go: by a search domain, by a resolver that invents addresses, or slowly. Pure.

use std::net::IpAddr;

use super::loss::Loss;
use super::target::{controller, genuine};
use crate::model::CheckId;
use crate::model::facts::{DnsAnswer, Facts, RecordType, ResolvedBy, Target, TargetRole};
use crate::model::finding::{Misfound, Slow, SlowResolver};
use crate::model::observation::{FailureKind, Observation};

/// An answer that comes later is late, where others come soon.
const LATE_US: u64 = 1_500_000;

/// What the lookups of a run show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// A search domain leads the Controller's name astray.
    pub searched: Option<Misfound>,
    /// The Controller's name does not exist, and a resolver invents an address for it.
    pub invented: Option<Misfound>,
}

impl Lookups {
    pub(super) fn of(facts: &Facts) -> Self {
        let target = controller(facts).filter(|t| t.resolved_by != ResolvedBy::Literal);
        let served = facts.control.tls.iter().filter_map(Observation::seen).any(genuine);
        let target = target.filter(|_| !served && facts.run.lab.is_none());
        Self {
            searched: target.and_then(|target| searched(facts, target)),
            invented: target.and_then(|target| invented(facts, target)),
        }
    }
}

/// Answers to questions beside, with addresses: to those for a name that cannot exist, or to the others.
fn beside(facts: &Facts, nowhere: bool) -> impl Iterator<Item = (&str, &DnsAnswer)> {
    let seen = facts.dns_beside.iter().filter_map(|o| Some((o.target.as_str(), o.seen()?)));
    let alike = seen.filter(move |(_, b)| b.nowhere == nowhere && !b.answer.addresses.is_empty());
    alike.map(|(resolver, b)| (resolver, &b.answer))
}

/// Answers about a name itself.
fn about<'a>(facts: &'a Facts, host: &'a str) -> impl Iterator<Item = &'a DnsAnswer> {
    let bare = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    facts.dns.iter().filter_map(Observation::seen).filter(move |a| bare(&a.name) == bare(host))
}

/// The library found the name below a search domain: it gives what that has, and not what the name itself has.
fn searched(facts: &Facts, target: &Target) -> Option<Misfound> {
    let given = &target.system.as_ref()?.addresses;
    let (resolver, found) = beside(facts, false)
        .find(|(_, a)| !given.is_empty() && given.iter().all(|ip| a.addresses.contains(ip)))?;
    let own: Vec<IpAddr> = about(facts, &target.host).flat_map(|a| a.addresses.iter().copied()).collect();
    if given.iter().any(|ip| own.contains(ip)) || about(facts, &target.host).next().is_none() {
        return None;
    }
    Some(Misfound {
        name: target.host.clone(),
        as_name: found.name.clone(),
        resolver: resolver.to_owned(),
        checks: astray(facts, given),
        addresses: given.clone(),
        right: own,
    })
}

/// Addresses that a resolver says a name has that cannot exist: whoever is led there meets a stranger.
pub(super) fn strangers(facts: &Facts) -> Vec<IpAddr> {
    beside(facts, true).flat_map(|(_, found)| found.addresses.iter().copied()).collect()
}

/// A name that cannot exist has the address to which the Controller's leads, and names that do exist lead elsewhere: else it is a portal.
fn invented(facts: &Facts, target: &Target) -> Option<Misfound> {
    let (resolver, found) = beside(facts, true).next()?;
    let own: Vec<IpAddr> = target.own_addresses().collect();
    let same = !own.is_empty() && own.iter().all(|ip| found.addresses.contains(ip));
    let others =
        facts.targets.iter().filter(|t| t.host != target.host && t.resolved_by != ResolvedBy::Literal);
    let elsewhere = others.flat_map(Target::own_addresses).any(|ip| !found.addresses.contains(&ip));
    (same && elsewhere).then(|| Misfound {
        name: target.host.clone(),
        as_name: found.name.clone(),
        resolver: resolver.to_owned(),
        checks: astray(facts, &own),
        addresses: own.clone(),
        right: Vec::new(),
    })
}

/// Checks whose servers all are led to these addresses.
fn astray(facts: &Facts, to: &[IpAddr]) -> Vec<CheckId> {
    let kinds = [
        (TargetRole::Stun, CheckId::StunDiscovery),
        (TargetRole::Ntp, CheckId::ClockSources),
        (TargetRole::Relay, CheckId::RelayTcp),
        (TargetRole::Service, CheckId::ServicesTcp),
    ];
    let led = |role| {
        let mut of_role = facts.targets.iter().filter(|t| t.role == role).peekable();
        of_role.peek().is_some() && of_role.all(|t| t.own_addresses().any(|ip| to.contains(&ip)))
    };
    kinds.into_iter().filter(|(role, _)| led(*role)).map(|(_, check)| check).collect()
}

/// The resolver that is asked first answers for A, and for AAAA never; or it answers late.
pub(super) fn slow(facts: &Facts, loss: &Loss) -> Option<SlowResolver> {
    let first = facts.dns.first()?.target.as_str();
    let of_first = || facts.dns.iter().filter(|o| o.target == first);
    let seen = |record| of_first().filter_map(Observation::seen).find(move |a| a.record == record);
    let four = seen(RecordType::A).filter(|a| a.over_udp.is_none() && !a.addresses.is_empty())?;
    let silent = match seen(RecordType::Aaaa) {
        Some(six) => six.over_udp.as_ref(),
        None => of_first().find_map(Observation::failure),
    };
    if let Some(f) = silent.filter(|f| f.kind == FailureKind::Timeout && loss.proven(f)) {
        return Some(SlowResolver { name: first.to_owned(), why: Slow::NoAaaa(f.sent) });
    }
    let stun = facts.stun.iter().filter_map(Observation::seen).map(|a| a.rtt_us);
    let tcp = facts.control.tcp.iter().filter_map(Observation::seen).map(|t| t.0.connect_us);
    let best_us = stun.chain(tcp).min()?;
    let late = four.rtt_us >= LATE_US && best_us.saturating_mul(4) <= four.rtt_us;
    late.then(|| SlowResolver { name: first.to_owned(), why: Slow::Late { rtt_us: four.rtt_us, best_us } })
}
