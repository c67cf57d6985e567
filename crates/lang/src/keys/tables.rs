//! The keys of the document, of steps, and of what stands in them. The keys of actions stand with the actions.

use super::people::ACCEPT;
use super::{Key, Shape};
use crate::limits;

/// The keys of a definition.
pub static DOCUMENT: &[Key] = &[
    Key::new("stead", Shape::Version, "Version of the language").required(),
    Key::new("name", Shape::WorkflowName, "Name of the workflow: kebab-case, at most 50 characters")
        .required(),
    Key::new("description", Shape::Text, "What it is for, for people"),
    Key::new("inputs", Shape::Names(&Shape::Map("input", INPUT_TABLES)), "What a run is given"),
    Key::new("secrets", Shape::List(&Shape::Text), "Names of the secrets it may use"),
    Key::new(
        "vars",
        Shape::Names(&Shape::Any),
        "Values computed once, at the start; a later one may read the earlier ones",
    ),
    Key::new("env", Shape::Names(&Shape::Template), "Environment of every process; a step's own `env` wins"),
    Key::new(
        "defaults",
        Shape::Map("defaults", &[DEFAULTS]),
        "What steps do that do not say otherwise. It reaches `run` and `http` only",
    ),
    Key::new("deadline", Shape::Duration, "Time limit of the whole run; past it the run fails as timed out"),
    Key::new(
        "budget",
        BUDGET_SHAPE,
        "What a run may use up, its child runs included; past it the run fails as exhausted, whatever is tolerated",
    ),
    Key::new(
        "concurrency",
        Shape::Map("concurrency", &[CONCURRENCY]),
        "How many runs of the project with an equal key at once",
    ),
    Key::new("steps", Shape::Steps, "The steps, in order; or `states`").required(),
    Key::new(
        "states",
        Shape::States,
        "A machine of states in place of `steps`; it begins with the first one",
    ),
    Key::new(
        "outputs",
        Shape::Names(&Shape::Any),
        "What the run gives back; without it a map from step id to output",
    ),
    FINALLY,
    Key::new(
        "templates",
        Shape::Names(&Shape::Part),
        "Parts of steps, which steps take by `use`; they do not use each other",
    ),
    Key::new(
        "scopes",
        Shape::Names(&Shape::Map("scope", &[SCOPE])),
        "Named levels of iteration, one in the other; the one without a parent is that of the whole run",
    ),
    Key::new(
        "documents",
        Shape::Names(&Shape::Map("document_type", &[DOCUMENT_TYPE])),
        "Outputs that others build on: typed, in versions, one for each key of their scope",
    ),
    Key::new(
        "triggers",
        Shape::List(&Shape::Map("trigger", &[TRIGGER])),
        "What starts runs by itself, once somebody has turned it on: times and webhooks",
    ),
];

static INPUT_TABLES: &[&[Key]] = &[INPUT, INPUT_SCHEMA];

static INPUT_TYPES: &[&str] = &["string", "integer", "number", "boolean", "object", "array", "file"];

/// The keys of an input.
pub static INPUT: &[Key] = &[
    Key::new("type", Shape::Words(INPUT_TYPES), "Its type").required(),
    Key::new("description", Shape::Text, "What it is for, for people"),
    Key::new("default", Shape::Value, "Taken when none is given; without one the input is required"),
    Key::new("schema", Shape::Schema, "What a value has to meet besides its type"),
    Key::new("stdin", Shape::Boolean, "Whether standard input fills it; one input at most").default("false"),
    Key::new(
        "index",
        Shape::Boolean,
        "Runs can be found by its value: of type `string`, `integer`, `number` or `boolean`",
    )
    .default("false"),
];

