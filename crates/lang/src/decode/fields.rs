//! Maps with known keys.

use super::Decoder;
use crate::codes;
use crate::diagnostic::{Diagnostic, nearest};
use crate::keys::{self, Key};
use crate::tree::{Node, Shape};

/// Where a key is at home that a map does not know.
pub(crate) enum Elsewhere {
    /// Nowhere: it is unknown.
    Nowhere,
    /// There, as the help says.
    At(String),
    /// What is wrong with it was said already.
    Said,
}

/// A map whose keys were checked against tables. Only keys that are known and built are given out.
pub(crate) struct Fields<'t> {
    node: Node<'t>,
    tables: Vec<&'static [Key]>,
    /// Whether a key was refused, so that what is missing may just be misspelt.
    pub(crate) refused: bool,
}

impl<'t> Fields<'t> {
    /// The value of a key.
    pub(crate) fn get(&self, name: &str) -> Option<Node<'t>> {
        debug_assert!(keys::find(&self.tables, name).is_some(), "`{name}` is in no table");
        self.node.get(name).filter(|_| keys::find(&self.tables, name).is_some_and(|k| k.built))
    }

    /// The value of a key that the map need not know.
    pub(crate) fn find(&self, name: &str) -> Option<Node<'t>> {
        keys::find(&self.tables, name)?;
        self.get(name)
    }

    /// The map.
    pub(crate) fn node(&self) -> Node<'t> {
        self.node
    }
}

impl<'t> Decoder<'t, '_> {
    /// Takes a map apart: says which keys are unknown, not in this version, or missing. `what` names the map.
    pub(crate) fn fields(&self, node: Node<'t>, what: &str, tables: &[&'static [Key]]) -> Option<Fields<'t>> {
        self.fields_but(node, what, tables, &[], |_| Elsewhere::Nowhere)
    }

    /// As [`Decoder::fields`], with keys that are at home elsewhere: `elsewhere` tells where, and `lent` are not
    /// reported as missing.
    pub(crate) fn fields_but(
        &self,
        node: Node<'t>,
        what: &str,
        tables: &[&'static [Key]],
        lent: &[&str],
        elsewhere: impl Fn(&str) -> Elsewhere,
    ) -> Option<Fields<'t>> {
        if node.shape() != Shape::Map {
            self.wrong_type(node, &format!("{what} is a map"));
            return None;
        }
        let mut fields = Fields { node, tables: tables.to_vec(), refused: false };
        for entry in node.entries() {
            match keys::find(tables, entry.key) {
                Some(key) if key.built => {}
                Some(key) => {
                    fields.refused = true;
                    let what = if crate::actions::is_later(key.name) { "an action" } else { "a key" };
                    let message =
                        format!("`{}` is {what} of the language that this version does not have", key.name);
                    let help = format!("{}; remove it for now", key.doc);
                    self.push(Diagnostic::at_key(codes::LATER_KEY, entry, message).help(help));
                }
                None => {
                    fields.refused = true;
                    self.unknown_key(entry, what, tables, elsewhere(entry.key));
                }
            }
        }
        let missing = tables.iter().flat_map(|t| t.iter()).filter(|k| k.required && !lent.contains(&k.name));
        for key in missing.filter(|k| node.entry(k.name).is_none()) {
            // A misspelt key was reported already, with the name that is missing.
            let misspelt = node.entries().take(100).any(|e| {
                keys::find(tables, e.key).is_none()
                    && nearest(e.key, names(tables)).as_deref() == Some(key.name)
            });
            if !misspelt {
                let message = format!("{what} needs `{}`", key.name);
                self.push(Diagnostic::at_start(codes::MISSING_KEY, node, message).help(key.doc));
            }
        }
        Some(fields)
    }

    fn unknown_key(
        &self,
        entry: crate::tree::Entry<'t>,
        what: &str,
        tables: &[&'static [Key]],
        elsewhere: Elsewhere,
    ) {
        match elsewhere {
            Elsewhere::Nowhere => {}
            Elsewhere::Said => return,
            Elsewhere::At(help) => {
                let message = format!("`{}` has no place in {what}", entry.key);
                self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
                return;
            }
        }
        let message = format!("{what} has no key `{}`", entry.key);
        let problem = Diagnostic::at_key(codes::UNKNOWN_KEY, entry, message);
        if self.is_full() {
            return self.push(problem);
        }
        let near = nearest(entry.key, names(tables));
        self.push(match (entry.key, near) {
            ("<<", _) => problem.help(
                "merge keys are no part of YAML 1.2; use an alias as a whole value, or write the keys out",
            ),
            (_, Some(near)) => problem.nearest(near),
            _ => {
                let known = names(tables).filter(|n| keys::find(tables, n).is_some_and(|k| k.built));
                let known: Vec<String> = known.map(|n| format!("`{n}`")).collect();
                problem.help(format!("its keys are {}", known.join(", ")))
            }
        });
    }

    /// Says that a value is of another kind than its place.
    pub(crate) fn wrong_type(&self, node: Node<'t>, expected: &str) {
        let got = match (node.shape(), node.raw()) {
            (Shape::Nothing, _) => "nothing is written here".to_owned(),
            (Shape::List, _) => "this is a list".to_owned(),
            (Shape::Map, _) => "this is a map".to_owned(),
            (_, Some(raw)) if raw.chars().count() <= 40 && !raw.contains('\n') => format!("this is `{raw}`"),
            _ => "this is a text".to_owned(),
        };
        self.push(Diagnostic::at(codes::WRONG_TYPE, node, format!("{expected}, and {got}")));
    }

    /// The elements of a list.
    pub(crate) fn list(
        &self,
        node: Node<'t>,
        expected: &str,
    ) -> Option<impl ExactSizeIterator<Item = Node<'t>> + Clone + use<'t>> {
        if node.shape() == Shape::List {
            return Some(node.items());
        }
        self.wrong_type(node, expected);
        None
    }

    /// The entries of a map with free names.
    pub(crate) fn entries(
        &self,
        node: Node<'t>,
        expected: &str,
    ) -> Option<impl ExactSizeIterator<Item = crate::tree::Entry<'t>> + Clone + use<'t>> {
        if node.shape() != Shape::Map {
            self.wrong_type(node, expected);
            return None;
        }
        if node.entries().len() > crate::limits::NAMES {
            let message = format!("there are {} entries", node.entries().len());
            let help = format!("at most {} are read", crate::limits::NAMES);
            self.push(Diagnostic::at_start(codes::TOO_MANY, node, message).help(help));
            return None;
        }
        Some(node.entries())
    }
}

fn names(tables: &[&'static [Key]]) -> impl Iterator<Item = &'static str> {
    tables.iter().flat_map(|t| t.iter()).map(|k| k.name).collect::<Vec<_>>().into_iter()
}
