//! Resources of a LAN behind the host: real servers recognised, and twenty faults with their first cause.
//!
//! All faults stand at once in one run; `RESOURCE_RUNS=10` tries each by itself, ten times, and looks at its first cause.

use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::time::Duration;

use connector_doctor::env::Env;
use serde_json::Value;

use crate::connector;
use crate::support::lan::{mariadb, postgres, redis, samba, slapd, sshd, vsftpd, xrdp};
use crate::support::{FAR, LAN, Lan, Net, Run, Site, authority, certificate, dnsmasq, listen, nginx};

/// Nobody is asked for the time or for an address: these ports refuse at once.
const QUIET: &[&str] = &[
    "check",
    "resource.*",
    "--json",
    "--stun",
    "127.0.0.1:9",
    "--ntp",
    "127.0.0.1:9",
    "--relay",
    "127.0.0.1:9",
    "--service",
    "127.0.0.1:9",
    "--quic",
    "127.0.0.1:9",
    "--no-fallback",
];

/// The inner resolver, which alone knows the LAN's names, and the public one.
const INNER: &str = "10.20.0.53";
const PUBLIC: &str = "198.51.100.53";

struct World {
    net: Net,
    lan: Lan,
}

impl World {
    fn open(test: &'static str, programs: &[&'static str]) -> Option<Self> {
        let net = Net::plan(test).needs(&["dnsmasq", "nginx", "openssl"]).needs(programs).up()?;
        let lan = Lan::behind(&net);
        let inner = [
            ("ssh.corp.test", LAN),
            ("split.corp.test", "10.20.0.20"),
            ("web.corp.test", "10.20.0.30"),
            ("wrong.corp.test", "10.20.0.31"),
            ("old.corp.test", "10.20.0.32"),
            ("far.corp.test", FAR),
            ("six.corp.test", "2001:db8:f::9"),
            ("both.corp.test", LAN),
            ("both.corp.test", "fd20::99"),
        ];
        dnsmasq(&lan.lan, INNER, &inner);
        dnsmasq(&net.inet, PUBLIC, &[("split.corp.test", "198.51.100.40")]);
        net.host.overlay("/etc/resolv.conf", &format!("search corp.test\nnameserver {INNER}\n"));
        Some(Self { net, lan })
    }

    /// Certificates of an authority of its own: right, for another name, expired. On the host as `/run/ca.pem`.
    fn certificates(&self) {
        for node in [&self.lan.lan, &self.lan.far] {
            let ca = authority(node, "ca");
            let path = format!("/run/ca-{}.pem", node.name());
            self.net.host.write(&path, &ca);
            certificate(
                node,
                "right",
                "ca",
                if node.name() == "far" { "far.corp.test" } else { "web.corp.test" },
                -10,
                100,
            );
        }
        certificate(&self.lan.lan, "other", "ca", "other.corp.test", -10, 100);
        certificate(&self.lan.lan, "old", "ca", "old.corp.test", -40, 30);
        let both = self.net.host.must("cat", &["/run/ca-lan.pem", "/run/ca-far.pem"], "");
        self.net.host.write("/run/ca.pem", &both);
    }

    fn sites(&self) {
        let site = |at, certificate, answer| Site { at, certificate, answer };
        let sites = [
            site("10.20.0.30:443", Some("right"), "200"),
            site("10.20.0.30:80", None, "301 https://web.corp.test/"),
            site("10.20.0.31:443", Some("other"), "200"),
            site("10.20.0.32:443", Some("old"), "200"),
        ];
        nginx(&self.lan.lan, "web", &sites, 0.0);
        nginx(&self.lan.far, "web", &[site("10.30.0.10:443", Some("right"), "200")], 0.0);
    }

    fn ask(&self, resources: &[&str]) -> Run {
        let mut words = QUIET.to_vec();
        words.extend(["--ca-file", "/run/ca.pem"]);
        for resource in resources {
            words.extend(["--resource", resource]);
        }
        self.net.host.doctor(&words)
    }
}

