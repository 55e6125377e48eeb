//! A store is written and read back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::*;
use crate::model::Verdict;
use crate::watch::record::{Begun, Ended, NewEvent, NewState, Record, Sampled, Settled};

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

/// Two observations, a state that the second one settles, and all of it rolled up.
fn two(writer: &mut Writer) {
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
}

#[test]
fn what_is_kept_is_read_back() {
    let path = folder("read-back").join("w.db");
    let mut writer = Writer::open(&path).unwrap();
    two(&mut writer);
    // Rolling up again counts nothing twice.
    writer.thin(START, &Retention::default()).unwrap();
    writer.keep(&[Record::Ended(Ended::Stopped)]).unwrap();

    let reader = Reader::open(&path).unwrap();
    let sessions = reader.sessions(0).unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!((sessions[0].run, sessions[0].samples, sessions[0].ended), (1, 2, Some(Ended::Stopped)));
    assert_eq!(sessions[0].last_ns - sessions[0].started_ns, 90_000_000_000);
    let states = reader.states(START, &["controller.tcp"]).unwrap();
    assert_eq!(states[0].cause.as_deref(), Some("egress-blocked"));
    assert!(states[0].settled && states[0].at_ns == START);
    assert_eq!(reader.samples(START + 1_000_000_000).unwrap().len(), 1);
    let hours = reader.series("clock.offset.offset_s", 0, Resolution::Hour).unwrap();
    assert_eq!((hours[0].n, hours[0].mean, hours[0].min, hours[0].max), (2, 1.0, 0.5, 1.5));
    assert_eq!(reader.series("clock.offset.offset_s", 0, Resolution::Minute).unwrap().len(), 2);
    assert!(reader.sessions(START + 91_000_000_000).unwrap().is_empty());
}

/// An hour of observations, one in 10 s, from `from_s` on; each with facts of 4 kB, and one state that changes.
fn hour(writer: &mut Writer, from_s: u64) {
    let mut noise = from_s;
    let records: Vec<Record> = (0..360)
        .map(|n| {
            let after_s = from_s + n * 10;
            let facts = (0..500).flat_map(|_| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                noise.to_le_bytes()
            });
            let value = format!("198.51.100.{}", after_s / 3600 % 200);
            let state = NewState { name: "ipv4".into(), value, cause: None, settled: true };
            let states = if n == 0 { vec![state] } else { Vec::new() };
            Record::Sampled(Box::new(Sampled {
                facts: n.is_multiple_of(10).then(|| facts.collect()),
                states,
                ..sampled(after_s, after_s as f64 * 1e-6)
            }))
        })
        .collect();
    writer.keep(&records).unwrap();
}

#[test]
fn two_events_of_a_kind_are_both_kept_in_their_order() {
    let path = folder("events").join("w.db");
    let mut writer = Writer::open(&path).unwrap();
    let step = |s: f64| NewEvent { kind: "clock-step", seconds: Some(s), text: String::new() };
    let events = vec![step(3600.0), step(-3600.0)];
    writer.keep(&[begun(), Record::Sampled(Box::new(Sampled { events, ..sampled(0, 0.0) }))]).unwrap();
    let events = Reader::open(&path).unwrap().events(0).unwrap();
    assert_eq!(events.iter().map(|e| e.seconds).collect::<Vec<_>>(), [Some(3600.0), Some(-3600.0)]);
}

