//! From tree to plan. Everything that is wrong is collected, and decoding goes on with what is left.
//!
//! What needs the whole document (names, order, types) is only noted here and is judged by [`crate::check`].

mod beside;
mod concurrency;
mod document;
mod documents;
mod each;
mod fields;
mod inputs;
mod names;
mod people;
mod questions;
mod states;
mod step;
mod triggers;
mod values;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::expr::{Expr, Type};
use crate::limits;
use crate::plan::{Plan, Retry, Setting, StepIx};
use crate::template::Template;
use crate::tree::Node;

pub(crate) use document::document;
pub(crate) use each::retry_default;
pub(crate) use fields::Fields;
pub(crate) use inputs::{bad_schema, not_json, pointer_in};
pub(crate) use names::{Naming, name as judge_name};
pub(crate) use states::ends;
pub(crate) use step::{ActionAt, Done, blank};
pub(crate) use values::of_expression;

/// What a document was decoded to.
pub(crate) struct Decoded<'t> {
    /// The plan; only of use when nothing was found.
    pub(crate) plan: Plan,
    /// Notes beside the plan's steps, one for each.
    pub(crate) steps: Vec<Notes<'t>>,
    /// Values and expressions outside of steps.
    pub(crate) sites: Vec<Site<'t>>,
    /// Hashes of the files it names, by the paths as they are written.
    pub(crate) named: BTreeMap<String, String>,
}

/// What the checks have to know of a step beside the plan.
pub(crate) struct Notes<'t> {
    /// The step.
    pub(crate) node: Node<'t>,
    /// Its id; the step where it has none.
    pub(crate) id: Node<'t>,
    /// The ids in `needs`, where it is written.
    pub(crate) needs: Option<Vec<(&'t str, Node<'t>)>>,
    /// Values and expressions in its keys.
    pub(crate) sites: Vec<Site<'t>>,
    /// What its action gives.
    pub(crate) output: Output,
    /// Where the entries of its `next` lead, as it is written; one for each transition of the plan.
    pub(crate) next: Vec<Way<'t>>,
    /// Where a failure leads.
    pub(crate) caught: Option<Goal<'t>>,
    /// The step that a rejection starts again.
    pub(crate) redo: Option<Goal<'t>>,
    /// Steps whose workers are named.
    pub(crate) workers: Vec<Worker<'t>>,
    /// Where `authors` of what is shown are named.
    pub(crate) authors: Option<Node<'t>>,
    /// Whether its `next` could not be read, so that nothing can be said of where it leads.
    pub(crate) astray: bool,
    /// Whether it needs what produces the documents it reads, and no more.
    pub(crate) needs_documents: bool,
    /// Where it says what it produces.
    pub(crate) produces: Option<Node<'t>>,
    /// Where it says what the keys of its items are.
    pub(crate) scope: Option<Node<'t>>,
}

/// Whoever worked on a step, as one who may act or may not.
pub(crate) struct Worker<'t> {
    /// The entry.
    pub(crate) node: Node<'t>,
    /// The step.
    pub(crate) id: String,
    /// The key: `by`, `not` or `to`.
    pub(crate) key: &'static str,
    /// Whether nobody else is named there.
    pub(crate) alone: bool,
}

/// Where a transition leads, as it is written.
pub(crate) type Goal<'t> = (&'t str, Node<'t>);

/// A transition, as it is written.
pub(crate) struct Way<'t> {
    /// The entry.
    pub(crate) node: Node<'t>,
    /// Where it leads; `None` where that cannot be read.
    pub(crate) goal: Option<Goal<'t>>,
    /// Whether nothing keeps it from being taken.
    pub(crate) always: bool,
}

/// What an action's output is known to be.
pub(crate) enum Output {
    /// This.
    Known(Type),
    /// What the request's template gives: the action is pure.
    OfTemplate,
}

/// An expression in the text.
pub(crate) struct Site<'t> {
    /// The scalar it stands in.
    pub(crate) node: Node<'t>,
    /// The expression.
    pub(crate) expr: Expr,
    /// Which names it sees.
    pub(crate) role: Role,
    /// What it has to give.
    pub(crate) wants: Wants,
}

/// Where an expression stands, which settles the names in its reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A variable, which sees those above it.
    Var(usize),
    /// A key of the head, which sees inputs and variables.
    Head,
    /// `if`
    Condition,
    /// A key of the step as a whole.
    Step,
    /// `foreach.key`
    ElementKey,
    /// A key of each instance.
    Instance,
    /// `loop.until`
    Until,
    /// `outputs`
    Outputs,
    /// A key of `undo`.
    Undo,
    /// A key of `verify`.
    Verify,
    /// `next`
    Next,
    /// The inputs of a trigger by times.
    Times,
    /// The inputs of a trigger by requests.
    Hook,
}

impl Role {
    /// Whether it belongs to one item or iteration of a step.
    pub(crate) fn is_inside(self) -> bool {
        matches!(self, Self::Instance | Self::Until | Self::Outputs | Self::Undo | Self::Verify)
    }
}

