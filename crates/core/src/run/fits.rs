//! Whether a state that was read back can be: what a journal tells is looked at once, before anything follows.
//!
//! Booking has no failure, so that it can be done by anyone who follows a run; an event that cannot follow from those
//! before it is noted instead. Together with the plan that says whether the run can go on. Nothing of this is met but
//! where the store was damaged in a way that its hashes do not show, or where another engine wrote the journal or
//! reads the definition differently.

use std::collections::HashSet;

use stead_lang::plan::{ActionKind, Body, Each, Plan, Step, Wait};

use super::event::Event;
use super::state::{Instance, Ix, Kind, ROOT, RunState};
use crate::path::{self, Aside, Part};

impl RunState {
    /// The first event that does not follow from those before it: its number, and why.
    pub fn misfit(&self) -> Option<(u64, &str)> {
        self.misfit.as_deref().map(|misfit| (misfit.0, &*misfit.1))
    }

    /// Notes that the event that is booked does not follow from those before it: the first one counts.
    pub(super) fn note_misfit(&mut self, why: impl FnOnce() -> String) {
        if self.misfit.is_none() {
            self.misfit = Some(Box::new((self.seq, why())));
        }
    }

    /// Looks at the order of events that others take for granted.
    pub(super) fn expect_order(&mut self, event: &Event) {
        let created = matches!(event, Event::RunCreated { .. });
        if created != (self.seq == 1) {
            let why = if created { "the run is there already" } else { "the run is not there yet" };
            self.note_misfit(|| why.to_owned());
        }
        if event.path().is_some_and(|path| !path.is_empty()) && self.started_at.is_none() {
            self.note_misfit(|| "the run has not begun".to_owned());
        }
        let status = self.status;
        if status.is_end() != matches!(event, Event::RunReopened { .. }) {
            self.note_misfit(|| format!("the run is {status}"));
        }
    }

    /// Holds a state that was read back against the plan of its run; in one that takes turns that was done.
    ///
    /// # Errors
    /// Why the run cannot go on with this plan.
    pub fn fits(&mut self, plan: &Plan) -> Result<(), String> {
        if let Some((_, why)) = self.misfit() {
            return Err(why.to_owned());
        }
        if self.bound {
            return Ok(());
        }
        self.bind(plan);
        // The agenda is made with the next turn.
        self.bound = false;
        self.holds_together()?;
        self.undo_fits(plan)?;
        let instances = self.slab.iter().flatten();
        instances.clone().try_for_each(|instance| self.fits_plan(plan, instance))
    }

    /// Whether instances name each other as their paths say.
    pub(super) fn holds_together(&self) -> Result<(), String> {
        let root = self.root().map(|root| (&*root.path, &root.kind));
        match root {
            Some(("", Kind::Group)) if self.started_at.is_some() => {}
            // It waits for its place, or is about to begin with it.
            Some(("", Kind::Place)) if self.started_at.is_none() => {}
            None if self.slab.iter().all(Option::is_none) => return Ok(()),
            _ => return Err("it has steps, and no block that they stand in".to_owned()),
        }
        let mut seen = HashSet::new();
        for (ix, instance) in (0..).zip(&self.slab) {
            let Some(instance) = instance else { continue };
            let why = |what: &str| Err(format!("`{}` {what}", instance.path));
            if self.find(&instance.path) != Some(ix) {
                return why("is there twice");
            }
            if !path::is_canonical(&instance.path) {
                return why("is a path that nothing has");
            }
            let around = match path::split(&instance.path) {
                Part::Root | Part::Aside { .. } => "",
                _ => path::around(&instance.path).unwrap_or_default(),
            };
            if self.there(instance.parent).is_none_or(|parent| *parent.path != *around) {
                return why("stands in another place than its path says");
            }
            for inner in &instance.inside {
                let Some(inside) = self.there(*inner).filter(|inside| inside.parent == ix) else {
                    return why("holds what stands elsewhere");
                };
                if *inner == ROOT || !seen.insert(*inner) {
                    return why("holds what stands elsewhere");
                }
                if instance.status.is_end() && !inside.status.is_end() {
                    return why("is over, and something inside is not");
                }
            }
            let begun_inside = u32::try_from(instance.inside.len()).unwrap_or(u32::MAX);
            if let Kind::Foreach { begun, done, count, .. } = instance.kind
                && (begun_inside > begun || done > begun || begun > count)
            {
                return why("has more items than have begun");
            }
            // Of a machine that is over nobody asks where it is.
            let machine = instance.machine.as_ref().filter(|_| !instance.status.is_end());
            let last = machine.and_then(|machine| machine.last);
            if last.is_some_and(|last| !instance.inside.contains(&last)) {
                return why("comes from a state that is not there");
            }
        }
        Ok(())
    }

