//! The rules of a home as its settings file has them at the moment.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::rules::{self, Rules};
use crate::error::EngineError;
use crate::home::Home;
use crate::secrets::SETTINGS_FILE;

/// How long what was read is taken to be current.
const LOOK: Duration = Duration::from_secs(1);

/// What tells that a file is another one.
type Stamp = Option<(u64, i64, i64, u64)>;

#[derive(Debug)]
struct Known {
    rules: Arc<Rules>,
    stamp: Stamp,
    looked: Instant,
}

/// The rules of a home.
#[derive(Debug)]
pub(crate) struct Book {
    path: PathBuf,
    known: Mutex<Known>,
}

impl Book {
    /// Reads them.
    ///
    /// # Errors
    /// When something is wrong with them.
    pub(crate) fn open(home: &Home) -> Result<Arc<Self>, EngineError> {
        let path = home.root().join(SETTINGS_FILE);
        let stamp = stamp(&path);
        let rules = Arc::new(rules::load(&path)?);
        let known = Mutex::new(Known { rules, stamp, looked: Instant::now() });
        Ok(Arc::new(Self { path, known }))
    }

    /// The rules. A file that was changed meanwhile is read again; one with mistakes in it changes nothing, and is refused when
    /// the next engine begins.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        // Whole after every step.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.looked.elapsed() >= LOOK {
            known.looked = Instant::now();
            let now = stamp(&self.path);
            if now != known.stamp {
                known.stamp = now;
                if let Ok(rules) = rules::load(&self.path) {
                    known.rules = Arc::new(rules);
                }
            }
        }
        known.rules.clone()
    }
}

fn stamp(path: &std::path::Path) -> Stamp {
    let known = std::fs::metadata(path).ok()?;
    Some((known.ino(), known.mtime(), known.mtime_nsec(), known.size()))
}
