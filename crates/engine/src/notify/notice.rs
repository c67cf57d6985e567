//! What is told: made of the events of a turn, by one table.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::run::{Event as RunEvent, RunState};
use stead_core::status::Outcome;
use stead_core::task::{Event as TaskEvent, TaskKind, TaskState};
use stead_store::{Commit, Job};

use super::KIND;
use super::rules::Rules;
use crate::limits;

/// What somebody can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A decision is wanted.
    Gate,
    /// Answers are wanted.
    Questions,
    /// A task was given to somebody else.
    Delegation,
    /// A task still waits.
    Reminder,
    /// Others may act on a task as well.
    Escalation,
    /// A run has failed.
    RunFailed,
    /// A run has completed, and something in it has not.
    RunDegraded,
    /// A run has completed.
    RunCompleted,
    /// A run was cancelled.
    RunCancelled,
}

impl Occasion {
    /// All, with the words that rules have for them, and what stands before the title.
    pub const ALL: [(Self, &'static str, &'static str); 9] = [
        (Self::Gate, "gate", "Decision wanted"),
        (Self::Questions, "questions", "Answers wanted"),
        (Self::Delegation, "delegation", "Given to you"),
        (Self::Reminder, "reminder", "Still waiting"),
        (Self::Escalation, "escalation", "Waiting for somebody"),
        (Self::RunFailed, "run_failed", "Failed"),
        (Self::RunDegraded, "run_degraded", "Completed, degraded"),
        (Self::RunCompleted, "run_completed", "Completed"),
        (Self::RunCancelled, "run_cancelled", "Cancelled"),
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(known, ..)| *known == self).map_or("", |(_, word, _)| word)
    }

    fn heading(self) -> &'static str {
        Self::ALL.iter().find(|(known, ..)| *known == self).map_or("", |(.., heading)| heading)
    }
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// What happened.
    pub event: Occasion,
    /// When.
    pub at: Time,
    /// What it is about, in a line.
    pub title: String,
    /// The run.
    pub run: StreamId,
    /// Its workflow.
    pub workflow: String,
    /// Its project; empty for none.
    #[serde(default)]
    pub project: String,
    /// The step that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<StreamId>,
    /// Who is asked, as the definition names them; of a run, who started it.
    #[serde(default)]
    pub asked: Vec<String>,
    /// Who is not, though `asked` means them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What the events of a turn of a task tell of, with the number of each event. `task` is as it is behind them.
fn of_task(id: &StreamId, task: &TaskState, events: &[TaskEvent], at: Time) -> Vec<(u64, Notice)> {
    let first = task.seq + 1 - events.len() as u64;
    let mut found = Vec::new();
    for (seq, event) in (first..).zip(events) {
        let (occasion, asked) = match event {
            TaskEvent::TaskOpened { asked } => match asked.kind {
                TaskKind::Gate => (Occasion::Gate, None),
                TaskKind::Questions => (Occasion::Questions, None),
            },
            TaskEvent::TaskDelegated { to, .. } => (Occasion::Delegation, Some(vec![to.clone()])),
            TaskEvent::TaskReminded { .. } => (Occasion::Reminder, None),
            TaskEvent::TaskEscalated { to } => (Occasion::Escalation, Some(to.clone())),
            TaskEvent::TaskClaimed { .. }
            | TaskEvent::TaskReleased { .. }
            | TaskEvent::TaskSkipped { .. }
            | TaskEvent::TaskDecided { .. }
            | TaskEvent::TaskAnswered { .. }
            | TaskEvent::TaskEnded { .. } => continue,
        };
        // What is over by now waits for nobody.
        let Some(head) = task.head().filter(|head| !head.status.is_end()) else { continue };
        let notice = Notice {
            event: occasion,
            at,
            title: line(&head.title),
            run: head.origin.run,
            workflow: head.origin.workflow,
            project: head.origin.project,
            step: Some(head.origin.path),
            task: Some(id.clone()),
            asked: named(asked.unwrap_or(head.to)),
            not: head.not,
            until: head.due_at,
            error: None,
        };
        found.push((seq, notice));
    }
    found
}

/// What the events of a turn of a run tell of. Of one that another run has started, that one's end tells.
fn of_run(id: &StreamId, run: &RunState, events: &[RunEvent], at: Time) -> Vec<(u64, Notice)> {
    let first = run.seq + 1 - events.len() as u64;
    let mut found = Vec::new();
    for (seq, event) in (first..).zip(events) {
        let (occasion, error) = match event {
            RunEvent::RunCompleted { outcome: Outcome::Degraded, .. } => (Occasion::RunDegraded, None),
            RunEvent::RunCompleted { .. } => (Occasion::RunCompleted, None),
            RunEvent::RunFailed { error } => (Occasion::RunFailed, Some(error.message.clone())),
            RunEvent::RunCancelled => (Occasion::RunCancelled, None),
            _ => continue,
        };
        if run.parent.is_some() {
            continue;
        }
        let notice = Notice {
            event: occasion,
            at,
            title: line(&run.workflow),
            run: id.clone(),
            workflow: run.workflow.clone(),
            project: run.project.clone(),
            step: None,
            task: None,
            asked: Some(run.starter.clone()).filter(|who| !who.is_empty()).into_iter().collect(),
            not: Vec::new(),
            until: None,
            error: error.map(|error| cut(&error, limits::NOTICE_ERROR_CHARS)),
        };
        found.push((seq, notice));
    }
    found
}

