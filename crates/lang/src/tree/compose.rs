//! A tree put together from parts of another one.
//!
//! The nodes of the old tree stay where they are, so that each new one knows the place in the text where its
//! author wrote it.

use std::collections::HashMap;

use super::{Data, Document, EntryData, Id, Kind, Node, Place};
use crate::limits;

/// A value in layers: of two maps that lie on each other each key is that of the upper one, and maps under the same key
/// lie on each other again. Anything else covers what is below it.
#[derive(Debug, Clone)]
pub(crate) struct Layers(Vec<Id>);

impl Layers {
    /// One value.
    pub(crate) fn of(node: Node<'_>) -> Self {
        Self(vec![node.id])
    }

    /// With another value below.
    pub(crate) fn over(mut self, below: &Layers) -> Self {
        self.0.extend(&below.0);
        self
    }

    /// Whether a map has a key in its uppermost layer.
    pub(crate) fn is_own(&self, doc: &Document, key: &str) -> bool {
        self.top(doc).entry(key).is_some()
    }

    /// The uppermost value.
    pub(crate) fn top<'t>(&self, doc: &'t Document) -> Node<'t> {
        Node { doc, id: self.0[0] }
    }

    /// The value of a key.
    pub(crate) fn get(&self, doc: &Document, key: &str) -> Option<Layers> {
        let mut found = Vec::new();
        for &id in &self.0 {
            let Kind::Map(entries) = &doc.nodes[id as usize].kind else { break };
            let Some(entry) = entries.iter().find(|e| e.key == key) else { continue };
            let map = matches!(doc.nodes[entry.value as usize].kind, Kind::Map(_));
            if map || found.is_empty() {
                found.push(entry.value);
            }
            if !map {
                break;
            }
        }
        (!found.is_empty()).then_some(Layers(found))
    }

    /// The elements of a list.
    pub(crate) fn items(&self, doc: &Document) -> Vec<Layers> {
        match &doc.nodes[self.0[0] as usize].kind {
            Kind::List(ids) => ids.iter().map(|&id| Layers(vec![id])).collect(),
            _ => Vec::new(),
        }
    }
}

/// Why a tree could not be put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooBig {
    Nodes,
    Depth,
}

/// What putting something gives.
pub(crate) type Put = Result<Id, TooBig>;

/// Puts the value of a key, or leaves it out.
pub(crate) type EachEntry<'f> =
    dyn FnMut(&mut Composer, &str, &Layers, Spot) -> Result<Option<Id>, TooBig> + 'f;

/// Makes the new tree, behind the old one.
pub(crate) struct Composer {
    doc: Document,
    /// How many nodes the old tree has.
    old: usize,
    depth: usize,
}

/// Where a value is put.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    parent: Id,
    place: Place,
}

impl Composer {
    pub(crate) fn new(doc: Document) -> Self {
        let old = doc.nodes.len();
        Self { doc, old, depth: 0 }
    }

    /// The document, of whose old tree the layers are.
    pub(crate) fn doc(&self) -> &Document {
        &self.doc
    }

    /// The entries of a map, each with its layers.
    pub(crate) fn entries(&self, value: &Layers) -> impl Iterator<Item = (String, Layers)> + use<> {
        self.merged(value).into_iter().map(|(key, _, _, value)| (key, value))
    }

    /// Where the new tree begins.
    pub(crate) fn root() -> Spot {
        Spot { parent: 0, place: Place::Root }
    }

    /// The document with the new tree.
    pub(crate) fn done(self) -> Document {
        Document { root: self.old as Id, ..self.doc }
    }

    fn push(&mut self, id: Id, at: Spot, kind: Kind) -> Put {
        if self.doc.nodes.len() - self.old >= limits::DOCUMENT_NODES {
            return Err(TooBig::Nodes);
        }
        let old = &self.doc.nodes[id as usize];
        let data = Data {
            parent: at.parent,
            place: at.place,
            start: old.start,
            end: old.end,
            kind,
            written: Some(id),
        };
        self.doc.nodes.push(data);
        Ok((self.doc.nodes.len() - 1) as Id)
    }

    /// Puts a value as it is.
    pub(crate) fn put(&mut self, value: &Layers, at: Spot) -> Put {
        self.map(value, at, &mut |composer, _, value, at| composer.put(value, at).map(Some))
    }

    /// Puts a list whose elements are put by a function; anything else as it is.
    pub(crate) fn list(
        &mut self,
        value: &Layers,
        at: Spot,
        each: &mut dyn FnMut(&mut Self, &Layers, Spot) -> Put,
    ) -> Put {
        let top = value.0[0];
        if !matches!(self.doc.nodes[top as usize].kind, Kind::List(_)) {
            return self.put(value, at);
        }
        let new = self.push(top, at, Kind::Nothing)?;
        self.enter()?;
        let mut ids = Vec::new();
        for item in value.items(&self.doc) {
            let at = Spot { parent: new, place: Place::At(ids.len() as u32) };
            ids.push(each(self, &item, at)?);
        }
        self.depth -= 1;
        self.doc.nodes[new as usize].kind = Kind::List(ids);
        Ok(new)
    }

    /// Puts a map whose values are put by a function, which may leave them out; anything else as it is.
    pub(crate) fn map(&mut self, value: &Layers, at: Spot, each: &mut EachEntry<'_>) -> Put {
        let top = value.0[0];
        match &self.doc.nodes[top as usize].kind {
            Kind::Map(_) => {}
            Kind::List(_) => return self.list(value, at, &mut |composer, item, at| composer.put(item, at)),
            Kind::Nothing => return self.push(top, at, Kind::Nothing),
            Kind::Scalar { text, style } => {
                let kind = Kind::Scalar { text: text.clone(), style: *style };
                return self.push(top, at, kind);
            }
        }
        let new = self.push(top, at, Kind::Nothing)?;
        self.enter()?;
        let mut entries: Vec<EntryData> = Vec::new();
        for (key, start, end, value) in self.merged(value) {
            let at = Spot { parent: new, place: Place::At(entries.len() as u32) };
            if let Some(value) = each(self, &key, &value, at)? {
                entries.push(EntryData { key, start, end, value });
            }
        }
        self.depth -= 1;
        self.doc.nodes[new as usize].kind = Kind::Map(entries);
        Ok(new)
    }

    /// The entries of a map in layers: those of the upper layers first, each in its own order.
    fn merged(&self, value: &Layers) -> Vec<(String, u32, u32, Layers)> {
        let mut merged: Vec<(String, u32, u32, Layers)> = Vec::new();
        // Where each key stands in `merged`, and whether it holds maps only so far.
        let mut seen: HashMap<&str, (usize, bool)> = HashMap::new();
        for &id in &value.0 {
            let Kind::Map(entries) = &self.doc.nodes[id as usize].kind else { break };
            for entry in entries {
                let map = matches!(self.doc.nodes[entry.value as usize].kind, Kind::Map(_));
                match seen.get_mut(entry.key.as_str()) {
                    None => {
                        seen.insert(&entry.key, (merged.len(), map));
                        let layers = Layers(vec![entry.value]);
                        merged.push((entry.key.clone(), entry.start, entry.end, layers));
                    }
                    Some((at, open @ true)) => {
                        *open = map;
                        if map {
                            merged[*at].3.0.push(entry.value);
                        }
                    }
                    Some(_) => {}
                }
            }
        }
        merged
    }

    fn enter(&mut self) -> Result<(), TooBig> {
        self.depth += 1;
        if self.depth > limits::DOCUMENT_DEPTH { Err(TooBig::Depth) } else { Ok(()) }
    }
}
