//! A week that was kept, told: in the terminal, as JSON, as a page, and by the program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use connector_doctor::env::Env;
use connector_doctor::model::Verdict;
use connector_doctor::model::history::History;
use connector_doctor::render::Style;
use connector_doctor::render::history::{json, page, terminal};
use connector_doctor::watch::history::{history, load};
use connector_doctor::watch::record::{Begun, Ended, NewEvent, NewState, Record, Sampled, state};
use connector_doctor::watch::store::{Reader, Retention, Writer};

const S: i64 = 1_000_000_000;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// 2026-11-17T00:00:00Z.
const START_S: i64 = 1_794_873_600;

/// A folder of this test's own, made anew.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

/// What held in the made-up week, `t` seconds after its beginning.
fn values(t: i64) -> Vec<(&'static str, &'static str, Option<&'static str>)> {
    let within = |from: i64, seconds: i64| (from..from + seconds).contains(&t);
    let blocked = within(DAY + 4 * HOUR, 25 * 60).then_some("controller-port-blocked");
    let dark = within(5 * DAY + 12 * HOUR, 3 * HOUR).then_some("egress-blocked");
    let udp = within(3 * DAY + HOUR, 10 * HOUR).then_some("udp-blocked");
    let judged = |cause: Option<&'static str>, bad| (if cause.is_some() { bad } else { "pass" }, cause);
    let (tcp, tcp_cause) = judged(dark.or(blocked), "fail");
    let (http, http_cause) = judged(dark.or(blocked), "skip");
    let (stun, stun_cause) = judged(dark.or(udp), "fail");
    let ipv4 = match t {
        _ if stun == "fail" => "",
        t if t < 3 * DAY + 11 * HOUR => "198.51.100.200",
        _ => "203.0.113.7",
    };
    let wiki = within(2 * DAY + 6 * HOUR, 40 * 60).then_some("resource-refused");
    let (wiki, wiki_cause) = judged(wiki, "fail");
    let mapping = if t < 6 * DAY { "pass" } else { "warn" };
    let started = match t {
        t if t < 2 * DAY => "1794000000",
        t if t < 6 * DAY => "1795046400",
        _ => "1795392000",
    };
    vec![
        ("controller.tcp", tcp, tcp_cause),
        ("controller.http", http, http_cause),
        ("stun.discovery", stun, stun_cause),
        ("stun.mapping", mapping, (mapping == "warn").then_some("nat-endpoint-dependent")),
        ("resource Wiki", wiki, wiki_cause),
        (state::IPV4, ipv4, None),
        (state::CONNECTOR, started, None),
    ]
}

/// Sessions from and to, seconds; the boot; how they end.
const SESSIONS: [(i64, i64, &str, Option<Ended>); 4] = [
    (0, 2 * DAY + 3 * HOUR, "one", Some(Ended::Stopped)),
    (2 * DAY + 3 * HOUR + 1200, 4 * DAY, "one", Some(Ended::Paused)),
    (4 * DAY + 2 * HOUR, 5 * DAY, "one", None),
    (5 * DAY + 300, 7 * DAY, "two", None),
];

fn began(at_s: i64, first_of_run: bool, boot: &str) -> Record {
    Record::Began(Begun {
        first_of_run,
        boot_id: boot.to_owned(),
        version: "0.1.0".to_owned(),
        every: Duration::from_mins(1),
        boot: Duration::from_hours(1),
        started_ns: at_s * S,
        by_reference: true,
    })
}

