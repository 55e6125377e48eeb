//! A chain of networks: the host, its routers, and an internet with servers at its end.
//!
//! ```text
//! host eth0 .5 ── segment 0 ── .1 lan0 router wan0 .2 ── segment 1 ── .1 lan0 … inet (servers on lo: 198.51.100.1 to .60)
//! ```
//! IPv6 runs beside it without NAT: `2001:db8:N::/64` for segment N - 1, servers at `2001:db8:100::1` to `::3c`.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::gate::{Ticket, now, ticket};
use super::node::Node;
use super::wire::{Carrier, Wire};

/// What a router does to the addresses of IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nat {
    /// Plain routing.
    None,
    /// Linux' usual one: endpoint-independent mapping, address- and port-dependent filtering.
    Masquerade,
    /// A new port for every destination: address- and port-dependent mapping.
    Random,
    /// Endpoint-independent mapping and filtering, by static rules.
    FullCone,
    /// Endpoint-independent mapping, address-dependent filtering.
    AddressRestricted,
    /// 198.51.100.0/29 sees 203.0.113.2, the rest of the world 203.0.113.3.
    TwoAddresses,
}

/// Programs that every network needs.
const NEEDS: &[&str] = &["ip", "nft", "cat", "mount"];
/// How many server addresses of each family the internet has.
const SERVERS: usize = 60;

/// The plan of a network; see [`Net::plan`].
#[derive(Clone)]
pub struct Builder {
    test: &'static str,
    segments: Vec<&'static str>,
    routers: Vec<Nat>,
    wire: Option<Wire>,
    mtu: u32,
    ipv4: bool,
    ipv6: bool,
    programs: Vec<&'static str>,
}

/// A network that stands as long as this value lives.
pub struct Net {
    pub host: Node,
    /// From the host outwards.
    pub routers: Vec<Node>,
    pub inet: Node,
    _carrier: Option<Carrier>,
    _ticket: Ticket,
}

impl Net {
    /// A host at 10.0.0.5 behind one masquerading router with 203.0.113.2 outside, both families.
    pub fn plan(test: &'static str) -> Builder {
        Builder {
            test,
            segments: vec!["10.0.0", "203.0.113"],
            routers: vec![Nat::Masquerade],
            wire: None,
            mtu: 1500,
            ipv4: true,
            ipv6: true,
            programs: Vec::new(),
        }
    }

    /// The router next to the host.
    pub fn gw(&self) -> &Node {
        &self.routers[0]
    }

    /// Adds rules to the first router's forwarding, before anything else is decided; `iifname lan0` is what the host sends.
    pub fn fault(&self, rules: &str) {
        self.mend();
        self.gw().nft(&format!(
            "table inet fault {{ chain f {{ type filter hook forward priority -300; {rules}; }}; }}"
        ));
    }

    /// Takes the rules of `fault` away.
    pub fn mend(&self) {
        self.gw().nft("add table inet fault\ndelete table inet fault\n");
    }

    /// Adds rules to what the host itself sends.
    pub fn host_firewall(&self, rules: &str) {
        self.host.nft(&format!(
            "table inet own {{ chain o {{ type filter hook output priority 0; {rules}; }}; }}"
        ));
    }

    /// A second link between the host and its router, by which answers to the host come in: 10.9.0.5 eth1 to .1 lan1.
    pub fn second_uplink(&self) {
        link((&self.host, "eth1"), (self.gw(), "lan1"));
        self.host.run(|| {
            for key in ["all", "default", "eth0", "eth1"] {
                fs::write(format!("/proc/sys/net/ipv4/conf/{key}/rp_filter"), "0").expect("its own");
            }
        });
        self.host.ip("link set eth1 up\naddr add 10.9.0.5/24 dev eth1\n");
        self.gw().ip("link set lan1 up\naddr add 10.9.0.1/24 dev lan1\n");
        let end = now() + Duration::from_secs(10);
        while !self.host.output("ping", &["-c", "1", "-W", "1", "10.9.0.1"], "").status.success() {
            assert!(now() < end, "the second link does not come up");
        }
        self.gw().ip("route add 10.0.0.5/32 via 10.9.0.5 dev lan1\n");
    }

    /// A second machine on a bridge of the host, as docker makes it: 172.17.0.2 behind 172.17.0.1 docker0.
    pub fn container(&self) -> Node {
        let container = Node::new("c0ffee123456");
        link((&self.host, "veth1"), (&container, "eth0"));
        forwarding(&self.host);
        self.host.ip("link add docker0 type bridge forward_delay 0\naddr add 172.17.0.1/16 dev docker0\n\
             link set veth1 master docker0\nlink set veth1 up\nlink set docker0 up\n");
        self.host.nft(
            "table ip docker { chain post { type nat hook postrouting priority srcnat; \
             ip saddr 172.17.0.0/16 oifname != docker0 masquerade; }; }",
        );
        container.ip("link set lo up\nlink set eth0 up\naddr add 172.17.0.2/16 dev eth0\nroute add default via 172.17.0.1\n");
        names(&container);
        container
    }
}

