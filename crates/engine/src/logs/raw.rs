//! The log of an attempt as it was printed.

use std::io::{self, Read};
use std::path::Path;

use super::{LogReader, LogStream};

/// The bytes of a log in the order of their coming, without what Stead keeps beside them. However long it is, a piece of
/// it is in memory; it ends where there is no more for now.
#[derive(Debug)]
pub struct RawLog {
    reader: LogReader,
    stream: Option<LogStream>,
    piece: Vec<u8>,
    /// So much of the piece is read.
    read: usize,
}

impl RawLog {
    /// What came from one stream; else all that the program printed, and no notes of Stead.
    pub fn new(file: &Path, stream: Option<LogStream>) -> Self {
        Self { reader: LogReader::new(file), stream, piece: Vec::new(), read: 0 }
    }

    fn is_wanted(&self, stream: LogStream) -> bool {
        self.stream.map_or(stream != LogStream::Note, |wanted| wanted == stream)
    }
}

impl Read for RawLog {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() {
            let Some(line) = self.reader.next_line()? else { return Ok(0) };
            if self.is_wanted(line.stream) {
                (self.piece, self.read) = (line.text, 0);
                if !line.partial {
                    self.piece.push(b'\n');
                }
            }
        }
        let count = to.len().min(self.piece.len() - self.read);
        to[..count].copy_from_slice(&self.piece[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_printed_is_read_as_it_was() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"1 o one\n2 e+wa\n3 e rn\n4 n ended by hand\n5 o \n6 o+\xff end\n")
            .unwrap();
        let read = |stream, at_once: usize| {
            let (mut log, mut all) = (RawLog::new(file.path(), stream), Vec::new());
            let mut piece = vec![0; at_once];
            loop {
                match log.read(&mut piece).unwrap() {
                    0 => return all,
                    read => all.extend_from_slice(&piece[..read]),
                }
            }
        };
        for at_once in [1, 3, 4_096] {
            assert_eq!(read(None, at_once), b"one\nwarn\n\n\xff end", "{at_once}");
            assert_eq!(read(Some(LogStream::Out), at_once), b"one\n\n\xff end");
            assert_eq!(read(Some(LogStream::Err), at_once), b"warn\n");
            assert_eq!(read(Some(LogStream::Note), at_once), b"ended by hand\n");
        }
    }
}
