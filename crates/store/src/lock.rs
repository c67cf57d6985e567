//! One process is the engine of a home.
//!
//! The lock is an advisory one (`flock`) on the file `lock` of the home: the system gives it back when the
//! process ends, however it ends. What stands in the file only tells others whom they have met, and where it
//! listens. The file is never removed: two processes could then hold locks on two files of that name.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
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
    /// The socket it listens on, once it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
}

/// The lock of a home, held until dropped.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
    path: PathBuf,
    holder: Holder,
    /// Where the holder before listened, as far as it said.
    before: Option<PathBuf>,
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
        let file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(path)),
            Err(error) if has_no_locks(error) => {
                return Err(StoreError::NoLocks { path, detail: io::Error::from(error).to_string() });
            }
            Err(error) => return Err(failed(error.into())),
        }
        let before = said(&path).and_then(|holder| holder.socket);
        let holder =
            Holder { pid: std::process::id(), since: now, command: command.to_owned(), socket: None };
        let mut lock = Self { file, path, holder, before };
        lock.write()?;
        Ok(lock)
    }

    /// Says where its holder listens from now on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn listens(&mut self, socket: &Path) -> Result<(), StoreError> {
        self.holder.socket = Some(socket.to_path_buf());
        self.write()
    }

    /// Where the last holder listened, when it went without a word.
    pub fn socket_before(&self) -> Option<&Path> {
        self.before.as_deref()
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let text = serde_json::to_string(&self.holder);
        let written = text.map_err(io::Error::from).and_then(|text| {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.set_len(0)?;
            self.file.write_all(text.as_bytes())
        });
        written.map_err(|error| StoreError::io(&self.path, &error))
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
        Some(Holder { pid, since, command, .. }) => StoreError::Held { path, pid, command, since },
        None => StoreError::HeldByUnknown { path },
    }
}

/// What a file system says that cannot lock files.
fn has_no_locks(error: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    [Errno::NOLCK, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOSYS, Errno::INVAL].contains(&error)
}

/// What the file says.
fn said(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path).ok()?.take(64 * 1024).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// What the file says, unless its process has gone: then the next holder has not written yet.
fn read(path: &Path) -> Option<Holder> {
    let holder = said(path)?;
    let pid = Pid::from_raw(i32::try_from(holder.pid).ok()?)?;
    // A process of another user is there too, though it may not be signalled.
    match test_kill_process(pid) {
        Ok(()) | Err(rustix::io::Errno::PERM) => Some(holder),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_says_where_it_listens_and_the_next_learns_it() {
        let home = tempfile::tempdir().unwrap();
        let mut lock = HomeLock::take(home.path(), "one", 1).unwrap();
        assert_eq!(HomeLock::holder(home.path()).unwrap().socket, None);
        lock.listens(Path::new("/somewhere/else")).unwrap();
        let holder = HomeLock::holder(home.path()).unwrap();
        assert_eq!((holder.socket.as_deref(), &*holder.command), (Some(Path::new("/somewhere/else")), "one"));
        // One that was killed leaves its words behind.
        let text = std::fs::read(lock.path()).unwrap();
        drop(lock);
        std::fs::write(home.path().join("lock"), text).unwrap();
        let next = HomeLock::take(home.path(), "two", 2).unwrap();
        assert_eq!(next.socket_before(), Some(Path::new("/somewhere/else")));
        assert_eq!(HomeLock::holder(home.path()).unwrap().socket, None);
    }

    #[test]
    fn a_file_system_without_locks_is_told_apart() {
        for errno in [rustix::io::Errno::NOLCK, rustix::io::Errno::OPNOTSUPP, rustix::io::Errno::NOSYS] {
            assert!(has_no_locks(errno));
        }
        assert!(!has_no_locks(rustix::io::Errno::ACCESS));
    }
}
