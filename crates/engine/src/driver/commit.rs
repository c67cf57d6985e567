//! The one commit of a step, and what follows from it.

use std::collections::BTreeMap;
use std::time::Instant;

use stead_core::Time;
use stead_core::effect::Effect;
use stead_core::ids::StreamId;
use stead_store::{Commit, Position, Store, StoreError};

use super::stream::Rows;
use super::{Addressed, Driver, Ended, Refusal, Stepped, Written};
use crate::error::EngineError;
use crate::failpoint;
use crate::limits;
use crate::metrics::Moves;

/// What one step has gathered.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) commits: Vec<Commit>,
    pub(super) effects: Vec<(Effect, String)>,
    pub(super) answers: Vec<(u64, Result<(), Refusal>)>,
    /// Streams that took turns, and the place of the last commit of each.
    pub(super) touched: BTreeMap<StreamId, Option<usize>>,
    pub(super) inputs: Vec<Addressed>,
    pub(super) troubles: Vec<(StreamId, String)>,
    /// Of the events of all commits.
    pub(super) bytes: usize,
}

impl Batch {
    /// A stream has taken a turn, whether or not that is to be written.
    pub(super) fn add(&mut self, id: &StreamId, commit: Commit) {
        self.bytes += commit.events.len();
        let last = self.touched.entry(id.clone()).or_default();
        if commit.count > 0 || !commit.taken.is_empty() {
            *last = Some(self.commits.len());
            self.commits.push(commit);
        }
    }
}

impl<S: Store> Driver<S> {
    /// Completes the heads of what was touched, commits, and only then says what follows.
    pub(super) fn write(&mut self, now: Time, mut batch: Batch) -> Result<Stepped, EngineError> {
        let touched = std::mem::take(&mut batch.touched);
        let mut moves = Moves::default();
        for (id, last) in &touched {
            let Some(stream) = self.streams.get_mut(id) else { continue };
            let before = stream.listing();
            let timed = self.timed.remove(id);
            if stream.state.misfit() {
                // A later turn of this step has left it useless; what earlier ones made is written.
                continue;
            }
            let rows = stream.listed(now, timed);
            if rows == Rows::default() {
                continue;
            }
            let last = last.unwrap_or(batch.commits.len());
            if last == batch.commits.len() {
                batch.commits.push(stream.empty(id, now));
            }
            let commit = &mut batch.commits[last];
            let Rows { head, task, due, open } = rows;
            moves.note(before, head.as_ref(), task.as_ref());
            (commit.head, commit.task, commit.due, commit.open) = (head, task, due, open);
        }
        let since = Instant::now();
        let positions = match self.commit(&batch.commits) {
            Ok(positions) => positions,
            Err(error) => {
                batch.touched = touched;
                self.take_back(batch);
                return Err(error.into());
            }
        };
        if !batch.commits.is_empty() {
            self.counts.committed(&batch.commits, &moves, since.elapsed());
        }
        let Batch { effects, answers, troubles, .. } = batch;
        let mut stepped = Stepped { effects, answers, troubles, ..Stepped::default() };
        stepped.jobs = batch.commits.iter().map(|commit| commit.jobs.len()).sum();
        for (commit, position) in batch.commits.into_iter().zip(positions) {
            if let Some(head) = commit.head.filter(|head| head.status.is_end()) {
                stepped.over.push(Ended { run: commit.stream.clone(), head });
            }
            if let Some(due) = commit.due.flatten() {
                self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
            }
            for message in commit.messages {
                self.push_message(message);
            }
            if let Some(position) = position {
                let events = commit.events.into();
                let (seq, at, stream) = (commit.expected_seq, commit.at, commit.stream);
                stepped.written.push(Written { stream, position, seq, at, events });
            }
        }
        if self.next_due.is_some_and(|due| due <= now) {
            // What was just written must be handed out. A store that cannot be read says so again at the next
            // step, before anything is done.
            self.next_due = self.store.next_due().unwrap_or(self.next_due);
        }
        self.keep_house(&touched, &mut stepped);
        Ok(stepped)
    }

    fn commit(&mut self, commits: &[Commit]) -> Result<Vec<Option<Position>>, StoreError> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        failpoint::cross("commit.before");
        let positions = match self.store.commit(self.fence, commits) {
            Ok(positions) => positions,
            Err(error) if is_refusal(&error) => return Err(error),
            Err(error) => self.landed(commits).ok_or(error)?,
        };
        failpoint::cross("commit.after");
        Ok(positions)
    }

    /// Where the rows of a commit stand whose answer was lost; `None` when it was not written.
    ///
    /// What a store says to have failed may be durable all the same. Its effects would then never be handed
    /// out, and its messages be taken a second time. Nobody else writes these streams and a commit is whole
    /// or not there, so what stands in the store tells.
    fn landed(&mut self, commits: &[Commit]) -> Option<Vec<Option<Position>>> {
        let mut traces = 0;
        let mut positions = Vec::with_capacity(commits.len());
        for commit in commits {
            let mut position = None;
            if commit.count > 0 {
                let row = self.store.row_of(&commit.stream, commit.expected_seq).ok()?;
                if row.seq != commit.expected_seq || row.events != commit.events {
                    return None;
                }
                position = Some(row.position);
                traces += 1;
            }
            if !commit.taken.is_empty() {
                let left = self.store.inbox(&commit.stream).ok()?;
                if left.iter().any(|message| commit.taken.contains(&message.id)) {
                    return None;
                }
                traces += 1;
            }
            positions.push(position);
        }
        // Heads and due times alone leave no trace, and are as well written again.
        (traces > 0).then_some(positions)
    }

    /// Snapshots of what has grown, and memory given back. The commit stands, so nothing in here may fail the
    /// step.
    fn keep_house(&mut self, touched: &BTreeMap<StreamId, Option<usize>>, stepped: &mut Stepped) {
        for id in touched.keys() {
            let Some(stream) = self.streams.get_mut(id) else { continue };
            if stream.state.misfit() {
                self.streams.remove(id);
                continue;
            }
            if stream.state.has_ended() {
                stepped.ended.push(id.clone());
                self.streams.remove(id);
                continue;
            }
            if stream.wants_snapshot()
                && let Some(snapshot) = stream.state.snapshot()
            {
                // A cache: where it cannot be kept, the journal has all, and the next one is tried when it
                // would be due.
                let _ = self.store.put_snapshot(id, &snapshot);
                stream.snapshot_taken(snapshot.state.len());
            }
            if stream.values.bytes() > limits::VALUES_BYTES {
                stream.values.clear();
            }
        }
        if self.streams.len() > limits::STREAMS_CACHED {
            self.streams.retain(|_, stream| stream.state.stays_in_memory());
        }
    }
}

/// Whether a store has looked at a commit and found that it does not fit: then nothing of it was written.
fn is_refusal(error: &StoreError) -> bool {
    use StoreError::{Conflict, Fenced, Malformed, NotInInbox};
    matches!(error, Fenced { .. } | Conflict { .. } | NotInInbox { .. } | Malformed { .. })
}
