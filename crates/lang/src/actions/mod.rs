//! The actions: one file each, one line in [`ACTIONS`] each.

mod approve;
mod ask;
mod fail;
mod file;
mod finish;
mod http;
mod later;
mod noop;
mod run;
mod set;
pub mod signal;
mod wait;
mod workflow;

use std::sync::LazyLock;

use crate::decode::{ActionAt, Decoder, Done};
use crate::expr::{Field, Type};
use crate::keys::{Key, Shape};

pub(crate) use http::{not_a_header, not_an_address};
pub use later::{LATER, LATER_KEYS, Later};

/// Description of an action.
pub struct Action {
    /// The key that says it.
    pub name: &'static str,
    /// The key, as a table.
    pub(crate) table: &'static [Key],
    /// The keys of the map that the action's key takes.
    pub keys: &'static [Key],
    /// The keys of the step that belong to this action.
    pub step_keys: &'static [Key],
    /// What its output is, in a line.
    pub output: &'static str,
    /// Whether `defaults` of the document reach it.
    pub(crate) defaults: bool,
    /// Whether an attempt ends after an hour where nothing else is said.
    pub(crate) timed: bool,
    /// Whether it has an effect outside, so that `effect` says what a crash does.
    pub(crate) effects: bool,
    /// Reads it.
    pub(crate) decode: for<'d, 'f, 't, 'o> fn(&'d Decoder<'t, 'o>, &'f ActionAt<'f, 't>) -> Option<Done>,
}

/// All actions of this version, in the order of the reference.
pub static ACTIONS: &[&Action] = &[
    &run::ACTION,
    &http::ACTION,
    &file::ACTION,
    &set::ACTION,
    &wait::ACTION,
    &workflow::ACTION,
    &approve::ACTION,
    &ask::ACTION,
    &signal::ACTION,
    &fail::ACTION,
    &finish::ACTION,
    &noop::ACTION,
];

/// The shells that `shell` may name. How each is started is the executor's affair.
pub static SHELLS: &[&str] = &["bash", "sh", "python", "node", "ruby", "perl"];

/// What `effect` may be.
pub static EFFECTS: &[&str] = &["none", "idempotent", "once"];

/// `effect`, for actions that have one.
pub(crate) const EFFECT: Key = Key::new(
    "effect",
    Shape::Words(EFFECTS),
    "After a crash in the unsure window `none` and `idempotent` run again, `once` parks and asks",
)
.default("idempotent");

/// What `undo` and `verify` may do: it has an effect of its own and waits for nobody.
pub static BESIDE: &[&str] = &["run", "http", "mcp", "calc", "agent"];

/// What stands in no `finally`, at any depth: an end has to come by itself.
pub(crate) static NOT_IN_FINALLY: &[&str] = &["wait", "workflow", "finish", "approve", "ask", "task"];

/// Those of [`BESIDE`] that this version does not have, as a table.
pub(crate) fn later_beside() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> =
        LazyLock::new(|| LATER_KEYS.iter().filter(|k| BESIDE.contains(&k.name)).copied().collect());
    &KEYS
}

/// A file by hash, as inputs of type `file` and the `values` of programs have them.
fn file_by_hash() -> Type {
    let fields =
        [("path", Type::String), ("name", Type::String), ("hash", Type::String), ("size", Type::Int)];
    Type::map(fields.map(|(name, ty)| Field::required(name, ty)).into(), false)
}

/// An action by its key.
pub fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().copied().find(|a| a.name == name)
}

/// Whether it names an action that this version does not have.
pub(crate) fn is_later(name: &str) -> bool {
    LATER.iter().any(|l| l.name == name)
}

/// The action that a key of steps belongs to.
pub(crate) fn step_key(name: &str) -> Option<&'static str> {
    ACTIONS.iter().find(|a| a.step_keys.iter().any(|k| k.name == name)).map(|a| a.name)
}

/// The names of all actions, for messages.
pub(crate) fn list() -> &'static str {
    static LIST: LazyLock<String> =
        LazyLock::new(|| ACTIONS.iter().map(|a| format!("`{}`", a.name)).collect::<Vec<_>>().join(", "));
    &LIST
}
