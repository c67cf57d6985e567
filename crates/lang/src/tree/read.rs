//! From text to tree, under a budget.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle};

use super::{Data, Document, EntryData, Id, Kind, Lines, Place, Style};
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::limits;

/// Reads a document. What is wrong with its notation goes to `problems`; `None` where that leaves no tree.
pub fn read(file: &str, text: &str, problems: &mut Vec<Diagnostic>) -> Option<Document> {
    let mut reader = Reader {
        file,
        text,
        lines: Lines::of(text),
        base: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 },
        nodes: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
        aliases: 0,
        ignoring: 0,
        problems,
    };
    reader.run()?;
    if reader.nodes.is_empty() {
        reader.report(codes::EMPTY, (0, 0), "there is no document in it".to_owned(), None);
        return None;
    }
    let Reader { lines, nodes, .. } = reader;
    Some(Document { file: file.to_owned(), text: text.to_owned(), lines, nodes, root: 0 })
}

pub(super) struct Reader<'a> {
    file: &'a str,
    pub(super) text: &'a str,
    lines: Lines,
    /// Bytes of a byte order mark, which the parser does not see.
    pub(super) base: usize,
    nodes: Vec<Data>,
    open: Vec<Open>,
    /// First and last node of what each anchor names; no last one while it is still open.
    anchors: HashMap<usize, (Id, Option<Id>)>,
    aliases: usize,
    /// How many collections deep we are in something that has no place in the tree, such as a key that is a list.
    ignoring: usize,
    problems: &'a mut Vec<Diagnostic>,
}

/// A collection whose end has not come.
struct Open {
    id: Id,
    anchor: usize,
    /// The key whose value comes next. For a map only.
    key: Option<Key>,
    /// Keys that were there, once there are many.
    seen: HashMap<String, u32>,
}

enum Key {
    /// A key of the map.
    Good { text: String, start: u32, end: u32 },
    /// One that was refused: its value is read and left out.
    Refused,
}

