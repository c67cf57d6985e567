//! Stores that can be lost and opened again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::message::Message;
use stead_core::people::{self, Edit, Register};
use stead_core::status::RunStatus;
use stead_store::access::{Access, AccessReader, Key, KeyKind, Noted};
use stead_store::answers::{Answers, Asked, Known};
use stead_store::drafts::{Draft, DraftReader, Drafts, Over};
use stead_store::fault::Faults;
use stead_store::jobs::{JobFilter, JobReader, JobRow, JobState, Jobs};
use stead_store::library::{Change, Kept, Library, LibraryReader, Save, Saved, Workflow, WorkflowFilter};
use stead_store::memory::MemoryStore;
use stead_store::people::{People, PeopleReader};
use stead_store::sqlite::SqliteStore;
use stead_store::tasks::{ListedTask, TaskFilter};
use stead_store::{
    Commit, Filter, Job, Listed, Loaded, OpenCounts, Position, Reader, Row, Seq, Snapshot, Store, StoreError,
};

/// Opens the same store again and again.
pub(crate) trait Backend {
    type Store: Store;
    fn open(&self) -> Self::Store;
}

/// Everything in memory.
pub(crate) struct Memory(MemoryStore);

impl Memory {
    pub(crate) fn new(faults: &Faults) -> Self {
        Self(MemoryStore::new().with_faults(faults.clone()))
    }

    /// One that has no room for snapshots.
    pub(crate) fn without_snapshots(self) -> Counted {
        Counted { store: self.0, no_snapshots: true, ..Counted::default() }
    }
}

impl Backend for Memory {
    type Store = MemoryStore;

    fn open(&self) -> MemoryStore {
        self.0.reopen()
    }
}

/// A file.
pub(crate) struct Sqlite {
    path: PathBuf,
    faults: Faults,
}

impl Sqlite {
    pub(crate) fn new(folder: &Path, faults: &Faults) -> Self {
        Self { path: folder.join("stead.db"), faults: faults.clone() }
    }
}

impl Backend for Sqlite {
    type Store = SqliteStore;

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path).unwrap().with_faults(self.faults.clone())
    }
}

/// Memory that counts what is written and read, and may have no room for snapshots.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) store: MemoryStore,
    pub(crate) count: Arc<Count>,
    pub(crate) no_snapshots: bool,
}

/// What went to a store and came from it.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) commits: AtomicU64,
    pub(crate) rows: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) heads: AtomicU64,
    /// Head and due time, messages put and taken.
    pub(crate) others: AtomicU64,
    pub(crate) snapshots: AtomicU64,
    pub(crate) snapshot_bytes: AtomicU64,
    /// Instances in the last snapshot.
    pub(crate) instances: AtomicU64,
    pub(crate) read: AtomicU64,
}

fn add(to: &AtomicU64, n: usize) {
    to.fetch_add(n as u64, Ordering::Relaxed);
}

impl Backend for Counted {
    type Store = Counted;

    fn open(&self) -> Counted {
        Counted { store: self.store.reopen(), count: self.count.clone(), no_snapshots: self.no_snapshots }
    }
}

impl Counted {
    /// The status that lists have of a run.
    pub(crate) fn head_of(mut self, run: &StreamId) -> RunStatus {
        self.store.head(run).unwrap().unwrap().head.status
    }
}

impl Reader for Counted {
    fn load(&mut self, stream: &StreamId) -> Result<Option<Loaded>, StoreError> {
        let loaded = self.store.load(stream)?;
        add(&self.count.read, loaded.as_ref().map_or(1, |loaded| 1 + loaded.rows.len()));
        Ok(loaded)
    }
    fn row_of(&mut self, stream: &StreamId, seq: Seq) -> Result<Row, StoreError> {
        add(&self.count.read, 1);
        self.store.row_of(stream, seq)
    }
    fn journal(&mut self, stream: &StreamId, from: Seq, limit: usize) -> Result<Vec<Row>, StoreError> {
        let rows = self.store.journal(stream, from, limit)?;
        add(&self.count.read, rows.len());
        Ok(rows)
    }
    fn newest(&mut self) -> Result<Position, StoreError> {
        self.store.newest()
    }

