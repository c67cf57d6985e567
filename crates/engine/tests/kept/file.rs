//! A run in a file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_core::Time;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::message::Message;
use stead_core::run::{Event, RunState};
use stead_store::memory::MemoryStore;
use stead_store::{Commit, Reader as _, Store as _};

use crate::cases::Case;

/// A run that was stopped in the middle, with all that it needs to go on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Where it was stopped, for people.
    pub(crate) what: String,
    pub(crate) run: String,
    /// What is told to it when it goes on.
    pub(crate) then: Vec<Value>,
    /// Status of the run and of its steps as it was stopped.
    pub(crate) stands: Value,
    /// How it ends.
    pub(crate) ends: Value,
    /// Bundles by revision.
    definitions: BTreeMap<String, Value>,
    /// Rows of all journals, in order.
    rows: Vec<Written>,
    /// Messages under way.
    inbox: Vec<Message>,
}

/// A row of a journal.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    stream: StreamId,
    seq: u64,
    at: Time,
    cause: String,
    events: Vec<Value>,
}

impl Kept {
    /// What a store has of a run and of all that belongs to it.
    pub(crate) fn of(store: &mut MemoryStore, case: &Case, run: &StreamId) -> Self {
        let mut rows = Vec::new();
        let mut streams = BTreeSet::new();
        for (stream, row) in store.journal_after(0, usize::MAX).unwrap() {
            let events = serde_json::from_slice(&row.events).unwrap();
            streams.insert(stream.clone());
            rows.push(Written { stream, seq: row.seq, at: row.at, cause: row.cause, events });
        }
        let revisions =
            rows.iter().flat_map(|row| &row.events).filter_map(|event| event["revision"].as_str());
        let mut revisions: BTreeSet<String> = revisions.map(str::to_owned).collect();
        revisions.extend(case.children());
        let definition = |revision: String| {
            let bytes = store.definition(&revision).unwrap().unwrap();
            (revision, serde_json::from_slice(&bytes).unwrap())
        };
        let definitions = revisions.into_iter().map(definition).collect();
        // Also of those who have no journal yet.
        streams.extend(store.open_streams().unwrap());
        let inbox = streams.iter().flat_map(|stream| store.inbox(stream).unwrap()).collect();
        let (what, run, then) = (case.what.to_owned(), run.as_str().to_owned(), (case.then)());
        Self { what, run, then, stands: Value::Null, ends: Value::Null, definitions, rows, inbox }
    }

    /// Puts it into a store.
    pub(crate) fn put(&self, store: &mut MemoryStore, what: &str) {
        for (revision, bundle) in &self.definitions {
            store.put_definition(revision, &serde_json::to_vec(bundle).unwrap()).unwrap();
        }
        let fence = store.take_fence().unwrap();
        let mut states: BTreeMap<&StreamId, RunState> = BTreeMap::new();
        for row in &self.rows {
            if row.stream.kind() == StreamKind::Run {
                let state = states.entry(&row.stream).or_insert_with(|| RunState::new(row.stream.clone()));
                for event in &row.events {
                    let event = serde_json::from_value::<Event>(event.clone())
                        .unwrap_or_else(|e| panic!("{what}: it cannot be read any more: {e}: {event}"));
                    state.apply(&event, row.at);
                }
            }
            let commit = Commit { at: row.at, cause: row.cause.clone(), ..nothing(&row.stream, row.seq) };
            let events = serde_json::to_vec(&row.events).unwrap();
            let open = (row.stream.kind() == StreamKind::Limit).then_some(true);
            let commit = Commit { count: row.events.len() as u64, events, open, ..commit };
            store.commit(fence, &[commit]).unwrap();
        }
        for (stream, mut state) in states {
            state.settle_status();
            let commit = nothing(stream, state.seq + 1);
            let commit = Commit { due: Some(state.due()), head: Some(state.head()), at: state.at, ..commit };
            store.commit(fence, &[commit]).unwrap();
        }
        for message in &self.inbox {
            let from =
                nothing(&message.from, store.head(&message.from).unwrap().map_or(1, |head| head.seq + 1));
            let from = match message.from.kind() {
                StreamKind::Run => from,
                StreamKind::Limit | StreamKind::Task | StreamKind::Schedule => {
                    nothing(&message.from, store.verify(&message.from).unwrap() + 1)
                }
            };
            store.commit(fence, &[Commit { messages: vec![message.clone()], ..from }]).unwrap();
        }
    }
}

/// A commit that writes nothing.
fn nothing(stream: &StreamId, expected_seq: u64) -> Commit {
    Commit {
        stream: stream.clone(),
        expected_seq,
        count: 0,
        events: Vec::new(),
        at: 0,
        cause: "kept".into(),
        messages: Vec::new(),
        taken: Vec::new(),
        due: None,
        head: None,
        open: None,
        task: None,
        jobs: Vec::new(),
    }
}
