//! Files, signals, clocks and stores made to hold this program up, or to make it lie: it ends in time and says what is true.
//! Loopback only. `ATTACK_RUNS=200 cargo test --test attack` goes on for longer where a test is a series.

#[path = "fuzz/chance.rs"]
mod chance;

use std::fs;
use std::io::Read as _;
use std::net::UdpSocket;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chance::Chance;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

const BINARY: &str = env!("CARGO_BIN_EXE_connector-doctor");
/// A slow machine's.
const SLACK: Duration = Duration::from_secs(3);

#[expect(clippy::disallowed_methods, reason = "the test's own clock, and its switch")]
mod own {
    use super::{Duration, Instant};

    pub(super) fn now() -> Instant {
        Instant::now()
    }

    /// How often a series is run.
    pub(super) fn runs(few: usize) -> usize {
        std::env::var("ATTACK_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(few)
    }

    pub(super) fn took(since: Instant) -> Duration {
        since.elapsed()
    }
}

fn doctor(words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(words).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("attack-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A process's id as signals want it.
fn pid(child: &std::process::Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a pid"))
}

#[test]
fn what_is_no_file_is_refused_at_once_wherever_a_file_is_named() {
    let dir = folder("kinds");
    let pipe = dir.join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
    for path in [text(&pipe), "/dev/zero", "/dev/tty0", text(&dir)] {
        let commands: [&[&str]; 7] = [
            &["plan", "--config", path],
            &["plan", "--ca-file", path],
            &["render", path],
            &["render", "--verify", path],
            &["diff", path, path],
            &["history", "--store", path],
            &["watch", "--store", path],
        ];
        for words in commands.iter().filter(|words| !(path == text(&dir) && words[0] == "watch")) {
            let begun = own::now();
            let output = doctor(words).output().expect("it ends");
            assert_eq!(output.status.code(), Some(2), "{words:?}: {}", said(&output));
            assert!(own::took(begun) < Duration::from_secs(1) + SLACK, "{words:?}");
        }
    }
    assert_eq!(fs::read_dir(&dir).expect("readable").count(), 1, "nothing is left beside them");
}

#[test]
fn a_reader_that_does_not_read_cannot_keep_a_signal_off() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130), (Signal::SIGHUP, 143)] {
        let mut child = doctor(&["lab", "--json"]).spawn().expect("it runs");
        let stdout = child.stdout.take().expect("stdout");
        // As little as a pipe may hold: the report does not fit.
        fcntl(&stdout, FcntlArg::F_SETPIPE_SZ(4096)).expect("a small pipe");
        thread::sleep(Duration::from_secs(2));
        assert!(child.try_wait().expect("a child").is_none(), "it waits for its reader");
        let asked = own::now();
        kill(pid(&child), signal).expect("signalled");
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(code), "{signal}");
        assert!(own::took(asked) < Duration::from_secs(2) + SLACK, "{signal}");
        drop(stdout);
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut child = doctor(&["lab", "--json"]).spawn().expect("it runs");
    let stdout = child.stdout.take().expect("stdout");
    fcntl(&stdout, FcntlArg::F_SETPIPE_SZ(4096)).expect("a small pipe");
    thread::sleep(Duration::from_secs(2));
    let asked = own::now();
    kill(pid(&child), Signal::SIGTERM).expect("signalled");
    thread::sleep(Duration::from_millis(200));
    kill(pid(&child), Signal::SIGTERM).expect("signalled");
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    assert!(own::took(asked) < Duration::from_millis(1900), "{:?}", own::took(asked));
    drop(stdout);
}

#[test]
fn a_signal_at_any_moment_ends_a_run_with_its_code() {
    let mut seed = 0x9E37_79B9_u64;
    for n in 0..own::runs(8) {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let after = Duration::from_micros((seed >> 33) % 400_000);
        let (signal, code) = [(Signal::SIGTERM, 143), (Signal::SIGINT, 130), (Signal::SIGHUP, 143)][n % 3];
        let child = doctor(&["lab", "udp-blocked", "--json"]).spawn().expect("it runs");
        thread::sleep(after);
        let asked = own::now();
        kill(pid(&child), signal).expect("signalled");
        let output = child.wait_with_output().expect("it ends");
        // Before its first instruction the system's own way ends it.
        let ended = output.status.code() == Some(code) || output.status.signal() == Some(signal as i32);
        assert!(ended, "{signal} after {after:?}: {:?} {}", output.status, said(&output));
        assert!(own::took(asked) < Duration::from_secs(2) + SLACK, "{signal} after {after:?}");
    }
}

