//! The kernel's own look-up for each address: which route decides, by which next hop, in which state that neighbour is; and its rules of
//! policy routing. rtnetlink, without rights; nothing is sent.

use std::net::IpAddr;

use super::netlink::{
    ERROR, GET_ROUTE, NEW_ROUTE, ROUTE_HEADER, Socket, attribute, attributes, ip, u16_at, u32_at,
};
use crate::model::facts::{NeighbourState, NextHop, PolicyRule, RouteKind, RouteTo, Routing};
use crate::model::text;

const NEW_NEIGHBOUR: u16 = 28;
const GET_NEIGHBOUR: u16 = 30;
const GET_RULE: u16 = 34;
/// `ndmsg` and `fib_rule_hdr`.
const NEIGHBOUR_HEADER: usize = 12;
const RULE_HEADER: usize = 12;
/// `RTM_F_LOOKUP_TABLE`, and `RTM_F_FIB_MATCH`: the very route instead of what comes of it.
const LOOKUP_TABLE: u32 = 0x1000;
const FIB_MATCH: u32 = 0x2000;
/// `RTNH_F_DEAD`, `RTNH_F_LINKDOWN`.
const DOWN: u32 = 0x11;
/// Most addresses looked up, next hops and rules kept.
const MOST_ADDRESSES: usize = 96;
const MOST_HOPS: usize = 16;
const MOST_RULES: usize = 64;

/// Asks for each of these addresses.
pub(super) fn routing(socket: &Socket, addresses: &[IpAddr]) -> Routing {
    let routes = addresses.iter().take(MOST_ADDRESSES).map(|to| route_to(socket, *to)).collect();
    let mut body = vec![0; RULE_HEADER];
    body[0] = libc::AF_INET as u8;
    let rules = socket.dump(GET_RULE, &body, MOST_RULES).unwrap_or_default();
    let rules =
        rules.iter().filter_map(|rule| parse_rule(rule)).filter(|rule| !of_the_kernel(rule)).collect();
    Routing { routes, rules, error: None }
}

/// The three that every network begins with: local, main, default.
fn of_the_kernel(rule: &PolicyRule) -> bool {
    matches!((rule.priority, rule.table), (0, Some(255)) | (32_766, Some(254)) | (32_767, Some(253)))
}

fn route_to(socket: &Socket, to: IpAddr) -> RouteTo {
    let unknown = RouteTo { to, kind: RouteKind::None, ..RouteTo::default() };
    let mut route = match socket.ask(GET_ROUTE, &question(to, None, LOOKUP_TABLE)) {
        Ok((NEW_ROUTE, answer)) => parse_route(&answer, to, name).unwrap_or(unknown),
        Ok((ERROR, answer)) => RouteTo { kind: refusal(&answer), ..unknown },
        _ => unknown,
    };
    if route.kind != RouteKind::Unicast {
        return route;
    }
    // A connection looks twice: with the source that the first look gave, one of several next hops may be another.
    if let Some(source) = route.source
        && let Ok((NEW_ROUTE, answer)) = socket.ask(GET_ROUTE, &question(to, Some(source), LOOKUP_TABLE))
        && let Some(second) = parse_route(&answer, to, name).filter(|second| second.kind == route.kind)
    {
        (route.gateway, route.interface) = (second.gateway, second.interface);
    }
    // Of the route itself, where the kernel can tell (4.14 and later): its network, and all of its next hops.
    if let Ok((NEW_ROUTE, answer)) = socket.ask(GET_ROUTE, &question(to, None, LOOKUP_TABLE | FIB_MATCH))
        && let Some(whole) = parse_route(&answer, to, name)
    {
        (route.network, route.prefix) = (whole.network, whole.prefix);
        route.link_down |= whole.link_down;
        route.table = whole.table.or(route.table);
        route.hops = whole.hops;
    }
    let state =
        |gateway: Option<IpAddr>, interface: &str| neighbour(socket, gateway.unwrap_or(to), interface);
    route.neighbour = route.interface.as_deref().and_then(|interface| state(route.gateway, interface));
    for hop in &mut route.hops {
        hop.neighbour = state(hop.gateway, &hop.interface);
    }
    let used = (route.gateway, route.interface.as_deref());
    route.link_down |=
        route.hops.iter().any(|h| h.link_down && used == (h.gateway, Some(h.interface.as_str())));
    route
}

fn question(to: IpAddr, from: Option<IpAddr>, flags: u32) -> Vec<u8> {
    let mut body = vec![0; ROUTE_HEADER];
    body[0] = family(to);
    body[1] = (octets(to).len() * 8) as u8;
    body[8..12].copy_from_slice(&flags.to_ne_bytes());
    attribute(&mut body, 1, &octets(to)); // RTA_DST
    if let Some(from) = from {
        body[2] = (octets(from).len() * 8) as u8;
        attribute(&mut body, 2, &octets(from)); // RTA_SRC
    }
    body
}

