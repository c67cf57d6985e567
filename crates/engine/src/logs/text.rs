//! What stands in the log of an attempt: a page of lines, or where something is found.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_core::Time;

use super::{LogReader, LogStream};
use crate::limits;

/// What of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each")]
pub enum LogPart {
    /// Lines from a number on, of one stream where one is said: at most `limit`, and
    /// [`limits::LOG_PAGE_BYTES`](crate::limits::LOG_PAGE_BYTES).
    Lines {
        from: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<LogStream>,
        limit: usize,
    },
    /// The numbers of the lines in which a text stands, or that match a regular expression: from a number on, at most
    /// `limit`. Letters match in either case unless `case` is said.
    Search { q: String, regex: bool, case: bool, from: u64, limit: usize },
    /// All of it, as a file of the machine.
    File,
}

/// What was found of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the part that is asked for")]
pub enum LogTold {
    /// See [`LogPart::Lines`]. `next`: the number from which the next page goes on.
    Lines { lines: Vec<LogRow>, next: Option<u64> },
    /// See [`LogPart::Search`]. `total`: in how many lines of the whole log it stands.
    Search { total: u64, lines: Vec<u64>, next: Option<u64> },
    /// See [`LogPart::File`].
    File { path: String },
}

/// A line, or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogRow {
    /// Number of the line, from 1. Pieces of a line share it.
    pub n: u64,
    /// When it came.
    pub at: Time,
    /// From where.
    pub stream: LogStream,
    /// What was printed; what is no text is replaced.
    pub text: String,
    /// The line does not end with this piece.
    pub partial: bool,
}

/// Why a text cannot be looked for.
pub(crate) fn pattern(q: &str, regex: bool, case: bool) -> Result<Regex, String> {
    if q.is_empty() || q.len() > limits::LOG_PATTERN {
        return Err(format!("it takes 1 to {} bytes", limits::LOG_PATTERN));
    }
    let plain = if regex { q.to_owned() } else { regex::escape(q) };
    let built =
        RegexBuilder::new(&plain).case_insensitive(!case).size_limit(limits::LOG_PATTERN_SIZE).build();
    built.map_err(|error| error.to_string())
}

/// A page of lines.
pub(crate) fn lines(file: &Path, from: u64, stream: Option<LogStream>, limit: usize) -> io::Result<LogTold> {
    let mut lines: Vec<LogRow> = Vec::new();
    let mut bytes = 0;
    for line in LogReader::new(file) {
        let line = line?;
        if line.number < from || stream.is_some_and(|stream| stream != line.stream) {
            continue;
        }
        // A page ends before a line: pieces of one that has begun may come behind later ones, and are let in.
        let begun = lines.iter().rev().take(limit).any(|row| row.n == line.number);
        if !begun && (lines.len() >= limit || bytes >= limits::LOG_PAGE_BYTES) {
            return Ok(LogTold::Lines { lines, next: Some(line.number) });
        }
        bytes += line.text.len();
        lines.push(LogRow {
            n: line.number,
            at: line.at,
            stream: line.stream,
            text: String::from_utf8_lossy(&line.text).into_owned(),
            partial: line.partial,
        });
    }
    Ok(LogTold::Lines { lines, next: None })
}

