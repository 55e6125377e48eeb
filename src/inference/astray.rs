//! Whether this host's own routing leads astray: what became of every try, by the next hop that it went to. Pure.

use std::net::IpAddr;

use super::takes::{self, Hop, Try, hops};
use super::target::own;
use crate::model::CheckId;
use crate::model::address::{is_global, overlaps_v4};
use crate::model::astray::{Astray, AstrayKind};
use crate::model::facts::{Facts, Interface, InterfaceKind, NeighbourState, NextHop, RouteTo};

/// A network of so few bits covers more than a link has, as a rule; of public addresses even a smaller one does.
const WIDE: u8 = 16;
const WIDE_GLOBAL: u8 = 22;

/// All that leads astray, one entry a fault.
pub(super) fn astray(facts: &Facts) -> Vec<Astray> {
    if facts.run.lab.is_some() {
        return Vec::new();
    }
    let tries = takes::tries(facts);
    let hops = hops(facts, &tries);
    let mut all: Vec<Astray> = takes::tunnels(facts, &hops).into_iter().collect();
    for hop in hops.iter().filter(|hop| !all.iter().any(|a| a.interface == hop.interface)).collect::<Vec<_>>()
    {
        if let Some(kind) = kind(facts, hop) {
            merge(&mut all, of_hop(kind, hop));
        }
    }
    all.extend(silent_uplink(&hops));
    all.extend(idle_dead_hop(facts, &all));
    all.extend(no_ipv4_default(facts));
    if facts.host.routing.routes.is_empty() {
        all.extend(gateway_mute(facts, &tries));
    }
    for one in &mut all {
        finish(&tries, one);
    }
    // Broken IPv6 beside IPv4 that works is no fault of this kind.
    all.retain(|one| !one.spared || one.address.is_none_or(|ip| ip.is_ipv4()));
    all
}

fn of_hop(kind: AstrayKind, hop: &Hop<'_>) -> Astray {
    let mut one = Astray {
        kind,
        interface: hop.interface.to_owned(),
        targets: Vec::new(),
        address: hop.dead().next().map(|t| t.ip),
        checks: Vec::new(),
        spared: false,
    };
    for t in hop.dead() {
        takes::add(t, &mut one);
    }
    one
}

fn merge(all: &mut Vec<Astray>, one: Astray) {
    match all.iter_mut().find(|known| known.kind == one.kind && known.interface == one.interface) {
        Some(known) => {
            let fresh: Vec<String> =
                one.targets.into_iter().filter(|target| !known.targets.contains(target)).collect();
            known.targets.extend(fresh);
            known.checks.extend(one.checks);
        }
        None => all.push(one),
    }
}

/// What is wrong with a next hop by which nothing was answered.
fn kind(facts: &Facts, hop: &Hop<'_>) -> Option<AstrayKind> {
    let (route, first) = (hop.route, hop.dead().next()?);
    if hop.alive() {
        return None;
    }
    let network = route.network.zip(route.prefix);
    match (route.gateway, route.neighbour) {
        (Some(gateway), Some(state)) if state.is_dead() => Some(AstrayKind::DeadNextHop {
            gateway,
            other: other_way(facts, route),
            shared: !route.hops.is_empty(),
        }),
        // Written down by hand for what is right, too: several silent targets are needed behind a gateway.
        (gateway, Some(NeighbourState::Permanent)) if gateway.is_none() || hop.dead_addresses() > 1 => {
            Some(AstrayKind::Pinned { neighbour: gateway.unwrap_or(first.ip) })
        }
        (None, Some(state)) if state.is_dead() => on_link(facts, hop.interface, first.ip, network?),
        (_, state) => over_tunnel(facts, hop, network?, state),
    }
}

