//! What is durable, read from the store as it comes: a state per stream that is made by `apply` alone, and what
//! the events say besides.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize as _;
use serde_json::Value;
use stead_core::Time;
use stead_core::effect::AttemptId;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::limit::LimitState;
use stead_core::path;
use stead_core::run::event::Verdict;
use stead_core::run::{Event, RunState, View};
use stead_core::status::StepStatus;
use stead_lang::plan::Plan;
use stead_store::memory::MemoryStore;
use stead_store::{Reader as _, Row};

use crate::said::Since;
use crate::schedules::Schedules;
use crate::signals::Signals;
use crate::tasks::Tasks;
use crate::unwound::Unwound;

/// One stream as its journal has it.
pub(crate) struct Mirror {
    pub(crate) state: RunState,
    pub(crate) parent: Option<StreamId>,
    /// Its inputs, as its first event has them.
    pub(crate) given: Value,
    pub(crate) children: BTreeSet<StreamId>,
    /// The steps that started them, with the revision that each was started of.
    pub(crate) born: Vec<(String, String)>,
    /// Attempts whose start is durable, with the request they were given.
    pub(crate) started: BTreeMap<(String, u32), Option<Value>>,
    /// Attempts whose end is durable.
    pub(crate) ended: BTreeSet<(String, u32)>,
    /// Attempts that failed, by instance.
    pub(crate) failures: HashMap<String, u32>,
    /// How often somebody said that an instance is to run again.
    pub(crate) again: HashMap<String, u32>,
    pub(crate) settled: u32,
    pub(crate) pauses: u32,
    pub(crate) resumes: u32,
    pub(crate) paused: bool,
    /// Cancelled by force, so neither undone nor tidied up.
    pub(crate) forced: bool,
    pub(crate) cancelled: bool,
    pub(crate) asked_to_end: bool,
    pub(crate) finished: bool,
    /// Steps that were told to end: what they do then is their own.
    pub(crate) ending: BTreeSet<String>,
    /// How often it went on after its end.
    pub(crate) reopens: u32,
    /// Instances that were dropped and have not begun again, and whether each was completed.
    pub(crate) rekeyed: BTreeMap<String, bool>,
    /// It has ended and was looked at.
    pub(crate) checked: bool,
    pub(crate) unwound: Unwound,
    pub(crate) signals: Signals,
    pub(crate) since: Since,
    /// The event behind which its steps were looked at.
    pub(crate) seen: u64,
    /// Statuses as they were when they were last looked at.
    statuses: BTreeMap<String, StepStatus>,
    /// How often it was held against what is in memory.
    looked: u32,
    at: Time,
}

/// All streams.
#[derive(Default)]
pub(crate) struct Journal {
    /// Runs.
    pub(crate) streams: BTreeMap<StreamId, Mirror>,
    /// Limits that were asked for places.
    pub(crate) limits: BTreeMap<StreamId, LimitState>,
    /// What people were asked.
    pub(crate) tasks: Tasks,
    /// What starts runs by itself.
    pub(crate) schedules: Schedules,
    position: u64,
    /// Types of events, and how many of each there were.
    pub(crate) met: BTreeMap<String, u64>,
}

impl Journal {
    /// Reads what has become durable; says which streams have moved.
    pub(crate) fn look(&mut self, store: &mut MemoryStore) -> BTreeSet<StreamId> {
        let mut moved = BTreeSet::new();
        for (stream, row) in store.journal_after(self.position, usize::MAX).unwrap() {
            assert_eq!(row.position, self.position + 1, "positions have no gap");
            self.position = row.position;
            match stream.kind() {
                StreamKind::Limit => self.take_limit(&stream, &row),
                StreamKind::Task => self.take_task(&stream, &row),
                StreamKind::Schedule => self.schedules.take(&stream, &row),
                StreamKind::Run => {
                    self.take(&stream, &row);
                    moved.insert(stream);
                }
            }
        }
        moved
    }

