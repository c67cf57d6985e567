//! The notation in Markdown: headings for parts and their elements, `- key: value` for fields, fenced blocks for texts.
//!
//! What is read becomes a tree over the author's text, as if it had been written as one document of data, so that
//! what is said of it says where it stands. Everything that is wrong is said at once.

use std::collections::HashSet;

use super::entry::{Entity, fill};
use super::template::{Operand, Piece, pieces};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::limits;
use crate::tree::{Builder, Bytes, Document, Made, New, Slot, read};

/// Whether a text is one: it has the heading of its steps.
pub(in crate::import) fn is_one(text: &str) -> bool {
    text.lines().any(|line| heading(line, 2).is_some_and(|title| title.eq_ignore_ascii_case("steps")))
}

/// The text of a heading of a level.
fn heading(line: &str, level: usize) -> Option<&str> {
    let rest = line.trim();
    let marks = rest.bytes().take_while(|b| *b == b'#').count();
    let title = rest.get(marks..)?;
    (marks == level && title.starts_with([' ', '\t'])).then(|| title.trim())
}

/// A line with its place in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'t> {
    pub(super) text: &'t str,
    pub(super) start: usize,
}

impl Line<'_> {
    pub(super) fn bytes(&self) -> Bytes {
        let blank = self.text.len() - self.text.trim_start().len();
        (self.start + blank, self.start + self.text.trim_end().len().max(blank))
    }

    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// How far it stands in; nothing for a blank one.
    pub(super) fn indent(&self) -> Option<usize> {
        let rest = self.text.trim_start();
        (!rest.is_empty()).then(|| self.text.len() - rest.len())
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let text = line.strip_suffix('\n').unwrap_or(line);
        let text = text.strip_suffix('\r').unwrap_or(text);
        lines.push(Line { text, start });
        start += line.len();
    }
    lines
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Before the first heading of a part.
    Head,
    Inputs,
    Steps,
    Outputs,
    Cache,
    Other,
}

impl Part {
    fn of(title: &str) -> Self {
        match title.to_ascii_lowercase().as_str() {
            "inputs" => Self::Inputs,
            "steps" => Self::Steps,
            "outputs" => Self::Outputs,
            "cache" => Self::Cache,
            _ => Self::Other,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Steps => "steps",
            Self::Outputs => "outputs",
            Self::Cache => "cache",
            Self::Head | Self::Other => "notes",
        }
    }
}

/// A fenced block.
#[derive(Debug)]
pub(super) struct Block<'t> {
    /// What stands behind the fence.
    pub(super) tag: &'t str,
    pub(super) opened: Line<'t>,
    pub(super) lines: Vec<Line<'t>>,
}

/// The fence that a line begins with: its sign, how often, and what stands behind.
fn fence(line: &str) -> Option<(char, usize, &str)> {
    let rest = line.trim();
    let sign = rest.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
    let count = rest.chars().take_while(|c| *c == sign).count();
    (count >= 3).then(|| (sign, count, rest.get(count..).unwrap_or_default().trim()))
}

/// Makes the tree, with what is wrong on the way.
pub(super) struct Maker<'p> {
    pub(super) file: String,
    pub(super) builder: Builder,
    pub(super) problems: &'p mut Vec<Diagnostic>,
    /// Keys that are there already.
    keys: HashSet<(Made, String)>,
}

impl Maker<'_> {
    /// Whether a key of a map is free; it is taken then.
    pub(super) fn take(&mut self, map: Made, key: &str) -> bool {
        self.keys.insert((map, key.to_owned()))
    }

    pub(super) fn wrong(&mut self, bytes: Bytes, message: impl Into<String>, help: &str) {
        if self.problems.len() < limits::IMPORT_PROBLEMS {
            let span = self.builder.doc().span(bytes.0, bytes.1);
            let found = Diagnostic::new(codes::MARKDOWN, &self.file, span, String::new(), message.into());
            self.problems.push(found.help(help));
        }
    }

    /// Reads a part of the text as YAML; what is wrong with it is said with its place in the whole.
    pub(super) fn yaml(&mut self, text: &str, (start, end): Bytes) -> Option<Document> {
        let mut problems = Vec::new();
        let part = text.get(start..end).unwrap_or_default();
        let document = read(&self.file, part, &mut problems);
        let empty = problems.iter().all(|problem| problem.code == codes::EMPTY.code);
        for mut problem in problems.into_iter().filter(|problem| problem.code != codes::EMPTY.code) {
            let (from, to) = (problem.span.start as usize + start, problem.span.end as usize + start);
            problem.span = self.builder.doc().span(from, to);
            if self.problems.len() < limits::IMPORT_PROBLEMS {
                self.problems.push(problem);
            }
        }
        document.filter(|_| empty)
    }
}

