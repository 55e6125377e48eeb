//! The harness proves itself: other people's clients see what each topology promises.

use std::thread;
use std::time::Duration;

use crate::support::{Builder, Nat, Net, Node, Wire, chronyd, coturn, dnsmasq, now};

const DISCOVERY: &[&str] = &["turnserver", "turnutils_natdiscovery"];
const INDEPENDENT: &str = "NAT with Endpoint Independent Mapping";
const DEPENDENT: &str = "NAT with Address and Port Dependent Mapping";
const OPEN: &str = "NAT with Endpoint Independent Filtering";
const BY_ADDRESS: &str = "NAT with Address Dependent Filtering";
const BY_PORT: &str = "NAT with Address and Port Dependent Filtering";

/// What coturn's own client must say of a network: mapping, then filtering.
fn assert_discovered(plan: Builder, mapping: &str, filtering: &str) {
    let Some(net) = plan.needs(DISCOVERY).up() else { return };
    coturn(&net.inet, &["198.51.100.1", "198.51.100.2"]);
    let said = thread::scope(|scope| {
        let both = ["-m", "-f"].map(|flag| {
            let host = &net.host;
            scope.spawn(move || host.must("turnutils_natdiscovery", &[flag, "198.51.100.1"], ""))
        });
        both.map(|one| one.join().expect("it ends"))
    });
    for (said, wanted) in said.iter().zip([mapping, filtering]) {
        assert!(said.lines().any(|l| l.starts_with(wanted)), "{wanted} is not in\n{said}");
    }
}

/// Our address as a STUN server saw it, by coturn's client. (Its `turnutils_stunclient` waits for ever for what
/// a NAT filters.)
fn seen_by(node: &Node, server: &str) -> String {
    let said = node.must("turnutils_natdiscovery", &["-m", server], "");
    let line =
        said.lines().find(|l| l.contains("reflexive addr: ")).unwrap_or_else(|| panic!("none in {said}"));
    let address = line.rsplit_once("addr: ").expect("it is there").1;
    address.rsplit_once(':').expect("a port").0.to_owned()
}

#[test]
fn masquerade_maps_independently_and_filters_by_address_and_port() {
    assert_discovered(Net::plan("masquerade"), INDEPENDENT, BY_PORT);
}

#[test]
fn fully_random_masquerade_maps_by_destination() {
    assert_discovered(Net::plan("random").nat(Nat::Random), DEPENDENT, BY_PORT);
}

#[test]
fn full_cone_filters_nothing() {
    assert_discovered(Net::plan("full cone").nat(Nat::FullCone), INDEPENDENT, OPEN);
}

#[test]
fn address_restricted_filters_by_address() {
    assert_discovered(Net::plan("address-restricted").nat(Nat::AddressRestricted), INDEPENDENT, BY_ADDRESS);
}

#[test]
fn a_public_host_is_not_translated() {
    let Some(net) = Net::plan("public").public().needs(DISCOVERY).up() else { return };
    coturn(&net.inet, &["198.51.100.1", "198.51.100.2"]);
    assert_eq!(seen_by(&net.host, "198.51.100.1"), "192.0.2.5");
}

#[test]
fn two_nats_show_the_outer_address_and_a_container_too() {
    let plan = Net::plan("double NAT").chain(&["10.0.0", "192.168.1", "203.0.113"], &[Nat::Masquerade; 2]);
    let Some(net) = plan.needs(DISCOVERY).up() else { return };
    coturn(&net.inet, &["198.51.100.1", "198.51.100.2"]);
    coturn(&net.inet, &["2001:db8:100::1", "2001:db8:100::2"]);
    assert_eq!(seen_by(&net.host, "198.51.100.1"), "203.0.113.2");
    assert_eq!(seen_by(&net.host, "2001:db8:100::1"), "2001:db8:1::5");
    assert_eq!(seen_by(&net.container(), "198.51.100.1"), "203.0.113.2");
}

#[test]
fn two_public_addresses_by_destination() {
    let Some(net) = Net::plan("two addresses").nat(Nat::TwoAddresses).needs(DISCOVERY).up() else { return };
    coturn(&net.inet, &["198.51.100.1", "198.51.100.2"]);
    coturn(&net.inet, &["198.51.100.33", "198.51.100.34"]);
    assert_eq!(seen_by(&net.host, "198.51.100.1"), "203.0.113.2");
    assert_eq!(seen_by(&net.host, "198.51.100.33"), "203.0.113.3");
}

#[test]
fn stun_client_finds_a_port_restricted_nat() {
    let Some(net) = Net::plan("stun-client").needs(&["turnserver", "stun"]).up() else { return };
    coturn(&net.inet, &["198.51.100.1", "198.51.100.2"]);
    let output = net.host.output("stun", &["198.51.100.1"], "");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains("Independent Mapping, Port Dependent Filter"), "{said}");
}

