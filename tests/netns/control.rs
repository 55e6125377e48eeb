//! The control plane, broken in one way at a time: that is the first cause, and nothing else is raised.

use std::time::Duration;

pub(super) use crate::support::control::{ASKED, Control, site};
use crate::support::control::{NAME, NEEDS, PORTAL};
use crate::support::{Net, Run, Wire, certificate, nginx};

const NINE_YEARS: f64 = 283_996_800.0;

fn assert_only(run: &Run, cause: &str, what: &str) {
    assert_eq!(run.causes(), [cause], "{what}\n{run}");
    assert!(
        ["unhealthy", "degraded"].contains(&run.json["verdict"].as_str().unwrap_or_default()),
        "{what}\n{run}"
    );
}

fn assert_healthy(run: &Run, what: &str) {
    assert!(run.causes().is_empty(), "{what}\n{run}");
    assert_eq!(run.json["verdict"], "healthy", "{what}\n{run}");
}

#[test]
fn what_the_way_swallows_is_named() {
    let Some(control) = Control::open(Net::plan("control: the way"), 0.0) else { return };
    assert_healthy(&control.doctor(&[]), "all is well");
    let rows = [
        ("ip daddr 198.51.100.40 tcp dport 443 drop", "controller-port-blocked"),
        ("ip daddr 198.51.100.40 tcp dport 443 reject with tcp reset", "controller-port-blocked"),
        ("tcp dport 30000-31000 drop", "relay-ports-blocked"),
        ("ip daddr 198.51.100.42 tcp dport 443 drop", "service-blocked"),
        ("udp dport 53 drop; iifname lan0 tcp dport 53 drop", "dns-unreachable"),
        ("udp dport 53 drop", "dns-unreachable"),
        ("meta l4proto udp drop", "udp-blocked"),
        ("drop", "egress-blocked"),
    ];
    for (rule, cause) in rows {
        control.0.net.fault(&format!("iifname lan0 {rule}"));
        assert_only(&control.doctor(&[]), cause, rule);
    }
    control.0.net.mend();
    assert_healthy(&control.doctor(&[]), "all is well again");
}

#[test]
fn a_resolver_that_answers_over_tcp_alone_leaves_nothing_else_in_the_dark() {
    let Some(control) = Control::open(Net::plan("control: TCP 53 alone"), 10.0) else { return };
    control.0.net.fault("iifname lan0 udp dport 53 drop");
    let run = control.doctor(&[]);
    assert_eq!(run.causes(), ["clock-skew", "dns-unreachable"], "{run}");
    let title = run.json["causes"][1]["title"].as_str().unwrap_or_default();
    assert!(title.contains("where TCP 53 answers"), "{run}");
    assert_eq!(run.detail("stun_discovery"), "available", "{run}");
}

#[test]
fn this_hosts_own_routes_are_told_from_its_filter_and_from_the_way() {
    let Some(control) = Control::open(Net::plan("control: own routes"), 0.0) else { return };
    let host = &control.0.net.host;
    for kind in ["unreachable", "prohibit", "blackhole"] {
        // The resolver, the Controller, STUN servers.
        for to in ["198.51.100.53/32", "198.51.100.40/32", "198.51.100.0/28"] {
            host.ip(&format!("route add {kind} {to}\n"));
            let run = control.doctor(&[]);
            host.ip(&format!("route del {kind} {to}\n"));
            let what = format!("{kind} {to}");
            assert_only(&run, "local-firewall", &what);
            let cause = &run.json["causes"][0];
            assert!(cause["title"].as_str().is_some_and(|t| t.contains("own routing")), "{what}\n{run}");
            assert_eq!(cause["confidence"], "certain", "{what}\n{run}");
            assert!(
                cause["remedies"][0]["commands"][0].as_str().is_some_and(|c| c.starts_with("ip route get"))
            );
        }
    }
    assert_healthy(&control.doctor(&[]), "without these routes");
}

#[test]
fn what_the_resolvers_say_is_named() {
    let Some(control) = Control::open(Net::plan("control: names"), 0.0) else { return };
    let rows = [
        ("198.51.100.24", None, "controller-name-unknown"),
        ("198.51.100.25", Some("0.0.0.0"), "dns-hijacked"),
        ("198.51.100.26", Some("127.0.0.1"), "dns-hijacked"),
        ("198.51.100.27", Some("192.168.7.7"), "dns-hijacked"),
    ];
    for (at, answer, cause) in rows {
        control.resolver(at, answer);
        assert_only(&control.doctor(&[]), cause, &format!("{answer:?}"));
    }
    control.0.net.fault("ip daddr 198.51.100.28 drop");
    control.resolvers(&["198.51.100.28", "198.51.100.53"]);
    assert_only(&control.doctor(&[]), "resolver-down", "the first of two is dead");
    // An old address of the Controller's, at which nothing listens.
    control.0.net.host.overlay("/etc/hosts", "127.0.0.1 localhost\n198.51.100.39 acme.twingate.com\n");
    control.resolvers(&["198.51.100.53"]);
    assert_only(&control.doctor(&[]), "dns-hijacked", "/etc/hosts leads to an old address");
}