impl Builder {
    /// Programs without which the test cannot run.
    pub fn needs(mut self, programs: &[&'static str]) -> Self {
        self.programs.extend(programs);
        self
    }

    pub fn nat(mut self, nat: Nat) -> Self {
        self.routers = vec![nat];
        self
    }

    /// Segments' IPv4 prefixes (/24) from the host outwards, and the routers between them.
    pub fn chain(mut self, segments: &[&'static str], routers: &[Nat]) -> Self {
        assert_eq!(segments.len(), routers.len() + 1, "a router stands between two segments");
        (self.segments, self.routers) = (segments.to_vec(), routers.to_vec());
        self
    }

    /// A host with a public address, 192.0.2.5, behind a router that only routes.
    pub fn public(self) -> Self {
        self.chain(&["192.0.2", "203.0.113"], &[Nat::None])
    }

    /// The last link is carried by the test.
    pub fn wire(mut self, wire: Wire) -> Self {
        self.wire = Some(wire);
        self
    }

    /// The last link's MTU, told honestly by ICMP.
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = mtu;
        self
    }

    pub fn only_ipv6(mut self) -> Self {
        self.ipv4 = false;
        self
    }

    pub fn only_ipv4(mut self) -> Self {
        self.ipv6 = false;
        self
    }

    /// Builds it, or says loudly why this test is skipped.
    pub fn up(self) -> Option<Net> {
        let needed: Vec<&str> = NEEDS.iter().chain(&self.programs).copied().collect();
        let ticket = ticket(self.test, &needed)?;
        let last = self.routers.len();
        let mut names = vec!["conn-ams-1".to_owned()];
        names.extend((1..=last).map(|i| format!("gw{i}")));
        names.push("inet".to_owned());
        let nodes: Vec<Node> = thread::scope(|scope| {
            let begun: Vec<_> = names.iter().map(|name| scope.spawn(|| Node::new(name))).collect();
            begun.into_iter().map(|node| node.join().expect("a node")).collect()
        });
        let mut carrier = None;
        for (i, pair) in nodes.windows(2).enumerate() {
            let ends = ((&pair[0], if i == 0 { "eth0" } else { "wan0" }), (&pair[1], "lan0"));
            match self.wire {
                Some(wire) if i == last => carrier = Some(wire.join(ends.0, ends.1)),
                _ => link(ends.0, ends.1),
            }
        }
        thread::scope(|scope| {
            for (i, node) in nodes.iter().enumerate() {
                let plan = &self;
                scope.spawn(move || plan.configure(i, node));
            }
        });
        let mut nodes = nodes.into_iter();
        let host = nodes.next().expect("the host");
        let mut routers: Vec<Node> = nodes.collect();
        let inet = routers.pop().expect("the internet");
        self.wait(&host);
        Some(Net { host, routers, inet, _carrier: carrier, _ticket: ticket })
    }

    /// Links come up by and by, and drop packets until then: waits until the far end refuses a connection.
    fn wait(&self, host: &Node) {
        let far =
            if self.ipv4 { "198.51.100.60:1" } else { "[2001:db8:100::3c]:1" }.parse().expect("an address");
        let delay = self.wire.map_or(Duration::ZERO, |w| w.delay);
        let (patience, end) = (Duration::from_millis(20) + 3 * delay, now() + Duration::from_secs(10));
        host.run(move || {
            loop {
                match TcpStream::connect_timeout(&far, patience) {
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
                    seen => assert!(now() < end, "no way from the host to {far}: {seen:?}"),
                }
                thread::sleep(Duration::from_millis(2));
            }
        });
    }

    /// Addresses, routes and rules of the node at this place of the chain.
    fn configure(&self, i: usize, node: &Node) {
        let last = self.segments.len();
        let mut lines = "link set lo up\n".to_owned();
        if i < last {
            let (device, own) = if i == 0 { ("eth0", 5) } else { ("wan0", 2) };
            let _ = writeln!(
                lines,
                "link set {device} up{}",
                if i + 1 == last { self.mtu_words() } else { String::new() }
            );
            self.outward(i, device, own, &mut lines);
        }
        if i > 0 {
            let _ = writeln!(
                lines,
                "link set lan0 up{}",
                if i == last { self.mtu_words() } else { String::new() }
            );
            self.inward(i, &mut lines);
        }
        node.ip(&lines);
        match i {
            0 => self::names(node),
            i if i < last => {
                forwarding(node);
                node.nft(&self.rules(i));
            }
            _ => node.ip(&servers()),
        }
    }

    fn mtu_words(&self) -> String {
        format!(" mtu {}", self.mtu)
    }

    /// The side that looks to the internet: an address and the default route.
    fn outward(&self, i: usize, device: &str, own: u32, lines: &mut String) {
        if self.ipv4 || i > 0 {
            let prefix = self.segments[i];
            let _ =
                writeln!(lines, "addr add {prefix}.{own}/24 dev {device}\nroute add default via {prefix}.1");
            if i > 0 && self.routers[i - 1] == Nat::TwoAddresses {
                let _ = writeln!(lines, "addr add {prefix}.3/24 dev {device}");
            }
        }
        if self.ipv6 {
            let n = i + 1;
            let _ = writeln!(lines, "addr add 2001:db8:{n}::{own}/64 dev {device} nodad");
            let _ = writeln!(lines, "route add default via 2001:db8:{n}::1");
        }
    }

    /// The side that looks to the host: an address and the ways back to the segments behind it.
    fn inward(&self, i: usize, lines: &mut String) {
        let prefix = self.segments[i - 1];
        let _ = writeln!(lines, "addr add {prefix}.1/24 dev lan0");
        let _ = writeln!(lines, "addr add 2001:db8:{i}::1/64 dev lan0 nodad");
        for (behind, segment) in self.segments[..i - 1].iter().enumerate() {
            // The internet knows no way to private addresses.
            if i < self.segments.len() || *segment == "192.0.2" {
                let _ = writeln!(lines, "route add {segment}.0/24 via {prefix}.2");
            }
            let _ = writeln!(lines, "route add 2001:db8:{}::/64 via 2001:db8:{i}::2", behind + 1);
        }
    }

    /// The packet filter of the router at this place.
    fn rules(&self, i: usize) -> String {
        let inside = format!("{}.5", self.segments[0]);
        let outside = format!("{}.2", self.segments[i]);
        let (post, pre, forward) = match self.routers[i - 1] {
            Nat::None => return String::new(),
            Nat::Masquerade => ("masquerade".to_owned(), String::new(), ""),
            Nat::Random => ("masquerade random,fully-random".to_owned(), String::new(), ""),
            Nat::FullCone => (
                format!("snat ip to {outside}"),
                format!("iifname wan0 udp dport 1024-65535 dnat ip to {inside}"),
                "",
            ),
            Nat::AddressRestricted => (
                format!("snat ip to {outside}"),
                format!("iifname wan0 udp dport 1024-65535 dnat ip to {inside}"),
                "iifname lan0 update @spoken { ip daddr . udp sport timeout 1m }; \
                 iifname wan0 ip protocol udp ip saddr . udp dport != @spoken drop",
            ),
            Nat::TwoAddresses => (
                format!(
                    "ip daddr 198.51.100.0/29 snat ip to {outside}; oifname wan0 snat ip to {}.3",
                    self.segments[i]
                ),
                String::new(),
                "",
            ),
        };
        format!(
            "table inet nat {{
               set spoken {{ type ipv4_addr . inet_service; flags dynamic,timeout; timeout 1m; }}
               chain post {{ type nat hook postrouting priority srcnat; meta nfproto ipv4 oifname wan0 {post}; }}
               chain pre {{ type nat hook prerouting priority dstnat; {pre}; }}
               chain forward {{ type filter hook forward priority 0; {forward}; }}
               chain input {{ type filter hook input priority 0; meta nfproto ipv4 iifname wan0 ct state new drop; }}
             }}"
        )
    }
}

