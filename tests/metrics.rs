//! The metrics' server of a watch, asked well and badly. Loopback only.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use connector_doctor::env::Env;
use connector_doctor::model::Facts;
use connector_doctor::model::policy::Policy;
use connector_doctor::pipeline::judge;
use connector_doctor::watch::latest::{Counted, Latest};
use connector_doctor::watch::serve::{Outlets, Server};
use tokio::sync::watch;

const EVERY: Duration = Duration::from_secs(10);

/// A server with nothing observed yet, and what the watch would send it.
fn server() -> (Server, SocketAddr, watch::Sender<Arc<Latest>>) {
    let (feed, view) = watch::channel(Arc::new(Latest::default()));
    let outlets = Outlets { listen: Some(([127, 0, 0, 1], 0).into()), each: None, every: EVERY };
    let server = Server::start(&Env::system(), outlets, view).expect("a server");
    let address = server.address().expect("it listens");
    (server, address, feed)
}

fn observed(samples: u64) -> Arc<Latest> {
    let report = judge(Facts::default(), &Policy::default());
    let mut counted = Counted { samples, kept: samples, ..Counted::default() };
    counted.changes.insert("controller.http".to_owned(), 2);
    Arc::new(Latest { report: Some(Arc::new(report)), at_ns: 1_800_000_000_500_000_000, counted })
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it accepts");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream
}

/// The whole answer to one request.
fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn get(address: SocketAddr, path: &str) -> String {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
}

