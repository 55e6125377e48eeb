//! A watch in a real network, with faults of known spans: the history tells each of them, when it was and why.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use connector_doctor::env::Env;
use connector_doctor::model::history::{History, Moment};
use connector_doctor::watch::history::{history, load};
use connector_doctor::watch::store::Reader;
use nix::mount::{MsFlags, mount};
use serde_json::Value;

use crate::support::control::{ASKED, Control, plain, site};
use crate::support::{Net, Node, World, chronyd, nginx, now};

/// From one observation to the next, and how long one may last that waits for silence.
const INTERVAL_S: f64 = 2.0 + 4.0;
const HEALTHY: Duration = Duration::from_secs(12);
const BROKEN: Duration = Duration::from_secs(20);

pub(super) struct Watching {
    process: Child,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Watching {
    pub(super) fn start(node: &Node, mut command: Command) -> Self {
        command.stderr(std::process::Stdio::inherit());
        let mut process = node.spawn(command);
        let events = Arc::<Mutex<Vec<Value>>>::default();
        let (out, to) = (process.stdout.take().expect("piped"), Arc::clone(&events));
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::Null);
                to.lock().unwrap_or_else(PoisonError::into_inner).push(event);
            }
        });
        Self { process, events }
    }

    pub(super) fn events(&self) -> Vec<Value> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn samples(&self, kept: bool) -> usize {
        self.events().iter().filter(|e| e["event"] == "sample" && e["kept"] == kept).count()
    }

    pub(super) fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = now() + Duration::from_mins(1);
        while !holds(self) {
            assert!(now() < end, "not: {what}\n{:#?}", self.events());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn kill(&mut self) {
        self.process.kill().expect("it lives");
        self.process.wait().expect("it ends");
    }

    fn terminate(&mut self) {
        let id = i32::try_from(self.process.id()).expect("an id");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGTERM)
            .expect("it lives");
        assert_eq!(self.process.wait().expect("it ends").code(), Some(143));
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(super) fn store(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("netns-watch-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder.join("w.db")
}

pub(super) fn words<'a>(store: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let named = ["--stun", "stun1.test", "--stun", "stun2.test"];
    let timed = ["--ntp", "ntp1.test", "--ntp", "ntp2.test", "--ntp", "ntp3.test"];
    let kept = ["--every", "2s", "--json", "-v", "--store", store];
    [&["watch"][..], &named, &timed, &kept, more].concat()
}

pub(super) fn told_by(path: &Path) -> History {
    let reader = Reader::open(path).expect("the store opens");
    let loaded = load(&reader, Duration::from_hours(1), Env::system().wall_ns()).expect("it is read");
    history(&loaded.rows, loaded.since, loaded.now)
}

fn moment() -> Moment {
    Moment(Env::system().wall_ns())
}

/// Breaks something for a while; from when to when.
fn broken(net: &Net, rules: &str) -> (Moment, Moment) {
    let from = moment();
    net.fault(rules);
    thread::sleep(BROKEN);
    net.mend();
    let to = moment();
    thread::sleep(HEALTHY);
    (from, to)
}

fn near(what: &str, told: Moment, truth: Moment) {
    let off = told.seconds_since(truth);
    assert!(off.abs() <= INTERVAL_S, "{what} is {off} s off");
}

#[test]
fn the_history_tells_each_fault_when_it_was_and_why() {
    let Some(control) = Control::open(Net::plan("watched faults"), 0.0) else { return };
    let net = &control.0.net;
    let path = store("faults");
    let place = path.to_str().expect("UTF-8");
    let start = || Watching::start(&net.host, net.host.doctor_command(&words(place, ASKED)));
    let mut watching = start();
    watching.until("three samples", |w| w.samples(true) >= 3);
    let cut = broken(net, "iifname lan0 ip daddr 198.51.100.40 drop");
    let deaf = broken(net, "iifname lan0 udp dport != 53 drop");
    let moved = moment();
    net.gw().ip("addr add 203.0.113.9/24 dev wan0\n");
    net.gw().nft("table ip moved { chain p { type nat hook postrouting priority 99; oifname wan0 snat to 203.0.113.9; }; }");
    thread::sleep(HEALTHY);
    let killed = moment();
    watching.kill();
    thread::sleep(Duration::from_secs(8));
    let again = moment();
    let mut watching = start();
    watching.until("three samples again", |w| w.samples(true) >= 3);
    let skewed = moment();
    move_clocks(&net.inet, 7.0);
    watching.until("the clock is told", |w| {
        w.events().iter().any(|e| e["check"] == "clock.offset" && e["to"] == "fail")
    });
    watching.terminate();

    let history = told_by(&path);
    let before: Vec<_> = history.controller.incidents.iter().filter(|i| i.started_at < skewed).collect();
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(before[0].cause.as_deref(), Some("controller-port-blocked"));
    near("the Controller's beginning", before[0].started_at, cut.0);
    near("the Controller's end", before[0].ended_at.expect("it is over"), cut.1);
    let stun = &history.stun.incidents;
    assert_eq!(stun.len(), 1, "{stun:?}");
    assert_eq!(stun[0].cause.as_deref(), Some("udp-blocked"));
    near("UDP's beginning", stun[0].started_at, deaf.0);
    near("UDP's end", stun[0].ended_at.expect("it is over"), deaf.1);
    let addresses: Vec<String> = history.addresses.iter().map(|span| span.address.to_string()).collect();
    assert_eq!(addresses, ["203.0.113.2", "203.0.113.9"], "{:?}", history.addresses);
    near("the address", history.addresses[1].started_at, moved);
    let gaps: Vec<_> = history.gaps.iter().filter(|gap| gap.reason == "killed").collect();
    assert_eq!(gaps.len(), 1, "{:?}", history.gaps);
    near("the gap's beginning", gaps[0].started_at, killed);
    near("the gap's end", gaps[0].ended_at, again);
    // The servers went ahead by 7 s: this host is behind, says the store.
    let skew = "SELECT t_ms + started_ns / 1000000
                FROM state AS s JOIN name AS n ON n.id = s.name JOIN session AS e ON e.id = s.session
                WHERE n.name = 'clock.offset' AND value = 'fail' AND cause = 'clock-skew' AND settled";
    let db = rusqlite::Connection::open(&path).expect("the store opens");
    let at_ms: i64 = db.query_row(skew, [], |row| row.get(0)).expect("one incident of the clock");
    near("the clock", Moment(at_ms * 1_000_000), skewed);
    let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("asked");
    assert_eq!(sound, "ok");
}

/// The world's clocks, all of them, go ahead of this host's.
fn move_clocks(inet: &Node, ahead: f64) {
    inet.must("sh", &["-c", "kill $(cat /run/chronyd-*.pid /run/nginx.pid)"], "");
    inet.must(
        "sh",
        &["-c", "for i in $(seq 100); do [ -e /run/nginx.pid ] || exit 0; sleep 0.05; done; exit 1"],
        "",
    );
    for last in 21..=23 {
        chronyd(inet, &[&format!("198.51.100.{last}"), &format!("2001:db8:100::{last:x}")], ahead);
    }
    let sites = [
        site("198.51.100.40:443", "controller", "200"),
        site("198.51.100.41:443", "other", "200"),
        plain("198.51.100.41:30005", "200"),
        site("198.51.100.42:443", "other", "200"),
    ];
    nginx(inet, "nginx-ahead", &sites, ahead);
}

/// A file system of its own, of this size, that only the node sees.
fn small_disk(node: &Node, options: &'static str) {
    node.run(move || {
        fs::create_dir_all("/run/small").expect("/run is the node's own");
        mount(Some("small"), "/run/small", Some("tmpfs"), MsFlags::empty(), Some(options)).expect("a tmpfs");
    });
}

#[test]
fn a_full_disk_loses_nothing_that_was_kept_and_keeps_the_rest_when_there_is_room() {
    let Some(world) = World::open(Net::plan("watch, disk full").only_ipv4(), 0.0) else { return };
    let host = &world.net.host;
    small_disk(host, "size=400k");
    let mut watching = Watching::start(host, host.doctor_command(&words("/run/small/w.db", &[])));
    watching.until("three samples", |w| w.samples(true) >= 3);
    host.run(|| {
        let mut file = fs::File::create("/run/small/fill").expect("a file");
        while std::io::Write::write_all(&mut file, &[0; 512]).is_ok() {}
    });
    watching.until("the disk is told to be full", |w| {
        w.events()
            .iter()
            .any(|e| e["event"] == "store" && e["text"].as_str().is_some_and(|t| t.contains("full")))
    });
    let waiting = watching.samples(false);
    watching.until("it goes on watching", |w| w.samples(false) >= waiting + 3);
    host.run(|| fs::remove_file("/run/small/fill").expect("it is there"));
    let before = watching.samples(true);
    watching.until("it keeps again", |w| w.samples(true) >= before + 3);
    watching.terminate();
    let last = watching.events().iter().rev().find(|e| e["kept"] == true).cloned().expect("a sample");
    let path = store("full");
    let copy = path.clone();
    host.run(move || fs::copy("/run/small/w.db", copy).expect("a copy"));
    let db = rusqlite::Connection::open(&path).expect("the store opens");
    let one = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
    // Those that waited are there too: one session, every sample once.
    assert_eq!(one("SELECT count(*) FROM session"), 1);
    assert_eq!(one("SELECT count(*) FROM sample"), last["sample"].as_i64().expect("a number"));
    assert_eq!(one("SELECT samples FROM session"), one("SELECT count(*) FROM sample"));
    assert!(one("SELECT count(*) FROM sample") as usize >= watching.samples(true) + watching.samples(false));
    let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("asked");
    assert_eq!(sound, "ok");
}

#[test]
fn a_read_only_disk_is_told_and_watching_goes_on() {
    let Some(world) = World::open(Net::plan("watch, read-only").only_ipv4(), 0.0) else { return };
    let host = &world.net.host;
    small_disk(host, "size=400k");
    host.run(|| {
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(None::<&str>, "/run/small", None::<&str>, flags, None::<&str>).expect("read-only");
    });
    let mut watching = Watching::start(host, host.doctor_command(&words("/run/small/w.db", &[])));
    watching.until("it watches", |w| w.samples(false) >= 3);
    watching.terminate();
    assert_eq!(watching.samples(true), 0);
    let told = |e: &&Value| {
        e["event"] == "store" && e["text"].as_str().is_some_and(|t| t.contains("may not be written"))
    };
    assert_eq!(watching.events().iter().filter(told).count(), 1, "{:#?}", watching.events());
}

/// getaddrinfo waits ten seconds and more for a resolver that is silent, and cannot be called off.
#[test]
fn a_silent_resolver_does_not_pile_up_threads() {
    let Some(world) = World::open(Net::plan("watch, silent resolver").only_ipv4(), 0.0) else { return };
    let net = &world.net;
    net.fault("iifname lan0 meta l4proto { tcp, udp } th dport 53 drop");
    let path = store("threads");
    let words = words(path.to_str().expect("UTF-8"), &[]);
    let mut watching = Watching::start(&net.host, net.host.doctor_command(&words));
    let status = format!("/proc/{}/status", watching.process.id());
    let threads = || -> usize {
        let status = fs::read_to_string(&status).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("Threads:")).expect("a line");
        line.trim().parse().expect("a number")
    };
    // Five names, and three of QUIC servers, and some that come and go; were they piled up, six samples would make fifty.
    watching.until("it has asked six times", |w| {
        assert!(threads() <= 8 + 8, "{} threads", threads());
        w.samples(true) >= 6
    });
    net.mend();
    watching.until("it finds the servers again", |w| {
        w.events().iter().any(|e| e["event"] == "verdict" && e["to"] != "unhealthy")
    });
    watching.terminate();
}
