//! What an expression reads: the paths from its free names.
//!
//! Only a completed step has an output, so a reading of `steps.X.output` has to stand where `X` is known to
//! be completed. That knowledge flows as evaluation does: to the right of `&&` and `||`, into the branches
//! of a choice, behind the condition of a `map`.

use serde_json::Value;

use super::function::Fun;
use super::node::{Binary, Kind, Node};

/// A path that an expression reads, as far as it is written out: `steps.fetch.output.title`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The free name it starts from.
    pub root: String,
    /// What follows, outermost first.
    pub path: Vec<Segment>,
    /// Byte offset of the root in the source of the expression.
    pub offset: u32,
    /// Length in bytes up to the end of the path.
    pub len: u32,
    /// The path stands in `has()`: its last segment is asked for, not read.
    pub tested: bool,
    /// Position in `path` of the first segment taken by `.?` or `[?]`.
    pub optional_at: Option<usize>,
    /// A reading of `steps.X.output…` (or `previous.X.output…`) that cannot fail because `X` has none:
    /// it is optional up to there, it is `has(steps.X.output)` itself, or it stands where `X` is known to
    /// be completed. Always `false` for other paths.
    pub guarded: bool,
}

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// `.name` or `["name"]`
    Field(String),
    /// `[3]`
    Index(i64),
    /// `[…]` with anything that is computed.
    Dynamic,
}

impl Reference {
    /// The field at a position of the path, where it is one.
    pub fn field(&self, at: usize) -> Option<&str> {
        match self.path.get(at) {
            Some(Segment::Field(name)) => Some(name),
            _ => None,
        }
    }
}

/// Everything that an expression reads, in the order of the text.
pub(super) fn collect(root: &Node) -> Vec<Reference> {
    let mut walk = Walk { known: Vec::new(), found: Vec::new() };
    walk.visit(root);
    walk.found.sort_by_key(|reference| reference.offset);
    walk.found
}

/// The steps that are completed where an expression is true.
pub(super) fn guards(root: &Node) -> Vec<String> {
    let facts = facts(root, true).unwrap_or_default();
    let mut ids: Vec<String> =
        facts.into_iter().filter(|fact| fact.root == STEPS).map(|fact| fact.id.to_owned()).collect();
    ids.sort();
    ids.dedup();
    ids
}

const STEPS: &str = "steps";
const PREVIOUS: &str = "previous";
const OUTPUT: &str = "output";

/// The step of this id, of the map of this name, is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fact<'n> {
    root: &'n str,
    id: &'n str,
}

/// A path and where it stands.
struct Path<'n> {
    root: &'n str,
    segments: Vec<Segment>,
    optional_at: Option<usize>,
    start: u32,
    end: u32,
}

/// The path that a node spells, with the indices that are computed.
fn path<'n>(node: &'n Node, indices: &mut Vec<&'n Node>) -> Option<Path<'n>> {
    let (of, segment, optional) = match &node.kind {
        Kind::Root(name) => {
            let (start, end) = (node.start, node.end);
            return Some(Path { root: name, segments: Vec::new(), optional_at: None, start, end });
        }
        Kind::Field { of, name, optional } => (of, Segment::Field(name.to_string()), *optional),
        Kind::Index { of, index, optional } => {
            let segment = match &index.kind {
                Kind::Int(at) => Segment::Index(*at),
                _ => Segment::Dynamic,
            };
            if segment == Segment::Dynamic {
                indices.push(index);
            }
            (of, segment, *optional)
        }
        _ => return None,
    };
    let mut path = path(of, indices)?;
    if optional && path.optional_at.is_none() {
        path.optional_at = Some(path.segments.len());
    }
    path.segments.push(segment);
    path.end = node.end;
    Some(path)
}

/// The step that a node names in its first members: `steps.X.FIELD` gives `X`, where `FIELD` is as wanted.
fn step<'n>(node: &'n Node, wanted: Option<&str>) -> Option<Fact<'n>> {
    let mut chain = Vec::new();
    let mut node = node;
    let root: &str = loop {
        match &node.kind {
            Kind::Root(name) => break name,
            Kind::Field { of, name, .. } => {
                chain.push(name.as_ref());
                node = of;
            }
            Kind::Index { of, .. } => {
                chain.push("");
                node = of;
            }
            _ => return None,
        }
    };
    let mut chain = chain.into_iter().rev();
    let id = chain.next().filter(|id| !id.is_empty())?;
    let fits = match wanted {
        Some(field) => chain.next() == Some(field),
        None => chain.next().is_none(),
    };
    (fits && matches!(root, STEPS | PREVIOUS)).then_some(Fact { root, id })
}

struct Walk<'n> {
    known: Vec<Fact<'n>>,
    found: Vec<Reference>,
}

