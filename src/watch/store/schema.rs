//! The tables and views, and how an older store becomes a newer one. docs/store.md explains them to whoever queries by hand.

use rusqlite::{Connection, Transaction};

use super::StoreError;

/// `CDrW` in the file's header: the mark by which a store is told from any other database.
pub const APPLICATION_ID: i32 = 0x4344_7257;

/// Step N leads from version N to version N + 1; never edited once released, only added to.
const STEPS: &[&str] = &[include_str!("schema_1.sql")];

/// Whether a store can be read as it is; an empty file is none yet.
pub(super) fn check_version(db: &Connection) -> Result<(), StoreError> {
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match usize::try_from(version).unwrap_or(usize::MAX) {
        0 => Err(StoreError::Foreign),
        version if version > STEPS.len() => Err(StoreError::Newer(version)),
        _ => Ok(()),
    }
}

/// Brings the store to this version's schema.
pub(super) fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > STEPS.len() {
        return Err(StoreError::Newer(version));
    }
    for (i, step) in STEPS.iter().enumerate().skip(version) {
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
