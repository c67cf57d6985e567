//! A signal that an operation sends: one input for each run that gets it.

use stead_core::ids::StreamId;
use stead_core::run::Input;

use super::commands::Write;
use crate::error::EngineError;
use crate::operations::{Answer, Operation};

/// Gives the signal of an operation to each of these runs. Not all at once: with an id it may be sent again after an
/// error, and counts once where it came. Unless it goes to `one` that was named, a run that has ended since it was
/// found is left out.
pub(super) fn signal(
    runs: Vec<StreamId>,
    one: bool,
    operation: &Operation,
    mut write: impl FnMut(&StreamId, Write) -> Result<(), EngineError>,
) -> Result<Answer, EngineError> {
    let Operation::Signal { name, step, data, id, by, .. } = operation else {
        return Err(EngineError::Bug("another operation was taken for a signal".into()));
    };
    let mut taken = Vec::with_capacity(runs.len());
    for run in runs {
        let (name, step, id) = (name.clone(), step.clone(), id.clone());
        let input = Input::Signal { name, step, id, data: data.clone(), by: by.clone() };
        match write(&run, Write::Input(input)) {
            Ok(()) => taken.push(run),
            Err(EngineError::Refused { why, .. }) if !one && why == stead_core::run::SIGNAL_TO_ENDED => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Answer::Signalled { runs: taken })
}
