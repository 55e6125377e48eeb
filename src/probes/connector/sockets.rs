//! The Connector's own connections: its network namespace's table of TCP, attributed by the process's descriptors where these may be
//! read (its user's rights, or root), else by the user it runs as.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::connector::RELAY_PORTS;
use crate::env::Env;
use crate::model::facts::{AttributedBy, Connection, ConnectionState, Connections};
use crate::probes::host::files;

/// Most bytes of a table of sockets, and most descriptors looked at.
const TABLE: usize = 8 << 20;
const DESCRIPTORS: usize = 65_536;
/// Most relays: a Connector holds connections to four.
const RELAYS: usize = 4;
/// Most connections kept.
const KEPT: usize = 64;
/// Port of HTTPS (RFC 9110 4.2.2): Controllers' and relays'.
const HTTPS: u16 = 443;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    connection: Connection,
    uid: u32,
    inode: u64,
}

/// Connections of a process to such ports, `controller` being its Controller's own.
pub(super) fn connections(env: &Env, pid: u32, uid: Option<u32>, controller: Option<u16>) -> Connections {
    let mut rows = Vec::new();
    for (i, table) in ["tcp", "tcp6"].into_iter().enumerate() {
        match files::read_why(env, &format!("/proc/{pid}/net/{table}"), TABLE) {
            Ok(text) => rows.extend(text.lines().skip(1).filter_map(|line| row(line, controller))),
            // A kernel without IPv6 has no second table.
            Err(why) if i == 0 => return Connections { unread: Some(why), ..Connections::default() },
            Err(_) => {}
        }
    }
    let by = if let Some(own) = inodes(env, pid) {
        rows.retain(|row| own.contains(&row.inode));
        AttributedBy::Descriptors
    } else {
        let Some(uid) = uid else {
            let unread = Some(format!("/proc/{pid}/status: its user could not be read"));
            return Connections { unread, ..Connections::default() };
        };
        rows.retain(|row| row.uid == uid);
        AttributedBy::User
    };
    let found = Connections { by, seen: rows.into_iter().map(|row| row.connection).collect(), unread: None };
    together(found, Connections { by, ..Connections::default() })
}

/// What was seen at either of two moments: of one peer, the best.
pub(super) fn together(one: Connections, other: Connections) -> Connections {
    let mut best: BTreeMap<SocketAddr, ConnectionState> = BTreeMap::new();
    for Connection { peer, state } in one.seen.into_iter().chain(other.seen) {
        let kept = best.entry(peer).or_insert(state);
        *kept = (*kept).max(state);
    }
    let mut seen: Vec<Connection> =
        best.into_iter().map(|(peer, state)| Connection { peer, state }).collect();
    seen.sort_by_key(|c| (std::cmp::Reverse(c.state), c.peer));
    seen.truncate(KEPT);
    Connections { by: one.by, seen, unread: one.unread.or(other.unread) }
}

/// Addresses of relays that it is connected to, in order; only where its own descriptors show it.
pub(super) fn relays(connections: &Connections) -> Vec<SocketAddr> {
    let own = connections.by == AttributedBy::Descriptors;
    let relays = connections.seen.iter().filter(|c| own && c.state == ConnectionState::Established);
    let mut relays: Vec<SocketAddr> =
        relays.map(|c| c.peer).filter(|peer| peer.is_ipv4() && RELAY_PORTS.contains(&peer.port())).collect();
    relays.sort_unstable();
    relays.truncate(RELAYS);
    relays
}

/// A connection to such a port.
fn row(line: &str, controller: Option<u16>) -> Option<Row> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, _, remote, state, _, _, _, uid, _, inode, ..] = fields[..] else { return None };
    // include/net/tcp_states.h; what listens, or is over, is no connection.
    let state = match state {
        "01" => ConnectionState::Established,
        "02" | "03" => ConnectionState::Opening,
        "04" | "05" | "08" | "09" | "0B" => ConnectionState::Closing,
        _ => return None,
    };
    let (ip, port) = remote.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let wanted = port == HTTPS || RELAY_PORTS.contains(&port) || controller == Some(port);
    let ip = address(ip).filter(|ip| wanted && !ip.is_unspecified() && !ip.is_multicast())?;
    let usual = port == HTTPS || RELAY_PORTS.contains(&port);
    if usual && ip.is_loopback() {
        return None;
    }
    let connection = Connection { peer: SocketAddr::new(ip, port), state };
    Some(Row { connection, uid: uid.parse().ok()?, inode: inode.parse().ok()? })
}

/// Hexadecimal words in this machine's order of bytes; an IPv4 address that an IPv6 socket carries is what it is.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            let bytes: [u8; 16] = words.try_into().ok()?;
            Some(IpAddr::from(Ipv6Addr::from(bytes)).to_canonical())
        }
        _ => None,
    }
}

/// The inodes of its sockets; none where its descriptors may not be read.
fn inodes(env: &Env, pid: u32) -> Option<BTreeSet<u64>> {
    let entries = fs::read_dir(env.path(&format!("/proc/{pid}/fd"))).ok()?;
    let links = entries.take(DESCRIPTORS).filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let sockets = links
        .filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok())
        .collect();
    Some(sockets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(remote: &str, state: &str) -> String {
        format!(
            "  12: 0500000A:D431 {remote} {state} 00000000:00000000 00:00000000 00000000  998        0 4711 1 0 20 4 24 10 -1"
        )
    }

    #[test]
    fn a_line_of_the_table_shows_a_connection_or_nothing() {
        use ConnectionState::{Closing, Established, Opening};
        // Tables of a little-endian machine.
        let expected = |text: &str, state| {
            let connection = Connection { peer: text.parse().unwrap(), state };
            cfg!(target_endian = "little").then_some(Row { connection, uid: 998, inode: 4711 })
        };
        let six = "B80D0120000000000000000001000000:01BB";
        for (remote, state, peer, seen) in [
            ("296433C6:7535", "01", "198.51.100.41:30005", Established),
            ("0000000000000000FFFF0000296433C6:7535", "01", "198.51.100.41:30005", Established),
            ("296433C6:01BB", "02", "198.51.100.41:443", Opening),
            ("296433C6:01BB", "08", "198.51.100.41:443", Closing),
            (six, "01", "[2001:db8::1]:443", Established),
            ("0100007F:20FB", "01", "127.0.0.1:8443", Established),
        ] {
            assert_eq!(row(&line(remote, state), Some(8443)), expected(peer, seen), "{remote} {state}");
        }
        for other in [
            line("296433C6:0050", "01"),
            line("296433C6:7535", "06"),
            line("296433C6:7535", "0A"),
            line("0100007F:7535", "01"),
            line("29:7535", "01"),
            "sl local".to_owned(),
            String::new(),
        ] {
            assert_eq!(row(&other, None), None, "{other}");
        }
    }

    #[test]
    fn of_two_looks_the_better_counts_and_relays_are_those_of_its_own() {
        let seen = |peer: &str, state| Connection { peer: peer.parse().unwrap(), state };
        let of = |seen, by| Connections { by, seen, unread: None };
        let relay = seen("198.51.100.41:30005", ConnectionState::Opening);
        let stands = Connection { state: ConnectionState::Established, ..relay };
        let controller = seen("198.51.100.40:443", ConnectionState::Closing);
        for by in [AttributedBy::Descriptors, AttributedBy::User] {
            let both = together(of(vec![relay], by), of(vec![controller, stands], by));
            assert_eq!(both.seen, [stands, controller]);
            assert_eq!(relays(&both).len(), usize::from(by == AttributedBy::Descriptors));
        }
    }
}
