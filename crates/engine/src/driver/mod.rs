//! The driver: inputs in, turns taken, one commit, effects out.
//!
//! A plain struct stepped by hand over a blocking store: threads stand around it. One step takes all inputs
//! that wait, in order, each to its stream; writes all turns in one commit; and only then hands out what has
//! to be done. If the commit fails, the touched streams are dropped and loaded again.
//!
//! Streams are of several kinds, and their ids say which: runs, and the limits whose places runs share.

pub(crate) mod found;
mod places;
mod plans;
mod stream;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use stead_core::Time;
use stead_core::effect::Effect;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::limit::{self, LimitState};
use stead_core::message::Message;
use stead_core::run::{Ctx, Input, MessageBody, Need, Needs, RunState, Turn, turn, turn_only};
use stead_store::files::FileStore;
use stead_store::{Commit, Position, Store, StoreError};

pub(crate) use places::load_limit;
pub use plans::Plans;
pub(crate) use plans::bundle;
use stream::{State, Stream};
pub(crate) use stream::{load_state, load_value, load_whole_state};

use crate::engine::desk::named_cause;
use crate::error::EngineError;
use crate::failpoint;
use crate::limits;

/// An input and where it goes.
#[derive(Debug)]
pub struct Addressed {
    /// The stream.
    pub stream: StreamId,
    /// The input.
    pub input: Given,
    /// The revision that a run which begins is pinned to.
    pub revision: Option<String>,
    /// Whom to answer once it is durable; nobody, when 0.
    pub token: u64,
}

impl Addressed {
    /// An input that nobody waits for.
    pub fn to(stream: StreamId, input: impl Into<Given>) -> Self {
        Self { stream, input: input.into(), revision: None, token: 0 }
    }
}

/// An input, by the kind of its stream.
#[derive(Debug)]
pub enum Given {
    /// Of a run.
    Run(Input),
    /// Of a limit.
    Limit(limit::Input),
    /// A new engine brings it on.
    Recovered,
}

impl From<Input> for Given {
    fn from(input: Input) -> Self {
        Given::Run(input)
    }
}

/// What a step did.
#[derive(Debug, Default)]
pub struct Stepped {
    /// To be done now, with the folder that relative paths are relative to.
    pub effects: Vec<(Effect, String)>,
    /// Answers: what became of the input of each token.
    pub answers: Vec<(u64, Result<(), Refusal>)>,
    /// What was written, for those who follow.
    pub written: Vec<Written>,
    /// Runs that have ended.
    pub ended: Vec<StreamId>,
    /// Runs that cannot go on: their definition, journal or a value cannot be read. Why.
    pub troubles: Vec<(StreamId, String)>,
}

/// Why an input was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It asks for something that cannot be.
    Refused(String),
    /// There is no such run.
    Unknown,
    /// The store could not write it: why, and what to try.
    Store {
        /// Why.
        why: String,
        /// What to try.
        help: String,
    },
}

/// Events of one turn, as they stand in the journal.
#[derive(Debug, Clone)]
pub struct Written {
    /// The stream.
    pub stream: StreamId,
    /// Place in the store.
    pub position: Position,
    /// Number of the first event.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// The events: a JSON array.
    pub events: std::sync::Arc<[u8]>,
}

/// Takes turns of all streams of a home.
pub struct Driver<S> {
    store: S,
    fence: u64,
    files: FileStore,
    plans: Plans,
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
    /// Tokens whose inputs were dropped.
    dropped: Vec<u64>,
    performs_nothing: bool,
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
            streams: HashMap::new(),
            queue: VecDeque::new(),
            unrecovered: HashMap::new(),
            to_recover: VecDeque::new(),
            names: HashMap::new(),
            next_due,
            timed: HashSet::new(),
            troubled: HashSet::new(),
            dropped: Vec::new(),
            performs_nothing: false,
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
    fn recover_some(&mut self) {
        let room = limits::BATCH.saturating_sub(self.queue.len()).min(limits::RECOVER_BATCH);
        for _ in 0..room {
            let Some(stream) = self.to_recover.pop_front() else { break };
            if self.unrecovered.contains_key(&stream) {
                self.push(match stream.kind() {
                    StreamKind::Run => Addressed::to(stream, Input::Continue),
                    StreamKind::Limit => Addressed::to(stream, limit::Input::Continue),
                });
            }
        }
    }

    /// The next input. A stream that was not brought on yet is brought on before it.
    fn next_input(&mut self) -> Option<Addressed> {
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
    pub fn open_attempts(&mut self) -> Result<Vec<stead_core::effect::AttemptId>, EngineError> {
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
            State::Limit(_) => None,
        }
    }

