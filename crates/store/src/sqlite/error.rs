//! SQLite's failures in our words.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::StoreError;

/// Names the file in an error of SQLite.
pub(super) fn at(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |error| named(&path, &error)
}

/// `result.at(path)`: names the file in an error of SQLite.
pub(super) trait At<T> {
    fn at(self, path: &Path) -> Result<T, StoreError>;
}

impl<T> At<T> for rusqlite::Result<T> {
    fn at(self, path: &Path) -> Result<T, StoreError> {
        self.map_err(|error| named(path, &error))
    }
}

fn named(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let detail = error.to_string();
    // A column that is not what we wrote there.
    if matches!(
        error,
        rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
    ) {
        return StoreError::Damaged { path, detail };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { path },
        Some(ErrorCode::DiskFull) => StoreError::Full { path },
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { path, detail },
        Some(ErrorCode::NotADatabase) => StoreError::NotADatabase { path },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path, detail },
        Some(ErrorCode::CannotOpen) => cannot_open(&path, detail),
        Some(ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied) => StoreError::Io { path, detail },
        _ => StoreError::Sqlite { path, detail },
    }
}

/// SQLite only says that it could not open the file: the reason is asked of the system again.
fn cannot_open(path: &Path, detail: String) -> StoreError {
    let path = path.to_owned();
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        return StoreError::Missing { path: folder.to_owned() };
    }
    // Appending nothing to an existing file changes nothing; a new one is made only where SQLite was asked
    // to make one and would have.
    let reason = std::fs::OpenOptions::new().append(true).open(&path).err();
    match reason.as_ref().map(std::io::Error::kind) {
        Some(std::io::ErrorKind::NotFound) => {
            StoreError::ReadOnly { path, detail: "the file cannot be made in its folder".to_owned() }
        }
        Some(std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem) => {
            StoreError::ReadOnly { path, detail: reason.map_or(detail, |reason| reason.to_string()) }
        }
        _ => StoreError::Io { path, detail: reason.map_or(detail, |reason| reason.to_string()) },
    }
}
