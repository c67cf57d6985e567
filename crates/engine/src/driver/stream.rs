//! A stream in memory.

use serde::Serialize;
use serde_json::Value;
use stead_core::Time;
use stead_core::head::Head;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::limit::{self, LIMIT_SNAPSHOT_FORMAT, LimitState};
use stead_core::message::Message;
use stead_core::run::{Event, RunState, SNAPSHOT_FORMAT};
use stead_core::schedule::{self, SCHEDULE_SNAPSHOT_FORMAT, ScheduleState};
use stead_core::task::{self, TASK_SNAPSHOT_FORMAT, TaskHead, TaskState};
use stead_core::value::{ValueRef, Values};
use stead_store::files::FileStore;
use stead_store::{Commit, Reader, Row, Snapshot};

use super::lines::LineFiles;
use crate::error::EngineError;
use crate::limits;
use crate::metrics::Listing;

/// What is known of a stream, by its kind.
pub(super) enum State {
    /// Of a run.
    Run(Box<RunState>),
    /// Of the places of a key.
    Limit(Box<LimitState>),
    /// Of what people are asked.
    Task(Box<TaskState>),
    /// Of what starts runs by itself.
    Schedule(Box<ScheduleState>),
}

impl State {
    fn new(id: &StreamId) -> Self {
        match id.kind() {
            StreamKind::Run => State::Run(Box::new(RunState::new(id.clone()))),
            StreamKind::Limit => State::Limit(Box::new(LimitState::new(id.clone()))),
            StreamKind::Task => State::Task(Box::new(TaskState::new(id.clone()))),
            StreamKind::Schedule => State::Schedule(Box::new(ScheduleState::new(id.clone()))),
        }
    }

    fn format(&self) -> u32 {
        match self {
            State::Run(_) => SNAPSHOT_FORMAT,
            State::Limit(_) => LIMIT_SNAPSHOT_FORMAT,
            State::Task(_) => TASK_SNAPSHOT_FORMAT,
            State::Schedule(_) => SCHEDULE_SNAPSHOT_FORMAT,
        }
    }

    fn from_snapshot(id: &StreamId, snapshot: &Snapshot) -> Option<Self> {
        let kind = State::new(id);
        if snapshot.format != kind.format() {
            return None;
        }
        match kind {
            State::Run(_) => Some(State::Run(Box::new(RunState::from_snapshot(&snapshot.state).ok()?))),
            State::Limit(_) => Some(State::Limit(Box::new(LimitState::from_snapshot(&snapshot.state).ok()?))),
            State::Task(_) => Some(State::Task(Box::new(TaskState::from_snapshot(&snapshot.state).ok()?))),
            State::Schedule(_) => {
                Some(State::Schedule(Box::new(ScheduleState::from_snapshot(&snapshot.state).ok()?)))
            }
        }
    }

    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        let (seq, state) = match self {
            State::Run(run) => (run.seq, run.snapshot().ok()?),
            State::Limit(limit) => (limit.seq, limit.snapshot().ok()?),
            State::Task(task) => (task.seq, task.snapshot().ok()?),
            State::Schedule(schedule) => (schedule.seq, schedule.snapshot().ok()?),
        };
        Some(Snapshot { format: self.format(), seq, state })
    }

    /// Whether all that a snapshot has left out is needed: a run that goes on behind its end opens again what had
    /// been forgotten as over for good.
    fn needs_all(&self, row: &Row) -> bool {
        let reopens =
            |events: Vec<Event>| events.iter().any(|event| matches!(event, Event::RunReopened { .. }));
        match self {
            State::Run(_) => serde_json::from_slice(&row.events).is_ok_and(reopens),
            State::Limit(_) | State::Task(_) | State::Schedule(_) => false,
        }
    }

    fn apply(&mut self, id: &StreamId, row: &Row) -> Result<(), EngineError> {
        let unreadable = |error: serde_json::Error| EngineError::journal(id, row.seq, &error);
        let misfit = |(seq, why): (u64, &str)| {
            EngineError::journal(id, seq, &format!("it does not follow from those before it: {why}"))
        };
        match self {
            State::Run(run) => {
                let events: Vec<Event> = serde_json::from_slice(&row.events).map_err(unreadable)?;
                events.iter().for_each(|event| run.apply(event, row.at));
                return run.misfit().map(misfit).map_or(Ok(()), Err);
            }
            State::Limit(limit) => {
                let events: Vec<limit::Event> = serde_json::from_slice(&row.events).map_err(unreadable)?;
                events.iter().for_each(|event| limit.apply(event, row.at));
            }
            State::Task(task) => {
                let events: Vec<task::Event> = serde_json::from_slice(&row.events).map_err(unreadable)?;
                events.iter().for_each(|event| task.apply(event, row.at));
                return task.misfit().map(misfit).map_or(Ok(()), Err);
            }
            State::Schedule(schedule) => {
                let events: Vec<schedule::Event> = serde_json::from_slice(&row.events).map_err(unreadable)?;
                events.iter().for_each(|event| schedule.apply(event, row.at));
            }
        }
        Ok(())
    }

    /// Number and time of the last event.
    fn last(&self) -> (u64, Time) {
        match self {
            State::Run(run) => (run.seq, run.at),
            State::Limit(limit) => (limit.seq, limit.at),
            State::Task(task) => (task.seq, task.at),
            State::Schedule(schedule) => (schedule.seq, schedule.at),
        }
    }

    /// The run that started it.
    pub(super) fn parent(&self) -> Option<&StreamId> {
        match self {
            State::Run(run) => run.parent_run(),
            State::Limit(_) | State::Task(_) | State::Schedule(_) => None,
        }
    }

    /// Whether it is over for good.
    pub(super) fn has_ended(&self) -> bool {
        match self {
            State::Run(run) => run.status.is_end(),
            State::Limit(_) | State::Schedule(_) => false,
            State::Task(task) => task.status.is_end(),
        }
    }

    /// Whether the last turn has left it useless.
    pub(super) fn misfit(&self) -> bool {
        match self {
            State::Run(run) => run.misfit().is_some(),
            State::Limit(_) | State::Schedule(_) => false,
            State::Task(task) => task.misfit().is_some(),
        }
    }

    /// Whether it is wanted again soon, or costs too much to be read back each time.
    pub(super) fn stays_in_memory(&self) -> bool {
        match self {
            State::Run(run) => run.attempts_open > 0 || run.unfinished(),
            State::Limit(limit) => limit.has_waiting(),
            State::Task(_) | State::Schedule(_) => false,
        }
    }
}

