//! Neighbouring causes told apart: this host's own filter and the way, one block and many, no way and no name.

use std::process::Command;

use crate::control::Control;
use crate::support::{Net, Run};

/// These causes, in order, and no other.
fn assert_causes(run: &Run, causes: &[&str], what: &str) {
    assert_eq!(run.causes(), causes, "{what}\n{run}");
}

#[test]
fn what_the_hosts_own_filter_does_is_not_laid_at_the_ways_door() {
    let Some(control) = Control::open(Net::plan("diagnosis: own filter"), 0.0) else { return };
    for rule in [
        "tcp dport 443 drop",
        "tcp dport 443 reject",
        "tcp dport 443 reject with tcp reset",
        "tcp dport 30000-31000 drop",
        "udp dport != 53 reject",
        "udp dport 53 drop",
        "udp dport 53 reject",
        "oifname != lo drop",
        "oifname != lo reject with icmpx admin-prohibited",
    ] {
        let host = &control.0.net.host;
        host.nft("add table inet own\ndelete table inet own\n");
        control.0.net.host_firewall(rule);
        assert_causes(&control.doctor(&[]), &["local-firewall"], rule);
    }
}

#[test]
fn one_block_on_the_way_is_one_cause() {
    let Some(control) = Control::open(Net::plan("diagnosis: one block"), 0.0) else { return };
    for (rule, cause) in [
        ("tcp dport 443 drop", "controller-port-blocked"),
        ("tcp dport 443 reject with tcp reset", "controller-port-blocked"),
        ("tcp dport 443 reject with icmpx admin-prohibited", "controller-port-blocked"),
        ("meta l4proto tcp reject with tcp reset", "controller-port-blocked"),
        ("udp dport != 53 reject with icmpx port-unreachable", "udp-blocked"),
        ("udp dport { 3478, 3479 } reject with icmpx admin-prohibited", "stun-blocked"),
        ("udp dport 123 reject with icmpx admin-prohibited", "ntp-blocked"),
        ("tcp dport 30000-31000 reject with icmpx admin-prohibited", "relay-ports-blocked"),
        ("ip daddr 198.51.100.41 tcp dport 443 drop", "relay-ports-blocked"),
        ("ip daddr 198.51.100.41 drop", "relay-down"),
        ("ip daddr 198.51.100.42 tcp dport 443 reject with tcp reset", "service-blocked"),
        ("udp dport 53 reject with icmpx admin-prohibited", "dns-unreachable"),
        ("reject with icmpx admin-prohibited", "egress-blocked"),
    ] {
        control.0.net.fault(&format!("iifname lan0 {rule}"));
        assert_causes(&control.doctor(&[]), &[cause], rule);
    }
}

#[test]
fn a_gateway_that_is_not_there_and_one_that_leads_nowhere() {
    let Some(control) = Control::open(Net::plan("diagnosis: no way"), 0.0) else { return };
    let net = &control.0.net;
    net.host.ip("route replace default via 10.0.0.99\n");
    assert_causes(&control.doctor(&[]), &["route-broken"], "nobody answers ARP");
    net.host.ip("route replace default via 10.0.0.1\n");
    net.gw().ip("route del default\nroute add unreachable default\n");
    let run = control.doctor(&[]);
    assert_causes(&run, &["egress-blocked"], "the gateway has no way itself");
    assert!(run.stdout.contains("10.0.0.1 says that there is no way"), "{run}");
}

#[test]
fn whoever_answers_in_the_controllers_place_stands_on_the_way() {
    let Some(control) = Control::open(Net::plan("diagnosis: in its place"), 0.0) else { return };
    let net = &control.0.net;
    let redirect = |rule: &str| {
        net.gw().nft("add table ip portal\ndelete table ip portal\n");
        net.gw().nft(&format!(
            "table ip portal {{ chain pre {{ type nat hook prerouting priority -110; iifname lan0 {rule}; }}; }}"
        ));
    };
    redirect("tcp dport 443 redirect to 9");
    assert_causes(
        &control.doctor(&[]),
        &["controller-port-blocked"],
        "the gateway's own closed port answers",
    );
    redirect("tcp dport 80 dnat to 198.51.100.43");
    assert_causes(&control.doctor(&[]), &[], "a proxy for port 80 alone");
    net.fault(
        "iifname lan0 tcp dport != 80 ip daddr != 198.51.100.43 drop; iifname lan0 udp dport != 53 drop",
    );
    assert_causes(&control.doctor(&[]), &["captive-portal"], "a portal on port 80, and all else is dropped");
}

/// dnsmasq that leads every name to this address; none: it refuses to answer.
fn astray(control: &Control, at: &str, all: Option<&str>) {
    let mut command = Command::new("/usr/sbin/dnsmasq");
    command.args(["-C", "/dev/null", "--no-daemon", "--user=root", "--pid-file=", "--bind-interfaces"]);
    command.args(["--no-resolv", "--no-hosts", &format!("--listen-address={at}")]);
    command.args(all.map(|ip| format!("--address=/#/{ip}")));
    control.0.net.inet.serve(&format!("dnsmasq-{at}"), command);
    let host = &control.0.net.host;
    let answers = || host.output("dig", &["+time=1", "+tries=1", &format!("@{at}"), "ready.test"], "");
    assert!((0..10).any(|_| answers().status.success()), "dnsmasq at {at} does not answer");
    control.resolvers(&[at]);
}

#[test]
fn resolvers_that_lead_everything_astray_or_refuse() {
    let plan = Net::plan("diagnosis: astray").needs(&["dig"]);
    let Some(control) = Control::open(plan, 0.0) else { return };
    astray(&control, "198.51.100.24", Some("10.0.0.1"));
    assert_causes(&control.doctor(&[]), &["dns-hijacked"], "every name leads to the gateway");
    astray(&control, "198.51.100.25", Some("198.51.100.43"));
    assert_causes(&control.doctor(&[]), &["captive-portal"], "every name leads to the portal");
    astray(&control, "198.51.100.26", None);
    assert_causes(&control.doctor(&[]), &["dns-unreachable"], "every question is refused");
    // The first resolver does not know the name, and the C library believes it, whatever the second one says.
    control.resolver("198.51.100.27", None);
    control.resolvers(&["198.51.100.27", "198.51.100.53"]);
    let run = control.doctor(&[]);
    assert_causes(&run, &["dns-hijacked"], "the first of two hides the name");
    assert_eq!((run.outcome("dns.controller"), run.code), ("fail", Some(1)), "{run}");
}
