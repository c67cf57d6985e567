//! What people are asked, as the journal has it: that a decision counts once and is bound to what was shown, that a
//! task has one end, and that its run makes of that what was decided.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::limits;
use stead_core::people::Actor;
use stead_core::run::Event as RunEvent;
use stead_core::status::Outcome;
use stead_core::task::event::Released;
use stead_core::task::{Ended, Event, OnTimeout, Question, TaskKind, TaskState};
use stead_core::value::ValueRef;
use stead_store::Reader as _;
use stead_store::Row;

use crate::journal::Journal;
use crate::people::actors;
use crate::world::World;

/// A task as its journal has it.
pub(crate) struct TaskMirror {
    pub(crate) state: TaskState,
    /// What is filled in: a form, or questions.
    pub(crate) form: Value,
    pub(crate) questions: Value,
    /// Who did what, by the word of the event.
    pub(crate) done: Vec<(&'static str, String)>,
    /// What was answered.
    answers: Value,
    checked: bool,
}

/// What a run said when it asked.
#[derive(Debug, Clone, PartialEq)]
struct Opened {
    run: StreamId,
    path: String,
    number: u32,
    title: String,
    version: String,
    by: Vec<String>,
}

/// All that was asked.
#[derive(Default)]
pub(crate) struct Tasks {
    pub(crate) all: BTreeMap<StreamId, TaskMirror>,
    opened: BTreeMap<StreamId, Opened>,
    /// Those whose end their run has taken.
    pub(crate) taken: BTreeSet<StreamId>,
    /// Those that their run does not want any more.
    told: BTreeSet<StreamId>,
}

impl Tasks {
    /// Those of a run whose end is not durable.
    pub(crate) fn open_of(&self, run: &StreamId) -> Option<&StreamId> {
        let mine = self.opened.iter().filter(|(_, opened)| opened.run == *run);
        mine.map(|(task, _)| task).find(|task| !self.is_over(task))
    }

    fn is_over(&self, task: &StreamId) -> bool {
        self.all.get(task).is_some_and(|mirror| mirror.state.status.is_end())
    }

    /// Takes what a run says of the tasks it asks with.
    pub(crate) fn note(&mut self, run: &StreamId, event: &RunEvent, done: &[String]) {
        match event {
            RunEvent::TaskOpened { path, number, task, title, version, by, .. } => {
                assert!(!done.contains(path), "P1: {run}: {path} is decided, and is asked again");
                let opened = Opened {
                    run: run.clone(),
                    path: path.clone(),
                    number: *number,
                    title: title.clone(),
                    version: version.clone(),
                    by: by.clone(),
                };
                let before = self.opened.insert(task.clone(), opened);
                assert!(before.is_none(), "{run}: {path} opens {task} twice");
            }
            RunEvent::StepEnding { path, told: true, .. } => {
                let mine = self.opened.iter().filter(|(_, o)| o.run == *run && o.path == *path);
                let last = mine.max_by_key(|(_, opened)| opened.number).map(|(task, _)| task.clone());
                self.told.extend(last);
            }
            RunEvent::TaskEnded { path, number, ended, by, outcome, error, .. } => {
                let task = StreamId::task(run, path, *number);
                let mirror = self.all.get(&task);
                let mirror = mirror.unwrap_or_else(|| panic!("{run}: {path} has the end of no task"));
                let (_, as_it_ended) =
                    mirror.state.ended.unwrap_or_else(|| panic!("P2: {task} has not ended, {run} says so"));
                assert_eq!(as_it_ended, *ended, "P4: {task}: its end, and what {run} makes of it");
                let acted: Vec<&String> = mirror.state.submissions.iter().map(|one| &one.by).collect();
                assert_eq!(acted, by.iter().collect::<Vec<_>>(), "P4: {task}: who acted");
                assert!(self.taken.insert(task.clone()), "P4: {run} takes the end of {task} twice");
                let fine = match ended {
                    Ended::Answered if of_findings(mirror, "retry") => {
                        error.is_none() && *outcome == Outcome::Rejected
                    }
                    Ended::Answered if of_findings(mirror, "abandon") => *outcome == Outcome::Rejected,
                    Ended::Accepted | Ended::Answered => error.is_none() && *outcome == Outcome::Ok,
                    Ended::Rejected => error.is_some() || *outcome == Outcome::Rejected,
                    Ended::TimedOut => error.is_some(),
                    Ended::Withdrawn => error.is_some() && self.told.contains(&task),
                };
                assert!(fine, "P3: {task} was {ended}, and {run} made {outcome} of it, {error:?}");
            }
            _ => {}
        }
    }