fn family(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { libc::AF_INET as u8 } else { libc::AF_INET6 as u8 }
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// What the kernel's refusal means (`errno(3)`, as `fib_props` of the kernel has them).
fn refusal(answer: &[u8]) -> RouteKind {
    let code = u32_at(answer, 0).map_or(0, |code| i32::from_ne_bytes(code.to_ne_bytes()).wrapping_neg());
    match code {
        libc::EINVAL => RouteKind::Blackhole,
        libc::EHOSTUNREACH => RouteKind::Unreachable,
        libc::EACCES => RouteKind::Prohibit,
        _ => RouteKind::None,
    }
}

fn name(index: u32) -> Option<String> {
    let name = nix::net::if_::if_indextoname(index).ok()?;
    Some(text::clean_bytes(name.as_bytes(), 32))
}

fn parse_route(answer: &[u8], to: IpAddr, name: impl Fn(u32) -> Option<String>) -> Option<RouteTo> {
    let kind = match *answer.get(7)? {
        1 => RouteKind::Unicast,
        2 | 3 => RouteKind::Local,
        6 => RouteKind::Blackhole,
        7 => RouteKind::Unreachable,
        8 => RouteKind::Prohibit,
        _ => RouteKind::None,
    };
    let mut route = RouteTo {
        to,
        kind,
        prefix: answer.get(1).copied(),
        table: answer.get(4).map(|table| u32::from(*table)),
        link_down: u32_at(answer, 8)? & DOWN != 0,
        ..RouteTo::default()
    };
    for (kind, value) in attributes(answer.get(ROUTE_HEADER..)?) {
        match kind {
            1 => route.network = ip(value),
            4 => route.interface = u32_at(value, 0).and_then(&name),
            5 => route.gateway = ip(value),
            7 => route.source = ip(value),
            9 => route.hops = parse_hops(value, &name),
            15 => route.table = u32_at(value, 0),
            18 => route.gateway = value.get(2..).and_then(ip), // RTA_VIA: a gateway of the other family
            _ => {}
        }
    }
    Some(route)
}

/// The `rtnexthop`s of a route with several.
fn parse_hops(mut bytes: &[u8], name: &impl Fn(u32) -> Option<String>) -> Vec<NextHop> {
    let mut hops = Vec::new();
    while let (Some(length), Some(index)) = (u16_at(bytes, 0), u32_at(bytes, 4)) {
        let Some(own) = bytes.get(8..usize::from(length)) else { break };
        let flags = bytes.get(2).map_or(0, |flags| u32::from(*flags));
        let mut hop = NextHop {
            interface: name(index).unwrap_or_default(),
            link_down: flags & DOWN != 0,
            ..NextHop::default()
        };
        for (kind, value) in attributes(own) {
            match kind {
                5 => hop.gateway = ip(value),
                18 => hop.gateway = value.get(2..).and_then(ip),
                _ => {}
            }
        }
        hops.push(hop);
        if hops.len() == MOST_HOPS {
            break;
        }
        bytes = bytes.get(usize::from(length).next_multiple_of(4)..).unwrap_or_default();
    }
    hops
}

/// What the kernel knows of a neighbour; none where it never asked for it, or cannot tell (before 5.0).
fn neighbour(socket: &Socket, of: IpAddr, interface: &str) -> Option<NeighbourState> {
    let index = nix::net::if_::if_nametoindex(interface).ok()?;
    let mut body = vec![0; NEIGHBOUR_HEADER];
    body[0] = family(of);
    body[4..8].copy_from_slice(&index.to_ne_bytes());
    attribute(&mut body, 1, &octets(of)); // NDA_DST
    match socket.ask(GET_NEIGHBOUR, &body) {
        Ok((NEW_NEIGHBOUR, answer)) => state(u16_at(&answer, 8)?),
        _ => None,
    }
}

/// `NUD_*` of `linux/neighbour.h`.
fn state(bits: u16) -> Option<NeighbourState> {
    const STATES: [(u16, NeighbourState); 8] = [
        (0x01, NeighbourState::Incomplete),
        (0x02, NeighbourState::Reachable),
        (0x04, NeighbourState::Stale),
        (0x08, NeighbourState::Delay),
        (0x10, NeighbourState::Probe),
        (0x20, NeighbourState::Failed),
        (0x40, NeighbourState::Noarp),
        (0x80, NeighbourState::Permanent),
    ];
    STATES.iter().find(|(bit, _)| bits & bit != 0).map(|(_, state)| *state)
}

fn parse_rule(rule: &[u8]) -> Option<PolicyRule> {
    /// `FR_ACT_TO_TBL`, `FIB_RULE_INVERT`.
    const TO_TABLE: u8 = 1;
    const INVERT: u32 = 2;
    let to_table = *rule.get(7)? == TO_TABLE;
    let mut table = rule.get(4).map(|table| u32::from(*table));
    let mut seen = PolicyRule {
        destination_prefix: *rule.get(1)?,
        from_prefix: *rule.get(2)?,
        inverted: u32_at(rule, 8)? & INVERT != 0,
        ..PolicyRule::default()
    };
    for (kind, value) in attributes(rule.get(RULE_HEADER..)?) {
        match kind {
            1 => seen.destination = ip(value),
            2 => seen.from = ip(value),
            6 => seen.priority = u32_at(value, 0)?,
            10 => seen.mark = u32_at(value, 0),
            14 => seen.suppress = u32_at(value, 0).filter(|n| *n != u32::MAX),
            15 => table = u32_at(value, 0),
            _ => {}
        }
    }
    seen.table = table.filter(|_| to_table);
    Some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "the shape of what looks names up")]
    fn names(index: u32) -> Option<String> {
        Some(format!("eth{index}"))
    }

    fn answer(kind: u8, prefix: u8, table: u32) -> Vec<u8> {
        let mut answer = vec![0; ROUTE_HEADER];
        (answer[1], answer[7]) = (prefix, kind);
        attribute(&mut answer, 15, &table.to_ne_bytes());
        answer
    }

    #[test]
    fn a_route_with_its_network_table_and_hops_is_read() {
        let to: IpAddr = "198.51.100.40".parse().unwrap();
        let mut bytes = answer(1, 1, 51_820);
        bytes[8..12].copy_from_slice(&16_u32.to_ne_bytes());
        attribute(&mut bytes, 1, &[128, 0, 0, 0]);
        let mut hops = Vec::new();
        for (index, last) in [(0_u32, 1), (1, 2)] {
            let mut own = Vec::new();
            attribute(&mut own, 5, &[10, 0, 0, last]);
            hops.extend((8 + own.len() as u16).to_ne_bytes());
            hops.extend([if index == 1 { 0x10 } else { 0 }, 0]);
            hops.extend(index.to_ne_bytes());
            hops.extend(own);
        }
        attribute(&mut bytes, 9, &hops);
        let route = parse_route(&bytes, to, names).unwrap();
        assert_eq!((route.prefix, route.table, route.link_down), (Some(1), Some(51_820), true));
        assert_eq!(route.network, Some("128.0.0.0".parse().unwrap()));
        let seen: Vec<_> = route.hops.iter().map(|h| (h.interface.as_str(), h.link_down)).collect();
        assert_eq!(seen, [("eth0", false), ("eth1", true)]);
        assert_eq!(route.hops[1].gateway, Some("10.0.0.2".parse().unwrap()));
        for cut in 0..bytes.len() {
            let _ = parse_route(&bytes[..cut], to, names);
            let mut lying = bytes.clone();
            lying[cut] = 0xff;
            let _ = parse_route(&lying, to, names);
            let _ = parse_rule(&lying[..cut]);
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        for (errno, kind) in [
            (libc::EINVAL, RouteKind::Blackhole),
            (libc::EHOSTUNREACH, RouteKind::Unreachable),
            (libc::EACCES, RouteKind::Prohibit),
            (libc::ENETUNREACH, RouteKind::None),
        ] {
            assert_eq!(refusal(&(-errno).to_ne_bytes()), kind);
        }
    }

    #[test]
    fn a_rule_of_wg_quick_is_read_and_worded() {
        let mut bytes = vec![0; RULE_HEADER];
        bytes[7] = 1;
        bytes[8..12].copy_from_slice(&2_u32.to_ne_bytes());
        attribute(&mut bytes, 6, &32_764_u32.to_ne_bytes());
        attribute(&mut bytes, 10, &51_820_u32.to_ne_bytes());
        attribute(&mut bytes, 14, &u32::MAX.to_ne_bytes());
        attribute(&mut bytes, 15, &51_820_u32.to_ne_bytes());
        let rule = parse_rule(&bytes).unwrap();
        assert_eq!(rule.words(), "32764: not from all fwmark 0xca6c lookup 51820");
        assert!(!of_the_kernel(&rule));
    }

    #[test]
    fn the_kernel_knows_the_way_to_itself() {
        let socket = Socket::open().expect("rtnetlink needs no rights");
        let seen = routing(&socket, &["127.0.0.1".parse().unwrap()]);
        assert_eq!((seen.routes[0].kind, seen.error), (RouteKind::Local, None));
    }
}
