//! The tables and views, and how an older store becomes a newer one. docs/store.md explains them to whoever queries by hand.

use rusqlite::{Connection, Transaction};

use super::error::StoreError;

/// `CDrW` in the file's header: the mark by which a store is told from any other database.
pub const APPLICATION_ID: i32 = 0x4344_7257;

/// Step N leads from version N to version N + 1; never edited once released, only added to.
const STEPS: &[&str] = &[include_str!("schema_1.sql")];

/// Whether a store can be read as it is; an empty file is none yet.
pub(super) fn check_version(db: &Connection) -> Result<(), StoreError> {
    if version(db)? == 0 { Err(StoreError::Foreign) } else { Ok(()) }
}

/// The schema's version, 0 of an empty database; a later one than this program knows is an error.
pub(super) fn version(db: &Connection) -> Result<usize, StoreError> {
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match usize::try_from(version).unwrap_or(usize::MAX) {
        version if version > STEPS.len() => Err(StoreError::Newer(version)),
        version => Ok(version),
    }
}

/// Whether the tables, indexes, views and triggers are those that this program makes, and no others.
pub(super) fn check_form(db: &Connection) -> Result<(), StoreError> {
    let mut own = Connection::open_in_memory()?;
    let version = version(db)?.min(STEPS.len());
    step_from(&mut own, 0, &STEPS[..version])?;
    if form(db)? == form(&own)? { Ok(()) } else { Err(StoreError::Foreign) }
}

/// Everything in the schema, in the words it was made with; statistics of `ANALYZE` are the reader's own affair.
fn form(db: &Connection) -> Result<Vec<(String, String, Option<String>)>, StoreError> {
    let mut query = db.prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name LIMIT 1000",
    )?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Brings the store to this version's schema.
pub(super) fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let version = version(db)?;
    step_from(db, version, STEPS)
}

/// Each step is taken whole or not at all.
pub(super) fn step_from(db: &mut Connection, version: usize, steps: &[&str]) -> Result<(), StoreError> {
    for (i, step) in steps.iter().enumerate().skip(version) {
        let step_by_step = db.transaction()?;
        apply(&step_by_step, step, i + 1)?;
        step_by_step.commit()?;
    }
    Ok(())
}

fn apply(transaction: &Transaction<'_>, step: &str, version: usize) -> Result<(), StoreError> {
    transaction.execute_batch(step)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", version as i64)?;
    Ok(())
}
