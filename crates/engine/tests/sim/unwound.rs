//! Undo and `finally`: that they come, in their order, and once.

use std::collections::{BTreeMap, BTreeSet};

use stead_core::ids::StreamId;
use stead_core::path;
use stead_core::run::Event;
use stead_core::run::event::Verdict;
use stead_core::status::{RunStatus, StepStatus};
use stead_lang::plan::{Block, Body, Plan, Step};

/// What the events of a run say of its ends.
#[derive(Debug, Default)]
pub(crate) struct Unwound {
    /// What was completed, in order.
    pub(crate) completed: Vec<String>,
    /// How what is completed would be undone, and whether that could be said.
    ready: BTreeMap<String, bool>,
    /// What was undone, in order, and how much of it before the end of the whole run began.
    undone: Vec<String>,
    undo_done: BTreeSet<String>,
    before: usize,
    /// Blocks that have begun, and when their ends did.
    begun: BTreeSet<String>,
    ending: BTreeMap<String, u64>,
    /// The first event of each instance.
    first: BTreeMap<String, u64>,
    /// How the run was to end when its end began.
    pub(crate) ends_as: Option<StepStatus>,
}

impl Unwound {
    pub(crate) fn note(&mut self, seq: u64, event: &Event) {
        if let Some(path) = event.path().filter(|_| begins(event)) {
            self.first.entry(path.to_owned()).or_insert(seq);
        }
        match event {
            Event::RunStarted { .. } => {
                self.begun.insert(String::new());
            }
            Event::GroupStarted { path, .. } => {
                assert!(self.begun.insert(path.clone()), "the group {path} begins twice");
            }
            Event::AttemptStarted { path, .. } => {
                if let Some((of, path::Aside::Undo)) = path::as_aside(path) {
                    let done = self.completed.iter().any(|done| done == of);
                    assert!(done, "{of} is undone and never was done");
                    assert!(!self.undo_done.contains(of), "{of} is undone twice");
                    // Made again it is the same undo, with the same key.
                    if !self.undone.iter().any(|undone| undone == of) {
                        self.undone.push(of.to_owned());
                    }
                }
            }
            Event::UndoReady { path, error, .. } => {
                let before = self.ready.insert(path.clone(), error.is_none());
                assert!(before.is_none(), "the undo of {path} is noted twice");
            }
            Event::BlockEnding { path, ending, .. } => {
                let before = self.ending.insert(path.clone(), seq);
                assert!(before.is_none(), "the end of {path} begins twice");
                if path.is_empty() {
                    self.before = self.undone.len();
                    self.ends_as = Some(ending.status);
                }
            }
            _ => {}
        }
        if let Some(path) = completes(event) {
            match path::as_aside(path) {
                Some((of, path::Aside::Undo)) => _ = self.undo_done.insert(of.to_owned()),
                _ => self.completed.push(path.to_owned()),
            }
        }
    }

    /// A run that had ended goes on: what is gone begins anew, what is open again ends anew.
    pub(crate) fn reopened(&mut self, gone: impl Fn(&str) -> bool, open: &BTreeSet<&str>, forced: bool) {
        let stays = |path: &str| !gone(path) && !open.contains(path);
        // What has ended by force may have left out its `finally`.
        self.begun.retain(|path| !gone(path) && (!forced || open.contains(path.as_str())));
        self.completed.retain(|path| stays(path));
        self.ready.retain(|path, _| stays(path));
        self.first.retain(|path, _| stays(path));
        self.ending.retain(|path, _| stays(path));
        self.undone.clear();
        self.undo_done.clear();
        self.before = 0;
        self.ends_as = None;
    }

    /// What has to be so of a run that has ended, other than by force.
    pub(crate) fn check(&self, id: &StreamId, plan: &Plan, status: RunStatus) {
        let steps: BTreeMap<&str, &Step> = plan.steps.iter().map(|step| (step.path.as_str(), step)).collect();
        self.check_finally(id, plan, &steps);
        if status == RunStatus::Completed || !self.begun.contains("") {
            assert!(
                self.undone.len() <= self.before || self.ends_as.is_none(),
                "{id} is completed and was undone"
            );
            return;
        }
        // Each one that was completed, newest first.
        let place = |path: &String| self.completed.iter().position(|done| done == path);
        let late = &self.undone[self.before..];
        for pair in late.windows(2) {
            assert!(place(&pair[0]) > place(&pair[1]), "{id}: {} is undone before {}", pair[0], pair[1]);
        }
        for path in &self.completed {
            let Some(step) = steps.get(path::plan_path(path).as_str()) else { continue };
            let whole = step.each.is_some() && !path.ends_with(']') && !is_iteration(path);
            if step.undo.is_none() || whole || path::as_aside(path).is_some() {
                continue;
            }
            match self.ready.get(path) {
                Some(true) => assert!(self.undone.contains(path), "{id} is {status}, {path} was not undone"),
                Some(false) => {}
                None => panic!("{id} is {status}, and nobody noted how {path} is undone"),
            }
        }
    }

    /// Each block that began has run its end: each step of it, behind the others.
    fn check_finally(&self, id: &StreamId, plan: &Plan, steps: &BTreeMap<&str, &Step>) {
        for begun in &self.begun {
            let block: &Block = match steps.get(path::plan_path(begun).as_str()) {
                _ if begun.is_empty() => &plan.root,
                Some(Step { body: Body::Block(block), .. }) => block,
                _ => panic!("{id}: {begun} has begun and is no block"),
            };
            for last in block.finally() {
                let path = path::step(begun, &plan.steps[*last as usize].id);
                let Some(first) = self.first.get(&path) else {
                    panic!("{id}: {begun} has ended, and {path} of its finally did not run")
                };
                let ending = self.ending.get(begun);
                assert!(
                    ending.is_some_and(|seq| seq < first),
                    "{id}: {path} begins before the end of its block"
                );
            }
        }
    }
}

fn is_iteration(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| last.contains('#'))
}

/// Whether an event is of an instance that does something, or is over.
fn begins(event: &Event) -> bool {
    !matches!(
        event,
        Event::Late { .. }
            | Event::StepEnding { .. }
            | Event::FinishRequested { .. }
            | Event::BlockEnding { .. }
            | Event::RedoAsked { .. }
            | Event::Redone { .. }
    )
}

/// The instance that an event completes.
fn completes(event: &Event) -> Option<&str> {
    match event {
        Event::AttemptEnded { path, error: None, .. }
        | Event::ChildEnded { path, error: None, .. }
        | Event::TaskEnded { path, error: None, .. }
        | Event::StepCompleted { path, .. }
        | Event::AttemptSettled { path, verdict: Verdict::Done(_), .. } => Some(path),
        _ => None,
    }
}
