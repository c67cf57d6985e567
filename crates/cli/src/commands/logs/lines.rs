//! Lines of several logs in the order of their time.

use std::path::Path;
use std::time::{Duration, Instant};

use stead_core::Time;
use stead_engine::logs::{LogLine, LogReader, LogStream};
use stead_engine::operations::LogFile;

use crate::error::{CliError, codes};

/// A line that waits for its end is printed as far as it is after this time: it may be a question.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of a line that is put together from pieces, at most.
const LONGEST: usize = 256 * 1024;

/// A line with where it came from.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) path: &'a str,
    pub(super) attempt: u32,
    pub(super) number: u64,
    pub(super) at: Time,
    pub(super) stream: LogStream,
    pub(super) text: &'a [u8],
    /// Its end is not there (yet).
    pub(super) partial: bool,
}

/// Logs that are read together.
#[derive(Default)]
pub(super) struct Merged {
    logs: Vec<Log>,
}

struct Log {
    path: String,
    attempt: u32,
    file: String,
    reader: LogReader,
    next: Option<LogLine>,
    /// Lines whose end has not come, and when the last piece came.
    open: Vec<(LogLine, Instant)>,
}

impl Merged {
    /// Adds the logs that are not there yet.
    pub(super) fn add(&mut self, files: &[LogFile]) {
        for file in files {
            let known = self.logs.iter().any(|log| log.file == file.file);
            if !known {
                self.logs.push(Log {
                    path: file.path.clone(),
                    attempt: file.attempt,
                    file: file.file.clone(),
                    reader: LogReader::new(Path::new(&file.file)),
                    next: None,
                    open: Vec::new(),
                });
            }
        }
    }

    /// Hands out all that has come. `raw`: pieces as they are; `all`: nothing more comes, so that what has no
    /// end is handed out too.
    pub(super) fn drain(
        &mut self,
        raw: bool,
        all: bool,
        take: &mut dyn FnMut(Line<'_>) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        loop {
            for log in &mut self.logs {
                log.load()?;
            }
            let earliest = self.logs.iter_mut().filter(|log| log.next.is_some());
            let Some(log) = earliest.min_by_key(|log| log.next.as_ref().map(|line| line.at)) else { break };
            let Some(line) = log.next.take() else { break };
            let whole = if raw { Some(line) } else { log.put_together(line) };
            if let Some(line) = whole {
                log.hand_out(&line, take)?;
            }
        }
        for log in &mut self.logs {
            let waits = |since: &Instant| !all && since.elapsed() < PATIENCE;
            let (stay, go) = std::mem::take(&mut log.open).into_iter().partition(|(_, since)| waits(since));
            log.open = stay;
            for (line, _) in go {
                log.hand_out(&line, take)?;
            }
        }
        Ok(())
    }
}

impl Log {
    fn load(&mut self) -> Result<(), CliError> {
        if self.next.is_none() {
            self.next = self.reader.next_line().map_err(|e| {
                CliError::usage(codes::FILE, format!("the log {} cannot be read: {e}", self.file))
            })?;
        }
        Ok(())
    }

    /// The line of a piece, once it is whole.
    fn put_together(&mut self, piece: LogLine) -> Option<LogLine> {
        let at = self.open.iter().position(|(line, _)| line.number == piece.number);
        let mut line = match at {
            None => piece,
            Some(at) => {
                let (mut line, _) = self.open.remove(at);
                line.text.extend_from_slice(&piece.text);
                line.partial = piece.partial;
                line
            }
        };
        if !line.partial || line.text.len() > LONGEST {
            line.partial = false;
            return Some(line);
        }
        self.open.push((line, Instant::now()));
        None
    }

    fn hand_out(
        &self,
        line: &LogLine,
        take: &mut dyn FnMut(Line<'_>) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let LogLine { number, at, stream, ref text, partial } = *line;
        take(Line { path: &self.path, attempt: self.attempt, number, at, stream, text, partial })
    }
}
