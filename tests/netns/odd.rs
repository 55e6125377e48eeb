//! Healthy hosts that look odd: no cause but notices, every single time (`SOAK=50` for a soak by hand).

use std::time::Duration;

use crate::control::{Control, site};
use crate::pairs::assert_always_well;
use crate::support::{Net, Wire, chronyd, nginx};

#[test]
fn a_public_address_without_nat_is_well() {
    let Some(control) = Control::open(Net::plan("soak: public").public(), 0.0) else { return };
    assert_always_well(&control, &[], "a public address, no NAT");
}

#[test]
fn several_private_networks_are_well() {
    let Some(control) = Control::open(Net::plan("soak: networks"), 0.0) else { return };
    control.0.net.host.ip(
        "link add lan1 type veth peer name peer1\nlink set lan1 up\nlink set peer1 up\naddr add 192.168.50.1/24 dev lan1\n\
         link add lan2 type veth peer name peer2\nlink set lan2 up\nlink set peer2 up\naddr add 10.99.0.1/16 dev lan2\n\
         link add docker0 type bridge\nlink set docker0 up\naddr add 172.17.0.1/16 dev docker0\naddr add 100.80.0.1/24 dev lan2\n",
    );
    assert_always_well(&control, &[], "four private networks more");
}

#[test]
fn ipv6_beside_ipv4_is_well() {
    let Some(control) = Control::both_families(Net::plan("soak: IPv6"), 0.0) else { return };
    assert_always_well(&control, &[], "both families");
}

#[test]
fn a_cdns_changing_answers_are_well() {
    let Some(control) = Control::open(Net::plan("soak: CDN"), 0.0) else { return };
    let inet = &control.0.net.inet;
    let sites = ["198.51.100.46:443", "198.51.100.47:443"].map(|at| site(at, "controller", "200"));
    nginx(inet, "edges", &sites, 0.0);
    control.resolver("198.51.100.24", Some("198.51.100.46"));
    control.resolver("198.51.100.25", Some("198.51.100.47"));
    control.resolvers(&["198.51.100.24", "198.51.100.25", "198.51.100.53"]);
    assert_always_well(&control, &[], "each resolver knows another address");
}

#[test]
fn a_lying_time_server_alone_is_well() {
    let Some(control) = Control::open(Net::plan("soak: liar"), 0.0) else { return };
    chronyd(&control.0.net.inet, &["198.51.100.24"], 60.0);
    assert_always_well(&control, &["--ntp", "198.51.100.24"], "one of four time servers is 60 s ahead");
}

#[test]
fn a_loss_of_two_percent_is_well() {
    let wire = Wire { delay: Duration::from_millis(5), lost_percent: 1, seed: 1 };
    let Some(control) = Control::open(Net::plan("soak: 2 %").wire(wire), 0.0) else { return };
    assert_always_well(&control, &[], "2 % of the pairs lost");
}

#[test]
fn a_way_without_icmp_is_well() {
    let Some(control) = Control::open(Net::plan("soak: no ICMP"), 0.0) else { return };
    control.0.net.fault("meta l4proto icmp drop");
    let mute = "table inet mute { chain o { type filter hook output priority 0; meta l4proto icmp drop; }; }";
    control.0.net.gw().nft(mute);
    assert_always_well(&control, &[], "no ICMP at all");
}

#[test]
fn a_second_default_route_that_leads_nowhere_is_well() {
    let Some(control) = Control::open(Net::plan("soak: second route"), 0.0) else { return };
    control.0.net.host.ip("link add lan1 type veth peer name peer1\nlink set lan1 up\nlink set peer1 up\naddr add 192.168.9.5/24 dev lan1\n\
                           route add default via 192.168.9.1 dev lan1 metric 1000\n");
    assert_always_well(&control, &[], "a spare route to a gateway that is not there");
}

#[test]
fn a_hosts_file_that_leads_to_a_controller_that_works_is_well() {
    let Some(control) = Control::open(Net::plan("soak: hosts file"), 0.0) else { return };
    let inet = &control.0.net.inet;
    nginx(inet, "edge", &[site("198.51.100.46:443", "controller", "200")], 0.0);
    control.0.net.host.overlay("/etc/hosts", "127.0.0.1 localhost\n198.51.100.46 acme.twingate.com\n");
    assert_always_well(&control, &[], "/etc/hosts leads to a Controller that works");
}

/// The kernel's word on its clock, as a daemon that keeps it would have it: no namespace has a clock of its own.
const KEPT: &str = "#include <string.h>\n#include <sys/timex.h>\n\
    int adjtimex(struct timex *t) { memset(t, 0, sizeof *t); t->maxerror = 9000; t->esterror = 900; return TIME_OK; }\n";

#[test]
fn time_blocked_by_policy_beside_a_clock_that_is_kept_is_well() {
    let Some(control) = Control::open(Net::plan("soak: kept clock").needs(&["cc"]), 0.0) else { return };
    let host = &control.0.net.host;
    host.must("cc", &["-shared", "-fPIC", "-o", "/run/kept.so", "-x", "c", "-"], KEPT);
    host.must("cp", &["-a", "/etc", "/run/etc"], "");
    host.write("/run/etc/ld.so.preload", "/run/kept.so\n");
    host.must("mount", &["--bind", "/run/etc", "/etc"], "");
    control.0.net.fault("iifname lan0 udp dport 123 drop");
    let run = control.doctor(&[]);
    assert_eq!(run.json["facts"]["host"]["kernel_clock"]["synchronised"], true, "{run}");
    assert_eq!(run.notices(), ["ntp-blocked"], "{run}");
    assert_eq!(run.detail("time_offset_source"), "controller-date", "{run}");
    assert_always_well(&control, &[], "UDP 123 is dropped, the clock is kept");
}
