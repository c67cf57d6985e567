//! Pause: nothing new begins until the run is resumed.
//!
//! What is under way may end, and its result is booked; what follows from it stays on the agenda. Timers run
//! on: those that came due act at resume, in the order of their times, but for the time-out of an attempt that
//! is still under way.

use super::children::MessageBody;
use super::event::Event;
use super::start::Site;
use super::state::{Ix, Job, Kind, Phase};
use super::turn::Machine;
use crate::Time;
use crate::effect::{Effect, EndReason};
use crate::ids::StreamId;
use crate::path;
use stead_lang::plan::EffectRule;

impl Machine<'_> {
    /// Somebody wants the run to pause.
    pub(super) fn pause(&mut self, by: &str, now: bool) {
        match self.state.no_pause(now) {
            Some(why) => self.out.refused = Some(why),
            None => self.stop_beginning(by, None, now),
        }
    }

    fn stop_beginning(&mut self, by: &str, at: Option<String>, now: bool) {
        self.emit(Event::RunPaused { by: by.into(), at });
        let count = Ix::try_from(self.state.slab.len()).unwrap_or(Ix::MAX);
        for ix in 0..count {
            let Some(instance) = &self.state.slab[ix as usize] else { continue };
            let Kind::Attempt { number, phase, .. } = instance.kind else { continue };
            // A queued one has not begun, and must not.
            let ended = match phase {
                Phase::Queued => true,
                Phase::Open => now && self.action(ix).effect != EffectRule::Once,
                _ => false,
            };
            if ended {
                let path = self.state.get(ix).path.to_string();
                let attempt = self.attempt_id(ix, number);
                self.emit(Event::AttemptEnding { path, number, reason: EndReason::Paused });
                self.out.effects.push(Effect::End { attempt, reason: EndReason::Paused });
            }
        }
        let by = format!("run:{}", self.state.id);
        for child in self.children_open() {
            self.send(&child, &MessageBody::PauseRun { by: by.clone(), now });
        }
    }

    /// Somebody wants the run to go on.
    pub(super) fn resume(&mut self, by: &str) {
        if let Some(why) = self.state.no_resume() {
            self.out.refused = Some(why);
            return;
        }
        self.emit(Event::RunResumed { by: by.into() });
        // What was to be looked at is found again, and what came due in between follows in its order.
        self.rescan();
        let due = self.state.timers.iter().take_while(|(at, ..)| *at <= self.at);
        let mut due: Vec<(Time, Job)> = due.map(|(at, ix, timer)| (*at, Job::Fire(*ix, *timer))).collect();
        due.extend(self.signals_held());
        // Of a signal and a time-out the earlier one counts; of both at once the signal, which did come.
        due.sort_by_key(|(at, job)| (*at, matches!(job, Job::Fire(..))));
        self.state.agenda.extend(due.into_iter().map(|(_, job)| job));
        let by = format!("run:{}", self.state.id);
        for child in self.children_open() {
            self.send(&child, &MessageBody::ResumeRun { by: by.clone() });
        }
    }

    fn children_open(&self) -> Vec<StreamId> {
        let live = self.state.slab.iter().flatten().filter(|instance| !instance.status.is_end());
        let runs = live.filter_map(|instance| match &instance.kind {
            Kind::Child { run, retry_at: None, .. } => Some(run.clone()),
            _ => None,
        });
        runs.collect()
    }

    /// Stops before a step, where it was told to. Says whether it did.
    pub(super) fn breaks_before(&mut self, site: &Site) -> bool {
        let breaks = &self.state.breaks;
        if breaks.is_empty() || self.state.cancel || self.state.passed.as_deref() == Some(site.path.as_str())
        {
            return false;
        }
        if !breaks.each && !breaks.at.contains(&path::plan_path(&site.path)) {
            return false;
        }
        self.stop_beginning("break", Some(site.path.clone()), false);
        true
    }
}