#[test]
fn a_watch_whose_lines_nobody_reads_keeps_its_history() {
    let store = folder("unread").join("w.db");
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let server = silent.local_addr().expect("bound").to_string();
    let words = [
        "watch",
        "--json",
        "--every",
        "1s",
        "--timeout",
        "1s",
        "--stun",
        &server,
        "--ntp",
        &server,
        "--dns",
        &server,
        "--store",
        text(&store),
    ];
    let mut child = doctor(&words).spawn().expect("it runs");
    let stdout = child.stdout.take().expect("stdout");
    fcntl(&stdout, FcntlArg::F_SETPIPE_SZ(4096)).expect("a small pipe");
    // Full from the beginning.
    let filler = std::os::fd::AsFd::as_fd(&stdout).try_clone_to_owned().expect("a handle");
    thread::sleep(Duration::from_secs(6));
    kill(pid(&child), Signal::SIGTERM).expect("signalled");
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    drop(filler);
    let output = doctor(&["history", "--json", "--store", text(&store)]).output().expect("it ends");
    let history: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a history");
    assert_eq!(output.status.code(), Some(0), "{history}");
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_not_the_end() {
    let file = folder("limits").join("report.json");
    let line = format!("ulimit -f 1; exec '{BINARY}' lab -q -f json='{}'", file.display());
    let output = Command::new("sh").args(["-c", &line]).env_clear().output().expect("a shell");
    assert_eq!(output.status.signal(), None, "{:?}", output.status);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("cannot write") && !file.exists(), "{}", said(&output));
}

#[test]
fn a_clock_before_1970_and_one_far_ahead_are_no_panic() {
    let library = Path::new("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1");
    if !library.exists() {
        eprintln!("SKIPPED: install libfaketime");
        return;
    }
    for time in ["@1960-01-01 00:00:00", "@1970-01-01 00:00:10", "@2199-12-31 23:59:59"] {
        for words in [
            &["lab", "--json"][..],
            &["lab", "ntp-blocked", "-f", "html"],
            &["history", "--store", "/nowhere"],
        ] {
            let output = doctor(words)
                .env("LD_PRELOAD", library)
                .env("FAKETIME", time)
                .env("TZ", "UTC")
                .output()
                .expect("ends");
            assert_ne!(output.status.code(), Some(70), "{time} {words:?}: {}", said(&output));
            assert_eq!(output.status.signal(), None, "{time} {words:?}");
            assert!(!said(&output).contains("a bug at"), "{time} {words:?}: {}", said(&output));
        }
    }
}

#[test]
fn a_time_server_that_asks_to_be_left_alone_is_asked_once() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = server.local_addr().expect("bound").to_string();
    server.set_read_timeout(Some(Duration::from_secs(9))).expect("a timeout");
    let count = thread::spawn(move || {
        let (mut asked, mut bytes) = (0, [0; 128]);
        while let Ok((length, from)) = server.recv_from(&mut bytes) {
            asked += 1;
            let mut kiss = [0_u8; 48];
            kiss[0] = 0xE4;
            kiss[12..16].copy_from_slice(b"RATE");
            kiss[24..32].copy_from_slice(&bytes[..length][40..48]);
            server.send_to(&kiss, from).expect("sent");
        }
        asked
    });
    let words = [
        "check",
        "clock.*",
        "--ntp",
        &address,
        "--stun",
        "127.0.0.1:9",
        "--dns",
        "127.0.0.1:9",
        "--wait",
        "6s",
        "--timeout",
        "2s",
    ];
    let output = doctor(&words).output().expect("it ends");
    let asked: u32 = count.join().expect("the server");
    assert_eq!(asked, 1, "{}", said(&output));
}

#[test]
fn low_limits_are_raised_as_far_as_they_may_be_and_else_no_run_starts() {
    for (soft, hard, code) in [(64, 4096, 0), (100, 4096, 0), (64, 64, 2), (100, 100, 2)] {
        let line = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec '{BINARY}' lab -q");
        let output = Command::new("sh").args(["-c", &line]).env_clear().output().expect("a shell");
        assert_eq!(output.status.code(), Some(code), "{soft} of {hard}: {}", said(&output));
        assert_eq!(said(&output).contains("ulimit -n 1024"), code == 2, "{}", said(&output));
    }
}