    fn take(&mut self, stream: &StreamId, row: &Row) {
        let mirror = self.streams.entry(stream.clone()).or_insert_with(|| Mirror::new(stream));
        assert_eq!(row.seq, mirror.state.seq + 1, "{stream}: events are numbered without a gap");
        assert!(row.at >= mirror.at, "{stream}: time goes back from {} to {}", mirror.at, row.at);
        mirror.at = row.at;
        let events: Vec<Value> = serde_json::from_slice(&row.events).unwrap();
        assert_eq!(events.len() as u64, row.count);
        for raw in events {
            let event = Event::deserialize(&raw).unwrap();
            let over = mirror.state.status.is_end() != matches!(event, Event::RunReopened { .. });
            assert!(!over, "{stream}: an event behind its end: {raw}");
            *self.met.entry(raw["type"].as_str().unwrap().to_owned()).or_default() += 1;
            self.tasks.note(stream, &event, &mirror.unwound.completed);
            self.tasks.note_output(stream, &raw);
            mirror.note(&event, &raw);
            mirror.unwound.note(mirror.state.seq, &event);
            mirror.signals.note(mirror.state.seq + 1, &event);
            mirror.since.note(&event, row.at);
            mirror.state.apply(&event, row.at);
        }
        let over = mirror.state.status.is_end().then(|| mirror.children.clone());
        if over.is_some() {
            let open = self.tasks.open_of(stream);
            assert!(open.is_none(), "P5: {stream} has ended, what it asks has not: {open:?}");
        }
        for child in over.into_iter().flatten() {
            let ended = self.streams.get(&child).is_some_and(|child| child.state.status.is_end());
            assert!(ended, "P5: {stream} has ended, its child {child} has not");
        }
    }

    /// The attempts that the journal knows to be under way.
    pub(crate) fn open_attempts(&self) -> BTreeSet<AttemptId> {
        self.streams.values().flat_map(|mirror| mirror.state.open_attempts()).collect()
    }
}

impl Mirror {
    fn new(stream: &StreamId) -> Self {
        Self {
            state: RunState::new(stream.clone()),
            parent: None,
            given: Value::Null,
            children: BTreeSet::new(),
            born: Vec::new(),
            started: BTreeMap::new(),
            ended: BTreeSet::new(),
            failures: HashMap::new(),
            again: HashMap::new(),
            settled: 0,
            pauses: 0,
            resumes: 0,
            paused: false,
            forced: false,
            cancelled: false,
            asked_to_end: false,
            finished: false,
            ending: BTreeSet::new(),
            reopens: 0,
            rekeyed: BTreeMap::new(),
            checked: false,
            unwound: Unwound::default(),
            signals: Signals::default(),
            since: Since::default(),
            seen: 0,
            statuses: BTreeMap::new(),
            looked: 0,
            at: 0,
        }
    }

    /// As people look at it.
    pub(crate) fn view(&mut self, plan: &Plan) -> View {
        let nobody = RunState::new(self.state.id.clone());
        self.state = std::mem::replace(&mut self.state, nobody).replayed();
        let fits = self.state.fits(plan);
        assert!(fits.is_ok(), "{}: its journal is refused: {fits:?}", self.state.id);
        self.state.view(plan)
    }

