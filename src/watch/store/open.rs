//! A connection to the store's file, and whose file it is.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::schema::APPLICATION_ID;

/// Opens the file.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    prepare(Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?)
}

/// What every connection is: patient for half a second, small in memory.
pub(super) fn prepare(db: Connection) -> Result<Connection, StoreError> {
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