impl Reader<'_> {
    fn run(&mut self) -> Option<()> {
        if self.text.len() > limits::DOCUMENT_BYTES {
            let message = format!("the text has {} bytes", self.text.len());
            self.too_big((0, 0), message, format!("at most {} bytes are read", limits::DOCUMENT_BYTES));
            return None;
        }
        let body = &self.text[self.base..];
        if let Some((at, c)) = body.char_indices().find(|&(_, c)| is_stray(c)) {
            let at = at + self.base;
            let message = format!("the character U+{:04X} has no place in a text", c as u32);
            let help = "write it as an escape such as \"\\u0000\" in double quotes, or remove it";
            self.report(codes::STRAY_CHARACTER, (at, at + c.len_utf8()), message, Some(help.to_owned()));
            return None;
        }
        let options = granit_parser::options! {
            emit_unresolved_aliases: true,
            flow_nesting_limit: limits::DOCUMENT_DEPTH,
            block_nesting_limit: limits::DOCUMENT_DEPTH,
        };
        let mut documents = 0;
        for next in Parser::new_from_str_with_options(body, options) {
            let (event, span) = match next {
                Ok(next) => next,
                Err(error) => {
                    self.broken(&error);
                    return None;
                }
            };
            let bytes = span.byte_range().map_or((0, 0), |r| (r.start + self.base, r.end + self.base));
            if let Some(tag) = span.tag_span().and_then(|s| s.byte_range()) {
                let help = "remove it: types come from where a value stands";
                let place = (tag.start + self.base, tag.end + self.base);
                self.report(codes::TAG, place, "a tag is not allowed".to_owned(), Some(help.to_owned()));
            }
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        let help = "put it into a file of its own";
                        self.report(
                            codes::SECOND_DOCUMENT,
                            bytes,
                            "a second document begins here".to_owned(),
                            Some(help.to_owned()),
                        );
                        return Some(());
                    }
                }
                Event::Scalar(text, style, anchor, _) => self.scalar(&text, style, anchor, bytes)?,
                Event::SequenceStart(_, anchor, _) => self.begin(Kind::List(Vec::new()), anchor, bytes)?,
                Event::MappingStart(_, anchor, _) => self.begin(Kind::Map(Vec::new()), anchor, bytes)?,
                Event::SequenceEnd | Event::MappingEnd => self.end(bytes),
                Event::Alias(anchor) => self.alias(anchor, bytes)?,
                Event::UnresolvedAlias(name) => {
                    let message = format!("no anchor `&{name}` stands before this");
                    let help = "quote it if it is a text that begins with `*`";
                    self.report(codes::UNKNOWN_ANCHOR, bytes, message, Some(help.to_owned()));
                    if !self.is_key() {
                        // Most often a text that begins with `*`, so it is read on as one.
                        let text = format!("*{name}");
                        self.push(Kind::Scalar { text, style: Style::Plain }, bytes)?;
                    } else if let Some(open) = self.open.last_mut() {
                        open.key = Some(Key::Refused);
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    /// Whether what comes next is a key.
    fn is_key(&self) -> bool {
        self.open.last().is_some_and(|open| {
            open.key.is_none() && matches!(self.nodes[open.id as usize].kind, Kind::Map(_))
        })
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, bytes: (usize, usize)) -> Option<()> {
        if self.ignoring > 0 {
            return Some(());
        }
        if self.is_key() {
            self.key(text, bytes);
            return Some(());
        }
        let nothing = style == ScalarStyle::Plain && bytes.0 == bytes.1;
        let style = match style {
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
            _ => Style::Plain,
        };
        let kind = if nothing { Kind::Nothing } else { Kind::Scalar { text: text.to_owned(), style } };
        let id = self.push(kind, bytes)?;
        if anchor != 0 {
            self.anchors.insert(anchor, (id, Some(id)));
        }
        Some(())
    }

    fn key(&mut self, text: &str, bytes: (usize, usize)) {
        let Some(open) = self.open.last_mut() else { return };
        let Kind::Map(entries) = &self.nodes[open.id as usize].kind else { return };
        open.key = Some(Key::Refused);
        if text.len() > limits::KEY_BYTES {
            let help = format!("a key has at most {} bytes", limits::KEY_BYTES);
            self.too_big(bytes, "the key is too long".to_owned(), help);
            return;
        }
        // Maps are small, so the keys are looked through; a table is kept only once that would be slow.
        const MANY: usize = 16;
        if entries.len() == MANY {
            open.seen = entries.iter().map(|e| (e.key.clone(), e.start)).collect();
        }
        let first = if entries.len() < MANY {
            entries.iter().find(|e| e.key == text).map(|e| e.start)
        } else {
            open.seen.get(text).copied()
        };
        if let Some(first) = first {
            let line = self.lines.span(self.text, first as usize, first as usize).line;
            let message = format!("the key `{text}` is given twice");
            let help = format!("it stands in line {line} already; rename or remove one of the two");
            self.report(codes::DUPLICATE_KEY, bytes, message, Some(help));
            return;
        }
        if entries.len() >= MANY {
            open.seen.insert(text.to_owned(), bytes.0 as u32);
        }
        open.key = Some(Key::Good { text: text.to_owned(), start: bytes.0 as u32, end: bytes.1 as u32 });
    }

    fn begin(&mut self, kind: Kind, anchor: usize, bytes: (usize, usize)) -> Option<()> {
        if self.ignoring > 0 {
            self.ignoring += 1;
            return Some(());
        }
        if self.is_key() {
            let help = "a key is one word; put lists and maps into values";
            self.report(
                codes::KEY_NOT_TEXT,
                bytes,
                "a list or a map is no key".to_owned(),
                Some(help.to_owned()),
            );
            if let Some(open) = self.open.last_mut() {
                open.key = Some(Key::Refused);
            }
            self.ignoring = 1;
            return Some(());
        }
        if self.open.len() >= limits::DOCUMENT_DEPTH {
            self.too_deep(bytes);
            return None;
        }
        let id = self.push(kind, bytes)?;
        if anchor != 0 {
            self.anchors.insert(anchor, (id, None));
        }
        self.open.push(Open { id, anchor, key: None, seen: HashMap::new() });
        Some(())
    }

    fn end(&mut self, bytes: (usize, usize)) {
        if self.ignoring > 0 {
            self.ignoring -= 1;
            return;
        }
        let Some(open) = self.open.pop() else { return };
        let last = self.nodes.len() as Id - 1;
        // A block ends where the next thing begins; what is marked is up to the end of its last line.
        let text = self.text.get(..bytes.1).unwrap_or(self.text);
        self.nodes[open.id as usize].end =
            (text.trim_end().len() as u32).max(self.nodes[open.id as usize].start);
        if open.anchor != 0 {
            self.anchors.insert(open.anchor, (open.id, Some(last)));
        }
    }

    fn alias(&mut self, anchor: usize, bytes: (usize, usize)) -> Option<()> {
        if self.ignoring > 0 {
            return Some(());
        }
        if self.is_key() {
            let help = "write the key out";
            self.report(codes::KEY_NOT_TEXT, bytes, "an alias is no key".to_owned(), Some(help.to_owned()));
            if let Some(open) = self.open.last_mut() {
                open.key = Some(Key::Refused);
            }
            return Some(());
        }
        self.aliases += 1;
        if self.aliases > limits::DOCUMENT_ALIASES {
            let help = format!("at most {} aliases are read", limits::DOCUMENT_ALIASES);
            self.too_big(bytes, "there are too many aliases".to_owned(), help);
            return None;
        }
        match self.anchors.get(&anchor).copied() {
            Some((first, Some(last))) => {
                if self.nodes.len() + (last - first) as usize + 1 > limits::DOCUMENT_NODES {
                    self.too_many(bytes);
                    return None;
                }
                let depth = self.open.len() + self.depth_of(first, last);
                if depth > limits::DOCUMENT_DEPTH {
                    self.too_deep(bytes);
                    return None;
                }
                self.copy(first, last);
            }
            _ => {
                let message = "the alias stands inside of what it names".to_owned();
                self.report(codes::UNKNOWN_ANCHOR, bytes, message, None);
                self.push(Kind::Nothing, bytes)?;
            }
        }
        Some(())
    }

    /// How many collections deep the nodes from `first` to `last` go.
    fn depth_of(&self, first: Id, last: Id) -> usize {
        let mut depths = vec![0; (last - first) as usize + 1];
        let mut most = 0;
        for id in first..=last {
            let node = &self.nodes[id as usize];
            let own = usize::from(matches!(node.kind, Kind::List(_) | Kind::Map(_)));
            let outer = if id == first { 0 } else { depths[(node.parent - first) as usize] };
            depths[(id - first) as usize] = outer + own;
            most = most.max(outer + own);
        }
        most
    }

    /// Puts a copy of a closed subtree at the present place. Its nodes stand in a row, so it is copied in a row.
    fn copy(&mut self, first: Id, last: Id) {
        let (place, parent) = self.place();
        let moved = self.nodes.len() as Id - first;
        for id in first..=last {
            let node = &self.nodes[id as usize];
            let kind = match &node.kind {
                Kind::Nothing => Kind::Nothing,
                Kind::Scalar { text, style } => Kind::Scalar { text: text.clone(), style: *style },
                Kind::List(ids) => Kind::List(ids.iter().map(|id| id + moved).collect()),
                Kind::Map(entries) => Kind::Map(
                    entries.iter().map(|e| EntryData { value: e.value + moved, ..e.clone() }).collect(),
                ),
            };
            let (place, parent) =
                if id == first { (place, parent) } else { (node.place, node.parent + moved) };
            let data = Data { parent, place, start: node.start, end: node.end, kind, written: None };
            self.nodes.push(data);
        }
    }

    /// Makes a node at the present place.
    fn push(&mut self, kind: Kind, (start, end): (usize, usize)) -> Option<Id> {
        if self.nodes.len() >= limits::DOCUMENT_NODES {
            self.too_many((start, end));
            return None;
        }
        let id = self.nodes.len() as Id;
        let (place, parent) = self.place();
        self.nodes.push(Data { parent, place, start: start as u32, end: end as u32, kind, written: None });
        Some(id)
    }

    /// Enters the node that is about to be pushed into its parent.
    fn place(&mut self) -> (Place, Id) {
        let id = self.nodes.len() as Id;
        let Some(open) = self.open.last_mut() else { return (Place::Root, 0) };
        let parent = open.id;
        match (&mut self.nodes[parent as usize].kind, open.key.take()) {
            (Kind::List(ids), _) => {
                ids.push(id);
                (Place::At(ids.len() as u32 - 1), parent)
            }
            (Kind::Map(entries), Some(Key::Good { text, start, end })) => {
                entries.push(EntryData { key: text, start, end, value: id });
                (Place::At(entries.len() as u32 - 1), parent)
            }
            // The value of a refused key is read and belongs nowhere. It keeps its parent for its path.
            (Kind::Map(entries), _) => (Place::At(entries.len() as u32), parent),
            _ => (Place::Root, parent),
        }
    }

    pub(super) fn too_deep(&mut self, bytes: (usize, usize)) {
        let help = format!("at most {} lists and maps may stand in each other", limits::DOCUMENT_DEPTH);
        self.too_big(bytes, "lists and maps are nested too deeply".to_owned(), help);
    }

    fn too_many(&mut self, bytes: (usize, usize)) {
        let help = format!("at most {} values are read, aliases expanded", limits::DOCUMENT_NODES);
        self.too_big(bytes, "there are too many values".to_owned(), help);
    }

    fn too_big(&mut self, bytes: (usize, usize), message: String, help: String) {
        self.report(codes::TOO_BIG, bytes, message, Some(help));
    }

    pub(super) fn report(
        &mut self,
        code: &'static codes::Code,
        (start, end): (usize, usize),
        message: String,
        help: Option<String>,
    ) {
        let span: Span = self.lines.span(self.text, start, end);
        let path = self.path();
        self.problems.push(Diagnostic { help, ..Diagnostic::new(code, self.file, span, path, message) });
    }

    /// JSON pointer of what is being read.
    fn path(&self) -> String {
        let Some(open) = self.open.last() else { return String::new() };
        let path = super::path_of(&self.nodes, open.id);
        match (&self.nodes[open.id as usize].kind, &open.key) {
            (Kind::List(ids), _) => format!("{path}/{}", ids.len()),
            (_, Some(Key::Good { text, .. })) => format!("{path}/{}", super::escaped(text)),
            _ => path,
        }
    }
}

fn is_stray(c: char) -> bool {
    (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}')) || c == '\u{feff}'
}
