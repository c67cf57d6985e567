//! Where nothing can be drawn: one line per change of a state, and no escape sequences.

use std::collections::HashMap;
use std::fmt::Write as _;

use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::run::event::{Lost, Verdict};
use stead_core::run::{Event, StepError};
use stead_core::status::{Outcome, RunStatus};

use super::picture::{Happened, Picture};
use crate::face::Face;
use crate::text;
use crate::tree::{in_short, outcome_word, waits_line};

/// Rows that failed and are told of, each for itself.
const FAILED_ROWS: usize = 10;

/// Columns of the word of a state.
const WORD: usize = 10;

/// The line about something that happened; `None` where nobody's state changed by it.
pub fn line(happened: &Happened, face: Face) -> Option<String> {
    let (word, what, more) = told(happened, face)?;
    let took = happened.took.filter(|took| *took > 0).map(text::duration);
    let mut line = format!("{} {} {what}", text::clock(happened.row.at), text::pad(word, WORD));
    for part in took.into_iter().chain(more.into_iter().filter(|part| !part.is_empty())) {
        line.push_str("  ");
        line.push_str(&text::clean(&part));
    }
    Some(line)
}

/// How far rows were told to be: of a million of them not each is told of.
#[derive(Debug, Default)]
pub struct Advance {
    /// Twentieths, by the step whose items they are.
    told: HashMap<String, u64>,
    /// Rows that failed and were told of.
    failed: usize,
}

impl Advance {
    /// The lines about something that happened: each failed row up to a few, and how many rows have ended, twenty times
    /// on the way.
    pub fn lines(&mut self, happened: &Happened, face: Face) -> Vec<String> {
        if !happened.in_row {
            return line(happened, face).into_iter().collect();
        }
        let Some((step, items)) = &happened.rows else { return Vec::new() };
        let clock = text::clock(happened.row.at);
        let mut lines = Vec::new();
        let failed = matches!(
            &happened.event,
            Event::AttemptEnded { error: Some(error), .. }
                | Event::ChildEnded { error: Some(error), .. }
                | Event::StepFailed { error, .. } if error.outcome != Outcome::Cancelled
        );
        if failed {
            self.failed += 1;
            if self.failed <= FAILED_ROWS {
                lines.extend(line(happened, face));
            } else if self.failed == FAILED_ROWS + 1 {
                lines.push(format!(
                    "{clock} {} more rows; `stead results` has all",
                    text::pad("failed", WORD)
                ));
            }
        }
        let (done, total) = (u64::from(items.done), u64::from(items.total.max(1)));
        let part = done * 20 / total;
        let place = format!("{}{step}", happened.prefix);
        let told = self.told.entry(place.clone()).or_default();
        // It goes back where rows are tried again.
        if part != *told {
            *told = part;
            let mut line =
                format!("{clock} {} {}  {done} of {total}", text::pad("ended", WORD), text::clean(&place));
            if let Some(failed) = items.failed.filter(|failed| *failed > 0) {
                let _ = write!(line, ", {failed} failed");
            }
            lines.push(line);
        }
        lines
    }
}

/// The line about a run that began before: `resumed`, `watching`.
pub fn joined(word: &str, picture: &Picture, run: &StreamId, now: Time, face: Face) -> String {
    let mut line = format!("{} {} run {run}", text::clock(now), text::pad(word, WORD));
    let Some(head) = picture.head(run) else { return line };
    let word = outcome_word(head.status, head.outcome);
    let _ = write!(line, "  {}@{}  {word}", text::clean(&head.workflow), text::short(&head.revision));
    for waits in head.waits_for.iter().take(3) {
        let _ = write!(line, "  {}", waits_line(waits, now));
    }
    if let Some(error) = &head.error {
        let _ = write!(line, "  {}", text::clean(&in_short(error, face)));
    }
    line
}

