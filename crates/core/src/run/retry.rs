//! Retry of a run that has ended: what runs again, and what is kept.
//!
//! What failed is begun anew, and what was undone; somebody may name a step besides, alone or with all that
//! follows from it. What holds these is opened again. Numbers of attempts go on, so that each attempt keeps a
//! name and a log of its own.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{Event, Named};
use super::reach::block_of;
use super::state::{Before, Ix, Kind, ROOT, RunState};
use super::turn::{Machine, Stop};
use crate::Time;
use crate::effect::ErrorKind;
use crate::path::{self, Part};
use crate::status::{Outcome, RunStatus, StepStatus};
use crate::value::ValueRef;
use stead_lang::inputs::index_text;
use stead_lang::plan::{Plan, StepIx};

/// What runs again besides what failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// Nothing.
    #[default]
    Failed,
    /// This step instance and all that follows from it.
    From(String),
    /// This step instance alone.
    Only(String),
}

/// What a retry would do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Selection {
    /// Paths of instances that are begun anew.
    pub drop: Vec<String>,
    /// Paths of what is open again around them; the empty one is the run.
    pub reopen: Vec<String>,
    /// Steps, items and iterations that are completed and stay so.
    pub kept: u64,
}

impl RunState {
    /// What a retry would do.
    ///
    /// # Errors
    /// When there is nothing to be done, or it cannot be done here: why.
    pub fn selection(&mut self, plan: &Plan, again: &Again) -> Result<Selection, &'static str> {
        if let Some(why) = self.no_retry() {
            return Err(why);
        }
        if !self.bound {
            self.bind(plan);
            // The agenda is made with the next turn.
            self.bound = false;
        }
        let mut chosen = Chosen::of(self, plan);
        match again {
            Again::Failed => {}
            Again::From(path) => chosen.named(path, true)?,
            Again::Only(path) => chosen.named(path, false)?,
        }
        if chosen.state.root().is_some() {
            chosen.failed_inside(ROOT);
        }
        let (drop, reopen) = (chosen.drop, chosen.reopen);
        let tidies = |ix: &Ix| plan.steps[self.get(*ix).step as usize].finally;
        if *again == Again::Failed && drop.iter().all(tidies) && self.status == RunStatus::Completed {
            return Err("nothing in it failed: name a step to run again");
        }
        Ok(self.told(drop, reopen))
    }

    fn told(&self, mut drop: Vec<Ix>, mut reopen: Vec<Ix>) -> Selection {
        drop.sort_unstable();
        drop.dedup();
        reopen.sort_unstable();
        reopen.dedup();
        let path = |ix: &Ix| self.get(*ix).path.to_string();
        let dropped: HashSet<Ix> = drop.iter().copied().collect();
        let opened: HashSet<Ix> = reopen.iter().copied().collect();
        let gone = |ix: Ix| self.above(ix).any(|ix| dropped.contains(&ix));
        let outermost =
            drop.iter().filter(|ix| !self.above(self.get(**ix).parent).any(|a| dropped.contains(&a)));
        let mut paths: Vec<String> = outermost.map(path).collect();
        paths.sort();
        let mut open: Vec<String> = reopen.iter().filter(|ix| !gone(**ix)).map(path).collect();
        open.sort();
        let count = Ix::try_from(self.slab.len()).unwrap_or(Ix::MAX);
        let kept = (0..count).filter(|ix| {
            let there = self.slab[*ix as usize].as_ref();
            let completed =
                there.is_some_and(|i| i.status == StepStatus::Completed && path::as_aside(&i.path).is_none());
            completed && *ix != ROOT && !opened.contains(ix) && !gone(*ix)
        });
        Selection { drop: paths, reopen: open, kept: kept.count() as u64 }
    }

    /// An instance and those around it.
    pub(super) fn above(&self, ix: Ix) -> impl Iterator<Item = Ix> {
        std::iter::successors(Some(ix), |ix| (*ix != ROOT).then(|| self.get(*ix).parent))
    }

    /// Books that an ended run goes on.
    pub(super) fn reopened(&mut self, drop: &[String], reopen: &[(String, Option<Time>)], inputs: &[Named]) {
        // The one way back from an end, and somebody asked for it: the table of moves has none.
        self.status = if self.started_at.is_some() { RunStatus::Running } else { RunStatus::Pending };
        (self.outcome, self.error, self.ended_at, self.outputs) = (None, None, None, None);
        (self.cancel, self.force, self.finishing, self.paused) = (false, false, false, None);
        if !inputs.is_empty() {
            self.inputs = self.named("inputs", inputs);
        }
        let count = Ix::try_from(self.slab.len()).unwrap_or(Ix::MAX);
        for ix in 0..count {
            if self.slab[ix as usize].as_ref().is_some_and(|i| path::as_aside(&i.path).is_some()) {
                self.remember(ix);
                self.drop_instance(ix);
            }
        }
        let mut dropped: Vec<Ix> = drop.iter().filter_map(|path| self.find(path)).collect();
        // The newest of each block first: so a machine comes back to where it was before.
        let place = |ix: &Ix| {
            let parent = self.get(*ix).parent;
            let around = self.get(parent);
            let at = match around.kind {
                Kind::Foreach { .. } => Some(self.get(*ix).index as usize),
                _ => around.inside.iter().position(|child| child == ix),
            };
            (parent, Reverse(at))
        };
        dropped.sort_by_cached_key(place);
        for ix in dropped {
            if ix == ROOT || self.slab[ix as usize].is_none() {
                self.note_misfit(|| "what is begun anew is not there".to_owned());
            } else {
                self.begin_anew(ix);
            }
        }
        for undo in &mut self.undo {
            (undo.begun, undo.over) = (false, false);
        }
        // Inner ones first, so that what is tolerated inside is known outside.
        for (path, deadline_at) in reopen.iter().rev() {
            if let Some(ix) = self.find(path) {
                self.open_again(ix, *deadline_at);
            }
        }
    }

    /// What an instance had before it was dropped, or what is around it where nothing more is known.
    pub(super) fn before(&self, path: &str) -> Before {
        let mut known: Option<Before> = None;
        let mut at = Some(path).filter(|_| !self.before.is_empty());
        while let Some(inner) = at {
            if let Some(before) = self.before.get(inner) {
                // Numbers go on behind all that are forgotten; rounds are each one's own.
                let inside = known.get_or_insert(*before);
                inside.number = inside.number.max(before.number);
            }
            at = path::around(inner);
        }
        known.unwrap_or_default()
    }

    /// Keeps the numbers of what is dropped.
    fn remember(&mut self, ix: Ix) {
        for child in self.get(ix).inside.clone() {
            self.remember(child);
        }
        let instance = self.get(ix);
        let path = instance.path.clone();
        let before = self.before(&path);
        if let Kind::Attempt { number, .. } | Kind::Child { number, .. } | Kind::Task { number, .. } =
            instance.kind
        {
            let again = instance.status == StepStatus::Completed;
            self.before.insert(path, Before { number, round: before.round + u32::from(again) });
        } else if instance.forgot > 0 {
            // What is forgotten was completed.
            let number = instance.forgot;
            self.before.insert(path, Before { number, round: before.round.saturating_add(1) });
        }
    }

    fn begin_anew(&mut self, ix: Ix) {
        self.remember(ix);
        let instance = self.get(ix);
        let (path, status, index, parent) =
            (instance.path.clone(), instance.status, instance.index, instance.parent);
        let left = instance.left;
        self.undo.retain(|undo| !path::is_within(&undo.path, &path));
        self.drop_instance(ix);
        let items = matches!(self.get(parent).kind, Kind::Foreach { .. });
        let inside = &self.get(parent).inside;
        let at = match items {
            // They stand in the order of their positions, and there may be many.
            true => inside.partition_point(|child| *child != ix && self.get(*child).index < index),
            false => inside.iter().position(|child| *child == ix).unwrap_or(inside.len()),
        };
        let around = self.get_mut(parent);
        if around.inside.get(at) == Some(&ix) {
            around.inside.remove(at);
        }
        match &mut around.kind {
            Kind::Foreach { begun, done, holes, lines, .. } => {
                *begun = begun.saturating_sub(1);
                *done = done.saturating_sub(1);
                if let Some(count) = lines.as_mut().and_then(|lines| lines.count(status)) {
                    *count = count.saturating_sub(1);
                }
                let at = holes.partition_point(|hole| *hole < index);
                holes.insert(at, index);
            }
            Kind::Loop { begun, .. } => *begun = begun.saturating_sub(1),
            _ => {}
        }
        if let Some(join) = &mut around.join {
            match status {
                StepStatus::Completed => join.completed = join.completed.saturating_sub(1),
                StepStatus::Failed | StepStatus::Blocked => join.lost = join.lost.saturating_sub(1),
                StepStatus::Skipped => join.skipped = join.skipped.saturating_sub(1),
                _ => {}
            }
        }
        let Part::Step { id, .. } = path::split(&path) else { return };
        let last = around.inside.last().copied();
        if let Some(machine) = around.machine.as_mut().filter(|machine| machine.last == Some(ix)) {
            // The machine is about to go there once more.
            machine.went = Some(id.into());
            machine.last = last;
            if let Some((_, n)) = machine.of.iter_mut().find(|(state, _)| **state == *id) {
                *n = n.saturating_sub(1);
            }
            if let Some(entry) = left {
                machine.untake(id, entry);
            }
        }
    }

    fn open_again(&mut self, ix: Ix, deadline_at: Option<Time>) {
        let troubled = self.has_trouble_inside(ix);
        let instance = self.get_mut(ix);
        let before = std::mem::replace(&mut instance.status, StepStatus::Running);
        (instance.outcome, instance.error, instance.ended_at) = (None, None, None);
        (instance.ending, instance.stopping, instance.verdict) = (None, None, None);
        (instance.block, instance.told, instance.undo_noted) = (None, false, false);
        instance.output = super::state::Output::None;
        instance.trouble = troubled;
        if let Some(join) = &mut instance.join {
            (join.reached, join.error) = (false, None);
        }
        let (parent, path) = (instance.parent, instance.path.clone());
        self.undo.retain(|undo| undo.path != path);
        self.set_deadline(ix, deadline_at);
        self.refill(ix);
        // It has not ended any more.
        if ix != ROOT {
            let around = self.get_mut(parent);
            if let (Kind::Foreach { done, lines, .. }, Part::Item { .. }) =
                (&mut around.kind, path::split(&path))
            {
                *done = done.saturating_sub(1);
                if let Some(count) = lines.as_mut().and_then(|lines| lines.count(before)) {
                    *count = count.saturating_sub(1);
                }
            }
        }
    }
}

