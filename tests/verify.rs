//! A cause's own `verify` command: it fails while the fault stands, and ends well once it is mended.
//!
//! For each scenario of the lab that has a cause: the served lab's options make a report, its first cause prints the
//! command; pasted it exits 1; with the options of a healthy lab in their place it exits 0.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use connector_doctor::lab::scenario::{SCENARIOS, Scenario};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_connector-doctor");

fn doctor(words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(words).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
    command
}

/// A lab that is served until it is dropped.
struct Lab {
    process: Child,
    dir: PathBuf,
    /// The options of `check` that lead there.
    options: String,
}

impl Lab {
    #[expect(clippy::disallowed_methods, reason = "the test's own clock")]
    fn serve(scenario: &str, label: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("cd-verify-{}-{scenario}-{label}", std::process::id()));
        let words = ["lab", "--serve", scenario, "--dir", &dir.to_string_lossy()];
        let process =
            doctor(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the lab starts");
        let begun = Instant::now();
        let options = loop {
            let whole =
                fs::read_to_string(dir.join("check-command")).ok().filter(|text| text.ends_with('\n'));
            if let Some(command) = whole {
                let options = command.trim().strip_prefix("connector-doctor check ");
                break options.expect("its options").to_owned();
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "{scenario} is not up");
            std::thread::sleep(Duration::from_millis(50));
        };
        Self { process, dir, options }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // What is gone already needs no end.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Runs a printed command as a shell reads it, without waiting for better days.
fn paste(command: &str) -> Output {
    let (head, rest) = command.split_once("connector-doctor check").expect("a check");
    assert!(head.is_empty() || head == "sudo ", "{command}");
    let mut words: Vec<&str> = rest.split_whitespace().collect();
    if let Some(at) = words.iter().position(|word| *word == "--wait") {
        words.drain(at..at + 2);
    }
    let line = format!("exec '{BINARY}' check {}", words.join(" "));
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
    shell.output().expect("a shell")
}

fn told(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// What is wrong with the first cause's command, or nothing.
fn verified(scenario: &Scenario) -> Result<(), String> {
    let broken = Lab::serve(scenario.name, "broken");
    let words: Vec<&str> = ["check"].into_iter().chain(broken.options.split(' ')).chain(["--json"]).collect();
    let out = doctor(&words).output().expect("runs");
    let report: Value =
        serde_json::from_slice(&out.stdout).map_err(|why| format!("{why}: {}", told(&out)))?;
    let code = scenario.cause.map(connector_doctor::model::CauseCode::as_str);
    let causes = report["causes"].as_array().cloned().unwrap_or_default();
    let Some(cause) = causes.iter().find(|cause| cause["code"].as_str() == code) else {
        return Err(format!("{code:?} is not found: {causes:?}"));
    };
    let verify = cause["verify"].as_str().unwrap_or_default();
    if !verify.contains("--controller") || !verify.contains("--ca-file") {
        return Err(format!("it tests another thing than the run: {verify}"));
    }
    let before = paste(verify);
    if before.status.code() != Some(1) {
        return Err(format!(
            "exit {:?} while the fault stands: {verify}\n{}",
            before.status.code(),
            told(&before)
        ));
    }
    // The healthy lab has no Resources: what mends one is tried in tests/netns/resource.
    if verify.contains("--resource") {
        return Ok(());
    }
    let healthy = Lab::serve("healthy", scenario.name);
    // Option by option, as each lab prints them: the same servers mended.
    let of: BTreeMap<&str, &str> = broken.options.split(' ').zip(healthy.options.split(' ')).collect();
    let mended: Vec<&str> = verify.split(' ').map(|word| of.get(word).copied().unwrap_or(word)).collect();
    let mended = mended.join(" ");
    if mended.contains(broken.dir.to_string_lossy().as_ref()) {
        return Err(format!("the broken lab is still in it: {mended}"));
    }
    let after = paste(&mended);
    if after.status.code() != Some(0) {
        return Err(format!("exit {:?} once it is mended: {mended}\n{}", after.status.code(), told(&after)));
    }
    Ok(())
}

#[test]
fn a_causes_verify_command_fails_while_the_fault_stands_and_ends_well_once_it_is_mended() {
    let broken: Vec<&Scenario> = SCENARIOS.iter().filter(|scenario| scenario.cause.is_some()).collect();
    assert!(broken.len() >= 12, "{} scenarios", broken.len());
    let mut wrong = Vec::new();
    // Four at a time: silence takes its time, and the machine is small.
    for some in broken.chunks(4) {
        std::thread::scope(|scope| {
            let running: Vec<_> =
                some.iter().map(|scenario| (scenario.name, scope.spawn(|| verified(scenario)))).collect();
            for (name, thread) in running {
                if let Err(why) = thread.join().expect("ends") {
                    wrong.push(format!("{name}: {why}"));
                }
            }
        });
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), broken.len(), wrong.join("\n"));
}
