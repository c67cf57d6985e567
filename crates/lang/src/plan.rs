//! The checked plan: what the core interprets.
//!
//! A plan is made from a definition without errors. Everything a turn has to know is resolved here: names
//! to places, text to compiled expressions, defaults to values. Steps stand in one list, blocks name them
//! by position; journals never do, they name paths, so that a newer plan of the same text reads them.

mod documents;
mod people;
mod triggers;

use std::collections::HashMap;

use serde_json::Value;

use crate::duration::Millis;
use crate::expr::Expr;
use crate::template::Template;

pub use documents::{DocumentType, Produces, Production, Scope, answers};
pub use people::{Escalate, OnReject, OnTimeout, People, PeopleKind};
pub use triggers::{HookFormat, Missed, Overlap, Trigger, TriggerOn};

/// Position of a step in [`Plan::steps`].
pub type StepIx = u32;

/// A definition, checked and resolved.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Name of the workflow.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Hash of the canonical form of the text and every file it names by a key: 64 hex digits. Where it calls workflows by
    /// name, or has another name in the library, `+` and a hash of what these came to follow: that is what a run is
    /// pinned to. See [`definition_of`].
    pub revision: String,
    /// Declared inputs in order.
    pub inputs: Vec<Input>,
    /// Names of the secrets it may use.
    pub secrets: Vec<String>,
    /// Values computed once, at the start, in order; a later one may read the earlier ones.
    pub vars: Vec<(String, Template)>,
    /// Time limit of the whole run.
    pub deadline: Option<Setting<Millis>>,
    /// How many attempts a run may make, with those of its child runs.
    pub budget: Option<Setting<u32>>,
    /// How many runs with an equal key at once.
    pub concurrency: Option<Concurrency>,
    /// What starts runs, once it is turned on.
    pub triggers: Vec<Trigger>,
    /// Named levels of iteration.
    pub scopes: Vec<Scope>,
    /// Declared documents.
    pub documents: Vec<DocumentType>,
    /// All steps, outer before inner, in the order of the text; behind them those that are inside of steps which
    /// produce documents.
    pub steps: Vec<Step>,
    /// The block of the document.
    pub root: Block,
}

impl Plan {
    /// How many steps were written: what is inside of those that produce documents is made from one.
    pub fn steps_written(&self) -> usize {
        let made = self.steps.iter().map(|step| match &step.body {
            Body::Block(block) if block.production.is_some() => block.steps.len(),
            _ => 0,
        });
        self.steps.len() - made.sum::<usize>()
    }
}

/// The hash of the definition in what a run is pinned to: that of its revision in the library.
pub fn definition_of(revision: &str) -> &str {
    revision.split_once('+').map_or(revision, |(own, _)| own)
}

/// A declared input.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: InputKind,
    /// For people.
    pub description: Option<String>,
    /// Taken when none is given; without one the input is required.
    pub default: Option<Value>,
    /// JSON Schema that a value has to meet: its type, `enum`, `minimum` and so on, and its `schema`.
    pub schema: Value,
    /// Whether standard input fills it.
    pub stdin: bool,
    /// Whether runs are found by its value.
    pub index: bool,
}

/// Type of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "JSON Schema's own words")]
pub enum InputKind {
    String,
    Integer,
    Number,
    Boolean,
    Object,
    Array,
    /// A file by hash: `{path, name, hash, size}`.
    File,
}

/// Steps with an order, or states of which one is active.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Its steps or states in the order of the text, and behind them those of its `finally`.
    pub steps: Vec<StepIx>,
    /// How many of `steps` are its own; the rest are those of `finally`.
    pub own: usize,
    /// Whether it is a machine of states. The first one is where it begins.
    pub machine: bool,
    /// How many of its steps must complete.
    pub join: Join,
    /// Position in `steps` by id.
    pub by_id: HashMap<String, usize>,
    /// Declared outputs in order; `None`: a map from step id to output.
    pub outputs: Option<Vec<(String, Template)>>,
    /// Of a block that produces a document. Its steps are nobody's to name in expressions, and its output is the draft's.
    pub production: Option<Box<Production>>,
}

