//! Every key of the language, described once.
//!
//! The tables here are what unknown keys are told apart by, what the JSON Schema of the language is made of
//! ([`schema()`]), and what the reference page says ([`reference_markdown`]). A key that the language names but
//! this version does not have stands in them as well, so that it is refused by name and never ignored.

mod people;
mod reference;
mod schema;
mod shown;
mod tables;

pub use people::{ACCEPT, ESCALATE, NOT_WORDS, ON_REJECT, ON_TIMEOUT, QUESTION, REDO, WHO, WHO_WORDS};
pub(crate) use people::{BY, ESCALATION, FORM, NOT, QUORUM, REJECTS, REMIND, SHOW, TITLE, WHEN_TIME_IS_UP};
pub use reference::reference_markdown;
pub use schema::schema;
pub use shown::{ALL_KEYS, SHOWN, shown};
pub use tables::{
    BESIDE, BUDGET, CAUGHT, CONCURRENCY, DEFAULTS, DOCUMENT, DOCUMENT_TYPE, FOREACH, FORMATS, GROUP, INPUT,
    INPUT_SCHEMA, JOINS, LOOP, MISSED, NEXT, ON_FINDINGS, ON_FULL, OVERLAP, RETRY, RETRY_ERRORS, SCOPE, STEP,
    STEP_CONCURRENCY, TRIGGER,
};

use crate::limits;

/// Description of a key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// What holds without it, as it would be written.
    pub default: Option<&'static str>,
    /// What it means, in a line.
    pub doc: &'static str,
    /// Whether it has to be there.
    pub required: bool,
    /// Whether this version has it.
    pub built: bool,
}

impl Key {
    /// A key.
    pub const fn new(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self { name, shape, default: None, doc, required: false, built: true }
    }

    /// A key of the language that this version does not have.
    pub const fn later(name: &'static str, doc: &'static str) -> Self {
        Self { name, shape: Shape::Any, default: None, doc, required: false, built: false }
    }

    /// It has to be there.
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// What holds without it.
    pub const fn default(self, text: &'static str) -> Self {
        Self { default: Some(text), ..self }
    }
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Text as it stands.
    Text,
    /// Text with expressions.
    Template,
    /// Any value, with expressions anywhere in it.
    Any,
    /// Any value as it stands.
    Value,
    /// An expression that gives it.
    Expression,
    /// An expression that gives a boolean.
    Condition,
    /// A length of time, or an expression that gives one.
    Duration,
    /// An instant, or an expression that gives one.
    Time,
    /// A whole number from the first to the second, or an expression that gives one.
    Integer(u32, u32),
    /// A number from the first to the second, or an expression that gives one.
    Number(u32, u32),
    /// `true` or `false`.
    Boolean,
    /// The number of this version of the language.
    Version,
    /// Name of a workflow.
    WorkflowName,
    /// Name of a workflow, perhaps with the number of a revision.
    WorkflowReference,
    /// An id.
    Id,
    /// One of these words.
    Words(&'static [&'static str]),
    /// Exit codes.
    Codes,
    /// Statuses of answers.
    Statuses,
    /// A list.
    List(&'static Shape),
    /// A map from names to one shape.
    Names(&'static Shape),
    /// A map with these keys, or the short form for it.
    Map(&'static str, &'static [&'static [Key]]),
    /// One of several.
    Either(&'static [Shape]),
    /// A JSON Schema.
    Schema,
    /// The steps of a block.
    Steps,
    /// The states of a machine.
    States,
    /// Keys that steps have in common.
    Part,
    /// A state, `end` or `fail`.
    Target,
    /// How many of several parts must complete.
    Join,
    /// An action that takes another one back, or looks what became of it.
    Beside,
    /// A whole definition.
    Document,
    /// Path of a file, relative to the file that names it.
    Path,
}

impl Shape {
    /// What it takes, in words.
    pub fn words(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Template => "text with expressions".to_owned(),
            Self::Any => "any value with expressions".to_owned(),
            Self::Value => "any value".to_owned(),
            Self::Expression => "an expression that gives it".to_owned(),
            Self::Condition => "a condition".to_owned(),
            Self::Duration => "a length of time such as `30s`".to_owned(),
            Self::Time => "an instant such as `2026-11-21T09:00:00Z`".to_owned(),
            Self::Integer(min, max) => format!("a whole number from {min} to {max}"),
            Self::Number(min, max) => format!("a number from {min} to {max}"),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Version => "`1`".to_owned(),
            Self::WorkflowName => "a name in kebab-case".to_owned(),
            Self::WorkflowReference => "NAME or NAME@N".to_owned(),
            Self::Id => "an id in snake_case".to_owned(),
            Self::Words(words) => words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "),
            Self::Codes => "a list of exit codes".to_owned(),
            Self::Statuses => "a list of statuses such as `404` or `4xx`".to_owned(),
            Self::List(of) => format!("a list: {}", of.words()),
            Self::Names(of) => format!("a map from names: {}", of.words()),
            Self::Map(name, _) => format!("a map, see [{name}](#{name})"),
            Self::Either(of) => of.iter().map(|s| s.words()).collect::<Vec<_>>().join("; or "),
            Self::Schema => "a JSON Schema, or the path of a file with one".to_owned(),
            Self::Steps => "a list of steps".to_owned(),
            Self::States => "a list of states".to_owned(),
            Self::Part => "keys of a step".to_owned(),
            Self::Target => "a state, `end` or `fail`".to_owned(),
            Self::Join => {
                format!("`all`, `first`, `majority`, `settled`, or a number from 1 to {}", limits::JOIN)
            }
            Self::Beside => "an action with its keys, see [undo and verify](#undo-and-verify)".to_owned(),
            Self::Document => "a whole definition".to_owned(),
            Self::Path => "a path".to_owned(),
        }
    }
}

/// Every key that this version has, with its place: a map of the language, an action, or `action`.
pub fn places() -> Vec<(&'static str, &'static Key)> {
    let maps = [
        ("document", DOCUMENT),
        ("input", INPUT),
        ("defaults", DEFAULTS),
        ("step", STEP),
        ("group", GROUP),
        ("next", NEXT),
        ("on_error", CAUGHT),
        ("foreach", FOREACH),
        ("loop", LOOP),
        ("retry", RETRY),
        ("concurrency", CONCURRENCY),
        ("trigger", TRIGGER),
        ("budget", BUDGET),
        ("scope", SCOPE),
        ("document_type", DOCUMENT_TYPE),
        ("accept", ACCEPT),
        ("undo", BESIDE),
        ("escalate", ESCALATE),
        ("on_reject", REDO),
        ("question", QUESTION),
    ];
    let of_actions = crate::actions::ACTIONS
        .iter()
        .flat_map(|a| [("action", a.table), (a.name, a.keys), (a.name, a.step_keys)]);
    let all =
        maps.into_iter().chain(of_actions).flat_map(|(place, keys)| keys.iter().map(move |k| (place, k)));
    all.filter(|(_, key)| key.built).collect()
}

/// Looks a key up in some tables.
pub fn find(tables: &[&'static [Key]], name: &str) -> Option<&'static Key> {
    tables.iter().flat_map(|t| t.iter()).find(|k| k.name == name)
}
