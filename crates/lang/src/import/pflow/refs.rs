//! What a reference of the tool is here: which step, input or item it reads, and under which key.

use super::model::{Flow, Kind, Node};
use super::outputs::{Source, source};
use super::template::{Operand, Ref, Seg};
use crate::import::out::{member, quoted};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;

/// Where a text stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    /// The node that reads; one past the last for the outputs.
    pub(super) reader: usize,
    /// Whether the item is in reach.
    pub(super) inside: bool,
    /// What the node's own output is read from: `steps` in a condition of its rounds, `previous` in what it hands on.
    pub(super) own: Option<&'static str>,
    /// Names of this place only, with their expressions.
    pub(super) names: &'p [(String, String)],
    /// Whether what is missing gives null.
    pub(super) lenient: bool,
}

impl Place<'_> {
    pub(super) fn of(reader: usize) -> Self {
        Self { reader, inside: true, own: None, names: &[], lenient: false }
    }
}

/// What can be known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ty {
    /// A text, which may be JSON: what is read in it is read in its value.
    Text,
    Any,
}

/// A value, as expressions read it.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) strict: String,
    /// An optional value, for what may be missing.
    pub(super) optional: String,
    pub(super) ty: Ty,
    pub(super) sure: bool,
}

impl Read {
    pub(super) fn of(expression: impl Into<String>, ty: Ty) -> Self {
        let strict = expression.into();
        Self { optional: format!("optional.of({strict})"), strict, ty, sure: true }
    }

    pub(super) fn nothing() -> Self {
        Self { strict: "null".to_owned(), optional: "optional.none()".to_owned(), ty: Ty::Any, sure: true }
    }

    /// Further in: as it is behind a value, and behind an optional one.
    fn further(mut self, strict: &str, optional: &str) -> Self {
        if self.ty == Ty::Text {
            self.strict = format!("json({})", self.strict);
            self.optional = format!("{}.optMap(parsed, json(parsed))", self.optional);
            self.ty = Ty::Any;
        }
        self.optional = match self.optional.strip_prefix("optional.of(").and_then(|o| o.strip_suffix(')')) {
            Some(value) if value == self.strict => format!("{value}{optional}"),
            _ => format!("{}{optional}", self.optional),
        };
        self.strict.push_str(strict);
        self
    }

    pub(super) fn field(self, key: &str) -> Self {
        let strict = member(key);
        let optional = match strict.strip_prefix('.') {
            Some(word) => format!(".?{word}"),
            None => format!("[?{}]", quoted(key)),
        };
        self.further(&strict, &optional)
    }

    pub(super) fn at(self, index: &str) -> Self {
        self.further(&format!("[{index}]"), &format!("[?{index}]"))
    }

    /// The expression; what is missing is an error, or null.
    pub(super) fn expression(&self, lenient: bool) -> String {
        match (self.sure, lenient) {
            (true, _) => self.strict.clone(),
            (false, true) => format!("{}.orValue(null)", self.optional),
            (false, false) => format!("{}.value()", self.optional),
        }
    }
}

impl Flow<'_, '_> {
    /// The expression of `${a ?? b}`, and what is known of it.
    pub(super) fn read(&self, at: At<'_, '_>, operands: &[Operand], place: Place<'_>) -> (String, Ty) {
        if let [Operand::Ref(reference)] = operands {
            let read = self.reference(at, reference, place);
            return (read.expression(place.lenient), read.ty);
        }
        let mut out = String::new();
        for operand in operands {
            match operand {
                Operand::Value(value) if out.is_empty() => return (value.clone(), Ty::Any),
                Operand::Value(value) => return (format!("{out}.orValue({value})"), Ty::Any),
                Operand::Ref(reference) => {
                    let optional = self.reference(at, reference, place).optional;
                    match out.is_empty() {
                        true => out = optional,
                        false => out = format!("{out}.or({optional})"),
                    }
                }
            }
        }
        let end = if place.lenient { "orValue(null)" } else { "value()" };
        (format!("{out}.{end}"), Ty::Any)
    }

