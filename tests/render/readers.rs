//! What other people's readers make of our formats: promtool, an XML parser, a JSON Schema validator.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use connector_doctor::env::Env;
use connector_doctor::model::finding::Status;
use connector_doctor::model::report::Report;
use connector_doctor::render::redact::Level;
use connector_doctor::render::{self, Style};
use serde_json::Value;

use super::{hostile, redacted, reports, samples};

/// Where a program of a Debian package stands; none, loudly, where it is not installed, and never in CI.
#[expect(clippy::print_stderr, reason = "a skip is loud")]
pub(crate) fn program(package: &str, name: &str) -> Option<String> {
    let path = format!("/usr/bin/{name}");
    if Path::new(&path).exists() {
        return Some(path);
    }
    assert_ne!(Env::system().var("CI"), Some("true"), "{name} is missing: install {package}");
    eprintln!("SKIPPED: {name} is missing, so what it makes of our output was not tried: install {package}");
    None
}

fn read_by(path: &str, arguments: &[&str], text: &str) -> Output {
    let mut command = Command::new(path);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A reader that stops early has said why.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait_with_output().unwrap()
}

/// The samples, one of great length, and those with hostile text in every string.
fn all() -> impl Iterator<Item = (&'static str, Report)> {
    samples().into_iter().chain([("huge", reports::huge())]).chain(hostile::filled())
}

#[test]
fn promtool_accepts_the_metrics() {
    let Some(promtool) = program("prometheus", "promtool") else { return };
    for (name, report) in all() {
        for (word, level) in Level::ALL {
            let text = render::prometheus::render(&redacted(&report, level), &Style::default());
            let output = read_by(&promtool, &["check", "metrics"], &text);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{name} {word}: {said}");
            assert!(
                !text.contains("198.51.100") && !text.contains("conn-ams-1"),
                "{name} tells an address or a name"
            );
        }
    }
    // The reader itself must be able to refuse.
    assert!(!read_by(&promtool, &["check", "metrics"], "a{b=\"c} 1\n").status.success());
}

#[test]
fn an_xml_reader_counts_the_same_failures() {
    const COUNT: &str = "import sys, xml.etree.ElementTree as e\n\
                         t = e.fromstring(sys.stdin.buffer.read())\n\
                         c = t.findall('testsuite/testcase')\n\
                         print(len(c), len(t.findall('*/*/failure')), len(t.findall('*/*/skipped')))";
    let Some(python) = program("python3", "python3") else { return };
    for (name, report) in all() {
        for (word, level) in Level::ALL {
            let text = render::junit::render(&redacted(&report, level), &Style::default());
            let output = read_by(&python, &["-c", COUNT], &text);
            let of = |status| report.checks.iter().filter(|check| check.counted() == status).count();
            // What is accepted counts as skipped.
            let skipped = of(Status::Skip) + of(Status::Unknown);
            let expected = format!("{} {} {skipped}\n", report.checks.len(), of(Status::Fail));
            assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{name} {word}");
        }
    }
}

/// Reads a schema and documents, one a line; says of each whether it is valid. Beyond what the schema says, no object
/// may have a key that is not described: readers accept what a later version adds, we describe all that we write.
const VALIDATE: &str = "
import sys, json, jsonschema
def closed(s):
    if isinstance(s, dict):
        if 'properties' in s: s.setdefault('additionalProperties', False)
        for inner in s.values(): closed(inner)
    if isinstance(s, list):
        for inner in s: closed(inner)
    return s
lines = sys.stdin.buffer.read().decode().splitlines()
schema = json.loads(lines[0])
kind = jsonschema.validators.validator_for(schema)
kind.check_schema(schema)
print(kind.__name__)
valid = kind(closed(schema))
for line in lines[1:]:
    print(next((e.json_path + ': ' + e.message[:300] for e in valid.iter_errors(json.loads(line))), 'valid'))
";

#[test]
fn a_validator_finds_the_json_to_follow_the_schema() {
    let Some(python) = program("python3", "python3") else { return };
    if program("python3-jsonschema", "jsonschema").is_none() {
        return;
    }
    let value = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    let mut told = vec![value(&render::schema::render())];
    for (_, report) in samples().into_iter().chain(hostile::filled()) {
        for (_, level) in Level::ALL {
            told.push(value(&render::json::render(&redacted(&report, level), &Style::default())));
        }
    }
    // And what runs write, each fault's facts with it.
    for scenario in connector_doctor::lab::scenario::SCENARIOS {
        let words = ["lab", scenario.name, "--json"];
        let run = Command::new(env!("CARGO_BIN_EXE_connector-doctor")).args(words).output().unwrap();
        told.push(value(&String::from_utf8_lossy(&run.stdout)));
    }
    let sound = told.len() - 1;
    // The validator itself must be able to refuse.
    for break_it in [
        |report: &mut Value| report["verdict"] = "splendid".into(),
        |report: &mut Value| report["checks"][0]["more"] = 1.into(),
        |report: &mut Value| drop(report["checks"][0].as_object_mut().unwrap().remove("caused_by")),
        |report: &mut Value| report["facts"]["host"]["uid"] = "root".into(),
    ] {
        let mut broken = told[1].clone();
        break_it(&mut broken);
        told.push(broken);
    }
    let text = told.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let output = read_by(&python, &["-c", VALIDATE], &text);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), told.len(), "{said} {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(lines[0], "Draft202012Validator");
    assert!(lines[1..=sound].iter().all(|line| *line == "valid"), "{said}");
    assert!(lines[sound + 1..].iter().all(|line| *line != "valid"), "{said}");
}