impl Block {
    /// The steps that run when the block ends, however it ends, in order.
    pub fn finally(&self) -> &[StepIx] {
        &self.steps[self.own..]
    }
}

/// How many of the parts of a group or a `foreach` must complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Join {
    /// Each of them: a failed one stops the others.
    #[default]
    All,
    /// One.
    First,
    /// More than half.
    Majority,
    /// All end, failed ones are tolerated.
    Settled,
    /// So many.
    Count(u32),
}

/// A way out of a state, or out of a failure.
#[derive(Debug, Clone)]
pub struct Transition {
    /// Taken when it holds; without one always.
    pub when: Option<Expr>,
    /// Where it leads.
    pub go: Target,
    /// It counts as false once it was taken so often.
    pub max: Option<Setting<u32>>,
}

/// Where a transition leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// The state at this position of the block.
    State(usize),
    /// The block is done.
    End,
    /// The block fails.
    Fail,
}

/// A step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Unique in its block.
    pub id: String,
    /// For people.
    pub name: Option<String>,
    /// Ids from the document's block down to here, joined by `/`.
    pub path: String,
    /// The step whose block this one stands in; `None` in the document's block.
    pub parent: Option<StepIx>,
    /// Positions in its block of the steps that must have ended before: the fewest that imply all.
    pub needs: Vec<usize>,
    /// Positions in its block of the steps that name it in `needs`.
    pub needed_by: Vec<usize>,
    /// `if`
    pub condition: Option<Expr>,
    /// Steps whose output its own keys read without a guard. One of them failed or blocked: it is blocked.
    pub reads: Vec<Read>,
    /// `foreach` or `loop`
    pub each: Option<Each>,
    /// What a failure does to the block.
    pub on_error: OnError,
    /// Ways out of a state, in the order in which they are tried. None: of a state that ends what is around
    /// (`fail`, `finish`), and of steps that are no states.
    pub next: Vec<Transition>,
    /// Compensates a completed instance. `retry` and `timeout` in it are fixed.
    pub undo: Option<Box<Action>>,
    /// Tells of a `once` step whether it happened. `retry` and `timeout` in it are fixed.
    pub verify: Option<Box<Action>>,
    /// Whether it stands in the `finally` of its block.
    pub finally: bool,
    /// Time limit of all of it.
    pub deadline: Option<Setting<Millis>>,
    /// How many attempts may be made in all of it.
    pub budget: Option<Setting<u32>>,
    /// How many steps with an equal key at once: all of it holds one place.
    pub concurrency: Option<Concurrency>,
    /// What it does: once, or once per item or iteration.
    pub body: Body,
    /// The document that it produces; in a whole plan that stands in the block.
    pub produces: Option<Box<Produces>>,
    /// Whether any expression may read its `instances` (or the step as a whole).
    pub instances_read: bool,
}

/// So many at once of all runs and steps of a project with an equal key.
#[derive(Debug, Clone)]
pub struct Concurrency {
    /// Gives the key.
    pub key: Template,
    /// How many places there are.
    pub max: Setting<u32>,
    /// What happens without a free place.
    pub on_full: OnFull,
}

/// What happens to whoever asks for a place where none is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnFull {
    /// It waits, first come first served.
    #[default]
    Queue,
    /// The oldest that has one, or waits for one, is cancelled.
    CancelOld,
    /// It fails.
    Refuse,
}

/// A step that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Read {
    /// How many blocks out: 0 is the own block.
    pub up: u32,
    /// Position in that block.
    pub step: usize,
}

/// Iteration of a step.
#[derive(Debug, Clone)]
pub enum Each {
    /// Once per element.
    Foreach {
        /// The list or map, or the file.
        items: Template,
        /// `items` gives a file whose lines are the elements, each in JSON.
        lines: bool,
        /// Name of the element; `item` where none is given.
        binding: String,
        /// Key of an element.
        key: Option<Template>,
        /// How many at once.
        parallel: Setting<u32>,
        /// How many must complete.
        join: Join,
        /// The scope whose keys are those of the elements: its position in [`Plan::scopes`].
        scope: Option<usize>,
    },
    /// Again until `until` holds.
    Loop {
        /// At most so often.
        max: Setting<u32>,
        /// At least so often.
        min: Setting<u32>,
        /// Evaluated after each iteration from `min` on.
        until: Option<Expr>,
        /// After `max`: `true` completes with the outcome `exhausted`, `false` fails.
        continue_on_exhausted: bool,
    },
}