/// The jobs of a turn of a task, for the commit that it goes into.
pub(crate) fn jobs_of_task(commit: &mut Commit, rules: &Rules, task: &TaskState, events: &[TaskEvent]) {
    let found = of_task(&commit.stream, task, events, commit.at);
    add(commit, rules, found);
}

/// The jobs of a turn of a run.
pub(crate) fn jobs_of_run(commit: &mut Commit, rules: &Rules, run: &RunState, events: &[RunEvent]) {
    let found = of_run(&commit.stream, run, events, commit.at);
    add(commit, rules, found);
}

/// Whether there may be something to tell of, without looking closer.
pub(crate) fn may_tell(events: &[RunEvent]) -> bool {
    let ends = |event: &RunEvent| {
        matches!(event, RunEvent::RunCompleted { .. } | RunEvent::RunFailed { .. } | RunEvent::RunCancelled)
    };
    events.iter().rev().any(ends)
}

fn add(commit: &mut Commit, rules: &Rules, found: Vec<(u64, Notice)>) {
    for (seq, notice) in found {
        for rule in rules.of(&notice) {
            let job = Job {
                id: id(&commit.stream, seq, &rule.name),
                kind: KIND.to_owned(),
                target: rule.name.clone(),
                // Plain data with text keys always serialises.
                body: serde_json::to_value(&notice).unwrap_or_default(),
            };
            commit.jobs.push(job);
        }
    }
}

/// The same event gives the same id for the same rule, whoever makes it.
fn id(stream: &StreamId, seq: u64, rule: &str) -> String {
    let hash = blake3::hash(format!("{stream}\n{seq}\n{rule}").as_bytes()).to_hex();
    format!("n_{}", &hash[..20])
}

/// Those who are named.
pub(super) fn named(asked: Vec<String>) -> Vec<String> {
    asked.into_iter().take(limits::NOTICE_ASKED).collect()
}

/// Text as one line of what can be seen, cut.
pub(super) fn line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(clean.trim(), limits::NOTICE_TITLE_CHARS)
}

pub(super) fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

impl Notice {
    /// What happened, in a line.
    pub fn subject(&self) -> String {
        format!("{}: {}", self.event.heading(), self.title)
    }

    /// Commands by which somebody goes on.
    pub fn commands(&self) -> Vec<String> {
        match (&self.task, self.event) {
            (Some(task), Occasion::Questions) => {
                vec![format!("stead inbox {task}"), format!("stead answer {task}")]
            }
            (Some(task), _) => vec![
                format!("stead inbox {task}"),
                format!("stead approve {task}"),
                format!("stead reject {task} -m WHY"),
            ],
            (None, Occasion::RunFailed) => {
                vec![format!("stead status {}", self.run), format!("stead retry {}", self.run)]
            }
            (None, _) => vec![format!("stead status {}", self.run)],
        }
    }

    /// Where it stands, on a server that others reach there.
    pub fn url(&self, public: &str) -> String {
        let base = format!("{public}/api/v1");
        match &self.task {
            Some(task) => format!("{base}/tasks/{task}"),
            None => format!("{base}/runs/{}", self.run),
        }
    }

    /// All of it as text for people.
    pub fn text(&self, people: &[String], url: Option<&str>) -> String {
        let mut lines = vec![self.subject(), String::new()];
        lines.push(format!("workflow: {}", line(&self.workflow)));
        if !self.project.is_empty() {
            lines.push(format!("project: {}", line(&self.project)));
        }
        lines.push(format!("run: {}", self.run));
        lines.extend(self.step.iter().map(|step| format!("step: {}", line(step))));
        if self.task.is_some() {
            let asked = if people.is_empty() { &self.asked[..] } else { people };
            lines.push(format!("asked: {}", asked.join(", ")));
        }
        lines.extend(self.until.map(|until| format!("until: {}", moment(until))));
        lines.extend(self.error.iter().map(|error| format!("error: {error}")));
        lines.push(String::new());
        lines.extend(self.commands().iter().map(|command| format!("  {command}")));
        lines.extend(url.map(|url| format!("  {url}")));
        lines.push(String::new());
        lines.join("\n")
    }
}

/// A time as people read it.
fn moment(at: Time) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| at.to_string(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
