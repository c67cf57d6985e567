//! What is against doing something about a run, whoever wants it.

use super::signals::SIGNAL_TO_ENDED;
use super::state::{Kind, Phase, RunState};
use crate::allowed::Allowed;

const ENDED: &str = "the run has ended";

impl RunState {
    /// What may be done about it as it stands, and why not.
    pub fn allowed(&self) -> Vec<Allowed> {
        // By force it may be cancelled once more, and a pause may be made one that ends what is under way.
        let actions = [
            ("cancel", self.no_cancel(true)),
            ("pause", self.no_pause(false)),
            ("resume", self.no_resume()),
            ("retry", self.no_retry()),
            ("settle", self.no_settle()),
            ("signal", self.status.is_end().then_some(SIGNAL_TO_ENDED)),
        ];
        actions.into_iter().map(|(action, why)| Allowed::unless(action, why.map(str::to_owned))).collect()
    }

    pub(super) fn no_cancel(&self, force: bool) -> Option<&'static str> {
        if self.status.is_end() {
            Some(ENDED)
        } else if self.force {
            Some("the run is being ended by force already")
        } else if self.cancel && !force {
            Some("the run is being cancelled already")
        } else {
            None
        }
    }

    pub(super) fn no_pause(&self, now: bool) -> Option<&'static str> {
        if self.status.is_end() {
            Some(ENDED)
        } else if self.cancel || self.finishing {
            Some("the run is ending")
        } else if self.paused.is_some() && !now {
            Some("the run is paused already")
        } else {
            None
        }
    }

    pub(super) fn no_resume(&self) -> Option<&'static str> {
        if self.status.is_end() {
            Some(ENDED)
        } else if self.paused.is_none() {
            Some("the run is not paused")
        } else {
            None
        }
    }

    /// A run in which nothing failed takes the name of a step.
    pub(super) fn no_retry(&self) -> Option<&'static str> {
        if !self.status.is_end() {
            Some("the run has not ended")
        } else if self.parent.is_some() {
            Some("the run was started by another one: retry that")
        } else {
            None
        }
    }

    fn no_settle(&self) -> Option<&'static str> {
        let parked = self.slab.iter().flatten();
        let mut parked = parked.map(|i| matches!(i.kind, Kind::Attempt { phase: Phase::Parked, .. }));
        if self.status.is_end() {
            Some(ENDED)
        } else if !parked.any(|parked| parked) {
            Some("no step waits for being settled")
        } else {
            None
        }
    }
}