/// JSON Schema's words that stand in an input itself.
pub static INPUT_SCHEMA: &[Key] = &[
    Key::new("enum", Shape::List(&Shape::Value), "The values it may have"),
    Key::new("const", Shape::Value, "The one value it may have"),
    Key::new("minimum", Shape::Value, "JSON Schema"),
    Key::new("maximum", Shape::Value, "JSON Schema"),
    Key::new("exclusiveMinimum", Shape::Value, "JSON Schema"),
    Key::new("exclusiveMaximum", Shape::Value, "JSON Schema"),
    Key::new("multipleOf", Shape::Value, "JSON Schema"),
    Key::new("minLength", Shape::Value, "JSON Schema"),
    Key::new("maxLength", Shape::Value, "JSON Schema"),
    Key::new("pattern", Shape::Text, "A regular expression that a text has to match"),
    Key::new("items", Shape::Value, "JSON Schema of the elements of a list"),
    Key::new("minItems", Shape::Value, "JSON Schema"),
    Key::new("maxItems", Shape::Value, "JSON Schema"),
    Key::new("uniqueItems", Shape::Value, "JSON Schema"),
    Key::new("properties", Shape::Value, "JSON Schema of the keys of an object"),
    Key::new("required", Shape::Value, "Keys that an object has to have"),
    Key::new("additionalProperties", Shape::Value, "JSON Schema of all other keys of an object"),
    Key::new("minProperties", Shape::Value, "JSON Schema"),
    Key::new("maxProperties", Shape::Value, "JSON Schema"),
];

/// The keys of `defaults`.
pub static DEFAULTS: &[Key] = &[
    Key::new("timeout", Shape::Duration, "Time limit of one attempt").default("1h"),
    Key::new("retry", RETRY_SHAPE, "When a failed attempt is tried again"),
    Key::new("shell", Shape::Words(crate::actions::SHELLS), "What runs scripts").default("bash"),
    Key::new("cwd", Shape::Template, "Working folder; relative to the project's folder").default("."),
];

/// The keys that every step may have.
pub static STEP: &[Key] = &[
    Key::new(
        "id",
        Shape::Id,
        "Its name in the definition: snake_case, unique in its block and those around it",
    )
    .required(),
    Key::new("name", Shape::Text, "Its name for people"),
    Key::new(
        "needs",
        Shape::Either(&[Shape::List(&Shape::Id), Shape::Words(&["documents"])]),
        "Steps of the same block that must have ended before; default: all steps above. `documents`: those that it reads, with all inside of it",
    ),
    Key::new(
        "if",
        Shape::Condition,
        "False: the step is skipped, later steps go on. Evaluated once, before `foreach` and `loop`",
    ),
    Key::new(
        "foreach",
        Shape::Map("foreach", &[FOREACH]),
        "The action or group once per element of a list or map",
    ),
    Key::new("loop", Shape::Map("loop", &[LOOP]), "The action or group again until `until` holds"),
    Key::new(
        "next",
        Shape::Either(&[Shape::Target, Shape::List(&Shape::Map("next", &[NEXT]))]),
        "Of a state, which has to have it: where it leads. The first entry of a list that holds is taken. Not with `fail` and `finish`",
    ),
    Key::new(
        "on_error",
        Shape::Either(&[Shape::Words(&["stop", "continue"]), Shape::Map("on_error", &[CAUGHT])]),
        "What a failure does to the block; in a state also where it leads",
    )
    .default("stop"),
    Key::new("deadline", Shape::Duration, "Time limit for all of it: iterations, attempts, waits"),
    Key::new(
        "budget",
        BUDGET_SHAPE,
        "What all of it may use up, child runs included; past it the step fails",
    ),
    Key::new(
        "concurrency",
        Shape::Map("step_concurrency", &[STEP_CONCURRENCY]),
        "How many steps of all runs of the project with an equal key at once. Not in `finally`",
    ),
    Key::new(
        "retry",
        RETRY_SHAPE,
        "When a failed attempt is tried again. Not on groups, nor where people act",
    ),
    Key::new(
        "timeout",
        Shape::Duration,
        "Time limit of one attempt; of a wait, a child run or people's work the whole of it. Not on groups",
    ),
    Key::new(
        "undo",
        Shape::Beside,
        "Takes back what the step did: runs for each completed instance, newest first, when the run fails or is cancelled",
    ),
    Key::new(
        "verify",
        Shape::Beside,
        "Tells after a crash whether a step with `effect: once` has happened: it has when this succeeds",
    ),
    Key::new(
        "use",
        Shape::Id,
        "A template to start from: the step has its keys too. Of maps under the same key each key counts, anything else of the step replaces",
    ),
    Key::new(
        "produces",
        Shape::Id,
        "The document that its output is a version of: the step is completed when the version is accepted",
    ),
    Key::later("cache", "Reuse of results by content"),
    Key::later("labels", "Which workers may take it"),
];