/// A state with what belongs to it.
pub(super) struct Stream {
    pub(super) state: State,
    pub(super) values: Values,
    pub(super) revision: String,
    /// The row of lists as the store has it.
    head: Option<Head>,
    /// The same of a task.
    task: Option<TaskHead>,
    /// The due time as the store has it: never later than the true one.
    due: Option<Time>,
    /// Whether the store loads it at the start of an engine, where no head says so and it is known.
    open: Option<bool>,
    events_since: u64,
    bytes_since: usize,
    snapshot_bytes: usize,
}

impl Stream {
    pub(super) fn new(state: State, revision: String) -> Self {
        Self {
            state,
            values: Values::default(),
            revision,
            head: None,
            task: None,
            due: None,
            open: None,
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
        let state = load(store, id)?;
        Self::of(store, id, state)
    }

    /// Reads a run back with nothing forgotten: from all of its journal.
    pub(super) fn load_all<R: Reader + ?Sized>(
        store: &mut R,
        id: &StreamId,
    ) -> Result<Option<Self>, EngineError> {
        let state = load_all(store, id)?;
        Self::of(store, id, state)
    }

    fn of<R: Reader + ?Sized>(
        store: &mut R,
        id: &StreamId,
        state: Option<State>,
    ) -> Result<Option<Self>, EngineError> {
        let Some(state) = state else { return Ok(None) };
        let listed = store.head(id)?;
        let revision = match &state {
            State::Run(run) => run.revision.clone(),
            State::Limit(_) | State::Task(_) | State::Schedule(_) => String::new(),
        };
        let mut stream = Stream::new(state, revision);
        if let State::Task(task) = &stream.state {
            // As it was written with the turn before. The due time is, too, or is later than it.
            (stream.task, stream.due) = (task.head(), task.due());
            return Ok(Some(stream));
        }
        if let State::Schedule(schedule) = &stream.state {
            (stream.open, stream.due) = (Some(schedule.in_use()), schedule.due());
            return Ok(Some(stream));
        }
        if let Some(listed) = listed {
            stream.head = Some(listed.head);
            stream.due = listed.due;
        }
        Ok(Some(stream))
    }

    /// What a turn writes. Events are serialised here, once.
    pub(super) fn commit(
        &mut self,
        id: &StreamId,
        cause: String,
        events: &[impl Serialize],
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
        let (seq, at) = self.state.last();
        Commit {
            stream: id.clone(),
            expected_seq: seq + 1 - count,
            count,
            events: bytes,
            at: at.max(now),
            cause,
            messages,
            taken: taken.into_iter().collect(),
            due: None,
            head: None,
            open: None,
            task: None,
            jobs: Vec::new(),
        }
    }

    /// A commit without events, to write the head.
    pub(super) fn empty(&mut self, id: &StreamId, now: Time) -> Commit {
        self.commit(id, "head".to_owned(), &[] as &[Event], Vec::new(), None, now)
    }

    /// A commit that takes a message for a stream that does not exist.
    pub(super) fn taking(id: &StreamId, taken: String, now: Time) -> Commit {
        let mut nobody = Stream::new(State::new(id), String::new());
        nobody.commit(id, "nobody".to_owned(), &[] as &[Event], Vec::new(), Some(taken), now)
    }

    /// What lists show of it, as the store has it.
    pub(super) fn listing(&self) -> Listing {
        Listing::of(self.head.as_ref(), self.task.as_ref())
    }

    /// Head, due time, and whether it is loaded at the start, where they differ from what the store has.
    ///
    /// A due time that has moved back is left as it is: the stream is woken once too early and then says the
    /// right one, which is cheaper than an index entry moved at every step with a time-out.
    pub(super) fn listed(&mut self, now: Time, timed: bool) -> Rows {
        let run = match &mut self.state {
            State::Run(run) => run,
            State::Limit(limit) => {
                let open = Some(limit.in_use()).filter(|open| self.open != Some(*open));
                self.open = open.or(self.open);
                return Rows { open, ..Rows::default() };
            }
            State::Schedule(schedule) => {
                let open = Some(schedule.in_use()).filter(|open| self.open != Some(*open));
                self.open = open.or(self.open);
                let due = schedule.due();
                let moved = self.due != due || timed;
                self.due = due;
                return Rows { open, due: moved.then_some(due), ..Rows::default() };
            }
            State::Task(task) => {
                let (head, due) = (task.head(), task.due());
                let changed = self.task != head;
                let moved = self.due != due || timed;
                (self.task, self.due) = (head.clone(), due);
                return Rows { task: head.filter(|_| changed), due: moved.then_some(due), ..Rows::default() };
            }
        };
        run.settle_status();
        let head = run.head();
        let due = run.due();
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
        Rows { head, due, ..Rows::default() }
    }

    /// Whether the journal since the last snapshot has outgrown both a bound and that snapshot, so that all
    /// snapshots of a run together stay in proportion to its journal.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.events_since >= limits::SNAPSHOT_EVENTS && self.bytes_since >= self.snapshot_bytes
    }

