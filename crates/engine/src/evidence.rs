//! What is known of an attempt whose end is not known, for whoever has to say what it came to.
//!
//! The folder of an attempt that must happen once stays until its end is durable, with a note beside it: the process,
//! and how it ended, as far as it came to that. The journal has what was asked of it and what its probe said, its log
//! what it printed. Nothing of this decides anything.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::UNIX_EPOCH;

use crossbeam_channel::{Sender, unbounded};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_core::Time;
use stead_core::effect::AttemptId;
use stead_core::ids::StreamId;
use stead_core::run::event::Lost;
use stead_core::run::{Event, Unsure};
use stead_core::value::Payload;
use stead_store::{Reader, Row};

use crate::driver::Written;
use crate::error::EngineError;
use crate::executors::process::{beside, remove_left};
use crate::home::Home;
use crate::limits;
use crate::logs::LogReader;

/// What is known of an attempt whose end is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The step instance.
    pub step: String,
    /// Number of the attempt.
    pub attempt: u32,
    /// Its idempotency key: what a receiver may know it by.
    pub key: String,
    /// When it was handed out.
    pub started_at: Option<Time>,
    /// When an engine found it without an end.
    pub lost_at: Option<Time>,
    /// What was asked of its executor. Secrets are not in it.
    pub request: Option<Value>,
    /// What its probe said last, for a step that has `verify`.
    pub probe: Option<ProbeAnswer>,
    /// Its process; of what is none, or where no note was left, nothing.
    pub process: Option<Process>,
    /// What it printed.
    pub log: Option<LogEnd>,
    /// Its folder (`STEAD_DIR`), as it left it.
    pub folder: Option<PathBuf>,
    /// What it left there, and in the file for its values (`STEAD_OUTPUT`).
    pub files: Vec<FileLeft>,
    /// Files that are not listed.
    pub more_files: usize,
}

/// What a probe said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeAnswer {
    /// When.
    pub at: Time,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number, which another one may have by now. Not known where its engine went at that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When it was to be started.
    pub started_at: Time,
    /// How it ended, if that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<ProcessEnd>,
}

/// The end of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessEnd {
    /// When.
    pub at: Time,
    /// Its exit code; of one that a signal ended 128 and the signal. Not known of what the next engine has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// An engine ended it; otherwise it ended by itself.
    pub ended: bool,
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEnd {
    /// The file.
    pub file: PathBuf,
    /// Its last lines.
    pub lines: Vec<String>,
    /// Lines before these.
    pub before: u64,
}

/// A file that an attempt left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLeft {
    /// Where.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// When it was written last.
    pub modified_at: Option<Time>,
}

/// The note beside a folder.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    attempt: AttemptId,
    #[serde(flatten)]
    process: Process,
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

fn read(dir: &Path) -> Option<Note> {
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

/// Collects what is known of attempts from the journal of their run. `load` makes a value of what an event carries.
pub(crate) fn collect<R: Reader>(
    reader: &mut R,
    home: &Home,
    unsure: Vec<Unsure>,
    load: &dyn Fn(Payload) -> Result<Value, EngineError>,
) -> Result<Vec<Evidence>, EngineError> {
    let mut all: Vec<(Unsure, Evidence)> = unsure.into_iter().map(|one| (one.clone(), blank(&one))).collect();
    let Some(stream) = all.first().map(|(unsure, _)| unsure.attempt.stream.clone()) else {
        return Ok(Vec::new());
    };
    let mut from = 1;
    loop {
        let rows = reader.journal(&stream, from, limits::SCAN_ROWS)?;
        let Some(last) = rows.last() else { break };
        from = last.seq + last.count;
        for row in rows {
            let events: Vec<Event> = serde_json::from_slice(&row.events)
                .map_err(|e| EngineError::journal(&stream, row.seq, &e))?;
            for event in events {
                for (unsure, evidence) in &mut all {
                    book(unsure, evidence, &row, &event, load)?;
                }
            }
        }
    }
    for (unsure, evidence) in &mut all {
        look(home, &unsure.attempt, evidence);
    }
    Ok(all.into_iter().map(|(_, evidence)| evidence).collect())
}

fn blank(unsure: &Unsure) -> Evidence {
    Evidence {
        step: unsure.attempt.path.clone(),
        attempt: unsure.attempt.number,
        key: unsure.key.clone(),
        started_at: None,
        lost_at: None,
        request: None,
        probe: None,
        process: None,
        log: None,
        folder: None,
        files: Vec::new(),
        more_files: 0,
    }
}

fn book(
    unsure: &Unsure,
    evidence: &mut Evidence,
    row: &Row,
    event: &Event,
    load: &dyn Fn(Payload) -> Result<Value, EngineError>,
) -> Result<(), EngineError> {
    let AttemptId { path: own, number: tried, .. } = &unsure.attempt;
    match event {
        Event::AttemptStarted { path, number, request, .. } if path == own => {
            // A later try of the same request does not repeat it.
            if let Some(request) = request {
                evidence.request = Some(load(request.clone())?);
            }
            if number == tried {
                evidence.started_at = Some(row.at);
            }
        }
        Event::AttemptBegan { path, number, .. } if path == own && number == tried => {
            evidence.started_at = Some(row.at);
        }
        Event::AttemptLost { path, number, .. } if path == own && number == tried => {
            evidence.lost_at = Some(row.at);
        }
        Event::AttemptEnded { path, exit_code, error, .. } if *path == unsure.probe => {
            let error = error.as_ref().map(|error| error.message.clone());
            evidence.probe = Some(ProbeAnswer { at: row.at, exit_code: *exit_code, error });
        }
        _ => {}
    }
    Ok(())
}

/// What lies about on this machine.
fn look(home: &Home, attempt: &AttemptId, evidence: &mut Evidence) {
    let place = home.place(attempt, "");
    evidence.log = log_end(&place.log);
    let Some(note) = read(&place.dir).filter(|note| note.attempt == *attempt) else { return };
    evidence.process = Some(note.process);
    if place.dir.is_dir() {
        list(&place.dir, evidence);
        evidence.folder = Some(place.dir.clone());
    }
    if let Some(values) = left(&beside(&place.dir, ".output")) {
        evidence.files.push(values);
    }
}

fn list(dir: &Path, evidence: &mut Evidence) {
    let mut folders = vec![dir.to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            seen += 1;
            // One that left a million files is not gone through for a list of fifty.
            if seen > limits::EVIDENCE_SEEN {
                return;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ if evidence.files.len() >= limits::EVIDENCE_FILES => evidence.more_files += 1,
                _ => evidence.files.extend(left(&entry.path())),
            }
        }
    }
    evidence.files.sort_by(|a, b| a.path.cmp(&b.path));
}