/// The keys of a step that is a group.
pub static GROUP: &[Key] = &[
    Key::new("steps", Shape::Steps, "The steps of the group, in order; or `states`"),
    Key::new(
        "states",
        Shape::States,
        "A machine of states in place of `steps`; it begins with the first one",
    ),
    Key::new(
        "outputs",
        Shape::Names(&Shape::Any),
        "What the group gives back; without it a map from step id to output",
    ),
    Key::new(
        "join",
        Shape::Join,
        "How many of its steps must complete; other than `all` where they all have `needs: []`",
    )
    .default("all"),
    FINALLY,
];

/// Steps of the end of a block.
const FINALLY: Key = Key::new(
    "finally",
    Shape::Steps,
    "Steps that run once, in order, when the block has begun and ends, however it ends. No waits, child runs, `finish` or people in them",
);

/// The keys of an entry of `next`.
pub static NEXT: &[Key] = &[
    Key::new("when", Shape::Condition, "The entry is taken when this holds; without it always"),
    Key::new("go", Shape::Target, "Where it leads").required(),
    Key::new("max", Shape::Integer(1, limits::VISITS), "It counts as false once it was taken so often"),
];

/// The keys of `on_error` as a map.
pub static CAUGHT: &[Key] =
    &[Key::new("go", Shape::Target, "Where a failure of the state leads; `next` is not looked at")
        .required()];

/// What `join` may be beside a number.
pub static JOINS: &[&str] = &["all", "first", "majority", "settled"];

/// The keys of `undo` and `verify` beside those of their action.
pub static BESIDE: &[Key] = &[
    Key::new("retry", RETRY_SHAPE, "When a failed attempt is tried again; without expressions"),
    Key::new("timeout", Shape::Duration, "Time limit of one attempt; without expressions").default("1h"),
];

/// The keys of `foreach`.
pub static FOREACH: &[Key] = &[
    Key::new("in", Shape::Any, "The list or map, or with `parse` the file; read once, when the step starts")
        .required(),
    Key::new(
        "parse",
        Shape::Words(&["jsonl"]),
        "`in` gives a file, and each of its lines is an element, in JSON. They are read one by one",
    ),
    Key::new("as", Shape::Id, "Name of the element in expressions").default("item"),
    Key::new("key", Shape::Template, "Name of an element; without it the map's key, else the index"),
    Key::new("parallel", Shape::Integer(1, limits::PARALLEL), "How many at once").default("1"),
    Key::new("join", Shape::Join, "How many elements must complete").default("all"),
    Key::new(
        "scope",
        Shape::Id,
        "The scope whose keys the elements have: inside of the scope that the step stands in. Without `key` an element's `id` is its key, else one made of its content and place",
    ),
];

/// The keys of `loop`.
pub static LOOP: &[Key] = &[
    Key::new("max", Shape::Integer(1, limits::ITERATIONS), "At most so often").required(),
    Key::new(
        "until",
        Shape::Condition,
        "Evaluated after each iteration from `min` on; true ends the loop. Without it the loop is done after `max`",
    ),
    Key::new("min", Shape::Integer(1, limits::ITERATIONS), "At least so often").default("1"),
    Key::new(
        "on_exhausted",
        Shape::Words(&["fail", "continue"]),
        "What follows when `until` did not hold after `max`",
    )
    .default("fail"),
];

/// The keys of a scope.
pub static SCOPE: &[Key] = &[Key::new("parent", Shape::Id, "The scope around it")];

/// What `on_findings` may be.
pub static ON_FINDINGS: &[&str] = &["ask", "fail"];

/// The keys of a document that is declared.
pub static DOCUMENT_TYPE: &[Key] = &[
    Key::new("description", Shape::Text, "What it is, for people"),
    Key::new("scope", Shape::Id, "There is one for each key of this scope").default("that of the whole run"),
    Key::new(
        "schema",
        Shape::Schema,
        "What a version is held against; what is found goes back to its producer",
    ),
    Key::new(
        "on_findings",
        Shape::Words(ON_FINDINGS),
        "When `retry.attempts` versions in a row have missed the schema: people are asked, or the step fails",
    )
    .default("ask"),
    Key::new(
        "accept",
        Shape::Map("accept", &[ACCEPT]),
        "A gate on exactly the version: the step that produces it is completed when it is accepted",
    ),
];

/// What `on_full` may be.
pub static ON_FULL: &[&str] = &["queue", "cancel_old", "refuse"];