/// An address that this host takes to be on its own link, and that does not answer there.
fn on_link(facts: &Facts, on: &str, ip: IpAddr, network: (IpAddr, u8)) -> Option<AstrayKind> {
    use InterfaceKind as K;
    let interface = interface(facts, on)?;
    let default = facts.host.default_routes.iter().any(|route| !route.ipv6 && route.interface == on);
    let made =
        matches!(interface.kind, K::ContainerBridge | K::Bridge | K::Vpn | K::Tunnel | K::Dummy | K::Macvlan);
    let elsewhere = facts.host.interfaces.iter().filter(|i| i.up && i.name != on).any(|i| within(i, ip));
    if !default && (made || elsewhere) {
        let what = if made { interface.kind.word() } else { "interface" };
        return Some(AstrayKind::Covered { network, what, engine: interface.kind == K::ContainerBridge });
    }
    if !within(interface, ip) {
        return Some(AstrayKind::NoGateway { network });
    }
    let limit = if is_global(ip) { WIDE_GLOBAL } else { WIDE };
    let near = |own: &IpAddr| match (own, ip) {
        (IpAddr::V4(own), IpAddr::V4(ip)) => overlaps_v4((*own, 24), (ip, 24)),
        _ => false,
    };
    let near = interface.addresses.iter().map(|a| a.ip).any(|own| near(&own));
    (network.1 <= limit && !near).then_some(AstrayKind::TooWide { network })
}

/// A tunnel with a network of its own that swallows what it covers.
fn over_tunnel(
    facts: &Facts,
    hop: &Hop<'_>,
    network: (IpAddr, u8),
    state: Option<NeighbourState>,
) -> Option<AstrayKind> {
    let interface = interface(facts, hop.interface)?;
    let tunnel = matches!(interface.kind, InterfaceKind::Vpn | InterfaceKind::Tunnel);
    let plain = state.is_none_or(|state| state == NeighbourState::Noarp);
    (tunnel && plain && network.1 > 1).then(|| AstrayKind::Covered {
        network,
        what: interface.kind.word(),
        engine: false,
    })
}

fn interface<'a>(facts: &'a Facts, name: &str) -> Option<&'a Interface> {
    facts.host.interfaces.iter().find(|interface| interface.name == name)
}

fn within(interface: &Interface, ip: IpAddr) -> bool {
    interface.addresses.iter().any(|a| match (a.ip, ip) {
        (IpAddr::V4(own), IpAddr::V4(ip)) => overlaps_v4((own, a.prefix), (ip, a.prefix)),
        _ => false,
    })
}

/// A way beside this one: another next hop of the same route, or another default route.
fn other_way(facts: &Facts, route: &RouteTo) -> Option<(Option<IpAddr>, String)> {
    let not_this = |gateway: Option<IpAddr>, interface: &str| {
        gateway != route.gateway || route.interface.as_deref() != Some(interface)
    };
    let beside = route.hops.iter().filter(|hop| not_this(hop.gateway, &hop.interface));
    let beside = beside.filter(|hop| !hop.neighbour.is_some_and(NeighbourState::is_dead));
    let mut beside = beside.map(|hop| (hop.gateway, hop.interface.clone()));
    let defaults = facts.host.default_routes.iter().filter(|other| other.ipv6 == route.to.is_ipv6());
    let mut spare =
        defaults.filter(|other| route.prefix == Some(0) && not_this(other.gateway, &other.interface));
    beside.next().or_else(|| spare.next().map(|other| (other.gateway, other.interface.clone())))
}

