//! CSV as a stream: a record at a time, with the line it begins at.
//!
//! Written here because what is wrong has to be told by its line, and a record to be bounded before it is in memory.

use std::io::{self, BufRead};

use super::table::TableError;
use crate::limits;

/// A value as it stands in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    /// It stands in quotes: an empty one is meant to be an empty text.
    pub(super) quoted: bool,
}

/// Reads records.
pub(super) struct Csv<R> {
    reader: R,
    comma: u8,
    /// The line that is read, from 1.
    line: u64,
}

/// Where in a record the reader is.
enum At {
    Start,
    Plain,
    Quoted,
    /// Behind a quote within quotes: it ends them, or stands for itself before another one.
    Quote,
}

impl<R: BufRead> Csv<R> {
    pub(super) fn new(reader: R, comma: u8) -> Self {
        Self { reader, comma, line: 1 }
    }

    /// The next record that is not an empty line, and the line at which it begins.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Vec<Cell>)>, TableError> {
        loop {
            let begins = self.line;
            match self.record()? {
                None => return Ok(None),
                Some(cells) if cells.len() == 1 && cells[0].text.is_empty() && !cells[0].quoted => {}
                Some(cells) => return Ok(Some((begins, cells))),
            }
        }
    }

    fn record(&mut self) -> Result<Option<Vec<Cell>>, TableError> {
        let begins = self.line;
        let (mut cells, mut bytes, mut quoted) = (Vec::new(), Vec::new(), false);
        let (mut at, mut size, mut quote_at) = (At::Start, 0_usize, begins);
        loop {
            let Some(byte) = self.byte()? else {
                return match at {
                    At::Start if cells.is_empty() => Ok(None),
                    At::Quoted => Err(TableError::at(quote_at, "the quote that begins here is not closed")
                        .help("a quote within quotes is written twice: \"\"")),
                    _ => {
                        cells.push(cell(bytes, quoted, begins)?);
                        Ok(Some(cells))
                    }
                };
            };
            size += 1;
            if size > limits::LINE_BYTES {
                let message = format!("the row has more than {} bytes", limits::LINE_BYTES);
                return Err(
                    TableError::at(begins, message).help("give large values as inputs of type `file`")
                );
            }
            self.line += u64::from(byte == b'\n');
            match (&at, byte) {
                (At::Quoted, b'"') => at = At::Quote,
                (At::Quoted, _) => bytes.push(byte),
                (At::Quote, b'"') => {
                    bytes.push(byte);
                    at = At::Quoted;
                }
                (At::Start, b'"') => (at, quoted, quote_at) = (At::Quoted, true, self.line),
                (_, b'\n') => {
                    if bytes.last() == Some(&b'\r') {
                        bytes.pop();
                    }
                    cells.push(cell(bytes, quoted, begins)?);
                    return Ok(Some(cells));
                }
                (At::Quote, b'\r') => {}
                (_, byte) if byte == self.comma => {
                    cells.push(cell(std::mem::take(&mut bytes), quoted, begins)?);
                    (at, quoted) = (At::Start, false);
                    if cells.len() > limits::BATCH_COLUMNS {
                        let message = format!("the row has more than {} values", limits::BATCH_COLUMNS);
                        return Err(TableError::at(begins, message));
                    }
                }
                (At::Quote, _) => {
                    return Err(TableError::at(self.line, "a quote ends in the middle of a value")
                        .help("a quote within quotes is written twice: \"\""));
                }
                (At::Start | At::Plain, _) => {
                    bytes.push(byte);
                    at = At::Plain;
                }
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, TableError> {
        loop {
            match self.reader.fill_buf() {
                Ok(piece) => {
                    let byte = piece.first().copied();
                    self.reader.consume(usize::from(byte.is_some()));
                    return Ok(byte);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(TableError::unread(&error)),
            }
        }
    }
}

fn cell(bytes: Vec<u8>, quoted: bool, line: u64) -> Result<Cell, TableError> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Cell { text, quoted }),
        Err(_) => Err(TableError::not_utf8(line)),
    }
}
