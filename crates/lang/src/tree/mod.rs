//! A document as a tree whose nodes know where they stand.
//!
//! Nothing is resolved here: a scalar keeps the text and the notation its author chose, and what it means is
//! settled by the place it is read for. So `version: 1.10` is the text `1.10` where text is expected, and a
//! number where a number is; `no` is never anything but a text. Anchors are expanded while the tree is read,
//! under the budget of [`crate::limits`].
//!
//! JSON goes the same way: it is a part of YAML 1.2, so one reader serves both, with the same positions and
//! the same messages. A definition in JSON with a trailing comma or a comment is therefore read and not
//! refused; nothing can go wrong by that, and there is no second reader to keep in step.

mod broken;
mod build;
mod canonical;
mod compose;
mod files;
mod offsets;
mod read;
mod scalar;
mod write;

pub(crate) use build::{Builder, Bytes, Made, New, Slot};
pub(crate) use compose::{Composer, Layers, Put, Spot, TooBig};
pub use files::{ReadProblem, text_of};
pub use read::read;
pub use scalar::{NotJson, Plain};

use crate::diagnostic::Span;

/// Position of a node in its document.
type Id = u32;

/// A text that was read.
#[derive(Debug)]
pub struct Document {
    file: String,
    text: String,
    lines: Lines,
    nodes: Vec<Data>,
    root: Id,
}

#[derive(Debug)]
struct Data {
    parent: Id,
    place: Place,
    start: u32,
    end: u32,
    kind: Kind,
    /// The node as its author wrote it, where this is a copy that stands elsewhere.
    written: Option<Id>,
}

/// Where a node stands in its parent.
#[derive(Debug, Clone, Copy)]
enum Place {
    Root,
    /// Position in a list, or of its entry in a map.
    At(u32),
}

#[derive(Debug)]
enum Kind {
    /// Not written: `key:` with nothing behind it.
    Nothing,
    Scalar {
        text: String,
        style: Style,
    },
    List(Vec<Id>),
    Map(Vec<EntryData>),
}

#[derive(Debug, Clone)]
struct EntryData {
    key: String,
    start: u32,
    end: u32,
    value: Id,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without marks.
    Plain,
    /// In `'`.
    Single,
    /// In `"`.
    Double,
    /// Behind `|`.
    Literal,
    /// Behind `>`.
    Folded,
}

impl Document {
    /// The file, as it was named.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The outermost node.
    pub fn root(&self) -> Node<'_> {
        Node { doc: self, id: self.root }
    }

    /// Whether any map has one of these keys.
    pub(crate) fn has_key(&self, keys: &[&str]) -> bool {
        self.nodes.iter().any(|node| match &node.kind {
            Kind::Map(entries) => entries.iter().any(|e| keys.contains(&e.key.as_str())),
            _ => false,
        })
    }

    /// The node at a JSON pointer.
    pub fn at(&self, pointer: &str) -> Option<Node<'_>> {
        if pointer.is_empty() {
            return Some(self.root());
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self.root(), |node, step| {
            let step = step.replace("~1", "/").replace("~0", "~");
            match node.shape() {
                Shape::List => node.items().nth(step.parse().ok()?),
                Shape::Map => node.get(&step),
                _ => None,
            }
        })
    }

    /// The place of some bytes of the text.
    pub fn span(&self, start: usize, end: usize) -> Span {
        self.lines.span(&self.text, start, end)
    }
}

/// A node of a document.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    doc: &'t Document,
    id: Id,
}

/// What kind of node it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing is written there.
    Nothing,
    /// Text, a number, `true`, `null`.
    Scalar,
    /// A list.
    List,
    /// A map.
    Map,
}

/// A key of a map with its value.
#[derive(Clone, Copy)]
pub struct Entry<'t> {
    /// The key.
    pub key: &'t str,
    /// The value.
    pub value: Node<'t>,
    doc: &'t Document,
    start: u32,
    end: u32,
}

impl Entry<'_> {
    /// Where the key stands.
    pub fn key_span(&self) -> Span {
        self.doc.span(self.start as usize, self.end as usize)
    }
}