    fn last_at(&mut self, stream: &StreamId, position: Position) -> Result<Seq, StoreError> {
        self.store.last_at(stream, position)
    }

    fn journal_after(&mut self, after: Position, limit: usize) -> Result<Vec<(StreamId, Row)>, StoreError> {
        let rows = self.store.journal_after(after, limit)?;
        add(&self.count.read, rows.len());
        Ok(rows)
    }
    fn verify(&mut self, stream: &StreamId) -> Result<Seq, StoreError> {
        self.store.verify(stream)
    }
    fn open_streams(&mut self) -> Result<Vec<StreamId>, StoreError> {
        let open = self.store.open_streams()?;
        add(&self.count.read, open.len());
        Ok(open)
    }
    fn due_streams(&mut self, at: Time, limit: usize) -> Result<Vec<StreamId>, StoreError> {
        let due = self.store.due_streams(at, limit)?;
        add(&self.count.read, due.len());
        Ok(due)
    }
    fn next_due(&mut self) -> Result<Option<Time>, StoreError> {
        add(&self.count.read, 1);
        self.store.next_due()
    }
    fn inbox(&mut self, stream: &StreamId) -> Result<Vec<Message>, StoreError> {
        let messages = self.store.inbox(stream)?;
        add(&self.count.read, messages.len());
        Ok(messages)
    }
    fn jobs(&mut self, limit: usize) -> Result<Vec<Job>, StoreError> {
        self.store.jobs(limit)
    }
    fn head(&mut self, stream: &StreamId) -> Result<Option<Listed>, StoreError> {
        add(&self.count.read, 1);
        self.store.head(stream)
    }
    fn heads(&mut self, filter: &Filter) -> Result<Vec<Listed>, StoreError> {
        let heads = self.store.heads(filter)?;
        add(&self.count.read, heads.len());
        Ok(heads)
    }
    fn task(&mut self, task: &StreamId) -> Result<Option<ListedTask>, StoreError> {
        add(&self.count.read, 1);
        self.store.task(task)
    }
    fn tasks(&mut self, filter: &TaskFilter) -> Result<Vec<ListedTask>, StoreError> {
        let tasks = self.store.tasks(filter)?;
        add(&self.count.read, tasks.len());
        Ok(tasks)
    }
    fn open_counts(&mut self) -> Result<OpenCounts, StoreError> {
        self.store.open_counts()
    }
    fn definition(&mut self, revision: &str) -> Result<Option<Vec<u8>>, StoreError> {
        add(&self.count.read, 1);
        self.store.definition(revision)
    }
}

impl Store for Counted {
    fn take_fence(&mut self) -> Result<u64, StoreError> {
        self.store.take_fence()
    }
    fn commit(&mut self, fence: u64, commits: &[Commit]) -> Result<Vec<Option<Position>>, StoreError> {
        add(&self.count.commits, 1);
        for commit in commits {
            add(&self.count.rows, usize::from(commit.count > 0));
            add(&self.count.bytes, commit.events.len());
            add(&self.count.heads, usize::from(commit.head.is_some()) + usize::from(commit.task.is_some()));
            let others = usize::from(commit.due.is_some()) + commit.messages.len() + commit.taken.len();
            add(&self.count.others, others + commit.jobs.len());
        }
        self.store.commit(fence, commits)
    }
    fn probe(&mut self) -> Result<(), StoreError> {
        self.store.probe()
    }
    fn put_snapshot(&mut self, stream: &StreamId, snapshot: &Snapshot) -> Result<(), StoreError> {
        if self.no_snapshots {
            return Err(StoreError::SnapshotPlace { stream: stream.clone(), seq: snapshot.seq });
        }
        add(&self.count.snapshots, 1);
        add(&self.count.snapshot_bytes, snapshot.state.len());
        // Each instance has a path and a parent; parsing megabytes for their number takes too long.
        let state = std::str::from_utf8(&snapshot.state).unwrap();
        let instances = state.matches("\"path\":").count();
        self.count.instances.store(instances as u64, Ordering::Relaxed);
        self.store.put_snapshot(stream, snapshot)
    }
    fn put_definition(&mut self, revision: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.store.put_definition(revision, bytes)
    }
}