#[test]
fn what_answers_in_the_controllers_place_is_named() {
    let Some(control) = Control::open(Net::plan("control: sites"), 0.0) else { return };
    let inet = &control.0.net.inet;
    certificate(inet, "intercepted", "stranger", NAME, -30, 90);
    certificate(inet, "expired", "known", NAME, -400, 90);
    certificate(inet, "early", "known", NAME, 30, 90);
    let sites = [
        site("198.51.100.45:443", "controller", "503"),
        site("198.51.100.46:443", "intercepted", "200"),
        site("198.51.100.47:443", "expired", "200"),
        site("198.51.100.48:443", "early", "200"),
        site("198.51.100.49:443", "other", "200"),
    ];
    nginx(inet, "sites", &sites, 0.0);
    let rows = [
        ("198.51.100.24", "198.51.100.44", "controller-down"),
        ("198.51.100.25", "198.51.100.45", "controller-down"),
        ("198.51.100.26", "198.51.100.46", "tls-intercepted"),
        ("198.51.100.27", "198.51.100.47", "controller-certificate"),
        ("198.51.100.28", "198.51.100.48", "controller-certificate"),
        ("198.51.100.29", "198.51.100.49", "controller-certificate"),
    ];
    for (resolver, at, cause) in rows {
        control.resolver(resolver, Some(at));
        assert_only(&control.doctor(&[]), cause, at);
    }
}

#[test]
fn a_captive_portal_is_named() {
    let Some(control) = Control::open(Net::plan("control: portal"), 0.0) else { return };
    control.0.net.gw().nft(&format!(
        "table ip portal {{ chain pre {{ type nat hook prerouting priority -110; \
         iifname lan0 tcp dport {{ 80, 443 }} dnat to {PORTAL}; }}; }}"
    ));
    assert_only(&control.doctor(&[]), "captive-portal", "every web address leads to the portal");
}

#[test]
fn nine_years_behind_is_the_clocks_fault_not_the_certificates() {
    let Some(control) = Control::open(Net::plan("control: nine years"), NINE_YEARS) else { return };
    assert_only(&control.doctor(&[]), "clock-skew", "with time servers");
    control.0.net.fault("iifname lan0 udp dport 123 drop");
    let run = control.doctor(&[]);
    assert_eq!(run.causes().first(), Some(&"clock-skew"), "without time servers\n{run}");
}

#[test]
fn broken_ipv6_beside_a_working_ipv4_is_no_fault_and_the_other_way_round_it_is() {
    let Some(control) = Control::both_families(Net::plan("control: IPv6 broken"), 0.0) else { return };
    assert_healthy(&control.doctor(&[]), "both families work");
    control.0.net.fault("meta nfproto ipv6 drop");
    assert_healthy(&control.doctor(&[]), "IPv6 is dropped");
    control.0.net.host.overlay("/etc/resolv.conf", "nameserver 2001:db8:100::35\n");
    control.0.net.fault("meta nfproto ipv4 drop");
    assert_only(&control.doctor(&[]), "no-ipv4", "IPv4 is dropped, IPv6 passes");
    control.0.net.mend();
    assert_healthy(&control.doctor(&[]), "both families work again");
}

#[test]
fn without_time_servers_the_controllers_date_tells_the_offset() {
    // One way, milliseconds; the veth of a namespace alone takes less than 0.1 ms.
    let rows = [
        (0.5, &[-90.0_f64, 5.3, -4.0, 1.3][..]),
        (20.0, &[6.0, -5.2, 4.0][..]),
        (150.0, &[4.6, -6.0, 5.02][..]),
    ];
    for (delay, rows) in rows {
        let delay = Duration::from_secs_f64(delay / 1000.0);
        let plan = Net::plan("control: Date").needs(NEEDS).wire(Wire { delay, lost_percent: 0, seed: 1 });
        for &host in rows {
            let Some(control) = Control::open(plan.clone(), -host) else { return };
            control.0.net.fault("iifname lan0 udp dport 123 drop");
            let run = control.doctor(&[]);
            let what = format!("{host} at {delay:?} one way");
            assert_eq!(run.detail("time_offset_source"), "controller-date", "{what}\n{run}");
            let measured = run.detail("time_offset_s").as_f64().expect("measured");
            let bound = if (4.0..=6.0).contains(&host.abs()) { 0.2 } else { 1.1 };
            assert!((measured - host).abs() <= bound, "{what}: {measured}\n{run}");
            assert!(run.wall < Duration::from_millis(10_200), "{what}\n{run}");
        }
    }
}