    /// A limit, likewise.
    pub fn limit(&self, id: &StreamId) -> Option<&LimitState> {
        match &self.streams.get(id)?.state {
            State::Limit(limit) => Some(limit),
            State::Run(_) => None,
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
                self.queue.push_back(Addressed::to(stream, Input::Time));
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
            Given::Recovered => match id.kind() {
                StreamKind::Run => self.turn(id, &Input::Recovered, None, cause, now, batch),
                StreamKind::Limit => self.limit_recovered(id, cause, now, batch),
            },
        };
        let answer = match turned {
            Ok(None) => Ok(()),
            Ok(Some(refusal)) => Err(refusal),
            // What is wrong with one stream must not stop the others. Its state is as it was before.
            Err(error) if error.concerns_stream() => {
                self.timed.remove(id);
                self.troubled.insert(id.clone());
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
        let commit = stream.commit(id, cause, &events, messages, taken, now);
        batch.bytes += commit.events.len();
        batch.effects.extend(effects.into_iter().map(|effect| (effect, folder.clone())));
        batch.add(id, commit);
        Ok(refused.map(|why| Refusal::Refused(why.to_owned())))
    }

    /// Completes the heads of what was touched, commits, and only then says what follows.
    fn write(&mut self, now: Time, mut batch: Batch) -> Result<Stepped, EngineError> {
        let touched = std::mem::take(&mut batch.touched);
        for (id, last) in &touched {
            let Some(stream) = self.streams.get_mut(id) else { continue };
            let timed = self.timed.remove(id);
            let (head, due, open) = stream.listed(now, timed);
            if head.is_none() && due.is_none() && open.is_none() {
                continue;
            }
            let last = last.unwrap_or(batch.commits.len());
            if last == batch.commits.len() {
                batch.commits.push(stream.empty(id, now));
            }
            let commit = &mut batch.commits[last];
            (commit.head, commit.due, commit.open) = (head, due, open);
        }
        let positions = match self.commit(&batch.commits) {
            Ok(positions) => positions,
            Err(error) => {
                batch.touched = touched;
                self.take_back(batch);
                return Err(error.into());
            }
        };
        let Batch { effects, answers, troubles, .. } = batch;
        let mut stepped = Stepped { effects, answers, troubles, ..Stepped::default() };
        for (commit, position) in batch.commits.into_iter().zip(positions) {
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

    /// Queues a message that was just written. Messages are taken in the order of their coming: where nobody has
    /// queued what was left before, that goes first.
    fn push_message(&mut self, message: Message) {
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

    /// The stream, loaded if it is not in memory; `None` where it has no journal.
    fn stream(&mut self, id: &StreamId) -> Result<Option<&mut Stream>, EngineError> {
        if !self.streams.contains_key(id) {
            let Some(stream) = Stream::load(&mut self.store, id)? else { return Ok(None) };
            self.streams.insert(id.clone(), stream);
        }
        Ok(self.streams.get_mut(id))
    }
}

/// What one step has gathered.
#[derive(Debug, Default)]
struct Batch {
    commits: Vec<Commit>,
    effects: Vec<(Effect, String)>,
    answers: Vec<(u64, Result<(), Refusal>)>,
    /// Streams that took turns, and the place of the last commit of each.
    touched: BTreeMap<StreamId, Option<usize>>,
    inputs: Vec<Addressed>,
    troubles: Vec<(StreamId, String)>,
    bytes: usize,
}

impl Batch {
    /// A stream has taken a turn, whether or not that is to be written.
    fn add(&mut self, id: &StreamId, commit: Commit) {
        let last = self.touched.entry(id.clone()).or_default();
        if commit.count > 0 || !commit.taken.is_empty() {
            *last = Some(self.commits.len());
            self.commits.push(commit);
        }
    }
}

/// The input that a message is.
fn given(message: Message) -> Addressed {
    let stream = message.to.clone();
    match stream.kind() {
        StreamKind::Run => Addressed::to(stream, Input::Message(message)),
        StreamKind::Limit => Addressed::to(stream, limit::Input::Message(message)),
    }
}

/// What brings a stream on that an engine before has left.
fn recovery(stream: &StreamId, messages: Vec<Message>) -> impl Iterator<Item = Addressed> + use<> {
    let recovered = Addressed::to(stream.clone(), Given::Recovered);
    std::iter::once(recovered).chain(messages.into_iter().map(given))
}

/// Whether a store has looked at a commit and found that it does not fit: then nothing of it was written.
fn is_refusal(error: &StoreError) -> bool {
    use StoreError::{Conflict, Fenced, Malformed, NotInInbox};
    matches!(error, Fenced { .. } | Conflict { .. } | NotInInbox { .. } | Malformed { .. })
}

/// The revision that a message starts a run of.
fn revision_of(input: &Input) -> Option<String> {
    let Input::Message(message) = input else { return None };
    match MessageBody::of(message) {
        Some(MessageBody::StartRun { revision, .. }) => Some(revision),
        _ => None,
    }
}

impl Given {
    /// What the journal says caused a turn.
    fn cause(&self) -> String {
        match self {
            Given::Run(input) => cause(input),
            Given::Limit(input) => places::cause(input),
            Given::Recovered => "recovered".to_owned(),
        }
    }
}

fn cause(input: &Input) -> String {
    match input {
        Input::Start { .. } => "start".to_owned(),
        Input::AttemptPlace { .. } => "place".to_owned(),
        Input::AttemptEnded { .. } => "attempt".to_owned(),
        Input::Message(message) => format!("message:{}", message.id),
        Input::Time => "time".to_owned(),
        Input::Continue => "continue".to_owned(),
        Input::Recovered => "recovered".to_owned(),
        Input::Cancel { .. } => "cancel".to_owned(),
        Input::Pause { .. } => "pause".to_owned(),
        Input::Resume { .. } => "resume".to_owned(),
        Input::Retry { .. } => "retry".to_owned(),
        Input::Signal { .. } => "signal".to_owned(),
        Input::Settle { .. } => "settle".to_owned(),
    }
}
