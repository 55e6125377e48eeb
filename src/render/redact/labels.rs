//! Labels of addresses, and the addresses that stand for them where a type asks for an address.
//!
//! A block a kind, so that what is judged of an address (its family, global or private, carrier-grade,
//! inside the Clients' range) holds for what stands for it. The number of a label is the last 16 bits.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::Value;

use super::level::Level;
use crate::model::address::{Scope, scope};
use crate::model::observation::Observation;
use crate::model::report::Report;

/// Label prefix, the block without its last 16 bits, and whether ordinary hosts may have addresses of
/// the block (it then stands for labels in strict reports alone, where no other private address is left).
const BLOCKS: [(&str, IpAddr, bool); 9] = [
    ("pub4", IpAddr::V4(Ipv4Addr::new(254, 254, 0, 0)), false),
    ("pub6", IpAddr::V6(Ipv6Addr::new(0x3fff, 0xfff, 0xcdcd, 0, 0, 0, 0, 0)), false),
    ("priv4", IpAddr::V4(Ipv4Addr::new(10, 254, 0, 0)), true),
    ("shared4", IpAddr::V4(Ipv4Addr::new(100, 95, 0, 0)), true),
    ("clients4", IpAddr::V4(Ipv4Addr::new(100, 111, 0, 0)), true),
    ("link4", IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), true),
    // No Resource is reached at loopback but in a lab, whose addresses are below this block.
    ("resource4", IpAddr::V4(Ipv4Addr::new(127, 253, 0, 0)), false),
    ("ula6", IpAddr::V6(Ipv6Addr::new(0xfdcd, 0xcdcd, 0xcdcd, 0, 0, 0, 0, 0)), false),
    ("link6", IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0xcdcd, 0xcdcd, 0xcdcd, 0)), false),
];

/// The kind of label that hides an address at a level; none where it stays.
fn kind(ip: IpAddr, level: Level) -> Option<&'static str> {
    let (v4, strict) = (ip.is_ipv4(), level == Level::Strict);
    // The lower half of such an address spells the card's MAC address.
    let tells_mac = matches!(ip, IpAddr::V6(v6) if v6.octets()[11..13] == [0xff, 0xfe]);
    match scope(ip) {
        Scope::Global => Some(if v4 { "pub4" } else { "pub6" }),
        Scope::UniqueLocal if strict || tells_mac => Some("ula6"),
        Scope::LinkLocal if !v4 && (strict || tells_mac) => Some("link6"),
        Scope::LinkLocal if strict => Some("link4"),
        Scope::Private if strict => Some("priv4"),
        Scope::Shared if strict => Some(match ip {
            IpAddr::V4(v4) if v4.octets()[1] >= 96 && v4.octets()[1] < 112 => "clients4",
            _ => "shared4",
        }),
        _ => None,
    }
}

/// The kind of label that hides a Resource's address, at every level that hides anything.
fn kind_of_resource(ip: IpAddr) -> Option<&'static str> {
    match (scope(ip), ip) {
        (Scope::Private | Scope::Shared | Scope::LinkLocal, IpAddr::V4(_)) => Some("resource4"),
        (Scope::UniqueLocal, _) => Some("ula6"),
        (Scope::LinkLocal, IpAddr::V6(_)) => Some("link6"),
        _ => None,
    }
}

/// An address of a block with these last 16 bits.
fn address(base: IpAddr, n: u16) -> IpAddr {
    match base {
        IpAddr::V4(base) => IpAddr::V4(Ipv4Addr::from(u32::from(base) | u32::from(n))),
        IpAddr::V6(base) => IpAddr::V6(Ipv6Addr::from(u128::from(base) | u128::from(n))),
    }
}

/// The last 16 bits.
fn number(ip: IpAddr) -> u16 {
    match ip {
        IpAddr::V4(ip) => u32::from(ip) as u16,
        IpAddr::V6(ip) => u128::from(ip) as u16,
    }
}

/// The label that an address stands for in a report of this level.
fn label_of(ip: IpAddr, level: Level) -> Option<String> {
    let n = number(ip);
    BLOCKS
        .iter()
        .filter(|(.., everyday)| level == Level::Strict || (level == Level::Default && !everyday))
        .find(|(_, base, _)| n > 0 && address(*base, n) == ip)
        .map(|(kind, ..)| format!("[{kind}-{n}]"))
}

