//! What runs and tasks say to each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::ids::StreamId;
use crate::message::Message;
use crate::value::Payload;

/// What kind of answer a task wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A decision on something shown: accept or reject.
    Gate,
    /// Answers to questions, or a form.
    Questions,
}

impl TaskKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskKind::Gate => "gate",
            TaskKind::Questions => "questions",
        }
    }
}

/// Where a task comes from: the step instance that waits for its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The run.
    pub run: StreamId,
    /// The run above all that started it; the same one, where nobody did.
    pub top: StreamId,
    /// The step instance.
    pub path: String,
    /// How often the instance has opened a task, this one included.
    pub number: u32,
    /// The run's workflow.
    pub workflow: String,
    /// Whose run it is; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub project: String,
}

/// What a time-out decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// Nothing: the step fails.
    #[default]
    Fail,
    /// It is accepted, in the engine's name.
    Accept,
    /// It is rejected, in the engine's name.
    Reject,
}

impl From<stead_lang::plan::OnTimeout> for OnTimeout {
    fn from(said: stead_lang::plan::OnTimeout) -> Self {
        match said {
            stead_lang::plan::OnTimeout::Fail => Self::Fail,
            stead_lang::plan::OnTimeout::Accept => Self::Accept,
            stead_lang::plan::OnTimeout::Reject => Self::Reject,
        }
    }
}

impl From<stead_lang::plan::PeopleKind> for TaskKind {
    fn from(said: stead_lang::plan::PeopleKind) -> Self {
        match said {
            stead_lang::plan::PeopleKind::Gate => Self::Gate,
            stead_lang::plan::PeopleKind::Questions => Self::Questions,
        }
    }
}

/// Who else may act, and after how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Escalate {
    /// After so many milliseconds.
    pub after: u64,
    /// These as well.
    pub to: Vec<String>,
}

/// What people are asked.
///
/// Names of people are `user:NAME`, `group:NAME`, `role:NAME`, `agent:NAME`, or `agents` for all agents. `starter`,
/// `step:ID`, `authors` and `deciders` stand for people by name by the time they come here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// What kind of answer is wanted.
    pub kind: TaskKind,
    /// The step instance that waits.
    pub origin: Origin,
    /// In a line.
    pub title: String,
    /// What is shown: a list of pairs of a label and a value.
    pub shown: Payload,
    /// JSON Schema of what is handed in beside a decision, or instead of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Payload>,
    /// The questions: a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<Payload>,
    /// Hash over all that is shown: what a decision is bound to.
    pub version: String,
    /// Who may act.
    pub by: Vec<String>,
    /// Who may not, whatever else they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<String>,
    /// So many accept.
    pub quorum: u32,
    /// So many reject.
    pub rejects: u32,
    /// Milliseconds between reminders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<u64>,
    /// Who else may act, later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Escalate>,
    /// When it is out of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Time>,
    /// What that decides.
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// So many have accepted.
    Accepted,
    /// So many have rejected.
    Rejected,
    /// The questions are answered.
    Answered,
    /// Nobody did in time.
    TimedOut,
    /// The run does not want it any more.
    Withdrawn,
}

impl Ended {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Ended::Accepted => "accepted",
            Ended::Rejected => "rejected",
            Ended::Answered => "answered",
            Ended::TimedOut => "timed_out",
            Ended::Withdrawn => "withdrawn",
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a run says to a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each message")]
pub enum ToTask {
    /// Ask these people this.
    OpenTask { asked: Box<Asked> },
    /// It is not wanted any more: why, for people. Its end is told in any case.
    WithdrawTask { why: String },
}

/// What a task says to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each message")]
pub enum ToRun {
    /// It has ended. `output` is what its step gives: the decision, or the answers. `comments` is what those who
    /// rejected it said.
    TaskEnded {
        path: String,
        number: u32,
        ended: Ended,
        /// Who had a part in it, for those that must not act on what they made themselves.
        by: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Payload>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comments: Option<String>,
        /// It was decided for want of an answer.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        timed_out: bool,
    },
}

impl ToTask {
    /// Reads what a message says.
    pub fn of(message: &Message) -> Option<Self> {
        serde_json::from_value(message.body.clone()).ok()
    }
}

impl ToRun {
    /// Reads what a message says.
    pub fn of(message: &Message) -> Option<Self> {
        serde_json::from_value(message.body.clone()).ok()
    }
}
