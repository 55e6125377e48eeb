//! The doctor as users start it, in a node; what it printed, how it ended, how long it took.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use serde_json::Value;

use super::gate::now;
use super::node::Node;

const BINARY: &str = "/run/connector-doctor";
/// The user and group `nobody` of Debian.
const NOBODY: u32 = 65_534;

/// The binary that is tried: `DOCTOR_BINARY`, such as a static one, else the one built with the tests.
fn built() -> String {
    super::variable("DOCTOR_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_connector-doctor").to_owned())
}

/// A run of the doctor that ended.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// From the start of the process to its end.
    pub wall: Duration,
    /// The report, `Null` where standard output is no JSON.
    pub json: Value,
}

impl Run {
    /// One of the six details.
    pub fn detail(&self, key: &str) -> &Value {
        let value = &self.json["connector_details"][key];
        assert!(self.json["connector_details"].get(key).is_some(), "no detail {key}\n{self}");
        value
    }

    /// A check's row.
    pub fn check(&self, id: &str) -> &Value {
        let checks = self.json["checks"].as_array().unwrap_or_else(|| panic!("no checks\n{self}"));
        checks.iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("no check {id}\n{self}"))
    }

    pub fn outcome(&self, id: &str) -> &str {
        self.check(id)["outcome"].as_str().expect("a string")
    }

    /// The causes' codes, first things first; notices apart.
    pub fn causes(&self) -> Vec<&str> {
        self.codes(|severity| severity != "notice")
    }

    pub fn notices(&self) -> Vec<&str> {
        self.codes(|severity| severity == "notice")
    }

    fn codes(&self, wanted: impl Fn(&str) -> bool) -> Vec<&str> {
        let causes = self.json["causes"].as_array().unwrap_or_else(|| panic!("no causes\n{self}"));
        let severity = |c: &Value| c["severity"].as_str().unwrap_or_default().to_owned();
        causes.iter().filter(|c| wanted(&severity(c))).filter_map(|c| c["code"].as_str()).collect()
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {:?} after {:?}\n{}\n{}", self.code, self.wall, self.stdout, self.stderr)
    }
}

impl Node {
    /// Runs the doctor as root.
    pub fn doctor(&self, arguments: &[&str]) -> Run {
        self.start(arguments, None)
    }

    /// Runs the doctor as `nobody`.
    pub fn doctor_as_nobody(&self, arguments: &[&str]) -> Run {
        self.start(arguments, Some(NOBODY))
    }

    /// A command that runs the doctor here: an empty environment, and a path that every user may walk.
    pub fn doctor_command(&self, arguments: &[&str]) -> Command {
        self.run(|| {
            if !fs::exists(BINARY).expect("/run") {
                fs::write(BINARY, "").expect("/run is the node's own");
                mount(Some(built().as_str()), BINARY, None::<&str>, MsFlags::MS_BIND, None::<&str>)
                    .expect("the built binary");
            }
        });
        let mut command = Command::new(BINARY);
        command.args(arguments).env_clear().current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self, arguments: &[&str], user: Option<u32>) -> Run {
        let mut command = self.doctor_command(arguments);
        if let Some(id) = user {
            command.uid(id).gid(id);
        }
        let started = now();
        let child = self.spawn(command);
        let output = self.end(child, "the doctor");
        let wall = now().saturating_sub(started);
        let stdout = String::from_utf8(output.stdout).expect("UTF-8 on stdout");
        let json = serde_json::from_str(&stdout).unwrap_or(Value::Null);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Run { code: output.status.code(), stdout, stderr, wall, json }
    }
}