/// Where something stands in a log. The whole of it is searched.
pub(crate) fn search(file: &Path, pattern: &Regex, from: u64, limit: usize) -> io::Result<LogTold> {
    let (mut total, mut numbers) = (0, Vec::new());
    // Lines that came in pieces and have not ended.
    let mut open: HashMap<u64, Vec<u8>> = HashMap::new();
    let mut whole = |number: u64, text: &[u8]| {
        if pattern.is_match(text) {
            total += 1;
            numbers.push(number);
        }
    };
    for line in LogReader::new(file) {
        let line = line?;
        if !line.partial && !open.contains_key(&line.number) {
            whole(line.number, &line.text);
            continue;
        }
        let text = open.entry(line.number).or_default();
        // Of a line without end so much is searched.
        let room = limits::LOG_SEARCHED_LINE.saturating_sub(text.len()).min(line.text.len());
        text.extend_from_slice(&line.text[..room]);
        if !line.partial
            && let Some(text) = open.remove(&line.number)
        {
            whole(line.number, &text);
        }
    }
    let mut left: Vec<_> = open.into_iter().collect();
    left.sort_unstable();
    left.iter().for_each(|(number, text)| whole(*number, text));
    numbers.sort_unstable();
    let mut lines: Vec<u64> = numbers.into_iter().filter(|number| *number >= from).take(limit + 1).collect();
    let next = (lines.len() > limit).then(|| lines.pop()).flatten();
    Ok(LogTold::Search { total, lines, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(records: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), records).unwrap();
        file
    }

    fn found(
        file: &Path,
        q: &str,
        regex: bool,
        case: bool,
        from: u64,
        limit: usize,
    ) -> (u64, Vec<u64>, Option<u64>) {
        match search(file, &pattern(q, regex, case).unwrap(), from, limit).unwrap() {
            LogTold::Search { total, lines, next } => (total, lines, next),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_that_came_in_pieces_is_one_and_numbers_are_those_of_the_log() {
        let file = log("1 o one\n2 e+warn\n3 o two. One\n4 e ing: half\n5 o three\n");
        let at = file.path();
        assert_eq!(found(at, "warning", false, true, 1, 9), (1, vec![2], None), "it stands over two pieces");
        assert_eq!(found(at, "one", false, false, 1, 9), (2, vec![1, 3], None));
        assert_eq!(found(at, "one", false, true, 1, 9), (1, vec![1], None));
        assert_eq!(found(at, ".", false, true, 1, 9), (1, vec![3], None), "a text is no expression");
        assert_eq!(found(at, "^t|f$", true, true, 1, 1), (3, vec![2], Some(3)));
        assert_eq!(found(at, "^t|f$", true, true, 3, 9), (3, vec![3, 4], None), "the total is of all");
        let LogTold::Lines { lines: all, next } = lines(at, 2, None, 2).unwrap() else { panic!() };
        let told: Vec<(u64, &str, bool)> = all.iter().map(|row| (row.n, &*row.text, row.partial)).collect();
        assert_eq!(told, [(2, "warn", true), (3, "two. One", false), (2, "ing: half", false)]);
        assert_eq!(next, Some(4));
        let LogTold::Lines { lines: errors, .. } = lines(at, 1, Some(LogStream::Err), 9).unwrap() else {
            panic!()
        };
        assert_eq!(errors.iter().map(|row| row.n).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(
            lines(Path::new("/none"), 1, None, 9).unwrap(),
            LogTold::Lines { lines: Vec::new(), next: None }
        );
    }

    #[test]
    fn p11_what_is_looked_for_in_logs_is_bounded() {
        let long = "x".repeat(limits::LOG_PATTERN);
        assert!(pattern(&long, false, true).is_ok());
        assert!(pattern(&format!("{long}x"), false, true).is_err());
        assert!(pattern("", false, true).is_err() && pattern("(", true, true).is_err());
        assert!(pattern("(?:x{1000}){1000}", true, true).unwrap_err().contains("size limit"));
        // A page ends, whatever its lines are; a line without end is searched to its bound.
        let line = format!("1 o {}\n", "x".repeat(limits::LOG_LINE_LIMIT - 1));
        let file = log(&line.repeat(limits::LOG_PAGE_BYTES / limits::LOG_LINE_LIMIT + 2));
        let LogTold::Lines { lines: page, next } = lines(file.path(), 1, None, usize::MAX).unwrap() else {
            panic!()
        };
        assert!(next.is_some() && page.len() <= limits::LOG_PAGE_BYTES / limits::LOG_LINE_LIMIT + 1);
        let piece = format!("1 o+{}\n", "x".repeat(limits::LOG_LINE_LIMIT));
        let pieces = piece.repeat(limits::LOG_SEARCHED_LINE / limits::LOG_LINE_LIMIT);
        let file = log(&format!("{pieces}1 o needle\n"));
        assert_eq!(found(file.path(), "needle", false, true, 1, 9).0, 0);
        assert_eq!(found(file.path(), "xx", false, true, 1, 9).0, 1);
    }
}