struct Chosen<'s> {
    state: &'s RunState,
    plan: &'s Plan,
    /// Paths of what was undone.
    undone: Vec<&'s str>,
    drop: Vec<Ix>,
    reopen: Vec<Ix>,
}

impl<'s> Chosen<'s> {
    fn of(state: &'s RunState, plan: &'s Plan) -> Self {
        let undone =
            state.slab.iter().flatten().filter_map(|instance| match path::as_aside(&instance.path) {
                // One whose undo failed is still there.
                Some((undone, path::Aside::Undo)) => {
                    Some(undone).filter(|_| instance.status == StepStatus::Completed)
                }
                _ => None,
            });
        Chosen { state, plan, undone: undone.collect(), drop: Vec::new(), reopen: Vec::new() }
    }

    /// Whether something inside was undone.
    fn was_undone(&self, ix: Ix) -> bool {
        let of = &self.state.get(ix).path;
        self.undone.iter().any(|undone| path::is_within(undone, of))
    }

    /// A step instance that somebody named, and with `follows` all that comes after it.
    fn named(&mut self, named: &str, follows: bool) -> Result<(), &'static str> {
        let Some(ix) = self.state.find(named).filter(|_| path::as_aside(named).is_none()) else {
            return Err("the run has no such step, or has not come to it");
        };
        if ix == ROOT {
            return Err("the whole run runs again by starting it anew");
        }
        let ix = self.state.whole_document(ix);
        self.drop.push(ix);
        let mut at = ix;
        while at != ROOT {
            let parent = self.state.get(at).parent;
            let around = self.state.get(parent);
            self.reopen.push(parent);
            match around.kind {
                Kind::Foreach { .. } => {}
                Kind::Loop { .. } => {
                    let later = around
                        .inside
                        .iter()
                        .copied()
                        .filter(|i| self.state.get(*i).index > self.state.get(at).index);
                    let later: Vec<Ix> = later.collect();
                    let number = self.state.get(at).index;
                    let before = path::iteration(&around.path, number.saturating_sub(1));
                    if number > 1 && self.state.find(&before).is_none() {
                        return Err("the iteration before it is not kept: run the whole loop again");
                    }
                    if !later.is_empty() && !follows {
                        return Err("later iterations follow from it: run again from there on");
                    }
                    self.drop.extend(later);
                }
                _ => self.rest_of_block(parent, at, follows)?,
            }
            at = parent;
        }
        Ok(())
    }

    /// What follows from a step of a block: its `finally`, and what needs the step where that is wanted.
    fn rest_of_block(&mut self, body: Ix, at: Ix, follows: bool) -> Result<(), &'static str> {
        let block = block_of(self.state, self.plan, body);
        let around = self.state.get(body);
        if around.machine.as_ref().is_some_and(|machine| machine.last != Some(at)) {
            return Err("the machine went on from that visit; name the last one");
        }
        let step = &self.plan.steps[self.state.get(at).step as usize];
        let mut queue: Vec<usize> =
            if follows && !block.machine { step.needed_by.clone() } else { Vec::new() };
        let mut seen = vec![false; block.steps.len()];
        while let Some(pos) = queue.pop() {
            if std::mem::replace(&mut seen[pos], true) {
                continue;
            }
            queue.extend(&self.plan.steps[block.steps[pos] as usize].needed_by);
        }
        let places: HashMap<StepIx, usize> = block.steps.iter().copied().zip(0..).collect();
        for child in &around.inside {
            let pos = places.get(&self.state.get(*child).step).copied();
            if pos.is_some_and(|pos| seen[pos] || pos >= block.own) && *child != at {
                self.drop.push(*child);
            }
        }
        Ok(())
    }

    /// What failed in a block or holder, and what was undone.
    fn failed_inside(&mut self, ix: Ix) {
        let instance = self.state.get(ix);
        if self.state.is_booked(ix).is_some_and(|(draft, sound)| !sound || self.was_undone(draft)) {
            // What is made of it would be another version.
            self.drop.push(ix);
            return;
        }
        let undone = self.undone_before(ix);
        let first = undone.as_ref().and_then(|undone| undone.first()).map(|first| self.state.get(*first));
        if let Some(first) = first.filter(|first| first.index > 1 && instance.machine.is_none())
            && self.state.find(&path::iteration(&instance.path, first.index - 1)).is_none()
        {
            // It may read the iteration before it, which is not kept.
            self.drop.push(ix);
            return;
        }
        self.reopen.push(ix);
        let last = instance.machine.as_ref().and_then(|machine| machine.last);
        for child in instance.inside.clone() {
            let inner = self.state.get(child);
            let holds = matches!(inner.kind, Kind::Group | Kind::Foreach { .. } | Kind::Loop { .. });
            let holder = matches!(instance.kind, Kind::Foreach { .. } | Kind::Loop { .. });
            if !holder && self.plan.steps[inner.step as usize].finally {
                self.drop.push(child);
                continue;
            }
            // All that followed from it follows anew.
            if undone.as_ref().is_some_and(|undone| undone.contains(&child)) {
                self.drop.push(child);
                continue;
            }
            // What a machine or loop went on from, or a rejection replaced, is dealt with.
            let newest = match instance.kind {
                Kind::Group if self.state.is_replaced(child) => false,
                Kind::Loop { .. } => instance.inside.last() == Some(&child),
                _ => instance.machine.is_none() || last == Some(child),
            };
            if !newest {
                continue;
            }
            // No transition led on from it, or none that could be computed.
            let stuck = last == Some(child) && instance.status == StepStatus::Failed;
            let undone = self.was_undone(child);
            match inner.status {
                StepStatus::Completed if stuck => self.drop.push(child),
                StepStatus::Completed if undone && (!holds || self.is_undone_itself(child)) => {
                    self.drop.push(child);
                }
                StepStatus::Completed if holds && (undone || inner.outcome == Some(Outcome::Degraded)) => {
                    self.failed_inside(child);
                }
                StepStatus::Completed | StepStatus::Skipped => {}
                StepStatus::Failed | StepStatus::Cancelled if holds && !ran_out(inner) => {
                    self.failed_inside(child);
                }
                _ => self.drop.push(child),
            }
        }
    }

    /// Of a machine or loop that went on from what was undone: the first such visit or iteration, and all behind it.
    fn undone_before(&self, ix: Ix) -> Option<Vec<Ix>> {
        let instance = self.state.get(ix);
        let sequence = instance.machine.is_some() || matches!(instance.kind, Kind::Loop { .. });
        let newest = match &instance.machine {
            Some(machine) => machine.last,
            None => instance.inside.last().copied(),
        };
        let first = instance.inside.iter().position(|child| self.was_undone(*child)).filter(|_| sequence)?;
        (Some(instance.inside[first]) != newest).then(|| instance.inside[first..].to_vec())
    }

    fn is_undone_itself(&self, ix: Ix) -> bool {
        self.undone.contains(&&*self.state.get(ix).path)
    }
}

