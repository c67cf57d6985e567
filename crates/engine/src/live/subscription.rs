//! One subscriber.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::json;
use stead_core::ids::StreamId;
use stead_store::{Position, Reader as _};

use super::hub::Hub;
use super::logs::Tail;
use super::mailbox::{Changed, Entry, Mailbox};
use super::past;
use super::wish::{Cursor, Wish};
use crate::engine::desk::{Desk, lock};
use crate::error::EngineError;
use crate::limits;
use crate::operations::{Answer, Operation, RunQuery};
use crate::people::Caller;
use crate::tasks::{TaskAnswer, TaskOperation, TaskQuery};

/// Something that a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// From where to go on behind it.
    pub cursor: Cursor,
    /// What it is: `open`, `journal`, `log`, `runs`, `inbox`.
    pub kind: &'static str,
    /// As JSON.
    pub data: String,
}

/// What is next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This.
    Told(Told),
    /// Ask again.
    More,
    /// Nothing for now: the caller of [`Live::take`] is woken when there is.
    Nothing,
    /// Nothing any more: the run has ended, where that was asked for, or the engine leaves.
    Over,
}

/// A subscriber. It is let out when this is dropped.
pub struct Live {
    desk: Arc<Desk>,
    hub: Arc<Hub>,
    caller: Caller,
    wish: Wish,
    mailbox: Arc<Mailbox>,
    number: u64,
    /// Everything up to here was told.
    cursor: Cursor,
    /// Up to here the store is to be read: everything behind is put into the mailbox.
    joined: Position,
    /// The runs that are told of; of a mailbox that is alive the hub knows more.
    runs: HashSet<StreamId>,
    /// Of the run that is told of: the event that was told last.
    seq: u64,
    tail: Option<Tail>,
    /// What was told of the own tasks.
    inbox: Option<(usize, blake3::Hash)>,
    /// The inbox is to be looked at.
    inbox_due: bool,
    opened: bool,
}

