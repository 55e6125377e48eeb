//! What stays small: figures are rolled up to minutes and hours, and what is old goes.

use std::time::Duration;

use rusqlite::{Connection, Transaction, params};

use super::error::StoreError;

/// For how long what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Observations one by one.
    pub samples: Duration,
    /// Minutes.
    pub minutes: Duration,
    /// Hours, states, events, sessions.
    pub hours: Duration,
    /// Observations whose facts are kept whole.
    pub facts: u32,
    /// The file's size, bytes; beyond it the oldest go first.
    pub bytes: u64,
}

/// Free pages that stay: 256 KiB.
const SPARE_PAGES: i64 = 64;

const DAY: Duration = Duration::from_hours(24);

impl Default for Retention {
    fn default() -> Self {
        Self { samples: DAY, minutes: DAY * 35, hours: DAY * 731, facts: 500, bytes: 150 << 20 }
    }
}

impl Retention {
    /// The same with no age but a century.
    pub fn by_size() -> Self {
        let century = DAY * 36_525;
        Self { samples: century, minutes: century, hours: century, ..Self::default() }
    }

    /// The same for half as long.
    fn halved(self) -> Self {
        Self {
            samples: self.samples / 2,
            minutes: self.minutes / 2,
            hours: self.hours / 2,
            facts: self.facts / 2,
            ..self
        }
    }
}

pub(super) fn thin(db: &mut Connection, now_ns: i64, retention: &Retention) -> Result<(), StoreError> {
    let mut retention = *retention;
    let transaction = db.transaction()?;
    roll_up(&transaction)?;
    forget(&transaction, now_ns, &retention)?;
    transaction.commit()?;
    // So many halvings leave a minute of a century: then the limit is no sensible one.
    for _ in 0..26 {
        if used_bytes(db)? <= retention.bytes {
            break;
        }
        retention = retention.halved();
        let transaction = db.transaction()?;
        forget(&transaction, now_ns, &retention)?;
        transaction.commit()?;
    }
    shrink(db)
}

/// Gives free pages back, but for some that the next observations take anyway.
fn shrink(db: &Connection) -> Result<(), StoreError> {
    let free: i64 = db.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    if free > SPARE_PAGES {
        // A row for each page: only who reads them all has it done.
        let mut vacuum = db.prepare(&format!("PRAGMA incremental_vacuum({})", free - SPARE_PAGES))?;
        let mut pages = vacuum.query([])?;
        while pages.next()?.is_some() {}
    }
    Ok(())
}

fn used_bytes(db: &Connection) -> Result<u64, StoreError> {
    let ask = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = ask("page_count")? - ask("freelist_count")?;
    Ok((pages * ask("page_size")?).max(0) as u64)
}

/// Adds the figures that came since the last time to their minute and their hour.
fn roll_up(t: &Transaction<'_>) -> Result<(), StoreError> {
    for span_s in [60, 3600] {
        t.execute(
            "INSERT INTO rollup (span_s, name, at_s, n, mean, min, max)
             SELECT ?1, m.name,
                    (s.started_ns / 1000000 + m.t_ms) / (1000 * ?1) * ?1 AS bucket,
                    count(*), avg(m.value), min(m.value), max(m.value)
             FROM session AS s JOIN measure AS m ON m.session = s.id AND m.t_ms > s.rolled_ms
             WHERE s.last_ms > s.rolled_ms
             GROUP BY m.name, bucket
             ON CONFLICT DO UPDATE SET
               mean = (mean * n + excluded.mean * excluded.n) / (n + excluded.n),
               n = n + excluded.n, min = min(min, excluded.min), max = max(max, excluded.max)",
            params![span_s],
        )?;
    }
    t.execute("UPDATE session SET rolled_ms = last_ms WHERE rolled_ms < last_ms", [])?;
    Ok(())
}

fn forget(t: &Transaction<'_>, now_ns: i64, retention: &Retention) -> Result<(), StoreError> {
    let before = |age: Duration| now_ns.saturating_sub(i64::try_from(age.as_nanos()).unwrap_or(i64::MAX));
    for table in ["measure", "sample"] {
        older(t, table, before(retention.samples))?;
    }
    for (span_s, age) in [(60, retention.minutes), (3600, retention.hours)] {
        t.execute(
            "DELETE FROM rollup WHERE span_s = ? AND at_s < ?",
            params![span_s, before(age).div_euclid(1_000_000_000)],
        )?;
    }
    t.execute(
        "DELETE FROM facts WHERE rowid IN (SELECT rowid FROM facts ORDER BY rowid DESC LIMIT -1 OFFSET ?)",
        [retention.facts],
    )?;
    let old = before(retention.hours);
    older(t, "event", old)?;
    superseded(t, old)?;
    let ended = "(SELECT id FROM session WHERE started_ns + last_ms * 1000000 < ?)";
    for table in ["sample", "measure", "state", "event", "facts"] {
        t.execute(&format!("DELETE FROM {table} WHERE session IN {ended}"), [old])?;
    }
    t.execute(&format!("DELETE FROM session WHERE id IN {ended}"), [old])?;
    Ok(())
}

/// Deletes the rows of `table` before `old`, session by session: each is a range of its key.
fn older(t: &Transaction<'_>, table: &str, old: i64) -> Result<(), StoreError> {
    let mut sessions = t.prepare_cached(&format!(
        "SELECT id, (?1 - started_ns) / 1000000 FROM session
         WHERE id >= (SELECT min(session) FROM {table}) AND started_ns < ?1"
    ))?;
    let sessions: Vec<(i64, i64)> =
        sessions.query_map([old], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut delete = t.prepare_cached(&format!("DELETE FROM {table} WHERE session = ? AND t_ms < ?"))?;
    for (session, t_ms) in sessions {
        delete.execute([session, t_ms])?;
    }
    Ok(())
}

/// Deletes values that others had taken the place of before `old`; what stood then stays.
fn superseded(t: &Transaction<'_>, old: i64) -> Result<(), StoreError> {
    t.execute(
        "DELETE FROM state WHERE (session, t_ms, name) IN (
           SELECT session, t_ms, name FROM (
             SELECT session, t_ms, name, (?1 - started_ns) / 1000000 AS old_ms,
                    lead(t_ms) OVER (PARTITION BY session, name ORDER BY t_ms) AS next_ms
             FROM session JOIN state ON session = id WHERE started_ns < ?1)
           WHERE next_ms < old_ms)",
        [old],
    )?;
    Ok(())
}
