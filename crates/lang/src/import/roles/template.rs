//! Templates of roles as prompts with expressions.

use std::collections::HashMap;

use super::parse::{Part, Path, parse};
use crate::import::out::{literal, marked, member, quoted};
use crate::import::words::judged;
use crate::limits;

/// What a template reads.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A value that is known when the run is: its expression and the type of the input, if that is known.
    Expr(String, Option<String>),
    /// A list that is known now.
    List(Vec<String>),
    /// An element of such a list.
    Text(String),
}

/// Makes a prompt of a template: `value` says what a name is.
pub(super) struct Prompt<'a> {
    pub(super) value: &'a mut dyn FnMut(&str) -> Value,
    /// What could not be made, as it stands in the template.
    pub(super) bad: Vec<String>,
    /// Elements of the blocks that are open, the innermost last.
    items: Vec<Value>,
    /// How many bytes may still be made.
    left: usize,
}

/// How long a text may be that is a part of an expression, in bytes.
const PIECE: usize = limits::EXPR_BYTES / 4;

/// What the names that a template reads have to be, where it shows that: lists are gone through, objects read in.
pub(super) fn kinds(text: &str) -> HashMap<String, &'static str> {
    let mut found = HashMap::new();
    let mut open = vec![(parse(text), 0_usize)];
    let mut note = |path: &Path, depth: usize, list: bool| {
        if path.this || path.up < depth {
            return;
        }
        match path.names.as_slice() {
            [name] if list => _ = found.entry(name.clone()).or_insert("array"),
            [name, inner] if inner == "length" => _ = found.entry(name.clone()).or_insert("array"),
            [name, _, ..] => _ = found.insert(name.clone(), "object"),
            _ => {}
        }
    };
    while let Some((parts, depth)) = open.pop() {
        for part in parts {
            match part {
                Part::Each { path, body, otherwise } => {
                    note(&path, depth, true);
                    open.extend([(body, depth + 1), (otherwise, depth)]);
                }
                Part::If { path, then, otherwise } => {
                    note(&path, depth, false);
                    open.extend([(then, depth), (otherwise, depth)]);
                }
                Part::Value { path, .. } => note(&path, depth, false),
                Part::Text(_) | Part::Bad(_) => {}
            }
        }
    }
    found
}

impl<'a> Prompt<'a> {
    pub(super) fn new(value: &'a mut dyn FnMut(&str) -> Value) -> Self {
        Self { value, bad: Vec::new(), items: Vec::new(), left: limits::DOCUMENT_BYTES }
    }

    /// A text with expressions in it.
    pub(super) fn of(&mut self, text: &str) -> String {
        let mut out = Vec::new();
        self.write(&parse(text), None, &mut out);
        match out.as_slice() {
            // One that stands alone would keep its type.
            [Seg::Expr(only)] => marked(&format!("text({only})")),
            _ => joined(&out),
        }
    }

    /// Whether so many bytes more may be made: lists in lists grow without end.
    fn takes(&mut self, bytes: usize) -> bool {
        let fits = bytes < self.left;
        self.left = if fits { self.left - bytes - 1 } else { 0 };
        fits
    }

    /// Writes parts that are there where a condition holds.
    fn write(&mut self, parts: &[Part], when: Option<&str>, out: &mut Vec<Seg>) {
        for part in parts {
            if !self.takes(part.bytes()) {
                return self.stop();
            }
            match (part, when) {
                (Part::Text(text), None) => push(out, text),
                (Part::Text(text), Some(when)) => {
                    out.extend(
                        cut(text).into_iter().map(|text| Seg::Expr(format!("{when} ? {} : ''", words(text)))),
                    );
                }
                (Part::Bad(raw), _) => self.raw(raw, out),
                (part, when) => self.block(part, when, out),
            }
        }
    }

