//! Lines of logs on standard output.

use std::collections::VecDeque;

use regex::Regex;
use serde_json::json;
use stead_core::Time;
use stead_engine::logs::LogStream;
use stead_engine::operations::LogFile;

use super::lines::Line;
use crate::args::Logs;
use crate::error::CliError;
use crate::face::{Face, Ink};
use crate::out;
use crate::text;

/// Bytes gathered before they are written.
const CHUNK: usize = 64 * 1024;
/// Colours of the names of steps.
const INKS: [Ink; 5] = [Ink::Cyan, Ink::Green, Ink::Magenta, Ink::Yellow, Ink::Blue];

/// Prints lines as the command line wants them.
pub(super) struct Printer<'a> {
    face: Face,
    args: &'a Logs,
    grep: Option<Regex>,
    run: &'a str,
    /// Columns for names of steps; `None`: they are not printed.
    prefix: Option<usize>,
    /// With `-n`: the last lines, until all that was there is known.
    last: Option<VecDeque<Vec<u8>>>,
    buffer: Vec<u8>,
    /// From when on, and until when.
    times: (Option<Time>, Option<Time>),
}

impl<'a> Printer<'a> {
    pub(super) fn new(face: Face, args: &'a Logs, grep: Option<Regex>, run: &'a str) -> Self {
        let last = args.lines.map(|_| VecDeque::new());
        Self { face, args, grep, run, prefix: None, last, buffer: Vec::new(), times: (None, None) }
    }

    /// Prints names of steps before lines, unless there is one log only.
    pub(super) fn prefixed(&mut self, files: &[LogFile], single: bool, more_may_come: bool) {
        let several = files.len() > 1 || (more_may_come && !single);
        let widest = files.iter().map(|file| text::width(&name(&file.path, file.attempt))).max();
        self.prefix = several.then(|| widest.unwrap_or(0).clamp(8, 32));
    }

    /// Prints only lines of a time.
    pub(super) fn between(&mut self, from: Option<Time>, to: Option<Time>) {
        self.times = (from, to);
    }

    /// Takes a line.
    pub(super) fn take(&mut self, line: &Line<'_>) -> Result<(), CliError> {
        let (from, to) = self.times;
        if from.is_some_and(|from| line.at < from) || to.is_some_and(|to| line.at >= to) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(line.text);
        if let Some(grep) = &self.grep
            && !grep.is_match(&text::clean(&text))
        {
            return Ok(());
        }
        let bytes = if self.args.raw {
            if line.stream == LogStream::Note {
                return Ok(());
            }
            let mut bytes = line.text.to_vec();
            if !line.partial {
                bytes.push(b'\n');
            }
            bytes
        } else if self.args.json {
            let record = json!({
                "run": self.run, "path": line.path, "attempt": line.attempt, "line": line.number,
                "at": line.at, "stream": line.stream, "text": text,
            });
            format!("{record}\n").into_bytes()
        } else {
            self.for_people(line, &text).into_bytes()
        };
        match (&mut self.last, self.args.lines) {
            (Some(last), Some(most)) => {
                last.push_back(bytes);
                if last.len() > most {
                    last.pop_front();
                }
                Ok(())
            }
            _ => self.push(&bytes),
        }
    }

    fn for_people(&self, line: &Line<'_>, text: &str) -> String {
        let mut out = String::new();
        if self.args.timestamps {
            out.push_str(&self.face.paint(Ink::Dim, &text::instant(line.at)));
            out.push(' ');
        }
        if let Some(columns) = self.prefix {
            let name = name(line.path, line.attempt);
            let ink = INKS[line.path.bytes().map(usize::from).sum::<usize>() % INKS.len()];
            out.push_str(&self.face.paint(ink, &text::pad(&name, columns)));
            out.push_str(self.face.sign(" │ ", " | "));
        }
        let text = if self.face.color { text::clean_but_colour(text) } else { text::clean(text) };
        if line.stream == LogStream::Note {
            out.push_str(&self.face.paint(Ink::Dim, &format!("({text})")));
        } else {
            out.push_str(&text);
            if self.face.color && text.contains('\x1b') {
                // A program that ended in the middle of a colour.
                out.push_str("\x1b[0m");
            }
        }
        out.push('\n');
        out
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// All that was there has been taken: what comes from here on is printed as it comes.
    pub(super) fn go_on(&mut self) -> Result<(), CliError> {
        for line in self.last.take().unwrap_or_default() {
            self.push(&line)?;
        }
        Ok(())
    }

    /// Writes what was gathered.
    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        let bytes = std::mem::take(&mut self.buffer);
        if bytes.is_empty() { Ok(()) } else { out::bytes(&bytes) }
    }

    /// That was all.
    pub(super) fn finish(&mut self) -> Result<(), CliError> {
        self.go_on()?;
        self.flush()
    }
}

/// What stands before a line: the step, and the try where it is not the first.
fn name(path: &str, attempt: u32) -> String {
    if attempt > 1 { format!("{} (try {attempt})", text::clean(path)) } else { text::clean(path) }
}
