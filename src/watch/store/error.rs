//! Why the store cannot be used, told apart as far as a user can act on it.

use rusqlite::ErrorCode;

/// Why the store cannot be used.
#[derive(Debug)]
pub enum StoreError {
    /// It is not there.
    Missing,
    /// Another `watch` keeps it.
    Watched,
    /// Another program has locked it for longer than we wait.
    Locked,
    /// The disk is full.
    Full,
    /// It may be read, not written.
    ReadOnly,
    /// It may not be read.
    Unreadable,
    /// Its pages are damaged.
    Damaged(String),
    /// It is another program's file.
    Foreign,
    /// It is a folder.
    Folder,
    /// It is a pipe, a device or a socket.
    NoFile,
    /// Reading it takes longer than any store does.
    Endless,
    /// A later version of this program wrote it; its schema's version.
    Newer(usize),
    /// The disk fails, or refuses.
    Disk(String),
    /// It was removed or replaced while it was written.
    Gone,
    /// Anything else, in `SQLite`'s or the system's words.
    Other(String),
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("it does not exist"),
            Self::Watched => f.write_str("another watch keeps it"),
            Self::Locked => f.write_str("another program has locked it"),
            Self::Full => f.write_str("the disk is full"),
            Self::ReadOnly => f.write_str("it may not be written"),
            Self::Unreadable => f.write_str("it may be read by its owner and by root alone"),
            Self::Damaged(what) => write!(f, "it is damaged: {what}"),
            Self::Foreign => f.write_str("it is no store of connector-doctor"),
            Self::Folder => f.write_str("it is a folder; name a file in it"),
            Self::NoFile => f.write_str("it is no file"),
            Self::Endless => f.write_str("reading it does not end"),
            Self::Newer(version) => write!(f, "a later version wrote it (schema {version})"),
            Self::Disk(what) => write!(f, "the disk refuses: {what}"),
            Self::Gone => f.write_str("it was removed or replaced"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            Some(ErrorCode::SystemIoFailure) => Self::Disk(error.to_string()),
            Some(ErrorCode::OperationInterrupted) => Self::Endless,
            Some(ErrorCode::NotADatabase) => Self::Foreign,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => Self::ReadOnly,
            std::io::ErrorKind::NotFound => Self::Other("its folder does not exist".to_owned()),
            _ => Self::Other(error.to_string()),
        }
    }
}