/// What the driver does with the library is not counted.
impl LibraryReader for Counted {
    fn workflow(&mut self, name: &str) -> Result<Option<Workflow>, StoreError> {
        self.store.workflow(name)
    }
    fn workflows(&mut self, filter: &WorkflowFilter) -> Result<Vec<Workflow>, StoreError> {
        self.store.workflows(filter)
    }
    fn kept(&mut self, name: &str, number: Option<u32>) -> Result<Option<Kept>, StoreError> {
        self.store.kept(name, number)
    }
    fn changes(&mut self, name: &str, skip: usize, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.store.changes(name, skip, limit)
    }
    fn callers(&mut self, name: &str) -> Result<Vec<String>, StoreError> {
        self.store.callers(name)
    }
    fn names_of(&mut self, name: &str) -> Result<Vec<(String, Option<Time>)>, StoreError> {
        self.store.names_of(name)
    }
    fn times_run(&mut self, name: &str) -> Result<u64, StoreError> {
        self.store.times_run(name)
    }
    fn origin(&mut self, file: &str, name: &str) -> Result<Option<u32>, StoreError> {
        self.store.origin(file, name)
    }
    fn declined(&mut self, file: &str) -> Result<bool, StoreError> {
        self.store.declined(file)
    }
}

impl Library for Counted {
    fn save(&mut self, save: &Save) -> Result<Saved, StoreError> {
        self.store.save(save)
    }
    fn describe(
        &mut self,
        name: &str,
        description: Option<&str>,
        labels: Option<&[String]>,
        at: Time,
        by: &str,
    ) -> Result<(), StoreError> {
        self.store.describe(name, description, labels, at, by)
    }
    fn delete(&mut self, name: &str, at: Time, by: &str) -> Result<(), StoreError> {
        self.store.delete(name, at, by)
    }
    fn restore(&mut self, name: &str, at: Time, by: &str) -> Result<(), StoreError> {
        self.store.restore(name, at, by)
    }
    fn rename(&mut self, name: &str, to: &str, at: Time, by: &str) -> Result<(), StoreError> {
        self.store.rename(name, to, at, by)
    }
    fn note_origin(&mut self, file: &str, name: &str, number: u32) -> Result<(), StoreError> {
        self.store.note_origin(file, name, number)
    }
    fn decline(&mut self, file: &str) -> Result<(), StoreError> {
        self.store.decline(file)
    }
}

impl DraftReader for Counted {
    fn draft(&mut self, task: &StreamId, person: &str) -> Result<Option<Draft>, StoreError> {
        self.store.draft(task, person)
    }
    fn drafts_of(&mut self, person: &str) -> Result<Vec<(StreamId, Time)>, StoreError> {
        self.store.drafts_of(person)
    }
}

impl Drafts for Counted {
    fn put_draft(
        &mut self,
        task: &StreamId,
        person: &str,
        draft: &Draft,
        over: Over<'_>,
    ) -> Result<(), StoreError> {
        self.store.put_draft(task, person, draft, over)
    }
    fn drop_draft(&mut self, task: &StreamId, person: &str, over: Over<'_>) -> Result<bool, StoreError> {
        self.store.drop_draft(task, person, over)
    }
}