impl<'n> Walk<'n> {
    fn visit(&mut self, node: &'n Node) {
        match &node.kind {
            Kind::Root(_) | Kind::Field { .. } | Kind::Index { .. } => self.read(node),
            Kind::Has { of, name } => {
                let mut indices = Vec::new();
                match path(of, &mut indices) {
                    Some(mut path) => {
                        path.segments.push(Segment::Field(name.to_string()));
                        // Up to the bracket's end: the name itself has no node.
                        path.end = node.end.saturating_sub(1).max(path.end);
                        self.record(path, true);
                    }
                    None => self.visit(of),
                }
                indices.into_iter().for_each(|index| self.visit(index));
            }
            Kind::And(left, right) => {
                self.visit(left);
                self.under(facts(left, true), right);
            }
            Kind::Or(left, right) => {
                self.visit(left);
                self.under(facts(left, false), right);
            }
            Kind::Choice { condition, yes, no } => {
                self.visit(condition);
                self.under(facts(condition, true), yes);
                self.under(facts(condition, false), no);
            }
            Kind::Each { over, only: Some(only), body, .. } => {
                self.visit(over);
                self.visit(only);
                self.under(facts(only, true), body);
            }
            _ => node.children(|child| self.visit(child)),
        }
    }

    /// Visits a node that is evaluated where some steps are known to be completed.
    fn under(&mut self, facts: Option<Vec<Fact<'n>>>, node: &'n Node) {
        let before = self.known.len();
        // Where nothing can be, anything is known; nobody writes that.
        self.known.extend(facts.unwrap_or_default());
        self.visit(node);
        self.known.truncate(before);
    }

    fn read(&mut self, node: &'n Node) {
        let mut indices = Vec::new();
        match path(node, &mut indices) {
            Some(path) => {
                self.record(path, false);
                indices.into_iter().for_each(|index| self.visit(index));
            }
            None => node.children(|child| self.visit(child)),
        }
    }

    fn record(&mut self, path: Path<'n>, tested: bool) {
        let mut reference = Reference {
            root: path.root.to_owned(),
            path: path.segments,
            offset: path.start,
            len: path.end.saturating_sub(path.start),
            tested,
            optional_at: path.optional_at,
            guarded: false,
        };
        if matches!(path.root, STEPS | PREVIOUS) && reference.field(1) == Some(OUTPUT) {
            let optional = reference.optional_at.is_some_and(|at| at <= 1);
            let asked = tested && reference.path.len() == 2;
            let known = || {
                self.known.iter().any(|fact| fact.root == path.root && reference.field(0) == Some(fact.id))
            };
            reference.guarded = optional || asked || known();
        }
        self.found.push(reference);
    }
}

/// What is known where a node is `truth`; `None` where it cannot be.
fn facts(node: &Node, truth: bool) -> Option<Vec<Fact<'_>>> {
    Some(match &node.kind {
        Kind::Bool(value) if *value != truth => return None,
        Kind::Has { of, name } if truth => {
            let whole = step(of, None).filter(|_| name.as_ref() == OUTPUT);
            whole.or_else(|| step(of, Some(OUTPUT))).into_iter().collect()
        }
        Kind::Binary { op: Binary::Equal, left, right } if truth => completed(left, right),
        Kind::Binary { op: Binary::NotEqual, left, right } if !truth => completed(left, right),
        Kind::Binary { op: Binary::In, left, right } if truth => match (&left.kind, &right.kind) {
            (Kind::Str(name), _) if name.as_ref() == OUTPUT => step(right, None).into_iter().collect(),
            (_, Kind::Constant(Value::Array(words))) if words.len() == 1 && words[0] == COMPLETED => {
                step(left, Some("status")).into_iter().collect()
            }
            _ => Vec::new(),
        },
        Kind::Call { fun: Fun::HasValue, args, .. } if truth => {
            args.first().and_then(|of| step(of, Some(OUTPUT))).into_iter().collect()
        }
        Kind::Not(of) => return facts(of, !truth),
        Kind::And(left, right) if truth => return both(facts(left, true), facts(right, true)),
        Kind::And(left, right) => return either(facts(left, false), facts(right, false)),
        Kind::Or(left, right) if truth => return either(facts(left, true), facts(right, true)),
        Kind::Or(left, right) => return both(facts(left, false), facts(right, false)),
        Kind::Choice { condition, yes, no } => {
            let yes = both(facts(condition, true), facts(yes, truth));
            let no = both(facts(condition, false), facts(no, truth));
            return either(yes, no);
        }
        _ => Vec::new(),
    })
}

const COMPLETED: &str = "completed";

/// `steps.X.status == 'completed'`, in either order.
fn completed<'n>(left: &'n Node, right: &'n Node) -> Vec<Fact<'n>> {
    let is = |node: &Node| matches!(&node.kind, Kind::Str(text) if text.as_ref() == COMPLETED);
    let status = |node: &'n Node| {
        let last = matches!(&node.kind, Kind::Field { name, .. } if name.as_ref() == "status");
        step(node, Some("status")).filter(|_| last)
    };
    let fact = if is(right) { status(left) } else { status(right).filter(|_| is(left)) };
    fact.into_iter().collect()
}

fn both<'n>(a: Option<Vec<Fact<'n>>>, b: Option<Vec<Fact<'n>>>) -> Option<Vec<Fact<'n>>> {
    let mut all = a?;
    all.extend(b?);
    Some(all)
}

fn either<'n>(a: Option<Vec<Fact<'n>>>, b: Option<Vec<Fact<'n>>>) -> Option<Vec<Fact<'n>>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.into_iter().filter(|fact| b.contains(fact)).collect()),
        (a, b) => a.or(b),
    }
}
