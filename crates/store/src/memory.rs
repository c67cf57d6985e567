//! A store that keeps everything in memory: for tests and the simulator.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stead_core::Time;
use stead_core::head::Head;
use stead_core::ids::StreamId;
use stead_core::message::Message;
use stead_core::people::{self, Edit, Register};
use stead_core::status::RunStatus;

use crate::drafts::{Draft, DraftReader, Drafts, Over};
use crate::fault::{Faults, Point, cross};
use crate::jobs::{JobRow, JobState};
use crate::library::{
    Change, Kept, Library, LibraryReader, RUNS_NAMED, Refusal, Save, Saved, Shelf, Workflow, WorkflowFilter,
    closed, names_of,
};
use crate::memory_access::Keys;
use crate::memory_answers::KeptAnswers;
use crate::people::{People, PeopleReader};
use crate::tasks::{ListedTask, TaskFilter};
use crate::{
    Commit, Filter, Job, Listed, Loaded, OpenCounts, Position, Reader, Row, Seq, Snapshot, Store, StoreError,
    check, limits,
};

/// Everything in memory. [`reopen`](Self::reopen) gives a second handle on the same data, as a process
/// has it that starts after a crash.
#[derive(Debug, Default)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    faults: Option<Faults>,
}

#[derive(Debug, Default)]
struct Data {
    fence: u64,
    streams: Vec<Stream>,
    by_name: HashMap<StreamId, usize>,
    /// Stream and row of each position, from 1.
    positions: Vec<(usize, usize)>,
    due: BTreeSet<(Time, usize)>,
    open: BTreeSet<usize>,
    /// By number of arrival, and the way there.
    inbox: BTreeMap<u64, Message>,
    inbox_ids: HashMap<(StreamId, String), u64>,
    inbox_streams: HashMap<StreamId, BTreeSet<u64>>,
    arrived: u64,
    jobs: BTreeMap<String, JobRow>,
    /// In the order of their coming.
    tasks: Vec<ListedTask>,
    /// By person and task.
    drafts: BTreeMap<(String, StreamId), Draft>,
    definitions: HashMap<String, Vec<u8>>,
    library: Shelf,
    keys: Keys,
    answers: KeptAnswers,
    people: Register,
    people_changes: Vec<people::Change>,
}

#[derive(Debug)]
struct Stream {
    id: StreamId,
    rows: Vec<Row>,
    head: Option<Head>,
    due: Option<Time>,
    snapshot: Option<Snapshot>,
}

impl Stream {
    fn last(&self) -> Seq {
        self.rows.last().map_or(0, Row::last)
    }

    /// Index of the first row that ends at `seq` or behind it.
    fn at(&self, seq: Seq) -> usize {
        self.rows.partition_point(|row| row.last() < seq)
    }

    fn listed(&self) -> Option<Listed> {
        let head = self.head.clone()?;
        Some(Listed { stream: self.id.clone(), head, due: self.due, seq: self.last() })
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Commits cross the points of `faults`.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = Some(faults);
        self
    }

    /// Another handle on the same data. The earlier one stays usable until the new one takes the fence.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self { data: Arc::clone(&self.data), faults: self.faults.clone() }
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        // Nothing in here panics between the first and the last change of a commit.
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys for access, which stand in a module of their own.
    pub(crate) fn access<T>(&self, look: impl FnOnce(&mut Keys) -> T) -> T {
        look(&mut self.data().keys)
    }

    /// Kept answers, which stand in a module of their own.
    pub(crate) fn answers<T>(&self, look: impl FnOnce(&mut KeptAnswers) -> T) -> T {
        look(&mut self.data().answers)
    }

    /// The jobs, likewise.
    pub(crate) fn with_jobs<T>(&self, look: impl FnOnce(&mut BTreeMap<String, JobRow>) -> T) -> T {
        look(&mut self.data().jobs)
    }

    pub(crate) fn faults(&self) -> Option<&Faults> {
        self.faults.as_ref()
    }
}

impl Data {
    fn stream(&self, id: &StreamId) -> Option<&Stream> {
        self.by_name.get(id).map(|&index| &self.streams[index])
    }

