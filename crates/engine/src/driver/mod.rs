//! The driver: inputs in, turns taken, one commit, effects out.
//!
//! A plain struct stepped by hand over a blocking store: threads stand around it. One step takes all inputs
//! that wait, in order, each to its stream; writes all turns in one commit; and only then hands out what has
//! to be done. If the commit fails, the touched streams are dropped and loaded again.
//!
//! Streams are of several kinds, and their ids say which: runs, the limits whose places runs share, tasks of people, and
//! schedules, which start runs.

mod commit;
pub(crate) mod found;
pub(crate) mod lines;
mod places;
mod plans;
mod recovery;
mod schedules;
mod stream;
mod tasks;
mod words;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use stead_core::Time;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::limit::LimitState;
use stead_core::message::Message;
use stead_core::run::{Ctx, Input, MessageBody, Need, Needs, RunState, Turn, turn, turn_only};
use stead_core::schedule::{self, ScheduleState};
use stead_core::task;
use stead_core::value::ValueRef;
use stead_store::Store;
use stead_store::files::FileStore;

use commit::Batch;
use lines::LineFiles;
pub(crate) use places::load_limit;
pub use plans::Plans;
pub(crate) use plans::bundle;
pub(crate) use schedules::load_schedule;
use stream::{State, Stream};
pub(crate) use stream::{load_state, load_value, load_whole_state};
pub(crate) use tasks::load_task;
pub use words::{Addressed, Ended, Given, Refusal, Stepped, Written};

use crate::engine::desk::named_cause;
use crate::error::EngineError;
use crate::limits;
use crate::metrics::Counts;
use crate::notify::{Book, jobs_of_run, may_tell};
use crate::schedules::Owners;

/// Takes turns of all streams of a home.
pub struct Driver<S> {
    store: S,
    fence: u64,
    files: FileStore,
    plans: Plans,
    lines: LineFiles,
    streams: HashMap<StreamId, Stream>,
    queue: VecDeque<Addressed>,
    /// Streams that the last engine left open and that were not brought on yet, with messages they have not taken.
    unrecovered: HashMap<StreamId, Vec<Message>>,
    /// The order in which they are.
    to_recover: VecDeque<StreamId>,
    /// Names of wishes, by the token of their input: they stand in the journal.
    names: HashMap<u64, String>,
    /// The earliest time at which a stream of the store is due.
    next_due: Option<Time>,
    /// Streams that were given the time and have not told yet when they are due next.
    timed: HashSet<StreamId>,
    /// Streams that cannot go on: something of theirs cannot be read.
    troubled: HashSet<StreamId>,
    /// Who may start the runs of schedules.
    owners: Owners,
    /// Tokens whose inputs were dropped.
    dropped: Vec<u64>,
    performs_nothing: bool,
    /// What is counted.
    counts: Arc<Counts>,
    /// Of what notifications are made.
    notify: Option<Arc<Book>>,
    /// What the last engine left is queued, all of it.
    recovered: bool,
    /// Else: the streams whose messages of old are queued, with those that came since and are among them.
    caught_up: HashMap<StreamId, HashSet<String>>,
}

impl<S: Store> Driver<S> {
    /// Takes the fence of the store.
    ///
    /// # Errors
    /// When the store cannot be written or read.
    pub fn new(mut store: S, files: FileStore) -> Result<Self, EngineError> {
        let fence = store.take_fence()?;
        let next_due = store.next_due()?;
        Ok(Self {
            store,
            fence,
            files,
            plans: Plans::default(),
            lines: LineFiles::default(),
            streams: HashMap::new(),
            queue: VecDeque::new(),
            unrecovered: HashMap::new(),
            to_recover: VecDeque::new(),
            names: HashMap::new(),
            next_due,
            timed: HashSet::new(),
            troubled: HashSet::new(),
            owners: Owners::default(),
            dropped: Vec::new(),
            performs_nothing: false,
            counts: Arc::default(),
            notify: None,
            recovered: false,
            caught_up: HashMap::new(),
        })
    }

    /// From here on inputs are taken, and what would begin because of them is left to the next engine: for a
    /// process that performs nothing.
    pub fn perform_nothing(&mut self) {
        self.performs_nothing = true;
        self.to_recover.clear();
    }

