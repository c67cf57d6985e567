//! The log of a step, line by line, over all its attempts.

use stead_core::effect::AttemptId;
use stead_core::ids::StreamId;
use stead_core::run::Event;

use crate::home::Home;
use crate::limits;
use crate::logs::{LogReader, LogStream};

/// Follows the attempts of a step instance, one after another.
pub(super) struct Tail {
    run: StreamId,
    step: String,
    /// The newest attempt that is known.
    newest: u32,
    /// The attempt that is read, and the line that was told last.
    at: (u32, u64),
    reader: Option<LogReader>,
}

/// A piece of a log, ready to be told.
pub(super) struct Piece {
    /// Attempt and line up to which it goes.
    pub(super) at: (u32, u64),
    /// As JSON.
    pub(super) text: String,
}

impl Tail {
    /// Behind what was told already. `newest` is the newest attempt that there is.
    pub(super) fn new(run: StreamId, step: String, newest: u32, told: Option<(u32, u64)>) -> Self {
        Self { run, step, newest, at: told.unwrap_or((1, 0)), reader: None }
    }

    /// Looks for attempts of the step in a row that is told.
    pub(super) fn look(&mut self, run: &StreamId, text: &str) {
        #[derive(serde::Deserialize)]
        struct Row {
            events: Vec<Event>,
        }
        if *run != self.run {
            return;
        }
        for event in serde_json::from_str::<Row>(text).map(|row| row.events).unwrap_or_default() {
            if let Event::AttemptStarted { path, number, .. } = event
                && path == self.step
            {
                self.newest = self.newest.max(number);
            }
        }
    }

    /// What was printed since; none: nothing.
    pub(super) fn next(&mut self, home: &Home) -> Option<Piece> {
        loop {
            let mut lines: Vec<serde_json::Value> = Vec::new();
            let mut bytes = 0;
            let (attempt, told) = self.at;
            let reader = self.reader.get_or_insert_with(|| {
                let id = AttemptId { stream: self.run.clone(), path: self.step.clone(), number: attempt };
                let mut reader = LogReader::new(&home.log(&id));
                // A file that cannot be read is as one that is not there.
                let _ = reader.skip_to(told + 1);
                reader
            });
            while lines.len() < limits::LIVE_LINES && bytes < limits::LIVE_LOG_BYTES {
                // What cannot be read now may be later.
                let Ok(Some(line)) = reader.next_line() else { break };
                if line.number <= told {
                    continue;
                }
                bytes += line.text.len();
                // A line that has not ended is told again, whole, to one who goes on from here.
                self.at.1 = if line.partial { line.number - 1 } else { line.number };
                let stream = match line.stream {
                    LogStream::Out => "out",
                    LogStream::Err => "err",
                    LogStream::Note => "note",
                };
                lines.push(serde_json::json!({
                    "n": line.number, "at": line.at, "stream": stream,
                    "text": String::from_utf8_lossy(&line.text), "partial": line.partial,
                }));
            }
            if !lines.is_empty() {
                let text = serde_json::json!({
                    "run": self.run, "step": self.step, "attempt": attempt, "lines": lines,
                });
                return Some(Piece { at: self.at, text: text.to_string() });
            }
            if attempt >= self.newest {
                return None;
            }
            self.at = (attempt + 1, 0);
            self.reader = None;
        }
    }
}