    fn intern(&mut self, id: &StreamId) -> usize {
        match self.by_name.entry(id.clone()) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let index = self.streams.len();
                let (rows, head, due, snapshot) = (Vec::new(), None, None, None);
                self.streams.push(Stream { id: id.clone(), rows, head, due, snapshot });
                *entry.insert(index)
            }
        }
    }

    /// Everything that can be refused, before anything is changed.
    fn check(&self, fence: u64, commits: &[Commit], faults: Option<&Faults>) -> Result<(), StoreError> {
        if fence != self.fence {
            return Err(StoreError::Fenced { ours: fence, newest: self.fence });
        }
        let mut next: HashMap<&StreamId, Seq> = HashMap::new();
        let mut created: HashSet<&StreamId> = HashSet::new();
        let mut sent: HashSet<(&StreamId, &str)> = HashSet::new();
        let mut taken: HashSet<(&StreamId, &str)> = HashSet::new();
        for commit in commits {
            check::shape(commit)?;
            let stream = &commit.stream;
            let next = next.entry(stream).or_insert_with(|| self.stream(stream).map_or(0, Stream::last) + 1);
            check::expected(commit, *next)?;
            let heads = commit.head.is_some() || commit.due.is_some() || commit.open.is_some();
            if heads || (commit.count > 0 && !self.by_name.contains_key(stream) && created.insert(stream)) {
                created.insert(stream);
                cross(faults, Point::Head)?;
            }
            if commit.count > 0 {
                cross(faults, Point::Journal)?;
            }
            *next += commit.count;
            for id in &commit.taken {
                cross(faults, Point::Taken)?;
                let key = (stream, id.as_str());
                let stored = || self.inbox_ids.contains_key(&(stream.clone(), id.clone()));
                // One that the same batch sent may be taken by it, once.
                if !(sent.remove(&key) || stored() && taken.insert(key)) {
                    return Err(StoreError::NotInInbox { stream: stream.clone(), id: id.clone() });
                }
            }
            for message in &commit.messages {
                cross(faults, Point::Message)?;
                let key = (&message.to, message.id.as_str());
                let stored = || self.inbox_ids.contains_key(&(message.to.clone(), message.id.clone()));
                if taken.contains(&key) || !stored() {
                    sent.insert(key);
                }
            }
            if commit.task.is_some() {
                cross(faults, Point::Task)?;
            }
            for _ in &commit.jobs {
                cross(faults, Point::Job)?;
            }
        }
        cross(faults, Point::BeforeCommit)
    }

    fn apply(&mut self, commit: &Commit) -> Option<Position> {
        let mut position = None;
        if commit.count > 0 || commit.head.is_some() || commit.due.is_some() || commit.open.is_some() {
            position = self.write(commit);
        }
        for id in &commit.taken {
            self.take(&commit.stream, id);
        }
        for message in &commit.messages {
            self.send(message);
        }
        if let Some(head) = &commit.task {
            let (task, head) = (commit.stream.clone(), head.clone());
            for who in &head.acted {
                self.drafts.remove(&(people::fold(who), task.clone()));
            }
            match self.tasks.iter_mut().find(|listed| listed.task == task) {
                Some(listed) => listed.head = head,
                None => self.tasks.push(ListedTask { task, head }),
            }
        }
        for job in &commit.jobs {
            self.jobs.entry(job.id.clone()).or_insert_with(|| JobRow {
                job: job.clone(),
                stream: commit.stream.clone(),
                state: JobState::Waiting,
                at: commit.at,
                due: commit.at,
                tries: 0,
                ended_at: None,
                error: None,
                done: Vec::new(),
            });
        }
        position
    }

    /// Journal, due time and head.
    fn write(&mut self, commit: &Commit) -> Option<Position> {
        let index = self.intern(&commit.stream);
        let mut position = None;
        if commit.count > 0 {
            self.positions.push((index, self.streams[index].rows.len()));
            let at = self.positions.len() as Position;
            self.streams[index].rows.push(Row {
                position: at,
                seq: commit.expected_seq,
                count: commit.count,
                at: commit.at,
                cause: commit.cause.clone(),
                events: commit.events.clone(),
            });
            position = Some(at);
        }
        if let Some(due) = commit.due {
            let stream = &mut self.streams[index];
            if let Some(old) = std::mem::replace(&mut stream.due, due) {
                self.due.remove(&(old, index));
            }
            if let Some(due) = due {
                self.due.insert((due, index));
            }
        }
        if let Some(open) = commit.head.as_ref().map(|head| head.open).or(commit.open) {
            if open {
                self.open.insert(index);
            } else {
                self.open.remove(&index);
            }
        }
        if let Some(head) = &commit.head {
            self.streams[index].head = Some(head.clone());
        }
        position
    }

    fn take(&mut self, stream: &StreamId, id: &str) {
        let Some(number) = self.inbox_ids.remove(&(stream.clone(), id.to_owned())) else { return };
        self.inbox.remove(&number);
        if let Entry::Occupied(mut numbers) = self.inbox_streams.entry(stream.clone()) {
            numbers.get_mut().remove(&number);
            if numbers.get().is_empty() {
                numbers.remove();
            }
        }
    }

    fn send(&mut self, message: &Message) {
        if let Entry::Vacant(entry) = self.inbox_ids.entry((message.to.clone(), message.id.clone())) {
            self.arrived += 1;
            entry.insert(self.arrived);
            self.inbox.insert(self.arrived, message.clone());
            self.inbox_streams.entry(message.to.clone()).or_default().insert(self.arrived);
        }
    }
}

