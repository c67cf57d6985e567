//! What is known of the values that expressions reach.

use std::sync::LazyLock;

use crate::decode::Role;
use crate::expr::{Field, Type, TypeEnv};
use crate::plan::{Input, InputKind};

/// The statuses a step can have.
static STATUSES: &[&str] =
    &["pending", "running", "waiting", "completed", "failed", "skipped", "blocked", "cancelled"];

/// The outcomes of a step.
static OUTCOMES: &[&str] =
    &["ok", "degraded", "stopped_early", "error", "rejected", "exhausted", "timed_out", "cancelled"];

/// The keys of a step in expressions.
pub(crate) static STEP_FIELDS: &[&str] =
    &["output", "values", "status", "outcome", "error", "attempts", "exit_code", "instances"];

/// A step, as `steps.ID` gives it, and what each of its items or iterations gives.
pub(crate) fn step(output: Type, each: Type) -> Type {
    let mut fields = step_fields(output);
    let mut instance = step_fields(each);
    instance.extend([
        Field::optional("index", Type::Int),
        Field::optional("key", Type::Dyn),
        Field::optional("item", Type::Dyn),
        Field::optional("iteration", Type::Int),
    ]);
    fields.push(Field::optional("instances", Type::list(Type::map(instance, false))));
    Type::map(fields, false)
}

/// A `foreach` over the lines of a file: what its items came to is counted, and none of them is kept.
pub(crate) fn counting_step(output: Type) -> Type {
    Type::map(step_fields(output), false)
}

/// The output of a `foreach` over the lines of a file.
pub(crate) fn counts() -> Type {
    let count = |name: &&str| Field::required(*name, Type::Int);
    Type::map(["total", "completed", "failed", "cancelled"].iter().map(count).collect(), false)
}

/// Whether a value may be a file by hash.
pub(crate) fn may_be_file(of: &Type) -> bool {
    match of {
        Type::Map(fields) => fields.open || fields.fields.iter().any(|field| field.name == "hash"),
        Type::Dyn => true,
        _ => false,
    }
}

fn step_fields(output: Type) -> Vec<Field> {
    vec![
        Field::optional("output", output),
        Field::optional("values", Type::Dyn),
        Field::required("status", STATUS.clone()),
        Field::optional("outcome", OUTCOME.clone()),
        Field::optional("error", ERROR.clone()),
        Field::required("attempts", Type::Int),
        Field::optional("exit_code", Type::Int),
    ]
}

/// How a block ended, as its `finally` sees it.
pub(crate) fn ended() -> Type {
    let fields = vec![
        Field::required("status", STATUS.clone()),
        Field::required("outcome", OUTCOME.clone()),
        Field::optional("error", ERROR.clone()),
    ];
    Type::map(fields, false)
}

// What never changes is made once: types are asked for at every expression.
static STATUS: LazyLock<Type> = LazyLock::new(|| Type::words(STATUSES.iter().copied()));
static OUTCOME: LazyLock<Type> = LazyLock::new(|| Type::words(OUTCOMES.iter().copied()));
static ERROR: LazyLock<Type> = LazyLock::new(|| {
    let error = vec![
        Field::required("kind", Type::String),
        Field::required("message", Type::String),
        Field::optional("step", Type::String),
    ];
    Type::map(error, false)
});

/// The inputs of a run.
pub(crate) fn inputs(inputs: &[Input]) -> Type {
    Type::map(inputs.iter().map(|i| Field::required(&i.name, input(i))).collect(), false)
}

fn input(input: &Input) -> Type {
    match input.kind {
        InputKind::File => {
            let text = |name| Field::required(name, Type::String);
            Type::map(
                vec![text("path"), text("name"), text("hash"), Field::required("size", Type::Int)],
                false,
            )
        }
        _ => Type::of_schema(&input.schema),
    }
}

/// What is known of the run itself.
pub(crate) fn run() -> Type {
    static RUN: LazyLock<Type> = LazyLock::new(|| {
        let text = |name| Field::required(name, Type::String);
        Type::map(
            vec![text("id"), text("workflow"), text("revision"), text("started_at"), text("project")],
            false,
        )
    });
    RUN.clone()
}

/// What starts a run, in a trigger.
pub(crate) fn event(role: Role) -> Option<Type> {
    let text = |name| Field::required(name, Type::String);
    let fields = match role {
        Role::Times => vec![text("schedule"), text("time"), text("local")],
        Role::Hook => vec![
            text("schedule"),
            text("time"),
            text("id"),
            Field::required("type", Type::Dyn),
            Field::required("headers", Type::Dyn),
            Field::required("body", Type::Dyn),
        ],
        _ => return None,
    };
    Some(Type::map(fields, false))
}

/// The type of an element of a list or map.
pub(crate) fn element(of: &Type) -> Type {
    match of {
        Type::List(of) => (**of).clone(),
        Type::Map(fields) if !fields.open => {
            let mut types = fields.fields.iter().map(|f| &f.ty);
            match types.next() {
                Some(first) if types.all(|t| t == first) => first.clone(),
                _ => Type::Dyn,
            }
        }
        _ => Type::Dyn,
    }
}

/// What a foreach gives over these items, each giving that.
pub(crate) fn gathered(items: &Type, each: Type) -> Type {
    match items {
        Type::List(_) => Type::list(each),
        Type::Map(fields) => {
            let fields_of = |f: &Field| Field { ty: each.clone(), ..f.clone() };
            Type::map(fields.fields.iter().map(fields_of).collect(), fields.open)
        }
        _ => Type::Dyn,
    }
}

/// What a type is called in messages.
pub(crate) fn words(of: &Type) -> &'static str {
    match of {
        Type::Dyn => "anything",
        Type::Null => "null",
        Type::Bool => "a boolean",
        Type::Int | Type::UInt => "a whole number",
        Type::Double | Type::Number => "a number",
        Type::String | Type::Words(_) => "a text",
        Type::Bytes => "bytes",
        Type::List(_) => "a list",
        Type::Map(_) => "a map",
        Type::Timestamp => "an instant",
        Type::Duration => "a length of time",
        Type::Optional(_) => "an optional value",
        Type::Type => "a type",
    }
}

/// The roots in reach of an expression.
pub(crate) struct Roots {
    /// With their types; the innermost one of a name comes last.
    pub(crate) known: Vec<(String, Type)>,
    /// Those that were refused by name, which are not to be reported again as unknown.
    pub(crate) refused: Vec<String>,
}

impl TypeEnv for Roots {
    fn var(&self, name: &str) -> Option<Type> {
        let known = self.known.iter().rev().find(|(n, _)| n == name).map(|(_, ty)| ty.clone());
        known.or_else(|| self.refused.iter().any(|n| n == name).then_some(Type::Dyn))
    }

    fn names(&self) -> Vec<String> {
        self.known.iter().map(|(n, _)| n.clone()).collect()
    }
}

/// A map with these fields, some of which may be absent.
pub(crate) fn outputs(fields: Vec<(String, Type)>, all: bool) -> Type {
    let fields = fields.into_iter().map(|(name, ty)| Field { name, ty, required: all }).collect();
    Type::map(fields, false)
}
