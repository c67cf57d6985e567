//! Places that a run shares with others: asked for before it, or a step of it, begins, and given back in the turn
//! that ends it. See [`crate::limit`] for the other side.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_lang::plan::{Concurrency, Setting, Step};

use super::event::{Event, StepError};
use super::reach::is_holder;
use super::scope::Scope;
use super::settings::count_of;
use super::start::Site;
use super::state::{Instance, Ix, Job, Kind, ROOT, RunState, Timer};
use super::turn::{Machine, Stop, expression_error, step_error};
use crate::Time;
use crate::effect::{EndReason, ErrorKind};
use crate::ids::StreamId;
use crate::limit::{Ask, AskId, ToLimit, ToRun};
use crate::limits;
use crate::path;
use crate::status::RunStatus;

/// A place that somebody around has, by its limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The limit.
    pub limit: StreamId,
    /// The asking.
    #[serde(flatten)]
    pub ask: AskId,
}

/// A place of an instance: had, or asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) limit: StreamId,
    pub(super) key: Box<str>,
    /// Number of the event that asks.
    pub(super) number: u64,
    pub(super) held: bool,
    /// The run that is to have it instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked_by: Option<StreamId>,
}

impl Instance {
    /// Whether it waits for a place.
    pub(super) fn waits_for_place(&self) -> bool {
        self.place.as_ref().is_some_and(|place| !place.held)
    }

    /// Whether it went on before, and waits for its place once more.
    pub(super) fn is_gate(&self) -> bool {
        !matches!(self.kind, Kind::Place) && self.waits_for_place()
    }

    /// Why it ends, if another run is to have its place.
    pub(super) fn revoked(&self) -> Option<StepError> {
        let place = self.place.as_ref()?;
        let by = place.revoked_by.as_ref()?;
        let message = format!("run {by} asked for its place for `{}`, and cancels the oldest", place.key);
        Some(step_error(&self.path, ErrorKind::Cancelled, &message))
    }
}

impl RunState {
    /// Askings that are not granted: the step instance, the limit and the asking.
    pub fn places_awaited(&self) -> Vec<(String, Held)> {
        let waits = |instance: &Instance| {
            let place = instance.place.as_deref().filter(|_| instance.waits_for_place())?;
            Some((instance.path.to_string(), self.held(place)))
        };
        self.waiting.iter().filter_map(|ix| waits(self.get(*ix))).collect()
    }

    /// Places that it has: the step instance, the limit and the asking.
    pub fn places_held(&self) -> Vec<(String, Held)> {
        let held = |instance: &Instance| {
            let place = instance.place.as_deref().filter(|place| place.held)?;
            Some((instance.path.to_string(), self.held(place)))
        };
        let all = self.slab.iter().flatten().filter_map(held);
        if self.places == 0 { Vec::new() } else { all.collect() }
    }

    fn held(&self, place: &Place) -> Held {
        let ask = AskId { run: self.id.clone(), number: place.number };
        Held { limit: place.limit.clone(), ask }
    }

    /// Books that an instance has ended: its place is to be given back.
    pub(super) fn leave_place(&mut self, ix: Ix) {
        if let Some(place) = self.forget_place(ix) {
            let held = self.held(&place);
            self.left.push(held);
        }
    }

    /// Books that an instance neither has nor wants a place any more.
    pub(super) fn forget_place(&mut self, ix: Ix) -> Option<Place> {
        let place = self.get_mut(ix).place.take()?;
        self.places = self.places.saturating_sub(1);
        self.gates.retain(|gate| *gate != ix);
        Some(*place)
    }

    /// Books that the run has ended.
    pub(super) fn leave_all_places(&mut self) {
        if self.places == 0 {
            return;
        }
        for ix in 0..Ix::try_from(self.slab.len()).unwrap_or(Ix::MAX) {
            if self.slab[ix as usize].as_ref().is_some_and(|instance| instance.place.is_some()) {
                self.leave_place(ix);
            }
        }
    }

