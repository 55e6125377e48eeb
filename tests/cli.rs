//! The program as people and scripts run it: what it says where, and with which exit code. Loopback only.

#[path = "cli/terminal.rs"]
mod terminal;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use connector_doctor::lab::scenario::SCENARIOS;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_connector-doctor");

/// The program with an environment of its own.
fn doctor(words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(words).env_clear().stdin(Stdio::null());
    command
}

fn run(words: &[&str]) -> Output {
    doctor(words).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A folder of this test's own, made anew.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

#[test]
fn bad_input_is_one_clear_line_and_exit_2() {
    let dir = folder("bad-input");
    let file = |name: &str, content: &str| {
        let path = dir.join(name);
        fs::write(&path, content).expect("a file");
        path.to_string_lossy().into_owned()
    };
    let key = file("key.toml", "# mine\nstunn = ['a.test']\n");
    let half = file("half.toml", "timeout = \"1s\"\nstun = ['a.test',\n");
    let kind = file("kind.toml", "stun = 'a.test'\n");
    let gone = dir.join("gone.toml").to_string_lossy().into_owned();
    let rows: &[(&[&str], &[&str])] = &[
        (&["--tsun", "a.test"], &["--tsun", "--stun"]),
        (&["chekc"], &["chekc", "check"]),
        (&["check", "clok.offset"], &["clok.offset", "clock.offset"]),
        (&["check", "clock.*", "--skip", "clock.*"], &["no check"]),
        (&["--controller", "http://acme.test"], &["--controller", "https"]),
        (&["--controller", "https://"], &["--controller"]),
        (&["--stun", "a b"], &["--stun", "a b"]),
        (&["--stun", "a.test:70000"], &["--stun", "70000"]),
        (&["--relay", "a.test"], &["--relay", "port"]),
        (&["--dns", "resolver.test"], &["--dns", "resolver.test"]),
        (&["--timeout", "5"], &["--timeout", "10s"]),
        (&["--timeout=-1s"], &["--timeout"]),
        (&["--fail-on", "wran"], &["wran", "warn"]),
        (&["-f", "jsn"], &["jsn", "json"]),
        (&["-f", "json", "-f", "human"], &["stdout"]),
        (&["lab", "--json", "-f", "junit"], &["junit", "stdout"]),
        (&["lab", "-f", "json=x", "-f", "junit=./x"], &["json", "junit"]),
        (&["-q", "-v"], &["quiet", "verbose"]),
        (&["--config", &gone], &["gone.toml"]),
        (&["--config", &key], &["key.toml:2", "stunn", "stun"]),
        (&["--config", &half], &["half.toml"]),
        (&["--config", &kind], &["kind.toml:1", "stun"]),
        (&["lab", "helthy"], &["helthy", "healthy"]),
        (&["lab", "--stun", "a.test"], &["--stun", "lab"]),
        (&["explain", "clock-skwe"], &["clock-skwe", "clock-skew"]),
    ];
    for (words, says) in rows {
        let out = run(words);
        let (stdout, stderr) = (text(&out.stdout), text(&out.stderr));
        assert_eq!(out.status.code(), Some(2), "{words:?}: {stderr}");
        assert_eq!(stdout, "", "{words:?} writes to stdout");
        assert_eq!(stderr.lines().count(), 1, "{words:?}: {stderr}");
        for word in *says {
            assert!(stderr.contains(word), "{words:?} does not name {word}: {stderr}");
        }
    }
    let variable = doctor(&["lab"]).env("CONNECTOR_DOCTOR_STUM", "x").output().expect("runs");
    assert_eq!(variable.status.code(), Some(2));
    assert!(text(&variable.stderr).contains("CONNECTOR_DOCTOR_STUN"), "{}", text(&variable.stderr));
    for (scheme, code) in [("standard", 2), ("nagios", 3), ("bool", 1)] {
        assert_eq!(run(&["--exit-codes", scheme, "--tsun"]).status.code(), Some(code), "{scheme}");
    }
}

/// What one fault makes of a report is short enough to paste, and on a terminal below 4 KB.
fn fits_a_ticket(name: &str, json: &str) {
    use connector_doctor::render::redact::{Level, load, redact};
    use connector_doctor::render::{Style, human};
    let mut report = load(json).expect("a report");
    // An ordinary host's has no words about the lab.
    report.facts.run.lab = None;
    let paste = human::fenced(&redact(&report, Level::Default).expect("hidden"), &Style::default(), "");
    let (lines, whole) = (paste.lines().count(), human::render(&report, &Style::default()));
    assert!(lines <= 60 && paste.len() <= 4096, "{name}: {lines} lines, {} bytes\n{paste}", paste.len());
    assert!(whole.len() <= 4096, "{name}: {} bytes\n{whole}", whole.len());
    // Folded is not left out: a check is named, or counted among those that passed.
    let named = |check: &&connector_doctor::model::report::CheckResult| {
        let short = check.id.split_once('.').map_or("", |(_, short)| short);
        paste.contains(&check.id) || paste.contains(&format!(".{short}"))
    };
    let counted =
        paste.split(" passed").filter_map(|before| before.split_whitespace().last()?.parse::<usize>().ok());
    let (told, passed) = (report.checks.iter().filter(named).count(), counted.sum::<usize>());
    assert!(told + passed >= report.checks.len(), "{name}: {told} named, {passed} passed\n{paste}");
}

#[test]
fn every_scenario_has_its_verdict_its_first_cause_and_the_exit_codes_that_follow() {
    for scenario in SCENARIOS {
        let out = run(&["lab", scenario.name, "--json"]);
        let report: Value = serde_json::from_slice(&out.stdout).expect("stdout is the report alone");
        assert_eq!(text(&out.stderr), "", "{}", scenario.name);
        assert_eq!(report["verdict"], scenario.verdict, "{}", scenario.name);
        let causes = report["causes"].as_array().expect("causes");
        let loud: Vec<&str> =
            causes.iter().filter(|c| c["severity"] != "notice").filter_map(|c| c["code"].as_str()).collect();
        assert_eq!(
            loud,
            scenario.cause.map(connector_doctor::model::CauseCode::as_str).as_slice(),
            "{}",
            scenario.name
        );
        let expected = match scenario.verdict {
            "unhealthy" => 1,
            "inconclusive" => 3,
            _ => 0,
        };
        assert_eq!(out.status.code(), Some(expected), "{}", scenario.name);
        fits_a_ticket(scenario.name, &text(&out.stdout));
    }
    for (words, code) in [
        (["lab", "clock-behind", "--exit-codes", "nagios"], 2),
        (["lab", "clock-behind", "--exit-codes", "bool"], 1),
        (["lab", "clock-near-limit", "--exit-codes", "nagios"], 1),
        (["lab", "clock-near-limit", "--exit-codes", "bool"], 0),
        (["lab", "clock-near-limit", "--fail-on", "warn"], 1),
        (["lab", "clock-near-limit", "--fail-on", "fail"], 0),
        (["lab", "clock-behind", "--fail-on", "none"], 0),
        (["lab", "healthy", "--fail-on", "unknown"], 0),
    ] {
        assert_eq!(run(&words).status.code(), Some(code), "{words:?}");
        let json: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        assert_eq!(run(&json).status.code(), Some(code), "{words:?}: the code depends on the format");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let mut child =
        doctor(&["lab", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!((child.wait().expect("ends").code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn colour_is_decided_once_by_option_then_variables_then_terminal() {
    let coloured = |words: &[&str], vars: &[(&str, &str)]| {
        let out = doctor(words).envs(vars.iter().copied()).output().expect("runs");
        text(&out.stdout).contains('\u{1b}')
    };
    for (words, vars, expected) in [
        (&["lab"][..], &[][..], false),
        (&["lab", "--color", "always"][..], &[("NO_COLOR", "1")][..], true),
        (&["lab", "--color", "never"][..], &[("CLICOLOR_FORCE", "1")][..], false),
        (&["lab"][..], &[("CLICOLOR_FORCE", "1")][..], true),
        (&["lab"][..], &[("CLICOLOR_FORCE", "")][..], false),
        (&["lab"][..], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")][..], false),
        (&["lab"][..], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")][..], true),
        (&["lab"][..], &[("FORCE_COLOR", "1")][..], true),
        (&["lab"][..], &[("CLICOLOR_FORCE", "0")][..], false),
        (&["lab"][..], &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")][..], true),
        (&["lab", "--json", "--color", "always"][..], &[][..], false),
    ] {
        assert_eq!(coloured(words, vars), expected, "{words:?} {vars:?}");
    }
    // On a terminal; `script` makes one.
    for (vars, expected) in [
        (&[("TERM", "xterm")][..], true),
        (&[][..], true),
        (&[("TERM", "dumb")][..], false),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")][..], false),
    ] {
        let mut command = Command::new("script");
        command.args(["-qec", &format!("{BINARY} lab"), "/dev/null"]).env_clear().stdin(Stdio::null());
        let out = command.envs(vars.iter().copied()).output().expect("script, of every Linux");
        let shown = text(&out.stdout);
        assert!(shown.contains("HEALTHY"), "{shown}");
        // The spinner's own codes are on stderr, which is this terminal, too.
        let painted = shown.contains("\u{1b}[1;32mHEALTHY") || shown.contains("\u{1b}[32m");
        assert_eq!(painted, expected, "{vars:?}: {shown:?}");
    }
}

#[test]
fn lines_are_as_wide_as_is_said_and_no_wider_than_a_narrow_terminal() {
    for (words, columns, widest) in [
        (&["lab"][..], "", 80),
        (&["lab"][..], "200", 80),
        (&["lab"][..], "60", 60),
        (&["lab"][..], "7", 40),
        (&["lab"][..], "wide", 80),
        (&["lab", "--width", "100"][..], "60", 100),
        (&["lab", "--width", "80"][..], "60", 80),
    ] {
        let out = text(&doctor(words).env("COLUMNS", columns).output().expect("runs").stdout);
        let width = out.lines().map(str::len).max().unwrap_or(0);
        assert!(width <= widest && width > widest - 12, "{words:?} {columns}: {width}");
    }
    // What others print is fitted, too, but for what is copied.
    let log = folder("log").join("connector.log").to_string_lossy().into_owned();
    fs::write(&log, "State: Offline\n").expect("a file");
    for words in [&["list"][..], &["explain", "clock.offset"], &["lab", "--list"], &["logs", &log], &["plan"]]
    {
        for (columns, widest) in [("", 80), ("60", 60)] {
            let out = text(&doctor(words).env("COLUMNS", columns).output().expect("runs").stdout);
            let copied = |line: &&str| {
                !line.contains("    /") && !line.starts_with("  UDP") && !line.contains("connector-doctor ")
            };
            let width = out.lines().filter(copied).map(str::len).max().unwrap_or(0);
            assert!(width <= widest && width > widest - 16, "{words:?} {columns}: {width}\n{out}");
        }
    }
    // A file is read elsewhere.
    let file = folder("columns").join("report.txt");
    let format = format!("human={}", file.display());
    assert!(doctor(&["lab", "-q", "-f", &format]).env("COLUMNS", "40").status().expect("runs").success());
    let width = fs::read_to_string(&file).expect("written").lines().map(str::len).max();
    assert!(width > Some(60), "{width:?}");
}

#[test]
fn quiet_says_the_verdict_and_its_causes_alone() {
    let out = text(&run(&["lab", "clock-behind", "-q"]).stdout);
    assert!(out.contains("UNHEALTHY") && out.contains("clock-skew") && out.contains("-- end of"), "{out}");
    assert!(!out.contains("CHECKS") && !out.contains("STUN discovery"), "{out}");
    let loud = text(&run(&["lab", "clock-behind", "-v"]).stdout);
    assert!(loud.contains("stratum 1"), "-v shows each check's evidence: {loud}");
}

#[test]
fn redaction_is_done_before_any_format() {
    for format in ["human", "json"] {
        let plain = text(&run(&["lab", "-f", format]).stdout);
        let strict = text(&run(&["lab", "-f", format, "--redact", "strict"]).stdout);
        assert!(plain.contains("127.0.0.1") && strict.contains("strict"), "{strict}");
        let host = nix::unistd::gethostname().expect("a name").to_string_lossy().into_owned();
        assert!(
            !strict.contains(&format!(" {host} ")) && !strict.contains(&format!("\"{host}\"")),
            "{strict}"
        );
    }
}

#[test]
fn files_are_written_whole_with_their_mode_and_one_format_goes_to_stdout() {
    let dir = folder("files");
    let json = dir.join("report.json");
    let out = run(&["lab", "-f", "human", "-f", &format!("json={}", json.display())]);
    assert!(text(&out.stdout).starts_with("connector-doctor "));
    let written: Value = serde_json::from_slice(&fs::read(&json).expect("written")).expect("JSON");
    assert_eq!(written["verdict"], "healthy");
    assert_eq!(fs::metadata(&json).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(&dir).expect("readable").count(), 1, "something was left beside the report");
    let out = run(&["lab", "-f", "json=/nonexistent/report.json"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("/nonexistent/report.json"));
}

#[test]
fn what_is_no_ordinary_file_is_written_as_it_is_or_refused_and_nothing_is_left_behind() {
    let dir = folder("odd-files");
    let at = |name: &str| dir.join(name);
    let write = |to: &Path, words: &[&str]| {
        let format = format!("json={}", to.display());
        run(&[&["lab", "-q", "-f", &format], words].concat())
    };
    // A link is replaced, and what it leads to stays as it was.
    fs::write(at("target"), "mine").expect("a file");
    std::os::unix::fs::symlink(at("target"), at("link")).expect("a link");
    assert_eq!(write(&at("link"), &[]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(at("target")).expect("there"), "mine");
    assert!(fs::symlink_metadata(at("link")).expect("there").is_file());
    // A pipe with a reader gets the whole of it; without one the run does not hang.
    nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let out = write(&at("pipe"), &[]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out.stderr));
    let mut reader =
        Command::new("cat").arg(at("pipe")).stdout(Stdio::piped()).spawn().expect("cat, of every Linux");
    // Until the reader has opened it, there is none.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(write(&at("pipe"), &[]).status.code(), Some(0));
    let mut read = String::new();
    reader.stdout.take().expect("piped").read_to_string(&mut read).expect("UTF-8");
    reader.wait().expect("ends");
    assert!(serde_json::from_str::<Value>(&read).is_ok(), "{read}");
    // Devices are written, never replaced.
    assert_eq!(write(Path::new("/dev/null"), &[]).status.code(), Some(0));
    assert!(!fs::metadata("/dev/null").expect("there").is_file());
    let out = write(Path::new("/dev/full"), &[]);
    assert!(out.status.code() == Some(2) && text(&out.stderr).contains("/dev/full"), "{}", text(&out.stderr));
    let out = write(Path::new("/dev/stderr"), &[]);
    assert!(out.status.code() == Some(0) && serde_json::from_slice::<Value>(&out.stderr).is_ok());
    // stdout by its other name is stdout: nothing else goes there.
    let out = write(Path::new("/dev/stdout"), &[]);
    assert!(out.status.code() == Some(0) && serde_json::from_slice::<Value>(&out.stdout).is_ok());
    assert_eq!(write(Path::new("/dev/stdout"), &["-f", "human"]).status.code(), Some(2));
    // Folders that are none, or where nothing can be made.
    for to in [at("target/report.json"), at("gone/report.json"), at("."), PathBuf::from("/proc/report.json")]
    {
        let out = write(&to, &[]);
        let said = text(&out.stderr);
        assert_eq!((out.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(&*to.to_string_lossy()), "{said}");
    }
    let mut left: Vec<_> =
        fs::read_dir(&dir).expect("readable").map(|e| e.expect("an entry").file_name()).collect();
    left.sort();
    assert_eq!(left, ["link", "pipe", "target"]);
    // A report that a full disk did not take is no success.
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
    let out = doctor(&["lab"]).stdout(full).output().expect("runs");
    assert!(out.status.code() == Some(2) && text(&out.stderr).contains("stdout"), "{}", text(&out.stderr));
}

#[test]
fn the_exit_code_is_the_same_in_every_format_to_stdout_and_to_a_file() {
    let dir = folder("codes");
    let mut codes = std::collections::BTreeSet::new();
    for scenario in ["clock-behind", "clock-near-limit", "udp-blocked", "healthy"] {
        let saved = dir.join(scenario).to_string_lossy().into_owned();
        // Too short for silence to mean anything: udp-blocked is inconclusive.
        run(&["lab", scenario, "-q", "--timeout", "1s", "-f", &format!("json={saved}")]);
        for scheme in ["standard", "nagios", "bool"] {
            for fail_on in ["fail", "warn", "unknown", "none"] {
                let base = ["render", &saved, "--exit-codes", scheme, "--fail-on", fail_on];
                let code = |words: &[&str]| run(&[&base[..], words].concat()).status.code();
                let human = code(&[]);
                codes.insert((scheme, human));
                let mut files = vec!["-q".to_owned()];
                for format in connector_doctor::render::FORMATS {
                    assert_eq!(
                        code(&["-f", format.name]),
                        human,
                        "{scenario} {scheme} {fail_on} {}",
                        format.name
                    );
                    let file = dir.join(format!("out.{}", format.name));
                    files.extend(["-f".to_owned(), format!("{}={}", format.name, file.display())]);
                }
                let files: Vec<&str> = files.iter().map(String::as_str).collect();
                assert_eq!(code(&files), human, "{scenario} {scheme} {fail_on} files");
            }
        }
    }
    // Alike is worth something where codes differ.
    assert!(codes.len() >= 3 + 3 + 2, "{codes:?}");
    for format in connector_doctor::render::FORMATS {
        let mode =
            fs::metadata(dir.join(format!("out.{}", format.name))).expect("written").permissions().mode();
        assert_eq!(mode & 0o777, if format.name == "prometheus" { 0o644 } else { 0o600 }, "{}", format.name);
    }
    // A host that hides new files from others still shows its metrics to the collector.
    let file = dir.join("umask.prom");
    let line = format!("umask 077; exec '{BINARY}' lab -q -f prometheus='{}'", file.display());
    assert!(
        Command::new("sh").args(["-c", &line]).stdout(Stdio::null()).status().expect("a shell").success()
    );
    assert_eq!(fs::metadata(&file).expect("written").permissions().mode() & 0o777, 0o644);
}

/// Ends a run that takes 2.2 s after 0.5 s.
fn signalled(signal: nix::sys::signal::Signal) -> (Option<i32>, Value) {
    let child = doctor(&["lab", "udp-blocked", "--json"]).stdout(Stdio::piped()).spawn().expect("runs");
    std::thread::sleep(Duration::from_millis(500));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    nix::sys::signal::kill(pid, signal).expect("signalled");
    let out = child.wait_with_output().expect("ends");
    (out.status.code(), serde_json::from_slice(&out.stdout).expect("a report all the same"))
}

#[test]
fn an_interrupted_run_prints_the_partial_report() {
    use nix::sys::signal::Signal;
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGHUP, 143)] {
        let (got, report) = signalled(signal);
        assert_eq!(got, Some(code));
        assert_eq!(report["facts"]["run"]["interrupted"], true);
        let discovery =
            report["checks"].as_array().expect("checks").iter().find(|c| c["id"] == "stun.discovery");
        assert_eq!(discovery.expect("the check")["outcome"], "unknown", "silence was not waited for");
    }
}

/// A socket that swallows everything.
fn silent() -> (std::net::UdpSocket, String) {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("bound").to_string();
    (socket, address)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test's own clock")]
fn a_run_ends_within_its_timeout_whatever_is_silent() {
    let (_dns, dns) = silent();
    let (_stun, stun) = silent();
    let (_ntp, ntp) = silent();
    for (timeout, most) in [("1s", 1.2), ("3s", 3.2)] {
        for words in [
            vec!["--dns", &dns, "--stun", "a.test", "--ntp", "b.test"],
            vec!["--dns", &dns, "--stun", &stun, "--ntp", &ntp],
        ] {
            let words: Vec<&str> = words.into_iter().chain(["--timeout", timeout, "--json"]).collect();
            let begun = Instant::now();
            let out = run(&words);
            let took = begun.elapsed().as_secs_f64();
            // Loading the program is not the try's time; 0.3 s is for a busy machine.
            assert!(took < most + 0.3, "{words:?} took {took:.2} s");
            let report: Value = serde_json::from_slice(&out.stdout).expect("a report");
            assert_ne!(report["verdict"], "healthy", "{words:?}");
        }
    }
}

#[test]
fn a_resource_that_passed_is_not_asked_again() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    thread::spawn(move || {
        for mut stream in server.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(b"SSH-2.0-x\r\n");
        }
    });
    let nobody = "127.0.0.77:9";
    let mut words = vec!["check", "resource.*", "--json", "--no-fallback", "--wait", "5s"];
    for option in ["--stun", "--ntp", "--dns", "--relay", "--service", "--quic"] {
        words.extend([option, nobody]);
    }
    let passes = format!("passes={at}/ssh");
    words.extend(["--resource", &passes, "--resource", "refuses=127.0.0.77:9/tcp"]);
    let ended = run(&words);
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert!(report["facts"]["run"]["tries"].as_u64() > Some(1), "{report}");
    let outcomes: Vec<&Value> =
        report["resources"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert_eq!((ended.status.code(), outcomes), (Some(1), vec![&"pass".into(), &"fail".into()]));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn too_short_a_wait_is_undecided_not_bad() {
    let (_dns, dns) = silent();
    let (_stun, stun) = silent();
    let (_ntp, ntp) = silent();
    let out = run(&["--dns", &dns, "--stun", &stun, "--ntp", &ntp, "--timeout", "1s", "--json", "check"]);
    assert_eq!(out.status.code(), Some(2), "options stand after the command's word");
    let out = run(&[
        "check",
        "stun.*",
        "clock.offset",
        "--dns",
        &dns,
        "--stun",
        &stun,
        "--ntp",
        &ntp,
        "--timeout",
        "1s",
    ]);
    assert_eq!(out.status.code(), Some(3), "{}", text(&out.stdout));
}

#[test]
fn the_catalogue_and_the_schema_are_json() {
    let list: Value = serde_json::from_slice(&run(&["list", "--json"]).stdout).expect("JSON");
    let ids: Vec<&str> =
        list["checks"].as_array().expect("checks").iter().filter_map(|c| c["id"].as_str()).collect();
    assert!(ids.contains(&"clock.offset") && ids.contains(&"stun.discovery"));
    let schema: Value = serde_json::from_slice(&run(&["schema"]).stdout).expect("JSON");
    let report: Value = serde_json::from_slice(&run(&["lab", "--json"]).stdout).expect("JSON");
    let known = schema["properties"].as_object().expect("properties");
    for key in report.as_object().expect("an object").keys() {
        assert!(known.contains_key(key), "the schema does not know {key}");
    }
    for required in schema["required"].as_array().expect("required") {
        assert!(report.get(required.as_str().expect("a name")).is_some(), "{required} is missing");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test's own clock")]
fn a_served_scenario_is_used_by_the_command_that_it_prints() {
    let dir = folder("serve");
    let mut lab = doctor(&["lab", "--serve", "clock-behind", "--dir", &dir.to_string_lossy()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("runs");
    let file = dir.join("check-command");
    let begun = Instant::now();
    while !file.exists() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let command = fs::read_to_string(&file).expect("the command");
    let words: Vec<&str> = command.split_whitespace().skip(1).chain(["--json"]).collect();
    let out = run(&words);
    lab.kill().expect("ended");
    lab.wait().expect("reaped");
    let report: Value = serde_json::from_slice(&out.stdout).expect("a report");
    assert_eq!(report["causes"][0]["code"], "clock-skew", "{command}");
}

#[test]
fn it_runs_as_nobody_without_a_home_in_a_folder_that_it_may_not_write() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED (needs root): it_runs_as_nobody");
        assert_ne!(connector_doctor::env::Env::system().var("CI"), Some("true"), "in CI nothing is skipped");
        return;
    }
    // The build's folder may be closed to others: a copy in the open.
    let copy = std::env::temp_dir().join(format!("connector-doctor-{}", std::process::id()));
    fs::copy(BINARY, &copy).expect("a copy");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("a mode");
    let out = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&copy)
        .args(["lab", "--json"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir("/")
        .output()
        .expect("setpriv runs");
    fs::remove_file(&copy).expect("removed");
    let report: Value = serde_json::from_slice(&out.stdout).expect("a report");
    assert_eq!((out.status.code(), &report["verdict"]), (Some(0), &Value::from("healthy")));
    assert_eq!(report["facts"]["host"]["uid"], 65534);
}

#[test]
fn what_is_accepted_is_shown_with_its_reason_and_counts_for_nothing_until_its_last_day() {
    let dir = folder("allow");
    let with = |name: &str, until: &str, words: &[&str]| {
        let path = dir.join(name).to_string_lossy().into_owned();
        let entry = format!("[[allow]]\ncheck = 'clock.*'\nreason = 'a test bench | of ours'\n{until}");
        fs::write(&path, entry).expect("a file");
        let out = run(&[&["lab", "clock-behind", "--config", &path], words].concat());
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    };
    let ids = |json: &Value, key: &str| json[key].as_array().expect("rows").clone();
    // For good, and through its last day: nothing counts, in no format and under no scheme.
    for until in ["", "until = 2999-12-31"] {
        for (words, code) in [
            (&["--json"][..], 0),
            (&["--fail-on", "warn"], 0),
            (&["-f", "junit"], 0),
            (&["--exit-codes", "nagios", "-f", "nagios"], 0),
            (&["--exit-codes", "bool"], 0),
        ] {
            let (ended, stdout, stderr) = with("now.toml", until, words);
            assert_eq!((ended, stderr.as_str()), (Some(code), ""), "{until} {words:?}: {stdout}");
        }
    }
    let (_, stdout, _) = with("now.toml", "until = 2999-12-31", &["--json"]);
    let json: Value = serde_json::from_str(&stdout).expect("a report");
    assert_eq!(json["verdict"], "healthy");
    let offset =
        ids(&json, "checks").into_iter().find(|check| check["id"] == "clock.offset").expect("the check");
    // What was seen is not made better.
    assert_eq!((&offset["outcome"], &offset["caused_by"]), (&"fail".into(), &"clock-skew".into()));
    assert_eq!(offset["allowed"]["reason"], "a test bench | of ours");
    assert_eq!(
        (&offset["allowed"]["until"], &offset["allowed"]["expired"]),
        (&"2999-12-31".into(), &false.into())
    );
    assert_eq!(ids(&json, "causes")[0]["severity"], "notice");
    let (_, human, _) = with("now.toml", "until = 2999-12-31", &[]);
    let flat = human.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("HEALTHY") && flat.contains("1 fail (1 allowed)"), "{human}");
    assert!(flat.contains("allowed until 2999-12-31: a test bench | of ours"), "{human}");
    assert!(!human.contains("FIX FIRST") && human.contains("NOTICE"), "{human}");
    // The day after: as if nobody had said so, but for the words.
    let (code, human, _) = with("over.toml", "until = 2001-12-31", &[]);
    let flat = human.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, Some(1));
    assert!(flat.contains("allowed until 2001-12-31, which is over: a test bench"), "{human}");
    assert!(human.contains("UNHEALTHY") && human.contains("FIX FIRST"), "{human}");
    // A saved report remembers what was accepted when it was made.
    let saved = dir.join("saved.json").to_string_lossy().into_owned();
    let (code, ..) = with("now.toml", "", &["-q", "-f", &format!("json={saved}")]);
    assert_eq!((code, run(&["render", &saved]).status.code()), (Some(0), Some(0)));
    // What nobody accepted counts as before.
    let path = dir.join("now.toml").to_string_lossy().into_owned();
    assert_eq!(run(&["lab", "stun-down", "--config", &path]).status.code(), Some(1));
}

#[test]
fn a_process_that_may_open_no_files_says_so_and_accuses_nobody() {
    let limited = |limit: &str, words: &str| {
        let line = format!("ulimit {limit} && exec {BINARY} {words}");
        Command::new("sh").args(["-c", &line]).env_clear().stdin(Stdio::null()).output().expect("sh runs")
    };
    let out = limited("-n 20", "check --stun 127.0.0.1:9 --ntp 127.0.0.1:9");
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("ulimit -n 1024"), "{}", text(&out.stderr));
    assert!(out.stdout.is_empty());
}
