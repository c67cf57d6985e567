//! What a program prints: redacted into the log and the tail for messages, raw into what becomes the output.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use stead_core::Time;

use crate::limits::ProcessLimits;
use crate::logs::{LogStream, LogWriter};
use crate::redact::{RedactStream, Redaction};

/// Takes what comes from the two pipes.
pub(super) struct Sink {
    log: LogWriter,
    out: Channel,
    err: Channel,
    /// `None`: not wanted.
    kept: Option<Kept>,
    plain: bool,
}

/// Standard output for the step's output. Kept raw in memory and redacted after it was parsed: a secret
/// that is a number must not make JSON unreadable, and an escaped one must be found.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    pub(super) over: bool,
    limit: usize,
}

struct Channel {
    stream: LogStream,
    redact: RedactStream,
    redacted: Vec<u8>,
    tail: Tail,
}

impl Sink {
    pub(super) fn new(log: &Path, redaction: &Redaction, limits: &ProcessLimits, wanted: bool) -> Self {
        let channel = |stream| Channel {
            stream,
            redact: redaction.stream(),
            redacted: Vec::new(),
            tail: Tail::new(limits.error_tail_bytes, limits.error_tail_lines),
        };
        Self {
            log: LogWriter::new(log, limits.log),
            out: channel(LogStream::Out),
            err: channel(LogStream::Err),
            kept: wanted.then(|| Kept { limit: limits.output, ..Kept::default() }),
            plain: redaction.is_empty(),
        }
    }

    /// Takes bytes of standard output or standard error.
    pub(super) fn take(&mut self, stream: LogStream, bytes: &[u8]) {
        let at = now();
        let channel = if stream == LogStream::Out {
            if let Some(kept) = &mut self.kept {
                kept.take(bytes);
            }
            &mut self.out
        } else {
            &mut self.err
        };
        if self.plain {
            channel.tail.take(bytes);
            self.log.write(at, stream, bytes);
        } else {
            channel.redacted.clear();
            channel.redact.push(bytes, &mut channel.redacted);
            channel.tail.take(&channel.redacted);
            self.log.write(at, stream, &channel.redacted);
        }
    }

    /// A line of the engine's own.
    pub(super) fn note(&mut self, text: &str) {
        self.log.note(now(), text);
    }

    pub(super) fn flush(&mut self) {
        self.log.flush();
    }

    pub(super) fn is_behind(&self) -> bool {
        self.log.is_behind()
    }

    /// No more comes: what redaction held back goes out.
    pub(super) fn finish(&mut self) {
        for channel in [&mut self.out, &mut self.err] {
            channel.redacted.clear();
            channel.redact.finish(&mut channel.redacted);
            channel.tail.take(&channel.redacted);
            self.log.write(now(), channel.stream, &channel.redacted);
        }
    }

    pub(super) fn kept(&mut self) -> Kept {
        self.kept.take().unwrap_or_default()
    }

    /// The last lines of standard error, or of standard output where that is silent, for a message.
    pub(super) fn tail(&self) -> String {
        let err = self.err.tail.text();
        if err.is_empty() { self.out.tail.text() } else { err }
    }

    /// Why the log is not whole.
    pub(super) fn trouble(&self) -> Option<String> {
        self.log.trouble().map(ToString::to_string)
    }
}

impl Kept {
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    #[cfg(test)]
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), over: false, limit: usize::MAX }
    }

    fn take(&mut self, bytes: &[u8]) {
        if self.bytes.len() + bytes.len() > self.limit {
            self.over = true;
            self.bytes = Vec::new();
        }
        if !self.over {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

/// The last bytes of a stream.
struct Tail {
    bytes: Vec<u8>,
    limit: usize,
    lines: usize,
}

impl Tail {
    fn new(limit: usize, lines: usize) -> Self {
        Self { bytes: Vec::new(), limit, lines }
    }

    fn take(&mut self, bytes: &[u8]) {
        // Cut in large steps, so that each byte is moved once at most.
        let keep = 2 * self.limit;
        if bytes.len() >= keep {
            self.bytes.clear();
            self.bytes.extend_from_slice(&bytes[bytes.len() - keep..]);
            return;
        }
        if self.bytes.len() + bytes.len() > 2 * keep {
            self.bytes.drain(..self.bytes.len() - keep);
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The last lines as text: of a progress bar its last state, without control characters.
    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let mut lines = Vec::new();
        let mut room = self.limit;
        for line in text.trim_end().lines().rev().take(self.lines) {
            let shown = line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
            let shown = without_controls(shown);
            if shown.len() > room {
                let mut from = shown.len() - room;
                while !shown.is_char_boundary(from) {
                    from += 1;
                }
                if from < shown.len() {
                    lines.push(format!("…{}", &shown[from..]));
                }
                break;
            }
            room -= shown.len();
            lines.push(shown);
        }
        lines.reverse();
        lines.join("\n")
    }
}

/// Without colours and other sequences for terminals: the message goes to journals and pages.
fn without_controls(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' if chars.peek() == Some(&'[') => {
                chars.next();
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

pub(super) fn now() -> Time {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| Time::try_from(since.as_millis()).unwrap_or(Time::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(limit: usize, lines: usize, pieces: &[&str]) -> String {
        let mut tail = Tail::new(limit, lines);
        for piece in pieces {
            tail.take(piece.as_bytes());
        }
        assert!(tail.bytes.len() <= 4 * limit);
        tail.text()
    }

    #[test]
    fn the_tail_is_the_last_lines() {
        assert_eq!(tail(100, 2, &["a\nb", "\nc\n"]), "b\nc");
        assert_eq!(tail(100, 20, &["10%\r20%\r99%\n\x1b[31mred\x1b[0m\x07\r\n"]), "99%\nred");
        assert_eq!(tail(4, 20, &["one\n", "2345678"]), "…5678");
        assert_eq!(tail(5, 20, &["ab\ncd\n"]), "ab\ncd");
        assert_eq!(tail(3, 20, &["äö"]), "…ö");
        assert_eq!(tail(10, 20, &[]), "");
    }

    #[test]
    fn the_tail_of_much_is_still_the_tail() {
        let pieces: Vec<String> = (0..10_000).map(|n| format!("line {n}\n")).collect();
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        assert_eq!(tail(64, 2, &pieces), "line 9998\nline 9999");
    }
}
