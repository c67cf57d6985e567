//! A tree as YAML again.

use std::fmt::Write as _;

use super::{Node, Plain, Shape, Style};
use crate::duration::parse_duration;

impl Node<'_> {
    /// Writes it as YAML that is read as the same values: without comments and anchors, one key to a line.
    pub fn write_yaml(self) -> String {
        let mut out = String::new();
        match self.shape() {
            Shape::Map if self.entries().len() > 0 => write_map(self, 0, &mut out),
            Shape::List if self.items().len() > 0 => write_list(self, 0, &mut out),
            _ => write_scalar(self, 0, &mut out),
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
        out
    }
}

const STEP: usize = 2;

fn begin(indent: usize, out: &mut String) {
    // The first key of an element stands behind its `- `.
    if out.is_empty() || out.ends_with('\n') {
        out.extend(std::iter::repeat_n(' ', indent));
    }
}

fn write_map(node: Node<'_>, indent: usize, out: &mut String) {
    for entry in node.entries() {
        begin(indent, out);
        write_key(entry.key, out);
        out.push(':');
        match entry.value.shape() {
            Shape::Map if entry.value.entries().len() > 0 => {
                out.push('\n');
                write_map(entry.value, indent + STEP, out);
            }
            Shape::List if entry.value.items().len() > 0 => {
                out.push('\n');
                write_list(entry.value, indent + STEP, out);
            }
            _ => write_value(entry.value, indent + STEP, out),
        }
    }
}

fn write_list(node: Node<'_>, indent: usize, out: &mut String) {
    for item in node.items() {
        begin(indent, out);
        out.push('-');
        match item.shape() {
            Shape::Map if item.entries().len() > 0 => {
                out.push(' ');
                write_map(item, indent + STEP, out);
            }
            Shape::List if item.items().len() > 0 => {
                out.push(' ');
                write_list(item, indent + STEP, out);
            }
            _ => write_value(item, indent + STEP, out),
        }
    }
}

