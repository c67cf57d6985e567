//! What has to hold whenever nothing is left to be done at once, and when all has ended.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use stead_core::effect::AttemptId;
use stead_core::head::WaitsFor;
use stead_core::ids::StreamId;
use stead_core::path;
use stead_core::run::{RunState, StepNow, View};
use stead_core::status::{Outcome, RunStatus, StepStatus};
use stead_core::value::ValueRef;
use stead_lang::plan::{Action, ActionKind, Body, Each, Join, Plan};
use stead_store::Reader as _;

use crate::journal::Mirror;
use crate::said::{check_steps, check_times};
use crate::world::{Counts, World, top};

/// What a simulation came to, without what may differ: times, tries that were lost.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Came {
    outputs: Option<Value>,
    /// How each run ended, and each of its steps.
    runs: BTreeMap<StreamId, (RunStatus, Option<Outcome>, Vec<Stood>)>,
}

/// A step, and how it ended.
type Stood = (String, StepStatus, Option<Outcome>);

impl World<'_> {
    /// Nothing is left to be done at once: everything that is open says what would wake it, and that is so.
    pub(crate) fn check_idle(&mut self) {
        let under_way: BTreeSet<AttemptId> = self.outside.under_way.keys().cloned().collect();
        assert_eq!(
            under_way,
            self.journal.open_attempts(),
            "attempts under way, and as the journal has them"
        );
        let ids: Vec<StreamId> = self.journal.streams.keys().cloned().collect();
        for id in &ids {
            let mirror = self.journal.streams.get_mut(id).unwrap();
            if !std::mem::replace(&mut mirror.checked, mirror.state.status.is_end()) {
                self.check_open(id);
            }
        }
        self.check_places();
        self.check_tasks();
    }

    fn check_open(&mut self, id: &StreamId) {
        let listed = self.store.head(id).unwrap();
        let mirror = self.journal.streams.get_mut(id).unwrap();
        mirror.state.settle_status();
        let state = &mirror.state;
        let listed = listed.unwrap_or_else(|| panic!("{id} has no row in the lists"));
        let (head, status) = (&listed.head, state.status);
        assert_eq!((head.status, head.outcome), (status, state.outcome), "{id}: its row, and its journal");
        assert!(self.store.inbox(id).unwrap().is_empty(), "{id}: messages are not taken");
        match state.outcome {
            Some(outcome) => assert!(status.outcomes().contains(&outcome), "{id}: {status} with {outcome}"),
            None => assert!(!status.is_end(), "{id}: {status} without an outcome"),
        }
        if status.is_end() {
            assert!(!head.open && listed.due.is_none(), "{id}: {status}, and it is to be woken");
            assert!(state.open_attempts().is_empty(), "P5: {id} has ended, not what it did");
            return;
        }
        let open = status == RunStatus::Running || !state.open_attempts().is_empty();
        assert_eq!(head.open, open, "{id}: {status}, loaded by the next engine");
        // The row may be earlier than the timer, never later.
        if let Some(due) = state.due() {
            let written =
                listed.due.unwrap_or_else(|| panic!("P10: {id} has a timer at {due}, its row has none"));
            assert!(written <= due, "P10: {id} has a timer at {due}, its row says {written}");
        }
        let waits = state.waits_for();
        match status {
            RunStatus::Running => {
                assert!(!state.open_attempts().is_empty(), "{id} is running, and nothing runs");
            }
            RunStatus::Waiting => {
                assert!(!waits.is_empty(), "{id} waits, for nothing");
                let named = |waits: &[WaitsFor]| -> BTreeSet<(String, String)> {
                    waits.iter().map(|w| (w.kind.clone(), w.path.clone())).collect()
                };
                assert_eq!(named(&head.waits_for), named(&waits), "{id}: what it waits for");
            }
            RunStatus::Paused => assert!(mirror.paused && !waits.is_empty(), "{id} is paused, by nobody"),
            other => panic!("{id} is {other}, with nothing left to be done"),
        }
        let held = mirror.paused || !mirror.state.places_awaited().is_empty();
        if !held {
            mirror.signals.check(id);
        }
        for wait in &waits {
            self.check_wait(id, wait);
        }
        self.check_said(id, held);
    }

    /// What the status says of a run, and of its steps.
    fn check_said(&mut self, id: &StreamId, held: bool) {
        let mirror = self.journal.streams.get_mut(id).unwrap();
        let seq = mirror.state.seq;
        if std::mem::replace(&mut mirror.seen, seq) == seq || (seq > 100 && !self.rng.hits(1, 10)) {
            return;
        }
        if !mirror.paused {
            let due = mirror.state.due();
            mirror.state.waits_for().iter().for_each(|wait| check_times(id, wait, &mirror.since, due));
        }
        // What is held back goes on once it is let go.
        if !held {
            let view = mirror.view(&self.ready.plans[&mirror.state.revision]);
            let open: Vec<String> = mirror.state.open_attempts().into_iter().map(|a| a.path).collect();
            check_steps(id, &view, &open);
        }
    }

    /// What a run says to wait for is there, and would wake it.
    fn check_wait(&self, id: &StreamId, wait: &WaitsFor) {
        let mirror = &self.journal.streams[id];
        let here = |attempt: &&AttemptId| attempt.stream == *id && attempt.path == wait.path;
        match wait.kind.as_str() {
            // A paused run looks at its timers when it goes on.
            "timer" | "retry" if mirror.paused => {}
            "timer" | "retry" => {
                let until = wait.until.unwrap_or_else(|| panic!("{id}: {} waits without an end", wait.path));
                let due = mirror.state.due();
                assert!(due.is_some_and(|due| due <= until), "{id}: {} waits, nothing wakes it", wait.path);
            }
            "child" => {
                let child = StreamId::new(wait.detail.as_deref().unwrap_or_default());
                let child = self.journal.streams.get(&child);
                let child = child.unwrap_or_else(|| panic!("{id}: {} waits for no run", wait.path));
                assert!(!child.state.status.is_end(), "{id}: {} waits for a run that has ended", wait.path);
                assert_eq!(child.parent.as_ref(), Some(id));
            }
            "slot" if mirror.state.places_awaited().iter().any(|(path, _)| *path == wait.path) => {
                // Who waits for whom is looked at over all runs.
            }
            "slot" => {
                let queued = self.outside.under_way.iter().find(|(attempt, _)| here(attempt));
                assert!(queued.is_some_and(|(_, u)| u.queued), "{id}: {} waits for no place", wait.path);
            }
            "settle" => {
                let under_way = self.outside.under_way.keys().find(here);
                assert!(under_way.is_none(), "{id}: {} is parked and under way", wait.path);
            }
            "signal" => {
                let awaited = mirror.signals.awaited.get(&wait.path);
                assert_eq!(awaited, wait.detail.as_ref(), "{id}: {} waits for a signal", wait.path);
            }
            "person" => self.check_asked(id, &wait.path, wait.detail.as_deref(), wait.until),
            "resume" => assert!(mirror.paused, "{id} waits to be resumed, and is not paused"),
            other => panic!("{id}: {} waits for {other}, which nobody knows", wait.path),
        }
    }

    /// Nothing happens any more.
    pub(crate) fn check_end(&mut self) {
        let open = self.stuck();
        assert!(open.is_empty(), "it is over, and runs are open: {open}");
        assert!(self.journal.streams.contains_key(&top()), "the run never was");
        assert!(self.driver.due().is_none() && self.outside.under_way.is_empty());
        let ids: Vec<StreamId> = self.journal.streams.keys().cloned().collect();
        for id in &ids {
            self.store.verify(id).unwrap();
            let mirror = self.journal.streams.get_mut(id).unwrap();
            let plan = &self.ready.plans[&mirror.state.revision];
            let view = mirror.view(plan);
            self.counts.add(&format!("{} {}", view.status, view.outcome.unwrap()));
            check_ended(id, plan, &view, mirror);
            pinned(id, plan, mirror, &mut self.counts);
            kept(&mirror.state, &view, plan);
            let settled = mirror.unwound.ends_as.map(|status| status.to_string());
            assert!(
                settled.as_ref().is_none_or(|settled| *settled == view.status.to_string()),
                "{id} was to end as {settled:?}, and is {}",
                view.status
            );
            if !mirror.forced {
                mirror.unwound.check(id, plan, view.status);
            }
        }
        self.check_places();
        assert!(self.journal.limits.values().all(|limit| !limit.in_use()), "a place is not given back");
        let open = self.journal.tasks.all.iter().find(|(_, task)| !task.state.status.is_end());
        assert!(open.is_none(), "it is over, and people are asked: {:?}", open.map(|(id, _)| id));
        let met = std::mem::take(&mut self.journal.met);
        for (event, n) in met {
            *self.counts.met.entry(event).or_default() += n;
        }
    }

    /// What all came to.
    pub(crate) fn came(&mut self) -> Came {
        let mut runs = BTreeMap::new();
        for (id, mirror) in &mut self.journal.streams {
            let view = mirror.view(&self.ready.plans[&mirror.state.revision]);
            let mut steps = Vec::new();
            flatten(&view.steps, &mut steps);
            runs.insert(id.clone(), (view.status, view.outcome, steps));
        }
        let outputs = self.journal.streams[&top()].state.outputs_at().cloned();
        let mut outputs = outputs.map(|reference| self.value(&reference));
        outputs.iter_mut().for_each(without_times);
        Came { outputs, runs }
    }

    fn value(&mut self, reference: &ValueRef) -> Value {
        match reference {
            ValueRef::Inline(value) => value.clone(),
            ValueRef::Event { seq, at } => {
                let row = self.store.row_of(&top(), *seq).unwrap();
                let events: Vec<Value> = serde_json::from_slice(&row.events).unwrap();
                events[usize::try_from(seq - row.seq).unwrap()].pointer(at).unwrap().clone()
            }
            ValueRef::File { hash } => serde_json::from_slice(&self.files().get(hash).unwrap()).unwrap(),
            ValueRef::Line { hash, index } => json!({ "file": hash, "line": index }),
        }
    }
}

