//! The Connector's own connections, by a stand-in of its name; and the public host that stands in for relays.

use std::thread::sleep;
use std::time::Duration;

use crate::connector::{start, whole};
use crate::support::public::Public;
use crate::support::{Net, Run};

/// A Connector has had time to connect after so long.
const SETTLED: Duration = Duration::from_secs(91);

/// Holds connections to a relay and to the Controller.
const CONNECTED: &str = "exec 5<>/dev/tcp/198.51.100.41/30005; exec 6<>/dev/tcp/198.51.100.40/443";

fn process(run: &Run) -> &serde_json::Value {
    &run.json["facts"]["host"]["connector"]["processes"][0]
}

#[test]
fn connections_that_stand_are_proof_whoever_asks() {
    let Some(world) = Public::open(Net::plan("connections: stand")) else { return };
    start(&world.net.host, false, CONNECTED, &whole());
    let asked = ["check", "--json", "--network", "acme", "--ca-file", "/run/known.pem"];
    let host = &world.net.host;
    for (run, by) in [(host.doctor(&asked), "descriptors"), (host.doctor_as_nobody(&asked), "user")] {
        assert_eq!(run.outcome("connector.connections"), "pass", "{run}");
        assert_eq!(process(&run)["connections"]["by"], by, "{run}");
        let seen = process(&run)["connections"]["seen"].to_string();
        assert!(seen.contains("198.51.100.41:30005") && seen.contains("198.51.100.40:443"), "{run}");
        // That the relays' ports are open is proven by them.
        assert_eq!(run.outcome("relay.tcp"), "pass", "{run}");
        for check in ["relay.tcp", "connector.connections"] {
            assert!(run.check(check)["by"].to_string().contains("own-socket"), "{check}\n{run}");
        }
        let summary = run.check("relay.tcp")["summary"].as_str().expect("a string");
        assert!(!summary.starts_with("Not tested"), "{run}");
        assert_eq!(run.json["facts"]["control"]["stand_in"].as_array().map(Vec::len), Some(0), "{run}");
    }
}

#[test]
fn one_that_runs_and_stands_nowhere_is_stuck() {
    let Some(world) = Public::open(Net::plan("connections: stuck")) else { return };
    start(&world.net.host, false, ":", &whole());
    let run = world.doctor(&[]);
    assert_eq!(run.outcome("connector.connections"), "unknown", "it has only just started\n{run}");
    assert!(!run.causes().contains(&"connector-stuck"), "{run}");
    sleep(SETTLED);
    let run = world.doctor(&[]);
    assert_eq!(run.causes(), ["connector-stuck"], "{run}");
    assert_eq!(run.outcome("connector.connections"), "fail", "{run}");
    assert_eq!(run.json["causes"][0]["severity"], "critical", "{run}");
    // Where this host reaches nothing either, that is the matter.
    world.net.fault("iifname lan0 tcp dport 443 drop");
    let run = world.doctor(&[]);
    assert_eq!(run.outcome("connector.connections"), "skip", "{run}");
    assert!(!run.causes().contains(&"connector-stuck"), "{run}");
}

#[test]
fn a_public_host_stands_in_for_relays_and_is_likely_at_most() {
    let Some(world) = Public::open(Net::plan("connections: stand-in")) else { return };
    let summary = |run: &Run| run.check("relay.tcp")["summary"].as_str().expect("a string").to_owned();
    let run = world.doctor(&[]);
    assert_eq!(run.json["verdict"], "healthy", "{run}");
    assert!(summary(&run).contains("portquiz.net"), "{run}");
    world.net.fault("iifname lan0 tcp dport 30000-31000 drop");
    let run = world.doctor(&[]);
    assert_eq!(run.causes(), ["relay-ports-blocked"], "{run}");
    assert_eq!(run.json["causes"][0]["confidence"], "likely", "{run}");
    assert!(run.json["causes"][0]["title"].to_string().contains("portquiz.net"), "{run}");
    // Both silent, turned off, or watched: nothing is said of them.
    world.net.fault("iifname lan0 ip daddr 198.51.100.44 drop");
    for more in [&[][..], &["--no-fallback"][..]] {
        let run = world.doctor(more);
        assert!(run.causes().is_empty(), "{run}");
        assert!(summary(&run).starts_with("Not tested: ports 30000-31000"), "{run}");
        assert_eq!(run.json["verdict"], "healthy", "{run}");
    }
}
