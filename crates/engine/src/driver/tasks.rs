//! Turns of tasks: what people are asked.

use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::task::{Input, TaskState};
use stead_store::{Reader, Store};

use super::stream::{self, State, Stream};
use super::{Batch, Driver, Given, Refusal};
use crate::error::EngineError;
use crate::notify::jobs_of_task;

impl<S: Store> Driver<S> {
    /// A task takes an input.
    pub(super) fn task_turn(
        &mut self,
        id: &StreamId,
        input: &Input,
        cause: String,
        now: Time,
        batch: &mut Batch,
    ) -> Result<Option<Refusal>, EngineError> {
        let taken = match input {
            Input::Message(message) => Some(message.id.clone()),
            _ => None,
        };
        if self.stream(id)?.is_none() {
            if taken.is_none() {
                self.timed.remove(id);
                return Ok(Some(Refusal::Unknown));
            }
            // It is there from the first that a run says of it.
            let state = State::Task(Box::new(TaskState::new(id.clone())));
            self.streams.insert(id.clone(), Stream::new(state, String::new()));
        }
        let Some(stream) = self.streams.get_mut(id) else { return Ok(Some(Refusal::Unknown)) };
        let State::Task(task) = &mut stream.state else { return Ok(Some(Refusal::Unknown)) };
        let turn = loop {
            match stead_core::task::turn(task, input, now, &mut stream.values) {
                Ok(turn) => break turn,
                Err(needs) => {
                    for reference in needs {
                        let value = stream::load_value(&mut self.store, &self.files, id, &reference)?;
                        stream.values.put(reference, value);
                    }
                }
            }
        };
        if let Some((seq, why)) = task.misfit() {
            let why = format!("what would follow does not fit to what it tells: {why}");
            return Err(EngineError::journal(id, seq, &why));
        }
        // From here on its state is ahead of what is written.
        batch.touched.entry(id.clone()).or_default();
        for file in &turn.files {
            self.files.put(&file.bytes)?;
        }
        let mut commit = stream.commit(id, cause, &turn.events, turn.messages, taken, now);
        if let (Some(book), State::Task(task)) = (&self.notify, &stream.state) {
            jobs_of_task(&mut commit, &book.rules(), task, &turn.events);
        }
        batch.add(id, commit);
        Ok(turn.refused.map(Refusal::Refused))
    }
}

/// What the journal says caused a turn.
pub(super) fn cause(input: &Input) -> String {
    match input {
        Input::Message(message) => format!("message:{}", message.id),
        Input::Act { act, .. } => format!("{:?}", act.asks()).to_lowercase(),
        Input::Gone { .. } => "gone".to_owned(),
        Input::Time => "time".to_owned(),
        Input::Continue => "continue".to_owned(),
    }
}

impl From<Input> for Given {
    fn from(input: Input) -> Self {
        Given::Task(input)
    }
}

/// The state of a task as the store has it.
pub(crate) fn load_task<R: Reader + ?Sized>(
    store: &mut R,
    id: &StreamId,
) -> Result<Option<TaskState>, EngineError> {
    match stream::load(store, id)? {
        Some(State::Task(state)) => Ok(Some(*state)),
        _ => Ok(None),
    }
}