/// The address that stands for a label.
fn placeholder_of(label: &str) -> Option<IpAddr> {
    let (kind, n) = label.strip_prefix('[')?.strip_suffix(']')?.rsplit_once('-')?;
    let n = n.parse().ok().filter(|n| *n > 0)?;
    BLOCKS.iter().find(|(name, ..)| *name == kind).map(|(_, base, _)| address(*base, n))
}

/// An address as a report of this redaction shows it.
pub fn shown(ip: IpAddr, report: &Report) -> String {
    shown_at(ip, Level::of(report))
}

/// An address as it is shown at a level.
pub(in crate::render) fn shown_at(ip: IpAddr, level: Level) -> String {
    label_of(ip, level).unwrap_or_else(|| ip.to_string())
}

/// A string that is wholly an address, or an address with a port, by `each` of them.
fn whole(text: &str, each: impl FnOnce(IpAddr) -> Option<String>) -> Option<String> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return each(ip);
    }
    let socket: SocketAddr = text.parse().ok()?;
    each(socket.ip()).map(|shown| match shown.parse::<Ipv6Addr>() {
        Ok(_) => format!("[{shown}]:{}", socket.port()),
        Err(_) => format!("{shown}:{}", socket.port()),
    })
}

/// For what is written: the label of a string that is wholly an address standing for one.
pub(in crate::render) fn to_label(text: &str, level: Level) -> Option<String> {
    whole(text, |ip| label_of(ip, level))
}

/// For what is read: the address, with its port, of a string that is wholly a label.
pub(super) fn to_placeholder(text: &str) -> Option<String> {
    if let Some(ip) = placeholder_of(text) {
        return Some(ip.to_string());
    }
    let (label, port) = text.rsplit_once(':')?;
    Some(SocketAddr::new(placeholder_of(label)?, port.parse().ok()?).to_string())
}

/// The labels of one report.
pub(super) struct Labels {
    level: Level,
    given: BTreeMap<IpAddr, IpAddr>,
    used: BTreeMap<String, usize>,
    /// Addresses of Resources.
    resources: BTreeSet<IpAddr>,
}

impl Labels {
    /// None given yet.
    pub(super) fn empty(level: Level) -> Self {
        Self { level, given: BTreeMap::new(), used: BTreeMap::new(), resources: BTreeSet::new() }
    }

    /// Labels that a redacted report already has keep their numbers; our public addresses come first.
    pub(super) fn new(report: &Report, level: Level, value: &Value) -> Self {
        let mut labels = Self::empty(level);
        labels.resources = resources(report);
        labels.mark_used(value, Level::of(report));
        for ip in &report.connector_details.public_ips {
            labels.stand_in(*ip);
        }
        labels
    }