/// The made-up week, kept by the real writer, a sample a minute; it ends at `end_s`.
fn keep(path: &Path, end_s: i64) {
    let start_ns = (end_s - 7 * DAY) * S;
    let mut writer = Writer::open(path).expect("a store");
    for (n, (from, to, boot, ended)) in SESSIONS.into_iter().enumerate() {
        let started_ns = start_ns + from * S;
        let mut records = vec![began(end_s - 7 * DAY + from, n != 2, boot)];
        let mut before = Vec::new();
        for t in (from..=to).step_by(60) {
            let now = values(t);
            let fresh = now.iter().filter(|value| !before.contains(*value));
            let states = fresh.map(|(name, value, cause)| NewState {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
                cause: cause.map(str::to_owned),
                settled: true,
            });
            // 8 ppm behind; set by the reboot, then 12 ppm ahead.
            let offset_s = if boot == "one" { 0.2 - 8e-6 * t as f64 } else { 12e-6 * (t - 5 * DAY) as f64 };
            let noise_s = 0.004 * ((t / 60 * 7 % 5) as f64 - 2.0) / 2.0;
            let measures = vec![
                ("clock.offset.offset_s".to_owned(), offset_s + noise_s),
                ("clock.offset.error_s".to_owned(), 0.012),
            ];
            let stepped = t == 4 * DAY + 3 * HOUR;
            let step = NewEvent {
                kind: "clock-step",
                seconds: Some(-3600.0),
                text: "the wall clock was set back by 1 h".to_owned(),
            };
            records.push(Record::Sampled(Box::new(Sampled {
                after: Duration::from_secs((t - from).unsigned_abs()),
                started_ns,
                by_reference: true,
                wall_ns: start_ns + t * S,
                took: Duration::from_millis(400),
                full: true,
                verdict: Verdict::Healthy,
                states: states.collect(),
                settled: Vec::new(),
                measures,
                events: stepped.then_some(step).into_iter().collect(),
                facts: None,
            })));
            before = now;
        }
        records.extend(ended.map(Record::Ended));
        for some in records.chunks(1000) {
            writer.keep(some).expect("kept");
        }
    }
    writer.thin(end_s * S, &Retention::default()).expect("thinned");
}

fn week(name: &str) -> History {
    let path = folder(name).join("watch.db");
    keep(&path, START_S + 7 * DAY);
    let reader = Reader::open(&path).expect("it is there");
    let wall_ns = (START_S + 7 * DAY + 20) * S;
    let loaded = load(&reader, Duration::from_hours(24 * 7), wall_ns).expect("it is read");
    history(&loaded.rows, loaded.since, loaded.now)
}

/// Compares with a file that is written anew with `UPDATE_GOLDEN=1`.
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/history").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, text).expect("written");
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{name} changed; UPDATE_GOLDEN=1 writes it anew:\n{text}");
}

#[test]
fn a_week_in_the_terminal() {
    let told = week("history-terminal");
    let text = terminal::render(&told, &Style::default());
    assert_golden("week.human", &text);
    for width in [40, 80, 132] {
        let text = terminal::render(&told, &Style { width, ..Style::default() });
        assert!(text.is_ascii());
        let longest = text.lines().map(str::len).max().unwrap_or(0);
        assert!(longest <= width, "{longest} of {width}:\n{text}");
    }
}