/// Reads a workflow. What is wrong goes to `problems`; `None` where that leaves no tree.
pub(in crate::import) fn document(
    file: &str,
    text: &str,
    problems: &mut Vec<Diagnostic>,
) -> Option<Document> {
    let mut maker =
        Maker { file: file.to_owned(), builder: Builder::new(file, text), problems, keys: HashSet::new() };
    if text.len() > limits::DOCUMENT_BYTES {
        let help = format!("at most {} bytes are read", limits::DOCUMENT_BYTES);
        maker.wrong((0, 0), format!("the text has {} bytes", text.len()), &help);
        return None;
    }
    let lines = lines(text);
    let mut at = front(&mut maker, text, &lines);
    let (mut part, mut title_seen) = (Part::Head, false);
    let mut parts: Vec<(Part, Made, usize)> = Vec::new();
    let mut entity: Option<Entity<'_>> = None;
    let mut prose: Vec<Line<'_>> = Vec::new();
    let mut notes: Vec<Line<'_>> = Vec::new();
    while let Some(&line) = lines.get(at) {
        at += 1;
        if let Some((sign, count, tag)) = fence(line.text) {
            let mut block = Block { tag, opened: line, lines: Vec::new() };
            let mut closed = false;
            while let Some(&line) = lines.get(at) {
                at += 1;
                closed = matches!(fence(line.text), Some((s, c, "")) if s == sign && c >= count);
                if closed {
                    break;
                }
                block.lines.push(line);
            }
            if !closed {
                let help = format!("close it with {}", sign.to_string().repeat(count));
                maker.wrong(line.bytes(), "this block is not closed", &help);
            }
            match (&mut entity, part) {
                (Some(entity), _) => entity.blocks.push(block),
                (None, Part::Cache) => shared(&mut maker, &parts, &block),
                _ => notes.push(line),
            }
            continue;
        }
        if let Some(title) = heading(line.text, 1) {
            if !title_seen && part == Part::Head {
                title_seen = true;
                let slot = Slot::Key(maker.builder.root(), "title", line.bytes());
                maker.builder.put(slot, New::Scalar(title.to_owned(), false), line.bytes());
            } else {
                notes.push(line);
            }
            continue;
        }
        if let Some(title) = heading(line.text, 2) {
            if let Some(done) = entity.take() {
                fill(&mut maker, text, &done);
            }
            part = Part::of(title);
            if part == Part::Other {
                notes.push(line);
            } else if let Some((.., first)) = parts.iter().find(|(known, ..)| *known == part) {
                let first = maker.builder.doc().span(*first, *first).line;
                let help = format!("put it together with the one in line {first}");
                maker.wrong(line.bytes(), format!("a second part `## {title}`"), &help);
            } else {
                let new = if part == Part::Steps { New::List } else { New::Map };
                let slot = Slot::Key(maker.builder.root(), part.key(), line.bytes());
                let made = maker.builder.put(slot, new, line.bytes());
                parts.push((part, made, line.start));
            }
            continue;
        }
        if let (Some(id), Part::Inputs | Part::Steps | Part::Outputs) = (heading(line.text, 3), part) {
            if let Some(done) = entity.take() {
                fill(&mut maker, text, &done);
            }
            entity = begun(&mut maker, &parts, part, id, line);
            continue;
        }
        match (&mut entity, part) {
            (Some(entity), _) => at = entity.line(line, &lines, at),
            (None, _) if line.text.trim().is_empty() => {}
            (None, Part::Head) if title_seen => prose.push(line),
            (None, Part::Cache) => setting(&mut maker, &parts, line, &mut notes),
            (None, _) => notes.push(line),
        }
    }
    if let Some(done) = entity.take() {
        fill(&mut maker, text, &done);
    }
    texts(&mut maker, "description", &prose);
    if let (Some(first), Some(last)) = (notes.first(), notes.last()) {
        let bytes = (first.bytes().0, last.bytes().1);
        let list =
            maker.builder.put(Slot::Key(maker.builder.root(), "notes", first.bytes()), New::List, bytes);
        for note in &notes {
            let new = New::Scalar(note.text.trim().to_owned(), false);
            maker.builder.put(Slot::Item(list), new, note.bytes());
        }
    }
    let empty = parts.iter().find(|(part, ..)| *part == Part::Steps).map(|(_, list, start)| (*list, *start));
    if let Some((list, start)) = empty
        && maker.builder.is_empty(list)
        && maker.problems.is_empty()
    {
        maker.wrong((start, start), "there are no steps", "write `### name` for each step, below `## Steps`");
    }
    let Maker { builder, problems, .. } = maker;
    let broken = problems.iter().any(|problem| problem.severity == crate::Severity::Error);
    let done = builder.done();
    if done.is_none() && !broken {
        let span = crate::diagnostic::Span { line: 1, column: 1, start: 0, end: 0 };
        let help = format!("at most {} values are read", limits::DOCUMENT_NODES);
        problems.push(
            Diagnostic::new(
                codes::TOO_BIG,
                file,
                span,
                String::new(),
                "there are too many values".to_owned(),
            )
            .help(help),
        );
    }
    done.filter(|_| !broken)
}