    /// Turns make the notifications that these rules want.
    pub(crate) fn notify(&mut self, book: Arc<Book>) {
        self.notify = Some(book);
    }

    /// What is counted is counted there, from what is open now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn count(&mut self, counts: Arc<Counts>) -> Result<(), EngineError> {
        counts.open(&self.store.open_counts()?);
        self.counts = counts;
        Ok(())
    }

    /// The run that is at the top of those which started a run: itself, when none did. One that cannot be read is
    /// taken for the top.
    pub fn top_of(&mut self, run: &StreamId) -> StreamId {
        let mut top = run.clone();
        for _ in 0..=stead_core::limits::CHILD_DEPTH {
            let parent = match self.streams.get(&top) {
                Some(stream) => stream.state.parent().cloned(),
                None => self.store.head(&top).ok().flatten().and_then(|listed| listed.head.parent),
            };
            match parent {
                Some(parent) => top = parent,
                None => break,
            }
        }
        top
    }

    /// The name of the workflow of a run that is in memory.
    pub(crate) fn workflow_of(&self, run: &StreamId) -> Option<String> {
        match &self.streams.get(run)?.state {
            State::Run(run) => Some(run.workflow.clone()),
            State::Limit(_) | State::Task(_) | State::Schedule(_) => None,
        }
    }

    /// Tokens of the inputs that the last step has dropped because it failed.
    pub fn take_dropped(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.dropped)
    }

    /// Queues an input for the next step.
    pub fn push(&mut self, input: Addressed) {
        self.queue.push_back(input);
    }

    /// Names the input of a token: its row in the journal will say so, and whoever asks again is known by it.
    pub fn name(&mut self, token: u64, name: &str) {
        self.names.insert(token, name.to_owned());
    }

    /// Whether there is something to do at once.
    pub fn is_busy(&self) -> bool {
        !self.queue.is_empty() || !self.to_recover.is_empty()
    }

    /// When there is something to do by itself.
    pub fn due(&self) -> Option<Time> {
        self.next_due
    }

    /// Streams in memory, and the bytes of the values that they keep at hand.
    pub fn in_memory(&self) -> (usize, usize) {
        (self.streams.len(), self.streams.values().map(|stream| stream.values.bytes()).sum())
    }

    /// A run as it is in memory, if it is: for those who hold it against what its journal gives.
    pub fn state(&self, id: &StreamId) -> Option<&RunState> {
        match &self.streams.get(id)?.state {
            State::Run(run) => Some(run),
            State::Limit(_) | State::Task(_) | State::Schedule(_) => None,
        }
    }

    /// A limit, likewise.
    pub fn limit(&self, id: &StreamId) -> Option<&LimitState> {
        match &self.streams.get(id)?.state {
            State::Limit(limit) => Some(limit),
            State::Run(_) | State::Task(_) | State::Schedule(_) => None,
        }
    }

    /// A task, likewise.
    pub fn task(&self, id: &StreamId) -> Option<&task::TaskState> {
        match &self.streams.get(id)?.state {
            State::Task(task) => Some(task),
            State::Run(_) | State::Limit(_) | State::Schedule(_) => None,
        }
    }

    /// A schedule, likewise.
    pub fn schedule(&self, id: &StreamId) -> Option<&ScheduleState> {
        match &self.streams.get(id)?.state {
            State::Schedule(schedule) => Some(schedule),
            State::Run(_) | State::Limit(_) | State::Task(_) => None,
        }
    }

    /// The plans of revisions.
    pub fn plans(&mut self) -> &mut Plans {
        &mut self.plans
    }

    /// The store.
    pub fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// Takes all inputs that wait, at most [`limits::BATCH`], and writes what follows in one commit.
    ///
    /// # Errors
    /// When the store cannot be written: nothing of this step has happened then, nobody was told otherwise.
    pub fn step(&mut self, now: Time) -> Result<Stepped, EngineError> {
        self.wake(now)?;
        self.recover_some();
        let mut batch = Batch::default();
        for _ in 0..limits::BATCH {
            let Some(input) = self.next_input() else { break };
            if let Err(error) = self.take(&input, now, &mut batch) {
                batch.inputs.push(input);
                self.take_back(batch);
                return Err(error);
            }
            batch.inputs.push(input);
            if batch.bytes >= limits::BATCH_BYTES {
                break;
            }
        }
        self.write(now, batch)
    }

    /// Gives the time to streams whose time has come.
    fn wake(&mut self, now: Time) -> Result<(), EngineError> {
        if self.next_due.is_none_or(|due| due > now) {
            return Ok(());
        }
        for stream in self.store.due_streams(now, limits::BATCH)? {
            if self.troubled.contains(&stream) {
                // It stays due, whatever the time. Looking again and again would bring it no further.
                self.next_due = Some(now + limits::TROUBLED_LOOK);
            } else if self.timed.insert(stream.clone()) {
                self.queue.push_back(Addressed::to(stream, Given::Time));
            }
        }
        Ok(())
    }

    fn take(&mut self, addressed: &Addressed, now: Time, batch: &mut Batch) -> Result<(), EngineError> {
        let Addressed { stream: id, input, revision, token } = addressed;
        let cause = match (input, self.names.remove(token)) {
            (input, Some(name)) => named_cause(&input.cause(), &name),
            (input, None) => input.cause(),
        };
        let turned = match input {
            Given::Run(input) => self.turn(id, input, revision.clone(), cause, now, batch),
            Given::Limit(input) => self.limit_turn(id, input, cause, now, batch),
            Given::Task(input) => self.task_turn(id, input, cause, now, batch),
            Given::Schedule(input) => self.schedule_turn(id, input, cause, now, batch),
            Given::Time => match id.kind() {
                StreamKind::Task => self.task_turn(id, &task::Input::Time, cause, now, batch),
                StreamKind::Schedule => self.schedule_turn(id, &schedule::Input::Time, cause, now, batch),
                _ => self.turn(id, &Input::Time, None, cause, now, batch),
            },
            Given::Recovered => match id.kind() {
                StreamKind::Run => self.turn(id, &Input::Recovered, None, cause, now, batch),
                StreamKind::Limit => self.limit_recovered(id, cause, now, batch),
                // What is due is done by its timer.
                StreamKind::Task | StreamKind::Schedule => Ok(None),
            },
        };
        let answer = match turned {
            Ok(None) => Ok(()),
            Ok(Some(refusal)) => Err(refusal),
            // What is wrong with one stream must not stop the others. Its state is as it was before.
            Err(error) if error.concerns_stream() => {
                self.timed.remove(id);
                self.troubled.insert(id.clone());
                if !batch.touched.contains_key(id) {
                    self.forget_misfit(id);
                }
                batch.troubles.push((id.clone(), error.to_string()));
                Err(Refusal::Refused(error.to_string()))
            }
            Err(error) => return Err(error),
        };
        if *token != 0 {
            batch.answers.push((*token, answer));
        }
        Ok(())
    }

    /// Nothing of a step was written: what is in memory never happened and is loaded again as it was, and the
    /// inputs wait for the next step. Those that somebody waits for are dropped, and the caller tells them.
    fn take_back(&mut self, batch: Batch) {
        for id in batch.touched.keys() {
            self.streams.remove(id);
            self.timed.remove(id);
        }
        for input in batch.inputs.into_iter().rev() {
            match input.token {
                0 => self.queue.push_front(input),
                token => self.dropped.push(token),
            }
        }
    }

    fn turn(
        &mut self,
        id: &StreamId,
        input: &Input,
        revision: Option<String>,
        cause: String,
        now: Time,
        batch: &mut Batch,
    ) -> Result<Option<Refusal>, EngineError> {
        let taken = match input {
            Input::Message(message) => Some(message.id.clone()),
            _ => None,
        };
        let revision = revision.or_else(|| revision_of(input));
        if let Input::Retry { .. } = input
            && self.streams.get(id).is_none_or(|stream| stream.state.has_ended())
            && let Some(whole) = Stream::load_all(&mut self.store, id)?
        {
            // What it opens again may be forgotten since.
            let mut whole = whole;
            whole.read_whole();
            self.streams.insert(id.clone(), whole);
        }
        let known = self.stream(id)?.map(|stream| stream.revision.clone());
        let plan = match known.as_ref().or(revision.as_ref()) {
            Some(revision) => Some(self.plans.get(&mut self.store, revision)?),
            None => None,
        };
        if known.is_none() {
            let Some(revision) = revision else {
                self.timed.remove(id);
                // A message to nobody is taken, so that it does not come again.
                if let (Some(taken), Input::Message(message)) = (taken, input) {
                    batch.commits.push(Stream::taking(id, taken, now));
                    self.nobody_has(id, message);
                }
                return Ok(Some(Refusal::Unknown));
            };
            let state = State::Run(Box::new(RunState::new(id.clone())));
            self.streams.insert(id.clone(), Stream::new(state, revision));
        }
        let (Some(stream), Some(plan)) = (self.streams.get_mut(id), plan) else {
            return Ok(Some(Refusal::Unknown));
        };
        let State::Run(run) = &mut stream.state else { return Ok(Some(Refusal::Unknown)) };
        run.fits(&plan).map_err(|why| EngineError::journal(id, run.seq, &why))?;
        let turn = loop {
            let ctx = &mut Ctx { plan: &plan, at: now, values: &mut stream.values };
            let turn = match self.performs_nothing {
                true => turn_only(run, input, ctx),
                false => turn(run, input, ctx),
            };
            match turn {
                Ok(turn) => break turn,
                Err(Needs(needs)) => {
                    for need in needs {
                        match need {
                            Need::Value(ValueRef::Line { hash, index }) => {
                                let line = self.lines.line(&self.files, &hash, index)?;
                                stream.values.put_line(hash, index, line);
                            }
                            Need::Lines(hash) => {
                                let count = self.lines.count(&self.files, &hash)?;
                                stream.values.put_count(hash, count);
                            }
                            Need::Value(reference) => {
                                let value = stream::load_value(&mut self.store, &self.files, id, &reference)?;
                                stream.values.put(reference, value);
                            }
                            Need::Runs(find) => {
                                let found = found::found(&mut self.store, &find)?;
                                stream.values.put_found(find, found);
                            }
                            Need::Newest(name) => {
                                let newest = crate::library::newest(&mut self.store, &name)?;
                                stream.values.put_newest(name, newest);
                            }
                        }
                    }
                }
            }
        };
        if let Some((seq, why)) = run.misfit() {
            let why = format!("what would follow does not fit to what it tells: {why}");
            return Err(EngineError::journal(id, seq, &why));
        }
        let folder = run.folder.clone();
        // From here on its state is ahead of what is written.
        batch.touched.entry(id.clone()).or_default();
        for file in &turn.files {
            self.files.put(&file.bytes)?;
        }
        if turn.more {
            self.queue.push_back(Addressed::to(id.clone(), Input::Continue));
        }
        let Turn { events, effects, messages, refused, .. } = turn;
        let mut commit = stream.commit(id, cause, &events, messages, taken, now);
        if let (Some(book), State::Run(run)) = (&self.notify, &stream.state)
            && may_tell(&events)
        {
            jobs_of_run(&mut commit, &book.rules(), run, &events);
        }
        batch.effects.extend(effects.into_iter().map(|effect| (effect, folder.clone())));
        batch.add(id, commit);
        Ok(refused.map(|why| Refusal::Refused(why.to_owned())))
    }

    /// Drops a state that a turn has left useless: the next input finds the run as its journal has it.
    fn forget_misfit(&mut self, id: &StreamId) {
        if self.streams.get(id).is_some_and(|stream| stream.state.misfit()) {
            self.streams.remove(id);
        }
    }

    /// The stream, loaded if it is not in memory; `None` where it has no journal.
    fn stream(&mut self, id: &StreamId) -> Result<Option<&mut Stream>, EngineError> {
        if !self.streams.contains_key(id) {
            let Some(stream) = Stream::load(&mut self.store, id)? else { return Ok(None) };
            self.streams.insert(id.clone(), stream);
        }
        Ok(self.streams.get_mut(id))
    }
}

/// The revision that a message starts a run of.
fn revision_of(input: &Input) -> Option<String> {
    let Input::Message(message) = input else { return None };
    match MessageBody::of(message) {
        Some(MessageBody::StartRun { revision, .. }) => Some(revision),
        _ => None,
    }
}