fn resource<'a>(run: &'a Run, name: &str) -> &'a Value {
    let all = run.json["resources"].as_array().unwrap_or_else(|| panic!("no resources\n{run}"));
    all.iter().find(|r| r["name"] == name).unwrap_or_else(|| panic!("no {name}\n{run}"))
}

#[test]
fn real_servers_are_recognised_with_their_version() {
    const SERVERS: &[&str] = &[
        "sshd",
        "ssh-keygen",
        "mariadbd",
        "mariadb-install-db",
        "smbd",
        "xrdp",
        "slapd",
        "redis-server",
        "vsftpd",
    ];
    let Some(world) = World::open("resources: real servers", SERVERS) else { return };
    world.certificates();
    world.sites();
    let node = &world.lan.lan;
    certificate(node, "x", "ca", "rdp.corp.test", -10, 100);
    std::thread::scope(|scope| {
        for start in [sshd, postgres, mariadb, samba, xrdp, slapd, redis, vsftpd] {
            scope.spawn(move || start(node, LAN));
        }
    });
    let allowed = "/proc/sys/net/ipv4/ping_group_range";
    world.net.host.run(move || std::fs::write(allowed, "0 2147483647").expect("a network of its own"));
    let run = world.ask(&[
        "ssh=ssh:22",
        "postgresql=10.20.0.10:5432",
        "mysql=10.20.0.10:3306",
        "smb=10.20.0.10:445",
        "rdp=10.20.0.10:3389",
        "ldap=10.20.0.10:389",
        "redis=10.20.0.10:6379",
        "ftp=10.20.0.10:21",
        "https=web.corp.test:443",
        "http=web.corp.test:80",
        "tls=web.corp.test:443/tls",
        "dns=10.20.0.53:53",
        "icmp=ssh.corp.test/icmp",
        "udp=10.20.0.10:1194/udp",
    ]);
    for (name, reply) in [
        ("ssh", "SSH OpenSSH_"),
        ("postgresql", "PostgreSQL, offers"),
        ("mysql", "-MariaDB"),
        ("smb", "SMB 3.1.1"),
        ("rdp", "RDP "),
        ("ldap", "LDAP, "),
        ("ftp", "vsFTPd 3"),
        ("https", "HTTP nginx/1."),
        ("http", "redirects to https://web.corp.test/"),
        ("tls", "TLS 1.2"),
        ("dns", "DNS, answers "),
    ] {
        let row = resource(&run, name);
        assert_eq!(row["outcome"], "pass", "{name}: {row}\n{run}");
        let said = row["reply"].as_str().unwrap_or_default();
        assert!(said.contains(reply), "{name}: {said}\n{run}");
    }
    for (name, outcome) in [("redis", "pass"), ("icmp", "pass"), ("udp", "skip")] {
        assert_eq!(resource(&run, name)["outcome"], outcome, "{name}\n{run}");
    }
    assert_eq!(run.json["verdict"], "healthy", "{run}");
    let ssh = resource(&run, "ssh");
    assert_eq!(
        (ssh["address"].as_str(), ssh["resolver"].as_str()),
        (Some(LAN), Some("10.20.0.53:53")),
        "{run}"
    );
    assert_eq!(
        (ssh["source"].as_str(), ssh["interface"].as_str()),
        (Some("10.20.0.5"), Some("eth1")),
        "{run}"
    );
    let certificate = &resource(&run, "https")["certificate"];
    assert!(certificate["days_left"].as_f64().is_some_and(|days| (80.0..101.0).contains(&days)), "{run}");
}

/// A fault: its name, how it is made, the Resource, and the first cause; none where it is no fault.
struct Fault {
    name: &'static str,
    make: fn(&World),
    undo: fn(&World),
    resource: &'static str,
    cause: Option<&'static str>,
    outcome: &'static str,
    says: &'static str,
}

