//! Reads the journal, and hands out what it finds.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::run::Event;
use stead_store::sqlite::SqliteReader;
use stead_store::{Position, Reader, Row};

use super::mailbox::{Changed, Entry, Mailbox};
use super::wish::Wish;
use crate::error::EngineError;
use crate::feed::{Feed, More};
use crate::home::Home;
use crate::limits;
use crate::operations::RunRow;

/// Reads the journal for all subscribers.
pub(crate) struct Hub {
    home: Home,
    feed: Arc<Feed>,
    registry: Mutex<Registry>,
}

#[derive(Default)]
struct Registry {
    /// Up to here everything was handed out; none: nobody reads.
    at: Option<Position>,
    /// Nothing will be written any more.
    over: bool,
    next: u64,
    subscribers: HashMap<u64, Subscriber>,
    /// Who is told of a run.
    by_run: HashMap<StreamId, Vec<u64>>,
    /// Who is told of lists.
    lists: BTreeSet<u64>,
    /// Those who are told of child runs as well.
    parents: usize,
}

struct Subscriber {
    mailbox: Arc<Mailbox>,
    /// What it is told of.
    runs: HashSet<StreamId>,
    children: bool,
}

impl Hub {
    pub(crate) fn new(home: Home, feed: Arc<Feed>) -> Self {
        Self { home, feed, registry: Mutex::default() }
    }

    /// Lets somebody in: everything behind the position that comes back is put into the mailbox. `runs` are those that
    /// are told of.
    pub(super) fn enter(
        self: &Arc<Self>,
        wish: &Wish,
        runs: HashSet<StreamId>,
        mailbox: &Arc<Mailbox>,
    ) -> Result<(u64, Position), EngineError> {
        let mut registry = self.lock();
        let at = match registry.at {
            Some(at) => at,
            None => self.begin(&mut registry)?,
        };
        let number = registry.next;
        registry.next += 1;
        if registry.over {
            mailbox.close();
        }
        let children = matches!(wish, Wish::Run { children: true, .. });
        registry.parents += usize::from(children);
        match wish {
            Wish::Run { .. } => {
                for run in &runs {
                    registry.by_run.entry(run.clone()).or_default().push(number);
                }
            }
            Wish::Lists { .. } => {
                registry.lists.insert(number);
            }
        }
        registry.subscribers.insert(number, Subscriber { mailbox: mailbox.clone(), runs, children });
        Ok((number, at))
    }

    /// How many are told of something.
    pub(crate) fn subscribers(&self) -> usize {
        self.lock().subscribers.len()
    }

    /// Lets somebody out.
    pub(super) fn leave(&self, number: u64) {
        let mut registry = self.lock();
        let Some(subscriber) = registry.subscribers.remove(&number) else { return };
        registry.parents -= usize::from(subscriber.children);
        registry.lists.remove(&number);
        for run in &subscriber.runs {
            if let Some(all) = registry.by_run.get_mut(run) {
                all.retain(|other| *other != number);
                if all.is_empty() {
                    registry.by_run.remove(run);
                }
            }
        }
    }

    /// Begins to read; from the newest on, which is told.
    fn begin(self: &Arc<Self>, registry: &mut Registry) -> Result<Position, EngineError> {
        let mut reader = SqliteReader::open(&self.home.database())?;
        let at = reader.newest()?;
        let hub = self.clone();
        let thread = std::thread::Builder::new().name("live".into());
        let spawned = thread.spawn(move || hub.read(reader, at));
        spawned.map_err(|error| EngineError::Stopped(error.to_string()))?;
        registry.at = Some(at);
        Ok(at)
    }

    fn read(&self, mut reader: SqliteReader, mut at: Position) {
        let mut lists = Lists::default();
        loop {
            let patience = lists.patience().unwrap_or(limits::FOLLOW_TICK);
            match self.feed.wait(Some(at), patience) {
                More::Over => return self.close(),
                More::Nothing => {}
                More::Behind(_) => {
                    if let Some(newest) = self.skipped() {
                        at = newest;
                        continue;
                    }
                    // What cannot be read now is read later; it is in the store.
                    let Ok(rows) = reader.journal_after(at, limits::LIVE_ROWS) else {
                        std::thread::sleep(limits::LIVE_PAUSE);
                        continue;
                    };
                    at = rows.last().map_or(at, |(_, row)| row.position);
                    self.hand_out(rows, at, &mut lists);
                }
            }
            if lists.patience().is_some_and(|patience| patience.is_zero()) {
                self.tell_lists(&mut reader, &mut lists);
            }
        }
    }

