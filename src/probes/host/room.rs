//! Local ports, tracked connections and the network stack's counters, out of /proc: counts only, draws no conclusion.

use std::collections::BTreeSet;

use super::counters::column;
use super::files;
use crate::env::Env;
use crate::model::facts::{Conntrack, Counted, Interface, Ports, Room};

/// Most bytes read of a table of sockets, and of the counters.
const SOCKETS: usize = 4 << 20;
const COUNTERS: usize = 64 * 1024;
/// A row of a table of sockets that waits for connections: its port is not of the range's.
const LISTEN: &str = "0A";

/// What stands at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    ports: Option<Ports>,
    conntrack: Option<Conntrack>,
    counted: Option<Counted>,
}

/// Looks now.
pub fn snapshot(env: &Env) -> Snapshot {
    Snapshot { ports: ports(env), conntrack: conntrack(env), counted: counted(env) }
}

impl Snapshot {
    /// What changed from `self` to `after`.
    pub fn room(self, after: Self, env: &Env, interfaces: &[Interface]) -> Room {
        Room {
            ports: self.ports,
            ports_after: after.ports,
            conntrack: self.conntrack,
            conntrack_after: after.conntrack,
            counted: self.counted.zip(after.counted).map(|(before, after)| rose(before, after)),
            strict_reverse_path: strict(env, interfaces),
        }
    }
}

/// Counters that went back tell nothing.
fn rose(before: Counted, after: Counted) -> Counted {
    Counted {
        udp_no_ports: after.udp_no_ports.saturating_sub(before.udp_no_ports),
        udp_in_errors: after.udp_in_errors.saturating_sub(before.udp_in_errors),
        udp_receive_buffer: after.udp_receive_buffer.saturating_sub(before.udp_receive_buffer),
        reverse_path: after.reverse_path.saturating_sub(before.reverse_path),
        listen_drops: after.listen_drops.saturating_sub(before.listen_drops),
    }
}

fn ports(env: &Env) -> Option<Ports> {
    let range = files::line(env, "/proc/sys/net/ipv4/ip_local_port_range")?;
    let mut figures = range.split_whitespace().map(|word| word.parse::<u16>().ok());
    let (first, last) = (figures.next()??, figures.next()??);
    let reserved = files::line(env, "/proc/sys/net/ipv4/ip_local_reserved_ports").unwrap_or_default();
    let mut ports = Ports { first, last, reserved: within(&reserved, first, last), ..Ports::default() };
    // Where few sockets are open at all, the tables need not be read: that costs a busy host milliseconds.
    let open = files::read(env, "/proc/net/sockstat", files::SMALL).unwrap_or_default();
    let open = open + &files::read(env, "/proc/net/sockstat6", files::SMALL).unwrap_or_default();
    let half = ports.given() / 2;
    let (udp, tcp) = (sockets(&open, "UDP", &["inuse"]), sockets(&open, "TCP", &["inuse", "tw"]));
    let count = |tables: [&str; 2]| {
        let mut seen = BTreeSet::new();
        for table in tables {
            let text = files::read(env, &format!("/proc/net/{table}"), SOCKETS).unwrap_or_default();
            seen.extend(
                text.lines().skip(1).filter_map(local_port).filter(|port| (first..=last).contains(port)),
            );
        }
        u32::try_from(seen.len()).unwrap_or(u32::MAX)
    };
    ports.udp = if udp < half { udp } else { count(["udp", "udp6"]) };
    ports.tcp = if tcp < half { tcp } else { count(["tcp", "tcp6"]) };
    Some(ports)
}

/// How many ports of a list like `8080,9000-9010` lie in a range.
fn within(spans: &str, first: u16, last: u16) -> u32 {
    let ports = spans.split(',').filter_map(|span| {
        let (from, to) = span.trim().split_once('-').unwrap_or((span.trim(), span.trim()));
        let (from, to) = (from.parse::<u16>().ok()?.max(first), to.parse::<u16>().ok()?.min(last));
        (from <= to).then(|| u32::from(to) - u32::from(from) + 1)
    });
    ports.sum()
}

/// Sockets of a protocol and of its IPv6 twin, by /proc/net/sockstat and sockstat6.
fn sockets(text: &str, protocol: &str, keys: &[&str]) -> u32 {
    let six = format!("{protocol}6");
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    let own = lines.filter(|(name, _)| *name == protocol || *name == six);
    own.flat_map(|(_, rest)| {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let pairs = words.chunks_exact(2).filter(|pair| keys.contains(&pair[0]));
        pairs.filter_map(|pair| pair[1].parse::<u32>().ok()).collect::<Vec<_>>()
    })
    .fold(0, u32::saturating_add)
}

/// The local port of a row of a table of sockets (`proc_pid_net(5)`).
fn local_port(row: &str) -> Option<u16> {
    let mut fields = row.split_whitespace().skip(1);
    let (local, _, state) = (fields.next()?, fields.next()?, fields.next()?);
    (state != LISTEN).then_some(())?;
    u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()
}

fn conntrack(env: &Env) -> Option<Conntrack> {
    let figure =
        |name: &str| files::line(env, &format!("/proc/sys/net/netfilter/nf_conntrack_{name}"))?.parse().ok();
    Some(Conntrack { count: figure("count")?, max: figure("max")? })
}

