//! When a key was used last: noted beside what it was used for, and not for each use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stead_core::Time;
use stead_store::StoreError;
use stead_store::access::{Access as _, Key, Noted};
use stead_store::sqlite::SqliteStore;

use crate::home::Home;
use crate::limits;

/// What is to be written down about keys when there is time.
#[derive(Debug, Default)]
pub(crate) struct Used(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// When keys were noted last, or tried to be.
    tried: BTreeMap<String, Time>,
    used: BTreeMap<String, Time>,
    notes: Vec<Noted>,
    /// A thread writes.
    writing: bool,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Lists, whole after every step.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Used {
    /// A key was used. It is noted once a minute at most.
    pub(crate) fn key(&self, home: &Home, key: &Key, at: Time) {
        let fresh = |last: Time| at.saturating_sub(last) < limits::USED_NOTED;
        if key.used_at.is_some_and(fresh) {
            return;
        }
        let mut state = lock(&self.0);
        if state.tried.get(&key.id).copied().is_some_and(fresh) {
            return;
        }
        state.tried.retain(|_, last| fresh(*last));
        state.tried.insert(key.id.clone(), at);
        state.used.insert(key.id.clone(), at);
        self.begin(state, home);
    }

    /// Something that is to stand in the list of what was done. What comes faster than it can be written is dropped.
    pub(crate) fn note(&self, home: &Home, note: Noted) {
        let mut state = lock(&self.0);
        if state.notes.len() < limits::NOTES_WAITING {
            state.notes.push(note);
            self.begin(state, home);
        }
    }

    fn begin(&self, mut state: MutexGuard<'_, State>, home: &Home) {
        if std::mem::replace(&mut state.writing, true) {
            return;
        }
        let (waiting, path) = (self.0.clone(), home.database());
        let write = move || {
            loop {
                let mut state = lock(&waiting);
                let used: Vec<_> = std::mem::take(&mut state.used).into_iter().collect();
                let notes = std::mem::take(&mut state.notes);
                if used.is_empty() && notes.is_empty() {
                    state.writing = false;
                    return;
                }
                drop(state);
                // What cannot be written is lost: nothing depends on it.
                let _ = written(&path, &used, &notes);
            }
        };
        if std::thread::Builder::new().name("access".into()).spawn(write).is_err() {
            state.writing = false;
        }
    }
}

fn written(path: &std::path::Path, used: &[(String, Time)], notes: &[Noted]) -> Result<(), StoreError> {
    let mut store = SqliteStore::open(path)?;
    if !used.is_empty() {
        store.use_keys(used)?;
    }
    if !notes.is_empty() {
        store.note(notes)?;
    }
    Ok(())
}