/// What an expression has to give in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Anything.
    Any,
    /// A boolean.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A length of time as text.
    Duration,
    /// A list or a map.
    Items,
    /// A file.
    File,
    /// A map.
    Map,
    /// A list.
    List,
    /// Anything: the node is the id of a step whose output is meant.
    Shown,
}

/// Where a value stands, for everything that is read from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    /// The step, or the head.
    pub(crate) step: Option<StepIx>,
    /// Which names are in reach.
    pub(crate) role: Role,
    /// Whether secrets may stand there.
    pub(crate) secrets: bool,
    /// Whether settings are written out there, and not computed.
    pub(crate) fixed: bool,
}

impl Slot {
    pub(crate) fn new(step: Option<StepIx>, role: Role) -> Self {
        Self { step, role, secrets: false, fixed: false }
    }

    pub(crate) fn with_secrets(self) -> Self {
        Self { secrets: true, ..self }
    }

    pub(crate) fn with_fixed_settings(self) -> Self {
        Self { fixed: true, ..self }
    }
}

/// What steps do that do not say otherwise.
#[derive(Default)]
pub(crate) struct Defaults {
    pub(crate) timeout: Option<Setting<u64>>,
    pub(crate) retry: Option<Retry>,
    pub(crate) shell: Option<String>,
    pub(crate) cwd: Option<Template>,
}

/// What a child run is known to be, once its own definition was checked.
#[derive(Clone)]
pub(crate) struct ChildFacts {
    pub(crate) name: String,
    /// What a run of it is pinned to: with what it calls by name.
    pub(crate) revision: String,
    /// The hash of its definition alone.
    pub(crate) own: String,
    pub(crate) inputs: Vec<crate::plan::Input>,
    pub(crate) output: Type,
    /// The attempts that its head allows, where that is fixed.
    pub(crate) budget: Option<u32>,
}

/// How a child is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which<'a> {
    /// By the path of its file.
    Path(&'a str),
    /// By its name, as it is written.
    Name(&'a str),
    /// It stands in the document itself.
    Inline,
}

/// What a document reaches outside of itself while it is decoded.
pub(crate) trait Outside {
    /// A child. Problems are its own to report; `None` when there is nothing to go on with.
    fn child(&self, at: Node<'_>, which: Which<'_>) -> Result<Option<ChildFacts>, Box<Diagnostic>>;
    /// The JSON Schema in a file that a path names, and its hash.
    fn schema(&self, at: Node<'_>, path: &str) -> Result<(Value, String), Box<Diagnostic>>;
}

/// The state of decoding one document.
pub(crate) struct Decoder<'t, 'o> {
    pub(crate) outside: &'o dyn Outside,
    problems: RefCell<Vec<Diagnostic>>,
    steps: RefCell<Vec<(crate::plan::Step, Notes<'t>)>>,
    sites: RefCell<Vec<Site<'t>>>,
    named: RefCell<BTreeMap<String, String>>,
    pub(crate) scopes: RefCell<Vec<crate::plan::Scope>>,
    pub(crate) documents: RefCell<Vec<(crate::plan::DocumentType, documents::Declared<'t>)>>,
    /// Values with expressions that were read, by their text: the same text is often written, or brought by an
    /// alias or a template, many times.
    read: RefCell<HashMap<String, Template>>,
    /// Conditions likewise.
    conditions: RefCell<HashMap<String, Expr>>,
    pub(crate) secrets: RefCell<Vec<String>>,
    pub(crate) env: RefCell<Vec<(String, Template)>>,
    pub(crate) defaults: RefCell<Defaults>,
}

impl<'t, 'o> Decoder<'t, 'o> {
    fn new(outside: &'o dyn Outside) -> Self {
        Self {
            outside,
            problems: RefCell::default(),
            steps: RefCell::default(),
            sites: RefCell::default(),
            named: RefCell::default(),
            scopes: RefCell::default(),
            documents: RefCell::default(),
            read: RefCell::default(),
            conditions: RefCell::default(),
            secrets: RefCell::default(),
            env: RefCell::default(),
            defaults: RefCell::default(),
        }
    }

    /// Enters a finding.
    pub(crate) fn push(&self, problem: Diagnostic) {
        self.problems.borrow_mut().push(problem);
    }

    /// Whether so much was found that no more will be listed. What is found then needs no help that costs time.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.borrow().len() >= limits::DIAGNOSTICS
    }

    /// Enters a finding at a node.
    pub(crate) fn problem(&self, code: &'static Code, node: Node<'t>, message: impl Into<String>) {
        self.push(Diagnostic::at(code, node, message));
    }

    /// Notes an expression for the checks.
    fn site(&self, slot: Slot, node: Node<'t>, expr: &Expr, wants: Wants) {
        let site = Site { node, expr: expr.clone(), role: slot.role, wants };
        match slot.step {
            Some(ix) => self.steps.borrow_mut()[ix as usize].1.sites.push(site),
            None => self.sites.borrow_mut().push(site),
        }
    }

    /// Notes a file that the definition names, with its hash.
    pub(crate) fn name_file(&self, path: &str, hash: String) {
        self.named.borrow_mut().insert(path.to_owned(), hash);
    }
}
