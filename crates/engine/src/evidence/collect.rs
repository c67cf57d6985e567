//! What is known of attempts, brought together from the journal, the logs and their folders.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use stead_core::Time;
use stead_core::effect::AttemptId;
use stead_core::run::{Event, Unsure};
use stead_core::value::Payload;
use stead_store::{Reader, Row};

use super::kept::read;
use super::{Evidence, FileLeft, LogEnd, ProbeAnswer};
use crate::error::EngineError;
use crate::executors::process::beside;
use crate::home::Home;
use crate::limits;
use crate::logs::LogReader;

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

pub(super) fn blank(unsure: &Unsure) -> Evidence {
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
pub(super) fn look(home: &Home, attempt: &AttemptId, evidence: &mut Evidence) {
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