const NOTHING: fn(&World) = |_| ();

fn lan_drops(world: &World, table: &str, rules: &str) {
    world.lan.lan.nft(&format!(
        "table inet {table} {{ chain f {{ type filter hook forward priority -300; {rules}; }}; }}"
    ));
}

fn lan_mends(world: &World, table: &str) {
    world.lan.lan.nft(&format!("delete table inet {table}\n"));
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "refused",
        make: NOTHING,
        undo: NOTHING,
        resource: "x=10.20.0.10:9",
        cause: Some("resource-refused"),
        outcome: "fail",
        says: "is there and refuses",
    },
    Fault {
        name: "dropped on the LAN's router",
        make: |w| lan_drops(w, "dropped", "ip daddr 10.30.0.11 drop"),
        undo: |w| lan_mends(w, "dropped"),
        resource: "x=10.30.0.11:443",
        cause: Some("resource-unreachable"),
        outcome: "fail",
        says: "no answer, out of eth1 from 10.20.0.5 by 10.20.0.1",
    },
    Fault {
        name: "the host is off",
        make: NOTHING,
        undo: NOTHING,
        resource: "x=10.20.0.99:22",
        cause: Some("resource-unreachable"),
        outcome: "fail",
        says: "Nobody on this host's link answers for x",
    },
    Fault {
        name: "no route",
        make: |w| w.net.host.ip("route add unreachable 10.99.0.0/16\n"),
        undo: |w| w.net.host.ip("route del unreachable 10.99.0.0/16\n"),
        resource: "x=10.99.0.1:22",
        cause: Some("resource-unreachable"),
        outcome: "fail",
        says: "This host has no route to x",
    },
    Fault {
        name: "wrong VLAN: the address of the LAN's host is sought on another link",
        make: |w| w.net.host.ip("addr add 10.40.0.5/24 dev eth0\n"),
        undo: |w| w.net.host.ip("addr del 10.40.0.5/24 dev eth0\n"),
        resource: "x=10.40.0.10:22",
        cause: Some("resource-unreachable"),
        outcome: "fail",
        says: "out of eth0 from 10.40.0.5, on this link",
    },
    Fault {
        name: "this host's own firewall",
        make: |w| w.net.host_firewall("ip daddr 10.20.0.33 tcp dport 443 drop"),
        undo: |w| w.net.host.nft("delete table inet own\n"),
        resource: "x=10.20.0.33:443",
        cause: Some("local-firewall"),
        outcome: "fail",
        says: "lets nothing through to x",
    },
    Fault {
        name: "docker's bridge covers the LAN",
        make: |w| {
            w.net.host.ip("link add docker0 type bridge\naddr add 172.17.0.1/16 dev docker0\nlink set docker0 up\nlink add d1 type veth peer name d2\nlink set d1 master docker0 up\nlink set d2 up\n");
        },
        undo: |w| w.net.host.ip("link del docker0\nlink del d1\n"),
        resource: "x=172.17.5.5:22",
        cause: Some("route-broken"),
        outcome: "fail",
        says: "docker0, a bridge of containers on this host, covers the network of x",
    },
    Fault {
        name: "another VPN owns the route",
        make: |w| {
            w.net.host.ip("tuntap add dev tun0 mode tun\naddr add 10.8.0.2/24 dev tun0\nlink set tun0 up\nroute add 10.50.0.0/24 dev tun0\n");
        },
        undo: |w| w.net.host.ip("link del tun0\n"),
        resource: "x=10.50.0.9:22",
        cause: Some("tunnel-owns-route"),
        outcome: "fail",
        says: "The tunnel tun0 takes the way to x",
    },
    Fault {
        name: "mute",
        make: NOTHING,
        undo: NOTHING,
        resource: "x=10.20.0.40:22/ssh",
        cause: Some("resource-mute"),
        outcome: "fail",
        says: "takes the connection and says nothing",
    },
    Fault {
        name: "certificate expired",
        make: NOTHING,
        undo: NOTHING,
        resource: "x=old:443",
        cause: Some("resource-certificate"),
        outcome: "warn",
        says: "expired 10 d ago",
    },
    Fault {
        name: "certificate for another name",
        make: NOTHING,
        undo: NOTHING,
        resource: "x=wrong.corp.test:443",
        cause: Some("resource-certificate"),
        outcome: "warn",
        says: "is for other.corp.test",
    },
    Fault {
        name: "plain HTTP at a port of TLS",
        make: NOTHING,
        undo: NOTHING,
        resource: "x=web:80/https",
        cause: Some("resource-wrong-protocol"),
        outcome: "fail",
        says: "HTTPS was named, and HTTP answers",
    },
    Fault {
        name: "TLS at a port of plain HTTP",
        make: NOTHING,
        undo: NOTHING,
        resource: "x=web:443/http",
        cause: Some("resource-wrong-protocol"),
        outcome: "fail",
        says: "HTTP was named, and TLS answers",
    },
    Fault {
        name: "an MTU hole towards it: TLS stalls after the connection",
        make: |w| lan_drops(w, "hole", "ip saddr 10.30.0.10 meta length > 1300 drop"),
        undo: |w| lan_mends(w, "hole"),
        resource: "x=far.corp.test:443",
        cause: Some("path-mtu-blackhole"),
        outcome: "fail",
        says: "Large packets vanish on the way from x",
    },
    Fault {
        name: "its queue of connections is full",
        make: NOTHING,
        undo: NOTHING,
        resource: "x=10.20.0.41:22",
        cause: Some("resource-unreachable"),
        outcome: "fail",
        says: "no answer",
    },
    Fault {
        name: "IPv6 alone, and this host has none",
        make: |w| drop(w.net.host.must("ip", &["-6", "route", "del", "default"], "")),
        undo: |w| drop(w.net.host.must("ip", &["-6", "route", "add", "default", "via", "2001:db8:1::1"], "")),
        resource: "x=six:22",
        cause: Some("resource-unreachable"),
        outcome: "fail",
        says: "IPv6 alone",
    },
    Fault {
        name: "a dead AAAA beside an A",
        make: NOTHING,
        undo: NOTHING,
        resource: "x=both:9999/tcp",
        cause: None,
        outcome: "pass",
        says: "beside it fd20::99",
    },
    Fault {
        name: "ICMP is not permitted",
        make: NOTHING,
        undo: NOTHING,
        resource: "x=10.20.0.10/icmp",
        cause: None,
        outcome: "skip",
        says: "ping_group_range",
    },
    Fault {
        name: "the port is right over UDP alone",
        make: NOTHING,
        undo: NOTHING,
        resource: "x=10.20.0.10:1194",
        cause: Some("resource-refused"),
        outcome: "fail",
        says: "name it with /udp",
    },
];