#[test]
fn a_report_that_was_changed_anywhere_is_read_or_refused_in_time() {
    let saved = doctor(&["lab", "--json"]).output().expect("a report").stdout;
    let file = folder("mutations").join("r.json");
    let mut seed = 7_u64;
    let mut chance = |most: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % most.max(1)
    };
    for n in 0..own::runs(12) {
        let mut bytes = saved.clone();
        for _ in 0..=chance(4) {
            let at = chance(bytes.len());
            match chance(5) {
                0 => bytes[at] = chance(256) as u8,
                1 => bytes.truncate(at),
                2 => drop(bytes.drain(at..(at + chance(64)).min(bytes.len()))),
                3 => drop(bytes.splice(at..at, vec![b'['; chance(4000)])),
                _ => drop(bytes.splice(at..at, b"18446744073709551615".iter().copied())),
            }
            if bytes.is_empty() {
                bytes.push(b'{');
            }
        }
        fs::write(&file, &bytes).expect("written");
        let format = ["human", "html", "json", "junit", "prometheus", "markdown", "nagios"][n % 7];
        let begun = own::now();
        let output = doctor(&["render", text(&file), "-f", format]).output().expect("it ends");
        let code = output.status.code();
        assert!(matches!(code, Some(0..=3)), "{n}: {:?} {}", output.status, said(&output));
        assert!(own::took(begun) < SLACK, "{n}");
    }
}

#[test]
fn a_bomb_in_a_paste_costs_neither_memory_nor_time() {
    let dir = folder("bombs");
    for (name, bomb) in [
        ("deep", "[".repeat(4 << 20)),
        ("wide", format!("{{\"a\":[{}0]}}", "{\"b\":1},".repeat(500_000))),
        ("long", format!("{{\"a\":\"{}\"}}", "x".repeat(7 << 20))),
        ("lines", "\n>".repeat(3 << 20)),
        (
            "objects",
            format!(
                "{{\"format_version\":\"1.1\",\"redaction\":\"default\",\"facts\":{{\"stun\":[{}{{}}]}}}}",
                "{},".repeat(1_000_000)
            ),
        ),
    ] {
        let file = dir.join(name);
        fs::write(&file, bomb).expect("written");
        let line = format!("ulimit -v 600000; exec '{BINARY}' render '{}'", file.display());
        let begun = own::now();
        let mut child = Command::new("sh")
            .args(["-c", &line])
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut stderr = String::new();
        child.stderr.take().expect("stderr").read_to_string(&mut stderr).expect("UTF-8");
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(2), "{name}: {status:?} {stderr}");
        assert!(own::took(begun) < Duration::from_secs(2) + SLACK, "{name}");
    }
}

/// A server that answers each datagram as `answer` says; it ends with the test's process.
fn udp(mut answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("bound").to_string();
    thread::spawn(move || {
        let mut bytes = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            let _ = socket.send_to(&answer(&bytes[..length]), from);
        }
    });
    address
}

/// A run against one server: its report, sound and in time.
fn judged(words: &[&str], what: &str) -> serde_json::Value {
    let begun = own::now();
    let output = doctor(words).output().expect("it ends");
    assert!(own::took(begun) < Duration::from_secs(3) + SLACK, "{what}: {:?}", own::took(begun));
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{what}: {:?} {}", output.status, said(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let causes = report["causes"].as_array().expect("causes");
    assert!(causes.iter().all(|c| c["code"] != "unexplained"), "{what}: {causes:?}");
    report
}

fn titles(report: &serde_json::Value) -> String {
    let causes = report["causes"].as_array().expect("causes");
    causes.iter().map(|c| format!("{} {}\n", c["code"], c["title"])).collect::<Vec<_>>().concat()
}

