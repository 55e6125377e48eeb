//! What the doctor says of NATs and paths, against what the kernel was told to do.

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::support::{Builder, Nat, Net, Run, Wire, World, both, chronyd, coturn, dnsmasq};

/// Mapping, filtering and outlook as the report words them, and the causes that are raised.
fn assert_behaviour(run: &Run, mapping: &str, filtering: &str, outlook: &str, causes: &[&str]) {
    let seen =
        ["stun.mapping", "stun.filtering"].map(|id| run.check(id)["summary"].as_str().unwrap_or_default());
    assert_eq!(seen, [mapping, filtering], "{run}");
    assert_eq!(run.json["p2p_outlook"]["expect"], outlook, "{run}");
    assert_eq!(run.causes(), causes, "{run}");
    assert_eq!(run.json["verdict"], if causes.is_empty() { "healthy" } else { "degraded" }, "{run}");
}

fn nat(test: &'static str, nat: Nat) -> Builder {
    Net::plan(test).nat(nat).only_ipv4()
}

#[test]
fn masquerade() {
    let Some(world) = World::open(nat("doctor: masquerade", Nat::Masquerade), 0.0) else { return };
    let (mapping, filtering) = ("endpoint-independent", "address- and port-dependent");
    assert_behaviour(&world.doctor(&[]), mapping, filtering, "depends-on-client", &[]);
}

#[test]
fn symmetric() {
    let Some(world) = World::open(nat("doctor: random ports", Nat::Random), 0.0) else { return };
    let both = "address- and port-dependent";
    let run = world.doctor(&[]);
    assert_behaviour(&run, both, both, "relayed", &["nat-endpoint-dependent"]);
    assert_eq!(run.code, Some(0), "a warning alone does not fail\n{run}");
}

#[test]
fn full_cone() {
    let Some(world) = World::open(nat("doctor: full cone", Nat::FullCone), 0.0) else { return };
    let open = "endpoint-independent";
    assert_behaviour(&world.doctor(&[]), open, open, "direct-likely", &[]);
}

#[test]
fn address_restricted() {
    let plan = nat("doctor: address-restricted", Nat::AddressRestricted);
    let Some(world) = World::open(plan, 0.0) else { return };
    let run = world.doctor(&[]);
    assert_behaviour(&run, "endpoint-independent", "address-dependent", "direct-likely", &[]);
}

#[test]
fn no_nat_without_and_with_a_firewall_of_the_hosts_own() {
    let Some(world) = World::open(Net::plan("doctor: no NAT").public().only_ipv4(), 0.0) else { return };
    let none = "no NAT: servers see the local address";
    assert_behaviour(&world.doctor(&[]), none, "endpoint-independent", "direct-likely", &[]);
    world.net.host.nft(
        "table inet own { chain i { type filter hook input priority 0; iifname lo accept; \
         ct state established,related accept; meta l4proto { udp, tcp } drop; }; }",
    );
    let run = world.doctor(&[]);
    assert_behaviour(&run, none, "address- and port-dependent", "depends-on-client", &[]);
}

#[test]
fn how_long_a_mapping_lives_is_found_to_a_tenth_and_one_forgotten_early_is_named() {
    let Some(world) = World::open(nat("doctor: lifetime", Nat::Masquerade), 0.0) else { return };
    world.net.routers[0].run(|| {
        for (key, seconds) in [("udp_timeout", "6"), ("udp_timeout_stream", "9")] {
            fs::write(format!("/proc/sys/net/netfilter/nf_conntrack_{key}"), seconds).expect("its own");
        }
    });
    let run = world.doctor(&["--lifetime"]);
    assert_eq!(run.causes(), ["nat-timeout-short"], "{run}");
    let measures = &run.check("stun.mapping")["measurements"];
    let at = |name: &str| measures[name].as_f64().unwrap_or(f64::NAN);
    // The kernel forgets at 9 s: within a tenth of it on either side.
    let (alive, gone) = (at("lifetime_alive_s"), at("lifetime_gone_s"));
    assert!((8.1..=9.1).contains(&alive) && (8.9..=10.0).contains(&gone), "{alive} to {gone}\n{run}");
    assert!(
        run.json["p2p_outlook"]["reason"].as_str().is_some_and(|r| r.contains("keepalive every 4 s")),
        "{run}"
    );
}

#[test]
fn two_ways_out_by_destination() {
    let Some(world) = World::open(nat("doctor: two addresses", Nat::TwoAddresses), 0.0) else { return };
    let run = world.doctor(&[]);
    assert_eq!(run.causes(), ["multiple-egress"], "{run}");
    assert_eq!(run.detail("public_ips"), &json!(["203.0.113.2", "203.0.113.3"]), "{run}");
    assert_eq!(run.outcome("public.address"), "warn", "{run}");
}

#[test]
fn servers_with_one_address_answer_420_and_filtering_is_not_measurable() {
    let plan =
        nat("doctor: coturn with one address", Nat::Masquerade).needs(&["turnserver", "chronyd", "dnsmasq"]);
    let Some(net) = plan.up() else { return };
    let servers = [both(1)[0].clone(), both(11)[0].clone()];
    for address in &servers {
        coturn(&net.inet, &[address]);
    }
    chronyd(&net.inet, &[&both(21)[0]], 0.0);
    dnsmasq(&net.inet, &both(53)[0], &[]);
    let ntp = &both(21)[0];
    let run = net.host.doctor(&[
        "check",
        "--json",
        "--stun",
        &servers[0],
        "--stun",
        &servers[1],
        "--ntp",
        ntp,
        "--quic",
        "198.51.100.1:443",
    ]);
    assert_eq!(run.check("stun.mapping")["summary"], "endpoint-independent", "{run}");
    assert_eq!(run.outcome("stun.filtering"), "skip", "{run}");
    assert!(run.causes().is_empty(), "{run}");
}

#[test]
fn a_long_way_changes_no_verdict() {
    for (milliseconds, seed) in [(20, 1), (150, 2)] {
        let wire = Wire { delay: Duration::from_millis(milliseconds), lost_percent: 0, seed };
        let plan = nat("doctor: delay", Nat::Masquerade).wire(wire);
        let Some(world) = World::open(plan, 0.0) else { return };
        let run = world.doctor(&[]);
        let (mapping, filtering) = ("endpoint-independent", "address- and port-dependent");
        assert_behaviour(&run, mapping, filtering, "depends-on-client", &[]);
        let round_trip = 2.0 * milliseconds as f64 / 1000.0;
        let measured = run.check("stun.discovery")["measurements"]["rtt_s"].as_f64().expect("a number");
        assert!((measured - round_trip).abs() < 0.05, "{run}");
        let offset = run.detail("time_offset_s").as_f64().expect("measured");
        assert!(offset.abs() < 0.05, "{run}");
    }
}