    /// It was read back from all of its journal, and would be each time until there is a snapshot from behind its
    /// reopening: that is worth one at once.
    pub(super) fn read_whole(&mut self) {
        if self.state.last().0 >= limits::SNAPSHOT_EVENTS {
            self.events_since = limits::SNAPSHOT_EVENTS;
        }
    }

    pub(super) fn snapshot_taken(&mut self, bytes: usize) {
        (self.events_since, self.bytes_since, self.snapshot_bytes) = (0, 0, bytes);
    }
}

/// What changes of the rows that lists, and whoever wakes streams, read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rows {
    pub(super) head: Option<Head>,
    pub(super) task: Option<TaskHead>,
    pub(super) due: Option<Option<Time>>,
    pub(super) open: Option<bool>,
}

/// The state of a stream as the store has it.
pub(super) fn load<R: Reader + ?Sized>(store: &mut R, id: &StreamId) -> Result<Option<State>, EngineError> {
    let Some(loaded) = store.load(id)? else { return Ok(None) };
    let state = match &loaded.snapshot {
        None => State::new(id),
        // Of another format, or not enough: the journal has all.
        Some(snapshot) => match State::from_snapshot(id, snapshot) {
            Some(state) if !loaded.rows.iter().any(|row| state.needs_all(row)) => state,
            _ => return load_all(store, id),
        },
    };
    replayed(id, state, &loaded.rows).map(Some)
}

/// The same from all of its journal.
fn load_all<R: Reader + ?Sized>(store: &mut R, id: &StreamId) -> Result<Option<State>, EngineError> {
    let (mut state, mut from) = (State::new(id), 1);
    loop {
        // In pieces: of a long run it is many times the state.
        let rows = store.journal(id, from, limits::SCAN_ROWS)?;
        for row in &rows {
            state.apply(id, row)?;
        }
        match rows.last() {
            Some(last) => from = last.seq + last.count,
            None if from == 1 => return Ok(None),
            None => return replayed(id, state, &[]).map(Some),
        }
    }
}

fn replayed(id: &StreamId, mut state: State, rows: &[Row]) -> Result<State, EngineError> {
    for row in rows {
        state.apply(id, row)?;
    }
    Ok(match state {
        State::Run(run) => State::Run(Box::new(run.replayed())),
        other => other,
    })
}

/// The state of a run as the store has it, with nothing forgotten.
pub(crate) fn load_whole_state<R: Reader + ?Sized>(
    store: &mut R,
    id: &StreamId,
) -> Result<Option<RunState>, EngineError> {
    Ok(load_all(store, id)?.and_then(run_of))
}

/// The state of a run as the store has it.
pub(crate) fn load_state<R: Reader + ?Sized>(
    store: &mut R,
    id: &StreamId,
) -> Result<Option<RunState>, EngineError> {
    Ok(load(store, id)?.and_then(run_of))
}

fn run_of(state: State) -> Option<RunState> {
    match state {
        State::Run(run) => Some(*run),
        State::Limit(_) | State::Task(_) | State::Schedule(_) => None,
    }
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
        ValueRef::Line { hash, index } => {
            LineFiles::default().line(files, hash, *index)?.map_err(|why| EngineError::journal(id, 0, &why))
        }
        ValueRef::File { hash } => {
            let bytes = files.get(hash)?;
            serde_json::from_slice(&bytes).map_err(|e| EngineError::file(hash, &e))
        }
    }
}
