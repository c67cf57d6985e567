//! The tool's `${…}`: texts in pieces, and what a piece refers to. Which reference means what is not settled here.

use crate::import::out::quoted;
use crate::limits;

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// Text, with escapes taken away.
    Text(String),
    /// What is read, in the order in which it is looked for: `${a ?? b}`.
    Read(Vec<Operand>),
    /// `${` that begins nothing which is understood, with all up to its `}`.
    Bad(String),
}

/// What one part of `${a ?? "b"}` is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    /// A value, as expressions write it.
    Value(String),
    Ref(Ref),
}

/// A name with what is read in it: `fetch.response.items[0].id`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ref {
    pub(super) root: String,
    pub(super) path: Vec<Seg>,
}

/// A part of a path.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seg {
    Field(String),
    Index(u64),
    /// The index is read from elsewhere: `results[${__index__}]`.
    Of(Ref),
}

impl std::fmt::Display for Ref {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.root)?;
        self.path.iter().try_for_each(|seg| match seg {
            Seg::Field(key) => write!(f, ".{key}"),
            Seg::Index(at) => write!(f, "[{at}]"),
            Seg::Of(inner) => write!(f, "[${{{inner}}}]"),
        })
    }
}

/// The pieces of a text.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let before = rest.get(..at).unwrap_or_default();
        let body = rest.get(at + 2..).unwrap_or_default();
        if let Some(before) = before.strip_suffix('$') {
            // `$${…}` is the text `${…}`.
            plain.push_str(before);
            let end = escaped_end(body);
            plain.push_str("${");
            plain.push_str(body.get(..end).unwrap_or_default());
            rest = body.get(end..).unwrap_or_default();
            continue;
        }
        plain.push_str(before);
        if !plain.is_empty() {
            out.push(Piece::Text(std::mem::take(&mut plain)));
        }
        let (piece, length) = match read(body) {
            Some((operands, length)) => (Piece::Read(operands), length),
            None => {
                let end = body.find('}').map_or(body.len(), |end| end + 1);
                (Piece::Bad(format!("${{{}", body.get(..end).unwrap_or_default())), end)
            }
        };
        out.push(piece);
        rest = body.get(length..).unwrap_or_default();
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        out.push(Piece::Text(plain));
    }
    out
}

/// Where the text behind `$${` ends: behind its `}`, if it has one.
fn escaped_end(body: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    0
}

/// What stands behind `${`, up to and with its `}`.
fn read(body: &str) -> Option<(Vec<Operand>, usize)> {
    let mut reader = Reader { text: body, at: 0, depth: 0 };
    let mut operands = vec![reader.operand()?];
    loop {
        reader.blank();
        if reader.eat("}") {
            return Some((operands, reader.at));
        }
        if !reader.eat("??") {
            return None;
        }
        reader.blank();
        operands.push(reader.operand()?);
    }
}

/// A reference without marks, as the oldest definitions have it: `$issue.id`.
pub(super) fn bare(text: &str) -> Option<Ref> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let found = reader.reference()?;
    (reader.at == text.len()).then_some(found)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// How many indices are open around this.
    depth: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, what: &str) -> bool {
        let found = self.rest().starts_with(what);
        if found {
            self.at += what.len();
        }
        found
    }

    fn blank(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn while_(&mut self, fits: impl Fn(u8) -> bool) -> String {
        let length = self.rest().bytes().take_while(|b| fits(*b)).count();
        let found = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        found
    }

    fn operand(&mut self) -> Option<Operand> {
        let first = self.rest().bytes().next()?;
        if first == b'"' || first == b'-' || first.is_ascii_digit() || matches!(first, b'[' | b'{') {
            return self.value();
        }
        let reference = self.reference()?;
        let word = matches!(reference.root.as_str(), "true" | "false" | "null") && reference.path.is_empty();
        Some(if word { Operand::Value(reference.root) } else { Operand::Ref(reference) })
    }

    /// A value of JSON: a text, a number, `[]` or `{}`.
    fn value(&mut self) -> Option<Operand> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<serde_json::Value>();
        let value = values.next()?.ok()?;
        let length = values.byte_offset();
        let written = match &value {
            serde_json::Value::String(text) => quoted(text),
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Array(items) if items.is_empty() => "[]".to_owned(),
            serde_json::Value::Object(map) if map.is_empty() => "{}".to_owned(),
            _ => return None,
        };
        self.at += length;
        Some(Operand::Value(written))
    }

    fn reference(&mut self) -> Option<Ref> {
        let root = self.name()?;
        let mut path = Vec::new();
        loop {
            if self.eat("[") {
                if self.depth < limits::IMPORT_PATH && self.eat("${") {
                    self.depth += 1;
                    path.push(Seg::Of(self.reference()?));
                    self.depth -= 1;
                    if !self.eat("}") {
                        return None;
                    }
                } else {
                    path.push(Seg::Index(self.while_(|b| b.is_ascii_digit()).parse().ok()?));
                }
                if !self.eat("]") {
                    return None;
                }
            } else if self.rest().starts_with('.') {
                self.at += 1;
                path.push(Seg::Field(self.name()?));
            } else {
                return Some(Ref { root, path });
            }
            if path.len() > limits::IMPORT_PATH {
                return None;
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        let first = self.rest().bytes().next()?;
        if !first.is_ascii_alphabetic() && first != b'_' {
            return None;
        }
        Some(self.while_(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'))
    }
}

/// Calls a function with each reference of a text, those in indices too.
pub(super) fn each_ref(text: &str, tell: &mut dyn FnMut(&Ref)) {
    fn inner(reference: &Ref, tell: &mut dyn FnMut(&Ref)) {
        tell(reference);
        for seg in &reference.path {
            if let Seg::Of(of) = seg {
                inner(of, tell);
            }
        }
    }
    for piece in pieces(text) {
        let Piece::Read(operands) = piece else { continue };
        for operand in &operands {
            if let Operand::Ref(reference) = operand {
                inner(reference, tell);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let shown = |operand: &Operand| match operand {
            Operand::Value(value) => value.clone(),
            Operand::Ref(reference) => reference.to_string(),
        };
        pieces(text)
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => format!("text {text}"),
                Piece::Bad(text) => format!("bad {text}"),
                Piece::Read(all) => format!("read {}", all.iter().map(shown).collect::<Vec<_>>().join(" | ")),
            })
            .collect()
    }

    #[test]
    fn pieces_tell_references_texts_and_what_is_neither() {
        assert_eq!(told("a ${x-y.b[0].c} z"), ["text a ", "read x-y.b[0].c", "text  z"]);
        assert_eq!(told("${a.b ?? c??\"q\\n\" ?? null}"), ["read a.b | c | 'q\\n' | null"]);
        assert_eq!(
            told("${r.results[${__index__}].x ?? [] ?? {} ?? -1.5}"),
            ["read r.results[${__index__}].x | [] | {} | -1.5"]
        );
        assert_eq!(told("$${a} and $${{b}} or $${"), ["text ${a} and ${{b}} or ${"]);
        assert_eq!(
            told("${HOME:-x} ${ a} ${"),
            ["bad ${HOME:-x}", "text  ", "bad ${ a}", "text  ", "bad ${"]
        );
        assert_eq!(told("${a[x]}${[1]}${é}"), ["bad ${a[x]}", "bad ${[1]}", "bad ${é}"]);
        assert_eq!(told("trueish ${true}"), ["text trueish ", "read true"]);
        assert_eq!(bare("issue.id").map(|found| found.to_string()).as_deref(), Some("issue.id"));
        assert!(bare("5").is_none() && bare("a b").is_none());
    }
}
