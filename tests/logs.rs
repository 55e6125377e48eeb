//! `logs` as people and scripts run it: real-looking logs of every form to causes, and no secret in any output.

#[path = "logs/field.rs"]
mod field;
#[path = "logs/forty.rs"]
mod forty;
#[path = "logs/wrap.rs"]
mod wrap;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use connector_doctor::connector::log::signatures::{Weight, rows};
use connector_doctor::render::FORMATS;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_connector-doctor");

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn logs(words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("logs").args(words).env_clear().stdin(Stdio::null());
    command
}

/// The program with a log in its pipe.
fn piped(words: &[&str], log: &[u8]) -> Output {
    let mut child = logs(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    // What it refuses to start with, it does not read.
    let _ = child.stdin.take().expect("a pipe").write_all(log);
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Outcome of the one check, the causes' codes, and the exit code.
fn judged(output: &Output) -> (String, Vec<String>, Option<i32>) {
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let checks = report["checks"].as_array().expect("checks");
    assert_eq!(
        checks.iter().map(|c| c["id"].as_str().unwrap_or_default()).collect::<Vec<_>>(),
        ["connector.log"]
    );
    let causes = report["causes"].as_array().expect("causes").iter();
    let causes = causes.map(|cause| cause["code"].as_str().unwrap_or_default().to_owned()).collect();
    (checks[0]["outcome"].as_str().unwrap_or_default().to_owned(), causes, output.status.code())
}

/// File, outcome, causes.
const FIXTURES: &[(&str, &str, &[&str])] = &[
    ("tokens-gone.docker.log", "fail", &["connector-tokens-rejected"]),
    ("tokens-gone-recovered.docker.log", "pass", &[]),
    ("invalid-token.journal.log", "fail", &["clock-skew"]),
    ("clock-behind.docker.log", "fail", &["clock-skew"]),
    ("clock-behind.powershell.log", "fail", &["clock-skew"]),
    ("relays.short-precise.log", "fail", &["relay-ports-blocked"]),
    ("nameservers.kubectl.log", "fail", &["dns-unreachable"]),
    ("nameservers-back.kubectl.log", "pass", &[]),
    ("files.none.log", "fail", &["fd-exhausted"]),
    ("flapping.json.log", "warn", &["connector-flapping"]),
    ("stun.absolute.log", "warn", &["udp-blocked"]),
    ("stun.relative.log", "warn", &["udp-blocked"]),
    ("controller-503.compose.log", "fail", &["controller-down"]),
    ("controller-timeout.cri.log", "fail", &["controller-port-blocked"]),
    ("events.docker-json.log", "warn", &["connector-stuck"]),
    ("events-benign.docker.log", "pass", &[]),
    ("memory.short-full.log", "fail", &["host-exhausted"]),
    ("disk.short-iso.log", "fail", &["host-exhausted"]),
    ("token-empty.none.log", "fail", &["connector-misconfigured"]),
    ("export.journal.log", "fail", &["connector-tokens-rejected"]),
    ("healthy.debug.log", "pass", &[]),
    ("two-faults.mixed.log", "fail", &["fd-exhausted", "connector-tokens-rejected"]),
];

fn fixture(name: &str) -> PathBuf {
    package().join("tests/fixtures/logs").join(name)
}

#[test]
fn every_fixture_gives_its_cause_and_every_fixture_is_in_the_table() {
    let mut wrong = Vec::new();
    for (name, outcome, causes) in FIXTURES {
        let path = fixture(name);
        let output = logs(&[path.to_str().expect("UTF-8"), "--json"]).output().expect("it runs");
        let exit = Some(i32::from(*outcome == "fail"));
        let got = judged(&output);
        let expected =
            ((*outcome).to_owned(), causes.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>(), exit);
        if got != expected {
            wrong.push(format!("{name}: {got:?}, expected {expected:?}"));
        }
        // A pipe is judged as a file is.
        let log = std::fs::read(&path).expect("a fixture");
        assert_eq!(judged(&piped(&["-", "--json"], &log)), got, "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let files = std::fs::read_dir(fixture("")).expect("fixtures").flatten().map(|e| e.file_name());
    let files: Vec<String> =
        files.filter_map(|f| f.into_string().ok()).filter(|f| f.rsplit('.').next() == Some("log")).collect();
    assert_eq!(files.len(), FIXTURES.len(), "{files:?}");
}

#[test]
fn the_clocks_error_is_told_with_its_figure_the_times_and_the_count_of_a_failure() {
    let said =
        |name: &str| text(&logs(&[fixture(name).to_str().expect("UTF-8")]).output().expect("it runs").stdout);
    let clock = said("clock-behind.docker.log");
    assert!(clock.contains("at least 8.000 s BEHIND"), "{clock}");
    let tokens = said("invalid-token.journal.log");
    assert!(
        tokens.contains("3 times") && tokens.contains("2026-11-24T13:50:00") || tokens.contains("T13:50:00"),
        "{tokens}"
    );
}

#[test]
fn what_is_no_log_or_cannot_be_read_is_never_good() {
    let exit = |output: &Output| output.status.code();
    let no_log = piped(&["-", "--json"], b"root:x:0:0:root:/root:/bin/sh\n");
    assert_eq!(judged(&no_log), ("unknown".to_owned(), vec![], Some(3)));
    assert_eq!(judged(&piped(&["-", "--json"], b"")), ("unknown".to_owned(), vec![], Some(3)));
    let gone = logs(&["/nonexistent/connector.log"]).output().expect("it runs");
    assert_eq!(exit(&gone), Some(2));
    assert!(gone.stdout.is_empty() && text(&gone.stderr).lines().count() == 1, "{}", text(&gone.stderr));
    assert_eq!(exit(&logs(&["/"]).output().expect("it runs")), Some(2));
    assert_eq!(exit(&logs(&["--stun", "a.test", "x"]).output().expect("it runs")), Some(2));
}

#[test]
fn lines_of_ten_megabytes_and_binary_rubbish_do_not_hide_a_failure() {
    let mut log = b"2026-11-24T13:50:00Z [DEBUG] [connector] ".to_vec();
    log.resize(10_000_000, b'x');
    log.extend_from_slice(b"\n2026-11-24T13:50:00Z [ERROR] [controller] failed to get SD: Gone, code 410\n");
    let rubbish = (0_u32..3_000_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8);
    log.extend(rubbish);
    let (outcome, causes, exit) = judged(&piped(&["-", "--json"], &log));
    assert_eq!(
        (outcome.as_str(), causes.as_slice(), exit),
        ("fail", &["connector-tokens-rejected".to_owned()][..], Some(1))
    );
}

/// Secrets of several forms, in all the places where a log may have them.
#[test]
fn no_token_is_in_any_output() {
    let secrets = [
        "eyJhbGciOiJFUzI1NiIsImtpZCI6ImNhbmFyeSJ9.eyJpYXQiOjE3OTU1NTYzOTcsInN1YiI6ImNhbmFyeSJ9.Y2FuYXJ5LXNpZ25hdHVyZQ",
        "Zk3Q9vX2mT7yLp0RsW8uBn5CdE1fGh4JkA6oI-cAnArY_x",
        "0123456789abcdef0123456789abcdefcafebabe",
        "Y2FuYXJ5IHJlZnJlc2ggdG9rZW4gb2YgdGhlIGNvbm5lY3Rvcg==",
    ];
    let mut log = Vec::new();
    for (n, secret) in secrets.iter().enumerate() {
        for row in rows() {
            for (word, also) in row.words {
                let also = also.join(" ");
                for line in [
                    format!("{word} {also} {secret}"),
                    format!("{secret} {word} {also}"),
                    format!("{word}{secret} {also}"),
                    format!("{word} {also} https://acme.twingate.com/api?access_token={secret}&x=1"),
                    format!("{word} {also} https://user:{secret}@acme.twingate.com/"),
                    format!(
                        "{word} {also} {{\"access_token\":\"{secret}\",\"refresh_token\": \"{secret}\"}}"
                    ),
                    format!("{{\"log\":\"{word} {also} \\\"refresh_token\\\":\\\"{secret}\\\"\\n\"}}"),
                    format!("TWINGATE_REFRESH_TOKEN={secret} {word} {also}"),
                    format!("Authorization: Bearer {secret} {word} {also}"),
                    // Cut in the middle, as runtimes cut long lines.
                    format!(
                        "{word} {also} {}\n{} {word} {also}",
                        &secret[..secret.len() / 2],
                        &secret[secret.len() / 2..]
                    ),
                    format!("{} {word} {also} {secret}", "long ".repeat(120)),
                    format!("set_state: switching from \"Ready\" to \"{secret}\""),
                ] {
                    log.extend_from_slice(
                        format!("2026-11-24T13:{n:02}:00Z [ERROR] [connector] {line}\n").as_bytes(),
                    );
                }
            }
        }
    }
    let parts: Vec<&[u8]> = secrets.iter().flat_map(|secret| secret.as_bytes().windows(10)).collect();
    let clean = |output: &Output, what: &str| {
        for stream in [&output.stdout, &output.stderr] {
            for part in &parts {
                let found = stream.windows(part.len()).any(|window| window == *part);
                assert!(!found, "{what}: {} in {}", text(part), text(stream));
            }
        }
    };
    // Line by line, since of each signature the last line is kept; then all at once, in every format and loudness.
    let every = log.split(|b| *b == b'\n').filter(|line| !line.is_empty()).collect::<Vec<_>>();
    for chunk in every.chunks(97) {
        clean(&piped(&["-", "--json"], &chunk.join(&b'\n')), "a part");
    }
    for format in FORMATS {
        for loudness in ["-q", "-v", "-vv"] {
            for level in ["none", "default", "strict"] {
                let output = piped(&["-", "-f", format.name, loudness, "--redact", level], &log);
                assert!(matches!(output.status.code(), Some(1)), "{}", text(&output.stderr));
                clean(&output, format.name);
            }
        }
    }
    // Errors name what was said on the command line, never what stands in the file.
    clean(&piped(&["-", "--json", "--width", "x"], &log), "an error");
}

#[test]
fn the_page_of_signatures_is_the_table() {
    let path = package().join("docs/logs.md");
    let page = std::fs::read_to_string(&path).expect("docs/logs.md");
    let (head, _) = page.split_once("| --- | --- | --- | --- | --- |\n").expect("a table");
    let mut table = format!("{head}| --- | --- | --- | --- | --- |\n");
    for row in rows() {
        let worth = match row.weight {
            Weight::Note => "note",
            Weight::Warn => "warn",
            Weight::Fail => "fail",
        };
        let incident = match (row.times, row.within_s) {
            (1, _) => "1 line".to_owned(),
            (times, s) => format!("{times} lines in {} min", s / 60),
        };
        let name = serde_json::to_value(row.signature).expect("a name");
        let name = name.as_str().expect("a string");
        table.extend([
            "| `", name, "` | ", row.shows, " | ", worth, " | ", &incident, " | ", row.source, " |
",
        ]);
    }
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not of the tool")]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).expect("the page is written");
        return;
    }
    assert_eq!(page, table, "UPDATE_GOLDEN=1 renews it");
}