#[test]
fn beyond_its_size_the_oldest_goes_first() {
    let path = folder("by-size").join("w.db");
    let mut writer = Writer::open(&path).unwrap();
    writer.keep(&[begun()]).unwrap();
    let retention = Retention { bytes: 1 << 20, ..Retention::default() };
    let now = |hours: u64| START + (hours * 3_600_000_000_000) as i64;
    let mut largest = 0;
    for hours in 0..20 {
        hour(&mut writer, hours * 3600);
        writer.thin(now(hours + 1), &retention).unwrap();
        largest = largest.max(path.metadata().unwrap().len());
    }
    drop(writer);
    // What an hour adds comes on top until it is thinned: the log is written back after that.
    assert!(largest < (1 << 20) + 600_000, "{largest}");
    let file = path.metadata().unwrap().len();
    assert!(file <= (1 << 20) + (64 * 4096) + 8192, "{file}");
    let db = Connection::open(&path).unwrap();
    let ask =
        |name: &str| -> rusqlite::types::Value { db.pragma_query_value(None, name, |r| r.get(0)).unwrap() };
    assert_eq!(ask("integrity_check"), "ok".to_owned().into());
    assert!(matches!(ask("freelist_count"), rusqlite::types::Value::Integer(..=64)));
    let reader = Reader::open(&path).unwrap();
    let samples = reader.samples(0).unwrap();
    let newest = samples.last().unwrap().at_ns;
    assert_eq!(newest, now(20) - 10_000_000_000, "the newest stays");
    assert_eq!(reader.last_sample().unwrap().as_ref(), samples.last());
    assert!(samples.len() >= 100, "{}", samples.len());
    // All that was there is told of: the hours, and what stood when.
    let hours = reader.series("clock.offset.offset_s", 0, Resolution::Hour).unwrap();
    assert_eq!(hours.len(), 20);
    assert!(hours.iter().all(|hour| hour.n == 360));
    assert_eq!(reader.states(0, &["ipv4", "ipv6"]).unwrap().len(), 20);
    assert_eq!(reader.sessions(0).unwrap()[0].samples, 20 * 360);
}

#[test]
fn where_the_clocks_disagree_nothing_goes_for_its_age() {
    let path = folder("no-age").join("w.db");
    let mut writer = Writer::open(&path).unwrap();
    writer.keep(&[begun()]).unwrap();
    hour(&mut writer, 0);
    let century = 100 * 365 * 86_400_000_000_000_i64;
    writer.thin(START + century / 20, &Retention::by_size()).unwrap();
    assert_eq!(Reader::open(&path).unwrap().samples(0).unwrap().len(), 360);
    writer.thin(START + century / 20, &Retention::default()).unwrap();
    assert!(
        Reader::open(&path).unwrap().sessions(0).unwrap().is_empty(),
        "all of it is older than two years"
    );
}

