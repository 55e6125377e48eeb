//! What docs/monitoring promises: promtool takes the rules, and a real Prometheus scrapes a real watch, tells a fault
//! and its end. Loopback only.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use connector_doctor::env::Env;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_connector-doctor");

/// Where a program of Debian's prometheus stands; none, loudly, where it is not installed, and never in CI.
#[expect(clippy::print_stderr, reason = "a skip is loud")]
fn program(name: &str) -> Option<PathBuf> {
    let path = Path::new("/usr/bin").join(name);
    if path.exists() {
        return Some(path);
    }
    assert_ne!(Env::system().var("CI"), Some("true"), "{name} is missing: install prometheus");
    eprintln!("SKIPPED: {name} is missing: install prometheus");
    None
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring")
}

/// A folder of this test's own, made anew.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn promtool_takes_the_rules_and_their_cases_and_the_configuration() {
    let Some(promtool) = program("promtool") else { return };
    let run = |dir: &Path, words: &[&str]| {
        Command::new(&promtool).args(words).current_dir(dir).output().expect("promtool runs")
    };
    for words in [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts-test.yml"],
        ["check", "config", "prometheus.yml"],
    ] {
        let output = run(&docs(), &words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
    }
    // The cases can fail: each rule turned off is missed.
    let rules = fs::read_to_string(docs().join("alerts.yml")).expect("rules");
    let cases = fs::read_to_string(docs().join("alerts-test.yml")).expect("cases");
    let names: Vec<&str> = rules.lines().filter_map(|l| l.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() >= 8, "{names:?}");
    let dir = folder("rules-off");
    fs::write(dir.join("alerts-test.yml"), cases).expect("written");
    for name in names {
        fs::write(dir.join("alerts.yml"), rules.replace(&format!("- alert: {name}\n"), "- alert: Off\n"))
            .expect("written");
        let output = run(&dir, &["test", "rules", "alerts-test.yml"]);
        assert!(!output.status.success(), "no case asks for {name}");
    }
}

/// Words that begin as our metrics do.
fn metrics(text: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_lowercase() || c == '_');
    text.split(word).filter(|w| w.starts_with("connector_doctor_")).map(str::to_owned).collect()
}

#[test]
fn every_metric_of_the_rules_is_one_that_is_written() {
    let mut written = BTreeSet::new();
    for fixture in ["clock-skew", "hostile"] {
        let path = format!("tests/fixtures/reports/{fixture}.none.prometheus");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        written.extend(metrics(&fs::read_to_string(path).expect("a golden file")));
    }
    // What these reports have no line of.
    for (source, begins) in [
        (include_str!("../src/watch/metrics.rs"), "watch_"),
        (include_str!("../src/render/prometheus.rs"), "check_"),
    ] {
        let names = source.split('"').filter(|w| w.starts_with(begins));
        written.extend(names.map(|w| format!("connector_doctor_{w}")));
    }
    for file in ["alerts.yml", "alerts-test.yml", "README.md"] {
        let asked = metrics(&fs::read_to_string(docs().join(file)).expect("it is there"));
        let unknown: Vec<_> = asked.difference(&written).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
}

/// A process that ends with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().expect("it starts"))
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).expect("it is ours");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits a minute and a half for something, on a machine that may be busy.
fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..900 {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("never: {what}");
}

/// The body of an answer, if there is one.
fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// A port of loopback that is free now.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").to_string()
}

/// Alerts of this name that fire, by their cause's code.
fn firing(prometheus: &str, name: &str) -> Option<Vec<String>> {
    let answer: Value = serde_json::from_str(&get(prometheus, "/api/v1/alerts")?).ok()?;
    let all = answer["data"]["alerts"].as_array()?;
    let of = |alert: &&Value| alert["labels"]["alertname"] == name && alert["state"] == "firing";
    Some(
        all.iter()
            .filter(of)
            .map(|alert| alert["labels"]["code"].as_str().unwrap_or("").to_owned())
            .collect(),
    )
}

/// A healthy lab, a watch of it once a second, and where its metrics are.
fn watched_lab(dir: &Path) -> (Running, Running, String) {
    let mut words = Command::new(BINARY);
    words.args(["lab", "--serve", "healthy", "--dir"]).arg(dir).stdout(Stdio::null()).stderr(Stdio::null());
    let lab = Running::start(&mut words);
    let options = wait("the lab's command", || fs::read_to_string(dir.join("check-command")).ok());
    let options = options.trim().strip_prefix("connector-doctor check ").expect("a check").to_owned();
    let metrics = free();
    let mut words = Command::new(BINARY);
    let pace = ["--every", "1s", "--timeout", "4s", "--listen", &metrics];
    words.arg("watch").args(options.split(' ')).args(pace);
    words.arg("--store").arg(dir.join("watch.db")).arg("--textfile").arg(dir.join("watch.prom"));
    words.env_clear().stdout(Stdio::null()).stderr(Stdio::null());
    (lab, Running::start(&mut words), metrics)
}