fn left(path: &Path) -> Option<FileLeft> {
    let known = fs::symlink_metadata(path).ok()?;
    let modified = known.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let modified_at = modified.and_then(|since| Time::try_from(since.as_millis()).ok());
    Some(FileLeft { path: path.to_owned(), size: known.len(), modified_at })
}

fn log_end(path: &Path) -> Option<LogEnd> {
    let mut reader = LogReader::new(path);
    let mut lines = std::collections::VecDeque::new();
    let mut before = 0;
    while let Ok(Some(line)) = reader.next_line() {
        if lines.len() == limits::EVIDENCE_LINES {
            lines.pop_front();
            before += 1;
        }
        lines.push_back(String::from_utf8_lossy(&line.text).into_owned());
    }
    (!lines.is_empty()).then(|| LogEnd { file: path.to_owned(), lines: lines.into(), before })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{LogStream, LogWriter};

    fn attempt() -> AttemptId {
        AttemptId { stream: StreamId::new("r_a"), path: "pay".into(), number: 1 }
    }

    fn evidence() -> Evidence {
        blank(&Unsure { attempt: attempt(), key: "r_a/pay".into(), probe: "pay!verify".into() })
    }

    #[test]
    fn only_the_folder_of_a_noted_attempt_is_kept_and_its_first_end_counts() {
        let work = tempfile::tempdir().unwrap();
        let [once, other] = ["r_a-1", "r_a-2"].map(|name| work.path().join(name));
        for dir in [&once, &other] {
            fs::create_dir(dir).unwrap();
            fs::write(beside(dir, ".output"), "{}").unwrap();
        }
        begins(&once, &attempt(), 1_000);
        begun(&once, 7);
        ended(&once, ProcessEnd { at: 2_000, exit_code: Some(0), ended: false });
        ended(&once, ProcessEnd { at: 3_000, exit_code: None, ended: true });
        ended(&other, ProcessEnd { at: 3_000, exit_code: None, ended: true });
        let found = crate::executors::process::left_in(work.path()).unwrap();
        let left = Left::of(found);
        assert_eq!(left.noted, [(attempt(), once.clone())]);
        assert_eq!(left.rest.len(), 2, "{:?}", left.rest);
        let process = read(&once).unwrap().process;
        let end = process.end.unwrap();
        assert_eq!(process.pid, Some(7));
        assert_eq!((end.at, end.exit_code), (2_000, Some(0)));
        remove(&once);
        remove_left(&left.rest);
        assert_eq!(fs::read_dir(work.path()).unwrap().count(), 0);
    }

    #[test]
    fn p11_evidence_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let place = home.place(&attempt(), "");
        fs::create_dir_all(place.dir.join("deep")).unwrap();
        begins(&place.dir, &attempt(), 1_000);
        for n in 0..limits::EVIDENCE_FILES + 5 {
            fs::write(place.dir.join("deep").join(format!("{n}")), "x").unwrap();
        }
        let mut log = LogWriter::new(&place.log, 1 << 20);
        for n in 0..limits::EVIDENCE_LINES + 3 {
            log.write(1_000, LogStream::Out, format!("line {n}\n").as_bytes());
        }
        log.flush();
        let mut known = evidence();
        look(&home, &attempt(), &mut known);
        assert_eq!((known.files.len(), known.more_files), (limits::EVIDENCE_FILES, 5));
        let end = known.log.unwrap();
        assert_eq!((end.lines.len(), end.before), (limits::EVIDENCE_LINES, 3));
        assert_eq!(end.lines[0], "line 3");
        for n in 0..limits::EVIDENCE_SEEN {
            fs::write(place.dir.join("deep").join(format!("more {n}")), "").unwrap();
        }
        let mut known = evidence();
        look(&home, &attempt(), &mut known);
        assert!(known.files.len() + known.more_files <= limits::EVIDENCE_SEEN);
    }
}