/// What stands between `---` at the beginning; the line behind it.
fn front(maker: &mut Maker<'_>, text: &str, lines: &[Line<'_>]) -> usize {
    if lines.first().is_none_or(|line| line.text.trim_end() != "---") {
        return 0;
    }
    let Some(end) = lines.iter().skip(1).position(|line| line.text.trim_end() == "---") else { return 0 };
    let (Some(first), Some(last)) = (lines.get(1), lines.get(end + 1)) else { return 0 };
    if let Some(document) = maker.yaml(text, (first.start, last.start)) {
        let slot = Slot::Key(maker.builder.root(), "frontmatter", lines[0].bytes());
        maker.builder.graft(slot, document.root(), first.start);
    }
    end + 2
}

/// Some lines as one text.
fn texts(maker: &mut Maker<'_>, key: &str, lines: &[Line<'_>]) {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return };
    let text: Vec<&str> = lines.iter().map(|line| line.text.trim()).collect();
    let slot = Slot::Key(maker.builder.root(), key, first.bytes());
    maker.builder.put(slot, New::Scalar(text.join("\n"), false), (first.bytes().0, last.bytes().1));
}

/// An element of a part begins.
fn begun<'t>(
    maker: &mut Maker<'_>,
    parts: &[(Part, Made, usize)],
    part: Part,
    id: &'t str,
    line: Line<'t>,
) -> Option<Entity<'t>> {
    let fits = id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
    if !fits {
        let help = "a name has small letters, digits, `-` and `_`, and begins with a letter";
        maker.wrong(line.bytes(), format!("`{id}` is no name of a step, an input or an output"), help);
    }
    let around = parts.iter().find(|(known, ..)| *known == part).map(|(_, made, _)| *made)?;
    let slot = match part {
        Part::Steps => Slot::Item(around),
        _ => Slot::Key(around, id, line.bytes()),
    };
    let twice = !maker.take(around, id);
    if twice {
        maker.wrong(
            line.bytes(),
            format!("`{id}` is there already"),
            "give it another name, or remove one of the two",
        );
    }
    let made = maker.builder.put(slot, New::Map, line.bytes());
    if part == Part::Steps {
        let slot = Slot::Key(made, "id", line.bytes());
        maker.builder.put(slot, New::Scalar(id.to_owned(), false), line.bytes());
    }
    Some(Entity::new(made, part, line))
}

/// `- ttl: 5m` of the shared texts.
fn setting<'t>(
    maker: &mut Maker<'_>,
    parts: &[(Part, Made, usize)],
    line: Line<'t>,
    notes: &mut Vec<Line<'t>>,
) {
    let item = line.text.trim().strip_prefix("- ").and_then(|item| item.split_once(':'));
    let cache = parts.iter().find(|(part, ..)| *part == Part::Cache).map(|(_, made, _)| *made);
    match (item, cache) {
        (Some((key, value)), Some(cache)) if !key.trim().contains(' ') => {
            let key = key.trim();
            if !maker.take(cache, key) {
                maker.wrong(line.bytes(), format!("`{key}` is given twice"), "remove one of the two");
                return;
            }
            let new = New::Scalar(value.trim().to_owned(), true);
            maker.builder.put(Slot::Key(cache, key, line.bytes()), new, line.bytes());
        }
        _ => notes.push(line),
    }
}

/// The block of the shared texts: each value with the text before it.
fn shared(maker: &mut Maker<'_>, parts: &[(Part, Made, usize)], block: &Block<'_>) {
    let cache = parts.iter().find(|(part, ..)| *part == Part::Cache).map(|(_, made, _)| *made);
    let Some(cache) = cache else { return };
    let bytes = block.opened.bytes();
    if block.tag.split_whitespace().last() != Some("cache") {
        let help = "write ```cache in front of it";
        maker.wrong(bytes, "a block below `## Cache` is tagged `cache`", help);
        return;
    }
    if !maker.take(cache, "items") {
        maker.wrong(bytes, "a second block of shared texts", "put both into one");
        return;
    }
    let list = maker.builder.put(Slot::Key(cache, "items", bytes), New::List, bytes);
    let text: Vec<&str> = block.lines.iter().map(|line| line.text).collect();
    let mut before = String::new();
    for piece in pieces(&text.join("\n")) {
        match piece {
            Piece::Text(text) => before.push_str(&text),
            Piece::Bad(text) => before.push_str(&text),
            Piece::Read(operands) => {
                let name = operands.iter().find_map(|operand| match operand {
                    Operand::Ref(found) => Some(found.to_string()),
                    Operand::Value(_) => None,
                });
                let item = maker.builder.put(Slot::Item(list), New::Map, bytes);
                let name = New::Scalar(name.unwrap_or_default(), false);
                maker.builder.put(Slot::Key(item, "name", bytes), name, bytes);
                let prose = std::mem::take(&mut before).trim_start_matches('\n').to_owned();
                maker.builder.put(Slot::Key(item, "prose_before", bytes), New::Scalar(prose, false), bytes);
            }
        }
    }
}
