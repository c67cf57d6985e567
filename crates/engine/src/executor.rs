//! Executors: code that performs one kind of action.

use std::path::PathBuf;

use stead_core::effect::{AttemptResult, EndReason, Execute};

/// Performs the attempts of one kind of action.
pub trait Executor: Send + Sync {
    /// The name that plans give.
    fn name(&self) -> &'static str;

    /// Whether it never waits for anything: such attempts are performed by the driver itself.
    fn immediate(&self) -> bool {
        false
    }

    /// Performs one attempt, blocking, and says how it ended. Never panics over what it is asked.
    fn perform(&self, job: &Execute, place: &Place, control: &dyn Control) -> AttemptResult;
}

/// Where an attempt works.
#[derive(Debug, Clone)]
pub struct Place {
    /// The project's folder: what relative paths are relative to.
    pub project: PathBuf,
    /// An empty folder of the attempt's own (`STEAD_DIR`). Made when first needed, removed by the engine.
    pub dir: PathBuf,
    /// Where its log goes. Made when the first byte comes.
    pub log: PathBuf,
    /// Where files by hash are kept.
    pub files: PathBuf,
}

/// Tells an executor that its attempt is to end.
pub trait Control: Send + Sync {
    /// Why it is to end, once it is.
    fn ended(&self) -> Option<EndReason>;
    /// A descriptor that becomes readable when it is to end.
    fn fd(&self) -> std::os::fd::BorrowedFd<'_>;
}