/// A metric's value.
fn value(metrics: &str, name: &str) -> Option<f64> {
    let body = get(metrics, "/metrics")?;
    body.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// Sets a flag when it goes, by a panic, too.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_watch_goes_on_unhurt_while_its_metrics_are_stormed() {
    const SAMPLES: &str = "connector_doctor_watch_samples_total";
    let dir = folder("stormed");
    let (_lab, watch, metrics) = watched_lab(&dir);
    let samples = || value(&metrics, SAMPLES);
    let before = wait("two samples", || samples().filter(|n| *n >= 2.0));
    let memory_kb = || -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", watch.0.id())).expect("it lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
    };
    let calm_kb = memory_kb();
    let (over, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        // 200 that trickle.
        scope.spawn(|| {
            let open = || TcpStream::connect(&metrics).expect("it accepts");
            let mut all: Vec<TcpStream> = (0..200).map(|_| open()).collect();
            while !over.load(Ordering::Relaxed) {
                all.iter_mut()
                    .filter_map(|one| one.write_all(b"G").is_err().then_some(one))
                    .for_each(|one| *one = open());
                thread::sleep(Duration::from_millis(50));
            }
        });
        // Heads without an end.
        scope.spawn(|| {
            let line = [b"X-A: ".as_slice(), &[b'a'; 1000], b"\r\n"].concat();
            while !over.load(Ordering::Relaxed) {
                let mut stream = TcpStream::connect(&metrics).expect("it accepts");
                let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\n");
                assert!((0..10_000).any(|_| stream.write_all(&line).is_err()), "10 MB of head were read");
            }
        });
        // As many requests as there is time for.
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let whole = get(&metrics, "/metrics").is_some_and(|body| body.contains(SAMPLES));
                    answered.fetch_add(u64::from(whole), Ordering::Relaxed);
                }
            });
        }
        let _over = Over(&over);
        wait("ten more samples", || samples().filter(|n| *n >= before + 10.0));
    });
    let stormed_kb = memory_kb();
    let answered = answered.into_inner();
    println!("{answered} requests were answered; memory {calm_kb} KB, then {stormed_kb} KB");
    assert!(stormed_kb < calm_kb + 16_384, "{calm_kb} KB grew to {stormed_kb} KB");
    for (name, expected) in [
        ("connector_doctor_watch_samples_lost_total", 0.0),
        ("connector_doctor_watch_pauses_total", 0.0),
        ("connector_doctor_watch_controller_down_seconds_total", 0.0),
        ("connector_doctor_stun_discovery_available", 1.0),
    ] {
        assert_eq!(value(&metrics, name), Some(expected), "{name}");
    }
}

#[test]
fn a_real_prometheus_tells_a_fault_of_a_real_watch_and_its_end() {
    let (Some(prometheus), Some(promtool)) = (program("prometheus"), program("promtool")) else { return };
    let dir = folder("prometheus");
    let (lab, _watch, metrics) = watched_lab(&dir);
    let (server, textfile) = (free(), dir.join("watch.prom"));
    let body =
        wait("a sample", || get(&metrics, "/metrics").filter(|b| b.contains("connector_doctor_verdict")));
    let mut check = Command::new(&promtool);
    check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn().expect("promtool runs");
    check.stdin.take().expect("piped").write_all(body.as_bytes()).expect("it reads");
    let output = check.wait_with_output().expect("it ends");
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
    let text = fs::read_to_string(&textfile).expect("the textfile");
    assert!(text.contains("connector_doctor_watch_samples_total"), "{text}");

    // The rules as they are, but for their patience.
    let rules = fs::read_to_string(docs().join("alerts.yml")).expect("rules");
    fs::write(dir.join("alerts.yml"), rules.replace("for: 3m", "for: 1s")).expect("written");
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [alerts.yml]\n\
         scrape_configs:\n  - job_name: connector-doctor\n    static_configs:\n      - targets: ['{metrics}']\n"
    );
    fs::write(dir.join("prometheus.yml"), config).expect("written");
    let mut words = Command::new(prometheus);
    words.arg(format!("--web.listen-address={server}")).arg("--config.file=prometheus.yml");
    words.arg("--storage.tsdb.path=data").current_dir(&dir).stdout(Stdio::null()).stderr(Stdio::null());
    let _prometheus = Running::start(&mut words);

    wait("a scrape", || {
        get(&server, "/api/v1/query?query=connector_doctor_watch_samples_total")
            .filter(|a| a.contains("value"))
    });
    assert_eq!(firing(&server, "ConnectorUnhealthy"), Some(vec![]), "all is well");
    // Servers that stand still answer nothing, as behind a path that drops everything.
    lab.signal(Signal::SIGSTOP);
    let codes = wait("the fault is told", || firing(&server, "ConnectorUnhealthy").filter(|c| !c.is_empty()));
    lab.signal(Signal::SIGCONT);
    let known = |code: &str| connector_doctor::diagnosis::all().any(|cause| cause.code.as_str() == code);
    assert!(codes.iter().all(|code| known(code)), "{codes:?}");
    wait("its end is told", || firing(&server, "ConnectorUnhealthy").filter(Vec::is_empty));
}
