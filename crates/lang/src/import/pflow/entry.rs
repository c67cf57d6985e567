//! One element of a part in Markdown: its text, its fields and its blocks.

use super::markdown::{Block, Line, Maker, Part};
use crate::tree::{Bytes, Made, New, Shape, Slot};

/// An element while its lines are read.
pub(super) struct Entity<'t> {
    made: Made,
    part: Part,
    heading: Line<'t>,
    prose: Vec<Line<'t>>,
    /// The lines of each `- key: value`.
    items: Vec<Vec<Line<'t>>>,
    pub(super) blocks: Vec<Block<'t>>,
}

impl<'t> Entity<'t> {
    pub(super) fn new(made: Made, part: Part, heading: Line<'t>) -> Self {
        Self { made, part, heading, prose: Vec::new(), items: Vec::new(), blocks: Vec::new() }
    }

    /// Takes a line, and those that belong to it; the line behind them.
    pub(super) fn line(&mut self, line: Line<'t>, lines: &[Line<'t>], mut at: usize) -> usize {
        let Some(indent) = line.indent() else { return at };
        if !line.text.trim_start().starts_with("- ") {
            self.prose.push(line);
            return at;
        }
        let mut item = vec![line];
        while let Some(&next) = lines.get(at) {
            if next.indent().is_some_and(|inner| inner < indent + 2) {
                break;
            }
            item.push(next);
            at += 1;
        }
        while item.last().is_some_and(|line| line.indent().is_none()) {
            item.pop();
        }
        self.items.push(item);
        at
    }
}

/// Puts all of an element into the tree.
pub(super) fn fill(maker: &mut Maker<'_>, text: &str, entity: &Entity<'_>) {
    let made = entity.made;
    if let (Some(first), Some(last)) = (entity.prose.first(), entity.prose.last()) {
        let key = if entity.part == Part::Steps { "purpose" } else { "description" };
        let prose: Vec<&str> = entity.prose.iter().map(|line| line.text.trim()).collect();
        let new = New::Scalar(prose.join("\n"), false);
        maker.take(made, key);
        maker.builder.put(Slot::Key(made, key, first.bytes()), new, (first.bytes().0, last.bytes().1));
    }
    for item in &entity.items {
        match item.as_slice() {
            [line] => single(maker, text, made, *line),
            [first, .., last] => several(maker, text, made, *first, *last),
            [] => {}
        }
    }
    for block in &entity.blocks {
        fenced(maker, text, made, block);
    }
    if entity.part == Part::Steps && maker.take(made, "type") {
        let help = "every step has one, such as `- type: shell`";
        maker.wrong(entity.heading.bytes(), "the step has no `type`", help);
    }
}

const NOTES: &str = "a field is `- key: value`; notes begin with `*`";

/// Whether a key is free; it is said where it is not.
fn free(maker: &mut Maker<'_>, map: Made, key: &str, bytes: Bytes) -> bool {
    let taken = !maker.take(map, key);
    if taken {
        maker.wrong(
            bytes,
            format!("`{key}` is given twice"),
            "it stands above already; remove one of the two",
        );
    }
    !taken
}

/// `- key: value` in one line: the value is what stands there, up to the end of the line.
fn single(maker: &mut Maker<'_>, text: &str, made: Made, line: Line<'_>) {
    let bytes = line.bytes();
    let item = line.text.trim_start().get(1..).unwrap_or_default();
    let key_at = bytes.0 + 1 + (item.len() - item.trim_start().len());
    let found =
        item.trim().split_once(':').filter(|(key, _)| !key.is_empty() && !key.contains(char::is_whitespace));
    let Some((key, value)) = found else {
        return maker.wrong(bytes, format!("`{}` is no field", item.trim()), NOTES);
    };
    let key_bytes = (key_at, key_at + key.len());
    if !free(maker, made, key, key_bytes) {
        return;
    }
    let value_at = key_bytes.1 + 1 + (value.len() - value.trim_start().len());
    let value = value.trim();
    let value_bytes = (value_at.min(line.end()), (value_at + value.len()).min(line.end()));
    let slot = Slot::Key(made, key, key_bytes);
    let first = value.chars().next();
    match first {
        None => {
            maker.builder.put(slot, New::Nothing, value_bytes);
        }
        Some('{' | '[') => {
            if let Some(document) = maker.yaml(text, value_bytes) {
                maker.builder.graft(slot, document.root(), value_bytes.0);
            }
        }
        Some(quote @ ('"' | '\'')) => {
            if value.len() < 2 || !value.ends_with(quote) {
                return maker.wrong(value_bytes, "a quote is not closed", "close it at the end of the line");
            }
            let inner = value.get(1..value.len() - 1).unwrap_or_default();
            let text = if quote == '"' { unescaped(inner) } else { inner.replace("''", "'") };
            maker.builder.put(slot, New::Scalar(text, false), value_bytes);
        }
        Some(_) => {
            maker.builder.put(slot, word(value), value_bytes);
        }
    }
}

/// A value without marks: what is neither a number nor one of the known words is a text.
fn word(value: &str) -> New {
    match value {
        "null" | "Null" | "NULL" | "~" => New::Scalar("null".to_owned(), true),
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            New::Scalar("true".to_owned(), true)
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            New::Scalar("false".to_owned(), true)
        }
        _ => {
            let digits = value.trim_start_matches(['-', '+']);
            let number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
                && value.parse::<f64>().is_ok_and(f64::is_finite);
            New::Scalar(value.to_owned(), number)
        }
    }
}

/// The escapes of a text in double quotes.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some(c @ ('\\' | '"' | '/' | ' ')) => out.push(c),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// A field of several lines: YAML.
fn several(maker: &mut Maker<'_>, text: &str, made: Made, first: Line<'_>, last: Line<'_>) {
    let Some(document) = maker.yaml(text, (first.start, last.end())) else { return };
    for item in document.root().items() {
        if item.shape() != Shape::Map {
            maker.wrong(first.bytes(), "this is no field", NOTES);
            continue;
        }
        for entry in item.entries() {
            let span = entry.key_span();
            let key = (span.start as usize + first.start, span.end as usize + first.start);
            if free(maker, made, entry.key, key) {
                maker.builder.graft(Slot::Key(made, entry.key, key), entry.value, first.start);
            }
        }
    }
}

/// A fenced block: the last word of its tag is the field.
fn fenced(maker: &mut Maker<'_>, text: &str, made: Made, block: &Block<'_>) {
    let words: Vec<&str> = block.tag.split_whitespace().collect();
    let bytes = block.opened.bytes();
    let Some(key) = words.last() else {
        let help =
            "say what it is, as in ```shell command; a block with ``` inside of it has more of them outside";
        return maker.wrong(bytes, "this block has no tag", help);
    };
    if !free(maker, made, key, bytes) {
        return;
    }
    let slot = Slot::Key(made, key, bytes);
    let inner = match (block.lines.first(), block.lines.last()) {
        (Some(first), Some(last)) => (first.start, last.end()),
        _ => (bytes.1, bytes.1),
    };
    if words.len() > 1 && words.first().is_some_and(|word| word.eq_ignore_ascii_case("yaml")) {
        match maker.yaml(text, inner) {
            Some(document) => maker.builder.graft(slot, document.root(), inner.0),
            None => {
                maker.builder.put(slot, New::Nothing, inner);
            }
        }
        return;
    }
    let lines: Vec<&str> = block.lines.iter().map(|line| line.text).collect();
    maker.builder.put(slot, New::Scalar(lines.join("\n"), false), inner);
}
