//! Turns of schedules: what starts runs by itself.

use stead_core::Time;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::schedule::{Given as Inputs, Input, ScheduleState, Status};
use stead_store::{Reader, Store};

use super::stream::{State, Stream};
use super::{Batch, Driver, Given, Refusal};
use crate::error::EngineError;
use crate::limits;

impl<S: Store> Driver<S> {
    /// A schedule takes an input.
    pub(super) fn schedule_turn(
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
        // A message says what has become of a run; who turns it on or off was asked for their own rights.
        if !matches!(input, Input::TurnOn(_) | Input::TurnOff { .. } | Input::Message(_) | Input::Halt { .. })
            && let Some(why) = self.halts(id)?
        {
            let halt = Input::Halt { why };
            self.schedule_turn(id, &halt, self::cause(&halt), now, batch)?;
        }
        if let Input::TurnOn(_) = input
            && let Some(refusal) = self.too_many(id)?
        {
            return Ok(Some(refusal));
        }
        if self.stream(id)?.is_none() {
            if !matches!(input, Input::TurnOn(_)) {
                self.timed.remove(id);
                if let Some(taken) = taken {
                    batch.commits.push(Stream::taking(id, taken, now));
                }
                return Ok(Some(Refusal::Unknown));
            }
            let state = State::Schedule(Box::new(ScheduleState::new(id.clone())));
            self.streams.insert(id.clone(), Stream::new(state, String::new()));
        }
        // What a trigger gives its runs stands in the definition.
        let revision = match self.streams.get(id).map(|stream| &stream.state) {
            Some(State::Schedule(schedule)) => schedule.spec.as_ref(),
            _ => return Ok(Some(Refusal::Unknown)),
        };
        let revision = match input {
            Input::TurnOn(spec) => Some(spec),
            _ => revision,
        };
        let revision = revision.filter(|spec| matches!(spec.given, Inputs::Trigger(_)));
        let plan = match revision.map(|spec| spec.revision.clone()) {
            Some(revision) => Some(self.plans.get(&mut self.store, &revision)?),
            None => None,
        };
        let Some(stream) = self.streams.get_mut(id) else { return Ok(Some(Refusal::Unknown)) };
        let State::Schedule(schedule) = &mut stream.state else { return Ok(Some(Refusal::Unknown)) };
        let turn = stead_core::schedule::turn(schedule, input, now, plan.as_deref(), &mut stream.values);
        // From here on its state is ahead of what is written.
        batch.touched.entry(id.clone()).or_default();
        for file in &turn.files {
            self.files.put(&file.bytes)?;
        }
        stream.values.clear();
        let commit = stream.commit(id, cause, &turn.events, turn.messages, taken, now);
        batch.add(id, commit);
        Ok(turn.refused.map(Refusal::Refused))
    }

    /// Why a schedule is to be halted: whose runs they are may not start them any more.
    fn halts(&mut self, id: &StreamId) -> Result<Option<String>, EngineError> {
        let spec = match self.stream(id)?.map(|stream| &stream.state) {
            Some(State::Schedule(schedule))
                if matches!(schedule.status, Status::On | Status::Paused { .. }) =>
            {
                schedule.spec.clone()
            }
            _ => None,
        };
        match spec {
            Some(spec) => Ok(self.owners.why_not(&mut self.store, &spec)?),
            None => Ok(None),
        }
    }

    /// Why no further schedule may be turned on, where there are as many as may be.
    fn too_many(&mut self, id: &StreamId) -> Result<Option<Refusal>, EngineError> {
        let open = self.store.open_streams()?;
        let others = open.iter().filter(|other| other.kind() == StreamKind::Schedule && *other != id);
        Ok((others.count() >= limits::SCHEDULES).then(|| {
            Refusal::Refused(format!(
                "{} schedules are on already, which is as many as may be",
                limits::SCHEDULES
            ))
        }))
    }
}

/// What the journal says caused a turn.
pub(super) fn cause(input: &Input) -> String {
    match input {
        Input::Message(message) => format!("message:{}", message.id),
        Input::TurnOn(_) => "on".to_owned(),
        Input::TurnOff { .. } => "off".to_owned(),
        Input::Pause { .. } => "pause".to_owned(),
        Input::Resume { .. } => "resume".to_owned(),
        Input::Skip { .. } => "skip".to_owned(),
        Input::Now { .. } => "now".to_owned(),
        Input::Backfill { .. } => "backfill".to_owned(),
        Input::Deliver { .. } => "delivery".to_owned(),
        Input::Halt { .. } => "owner".to_owned(),
        Input::Time => "time".to_owned(),
    }
}

impl From<Input> for Given {
    fn from(input: Input) -> Self {
        Given::Schedule(input)
    }
}

/// The state of a schedule as the store has it.
pub(crate) fn load_schedule<R: Reader + ?Sized>(
    store: &mut R,
    id: &StreamId,
) -> Result<Option<ScheduleState>, EngineError> {
    match super::stream::load(store, id)? {
        Some(State::Schedule(state)) => Ok(Some(*state)),
        _ => Ok(None),
    }
}