impl Reader for MemoryStore {
    fn load(&mut self, stream: &StreamId) -> Result<Option<Loaded>, StoreError> {
        let data = self.data();
        let Some(found) = data.stream(stream).filter(|found| !found.rows.is_empty()) else { return Ok(None) };
        let snapshot = found.snapshot.clone();
        let from = found.at(snapshot.as_ref().map_or(0, |snapshot| snapshot.seq) + 1);
        Ok(Some(Loaded { snapshot, rows: found.rows[from..].to_vec() }))
    }

    fn row_of(&mut self, stream: &StreamId, seq: Seq) -> Result<Row, StoreError> {
        let data = self.data();
        let row = data.stream(stream).filter(|_| seq > 0).and_then(|found| found.rows.get(found.at(seq)));
        row.cloned().ok_or_else(|| StoreError::NoSuchEvent { stream: stream.clone(), seq })
    }

    fn journal(&mut self, stream: &StreamId, from: Seq, limit: usize) -> Result<Vec<Row>, StoreError> {
        let data = self.data();
        let rows = data.stream(stream).map_or(&[][..], |found| &found.rows[found.at(from)..]);
        Ok(rows.iter().take(limit).cloned().collect())
    }

    fn journal_after(
        &mut self,
        position: Position,
        limit: usize,
    ) -> Result<Vec<(StreamId, Row)>, StoreError> {
        let data = self.data();
        let from = usize::try_from(position).unwrap_or(usize::MAX).min(data.positions.len());
        let rows = data.positions[from..].iter().take(limit).map(|&(stream, row)| {
            let stream = &data.streams[stream];
            (stream.id.clone(), stream.rows[row].clone())
        });
        Ok(rows.collect())
    }

    fn newest(&mut self) -> Result<Position, StoreError> {
        Ok(self.data().positions.len() as Position)
    }

    fn last_at(&mut self, stream: &StreamId, position: Position) -> Result<Seq, StoreError> {
        let data = self.data();
        let rows = data.stream(stream).map_or(&[][..], |stream| &stream.rows);
        Ok(rows.iter().rev().find(|row| row.position <= position).map_or(0, Row::last))
    }

    fn verify(&mut self, stream: &StreamId) -> Result<Seq, StoreError> {
        Ok(self.data().stream(stream).map_or(0, Stream::last))
    }

    fn open_streams(&mut self) -> Result<Vec<StreamId>, StoreError> {
        let data = self.data();
        let mut out: Vec<StreamId> = data.open.iter().map(|&index| data.streams[index].id.clone()).collect();
        let mut seen: HashSet<StreamId> = out.iter().cloned().collect();
        out.extend(
            data.inbox.values().map(|message| &message.to).filter(|to| seen.insert((*to).clone())).cloned(),
        );
        Ok(out)
    }

    fn due_streams(&mut self, at: Time, limit: usize) -> Result<Vec<StreamId>, StoreError> {
        let data = self.data();
        let due = data.due.range(..=(at, usize::MAX)).take(limit);
        Ok(due.map(|&(_, index)| data.streams[index].id.clone()).collect())
    }

