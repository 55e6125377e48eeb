//! Relays in use: connections of the process's own sockets to ports of relays. Needs its user's rights, or root.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::connector::RELAY_PORTS;
use crate::env::Env;
use crate::probes::host::files;

/// Most bytes of a table of sockets, and most descriptors looked at.
const MOST: usize = 1 << 20;
const DESCRIPTORS: usize = 65_536;
/// Most relays: a Connector holds connections to four.
const RELAYS: usize = 4;
const ESTABLISHED: &str = "01";

/// Addresses of relays that it is connected to, in order.
pub(super) fn relays(env: &Env, pid: u32) -> Vec<SocketAddr> {
    let mut peers = Vec::new();
    for table in ["tcp", "tcp6"] {
        let table = files::read(env, &format!("/proc/{pid}/net/{table}"), MOST).unwrap_or_default();
        peers.extend(table.lines().skip(1).filter_map(established));
    }
    if peers.is_empty() {
        return Vec::new();
    }
    // Only where somebody in this namespace is connected to such a port, its descriptors are worth a look.
    let own = inodes(env, pid);
    let relays: BTreeSet<SocketAddr> =
        peers.into_iter().filter(|(_, inode)| own.contains(inode)).map(|(peer, _)| peer).collect();
    relays.into_iter().take(RELAYS).collect()
}

/// The peer of a connection to a relay's port, and the socket's inode.
fn established(line: &str) -> Option<(SocketAddr, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, _, remote, state, _, _, _, _, _, inode, ..] = fields[..] else { return None };
    let (ip, port) = remote.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok().filter(|port| RELAY_PORTS.contains(port))?;
    let ip = address(ip).filter(|ip| !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast())?;
    (state == ESTABLISHED).then_some(())?;
    Some((SocketAddr::new(ip, port), inode.parse().ok()?))
}

/// Hexadecimal words in this machine's order of bytes. Relays need IPv4, which an IPv6 socket may carry.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            let bytes: [u8; 16] = words.try_into().ok()?;
            Some(Ipv6Addr::from(bytes).to_ipv4_mapped()?.into())
        }
        _ => None,
    }
}

/// The inodes of its sockets.
fn inodes(env: &Env, pid: u32) -> BTreeSet<u64> {
    let Ok(entries) = fs::read_dir(env.path(&format!("/proc/{pid}/fd"))) else { return BTreeSet::new() };
    let links = entries.take(DESCRIPTORS).filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links
        .filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_shows_a_relay_or_nothing() {
        let line = |remote: &str, state: &str| {
            format!(
                "  12: 0500000A:D431 {remote} {state} 00000000:00000000 00:00000000 00000000  998        0 4711 1 0 20 4 24 10 -1"
            )
        };
        // Tables of a little-endian machine.
        let expected = |text: &str| cfg!(target_endian = "little").then(|| (text.parse().unwrap(), 4711));
        assert_eq!(established(&line("296433C6:7535", "01")), expected("198.51.100.41:30005"));
        let mapped = "0000000000000000FFFF0000296433C6:7535";
        assert_eq!(established(&line(mapped, "01")), expected("198.51.100.41:30005"));
        for other in [
            line("296433C6:01BB", "01"),
            line("296433C6:7535", "06"),
            line("0100007F:7535", "01"),
            line("B80D0120000000000000000001000000:7535", "01"),
            line("29:7535", "01"),
            "sl local".to_owned(),
            String::new(),
        ] {
            assert_eq!(established(&other), None, "{other}");
        }
    }
}
