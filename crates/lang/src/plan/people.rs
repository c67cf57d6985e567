//! What people are asked: gates and questions.

use serde_json::Value;

use super::Setting;
use crate::duration::Millis;
use crate::template::Template;

/// What people are asked: a gate, or questions.
#[derive(Debug, Clone)]
pub struct People {
    /// Which of the two.
    pub kind: PeopleKind,
    /// What is asked, in a line; the step's name or its id where it says nothing else.
    pub title: Template,
    /// What they are shown: label and value, in order.
    pub show: Vec<(String, Template)>,
    /// JSON Schema of what they fill in: of an object.
    pub form: Option<Value>,
    /// A list of questions; those that are computed are held against [`crate::questions::read`] once they are there.
    pub questions: Option<Template>,
    /// Who may: texts such as `role:approver`, `starter` or `step:ID`.
    pub by: Vec<Template>,
    /// Who may not, whatever `by` says: as there, and `authors` and `deciders`.
    pub not: Vec<Template>,
    /// So many accept.
    pub quorum: Setting<u32>,
    /// So many reject.
    pub rejects: Setting<u32>,
    /// How often they are reminded.
    pub remind: Option<Setting<Millis>>,
    /// Who is asked as well when nobody did it.
    pub escalate: Option<Escalate>,
    /// What the end of the step's `timeout` does.
    pub on_timeout: OnTimeout,
    /// What a rejection does.
    pub on_reject: OnReject,
}

impl People {
    /// The steps that are read for what is shown.
    pub fn shown_steps(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        for expression in self.show.iter().flat_map(|(_, shown)| shown.expressions()) {
            let steps = expression.1.references().iter().filter(|reference| reference.root == "steps");
            ids.extend(steps.filter_map(|reference| reference.field(0)));
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// What people are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeopleKind {
    /// A decision on what is shown.
    Gate,
    /// Answers.
    Questions,
}

/// Who is asked as well when nobody did it.
#[derive(Debug, Clone)]
pub struct Escalate {
    /// So long after it was asked.
    pub after: Setting<Millis>,
    /// Who: as in `by`.
    pub to: Vec<Template>,
}

/// What the end of the time does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnTimeout {
    /// The step fails.
    #[default]
    Fail,
    /// It is accepted, in the engine's name.
    Accept,
    /// It is rejected, in the engine's name, and never redone.
    Reject,
}

/// What a rejection does.
#[derive(Debug, Clone, Default)]
pub enum OnReject {
    /// The step fails.
    #[default]
    Fail,
    /// The step completes, and the decision is read.
    Continue,
    /// A step above starts again, with all that needs it.
    Redo {
        /// Its position in the gate's block.
        step: usize,
        /// So often; then the gate fails.
        max: Setting<u32>,
    },
}
