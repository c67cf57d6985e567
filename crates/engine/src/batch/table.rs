//! Tables: CSV, JSON lines, a JSON list. What is wrong with a table is told by its line.

use std::fmt;
use std::io::{self, BufRead};
use std::path::Path;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Values parted by this byte, the first row names the columns.
    Csv(u8),
    /// A map per line.
    Lines,
    /// A list of maps.
    List,
}

/// What is wrong with a table: nothing of it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError {
    /// The line, from 1, where it is about one.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
    /// More of the same, where there are several things.
    pub details: Vec<String>,
    /// What to try.
    pub help: Option<String>,
}

impl TableError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { line: None, message: message.into(), details: Vec::new(), help: None }
    }

    pub(super) fn at(line: u64, message: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::new(message) }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(super) fn not_utf8(line: u64) -> Self {
        Self::at(line, "this is not UTF-8 text").help("save the table as UTF-8")
    }

    pub(super) fn unread(error: &io::Error) -> Self {
        Self::new(format!("it cannot be read: {error}"))
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for TableError {}

impl Format {
    /// How a table is written: by the end of its name, else by its first character. A mark at its beginning is taken.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or is in another encoding.
    pub fn of(path: Option<&Path>, reader: &mut impl BufRead) -> Result<Self, TableError> {
        let head = filled(reader)?;
        if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
            return Err(TableError::new("it is UTF-16 text").help("save the table as UTF-8"));
        }
        if head.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        let first = loop {
            let head = filled(reader)?;
            let Some(first) = head.first().copied() else {
                return Err(TableError::new("it is empty").help("the first row of a CSV names the columns"));
            };
            if first != b' ' && first != b'\r' {
                break first;
            }
            // Spaces before the first value; a line that is empty is counted where lines are.
            reader.consume(1);
        };
        let end = path.and_then(Path::extension).and_then(|end| end.to_str()).map(str::to_ascii_lowercase);
        Ok(match (end.as_deref(), first) {
            (Some("csv"), _) => Format::Csv(b','),
            (Some("tsv"), _) => Format::Csv(b'\t'),
            (Some("jsonl" | "ndjson"), _) => Format::Lines,
            (_, b'[') => Format::List,
            (_, b'{') => Format::Lines,
            (Some("json"), _) => Format::List,
            _ => Format::Csv(b','),
        })
    }
}

fn filled(reader: &mut impl BufRead) -> Result<&[u8], TableError> {
    loop {
        match reader.fill_buf() {
            // Asked again, for the borrow of a first answer would last.
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(TableError::unread(&error)),
        }
    }
    reader.fill_buf().map_err(|error| TableError::unread(&error))
}
