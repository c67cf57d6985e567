//! The keys of what people are asked.

use super::{Key, Shape};
use crate::limits;
use crate::questions::{ANSWER_TYPES, PRIORITIES};

/// What begins an entry of `by` and `not`, before the name.
pub static WHO: &[&str] = &["user", "group", "role", "agent", "step"];

/// What an entry of `by` and `not` may be without a name.
pub static WHO_WORDS: &[&str] = &["starter", "agents"];

/// What an entry of `not` may be besides: whoever worked on what is shown, and whoever decided here before.
pub static NOT_WORDS: &[&str] = &["authors", "deciders"];

pub(crate) const TITLE: Key =
    Key::new("title", Shape::Template, "What is asked, in a line; without it the step's name, else its id");
pub(crate) const SHOW: Key = Key::new(
    "show",
    Shape::Either(&[Shape::List(&Shape::Id), Shape::Names(&Shape::Any)]),
    "What they see: steps whose outputs are shown, or labels with values",
);
pub(crate) const FORM: Key =
    Key::new("form", Shape::Schema, "What they fill in: a JSON Schema of `type: object`");
const WHO_SHAPE: Shape = Shape::List(&Shape::Template);
pub(crate) const BY: Key = Key::new(
    "by",
    WHO_SHAPE,
    "Who may: `user:NAME`, `group:NAME`, `role:NAME`, `agent:NAME`, `starter`, `agents`, `step:ID` for whoever worked on a step",
);
pub(crate) const NOT: Key = Key::new(
    "not",
    WHO_SHAPE,
    "Who may not, whatever `by` says; written as there, or `authors` for whoever worked on what is shown, `deciders` for whoever decided an earlier instance of it",
);
pub(crate) const REMIND: Key = Key::new("remind", Shape::Duration, "How often they are reminded");
pub(crate) const ESCALATION: Key =
    Key::new("escalate", ESCALATE_SHAPE, "Who is asked as well when nobody did it");

pub(crate) const QUORUM: Key =
    Key::new("quorum", Shape::Integer(1, limits::QUORUM), "So many accept").default("1");
pub(crate) const REJECTS: Key =
    Key::new("rejects", Shape::Integer(1, limits::QUORUM), "So many reject").default("1");
pub(crate) const WHEN_TIME_IS_UP: Key = Key::new(
    "on_timeout",
    Shape::Words(ON_TIMEOUT),
    "What the end of the `timeout` does: the step fails, or it is decided so in the engine's name",
)
.default("fail");

/// The keys of `accept` of a document.
pub static ACCEPT: &[Key] = &[
    TITLE.default("what is to be accepted"),
    FORM,
    BY.default("[role:approver]"),
    NOT,
    QUORUM,
    REJECTS,
    REMIND,
    ESCALATION,
    Key::new("timeout", Shape::Duration, "Time limit of the gate"),
    WHEN_TIME_IS_UP,
    Key::new(
        "revise",
        Shape::Integer(0, limits::REDOS),
        "How often a rejected version is made anew, with the comment as `feedback`; rejected once more, the step fails",
    )
    .default("0"),
];

/// What `escalate` takes.
const ESCALATE_SHAPE: Shape = Shape::Map("escalate", &[ESCALATE]);

/// The keys of `escalate`.
pub static ESCALATE: &[Key] = &[
    Key::new("after", Shape::Duration, "So long after it was asked").required(),
    Key::new("to", WHO_SHAPE, "Who may from then on as well; written as in `by`").required(),
];

/// What `on_timeout` of a gate may be.
pub static ON_TIMEOUT: &[&str] = &["fail", "accept", "reject"];

/// What `on_reject` may be beside a map.
pub static ON_REJECT: &[&str] = &["fail", "continue"];

/// The keys of `on_reject` as a map.
pub static REDO: &[Key] = &[
    Key::new(
        "redo",
        Shape::Id,
        "A step of the same block that the gate needs: it starts again with all that needs it, the comment as `feedback`",
    )
    .required(),
    Key::new("max", Shape::Integer(1, limits::REDOS), "So often; rejected once more, the gate fails")
        .default("1"),
];

/// The keys of a question.
pub static QUESTION: &[Key] = &[
    Key::new("id", Shape::Id, "The key of its answer in the output").required(),
    Key::new("text", Shape::Template, "What is asked").required(),
    Key::new("why_it_matters", Shape::Template, "Why, for the one who answers"),
    Key::new("priority", Shape::Words(PRIORITIES), "How much depends on it").default("must"),
    Key::new("answer_type", Shape::Words(ANSWER_TYPES), "What answers it; `choice` where there are choices")
        .default("text"),
    Key::new(
        "choices",
        Shape::List(&Shape::Template),
        "What there is to choose from: one or, for `choices`, several",
    ),
    Key::new("default", Shape::Any, "The answer that is proposed"),
    Key::new("required", Shape::Boolean, "Whether it has to be answered; without it, of those that `must`"),
];
