//! Names that fail, in an internet of the built-in defaults: the rest is measured all the same, the first cause is right, and nothing is
//! sent elsewhere that need not be.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::support::public::{Conduct, PUBLIC, Public, RESOLVER, dns};
use crate::support::{Net, Run, now};

/// A run whose names fail ends within this.
const LIMIT: Duration = Duration::from_millis(3500);

/// All six details, as with living names.
fn assert_details(run: &Run, what: &str) {
    assert_eq!(run.detail("stun_discovery"), "available", "{what}\n{run}");
    assert_eq!(run.detail("public_ips"), &json!(["203.0.113.2"]), "{what}\n{run}");
    assert_eq!(run.detail("private_ips"), &json!(["10.0.0.5"]), "{what}\n{run}");
    assert_eq!(run.detail("time_offset_source"), "ntp", "{what}\n{run}");
    assert!(run.detail("time_offset_s").as_f64().is_some_and(|s| s.abs() < 0.05), "{what}\n{run}");
    assert_eq!(run.detail("hostname"), "conn-ams-1", "{what}\n{run}");
    assert!(run.detail("host_uptime_s").is_number(), "{what}\n{run}");
}

fn assert_first(run: &Run, cause: &str, what: &str) {
    assert_eq!(run.causes().first(), Some(&cause), "{what}\n{run}");
    assert_eq!(run.code, Some(1), "{what}\n{run}");
    assert!(run.wall <= LIMIT, "{what} lasted {:?}\n{run}", run.wall);
}