/// Whether something used up its own iterations or visits: going on where it stands would end the same way.
fn ran_out(instance: &super::state::Instance) -> bool {
    let own =
        |error: &super::event::StepError| error.kind == ErrorKind::Exhausted && *error.step == *instance.path;
    instance.error.as_deref().is_some_and(own)
}

impl Machine<'_> {
    /// Somebody wants a run that has ended to go on.
    pub(super) fn reopen(&mut self, by: &str, again: &Again, inputs: &[(String, Value)]) -> Result<(), Stop> {
        let selection = match self.state.selection(self.plan, again) {
            Ok(selection) => selection,
            Err(why) => {
                self.out.refused = Some(why);
                return Ok(());
            }
        };
        let found_by = |(name, value): &(String, Value)| {
            self.state.keys.iter().any(|(key, text)| key == name && index_text(value).as_ref() != Some(text))
        };
        if inputs.iter().any(found_by) {
            self.out.refused =
                Some("an input by which the run is found (`index: true`) stays: start a new run for another");
            return Ok(());
        }
        self.state.bound = true;
        let mut reopen = Vec::with_capacity(selection.reopen.len());
        for path in selection.reopen {
            let deadline_at = self.new_deadline(&path)?;
            reopen.push((path, deadline_at));
        }
        if !inputs.is_empty() {
            // What `vars` read has to be at hand before the first event.
            let all: Vec<ValueRef> =
                self.state.inputs.iter().map(|(_, reference)| reference.clone()).collect();
            for reference in all {
                self.loaded(&reference)?;
            }
        }
        let changed = !inputs.is_empty();
        let inputs = inputs.iter().map(|(name, value)| (name.clone(), self.payload(value.clone()))).collect();
        self.emit(Event::RunReopened { by: by.into(), drop: selection.drop, reopen, inputs });
        if changed && self.state.started_at.is_some() {
            match self.vars() {
                Ok(vars) => {
                    let vars = vars.into_iter().map(|(name, value)| (name, self.payload(value))).collect();
                    self.emit(Event::VarsComputed { vars });
                }
                Err(Stop::Error(error)) => {
                    self.fail_run(error);
                    return Ok(());
                }
                Err(needs) => return Err(needs),
            }
        }
        self.rescan();
        Ok(())
    }

    /// A deadline that begins to run now, for what is open again.
    fn new_deadline(&self, path: &str) -> Result<Option<Time>, Stop> {
        let Some(ix) = self.state.find(path) else { return Ok(None) };
        let limit = if ix == ROOT {
            return self.or_none(self.run_deadline(&[]));
        } else {
            let (site, step) = (self.site(ix), self.step(ix));
            // An item's or iteration's holder has it.
            let deadline = step.deadline.as_ref().filter(|_| site.slot.is_none());
            self.or_none(self.millis(path, deadline, |reach| site.scope(reach)))?
        };
        Ok(limit.map(|ms| self.after(ms)))
    }

    /// A setting that cannot be computed any more sets nothing: it could be, when the step began.
    fn or_none<T>(&self, found: Result<Option<T>, Stop>) -> Result<Option<T>, Stop> {
        match found {
            Err(Stop::Error(_)) => Ok(None),
            other => other,
        }
    }
}