/// An answer to a STUN request, wrong in one of many ways; and whether it can pass for a right one.
fn stun_answer(request: &[u8], mode: usize, chance: &mut Chance) -> Vec<u8> {
    let header = |kind: u16, id: &[u8], body: &[u8]| {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend(0x2112_A442_u32.to_be_bytes());
        bytes.extend(id);
        bytes.extend(body);
        bytes
    };
    let id = request.get(8..20).unwrap_or(&[0; 12]).to_vec();
    let attribute = |kind: u16, value: &[u8]| {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend((value.len() as u16).to_be_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    // MAPPED-ADDRESS: a port, an IPv4 address.
    let mapped = |ip: [u8; 4]| attribute(0x0001, &[&[0, 1, 0x9C, 0x40], &ip[..]].concat());
    let impossible = [[0, 1, 2, 3], [224, 0, 0, 1], [240, 0, 0, 1], [255, 255, 255, 255], [0, 0, 0, 0]];
    let code = 300 + chance.below(400) as u16;
    let error = attribute(0x0009, &[0, 0, (code / 100) as u8, (code % 100) as u8, b'n', b'o']);
    match mode {
        0 => header(0x0111, &id, &error),
        1 => header(0x0101, &id, &[mapped([203, 0, 113, 9]), attribute(0x7F01, b"x")].concat()),
        2 => header(0x0101, &id, &[mapped([203, 0, 113, 9]), attribute(0x8028, &[1, 2, 3, 4])].concat()),
        3 => header(0x0101, &[7; 12], &mapped([203, 0, 113, 9])),
        4 => header(0x0001, &id, &[]),
        5 => header(0x0101, &id, &[]),
        6 => header(0x0101, &id, &mapped(impossible[chance.below(5)])),
        7 => (0..chance.below(200)).map(|_| chance.next() as u8).collect(),
        8 => request.get(..chance.below(request.len())).unwrap_or_default().to_vec(),
        9 => header(
            0x0101,
            &id,
            &attribute(0x0001, &[0, 2, 0x9C, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ),
        10 => header(0x0003 | 0x0100, &id, &mapped([203, 0, 113, 9])),
        _ => header(0x0101, &id, &vec![0xFF; 4 * chance.below(300)]),
    }
}

#[test]
fn a_stun_server_that_answers_wrongly_is_no_blocked_port() {
    for run in 0..own::runs(6) {
        let mode = run % 12;
        let mut chance = Chance(run as u64 + 1);
        let server = udp(move |request| stun_answer(request, mode, &mut chance));
        let what = format!("STUN, mode {mode}, run {run}");
        let words = [
            "check",
            "stun.*",
            "--json",
            "--timeout",
            "3s",
            "--stun",
            &server,
            "--ntp",
            "127.0.0.1:9",
            "--dns",
            "127.0.0.1:9",
        ];
        let report = judged(&words, &what);
        let titles = titles(&report);
        assert!(!titles.contains("blocked") && !titles.contains("dropped"), "{what}: {titles}");
        assert!(titles.contains("stun-servers-down"), "{what}: {titles} {}", report["facts"]["stun"]);
    }
}

#[test]
fn a_time_server_of_any_header_is_answered_in_time_and_is_no_blocked_port() {
    for run in 0..own::runs(6) {
        let mut chance = Chance(run as u64 + 1000);
        let server = udp(move |request| {
            let mut bytes = vec![0_u8; 48];
            bytes[0] = chance.next() as u8;
            bytes[1] = [0, 1, 2, 15, 16, 255][chance.below(6)];
            (2..24).for_each(|at| bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][chance.below(5)]);
            // Its origin is right in three of four.
            if chance.below(4) > 0 {
                bytes[24..32].copy_from_slice(&request[40..48]);
            }
            (32..48).for_each(|at| bytes[at] = chance.next() as u8);
            bytes
        });
        let what = format!("NTP, run {run}");
        let words = [
            "check",
            "clock.*",
            "--json",
            "--timeout",
            "3s",
            "--ntp",
            &server,
            "--stun",
            "127.0.0.1:9",
            "--dns",
            "127.0.0.1:9",
        ];
        let report = judged(&words, &what);
        assert!(!titles(&report).contains("ntp-blocked"), "{what}: {}", titles(&report));
    }
}

#[test]
fn another_users_pipe_is_not_written_to() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: only root can lay another user's pipe");
        return;
    }
    let pipe = folder("pipes").join("report.json");
    mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
    let reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).expect("a reader");
    let spec = format!("json={}", pipe.display());
    let own = doctor(&["lab", "-q", "-f", &spec]).spawn().expect("it runs");
    // Its own is written: somebody has to read it.
    let mut bytes = vec![0; 65536];
    let read = thread::spawn(move || {
        let mut reader = reader;
        while reader.read(&mut bytes).is_ok_and(|n| n > 0) {}
    });
    assert_eq!(own.wait_with_output().expect("it ends").status.code(), Some(0));
    std::os::unix::fs::chown(&pipe, Some(65_534), Some(65_534)).expect("another user's");
    let output = doctor(&["lab", "-q", "-f", &spec]).output().expect("it ends");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("another user's pipe"), "{}", said(&output));
    drop(read);
}
