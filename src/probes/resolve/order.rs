//! A name's addresses in the order in which they are tried.

use std::net::IpAddr;

/// Addresses of a name that are kept.
const MAX_ADDRESSES: usize = 16;

/// Without repetitions, IPv4 first, bounded.
pub(super) fn in_order(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut kept: Vec<IpAddr> = Vec::new();
    for address in addresses {
        if !kept.contains(&address) {
            kept.push(address);
        }
    }
    kept.sort_by_key(IpAddr::is_ipv6);
    kept.truncate(MAX_ADDRESSES);
    kept
}
