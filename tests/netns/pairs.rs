//! Two faults at once are two causes, and healthy hosts that look odd have none.

use std::time::Duration;

use crate::control::{Control, site};
use crate::support::{Nat, Net, Run, Wire, World, certificate, nginx};

/// Both are named, the first one first, and nothing else.
fn assert_both(run: &Run, causes: [&str; 2]) {
    assert_eq!(run.causes(), causes, "{run}");
    assert_eq!(run.json["verdict"], "unhealthy", "{run}");
}

#[test]
fn a_clock_behind_and_dropped_udp() {
    let Some(control) = Control::open(Net::plan("pair: clock and UDP"), 7.0) else { return };
    control.0.net.fault("iifname lan0 udp dport != 53 drop");
    let run = control.doctor(&[]);
    assert_both(&run, ["clock-skew", "udp-blocked"]);
    assert_eq!(run.detail("time_offset_source"), "controller-date", "{run}");
}

#[test]
fn relay_ports_and_udp_dropped() {
    let Some(control) = Control::open(Net::plan("pair: relays and UDP"), 0.0) else { return };
    control.0.net.fault("iifname lan0 udp dport != 53 drop; iifname lan0 tcp dport 30000-31000 drop");
    assert_both(&control.doctor(&[]), ["udp-blocked", "relay-ports-blocked"]);
}

#[test]
fn a_clock_ahead_and_a_name_that_does_not_exist() {
    let Some(control) = Control::open(Net::plan("pair: clock and name"), -20.0) else { return };
    control.resolver("198.51.100.24", None);
    assert_both(&control.doctor(&[]), ["clock-skew", "controller-name-unknown"]);
}

#[test]
fn a_clock_behind_and_a_dead_resolver() {
    let Some(control) = Control::open(Net::plan("pair: clock and resolver"), 7.0) else { return };
    control.0.net.fault("ip daddr 198.51.100.28 drop");
    control.resolvers(&["198.51.100.28", "198.51.100.53"]);
    assert_both(&control.doctor(&[]), ["clock-skew", "resolver-down"]);
}

#[test]
fn an_interceptor_and_dropped_time() {
    let Some(control) = Control::open(Net::plan("pair: TLS and NTP"), 0.0) else { return };
    let inet = &control.0.net.inet;
    certificate(inet, "intercepted", "stranger", "acme.twingate.com", -30, 90);
    nginx(inet, "sites", &[site("198.51.100.46:443", "intercepted", "200")], 0.0);
    control.resolver("198.51.100.26", Some("198.51.100.46"));
    control.0.net.fault("iifname lan0 udp dport 123 drop");
    let run = control.doctor(&[]);
    assert_eq!(run.causes()[0], "tls-intercepted", "{run}");
    let rest: Vec<&str> = [run.causes()[1..].to_vec(), run.notices()].concat();
    assert!(rest.contains(&"ntp-blocked"), "{run}");
    assert!(run.causes().iter().all(|c| ["tls-intercepted", "ntp-blocked"].contains(c)), "{run}");
}

#[test]
fn a_symmetric_nat_and_a_clock_behind() {
    let plan = Net::plan("pair: NAT and clock").nat(Nat::Random).only_ipv4();
    let Some(world) = World::open(plan, 9.0) else { return };
    assert_both(&world.doctor(&[]), ["clock-skew", "nat-endpoint-dependent"]);
}

#[test]
fn the_hosts_own_firewall_and_a_router_that_drops_the_relays() {
    let Some(control) = Control::open(Net::plan("pair: two firewalls"), 0.0) else { return };
    control.0.net.host_firewall("udp dport { 3478, 3479 } drop");
    control.0.net.fault("iifname lan0 tcp dport 30000-31000 drop");
    assert_both(&control.doctor(&[]), ["local-firewall", "relay-ports-blocked"]);
}

#[test]
fn a_portal_on_a_host_whose_clock_is_off() {
    let Some(control) = Control::open(Net::plan("pair: portal and clock"), 30.0) else { return };
    control.0.net.gw().nft(
        "table ip portal { chain pre { type nat hook prerouting priority -110; \
         iifname lan0 tcp dport { 80, 443 } dnat to 198.51.100.43; }; }",
    );
    assert_both(&control.doctor(&[]), ["clock-skew", "captive-portal"]);
}

/// How often each odd host is asked; a soak by hand sets more.
pub(crate) fn times() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not of the tool")]
    std::env::var("SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(5)
}

/// No cause but notices, every single time.
pub(super) fn assert_always_well(control: &Control, more: &[&str], what: &str) {
    for time in 1..=times() {
        let run = control.doctor(more);
        assert!(run.causes().is_empty(), "{what}, time {time}\n{run}");
        assert!(["healthy", "inconclusive"].contains(&run.json["verdict"].as_str().unwrap_or("")), "{run}");
        assert_eq!(run.json["verdict"], "healthy", "{what}, time {time}\n{run}");
    }
}

#[test]
fn an_ordinary_host_is_always_well() {
    let Some(control) = Control::open(Net::plan("soak: ordinary"), 0.0) else { return };
    assert_always_well(&control, &[], "an ordinary host");
}

#[test]
fn a_clock_a_second_off_is_well() {
    let Some(control) = Control::open(Net::plan("soak: a second"), 1.0) else { return };
    assert_always_well(&control, &[], "a clock 1 s behind");
}

#[test]
fn a_long_way_is_well() {
    let wire = Wire { delay: Duration::from_millis(150), lost_percent: 0, seed: 1 };
    let Some(control) = Control::open(Net::plan("soak: far away").wire(wire), 0.0) else { return };
    assert_always_well(&control, &[], "300 ms away");
}

#[test]
fn routed_private_hops_are_well() {
    let plan = Net::plan("soak: routed")
        .chain(&["10.0.0", "10.1.0", "10.2.0", "203.0.113"], &[Nat::None, Nat::None, Nat::Masquerade]);
    let Some(control) = Control::open(plan, 0.0) else { return };
    assert_always_well(&control, &[], "two private routers before the NAT");
}

#[test]
fn one_dead_stun_server_is_well_and_a_notice() {
    let Some(control) = Control::open(Net::plan("soak: one dead"), 0.0) else { return };
    control.0.net.fault("ip daddr { 198.51.100.1, 198.51.100.2 } udp dport 3478-3479 drop");
    assert_always_well(&control, &[], "one STUN server is dead");
    let run = control.doctor(&[]);
    assert!(run.notices().contains(&"stun-server-down"), "{run}");
}

#[test]
fn a_container_on_a_bridge_is_well() {
    let Some(control) = Control::open(Net::plan("soak: container"), 0.0) else { return };
    let container = control.0.net.container();
    container.write("/run/known.pem", &control.0.net.inet.must("cat", &["/run/known.pem"], ""));
    for time in 1..=times() {
        let run = World::doctor_on(&container, crate::control::ASKED);
        assert!(run.causes().iter().all(|c| *c == "nat-multiple-layers"), "time {time}\n{run}");
    }
}
