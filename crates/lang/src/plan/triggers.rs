//! What starts runs of a workflow by itself, once somebody has turned it on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Millis;
use crate::template::Template;

/// What starts runs.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// The name that it was given.
    pub name: Option<String>,
    /// By what.
    pub on: TriggerOn,
    /// What a run is given: a map, in which `event` is in reach.
    pub inputs: Template,
}

impl Trigger {
    /// What it is called, as the trigger at a place, from 0, of a workflow.
    pub fn called(&self, workflow: &str, at: usize) -> String {
        match (&self.on, &self.name, at) {
            (TriggerOn::Hook { name, .. }, ..) => name.clone(),
            (_, Some(name), _) => name.clone(),
            (_, None, 0) => workflow.to_owned(),
            (_, None, at) => format!("{workflow}-{}", at + 1),
        }
    }
}

/// By what runs are started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum TriggerOn {
    /// At times.
    Time {
        /// The rule.
        cron: String,
        /// Name of the time zone.
        zone: String,
        /// When a run before is still under way.
        #[serde(default)]
        overlap: Overlap,
        /// What was due while nothing ran.
        #[serde(default)]
        missed: Missed,
        /// Over how long the starts are spread.
        #[serde(default)]
        jitter: Millis,
    },
    /// By a request.
    Hook {
        /// What it is called, and the end of its path.
        name: String,
        /// Name of the secret that senders sign with.
        secret: String,
        /// How they sign.
        #[serde(default)]
        format: HookFormat,
    },
}

/// What becomes of a time at which a run before is still under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It is left out.
    #[default]
    Skip,
    /// It waits for its turn.
    Queue,
    /// The run is cancelled, and the new one starts when it has ended.
    Cancel,
}

/// What becomes of times that passed while nothing ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// Nothing.
    None,
    /// The newest of them counts.
    #[default]
    Latest,
    /// All count, one after the other.
    All,
}

/// How senders of a webhook sign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookFormat {
    /// As Standard Webhooks has it: id, time and body.
    #[default]
    Standard,
    /// As GitHub does: the body.
    Github,
}