    fn next_due(&mut self) -> Result<Option<Time>, StoreError> {
        Ok(self.data().due.first().map(|&(due, _)| due))
    }

    fn inbox(&mut self, stream: &StreamId) -> Result<Vec<Message>, StoreError> {
        let data = self.data();
        let numbers = data.inbox_streams.get(stream);
        Ok(numbers.into_iter().flatten().filter_map(|number| data.inbox.get(number).cloned()).collect())
    }

    fn jobs(&mut self, limit: usize) -> Result<Vec<Job>, StoreError> {
        Ok(self.data().jobs.values().take(limit).map(|row| row.job.clone()).collect())
    }

    fn head(&mut self, stream: &StreamId) -> Result<Option<Listed>, StoreError> {
        Ok(self.data().stream(stream).and_then(Stream::listed))
    }

    fn heads(&mut self, filter: &Filter) -> Result<Vec<Listed>, StoreError> {
        let data = self.data();
        let limit = if filter.limit == 0 { usize::MAX } else { filter.limit };
        let end = match &filter.after {
            Some(after) => data.by_name.get(after).copied().unwrap_or(0),
            None => data.streams.len(),
        };
        let newest_first = data.streams[..end].iter().rev().filter_map(Stream::listed);
        Ok(newest_first.filter(|listed| filter.passes(listed)).take(limit).collect())
    }

    fn task(&mut self, task: &StreamId) -> Result<Option<ListedTask>, StoreError> {
        Ok(self.data().tasks.iter().find(|listed| listed.task == *task).cloned())
    }

    fn tasks(&mut self, filter: &TaskFilter) -> Result<Vec<ListedTask>, StoreError> {
        let data = self.data();
        let mut all: Vec<&ListedTask> = data.tasks.iter().collect();
        if filter.newest_first {
            all.reverse();
        }
        let from = match &filter.after {
            None => 0,
            Some(after) => all.iter().position(|listed| listed.task == *after).map_or(all.len(), |at| at + 1),
        };
        let limit = if filter.limit == 0 { usize::MAX } else { filter.limit };
        let passing = all[from..].iter().filter(|listed| filter.passes(&listed.task, &listed.head));
        Ok(passing.take(limit).map(|listed| (*listed).clone()).collect())
    }

    fn open_counts(&mut self) -> Result<OpenCounts, StoreError> {
        let data = self.data();
        let count = |status: RunStatus| {
            let heads = data.streams.iter().filter_map(Stream::listed);
            heads.filter(|listed| listed.head.status == status).count() as u64
        };
        let open = RunStatus::ALL.iter().filter(|status| !status.is_end());
        let runs = open.map(|status| (*status, count(*status))).filter(|(_, count)| *count > 0).collect();
        let tasks = data.tasks.iter().filter(|listed| !listed.head.status.is_end()).count() as u64;
        Ok(OpenCounts { runs, tasks })
    }

    fn definition(&mut self, revision: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.data().definitions.get(revision).cloned())
    }
}

impl Store for MemoryStore {
    fn take_fence(&mut self) -> Result<u64, StoreError> {
        let mut data = self.data();
        data.fence += 1;
        Ok(data.fence)
    }

    fn commit(&mut self, fence: u64, commits: &[Commit]) -> Result<Vec<Option<Position>>, StoreError> {
        let mut data = self.data();
        data.check(fence, commits, self.faults.as_ref())?;
        let positions = commits.iter().map(|commit| data.apply(commit)).collect();
        cross(self.faults.as_ref(), Point::AfterCommit)?;
        Ok(positions)
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn put_snapshot(&mut self, stream: &StreamId, snapshot: &Snapshot) -> Result<(), StoreError> {
        let mut data = self.data();
        let found = data.by_name.get(stream).copied();
        let misplaced = || StoreError::SnapshotPlace { stream: stream.clone(), seq: snapshot.seq };
        let found = &mut data.streams[found.ok_or_else(misplaced)?];
        if found.rows.get(found.at(snapshot.seq)).is_none_or(|row| row.last() != snapshot.seq) {
            return Err(misplaced());
        }
        if check::newer(snapshot, found.snapshot.as_ref().map(|old| (old.format, old.seq))) {
            found.snapshot = Some(snapshot.clone());
        }
        Ok(())
    }

    fn put_definition(&mut self, revision: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.data().definitions.entry(revision.to_owned()).or_insert_with(|| bytes.to_vec());
        Ok(())
    }
}

/// Whether a run is one of a workflow, by a name that this had then.
fn is_of(names: &[(String, Option<Time>)], head: &Head) -> bool {
    names
        .iter()
        .any(|(name, until)| head.workflow == *name && until.is_none_or(|until| head.created_at < until))
}

impl LibraryReader for MemoryStore {
    fn workflow(&mut self, name: &str) -> Result<Option<Workflow>, StoreError> {
        Ok(self.data().library.workflow(name))
    }

