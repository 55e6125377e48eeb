//! A stand-in for the Connector (a copy of bash under its name): found, aged, measured, told where it stands; and of
//! its tokens nothing, in any output.

use std::net::TcpListener;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use connector_doctor::render::FORMATS;

use crate::support::{Net, Node, Run, World, now};

const STAND_IN: &str = "/run/twingate-connector";
/// A JWT and a refresh token that no output may hold, whole or in part.
const CANARIES: [&str; 4] = ["eyJhbGciOiJFUzI1NiJ9", "canarY", "eyJzdWIiOiJjYW5hclkifQ", "c2lnLWNhbmFyWQ"];
const ACCESS: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hclkifQ.c2lnLWNhbmFyWQ";
const REFRESH: &str = "canarY0123456789canarY";
const ALONE: &[&str] = &["check", "host.*", "connector.*", "--json", "--timeout", "500ms"];

/// What the stand-in does once it has its descriptors.
const IDLE: &str = "while :; do sleep 1000 & wait; done";

/// Starts it with variables of a Connector, in a network of its own or the node's; returns when it is ready.
pub(super) fn start(node: &Node, own_network: bool, script: &str, variables: &[(&str, &str)]) {
    node.run(|| {
        let _ = std::fs::copy("/bin/bash", STAND_IN).expect("a copy of bash");
    });
    let mut command = Command::new("/usr/bin/unshare");
    command.args(if own_network { &["-n"][..] } else { &[] });
    command.args([STAND_IN, "-c", &format!("{script}; echo ready; {IDLE}")]);
    command.env_clear().env("PATH", "/usr/bin:/bin").envs(variables.iter().copied());
    node.serve("connector", command);
    let begun = now();
    while !node.log("connector").contains("ready") {
        assert!(now().saturating_sub(begun) < Duration::from_secs(20), "{}", node.log("connector"));
        sleep(Duration::from_millis(20));
    }
}

pub(super) fn whole() -> [(&'static str, &'static str); 3] {
    [("TWINGATE_NETWORK", "acme"), ("TWINGATE_ACCESS_TOKEN", ACCESS), ("TWINGATE_REFRESH_TOKEN", REFRESH)]
}

/// A folder of its own in the place of /etc, so that a Connector's may be put there.
pub fn own_etc(node: &Node) {
    node.must("cp", &["-a", "/etc", "/run/etc"], "");
    node.must("mount", &["--bind", "/run/etc", "/etc"], "");
}

fn assert_silent(text: &str, what: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{canary} stands in {what}:\n{text}");
    }
}

fn process(run: &Run) -> &serde_json::Value {
    let processes = &run.json["facts"]["host"]["connector"]["processes"];
    assert_eq!(processes.as_array().map(Vec::len), Some(1), "{run}");
    &processes[0]
}

