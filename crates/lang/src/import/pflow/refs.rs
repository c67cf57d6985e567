//! What a reference of the tool is here: which step, input or item it reads, and under which key.

use super::model::{Flow, Kind, Node};
use super::template::{Operand, Piece, Ref, Seg, pieces};
use crate::import::naming::snake;
use crate::import::out::{Out, literal, marked, member, quoted};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;
use crate::tree::{Node as TreeNode, Plain, Shape};

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
    strict: String,
    /// An optional value, for what may be missing.
    optional: String,
    pub(super) ty: Ty,
    sure: bool,
}

impl Read {
    fn of(expression: impl Into<String>, ty: Ty) -> Self {
        let strict = expression.into();
        Self { optional: format!("optional.of({strict})"), strict, ty, sure: true }
    }

    fn nothing() -> Self {
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

    fn field(self, key: &str) -> Self {
        let strict = member(key);
        let optional = match strict.strip_prefix('.') {
            Some(word) => format!(".?{word}"),
            None => format!("[?{}]", quoted(key)),
        };
        self.further(&strict, &optional)
    }

    fn at(self, index: &str) -> Self {
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

/// Where the value of a key of a node is.
enum Source {
    /// Here, from the step on.
    Of(&'static [&'static str], Ty),
    /// In the output, under its own key.
    Key(String),
    Value(&'static str, &'static str),
    Error,
    Lost(&'static str),
}

const OUTPUT: &[&str] = &["output"];
const LOG: &str = "what is printed there is in the log of the step";

fn source(node: &Node<'_, '_>, key: &str) -> Source {
    use Source::{Error, Key, Lost, Of, Value};
    use Ty::{Any, Text};
    match (node.kind, key) {
        (Kind::Shell, "stdout") => Of(OUTPUT, Text),
        (Kind::Shell, "exit_code") => Of(&["exit_code"], Any),
        (Kind::Shell, "stdout_is_binary" | "stderr_is_binary")
        | (Kind::Http, "response_is_binary")
        | (Kind::Read, "content_is_binary") => {
            Value("false", "bytes are kept as files by hash; a text never has them")
        }
        (Kind::Shell | Kind::Code, "stderr") => Lost(LOG),
        (Kind::Code, "result") => Of(&["output", "result"], Any),
        (Kind::Code, "stdout") => Of(&["output", "stdout"], Text),
        (Kind::Http, "response") => Of(&["output", "body"], Any),
        (Kind::Http, "status_code") => Of(&["output", "status"], Any),
        (Kind::Http, "response_headers") => Of(&["output", "headers"], Any),
        (Kind::Http, "response_time") => Lost("how long it took is in the history of the run"),
        (Kind::Llm, "response") | (Kind::Agent, "result") => {
            Of(OUTPUT, if node.has("output_schema") { Any } else { Text })
        }
        (Kind::Llm | Kind::Agent, "llm_usage") => Of(&["values"], Any),
        (Kind::Agent, "_schema_error" | "_agent_error") => {
            Lost("an answer that misses its schema fails the step, and `error` says why")
        }
        (Kind::Read, "content") => Of(OUTPUT, Text),
        (Kind::Write, "written") if node.appends() => Lost("the step was told the path"),
        (Kind::Write, "written") | (Kind::Copy, "copied") | (Kind::Move, "moved") => {
            Of(&["output", "path"], Text)
        }
        (Kind::Move, "warning") => Lost("a file is moved whole, or the step fails"),
        (Kind::Delete, "deleted") | (Kind::Read, "file_path") => Lost("the step was told the path"),
        (Kind::Mcp, "result") => Of(OUTPUT, Any),
        (Kind::Workflow, key) if key != "error" => match &node.child {
            Some(child) if !child.outputs.contains(&snake(key, "value")) => {
                Lost("the workflow has no output of that name")
            }
            _ => Key(snake(key, "value")),
        },
        (_, "error") => Error,
        (Kind::Mcp | Kind::Other, key) => Key(key.to_owned()),
        _ => Lost("steps of this type have no output of that name"),
    }
}

/// The keys that an item's result shows.
fn shown(node: &Node<'_, '_>) -> Vec<String> {
    let keys: &[&str] = match node.kind {
        Kind::Shell => &["stdout", "exit_code"],
        Kind::Code => &["result"],
        Kind::Http => &["response", "status_code"],
        Kind::Llm => &["response"],
        Kind::Agent | Kind::Mcp => &["result"],
        Kind::Read => &["content"],
        Kind::Write => &["written"],
        Kind::Copy => &["copied"],
        Kind::Move => &["moved"],
        Kind::Workflow => return node.child.as_ref().map(|child| child.outputs.clone()).unwrap_or_default(),
        Kind::Delete | Kind::Other => &[],
    };
    keys.iter().map(|key| (*key).to_owned()).collect()
}

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
        let found = super::template::bare(text.strip_prefix('$')?)?;
        let known = self.index_of(&found.root).is_some() || self.input(&found.root).is_some();
        if !known {
            return None;
        }
        at.say(Changed, format!("`{text}` is the old way to write `${{{found}}}`, and is taken for that"));
        Some(self.reference(at, &found, place).expression(place.lenient))
    }

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
    fn place_of(&self, at: At<'_, '_>, inner: &Ref, place: Place<'_>) -> String {
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
    fn path(&self, at: At<'_, '_>, read: Read, path: &[Seg], place: Place<'_>) -> Read {
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
    fn keyed(
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

    /// What a node with items gives: `results`, and how many there are.
    fn items(
        &self,
        at: At<'_, '_>,
        node: &Node<'_, '_>,
        goes_on: bool,
        root: &str,
        path: &[Seg],
        place: Place<'_>,
    ) -> Read {
        let all = format!("{root}.instances");
        let done = match goes_on {
            true => format!("{all}.filter(one, one.status == 'completed')"),
            false => all.clone(),
        };
        let failed = format!("{all}.filter(one, one.status == 'failed')");
        let (key, rest) = match path {
            [Seg::Field(key), rest @ ..] => (key.as_str(), rest),
            _ => ("", path),
        };
        let found = Ref { root: node.name.clone(), path: path.to_vec() };
        match (key, rest) {
            ("results", []) => {
                let mut map = vec!["'item': one.item".to_owned()];
                for key in shown(node) {
                    let read = self.keyed(at, node, &key, "one", "one", &found);
                    map.push(format!("{}: {}", quoted(&key), read.strict));
                }
                Read::of(format!("{done}.map(one, {{ {} }})", map.join(", ")), Ty::Any)
            }
            ("results", [index, rest @ ..]) => {
                let index = match index {
                    Seg::Index(index) => index.to_string(),
                    Seg::Of(inner) => self.place_of(at, inner, place),
                    Seg::Field(_) => {
                        at.say(NotExpressible, format!("`${{{found}}}`: `results` is a list; null is taken"));
                        return Read::nothing();
                    }
                };
                let one = format!("{done}[{index}]");
                match rest {
                    [Seg::Field(key), rest @ ..] if key == "item" => {
                        self.path(at, Read::of(format!("{one}.item"), Ty::Any), rest, place)
                    }
                    [Seg::Field(key), rest @ ..] => {
                        let read = match source(node, key) {
                            // The same, without a way round.
                            Source::Of(["output", inner @ ..], ty) if !goes_on => {
                                let read = begun(root, "output", Ty::Any).at(&index);
                                let read = inner.iter().fold(read, |read, key| read.field(key));
                                Read { ty, ..read }
                            }
                            _ => self.keyed(at, node, key, &one, &one, &found),
                        };
                        self.path(at, read, rest, place)
                    }
                    _ => {
                        at.say(Changed, format!("`${{{found}}}` is all of an item: its output is taken"));
                        begun(&one, "output", Ty::Any)
                    }
                }
            }
            ("count", []) => Read::of(format!("size({all})"), Ty::Any),
            ("success_count", []) => {
                Read::of(format!("size({all}.filter(one, one.status == 'completed'))"), Ty::Any)
            }
            ("error_count", []) => Read::of(format!("size({failed})"), Ty::Any),
            ("errors", rest) => {
                let map =
                    "{ 'index': one.index, 'item': one.item, 'error': one.?error.?message.orValue('') }";
                self.path(at, Read::of(format!("{failed}.map(one, {map})"), Ty::Any), rest, place)
            }
            _ => {
                let why =
                    "a node with items gives `results`, `count`, `success_count`, `error_count` and `errors`";
                at.say(NotExpressible, format!("`${{{found}}}`: {why}; null is taken"));
                Read::nothing()
            }
        }
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
                Out::Map(crate::import::out::Map(entries.collect()))
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

/// A key of a step, which it may not have.
fn begun(root: &str, key: &str, ty: Ty) -> Read {
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
