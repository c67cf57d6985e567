//! From a byte in the content of a scalar back to the byte in the text it came from.

use super::{Kind, Node, Style};
use crate::diagnostic::Span;

impl Node<'_> {
    /// The place of some bytes of the content of a scalar. Exact for scalars on one line and for literal
    /// blocks; for those that are folded exact up to the white space at which a line was folded.
    pub fn span_within(self, start: usize, end: usize) -> Span {
        let data = self.data();
        let Kind::Scalar { text, style } = &data.kind else { return self.span() };
        let source = &self.doc.text[data.start as usize..data.end as usize];
        let base = data.start as usize;
        // A block begins behind the indent of its first line, which is that of all of them.
        let line = self.doc.text[..base].rfind('\n').map_or(0, |n| n + 1);
        let lead = &self.doc.text[line..base];
        let indent = if lead.bytes().all(|b| b == b' ') { lead.len() } else { 0 };
        let (from, to) = locate(source, text, *style, indent, start, end.max(start));
        self.doc.span(base + from, base + to)
    }
}

/// Walks the source and the content side by side and returns where in the source two of its offsets are.
fn locate(
    source: &str,
    content: &str,
    style: Style,
    indent: usize,
    start: usize,
    end: usize,
) -> (usize, usize) {
    let (mut from, mut to) = (None, None);
    let mut walk = Walk {
        source,
        at: usize::from(matches!(style, Style::Single | Style::Double)),
        style,
        indent,
        broken: false,
    };
    for (offset, wanted) in content.char_indices() {
        walk.settle();
        if offset >= start {
            from.get_or_insert(walk.at);
        }
        if offset >= end {
            to.get_or_insert(walk.at);
            break;
        }
        walk.step(wanted);
    }
    let from = from.unwrap_or(walk.at).min(source.len());
    (from, to.unwrap_or(walk.at).clamp(from, source.len()))
}

struct Walk<'s> {
    source: &'s str,
    at: usize,
    style: Style,
    /// Spaces before each line of a block.
    indent: usize,
    /// Whether the last character of the content was a line break.
    broken: bool,
}

impl Walk<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// Goes past escaped line breaks, which stand for nothing.
    fn settle(&mut self) {
        while self.style == Style::Double && matches!(self.rest().as_bytes(), [b'\\', b'\n' | b'\r', ..]) {
            let rest = &self.rest()[1..];
            self.at += 1 + rest.len() - rest.trim_start().len();
        }
    }

    /// Goes past what one character of the content was written as.
    fn step(&mut self, wanted: char) {
        if wanted == ' ' || wanted == '\n' {
            // A fold: the white space at a line's end, the break itself and the indent of the next line
            // stand for one character. In a literal block each line has its own break and its indent.
            let blank = self.blank();
            if self.rest()[blank..].starts_with('\n') && (wanted == '\n' || self.style != Style::Literal) {
                self.at += blank;
                self.past_break(wanted);
                self.broken = wanted == '\n';
                return;
            }
        }
        self.broken = false;
        if self.style == Style::Double && self.rest().starts_with('\\') {
            self.past_escape(wanted);
            return;
        }
        if self.style == Style::Single && self.rest().starts_with("''") {
            self.at += 2;
            return;
        }
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    fn past_break(&mut self, wanted: char) {
        self.at += 1;
        if self.style == Style::Literal {
            let own = self.rest().len() - self.rest().trim_start_matches(' ').len();
            self.at += own.min(self.indent);
            return;
        }
        // Where lines are folded the first break of a run stands for a space or, if more follow, for nothing.
        if wanted == '\n' && !self.broken && self.rest()[self.blank()..].starts_with('\n') {
            self.at += self.blank() + 1;
        }
        if !self.rest()[self.blank()..].starts_with('\n') {
            self.at += self.blank();
        }
    }

    fn blank(&self) -> usize {
        self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r']).len()
    }

    fn past_escape(&mut self, wanted: char) {
        let length = match self.rest().as_bytes().get(1) {
            Some(b'x') => 4,
            // A character beyond the first plane may be one escape, or a pair of them as in JSON.
            Some(b'u') if (wanted as u32) > 0xffff => 12,
            Some(b'u') => 6,
            Some(b'U') => 10,
            _ => 2,
        };
        self.at += length;
    }
}

#[cfg(test)]
mod tests {
    use crate::tree::read;

    /// Reads `text`, takes the scalar at `pointer`, and says where the content's `needle` is.
    fn place(text: &str, pointer: &str, needle: &str) -> (u32, u32, String) {
        let document = read("t.yml", text, &mut Vec::new()).unwrap();
        let node = document.at(pointer).unwrap();
        let at = node.raw().unwrap().find(needle).unwrap();
        let span = node.span_within(at, at + needle.len());
        (span.line, span.column, text[span.start as usize..span.end as usize].to_owned())
    }

    #[test]
    fn content_maps_back_to_the_text() {
        type Case = (&'static str, &'static str, &'static str, (u32, u32, &'static str));
        let table: &[Case] = &[
            ("a: one two", "/a", "two", (1, 8, "two")),
            ("ä: 'it''s two'", "/ä", "two", (1, 11, "two")),
            (r#"a: "t\tab \u00e9 two""#, "/a", "two", (1, 18, "two")),
            (r#"a: "\ud83d\ude00 two""#, "/a", "two", (1, 18, "two")),
            ("a: |\n  one\n    two\n\n  three four\n", "/a", "two", (3, 5, "two")),
            ("a: |\n  one\n    two\n\n  three four\n", "/a", "four", (5, 9, "four")),
            ("a: >-\n  one\n  two\n\n  three four\n", "/a", "two", (3, 3, "two")),
            ("a: >-\n  one\n  two\n\n  three four\n", "/a", "four", (5, 9, "four")),
            ("a: one\n  two\n\n  three", "/a", "three", (4, 3, "three")),
            ("a: \"one\n  two\n\n  three\"", "/a", "three", (4, 3, "three")),
            ("a: \"one \\\n  two\"", "/a", "two", (2, 3, "two")),
            ("\u{feff}a: one two", "/a", "two", (1, 8, "two")),
            ("b: 1\r\na: |\r\n  one\r\n  two\r\n", "/a", "two", (4, 3, "two")),
        ];
        for (text, pointer, needle, (line, column, slice)) in table {
            assert_eq!(place(text, pointer, needle), (*line, *column, (*slice).to_owned()), "{text:?}");
        }
    }
}
