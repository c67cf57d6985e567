//! Lines of several logs in the order of their time.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use stead_core::Time;
use stead_engine::logs::{LogLine, LogPart, LogReader, LogRow, LogStream, LogTold};
use stead_engine::operations::{Answer, LogFile, Operation};

use crate::error::{CliError, codes};
use crate::here::{Here, unexpected};
use crate::place::Place;

/// A line that waits for its end is printed as far as it is after this time: it may be a question.
const PATIENCE: Duration = Duration::from_secs(1);
/// Lines of a log that a server is asked for at once.
const PAGE_LINES: usize = 1_000;
/// How often a server is asked for what a log that grows has more.
const PAGE_PAUSE: Duration = Duration::from_millis(500);
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

/// From where lines are read.
enum Reader {
    /// A file of this machine.
    File(LogReader),
    /// A server, page by page.
    Server(Box<Pages>),
}

/// Lines of a log that a server tells page by page.
struct Pages {
    here: Here,
    run: String,
    step: String,
    attempt: u32,
    /// Rows that came and were not taken.
    rows: VecDeque<LogRow>,
    /// The page to ask for begins with this line.
    from: u64,
    /// So many rows of the last page were told already: a log that grows ends with a page that is asked for again.
    told: usize,
    /// The page is the last one there is for now.
    ends: bool,
    /// The log may still grow.
    open: bool,
    /// When the last page was asked for.
    asked: Option<Instant>,
}

impl Reader {
    fn next_line(&mut self) -> Result<Option<LogLine>, CliError> {
        match self {
            Self::File(reader) => reader
                .next_line()
                .map_err(|e| CliError::usage(codes::FILE, format!("the log cannot be read: {e}"))),
            Self::Server(pages) => pages.next(),
        }
    }

    /// Whether the log may still grow.
    fn goes_on(&mut self, open: bool) {
        if let Self::Server(pages) = self {
            pages.goes_on(open);
        }
    }
}

impl Pages {
    fn new(here: &Here, run: &str, file: &LogFile) -> Self {
        Self {
            here: here.clone(),
            run: run.to_owned(),
            step: file.path.clone(),
            attempt: file.attempt,
            rows: VecDeque::new(),
            from: 1,
            told: 0,
            ends: false,
            open: file.open,
            asked: None,
        }
    }

    fn goes_on(&mut self, open: bool) {
        if self.open && !open {
            // What was printed last is asked for at once.
            (self.asked, self.ends) = (None, false);
        }
        self.open = open;
    }

    fn next(&mut self) -> Result<Option<LogLine>, CliError> {
        if self.rows.is_empty() {
            let waits = self.ends && (!self.open || self.asked.is_some_and(|at| at.elapsed() < PAGE_PAUSE));
            if waits {
                return Ok(None);
            }
            self.page()?;
        }
        Ok(self.rows.pop_front().map(|row| {
            let LogRow { n: number, at, stream, text, partial } = row;
            LogLine { number, at, stream, text: text.into_bytes(), partial }
        }))
    }

    fn page(&mut self) -> Result<(), CliError> {
        self.asked = Some(Instant::now());
        let part = LogPart::Lines { from: self.from, stream: None, limit: PAGE_LINES };
        let (run, step, attempt) = (self.run.clone(), self.step.clone(), Some(self.attempt));
        let (lines, next) = match self.here.ask(Operation::LogText { run, step, attempt, part })? {
            Answer::LogText { told: LogTold::Lines { lines, next }, .. } => (lines, next),
            other => return Err(unexpected(&other)),
        };
        // The last piece may have more behind it the next time: it is taken when that is known.
        let grows = next.is_none() && self.open && lines.last().is_some_and(|row| row.partial);
        let count = lines.len() - usize::from(grows);
        let behind = lines.last().filter(|_| lines.iter().all(|row| !row.partial)).map(|row| row.n + 1);
        self.rows.extend(lines.into_iter().take(count).skip(self.told));
        self.ends = next.is_none();
        // Pieces of a line that has begun are told with those before them: then the same page is asked for again.
        (self.from, self.told) = match next.or(behind) {
            Some(from) => (from, 0),
            None => (self.from, count),
        };
        Ok(())
    }
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
    reader: Reader,
    next: Option<LogLine>,
    /// Lines whose end has not come, and when the last piece came.
    open: Vec<(LogLine, Instant)>,
}

impl Merged {
    /// Adds the logs that are not there yet.
    pub(super) fn add(&mut self, here: &Here, run: &str, files: &[LogFile]) {
        for file in files {
            let same = |log: &&mut Log| (&log.path, log.attempt) == (&file.path, file.attempt);
            let known = match self.logs.iter_mut().find(same) {
                None => false,
                Some(log) => {
                    log.reader.goes_on(file.open);
                    true
                }
            };
            if !known {
                self.logs.push(Log {
                    path: file.path.clone(),
                    attempt: file.attempt,
                    file: file.file.clone(),
                    reader: match &here.place {
                        Place::Home(_) => Reader::File(LogReader::new(Path::new(&file.file))),
                        Place::Server(_) => Reader::Server(Box::new(Pages::new(here, run, file))),
                    },
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
            self.next = self.reader.next_line().map_err(|mut error| {
                if error.code == codes::FILE {
                    error = error.detail(self.file.clone());
                }
                error
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
