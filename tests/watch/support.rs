//! A lab whose Controller can be cut off, a watch whose words are read as they come, and its store.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_connector-doctor");
const PATIENCE: Duration = Duration::from_secs(90);

/// A folder of this test's own, made anew.
pub fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("watch-{name}"));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder");
    path
}

fn doctor(words: &[impl AsRef<std::ffi::OsStr>]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(words).env_clear().stdin(Stdio::null());
    command
}

/// The program, run to its end: its code, and what it said.
pub fn once(words: &[&str]) -> (Option<i32>, String) {
    let out = doctor(words).output().expect("it runs");
    (out.status.code(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

/// A scenario that stays up, behind a gate that can be shut before its Controller.
pub struct Lab {
    process: Child,
    /// The options that use it.
    pub options: Vec<String>,
    shut: Arc<AtomicBool>,
}

impl Lab {
    pub fn up(scenario: &str) -> Self {
        static NUMBER: Mutex<u32> = Mutex::new(0);
        let number = {
            let mut number = NUMBER.lock().unwrap_or_else(PoisonError::into_inner);
            *number += 1;
            *number
        };
        let dir = folder(&format!("lab-{number}"));
        let mut command = doctor(&["lab", "--serve", scenario, "--dir", dir.to_str().expect("UTF-8")]);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the lab runs");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("its command");
        let mut options: Vec<String> = line.split_whitespace().skip(2).map(str::to_owned).collect();
        let shut = Arc::<AtomicBool>::default();
        let url = options.iter_mut().find(|word| word.starts_with("https://")).expect("a Controller");
        let (name, port) = url.rsplit_once(':').expect("a port");
        let inner = SocketAddr::from(([127, 0, 0, 1], port.parse().expect("a port")));
        let outer = gate(inner, Arc::clone(&shut));
        *url = format!("{name}:{}", outer.port());
        Self { process, options, shut }
    }

    /// Shuts the gate before the Controller: connections are refused.
    pub fn shut(&self, shut: bool) {
        self.shut.store(shut, Ordering::SeqCst);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Passes connections on to `inner`; while `shut`, nobody listens.
fn gate(inner: SocketAddr, shut: Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let outer = listener.local_addr().expect("bound");
    thread::spawn(move || {
        let mut open = Some(listener);
        loop {
            if shut.load(Ordering::SeqCst) {
                open = None;
            } else if open.is_none() {
                open = TcpListener::bind(outer).ok();
            }
            let accepted = open.as_ref().and_then(|listener| {
                listener.set_nonblocking(true).expect("a socket");
                listener.accept().ok()
            });
            match accepted {
                Some((stream, _)) => pass(stream, inner),
                None => thread::sleep(Duration::from_millis(5)),
            }
        }
    });
    outer
}

fn pass(from: TcpStream, inner: SocketAddr) {
    from.set_nonblocking(false).expect("a socket");
    let Ok(to) = TcpStream::connect(inner) else { return };
    for (mut a, mut b) in
        [(from.try_clone().expect("a socket"), to.try_clone().expect("a socket")), (to, from)]
    {
        thread::spawn(move || {
            let _ = std::io::copy(&mut a, &mut b);
            let _ = b.shutdown(Shutdown::Write);
        });
    }
}

/// A watch that runs, each second, in JSON.
pub struct Watching {
    pub process: Child,
    events: Arc<Mutex<Vec<Value>>>,
    errors: Arc<Mutex<String>>,
}

impl Watching {
    pub fn start(lab: &Lab, store: &Path, more: &[&str]) -> Self {
        let mut words = vec!["watch".to_owned()];
        words.extend(lab.options.iter().cloned());
        let store = store.to_str().expect("UTF-8");
        words.extend(["--every", "1s", "--json", "-v", "--store", store].map(str::to_owned));
        words.extend(more.iter().map(|word| (*word).to_owned()));
        let mut command = doctor(&words);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let (events, errors) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::<Mutex<String>>::default());
        let (to_events, to_errors) = (Arc::clone(&events), Arc::clone(&errors));
        let stdout = process.stdout.take().expect("piped");
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A process that is killed may leave half a line.
                if let Ok(event) = serde_json::from_str(&line) {
                    to_events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
                }
            }
        });
        let mut stderr = process.stderr.take().expect("piped");
        thread::spawn(move || {
            let mut bytes = [0; 512];
            while let Ok(n @ 1..) = stderr.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..n]);
                to_errors.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        Self { process, events, errors }
    }

    /// What it said so far.
    pub fn events(&self) -> Vec<Value> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it said on stderr so far.
    pub fn errors(&self) -> String {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The samples that it said are kept: session and number.
    pub fn kept(&self) -> Vec<(i64, i64)> {
        let number = |e: &Value, key: &str| e[key].as_i64().expect("a number");
        let events = self.events();
        let kept = events.iter().filter(|e| e["event"] == "sample" && e["kept"] == true);
        kept.map(|e| (number(e, "session"), number(e, "sample"))).collect()
    }

    /// Whether it said that this check became `to`.
    pub fn told(&self, check: &str, to: &str) -> bool {
        self.events().iter().any(|e| e["check"] == check && e["to"] == to)
    }

    /// Waits until something holds.
    pub fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            let passed = begun.elapsed();
            assert!(passed < PATIENCE, "not: {what}\n{:#?}\n{}", self.events(), self.errors());
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).expect("an id");
        kill(Pid::from_raw(id), signal).expect("it lives");
    }

    /// Asks it to end: its code, and how long that took.
    pub fn terminate(&mut self) -> (Option<i32>, Duration) {
        let begun = Instant::now();
        self.signal(Signal::SIGTERM);
        let status = self.process.wait().expect("it ends");
        let took = begun.elapsed();
        // The readers see the end of the pipes.
        thread::sleep(Duration::from_millis(50));
        (status.code(), took)
    }

    /// Ends it without a word.
    pub fn kill(&mut self) {
        self.process.kill().expect("it lives");
        self.process.wait().expect("it ends");
        thread::sleep(Duration::from_millis(50));
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A store, as somebody reads it by hand.
pub struct Store(rusqlite::Connection);

impl Store {
    pub fn open(path: &Path) -> Self {
        Self(rusqlite::Connection::open(path).expect("the store opens"))
    }

    /// A number.
    pub fn one(&self, sql: &str) -> i64 {
        self.0.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// Pairs of numbers.
    pub fn pairs(&self, sql: &str) -> Vec<(i64, i64)> {
        let mut query = self.0.prepare(sql).expect("SQL");
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("numbers")
    }

    /// Texts.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        let mut query = self.0.prepare(sql).expect("SQL");
        let rows = query.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("texts")
    }

    /// Holds all that has to hold of any store.
    pub fn is_sound(&self) {
        let word: String = self.0.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("asked");
        assert_eq!(word, "ok");
        let torn =
            "SELECT count(*) FROM session WHERE samples != (SELECT count(*) FROM sample WHERE session = id)";
        assert_eq!(self.one(torn), 0, "samples are counted twice, or lost");
        let ahead =
            "SELECT count(*) FROM session WHERE last_ms != (SELECT max(t_ms) FROM sample WHERE session = id)";
        assert_eq!(self.one(ahead), 0, "a session does not end with its last sample");
        for table in ["sample", "measure", "state", "event", "facts"] {
            let orphans =
                format!("SELECT count(*) FROM {table} WHERE session NOT IN (SELECT id FROM session)");
            assert_eq!(self.one(&orphans), 0, "{table} has rows of no session");
        }
        let rolled = "SELECT coalesce(sum(n), 0) FROM rollup WHERE span_s = 60";
        let figures = "SELECT count(*) FROM measure JOIN session ON id = session AND t_ms <= rolled_ms";
        assert_eq!(self.one(rolled), self.one(figures), "figures are counted twice, or lost");
    }
}

/// Writes all of a file.
pub fn write(path: &Path, bytes: &[u8]) {
    std::fs::File::create(path).and_then(|mut file| file.write_all(bytes)).expect("a file");
}
