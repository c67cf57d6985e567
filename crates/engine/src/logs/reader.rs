//! Reads the log of an attempt, also while it is written.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stead_core::Time;

use super::LogStream;
use super::record::{HEAD_LIMIT, Record, parse};
use crate::limits::LOG_LINE_LIMIT;

/// Bytes read at once. More than the longest record, so that one always fits.
const READ: usize = 2 * LOG_LINE_LIMIT;

/// A line, or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Number of the line, from 1, given when its first byte came. Pieces of a line share it.
    pub number: u64,
    /// When it came.
    pub at: Time,
    /// From where.
    pub stream: LogStream,
    /// The bytes, without the line break.
    pub text: Vec<u8>,
    /// The line does not end with this piece: it is too long for one, the other stream came between, or
    /// no more has come yet.
    pub partial: bool,
}

/// A place in a log, to go on from later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCursor {
    /// Bytes of the file that are behind it.
    offset: u64,
    /// Number of the next line that begins.
    next: u64,
    /// Numbers of the lines that have begun and not ended: of standard output, of standard error.
    open: [Option<u64>; 2],
}

impl Default for LogCursor {
    fn default() -> Self {
        Self { offset: 0, next: 1, open: [None; 2] }
    }
}

/// Reads lines in the order of their arrival.
#[derive(Debug)]
pub struct LogReader {
    path: PathBuf,
    file: Option<File>,
    /// Behind what was handed out.
    cursor: LogCursor,
    /// Bytes of the file from `buffer_at` on. Never kept over the end of the file: what stands there may
    /// still change.
    buffer: Vec<u8>,
    buffer_at: u64,
}

impl LogReader {
    /// Reads from the beginning. A file that is not there (yet) is an empty log.
    pub fn new(path: &Path) -> Self {
        Self::at(path, LogCursor::default())
    }

    /// Reads on from a place.
    pub fn at(path: &Path, cursor: LogCursor) -> Self {
        Self { path: path.to_owned(), file: None, cursor, buffer: Vec::new(), buffer_at: 0 }
    }

    /// The place behind the line that was handed out last.
    pub fn cursor(&self) -> &LogCursor {
        &self.cursor
    }

    /// Passes over all lines before this number.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn skip_to(&mut self, number: u64) -> io::Result<()> {
        while self.cursor.next < number {
            if self.next_line()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// The next line or piece; `None`: there is no more for now. Asked again later it goes on with what
    /// was written since.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<LogLine>> {
        let mut line: Option<LogLine> = None;
        loop {
            let Some((range, length)) = self.locate()? else { return Ok(line) };
            if let Some(record) = parse(&self.buffer[range]) {
                match &mut line {
                    None => line = Some(begin(&mut self.cursor, &record)),
                    Some(line) if line.stream == record.stream && fits(line, &record) => {
                        line.text.extend_from_slice(record.text);
                        line.partial = record.open;
                        if !record.open {
                            close(&mut self.cursor, record.stream);
                        }
                    }
                    // The record stays where it is, for the next call.
                    Some(_) => return Ok(line),
                }
            }
            self.cursor.offset += length;
            if line.as_ref().is_some_and(|line| !line.partial) {
                return Ok(line);
            }
        }
    }

    /// The file's line at the cursor: where in the buffer it stands, and its length with the break.
    fn locate(&mut self) -> io::Result<Option<(Range<usize>, u64)>> {
        for fresh in [false, true] {
            if fresh && !self.fill()? {
                return Ok(None);
            }
            let Some(from) = self.cursor.offset.checked_sub(self.buffer_at) else { continue };
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            let Some(rest) = self.buffer.get(from..) else { continue };
            if let Some(end) = rest.iter().position(|&b| b == b'\n') {
                return Ok(Some((from..from + end, end as u64 + 1)));
            }
            if fresh && rest.len() > LOG_LINE_LIMIT + HEAD_LIMIT {
                // No writer of ours made this: pass over it.
                return Ok(Some((from..from, rest.len() as u64)));
            }
        }
        Ok(None)
    }

    /// Reads from the cursor on. `false`: there is nothing.
    fn fill(&mut self) -> io::Result<bool> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        let Some(file) = &self.file else { return Ok(false) };
        self.buffer.resize(READ, 0);
        let mut filled = 0;
        while filled < READ {
            match file.read_at(&mut self.buffer[filled..], self.cursor.offset + filled as u64) {
                Ok(0) => break,
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.buffer.truncate(filled);
        self.buffer_at = self.cursor.offset;
        Ok(filled > 0)
    }
}

impl Iterator for LogReader {
    type Item = io::Result<LogLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

fn fits(line: &LogLine, record: &Record<'_>) -> bool {
    line.text.len() + record.text.len() <= LOG_LINE_LIMIT
}

fn begin(cursor: &mut LogCursor, record: &Record<'_>) -> LogLine {
    let open = slot(record.stream).and_then(|slot| cursor.open[slot]);
    let number = open.unwrap_or_else(|| {
        cursor.next += 1;
        cursor.next - 1
    });
    match slot(record.stream) {
        Some(slot) => cursor.open[slot] = record.open.then_some(number),
        None => cursor.open = [None; 2],
    }
    LogLine { number, at: record.at, stream: record.stream, text: record.text.to_vec(), partial: record.open }
}

fn close(cursor: &mut LogCursor, stream: LogStream) {
    if let Some(slot) = slot(stream) {
        cursor.open[slot] = None;
    }
}

fn slot(stream: LogStream) -> Option<usize> {
    match stream {
        LogStream::Out => Some(0),
        LogStream::Err => Some(1),
        LogStream::Note => None,
    }
}