    fn note(&mut self, event: &Event, raw: &Value) {
        match event {
            Event::RunCreated { parent, .. } => {
                self.parent = parent.as_ref().map(|p| p.run.clone());
                self.given = raw["inputs"].clone();
            }
            Event::AttemptStarted { path, number, .. } => {
                assert!(!self.paused, "attempt {number} of {path} starts while the run is paused");
                let request = raw.pointer("/request/value").cloned();
                // The first one of an instance carries it.
                let before = || self.started.range((path.clone(), 0)..(path.clone(), *number)).next_back();
                let request = request.or_else(|| before()?.1.clone());
                let before = self.started.insert((path.clone(), *number), request);
                assert!(before.is_none(), "attempt {number} of {path} starts twice");
            }
            Event::AttemptEnded { path, number, error, .. } => {
                let known = self.started.contains_key(&(path.clone(), *number));
                assert!(known, "attempt {number} of {path} ends and never began");
                let first = self.ended.insert((path.clone(), *number));
                assert!(first, "attempt {number} of {path} ends twice");
                if error.is_some() {
                    *self.failures.entry(path.clone()).or_default() += 1;
                }
            }
            Event::AttemptSettled { path, verdict, .. } => {
                self.settled += 1;
                if *verdict == Verdict::Again {
                    *self.again.entry(path.clone()).or_default() += 1;
                }
            }
            Event::ChildStarted { run, path, revision, .. } => {
                self.born.push((path.clone(), revision.clone()));
                let first = self.children.insert(run.clone());
                assert!(first, "child {run} is started twice");
            }
            Event::CancelRequested { force, .. } => {
                // Cancel works while paused: there is nothing to be resumed any more.
                self.paused = false;
                // Once its end has begun it is only recorded.
                self.cancelled |= self.unwound.ends_as.is_none();
                self.asked_to_end = true;
                self.forced |= force;
            }
            Event::RunPaused { .. } => {
                self.pauses += 1;
                self.paused = true;
            }
            Event::RunResumed { .. } => {
                self.resumes += 1;
                self.paused = false;
            }
            Event::StepEnding { path, .. } => _ = self.ending.insert(path.clone()),
            Event::FinishRequested { .. } => self.finished = true,
            // One that waited for its place and was refused it.
            Event::RunFailed { .. } => self.paused = false,
            Event::RunReopened { drop, reopen, .. } => self.reopened(drop, reopen),
            _ => {}
        }
    }

    /// What is dropped is as if it never had been; what is open again has not ended.
    fn reopened(&mut self, drop: &[String], reopen: &[(String, Option<Time>)]) {
        self.reopens += 1;
        self.checked = false;
        let forced = self.forced;
        (self.paused, self.forced, self.cancelled) = (false, false, false);
        (self.asked_to_end, self.finished) = (false, false);
        let gone = |path: &str| drop.iter().any(|drop| path::is_within(path, drop));
        let begun: BTreeSet<&String> = self.started.keys().map(|(path, _)| path).collect();
        for path in begun.into_iter().filter(|path| gone(path)) {
            *self.again.entry(path.clone()).or_default() += 1;
            self.rekeyed.insert(path.clone(), self.unwound.completed.contains(path));
        }
        let open: BTreeSet<&str> = reopen.iter().map(|(path, _)| path.as_str()).collect();
        let gone = |path: &str| gone(path) || path::as_aside(path).is_some();
        self.statuses.retain(|path, _| !gone(path) && !open.contains(path.as_str()));
        self.unwound.reopened(gone, &open, forced);
        self.signals.awaited.clear();
        self.ending.clear();
    }

    /// Holds the statuses of its instances against what they were, and each against its outcome.
    pub(crate) fn check_statuses(&mut self, portrait: &Portrait) {
        let mut statuses = BTreeMap::new();
        for (path, instance) in &portrait.instances {
            let status: StepStatus = instance["status"].as_str().unwrap().parse().unwrap();
            let outcome = instance.get("outcome").map(|word| word.as_str().unwrap().parse().unwrap());
            match outcome {
                Some(outcome) => {
                    assert!(status.outcomes().contains(&outcome), "{path}: {status} with {outcome}");
                }
                None => assert!(status.outcomes().is_empty(), "{path}: {status} without an outcome"),
            }
            if let Some(before) = self.statuses.get(path).filter(|before| **before != status) {
                // A probe may be asked again, of an attempt that was lost again.
                let asked_again = path.ends_with("!verify");
                assert!(!before.is_end() || asked_again, "{path}: it was {before} and is {status}");
            }
            statuses.insert(path.clone(), status);
        }
        self.statuses = statuses;
    }
}

/// A state without what depends on the order in which its parts were put into memory.
#[derive(Debug)]
pub(crate) struct Portrait {
    head: Value,
    instances: BTreeMap<String, Value>,
}

impl Portrait {
    pub(crate) fn of(state: &RunState) -> Self {
        Self::of_snapshot(&state.snapshot().unwrap())
    }

