//! What a status says of an open run: each part of it runs, or waits for something that is named, since when and
//! until when.

use std::collections::BTreeMap;

use stead_core::Time;
use stead_core::head::WaitsFor;
use stead_core::ids::StreamId;
use stead_core::run::event::{Lost, Verdict};
use stead_core::run::{Budget, Event, StepNow, View};
use stead_core::status::StepStatus;

/// Since when instances wait, as the events say.
#[derive(Debug, Default)]
pub(crate) struct Since(BTreeMap<String, Time>);

impl Since {
    pub(crate) fn note(&mut self, event: &Event, at: Time) {
        let path = match event {
            Event::AttemptQueued { path, .. }
            | Event::AttemptEnded { path, retry_at: Some(_), .. }
            | Event::AttemptLost { path, then: Lost::Parked | Lost::Later, .. }
            | Event::AttemptSettled { path, verdict: Verdict::Again, .. }
            | Event::WaitStarted { path, .. }
            | Event::SignalAwaited { path, .. }
            | Event::ChildStarted { path, .. }
            | Event::TaskOpened { path, .. }
            | Event::ChildEnded { path, retry_at: Some(_), .. }
            | Event::PlaceAsked { path, .. } => path,
            // In the place of a path that no step has.
            Event::RunPaused { .. } => PAUSED,
            _ => return,
        };
        self.0.insert(path.to_owned(), at);
    }
}

const PAUSED: &str = "(paused)";

/// Holds what a run says that it waits for against when that began, and when it would be over.
pub(crate) fn check_times(id: &StreamId, wait: &WaitsFor, since: &Since, due: Option<Time>) {
    let path = if wait.kind == "resume" { PAUSED } else { &wait.path };
    let began = since.0.get(path);
    assert_eq!(began, Some(&wait.since), "{id}: since when {} waits for {}", wait.path, wait.kind);
    assert!(wait.until.is_some() || !matches!(wait.kind.as_str(), "timer" | "retry"), "{id}: {wait:?}");
    // The time of a task is the task's own.
    if let Some(until) = wait.until.filter(|_| wait.kind != "person") {
        assert!(due.is_some_and(|due| due <= until), "{id}: {wait:?} is over then, and nothing wakes it");
    }
}

/// Holds the steps of an open run that has nothing to do at once against what goes on.
pub(crate) fn check_steps(id: &StreamId, view: &View, open: &[String]) {
    check_budget(id, "", view.budget.as_ref());
    let beside = view.asides.iter().any(|aside| !aside.status.is_end());
    for step in view.steps.iter().chain(&view.asides) {
        check_step(id, step, open, beside);
    }
}

/// Whether something goes on at a step, or inside.
fn check_step(id: &StreamId, step: &StepNow, open: &[String], beside: bool) -> bool {
    let mut inside = false;
    for part in &step.inside {
        inside |= check_step(id, part, open, beside);
    }
    check_budget(id, &step.path, step.budget.as_ref());
    let waits = step.waits_for.is_some();
    assert_eq!(waits, step.status == StepStatus::Waiting, "{id}: {} is {}", step.path, step.status);
    if step.status == StepStatus::Running {
        let holds = step.items.is_some() || !step.inside.is_empty();
        let runs = open.contains(&step.path) || (holds && (inside || beside));
        assert!(runs, "{id}: {} is running, and nothing of it runs or waits", step.path);
    }
    !step.status.is_end() && step.status != StepStatus::Pending
}

fn check_budget(id: &StreamId, path: &str, budget: Option<&Budget>) {
    if let Some(budget) = budget {
        let counted = u64::from(budget.used) + u64::from(budget.reserved);
        assert!(counted <= u64::from(budget.attempts), "{id}: {path} has used {counted} of {budget:?}");
    }
}