    /// Places that whatever is at a path is inside of, its own one included.
    fn held_around(&self, path: &str) -> Vec<Held> {
        let mut all = self.within.clone();
        let mut at = Some(path);
        while let Some(inner) = at {
            let instance = self.find(inner).map(|ix| self.get(ix));
            let place = instance.and_then(|instance| instance.place.as_deref()).filter(|place| place.held);
            all.extend(place.map(|place| self.held(place)));
            at = path::around(inner);
        }
        all
    }

    /// Whether an instance, or what is around it, is open again and waits for its place: nothing of it goes on until
    /// then. What is on its way out is not held up.
    fn is_held_up(&self, ix: Ix) -> bool {
        if self.gates.is_empty() || self.cancel || self.root().is_some_and(Instance::is_closing) {
            return false;
        }
        self.above(ix).map(|ix| self.get(ix)).any(|around| around.is_gate() && !around.is_closing())
    }

    /// Whether a job can be done, though something waits for its place once more.
    pub(super) fn may_do(&self, job: &Job) -> bool {
        match job {
            Job::Recover(_) | Job::Reask(_) | Job::End(_) | Job::Note(_) | Job::Deliver(_) => true,
            Job::Fire(_, Timer::Deadline) => true,
            Job::Begin => !self.is_held_up(ROOT),
            Job::Start { body: ix, .. }
            | Job::Pump(ix)
            | Job::Settle(ix)
            | Job::Redo(ix)
            | Job::Ended(ix)
            | Job::Fire(ix, _)
            | Job::Probe(ix)
            | Job::Enter(ix) => !self.is_held_up(*ix),
        }
    }

    /// Whether there is something on the agenda that can be done at once, unless the run is paused.
    pub(super) fn has_work(&self) -> bool {
        match self.gates.is_empty() {
            true => !self.agenda.is_empty(),
            false => self.agenda.iter().any(|job| self.may_do(job)),
        }
    }

    /// Whether a run that has not begun waits for its place, or has it.
    pub(super) fn place_of_run(&self) -> Option<&Place> {
        let root = self.root().filter(|root| matches!(root.kind, Kind::Place))?;
        root.place.as_deref()
    }
}

impl<'a> Machine<'a> {
    /// Places that a child run is inside of.
    pub(super) fn within(&self, path: &str) -> Vec<Held> {
        self.state.held_around(path)
    }

    /// Asks for the place that a step needs before it begins. `None`: it needs none.
    pub(super) fn ask_for_step(
        &mut self,
        site: &Site,
        step: &Step,
        deadline_at: Option<Time>,
    ) -> Result<Option<Ix>, Stop> {
        let Some(rule) = &step.concurrency else { return Ok(None) };
        let key = self.eval(&site.path, |reach| rule.key.render_text(&site.scope(reach)))?;
        let max =
            self.count(&site.path, &rule.max, "concurrency.max", limits::PLACES, |reach| site.scope(reach))?;
        let ix = self.ask(site.path.clone(), rule, key, max, deadline_at)?;
        self.state.get_mut(ix).step = site.step;
        Ok(Some(ix))
    }

    /// Whether the run may begin: it has its place, or needs none. If so, says until when it has to end.
    pub(super) fn run_may_begin(
        &mut self,
        vars: &[(String, Value)],
        deadline_at: Option<Time>,
    ) -> Result<Option<Option<Time>>, Stop> {
        if let Some(place) = self.state.place_of_run() {
            let since = self.state.root().and_then(|root| root.deadline_at);
            return Ok(place.held.then_some(since));
        }
        let plan = self.plan;
        let Some(rule) = &plan.concurrency else { return Ok(Some(deadline_at)) };
        let key = self.eval("", |reach| rule.key.render_text(&Scope::starting(reach, vars)))?;
        let max = match &rule.max {
            Setting::Fixed(n) => *n,
            Setting::Computed(max) => {
                let value = self.eval("", |reach| max.render(&Scope::starting(reach, vars)))?;
                count_of("", &value, "concurrency.max", limits::PLACES)?
            }
        };
        self.ask(String::new(), rule, key, max, deadline_at)?;
        Ok(None)
    }