/// Of a route with several next hops one is silent though its neighbour is there, and another one works.
fn silent_uplink(hops: &[Hop<'_>]) -> Option<Astray> {
    /// Fewer silent targets may be dead themselves.
    const SEVERAL: usize = 2;
    let shared = |hop: &&Hop<'_>| hop.route.hops.len() > 1;
    let silent = hops.iter().filter(shared).find(|hop| {
        !hop.alive()
            && hop.dead_addresses() >= SEVERAL
            && !hop.route.neighbour.is_some_and(NeighbourState::is_dead)
    })?;
    let beside = || hops.iter().filter(shared).filter(|hop| hop.route.hops == silent.route.hops);
    let works = beside().find(|hop| {
        let same = |kind: bool| hop.tries.iter().any(|t| t.tcp == kind && t.answered);
        // What is silent by the one must pass by the other, kind by kind, and nothing of it may be silent there.
        silent.dead().all(|t| same(t.tcp))
            && hop.tries.iter().filter(|t| t.answered).count() >= SEVERAL
            && hop.dead().count() == 0
    });
    if let Some(works) = works {
        let other = (works.route.gateway, works.interface.to_owned());
        let kind = AstrayKind::SilentUplink { gateway: silent.route.gateway, other, works: true };
        return Some(of_hop(kind, silent));
    }
    // Dealt out by chance, a whole run may have gone to the dead one.
    let untried = |hop: &&NextHop| hop.gateway != silent.route.gateway || hop.interface != silent.interface;
    let alone = beside().count() == 1 && silent.dead_addresses() > SEVERAL;
    let other = silent.route.hops.iter().find(untried).filter(|_| alone)?;
    let other = (other.gateway, other.interface.clone());
    Some(of_hop(AstrayKind::SilentUplink { gateway: silent.route.gateway, other, works: false }, silent))
}

/// A dead next hop of a route with several, to which none of this run's own targets was dealt.
fn idle_dead_hop(facts: &Facts, known: &[Astray]) -> Option<Astray> {
    let dead = |hop: &&NextHop| hop.gateway.is_some() && hop.neighbour.is_some_and(NeighbourState::is_dead);
    let of = |route: &RouteTo| {
        let hop = route.hops.iter().find(dead)?;
        let live = route.hops.iter().find(|other| !dead(other))?;
        Some((hop.clone(), (live.gateway, live.interface.clone())))
    };
    let (hop, other) = facts.host.routing.routes.iter().filter(|r| r.to.is_ipv4()).find_map(of)?;
    let gateway = hop.gateway?;
    let told =
        |a: &Astray| matches!(a.kind, AstrayKind::DeadNextHop { gateway: known, .. } if known == gateway);
    (!known.iter().any(told)).then(|| Astray {
        kind: AstrayKind::DeadNextHop { gateway, other: Some(other), shared: true },
        interface: hop.interface,
        targets: Vec::new(),
        address: None,
        checks: Vec::new(),
        spared: true,
    })
}

/// An address of IPv4 that is no container's, and a default route of IPv6 alone.
fn no_ipv4_default(facts: &Facts) -> Option<Astray> {
    use InterfaceKind as K;
    let routes = &facts.host.default_routes;
    if routes.iter().any(|route| !route.ipv6) || !routes.iter().any(|route| route.ipv6) {
        return None;
    }
    let real =
        |i: &&Interface| i.up && !matches!(i.kind, K::ContainerBridge | K::Bridge | K::Dummy | K::Loopback);
    let mut addresses =
        facts.host.interfaces.iter().filter(real).flat_map(|i| i.addresses.iter().map(move |a| (i, a)));
    let beyond = |ip: IpAddr| matches!(ip, IpAddr::V4(v4) if !v4.is_link_local() && !v4.is_loopback());
    let (interface, address) = addresses.find(|(_, a)| beyond(a.ip))?;
    Some(Astray {
        kind: AstrayKind::NoIpv4Default { address: address.ip },
        interface: interface.name.clone(),
        targets: Vec::new(),
        address: None,
        checks: vec![CheckId::RelayTcp, CheckId::ServicesTcp],
        spared: false,
    })
}

/// Facts that know of the default gateway alone: it answers no ARP, and nothing gets out.
fn gateway_mute(facts: &Facts, tries: &[Try<'_>]) -> Option<Astray> {
    let defaults = || facts.host.default_routes.iter().filter(|route| !route.ipv6);
    let route = defaults().next()?;
    let mute = facts.host.gateway_answers == Some(false) && !tries.iter().any(|t| t.answered);
    let gateway = route.gateway.filter(|_| mute)?;
    let other = defaults().nth(1).map(|other| (other.gateway, other.interface.clone()));
    let mut one = Astray {
        kind: AstrayKind::DeadNextHop { gateway, other, shared: false },
        interface: route.interface.clone(),
        targets: Vec::new(),
        address: None,
        checks: Vec::new(),
        spared: false,
    };
    for t in tries.iter().filter(|t| t.dead && !own(facts, t.ip)) {
        takes::add(t, &mut one);
    }
    Some(one)
}

/// What follows from it: without any resolver nothing has a name; and whether each check has another way.
fn finish(tries: &[Try<'_>], one: &mut Astray) {
    let names = tries.iter().filter(|t| t.check == Some(CheckId::DnsResolvers));
    let nameless = one.checks.contains(&CheckId::DnsResolvers) && !names.clone().any(|t| t.answered);
    let spared = |check: CheckId| tries.iter().any(|t| t.check == Some(check) && t.answered);
    let no_default = matches!(one.kind, AstrayKind::NoIpv4Default { .. });
    one.spared = !no_default && !nameless && one.checks.iter().all(|check| spared(*check));
    if nameless {
        let names = [CheckId::DnsController, CheckId::ControllerTcp, CheckId::RelayTcp, CheckId::ServicesTcp];
        one.checks.extend(names);
    }
    one.checks.sort_unstable();
    one.checks.dedup();
}