const PLACE_KEY: Key =
    Key::new("key", Shape::Template, "Runs and steps of the project whose keys are equal share the places");
const PLACE_MAX: Key = Key::new(
    "max",
    Shape::Integer(1, limits::PLACES),
    "How many places there are; the newest of those who ask says it",
)
.default("1");
const PLACE_ON_FULL: Key = Key::new(
    "on_full",
    Shape::Words(ON_FULL),
    "Without a free place: wait for one, first come first served; cancel the oldest that has one; or fail",
)
.default("queue");

/// What `overlap` may be.
pub static OVERLAP: &[&str] = &["skip", "queue", "cancel"];
/// What `missed` may be.
pub static MISSED: &[&str] = &["none", "latest", "all"];
/// What `format` of a webhook may be.
pub static FORMATS: &[&str] = &["standard", "github"];

/// The keys of a trigger.
pub static TRIGGER: &[Key] = &[
    Key::new(
        "cron",
        Shape::Text,
        "Times: minute, hour, day of the month, month, day of the week; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`",
    ),
    Key::new("tz", Shape::Text, "The time zone whose clocks count, by its name in the IANA database").default("UTC"),
    Key::new(
        "overlap",
        Shape::Words(OVERLAP),
        "At a time when a run before is under way: leave it out; let it wait; or cancel that run and start when it has ended",
    )
    .default("skip"),
    Key::new(
        "missed",
        Shape::Words(MISSED),
        "Of times that passed while no engine ran: none counts, the newest, or all",
    )
    .default("latest"),
    Key::new("jitter", Shape::Text, "Over how long the starts are spread, so that not all come at once: `5m`").default("0s"),
    Key::new("name", Shape::WorkflowName, "What the schedule is called; without it as the workflow, from the second trigger on with its number"),
    Key::new("webhook", Shape::WorkflowName, "In place of `cron`: a request to `/hooks/NAME` starts a run"),
    Key::new("secret", Shape::Text, "Of a webhook: the secret of the home that its senders sign with"),
    Key::new(
        "format",
        Shape::Words(FORMATS),
        "Of a webhook: how its senders sign, as Standard Webhooks has it or as GitHub does",
    )
    .default("standard"),
    Key::new("inputs", Shape::Names(&Shape::Any), "What a run is given. Only `event` is in reach: what started it"),
];

/// The keys of `concurrency` in the head.
pub static CONCURRENCY: &[Key] = &[PLACE_KEY.default("the workflow's name"), PLACE_MAX, PLACE_ON_FULL];

/// The keys of `concurrency` of a step.
pub static STEP_CONCURRENCY: &[Key] = &[PLACE_KEY.required(), PLACE_MAX, PLACE_ON_FULL];

/// The kinds of error that `retry.errors` may name.
pub static RETRY_ERRORS: &[&str] = &["timeout", "exit", "network", "rate_limit", "schema", "child"];

/// What `budget` takes.
const BUDGET_SHAPE: Shape = Shape::Map("budget", &[BUDGET]);

/// The keys of `budget`.
pub static BUDGET: &[Key] = &[
    Key::new(
        "attempts",
        Shape::Integer(1, limits::BUDGET),
        "How many attempts may be made: tries of programs and other effects, not those of `finally` and `undo`",
    ),
    Key::later("usd", "How much money agents may cost"),
    Key::later("tokens", "How many tokens agents may use"),
    Key::later("turns", "How many turns agents may take"),
];

/// What `retry` takes.
const RETRY_SHAPE: Shape =
    Shape::Either(&[Shape::Integer(1, limits::ATTEMPTS), Shape::Map("retry", &[RETRY])]);

/// The keys of `retry`.
pub static RETRY: &[Key] = &[
    Key::new("attempts", Shape::Integer(1, limits::ATTEMPTS), "How many tries, the first one counted")
        .default("1"),
    Key::new("wait", Shape::Duration, "Time before the second try").default("1s"),
    Key::new("factor", Shape::Number(1, 100), "By how much the wait grows with each try").default("2"),
    Key::new("max_wait", Shape::Duration, "The longest wait").default("1m"),
    Key::new("jitter", Shape::Number(0, 1), "Which part of the wait is left to chance").default("0.2"),
    Key::new("errors", Shape::List(&Shape::Words(RETRY_ERRORS)), "Kinds of error that are tried again")
        .default("[timeout, exit, network, rate_limit, schema, child]"),
];
