//! kill -9 at random moments: what was said to be kept is there, and nothing is counted twice.
//!
//! `WATCH_KILLS=1000 cargo test --test watch kills` kills that often.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, thread};

use connector_doctor::env::Env;
use connector_doctor::model::Verdict;
use connector_doctor::watch::record::{Begun, Record, Sampled};
use connector_doctor::watch::store::{Retention, Writer};

use crate::support::{Lab, Store, Watching, folder};

#[expect(clippy::disallowed_methods, reason = "how often is said from outside")]
fn kills() -> u32 {
    env::var("WATCH_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(50)
}

/// A moment by chance, up to `most`.
fn moment(most: Duration) -> Duration {
    let chance = u32::from_le_bytes(Env::system().random());
    most.mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

#[test]
fn a_watch_that_is_killed_keeps_what_it_said_is_kept() {
    let lab = Lab::up("healthy");
    let path = folder("kills").join("w.db");
    let mut said: BTreeMap<i64, i64> = BTreeMap::new();
    for _ in 0..kills() {
        let mut watching = Watching::start(&lab, &path, &[]);
        thread::sleep(moment(Duration::from_millis(1200)));
        watching.kill();
        for (session, number) in watching.kept() {
            assert!(said.get(&session).is_none_or(|before| *before < number), "session {session} again");
            said.insert(session, number);
        }
        if path.exists() {
            holds(&path, &said);
        }
    }
    assert!(said.len() as u32 > kills() / 5, "only {} of {} lived to keep anything", said.len(), kills());
}

/// The store is sound, and holds all that was said to be kept.
fn holds(path: &std::path::Path, said: &BTreeMap<i64, i64>) {
    let store = Store::open(path);
    if store.one("SELECT count(*) FROM sqlite_schema") == 0 {
        assert!(said.is_empty());
        return;
    }
    store.is_sound();
    let kept: BTreeMap<i64, i64> = store.pairs("SELECT id, samples FROM session").into_iter().collect();
    for (session, number) in said {
        let has = kept.get(session).copied().unwrap_or(0);
        assert!(has >= *number, "session {session}: {number} said, {has} there");
        assert!(has <= *number + 1, "session {session}: {number} said, {has} there");
    }
}

const WRITES_TO: &str = "WATCH_TEST_WRITES_TO";

/// Not a test of its own: what the next one kills. Writes as fast as it can, and says what is kept.
#[test]
#[expect(clippy::disallowed_methods, reason = "a process of its own")]
fn writes_until_it_is_killed() {
    let Some(path) = env::var_os(WRITES_TO) else { return };
    let mut writer = Writer::open(path.as_ref()).expect("the store opens");
    let mut record = vec![Record::Began(Begun {
        first_of_run: true,
        boot_id: "b".into(),
        version: "0".into(),
        every: Duration::from_secs(1),
        started_ns: 1_800_000_000_000_000_000,
        boot: Duration::ZERO,
        by_reference: true,
    })];
    for i in 0.. {
        record.push(Record::Sampled(Box::new(Sampled {
            after: Duration::from_secs(i),
            started_ns: 1_800_000_000_000_000_000,
            by_reference: true,
            wall_ns: 0,
            took: Duration::ZERO,
            full: true,
            verdict: Verdict::Healthy,
            states: Vec::new(),
            settled: Vec::new(),
            measures: (0..12).map(|n| (format!("a.b.{n}"), 1.0)).collect(),
            events: Vec::new(),
            facts: None,
        })));
        let (session, samples) = writer.keep(&record).expect("kept");
        println!("\nkept {session} {samples}");
        record.clear();
        if i % 20 == 19 {
            writer.thin(1_800_000_000_000_000_000, &Retention::default()).expect("rolled up");
        }
    }
}

#[test]
fn a_writer_that_is_killed_in_the_midst_of_writing_loses_nothing_either() {
    let path = folder("writer-kills").join("w.db");
    let mut said: BTreeMap<i64, i64> = BTreeMap::new();
    for _ in 0..kills() {
        let exe = env::current_exe().expect("this test");
        let mut command = Command::new(exe);
        command.args(["--exact", "kills::writes_until_it_is_killed", "--nocapture"]).env(WRITES_TO, &path);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("this test, once more");
        // Killed only when it has begun to write, since a machine that is busy takes its time to start it.
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut text = String::new();
        while !text.contains("\nkept ") {
            assert_ne!(out.read_line(&mut text).expect("UTF-8"), 0, "it ended by itself: {text}");
        }
        thread::sleep(moment(Duration::from_millis(80)));
        child.kill().expect("it lives");
        child.wait().expect("it ends");
        out.read_to_string(&mut text).expect("UTF-8");
        // The last line may be half a line.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines().filter_map(|line| line.strip_prefix("kept ")) {
            let (session, samples) = line.split_once(' ').expect("two numbers");
            said.insert(session.parse().expect("a number"), samples.parse().expect("a number"));
        }
        if path.exists() {
            holds(&path, &said);
        }
    }
    assert_eq!(said.len() as u32, kills());
}