impl AccessReader for Counted {
    fn key(&mut self, id: &str) -> Result<Option<Key>, StoreError> {
        self.store.key(id)
    }
    fn key_of(&mut self, hash: &str) -> Result<Option<Key>, StoreError> {
        self.store.key_of(hash)
    }
    fn keys(&mut self, kind: KeyKind, person: Option<&str>) -> Result<Vec<Key>, StoreError> {
        self.store.keys(kind, person)
    }
    fn password(&mut self, person: &str) -> Result<Option<String>, StoreError> {
        self.store.password(person)
    }
    fn has_passwords(&mut self) -> Result<bool, StoreError> {
        self.store.has_passwords()
    }
    fn noted(&mut self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Noted)>, StoreError> {
        self.store.noted(before, limit)
    }
}

impl Answers for Counted {
    fn note_asked(&mut self, asked: &Asked) -> Result<Option<Known>, StoreError> {
        self.store.note_asked(asked)
    }
    fn keep_answer(&mut self, asked: &Asked, answer: &[u8]) -> Result<(), StoreError> {
        self.store.keep_answer(asked, answer)
    }
    fn forget_asked(&mut self, asked: &Asked) -> Result<(), StoreError> {
        self.store.forget_asked(asked)
    }
}

impl Access for Counted {
    fn put_key(&mut self, key: &Key, hash: &str, note: &Noted) -> Result<(), StoreError> {
        self.store.put_key(key, hash, note)
    }
    fn end_key(&mut self, id: &str, note: &Noted) -> Result<bool, StoreError> {
        self.store.end_key(id, note)
    }
    fn use_keys(&mut self, used: &[(String, Time)]) -> Result<(), StoreError> {
        self.store.use_keys(used)
    }
    fn put_password(&mut self, person: &str, hash: Option<&str>, note: &Noted) -> Result<(), StoreError> {
        self.store.put_password(person, hash, note)
    }
    fn note(&mut self, notes: &[Noted]) -> Result<(), StoreError> {
        self.store.note(notes)
    }
}

impl JobReader for Counted {
    fn job(&mut self, id: &str) -> Result<Option<JobRow>, StoreError> {
        self.store.job(id)
    }
    fn job_rows(&mut self, filter: &JobFilter) -> Result<Vec<JobRow>, StoreError> {
        self.store.job_rows(filter)
    }
    fn job_targets(&mut self, kind: &str) -> Result<Vec<(String, Time)>, StoreError> {
        self.store.job_targets(kind)
    }
    fn jobs_waiting(&mut self, kind: &str, at_most: usize) -> Result<u64, StoreError> {
        self.store.jobs_waiting(kind, at_most)
    }
    fn next_job(&mut self, kind: &str, target: &str, at: Time) -> Result<Option<JobRow>, StoreError> {
        self.store.next_job(kind, target, at)
    }
    fn job_counts(&mut self, kind: &str) -> Result<[(JobState, u64); 3], StoreError> {
        self.store.job_counts(kind)
    }
}

impl Jobs for Counted {
    fn settle_job(&mut self, row: &JobRow) -> Result<(), StoreError> {
        self.store.settle_job(row)
    }
    fn retry_job(&mut self, id: &str, at: Time) -> Result<bool, StoreError> {
        self.store.retry_job(id, at)
    }
}

impl PeopleReader for Counted {
    fn people_version(&mut self) -> Result<u64, StoreError> {
        self.store.people_version()
    }
    fn people(&mut self) -> Result<Register, StoreError> {
        self.store.people()
    }
    fn people_changes(&mut self, skip: usize, limit: usize) -> Result<Vec<people::Change>, StoreError> {
        self.store.people_changes(skip, limit)
    }
}

impl People for Counted {
    fn edit_people(&mut self, edits: &[Edit], at: Time, by: &str) -> Result<Vec<people::Change>, StoreError> {
        self.store.edit_people(edits, at, by)
    }
}
