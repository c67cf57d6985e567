//! Executors: code that performs one kind of action.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use stead_core::effect::{AttemptError, AttemptResult, EndReason, ErrorKind, Execute};
use stead_store::files::FileStore;

use crate::lent::Environment;

/// Performs the attempts of one kind of action.
pub trait Executor: Send + Sync {
    /// The name that plans give.
    fn name(&self) -> &'static str;

    /// Whether it never waits for anything: such attempts are performed by the driver itself.
    fn immediate(&self) -> bool {
        false
    }

    /// What an attempt takes while it runs.
    fn slot(&self) -> Slot {
        Slot::Connection
    }

    /// Performs one attempt, blocking, and says how it ended. Never panics over what it is asked.
    fn perform(&self, job: &Execute, place: &Place, control: &dyn Control) -> AttemptResult;
}

/// What is limited: how many attempts that take it run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// A process on this machine.
    Process,
    /// A thread that mostly waits for somebody else: a call to a server.
    Connection,
}

/// Where an attempt works.
#[derive(Debug, Clone)]
pub struct Place {
    /// The project's folder: what relative paths are relative to.
    pub project: PathBuf,
    /// An empty folder of the attempt's own (`STEAD_DIR`). Made when first needed, removed by the executor
    /// that made it. Paths that begin with its name and a dot belong to the attempt as well.
    pub dir: PathBuf,
    /// Where its log goes. Made when the first byte comes.
    pub log: PathBuf,
    /// Where files by hash are kept.
    pub files: PathBuf,
    /// What the terminal that the run was started from lends it; without it the engine's own environment counts.
    pub lent: Option<Arc<Environment>>,
    /// The span of the attempt, as `traceparent` says it, where there are traces.
    pub trace: Option<String>,
}

impl Place {
    /// What was lent.
    pub fn lent(&self) -> Option<&Environment> {
        self.lent.as_deref()
    }
}

/// Takes files that attempts hand over into the store of files by hash.
pub trait FileTaker: Send + Sync {
    /// Takes a copy of a file. It is durable when this returns.
    ///
    /// # Errors
    /// When the file cannot be read or kept.
    fn take(&self, file: &Path) -> io::Result<TakenFile>;
}

/// The files of a home: [`Place::files`].
#[derive(Debug, Clone, Copy)]
pub struct FilesOfHome<'a>(pub &'a Path);

impl FileTaker for FilesOfHome<'_> {
    fn take(&self, file: &Path) -> io::Result<TakenFile> {
        let store = FileStore::attach(self.0);
        let kept = store.put_path(file).map_err(io::Error::other)?;
        let path = store.path(&kept.hash).map_err(io::Error::other)?;
        Ok(TakenFile { path, hash: kept.hash, size: kept.size })
    }
}

/// A file in the store of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenFile {
    /// Where it is kept.
    pub path: PathBuf,
    /// Hash of its content: 64 hex digits.
    pub hash: String,
    /// Bytes.
    pub size: u64,
}

/// Tells an executor that its attempt is to end.
pub trait Control: Send + Sync {
    /// Why it is to end, once it is.
    fn ended(&self) -> Option<EndReason>;
    /// A descriptor that becomes readable when it is to end.
    fn fd(&self) -> BorrowedFd<'_>;
}

/// A [`Control`] that is switched by [`end`](Self::end).
#[derive(Debug)]
pub struct EndSwitch {
    reason: Mutex<Option<EndReason>>,
    read: PipeReader,
    write: PipeWriter,
}

impl EndSwitch {
    /// One that was not switched.
    ///
    /// # Errors
    /// When this process has no descriptors left.
    pub fn new() -> io::Result<Self> {
        let (read, write) = std::io::pipe()?;
        Ok(Self { reason: Mutex::new(None), read, write })
    }

    /// Says that the attempt is to end. The first reason counts.
    pub fn end(&self, reason: EndReason) {
        let mut known = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = Some(reason);
            // One byte into an empty pipe that is open at both ends neither fails nor waits.
            let _ = rustix::io::write(&self.write, b"!");
        }
    }
}

impl Control for EndSwitch {
    fn ended(&self) -> Option<EndReason> {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }
}

/// A result that is an error.
pub(crate) fn failed(kind: ErrorKind, message: String) -> AttemptResult {
    AttemptResult { error: Some(AttemptError { kind, message }), ..AttemptResult::default() }
}

/// The result of an attempt that was ended from outside before it did anything.
pub(crate) fn ended_early(reason: EndReason) -> AttemptResult {
    match reason {
        EndReason::Timeout => failed(ErrorKind::Timeout, "its time was over before it began".to_owned()),
        EndReason::Cancelled => failed(ErrorKind::Cancelled, "cancelled before it began".to_owned()),
        EndReason::Paused => failed(ErrorKind::Cancelled, "the run was paused before it began".to_owned()),
    }
}

/// The [`Control`] of attempts that are never ended from outside: immediate ones, which do not look.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoControl;

impl Control for NoControl {
    fn ended(&self) -> Option<EndReason> {
        None
    }

    #[expect(clippy::expect_used, reason = "immediate executors do not wait, so nobody asks")]
    fn fd(&self) -> BorrowedFd<'_> {
        static SILENT: OnceLock<(PipeReader, PipeWriter)> = OnceLock::new();
        SILENT.get_or_init(|| std::io::pipe().expect("two descriptors for this process")).0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_switched_once() {
        let switch = EndSwitch::new().unwrap();
        assert_eq!(switch.ended(), None);
        switch.end(EndReason::Timeout);
        switch.end(EndReason::Cancelled);
        assert_eq!(switch.ended(), Some(EndReason::Timeout));
        assert_eq!(NoControl.ended(), None);
    }
}