/// The word of the new state, what it is about, and more.
fn told(happened: &Happened, face: Face) -> Option<(&'static str, String, Vec<String>)> {
    let at = |path: &str| format!("{}{}", happened.prefix, text::clean(path));
    let run = || format!("run {}", happened.row.run);
    let now = happened.row.at;
    Some(match &happened.event {
        Event::RunCreated { workflow, revision, .. } if happened.root => {
            ("started", run(), vec![format!("{workflow}@{}", text::short(revision))])
        }
        Event::RunCompleted { outcome, .. } if happened.root => ("completed", run(), vec![besides(*outcome)]),
        Event::RunFailed { error } if happened.root => {
            let outcome = outcome_word(RunStatus::Failed, Some(error.outcome));
            let outcome = if error.outcome == Outcome::Error { String::new() } else { outcome };
            ("failed", run(), vec![outcome, whose(error, face)])
        }
        Event::RunCancelled if happened.root => ("cancelled", run(), vec![]),
        Event::CancelRequested { by, reason, force } => {
            let force = if *force { "by force" } else { "" };
            let reason = reason.clone().unwrap_or_default();
            ("cancelling", run(), vec![format!("by {by}"), force.to_owned(), reason])
        }
        Event::Went { path, from, to, .. } => {
            let from = if path.is_empty() { from.clone() } else { format!("{path}/{from}") };
            ("went", at(&from), vec![format!("-> {to}")])
        }
        Event::JoinDecided { path, error: None } => {
            ("decided", at(path), vec!["enough parts have completed".to_owned()])
        }
        Event::GroupStarted { path, .. } | Event::LoopStarted { path, .. } => ("running", at(path), vec![]),
        Event::ForeachStarted { path, count, .. } => {
            ("running", at(path), vec![text::count(*count as usize, "item")])
        }
        Event::AttemptStarted { path, number, .. } => ("running", at(path), vec![tries(*number)]),
        Event::RunPaused { by, at: None } => ("paused", run(), vec![format!("by {by}")]),
        Event::RunPaused { at: Some(step), .. } => ("paused", run(), vec![format!("before {step}")]),
        Event::RunReopened { by, drop, .. } => {
            ("retried", run(), vec![format!("by {by}"), format!("{} again", text::count(drop.len(), "step"))])
        }
        Event::RunResumed { by } => ("resumed", run(), vec![format!("by {by}")]),
        Event::FinishRequested { path, reason } => ("finishing", at(path), vec![reason.clone()]),
        Event::AttemptQueued { path, .. } => ("queued", at(path), vec![]),
        Event::AttemptBegan { path, number, .. } => ("running", at(path), vec![tries(*number)]),
        Event::ChildStarted { path, number, run, workflow, .. } => {
            ("running", at(path), vec![tries(*number), format!("run {run} {workflow}")])
        }
        Event::PlaceAsked { path, key, .. } => {
            let whose = if path.is_empty() { run() } else { at(path) };
            ("waiting", whose, vec![format!("for a place for `{key}`")])
        }
        Event::PlaceGranted { path, .. } => {
            let whose = if path.is_empty() { run() } else { at(path) };
            ("running", whose, vec!["it has its place".to_owned()])
        }
        Event::PlaceRefused { path, error, .. } => {
            let whose = if path.is_empty() { run() } else { at(path) };
            ("ending", whose, vec![text::clean(&error.message)])
        }
        // Of the run itself it is the reason of the cancel that follows.
        Event::PlaceRevoked { path, .. } if path.is_empty() => return None,
        Event::PlaceRevoked { path, by, .. } => {
            ("ending", at(path), vec![format!("run {by} gets its place")])
        }
        Event::WaitStarted { path, until, .. } => {
            ("waiting", at(path), vec![format!("{} more", text::remaining(*until - now))])
        }
        Event::BudgetSpent { path, error } if path.is_empty() => ("stopping", run(), vec![own(error, face)]),
        Event::BudgetSpent { path, error } => ("stopping", at(path), vec![own(error, face)]),
        Event::SignalAwaited { path, name, .. } => ("waiting", at(path), vec![format!("for signal {name}")]),
        Event::SignalCame { path: Some(path), name, by, .. } => {
            ("completed", at(path), vec![format!("signal {name} by {by}")])
        }
        Event::SignalCame { path: None, name, by, .. } => {
            ("kept", run(), vec![format!("signal {name} by {by}, no wait is open for it")])
        }
        Event::TaskOpened { path, title, by, due_at, .. } => {
            let due = due_at.map(|at| format!("due in {}", text::remaining(at - now))).unwrap_or_default();
            ("asking", at(path), vec![text::clean(title), format!("of {}", text::clean(&by.join(", "))), due])
        }
        Event::TaskEnded { path, ended, by, error, .. } => {
            let who = if by.is_empty() { String::new() } else { format!("by {}", by.join(", ")) };
            let word = match error {
                None => "completed",
                Some(error) if error.outcome == Outcome::Cancelled => "cancelled",
                Some(_) => "failed",
            };
            (
                word,
                at(path),
                vec![ended.to_string(), who, error.as_ref().map(|e| own(e, face)).unwrap_or_default()],
            )
        }
        Event::DocumentMade { path, document, version, findings, error, .. } => {
            let what = format!("{} version {version}", text::clean(document));
            let found = match findings.as_slice() {
                [] => String::new(),
                all => format!("misses its schema: {}", text::clean(&all.join("; "))),
            };
            (if error.is_some() { "failed" } else { "made" }, at(path), vec![what, found])
        }
        Event::DocumentAccepted { path, document, version, by } => {
            let who = if by.is_empty() { String::new() } else { format!("by {}", by.join(", ")) };
            ("accepted", at(path), vec![format!("{} version {version}", text::clean(document)), who])
        }
        Event::RedoAsked { path, gate, step, .. } => {
            let inside = |id: &str| if path.is_empty() { id.to_owned() } else { format!("{path}/{id}") };
            ("back", at(&inside(gate)), vec![format!("-> {step}")])
        }
        Event::SignalTaken { path, .. } => {
            ("completed", at(path), vec!["a signal that came before".to_owned()])
        }
        Event::SignalSent { path, name, .. } => ("completed", at(path), vec![format!("signal {name} sent")]),
        Event::SignalRefused { name, by, why } => {
            ("refused", run(), vec![format!("signal {name} by {by}: {why}")])
        }
        Event::AttemptEnded { path, number, error: Some(error), retry_at: Some(next), .. }
        | Event::ChildEnded { path, number, error: Some(error), retry_at: Some(next), .. } => {
            let again = format!("again in {}", text::remaining(*next - now));
            ("waiting", at(path), vec![format!("try {number} failed"), own(error, face), again])
        }
        Event::AttemptEnded { path, error: None, .. } => ("completed", at(path), vec![]),
        Event::ChildEnded { path, error: None, outcome, .. } => {
            ("completed", at(path), vec![besides(*outcome)])
        }
        Event::AttemptEnded { path, error: Some(error), .. }
        | Event::ChildEnded { path, error: Some(error), .. }
            if error.outcome == Outcome::Cancelled =>
        {
            ("cancelled", at(path), vec![])
        }
        Event::AttemptEnded { path, error: Some(error), .. }
        | Event::ChildEnded { path, error: Some(error), .. } => ("failed", at(path), vec![own(error, face)]),
        Event::AttemptLost { path, number, then } => {
            let then = match then {
                Lost::Again => "it is made again",
                Lost::Parked => "whether it happened is not known: somebody has to settle it",
                Lost::Over => "it is over",
                Lost::Later => "it is made again once the run goes on",
            };
            ("lost", at(path), vec![format!("try {number}"), then.to_owned()])
        }
        Event::AttemptSettled { path, verdict, by, .. } => {
            let verdict = match verdict {
                Verdict::Done(_) => "done",
                Verdict::Again => "again",
                Verdict::Failed => "failed",
            };
            ("settled", at(path), vec![verdict.to_owned(), format!("by {by}")])
        }
        // The block of the document ends with the run.
        Event::StepCompleted { path, .. }
        | Event::StepFailed { path, .. }
        | Event::StepCancelled { path }
            if path.is_empty() =>
        {
            return None;
        }
        Event::StepCompleted { path, outcome, .. } => ("completed", at(path), vec![besides(*outcome)]),
        Event::StepFailed { path, error, .. } => {
            let message = if error.step == *path { own(error, face) } else { format!("by {}", error.step) };
            ("failed", at(path), vec![message])
        }
        Event::StepSkipped { path } => ("skipped", at(path), vec![]),
        Event::StepBlocked { path, by } => ("blocked", at(path), vec![format!("by {by}")]),
        Event::StepCancelled { path } => ("cancelled", at(path), vec![]),
        Event::RunCreated { .. }
        | Event::BudgetSet { .. }
        | Event::RunStarted { .. }
        | Event::RunCompleted { .. }
        | Event::RunFailed { .. }
        | Event::RunCancelled
        | Event::AttemptEnding { .. }
        | Event::JoinDecided { .. }
        | Event::Redone { .. }
        | Event::UndoReady { .. }
        | Event::BlockEnding { .. }
        | Event::VarsComputed { .. }
        | Event::StepEnding { .. }
        | Event::Late { .. } => return None,
    })
}

fn tries(number: u32) -> String {
    if number > 1 { format!("try {number}") } else { String::new() }
}

fn besides(outcome: Outcome) -> String {
    if outcome == Outcome::Ok { String::new() } else { outcome.to_string() }
}

fn own(error: &StepError, face: Face) -> String {
    in_short(&error.message, face)
}

fn whose(error: &StepError, face: Face) -> String {
    let message = own(error, face);
    if error.step.is_empty() { message } else { format!("{}: {message}", error.step) }
}