    fn workflows(&mut self, filter: &WorkflowFilter) -> Result<Vec<Workflow>, StoreError> {
        Ok(self.data().library.workflows(filter))
    }

    fn kept(&mut self, name: &str, number: Option<u32>) -> Result<Option<Kept>, StoreError> {
        Ok(self.data().library.kept(name, number))
    }

    fn changes(&mut self, name: &str, skip: usize, limit: usize) -> Result<Vec<Change>, StoreError> {
        Ok(self.data().library.changes(name, skip, limit))
    }

    fn callers(&mut self, name: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.data().library.callers(name))
    }

    fn names_of(&mut self, name: &str) -> Result<Vec<(String, Option<Time>)>, StoreError> {
        Ok(names_of(name, self.data().library.changes(name, 0, usize::MAX)))
    }

    fn times_run(&mut self, name: &str) -> Result<u64, StoreError> {
        let names = self.names_of(name)?;
        let data = self.data();
        let heads = data.streams.iter().filter_map(|stream| stream.head.as_ref());
        Ok(heads.filter(|head| is_of(&names, head)).count() as u64)
    }

    fn origin(&mut self, file: &str, name: &str) -> Result<Option<u32>, StoreError> {
        Ok(self.data().library.origin(file, name))
    }

    fn declined(&mut self, file: &str) -> Result<bool, StoreError> {
        Ok(self.data().library.declined(file))
    }
}

impl MemoryStore {
    /// Changes the library, or leaves it as it is.
    fn shelve<T>(&self, change: impl FnOnce(&mut Data) -> Result<T, Refusal>) -> Result<T, StoreError> {
        let mut data = self.data();
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        let done = change(&mut data)?;
        cross(self.faults.as_ref(), Point::AfterCommit)?;
        Ok(done)
    }
}

impl Library for MemoryStore {
    fn save(&mut self, save: &Save) -> Result<Saved, StoreError> {
        self.shelve(|data| {
            let (saved, keep) = data.library.save(save)?;
            if keep {
                data.definitions.entry(save.revision.clone()).or_insert_with(|| save.bytes.clone());
            }
            Ok(saved)
        })
    }

    fn describe(
        &mut self,
        name: &str,
        description: Option<&str>,
        labels: Option<&[String]>,
        at: Time,
        by: &str,
    ) -> Result<(), StoreError> {
        self.shelve(|data| data.library.describe(name, description, labels, at, by))
    }

    fn delete(&mut self, name: &str, at: Time, by: &str) -> Result<(), StoreError> {
        self.shelve(|data| {
            data.library.called(name)?;
            let names = names_of(name, data.library.changes(name, 0, usize::MAX));
            let open = |stream: &&Stream| {
                stream.head.as_ref().is_some_and(|head| is_of(&names, head) && !head.status.is_end())
            };
            let open = data.streams.iter().rev().filter(open).take(RUNS_NAMED);
            closed(name, open.map(|stream| stream.id.clone()).collect())?;
            data.library.delete(name, at, by)
        })
    }

    fn restore(&mut self, name: &str, at: Time, by: &str) -> Result<(), StoreError> {
        self.shelve(|data| data.library.restore(name, at, by))
    }

    fn rename(&mut self, name: &str, to: &str, at: Time, by: &str) -> Result<(), StoreError> {
        self.shelve(|data| data.library.rename(name, to, at, by))
    }

    fn note_origin(&mut self, file: &str, name: &str, number: u32) -> Result<(), StoreError> {
        self.shelve(|data| data.library.note_origin(file, name, number))
    }

    fn decline(&mut self, file: &str) -> Result<(), StoreError> {
        self.shelve(|data| {
            data.library.decline(file);
            Ok(())
        })
    }
}

