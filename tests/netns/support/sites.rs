//! Two sites that know each other by an internet alone: a host each, behind whatever router its site has.
//!
//! ```text
//! a eth0 ── [router] ── inet (STUN: 198.51.100.1, .11) ── [router] ── eth0 b
//! ```
//! Site n is 10.n.0.0/24 inside and 203.0.113.(16 n + 2) outside; IPv6 runs without NAT in `2001:db8:n::/64`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::gate::{Ticket, now, ticket};
use super::net::{forwarding, link, names, servers};
use super::node::Node;
use super::servers::coturn;

/// What stands between a host and the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// Nothing.
    Public,
    /// A router that lets in answers alone.
    Firewall,
    FullCone,
    AddressRestricted,
    PortRestricted,
    /// Address-dependent mapping: another port for every destination address.
    Symmetric,
    /// Another port, drawn by chance, for every destination.
    Random,
    /// Two masquerading routers in a row, the outer one with 100.64.0.0/10 inside.
    Double,
    /// No IPv4; a router that lets in answers alone.
    OnlyIpv6,
    /// Everything of UDP is dropped.
    Blocked,
}

pub const STUN: [&str; 2] = ["198.51.100.1", "198.51.100.11"];
const STUN_V6: [&str; 2] = ["2001:db8:100::1", "2001:db8:100::b"];

/// Two hosts and the world between them.
pub struct Sites {
    pub a: Node,
    pub b: Node,
    pub routers: Vec<Node>,
    pub inet: Node,
    _ticket: Ticket,
}

/// One side's end: exit code, report, all of standard error.
pub struct Ended {
    pub code: Option<i32>,
    pub json: Value,
    pub stderr: String,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {:?}\n{:#}\n{}", self.code, self.json, self.stderr)
    }
}

/// A `peer` that has printed its line and goes on.
pub struct Peer {
    pub line: String,
    pub child: Child,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Sites {
    /// Builds both sites and two STUN servers, or says loudly why not.
    pub fn open(test: &str, a: Site, b: Site) -> Option<Self> {
        let ticket = ticket(test, &["ip", "nft", "cat", "mount", "turnserver"])?;
        let inet = Node::new("inet");
        inet.ip(&format!("link set lo up\n{}", servers()));
        forwarding(&inet);
        let mut routers = Vec::new();
        let a = site(&inet, 1, a, &mut routers);
        let b = site(&inet, 2, b, &mut routers);
        for address in STUN.iter().chain(&STUN_V6) {
            coturn(&inet, &[address]);
        }
        Some(Self { a, b, routers, inet, _ticket: ticket })
    }

    /// Two hosts behind one router: on one link, or on two that the router keeps apart; then with hairpin or without.
    pub fn one_router(test: &str, apart: bool, hairpin: bool) -> Option<Self> {
        let ticket = ticket(test, &["ip", "nft", "cat", "mount", "turnserver"])?;
        let (inet, router) = (Node::new("inet"), Node::new("gw1"));
        inet.ip(&format!("link set lo up\n{}", servers()));
        forwarding(&inet);
        forwarding(&router);
        link((&router, "wan0"), (&inet, "site1"));
        inet.ip("link set site1 up\naddr add 203.0.113.17/28 dev site1\n");
        router.ip("link set lo up\nlink set wan0 up\naddr add 203.0.113.18/28 dev wan0\nroute add default via 203.0.113.17\n");
        let hosts = [(1, "a", 20_000), (2, "b", 40_000)].map(|(n, name, first)| {
            let host = Node::new(name);
            let lan = format!("lan{n}");
            link((&host, "eth0"), (&router, &lan));
            let ports = format!("{first} {}", first + 19_999);
            host.run(move || {
                std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", ports).expect("its own");
            });
            host.ip("link set lo up\nlink set eth0 up\n");
            host
        });
        if apart {
            for (n, host) in [(1, &hosts[0]), (2, &hosts[1])] {
                host.ip(&format!("addr add 10.{n}.0.5/24 dev eth0\nroute add default via 10.{n}.0.1\n"));
                router.ip(&format!("link set lan{n} up\naddr add 10.{n}.0.1/24 dev lan{n}\n"));
            }
        } else {
            router.ip("link add br0 type bridge forward_delay 0\nlink set lan1 master br0\nlink set lan2 master br0\n\
                 link set lan1 up\nlink set lan2 up\nlink set br0 up\naddr add 10.1.0.1/24 dev br0\n");
            for (n, host) in [(5, &hosts[0]), (6, &hosts[1])] {
                host.ip(&format!("addr add 10.1.0.{n}/24 dev eth0\nroute add default via 10.1.0.1\n"));
            }
        }
        let (inward, back) = if hairpin {
            (
                "ip daddr 203.0.113.18 udp dport 20000-39999 dnat ip to 10.1.0.5; \
                 ip daddr 203.0.113.18 udp dport 40000-59999 dnat ip to 10.2.0.5",
                "ip saddr 10.0.0.0/8 ip daddr 10.0.0.0/8 snat ip to 203.0.113.18;",
            )
        } else {
            ("", "")
        };
        router.nft(&format!(
            "table ip nat {{
               chain post {{ type nat hook postrouting priority srcnat; {back} oifname wan0 masquerade; }}
               chain pre {{ type nat hook prerouting priority dstnat; {inward}; }}
               chain forward {{ type filter hook forward priority 0;
                 iifname lan* oifname lan* ct status dnat accept; iifname lan* oifname lan* ct state established accept;
                 iifname lan* oifname lan* drop; }}
               chain input {{ type filter hook input priority 0; ip protocol udp drop; }}
             }}"
        ));
        for address in &STUN {
            coturn(&inet, &[address]);
        }
        let [a, b] = hosts;
        names(&a);
        names(&b);
        Some(Self { a, b, routers: vec![router], inet, _ticket: ticket })
    }

    /// Both sides meet: `b` is given `a`'s line at once, `a` is handed `b`'s.
    pub fn meet(&self, more: &[&str]) -> [Ended; 2] {
        let mut a = Peer::start(&self.a, &[&["--with", "-"], more].concat());
        let b = Peer::start(&self.b, &[&["--with", &a.line], more].concat());
        a.hand(&b.line);
        [a.end(), b.end()]
    }
}

