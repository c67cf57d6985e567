//! Texts and values with what is read in them.

use super::model::Flow;
use super::refs::{Place, Ty};
use super::template::{Piece, bare, pieces};
use crate::import::out::{Map, Out, literal, marked};
use crate::import::report::Verdict::Changed;
use crate::import::source::At;
use crate::tree::{Node as TreeNode, Plain, Shape};

impl Flow<'_, '_> {
    /// A text as a value: exactly one reference keeps its type.
    pub(super) fn text(&self, at: At<'_, '_>, text: &str, place: Place<'_>) -> Out {
        let pieces = pieces(text);
        let whole = match pieces.as_slice() {
            [Piece::Read(operands)] => Some(operands),
            [Piece::Read(operands), Piece::Text(end)] if end == "\n" => Some(operands),
            _ => None,
        };
        if let Some(operands) = whole {
            return marked(&self.read(at, operands, place).0).into();
        }
        if let Some(old) = self.old(at, text, place) {
            return marked(&old).into();
        }
        self.mixed(at, &pieces, place).into()
    }

    /// A text with what is read in it.
    pub(super) fn mixed(&self, at: At<'_, '_>, pieces: &[Piece], place: Place<'_>) -> String {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(&literal(text)),
                Piece::Read(operands) => out.push_str(&marked(&self.read(at, operands, place).0)),
                Piece::Bad(text) => {
                    at.say(Changed, format!("`{text}` is no reference: it is left in the text as it stands"));
                    out.push_str(&literal(text));
                }
            }
        }
        out
    }

    /// The oldest notation: `$name` alone.
    fn old(&self, at: At<'_, '_>, text: &str, place: Place<'_>) -> Option<String> {
        let found = bare(text.strip_prefix('$')?)?;
        let known = self.index_of(&found.root).is_some() || self.input(&found.root).is_some();
        if !known {
            return None;
        }
        at.say(Changed, format!("`{text}` is the old way to write `${{{found}}}`, and is taken for that"));
        Some(self.reference(at, &found, place).expression(place.lenient))
    }

    /// Any value with what is read in it.
    pub(super) fn value(&self, at: At<'_, '_>, place: Place<'_>) -> Out {
        self.inner(at, at.node, place)
    }

    fn inner(&self, at: At<'_, '_>, node: TreeNode<'_>, place: Place<'_>) -> Out {
        match node.shape() {
            Shape::Nothing => Out::Null,
            Shape::List => Out::List(node.items().map(|item| self.inner(at, item, place)).collect()),
            Shape::Map => {
                let entries = node.entries().map(|e| (e.key.to_owned(), self.inner(at, e.value, place)));
                Out::Map(Map(entries.collect()))
            }
            Shape::Scalar => match node.plain() {
                Some(Plain::Null) => Out::Null,
                Some(Plain::Bool(value)) => Out::Bool(value),
                Some(Plain::Number(number)) => Out::Number(number.to_string()),
                _ => self.text(at, node.raw().unwrap_or_default(), place),
            },
        }
    }

    /// The expression of a value that is exactly one reference; whether it is a text.
    pub(super) fn expression(&self, at: At<'_, '_>, place: Place<'_>) -> Option<(String, Ty)> {
        match pieces(at.node.raw()?.trim()).as_slice() {
            [Piece::Read(operands)] => Some(self.read(at, operands, place)),
            _ => None,
        }
    }

    /// The type of an expression, where it is surely known.
    pub(super) fn sure_kind(&self, expression: &str) -> Option<&'static str> {
        let input = expression.strip_prefix("inputs.");
        let input = input.and_then(|id| self.inputs.iter().find(|input| input.id == id));
        match (input, expression) {
            (Some(input), _) => Some(input.kind),
            (None, "null") => Some("null"),
            (None, "true" | "false") => Some("boolean"),
            (None, "index") => Some("integer"),
            (None, "[]") => Some("array"),
            (None, "{}") => Some("object"),
            (None, other) if other.starts_with("size(") || other.ends_with(".exit_code") => Some("integer"),
            (None, other) if other.starts_with('\'') => Some("string"),
            (None, other) if other.parse::<i64>().is_ok() => Some("integer"),
            (None, other) if other.parse::<f64>().is_ok() => Some("number"),
            (None, other) if other.starts_with("(") && other.contains(" ? 'max_iterations'") => {
                Some("string")
            }
            _ => None,
        }
    }

    /// A list or map where there is one: a text that holds JSON is read.
    pub(super) fn parsed(&self, at: At<'_, '_>, place: Place<'_>) -> Out {
        match self.expression(at, place) {
            Some((expression, Ty::Text)) => marked(&format!("json({expression})")).into(),
            Some((expression, Ty::Any)) => marked(&expression).into(),
            None => self.value(at, place),
        }
    }
}
