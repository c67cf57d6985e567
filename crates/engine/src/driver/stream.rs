//! A stream in memory.

use serde_json::Value;
use stead_core::Time;
use stead_core::head::Head;
use stead_core::ids::StreamId;
use stead_core::message::Message;
use stead_core::run::{Ctx, Event, Input, Needs, RunState, SNAPSHOT_FORMAT, Turn, turn, turn_only};
use stead_core::value::{ValueRef, Values};
use stead_lang::plan::Plan;
use stead_store::files::FileStore;
use stead_store::{Commit, Reader};

use crate::error::EngineError;
use crate::limits;

/// A state with what belongs to it.
pub(super) struct Stream {
    pub(super) state: RunState,
    pub(super) values: Values,
    pub(super) revision: String,
    /// The row of lists as the store has it.
    head: Option<Head>,
    /// The due time as the store has it: never later than the true one.
    due: Option<Time>,
    events_since: u64,
    bytes_since: usize,
    snapshot_bytes: usize,
}

impl Stream {
    pub(super) fn new(state: RunState, revision: String) -> Self {
        Self {
            state,
            values: Values::default(),
            revision,
            head: None,
            due: None,
            events_since: 0,
            bytes_since: 0,
            snapshot_bytes: 0,
        }
    }

    /// Reads a stream back: the newest snapshot that this engine understands, and the rows behind it.
    pub(super) fn load<R: Reader + ?Sized>(
        store: &mut R,
        id: &StreamId,
    ) -> Result<Option<Self>, EngineError> {
        let Some(state) = load_state(store, id)? else { return Ok(None) };
        let listed = store.head(id)?;
        let mut stream = Stream::new(state, String::new());
        stream.revision.clone_from(&stream.state.revision);
        if let Some(listed) = listed {
            stream.head = Some(listed.head);
            stream.due = listed.due;
        }
        Ok(Some(stream))
    }

    pub(super) fn turn(&mut self, input: &Input, plan: &Plan, at: Time, alone: bool) -> Result<Turn, Needs> {
        let mut ctx = Ctx { plan, at, values: &mut self.values };
        match alone {
            true => turn_only(&mut self.state, input, &mut ctx),
            false => turn(&mut self.state, input, &mut ctx),
        }
    }

    /// What a turn writes. Events are serialised here, once.
    pub(super) fn commit(
        &mut self,
        id: &StreamId,
        cause: String,
        events: &[Event],
        messages: Vec<Message>,
        taken: Option<String>,
        now: Time,
    ) -> Commit {
        let count = events.len() as u64;
        let bytes = match count {
            0 => Vec::new(),
            // Plain data with text keys always serialises.
            _ => serde_json::to_vec(events).unwrap_or_default(),
        };
        self.events_since += count;
        self.bytes_since += bytes.len();
        Commit {
            stream: id.clone(),
            expected_seq: self.state.seq + 1 - count,
            count,
            events: bytes,
            at: self.state.at.max(now),
            cause,
            messages,
            taken: taken.into_iter().collect(),
            due: None,
            head: None,
            jobs: Vec::new(),
        }
    }

    /// A commit without events, to write the head.
    pub(super) fn empty(&mut self, id: &StreamId, now: Time) -> Commit {
        self.commit(id, "head".to_owned(), &[], Vec::new(), None, now)
    }

    /// A commit that takes a message for a stream that does not exist.
    pub(super) fn taking(id: &StreamId, taken: String, now: Time) -> Commit {
        let mut nobody = Stream::new(RunState::new(id.clone()), String::new());
        nobody.commit(id, "nobody".to_owned(), &[], Vec::new(), Some(taken), now)
    }

    /// Head and due time where they differ from what the store has.
    ///
    /// A due time that has moved back is left as it is: the stream is woken once too early and then says the
    /// right one, which is cheaper than an index entry moved at every step with a time-out.
    pub(super) fn listed(&mut self, now: Time, timed: bool) -> (Option<Head>, Option<Option<Time>>) {
        self.state.settle_status();
        let head = self.state.head();
        let due = self.state.due();
        let sooner = match (due, self.due) {
            (Some(due), Some(written)) => due < written,
            (Some(_), None) => true,
            (None, Some(_)) => head.status.is_end(),
            (None, None) => false,
        };
        let stale = self.due != due && (timed || self.due.is_some_and(|written| written <= now));
        let due = (sooner || stale).then(|| {
            self.due = due;
            due
        });
        let changed = self.head.as_ref() != Some(&head);
        let head = changed.then(|| {
            self.head = Some(head.clone());
            head
        });
        (head, due)
    }

    /// Whether the journal since the last snapshot has outgrown both a bound and that snapshot, so that all
    /// snapshots of a run together stay in proportion to its journal.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.events_since >= limits::SNAPSHOT_EVENTS && self.bytes_since >= self.snapshot_bytes
    }

    pub(super) fn snapshot_taken(&mut self, bytes: usize) {
        (self.events_since, self.bytes_since, self.snapshot_bytes) = (0, 0, bytes);
    }
}

/// The state of a stream as the store has it.
pub(crate) fn load_state<R: Reader + ?Sized>(
    store: &mut R,
    id: &StreamId,
) -> Result<Option<RunState>, EngineError> {
    let Some(mut loaded) = store.load(id)? else { return Ok(None) };
    let mut state = None;
    if let Some(snapshot) = &loaded.snapshot {
        if snapshot.format == SNAPSHOT_FORMAT {
            state = RunState::from_snapshot(&snapshot.state).ok();
        }
        if state.is_none() {
            // Of another format: the journal has all.
            loaded.rows = store.journal(id, 1, usize::MAX)?;
        }
    }
    let mut state = state.unwrap_or_else(|| RunState::new(id.clone()));
    for row in &loaded.rows {
        let events: Vec<Event> =
            serde_json::from_slice(&row.events).map_err(|e| EngineError::journal(id, row.seq, &e))?;
        for event in &events {
            state.apply(event, row.at);
        }
    }
    Ok(Some(state.replayed()))
}

/// A value behind a reference.
pub(crate) fn load_value<R: Reader + ?Sized>(
    store: &mut R,
    files: &FileStore,
    id: &StreamId,
    reference: &ValueRef,
) -> Result<Value, EngineError> {
    match reference {
        ValueRef::Inline(value) => Ok(value.clone()),
        ValueRef::Event { seq, at } => {
            let row = store.row_of(id, *seq)?;
            let events: Vec<Value> =
                serde_json::from_slice(&row.events).map_err(|e| EngineError::journal(id, row.seq, &e))?;
            let event = usize::try_from(seq - row.seq).ok().and_then(|index| events.get(index));
            let value = event.and_then(|event| event.pointer(at));
            value.cloned().ok_or_else(|| EngineError::journal(id, *seq, &format!("it has no value at {at}")))
        }
        ValueRef::File { hash } => {
            let bytes = files.get(hash)?;
            serde_json::from_slice(&bytes).map_err(|e| EngineError::file(hash, &e))
        }
    }
}