#[test]
fn with_living_names_nothing_is_asked_elsewhere() {
    let Some(world) = Public::open(Net::plan("fallback: healthy")) else { return };
    let run = world.doctor(&[]);
    assert_details(&run, "healthy");
    assert_eq!(run.json["verdict"], "healthy", "{run}");
    assert_eq!(run.json["facts"]["fallback"]["began"], json!(null), "{run}");
    let by = run.check("controller.tcp")["by"].to_string();
    assert_eq!(by, r#"[{"how":"name","network":"run"}]"#, "{run}");
    // Elsewhere port 53 is dropped, and even 443: no fault while the own resolver works.
    world.net.fault(&format!(
        "iifname lan0 ip daddr != {RESOLVER} meta l4proto {{ tcp, udp }} th dport 53 drop; \
         iifname lan0 ip daddr {{ {} }} drop",
        PUBLIC.join(", ")
    ));
    for time in 1..=super::pairs::times() {
        let run = world.doctor(&[]);
        assert!(run.causes().is_empty(), "time {time}\n{run}");
        assert_eq!(run.json["verdict"], "healthy", "time {time}\n{run}");
    }
}

#[test]
fn a_dead_resolver_blinds_nothing_but_itself() {
    let Some(world) = Public::open(Net::plan("fallback: dead")) else { return };
    let drop_it = format!("iifname lan0 ip daddr {RESOLVER} drop");
    dns(&world.net.inet, "198.51.100.24", Conduct::Refuses);
    dns(&world.net.inet, "198.51.100.25", Conduct::Late(Duration::from_secs(5)));
    let one = |ip: &str| format!("nameserver {ip}\n");
    for (what, rule, resolvers) in [
        ("silent", drop_it.as_str(), one(RESOLVER)),
        ("refusing", "", one("198.51.100.24")),
        ("hanging for 5 s", "", one("198.51.100.25")),
        ("none configured", "", String::new()),
    ] {
        world.net.fault(rule);
        world.resolvers(&resolvers);
        let run = world.doctor(&[]);
        assert_details(&run, what);
        assert_first(&run, "dns-unreachable", what);
        assert_eq!(run.json["causes"][0]["confidence"], "certain", "{what}\n{run}");
        for check in ["controller.tcp", "controller.tls", "controller.http", "relay.tcp", "services.tcp"] {
            assert_eq!(run.outcome(check), "pass", "{what}\n{run}");
        }
        let by = |check: &str| run.check(check)["by"].to_string();
        assert_eq!(by("controller.tcp"), r#"[{"how":"fallback-resolver","network":"run"}]"#, "{what}\n{run}");
        assert!(!by("stun.discovery").contains(r#""name""#), "{what}\n{run}");
        let controller = &run.json["facts"]["targets"];
        let controller = controller.as_array().expect("targets").iter().find(|t| t["role"] == "controller");
        let learnt = &controller.expect("the Controller")["learnt"];
        assert_eq!(learnt[0]["how"]["by"], "fallback-resolver", "{what}\n{run}");
    }
}

#[test]
fn with_public_resolvers_out_of_reach_published_addresses_serve() {
    let Some(world) = Public::open(Net::plan("fallback: literal")) else { return };
    world.net.fault("iifname lan0 meta l4proto { tcp, udp } th dport 53 drop");
    let run = world.doctor(&[]);
    assert_details(&run, "port 53 dropped everywhere");
    assert_first(&run, "dns-unreachable", "port 53 dropped everywhere");
    assert_eq!(run.json["causes"][0]["confidence"], "certain", "{run}");
    assert_ne!(run.outcome("controller.tcp"), "pass", "{run}");
}

#[test]
fn a_resolver_that_lies_is_told_from_one_that_is_right() {
    let Some(world) = Public::open(Net::plan("fallback: lies")) else { return };
    dns(&world.net.inet, "198.51.100.24", Conduct::Leads([10, 0, 0, 1].into()));
    dns(&world.net.inet, "198.51.100.25", Conduct::KnowsNothing);
    world.resolvers("nameserver 198.51.100.24\n");
    let run = world.doctor(&[]);
    assert_details(&run, "lying");
    assert_first(&run, "dns-hijacked", "lying");
    world.resolvers("nameserver 198.51.100.25\n");
    let run = world.doctor(&[]);
    assert_details(&run, "knows nothing");
    assert_first(&run, "dns-unreachable", "knows nothing");
    // A network's name that is misspelt is unknown everywhere.
    world.resolvers(&format!("nameserver {RESOLVER}\n"));
    let asked = ["check", "--json", "--network", "acne", "--ca-file", "/run/known.pem"];
    let run = world.net.host.doctor(&asked);
    assert_details(&run, "misspelt");
    assert_first(&run, "controller-name-unknown", "misspelt");
    assert_eq!(run.json["causes"][0]["confidence"], "certain", "{run}");
}

#[test]
fn questions_for_ipv6_that_hang_hold_nothing_up() {
    let Some(world) = Public::open(Net::plan("fallback: AAAA")) else { return };
    dns(&world.net.inet, "198.51.100.24", Conduct::FourAlone);
    world.resolvers("nameserver 198.51.100.24\n");
    let run = world.doctor(&[]);
    assert_details(&run, "AAAA hangs");
    assert!(run.wall <= LIMIT, "{run}");
    assert!(!run.causes().contains(&"dns-unreachable"), "{run}");
}

#[test]
fn nothing_gets_out() {
    let Some(world) = Public::open(Net::plan("fallback: nothing out")) else { return };
    for rule in ["iifname lan0 drop", "iifname lan0 reject with icmpx admin-prohibited"] {
        world.net.fault(rule);
        let run = world.doctor(&[]);
        assert_first(&run, "egress-blocked", rule);
        assert!(!run.causes().contains(&"dns-unreachable"), "{rule}\n{run}");
    }
}

#[test]
fn a_named_resolver_that_is_dead_is_called_by_its_name() {
    let Some(world) = Public::open(Net::plan("fallback: --dns")) else { return };
    world.net.fault("iifname lan0 ip daddr 198.51.100.28 drop");
    let run = world.doctor(&["--dns", "198.51.100.28"]);
    assert_first(&run, "dns-unreachable", "--dns");
    assert_eq!(run.json["causes"][0]["confidence"], "likely", "{run}");
    let cause = run.json["causes"][0].to_string();
    assert!(
        cause.contains("--dns") && !cause.contains("configured") && !cause.contains("resolv.conf"),
        "{run}"
    );
    assert_eq!(run.json["facts"]["fallback"]["off"], "--dns", "{run}");
}

/// What the host sends to these addresses while `work` runs.
fn sent_to(world: &Public, addresses: &str, work: impl FnOnce()) -> String {
    let host = &world.net.host;
    let mut command = Command::new("/usr/bin/tcpdump");
    command.args(["-n", "-U", "-l", "-i", "eth0", addresses]).stdout(Stdio::piped()).stderr(Stdio::null());
    host.serve("tcpdump", command);
    let begun = now();
    while !host.log("tcpdump").contains("listening") {
        assert!(now().saturating_sub(begun) < Duration::from_secs(20), "{}", host.log("tcpdump"));
        std::thread::sleep(Duration::from_millis(20));
    }
    work();
    // Something that is surely seen, after all that was sent.
    let _ = host.output("ping", &["-c", "1", "-W", "1", "9.9.9.9"], "");
    let begun = now();
    while !host.log("tcpdump").contains("ICMP echo request") {
        assert!(now().saturating_sub(begun) < Duration::from_secs(20), "{}", host.log("tcpdump"));
        std::thread::sleep(Duration::from_millis(20));
    }
    host.log("tcpdump").lines().filter(|line| line.contains(" > ") && !line.contains("ICMP")).collect()
}

#[test]
fn turned_off_it_sends_nothing_there() {
    let Some(world) = Public::open(Net::plan("fallback: off").needs(&["tcpdump", "ping"])) else { return };
    world.net.fault(&format!("iifname lan0 ip daddr {RESOLVER} drop"));
    let there = "host 1.1.1.1 or host 8.8.8.8 or host 9.9.9.9 or host 162.159.200.1 or host 162.159.200.123 or host 216.239.35.0 \
                 or host 216.239.35.8 or host 162.159.207.1 or host 141.101.90.1 or host 198.51.100.44";
    let sent = sent_to(&world, there, || {
        let run = world.doctor(&["--no-fallback"]);
        assert_first(&run, "dns-unreachable", "--no-fallback");
        assert_eq!(run.json["causes"][0]["confidence"], "likely", "{run}");
    });
    assert_eq!(sent, "");
    // Every address of it, and no other, is in the plan.
    let plan = world.net.host.doctor(&["plan", "--json", "--network", "acme"]);
    let off = world.net.host.doctor(&["plan", "--json", "--network", "acme", "--no-fallback"]);
    let destinations = |run: &Run| -> Vec<String> {
        let contacts = run.json["contacts"].as_array().unwrap_or_else(|| panic!("{run}"));
        contacts.iter().filter_map(|c| c["destination"].as_str()).map(str::to_owned).collect()
    };
    for at in [
        "1.1.1.1:53",
        "1.1.1.1:443",
        "9.9.9.9:53",
        "162.159.200.1:123",
        "162.159.207.1:3478",
        "portquiz.net:30001",
        "portquiz.net:443",
    ] {
        assert!(destinations(&plan).iter().any(|d| d == at), "{at}\n{plan}");
        assert!(!destinations(&off).iter().any(|d| d == at), "{at}\n{off}");
    }
}

#[test]
fn only_names_of_the_vendor_and_of_the_defaults_leave_the_house() {
    let Some(world) = Public::open(Net::plan("fallback: names").needs(&["tcpdump", "ping"])) else { return };
    world.net.fault(&format!("iifname lan0 ip daddr {RESOLVER} drop"));
    let sent = sent_to(&world, "host 1.1.1.1 or host 8.8.8.8 or host 9.9.9.9", || {
        let run = world.doctor(&["--service", "secret.corp.example:443", "--ntp", "clock.corp.example"]);
        assert!(run.causes().contains(&"dns-unreachable"), "{run}");
    });
    assert!(sent.contains("acme.twingate.com") && !sent.contains("corp.example"), "{sent}");
}