/// When people decided depends on what went wrong before.
fn without_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("at");
            map.values_mut().for_each(without_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_times),
        _ => {}
    }
}

fn flatten(all: &[StepNow], into: &mut Vec<Stood>) {
    for step in all {
        into.push((step.path.clone(), step.status, step.outcome));
        flatten(&step.inside, into);
    }
}

/// P3: how a run ended is what became of its steps.
fn check_ended(id: &StreamId, plan: &Plan, view: &View, mirror: &Mirror) {
    let (status, outcome) = (view.status, view.outcome.unwrap());
    check_all_ended(id, &view.steps);
    let seen = Seen { id, plan, ending: &mirror.ending };
    match (status, outcome) {
        (RunStatus::Completed, Outcome::Ok) => {
            assert!(!mirror.finished, "{id} is completed, and was ended early");
            // By force an end is ended too.
            seen.no_trouble(&view.steps, !mirror.forced);
        }
        (RunStatus::Completed, Outcome::Degraded) => {
            assert!(view.steps.iter().any(troubled), "{id} is degraded, by nothing");
        }
        (RunStatus::Completed, Outcome::StoppedEarly) => {
            assert!(mirror.finished, "{id} stopped early, and nobody said so");
            seen.no_trouble(&view.steps, false);
        }
        (RunStatus::Failed, _) => assert!(view.error.is_some(), "{id} has failed, by nothing"),
        (RunStatus::Cancelled, _) => assert!(mirror.cancelled, "{id} is cancelled, by nobody"),
        (status, outcome) => panic!("{id} has ended as {status} {outcome}"),
    }
    assert!(!mirror.cancelled || status == RunStatus::Cancelled, "{id} was to be cancelled and is {status}");
}

