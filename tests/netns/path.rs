//! The way out: layers of NAT, and sizes that vanish.

use crate::control::Control;
use crate::support::{Nat, Net, World};

fn world(test: &'static str, segments: &[&'static str], routers: &[Nat]) -> Option<World> {
    World::open(Net::plan(test).chain(segments, routers).only_ipv4(), 0.0)
}

#[test]
fn a_carriers_nat_is_named() {
    let two = [Nat::Masquerade; 2];
    let Some(world) = world("doctor: carrier NAT", &["10.0.0", "100.64.0", "203.0.113"], &two) else {
        return;
    };
    let run = world.doctor(&[]);
    assert_eq!(run.causes(), ["cgnat"], "{run}");
    assert_eq!((run.outcome("nat.layers"), &run.json["verdict"]), ("warn", &"degraded".into()), "{run}");
}

#[test]
fn two_nats_are_a_notice_and_certain_by_the_gateways_word() {
    let plan = Net::plan("doctor: double NAT")
        .chain(&["10.0.0", "192.168.1", "203.0.113"], &[Nat::Masquerade; 2])
        .needs(&["miniupnpd"])
        .only_ipv4();
    let Some(world) = World::open(plan, 0.0) else { return };
    let run = world.doctor(&[]);
    assert!(run.causes().is_empty(), "{run}");
    assert!(run.notices().contains(&"nat-multiple-layers"), "{run}");
    assert_eq!(run.json["verdict"], "healthy", "{run}");
    world.net.gw().write(
        "/run/miniupnpd.conf",
        "ext_ifname=wan0\nlistening_ip=lan0\nport=5000\nenable_natpmp=yes\nenable_upnp=yes\n\
         uuid=00000000-0000-0000-0000-000000000001\nallow 0-65535 0.0.0.0/0 0-65535\n",
    );
    let mut gateway = std::process::Command::new("miniupnpd");
    gateway.args(["-d", "-f", "/run/miniupnpd.conf", "-P", "/run/miniupnpd.pid"]);
    world.net.gw().serve("miniupnpd", gateway);
    // It says no word of when it is ready: the gateway's answer does.
    let mut run = world.doctor(&["--ask-gateway"]);
    for _ in 0..20 {
        if run.json["facts"]["gateway"][0]["outcome"]["seen"].is_object() {
            break;
        }
        run = world.doctor(&["--ask-gateway"]);
    }
    let said = run.json["facts"]["gateway"].to_string();
    assert_eq!(run.causes(), ["nat-multiple-layers"], "{said}\n{}", world.net.gw().log("miniupnpd"));
    assert_eq!(run.json["causes"][0]["confidence"], "certain", "{run}");
    // It never tells a private address; that it has no public one, it does.
    assert!(said.contains("nat-pmp"), "{said}");
}

#[test]
fn a_routed_private_network_is_no_second_nat() {
    let segments = ["10.0.0", "10.1.0", "10.2.0", "203.0.113"];
    let routers = [Nat::None, Nat::None, Nat::Masquerade];
    let Some(world) = world("doctor: routed network", &segments, &routers) else { return };
    let run = world.doctor(&[]);
    assert!(run.causes().is_empty(), "{run}");
    assert_eq!((run.outcome("nat.layers"), &run.json["verdict"]), ("pass", &"healthy".into()), "{run}");
}

#[test]
fn a_private_router_of_the_providers_behind_the_nat_is_no_second_nat() {
    let segments = ["10.0.0", "192.0.2", "172.16.9", "203.0.113"];
    let routers = [Nat::Masquerade, Nat::None, Nat::None];
    let Some(world) = world("doctor: provider's routers", &segments, &routers) else { return };
    let run = world.doctor(&[]);
    assert!(run.causes().is_empty() && !run.notices().contains(&"nat-multiple-layers"), "{run}");
    assert_eq!(run.outcome("nat.layers"), "pass", "{run}");
}

/// Size, and what of the ladder is known to pass below it.
const HOLES: [(u32, u32); 3] = [(700, 700), (1300, 1300), (1450, 1448)];

#[test]
fn packets_that_vanish_on_the_way_out_are_measured() {
    for (size, passes) in HOLES {
        let plan = Net::plan("doctor: hole outbound").only_ipv4();
        let Some(world) = World::open(plan, 0.0) else { return };
        world.net.fault(&format!("iifname lan0 meta length > {size} drop"));
        let run = world.doctor(&[]);
        assert_eq!(run.causes(), ["path-mtu-blackhole"], "{size}: {run}");
        assert_eq!(run.check("path.mtu")["measurements"]["mtu"], f64::from(passes), "{size}: {run}");
    }
}

#[test]
fn certificates_that_vanish_on_the_way_in_are_explained() {
    for (size, passes) in [(700, 576), (1300, 1280), (1450, 1400)] {
        let Some(control) = Control::open(Net::plan("doctor: hole inbound"), 0.0) else { return };
        // One packet on the wire is one packet to the rule.
        for node in [&control.0.net.inet, control.0.net.gw()] {
            node.ip("link set lan0 gso_max_segs 1");
        }
        control.0.net.fault(&format!("iifname wan0 meta length > {size} drop"));
        let run = control.doctor(&[]);
        assert_eq!(run.causes(), ["path-mtu-blackhole"], "{size}: {run}");
        assert_eq!(run.check("path.mtu")["measurements"]["mtu"], f64::from(passes), "{size}: {run}");
        assert_eq!(run.check("controller.tls")["caused_by"], "path-mtu-blackhole", "{size}: {run}");
    }
}

#[test]
fn an_honest_small_mtu_is_no_fault() {
    let Some(world) = World::open(Net::plan("doctor: honest MTU").mtu(1400).only_ipv4(), 0.0) else { return };
    let run = world.doctor(&[]);
    assert!(run.causes().is_empty(), "{run}");
    assert_eq!(run.outcome("path.mtu"), "pass", "{run}");
    assert_eq!(run.check("path.mtu")["measurements"]["mtu"], 1400.0, "{run}");
}

#[test]
fn a_default_run_sends_at_most_60_packets_to_a_server() {
    let Some(world) = World::open(Net::plan("doctor: packets").only_ipv4(), 0.0) else { return };
    let inet = &world.net.inet;
    inet.nft("table inet count { set to { type ipv4_addr; flags dynamic; counter; }; \
              chain i { type filter hook input priority 0; ip saddr 203.0.113.2 update @to { ip daddr }; }; }");
    let run = world.doctor(&[]);
    assert!(run.causes().is_empty(), "{run}");
    let counted = inet.must("nft", &["-j", "list", "set", "inet", "count", "to"], "");
    let counted: serde_json::Value = serde_json::from_str(&counted).expect("JSON");
    let elements = counted["nftables"][1]["set"]["elem"].as_array().expect("elements");
    let packets: Vec<(&str, u64)> = elements
        .iter()
        .map(|e| {
            (
                e["elem"]["val"].as_str().expect("an address"),
                e["elem"]["counter"]["packets"].as_u64().expect("a count"),
            )
        })
        .collect();
    // A STUN server's two addresses are one server.
    let of =
        |ends: [&str; 2]| packets.iter().filter(|(ip, _)| ends.contains(ip)).map(|(_, n)| n).sum::<u64>();
    for server in [["198.51.100.1", "198.51.100.2"], ["198.51.100.11", "198.51.100.12"]] {
        assert!((1..=60).contains(&of(server)), "{packets:?}");
    }
    assert!(packets.iter().all(|(_, n)| *n <= 60), "{packets:?}");
}
