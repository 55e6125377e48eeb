//! Whom this host trusts: time that a network forges, and an issuer that the system's own store alone knows.

use crate::routes::runs;
use crate::support::control::{Control, RELAY, SERVICE};
use crate::support::{Net, chronyd};

#[test]
fn a_network_that_answers_all_time_itself_does_not_outvote_a_date() {
    let Some(control) = Control::open(Net::plan("trust: forged time"), 0.0) else { return };
    chronyd(&control.0.net.inet, &["198.51.100.29"], 600.0);
    control.0.net.gw().nft(
        "table ip forge { chain pre { type nat hook prerouting priority -110; iifname lan0 udp dport 123 dnat to 198.51.100.29; }; }",
    );
    for time in 1..=runs() {
        let run = control.doctor(&[]);
        assert_eq!(run.causes(), ["ntp-tampered"], "time {time}\n{run}");
        assert_eq!(run.json["verdict"], "degraded", "{run}");
        assert_eq!(run.outcome("clock.offset"), "pass", "{run}");
        assert!(!run.stdout.contains("makestep"), "{run}");
    }
}

#[test]
fn an_issuer_that_the_systems_store_alone_trusts_is_a_warning() {
    let Some(control) = Control::open(Net::plan("trust: own issuer"), 0.0) else { return };
    let known = control.0.net.inet.must("cat", &["/run/known.pem"], "");
    control.0.net.host.overlay("/etc/ssl/certs/ca-certificates.crt", &known);
    let [relay, service] = [format!("{RELAY}:443"), format!("{SERVICE}:443")];
    let asked = ["--network", "acme", "--relay", &relay, "--service", &service];
    for time in 1..=runs() {
        let run = control.0.doctor(&asked);
        assert_eq!(run.causes(), ["tls-intercepted"], "time {time}\n{run}");
        assert_eq!(run.json["causes"][0]["severity"], "warning", "{run}");
        assert_eq!(run.json["causes"][0]["confidence"], "likely", "{run}");
        assert_eq!(run.json["verdict"], "degraded", "{run}");
        let vouched = control.doctor(&[]);
        assert!(vouched.causes().is_empty(), "--ca-file vouches for it\n{vouched}");
    }
}
