//! Writes records, several in one transaction: all of them are kept, or none.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};

use super::error::StoreError;
use super::open::{check_mark, connect, is_file};
use super::standing::{Standing, standing};
use super::{schema, thin};
use crate::watch::record::{Begun, Record, Sampled};

/// The one that writes.
#[derive(Debug)]
pub struct Writer {
    db: Connection,
    names: BTreeMap<String, i64>,
    at: Place,
    /// The file as it was opened: device and inode.
    file: (u64, u64),
    /// Held for as long as this lives; the kernel lets go of it when the process ends, however it ends.
    _lock: File,
}

/// Where the writing stands; moves on only when a transaction is through.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    run: Option<i64>,
    session: Option<i64>,
}

impl Writer {
    /// Opens or makes the store, and brings it to this version's schema.
    ///
    /// One writer at a time: a second one is refused. The file is the user's own (0600): it holds addresses and names.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        // Before anything is made beside it.
        is_file(path)?;
        let lock = own(path, "-lock")?;
        // A file system without locks is no reason to keep nothing.
        if matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(StoreError::Watched);
        }
        let made = own(path, "")?.metadata()?;
        let mut db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        check_mark(&db)?;
        // Before anything is set: a later version's store is left as it is.
        if schema::version(&db)? > 0 {
            schema::check_form(&db)?;
        }
        let damage: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if damage != "ok" {
            return Err(StoreError::Damaged(damage));
        }
        // Takes effect in a new file alone, before its first table.
        db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        // What was said to be kept outlives a power cut, too.
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "wal_autocheckpoint", 250)?;
        db.pragma_update(None, "journal_size_limit", 1 << 20)?;
        schema::migrate(&mut db)?;
        let file = (made.dev(), made.ino());
        Ok(Self { db, names: BTreeMap::new(), at: Place::default(), file, _lock: lock })
    }

    /// Writes `records` in one transaction; the session's id and its count of observations by then.
    ///
    /// A record of an observation without a session before it is an error, as any other is: nothing is written.
    pub fn keep(&mut self, records: &[Record]) -> Result<(i64, u64), StoreError> {
        let transaction = self.db.transaction()?;
        let (mut at, mut names) = (self.at, BTreeMap::new());
        for record in records {
            let known = Names { kept: &self.names, new: &mut names };
            write(&transaction, record, &mut at, known)?;
        }
        let session = at.session.ok_or_else(|| StoreError::Other("no session began".to_owned()))?;
        let samples: i64 =
            transaction.query_row("SELECT samples FROM session WHERE id = ?", [session], |row| row.get(0))?;
        transaction.commit()?;
        self.at = at;
        self.names.append(&mut names);
        Ok((session, samples as u64))
    }

    /// Whether `path` is still the file that is written.
    pub fn is_there(&self, path: &Path) -> bool {
        path.metadata().is_ok_and(|now| (now.dev(), now.ino()) == self.file)
    }

    /// Whether a session has begun.
    pub fn in_session(&self) -> bool {
        self.at.session.is_some()
    }

    /// What stood last, by name: of each name its latest settled value.
    pub fn standing(&self) -> Result<Vec<Standing>, StoreError> {
        standing(&self.db)
    }

    /// Rolls figures up and thins what is old, at `now_ns`.
    pub fn thin(&mut self, now_ns: i64, retention: &thin::Retention) -> Result<(), StoreError> {
        thin::thin(&mut self.db, now_ns, retention)
    }
}

/// `path` with `suffix`, opened for this user alone, made where it is not there.
fn own(path: &Path, suffix: &str) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    Ok(OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(name)?)
}

/// Ids of names; those of a transaction count only when it is through.
struct Names<'a> {
    kept: &'a BTreeMap<String, i64>,
    new: &'a mut BTreeMap<String, i64>,
}