    /// The output that a run gives its step is what was decided.
    pub(crate) fn note_output(&self, run: &StreamId, raw: &Value) {
        let Some(output) = raw.pointer("/output/value").filter(|_| raw["type"] == "task_ended") else {
            return;
        };
        let number = u32::try_from(raw["number"].as_u64().unwrap()).unwrap();
        let task = StreamId::task(run, raw["path"].as_str().unwrap(), number);
        let mirror = &self.all[&task];
        let (_, ended) = mirror.state.ended.unwrap();
        let word = match ended {
            Ended::Answered => {
                assert_eq!(*output, mirror.answers, "P4: {task}: its answers");
                return;
            }
            Ended::Accepted => "accept",
            _ => "reject",
        };
        assert_eq!(output["decision"], word, "P4: {task}");
        let so = mirror.state.submissions.iter().filter(|one| one.accept == Some(ended == Ended::Accepted));
        let so: Vec<&String> = so.map(|one| &one.by).collect();
        let asked = mirror.state.asked.as_deref().unwrap();
        let enough = so.len() >= most(asked, ended) as usize;
        let by = if enough { json!(so) } else { json!(["engine"]) };
        assert_eq!(output["by"], by, "P4: {task}: who decided");
        let all = output["decisions"].as_array().unwrap().len();
        assert_eq!(all, mirror.state.submissions.len(), "P4: {task}: all that was decided");
    }

    fn take(&mut self, id: &StreamId, row: &Row) -> Vec<String> {
        let opened = self.opened.get(id).unwrap_or_else(|| panic!("P2: {id} was asked for by nobody"));
        let mirror = self.all.entry(id.clone()).or_insert_with(|| TaskMirror {
            state: TaskState::new(id.clone()),
            form: Value::Null,
            questions: Value::Null,
            done: Vec::new(),
            answers: Value::Null,
            checked: false,
        });
        assert_eq!(row.seq, mirror.state.seq + 1, "{id}: events are numbered without a gap");
        assert!(row.at >= mirror.state.at, "{id}: time goes back from {} to {}", mirror.state.at, row.at);
        let mut types = Vec::new();
        for raw in serde_json::from_slice::<Vec<Value>>(&row.events).unwrap() {
            types.push(raw["type"].as_str().unwrap().to_owned());
            let event: Event = serde_json::from_value(raw.clone()).unwrap();
            mirror.take(id, opened, &event, &raw, row.at);
        }
        mirror.settled(id, row.at);
        let over = mirror.state.ended.is_some_and(|(_, ended)| ended == Ended::Withdrawn);
        assert!(!over || self.told.contains(id), "{id} was withdrawn, and nobody said so");
        types
    }
}

impl TaskMirror {
    fn take(&mut self, id: &StreamId, opened: &Opened, event: &Event, raw: &Value, at: Time) {
        assert!(!self.state.status.is_end(), "P4: {id}: an event behind its end: {raw}");
        match event {
            Event::TaskOpened { asked } => {
                let said = Opened {
                    run: asked.origin.run.clone(),
                    path: asked.origin.path.clone(),
                    number: asked.origin.number,
                    title: asked.title.clone(),
                    version: asked.version.clone(),
                    by: asked.by.clone(),
                };
                assert_eq!(said, *opened, "P4: {id}: what is asked, and what its run says");
                self.form = raw.pointer("/asked/form/value").cloned().unwrap_or_default();
                self.questions = raw.pointer("/asked/questions/value").cloned().unwrap_or_default();
            }
            Event::TaskClaimed { by, until } => {
                self.acts(id, by, "claim", at);
                assert!(self.other(by).is_none(), "{id}: {by} claims what another works on");
                assert_eq!(*until, at.saturating_add_unsigned(limits::TASK_LEASE));
            }
            Event::TaskReleased { by, why } => {
                let claim = self.state.claim.as_ref();
                let claim = claim.unwrap_or_else(|| panic!("{id} is given back, and was not claimed"));
                assert_eq!(claim.by, *by, "{id}: given back by another");
                assert!(*why != Released::LeaseOver || at >= claim.until, "{id}: taken back too early");
                self.done.push(("release", by.clone()));
            }
            Event::TaskDelegated { by, .. } => self.acts(id, by, "delegate", at),
            Event::TaskSkipped { by, .. } => self.acts(id, by, "skip", at),
            Event::TaskDecided { by, version, accept, .. } => {
                self.hands_in(id, by, version, at);
                self.acts(id, by, if *accept { "accept" } else { "reject" }, at);
            }
            Event::TaskAnswered { by, version, .. } => {
                self.hands_in(id, by, version, at);
                self.acts(id, by, "answer", at);
                self.answers = raw.pointer("/answers/value").cloned().unwrap_or_default();
            }
            Event::TaskReminded { .. } => {
                let asked = self.asked();
                let last = self.state.reminded_at.unwrap_or(self.state.opened_at);
                assert!(
                    at >= last.saturating_add_unsigned(asked.remind.unwrap()),
                    "{id}: reminded too early"
                );
            }
            Event::TaskEscalated { to } => {
                let escalate = self.asked().escalate.as_ref().unwrap();
                let due = self.state.opened_at.saturating_add_unsigned(escalate.after);
                assert!(at >= due && *to == escalate.to, "{id}: escalated to {to:?} at {at}");
            }
            Event::TaskEnded { ended } => self.ends(id, *ended, at),
        }
        self.state.apply(event, at);
        assert_eq!(self.state.misfit(), None, "{id}: {raw}");
    }

