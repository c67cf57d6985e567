//! JSON as a stream: a line or an element of a list at a time.

use std::io::{self, BufRead};

use serde_json::Value;

use super::table::TableError;
use crate::limits;

/// Reads values, each with the line it begins at.
pub(super) struct Json<R> {
    reader: R,
    line: u64,
    /// The values are the elements of a list; else each has a line of its own.
    list: bool,
    begun: bool,
    over: bool,
}

impl<R: BufRead> Json<R> {
    pub(super) fn new(reader: R, list: bool) -> Self {
        Self { reader, line: 1, list, begun: false, over: false }
    }

    pub(super) fn next(&mut self) -> Result<Option<(u64, Value)>, TableError> {
        if self.list { self.element() } else { self.line() }
    }

    fn line(&mut self) -> Result<Option<(u64, Value)>, TableError> {
        loop {
            let mut bytes = Vec::new();
            let begins = self.line;
            let over = loop {
                match self.byte()? {
                    None => break true,
                    Some(b'\n') => break false,
                    Some(byte) => push(&mut bytes, byte, begins)?,
                }
            };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                if over {
                    return Ok(None);
                }
                continue;
            }
            return value(&bytes, begins, 0).map(|value| Some((begins, value)));
        }
    }

    fn element(&mut self) -> Result<Option<(u64, Value)>, TableError> {
        if self.over {
            return Ok(None);
        }
        if !std::mem::replace(&mut self.begun, true) && self.solid()? != Some(b'[') {
            return Err(TableError::at(self.line, "there is no JSON list here").help("it begins with `[`"));
        }
        let (mut bytes, mut depth, mut text, mut escaped) = (Vec::new(), 0_u32, false, false);
        let Some(first) = self.solid()? else { return Err(self.unclosed()) };
        let begins = self.line;
        let mut next = Some(first);
        loop {
            let Some(byte) = next else { return Err(self.unclosed()) };
            match byte {
                _ if escaped => escaped = false,
                b'\\' if text => escaped = true,
                b'"' => text = !text,
                _ if text => {}
                b'[' | b'{' => depth += 1,
                b']' if depth == 0 => {
                    self.over = true;
                    if let Some(byte) = self.solid()? {
                        let what = format!("`{}` stands behind the end of the list", char::from(byte));
                        return Err(TableError::at(self.line, what));
                    }
                    break;
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => break,
                _ => {}
            }
            push(&mut bytes, byte, begins)?;
            next = self.byte()?;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) && self.over {
            return Ok(None);
        }
        value(&bytes, begins, begins - 1).map(|value| Some((begins, value)))
    }

    fn unclosed(&self) -> TableError {
        TableError::at(self.line, "the list is not closed").help("it ends with `]`; is the file whole?")
    }

    /// The next byte that is no space.
    fn solid(&mut self) -> Result<Option<u8>, TableError> {
        loop {
            match self.byte()? {
                Some(byte) if byte.is_ascii_whitespace() => {}
                other => return Ok(other),
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, TableError> {
        loop {
            match self.reader.fill_buf() {
                Ok(piece) => {
                    let byte = piece.first().copied();
                    self.reader.consume(usize::from(byte.is_some()));
                    self.line += u64::from(byte == Some(b'\n'));
                    return Ok(byte);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(TableError::unread(&error)),
            }
        }
    }
}

fn push(bytes: &mut Vec<u8>, byte: u8, begins: u64) -> Result<(), TableError> {
    if bytes.len() >= limits::LINE_BYTES {
        let message = format!("the row has more than {} bytes", limits::LINE_BYTES);
        return Err(TableError::at(begins, message).help("give large values as inputs of type `file`"));
    }
    bytes.push(byte);
    Ok(())
}

fn value(bytes: &[u8], begins: u64, before: u64) -> Result<Value, TableError> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Err(TableError::not_utf8(begins)) };
    serde_json::from_str(text).map_err(|error| {
        // Of an element the place within it is known, of a line there is no other.
        let line = if before > 0 || error.line() > 1 { before + error.line() as u64 } else { begins };
        let why = error.to_string();
        let why = why.split(" at line ").next().unwrap_or_default().to_owned();
        TableError::at(line.max(begins), format!("this is no JSON: {why} (column {})", error.column()))
    })
}
