//! What is asked of schedules, and what is answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::schedule::{Past, Status};
use stead_lang::Bundle;
use stead_lang::plan::{Missed, Overlap, TriggerOn};

/// Something about what starts runs by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each operation")]
pub enum ScheduleOperation {
    /// Turn on what a workflow declares under `triggers`: all of it, or what has one of these names. Who does so starts
    /// the runs, which are pinned to this definition. `number` is its number in the library.
    TurnOn {
        bundle: Bundle,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        only: Vec<String>,
        #[serde(default)]
        project: String,
        #[serde(default)]
        folder: String,
        by: String,
    },
    /// Turn on times that the definition does not declare.
    Add {
        bundle: Bundle,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
        times: Times,
        #[serde(default)]
        inputs: Map<String, Value>,
        #[serde(default)]
        project: String,
        #[serde(default)]
        folder: String,
        by: String,
    },
    /// The schedules that are on, by name.
    List {
        /// Only of this project; an empty text: of none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<String>,
    },
    /// One schedule, also one that is off: its next times, at most so many, and what it did.
    Show { schedule: String, count: usize },
    /// Do something about a schedule.
    Change { schedule: String, change: Change, by: String },
    /// Start what was due in a time that has passed, from one instant on and before another, one after the other. With
    /// `dry_run` it is only told how many that are.
    Backfill {
        schedule: String,
        from: Time,
        to: Time,
        #[serde(default)]
        dry_run: bool,
        by: String,
    },
    /// A request of a webhook has come, and its signature was found right. Nobody else delivers.
    Deliver {
        /// The webhook.
        hook: String,
        /// What the sender calls it: what comes again under the same is the same.
        id: String,
        /// What the sender says that it is, beside the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
        headers: Map<String, Value>,
        body: Value,
    },
    /// The next times of a rule. It needs no home.
    Preview {
        cron: String,
        zone: String,
        /// Behind this instant; without it behind now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Time>,
        count: usize,
    },
}

/// Times, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// What the schedule is to be called.
    pub name: String,
    /// The rule.
    pub cron: String,
    /// Name of the time zone.
    pub zone: String,
    /// When a run before is still under way.
    #[serde(default)]
    pub overlap: Overlap,
    /// What was due while nothing ran.
    #[serde(default)]
    pub missed: Missed,
    /// Over how long the starts are spread, in milliseconds.
    #[serde(default)]
    pub jitter: u64,
}

/// What somebody does about a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It starts nothing until it is resumed, or until a time.
    Pause {
        /// That.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
    },
    /// It goes on.
    Resume,
    /// Its next instant is left out.
    Skip,
    /// A run is started now, beside the rule.
    Now,
    /// It is turned off. Runs under way go on.
    Off,
}

impl ScheduleOperation {
    /// Whether it changes something.
    pub fn writes(&self) -> bool {
        match self {
            Self::TurnOn { .. } | Self::Add { .. } | Self::Change { .. } | Self::Deliver { .. } => true,
            Self::Backfill { dry_run, .. } => !dry_run,
            Self::List { .. } | Self::Show { .. } | Self::Preview { .. } => false,
        }
    }

    /// The schedule that it is about.
    pub fn schedule(&self) -> Option<&str> {
        match self {
            Self::Show { schedule, .. } | Self::Change { schedule, .. } | Self::Backfill { schedule, .. } => {
                Some(schedule)
            }
            Self::Deliver { hook, .. } => Some(hook),
            Self::TurnOn { .. } | Self::Add { .. } | Self::List { .. } | Self::Preview { .. } => None,
        }
    }

    /// Who does it, where that is kept.
    pub(crate) fn by_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::TurnOn { by, .. }
            | Self::Add { by, .. }
            | Self::Change { by, .. }
            | Self::Backfill { by, .. } => Some(by),
            Self::List { .. } | Self::Show { .. } | Self::Preview { .. } | Self::Deliver { .. } => None,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the operation that asks")]
pub enum ScheduleAnswer {
    /// These are on, durably.
    On { schedules: Vec<ScheduleRow> },
    /// See [`ScheduleOperation::List`].
    Schedules { schedules: Vec<ScheduleRow> },
    /// See [`ScheduleOperation::Show`].
    Schedule { schedule: Box<ScheduleNow> },
    /// It is durable, and this is how it stands. `run` is the one that was asked for.
    Changed {
        schedule: Box<ScheduleRow>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<StreamId>,
    },
    /// What a backfill would start.
    Counted { count: usize, first: Coming, last: Coming },
    /// See [`ScheduleOperation::Deliver`]: this run is started, durably.
    Delivered { run: StreamId },
    /// See [`ScheduleOperation::Preview`].
    Times(Box<Preview>),
}

/// A schedule in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleRow {
    /// Its stream.
    pub schedule: StreamId,
    /// What it is called.
    pub name: String,
    /// The workflow.
    pub workflow: String,
    /// What its runs are pinned to.
    pub revision: String,
    /// Number of that in the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Number of the newest in the library, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<u32>,
    /// By what runs are started.
    pub on: TriggerOn,
    /// The same in words.
    pub words: String,
    /// Project of its runs.
    pub project: String,
    /// Who starts them.
    pub owner: String,
    /// What it does.
    #[serde(flatten)]
    pub status: Status,
    /// Why it is halted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The next times, without those that may come of a pause: the first few.
    pub next: Vec<Coming>,
    /// Runs under way, the first few.
    pub running: Vec<StreamId>,
    /// Instants that wait for them.
    pub waiting: usize,
    /// Runs that were started.
    pub started: u64,
    /// Instants that were left out.
    pub skipped: u64,
    /// Instants that passed while nothing ran, and do not count.
    pub missed: u64,
    /// What was over last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Past>,
}

/// A schedule with all there is to tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleNow {
    /// As in lists, with more of its next times.
    #[serde(flatten)]
    pub row: ScheduleRow,
    /// What runs are given, where no definition says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Map<String, Value>>,
    /// Changes of the clock up to the last of its next times.
    pub clock: Vec<ClockChange>,
    /// What is over, the newest first.
    pub history: Vec<Past>,
}

/// A time that comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coming {
    /// The instant.
    pub at: Time,
    /// As clocks of the zone show it, with the offset.
    pub local: String,
    /// When a run starts then, where starts are spread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Time>,
    /// The clock jumps over the time of the rule, and this is right after the jump.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
}

/// A change of the clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockChange {
    /// When.
    pub at: Time,
    /// As clocks show it from then on.
    pub local: String,
    /// By how many seconds clocks are set forward; negative: back.
    pub by: i32,
}

/// The next times of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// The rule.
    pub cron: String,
    /// In words.
    pub words: String,
    /// Name of the zone.
    pub zone: String,
    /// The times.
    pub next: Vec<Coming>,
    /// Changes of the clock among them.
    pub clock: Vec<ClockChange>,
}
