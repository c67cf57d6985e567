//! The row of a task in lists: inboxes read it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::state::{TaskState, TaskStatus};
use super::words::{Ended, Origin, TaskKind};
use crate::Time;

/// What lists show of a task. Written when a listed value changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskHead {
    /// The step instance that waits.
    pub origin: Origin,
    /// What kind of answer is wanted.
    pub kind: TaskKind,
    /// In a line.
    pub title: String,
    /// Status.
    pub status: TaskStatus,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// When it was opened.
    pub opened_at: Time,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// When it is out of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Time>,
    /// Whose inbox it is in: who may act, the escalation included, without those who have acted, have given it to
    /// somebody else, or will not act. Nobody's, once it is over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Who may not act, and who has done what they can: left out of the inbox though `to` means them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<String>,
    /// Who works on it, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<(String, Time)>,
    /// How far it is.
    pub part: Part,
    /// Who has had a part in it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acted: Vec<String>,
}

/// How many have accepted and rejected, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TaskPart")]
pub struct Part {
    /// So many have accepted.
    pub accepts: u32,
    /// Of so many that must.
    pub quorum: u32,
    /// So many have rejected.
    pub rejects: u32,
    /// Of so many that end it.
    pub most: u32,
}

impl TaskState {
    /// What lists show; `None` before it is opened.
    pub fn head(&self) -> Option<TaskHead> {
        let asked = self.asked.as_deref()?;
        let (accepts, rejects) = self.votes();
        let mut to: Vec<String> = Vec::new();
        let mut not = asked.not.clone();
        if !self.status.is_end() {
            to.extend(asked.by.iter().chain(self.escalated.iter().flatten()).cloned());
            to.extend(self.delegated.iter().map(|(_, to)| to.clone()));
            let out = self.submissions.iter().map(|one| &one.by);
            let out = out.chain(self.delegated.iter().map(|(from, _)| from));
            let out = out.chain(self.skipped.iter().map(|(who, _)| who));
            for who in out {
                to.retain(|one| one != who);
                if !not.contains(who) {
                    not.push(who.clone());
                }
            }
            to.sort();
            to.dedup();
        }
        Some(TaskHead {
            origin: asked.origin.clone(),
            kind: asked.kind,
            title: asked.title.clone(),
            status: self.status,
            ended: self.ended.map(|(_, ended)| ended),
            opened_at: self.opened_at,
            ended_at: self.ended.map(|(at, _)| at),
            due_at: asked.due_at,
            to,
            not,
            claimed: self.claim.as_ref().map(|claim| (claim.by.clone(), claim.until)),
            part: Part { accepts, quorum: asked.quorum, rejects, most: asked.rejects },
            acted: self.submissions.iter().map(|one| one.by.clone()).collect(),
        })
    }
}
