//! What a library refuses.

use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_core::ids::StreamId;

/// Why a library did not do what it was asked to. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// No such workflow.
    #[error("there is no workflow `{name}` in the library")]
    Unknown {
        /// As it was asked for.
        name: String,
        /// The name that is most like it.
        near: Option<String>,
    },
    /// No such revision.
    #[error("`{name}` has no revision {number}: its newest is {name}@{newest}")]
    NoRevision {
        /// The workflow.
        name: String,
        /// As it was asked for.
        number: u32,
        /// The newest there is.
        newest: u32,
    },
    /// It was deleted.
    #[error("`{name}` was deleted by {by}")]
    Deleted {
        /// The workflow.
        name: String,
        /// When.
        at: Time,
        /// By whom.
        by: String,
    },
    /// It was not deleted.
    #[error("`{name}` is not deleted")]
    NotDeleted {
        /// The workflow.
        name: String,
    },
    /// The name is that of a workflow that has another text, and nothing says that this one was made from it.
    #[error("`{name}` is in the library already: {name}@{newest}, saved by {by}, is another text")]
    Taken {
        /// The name.
        name: String,
        /// Its newest revision.
        newest: u32,
        /// When that was saved.
        at: Time,
        /// By whom.
        by: String,
    },
    /// Somebody has saved another revision meanwhile.
    #[error("this text was made from {name}@{base}, and {name}@{newest} was saved by {by} meanwhile")]
    NotNewest {
        /// The workflow.
        name: String,
        /// What the text was made from.
        base: u32,
        /// Its newest revision.
        newest: u32,
        /// When that was saved.
        at: Time,
        /// By whom.
        by: String,
    },
    /// Another workflow has the name.
    #[error("the name `{name}` is taken{}", if *.deleted { " by a workflow that was deleted" } else { "" })]
    NameTaken {
        /// The name, as the other one has it.
        name: String,
        /// Whether that one is deleted.
        deleted: bool,
    },
    /// Others call it by name.
    #[error("`{name}` is called by {}", callers.join(", "))]
    Called {
        /// The workflow.
        name: String,
        /// Who calls it.
        callers: Vec<String>,
    },
    /// Runs of it are open.
    #[error("`{name}` has runs that have not ended: {}", names(runs))]
    Running {
        /// The workflow.
        name: String,
        /// Some of the runs, the newest first.
        runs: Vec<StreamId>,
    },
}

fn names(runs: &[StreamId]) -> String {
    let mut names: Vec<&str> = runs.iter().map(StreamId::as_str).collect();
    if names.len() >= super::RUNS_NAMED {
        names.push("…");
    }
    names.join(", ")
}

impl Refusal {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "S0701",
            Self::NoRevision { .. } => "S0702",
            Self::Deleted { .. } => "S0703",
            Self::NotDeleted { .. } => "S0704",
            Self::Taken { .. } => "S0705",
            Self::NotNewest { .. } => "S0706",
            Self::NameTaken { .. } => "S0707",
            Self::Called { .. } => "S0708",
            Self::Running { .. } => "S0709",
        }
    }

    /// What to try.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "`stead workflows` lists the library, `stead save FILE` adds to it.",
            Self::NoRevision { .. } => "`stead history NAME` lists its revisions.",
            Self::Deleted { .. } => "`stead restore NAME` takes it back, with all its revisions.",
            Self::NotDeleted { .. } => "`stead workflows --deleted` lists what can be restored.",
            Self::Taken { .. } => {
                "See what is different; then say which revision this text is to follow, or save it under another name."
            }
            Self::NotNewest { .. } => {
                "Bring what is new there into this text, then say that it is based on the newest."
            }
            Self::NameTaken { .. } => "Choose another name.",
            Self::Called { .. } => "Change these first: they would not find it any more.",
            Self::Running { .. } => "Let them end, or end them with `stead cancel RUN`.",
        }
    }
}