#[test]
fn in_a_network_of_its_own_it_is_found_aged_and_measured_and_the_network_is_said_first() {
    let Some(world) = World::open(Net::plan("connector: own network"), 0.0) else { return };
    let host = &world.net.host;
    let begun = now();
    let script = "ulimit -n 1024; for i in {1..896}; do exec {fd}</dev/null; done";
    start(host, true, script, &whole());
    sleep(Duration::from_millis(300));
    for (run, root) in [(world.doctor(&[]), true), (world.doctor_as_nobody(&[]), false)] {
        // Root may read its network, too, whose Controller is not of this world.
        assert!(run.causes()[0] == "other-network" && run.causes().contains(&"fd-limit-low"), "{run}");
        assert!(root || run.causes().len() == 2, "{run}");
        assert_eq!(run.json["causes"][0]["confidence"], "certain", "{run}");
        let found = process(&run);
        let used = found["limits"]["open_files"].as_u64().expect("counted");
        assert!((896..=904).contains(&used), "{run}");
        assert_eq!(found["limits"]["open_files_soft"], 1024, "{run}");
        assert_eq!(run.outcome("host.limits"), "warn", "{run}");
        let age = run.detail("uptime_s").as_f64().expect("aged");
        assert!((0.2..=now().saturating_sub(begun).as_secs_f64() + 0.1).contains(&age), "{age}\n{run}");
        // What an ordinary user may not read is no fault, and not well either.
        assert_eq!(run.outcome("connector.config"), if root { "pass" } else { "skip" }, "{run}");
        assert_eq!(run.json["facts"]["run"]["network"], serde_json::json!(root.then_some("acme")), "{run}");
        assert_silent(&run.to_string(), "the report");
    }
    // The command that it names works, and there the networks are the same.
    let run = world.doctor(&[]);
    let command = run.json["causes"][0]["remedies"][0]["commands"][0].as_str().expect("a command");
    let pid = process(&run)["pid"].to_string();
    assert!(command.starts_with(&format!("sudo nsenter -t {pid} -n connector-doctor check")), "{command}");
    let inside = host.output("nsenter", &[&["-t", &pid, "-n", "/run/connector-doctor"], ALONE].concat(), "");
    let inside: serde_json::Value = serde_json::from_slice(&inside.stdout).expect("a report");
    assert_eq!(
        inside["facts"]["host"]["connector"]["processes"][0]["view"]["same_network"], true,
        "{inside}"
    );
}

#[test]
fn its_network_resolvers_and_relays_are_asked_by_default() {
    let Some(world) = World::open(Net::plan("connector: defaults").only_ipv4(), 0.0) else { return };
    let listener = world.net.inet.run(|| TcpListener::bind("198.51.100.1:30005").expect("a relay's port"));
    let connect = "exec 9<>/dev/tcp/198.51.100.1/30005";
    let variables = [
        ("TWINGATE_URL", "https://127.9.9.9.test:8443"),
        ("TWINGATE_ACCESS_TOKEN", ACCESS),
        ("TWINGATE_REFRESH_TOKEN", REFRESH),
        ("TWINGATE_DNS", "198.51.100.53"),
    ];
    start(&world.net.host, false, connect, &variables);
    let run = world.doctor(&["--skip", "services.tcp"]);
    let targets = run.json["facts"]["targets"].as_array().expect("targets");
    let target =
        |role: &str| targets.iter().find(|t| t["role"] == role).unwrap_or_else(|| panic!("no {role}\n{run}"));
    assert_eq!(target("relay")["host"], "198.51.100.1", "{run}");
    assert_eq!(target("relay")["origin"], "this host's Connector", "{run}");
    assert_eq!(target("controller")["host"], "127.9.9.9.test", "{run}");
    assert_eq!(run.outcome("relay.tcp"), "pass", "{run}");
    assert_eq!(run.outcome("connector.process"), "pass", "{run}");
    assert_eq!(run.json["facts"]["host"]["resolvers"][0]["address"], "198.51.100.53:53", "{run}");
    let named = world.doctor(&["--relay", "198.51.100.1:30006", "--network", "own"]);
    assert!(
        !named.stdout.contains("30005,\"origin\"") && named.json["facts"]["run"]["network"] == "own",
        "{named}"
    );
    drop(listener);
}