#[test]
fn a_week_as_json_has_the_contracts_keys() {
    let told = week("history-json");
    let text = json(&told);
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["since"], "2026-11-17T00:00:20Z");
    assert_eq!(value["until"], "2026-11-24T00:00:00Z");
    let down = 25.0 * 60.0 + 3.0 * 3600.0;
    assert_eq!(value["controller"]["downtime_s"], down);
    let incident = |n: usize| &value["controller"]["incidents"][n];
    assert_eq!(incident(0)["started_at"], "2026-11-18T04:00:00Z");
    assert_eq!(incident(0)["ended_at"], "2026-11-18T04:25:00Z");
    assert_eq!(incident(0)["cause"], "controller-port-blocked");
    assert_eq!(incident(1)["cause"], "egress-blocked");
    assert_eq!(value["stun"]["downtime_s"], 13.0 * 3600.0);
    // A Resource's downtime is its own: it is not the Controller's.
    let wiki = &value["resources"][0];
    assert_eq!((&wiki["name"], &wiki["downtime_s"]), (&"Wiki".into(), &(40.0 * 60.0).into()));
    assert_eq!(wiki["incidents"][0]["cause"], "resource-refused");
    assert_eq!(wiki["incidents"][0]["started_at"], "2026-11-19T06:00:00Z");
    let gaps: Vec<&str> =
        value["gaps"].as_array().expect("gaps").iter().filter_map(|gap| gap["reason"].as_str()).collect();
    assert_eq!(gaps, ["stopped", "paused", "reboot"]);
    let unseen = 1200.0 + 7200.0 + 300.0;
    let up = 7.0 * 86_400.0 - 20.0 - unseen - down;
    assert_eq!(value["controller"]["uptime_s"], up);
    assert_eq!(value["process"]["uptime_s"], up + down);
    assert_eq!(value["process"]["restarts"].as_array().map(Vec::len), Some(2));
    assert_eq!(value["time_offset"]["last_error_s"], 0.012);
    let drift = value["time_offset"]["drift_ppm"].as_f64().expect("a drift");
    assert!((drift - 12.0).abs() < 0.1, "{drift}");
    let addresses: Vec<&str> = value["addresses"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["address"].as_str())
        .collect();
    assert_eq!(addresses, ["198.51.100.200", "203.0.113.7"]);
    assert_eq!(value["nat"][1]["mapping"], "endpoint-dependent");
    assert_eq!(value["watch"]["clock_steps"][0]["step_s"], -3600.0);
    assert_eq!(value["watch"]["starts"], 2, "the first one began before");
    let mut keys = Vec::new();
    names(&value, "", &mut keys);
    assert_golden("keys", &(keys.join("\n") + "\n"));
}

/// Every key of a JSON value, with the first of each list.
fn names(value: &serde_json::Value, path: &str, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                names(value, &format!("{path}.{key}"), out);
            }
        }
        serde_json::Value::Array(list) => {
            if let Some(first) = list.first() {
                names(first, &format!("{path}[]"), out);
            }
        }
        _ => out.push(path.trim_start_matches('.').to_owned()),
    }
}

#[test]
fn a_week_as_a_page_fetches_nothing_and_runs_nothing() {
    let told = week("history-page");
    let text = page::render(&told);
    fs::write(folder("history-page-file").join("week.html"), &text).expect("written");
    assert_eq!(text.matches("<svg").count(), 4, "two charts, wide and narrow");
    for word in ["<script", "src=", "href=", "@import", "url(", "style=", " on"] {
        let found = text.match_indices(word).filter(|(at, _)| {
            // ` on` is a word, too; what is meant is an attribute.
            word != " on" || text[*at..].starts_with(" onload") || text[*at..].starts_with(" onclick")
        });
        assert_eq!(found.count(), 0, "{word}");
    }
    for word in ["controller-port-blocked", "203.0.113.7", "the watch was stopped", "default-src"] {
        assert!(text.contains(word), "{word}");
    }
    assert!(text.len() < 200_000, "{}", text.len());
}