    /// A value or a block as one expression; one that is too long for that in the pieces of which it is made.
    fn block(&mut self, part: &Part, when: Option<&str>, out: &mut Vec<Seg>) {
        match part {
            Part::If { path, then, otherwise } => {
                if let Some(holds) = self.known(path) {
                    return self.write(if holds { then } else { otherwise }, when, out);
                }
            }
            Part::Each { path, body, otherwise } => {
                if let Value::List(all) = self.read(path, true) {
                    if all.is_empty() {
                        return self.write(otherwise, when, out);
                    }
                    for item in all {
                        self.items.push(Value::Text(item));
                        self.write(body, when, out);
                        self.items.pop();
                    }
                    return;
                }
            }
            Part::Value { path, json } => match (self.read(path, false), when) {
                (Value::Expr(text, _), None) if !json => return out.push(Seg::Expr(text)),
                (known @ (Value::Text(_) | Value::List(_)), None) => return push(out, &told(&known, *json)),
                _ => {}
            },
            Part::Text(_) | Part::Bad(_) => {}
        }
        let (known, left) = (self.bad.len(), self.left);
        let whole = match when {
            Some(when) => format!("{when} ? {} : ''", self.expression(std::slice::from_ref(part))),
            None => self.expression(std::slice::from_ref(part)),
        };
        if whole.len() <= limits::EXPR_BYTES && judged(&whole, false).is_ok() {
            return out.push(Seg::Expr(whole));
        }
        self.bad.truncate(known);
        self.left = left;
        match part {
            Part::If { path, then, otherwise } => {
                let holds = truth(&self.read(path, false));
                let both = |own: String| match when {
                    Some(when) => format!("{when} && {own}"),
                    None => own,
                };
                self.write(then, Some(&both(holds.clone())), out);
                self.write(otherwise, Some(&both(format!("!({holds})"))), out);
            }
            part => self.raw(&part.source(), out),
        }
    }

    /// What cannot be said stands there as it is.
    fn raw(&mut self, raw: &str, out: &mut Vec<Seg>) {
        self.bad.push(raw.to_owned());
        push(out, raw);
    }

    /// Says once that the rest is left out.
    fn stop(&mut self) {
        let why = "what is left of the template, which grows without end";
        if self.bad.last().is_none_or(|last| last != why) {
            self.bad.push(why.to_owned());
        }
    }

    /// Parts as one expression that gives a text.
    fn expression(&mut self, parts: &[Part]) -> String {
        let mut all: Vec<String> = Vec::new();
        for part in parts {
            if !self.takes(part.bytes()) {
                self.stop();
                break;
            }
            match part {
                Part::Text(text) => all.push(words(text)),
                Part::Bad(raw) => {
                    self.bad.push(raw.clone());
                    all.push(words(raw));
                }
                Part::Value { path, json } => all.push(match self.read(path, false) {
                    Value::Expr(text, _) if !json => format!("text({text})"),
                    // A text is quoted in JSON, as it is within a list.
                    Value::Expr(text, _) => format!("text([{text}]).substring(1, size(text([{text}])) - 1)"),
                    known => words(&told(&known, *json)),
                }),
                Part::If { path, then, otherwise } => match self.known(path) {
                    Some(holds) => all.push(self.expression(if holds { then } else { otherwise })),
                    None => {
                        let holds = truth(&self.read(path, false));
                        let (then, otherwise) = (self.expression(then), self.expression(otherwise));
                        all.push(format!("({holds} ? {then} : {otherwise})"));
                    }
                },
                Part::Each { path, body, otherwise } => match self.read(path, true) {
                    Value::List(items) if items.is_empty() => all.push(self.expression(otherwise)),
                    Value::List(items) => {
                        for item in items {
                            self.items.push(Value::Text(item));
                            let body = self.expression(body);
                            all.push(body);
                            self.items.pop();
                        }
                    }
                    Value::Text(_) => all.push(self.expression(otherwise)),
                    Value::Expr(list, _) => {
                        let name = format!("each{}", self.items.len() + 1);
                        self.items.push(Value::Expr(name.clone(), None));
                        let body = self.expression(body);
                        self.items.pop();
                        let mapped = format!("{list}.map({name}, {body}).join('')");
                        all.push(match otherwise.is_empty() {
                            true => mapped,
                            false => {
                                let otherwise = self.expression(otherwise);
                                format!("(size({list}) > 0 ? {mapped} : {otherwise})")
                            }
                        });
                    }
                },
            }
        }
        match all.len() {
            0 => "''".to_owned(),
            _ => all.join(" + "),
        }
    }

    /// Whether a condition holds, where that is known now.
    fn known(&mut self, path: &Path) -> Option<bool> {
        match self.read(path, false) {
            Value::Expr(..) => None,
            Value::List(items) => Some(!items.is_empty()),
            Value::Text(text) => Some(!text.is_empty()),
        }
    }

