//! Which runs have a terminal that waits for them.
//!
//! A terminal whose run is carried by another process keeps a file `carried/RUN` in the home locked. An engine that
//! takes the home over learns from it that somebody is about to lend an environment for that run, and does not begin
//! its programs in another one meanwhile. The lock goes with its process, so a file without one means nothing.

use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use stead_core::ids::StreamId;

use crate::error::EngineError;
use crate::home::Home;

/// Says that this process waits for a run, until it is dropped.
#[derive(Debug)]
pub struct Mark {
    run: StreamId,
    path: PathBuf,
    _file: File,
}

impl Mark {
    /// Marks a run. `None`: another terminal has, and one is enough.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn of(home: &Home, run: &StreamId) -> Result<Option<Self>, EngineError> {
        let path = home.carried().join(run.as_str());
        let file = lock(home, &path).map_err(|e| EngineError::Home {
            what: "cannot write",
            path: path.display().to_string(),
            why: e.to_string(),
        })?;
        Ok(file.map(|file| Self { run: run.clone(), path, _file: file }))
    }

    /// The run.
    pub fn run(&self) -> &StreamId {
        &self.run
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // Before the lock is given back, so that nobody's file is removed. What stays means nothing.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn lock(home: &Home, path: &PathBuf) -> io::Result<Option<File>> {
    DirBuilder::new().recursive(true).mode(0o700).create(home.carried())?;
    loop {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // It may have been removed between the two.
        let named = std::fs::metadata(path).ok().map(|there| there.ino());
        if named == Some(file.metadata()?.ino()) {
            return Ok(Some(file));
        }
    }
}

/// The runs whose terminals wait. What is left of others is removed.
pub(crate) fn waited_for(home: &Home) -> HashSet<StreamId> {
    let mut waited = HashSet::new();
    let Ok(entries) = std::fs::read_dir(home.carried()) else { return waited };
    for entry in entries.flatten() {
        let Ok(file) = OpenOptions::new().write(true).open(entry.path()) else { continue };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => drop(std::fs::remove_file(entry.path())),
            Err(_) => {
                waited.insert(StreamId::new(&entry.file_name().to_string_lossy()));
            }
        }
    }
    waited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_there_as_long_as_its_process_waits() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        assert!(waited_for(&home).is_empty());
        let (one, two) = (StreamId::new("r_one"), StreamId::new("r_two"));
        let mark = Mark::of(&home, &one).unwrap().unwrap();
        assert!(Mark::of(&home, &one).unwrap().is_none(), "one is enough");
        // As of a terminal that was killed.
        std::fs::write(home.carried().join("r_two"), "").unwrap();
        assert_eq!(waited_for(&home), HashSet::from([one]));
        assert!(!home.carried().join("r_two").exists());
        drop(mark);
        assert!(waited_for(&home).is_empty());
        assert!(Mark::of(&home, &two).unwrap().is_some());
    }
}
