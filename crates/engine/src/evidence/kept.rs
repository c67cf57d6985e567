//! Folders of attempts that must happen once, kept until the end of each is durable, with a note beside each.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, unbounded};
use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_core::effect::AttemptId;
use stead_core::ids::StreamId;
use stead_core::run::Event;
use stead_core::run::event::Lost;

use super::{Process, ProcessEnd};
use crate::driver::Written;
use crate::executors::process::{beside, remove_left};

/// The note beside a folder.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) attempt: AttemptId,
    #[serde(flatten)]
    pub(super) process: Process,
}

/// Ending of the name of a note.
const NOTE: &str = ".attempt";

/// Notes beside the folder of an attempt that its process is about to be started. A note that cannot be written is
/// missed by somebody later, and stops nobody now.
pub(crate) fn begins(dir: &Path, attempt: &AttemptId, at: Time) {
    write(dir, &Note { attempt: attempt.clone(), process: Process { pid: None, started_at: at, end: None } });
}

/// Notes the number of the process.
pub(crate) fn begun(dir: &Path, pid: u32) {
    if let Some(mut note) = read(dir) {
        // The first is that of the program itself; others are those it has started.
        note.process.pid.get_or_insert(pid);
        write(dir, &note);
    }
}

/// Notes how it ended.
pub(crate) fn ended(dir: &Path, end: ProcessEnd) {
    if let Some(mut note) = read(dir) {
        note.process.end.get_or_insert(end);
        write(dir, &note);
    }
}

fn write(dir: &Path, note: &Note) {
    // Plain data always serialises.
    let bytes = serde_json::to_vec(note).unwrap_or_default();
    let path = beside(dir, NOTE);
    let next = beside(dir, ".attempt~");
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next);
    let written = file.and_then(|mut file| file.write_all(&bytes)).and_then(|()| fs::rename(&next, path));
    // See above.
    drop(written);
}

pub(super) fn read(dir: &Path) -> Option<Note> {
    serde_json::from_slice(&fs::read(beside(dir, NOTE)).ok()?).ok()
}

/// What is left in a folder of attempts under way, when none is.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Folders with a note: of attempts that must happen once.
    pub(crate) noted: Vec<(AttemptId, PathBuf)>,
    /// All else.
    pub(crate) rest: Vec<PathBuf>,
}

impl Left {
    /// Sorts what was found.
    pub(crate) fn of(mut found: Vec<PathBuf>) -> Self {
        let notes = found.iter().filter(|path| path.extension().is_some_and(|ending| ending == "attempt"));
        let folders: Vec<PathBuf> = notes.map(|path| path.with_extension("")).collect();
        let noted = folders.into_iter().filter_map(|dir| Some((read(&dir)?.attempt, dir)));
        let noted: Vec<(AttemptId, PathBuf)> = noted.collect();
        for (_, dir) in &noted {
            found.retain(|path| !parts(dir).contains(path));
        }
        Self { noted, rest: found }
    }
}

/// The folder, and what stands beside it.
fn parts(dir: &Path) -> [PathBuf; 3] {
    [dir.to_owned(), beside(dir, ".output"), beside(dir, NOTE)]
}

/// Removes a folder and what stands beside it.
pub(crate) fn remove(dir: &Path) {
    remove_left(&parts(dir));
}

/// The folders of attempts that must happen once, until the end of each is durable.
#[derive(Default)]
pub(crate) struct Kept {
    by_run: HashMap<StreamId, Vec<(AttemptId, PathBuf)>>,
    remover: Option<Remover>,
}

impl Kept {
    /// Keeps one.
    pub(crate) fn keep(&mut self, attempt: AttemptId, dir: PathBuf) {
        self.by_run.entry(attempt.stream.clone()).or_default().push((attempt, dir));
    }

    /// Looks for ends in what has become durable, and lets go of what is not needed any more.
    pub(crate) fn written(&mut self, written: &[Written]) {
        if self.by_run.is_empty() {
            return;
        }
        for Written { stream, events, .. } in written {
            let Some(kept) = self.by_run.get_mut(stream) else { continue };
            // What cannot be read here is looked at when the next engine begins.
            let events: Vec<Event> = serde_json::from_slice(events).unwrap_or_default();
            let over = events.iter().any(|event| {
                matches!(event, Event::RunCompleted { .. } | Event::RunFailed { .. } | Event::RunCancelled)
            });
            let (stay, go) = std::mem::take(kept)
                .into_iter()
                .partition(|(attempt, _)| !over && !events.iter().any(|event| settles(event, attempt)));
            *kept = stay;
            if kept.is_empty() {
                self.by_run.remove(stream);
            }
            self.remove(go);
        }
    }

    fn remove(&mut self, folders: Vec<(AttemptId, PathBuf)>) {
        if folders.is_empty() {
            return;
        }
        let remover = self.remover.get_or_insert_with(Remover::new);
        for (_, dir) in folders {
            // Without its thread they stay until the next engine begins.
            let _ = remover.folders.as_ref().map(|folders| folders.send(dir));
        }
    }
}

/// Whether the end of an attempt is known with this event.
fn settles(event: &Event, attempt: &AttemptId) -> bool {
    match event {
        Event::AttemptEnded { path, number, .. } | Event::AttemptSettled { path, number, .. } => {
            *path == attempt.path && *number == attempt.number
        }
        Event::AttemptLost { path, number, then } => {
            *then != Lost::Parked && *path == attempt.path && *number == attempt.number
        }
        Event::StepCancelled { path } => *path == attempt.path,
        _ => false,
    }
}

/// Removes folders on a thread of its own: one may hold a million files.
struct Remover {
    folders: Option<Sender<PathBuf>>,
    thread: Option<JoinHandle<()>>,
}

impl Remover {
    fn new() -> Self {
        let (folders, inbox) = unbounded::<PathBuf>();
        let run = move || inbox.iter().for_each(|dir| remove(&dir));
        let thread = std::thread::Builder::new().name("folders".into()).spawn(run).ok();
        Self { folders: Some(folders), thread }
    }
}

impl Drop for Remover {
    fn drop(&mut self) {
        self.folders = None;
        if let Some(thread) = self.thread.take() {
            // It does nothing that could fail.
            let _ = thread.join();
        }
    }
}