impl Live {
    /// Lets somebody in. Without a position runs are told from their beginning, and lists from now on.
    pub(crate) fn open(
        desk: &Arc<Desk>,
        caller: Caller,
        mut wish: Wish,
        after: Option<Cursor>,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Self, EngineError> {
        if let Wish::Run { run, .. } = &mut wish {
            // Under the name that was given: another one would tell of a run that they may not know of.
            desk.admit(&caller, &mut Operation::Status { run: run.to_string() })?;
            *run = lock(&desk.reads).find(run.as_str())?;
        }
        let hub = desk.live.clone();
        let mailbox = Arc::new(Mailbox::new(wake));
        let mut live = Self {
            desk: desk.clone(),
            hub,
            caller,
            wish,
            mailbox,
            number: u64::MAX,
            cursor: after.unwrap_or_default(),
            joined: 0,
            runs: HashSet::new(),
            seq: 0,
            tail: None,
            inbox: None,
            inbox_due: true,
            opened: false,
        };
        live.admitted()?;
        live.enter()?;
        if live.cursor.position > live.joined {
            let (position, newest) = (live.cursor.position, live.joined);
            return Err(EngineError::Ahead { position, newest });
        }
        match live.wish.clone() {
            Wish::Run { run, logs, .. } => {
                live.seq = lock(&desk.reads).reader_mut().last_at(&run, live.cursor.position)?;
                if let Some(step) = logs {
                    let newest = newest_attempt(desk, &run, &step)?;
                    live.cursor.log.get_or_insert((1, 0));
                    live.tail = Some(Tail::new(run, step, newest, live.cursor.log));
                }
            }
            Wish::Lists { .. } if after.is_none() => live.cursor.position = live.joined,
            Wish::Lists { .. } => {}
        }
        if live.tail.is_none() {
            live.cursor.log = None;
        }
        Ok(live)
    }

    /// Whether it has to be asked again by itself now and then: what programs print wakes nobody.
    pub fn looks(&self) -> bool {
        self.tail.is_some()
    }

    /// What is next. May read from the store.
    ///
    /// # Errors
    /// When who asks may not look at it any more, or the store cannot be read.
    pub fn take(&mut self) -> Result<Next, EngineError> {
        self.admitted()?;
        if !self.opened {
            self.opened = true;
            return Ok(self.told("open", json!({ "position": self.cursor.position }).to_string()));
        }
        match self.wish.clone() {
            Wish::Run { run, children, until_end, .. } => self.next_of_run(&run, children, until_end),
            Wish::Lists { runs, inbox } => self.next_of_lists(runs, inbox),
        }
    }

    /// Refuses one who may not look.
    fn admitted(&self) -> Result<(), EngineError> {
        match &self.wish {
            Wish::Run { run, .. } => self.desk.may_follow(&self.caller, std::slice::from_ref(run)),
            // Who may look at no runs at all may still have tasks, and what they may not see is left out.
            Wish::Lists { .. } => self.desk.still_admitted(&self.caller),
        }
    }

    fn enter(&mut self) -> Result<(), EngineError> {
        self.hub.leave(self.number);
        if let Wish::Run { run, children, .. } = &self.wish {
            self.runs = match children {
                true => past::descendants(&mut lock(&self.desk.reads), run)?,
                false => HashSet::from([run.clone()]),
            };
        }
        (self.number, self.joined) = self.hub.enter(&self.wish, self.runs.clone(), &self.mailbox)?;
        Ok(())
    }

    /// Begins anew where the mailbox was too small: what it lost is read from the store.
    fn rejoin(&mut self) -> Result<(), EngineError> {
        let lost = std::mem::take(&mut self.mailbox.lock().lost);
        if lost {
            self.enter()?;
            // What came in between is read from the store too.
            let mut mail = self.mailbox.lock();
            let joined = self.joined;
            mail.entries.retain(|entry| entry.position > joined);
            mail.changed.retain(|changed| changed.position > joined);
            mail.bytes = mail.entries.iter().map(|entry| entry.text.len()).sum();
        }
        Ok(())
    }

    fn told(&self, kind: &'static str, data: String) -> Next {
        Next::Told(Told { cursor: self.cursor, kind, data })
    }

    fn next_of_run(&mut self, run: &StreamId, children: bool, until_end: bool) -> Result<Next, EngineError> {
        self.rejoin()?;
        // Looked at before what is told: whatever is told then goes at least as far.
        let head = match until_end {
            true => lock(&self.desk.reads).reader_mut().head(run)?,
            false => None,
        };
        while self.cursor.position < self.joined {
            let mut reads = lock(&self.desk.reads);
            let (entries, read) = match children {
                true => past::of_runs(&mut reads, &mut self.runs, self.cursor.position, self.joined)?,
                false => {
                    let entries = past::of_run(&mut reads, run, self.seq, self.joined)?;
                    let read = entries.last().map_or(self.joined, |entry| entry.position);
                    (entries, read)
                }
            };
            drop(reads);
            self.cursor.position = read;
            if !entries.is_empty() {
                let entries: Vec<Arc<Entry>> = entries.into_iter().map(Arc::new).collect();
                return Ok(self.tell(run, &entries));
            }
        }
        let (entries, over) = self.taken();
        if let Some(last) = entries.last() {
            self.cursor.position = last.position;
            return Ok(self.tell(run, &entries));
        }
        if let Some(piece) = self.tail.as_mut().and_then(|tail| tail.next(&self.desk.home)) {
            self.cursor.log = Some(piece.at);
            return Ok(self.told("log", piece.text));
        }
        if self.mailbox.lock().lost {
            return Ok(Next::More);
        }
        let ended = head.is_some_and(|listed| listed.head.status.is_end() && self.seq >= listed.seq);
        Ok(if over || ended { Next::Over } else { Next::Nothing })
    }

    fn tell(&mut self, run: &StreamId, entries: &[Arc<Entry>]) -> Next {
        let mut data = String::from("[");
        for entry in entries {
            if entry.stream == *run {
                self.seq = self.seq.max(entry.last);
            }
            if let Some(tail) = &mut self.tail {
                tail.look(&entry.stream, &entry.text);
            }
            if data.len() > 1 {
                data.push(',');
            }
            data.push_str(&entry.text);
        }
        data.push(']');
        self.told("journal", data)
    }

    /// What waits in the mailbox, up to a bound; and whether nothing comes any more.
    fn taken(&self) -> (Vec<Arc<Entry>>, bool) {
        let mut mail = self.mailbox.lock();
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while bytes < limits::LIVE_TOLD {
            let Some(entry) = mail.entries.pop_front() else { break };
            bytes += entry.text.len();
            mail.bytes = mail.bytes.saturating_sub(entry.text.len());
            // The store was read up to somewhere in the middle of what came meanwhile.
            if entry.position > self.cursor.position {
                entries.push(entry);
            }
        }
        (entries, mail.over && mail.entries.is_empty())
    }

    fn next_of_lists(&mut self, runs: bool, inbox: bool) -> Result<Next, EngineError> {
        self.rejoin()?;
        loop {
            if inbox && self.inbox_due {
                self.inbox_due = false;
                if let Some(told) = self.inbox()? {
                    return Ok(told);
                }
            }
            let changed = if self.cursor.position < self.joined {
                let mut reads = lock(&self.desk.reads);
                let (changed, read) = past::of_lists(&mut reads, self.cursor.position, self.joined)?;
                self.cursor.position = read;
                Arc::new(changed)
            } else {
                let mut mail = self.mailbox.lock();
                let Some(changed) = mail.changed.pop_front() else {
                    return Ok(match (mail.lost, mail.over) {
                        (true, _) => Next::More,
                        (false, true) => Next::Over,
                        (false, false) => Next::Nothing,
                    });
                };
                let bytes: usize = changed.runs.iter().map(|(_, row)| row.len()).sum();
                mail.bytes = mail.bytes.saturating_sub(bytes);
                self.cursor.position = self.cursor.position.max(changed.position);
                changed
            };
            self.inbox_due |= changed.tasks;
            if runs && let Some(data) = self.seen(&changed)? {
                return Ok(self.told("runs", data));
            }
        }
    }

    /// The rows that who asks may look at.
    fn seen(&self, changed: &Changed) -> Result<Option<String>, EngineError> {
        let mut known: HashMap<&str, bool> = HashMap::new();
        let mut rows: Vec<&str> = Vec::new();
        for (project, row) in &changed.runs {
            let sees = match known.get(project.as_str()) {
                Some(sees) => *sees,
                None => {
                    let sees = self.desk.sees(&self.caller, project)?;
                    known.insert(project, sees);
                    sees
                }
            };
            if sees {
                rows.push(row);
            }
        }
        Ok((!rows.is_empty()).then(|| format!("[{}]", rows.join(","))))
    }

    /// How many tasks wait for who asks, where that or what they are has changed.
    fn inbox(&mut self) -> Result<Option<Next>, EngineError> {
        let query = TaskQuery { limit: limits::LIVE_TASKS, ..TaskQuery::default() };
        let list = Operation::Task(TaskOperation::List { query, by: self.desk.alone() });
        let Answer::Task(TaskAnswer::Tasks { tasks }) = self.desk.ask(&self.caller, list)? else {
            return Ok(None);
        };
        let count = tasks.len();
        // Plain data always serialises.
        let now = (count, blake3::hash(&serde_json::to_vec(&tasks).unwrap_or_default()));
        if self.inbox == Some(now) {
            return Ok(None);
        }
        self.inbox = Some(now);
        let more = count >= limits::LIVE_TASKS;
        Ok(Some(self.told("inbox", json!({ "count": count, "more": more }).to_string())))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.hub.leave(self.number);
    }
}

/// The newest attempt of a step instance, 1 before there is one.
fn newest_attempt(desk: &Desk, run: &StreamId, step: &str) -> Result<u32, EngineError> {
    let Some(Answer::Logs { logs, .. }) = lock(&desk.reads).ask(&Operation::Logs { run: run.to_string() })?
    else {
        return Ok(1);
    };
    Ok(logs.into_iter().filter(|log| log.path == step).map(|log| log.attempt).max().unwrap_or(1))
}

impl Desk {
    /// Whether somebody may look at the runs of a project.
    fn sees(&self, caller: &Caller, project: &str) -> Result<bool, EngineError> {
        let query = RunQuery { project: Some(project.to_owned()), ..RunQuery::default() };
        match self.admit(caller, &mut Operation::Runs { query }) {
            Ok(()) => Ok(true),
            Err(EngineError::People(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
