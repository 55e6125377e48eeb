//! How far addresses reach, and which of them a server may have seen, or may name. Pure arithmetic on bits.

use std::net::{IpAddr, SocketAddr};

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    Loopback,
    Link,
    Private,
    Global,
}

/// None where it is no host's address: 0.0.0.0/8, 240.0.0.0/4 (RFC 1122 3.2.1.3, RFC 1112 4), multicast, `::`.
pub(super) fn reach(ip: IpAddr) -> Option<Reach> {
    let (nobody, link, private) = match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            (
                first == 0 || first >= 240,
                v4.is_link_local(),
                v4.is_private() || (first == 100 && second & 0xC0 == 64),
            )
        }
        IpAddr::V6(v6) => (v6.is_unspecified(), v6.is_unicast_link_local(), v6.is_unique_local()),
    };
    if nobody || ip.to_canonical().is_multicast() {
        return None;
    }
    Some(match (ip.to_canonical().is_loopback(), link, private) {
        (true, _, _) => Reach::Loopback,
        (_, true, _) => Reach::Link,
        (_, _, true) => Reach::Private,
        _ => Reach::Global,
    })
}

/// Whether a server may have seen a datagram come from there: a host's address of its own family, and one of loopback or of a
/// link only where the server itself is no farther away.
pub fn is_plausible(mapped: SocketAddr, server: SocketAddr) -> bool {
    let (ip, by) = (mapped.ip().to_canonical(), server.ip().to_canonical());
    let near = |seen| reach(by).is_some_and(|server| server <= seen);
    let reaches = match reach(ip) {
        None => false,
        Some(seen @ (Reach::Loopback | Reach::Link)) => near(seen),
        Some(Reach::Private | Reach::Global) => true,
    };
    mapped.port() != 0 && ip.is_ipv4() == by.is_ipv4() && reaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_server_can_have_seen_is_told() {
        const FOUR: &str = "203.0.113.20:3478";
        const SIX: &str = "[2001:db8::20]:3478";
        for (mapped, server, plausible) in [
            ("198.51.100.7:40000", FOUR, true),
            ("10.0.0.5:40000", FOUR, true),
            ("100.64.0.9:40000", FOUR, true),
            ("198.51.100.7:0", FOUR, false),
            ("127.0.0.1:40000", FOUR, false),
            ("127.9.9.9:40000", FOUR, false),
            ("0.1.2.3:40000", FOUR, false),
            ("169.254.7.7:40000", FOUR, false),
            ("224.0.0.1:40000", FOUR, false),
            ("240.0.0.1:40000", FOUR, false),
            ("255.255.255.255:40000", FOUR, false),
            ("[2001:db8::7]:40000", FOUR, false),
            ("[::1]:40000", FOUR, false),
            ("[::ffff:198.51.100.7]:40000", FOUR, true),
            ("[2001:db8::7]:40000", SIX, true),
            ("[::1]:40000", SIX, false),
            ("[fe80::7]:40000", SIX, false),
            ("[ff02::1]:40000", SIX, false),
            ("198.51.100.7:40000", SIX, false),
            ("127.0.0.1:40000", "127.0.0.1:3478", true),
            ("203.0.113.7:40000", "127.0.0.1:3478", true),
            ("169.254.7.7:40000", "169.254.1.1:3478", true),
            ("169.254.7.7:40000", "127.0.0.1:3478", true),
            ("127.0.0.1:40000", "10.0.0.1:3478", false),
            ("[::1]:40000", "[::1]:3478", true),
        ] {
            let seen = is_plausible(mapped.parse().unwrap(), server.parse().unwrap());
            assert_eq!(seen, plausible, "{mapped} by {server}");
        }
    }
}