#[test]
fn each_fault_has_its_first_cause() {
    let Some(world) = World::open("resources: faults", &[]) else { return };
    world.certificates();
    world.sites();
    let lan = &world.lan.lan;
    listen(lan, "10.20.0.40:22", |mut stream| drop(stream.read(&mut [0; 64])));
    listen(lan, "10.20.0.10:9999", |mut stream| drop(stream.write_all(b"hello\n")));
    lan.run(|| {
        let socket = UdpSocket::bind("10.20.0.10:1194").expect("a free port");
        std::mem::forget(socket);
    });
    let _full = full(&world);
    match runs() {
        0 => at_once(&world),
        runs => FAULTS.iter().for_each(|fault| try_fault(&world, fault, runs)),
    }
}

/// Every fault stands; one run asks them all.
fn at_once(world: &World) {
    let named = |(n, fault): (usize, &Fault)| {
        (fault.make)(world);
        format!("{n}={}", fault.resource.trim_start_matches("x="))
    };
    let named: Vec<String> = FAULTS.iter().enumerate().map(named).collect();
    let run = world.ask(&named.iter().map(String::as_str).collect::<Vec<_>>());
    for (n, fault) in FAULTS.iter().enumerate() {
        let row = resource(&run, &n.to_string());
        assert_eq!(row["caused_by"].as_str(), fault.cause, "{}: {row}\n{run}", fault.name);
        assert_eq!(row["outcome"], fault.outcome, "{}: {row}\n{run}", fault.name);
    }
}

