//! Where names lead: the Controller's, and those that a filter leads astray. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::resolvers::{NAME_ERROR, NO_ERROR, Resolvers};
use super::target::{controller, others_resolve};
use crate::model::CheckId;
use crate::model::address::{Scope, is_private, scope};
use crate::model::facts::{DnsAnswer, Facts, RecordType, ResolvedBy, Target, TargetRole};
use crate::model::observation::{FailureKind, Observation};

/// Where the Controller's name leads.
#[derive(Debug)]
pub struct ControllerName<'a> {
    /// Answers about it, each with its resolver.
    pub answers: Vec<(&'a str, &'a DnsAnswer)>,
    /// The addresses to which it leads, by resolvers or this host's own library, ascending.
    pub leads: Vec<IpAddr>,
    /// Why it leads nowhere, where it does not.
    pub nowhere: Option<Nowhere>,
}

/// Why the Controller's name leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nowhere {
    /// The resolvers know no name at all.
    KnowNothing,
    /// This host had nothing left to ask its own library with, which alone knows the names of /etc/hosts.
    LibraryUnasked,
    /// It does not exist.
    NoSuchName,
    /// The question for an IPv4 address was not answered.
    Ipv4Unanswered,
    /// Resolvers fail for it, and know other names.
    Fails,
    /// No resolver serves.
    NobodyServes,
    /// No resolver answered in time.
    Unanswered,
}

impl<'a> ControllerName<'a> {
    /// None where there is no Controller, or where it is given as an address.
    pub(super) fn of(facts: &'a Facts, resolvers: &Resolvers<'_>) -> Option<Self> {
        let target = controller(facts).filter(|t| t.host.parse::<IpAddr>().is_err())?;
        let name = target.host.trim_end_matches('.');
        let answers: Vec<(&str, &DnsAnswer)> = facts
            .dns
            .iter()
            .filter_map(|o| o.seen().map(|a| (o.target.as_str(), a)))
            .filter(|(_, a)| a.name.trim_end_matches('.').eq_ignore_ascii_case(name))
            .collect();
        let mut leads: Vec<IpAddr> = answers.iter().flat_map(|(_, a)| a.addresses.iter().copied()).collect();
        leads.extend(target.own_addresses());
        leads.sort_unstable();
        leads.dedup();
        let nowhere = leads.is_empty().then(|| nowhere(facts, resolvers, target, &answers));
        Some(Self { answers, leads, nowhere })
    }

    /// Whether it was tried to find the Controller, in vain, and nothing shows why.
    pub fn undecided(&self) -> bool {
        use Nowhere::{Ipv4Unanswered, LibraryUnasked, Unanswered};
        matches!(self.nowhere, Some(LibraryUnasked | Ipv4Unanswered | Unanswered))
    }
}

fn nowhere(
    facts: &Facts,
    resolvers: &Resolvers<'_>,
    target: &Target,
    answers: &[(&str, &DnsAnswer)],
) -> Nowhere {
    if resolvers.know_nothing {
        return Nowhere::KnowNothing;
    }
    let failed = target.system.as_ref().and_then(|s| s.failure.as_ref());
    if failed.is_some_and(|f| f.kind == FailureKind::Exhausted) {
        return Nowhere::LibraryUnasked;
    }
    // Without an IPv6 address it may well have an IPv4 one, the question for which was lost.
    let none = |(_, a): &(&str, &DnsAnswer)| {
        a.rcode == NAME_ERROR || a.rcode == NO_ERROR && a.record == RecordType::A
    };
    if answers.iter().any(none) {
        Nowhere::NoSuchName
    } else if answers.iter().any(|(_, a)| a.rcode == NO_ERROR) {
        Nowhere::Ipv4Unanswered
    } else if !answers.is_empty() && others_resolve(facts) {
        Nowhere::Fails
    } else if resolvers.none_serves() {
        Nowhere::NobodyServes
    } else {
        Nowhere::Unanswered
    }
}

/// How many names of a role have no address.
pub fn unresolved(facts: &Facts, role: TargetRole) -> usize {
    facts.targets.iter().filter(|t| t.role == role && t.addresses.is_empty()).count()
}

/// Who names what nobody else named.
const DEFAULT: &str = "built-in default";

/// Whether anything at a server answered.
fn served(facts: &Facts, t: &Target) -> bool {
    fn any<T>(all: &[Observation<T>], name: &str) -> bool {
        all.iter().any(|o| o.target == name && o.seen().is_some())
    }
    let (name, control) = (t.name(), &facts.control);
    any(&facts.stun, &name)
        || any(&facts.ntp, &name)
        || any(&control.relays, &name)
        || any(&control.services, &name)
}

/// Names that lead to a sinkhole, or to the private address that the Controller's name leads to, by the check that
/// suffers. Names for trials (RFC 6761) may lead to loopback.
pub(super) fn misled(facts: &Facts) -> BTreeMap<CheckId, Vec<String>> {
    let mut misled: BTreeMap<CheckId, Vec<String>> = BTreeMap::new();
    if facts.run.lab.is_some() {
        return misled;
    }
    let own: Vec<IpAddr> = controller(facts).into_iter().flat_map(Target::own_addresses).collect();
    let trial = |host: &str| matches!(host.rsplit('.').next(), Some("test" | "localhost"));
    let resolved = |t: &&Target| t.resolved_by != ResolvedBy::Literal && t.own_addresses().next().is_some();
    for t in facts.targets.iter().filter(resolved) {
        let check = match t.role {
            TargetRole::Stun => CheckId::StunDiscovery,
            TargetRole::Ntp => CheckId::ClockSources,
            TargetRole::Relay => CheckId::RelayTcp,
            TargetRole::Service => CheckId::ServicesTcp,
            TargetRole::Controller | TargetRole::Dns | TargetRole::StandIn | TargetRole::Quic => continue,
        };
        let astray = |ip: &IpAddr| match scope(*ip) {
            Scope::Unspecified | Scope::Multicast => true,
            Scope::Loopback => !trial(&t.host),
            // A public server's name that leads into a LAN, where nothing serves.
            _ => is_private(*ip) && (own.contains(ip) || t.origin == DEFAULT && !served(facts, t)),
        };
        if t.own_addresses().all(|ip| astray(&ip)) {
            misled.entry(check).or_default().push(t.host.clone());
        }
    }
    misled
}