impl Names<'_> {
    fn id(&mut self, transaction: &Transaction<'_>, name: &str) -> Result<i64, StoreError> {
        if let Some(id) = self.kept.get(name).or_else(|| self.new.get(name)) {
            return Ok(*id);
        }
        let mut find = transaction.prepare_cached("SELECT id FROM name WHERE name = ?")?;
        let found: Option<i64> = find.query_row([name], |row| row.get(0)).optional()?;
        let id = if let Some(id) = found {
            id
        } else {
            transaction.prepare_cached("INSERT INTO name (name) VALUES (?)")?.execute([name])?;
            transaction.last_insert_rowid()
        };
        self.new.insert(name.to_owned(), id);
        Ok(id)
    }
}

fn write(t: &Transaction<'_>, record: &Record, at: &mut Place, names: Names<'_>) -> Result<(), StoreError> {
    let session = || at.session.ok_or_else(|| StoreError::Other("no session began".to_owned()));
    match record {
        Record::Began(begun) => {
            let session = begin(t, begun, at.run.filter(|_| !begun.first_of_run))?;
            *at = Place {
                run: at.run.filter(|_| !begun.first_of_run).or(Some(session)),
                session: Some(session),
            };
            Ok(())
        }
        Record::Sampled(sampled) => sample(t, session()?, sampled, names),
        Record::Ended(why) => {
            t.execute("UPDATE session SET ended = ? WHERE id = ?", params![why.word(), session()?])?;
            Ok(())
        }
    }
}

fn begin(t: &Transaction<'_>, begun: &Begun, run: Option<i64>) -> Result<i64, StoreError> {
    t.execute(
        "INSERT INTO session (run, boot_id, version, every_ms, started_ns, by_reference, boot_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            run.unwrap_or(0),
            begun.boot_id,
            begun.version,
            begun.every.as_millis() as i64,
            begun.started_ns,
            begun.by_reference,
            begun.boot.as_millis() as i64,
        ],
    )?;
    let id = t.last_insert_rowid();
    if run.is_none() {
        t.execute("UPDATE session SET run = id WHERE id = ?", [id])?;
    }
    Ok(id)
}

fn sample(t: &Transaction<'_>, session: i64, s: &Sampled, mut names: Names<'_>) -> Result<(), StoreError> {
    let t_ms = s.after.as_millis() as i64;
    t.prepare_cached(
        "INSERT INTO sample (session, t_ms, wall_ns, took_us, full, verdict) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![session, t_ms, s.wall_ns, s.took.as_micros() as i64, s.full, s.verdict.word()])?;
    t.prepare_cached(
        "UPDATE session SET last_ms = ?, samples = samples + 1, started_ns = ?, by_reference = ? WHERE id = ?",
    )?
    .execute(params![t_ms, s.started_ns, s.by_reference, session])?;
    for (name, value) in &s.measures {
        let name = names.id(t, name)?;
        t.prepare_cached("INSERT INTO measure (session, t_ms, name, value) VALUES (?, ?, ?, ?)")?
            .execute(params![session, t_ms, name, value])?;
    }
    for state in &s.states {
        let name = names.id(t, &state.name)?;
        t.prepare_cached(
            "INSERT INTO state (session, t_ms, name, value, cause, settled) VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![session, t_ms, name, state.value, state.cause, state.settled])?;
    }
    for settled in &s.settled {
        let name = names.id(t, &settled.name)?;
        t.prepare_cached(
            "UPDATE state SET settled = 1, cause = ? WHERE session = ? AND t_ms = ? AND name = ?",
        )?
        .execute(params![settled.cause, session, settled.first.as_millis() as i64, name])?;
    }
    // They came before the observation, in this order; two of a kind need times of their own.
    for (before_ms, event) in (0..).zip(s.events.iter().rev()) {
        t.prepare_cached(
            "INSERT OR IGNORE INTO event (session, t_ms, kind, seconds, text) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![session, t_ms - before_ms, event.kind, event.seconds, event.text])?;
    }
    if let Some(facts) = &s.facts {
        t.prepare_cached("INSERT INTO facts (session, t_ms, json) VALUES (?, ?, ?)")?
            .execute(params![session, t_ms, facts])?;
    }
    Ok(())
}
