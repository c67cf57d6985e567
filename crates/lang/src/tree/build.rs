//! A tree made by hand over a text that has another notation, so that its nodes know where they stand all the same.

use super::{Data, Document, EntryData, Id, Kind, Lines, Node, Place, Style};
use crate::limits;

/// Makes a tree whose outermost node is a map.
pub(crate) struct Builder {
    doc: Document,
    full: bool,
}

/// A node that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Made(Id);

/// What a new node is.
pub(crate) enum New {
    Nothing,
    Map,
    List,
    /// A scalar, and whether it is written without marks: it may be a number then.
    Scalar(String, bool),
}

/// Bytes of the text.
pub(crate) type Bytes = (usize, usize);

/// Where a new node stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot<'k> {
    /// Behind a key of a map, which stands there.
    Key(Made, &'k str, Bytes),
    /// At the end of a list.
    Item(Made),
}

impl Builder {
    pub(crate) fn new(file: &str, text: &str) -> Self {
        let root = Data {
            parent: 0,
            place: Place::Root,
            start: 0,
            end: text.len() as u32,
            kind: Kind::Map(Vec::new()),
            written: None,
        };
        let lines = Lines::of(text);
        let doc =
            Document { file: file.to_owned(), text: text.to_owned(), lines, nodes: vec![root], root: 0 };
        Self { doc, full: false }
    }

    pub(crate) fn root(&self) -> Made {
        Made(0)
    }

    /// The tree so far.
    pub(crate) fn doc(&self) -> &Document {
        &self.doc
    }

    /// Whether nothing is in a list or map.
    pub(crate) fn is_empty(&self, of: Made) -> bool {
        match &self.doc.nodes[of.0 as usize].kind {
            Kind::List(ids) => ids.is_empty(),
            Kind::Map(entries) => entries.is_empty(),
            Kind::Nothing | Kind::Scalar { .. } => true,
        }
    }

    /// Puts a node. What is beyond the bound on nodes is left out, and [`done`](Self::done) says so.
    pub(crate) fn put(&mut self, slot: Slot<'_>, new: New, (start, end): Bytes) -> Made {
        if self.doc.nodes.len() >= limits::DOCUMENT_NODES {
            self.full = true;
            return Made(0);
        }
        let id = self.doc.nodes.len() as Id;
        let (parent, place) = match slot {
            Slot::Key(map, key, (start, end)) => match &mut self.doc.nodes[map.0 as usize].kind {
                Kind::Map(entries) => {
                    let (start, end) = (start as u32, end as u32);
                    entries.push(EntryData { key: key.to_owned(), start, end, value: id });
                    (map.0, Place::At(entries.len() as u32 - 1))
                }
                _ => (map.0, Place::At(0)),
            },
            Slot::Item(list) => match &mut self.doc.nodes[list.0 as usize].kind {
                Kind::List(ids) => {
                    ids.push(id);
                    (list.0, Place::At(ids.len() as u32 - 1))
                }
                _ => (list.0, Place::At(0)),
            },
        };
        let kind = match new {
            New::Nothing => Kind::Nothing,
            New::Map => Kind::Map(Vec::new()),
            New::List => Kind::List(Vec::new()),
            New::Scalar(text, plain) => {
                Kind::Scalar { text, style: if plain { Style::Plain } else { Style::Double } }
            }
        };
        self.doc.nodes.push(Data {
            parent,
            place,
            start: start as u32,
            end: end as u32,
            kind,
            written: None,
        });
        Made(id)
    }

    /// Puts a copy of what was read of a part of the text that begins at a byte of it.
    pub(crate) fn graft(&mut self, slot: Slot<'_>, node: Node<'_>, from: usize) {
        let data = node.data();
        let bytes = (data.start as usize + from, data.end as usize + from);
        let new = match &data.kind {
            Kind::Nothing => New::Nothing,
            Kind::Map(_) => New::Map,
            Kind::List(_) => New::List,
            Kind::Scalar { text, style } => New::Scalar(text.clone(), *style == Style::Plain),
        };
        let made = self.put(slot, new, bytes);
        if self.full {
            return;
        }
        for item in node.items() {
            self.graft(Slot::Item(made), item, from);
        }
        for entry in node.entries() {
            let key = (entry.start as usize + from, entry.end as usize + from);
            self.graft(Slot::Key(made, entry.key, key), entry.value, from);
        }
    }

    /// The document; `None` where the text has too many values.
    pub(crate) fn done(self) -> Option<Document> {
        (!self.full).then_some(self.doc)
    }
}
