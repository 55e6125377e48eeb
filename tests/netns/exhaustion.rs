//! What this host itself has nothing left of, answers that it drops, and answers that come from elsewhere: named, and never laid at the
//! network's door.

use std::fs;
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::pairs::times;
use crate::support::public::{Public, mapped};
use crate::support::{Nat, Net, Run, World};

/// This cause first, and no other but notices.
fn assert_alone(run: &Run, cause: &str) {
    assert_eq!(run.causes(), [cause], "{run}");
}

#[test]
fn four_local_ports_are_one_verdict_every_time() {
    let Some(world) = Public::open(Net::plan("exhaustion: ports")) else { return };
    world
        .net
        .host
        .run(|| fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40003").expect("its own"));
    for time in 1..=times() {
        let run = world.doctor(&[]);
        assert_eq!(run.causes().first(), Some(&"ports-exhausted"), "time {time}\n{run}");
        assert_eq!(run.json["verdict"], "unhealthy", "time {time}\n{run}");
        assert_eq!(run.outcome("host.limits"), "fail", "time {time}\n{run}");
        // What was not tried is nobody's fault.
        for other in [
            "dns-unreachable",
            "egress-blocked",
            "udp-blocked",
            "stun-blocked",
            "packet-loss",
            "local-firewall",
        ] {
            assert!(!run.causes().contains(&other), "time {time}\n{run}");
        }
    }
}

#[test]
fn answers_by_another_interface_are_dropped_by_the_reverse_path_filter() {
    let Some(world) = World::open(Net::plan("exhaustion: rp_filter").only_ipv4(), 0.0) else { return };
    world.net.second_uplink();
    let run = world.doctor(&[]);
    assert!(run.causes().is_empty(), "a loose filter lets them in\n{run}");
    world.net.host.run(|| {
        for key in ["all", "eth1"] {
            fs::write(format!("/proc/sys/net/ipv4/conf/{key}/rp_filter"), "1").expect("its own");
        }
    });
    let run = world.doctor(&[]);
    assert_alone(&run, "reverse-path-filter");
    assert_eq!(run.json["causes"][0]["confidence"], "certain", "{run}");
    assert!(run.stdout.contains("eth1"), "{run}");
}

#[test]
fn stun_answers_from_another_port_are_no_block() {
    let Some(world) = World::open(Net::plan("exhaustion: elsewhere").public().only_ipv4(), 0.0) else {
        return;
    };
    let (asked, other) = world.net.inet.run(|| {
        let bind = |at: &str| UdpSocket::bind(at).expect("a free port");
        (bind("198.51.100.30:3478"), bind("198.51.100.30:5000"))
    });
    asked.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout");
    thread::spawn(move || {
        let mut bytes = [0; 1600];
        while let Ok((n, from)) = asked.recv_from(&mut bytes) {
            if let Some(answer) = mapped(&bytes[..n], from) {
                let _ = other.send_to(&answer, from);
            }
        }
    });
    let run = world.net.host.doctor(&[
        "check",
        "--json",
        "--stun",
        "198.51.100.30",
        "--ntp",
        "ntp1.test",
        "--ntp",
        "ntp2.test",
        "--ntp",
        "ntp3.test",
    ]);
    assert_alone(&run, "stun-servers-down");
    assert!(run.json["causes"][0].to_string().contains("198.51.100.30:5000"), "{run}");
    assert!(
        run.json["facts"]["host"]["room"]["counted"]["udp_no_ports"].as_u64().is_some_and(|n| n > 0),
        "{run}"
    );
}

#[test]
fn a_nat_of_four_ports_loses_no_packets() {
    let Some(world) = World::open(Net::plan("exhaustion: NAT ports").only_ipv4(), 0.0) else { return };
    world.net.gw().nft(
        "flush chain inet nat post\n\
         add rule inet nat post meta nfproto ipv4 oifname wan0 meta l4proto udp masquerade to :40000-40003\n\
         add rule inet nat post meta nfproto ipv4 oifname wan0 masquerade\n",
    );
    for time in 1..=times() {
        let run = world.doctor(&[]);
        assert!(!run.causes().contains(&"packet-loss"), "time {time}\n{run}");
    }
}

#[test]
fn tcp_that_leaves_by_another_address_than_udp() {
    let Some(world) = Public::open(Net::plan("exhaustion: two ways out").nat(Nat::Masquerade)) else {
        return;
    };
    let run = world.doctor(&[]);
    assert_eq!(run.outcome("public.address"), "pass", "{run}");
    world.net.gw().ip("addr add 203.0.113.3/24 dev wan0\n");
    world.net.gw().nft(
        "flush chain inet nat post\n\
         add rule inet nat post meta nfproto ipv4 oifname wan0 meta l4proto tcp snat ip to 203.0.113.3\n\
         add rule inet nat post meta nfproto ipv4 oifname wan0 snat ip to 203.0.113.2\n",
    );
    let run = world.doctor(&[]);
    assert_alone(&run, "multiple-egress");
    assert_eq!(run.outcome("public.address"), "warn", "{run}");
    let cause = run.json["causes"][0].to_string();
    for part in ["over TCP", "over UDP", "203.0.113.2", "203.0.113.3"] {
        assert!(cause.contains(part), "{part}\n{run}");
    }
    assert_eq!(run.detail("public_ips"), &json!(["203.0.113.2", "203.0.113.3"]), "{run}");
}