    pub(crate) fn asked(&self) -> &Question {
        self.state.asked.as_deref().unwrap()
    }

    /// Who works on it beside somebody.
    fn other(&self, by: &str) -> Option<&str> {
        self.state.claim.as_ref().map(|claim| claim.by.as_str()).filter(|who| *who != by)
    }

    /// Who acts may do so, and the task is open for them.
    fn acts(&mut self, id: &StreamId, by: &str, what: &'static str, at: Time) {
        let actor = actors().into_iter().find(|actor| actor.user == by);
        let actor = actor.unwrap_or_else(|| panic!("{id}: there is no {by}"));
        assert_eq!(self.bars(&actor), None, "P4: {id}: {by} may not {what}");
        let before = self.state.submission_of(by);
        assert!(before.is_none(), "P4: {id}: {by} counts twice, by {what}");
        let due = self.asked().due_at;
        assert!(due.is_none_or(|due| at < due), "P4: {id}: {by} may {what} after the time-out");
        self.done.push((what, by.to_owned()));
    }

    /// A decision is bound to what was shown, and leaves alone what another works on.
    fn hands_in(&self, id: &StreamId, by: &str, version: &str, _at: Time) {
        assert_eq!(version, self.asked().version, "P4: {id}: {by} decides on something else");
        assert!(self.other(by).is_none(), "{id}: {by} decides on what another works on");
    }

    /// Why somebody may not act on it, found out anew.
    pub(crate) fn bars(&self, actor: &Actor) -> Option<&'static str> {
        let asked = self.asked();
        let gave = |from: &str| self.state.delegated.iter().any(|(by, _)| by == from);
        let has = self.state.delegated.iter().any(|(_, to)| *to == actor.user);
        if actor.agent && actor.run.as_ref() == Some(&asked.origin.top) {
            Some("own work")
        } else if asked.not.iter().any(|who| actor.is(who)) {
            Some("`not` names")
        } else if gave(&actor.user) {
            Some("gave it to")
        } else if !has
            && !asked.by.iter().chain(self.state.escalated.iter().flatten()).any(|who| actor.is(who))
        {
            Some("these may")
        } else {
            None
        }
    }

    /// An end follows from what was said, or from the time.
    fn ends(&self, id: &StreamId, ended: Ended, at: Time) {
        let asked = self.asked();
        let late = asked.due_at.is_some_and(|due| at >= due);
        let (accepts, rejects) = self.state.votes();
        let fine = match ended {
            Ended::Accepted => accepts >= asked.quorum || (late && asked.on_timeout == OnTimeout::Accept),
            Ended::Rejected => rejects >= asked.rejects || (late && asked.on_timeout == OnTimeout::Reject),
            Ended::Answered => asked.kind == TaskKind::Questions && self.state.submissions.len() == 1,
            Ended::TimedOut => late && asked.on_timeout == OnTimeout::Fail,
            Ended::Withdrawn => true,
        };
        assert!(fine, "P4: {id} ends as {ended}, with {accepts} and {rejects} of {asked:?}");
    }