impl PeopleReader for MemoryStore {
    fn people_version(&mut self) -> Result<u64, StoreError> {
        Ok(self.data().people_changes.len() as u64)
    }

    fn people(&mut self) -> Result<Register, StoreError> {
        Ok(self.data().people.clone())
    }

    fn people_changes(&mut self, skip: usize, limit: usize) -> Result<Vec<people::Change>, StoreError> {
        Ok(self.data().people_changes.iter().rev().skip(skip).take(limit).cloned().collect())
    }
}

impl People for MemoryStore {
    fn edit_people(&mut self, edits: &[Edit], at: Time, by: &str) -> Result<Vec<people::Change>, StoreError> {
        let mut data = self.data();
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        let (touched, changes) = data.people.edit(edits, at, by)?;
        let gone = touched.users.iter().filter_map(|number| data.people.user_at(*number));
        let gone = gone.filter(|user| user.removed.is_some()).map(stead_core::people::User::id);
        for person in gone.collect::<Vec<_>>() {
            data.keys.end_all(&person, at, by);
        }
        data.people_changes.extend(changes.iter().cloned());
        cross(self.faults.as_ref(), Point::AfterCommit)?;
        Ok(changes)
    }
}

impl DraftReader for MemoryStore {
    fn draft(&mut self, task: &StreamId, person: &str) -> Result<Option<Draft>, StoreError> {
        Ok(self.data().drafts.get(&(people::fold(person), task.clone())).cloned())
    }

    fn drafts_of(&mut self, person: &str) -> Result<Vec<(StreamId, Time)>, StoreError> {
        let person = people::fold(person);
        let data = self.data();
        let own = data.drafts.iter().filter(|((who, _), _)| *who == person);
        Ok(own.map(|((_, task), draft)| (task.clone(), draft.at)).collect())
    }
}

impl Data {
    fn head_of(&self, task: &StreamId) -> Option<&ListedTask> {
        self.tasks.iter().find(|listed| listed.task == *task)
    }

    /// What is left of the drafts when this one of somebody is kept as well.
    fn with_draft(
        &self,
        key: (String, StreamId),
        draft: &Draft,
    ) -> Result<BTreeMap<(String, StreamId), Draft>, StoreError> {
        let person = key.0.clone();
        let is_over = |task: &StreamId| self.head_of(task).is_some_and(|task| task.head.status.is_end());
        let mut all = self.drafts.clone();
        let late = draft.at.saturating_sub(limits::DRAFT_KEPT);
        all.retain(|(who, task), kept| *who != person || kept.at >= late || !is_over(task));
        all.insert(key, draft.clone());
        let many = |all: &BTreeMap<(String, StreamId), Draft>| {
            all.keys().filter(|(who, _)| *who == person).count() > limits::DRAFTS
        };
        if many(&all) {
            all.retain(|(who, task), kept| *who != person || kept.at >= draft.at || !is_over(task));
            if many(&all) {
                return Err(StoreError::DraftsMany { most: limits::DRAFTS });
            }
        }
        Ok(all)
    }
}

impl Drafts for MemoryStore {
    fn put_draft(
        &mut self,
        task: &StreamId,
        person: &str,
        draft: &Draft,
        over: Over<'_>,
    ) -> Result<(), StoreError> {
        let key = (people::fold(person), task.clone());
        let mut data = self.data();
        let acted = data.head_of(task).map(|task| &task.head.acted);
        if acted.is_some_and(|acted| acted.iter().any(|who| people::fold(who) == key.0)) {
            return Err(StoreError::DraftLate { task: task.clone() });
        }
        over.check(task, data.drafts.get(&key).map(|there| &*there.etag))?;
        let all = data.with_draft(key, draft)?;
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        data.drafts = all;
        cross(self.faults.as_ref(), Point::AfterCommit)
    }

    fn drop_draft(&mut self, task: &StreamId, person: &str, over: Over<'_>) -> Result<bool, StoreError> {
        let key = (people::fold(person), task.clone());
        let mut data = self.data();
        over.check(task, data.drafts.get(&key).map(|there| &*there.etag))?;
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        let there = data.drafts.remove(&key).is_some();
        cross(self.faults.as_ref(), Point::AfterCommit)?;
        Ok(there)
    }
}
