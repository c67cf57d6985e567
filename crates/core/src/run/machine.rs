//! Machines of states: which state follows.

use stead_lang::plan::{OnError, Target};

use super::event::{Event, StepError};
use super::reach::block_of;
use super::scope::Scope;
use super::start::Site;
use super::state::Ix;
use super::turn::{Machine, Stop, step_error};
use crate::effect::ErrorKind;
use crate::limits;
use crate::path;
use crate::status::{Outcome, StepStatus};

/// Where a machine goes on: to a state, or it is done or fails.
const END: &str = "end";
const FAIL: &str = "fail";

impl Machine<'_> {
    /// Nothing of a machine is under way: goes to the next state. Says how the block ends, once there is none.
    pub(super) fn next_state(&mut self, ix: Ix) -> Result<Option<Result<(), StepError>>, Stop> {
        let Some(visits) = self.state.get(ix).machine.as_deref() else { return Ok(None) };
        let Some(last) = visits.last else {
            self.visit(ix, 0, 1)?;
            return Ok(None);
        };
        let to = match &visits.went {
            Some(to) => to.to_string(),
            None => match self.leave(ix, last)? {
                Ok(to) => to,
                Err(error) => return Ok(Some(Err(error))),
            },
        };
        let path = self.state.get(ix).path.to_string();
        let from = self.state.get(last).path.to_string();
        let block = block_of(self.state, self.plan, ix);
        match (to.as_str(), block.by_id.get(&to)) {
            (END, _) => Ok(Some(Ok(()))),
            (FAIL, _) => {
                let id = &self.step(last).id;
                Ok(Some(Err(step_error(&from, ErrorKind::Fail, &format!("`{id}` leads to `fail`")))))
            }
            (_, Some(&pos)) => {
                let count = self.state.get(ix).machine.as_deref().map_or(0, |v| v.count(&to));
                if count >= limits::STATE_VISITS {
                    let message = format!("the state `{to}` was visited {count} times");
                    return Ok(Some(Err(step_error(&path, ErrorKind::Exhausted, &message))));
                }
                self.forget_visit(ix, &to);
                self.visit(ix, pos, count.saturating_add(1))?;
                Ok(None)
            }
            // Of a plan in which that state does not exist any more.
            (_, None) => {
                let message = format!("there is no state `{to}`");
                Ok(Some(Err(step_error(&path, ErrorKind::NoTransition, &message))))
            }
        }
    }

    /// Where the visit that has ended leads.
    fn leave(&mut self, ix: Ix, last: Ix) -> Result<Result<String, StepError>, Stop> {
        let site = self.site(last);
        let step = &self.plan.steps[site.step as usize];
        let block = block_of(self.state, self.plan, ix);
        let name = |target: Target| match target {
            Target::End => END.to_owned(),
            Target::Fail => FAIL.to_owned(),
            Target::State(pos) => self.plan.steps[block.steps[pos] as usize].id.clone(),
        };
        let failed = self.state.get(last).status == StepStatus::Failed;
        let chosen = match step.on_error {
            OnError::Go(target) if failed => Some((None, name(target))),
            _ => {
                let mut chosen = None;
                for (at, entry) in (0u32..).zip(&step.next) {
                    match self.is_taken(ix, &site, at, entry) {
                        Ok(false) => {}
                        Ok(true) => {
                            chosen = Some((Some(at), name(entry.go)));
                            break;
                        }
                        Err(Stop::Error(error)) => return Ok(Err(error)),
                        Err(needs) => return Err(needs),
                    }
                }
                chosen
            }
        };
        let Some((entry, to)) = chosen else {
            let message = format!("no entry of `next` of `{}` holds", step.id);
            let error = step_error(&site.path, ErrorKind::NoTransition, &message);
            return Ok(Err(StepError { outcome: Outcome::Error, ..error }));
        };
        let path = self.state.get(ix).path.to_string();
        self.emit(Event::Went { path, from: step.id.clone(), entry, to: to.clone() });
        Ok(Ok(to))
    }

    fn is_taken(
        &self,
        ix: Ix,
        site: &Site,
        at: u32,
        entry: &stead_lang::plan::Transition,
    ) -> Result<bool, Stop> {
        let step = &self.plan.steps[site.step as usize];
        if let Some(max) = &entry.max {
            let max = self.count(&site.path, max, "next.max", limits::STATE_VISITS, |r| site.scope(r))?;
            let taken = self.state.get(ix).machine.as_deref().map_or(0, |v| v.taken(&step.id, at));
            if taken >= max {
                return Ok(false);
            }
        }
        let Some(when) = &entry.when else { return Ok(true) };
        self.eval(&site.path, |reach| {
            let scope: Scope<'_> = site.scope(reach);
            when.eval_bool(&scope)
        })
    }

    fn visit(&mut self, ix: Ix, pos: usize, number: u32) -> Result<(), Stop> {
        let step = block_of(self.state, self.plan, ix).steps[pos];
        let id = &self.plan.steps[step as usize].id;
        let path = path::visit(&self.state.get(ix).path, id, number);
        self.begin_at(&Site { path, body: ix, step, slot: None, visit: Some(number) }, pos)
    }

    /// Drops what is inside the last visit of a state that is visited again, unless somebody may read it.
    fn forget_visit(&mut self, ix: Ix, id: &str) {
        let Some(last) = self.state.newest(ix, id) else { return };
        if !self.step(last).instances_read && self.state.get(last).status != StepStatus::Failed {
            self.state.forget_inside(last);
        }
    }
}
