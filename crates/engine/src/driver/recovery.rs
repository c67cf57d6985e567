//! Bringing on what an engine before has left, and messages in the order of their coming.

use stead_core::effect::AttemptId;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::limit;
use stead_core::message::Message;
use stead_core::run::Input;
use stead_core::schedule;
use stead_core::task;
use stead_store::Store;

use super::stream::{State, Stream};
use super::words::given;
use super::{Addressed, Driver, Given};
use crate::error::EngineError;
use crate::limits;

impl<S: Store> Driver<S> {
    /// Notes what a new engine has to bring on: lost attempts of open runs, messages not taken. It is done in the
    /// steps that follow, beside what else comes: a stream that is asked for something before is brought on first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn recover(&mut self) -> Result<Vec<StreamId>, EngineError> {
        let open = self.store.open_streams()?;
        for stream in &open {
            // Read now: what is sent from here on is queued as it is sent.
            let messages = self.store.inbox(stream)?;
            self.unrecovered.insert(stream.clone(), messages);
            self.to_recover.push_back(stream.clone());
        }
        self.recovered = true;
        Ok(open.into_iter().filter(|stream| stream.kind() == StreamKind::Run).collect())
    }

    /// Nudges the next few streams of those that are to be brought on: that is done before any input, this one too.
    pub(super) fn recover_some(&mut self) {
        let room = limits::BATCH.saturating_sub(self.queue.len()).min(limits::RECOVER_BATCH);
        for _ in 0..room {
            let Some(stream) = self.to_recover.pop_front() else { break };
            if self.unrecovered.contains_key(&stream) {
                self.push(match stream.kind() {
                    StreamKind::Run => Addressed::to(stream, Input::Continue),
                    StreamKind::Limit => Addressed::to(stream, limit::Input::Continue),
                    StreamKind::Task => Addressed::to(stream, task::Input::Continue),
                    StreamKind::Schedule => Addressed::to(stream, schedule::Input::Time),
                });
            }
        }
    }

    /// The next input. A stream that was not brought on yet is brought on before it.
    pub(super) fn next_input(&mut self) -> Option<Addressed> {
        let next = self.queue.pop_front()?;
        if self.unrecovered.is_empty() || self.performs_nothing {
            return Some(next);
        }
        let Some(messages) = self.unrecovered.remove(&next.stream) else { return Some(next) };
        let before: Vec<Addressed> = recovery(&next.stream, messages).collect();
        self.queue.push_front(next);
        before.into_iter().rev().for_each(|input| self.queue.push_front(input));
        self.queue.pop_front()
    }

    /// Attempts of open runs that were under way when the last engine went.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open_attempts(&mut self) -> Result<Vec<AttemptId>, EngineError> {
        let mut all = Vec::new();
        for stream in self.store.open_streams()? {
            match self.stream(&stream) {
                Ok(Some(Stream { state: State::Run(run), .. })) => all.extend(run.open_attempts()),
                Ok(_) => {}
                // It says so when it is to go on; the others are not held up by it.
                Err(error) if error.concerns_stream() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Queues a message that was just written. Messages are taken in the order of their coming: where nobody has
    /// queued what was left before, that goes first.
    pub(super) fn push_message(&mut self, message: Message) {
        if self.performs_nothing
            && let Some(old) = self.unrecovered.remove(&message.to)
        {
            old.into_iter().for_each(|one| self.push(given(one)));
        } else if !self.recovered {
            return self.push_behind_old(message);
        }
        self.push(given(message));
    }

    fn push_behind_old(&mut self, message: Message) {
        if let Some(known) = self.caught_up.get_mut(&message.to) {
            if !known.remove(&message.id) {
                self.push(given(message));
            }
            return;
        }
        let all = match self.store.inbox(&message.to) {
            Ok(all) if all.contains(&message) => all,
            // It is durable and must be handed out; a store that cannot be read says so at the next step.
            _ => vec![message.clone()],
        };
        let rest = all.iter().map(|one| one.id.clone()).filter(|id| *id != message.id);
        self.caught_up.insert(message.to.clone(), rest.collect());
        all.into_iter().for_each(|one| self.push(given(one)));
    }
}

/// What brings a stream on that an engine before has left.
fn recovery(stream: &StreamId, messages: Vec<Message>) -> impl Iterator<Item = Addressed> + use<> {
    let recovered = Addressed::to(stream.clone(), Given::Recovered);
    std::iter::once(recovered).chain(messages.into_iter().map(given))
}
