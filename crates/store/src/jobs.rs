//! Effects that leave the process: what became of them, and what is to be tried again.
//!
//! They are made by commits, with the turn that causes them. What becomes of one is written beside the streams, each time
//! in a transaction of its own; whoever delivers them holds the home, so each has one who does.

use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_core::ids::StreamId;

use crate::{Job, StoreError};

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It is to be delivered, for the first time or again.
    Waiting,
    /// It was delivered.
    Delivered,
    /// It was tried as often as is tried, and is not tried any more by itself.
    Failed,
}

impl JobState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Failed];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// A job, and what became of it so far.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// What is to be done.
    pub job: Job,
    /// The stream whose turn made it.
    pub stream: StreamId,
    /// How far it is.
    pub state: JobState,
    /// When it was made.
    pub at: Time,
    /// When it is tried next.
    pub due: Time,
    /// How often it was tried.
    pub tries: u32,
    /// When it was delivered, or given up.
    pub ended_at: Option<Time>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Who has had their part of it already.
    pub done: Vec<String>,
}

/// Which jobs, the newest first.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: String,
    /// Only those that are so far.
    pub state: Option<JobState>,
    /// Only those that come after this one in the list.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// What is read of jobs.
pub trait JobReader {
    /// The job of an id.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn job(&mut self, id: &str) -> Result<Option<JobRow>, StoreError>;

    /// Jobs, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn job_rows(&mut self, filter: &JobFilter) -> Result<Vec<JobRow>, StoreError>;

    /// Each target for which jobs wait, and when the earliest is due.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn job_targets(&mut self, kind: &str) -> Result<Vec<(String, Time)>, StoreError>;

    /// The job for a target that is due first, if its time has come.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn next_job(&mut self, kind: &str, target: &str, at: Time) -> Result<Option<JobRow>, StoreError>;

    /// How many jobs of a kind wait, counted no further than a number.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn jobs_waiting(&mut self, kind: &str, at_most: usize) -> Result<u64, StoreError>;

    /// How many jobs of a kind are how far.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn job_counts(&mut self, kind: &str) -> Result<[(JobState, u64); 3], StoreError>;
}

/// Jobs, to be changed.
pub trait Jobs: JobReader {
    /// Writes what became of a job that waits; nothing for one that does not. Of those that are over the oldest go, when there
    /// are too many.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn settle_job(&mut self, row: &JobRow) -> Result<(), StoreError>;

    /// Has a job that has failed tried again from now on; false where there is none that has.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn retry_job(&mut self, id: &str, at: Time) -> Result<bool, StoreError>;
}