/// What `sqlite_schema` says.
fn schema_of(db: &Connection) -> Vec<String> {
    let mut query = db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// A store of each version that ever wrote one lies among the fixtures; the first is of schema 1.
#[test]
fn an_older_store_is_brought_up_to_date_and_keeps_all_it_has() {
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store/schema-1.db");
    let folder = folder("older");
    let (path, new) = (folder.join("w.db"), folder.join("new.db"));
    std::fs::copy(old, &path).unwrap();
    let mut writer = Writer::open(&path).unwrap();
    drop(Writer::open(&new).unwrap());
    let db = |path| Connection::open(path).unwrap();
    assert_eq!(schema_of(&db(&path)), schema_of(&db(&new)), "a step that was released was edited");
    writer.keep(&[begun(), Record::Sampled(Box::new(sampled(0, 0.5)))]).unwrap();
    let reader = Reader::open(&path).unwrap();
    let sessions = reader.sessions(0).unwrap();
    assert_eq!(sessions.iter().map(|s| s.samples).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(reader.samples(0).unwrap().len(), 3);
    assert!(
        reader
            .states(0, &["controller.tcp"])
            .unwrap()
            .iter()
            .any(|s| s.cause.as_deref() == Some("egress-blocked"))
    );
    assert_eq!(reader.series("clock.offset.offset_s", 0, Resolution::Minute).unwrap().len(), 2);
}

#[test]
fn a_step_is_taken_whole_or_not_at_all() {
    let path = folder("steps").join("w.db");
    let mut db = Connection::open(&path).unwrap();
    let one = "CREATE TABLE a (x); INSERT INTO a VALUES (7);";
    let bad = "ALTER TABLE a ADD y; INSERT INTO nowhere VALUES (1);";
    schema::step_from(&mut db, 0, &[one]).unwrap();
    assert!(schema::step_from(&mut db, 1, &[one, bad]).is_err());
    let version =
        |db: &Connection| -> i64 { db.pragma_query_value(None, "user_version", |r| r.get(0)).unwrap() };
    assert_eq!((version(&db), schema_of(&db)), (1, vec!["CREATE TABLE a (x)".to_owned()]));
    schema::step_from(&mut db, 1, &[one, "ALTER TABLE a ADD y;"]).unwrap();
    let x: i64 = db.query_row("SELECT x FROM a WHERE y IS NULL", [], |row| row.get(0)).unwrap();
    assert_eq!((version(&db), x), (2, 7));
}

#[test]
fn a_folder_is_no_store_and_nothing_is_made_beside_it() {
    let folder = folder("is-a-folder");
    let inner = folder.join("w.db");
    std::fs::create_dir(&inner).unwrap();
    assert!(matches!(Writer::open(&inner), Err(StoreError::Folder)));
    assert!(matches!(Reader::open(&inner), Err(StoreError::Folder)));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    let error = Writer::open(&folder.join("missing").join("w.db")).unwrap_err();
    assert_eq!(error.to_string(), "its folder does not exist");
}

#[test]
fn a_later_versions_store_is_not_touched() {
    let path = folder("newer").join("w.db");
    drop(Writer::open(&path).unwrap());
    let later = Connection::open(&path).unwrap();
    later.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).unwrap();
    later.pragma_update(None, "user_version", 9).unwrap();
    drop(later);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Writer::open(&path), Err(StoreError::Newer(9))));
    assert!(matches!(Reader::open(&path), Err(StoreError::Newer(9))));
    assert!(std::fs::read(&path).unwrap() == before);
}

#[test]
fn a_store_with_a_schema_of_its_own_is_nobodys_to_read_or_to_write() {
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, 'x' AS name FROM n";
    for (name, change) in [
        ("view", format!("ALTER TABLE name RENAME TO kept; CREATE VIEW name AS {endless};")),
        (
            "trigger",
            "CREATE TRIGGER grows AFTER INSERT ON sample BEGIN INSERT INTO event SELECT * FROM event; END;"
                .to_owned(),
        ),
        ("index", "CREATE INDEX more ON sample (verdict);".to_owned()),
        ("column", "ALTER TABLE sample ADD COLUMN more TEXT DEFAULT 'x';".to_owned()),
        ("table", "CREATE TABLE more (x);".to_owned()),
        ("gone", "DROP TABLE event;".to_owned()),
    ] {
        let path = folder(&format!("schema-{name}")).join("w.db");
        let mut writer = Writer::open(&path).unwrap();
        two(&mut writer);
        drop(writer);
        assert!(Reader::open(&path).is_ok(), "{name}: as it was made");
        Connection::open(&path).unwrap().execute_batch(&change).unwrap();
        assert!(matches!(Reader::open(&path).err(), Some(StoreError::Foreign)), "{name}");
        assert!(matches!(Writer::open(&path).err(), Some(StoreError::Foreign)), "{name}");
    }
}

#[test]
fn what_is_no_file_is_no_store() {
    let folder = folder("kinds");
    let pipe = folder.join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for path in [pipe.as_path(), Path::new("/dev/null"), Path::new("/dev/zero")] {
        assert!(matches!(Reader::open(path).err(), Some(StoreError::NoFile)), "{}", path.display());
        assert!(matches!(Writer::open(path).err(), Some(StoreError::NoFile)), "{}", path.display());
    }
    assert!(matches!(Writer::open(&folder).err(), Some(StoreError::Folder)));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
}
