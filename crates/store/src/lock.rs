//! One process is the engine of a home.
//!
//! The lock is an advisory one (`flock`) on the file `lock` of the home: the system gives it back when the
//! process ends, however it ends. What stands in the file only tells others whom they have met. The file is
//! never removed: two processes could then hold locks on two files of that name.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use stead_core::Time;

use crate::StoreError;

/// Who holds a home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// When it took the lock.
    pub since: Time,
    /// How it was called, for people.
    pub command: String,
}

/// The lock of a home, held until dropped.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
    path: PathBuf,
}

impl HomeLock {
    /// Takes the lock of an existing home, for a process that was called by `command`; does not wait.
    ///
    /// # Errors
    /// [`StoreError::Held`] when another process has it, and when the file cannot be made or locked.
    pub fn take(home: &Path, command: &str, now: Time) -> Result<Self, StoreError> {
        let path = home.join("lock");
        let failed = |error: io::Error| StoreError::io(&path, &error);
        let mut options = OpenOptions::new();
        // Not truncated: until the lock is ours, what stands there is another's.
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(path)),
            Err(error) => return Err(failed(error.into())),
        }
        let holder = Holder { pid: std::process::id(), since: now, command: command.to_owned() };
        let text = serde_json::to_string(&holder).map_err(|error| failed(error.into()))?;
        file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).map_err(failed)?;
        Ok(Self { file, path })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who holds the home, as the lock file says, if that process still is there. Only [`take`](Self::take)
    /// knows for sure.
    pub fn holder(home: &Path) -> Option<Holder> {
        read(&home.join("lock"))
    }
}

impl Drop for HomeLock {
    fn drop(&mut self) {
        // Nobody is misled by a holder that has left; should it fail, its process id is gone soon.
        let _ = self.file.set_len(0);
        // By word, not only by closing: a child that is about to begin its program may share the file still.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

fn held(path: PathBuf) -> StoreError {
    match read(&path) {
        Some(Holder { pid, since, command }) => StoreError::Held { path, pid, command, since },
        None => StoreError::HeldByUnknown { path },
    }
}

/// What the file says, unless its process has gone: then the next holder has not written yet.
fn read(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path).ok()?.take(64 * 1024).read_to_string(&mut text).ok()?;
    let holder: Holder = serde_json::from_str(&text).ok()?;
    let pid = Pid::from_raw(i32::try_from(holder.pid).ok()?)?;
    // A process of another user is there too, though it may not be signalled.
    match test_kill_process(pid) {
        Ok(()) | Err(rustix::io::Errno::PERM) => Some(holder),
        Err(_) => None,
    }
}
