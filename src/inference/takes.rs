//! What became of each try by the next hop that the kernel sends it to; and tunnels that take everything. Pure.

use std::net::IpAddr;

use super::target::own;
use crate::model::CheckId;
use crate::model::astray::{Astray, AstrayKind, Takes};
use crate::model::facts::controller::peer;
use crate::model::facts::{Facts, InterfaceKind, NeighbourState, RouteKind, RouteTo};
use crate::model::observation::{FailureKind, Observation, Outcome};

/// One try at an address.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that was seen of a try")]
pub(super) struct Try<'a> {
    /// The check that it serves; none for what only witnesses.
    pub(super) check: Option<CheckId>,
    /// The target as it is named.
    name: &'a str,
    /// Named with its address.
    peer: String,
    /// Its address.
    pub(super) ip: IpAddr,
    /// Over TCP.
    pub(super) tcp: bool,
    /// Something came back from there, or from a router on the way.
    pub(super) answered: bool,
    /// Nothing came back.
    pub(super) dead: bool,
    /// It did not leave this host.
    kept_back: bool,
}

/// What went by one next hop.
#[derive(Debug)]
pub(super) struct Hop<'a> {
    /// The interface.
    pub(super) interface: &'a str,
    /// The route of the first try by it.
    pub(super) route: &'a RouteTo,
    /// All tries by it.
    pub(super) tries: Vec<Try<'a>>,
}

impl<'a> Hop<'a> {
    /// Tries by it that nothing came back of.
    pub(super) fn dead(&self) -> impl Iterator<Item = &Try<'a>> {
        self.tries.iter().filter(|t| t.dead)
    }

    /// Whether anything came back by it.
    pub(super) fn alive(&self) -> bool {
        self.tries.iter().any(|t| t.answered)
    }

    /// How many addresses behind it are silent.
    pub(super) fn dead_addresses(&self) -> usize {
        let mut all: Vec<IpAddr> = self.dead().map(|t| t.ip).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }
}

/// All tries of a run that had an address.
pub(super) fn tries(facts: &Facts) -> Vec<Try<'_>> {
    let mut all = Vec::new();
    let control = &facts.control;
    add_all(facts, &facts.dns, Some(CheckId::DnsResolvers), false, &mut all);
    add_all(facts, &control.tcp, Some(CheckId::ControllerTcp), true, &mut all);
    add_all(facts, &control.relays, Some(CheckId::RelayTcp), true, &mut all);
    add_all(facts, &control.services, Some(CheckId::ServicesTcp), true, &mut all);
    add_all(facts, &facts.stun, Some(CheckId::StunDiscovery), false, &mut all);
    add_all(facts, &facts.ntp, Some(CheckId::ClockSources), false, &mut all);
    add_all(facts, &facts.tcp_controls, None, true, &mut all);
    add_all(facts, &facts.fallback.tcp, None, true, &mut all);
    add_all(facts, &facts.fallback.dns, None, false, &mut all);
    all
}

fn add_all<'a, T>(
    facts: &Facts,
    observations: &'a [Observation<T>],
    check: Option<CheckId>,
    tcp: bool,
    all: &mut Vec<Try<'a>>,
) {
    for o in observations {
        let Some(ip) = o.address.map(|address| address.ip()) else { continue };
        let kept_back = o.failure().is_some_and(|f| f.kind == FailureKind::Denied && f.offender.is_none());
        let (answered, dead) = match &o.outcome {
            Outcome::Seen(_) => (true, false),
            Outcome::NotRun(_) => continue,
            Outcome::Failed(failure) => match (failure.kind, failure.offender) {
                (FailureKind::Timeout | FailureKind::Io, _) => (false, true),
                // The kernel's own error bears this host's address, or none.
                (FailureKind::Unreachable, offender) => {
                    let ours = offender.is_none_or(|offender| own(facts, offender));
                    (!ours, ours)
                }
                (FailureKind::Denied | FailureKind::NoRoute, _) => (false, false),
                (kind, _) => (!kind.is_own_want(), false),
            },
        };
        all.push(Try { check, name: &o.target, peer: peer(o), ip, tcp, answered, dead, kept_back });
    }
}

/// The tries by the next hop that they went to.
pub(super) fn hops<'a>(facts: &'a Facts, tries: &[Try<'a>]) -> Vec<Hop<'a>> {
    let mut hops: Vec<Hop<'a>> = Vec::new();
    let routing = &facts.host.routing;
    for t in tries {
        let Some(route) = routing.to(t.ip).filter(|route| route.kind == RouteKind::Unicast) else { continue };
        let Some(interface) = route.interface.as_deref() else { continue };
        let next = |route: &RouteTo| route.gateway.unwrap_or(route.to);
        // Without the neighbour's hardware address nothing leaves: that is no filter of this host's own.
        let for_want_of_it = t.kept_back && route.neighbour.is_some_and(NeighbourState::is_dead);
        let t = Try { dead: t.dead || for_want_of_it, ..t.clone() };
        match hops.iter_mut().find(|h| h.interface == interface && next(h.route) == next(route)) {
            Some(hop) => hop.tries.push(t),
            None => hops.push(Hop { interface, route, tries: vec![t] }),
        }
    }
    hops
}

/// Adds a silent target to what leads astray.
pub(super) fn add(t: &Try<'_>, one: &mut Astray) {
    // A resolver is named by its address alone; a name that leads to several addresses with the one that is meant.
    let name = if t.check == Some(CheckId::DnsResolvers) { t.name } else { t.peer.as_str() };
    if !one.targets.iter().any(|known| known == name) && (t.check.is_some() || one.targets.is_empty()) {
        one.targets.push(name.to_owned());
    }
    one.checks.extend(t.check);
}

/// Tunnels by which this host would send to the whole internet, and by which nothing comes back.
pub(super) fn tunnels(facts: &Facts, hops: &[Hop<'_>]) -> Option<Astray> {
    /// `RT_TABLE_DEFAULT` to `RT_TABLE_LOCAL`, and none told.
    const USUAL: [u32; 4] = [0, 253, 254, 255];
    let tunnel = |name: &str| {
        let mut interfaces = facts.host.interfaces.iter();
        interfaces.any(|i| i.name == name && matches!(i.kind, InterfaceKind::Vpn | InterfaceKind::Tunnel))
    };
    let everything = |hop: &&Hop<'_>| hop.route.prefix.is_none_or(|prefix| prefix <= 1);
    let by = |name: &str| hops.iter().filter(|hop| hop.interface == name).collect::<Vec<_>>();
    let first = hops.iter().filter(everything).find(|hop| tunnel(hop.interface))?;
    let all = by(first.interface);
    let anything = hops.iter().any(|hop| hop.interface != first.interface && hop.alive());
    let silent: usize = all.iter().map(|hop| hop.dead_addresses()).sum();
    // One silent target may be dead itself.
    if all.iter().any(|hop| hop.alive()) || silent < if anything { 2 } else { 1 } {
        return None;
    }
    let route = first.route;
    let takes = match (route.table, route.prefix) {
        (Some(table), _) if !USUAL.contains(&table) => Takes::Rule(table),
        (_, Some(1)) => Takes::Halves,
        _ => Takes::Default,
    };
    let mut one = Astray {
        kind: AstrayKind::DeadTunnel { down: route.link_down, by: takes },
        interface: first.interface.to_owned(),
        targets: Vec::new(),
        address: all.iter().flat_map(|hop| hop.dead()).next().map(|t| t.ip),
        checks: Vec::new(),
        spared: false,
    };
    for t in all.iter().flat_map(|hop| hop.dead()) {
        add(t, &mut one);
    }
    Some(one)
}
