//! The six details, measured by the doctor, against what each network and its servers truly are.

use std::os::unix::process::ExitStatusExt as _;

use serde_json::json;

use crate::support::{Net, Run, World, both, chronyd};

/// How far a measured offset may lie from the truth, in seconds.
const EXACT: f64 = 0.05;

fn offset(run: &Run) -> f64 {
    run.detail("time_offset_s").as_f64().unwrap_or_else(|| panic!("no offset\n{run}"))
}

fn assert_healthy(run: &Run) {
    assert_eq!((run.code, &run.json["verdict"]), (Some(0), &json!("healthy")), "{run}");
    assert!(run.causes().is_empty(), "{run}");
    assert_eq!(run.detail("stun_discovery"), "available", "{run}");
    assert!(offset(run).abs() < EXACT, "{run}");
}

#[test]
fn behind_a_nat_all_six_are_right_for_root_and_for_nobody() {
    let Some(world) = World::open(Net::plan("six details"), 0.0) else { return };
    for run in [world.doctor(&[]), world.doctor_as_nobody(&[])] {
        assert_healthy(&run);
        assert_eq!(run.detail("time_offset_source"), "ntp");
        assert_eq!(run.detail("hostname"), "conn-ams-1");
        assert_eq!(run.detail("public_ips"), &json!(["203.0.113.2", "2001:db8:1::5"]), "{run}");
        assert_eq!(run.detail("private_ips"), &json!(["10.0.0.5"]), "{run}");
        let up = run.detail("host_uptime_s").as_f64().expect("a number");
        let truth = std::fs::read_to_string("/proc/uptime").expect("Linux");
        let truth: f64 = truth.split(' ').next().and_then(|t| t.parse().ok()).expect("a number");
        assert!((truth - up).abs() < 30.0, "up {up}, truly {truth}");
    }
}

#[test]
fn the_offset_is_exact_whatever_it_is_over_both_families() {
    let Some(net) = Net::plan("offsets").needs(&["chronyd"]).up() else { return };
    // How far the host is from the truth: the servers are skewed the other way. Nine years are 284 million seconds.
    let rows = [
        (-90.0, "fail", Some("clock-skew")),
        (-7.0, "fail", Some("clock-skew")),
        (-4.4, "warn", Some("clock-near-limit")),
        (1.2, "pass", None),
        (5.4, "fail", Some("clock-skew")),
        (-283_996_800.0, "fail", Some("clock-skew")),
        (283_996_800.0, "fail", Some("clock-skew")),
    ];
    for (i, (host, outcome, cause)) in rows.into_iter().enumerate() {
        let servers = [both(1 + 2 * i as u8), both(2 + 2 * i as u8)];
        for [four, six] in &servers {
            chronyd(&net.inet, &[four, six], -host);
        }
        for (one, two) in servers[0].iter().zip(&servers[1]) {
            let run = net.host.doctor(&["check", "clock.*", "--json", "--ntp", one, "--ntp", two]);
            assert!((offset(&run) - host).abs() < EXACT, "the host is off by {host}\n{run}");
            let error = run.detail("time_offset_error_s").as_f64().expect("a number");
            assert!((0.0..0.1).contains(&error), "{run}");
            assert_eq!(run.outcome("clock.offset"), outcome, "{host}\n{run}");
            assert_eq!(run.check("clock.offset")["caused_by"], json!(cause), "{run}");
            assert_eq!(run.outcome("clock.sources"), "pass", "{run}");
        }
    }
}

#[test]
fn a_public_host_sees_its_own_address() {
    let Some(world) = World::open(Net::plan("public host").public(), 0.0) else { return };
    let run = world.doctor(&[]);
    assert_healthy(&run);
    assert_eq!(run.detail("public_ips"), &json!(["192.0.2.5", "2001:db8:1::5"]), "{run}");
    assert_eq!(run.detail("private_ips"), &json!([]), "{run}");
}

#[test]
fn a_docker_bridge_is_listed_and_its_container_has_a_network_of_its_own() {
    let Some(world) = World::open(Net::plan("docker bridge").only_ipv4(), 0.0) else { return };
    let container = world.net.container();
    let host = world.doctor(&[]);
    assert_healthy(&host);
    assert_eq!(host.detail("private_ips"), &json!(["10.0.0.5", "172.17.0.1"]), "{host}");
    let evidence = host.check("host.addresses").to_string();
    assert!(evidence.contains("docker0") && evidence.contains("bridge"), "{evidence}");
    let inside = World::doctor_on(&container, &[]);
    assert_eq!(inside.detail("stun_discovery"), "available", "{inside}");
    assert_eq!(inside.detail("hostname"), "c0ffee123456");
    assert_eq!(inside.detail("private_ips"), &json!(["172.17.0.2"]), "{inside}");
    assert_eq!(inside.detail("public_ips"), &json!(["203.0.113.2"]), "{inside}");
}

#[test]
fn a_closed_stdout_is_no_crash() {
    let Some(world) = World::open(Net::plan("closed stdout"), 0.0) else { return };
    let mut child = world.net.host.spawn(world.command(&[]));
    drop(child.stdout.take());
    let output = world.net.host.end(child, "the doctor");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.status.signal()), (Some(0), None), "{error}");
    assert_eq!(error, "");
}