    /// What one reference reads.
    pub(super) fn reference(&self, at: At<'_, '_>, found: &Ref, place: Place<'_>) -> Read {
        let Ref { root, path } = found;
        if let Some((_, expression)) = place.names.iter().find(|(name, _)| name == root) {
            return self.path(at, Read::of(expression, Ty::Any), path, place);
        }
        let batch =
            self.nodes.get(place.reader).and_then(|node| node.batch.as_ref()).filter(|_| place.inside);
        match batch {
            Some(batch) if batch.name == *root && batch.lacks(path) => {
                at.say(NotExpressible, format!("`${{{found}}}`: no item has it: null is taken"));
                return Read::nothing();
            }
            Some(batch) if batch.name == *root => {
                return self.path(at, Read::of(&batch.id, Ty::Any), path, place);
            }
            Some(_) if root == "__index__" => return Read::of("index", Ty::Any),
            _ => {}
        }
        if let Some(node) = self.index_of(root) {
            return self.step(at, node, found, place);
        }
        if let Some(input) = self.input(root) {
            let expression = format!("inputs.{}", input.id);
            let ty = if input.kind == "string" { Ty::Text } else { Ty::Any };
            let mut read = Read::of(&expression, ty);
            if input.empty {
                read.optional = format!("optional.ofNonZeroValue({expression})");
            }
            return self.path(at, read, path, place);
        }
        if let Some((node, key)) = self.aliases.get(root) {
            let mut whole = vec![Seg::Field(key.clone())];
            whole.extend(path.iter().cloned());
            let found = Ref { root: self.nodes[*node].name.clone(), path: whole };
            return self.step(at, *node, &found, place);
        }
        let why = format!("`${{{found}}}` is no node, no input and no item in reach: null is taken");
        let known =
            self.nodes.iter().map(|n| n.name.as_str()).chain(self.inputs.iter().map(|i| i.name.as_str()));
        let near = crate::expr::nearest(root, known).map(|near| format!("did you mean `{near}`?"));
        at.say_with(NotExpressible, why, near.as_deref());
        Read::nothing()
    }

    /// The index that is read from elsewhere.
    pub(super) fn place_of(&self, at: At<'_, '_>, inner: &Ref, place: Place<'_>) -> String {
        let index = self.reference(at, inner, place).expression(place.lenient);
        match self.sure_kind(&index) {
            None | Some("integer" | "number") => index,
            Some(kind) => {
                at.say(
                    NotExpressible,
                    format!("`${{{inner}}}` is a `{kind}`, and no index: the first one is taken"),
                );
                "0".to_owned()
            }
        }
    }

    /// The parts of a path behind a value.
    pub(super) fn path(&self, at: At<'_, '_>, read: Read, path: &[Seg], place: Place<'_>) -> Read {
        let never = match (path.first(), self.sure_kind(&read.strict)) {
            (None, _) | (_, None | Some("string")) => false,
            (Some(Seg::Field(_)), Some("object")) | (Some(Seg::Index(_) | Seg::Of(_)), Some("array")) => {
                false
            }
            (Some(_), Some(kind)) => {
                if kind != "null" {
                    at.say(
                        NotExpressible,
                        format!("there is nothing in a value of the type `{kind}`: null is taken"),
                    );
                }
                true
            }
        };
        if never {
            return Read::nothing();
        }
        path.iter().fold(read, |read, seg| match seg {
            Seg::Field(key) => read.field(key),
            Seg::Index(index) => read.at(&index.to_string()),
            Seg::Of(inner) => read.at(&self.place_of(at, inner, place)),
        })
    }