    /// What settles it has settled it.
    fn settled(&self, id: &StreamId, at: Time) {
        if self.state.status.is_end() || self.state.seq == 0 {
            return;
        }
        let asked = self.asked();
        let (accepts, rejects) = self.state.votes();
        assert!(accepts < asked.quorum && rejects < asked.rejects, "P4: {id} is decided, and goes on");
        assert!(asked.due_at.is_none_or(|due| at < due), "P4: {id} is out of time, and goes on");
        assert!(self.answers.is_null(), "P4: {id} is answered, and goes on");
    }
}

/// How many have to say so.
fn most(asked: &Question, ended: Ended) -> u32 {
    if ended == Ended::Accepted { asked.quorum } else { asked.rejects }
}

impl Journal {
    /// Takes a row of a task.
    pub(crate) fn take_task(&mut self, stream: &StreamId, row: &Row) {
        for event in self.tasks.take(stream, row) {
            *self.met.entry(event).or_default() += 1;
        }
    }
}

impl World<'_> {
    /// Nothing is left to be done at once: each task is in the lists as its journal has it, and is wanted by its run.
    pub(crate) fn check_tasks(&mut self) {
        for (id, mirror) in &mut self.journal.tasks.all {
            if std::mem::replace(&mut mirror.checked, mirror.state.status.is_end()) {
                continue;
            }
            let listed = self.store.task(id).unwrap();
            let listed = listed.unwrap_or_else(|| panic!("{id} is in no list"));
            assert_eq!(Some(&listed.head), mirror.state.head().as_ref(), "{id}: its row, and its journal");
            assert!(self.store.inbox(id).unwrap().is_empty(), "{id}: messages are not taken");
            if let Some(memory) = self.driver.task(id) {
                assert_eq!(*memory, mirror.state, "{id}: replayed");
            }
            if mirror.state.status.is_end() {
                assert!(listed.head.to.is_empty(), "{id} is over, and in an inbox");
                continue;
            }
            if let Some(due) = mirror.state.due() {
                assert!(self.driver.due().is_some_and(|wakes| wakes <= due), "P10: nothing wakes {id}");
            }
            let origin = &mirror.asked().origin;
            let run = &self.journal.streams[&origin.run].state;
            let waits = run.waits_for().into_iter().any(|w| w.kind == "person" && w.path == origin.path);
            assert!(waits, "{id} is open, and {} does not wait at {}", origin.run, origin.path);
        }
    }

    /// What a run waits for is a task that is open, and those who may act on it are named.
    pub(crate) fn check_asked(&self, run: &StreamId, path: &str, detail: Option<&str>, until: Option<Time>) {
        let open = self.journal.tasks.all.values().find(|mirror| {
            let origin = &mirror.asked().origin;
            origin.run == *run && origin.path == path && !mirror.state.status.is_end()
        });
        let open = open.unwrap_or_else(|| panic!("{run}: {path} waits for people, and asks nobody"));
        let asked = open.asked();
        assert_eq!(detail, Some(asked.by.join(", ")).as_deref(), "{run}: {path}: who is waited for");
        // A deadline of what is around may come before: that wakes the run, the own time wakes the task.
        let run = &self.journal.streams[run];
        let wakes = until == asked.due_at
            || run.paused
            || (until < asked.due_at || asked.due_at.is_none()) && run.state.due() <= until;
        assert!(wakes, "{path}: people are waited for until {until:?}, and nothing is to be done then");
    }
}

/// Whether somebody wants that of a version that misses its schema.
fn of_findings(mirror: &TaskMirror, wanted: &str) -> bool {
    let asked = mirror.asked().origin.path.rsplit('/').next().is_some_and(|id| id.starts_with("findings"));
    let said = mirror.state.submissions.last().and_then(|one| one.form.as_ref());
    asked && matches!(said, Some(ValueRef::Inline(said)) if said["decision"] == wanted)
}
