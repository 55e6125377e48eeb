//! Default routes out of `/proc/net/route` and `/proc/net/ipv6_route`, completed by the kernel's own look-up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::files;
use super::kernel::Kernel;
use crate::env::Env;
use crate::model::facts::Route;
use crate::model::text;

/// Most bytes read of a route table: the default stands at its head, full tables have a million lines.
const TABLE: usize = 1024 * 1024;
/// Most default routes kept of a family.
const MOST: usize = 8;
/// `RTF_UP`.
const UP: u32 = 1;
/// `RTF_REJECT`: unreachable, prohibited or a black hole.
const REJECT: u32 = 0x200;

/// Default routes, the one that is used first, IPv4 before IPv6; and why they could not be read.
pub(super) fn discover(env: &Env, kernel: &dyn Kernel) -> (Vec<Route>, Option<String>) {
    let mut routes = Vec::new();
    let mut error = None;
    for (ipv6, path) in [(false, "/proc/net/route"), (true, "/proc/net/ipv6_route")] {
        let parse = if ipv6 { parse_v6 } else { parse_v4 };
        let table = files::read_why(env, path, TABLE);
        let way_out = kernel.way_out(ipv6);
        // A kernel without IPv6 has no table of it: that is no error.
        if let (Err(file), Err(kernel), false) = (&table, &way_out, ipv6) {
            error = Some(format!("{file}; {kernel}"));
        }
        let mut found = table.map(|text| parse(&text)).unwrap_or_default();
        if let Ok(Some(used)) = way_out {
            // Policy rules and more specific halves (0.0.0.0/1) decide before the main table does.
            match found.iter().position(|r| r.gateway == used.gateway && r.interface == used.interface) {
                Some(at) => found[..=at].rotate_right(1),
                None => found.insert(0, used),
            }
        }
        found.truncate(MOST);
        routes.extend(found);
    }
    (routes, error)
}

/// Whether a neighbour answers ARP, by `/proc/net/arp`; none where the kernel did not ask lately. One of several interfaces is enough.
pub fn answers_on_link(env: &Env, neighbour: IpAddr) -> Option<bool> {
    /// `ATF_COM` of `linux/if_arp.h`: its hardware address is known.
    const COMPLETE: u32 = 0x2;
    let text = files::read(env, "/proc/net/arp", TABLE)?;
    text.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace();
        let ip: IpAddr = words.next()?.parse().ok()?;
        let flags = u32::from_str_radix(words.nth(1)?.trim_start_matches("0x"), 16).ok()?;
        (ip == neighbour).then_some(flags & COMPLETE != 0)
    })
}

/// Default routes of `/proc/net/route`, best metric first.
fn parse_v4(table: &str) -> Vec<Route> {
    sorted(table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [interface, destination, gateway, flags, _, _, metric, mask, ..] = fields[..] else {
            return None;
        };
        let default = hex(destination)? == 0 && hex(mask)? == 0;
        // The kernel prints the four octets as one number of the machine's own byte order.
        let gateway = Ipv4Addr::from(hex(gateway)?.to_ne_bytes());
        usable(interface, hex(flags)?).then_some(())?;
        default.then(|| Route {
            gateway: (!gateway.is_unspecified()).then_some(IpAddr::V4(gateway)),
            ipv6: false,
            interface: text::clean(interface, 32),
            metric: metric.parse().unwrap_or(u32::MAX),
        })
    }))
}

/// Default routes of `/proc/net/ipv6_route`, best metric first.
fn parse_v6(table: &str) -> Vec<Route> {
    sorted(table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [destination, prefix, _, source, gateway, metric, _, _, flags, interface] = fields[..] else {
            return None;
        };
        let default = prefix == "00" && source == "00" && destination.bytes().all(|b| b == b'0');
        let gateway = Ipv6Addr::from(u128::from_str_radix(gateway, 16).ok()?);
        usable(interface, hex(flags)?).then_some(())?;
        default.then_some(Route {
            gateway: (!gateway.is_unspecified()).then_some(IpAddr::V6(gateway)),
            ipv6: true,
            interface: text::clean(interface, 32),
            metric: hex(metric)?,
        })
    }))
}

fn usable(interface: &str, flags: u32) -> bool {
    flags & UP != 0 && flags & REJECT == 0 && !matches!(interface, "lo" | "*")
}

fn hex(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits, 16).ok()
}

fn sorted(routes: impl Iterator<Item = Route>) -> Vec<Route> {
    let mut routes: Vec<Route> = routes.collect();
    routes.sort_by_key(|r| r.metric);
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[cfg(target_endian = "little")]
    #[test]
    fn the_best_ipv4_default_comes_first_and_only_real_ones_count() {
        let table = format!(
            "{HEAD}wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
             eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
             wg0\t00000000\t00000000\t0001\t0\t0\t700\t00000000\t0\t0\t0\n\
             *\t00000000\t00000000\t0201\t0\t0\t5\t00000000\t0\t0\t0\n\
             lo\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n\
             eth1\t00000000\t0100000A\t0002\t0\t0\t1\t00000000\t0\t0\t0\n\
             tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n\
             eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n\
             half\t00000000\n"
        );
        let found = parse_v4(&table);
        let seen: Vec<(&str, u32)> = found.iter().map(|r| (r.interface.as_str(), r.metric)).collect();
        assert_eq!(seen, [("eth0", 100), ("wlan0", 600), ("wg0", 700)]);
        assert_eq!(found[0].gateway, Some("10.0.0.1".parse().unwrap()));
        assert_eq!(found[2].gateway, None);
    }

    #[test]
    fn the_kernels_own_unreachable_ipv6_default_is_none() {
        let zero = "0".repeat(32);
        let real = "fe800000000000000000000000000001";
        let table = format!(
            "{zero} 00 {zero} 00 {real} 00000400 00000001 00000000 00450003     eth0\n\
             {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n\
             {zero} 00 {zero} 00 {zero} 00000100 00000001 00000000 00000001     wg0\n\
             fe800000000000000000000000000000 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001 eth0\n\
             garbage\n"
        );
        let found = parse_v6(&table);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].interface.as_str(), found[0].gateway), ("wg0", None));
        assert_eq!(found[1].gateway, Some("fe80::1".parse().unwrap()));
        assert_eq!(found[1].metric, 1024);
    }
}