#[test]
fn no_token_stands_in_any_output() {
    let Some(world) = World::open(Net::plan("connector: canaries").only_ipv4(), 0.0) else { return };
    let host = &world.net.host;
    own_etc(host);
    host.must("mkdir", &["-p", "/etc/twingate"], "");
    let file = format!(
        "TWINGATE_NETWORK={REFRESH}\nTWINGATE_URL=https://{REFRESH}@acme.twingate.com/{ACCESS}\n{ACCESS}\n{REFRESH}={ACCESS}\n\
         TWINGATE_ACESS_TOKEN={ACCESS}\nTWINGATE_REFRESH_TOKEN={REFRESH}\nTWINGATE_LABEL_X={ACCESS}\nTWINGATE_DNS={ACCESS}\n"
    );
    host.write("/etc/twingate/connector.conf", &file);
    let variables =
        [("TWINGATE_NETWORK", ACCESS), ("TWINGATE_ACCESS_TOKEN", ACCESS), ("HTTPS_PROXY", REFRESH)];
    start(host, true, ":", &variables);
    let quick =
        ["--timeout", "500ms", "--stun", "198.51.100.1", "--ntp", "198.51.100.21", "--dns", "198.51.100.53"];
    for (loud, redact) in
        [("-v", "none"), ("-vv", "none"), ("-q", "none"), ("-vv", "default"), ("-vv", "strict")]
    {
        for format in FORMATS {
            let run =
                host.doctor(&[&["check", loud, "--redact", redact, "-f", format.name], &quick[..]].concat());
            assert!(!run.stdout.is_empty() && run.code == Some(1), "{}: {run}", format.name);
            assert_silent(&run.to_string(), &format!("{} {loud} {redact}", format.name));
        }
    }
    for arguments in [&["report", "--with-data"][..], &["plan"], &["plan", "--json"]] {
        let run = host.doctor(&[arguments, &quick[..]].concat());
        assert!(!run.stdout.is_empty(), "{run}");
        assert_silent(&run.to_string(), &arguments.join(" "));
    }
    // Variables of the doctor's own: what does not start says why, without the value.
    for variable in ["TWINGATE_NETWORK", "TWINGATE_URL"] {
        let mut command = host.doctor_command(&["check", "host.*"]);
        command.env("TWINGATE_ACCESS_TOKEN", ACCESS).env(variable, format!("https://{REFRESH}@x/{ACCESS}"));
        let output = host.end(host.spawn(command), "the doctor");
        assert_eq!(output.status.code(), Some(2));
        assert_silent(&String::from_utf8_lossy(&output.stderr), variable);
    }
    let run = host.doctor(ALONE);
    assert_eq!(run.outcome("connector.config"), "fail", "{run}");
    assert_eq!(run.check("connector.config")["caused_by"], "connector-misconfigured", "{run}");
}

#[test]
fn what_runs_not_is_stopped_and_what_is_hidden_is_not_judged() {
    let Some(net) = Net::plan("connector: hidden").up() else { return };
    let host = &net.host;
    own_etc(host);
    let unit = "/etc/systemd/system/twingate-connector.service";
    host.must("mkdir", &["-p", "/etc/systemd/system"], "");
    host.write(unit, "[Service]\nExecStart=/bin/sleep infinity\n");
    for run in [host.doctor(ALONE), host.doctor_as_nobody(ALONE)] {
        assert_eq!(run.outcome("connector.process"), "fail", "{run}");
        assert_eq!(run.check("connector.process")["caused_by"], "connector-stopped", "{run}");
    }
    start(host, false, ":", &whole());
    for run in [host.doctor(ALONE), host.doctor_as_nobody(ALONE)] {
        assert_eq!(run.outcome("connector.process"), "pass", "{run}");
    }
    // hidepid: root sees all, others themselves alone.
    host.must("mount", &["-o", "remount,hidepid=2", "/proc"], "");
    assert_eq!(host.doctor(ALONE).outcome("connector.process"), "pass");
    let hidden = host.doctor_as_nobody(ALONE);
    assert_eq!(hidden.outcome("connector.process"), "skip", "{hidden}");
    assert!(
        hidden.check("connector.process").to_string().contains("sudo connector-doctor check"),
        "{hidden}"
    );
    // Without /proc there is less, and no fault.
    host.must("umount", &["-l", "/proc"], "");
    host.must("mount", &["-t", "tmpfs", "tmpfs", "/proc"], "");
    for run in [host.doctor(ALONE), host.doctor_as_nobody(ALONE)] {
        assert_eq!(run.outcome("connector.process"), "skip", "{run}");
        assert!(!run.causes().contains(&"connector-stopped"), "{run}");
    }
}