    /// Where nobody listens nothing is read: the newest position, from which to go on.
    fn skipped(&self) -> Option<Position> {
        let mut registry = self.lock();
        if !registry.subscribers.is_empty() {
            return None;
        }
        let newest = self.feed.newest()?;
        registry.at = Some(newest);
        Some(newest)
    }

    fn hand_out(&self, rows: Vec<(StreamId, Row)>, at: Position, lists: &mut Lists) {
        let mut registry = self.lock();
        let listed = !registry.lists.is_empty();
        for (stream, row) in rows {
            if listed {
                lists.touch(&stream, row.position);
            }
            if stream.kind() != StreamKind::Run {
                continue;
            }
            if row.seq == 1 && registry.parents > 0 {
                registry.adopt(&stream, &row);
            }
            let Some(told) = registry.by_run.get(&stream) else { continue };
            let entry = Arc::new(Entry::new(stream, &row));
            for number in told {
                if let Some(subscriber) = registry.subscribers.get(number) {
                    subscriber.mailbox.put(&entry);
                }
            }
        }
        registry.at = Some(at);
    }

    fn tell_lists(&self, reader: &mut SqliteReader, lists: &mut Lists) {
        let changed = Arc::new(lists.take(reader));
        let registry = self.lock();
        for number in &registry.lists {
            if let Some(subscriber) = registry.subscribers.get(number) {
                subscriber.mailbox.put_changed(&changed);
            }
        }
    }

    fn close(&self) {
        let mut registry = self.lock();
        registry.over = true;
        for subscriber in registry.subscribers.values() {
            subscriber.mailbox.close();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// Those who are told of the runs that one has started are told of this one.
    fn adopt(&mut self, stream: &StreamId, row: &Row) {
        let Some(parent) = parent_of(row) else { return };
        let Some(told) = self.by_run.get(&parent).cloned() else { return };
        for number in told {
            let Some(subscriber) = self.subscribers.get_mut(&number) else { continue };
            if subscriber.children && subscriber.runs.insert(stream.clone()) {
                self.by_run.entry(stream.clone()).or_default().push(number);
            }
        }
    }
}

/// The run that has started one, as its first row says.
pub(crate) fn parent_of(row: &Row) -> Option<StreamId> {
    let events: Vec<&RawValue> = serde_json::from_slice(&row.events).ok()?;
    match serde_json::from_str(events.first()?.get()) {
        Ok(Event::RunCreated { parent: Some(parent), .. }) => Some(parent.run),
        _ => None,
    }
}

/// What has changed in lists and was not told yet.
#[derive(Default)]
pub(super) struct Lists {
    touched: BTreeSet<StreamId>,
    position: Position,
    since: Option<Instant>,
}

impl Lists {
    pub(super) fn touch(&mut self, stream: &StreamId, position: Position) {
        if matches!(stream.kind(), StreamKind::Run | StreamKind::Task) {
            self.touched.insert(stream.clone());
        }
        self.position = position;
        self.since.get_or_insert_with(Instant::now);
    }

    /// How long it may wait until it is told; none: there is nothing.
    fn patience(&self) -> Option<Duration> {
        let since = self.since?;
        match self.touched.len() >= limits::LIVE_ROWS {
            true => Some(Duration::ZERO),
            false => Some(limits::LIVE_PAUSE.saturating_sub(since.elapsed())),
        }
    }

    /// What has changed, as it is now.
    pub(super) fn take(&mut self, reader: &mut impl Reader) -> Changed {
        let Self { touched, position, .. } = std::mem::take(self);
        let tasks = touched.iter().any(|stream| stream.kind() == StreamKind::Task);
        let runs = touched.iter().filter(|stream| stream.kind() == StreamKind::Run);
        let row = |run: &StreamId| {
            let listed = reader.head(run).ok()??;
            let project = listed.head.project.clone();
            let row = RunRow::from(listed);
            Some((project, serde_json::to_string(&row).ok()?))
        };
        Changed { position, runs: runs.filter_map(row).collect(), tasks }
    }
}