impl Peer {
    /// Starts one and waits for its line.
    pub fn start(node: &Node, more: &[&str]) -> Self {
        let servers: Vec<&str> = STUN.iter().chain(&STUN_V6).flat_map(|s| ["--stun", s]).collect();
        let mut command = node.doctor_command(&[&["peer", "--json"], &servers[..], more].concat());
        command.stdin(Stdio::piped());
        let mut child = node.spawn(command);
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("a line on stderr");
        Self { line: line.trim().to_owned(), child, stderr }
    }

    /// Gives it the other side's line.
    pub fn hand(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        writeln!(stdin, "{line}").expect("it reads");
    }

    /// Waits for its end, which must come.
    pub fn end(mut self) -> Ended {
        let line = std::mem::take(&mut self.line);
        let end = now() + Duration::from_mins(1);
        let stdout = self.child.stdout.take().expect("piped");
        // Read while it runs: nothing of it is larger than a pipe, but nothing is taken for granted.
        let reader = std::thread::spawn(move || std::io::read_to_string(stdout).unwrap_or_default());
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if now() > end {
                let _ = self.child.kill();
                panic!("peer hangs; its line was {line}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let stdout = reader.join().expect("read");
        let stderr = std::io::read_to_string(&mut self.stderr).unwrap_or_default();
        let json = serde_json::from_str(&stdout).unwrap_or(Value::Null);
        Ended { code: status.code(), json, stderr }
    }
}

/// A child that nobody has waited for holds its node's first process, and with it the node.
impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One site: its host; its routers are added to `routers`.
fn site(inet: &Node, n: u32, kind: Site, routers: &mut Vec<Node>) -> Node {
    let host = Node::new(if n == 1 { "a" } else { "b" });
    let (device, outside, far) = (format!("site{n}"), 16 * n + 2, 16 * n + 1);
    let (v4, v6) = (kind != Site::OnlyIpv6, matches!(kind, Site::Public | Site::OnlyIpv6));
    let mut inward = format!("link set {device} up\naddr add 203.0.113.{far}/28 dev {device}\n");
    let mut outward = String::new();
    if v6 {
        let _ = writeln!(inward, "addr add 2001:db8:ff{n}::1/64 dev {device} nodad");
        let _ = writeln!(
            outward,
            "addr add 2001:db8:ff{n}::2/64 dev DEV nodad\nroute add default via 2001:db8:ff{n}::1"
        );
    }
    if v4 || kind != Site::Public {
        let _ = writeln!(
            outward,
            "addr add 203.0.113.{outside}/28 dev DEV\nroute add default via 203.0.113.{far}"
        );
    }
    if kind == Site::Public {
        link((&host, "eth0"), (inet, &device));
        host.ip(&format!("link set lo up\nlink set eth0 up\n{}", outward.replace("DEV", "eth0")));
    } else {
        let router = Node::new(&format!("gw{n}"));
        forwarding(&router);
        link((&router, "wan0"), (inet, &device));
        router.ip(&format!("link set lo up\nlink set wan0 up\n{}", outward.replace("DEV", "wan0")));
        let (inner, mut own) = (format!("10.{n}.0"), String::new());
        if kind == Site::Double {
            let first = Node::new(&format!("gw{n}a"));
            forwarding(&first);
            link((&first, "wan0"), (&router, "lan0"));
            router.ip(&format!("link set lan0 up\naddr add 100.64.{n}.1/24 dev lan0\n"));
            first.ip(&format!("link set lo up\nlink set wan0 up\naddr add 100.64.{n}.2/24 dev wan0\nroute add default via 100.64.{n}.1\n"));
            link((&host, "eth0"), (&first, "lan0"));
            first.ip(&format!("link set lan0 up\naddr add {inner}.1/24 dev lan0\n"));
            first.nft("table ip nat { chain post { type nat hook postrouting priority srcnat; oifname wan0 masquerade; }; \
                 chain input { type filter hook input priority 0; iifname wan0 ct state new drop; }; }");
            routers.push(first);
        } else {
            link((&host, "eth0"), (&router, "lan0"));
            router.ip("link set lan0 up\n");
            if v4 && kind != Site::Firewall {
                router.ip(&format!("addr add {inner}.1/24 dev lan0\n"));
            }
        }
        if kind == Site::Firewall {
            let (gate, address) = (64 * n + 1, 64 * n + 5);
            router.ip(&format!("addr add 192.0.2.{gate}/26 dev lan0\n"));
            let _ = writeln!(inward, "route add 192.0.2.{}/26 via 203.0.113.{outside}", 64 * n);
            let _ =
                writeln!(own, "addr add 192.0.2.{address}/26 dev eth0\nroute add default via 192.0.2.{gate}");
        } else if v4 {
            let _ = writeln!(own, "addr add {inner}.5/24 dev eth0\nroute add default via {inner}.1");
        }
        if v6 {
            router.ip(&format!("addr add 2001:db8:{n}::1/64 dev lan0 nodad\n"));
            let _ = writeln!(inward, "route add 2001:db8:{n}::/64 via 2001:db8:ff{n}::2");
            let _ = writeln!(
                own,
                "addr add 2001:db8:{n}::5/64 dev eth0 nodad\nroute add default via 2001:db8:{n}::1"
            );
        }
        host.ip(&format!("link set lo up\nlink set eth0 up\n{own}"));
        router.nft(&rules(n, kind));
        routers.push(router);
    }
    inet.ip(&inward);
    names(&host);
    host
}

/// The packet filter of a site's outer router.
fn rules(n: u32, kind: Site) -> String {
    let (inside, outside) = (format!("10.{n}.0.5"), format!("203.0.113.{}", 16 * n + 2));
    let static_in = format!("iifname wan0 udp dport 1024-65535 dnat ip to {inside}");
    let snat = format!("snat ip to {outside}");
    let stateful = "iifname wan0 ct state established,related accept; iifname wan0 drop";
    let (post, pre, forward) = match kind {
        Site::Public => return String::new(),
        Site::Firewall | Site::OnlyIpv6 => (String::new(), String::new(), stateful.to_owned()),
        Site::FullCone => (snat, static_in, String::new()),
        Site::AddressRestricted => (
            snat,
            static_in,
            "iifname lan0 update @spoken { ip daddr . udp sport timeout 1m }; \
             iifname wan0 ip protocol udp ip saddr . udp dport != @spoken drop"
                .to_owned(),
        ),
        Site::PortRestricted | Site::Double => ("masquerade".to_owned(), String::new(), String::new()),
        Site::Symmetric => (
            // A range of ports for each destination: what one is shown another never is.
            "ip protocol udp ip daddr 198.51.100.1 masquerade to :21000-21999; \
             ip protocol udp ip daddr 198.51.100.11 masquerade to :32000-32999; \
             ip protocol udp ip daddr 203.0.113.0/25 masquerade to :43000-43999; \
             ip protocol udp ip daddr 192.0.2.0/24 masquerade to :54000-54999; masquerade"
                .to_owned(),
            String::new(),
            String::new(),
        ),
        Site::Random => ("masquerade random,fully-random".to_owned(), String::new(), String::new()),
        Site::Blocked => ("masquerade".to_owned(), String::new(), "meta l4proto udp drop".to_owned()),
    };
    let rules: Vec<String> = post
        .split("; ")
        .filter(|rule| !rule.is_empty())
        .map(|rule| format!("meta nfproto ipv4 oifname wan0 {rule};"))
        .collect();
    format!(
        "table inet nat {{
           set spoken {{ type ipv4_addr . inet_service; flags dynamic,timeout; timeout 1m; }}
           chain post {{ type nat hook postrouting priority srcnat; {} }}
           chain pre {{ type nat hook prerouting priority dstnat; {pre}; }}
           chain forward {{ type filter hook forward priority 0; {forward}; }}
           chain input {{ type filter hook input priority 0; meta nfproto ipv4 iifname wan0 ct state new drop; }}
         }}",
        rules.join(" ")
    )
}