fn troubled(step: &StepNow) -> bool {
    matches!(step.status, StepStatus::Failed | StepStatus::Blocked)
        || matches!(step.outcome, Some(Outcome::Degraded | Outcome::Exhausted | Outcome::Rejected))
}

/// A run whose trouble is looked for.
struct Seen<'a> {
    id: &'a StreamId,
    plan: &'a Plan,
    ending: &'a BTreeSet<String>,
}

impl Seen<'_> {
    /// No step of what counts is in trouble; with `all`, none was ended either. What is inside of steps that
    /// failed or were ended does not count.
    fn no_trouble(&self, steps: &[StepNow], all: bool) {
        for step in steps {
            let (may_fail, may_be_ended) = self.freedom(step);
            let (id, path, status) = (self.id, &step.path, step.status);
            // One that must happen once is let finish when the run ends early, and may fail by itself then.
            let may_fail = may_fail || (!all && self.ending.contains(path));
            let over = matches!(status, StepStatus::Failed | StepStatus::Blocked);
            assert!(may_fail || !troubled(step), "P3: {id} is completed, and {path} is {status}");
            let ended = matches!(status, StepStatus::Cancelled | StepStatus::Pending);
            assert!(!all || may_be_ended || !ended, "P3: {id} is completed, and {path} is {status}");
            if !over && !ended {
                self.no_trouble(&step.inside, all);
            }
        }
    }

    /// Whether a step may fail, or be ended, and what is around it completes all the same.
    fn freedom(&self, step: &StepNow) -> (bool, bool) {
        let plan_path = path::plan_path(&step.path);
        let Some(planned) = self.plan.steps.iter().find(|one| one.path == plan_path) else {
            panic!("{}: there is no step {}", self.id, step.path)
        };
        let slot = step.path.ends_with(']') || step.label.starts_with('#');
        let join = match &planned.each {
            Some(Each::Foreach { join, .. }) if slot => *join,
            Some(_) if slot => Join::All,
            _ => {
                let around = planned.parent.map(|ix| &self.plan.steps[ix as usize].body);
                let block = match around {
                    Some(Body::Block(block)) => block,
                    _ => &self.plan.root,
                };
                if block.machine && !planned.finally {
                    // Left through `next` or by its failure it is dealt with.
                    let refused = step.outcome == Some(Outcome::Rejected) && step.inside.is_empty();
                    return (step.status == StepStatus::Failed || refused, true);
                }
                if planned.finally { Join::All } else { block.join }
            }
        };
        // Of a settled join a failure is tolerated, and counts.
        let few = matches!(join, Join::First | Join::Majority | Join::Count(_));
        (few, few)
    }
}