    /// Whether what is to be undone are steps, each noted once: the instances may be forgotten by now.
    fn undo_fits(&self, plan: &Plan) -> Result<(), String> {
        let steps: HashSet<&str> = plan.steps.iter().map(|step| &*step.path).collect();
        let mut noted = HashSet::new();
        for undo in &self.undo {
            if !steps.contains(&*path::plan_path(&undo.path)) || !noted.insert(&undo.path) {
                return Err(format!("`{}` is to be undone, and is no step or noted twice", undo.path));
            }
        }
        Ok(())
    }

    /// Whether of each step of a block one instance at most is under way, and of states one in all.
    fn one_at_a_time(&self, block: &Instance) -> bool {
        let mut live = HashSet::new();
        let inside = block.inside.iter().filter_map(|ix| self.there(*ix));
        let states = block.machine.is_some() && block.verdict.is_none();
        inside
            .filter(|instance| !instance.status.is_end())
            .all(|instance| live.insert(if states { Ix::MAX } else { instance.step }))
    }

    fn there(&self, ix: Ix) -> Option<&Instance> {
        self.slab.get(ix as usize).and_then(Option::as_ref)
    }

    fn fits_plan(&self, plan: &Plan, instance: &Instance) -> Result<(), String> {
        let why = |what: &str| Err(format!("`{}` {what}", instance.path));
        let part = path::split(&instance.path);
        if part == Part::Root {
            if !self.one_at_a_time(instance) {
                return why("has one step under way twice");
            }
            return match matches!(instance.kind, Kind::Place)
                || plan.root.machine == instance.machine.is_some()
            {
                true => Ok(()),
                false => why("is a machine of states in one, and not in the other"),
            };
        }
        let Some(step) = plan.steps.get(instance.step as usize) else {
            return why("is no step of its definition");
        };
        let parent = &self.get(instance.parent).kind;
        let fits = match (&part, &instance.kind, parent) {
            (Part::Aside { what, .. }, kind, _) => {
                let action = match what {
                    Aside::Undo => &step.undo,
                    Aside::Verify => &step.verify,
                };
                matches!(kind, Kind::Plain) || (matches!(kind, Kind::Attempt { .. }) && action.is_some())
            }
            (Part::Item { .. }, kind, Kind::Foreach { .. })
            | (Part::Iteration { .. }, kind, Kind::Loop { .. }) => is_of_body(step, kind),
            (Part::Step { id, visit, .. }, kind, Kind::Group) => {
                let machine = self.get(instance.parent).machine.is_some();
                let newest = self.newest(instance.parent, id).map(|ix| self.get(ix));
                if !instance.status.is_end() && newest.is_none_or(|newest| newest.path != instance.path) {
                    return why("is under way, and was begun again since");
                }
                let rounds = self.round(instance.parent, id);
                let numbered = (1..=rounds).contains(visit) || machine;
                step.id == **id && numbered && is_of_step(step, kind)
            }
            _ => false,
        };
        if matches!(instance.kind, Kind::Group) && !self.one_at_a_time(instance) {
            return why("has one step under way twice");
        }
        let machine = matches!(&step.body, Body::Block(block) if block.machine);
        let produces = matches!(&step.body, Body::Block(block) if block.production.is_some());
        let block = matches!(instance.kind, Kind::Group);
        let same = machine == instance.machine.is_some() && produces == instance.makes();
        match fits && (if block { same } else { !instance.makes() }) {
            true => Ok(()),
            false => why("is not what its definition says"),
        }
    }
}

fn is_of_step(step: &Step, kind: &Kind) -> bool {
    match (&step.each, kind) {
        (_, Kind::Plain | Kind::Place)
        | (Some(Each::Foreach { .. }), Kind::Foreach { .. })
        | (Some(Each::Loop { .. }), Kind::Loop { .. }) => true,
        (Some(_), _) => false,
        (None, kind) => is_of_body(step, kind),
    }
}

fn is_of_body(step: &Step, kind: &Kind) -> bool {
    let Body::Action(action) = &step.body else { return matches!(kind, Kind::Plain | Kind::Group) };
    match kind {
        Kind::Plain => true,
        Kind::Attempt { .. } => matches!(action.kind, ActionKind::Effect { .. }),
        Kind::Wait { .. } => matches!(action.kind, ActionKind::Wait(Wait::For(_) | Wait::At(_))),
        Kind::Signal { .. } => matches!(action.kind, ActionKind::Wait(Wait::Signal(_))),
        Kind::Child { .. } => matches!(action.kind, ActionKind::Workflow(_)),
        Kind::Task { .. } => matches!(action.kind, ActionKind::People(_)),
        Kind::Place | Kind::Group | Kind::Foreach { .. } | Kind::Loop { .. } => false,
    }
}