/// How often each fault is tried by itself.
fn runs() -> usize {
    Env::system().var("RESOURCE_RUNS").and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// A listener whose queue is full: the kernel drops further SYNs. It lives as long as what is returned.
fn full(world: &World) -> Vec<std::net::TcpStream> {
    world.lan.lan.run(|| {
        use nix::sys::socket::{
            AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, socket,
        };
        use std::os::fd::AsRawFd as _;
        let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None).expect("a socket");
        bind(fd.as_raw_fd(), &SockaddrIn::new(10, 20, 0, 41, 22)).expect("a free port");
        listen(&fd, Backlog::new(1).expect("a backlog")).expect("it listens");
        std::mem::forget(fd);
        let connect = || {
            let at = "10.20.0.41:22".parse().expect("an address");
            std::net::TcpStream::connect_timeout(&at, Duration::from_millis(200))
        };
        std::iter::from_fn(|| connect().ok()).take(10).collect()
    })
}

fn try_fault(world: &World, fault: &Fault, runs: usize) {
    for n in 0..runs {
        (fault.make)(world);
        let run = world.ask(&[fault.resource]);
        (fault.undo)(world);
        let what = format!("{}, run {n}", fault.name);
        assert_eq!(run.causes().first().copied(), fault.cause, "{what}\n{run}");
        let row = resource(&run, "x");
        assert_eq!(row["outcome"], fault.outcome, "{what}\n{run}");
        assert_eq!(row["caused_by"].as_str(), fault.cause, "{what}\n{run}");
        let said = format!("{row} {} {}", run.json["causes"], run.json["checks"]);
        assert!(said.contains(fault.says), "{what}: {} is not said\n{run}", fault.says);
        assert!(run.wall < Duration::from_secs(9), "{what}: {:?}", run.wall);
    }
}

#[test]
fn a_name_that_the_inner_resolver_alone_knows_is_told_from_a_public_answer() {
    let Some(world) = World::open("resources: TWINGATE_DNS", &[]) else { return };
    world.net.host.write("/run/ca.pem", &authority(&world.lan.lan, "ca"));
    let mut variables = connector::whole().to_vec();
    variables.push(("TWINGATE_DNS", PUBLIC));
    connector::start(&world.net.host, false, "true", &variables);
    for (resource_, says, remedy) in [
        (
            "x=ssh.corp.test:22",
            "TWINGATE_DNS (198.51.100.53) does not know ssh.corp.test; this host's own resolver 10.20.0.53 does",
            "TWINGATE_DNS",
        ),
        ("x=split.corp.test:22", "leads split.corp.test to the public address 198.51.100.40", "TWINGATE_DNS"),
    ] {
        for _ in 0..runs().max(1) {
            let run = world.ask(&[resource_]);
            let first = &run.json["causes"][0];
            let causes = run.causes();
            assert!(causes.contains(&"resource-unresolved"), "{run}");
            let cause = run.json["causes"]
                .as_array()
                .and_then(|all| all.iter().find(|c| c["code"] == "resource-unresolved"));
            let cause = cause.expect("it is there");
            assert!(cause["title"].as_str().is_some_and(|t| t.contains(says)), "{cause}\n{run}");
            assert!(cause["remedies"].to_string().contains(remedy), "{cause}");
            assert_eq!(first["code"], "resource-unresolved", "{run}");
            assert_eq!(resource(&run, "x")["caused_by"], "resource-unresolved", "{run}");
        }
    }
}