/// P6: children are of the revisions that were pinned when the run at the top started, whatever was saved since; the
/// newest one is taken only where that is asked for.
fn pinned(id: &StreamId, plan: &Plan, mirror: &Mirror, counts: &mut Counts) {
    for (path, revision) in &mirror.born {
        let planned = path::plan_path(path);
        let step = plan.steps.iter().find(|step| step.path == planned);
        let Some(Body::Action(Action { kind: ActionKind::Workflow(child), .. })) =
            step.map(|step| &step.body)
        else {
            panic!("{id}: {path} starts a child, and calls none")
        };
        match (*revision == child.revision, child.latest) {
            (true, _) => {}
            (false, true) => counts.add("a newer child is taken"),
            (false, false) => panic!("P6: {id}: {path} is pinned to {}, and {revision} runs", child.revision),
        }
    }
}

fn check_all_ended(id: &StreamId, all: &[StepNow]) {
    for step in all {
        assert!(step.status.is_end(), "{id} has ended, {} is {}", step.path, step.status);
        assert!(step.waits_for.is_none(), "{id} has ended, {} waits", step.path);
        let failed = step.status == StepStatus::Failed;
        assert_eq!(
            failed,
            step.error.is_some(),
            "{id}: {} is {} with {:?}",
            step.path,
            step.status,
            step.error
        );
        check_all_ended(id, &step.inside);
    }
}

/// A snapshot of a run that has ended is what its journal gives.
fn kept(state: &RunState, view: &View, plan: &Plan) {
    let bytes = state.snapshot().unwrap();
    let mut back = RunState::from_snapshot(&bytes).unwrap();
    assert_eq!(back.fits(plan), Ok(()), "{}: its snapshot is refused", state.id);
    assert_eq!(back.snapshot().unwrap(), bytes, "{}: from a snapshot of its end", state.id);
    assert_eq!(back.view(plan), *view, "{}: as people look at it, from a snapshot", state.id);
}