    fn step(&self, at: At<'_, '_>, index: usize, found: &Ref, place: Place<'_>) -> Read {
        let node = &self.nodes[index];
        if node.lacks().is_some() {
            at.say(
                NotExpressible,
                format!("`${{{found}}}`: that step fails, as it is, and gives nothing: null is taken"),
            );
            return Read::nothing();
        }
        let own = place.own.filter(|_| place.reader == index);
        if own.is_none() && !self.graph.readable(index, place.reader) {
            let why = match place.reader == index {
                true => format!(
                    "`${{{found}}}` reads what the node itself gave before, which a step cannot: null is taken"
                ),
                false => format!("`${{{found}}}` reads what has not run by then: null is taken"),
            };
            let help =
                "hand the value on in a step of its own, by `set`, or put the steps into a group with `loop`";
            at.say_with(NotExpressible, why, Some(help).filter(|_| place.reader == index));
            return Read::nothing();
        }
        let sure = own.is_some() || self.graph.sure(index, place.reader);
        let root = format!("{}.{}", own.unwrap_or("steps"), node.id);
        let read = match (&node.batch, found.path.as_slice()) {
            (_, []) => {
                at.say(Changed, format!("`${{{found}}}` is all of a node: the output of the step is taken"));
                begun(&root, "output", Ty::Any)
            }
            (Some(batch), path) => self.items(at, node, batch.goes_on, &root, path, place),
            (None, [Seg::Field(key), rest @ ..]) => {
                // What belongs to one attempt is that of the last round.
                let last = format!("{root}.instances[size({root}.instances) - 1]");
                let one = if node.looped && own.is_none() { last } else { root.clone() };
                if node.looped && matches!(key.as_str(), "loop_stopped" | "stopped") {
                    let why = "it is `exhausted` in the outcome of the step where the rounds ran out";
                    at.say(Changed, format!("`${{{found}}}`: {why}"));
                    let outcome = format!("{root}.outcome == 'exhausted' ? 'max_iterations' : 'condition'");
                    return Read { sure: true, ..Read::of(format!("({outcome})"), Ty::Any) };
                }
                let read = self.keyed(at, node, key, &root, &one, found);
                let usage = key == "llm_usage" && matches!(node.kind, Kind::Llm | Kind::Agent);
                let rest = if usage { counted(at, rest) } else { rest.to_vec() };
                self.path(at, read, &rest, place)
            }
            (None, _) => {
                at.say(NotExpressible, format!("`${{{found}}}` is no output of a node: null is taken"));
                Read::nothing()
            }
        };
        let known = read.strict == "null";
        Read { sure: known || sure && read.sure, ..read }
    }

    /// A key of a node; `one` is where what belongs to an attempt is found.
    pub(super) fn keyed(
        &self,
        at: At<'_, '_>,
        node: &Node<'_, '_>,
        key: &str,
        root: &str,
        one: &str,
        found: &Ref,
    ) -> Read {
        match source(node, key) {
            Source::Of(["output", rest @ ..], ty) => {
                let read = begun(root, "output", if rest.is_empty() { ty } else { Ty::Any });
                let read = rest.iter().fold(read, |read, key| read.field(key));
                Read { ty, ..read }
            }
            Source::Of(path, ty) => {
                let Some((first, rest)) = path.split_first() else { return Read::nothing() };
                let read = rest.iter().fold(begun(one, first, Ty::Any), |read, key| read.field(key));
                Read { ty, ..read }
            }
            Source::Key(key) => begun(root, "output", Ty::Any).field(&key),
            Source::Value(value, why) => {
                at.say(Changed, format!("`${{{found}}}` is always `{value}`: {why}"));
                Read::of(value, Ty::Any)
            }
            Source::Error => Read { sure: false, ..begun(root, "error", Ty::Any).field("message") },
            Source::Lost(why) => {
                at.say(NotExpressible, format!("`${{{found}}}`: {why}; null is taken"));
                Read::nothing()
            }
        }
    }
}

/// A key of a step, which it may not have.
pub(super) fn begun(root: &str, key: &str, ty: Ty) -> Read {
    Read { strict: format!("{root}.{key}"), optional: format!("{root}.?{key}"), ty, sure: true }
}

/// The counters of an agent's or model's answer.
fn counted(at: At<'_, '_>, rest: &[Seg]) -> Vec<Seg> {
    let Some((Seg::Field(key), inner)) = rest.split_first() else { return rest.to_vec() };
    let known = match key.as_str() {
        "model" => "model",
        "total_tokens" => "tokens",
        "cost_usd" | "total_cost_usd" => "usd",
        "session_id" => "session",
        _ => {
            at.say(
                Changed,
                format!("`llm_usage.{key}`: `values` has provider, model, session, usd and tokens"),
            );
            key
        }
    };
    let mut path = vec![Seg::Field(known.to_owned())];
    path.extend(inner.iter().cloned());
    path
}
