//! What was learnt elsewhere than from this host's resolvers: who answers there, and what they say of the Controller's name. Pure.

use std::net::IpAddr;

use super::resolvers::{NAME_ERROR, NO_ERROR};
use super::target::controller;
use crate::model::address::is_global;
use crate::model::facts::{DnsAnswer, Facts};
use crate::model::observation::Observation;

/// What public resolvers, asked by address, say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Those that answered, by address.
    pub resolvers: Vec<IpAddr>,
    /// What they say of the Controller's name.
    pub controller: Option<NameElsewhere>,
}

/// What public resolvers say of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameElsewhere {
    /// Where it leads, by whose word.
    Leads(Vec<IpAddr>, IpAddr),
    /// It does not exist, by whose word.
    Unknown(IpAddr),
}

impl Elsewhere {
    pub(super) fn of(facts: &Facts) -> Self {
        let answered = || {
            let all = facts.fallback.dns.iter().filter_map(|o| Some((o.address?.ip(), &o.seen()?.0)));
            all.filter(|(_, answer)| matches!(answer.rcode, NO_ERROR | NAME_ERROR))
        };
        let mut resolvers: Vec<IpAddr> = answered().map(|(by, _)| by).collect();
        resolvers.sort_unstable();
        resolvers.dedup();
        let of_it = |answer: &&DnsAnswer| {
            let name = controller(facts).map(|t| t.host.trim_end_matches('.'));
            name.is_some_and(|name| answer.name.trim_end_matches('.').eq_ignore_ascii_case(name))
        };
        let own: Vec<(IpAddr, &DnsAnswer)> = answered().filter(|(_, answer)| of_it(answer)).collect();
        let mut leads: Vec<IpAddr> = own.iter().flat_map(|(_, a)| a.addresses.iter().copied()).collect();
        // Whoever answers in a public resolver's place may lie as well.
        leads.retain(|ip| is_global(*ip));
        leads.sort_unstable();
        leads.dedup();
        let by = |wanted: &dyn Fn(&DnsAnswer) -> bool| own.iter().find(|(_, a)| wanted(a)).map(|(by, _)| *by);
        let controller = match by(&|a| a.addresses.iter().any(|ip| leads.contains(ip))) {
            Some(by) => Some(NameElsewhere::Leads(leads, by)),
            None => by(&|a| a.rcode == NAME_ERROR).map(NameElsewhere::Unknown),
        };
        Self { resolvers, controller }
    }

    /// Where the Controller's name leads by their word.
    pub fn leads(&self) -> Option<(&[IpAddr], IpAddr)> {
        match &self.controller {
            Some(NameElsewhere::Leads(addresses, by)) => Some((addresses, *by)),
            _ => None,
        }
    }
}

/// How the address of an observation was learnt, in words, where it was not from this host's own resolvers.
pub fn learnt<T>(facts: &Facts, o: &Observation<T>) -> Option<String> {
    let address = o.address?.ip();
    let target = facts.targets.iter().find(|target| target.name() == o.target)?;
    target.by(address).words()
}
