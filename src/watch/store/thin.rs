//! What stays small: figures are rolled up to minutes and hours, and what is old goes.

use std::time::Duration;

use rusqlite::{Connection, Transaction, params};

use super::StoreError;

/// For how long what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Observations one by one.
    pub samples: Duration,
    /// Minutes.
    pub minutes: Duration,
    /// Hours, states, events, sessions.
    pub hours: Duration,
    /// The file's size, bytes; beyond it the oldest go first.
    pub bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            samples: Duration::from_hours(24),
            minutes: Duration::from_hours(24 * 35),
            hours: Duration::from_hours(24 * 731),
            bytes: 150 << 20,
        }
    }
}

pub(super) fn thin(db: &mut Connection, now_ns: i64, retention: &Retention) -> Result<(), StoreError> {
    let transaction = db.transaction()?;
    roll_up(&transaction)?;
    forget(&transaction, now_ns, retention)?;
    transaction.commit()?;
    db.execute_batch("PRAGMA incremental_vacuum(2000)")?;
    Ok(())
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
    let old = before(retention.samples);
    for table in ["measure", "sample"] {
        t.execute(
            &format!(
                "DELETE FROM {table} WHERE EXISTS (SELECT 1 FROM session AS s WHERE s.id = {table}.session
                 AND {table}.t_ms < (?1 - s.started_ns) / 1000000)"
            ),
            [old],
        )?;
    }
    for (span_s, age) in [(60, retention.minutes), (3600, retention.hours)] {
        t.execute(
            "DELETE FROM rollup WHERE span_s = ? AND at_s < ?",
            params![span_s, before(age) / 1_000_000_000],
        )?;
    }
    Ok(())
}
