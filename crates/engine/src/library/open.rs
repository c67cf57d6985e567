//! Connections to the store of a home that may have none.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stead_core::Time;
use stead_store::StoreError;
use stead_store::lock::HomeLock;
use stead_store::sqlite::{SqliteReader, SqliteStore};

use super::unknown;
use crate::error::EngineError;
use crate::home::Home;

/// Milliseconds since 1970.
pub(crate) fn now() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Time::try_from(now.as_millis()).unwrap_or(Time::MAX)
}

/// What is read; `None` where nothing was ever kept.
pub(crate) fn reader(home: &Home) -> Result<Option<SqliteReader>, EngineError> {
    if !home.database().exists() {
        return Ok(None);
    }
    renewed(home)?;
    Ok(Some(SqliteStore::open_read_only(&home.database())?))
}

/// What is written, where there is something to change.
pub(super) fn writer(home: &Home, name: &str) -> Result<SqliteStore, EngineError> {
    if !home.database().exists() {
        return Err(unknown(name).into());
    }
    or_made(home)
}

/// What is written, with a home made for it where there is none.
pub(crate) fn or_made(home: &Home) -> Result<SqliteStore, EngineError> {
    if home.database().exists() {
        renewed(home)?;
    } else {
        home.make()?;
    }
    Ok(SqliteStore::open(&home.database())?)
}

/// A store of an earlier release is renewed by whoever holds the home, and by nobody beside them.
fn renewed(home: &Home) -> Result<(), EngineError> {
    match SqliteStore::open_read_only(&home.database()) {
        Err(StoreError::Older { .. }) => {
            let called = std::env::args().collect::<Vec<_>>().join(" ");
            let _lock = HomeLock::take(home.root(), &called, now())?;
            drop(SqliteStore::open(&home.database())?);
            Ok(())
        }
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}
