//! QUIC through the kernel's filters and one of the test's own: dropped is told from healthy, from absent and from unreachable.

use std::time::Duration;

use crate::support::quic::{name_filter, quic_server};
use crate::support::{Builder, Nat, Net, Run, Wire, World, certificate, control, nginx, variable, web};

const SERVERS: [&str; 2] = ["198.51.100.31", "198.51.100.32"];
const SERVERS_V6: [&str; 2] = ["2001:db8:100::1f", "2001:db8:100::20"];
const NAMES: &[(&str, &str)] = &[
    ("quic1.test", SERVERS[0]),
    ("quic2.test", SERVERS[1]),
    ("quic1.test", SERVERS_V6[0]),
    ("quic2.test", SERVERS_V6[1]),
];
const ASKED: &[&str] = &["--quic", "quic1.test", "--quic", "quic2.test"];

/// The usual world with two hosts that speak TLS over TCP, and QUIC where `speak` says so.
fn world(plan: Builder, speak: bool) -> Option<World> {
    let ipv6 = plan.has_ipv6();
    let names = if ipv6 { NAMES } else { &NAMES[..2] };
    let world = World::open_with(plan.needs(control::NEEDS), 0.0, names)?;
    let inet = &world.net.inet;
    web::authority(inet, "known");
    certificate(inet, "quic", "known", "quic1.test", -30, 90);
    let all: Vec<String> = SERVERS
        .iter()
        .map(|ip| format!("{ip}:443"))
        .chain(SERVERS_V6.iter().filter(|_| ipv6).map(|ip| format!("[{ip}]:443")))
        .collect();
    let sites: Vec<_> = all.iter().map(|at| control::site(at, "quic", "200")).collect();
    nginx(inet, "quic", &sites, 0.0);
    if speak {
        for at in &all {
            quic_server(inet, at);
        }
    }
    Some(world)
}

fn runs() -> usize {
    variable("QUIC_RUNS").and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn summary(run: &Run) -> &str {
    run.check("quic.handshake")["summary"].as_str().unwrap_or_default()
}

fn assert_blocked(world: &World, rules: &str, words: &str) {
    world.net.fault(rules);
    for _ in 0..runs() {
        let run = world.doctor(ASKED);
        assert_eq!(run.causes(), ["quic-blocked"], "{rules}\n{run}");
        assert!(summary(&run).contains(words), "{rules}\n{run}");
        assert_eq!(run.outcome("quic.handshake"), "warn", "{rules}\n{run}");
        assert_eq!(
            run.json["p2p_outlook"]["expect"] == "relayed",
            !words.contains("IPv6") && !words.contains("small")
        );
    }
    world.net.mend();
}

#[test]
fn filters_on_the_way_are_told_by_what_they_drop() {
    let Some(world) = world(Net::plan("QUIC filters"), true) else { return };
    let acct =
        || std::fs::write("/proc/sys/net/netfilter/nf_conntrack_acct", "1").expect("a network of its own");
    world.net.gw().run(acct);
    for (rules, words) in [
        ("udp dport 443 @th,64,8 & 0xC0 == 0xC0 drop", "QUIC is dropped"),
        ("udp dport 443 drop", "QUIC is dropped"),
        ("meta nfproto ipv4 udp dport 443 drop", "QUIC over IPv4 is dropped"),
        ("meta nfproto ipv6 udp dport 443 drop", "QUIC over IPv6 is dropped"),
        ("udp dport 443 udp length > 1300 drop", "small packets alone"),
        ("udp dport 443 reject with icmpx admin-prohibited", "is rejected by"),
    ] {
        assert_blocked(&world, rules, words);
    }
    // And with the filter gone all is well again.
    let run = world.doctor(ASKED);
    assert_eq!((run.causes(), run.outcome("quic.handshake")), (vec![], "pass"), "{run}");
    assert!(summary(&run).starts_with("4 of 4 handshakes stand"), "{run}");
}

#[test]
fn a_filter_by_name_is_told_by_another_name() {
    let Some(world) = world(Net::plan("QUIC by name").only_ipv4(), false) else { return };
    for (n, ip) in SERVERS.iter().enumerate() {
        let behind = format!("198.51.100.{}:8443", 41 + n);
        quic_server(&world.net.inet, &behind);
        name_filter(&world.net.inet, &format!("{ip}:443"), &behind, "quic");
    }
    for _ in 0..runs() {
        let run = world.doctor(ASKED);
        assert_eq!(run.causes(), ["quic-blocked"], "{run}");
        assert!(summary(&run).contains("dropped by the server's name"), "{run}");
    }
}

#[test]
fn a_server_without_quic_and_one_that_nobody_reaches_are_no_block() {
    let Some(world) = world(Net::plan("no QUIC there").only_ipv4(), false) else { return };
    let run = world.doctor(ASKED);
    assert_eq!((run.causes(), run.outcome("quic.handshake")), (vec![], "skip"), "{run}");
    assert!(summary(&run).contains("none of these servers speaks QUIC"), "{run}");
    world.net.fault("ip daddr { 198.51.100.31, 198.51.100.32 } drop");
    let run = world.doctor(ASKED);
    assert_eq!((run.causes(), run.outcome("quic.handshake")), (vec![], "skip"), "{run}");
    assert!(summary(&run).contains("by TCP neither"), "{run}");
}

#[test]
fn odd_but_healthy_hosts_raise_no_alarm_and_healthy_ones_are_quick() {
    let delay = Wire { delay: Duration::from_millis(75), lost_percent: 0, seed: 3 };
    let lossy = Wire { delay: Duration::from_millis(10), lost_percent: 3, seed: 4 };
    let plans: [(&str, Builder); 6] = [
        ("masquerade", Net::plan("QUIC: masquerade")),
        ("symmetric", Net::plan("QUIC: symmetric").nat(Nat::Random).only_ipv4()),
        ("public", Net::plan("QUIC: public").public()),
        ("small MTU", Net::plan("QUIC: MTU 1400").mtu(1400)),
        ("far away", Net::plan("QUIC: far").wire(delay)),
        ("lossy", Net::plan("QUIC: lossy").wire(lossy)),
    ];
    for (label, plan) in plans {
        let Some(world) = world(plan, true) else { return };
        let mut walls = Vec::new();
        for _ in 0..runs() {
            let run = world.doctor(ASKED);
            assert_eq!(run.outcome("quic.handshake"), "pass", "{label}\n{run}");
            assert!(!run.causes().contains(&"quic-blocked"), "{label}\n{run}");
            walls.push(run.json["duration_ms"].as_u64().unwrap_or(0));
        }
        walls.sort_unstable();
        crate::support::tell(&format!(
            "{label}: {} runs, median {} ms, slowest {:?} ms",
            runs(),
            walls[walls.len() / 2],
            walls.last()
        ));
    }
}