/// A value on the line of its key.
fn write_value(node: Node<'_>, indent: usize, out: &mut String) {
    if node.shape() != Shape::Nothing {
        out.push(' ');
        write_scalar(node, indent, out);
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
}

fn write_scalar(node: Node<'_>, indent: usize, out: &mut String) {
    let text = match node.shape() {
        Shape::Nothing => return,
        Shape::List => return out.push_str("[]"),
        Shape::Map => return out.push_str("{}"),
        Shape::Scalar => node.raw().unwrap_or_default(),
    };
    // What is no text without marks has to stay without them.
    let bare = node.style() == Some(Style::Plain) && node.plain() != Some(Plain::Text);
    if bare || is_simple(text) {
        out.push_str(text);
    } else if is_block(text) {
        out.push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
        for line in text.lines() {
            if !line.is_empty() {
                out.extend(std::iter::repeat_n(' ', indent));
                out.push_str(line);
            }
            out.push('\n');
        }
    } else {
        write_quoted(text, out);
    }
}

fn write_key(key: &str, out: &mut String) {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let simple =
        key.bytes().all(word) && key.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if simple { out.push_str(key) } else { write_quoted(key, out) }
}

/// Whether a text means itself without marks, wherever it stands and whoever reads it.
fn is_simple(text: &str) -> bool {
    // Other readers take some words for booleans, and texts that begin with a digit for numbers of many kinds.
    let boolean = ["y", "n", "yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word));
    let length_of_time = || !text.contains(' ') && parse_duration(text).is_ok();
    let begins = match text.trim_start_matches('-').bytes().next() {
        Some(b'0'..=b'9') => !text.starts_with('-') && length_of_time(),
        Some(b'.') => {
            text.get(1..).unwrap_or_default().starts_with(|c: char| c == '/' || c.is_ascii_alphanumeric())
        }
        Some(b'/' | b'_') => !text.starts_with('-'),
        Some(first) => first.is_ascii_alphabetic(),
        None => false,
    };
    let inner = |b: u8| b.is_ascii_alphanumeric() || b" _-./+()=<>$;".contains(&b);
    begins && !boolean && text.bytes().all(inner) && !text.ends_with(' ') && Plain::of(text) == Plain::Text
}

/// Whether a text can stand as lines behind `|`.
fn is_block(text: &str) -> bool {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    text.contains('\n')
        && !lines.ends_with('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && text.chars().all(|c| c == '\n' || c == '\t' || is_printed(c))
        && lines.split('\n').all(|line| line.is_empty() || !line.trim().is_empty())
}

/// Whether a character stands for itself, in any reader of YAML.
fn is_printed(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printed(c) => out.push(c),
            c => {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::tree::read;

    /// The form that two texts share which mean the same.
    fn canonical(text: &str) -> Option<String> {
        let document = read("t", text, &mut Vec::new())?;
        let mut out = String::new();
        document.root().write_canonical(&mut out);
        Some(out)
    }

    #[track_caller]
    fn comes_back(text: &str) -> String {
        let document = read("t", text, &mut Vec::new()).unwrap();
        let written = document.root().write_yaml();
        assert_eq!(canonical(&written), canonical(text), "{text}\n{written}");
        written
    }

    #[test]
    fn what_is_written_reads_as_people_write_it() {
        let text = "a: 1.10 # a number\nb: [x, {c: \"it's: so\", d: }, [1, []]]\ne: |\n  one\n   two\n\n  three\nf: {}\ng: \"1\"\n";
        assert_eq!(
            comes_back(text),
            "a: 1.10\nb:\n  - x\n  - c: \"it's: so\"\n    d:\n  - - 1\n    - []\ne: |\n  one\n   two\n\n  three\nf: {}\ng: \"1\"\n"
        );
    }

    #[test]
    fn scalars_stay_what_they_are() {
        for text in [
            "null",
            "~",
            "a: ",
            "- ",
            "\"null\"",
            "'~'",
            "no",
            "\"yes\"",
            "0x1F",
            "\"0x1F\"",
            ".inf",
            "\"1e3\"",
            "2026-01-31",
            "''",
            "\" x\"",
            "\"x \"",
            "\"- x\"",
            "\"a #b\"",
            "\"a: b\"",
            "\"a:\"",
            "\"*a\"",
            "\"&a\"",
            "\"!x\"",
            "\"%x\"",
            "\"@x\"",
            "\"`x\"",
            "\"---\"",
            "\"...\"",
            "\"?x\"",
            "\"a\\nb\"",
            "\"a\\n\\nb\\n\"",
            "\"a\\n\\n\"",
            "\"\\na\"",
            "\"a\\n b\"",
            "\" a\\nb\"",
            "\"a\\n  \\nb\"",
            "\"a\\r\\nb\"",
            "\"\\ta\\nb\"",
            "\"a\\n\\tb\"",
            "\"\\u0000\\u0007\\u0085\\u2028\\ufeff\"",
            "\"é名😀\"",
            "{\"a b\": 1, \"1\": 2, \"\": 3, \"true\": 4, \"- x\": 5}",
            "[[[]], [{}], {a: []}]",
            "a: |+\n  x\n\n",
            "a: >\n  x\n  y\n\n  z\n",
            "a: b\n  c\n\n  d\n",
            "\"a \\nb\"",
            "\"a \\n\"",
        ] {
            comes_back(text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_comes_back(text in "\\PC{0,40}", more in "[ \\n\\ta-z:#|>'\"-]{0,20}") {
            let text = text + &more;
            let quoted = serde_json::to_string(&text).unwrap().replace('\u{7f}', "\\u007f");
            comes_back(&format!("- {quoted}\n- a: {quoted}\n- [{quoted}]\n- {{{quoted}: 1}}\n"));
        }
    }
}