    fn ask(
        &mut self,
        path: String,
        rule: &Concurrency,
        key: String,
        max: u32,
        deadline_at: Option<Time>,
    ) -> Result<Ix, Stop> {
        if key.is_empty() || key.len() > limits::PLACE_KEY_BYTES {
            let most = limits::PLACE_KEY_BYTES;
            let message = format!("concurrency.key has {} bytes, it takes 1 to {most}", key.len());
            return Err(expression_error(&path, &message));
        }
        let project = self.state.project.clone();
        let limit = StreamId::limit(&project, &key);
        let around = self.state.held_around(&path);
        let inside = around.into_iter().filter(|held| held.limit == limit).map(|held| held.ask).collect();
        let on_full = rule.on_full.into();
        self.emit(Event::PlaceAsked {
            path: path.clone(),
            limit: limit.clone(),
            key: key.clone(),
            max,
            on_full,
            deadline_at,
        });
        let id = AskId { run: self.state.id.clone(), number: self.state.seq };
        let workflow = self.state.workflow.clone();
        let ix = self.state.find(&path).unwrap_or(ROOT);
        let ask = Ask { id, path, workflow, on_full, inside };
        self.send(&limit, &ToLimit::AskPlace { project, key, max, ask });
        Ok(ix)
    }

    /// After loading, or when an ended run goes on: what is open of a step that needs a place and has asked for none.
    pub(super) fn ask_again(&mut self) {
        let plan = self.plan;
        if plan.concurrency.is_none() && plan.steps.iter().all(|step| step.concurrency.is_none()) {
            return;
        }
        let asks = |(ix, instance): (Ix, &Option<Instance>)| {
            let instance = instance.as_ref().filter(|i| !i.status.is_end() && i.place.is_none())?;
            let began = matches!(instance.kind, Kind::Group | Kind::Foreach { .. } | Kind::Loop { .. });
            // An item or iteration is in its holder's place.
            let own = ix == ROOT || !is_holder(self.state.get(instance.parent));
            (began && own && self.rule(ix).is_some()).then_some(Job::Reask(ix))
        };
        let all: Vec<Job> = (0..).zip(&self.state.slab).filter_map(asks).collect();
        for job in all.into_iter().rev() {
            self.state.agenda.push_front(job);
        }
    }

