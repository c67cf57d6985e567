//! Writes the log of an attempt.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use stead_core::Time;

use super::LogStream;
use super::record::Record;
use crate::limits::LOG_LINE_LIMIT;

/// Bytes that are gathered before they are written, if nobody asks for a flush earlier.
const BUFFER: usize = 64 * 1024;

/// Appends to the log of one attempt. Trouble with the file is remembered and not an error of the attempt:
/// a deployment is not undone because its log did not fit on the disk.
#[derive(Debug)]
pub struct LogWriter {
    path: PathBuf,
    file: Option<File>,
    buffer: Vec<u8>,
    /// Bytes of the file, the buffer included.
    size: u64,
    limit: u64,
    cut: bool,
    trouble: Option<io::Error>,
}

impl LogWriter {
    /// A log at this path of at most `limit` bytes, beside the engine's own notes. Touches nothing yet.
    pub fn new(path: &Path, limit: u64) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
            buffer: Vec::new(),
            size: 0,
            limit,
            cut: false,
            trouble: None,
        }
    }

    /// Takes bytes that a program printed.
    pub fn write(&mut self, at: Time, stream: LogStream, mut bytes: &[u8]) {
        if self.cut || bytes.is_empty() || !self.ready(at) {
            return;
        }
        while !bytes.is_empty() {
            let window = &bytes[..bytes.len().min(LOG_LINE_LIMIT)];
            let (text, open, used) = match window.iter().position(|&b| b == b'\n') {
                Some(end) => (&window[..end], false, end + 1),
                None => (window, true, window.len()),
            };
            bytes = &bytes[used..];
            if !self.record(&Record { at, stream, open, text }) {
                self.cut = true;
                self.note(at, &format!("log cut at {}: what follows is dropped", size_text(self.limit)));
                return;
            }
        }
    }

    /// Adds a line of the engine's own, beyond any limit.
    pub fn note(&mut self, at: Time, text: &str) {
        if !self.ready(at) {
            return;
        }
        for line in text.lines() {
            let before = self.buffer.len();
            Record { at, stream: LogStream::Note, open: false, text: line.as_bytes() }
                .write(&mut self.buffer);
            self.size += (self.buffer.len() - before) as u64;
        }
    }

    /// Hands what was gathered to the system, so that readers see it and it survives the end of this process.
    pub fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(&self.buffer)
        {
            self.trouble = Some(error);
        }
        self.buffer.clear();
    }

    /// Whether something was gathered and not handed on.
    pub fn is_behind(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Why the log has holes, if it has.
    pub fn trouble(&self) -> Option<&io::Error> {
        self.trouble.as_ref()
    }

    /// Adds a record unless the limit is reached.
    fn record(&mut self, record: &Record<'_>) -> bool {
        let before = self.buffer.len();
        record.write(&mut self.buffer);
        let length = (self.buffer.len() - before) as u64;
        if self.size + length > self.limit {
            self.buffer.truncate(before);
            return false;
        }
        self.size += length;
        if self.buffer.len() >= BUFFER {
            self.flush();
        }
        true
    }

    /// Makes the file when the first byte comes.
    fn ready(&mut self, at: Time) -> bool {
        if self.trouble.is_some() {
            return false;
        }
        if self.file.is_none() {
            match open(&self.path) {
                Ok((file, size)) => {
                    self.file = Some(file);
                    self.size = size;
                    if size > 0 {
                        // The same attempt once more, after a crash: its last line must not run into the new one.
                        self.note(at, "started again after the engine was gone");
                    }
                }
                Err(error) => {
                    self.trouble = Some(error);
                    return false;
                }
            }
        }
        true
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Opens a log for appending, without the record that a crash tore, and says how long it is.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    // Logs hold what programs print: for the owner's eyes, as the store is.
    options.read(true).append(true).create(true).mode(0o600);
    let mut file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            options.open(path)?
        }
        other => other?,
    };
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok((file, 0));
    }
    let whole = end_of_last_record(&mut file, length)?;
    if whole < length {
        file.set_len(whole)?;
    }
    Ok((file, whole))
}

fn end_of_last_record(file: &mut File, length: u64) -> io::Result<u64> {
    let mut buffer = [0u8; 4096];
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(buffer.len() as u64);
        let piece = &mut buffer[..usize::try_from(end - start).unwrap_or(0)];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(piece)?;
        if let Some(at) = piece.iter().rposition(|&b| b == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// A size for people: `64 MiB`, or bytes where it is no whole unit.
pub(crate) fn size_text(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{} {name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}
