//! Findings as text, in the form that rustc made familiar.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Diagnostic, Severity, Sources};

/// How findings are written out.
#[derive(Debug, Clone, Copy)]
pub struct RenderOptions {
    /// Whether to colour; the caller knows the terminal.
    pub color: bool,
    /// Columns that a line of source may take.
    pub width: usize,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { color: false, width: 120 }
    }
}

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const BLUE: &str = "\x1b[1;34m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

/// Writes findings out, each with its line of source, and a last line that counts them.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, options: RenderOptions) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        Writer { out: &mut out, options }.one(diagnostic, sources.get(&diagnostic.file));
    }
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let counts: Vec<String> = [(count(Severity::Error), "error"), (count(Severity::Warning), "warning")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}{}", if n == 1 { "" } else { "s" }))
        .collect();
    if !counts.is_empty() {
        out.push_str(&counts.join(", "));
        out.push('\n');
    }
    out
}

struct Writer<'o> {
    out: &'o mut String,
    options: RenderOptions,
}

impl Writer<'_> {
    fn paint(&self, colour: &'static str) -> (&'static str, &'static str) {
        if self.options.color { (colour, RESET) } else { ("", "") }
    }

    fn one(&mut self, d: &Diagnostic, source: Option<&str>) {
        let (word, colour) = match d.severity {
            Severity::Error => ("error", RED),
            Severity::Warning => ("warning", YELLOW),
        };
        let (on, off) = self.paint(colour);
        let (bold, plain) = self.paint(BOLD);
        let message = visible(&d.message);
        self.line(format_args!("{on}{word}[{}]{off}{bold}: {message}{plain}", d.code));
        let (blue, off) = self.paint(BLUE);
        let number = d.span.line.to_string();
        let gutter = " ".repeat(number.len());
        let file = visible(&d.file);
        self.line(format_args!("{gutter}{blue}-->{off} {file}:{}:{}", d.span.line, d.span.column));
        if let Some(excerpt) = source.and_then(|s| excerpt(s, d, self.options.width)) {
            let (on, reset) = self.paint(colour);
            self.line(format_args!("{gutter} {blue}|{off}"));
            self.line(format_args!("{blue}{number} |{off} {}", excerpt.line));
            let blank = " ".repeat(excerpt.before);
            let marks = "^".repeat(excerpt.marked);
            self.line(format_args!("{gutter} {blue}|{off} {blank}{on}{marks}{reset}"));
        }
        let nearest = d.nearest.as_ref().map(|name| format!("did you mean `{}`?", visible(name)));
        for text in d.help.iter().map(|h| visible(h)).chain(nearest) {
            for (at, line) in text.lines().enumerate() {
                let lead = if at == 0 { "= help:" } else { "       " };
                self.line(format_args!("{gutter} {blue}{lead}{off} {line}"));
            }
        }
        self.out.push('\n');
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let start = self.out.len();
        // Writing to a string does not fail.
        let _ = self.out.write_fmt(line);
        let trimmed = self.out[start..].trim_end().len();
        self.out.truncate(start + trimmed);
        self.out.push('\n');
    }
}

/// A line of source as it is shown, with what to mark in it.
struct Excerpt {
    line: String,
    /// Columns before the marks.
    before: usize,
    /// Columns that are marked.
    marked: usize,
}

fn excerpt(source: &str, d: &Diagnostic, width: usize) -> Option<Excerpt> {
    let (start, end) = (d.span.start as usize, d.span.end as usize);
    let begin = source.get(..start)?.rfind('\n').map_or(0, |n| n + 1);
    let line = source[begin..].split('\n').next()?.trim_end_matches('\r');
    let from = (start - begin).min(line.len());
    let to = end.saturating_sub(begin).clamp(from, line.len());
    let (head, marked, tail) = (line.get(..from)?, line.get(from..to)?, line.get(to..)?);
    // Of a very long line only what is around the marks is looked at.
    let head = visible(&head[ceiling(head, head.len().saturating_sub(WINDOW))..]);
    let (marked, tail) =
        (visible(&marked[..ceiling(marked, WINDOW)]), visible(&tail[..ceiling(tail, WINDOW)]));
    // A marked text longer than the line is cut; else what stands around it is, on the left first.
    let marked = clip_end(&marked, width.max(20));
    let room = width.max(20).saturating_sub(marked.width());
    let head_room = if tail.width() < room / 2 { room - tail.width() } else { room - room / 2 };
    let head = clip_start(&head, head_room);
    let tail = clip_end(&tail, room.saturating_sub(head.width()));
    Some(Excerpt {
        before: head.width(),
        marked: marked.width().max(1),
        line: format!("{head}{marked}{tail}"),
    })
}

/// Bytes of a line that are looked at before, in and behind the marks.
const WINDOW: usize = 4096;

/// The nearest end of a character at or behind a byte.
fn ceiling(text: &str, at: usize) -> usize {
    (at..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len())
}

/// Text that takes the columns it seems to: tabs become spaces, and nothing in it can move the cursor.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            '\n' => out.push('\n'),
            c if c.is_control() || is_direction(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Characters that turn the direction of writing and so could show a line as it is not.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}

fn clip_end(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut used = 1;
    let kept = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= room
    });
    let mut out: String = kept.collect();
    out.push('…');
    out
}

fn clip_start(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut used = 1;
    let kept: Vec<char> = text
        .chars()
        .rev()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect();
    std::iter::once('…').chain(kept.into_iter().rev()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;

    fn show(source: &str, start: usize, end: usize, width: usize) -> String {
        let line = source[..start].matches('\n').count() as u32 + 1;
        let column = source[..start].rsplit('\n').next().unwrap().chars().count() as u32 + 1;
        let diagnostic = Diagnostic {
            code: "E0201".to_owned(),
            severity: Severity::Error,
            file: "a.yml".to_owned(),
            span: Span { line, column, start: start as u32, end: end as u32 },
            path: String::new(),
            message: "no key `x`".to_owned(),
            help: Some("one\ntwo".to_owned()),
            nearest: Some("y".to_owned()),
        };
        let sources = Sources::new([("a.yml".to_owned(), source.to_owned())]);
        render(&[diagnostic], &sources, RenderOptions { color: false, width })
    }

    #[test]
    fn a_finding_shows_its_line_and_marks_it() {
        let expected = "\
error[E0201]: no key `x`
 --> a.yml:2:2
  |
2 |     x: 1
  |     ^
  = help: one
          two
  = help: did you mean `y`?

1 error
";
        assert_eq!(show("a: 1\n\tx: 1\n", 6, 7, 80), expected);
    }

    #[test]
    fn wide_characters_move_the_marks_by_their_columns() {
        let text = show("名前: bad\n", "名前: ".len(), "名前: bad".len(), 80);
        assert!(text.contains("1 | 名前: bad\n  |       ^^^\n"), "{text}");
    }

    #[test]
    fn long_lines_are_cut_around_what_is_marked() {
        let source = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let text = show(&source, 500, 504, 40);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[3], format!("1 | …{}HERE{}…", "a".repeat(17), "b".repeat(17)));
        assert_eq!(lines[4], format!("  | {}^^^^", " ".repeat(18)));
    }

    #[test]
    fn nothing_in_a_source_reaches_the_terminal_as_a_command() {
        let text = show("x: \u{1b}[31m\u{202e}y\n", 0, 1, 80);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    }
}
