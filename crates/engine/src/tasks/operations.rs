//! What is asked of tasks, and what is answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stead_core::Time;
use stead_core::allowed::Allowed;
use stead_core::ids::StreamId;
use stead_core::task::{Claim, TaskHead};

/// Something about what people are asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each operation")]
pub enum TaskOperation {
    /// Tasks that pass a query: without more, the inbox of who asks.
    List { query: TaskQuery, by: String },
    /// One task with all that is shown. `task` is its id, `RUN/STEP`, or a run that asks for one thing only.
    Show { task: String, by: String },
    /// Do something about a task, named likewise.
    Act { task: String, deed: Deed, by: String },
    /// Keeps what somebody has filled in and not handed in, for themselves only; none: throws it away. `based_on` is
    /// the etag of the draft that it takes the place of, empty where there was none: another one that is there by now
    /// is told then. Without it the last one wins. It needs no engine.
    Draft {
        task: String,
        draft: Option<Draft>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        based_on: Option<String>,
        by: String,
    },
}

/// What somebody has filled in and not handed in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Draft {
    /// What they lean to, at a gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept: Option<bool>,
    /// What they would say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// The form or the answers so far; what does not fit yet may stand in it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub form: Map<String, Value>,
}

/// A draft as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DraftNow {
    /// What it holds.
    #[serde(flatten)]
    pub draft: Draft,
    /// Names what it holds.
    pub etag: String,
    /// When it was saved.
    pub saved_at: Time,
}

/// Which tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskQuery {
    /// All of them, not only those that who asks may act on.
    pub everybody: bool,
    /// Those that are over, in which who asks had a part; the newest first.
    pub done: bool,
    /// Only those of this run and the runs it started, named as for every operation.
    pub run: Option<String>,
    /// Only those that come after this one in the list: the next page.
    pub after: Option<String>,
    /// At most so many; 0: no limit.
    pub limit: usize,
}

/// What somebody does about a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each deed")]
pub enum Deed {
    /// Accepts, or rejects. `version` is that of what was looked at.
    Decide {
        accept: bool,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        comment: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    /// Answers, by the ids of the questions or as the form says.
    Answer {
        answers: Value,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        comment: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    /// Works on it, so that others leave it alone.
    Claim,
    /// Gives it back.
    Release,
    /// Will not act.
    Skip { reason: String },
    /// Gives the own part to somebody else, by any of their names.
    Delegate { to: String },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the operation that asks")]
pub enum TaskAnswer {
    /// See [`TaskOperation::List`].
    Tasks { tasks: Vec<TaskRow> },
    /// See [`TaskOperation::Show`].
    Task { task: Box<TaskNow> },
    /// See [`TaskOperation::Act`]: it is durable, and this is how the task stands.
    Acted { task: Box<TaskRow> },
    /// See [`TaskOperation::Draft`]: it is durable; none, where it was thrown away.
    Drafted { draft: Option<DraftNow> },
}

/// A task in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskRow {
    /// The task.
    pub task: StreamId,
    /// What lists show.
    #[serde(flatten)]
    pub head: TaskHead,
    /// When who asks has saved a draft of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft_at: Option<Time>,
}

/// A task with all that is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskNow {
    /// The task.
    pub task: StreamId,
    /// What lists show.
    #[serde(flatten)]
    pub head: TaskHead,
    /// What a decision is bound to.
    pub version: String,
    /// What is shown: label and value.
    pub shown: Vec<(String, Value)>,
    /// JSON Schema of what is handed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Value>,
    /// The questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<Value>,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// What was handed in so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Said>,
    /// Who gave it to whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegated: Vec<(String, String)>,
    /// Who will not act, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<(String, String)>,
    /// Why who asks may not act on it; none, where they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barred: Option<String>,
    /// What who asks may do about it now, and why not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_actions: Vec<Allowed>,
    /// What who asks has filled in and not handed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<DraftNow>,
    /// Who can still act on it.
    pub eligible: Eligible,
}

/// Who can still act on a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Eligible {
    /// Whoever works in this home, which has no people.
    Anybody,
    /// These; as many have to act yet as `needed` says. Fewer than that: it cannot come to its end by them.
    People {
        /// By name.
        who: Vec<String>,
        /// So many have to accept yet, or one has to answer.
        needed: u32,
    },
}

impl Eligible {
    /// Why nobody, or too few, are left.
    pub fn too_few(&self) -> Option<String> {
        let Eligible::People { who, needed } = self else { return None };
        let few = u32::try_from(who.len()).unwrap_or(u32::MAX) < *needed;
        few.then(|| match who.len() {
            0 => "nobody is left who may act on it".to_owned(),
            1 => format!("{needed} have to act on it, and only {} may", who[0]),
            n => format!("{needed} have to act on it, and only {n} may: {}", who.join(", ")),
        })
    }
}

/// What somebody has handed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// Who.
    pub by: String,
    /// When.
    pub at: Time,
    /// The decision, of a gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<bool>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// The form or the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Value>,
}

impl TaskOperation {
    /// Who does it.
    pub(crate) fn by_mut(&mut self) -> &mut String {
        match self {
            TaskOperation::List { by, .. }
            | TaskOperation::Show { by, .. }
            | TaskOperation::Act { by, .. }
            | TaskOperation::Draft { by, .. } => by,
        }
    }
}
