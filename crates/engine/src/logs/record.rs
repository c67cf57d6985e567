//! One record: the line of a log file.

use std::io::Write as _;

use stead_core::Time;

use super::LogStream;

/// Bytes before the text at most: 19 digits, a space, stream and mark.
pub(super) const HEAD_LIMIT: usize = 22;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) at: Time,
    pub(super) stream: LogStream,
    /// The line does not end here.
    pub(super) open: bool,
    pub(super) text: &'a [u8],
}

impl Record<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let stream = match self.stream {
            LogStream::Out => 'o',
            LogStream::Err => 'e',
            LogStream::Note => 'n',
        };
        // Writing to memory does not fail.
        let _ = write!(out, "{} {stream}{}", self.at, if self.open { '+' } else { ' ' });
        out.extend_from_slice(self.text);
        out.push(b'\n');
    }
}

/// Reads a line of the file, without its break. `None`: no record (what a crash or somebody else left).
pub(super) fn parse(line: &[u8]) -> Option<Record<'_>> {
    let space = line.iter().take(HEAD_LIMIT).position(|&b| b == b' ')?;
    let at = std::str::from_utf8(&line[..space]).ok()?.parse().ok()?;
    let stream = match line.get(space + 1)? {
        b'o' => LogStream::Out,
        b'e' => LogStream::Err,
        b'n' => LogStream::Note,
        _ => return None,
    };
    let open = match line.get(space + 2)? {
        b' ' => false,
        b'+' => true,
        _ => return None,
    };
    Some(Record { at, stream, open, text: &line[space + 3..] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for (open, text) in [(false, b"".as_slice()), (true, b"a b+\xff\0\r"), (false, b" 1 o x")] {
            let record = Record { at: 1_763_717_000_123, stream: LogStream::Err, open, text };
            let mut bytes = Vec::new();
            record.write(&mut bytes);
            assert_eq!(bytes.pop(), Some(b'\n'));
            assert_eq!(parse(&bytes), Some(record));
        }
    }

    #[test]
    fn anything_else_is_no_record() {
        for line in [
            b"".as_slice(),
            b"hello world",
            b"12 x y",
            b"12 o",
            b"12 o-x",
            b"12",
            b"99999999999999999999 o x",
        ] {
            assert_eq!(parse(line), None, "{}", String::from_utf8_lossy(line));
        }
    }
}
