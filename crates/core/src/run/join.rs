//! Joins: how many parts of a group or a `foreach` must complete, and what becomes of the others.

use super::event::{Event, JoinRule};
use super::reach::block_of;
use super::state::{Ix, Joining, Kind};
use super::turn::{Machine, Stop, step_error};
use crate::effect::ErrorKind;
use crate::path;
use crate::status::StepStatus;

impl Machine<'_> {
    /// A part has ended: settles a join as soon as enough have completed, or too few can.
    pub(super) fn judge(&mut self, ix: Ix) {
        let instance = self.state.get(ix);
        let open = !instance.is_closing() && instance.verdict.is_none() && !instance.status.is_end();
        let Some(join) = instance.join.as_deref().filter(|_| open) else { return };
        let (total, all_known) = match &instance.kind {
            Kind::Foreach { count, .. } => (*count, true),
            _ => {
                let own = block_of(self.state, self.plan, ix).own;
                let begun = instance.block.as_ref().map_or(0, |p| p.at[..own].iter().flatten().count());
                (u32::try_from(own).unwrap_or(u32::MAX), begun == own)
            }
        };
        let parts = total - join.skipped;
        let Some(needed) = needed(join.rule, parts) else { return };
        // Which steps are skipped, and so how many are more than half, is known once all were looked at.
        let counted = all_known || join.rule != JoinRule::Majority;
        let path = instance.path.to_string();
        if counted && join.completed >= needed {
            self.emit(Event::JoinDecided { path, error: None });
        } else if all_known && parts - join.lost < needed {
            let error = join.error.clone().unwrap_or_else(|| {
                let message =
                    format!("{needed} had to complete, and of {parts} parts {} can", parts - join.lost);
                step_error(&path, ErrorKind::Exhausted, &message)
            });
            self.emit(Event::JoinDecided { path, error: Some(error) });
        }
    }

    /// Whether an instance is a part that was ended because its join was reached.
    pub(super) fn is_loser(&self, ix: Ix) -> bool {
        let instance = self.state.get(ix);
        instance.ending.is_some() && self.state.get(instance.parent).join.as_ref().is_some_and(|j| j.reached)
    }

    /// Undoes what losers have completed that were let finish. Says whether something is under way.
    pub(super) fn undo_losers(&mut self, ix: Ix) -> Result<bool, Stop> {
        let instance = self.state.get(ix);
        if self.state.undo_left().next().is_none() || !instance.join.as_ref().is_some_and(|join| join.reached)
        {
            return Ok(false);
        }
        let late = instance
            .inside
            .iter()
            .copied()
            .filter(|part| self.state.get(*part).status == StepStatus::Completed && self.is_loser(*part));
        let late: Vec<String> = late.map(|part| self.state.get(part).path.to_string()).collect();
        for path in late.iter().rev() {
            if self.undo_within(path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whatever may go on once something inside was undone.
    pub(super) fn wake_around(&mut self, of: &str) {
        let mut at = Some(of);
        while let Some(inner) = at {
            if let Some(ix) = self.state.find(inner)
                && !self.state.get(ix).status.is_end()
            {
                self.wake(ix);
            }
            at = path::around(inner);
        }
    }
}

/// How many of so many parts must complete. None where all may end as they do.
fn needed(rule: JoinRule, parts: u32) -> Option<u32> {
    match rule {
        JoinRule::Settled => None,
        JoinRule::First => Some(1),
        JoinRule::Majority => Some(parts / 2 + 1),
        JoinRule::Count(n) => Some(n),
    }
}

impl Joining {
    /// Nothing has ended yet.
    pub(super) fn new(rule: JoinRule) -> Self {
        Joining { rule, completed: 0, lost: 0, skipped: 0, error: None, reached: false }
    }
}