/// The program with an environment of its own.
fn run(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector-doctor"));
    command.arg("history").args(words).env_clear().stdin(Stdio::null());
    command.output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn the_program_tells_prints_and_writes_what_was_asked_for() {
    let dir = folder("history-program");
    let store = dir.join("watch.db").to_string_lossy().into_owned();
    keep(&dir.join("watch.db"), Env::system().wall_ns() / S);
    let human = run(&["--store", &store]);
    let (stdout, stderr) = (text(&human.stdout), text(&human.stderr));
    assert_eq!((human.status.code(), stderr.as_str()), (Some(0), ""));
    for line in [
        "| Controller     | 97.93",
        "Controller, 25 min: controller-port-blocked",
        "20 min, the watch was stopped",
    ] {
        assert!(stdout.contains(line), "{line} is not in\n{stdout}");
    }
    let json = |since: &str| -> serde_json::Value {
        let out = run(&["--store", &store, "--since", since, "--json"]);
        assert_eq!(text(&out.stderr), "");
        serde_json::from_slice(&out.stdout).expect("stdout is JSON alone")
    };
    assert_eq!(json("8d")["controller"]["incidents"].as_array().map(Vec::len), Some(2));
    assert_eq!(json("2d")["controller"]["incidents"].as_array().map(Vec::len), Some(1));
    assert_eq!(json("1h")["controller"]["downtime_s"], 0.0);
    // Every observation where the time is short, minutes where it is long: the same clock.
    let offset = |since: &str| json(since)["time_offset"]["drift_ppm"].as_f64().expect("a drift");
    assert!((offset("5h") - 12.0).abs() < 1.0 && (offset("7d") - 12.0).abs() < 0.1);

    let page = dir.join("week.html").to_string_lossy().into_owned();
    let out = run(&["--store", &store, "--html", &page]);
    assert_eq!((out.status.code(), text(&out.stdout)), (Some(0), String::new()));
    assert!(fs::read_to_string(&page).expect("a page").starts_with("<!DOCTYPE html>"));
    assert_eq!(fs::metadata(&page).expect("a page").permissions().mode() & 0o777, 0o600);
    assert_eq!(run(&["--store", &store, "--width", "60", "--color", "never"]).status.code(), Some(0));
}

/// Each address of the made-up week is a canary; what the watch said of itself is one, too.
#[test]
fn what_is_hidden_is_hidden_in_every_form() {
    let dir = folder("history-redacted");
    let store = dir.join("watch.db").to_string_lossy().into_owned();
    keep(&dir.join("watch.db"), Env::system().wall_ns() / S);
    let page = dir.join("week.html").to_string_lossy().into_owned();
    let all = |level: &str| {
        let with = |more: &[&str]| {
            let out = run(&[&["--store", &store, "--since", "8d", "--redact", level], more].concat());
            assert_eq!((out.status.code(), text(&out.stderr)), (Some(0), String::new()));
            text(&out.stdout)
        };
        let _ = with(&["--html", &page]);
        [with(&[]), with(&["--json"]), fs::read_to_string(&page).expect("a page")]
    };
    for form in all("none") {
        assert!(form.contains("203.0.113.7") && form.contains("Wiki") && !form.contains("[pub4-"), "{form}");
    }
    for level in ["default", "strict"] {
        for form in all(level) {
            for canary in ["198.51.100.200", "203.0.113.7", "254.254.", "set back by 1 h", "Wiki"] {
                assert!(!form.contains(canary), "{level}: {canary} is in\n{form}");
            }
            assert!(form.contains("[pub4-1]"), "{level}:\n{form}");
        }
    }
    // The one at hand has the label that a report gives it; the one before comes after it.
    let told: serde_json::Value = serde_json::from_str(&all("default")[1]).expect("JSON");
    let labels: Vec<_> =
        told["addresses"].as_array().expect("rows").iter().map(|row| &row["address"]).collect();
    assert_eq!(labels, ["[pub4-2]", "[pub4-1]"]);
    assert_eq!(told["redaction"], "default");
    // The environment asks for it as well as an option.
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector-doctor"));
    command.args(["history", "--store", &store]).env_clear().env("CONNECTOR_DOCTOR_REDACT", "default");
    assert!(text(&command.output().expect("it runs").stdout).contains("[pub4-1]; 1 change"));
}

#[test]
fn what_cannot_be_read_is_one_line() {
    let dir = folder("history-faults");
    let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
    fs::write(dir.join("empty.db"), "").expect("written");
    fs::write(dir.join("garbage.db"), "no database at all, and longer than any header of one\n")
        .expect("written");
    for (words, says) in [
        (vec!["--store".to_owned(), path("gone.db")], "gone.db does not exist"),
        (vec!["--store".to_owned(), path("garbage.db")], "it is no store of connector-doctor"),
        (vec!["--store".to_owned(), path("empty.db")], "it is no store of connector-doctor"),
        (vec!["--store".to_owned(), path("")], "it is a folder"),
        (vec![], "say --store FILE"),
        (vec!["--since".to_owned(), "7".to_owned()], "has no unit"),
        (vec!["--since".to_owned(), "1s".to_owned()], "is not from 1m to"),
        (vec!["--stun".to_owned(), "a.test".to_owned()], "--stun: not with history"),
        (vec!["--format".to_owned(), "junit".to_owned()], "--format: not with history"),
    ] {
        let out = run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let (stdout, stderr) = (text(&out.stdout), text(&out.stderr));
        assert_eq!((out.status.code(), stdout.as_str()), (Some(2), ""), "{words:?}");
        assert!(stderr.lines().count() == 1 && stderr.contains(says), "{words:?}: {stderr}");
    }
}

#[test]
fn nothing_is_made_beside_a_store_that_is_read() {
    let dir = folder("history-beside");
    keep(&dir.join("watch.db"), Env::system().wall_ns() / S);
    let store = dir.join("watch.db").to_string_lossy().into_owned();
    let files = || {
        let names = fs::read_dir(&dir).expect("a folder").map(|file| file.expect("a file").file_name());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let (before, bytes) = (files(), fs::read(&store).expect("a store"));
    assert_eq!(run(&["--store", &store]).status.code(), Some(0));
    assert_eq!(files(), before);
    assert!(fs::read(&store).expect("a store") == bytes);
    // While a watch writes, its latest is read, too.
    let starts = || -> Option<u64> {
        let out = run(&["--store", &store, "--since", "8d", "--json"]);
        serde_json::from_slice::<serde_json::Value>(&out.stdout).expect("JSON")["watch"]["starts"].as_u64()
    };
    let earlier = starts().expect("a number");
    let mut writer = Writer::open(&dir.join("watch.db")).expect("a store");
    writer.keep(&[began(Env::system().wall_ns() / S, true, "two")]).expect("kept");
    assert_eq!(starts(), Some(earlier + 1));
    drop(writer);
    assert_eq!(starts(), Some(earlier + 1));
    assert_eq!(files(), before);
}

/// A mount of one's own takes root; without it the test says so, and never in CI.
#[test]
fn a_disk_that_cannot_be_written_is_read() {
    let dir = folder("history read-only?");
    let end_s = Env::system().wall_ns() / S;
    keep(&dir.join("watch.db"), end_s);
    let read_only = || {
        let script = r#"mount -t tmpfs none /mnt && cp "$1"/* /mnt && rm -f /mnt/*-shm && mount -o remount,ro /mnt && exec "$2" history --store /mnt/watch.db --since 8d --json"#;
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh"]);
        let out = command.arg(&dir).arg(env!("CARGO_BIN_EXE_connector-doctor")).output().expect("it runs");
        let stderr = text(&out.stderr);
        if stderr.starts_with("unshare: ") {
            assert_ne!(Env::system().var("CI"), Some("true"), "{stderr}");
            eprintln!("SKIPPED: {stderr}");
            return None;
        }
        assert_eq!((out.status.code(), stderr.as_str()), (Some(0), ""));
        Some(serde_json::from_slice::<serde_json::Value>(&out.stdout).expect("JSON"))
    };
    let Some(told) = read_only() else { return };
    assert_eq!(told["controller"]["incidents"].as_array().map(Vec::len), Some(2));
    let starts = told["watch"]["starts"].as_u64().expect("a number");
    // What a watch wrote last before it was killed stands in the log beside the store alone.
    let mut writer = Writer::open(&dir.join("watch.db")).expect("a store");
    writer.keep(&[began(end_s + 60, true, "two")]).expect("kept");
    assert!(fs::metadata(dir.join("watch.db-wal")).expect("a log").len() > 0);
    let told = read_only().expect("as before");
    assert_eq!(told["watch"]["starts"].as_u64(), Some(starts + 1));
}
