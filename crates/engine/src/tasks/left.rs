//! What a status says of those who are asked: that nobody of them is left, or fewer than it takes.

use stead_core::ids::StreamId;
use stead_core::run::{StepNow, View};
use stead_store::Reader;

use crate::error::EngineError;
use crate::limits;
use crate::places::find;
use crate::reads::Reads;

impl<R: Reader> Reads<R> {
    /// Says of what waits for people why nobody, or too few, can act on it: the first so many of what a run asks.
    pub(crate) fn say_who_is_left(&mut self, view: &mut View) -> Result<(), EngineError> {
        if self.register()?.is_none() {
            return Ok(());
        }
        let mut asked = Vec::new();
        waiting(&view.steps, &mut asked);
        for (path, task) in asked {
            let (state, question) = match self.task_state(&task) {
                Ok(found) => found,
                // The message that opens it may be under way.
                Err(error @ EngineError::NoTask { .. }) => {
                    drop(error);
                    continue;
                }
                Err(error) if error.concerns_stream() => continue,
                Err(error) => return Err(error),
            };
            let Some(few) = self.eligible(&state, &question)?.too_few() else { continue };
            let more = format!(": {few}");
            let mine = view.waits_for.iter_mut().filter(|waits| waits.path == path && waits.kind == "person");
            for detail in mine.filter_map(|waits| waits.detail.as_mut()) {
                detail.push_str(&more);
            }
            let step = find(&mut view.steps, &path);
            if let Some(detail) = step.and_then(|step| step.waits_for.as_mut()?.detail.as_mut()) {
                detail.push_str(&more);
            }
        }
        Ok(())
    }
}

/// Steps that wait for people, and their tasks.
fn waiting(steps: &[StepNow], into: &mut Vec<(String, StreamId)>) {
    for step in steps {
        if into.len() >= limits::PEOPLE_LISTED {
            return;
        }
        let waits = step.waits_for.as_ref().is_some_and(|waits| waits.kind == "person");
        if let Some(task) = step.task.as_ref().filter(|_| waits) {
            into.push((step.path.clone(), task.clone()));
        }
        waiting(&step.inside, into);
    }
}
