//! What is asked of the people, and what is answered.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::people::{Actor, Change, Edit, Grant, User};

/// Something to be done with the people of a home, or told of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each operation")]
pub enum PeopleOperation {
    /// All people and groups.
    List,
    /// What was changed, the newest first. 0 changes: all.
    Changes { skip: usize, limit: usize },
    /// Change something, all of it or nothing. Who adds the first people becomes admin along with them.
    Edit { edits: Vec<Edit>, by: String },
    /// Who the one is that asks.
    Me,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the operation that asks")]
pub enum PeopleAnswer {
    /// See [`PeopleOperation::List`].
    People { users: Vec<UserRow>, groups: Vec<GroupRow> },
    /// See [`PeopleOperation::Changes`].
    Changes { changes: Vec<Change> },
    /// See [`PeopleOperation::Edit`]. `founder`: who became admin by it. `left`: tasks that something was taken from.
    Edited {
        changes: Vec<Change>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        founder: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<LeftTask>,
    },
    /// See [`PeopleOperation::Me`]. `system`: what the system calls the user of the process that answers. `means`: by
    /// what it is known who asks: `socket`, `step`, `token NAME`.
    Me { actor: Actor, system: String, means: String },
}

/// An open task that a change of the people has left without those who would do it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeftTask {
    /// The task.
    pub task: StreamId,
    /// The run that asks.
    pub run: StreamId,
    /// The step of it.
    pub path: String,
    /// In a line.
    pub title: String,
    /// Nobody may act on it any more.
    pub nobody: bool,
    /// Who has claimed it and is gone, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<(String, Time)>,
}

/// Somebody in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserRow {
    /// The name as the history has it.
    pub id: String,
    /// What is kept of them.
    #[serde(flatten)]
    pub user: User,
    /// Groups that they are in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Roles that hold everywhere, those of groups and those that come with others included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may: Vec<String>,
}

/// A group in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupRow {
    /// Its name.
    pub name: String,
    /// Who is in it; removed ones are left out.
    pub members: Vec<String>,
    /// Roles that they have by it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Grant>,
    /// When it was made.
    pub created_at: Time,
    /// By whom.
    pub created_by: String,
}