#[test]
fn skewed_servers_serve_exactly_their_skew_over_both_families() {
    let Some(net) = Net::plan("skewed servers").needs(&["chronyd"]).up() else { return };
    for (n, ahead) in [0.0, 7.0, -5.4, -283_824_000.0].into_iter().enumerate() {
        let addresses = [format!("198.51.100.{}", 10 + n), format!("2001:db8:100::{:x}", 10 + n)];
        chronyd(&net.inet, &[&addresses[0], &addresses[1]], ahead);
        for address in &addresses {
            // -Q measures and prints; it never sets a clock.
            let server = format!("server {address} iburst maxsamples 1");
            let output = net.host.output("chronyd", &["-Q", "-t", "5", "-f", "/dev/null", &server], "");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let measured = said.split_once("wrong by ").and_then(|(_, rest)| rest.split(' ').next());
            let measured: f64 = measured.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{said}"));
            assert!((measured - ahead).abs() < 0.05, "{address} is ahead by {measured}, not {ahead}");
        }
    }
}

#[test]
fn names_resolve_and_others_do_not_exist() {
    let Some(net) = Net::plan("names").needs(&["dnsmasq", "dig"]).up() else { return };
    let records = [("stun1.test", "198.51.100.1"), ("stun1.test", "2001:db8:100::1")];
    dnsmasq(&net.inet, "198.51.100.53", &records);
    let dig = |question: &[&str]| net.host.must("dig", &[&["+time=2"], question].concat(), "");
    assert_eq!(dig(&["+short", "stun1.test", "A"]).trim(), "198.51.100.1");
    assert_eq!(dig(&["+short", "stun1.test", "AAAA"]).trim(), "2001:db8:100::1");
    assert!(dig(&["other.test"]).contains("status: NXDOMAIN"));
}

#[test]
fn dropped_udp_spares_names_and_tcp() {
    let Some(net) = Net::plan("UDP dropped").needs(&["turnserver", "dnsmasq", "dig"]).up() else { return };
    coturn(&net.inet, &["198.51.100.1"]);
    dnsmasq(&net.inet, "198.51.100.53", &[("stun1.test", "198.51.100.1")]);
    net.fault("iifname lan0 udp dport != 53 drop");
    let said = net.host.must("dig", &["+short", "stun1.test"], "");
    assert_eq!(said.trim(), "198.51.100.1");
    let answer = net.host.run(|| {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(300)))?;
        socket
            .send_to(&[&[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42][..], &[7; 12]].concat(), "198.51.100.1:3478")?;
        socket.recv_from(&mut [0; 100])
    });
    assert_eq!(answer.expect_err("dropped").kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_wire_delays_and_loses_as_told() {
    let wire = Wire { delay: Duration::from_millis(20), lost_percent: 15, seed: 1 };
    let Some(net) = Net::plan("wire").wire(wire).needs(&["ping"]).up() else { return };
    let output = net.host.output("ping", &["-q", "-c", "300", "-i", "0.005", "-W", "1", "198.51.100.1"], "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |after: &str, until: &str| -> f64 {
        let (_, rest) = said.split_once(after).unwrap_or_else(|| panic!("{said}"));
        rest.split(until).next().and_then(|n| n.trim().parse().ok()).unwrap_or_else(|| panic!("{said}"))
    };
    // 15 % each way lose 28 % of the pairs.
    let lost = number("received, ", "%");
    assert!((18.0..38.0).contains(&lost), "{said}");
    let least = number("mdev = ", "/");
    assert!((40.0..60.0).contains(&least), "{said}");
}

#[test]
fn nothing_stays_behind() {
    let started = now();
    let Some(net) = Net::plan("nothing stays").needs(&["dnsmasq"]).up() else { return };
    dnsmasq(&net.inet, "198.51.100.53", &[]);
    let ids: Vec<u32> = [&net.host, &net.inet].map(Node::pid).to_vec();
    drop(net);
    for id in ids {
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists(), "process {id} lives");
    }
    assert!(now() < started + Duration::from_secs(20));
}

#[test]
fn a_small_mtu_is_told_honestly_and_a_size_hole_is_not() {
    let Some(net) = Net::plan("MTU").mtu(1400).needs(&["ping"]).up() else { return };
    let ping = |size| {
        let output =
            net.host.output("ping", &["-M", "do", "-c", "1", "-W", "1", "-s", size, "198.51.100.1"], "");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (passed, said) = ping("1373");
    assert!(!passed && said.contains("Frag needed and DF set (mtu = 1400)"), "{said}");
    assert!(ping("1372").0);
    net.fault("iifname lan0 meta length > 1300 drop");
    let (passed, said) = ping("1300");
    assert!(!passed && !said.contains("Frag"), "{said}");
    assert!(ping("1200").0);
}
