//! Reads what was kept, while somebody else may be writing.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::error::StoreError;
use super::open::{bounded, check_mark, connect, is_file, prepare};
use super::schema;
use crate::model::Verdict;
use crate::watch::record::{Ended, Event, Point, Sample, Session, State};

/// One that reads.
#[derive(Debug)]
pub struct Reader {
    db: Connection,
}

/// How finely a figure is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Every observation; a day back at most.
    Sample,
    /// Minutes; 35 days back at most. The minutes under way are not in it.
    Minute,
    /// Hours; two years back at most. The hour under way is in it as far as it is rolled up.
    Hour,
}

/// Beginning and end of a session, and the time of a row `t_ms`, in SQL.
const LAST: &str = "session.started_ns + session.last_ms * 1000000";

const SAMPLES: &str = "SELECT sample.session, session.started_ns, t_ms, wall_ns, took_us, full, verdict
     FROM sample JOIN session ON session.id = sample.session";

impl Reader {
    /// Opens a store that is there; changes nothing, and makes nothing beside it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        is_file(path)?;
        match File::open(path).map_err(|error| error.kind()) {
            Err(ErrorKind::NotFound) => return Err(StoreError::Missing),
            Err(ErrorKind::PermissionDenied) => return Err(StoreError::Unreadable),
            _ => {}
        }
        // A writer has an index of its log beside the store as long as it lives, and a killed one leaves it. Without it
        // nobody writes, and the store is read as it lies: SQLite would make one, which a disk that cannot be written
        // does not even take.
        if !beside(path, "-shm").exists() {
            return as_it_lies(path).and_then(checked).map(|db| Self { db });
        }
        let db = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(checked);
        let db = db.or_else(|error| match error {
            StoreError::Other(_) => as_it_lies(path).and_then(checked).map_err(|_| error),
            error => Err(error),
        })?;
        Ok(Self { db })
    }

    /// Sessions that were under way at `since_ns` or began later, oldest first.
    pub fn sessions(&self, since_ns: i64) -> Result<Vec<Session>, StoreError> {
        let columns =
            "id, run, boot_id, version, every_ms, started_ns, last_ms, by_reference, samples, ended, boot_ms";
        self.rows(&format!("SELECT {columns} FROM session WHERE {LAST} >= ?1 ORDER BY id"), since_ns, |row| {
            let (started_ns, last_ms): (i64, i64) = (row.get(5)?, row.get(6)?);
            let ended: Option<String> = row.get(9)?;
            Ok(Session {
                id: row.get(0)?,
                run: row.get(1)?,
                boot_id: row.get(2)?,
                version: row.get(3)?,
                every: Duration::from_millis(row.get::<_, i64>(4)?.max(0) as u64),
                started_ns,
                last_ns: at(started_ns, last_ms),
                boot: Duration::from_millis(row.get::<_, i64>(10)?.max(0) as u64),
                by_reference: row.get(7)?,
                samples: row.get::<_, i64>(8)?.max(0) as u64,
                ended: ended.as_deref().and_then(Ended::of),
            })
        })
    }

    /// Every value of these names in every session under way at `since_ns` or later, from the session's beginning on:
    /// what stood at `since_ns` is among them. By session, then by time.
    pub fn states(&self, since_ns: i64, names: &[&str]) -> Result<Vec<State>, StoreError> {
        let known = vec!["?"; names.len()].join(",");
        let sql = format!(
            "SELECT name.name, state.session, session.started_ns, t_ms, value, cause, settled
             FROM session JOIN state ON state.session = session.id JOIN name ON name.id = state.name
             WHERE {LAST} >= ? AND name.name IN ({known}) ORDER BY session.id, t_ms, name.id"
        );
        let mut query = self.db.prepare(&sql)?;
        query.raw_bind_parameter(1, since_ns)?;
        for (n, name) in names.iter().enumerate() {
            query.raw_bind_parameter(n + 2, name)?;
        }
        let mut rows = query.raw_query();
        let mut states = Vec::new();
        while let Some(row) = rows.next()? {
            states.push(state(row)?);
        }
        Ok(states)
    }

    /// The names of states that begin with `prefix`, in the order in which they were first kept; at most so many.
    pub fn names(&self, prefix: &str, most: u32) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM name WHERE substr(name, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2";
        let mut query = self.db.prepare(sql)?;
        let mut rows = query.query(params![prefix, most])?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            names.push(row.get(0)?);
        }
        Ok(names)
    }

    /// Observations since `since_ns`, oldest first; a day back at most.
    pub fn samples(&self, since_ns: i64) -> Result<Vec<Sample>, StoreError> {
        let sql = format!(
            "{SAMPLES} WHERE {LAST} >= ?1 AND t_ms >= (?1 - session.started_ns) / 1000000
             ORDER BY session.id, t_ms"
        );
        self.rows(&sql, since_ns, sample)
    }

    /// The last observation of the last session that has one.
    pub fn last_sample(&self) -> Result<Option<Sample>, StoreError> {
        let sql = format!("{SAMPLES} ORDER BY sample.session DESC, t_ms DESC LIMIT 1");
        Ok(self.db.query_row(&sql, [], sample).optional()?)
    }

    /// What happened to the watch itself since `since_ns`, oldest first.
    pub fn events(&self, since_ns: i64) -> Result<Vec<Event>, StoreError> {
        let sql = format!(
            "SELECT event.session, session.started_ns, t_ms, kind, seconds, text
             FROM session JOIN event ON event.session = session.id
             WHERE {LAST} >= ?1 AND t_ms >= (?1 - session.started_ns) / 1000000
             ORDER BY session.id, t_ms"
        );
        self.rows(&sql, since_ns, |row| {
            Ok(Event {
                session: row.get(0)?,
                at_ns: at(row.get(1)?, row.get(2)?),
                kind: row.get(3)?,
                seconds: row.get(4)?,
                text: row.get(5)?,
            })
        })
    }

    /// A figure since `since_ns`, oldest first: `CHECK.MEASUREMENT`, such as `clock.offset.offset_s`.
    pub fn series(&self, name: &str, since_ns: i64, how: Resolution) -> Result<Vec<Point>, StoreError> {
        let span_s: i64 = match how {
            Resolution::Sample => return self.figures(name, since_ns),
            Resolution::Minute => 60,
            Resolution::Hour => 3600,
        };
        let mut query = self.db.prepare(
            "SELECT at_s, n, mean, min, max FROM rollup
             WHERE span_s = ? AND name = (SELECT id FROM name WHERE name = ?) AND at_s >= ? ORDER BY at_s",
        )?;
        let rows = query.query_map(params![span_s, name, since_ns.div_euclid(1_000_000_000)], |row| {
            Ok(Point {
                at_ns: row.get::<_, i64>(0)?.saturating_mul(1_000_000_000),
                n: row.get::<_, i64>(1)?.max(0) as u64,
                mean: row.get(2)?,
                min: row.get(3)?,
                max: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn figures(&self, name: &str, since_ns: i64) -> Result<Vec<Point>, StoreError> {
        let mut query = self.db.prepare(&format!(
            "SELECT session.started_ns, t_ms, value FROM session JOIN measure ON measure.session = session.id
             WHERE {LAST} >= ?1 AND t_ms >= (?1 - session.started_ns) / 1000000
               AND measure.name = (SELECT id FROM name WHERE name = ?2)
             ORDER BY session.id, t_ms"
        ))?;
        let rows = query.query_map(params![since_ns, name], |row| {
            let value: f64 = row.get(2)?;
            Ok(Point { at_ns: at(row.get(0)?, row.get(1)?), n: 1, mean: value, min: value, max: value })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn rows<T>(
        &self,
        sql: &str,
        since_ns: i64,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut query = self.db.prepare(sql)?;
        let rows = query.query_map([since_ns], map)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn checked(mut db: Connection) -> Result<Connection, StoreError> {
    bounded(&mut db)?;
    check_mark(&db)?;
    schema::check_version(&db)?;
    schema::check_form(&db)?;
    Ok(db)
}

/// A store that nobody writes, without locks; with the log that a watch left which was killed.
fn as_it_lies(path: &Path) -> Result<Connection, StoreError> {
    let read = OpenFlags::SQLITE_OPEN_READ_ONLY;
    if !beside(path, "-wal").metadata().is_ok_and(|log| log.len() > 0) {
        return connect(&uri(path, "immutable=1"), read | OpenFlags::SQLITE_OPEN_URI);
    }
    let db = Connection::open_with_flags(uri(path, "vfs=unix-none"), read | OpenFlags::SQLITE_OPEN_URI)?;
    // Before anything is read: the log's index is in memory then, and not beside it (SQLite's wal.html, 6).
    db.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    prepare(db)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A path as a URI with this parameter.
fn uri(path: &Path, parameter: &str) -> PathBuf {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/.-_".contains(byte);
    // An absolute path follows an empty authority, or what `//` begins would be taken for one.
    let authority = if path.is_absolute() { "//" } else { "" };
    let path = path.as_os_str().as_encoded_bytes().iter();
    let coded = path.map(|b| if plain(b) { char::from(*b).to_string() } else { format!("%{b:02X}") });
    format!("file:{authority}{}?{parameter}", coded.collect::<String>()).into()
}

fn state(row: &Row<'_>) -> rusqlite::Result<State> {
    Ok(State {
        name: row.get(0)?,
        session: row.get(1)?,
        at_ns: at(row.get(2)?, row.get(3)?),
        value: row.get(4)?,
        cause: row.get(5)?,
        settled: row.get(6)?,
    })
}

fn sample(row: &Row<'_>) -> rusqlite::Result<Sample> {
    let verdict: String = row.get(6)?;
    Ok(Sample {
        session: row.get(0)?,
        at_ns: at(row.get(1)?, row.get(2)?),
        wall_ns: row.get(3)?,
        took: Duration::from_micros(row.get::<_, i64>(4)?.max(0) as u64),
        full: row.get(5)?,
        verdict: verdict_of(&verdict),
    })
}

fn at(started_ns: i64, t_ms: i64) -> i64 {
    started_ns.saturating_add(t_ms.saturating_mul(1_000_000))
}

fn verdict_of(word: &str) -> Verdict {
    let all = [Verdict::Healthy, Verdict::Inconclusive, Verdict::Degraded, Verdict::Unhealthy];
    // A word of a later version is no reason to show health.
    all.into_iter().find(|verdict| verdict.word() == word).unwrap_or(Verdict::Inconclusive)
}