/// A veth pair between two nodes. The devices are born where they belong, never in the machine's own network.
/// Their indices differ: alike, the kernel takes each for its own lower device and its news for not urgent (1 s).
pub(super) fn link(left: (&Node, &str), right: (&Node, &str)) {
    static NEXT: AtomicU32 = AtomicU32::new(10);
    let (a, b) = (left.0.pid(), right.0.pid());
    let own = NEXT.fetch_add(2, Ordering::Relaxed);
    let status = std::process::Command::new(super::gate::program("ip"))
        .args([
            "link",
            "add",
            "name",
            left.1,
            "index",
            &own.to_string(),
            "netns",
            &a.to_string(),
            "type",
            "veth",
        ])
        .args(["peer", "name", right.1, "index", &(own + 1).to_string(), "netns", &b.to_string()])
        .status();
    assert!(status.expect("ip starts").success(), "a link between {} and {}", left.0.name(), right.0.name());
}

pub(super) fn forwarding(node: &Node) {
    node.run(|| {
        for key in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            fs::write(format!("/proc/sys/net/{key}"), "1").expect("a network of its own");
        }
    });
}

/// How the node's programs find names: from the internet's server, by nothing else.
fn names(node: &Node) {
    node.overlay("/etc/resolv.conf", "nameserver 198.51.100.53\n");
    node.overlay("/etc/nsswitch.conf", "hosts: files dns\npasswd: files\ngroup: files\n");
    node.overlay("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
}

/// The addresses of the internet's servers; whatever is sent elsewhere vanishes.
fn servers() -> String {
    (1..=SERVERS).fold("route add blackhole default\nroute add blackhole ::/0\n".to_owned(), |mut all, n| {
        let _ =
            writeln!(all, "addr add 198.51.100.{n}/32 dev lo\naddr add 2001:db8:100::{n:x}/128 dev lo nodad");
        all
    })
}
