//! Nothing untested is healthy: who does not know the Controller says so, and prints the command that tells the truth.

use crate::support::control::{ASKED, Control};
use crate::support::{Net, Run, World};
use crate::watch::{Watching, store, told_by, words};

/// All but the network's name.
fn unnamed() -> Vec<&'static str> {
    ASKED[2..].to_vec()
}

/// The one command that the report prints for this check, as a shell would split it; `sudo` is who runs it.
fn command(run: &Run, check: &str) -> (bool, Vec<String>) {
    let rows = run.json["not_tested"].as_array().unwrap_or_else(|| panic!("no rows\n{run}"));
    let row =
        rows.iter().find(|row| row["check"] == check).unwrap_or_else(|| panic!("no row of {check}\n{run}"));
    let command = row["command"].as_str().expect("a command");
    let output = std::process::Command::new("sh")
        .args(["-c", &format!("for word in {command}; do printf '%s\\n' \"$word\"; done")])
        .output()
        .expect("a shell");
    let mut words: Vec<String> =
        String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect();
    let root = words.first().is_some_and(|word| word == "sudo");
    words.drain(..=usize::from(root));
    (root, words)
}

/// Runs a printed command with the network's name filled in.
fn pasted(control: &Control, run: &Run, check: &str) -> Run {
    let (_, words) = command(run, check);
    let words: Vec<&str> = words.iter().map(|word| if word == "NAME" { "acme" } else { word }).collect();
    control.0.net.host.doctor(&[&words[..], &["--json"]].concat())
}

/// The Controller's own address leads to a stranger's certificate.
const INTERCEPTED: &str = "table ip astray { chain pre { type nat hook prerouting priority -110; \
     ip daddr 198.51.100.40 tcp dport 443 dnat to 198.51.100.43; }; }";

/// Nobody calls it healthy: not the report's code in any scheme, not a format of it.
fn assert_not_called_healthy(control: &Control, what: &str, run: &Run) {
    assert_ne!(run.json["verdict"], "healthy", "{what}\n{run}");
    assert!([Some(1), Some(3)].contains(&run.code), "{what}\n{run}");
    let host = &control.0.net.host;
    host.write("/run/report.json", &run.stdout);
    for format in connector_doctor::render::FORMATS.iter().map(|format| format.name) {
        let told = host.doctor(&["render", "/run/report.json", "-f", format]);
        assert_eq!(told.code, run.code, "{what}: {format}\n{told}");
        let text = told.stdout.to_lowercase().replace("unhealthy", "");
        let words = ["verdict: healthy", "verdict\": \"healthy", "ok -", "ok:", "verdict=\"healthy\"} 1"];
        assert!(!words.iter().any(|word| text.contains(word)), "{what}: {format}\n{told}");
        assert!(
            ["unhealthy", "inconclusive", "unknown", "critical", "not tested", "warning"]
                .iter()
                .any(|word| told.stdout.to_lowercase().contains(word)),
            "{what}: {format}\n{told}"
        );
    }
    for (scheme, codes) in [("nagios", [2, 3]), ("bool", [1, 1])] {
        let told = host.doctor(&["render", "/run/report.json", "--exit-codes", scheme]);
        assert!(told.code.is_some_and(|code| codes.contains(&code)), "{what} {scheme}\n{told}");
    }
}

#[test]
fn a_run_that_does_not_know_its_controller_is_never_healthy() {
    let Some(control) = Control::open(Net::plan("verdict: nobody named the network"), 0.0) else { return };
    let (host, gate) = (&control.0.net.host, control.0.net.gw());
    let whole = |more: &[&str]| World::doctor_on(host, &[&unnamed()[..], more].concat());
    for (fault, verdict, code) in [
        (None, "healthy", 0),
        (Some("ip daddr 198.51.100.40 tcp dport 443 drop"), "unhealthy", 1),
        (Some("tcp dport 30000-31000 drop"), "unhealthy", 1),
        (Some(INTERCEPTED), "unhealthy", 1),
    ] {
        match fault {
            Some(INTERCEPTED) => gate.nft(INTERCEPTED),
            Some(rule) => control.0.net.fault(&format!("iifname lan0 {rule}")),
            None => {}
        }
        let run = whole(&[]);
        assert_not_called_healthy(&control, &format!("{fault:?}, root"), &run);
        let truth = pasted(&control, &run, "controller.tcp");
        assert_eq!((&truth.json["verdict"], truth.code), (&verdict.into(), Some(code)), "{fault:?}\n{truth}");
        let nobody = control.0.doctor_as_nobody(&unnamed());
        assert_not_called_healthy(&control, &format!("{fault:?}, nobody"), &nobody);
        control.0.net.mend();
        if fault == Some(INTERCEPTED) {
            gate.nft("delete table ip astray");
        }
    }
    // Waiting names no network: the run ends at once.
    let waited = whole(&["--wait", "1h"]);
    assert_eq!(waited.code, Some(3), "{waited}");
}

#[test]
fn a_watch_that_does_not_know_its_controller_never_calls_it_up() {
    let Some(control) = Control::open(Net::plan("verdict: a watch without a network"), 0.0) else { return };
    let path = store("unnamed");
    let at = path.to_string_lossy();
    let command = control.0.net.host.doctor_command(&words(&at, &unnamed()));
    let watching = Watching::start(&control.0.net.host, command);
    watching.until("two samples", |w| w.samples(true) >= 2);
    let told = told_by(&path);
    assert!(told.controller.uptime_s <= 0.0, "{:#?}\n{:#?}", told.controller, watching.events());
}

#[test]
fn what_only_root_may_read_is_said_and_root_finds_the_truth() {
    let Some(control) = Control::open(Net::plan("verdict: a configuration of root's"), 0.0) else { return };
    let host = &control.0.net.host;
    crate::connector::own_etc(host);
    host.must("mkdir", &["-p", "/etc/twingate"], "");
    host.write(
        "/etc/twingate/connector.conf",
        "TWINGATE_NETWORK=acme\nTWINGATE_ACCESS_TOKEN=a\nTWINGATE_REFRESH_TOKEN=b\n",
    );
    host.must("chmod", &["0600", "/etc/twingate/connector.conf"], "");
    control.0.net.fault("iifname lan0 ip daddr 198.51.100.40 tcp dport 443 drop");
    let words: Vec<&str> = ["check", "--json", "--stun", "stun1.test", "--ntp", "ntp1.test"]
        .into_iter()
        .chain(unnamed())
        .collect();
    let nobody = host.doctor_as_nobody(&words);
    assert_eq!((&nobody.json["verdict"], nobody.code), (&"inconclusive".into(), Some(3)), "{nobody}");
    let why = nobody.check("controller.tcp")["summary"].as_str().unwrap_or_default();
    assert!(why.starts_with("permission denied"), "{nobody}");
    let (root, again) = command(&nobody, "controller.tcp");
    assert!(root && !again.contains(&"--network".to_owned()), "{nobody}");
    let truth = pasted(&control, &nobody, "controller.tcp");
    assert_eq!(truth.causes().first(), Some(&"controller-port-blocked"), "{truth}");
    assert_eq!(truth.code, Some(1), "{truth}");
}
