//! Who can be asked where no name resolves: public resolvers, and addresses of time and STUN servers that their operators publish as anycast.
//! A table with its date; after two years it is not used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::defaults::{NTP, STAND_IN, STUN, VENDOR_DOMAIN, VENDOR_RELAYS, VENDOR_SERVICES};

/// Public resolvers by address (their operators' own pages: Cloudflare 1.1.1.1, Google Public DNS, Quad9), and their IPv6 twins.
pub const PUBLIC_RESOLVERS: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)),
    IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
    IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9)),
    IpAddr::V6(Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888)),
    IpAddr::V6(Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 0xfe)),
];

/// Addresses that also take HTTPS (DNS over HTTPS): TCP 443 to them shows that TCP gets out.
pub const HTTPS: &[IpAddr] = &[IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)), IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8))];

/// When the table below was read, nanoseconds since 1970: 2026-11-28.
const READ_NS: i64 = 1_795_824_000_000_000_000;
/// For so long it is used.
const USED_FOR_NS: i64 = 2 * 365 * 86_400 * 1_000_000_000;

/// A server of the built-in defaults with an address that its operator publishes.
struct Row {
    host: &'static str,
    port: u16,
    address: &'static str,
}

const fn row(host: &'static str, port: u16, address: &'static str) -> Row {
    Row { host, port, address }
}

/// Sources: developers.cloudflare.com/time-services/ntp and developers.google.com/time (the addresses of their time services);
/// developers.cloudflare.com/realtime/turn (those of its STUN and TURN service).
const TABLE: &[Row] = &[
    row("time.cloudflare.com", 123, "162.159.200.1"),
    row("time.cloudflare.com", 123, "162.159.200.123"),
    row("time.cloudflare.com", 123, "2606:4700:f1::1"),
    row("time.google.com", 123, "216.239.35.0"),
    row("time.google.com", 123, "216.239.35.8"),
    row("time.google.com", 123, "2001:4860:4806::"),
    row("stun.cloudflare.com", 3478, "162.159.207.1"),
    row("stun.cloudflare.com", 3478, "141.101.90.1"),
    row("stun.cloudflare.com", 3478, "2606:4700:48::1"),
];

/// Whether a name is the vendor's own.
pub fn is_vendors(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.strip_suffix(VENDOR_DOMAIN).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Whether public resolvers may be asked for a name: the vendor's and the built-in defaults', and no other.
pub fn may_be_asked(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let named = |row: &str| row.split(':').next().is_some_and(|name| name.eq_ignore_ascii_case(host));
    let mut defaults = STUN.iter().chain(NTP).chain(VENDOR_RELAYS).chain(VENDOR_SERVICES).chain([&STAND_IN]);
    is_vendors(host) || defaults.any(|row| named(row))
}

/// The published addresses of a server, while the table is young enough by this clock. A clock before the table's date says nothing of its age.
pub fn published(host: &str, port: u16, now_ns: i64) -> Vec<SocketAddr> {
    if now_ns > READ_NS + USED_FOR_NS {
        return Vec::new();
    }
    let of_it = TABLE.iter().filter(|row| row.port == port && row.host.eq_ignore_ascii_case(host));
    of_it.filter_map(|row| Some(SocketAddr::new(row.address.parse().ok()?, row.port))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{HostPort, defaults};
    use crate::model::address::is_global;

    #[test]
    fn every_row_is_a_default_and_a_global_address_and_the_table_grows_old() {
        let defaults: Vec<HostPort> = [(defaults::STUN, 3478), (defaults::NTP, 123)]
            .iter()
            .flat_map(|(rows, port)| rows.iter().map(|row| HostPort::parse(row, Some(*port)).unwrap()))
            .collect();
        for row in TABLE {
            let ip: IpAddr = row.address.parse().unwrap();
            assert!(is_global(ip), "{ip}");
            assert!(
                defaults.iter().any(|d| d.host.to_string() == row.host && d.port == row.port),
                "{}",
                row.host
            );
        }
        for at in [0, READ_NS, READ_NS + USED_FOR_NS] {
            assert_eq!(published("Time.Google.com", 123, at).len(), 3, "{at}");
        }
        assert!(published("time.google.com", 123, READ_NS + USED_FOR_NS + 1).is_empty());
        assert!(published("time.google.com", 124, 0).is_empty());
        for (host, vendors, asked) in [
            ("acme.twingate.com", true, true),
            ("Acme.us1.Twingate.com.", true, true),
            ("nottwingate.com", false, false),
            ("stun.l.google.com", false, true),
            ("ps.pndsn.com", false, true),
            ("portquiz.net", false, true),
            ("db.corp.example", false, false),
            ("ntp.corp.example", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_vendors(host), may_be_asked(host)), (vendors, asked), "{host}");
        }
        assert!(PUBLIC_RESOLVERS.iter().chain(HTTPS).all(|ip| is_global(*ip)));
    }
}
