//! Logs of attempts: what programs print, in the order of its arrival.
//!
//! A log is a file of its own per attempt, made when the first byte comes. Each record is one line of it:
//!
//! ```text
//! 1763717000123 o Compiling 3 files
//! 1763717000125 e+warning: half a li
//! 1763717000180 e ne
//! 1763717005200 n ended: timeout
//! ```
//!
//! Milliseconds since 1970, a space, the stream (`o`ut, `e`rr, `n`ote of the engine), a space or `+`, and the
//! bytes as they came. `+` says that the line has not ended there: the next record of that stream goes on
//! with it. So everything that has no line break (a prompt, a progress bar made of `\r`) is on disk as
//! soon as it was printed, any bytes can be kept, `grep` and `less` work on the file, and a record that a
//! crash tore is known by its missing line break. A note ends all open lines.

mod raw;
mod reader;
mod record;
mod text;
mod writer;

pub use raw::RawLog;
pub use reader::{LogCursor, LogLine, LogReader};
pub use text::{LogPart, LogRow, LogTold};
pub(crate) use text::{lines, pattern, search};
pub use writer::LogWriter;
pub(crate) use writer::size_text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a piece of a log came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// The engine itself: why it ended something, what it dropped.
    Note,
}

impl LogStream {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Out, Self::Err, Self::Note];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Err => "err",
            Self::Note => "note",
        }
    }
}

#[cfg(test)]
mod tests;