    fn read(&mut self, path: &Path, list: bool) -> Value {
        let depth = self.items.len().checked_sub(path.up);
        let (base, names) = match (depth, path.this) {
            // The element of the block; in none there is only the whole of the values.
            (Some(depth), _) if depth > 0 => (self.items.get(depth - 1).cloned(), path.names.as_slice()),
            (_, true) if path.names.is_empty() => (Some(Value::Text(String::new())), path.names.as_slice()),
            _ => (None, path.names.as_slice()),
        };
        let (base, rest) = match (base, names) {
            (Some(base), names) => (base, names),
            (None, [name, rest @ ..]) => ((self.value)(name), rest),
            (None, []) => (Value::Text(String::new()), names),
        };
        match (base, rest) {
            (Value::Expr(text, kind), []) if list => match kind.as_deref() {
                None | Some("array") => Value::Expr(text, kind),
                // The values of an object are gone through; of anything else there is nothing to go through.
                Some("object") => Value::Expr(format!("{text}.map(entry, {text}[entry])"), None),
                Some(_) => Value::List(Vec::new()),
            },
            (base, []) => base,
            (Value::Expr(text, Some(kind)), [only]) if only == "length" && kind != "object" => {
                match kind.as_str() {
                    "array" | "string" => Value::Expr(format!("size({text})"), Some("integer".to_owned())),
                    _ => Value::Text(String::new()),
                }
            }
            (Value::Expr(text, None), rest) => within(text, rest, list),
            (Value::Expr(text, Some(kind)), rest) if kind == "object" => within(text, rest, list),
            // In a text, a number or a list there is nothing of a name.
            _ => Value::Text(String::new()),
        }
    }
}

/// What stands in a value under names. What is not there is empty, as in the tool.
fn within(mut text: String, names: &[String], list: bool) -> Value {
    for name in names {
        match member(name).strip_prefix('.') {
            Some(name) => text.extend([".?", name]),
            None => text.extend(["[?", &quoted(name), "]"]),
        }
    }
    Value::Expr(format!("{text}.orValue({})", if list { "[]" } else { "''" }), None)
}

/// A part of a prompt.
enum Seg {
    Text(String),
    Expr(String),
}

fn push(out: &mut Vec<Seg>, text: &str) {
    match out.last_mut() {
        Some(Seg::Text(last)) => last.push_str(text),
        _ => out.push(Seg::Text(text.to_owned())),
    }
}

/// The segments as one text.
fn joined(all: &[Seg]) -> String {
    let mut out = String::new();
    for (at, seg) in all.iter().enumerate() {
        match seg {
            // A `$` before an expression would make it a text.
            Seg::Text(text) if matches!(all.get(at + 1), Some(Seg::Expr(_))) => {
                out.push_str(&literal(text.trim_end_matches('$')));
            }
            Seg::Text(text) => out.push_str(&literal(text)),
            Seg::Expr(expression) => {
                let before = match at.checked_sub(1).and_then(|at| all.get(at)) {
                    Some(Seg::Text(text)) => text.len() - text.trim_end_matches('$').len(),
                    _ => 0,
                };
                match before {
                    0 => out.push_str(&marked(expression)),
                    count => out.push_str(&marked(&format!("'{}' + text({expression})", "$".repeat(count)))),
                }
            }
        }
    }
    out
}

/// A value that is known now.
fn told(value: &Value, json: bool) -> String {
    match (value, json) {
        (Value::Text(text), false) => text.clone(),
        (Value::Text(text), true) => serde_json::json!(text).to_string(),
        (Value::List(items), false) => items.join(","),
        (Value::List(items), true) => serde_json::json!(items).to_string(),
        (Value::Expr(..), _) => String::new(),
    }
}

/// Whether a value is there and not empty, as the tool sees it.
fn truth(value: &Value) -> String {
    match value {
        Value::Expr(text, kind) => match kind.as_deref() {
            Some("string") => format!("{text} != ''"),
            Some("array") => format!("size({text}) > 0"),
            Some("boolean") => text.clone(),
            Some("number" | "integer") => format!("{text} != 0"),
            Some("object") => format!("size({text}) > 0"),
            _ => format!("![null, false, 0, '', []].exists(empty, empty == {text})"),
        },
        Value::List(items) => (!items.is_empty()).to_string(),
        Value::Text(text) => (!text.is_empty()).to_string(),
    }
}

/// A text as an expression; the marks of one in it are cut in two.
fn words(text: &str) -> String {
    quoted(text).replace("${{", "$' + '{{")
}

/// A text in pieces that fit into an expression.
fn cut(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while rest.len() > PIECE {
        let mut at = PIECE;
        while !rest.is_char_boundary(at) {
            at -= 1;
        }
        let (piece, behind) = rest.split_at(at);
        out.push(piece);
        rest = behind;
    }
    out.push(rest);
    out
}
