//! Turns of limits: the places that runs share.

use stead_core::Time;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::limit::{Input, LimitState};
use stead_core::message::Message;
use stead_store::{Reader, Store};

use super::stream::{State, Stream};
use super::{Addressed, Batch, Driver, Given, Refusal};
use crate::error::EngineError;

impl<S: Store> Driver<S> {
    /// A limit takes an input.
    pub(super) fn limit_turn(
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
            // It is there from the first time that somebody asks.
            let state = State::Limit(Box::new(LimitState::new(id.clone())));
            self.streams.insert(id.clone(), Stream::new(state, String::new()));
        }
        let Some(stream) = self.streams.get_mut(id) else { return Ok(Some(Refusal::Unknown)) };
        let State::Limit(limit) = &mut stream.state else { return Ok(Some(Refusal::Unknown)) };
        let turn = stead_core::limit::turn(limit, input, now);
        if turn.more {
            let rest = match input {
                Input::Gone(_) | Input::Free { .. } => input.clone(),
                _ => Input::Continue,
            };
            self.queue.push_back(Addressed::to(id.clone(), rest));
        }
        let commit = stream.commit(id, cause, &turn.events, turn.messages, taken, now);
        batch.add(id, commit);
        Ok(turn.refused.map(|why| Refusal::Refused(why.to_owned())))
    }

    /// A message came to a run that is not there: if a place was given to it, nobody has that.
    pub(super) fn nobody_has(&mut self, run: &StreamId, message: &Message) {
        if message.from.kind() == StreamKind::Limit {
            let gone = Input::Gone(vec![run.clone()]);
            self.queue.push_back(Addressed::to(message.from.clone(), gone));
        }
    }

    /// A limit that an engine before has left: those that have a place and are not there any more have none.
    pub(super) fn limit_recovered(
        &mut self,
        id: &StreamId,
        cause: String,
        now: Time,
        batch: &mut Batch,
    ) -> Result<Option<Refusal>, EngineError> {
        let holders: Vec<StreamId> = match self.stream(id)? {
            Some(Stream { state: State::Limit(limit), .. }) => {
                limit.holders().map(|place| place.ask.id.run.clone()).collect()
            }
            _ => return Ok(None),
        };
        let mut gone = Vec::new();
        for run in holders {
            if self.store.head(&run)?.is_none_or(|listed| listed.head.status.is_end()) {
                gone.push(run);
            }
        }
        gone.dedup();
        self.limit_turn(id, &Input::Gone(gone), cause, now, batch)
    }
}

/// What the journal says caused a turn.
pub(super) fn cause(input: &Input) -> String {
    match input {
        Input::Message(message) => format!("message:{}", message.id),
        Input::Continue => "continue".to_owned(),
        Input::Gone(_) => "gone".to_owned(),
        Input::Free { .. } => "free".to_owned(),
    }
}

impl From<Input> for Given {
    fn from(input: Input) -> Self {
        Given::Limit(input)
    }
}

/// The state of a limit as the store has it.
pub(crate) fn load_limit<R: Reader + ?Sized>(
    store: &mut R,
    id: &StreamId,
) -> Result<Option<LimitState>, EngineError> {
    match super::stream::load(store, id)? {
        Some(State::Limit(state)) => Ok(Some(*state)),
        _ => Ok(None),
    }
}