    fn of_snapshot(bytes: &[u8]) -> Self {
        let mut head: Value = serde_json::from_slice(bytes).unwrap();
        let slab = head["slab"].take();
        let slab = slab.as_array().unwrap();
        let mut instances = BTreeMap::new();
        for mut instance in slab.iter().filter(|i| !i.is_null()).cloned() {
            // Of a machine that is over nobody asks where it is.
            let over = instance.get("outcome").is_some();
            if let Some(last) = instance.pointer_mut("/machine/last").filter(|_| over) {
                last.take();
            }
            if let Some(last) = instance.pointer_mut("/machine/last")
                && let Some(ix) = last.as_u64()
            {
                *last = slab[usize::try_from(ix).unwrap()]["path"].clone();
            }
            // Places in memory; the path says as much. And what was kept of what is forgotten.
            for key in ["parent", "inside", "forgot"] {
                instance.as_object_mut().unwrap().remove(key);
            }
            let path = instance["path"].as_str().unwrap().to_owned();
            assert!(instances.insert(path.clone(), instance).is_none(), "{path} is there twice");
        }
        let head = head.as_object_mut().unwrap();
        head.remove("slab");
        head.remove("before");
        // Whether something is to be done at once is no matter of the journal.
        if !head["outcome"].is_string() {
            head.remove("status");
        }
        Self { head: Value::Object(head.clone()), instances }
    }

    /// `self` is what a driver has in memory, `other` what its journal gives. Iterations and items that nobody
    /// can read any more may have been dropped in memory.
    fn assert_is(&self, other: &Portrait, what: &str) {
        assert_eq!(self.head, other.head, "{what}");
        for (path, instance) in &self.instances {
            assert_eq!(Some(instance), other.instances.get(path), "{what}: {path}");
        }
        for (path, instance) in &other.instances {
            let kept = self.instances.contains_key(path);
            let again = |of: &str| other.instances.contains_key(&format!("{of}~2"));
            let ends = path.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at).chain([path.len()]);
            let slot = path.contains(['[', '#', '~']) || ends.into_iter().any(|at| again(&path[..at]));
            assert!(kept || slot, "{what}: {path} is not there any more: {instance}");
        }
    }
}

/// A snapshot without its beginning: whether something is to be done at once is no matter of the journal.
fn behind_status(snapshot: &[u8]) -> &[u8] {
    let outcome = b",\"outcome\":";
    let at = snapshot.windows(outcome.len()).position(|part| part == outcome);
    &snapshot[at.unwrap()..]
}

/// The state in memory is what the journal gives, and what a snapshot of it gives. Mostly that is so to the byte;
/// where it is not, it is looked at part by part. Gives how much there was to look at.
pub(crate) fn same(memory: &RunState, journal: &mut Mirror) -> usize {
    let id = &memory.id;
    let bytes = memory.snapshot().unwrap();
    let replayed = journal.state.snapshot().unwrap();
    if behind_status(&bytes) != behind_status(&replayed) || journal.looked.is_multiple_of(16) {
        let theirs = Portrait::of(&journal.state);
        Portrait::of_snapshot(&bytes).assert_is(&theirs, &format!("{id}: replayed"));
        journal.check_statuses(&theirs);
    }
    journal.looked += 1;
    assert_eq!(memory.due(), journal.state.due(), "{id}: due, replayed");
    if journal.looked % 3 != 1 {
        return bytes.len();
    }
    let back = RunState::from_snapshot(&bytes).unwrap();
    if back.snapshot().unwrap() != bytes {
        let what = format!("{id}: from a snapshot");
        Portrait::of_snapshot(&bytes).assert_is(&Portrait::of(&back), &what);
    }
    assert_eq!(memory.due(), back.due(), "{id}: due, from a snapshot");
    assert_eq!(memory.waits_for(), back.waits_for(), "{id}: what it waits for, from a snapshot");
    assert_eq!(memory.open_attempts().len(), back.open_attempts().len(), "{id}: attempts, from a snapshot");
    bytes.len()
}
