//! A store is written and read back.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::model::Verdict;
use crate::watch::record::{Begun, Ended, NewState, Record, Sampled, Settled};

const START: i64 = 1_800_000_000_000_000_000;

pub(super) fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("connector-doctor-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

pub(super) fn begun() -> Record {
    Record::Began(Begun {
        first_of_run: true,
        boot_id: "b".into(),
        version: "0".into(),
        every: Duration::from_mins(1),
        started_ns: START,
        boot: Duration::from_hours(1),
        by_reference: true,
    })
}

pub(super) fn sampled(after_s: u64, offset_s: f64) -> Sampled {
    Sampled {
        after: Duration::from_secs(after_s),
        started_ns: START,
        by_reference: true,
        wall_ns: START,
        took: Duration::from_millis(300),
        full: true,
        verdict: Verdict::Healthy,
        states: Vec::new(),
        settled: Vec::new(),
        measures: vec![("clock.offset.offset_s".into(), offset_s)],
        events: Vec::new(),
        facts: None,
    }
}

#[test]
fn what_is_kept_is_read_back() {
    let path = folder("read-back").join("w.db");
    let mut writer = Writer::open(&path).unwrap();
    let state = NewState { name: "controller.tcp".into(), value: "fail".into(), cause: None, settled: false };
    let first = Sampled { states: vec![state], ..sampled(0, 0.5) };
    let settled = Settled {
        name: "controller.tcp".into(),
        first: Duration::ZERO,
        cause: Some("egress-blocked".into()),
    };
    let second = Sampled { settled: vec![settled], ..sampled(90, 1.5) };
    writer.keep(&[begun(), Record::Sampled(Box::new(first))]).unwrap();
    assert_eq!(writer.keep(&[Record::Sampled(Box::new(second))]).unwrap(), (1, 2));
    writer.thin(START, &Retention::default()).unwrap();
    // Rolling up again counts nothing twice.
    writer.thin(START, &Retention::default()).unwrap();
    writer.keep(&[Record::Ended(Ended::Stopped)]).unwrap();

    let reader = Reader::open(&path).unwrap();
    let sessions = reader.sessions(0).unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!((sessions[0].run, sessions[0].samples, sessions[0].ended), (1, 2, Some(Ended::Stopped)));
    assert_eq!(sessions[0].last_ns - sessions[0].started_ns, 90_000_000_000);
    let states = reader.states(START).unwrap();
    assert_eq!(states[0].cause.as_deref(), Some("egress-blocked"));
    assert!(states[0].settled && states[0].at_ns == START);
    assert_eq!(reader.samples(START + 1_000_000_000).unwrap().len(), 1);
    let hours = reader.series("clock.offset.offset_s", 0, Resolution::Hour).unwrap();
    assert_eq!((hours[0].n, hours[0].mean, hours[0].min, hours[0].max), (2, 1.0, 0.5, 1.5));
    assert_eq!(reader.series("clock.offset.offset_s", 0, Resolution::Minute).unwrap().len(), 2);
    assert!(reader.sessions(START + 91_000_000_000).unwrap().is_empty());
}
