//! What a schedule is, and what is told of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stead_lang::plan::TriggerOn;

use crate::Time;
use crate::ids::StreamId;
use crate::status::{Outcome, RunStatus};

/// What is to be started, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// What the schedule is called.
    pub name: String,
    /// Name of the workflow.
    pub workflow: String,
    /// The revision that its runs are pinned to.
    pub revision: String,
    /// Number of that in the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// By what.
    pub on: TriggerOn,
    /// What runs are given.
    pub given: Given,
    /// Project of its runs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub project: String,
    /// Folder of its runs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// Who has turned it on, and starts its runs.
    pub owner: String,
}

/// What runs are given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// What the trigger at this place of the definition, from 0, says.
    Trigger(usize),
    /// These.
    Values(Map<String, Value>),
}

/// Why a run is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ScheduleCause")]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// Its time has come.
    Due {
        /// The instant by the rule.
        instant: Time,
    },
    /// Its time passed while nothing ran.
    Missed {
        /// The instant by the rule.
        instant: Time,
    },
    /// Somebody asked for times that have passed.
    Backfill {
        /// The instant by the rule.
        instant: Time,
    },
    /// Somebody asked for a run now.
    Now {
        /// Counted.
        number: u64,
        /// When.
        at: Time,
        /// Who.
        by: String,
    },
    /// A request came.
    Delivery {
        /// Its id.
        id: String,
        /// When.
        at: Time,
    },
}

impl Cause {
    /// The instant that it is about.
    pub fn instant(&self) -> Time {
        match self {
            Self::Due { instant } | Self::Missed { instant } | Self::Backfill { instant } => *instant,
            Self::Now { at, .. } | Self::Delivery { at, .. } => *at,
        }
    }

    /// By what the run's id is told apart from those of other causes: an instant is started once, however that came
    /// about.
    fn key(&self) -> String {
        match self {
            Self::Due { instant } | Self::Missed { instant } | Self::Backfill { instant } => {
                format!("at {instant}")
            }
            Self::Now { number, .. } => format!("now {number}"),
            Self::Delivery { id, .. } => format!("delivery {id}"),
        }
    }

    /// The run that a schedule starts for it: always the same, however often that is asked for.
    pub fn run(&self, schedule: &StreamId) -> StreamId {
        StreamId::scheduled(schedule, &self.key())
    }
}

/// The next instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// By the rule.
    pub instant: Time,
    /// When it is looked at: later, where starts are spread.
    pub due: Time,
}

/// A run that was started and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRun {
    /// Why it was started.
    pub cause: Cause,
    /// Since when.
    pub since: Time,
    /// It was told to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
}

/// Something that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SchedulePast")]
pub struct Past {
    /// When.
    pub at: Time,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ScheduleEvent")]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the events")]
pub enum What {
    /// A run has ended.
    Ran { run: StreamId, cause: Cause, status: RunStatus, outcome: Outcome },
    /// An instant was left out.
    Skipped { cause: Cause, why: SkipWhy },
    /// Instants passed while nothing ran, and do not count. `more`: there were more than are counted.
    Missed { first: Time, last: Time, count: u64, more: bool },
    /// No run could be started: why.
    NotStarted { cause: Cause, why: String },
}

/// Why an instant was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ScheduleSkip")]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum SkipWhy {
    /// The run before is still under way.
    StillRunning {
        /// That.
        run: StreamId,
    },
    /// As many wait as may.
    QueueFull,
    /// A newer one waits in its place.
    Replaced,
    /// Somebody wanted it so.
    Asked {
        /// Who.
        by: String,
    },
}