    fn rule(&self, ix: Ix) -> Option<&'a Concurrency> {
        let plan = self.plan;
        if ix == ROOT {
            return plan.concurrency.as_ref();
        }
        plan.steps.get(self.state.get(ix).step as usize)?.concurrency.as_ref()
    }

    /// Asks for the place of something that is open again.
    pub(super) fn reask(&mut self, ix: Ix) -> Result<(), Stop> {
        let instance = self.state.get(ix);
        let (path, deadline_at) = (instance.path.to_string(), instance.deadline_at);
        if instance.status.is_end() || instance.place.is_some() || instance.is_closing() {
            return Ok(());
        }
        // One that is inside of another of the same key uses its place, and has to know of it when it asks.
        let outer =
            ix != ROOT && self.state.above(instance.parent).any(|ix| self.state.get(ix).waits_for_place());
        if outer {
            return Ok(());
        }
        let Some(rule) = self.rule(ix) else { return Ok(()) };
        let (key, max) = if ix == ROOT {
            let key = self.eval("", |reach| rule.key.render_text(&Scope::of(reach, ROOT)))?;
            let max = self.count("", &rule.max, "concurrency.max", limits::PLACES, |r| Scope::of(r, ROOT))?;
            (key, max)
        } else {
            let site = self.site(ix);
            let key = self.eval(&path, |reach| rule.key.render_text(&site.scope(reach)))?;
            (key, self.count(&path, &rule.max, "concurrency.max", limits::PLACES, |reach| site.scope(reach))?)
        };
        self.ask(path, rule, key, max, deadline_at)?;
        Ok(())
    }

    /// Gives back what ended with the last event.
    pub(super) fn give_back(&mut self) {
        for held in std::mem::take(&mut self.state.left) {
            self.send(&held.limit, &ToLimit::GiveBack { ask: held.ask });
        }
    }

    /// Takes what a limit said.
    pub(super) fn place_said(&mut self, said: ToRun) {
        let (ToRun::PlaceGranted { path, number }
        | ToRun::PlaceRefused { path, number, .. }
        | ToRun::PlaceRevoked { path, number, .. }) = &said;
        let asked = self.state.find(path).filter(|ix| {
            let place = self.state.get(*ix).place.as_deref();
            place.is_some_and(|place| place.number == *number)
        });
        // What does not wait any more has given back already: that was said when it ended.
        let Some(ix) = asked else { return };
        match said {
            ToRun::PlaceGranted { path, number } => {
                if !self.state.get(ix).waits_for_place() {
                    return;
                }
                let again = self.state.get(ix).is_gate();
                self.emit(Event::PlaceGranted { path, number });
                if again {
                    // What is inside asks next; what was held up is on the agenda.
                    self.ask_again();
                } else {
                    self.push(if ix == ROOT { Job::Begin } else { Job::Enter(ix) });
                }
            }
            ToRun::PlaceRefused { path, number, why } => {
                let key = self.state.get(ix).place.as_ref().map_or("", |place| &place.key);
                let message = format!("there is no place for `{key}`: {why}");
                let error = step_error(&path, ErrorKind::Exhausted, &message);
                if self.state.get(ix).is_gate() {
                    // It has begun long ago, so it ends as whatever fails with something inside.
                    self.emit(Event::PlaceRefused { path, number, error });
                    self.wake(ix);
                } else if ix == ROOT {
                    self.fail_run(error);
                } else {
                    self.fail(ix, error);
                }
            }
            ToRun::PlaceRevoked { path, number, by } => {
                if self.state.get(ix).ending.is_some() || self.state.cancel {
                    // It is on its way out.
                    return;
                }
                self.emit(Event::PlaceRevoked { path, number, by: by.clone() });
                if ix == ROOT {
                    let error = self.state.get(ROOT).revoked();
                    self.cancel(&format!("run:{by}"), error.map(|e| e.message).as_deref(), false);
                } else {
                    self.mark_ending(ix, EndReason::Cancelled);
                    self.push(Job::End(ix));
                }
            }
        }
    }

    /// A run that has not begun ends: nothing is to be ended, undone or cleaned up.
    pub(super) fn end_before_start(&mut self, reason: EndReason) {
        if reason == EndReason::Timeout {
            let message = "the deadline of the run has passed while it waited for a place";
            self.fail_run(step_error("", ErrorKind::Timeout, message));
        } else {
            self.emit(Event::RunCancelled);
            self.tell_parent();
        }
    }

    /// A step that has its place begins.
    pub(super) fn enter(&mut self, ix: Ix) -> Result<(), Stop> {
        let instance = self.state.get(ix);
        if instance.status.is_end() || !matches!(instance.kind, Kind::Place) {
            return Ok(());
        }
        if self.unwanted(ix) {
            self.push(Job::End(ix));
            return Ok(());
        }
        let deadline_at = instance.deadline_at;
        let (site, step) = (self.site(ix), self.step(ix));
        match self.begin_ready(&site, step, deadline_at) {
            Err(Stop::Error(error)) => {
                self.fail_at(&site, error);
                Ok(())
            }
            other => other.map(drop),
        }
    }
}

impl RunState {
    /// The status of a run that has not begun: whether it waits for its place.
    pub(super) fn status_before(&self) -> Option<RunStatus> {
        let place = self.place_of_run().filter(|_| self.paused.is_none())?;
        Some(if place.held { RunStatus::Running } else { RunStatus::Waiting })
    }
}
