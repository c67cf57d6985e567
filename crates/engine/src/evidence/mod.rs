//! What is known of an attempt whose end is not known, for whoever has to say what it came to.
//!
//! The folder of an attempt that must happen once stays until its end is durable, with a note beside it: the process,
//! and how it ended, as far as it came to that. The journal has what was asked of it and what its probe said, its log
//! what it printed. Nothing of this decides anything.

mod collect;
mod kept;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_core::Time;

pub(crate) use collect::collect;
pub(crate) use kept::{Kept, Left, begins, begun, ended, remove};

/// What is known of an attempt whose end is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The step instance.
    pub step: String,
    /// Number of the attempt.
    pub attempt: u32,
    /// Its idempotency key: what a receiver may know it by.
    pub key: String,
    /// When it was handed out.
    pub started_at: Option<Time>,
    /// When an engine found it without an end.
    pub lost_at: Option<Time>,
    /// What was asked of its executor. Secrets are not in it.
    pub request: Option<Value>,
    /// What its probe said last, for a step that has `verify`.
    pub probe: Option<ProbeAnswer>,
    /// Its process; of what is none, or where no note was left, nothing.
    pub process: Option<Process>,
    /// What it printed.
    pub log: Option<LogEnd>,
    /// Its folder (`STEAD_DIR`), as it left it.
    pub folder: Option<PathBuf>,
    /// What it left there, and in the file for its values (`STEAD_OUTPUT`).
    pub files: Vec<FileLeft>,
    /// Files that are not listed.
    pub more_files: usize,
}

/// What a probe said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeAnswer {
    /// When.
    pub at: Time,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Process {
    /// Its number, which another one may have by now. Not known where its engine went at that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When it was to be started.
    pub started_at: Time,
    /// How it ended, if that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<ProcessEnd>,
}

/// The end of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessEnd {
    /// When.
    pub at: Time,
    /// Its exit code; of one that a signal ended 128 and the signal. Not known of what the next engine has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// An engine ended it; otherwise it ended by itself.
    pub ended: bool,
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogEnd {
    /// The file.
    pub file: PathBuf,
    /// Its last lines.
    pub lines: Vec<String>,
    /// Lines before these.
    pub before: u64,
}

/// A file that an attempt left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileLeft {
    /// Where.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// When it was written last.
    pub modified_at: Option<Time>,
}
