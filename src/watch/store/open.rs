//! A connection to the store's file, and whose file it is.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::schema::APPLICATION_ID;

/// Opens the file.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    prepare(Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?)
}

/// Steps of `SQLite`'s machine between two counts, and how many counts a reader may take: far more than the largest store needs.
const STEPS: i32 = 100_000;
const COUNTS: u32 = 100_000;

/// Whether a store may lie there: a pipe would hold whoever opens it, a device would be written to.
pub(super) fn is_file(path: &Path) -> Result<(), StoreError> {
    match std::fs::metadata(path).map(|meta| meta.file_type()) {
        Ok(kind) if kind.is_dir() => Err(StoreError::Folder),
        Ok(kind) if !kind.is_file() => Err(StoreError::NoFile),
        _ => Ok(()),
    }
}

/// A reader changes nothing, and ends, whatever somebody put into the file.
pub(super) fn bounded(db: &mut Connection) -> Result<(), StoreError> {
    db.pragma_update(None, "query_only", true)?;
    let mut counts = 0_u32;
    db.progress_handler(
        STEPS,
        Some(move || {
            counts += 1;
            counts > COUNTS
        }),
    )?;
    Ok(())
}

/// What every connection is: patient for half a second, small in memory; what stands in the file's schema does nothing by itself.
pub(super) fn prepare(db: Connection) -> Result<Connection, StoreError> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.busy_timeout(Duration::from_millis(500))?;
    db.pragma_update(None, "cache_size", -2048)?;
    Ok(db)
}

/// An empty database is nobody's yet; one with another mark is somebody else's.
pub(super) fn check_mark(db: &Connection) -> Result<(), StoreError> {
    let mark: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if mark == APPLICATION_ID || (mark == 0 && tables == 0) { Ok(()) } else { Err(StoreError::Foreign) }
}
