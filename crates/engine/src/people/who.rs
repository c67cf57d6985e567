//! What names come to, as a store has them.

use stead_core::ids::StreamId;
use stead_core::limits;
use stead_core::people::Actor;
use stead_store::{Reader, StoreError};

use crate::error::EngineError;

/// Somebody as one who acts: `user:ana`, `agent:reviewer`, any of their names, or a program of a step
/// (`agent:RUN/STEP`). The roles are those that hold for runs of `project`; an empty text: of none.
///
/// # Errors
/// Where nobody is called so, or they were removed; and when the store cannot be read. A home without people refuses
/// nobody.
pub fn actor<R: Reader + ?Sized>(reader: &mut R, name: &str, project: &str) -> Result<Actor, EngineError> {
    if let Some((run, _)) = name.strip_prefix("agent:").and_then(|name| name.split_once('/')) {
        return Ok(Actor::of_step(name, top(reader, &StreamId::new(run))?));
    }
    if reader.people_version()? == 0 {
        return Ok(Actor::alone(name));
    }
    let register = reader.people()?;
    if register.is_empty() {
        return Ok(Actor::alone(name));
    }
    register.actor(name, project).map_err(|refusal| StoreError::from(refusal).into())
}

/// The users that a selector means, by the names of the history: `user:`, `agent:`, `group:`, `role:`, `agents`.
/// Removed ones are not among them, and what means nobody is an empty list: a gate that waits for it would wait for
/// ever. `None`: the home has no people, so that whoever works there is meant.
///
/// # Errors
/// When the store cannot be read.
pub fn who<R: Reader + ?Sized>(
    reader: &mut R,
    selector: &str,
    project: &str,
) -> Result<Option<Vec<String>>, EngineError> {
    if reader.people_version()? == 0 {
        return Ok(None);
    }
    let register = reader.people()?;
    Ok((!register.is_empty()).then(|| register.who(selector, project)))
}

/// The run at the top of those that a run is in; itself where it is not known.
pub(crate) fn top<R: Reader + ?Sized>(reader: &mut R, run: &StreamId) -> Result<StreamId, EngineError> {
    let mut top = run.clone();
    for _ in 0..=limits::CHILD_DEPTH {
        match reader.head(&top)?.and_then(|listed| listed.head.parent) {
            Some(parent) => top = parent,
            None => break,
        }
    }
    Ok(top)
}