    fn mark_used(&mut self, value: &Value, before: Level) {
        match value {
            Value::String(text) => {
                let labels = to_label(text, before).into_iter().chain(bracketed(text).map(str::to_owned));
                for label in labels.filter(|_| before > Level::None) {
                    let inner = label.split(']').next().unwrap_or_default().trim_start_matches('[');
                    if let Some((kind, Ok(n))) =
                        inner.rsplit_once('-').map(|(kind, n)| (kind, n.parse::<usize>()))
                    {
                        let most = self.used.entry(kind.to_owned()).or_default();
                        *most = n.max(*most);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.mark_used(item, before)),
            Value::Object(map) => map.values().for_each(|item| self.mark_used(item, before)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The next label of a kind.
    pub(super) fn next(&mut self, kind: &str) -> (usize, String) {
        let n = self.used.entry(kind.to_owned()).or_default();
        *n += 1;
        (*n, format!("[{kind}-{n}]"))
    }

    /// The address that stands for a hidden one; none where it is not hidden.
    pub(super) fn stand_in(&mut self, ip: IpAddr) -> Option<IpAddr> {
        let ip = ip.to_canonical();
        if label_of(ip, self.level).is_some() {
            return Some(ip);
        }
        let resource = self.resources.contains(&ip).then(|| kind_of_resource(ip)).flatten();
        let kind = resource.or_else(|| kind(ip, self.level))?;
        if let Some(known) = self.given.get(&ip) {
            return Some(*known);
        }
        // Beyond 65,535 addresses of a kind the last one stands for all the rest: hidden is hidden.
        let n = u16::try_from(self.next(kind).0).unwrap_or(u16::MAX);
        let (_, base, _) = BLOCKS.iter().find(|(name, ..)| *name == kind)?;
        self.given.insert(ip, address(*base, n));
        Some(address(*base, n))
    }

    /// The label of a hidden address.
    pub(super) fn label(&mut self, ip: IpAddr) -> Option<String> {
        let stand_in = self.stand_in(ip)?;
        label_of(stand_in, self.level)
    }

    /// For address types: the stand-in of a string that is wholly an address.
    pub(super) fn whole(&mut self, text: &str) -> Option<String> {
        whole(text, |ip| self.stand_in(ip).map(|ip| ip.to_string()))
    }
}

/// Addresses of the Resources that were named: as tried, and as any resolver gave them.
fn resources(report: &Report) -> BTreeSet<IpAddr> {
    let mut all = BTreeSet::new();
    for resource in &report.facts.resources {
        all.extend(resource.host.parse::<IpAddr>().ok());
        let Some(seen) = resource.seen() else { continue };
        all.extend(seen.tried.iter().map(|tried| tried.address));
        if let Some(names) = &seen.names {
            all.extend(&names.addresses);
            let answers = names.answers.iter().chain(&names.own).filter_map(Observation::seen);
            all.extend(answers.flat_map(|answer| &answer.addresses));
        }
    }
    all
}

/// What stands in brackets, `[host-1]`, with what follows.
fn bracketed(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('[').filter_map(|(at, _)| text.get(at..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_an_address_is_judged_like_it_and_comes_back() {
        for (text, kind_of) in [
            ("198.51.100.200", "pub4"),
            ("2001:db8::1", "pub6"),
            ("192.168.1.1", "priv4"),
            ("100.64.0.1", "shared4"),
            ("100.100.0.1", "clients4"),
            ("169.254.0.9", "link4"),
            ("fd00::1", "ula6"),
            ("fe80::1", "link6"),
        ] {
            let ip: IpAddr = text.parse().unwrap();
            assert_eq!(kind(ip, Level::Strict), Some(kind_of), "{text}");
            let (_, base, _) = BLOCKS.iter().find(|(name, ..)| *name == kind_of).unwrap();
            let stand_in = address(*base, 7);
            assert_eq!(scope(stand_in), scope(ip), "{text}");
            assert_eq!(kind(stand_in, Level::Strict), Some(kind_of), "{text}");
            let label = label_of(stand_in, Level::Strict).unwrap();
            assert_eq!(label, format!("[{kind_of}-7]"));
            assert_eq!(placeholder_of(&label), Some(stand_in));
            let socket = SocketAddr::new(stand_in, 3478).to_string();
            assert_eq!(to_label(&socket, Level::Strict), Some(format!("{label}:3478")));
            assert_eq!(to_placeholder(&format!("{label}:3478")), Some(socket));
        }
    }

    #[test]
    fn loopback_and_what_is_no_label_stay() {
        for text in ["127.0.0.53", "::1", "0.0.0.0"] {
            assert_eq!(kind(text.parse().unwrap(), Level::Strict), None, "{text}");
        }
        for text in ["[pub4-0]", "[pub4-70000]", "[pub9-1]", "pub4-1", "[pub4-1]:x", "[host-1]", ""] {
            assert_eq!(to_placeholder(text), None, "{text}");
        }
        assert_eq!(label_of("10.254.0.7".parse().unwrap(), Level::Default), None);
    }

    #[test]
    fn an_address_that_spells_a_mac_is_hidden_early() {
        let ip: IpAddr = "fe80::5054:ff:fe12:3456".parse().unwrap();
        assert_eq!(kind(ip, Level::Default), Some("link6"));
        assert_eq!(kind("fe80::1".parse().unwrap(), Level::Default), None);
    }
}