impl<'t> Node<'t> {
    fn data(self) -> &'t Data {
        &self.doc.nodes[self.id as usize]
    }

    /// The document it belongs to.
    pub fn document(self) -> &'t Document {
        self.doc
    }

    /// What kind of node it is.
    pub fn shape(self) -> Shape {
        match self.data().kind {
            Kind::Nothing => Shape::Nothing,
            Kind::Scalar { .. } => Shape::Scalar,
            Kind::List(_) => Shape::List,
            Kind::Map(_) => Shape::Map,
        }
    }

    /// The elements of a list; none for everything else.
    pub fn items(self) -> impl ExactSizeIterator<Item = Node<'t>> + Clone {
        let ids: &'t [Id] = match &self.data().kind {
            Kind::List(ids) => ids,
            _ => &[],
        };
        ids.iter().map(move |&id| Node { doc: self.doc, id })
    }

    /// The entries of a map; none for everything else.
    pub fn entries(self) -> impl ExactSizeIterator<Item = Entry<'t>> + Clone {
        let entries: &'t [EntryData] = match &self.data().kind {
            Kind::Map(entries) => entries,
            _ => &[],
        };
        entries.iter().map(move |e| Entry {
            key: &e.key,
            value: Node { doc: self.doc, id: e.value },
            doc: self.doc,
            start: e.start,
            end: e.end,
        })
    }

    /// The entry of a key.
    pub fn entry(self, key: &str) -> Option<Entry<'t>> {
        self.entries().find(|e| e.key == key)
    }

    /// The value of a key.
    pub fn get(self, key: &str) -> Option<Node<'t>> {
        self.entry(key).map(|e| e.value)
    }

    /// The text of a scalar as its author wrote it, without marks and with escapes resolved.
    pub fn raw(self) -> Option<&'t str> {
        match &self.data().kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// How a scalar is written.
    pub fn style(self) -> Option<Style> {
        match self.data().kind {
            Kind::Scalar { style, .. } => Some(style),
            _ => None,
        }
    }

    /// Where it stands.
    pub fn span(self) -> Span {
        let data = self.data();
        self.doc.span(data.start as usize, data.end as usize)
    }

    /// Where the key stands whose value it is; the node itself where it is no value of a map.
    pub fn key_span(self) -> Span {
        match (self.parent().map(|p| &p.data().kind), self.data().place) {
            (Some(Kind::Map(entries)), Place::At(at)) => {
                let entry = &entries[at as usize];
                self.doc.span(entry.start as usize, entry.end as usize)
            }
            _ => self.span(),
        }
    }

    /// The node it stands in.
    pub fn parent(self) -> Option<Node<'t>> {
        match self.data().place {
            Place::Root => None,
            Place::At(_) => Some(Node { doc: self.doc, id: self.data().parent }),
        }
    }

    /// JSON pointer of its place in the document.
    pub fn path(self) -> String {
        path_of(&self.doc.nodes, self.id)
    }

    /// JSON pointer of the place where its author wrote it: in a template, for what a step took from there.
    pub fn written_path(self) -> String {
        path_of(&self.doc.nodes, self.data().written.unwrap_or(self.id))
    }
}

fn path_of(nodes: &[Data], mut id: Id) -> String {
    let mut steps = Vec::new();
    while let Place::At(at) = nodes[id as usize].place {
        let parent = nodes[id as usize].parent;
        steps.push(match &nodes[parent as usize].kind {
            Kind::Map(entries) => entries.get(at as usize).map(|e| escaped(&e.key)).unwrap_or_default(),
            _ => at.to_string(),
        });
        id = parent;
    }
    steps.iter().rev().fold(String::new(), |path, step| path + "/" + step)
}

/// A key as JSON pointers write it.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{} {:?}", self.doc.file, self.path(), self.data().kind)
    }
}

/// Where the lines of a text begin, and how many characters stand before each of its pieces: a line may be as
/// long as the text, and columns are asked for often.
#[derive(Debug)]
pub(crate) struct Lines {
    starts: Vec<u32>,
    chars: Vec<u32>,
}

/// Bytes of a piece.
const PIECE: usize = 1024;

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let (mut starts, mut chars, mut count) = (vec![0], Vec::new(), 0);
        for (at, byte) in text.bytes().enumerate() {
            if at % PIECE == 0 {
                chars.push(count);
            }
            count += u32::from(begins_character(byte));
            if byte == b'\n' {
                starts.push(at as u32 + 1);
            }
        }
        Self { starts, chars }
    }

    /// The characters before a byte.
    fn chars_before(&self, text: &str, at: usize) -> u32 {
        let piece = at / PIECE;
        let known = self.chars.get(piece).copied().unwrap_or_default();
        let rest = text.as_bytes().get(piece * PIECE..at).unwrap_or_default();
        known + rest.iter().filter(|b| begins_character(**b)).count() as u32
    }

    /// The span of some bytes. Offsets that are none of the text's are drawn to the nearest that are.
    pub(crate) fn span(&self, text: &str, start: usize, end: usize) -> Span {
        let start = floor(text, start);
        let end = floor(text, end.max(start));
        let line = self.starts.partition_point(|&s| s as usize <= start) - 1;
        let begin = self.starts[line] as usize;
        // A byte order mark takes no column.
        let marked = line == 0 && start > 0 && text.starts_with('\u{feff}');
        let column = self.chars_before(text, start) - self.chars_before(text, begin) - u32::from(marked) + 1;
        Span { line: line as u32 + 1, column, start: start as u32, end: end as u32 }
    }
}

fn begins_character(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
