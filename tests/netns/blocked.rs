//! What is dropped, refused or missing: the right cause first, and nothing else raised.

use std::time::Duration;

use serde_json::json;

use crate::support::{Net, Run, World};

fn assert_first(run: &Run, cause: &str) {
    assert_eq!(run.causes(), [cause], "{run}");
    assert_eq!(run.code, Some(1), "{run}");
}

fn assert_unavailable(run: &Run, cause: &str) {
    assert_first(run, cause);
    assert_eq!(run.detail("stun_discovery"), "unavailable", "{run}");
    assert_eq!(run.outcome("stun.discovery"), "fail", "{run}");
    assert_eq!(run.check("stun.discovery")["caused_by"], json!(cause), "{run}");
}

#[test]
fn udp_dropped_on_the_way() {
    let Some(world) = World::open(Net::plan("UDP dropped, doctor"), 0.0) else { return };
    world.net.fault("iifname lan0 udp dport != 53 drop");
    assert_unavailable(&world.doctor(&[]), "udp-blocked");
}

#[test]
fn udp_rejected_on_the_way() {
    let Some(world) = World::open(Net::plan("UDP rejected"), 0.0) else { return };
    world.net.fault("iifname lan0 udp dport != 53 reject with icmpx admin-prohibited");
    assert_unavailable(&world.doctor(&[]), "udp-blocked");
}

#[test]
fn udp_dropped_by_the_hosts_own_firewall() {
    let Some(world) = World::open(Net::plan("local firewall"), 0.0) else { return };
    world.net.host_firewall("udp dport != 53 drop");
    assert_unavailable(&world.doctor(&[]), "local-firewall");
}

#[test]
fn stun_ports_alone_dropped() {
    let Some(world) = World::open(Net::plan("STUN ports dropped"), 0.0) else { return };
    world.net.fault("iifname lan0 udp dport 3478-3479 drop");
    assert_unavailable(&world.doctor(&[]), "stun-blocked");
}

#[test]
fn time_alone_dropped() {
    let Some(world) = World::open(Net::plan("NTP dropped"), 0.0) else { return };
    world.net.fault("iifname lan0 udp dport 123 drop");
    let run = world.doctor(&[]);
    let all = [run.causes(), run.notices()].concat();
    assert!(all.contains(&"ntp-blocked"), "{run}");
    assert_eq!(run.detail("stun_discovery"), "available", "{run}");
}

#[test]
fn ipv6_only() {
    let Some(world) = World::open(Net::plan("IPv6 only").only_ipv6(), 0.0) else { return };
    world.net.host.overlay("/etc/resolv.conf", "nameserver 2001:db8:100::35\n");
    let run = world.doctor(&[]);
    assert_first(&run, "no-ipv4");
    assert_eq!(run.detail("public_ips"), &json!(["2001:db8:1::5"]), "{run}");
    assert!(run.detail("time_offset_s").as_f64().expect("measured over IPv6").abs() < 0.05, "{run}");
}

#[test]
fn everything_black_holed_ends_in_time() {
    let Some(world) = World::open(Net::plan("black hole"), 0.0) else { return };
    world.net.fault("iifname lan0 drop");
    for (option, limit) in [("1s", 1), ("10s", 10)] {
        // By name: getaddrinfo hangs for longer than either. By address: every probe is silent.
        let stun = ["--stun", "198.51.100.1", "--ntp", "198.51.100.21", "--dns", "198.51.100.53"];
        for more in [&stun[..0], &stun[..]] {
            let run = world.doctor(&[&["--timeout", option], more].concat());
            let limit = Duration::from_secs(limit) + Duration::from_millis(200);
            assert!(run.wall <= limit, "{more:?} lasted {:?}\n{run}", run.wall);
            assert!(!run.json["checks"].as_array().expect("a report all the same").is_empty(), "{run}");
            assert_ne!(run.json["verdict"], "healthy", "{run}");
        }
    }
}
