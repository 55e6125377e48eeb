//! Kinds of addresses in the contract's words; pure arithmetic on bits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an address can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// `0.0.0.0`, `::`: no address at all.
    Unspecified,
    /// 127.0.0.0/8, `::1`.
    Loopback,
    /// 169.254.0.0/16, `fe80::/10`.
    LinkLocal,
    /// RFC 1918.
    Private,
    /// RFC 6598, 100.64.0.0/10: the carrier's side of a carrier-grade NAT (or an overlay such as Tailscale).
    Shared,
    /// RFC 4193, `fc00::/7`.
    UniqueLocal,
    /// Multicast and broadcast.
    Multicast,
    /// Every other unicast address, documentation ranges included.
    Global,
}

/// Sorts an address; an IPv4 address mapped into IPv6 is what it maps.
pub fn scope(ip: IpAddr) -> Scope {
    match ip.to_canonical() {
        IpAddr::V4(v4) => scope_v4(v4),
        IpAddr::V6(v6) => scope_v6(v6),
    }
}

fn scope_v4(ip: Ipv4Addr) -> Scope {
    let [a, b, ..] = ip.octets();
    match (a, b) {
        (0, _) => Scope::Unspecified,
        (127, _) => Scope::Loopback,
        (169, 254) => Scope::LinkLocal,
        (10, _) | (172, 16..=31) | (192, 168) => Scope::Private,
        (100, 64..=127) => Scope::Shared,
        (224..=239, _) => Scope::Multicast,
        (255, _) if ip.is_broadcast() => Scope::Multicast,
        _ => Scope::Global,
    }
}

fn scope_v6(ip: Ipv6Addr) -> Scope {
    if ip.is_unspecified() {
        Scope::Unspecified
    } else if ip.is_loopback() {
        Scope::Loopback
    } else if ip.is_unicast_link_local() {
        Scope::LinkLocal
    } else if ip.is_unique_local() {
        Scope::UniqueLocal
    } else if ip.is_multicast() {
        Scope::Multicast
    } else {
        Scope::Global
    }
}

/// "Private" in the contract's sense: RFC 1918, RFC 6598, ULA, link-local, loopback.
pub fn is_private(ip: IpAddr) -> bool {
    matches!(
        scope(ip),
        Scope::Loopback | Scope::LinkLocal | Scope::Private | Scope::Shared | Scope::UniqueLocal
    )
}

/// Global unicast, documentation ranges included.
pub fn is_global(ip: IpAddr) -> bool {
    scope(ip) == Scope::Global
}

/// Whether two IPv4 networks share an address.
pub fn overlaps_v4(a: (Ipv4Addr, u8), b: (Ipv4Addr, u8)) -> bool {
    let mask = match a.1.min(b.1).min(32) {
        0 => 0,
        prefix => u32::MAX << (32 - prefix),
    };
    u32::from(a.0) & mask == u32::from(b.0) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_address_has_its_scope() {
        for (ip, expected) in [
            ("0.0.0.0", Scope::Unspecified),
            ("127.0.0.53", Scope::Loopback),
            ("169.254.169.254", Scope::LinkLocal),
            ("172.16.0.1", Scope::Private),
            ("172.32.0.1", Scope::Global),
            ("100.63.255.255", Scope::Global),
            ("100.64.0.1", Scope::Shared),
            ("100.128.0.0", Scope::Global),
            ("203.0.113.7", Scope::Global),
            ("224.0.0.1", Scope::Multicast),
            ("255.255.255.255", Scope::Multicast),
            ("::", Scope::Unspecified),
            ("::1", Scope::Loopback),
            ("fe80::1", Scope::LinkLocal),
            ("fd12::1", Scope::UniqueLocal),
            ("2001:db8::1", Scope::Global),
            ("::ffff:10.0.0.1", Scope::Private),
            ("ff02::1", Scope::Multicast),
        ] {
            assert_eq!(scope(ip.parse().unwrap()), expected, "{ip}");
        }
    }

    #[test]
    fn overlap_is_symmetric_and_exact() {
        let net = |s: &str, p| (s.parse::<Ipv4Addr>().unwrap(), p);
        assert!(overlaps_v4(net("100.96.0.0", 12), net("100.100.1.0", 24)));
        assert!(overlaps_v4(net("100.64.0.0", 10), net("100.96.0.0", 12)));
        assert!(!overlaps_v4(net("100.96.0.0", 12), net("100.64.0.0", 12)));
        assert!(overlaps_v4(net("0.0.0.0", 0), net("8.8.8.8", 32)));
    }
}
