//! What waits for one subscriber.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stead_core::ids::StreamId;
use stead_store::{Position, Row};

use crate::limits;

/// A journal row, ready to be told to any number of subscribers.
#[derive(Debug)]
pub(super) struct Entry {
    /// The stream.
    pub(super) stream: StreamId,
    /// Its position.
    pub(super) position: Position,
    /// Number of its last event.
    pub(super) last: u64,
    /// As JSON: position, run, number of its first event, time and events.
    pub(super) text: String,
}

impl Entry {
    pub(super) fn new(stream: StreamId, row: &Row) -> Self {
        // They were serialised as JSON, and JSON is text.
        let events = String::from_utf8_lossy(&row.events);
        let text = format!(
            r#"{{"position":{},"run":"{stream}","seq":{},"at":{},"events":{events}}}"#,
            row.position, row.seq, row.at
        );
        Self { stream, position: row.position, last: row.last(), text }
    }
}

/// Rows of lists that changed, and up to where the journal is in them.
#[derive(Debug)]
pub(super) struct Changed {
    /// Up to here.
    pub(super) position: Position,
    /// Runs: project, and the row as JSON.
    pub(super) runs: Vec<(String, String)>,
    /// A task has changed.
    pub(super) tasks: bool,
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) entries: VecDeque<Arc<Entry>>,
    pub(super) changed: VecDeque<Arc<Changed>>,
    /// Bytes of all of it.
    pub(super) bytes: usize,
    /// It was too much, and is not there: the store has it.
    pub(super) lost: bool,
    /// Nothing will come.
    pub(super) over: bool,
}

impl Mail {
    /// Makes place for more; `false`: there is none, and all of it is dropped.
    fn room(&mut self, bytes: usize) -> bool {
        if self.lost || self.over {
            return false;
        }
        self.bytes += bytes;
        let most = limits::LIVE_WAITING;
        if self.bytes > limits::LIVE_BYTES || self.entries.len() >= most || self.changed.len() >= most {
            *self = Self { lost: true, ..Self::default() };
            return false;
        }
        true
    }
}

/// Where mail is put.
pub(super) struct Mailbox {
    mail: Mutex<Mail>,
    /// Called when there is something.
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Mailbox {
    pub(super) fn new(wake: Box<dyn Fn() + Send + Sync>) -> Self {
        Self { mail: Mutex::default(), wake }
    }

    pub(super) fn put(&self, entry: &Arc<Entry>) {
        let mut mail = self.lock();
        if mail.room(entry.text.len()) {
            mail.entries.push_back(entry.clone());
        }
        drop(mail);
        (self.wake)();
    }

    pub(super) fn put_changed(&self, changed: &Arc<Changed>) {
        let mut mail = self.lock();
        if mail.room(changed.runs.iter().map(|(_, row)| row.len()).sum()) {
            mail.changed.push_back(changed.clone());
        }
        drop(mail);
        (self.wake)();
    }

    pub(super) fn close(&self) {
        self.lock().over = true;
        (self.wake)();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Mail> {
        // Whole after every step.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