/// What a failed step does to its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnError {
    /// The block stops.
    Stop,
    /// The block goes on.
    Continue,
    /// The machine goes there.
    Go(Target),
}

/// What a step does.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a plan is made once and its steps stay where they are")]
pub enum Body {
    /// A group.
    Block(Block),
    /// An action.
    Action(Action),
}

/// An action with the keys that concern its attempts.
#[derive(Debug, Clone)]
pub struct Action {
    /// The key that says it: `run`, `set`, `wait`, ...
    pub name: &'static str,
    /// What it is.
    pub kind: ActionKind,
    /// When a failed attempt is tried again.
    pub retry: Retry,
    /// Of one attempt; of a wait, a child run or people's work the whole of it.
    pub timeout: Option<Setting<Millis>>,
    /// What a crash in the unsure window does.
    pub effect: EffectRule,
}

/// The actions as the core tells them apart. All that goes to an executor is one kind.
#[derive(Debug, Clone)]
pub enum ActionKind {
    /// Pure values.
    Set(Template),
    /// The draft of the block is booked as a version of its document.
    Version,
    /// A timer.
    Wait(Wait),
    /// A child run.
    Workflow(Child),
    /// A signal is sent.
    Signal(Signal),
    /// People are asked.
    People(Box<People>),
    /// The step fails.
    Fail {
        /// What is wrong.
        message: Template,
        /// Whether that is a refusal and no error.
        rejected: bool,
    },
    /// The run ends, completed. The text says why.
    Finish(Template),
    /// Work for an executor: its name and the request, whose shape is the executor's own.
    Effect {
        /// Name of the executor, such as `process`.
        executor: &'static str,
        /// What it is asked to do.
        request: Template,
    },
}

/// What a wait waits for.
#[derive(Debug, Clone)]
pub enum Wait {
    /// A length of time.
    For(Setting<Millis>),
    /// An instant: RFC 3339 text.
    At(Template),
    /// A signal of this name.
    Signal(Template),
}

/// A signal to be sent.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Who is to get it.
    pub to: SignalTo,
    /// Path of a step instance of the receiver: only waits there and inside take it.
    pub step: Option<Template>,
    /// Its name.
    pub name: Template,
    /// What comes with it.
    pub data: Template,
}

/// Who gets a signal.
#[derive(Debug, Clone)]
pub enum SignalTo {
    /// The run that sends it.
    Own,
    /// The run of this id.
    Run(Template),
    /// The open runs of a workflow that have these values for its indexed inputs.
    Where {
        /// Name of the workflow.
        workflow: String,
        /// Values by input.
        inputs: Vec<(String, Template)>,
    },
}

/// A child run.
#[derive(Debug, Clone)]
pub struct Child {
    /// Name of the child's workflow.
    pub workflow: String,
    /// Its revision, pinned when this plan was made.
    pub revision: String,
    /// It is looked up anew when the step starts: what is pinned is what it was held against.
    pub latest: bool,
    /// Its inputs: a map.
    pub inputs: Template,
    /// The attempts that its own head allows, where that is fixed.
    pub budget: Option<u32>,
}

/// When a failed attempt is tried again. `attempts` counts all tries.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the keys of the language")]
pub struct Retry {
    pub attempts: Setting<u32>,
    pub wait: Setting<Millis>,
    pub factor: Setting<f64>,
    pub max_wait: Setting<Millis>,
    pub jitter: Setting<f64>,
    /// Kinds of error that are tried again.
    pub errors: Vec<String>,
}

/// What becomes of an attempt whose end is not known after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EffectRule {
    /// Runs again.
    None,
    /// Runs again with the same key.
    Idempotent,
    /// Parks and asks.
    Once,
}

/// A setting of a step: fixed in the text, or computed when the step starts.
#[derive(Debug, Clone)]
pub enum Setting<T> {
    /// Known.
    Fixed(T),
    /// Computed: a number, or for lengths of time a text such as `2h`.
    Computed(Template),
}
