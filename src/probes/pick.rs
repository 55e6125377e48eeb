//! Which of a name's addresses are probed.

use std::net::IpAddr;

use crate::config::Family;

/// The first address of each family that is allowed, IPv4 before IPv6.
pub(super) fn one_of_each_family(addresses: &[IpAddr], family: Family) -> Vec<IpAddr> {
    let allowed = || addresses.iter().copied().filter(|ip| family.allows(*ip));
    let first = |v6: bool| allowed().find(|ip| ip.is_ipv6() == v6);
    first(false).into_iter().chain(first(true)).collect()
}

/// Relays and services need IPv4; a balancer's name has several addresses.
pub(super) fn some_ipv4(addresses: &[IpAddr], family: Family) -> Vec<IpAddr> {
    addresses.iter().copied().filter(|ip| ip.is_ipv4() && family.allows(*ip)).take(2).collect()
}
