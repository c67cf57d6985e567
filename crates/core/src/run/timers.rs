//! Timers: waits, tries that come later, times that run out.

use super::apply::armed;
use super::event::Event;
use super::state::{Ix, Job, Kind, Phase, RunState, Timer};
use super::turn::{Machine, Stop, step_error};
use crate::effect::{EndReason, ErrorKind};
use crate::status::Outcome;

impl RunState {
    /// Whether a timer of an instance is set.
    pub(super) fn is_armed(&self, ix: Ix, timer: Timer) -> bool {
        let Some(Some(instance)) = self.slab.get(ix as usize) else { return false };
        let deadline = instance.deadline_at.map(|at| (at, Timer::Deadline));
        armed(instance)
            .chain(deadline)
            .any(|(at, which)| which == timer && self.timers.contains(&(at, ix, timer)))
    }
}

impl Machine<'_> {
    /// A timer whose time has come.
    pub(super) fn fire(&mut self, ix: Ix, timer: Timer) -> Result<(), Stop> {
        // What happened earlier in this turn may have settled it.
        if !self.state.is_armed(ix, timer) {
            return Ok(());
        }
        match timer {
            // An earlier timer ended what is around it.
            Timer::Wait | Timer::Retry if self.unwanted(ix) => self.push(Job::End(ix)),
            Timer::Wait => self.wait_over(ix),
            Timer::Retry => return self.retry(ix),
            Timer::Timeout => self.timed_out(ix),
            Timer::Deadline => {
                let stops = self.state.get(ix).stopping.is_some();
                self.mark_ending(ix, EndReason::Timeout);
                // What stops already is ended by its first error, and that is what it fails with.
                if !stops {
                    self.push(Job::End(ix));
                }
            }
        }
        Ok(())
    }

    fn wait_over(&mut self, ix: Ix) {
        let path = self.state.get(ix).path.to_string();
        self.emit(Event::StepCompleted { path, output: None, outcome: Outcome::Ok, index: None });
        self.push(Job::Ended(ix));
    }

    fn timed_out(&mut self, ix: Ix) {
        match self.state.get(ix).kind {
            Kind::Attempt { phase: Phase::Open, .. } => self.end_attempt_now(ix, EndReason::Timeout),
            Kind::Child { .. } => {
                self.mark_ending(ix, EndReason::Timeout);
                self.push(Job::End(ix));
            }
            _ => {
                let site = self.site(ix);
                let error = step_error(&site.path, ErrorKind::Timeout, "the time-out of the wait has passed");
                self.fail_at(&site, error);
            }
        }
    }

    fn retry(&mut self, ix: Ix) -> Result<(), Stop> {
        match self.state.get(ix).kind {
            Kind::Child { .. } => self.retry_child(ix),
            _ => self.next_attempt(ix),
        }
    }
}