fn counted(env: &Env) -> Option<Counted> {
    let snmp = files::read(env, "/proc/net/snmp", COUNTERS)?;
    let more = files::read(env, "/proc/net/netstat", COUNTERS).unwrap_or_default();
    // IPv6 has a file of its own, a name and a figure a line.
    let six = files::read(env, "/proc/net/snmp6", COUNTERS).unwrap_or_default();
    let both = |name: &str| column(&snmp, "Udp", name).unwrap_or(0) + keyed(&six, &format!("Udp6{name}"));
    column(&snmp, "Udp", "NoPorts")?;
    Some(Counted {
        udp_no_ports: both("NoPorts"),
        udp_in_errors: both("InErrors"),
        udp_receive_buffer: both("RcvbufErrors"),
        reverse_path: column(&more, "TcpExt", "IPReversePathFilter").unwrap_or(0),
        listen_drops: column(&more, "TcpExt", "ListenDrops").unwrap_or(0),
    })
}

fn keyed(text: &str, name: &str) -> u64 {
    let mut lines = text.lines().filter_map(|line| line.split_once(char::is_whitespace));
    lines.find(|(key, _)| *key == name).and_then(|(_, figure)| figure.trim().parse().ok()).unwrap_or(0)
}

/// Interfaces with a strict filter: the greater of `all` and the interface's own counts (ip-sysctl, `rp_filter`), and 1 is strict.
fn strict(env: &Env, interfaces: &[Interface]) -> Vec<String> {
    let mode = |name: &str| -> u8 {
        let line = files::line(env, &format!("/proc/sys/net/ipv4/conf/{name}/rp_filter"));
        line.and_then(|line| line.trim().parse().ok()).unwrap_or(0)
    };
    let all = mode("all");
    // A name that would lead elsewhere is no interface's.
    let plain = |name: &&Interface| !name.name.contains(['/', '\\']) && !name.name.starts_with('.');
    let up = interfaces.iter().filter(plain).filter(|i| i.up && !i.addresses.is_empty());
    up.filter(|i| mode(&i.name).max(all) == 1).map(|i| i.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::Root;
    use super::*;

    const ROW: &str = "  sl  local_address rem_address   st\n   0: 0500000A:9C40 296433C6:01BB 01 x\n   1: 0500000A:9C40 2A6433C6:01BB 06 x\n   \
                       2: 00000000:9C41 00000000:0000 0A x\n   3: 0500000A:0016 00000000:0000 01 x\nrubbish\n";

    #[test]
    fn ports_are_counted_in_the_tables_only_where_few_are_left() {
        for (range, udp, tcp) in [("40000\t40003", 1, 1), ("32768\t60999", 3, 6)] {
            let root = Root::new(&[
                ("/proc/sys/net/ipv4/ip_local_port_range", range),
                ("/proc/sys/net/ipv4/ip_local_reserved_ports", "80,40002-40010"),
                (
                    "/proc/net/sockstat",
                    "sockets: used 9\nTCP: inuse 3 orphan 0 tw 2 alloc 1\nUDP: inuse 2 mem 0\n",
                ),
                ("/proc/net/sockstat6", "TCP6: inuse 1\nUDP6: inuse 1\nUDPLITE6: inuse 70\n"),
                ("/proc/net/tcp", ROW),
                ("/proc/net/udp", ROW),
            ]);
            let ports = ports(&root.env()).unwrap();
            assert_eq!((ports.udp, ports.tcp), (udp, tcp), "{range}");
            assert_eq!(ports.given(), u32::from(ports.last) - u32::from(ports.first) + 1 - ports.reserved);
            assert_eq!(ports.reserved, if ports.first == 40_000 { 2 } else { 9 });
        }
        let root = Root::new(&[("/proc/sys/net/ipv4/ip_local_port_range", "many")]);
        assert_eq!(ports(&root.env()), None);
    }

    #[test]
    fn counters_are_those_of_both_families_and_never_go_back() {
        let netstat = "TcpExt: ListenDrops IPReversePathFilter\nTcpExt: 4 7\n";
        let snmp = "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors\nUdp: 1 2 3 4 5\n";
        let six = "Udp6InDatagrams   9\nUdp6NoPorts     10\nUdp6RcvbufErrors\t1\n";
        let root =
            Root::new(&[("/proc/net/snmp", snmp), ("/proc/net/netstat", netstat), ("/proc/net/snmp6", six)]);
        let counted = counted(&root.env()).unwrap();
        let expected = Counted {
            udp_no_ports: 12,
            udp_in_errors: 3,
            udp_receive_buffer: 6,
            reverse_path: 7,
            listen_drops: 4,
        };
        assert_eq!(counted, expected);
        assert_eq!(rose(Counted::default(), counted), expected);
        assert_eq!(rose(counted, Counted::default()), Counted::default());
    }

    #[test]
    fn the_greater_of_all_and_its_own_says_whether_an_interface_is_strict() {
        for (all, own, strict_one) in
            [("0", "1", true), ("1", "0", true), ("2", "1", false), ("0", "0", false)]
        {
            let root = Root::new(&[
                ("/proc/sys/net/ipv4/conf/all/rp_filter", all),
                ("/proc/sys/net/ipv4/conf/eth0/rp_filter", own),
            ]);
            let interface = Interface {
                name: "eth0".to_owned(),
                kind: crate::model::facts::InterfaceKind::Ethernet,
                up: true,
                mtu: None,
                addresses: vec![crate::model::facts::InterfaceAddress {
                    ip: [10, 0, 0, 5].into(),
                    prefix: 24,
                }],
            };
            assert_eq!(strict(&root.env(), &[interface]).len(), usize::from(strict_one), "{all} {own}");
        }
    }
}