/// Asks until what was sent a moment ago is served.
fn get_until(address: SocketAddr, path: &str, wanted: &str) -> String {
    for _ in 0..200 {
        let answer = get(address, path);
        if answer.contains(wanted) {
            return answer;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{path} never says {wanted}: {}", get(address, path));
}

/// Resident memory of this process, MiB.
fn memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("a number") / 1024
}

#[test]
fn the_latest_is_served_and_the_counters_before_it() {
    let (server, address, feed) = server();
    let first = get_until(address, "/metrics", "connector_doctor_watch_samples_total 0");
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    assert!(first.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{first}");
    assert!(!first.contains("connector_doctor_verdict"), "{first}");
    feed.send(observed(7)).expect("it listens");
    let then = get_until(address, "/metrics", "connector_doctor_watch_samples_total 7");
    for line in [
        "# TYPE connector_doctor_watch_samples_total counter",
        "connector_doctor_watch_interval_seconds 10",
        "connector_doctor_watch_changes_total{check=\"controller.http\"} 2",
        "connector_doctor_watch_last_sample_timestamp_seconds 1800000000.5",
        "# TYPE connector_doctor_verdict gauge",
    ] {
        assert!(then.contains(&format!("{line}\n")), "{line} is not in\n{then}");
    }
    assert_eq!(get(address, "/healthz").split("\r\n\r\n").nth(1), Some("ok\n"));
    drop(server);
    assert!(TcpStream::connect(address).is_err(), "it ends with its owner");
}

#[test]
fn what_is_not_asked_for_properly_is_answered_properly() {
    let (_server, address, feed) = server();
    feed.send(observed(1)).expect("it listens");
    get_until(address, "/metrics", "samples_total 1");
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 OK"),
        ("GET / HTTP/1.0\r\n\r\n", "200 OK"),
        ("GET /metrics?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 OK"),
        ("GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 Not Found"),
        ("GET /metrics/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 Not Found"),
        (
            "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
            "405 Method Not Allowed",
        ),
        ("nonsense\r\n\r\n", "400 Bad Request"),
        ("GET /metrics HTTP/9.9\r\n\r\n", "400 Bad Request"),
        ("GET /metrics HTTP/1.1\r\nHost: \u{1b}[2J\r\n\r\n", "400 Bad Request"),
    ] {
        let answer = ask(address, request);
        let line = answer.lines().next().unwrap_or_default();
        assert_eq!(line.split_once(' ').map(|(_, status)| status), Some(status), "{request:?}");
    }
    let head = ask(address, "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.ends_with("\r\n\r\n"), "a head alone: {head}");
}

#[test]
fn an_address_that_is_taken_is_an_error_at_once() {
    let (_server, address, _feed) = server();
    let (_other, view) = watch::channel(Arc::new(Latest::default()));
    let outlets = Outlets { listen: Some(address), each: None, every: EVERY };
    let error = Server::start(&Env::system(), outlets, view).expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[test]
fn each_new_state_is_handed_on_once_with_and_without_a_port() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (feed, view) = watch::channel(Arc::new(Latest::default()));
    let taken = seen.clone();
    let each = Box::new(move |text: &str| taken.lock().expect("whole").push(text.to_owned()));
    let outlets = Outlets { listen: None, each: Some(each), every: EVERY };
    let server = Server::start(&Env::system(), outlets, view).expect("a thread");
    assert_eq!(server.address(), None);
    for n in 1..=3 {
        feed.send(observed(n)).expect("it listens");
        let wanted = format!("connector_doctor_watch_samples_total {n}\n");
        let handed = (0..500).any(|_| {
            thread::sleep(Duration::from_millis(10));
            seen.lock().expect("whole").iter().filter(|text| text.contains(&wanted)).count() == 1
        });
        assert!(handed, "{wanted}");
    }
    drop(server);
    assert!(seen.lock().expect("whole").len() <= 4, "once each, and the state before the first");
}

/// Sets a flag when it goes, by a panic, too.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whoever trickles, floods and sends megabytes of header is cut off; a scraper is answered all the while, and
/// the memory stays where it was.
#[test]
fn hostile_clients_cost_neither_the_scraper_nor_memory() {
    let (_server, address, feed) = server();
    feed.send(observed(1)).expect("it listens");
    get_until(address, "/metrics", "samples_total 1");
    let before_mib = memory_mib();
    let over = AtomicBool::new(false);
    let refused = AtomicU64::new(0);
    thread::scope(|scope| {
        // 200 at a time that never finish a line, and come again when they are cut off.
        scope.spawn(|| {
            let mut open: Vec<TcpStream> = (0..200).map(|_| connect(address)).collect();
            while !over.load(Ordering::Relaxed) {
                for stream in &mut open {
                    if stream.write_all(b"G").is_err() {
                        *stream = connect(address);
                    }
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
        // Heads of 10 MB.
        scope.spawn(|| {
            let line = format!("X-A: {}\r\n", "a".repeat(1000));
            while !over.load(Ordering::Relaxed) {
                let mut stream = connect(address);
                let mut sent = stream.write_all(b"GET /metrics HTTP/1.1\r\n");
                let mut lines = 0;
                while sent.is_ok() && lines < 10_000 {
                    sent = stream.write_all(line.as_bytes());
                    lines += 1;
                }
                assert!(sent.is_err(), "10 MB of head were read");
                refused.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Readers that never read.
        scope.spawn(|| {
            let mut open = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let mut stream = connect(address);
                let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
                open.push(stream);
                thread::sleep(Duration::from_millis(20));
            }
        });
        // And the scraper.
        let _over = Over(&over);
        for _ in 0..30 {
            let answer = get(address, "/metrics");
            assert!(answer.ends_with("connector_doctor_watch_last_sample_timestamp_seconds 1800000000.5\n"));
        }
    });
    assert!(refused.into_inner() > 0, "no head of 10 MB was tried");
    let grown_mib = memory_mib().saturating_sub(before_mib);
    assert!(grown_mib < 16, "{grown_mib} MiB more");
}

/// A thousand requests leave nothing behind; the watch's own thread is not asked once.
#[test]
fn a_thousand_requests_are_answered_from_what_was_written_once() {
    let (_server, address, feed) = server();
    feed.send(observed(1)).expect("it listens");
    get_until(address, "/metrics", "samples_total 1");
    let before_mib = memory_mib();
    for _ in 0..1000 {
        assert!(get(address, "/metrics").starts_with("HTTP/1.1 200 OK"));
    }
    assert!(memory_mib().saturating_sub(before_mib) < 8);
}

/// A connection that says nothing is closed within its deadline.
#[test]
fn silence_is_cut_off() {
    let (_server, address, _feed) = server();
    let mut stream = connect(address);
    let mut rest = Vec::new();
    stream.write_all(b"GET /metrics HTTP/1.1\r\n").expect("sent");
    // Ends well before the read's own timeout, or this is an error.
    stream.read_to_end(&mut rest).expect("closed");
}
