//! What an engine does about the one before it, beside its work: programs that still run are ended, and what is left of
//! their folders is removed. Only a step whose own program still runs waits for that.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;
use stead_core::effect::AttemptId;
use stead_platform::process::{Stray, end_each, find_by_attempt};

use super::commands::{Command, clock, reads_of};
use super::desk::lock;
use super::held::{attempt_of, step_of};
use crate::error::EngineError;
use crate::evidence::{self, Left, ProcessEnd};
use crate::executors::process::remove_left;
use crate::home::Home;
use crate::limits::END_GRACE;

/// Programs of attempts of this home that are still there. To be called before any attempt begins: all of them are a
/// dead engine's.
pub(super) fn strays(home: &Home) -> Vec<Stray> {
    of_home(home, find_by_attempt(|_| true))
}

/// Programs of earlier attempts of a step that is made again.
pub(super) fn strays_of(home: &Home, attempt: &AttemptId) -> Vec<Stray> {
    let step = (attempt.stream.clone(), attempt.path.clone());
    let own = attempt.to_string();
    of_home(home, find_by_attempt(|mark| mark != own && step_of(mark).as_ref() == Some(&step)))
}

/// Ends programs of these attempts of this home that an engine which is gone has left, with all that they started, and
/// waits for it. For where no engine is opened.
pub(super) fn end_lost(home: &Home, attempts: &[AttemptId]) {
    if attempts.is_empty() {
        return;
    }
    let wanted: HashSet<String> = attempts.iter().map(ToString::to_string).collect();
    let strays = of_home(home, find_by_attempt(|mark| wanted.contains(mark)));
    end_each(strays, END_GRACE, &ours(home), &mut |_| {});
}

/// Those whose attempt had its folder in this home: a copy of a home has the same runs.
fn of_home(home: &Home, mut found: Vec<Stray>) -> Vec<Stray> {
    if found.is_empty() {
        return found;
    }
    let Ok(work) = home.work().canonicalize() else { return Vec::new() };
    let said: Vec<Option<bool>> = found.iter().map(|stray| says_ours(&work, stray)).collect();
    let known = found.iter().zip(&said).filter(|(_, said)| **said == Some(true));
    let ours: HashSet<String> = known.map(|(stray, _)| stray.attempt.clone()).collect();
    let mut said = said.into_iter();
    // Of a copy of this home there may be programs of the same attempts: each is asked, and only one that does not
    // say goes with its attempt.
    found.retain(|stray| said.next().flatten().unwrap_or_else(|| ours.contains(&stray.attempt)));
    found
}

/// Whether a program says that it had its folder in this one. Nothing: it does not say, as one does not that was
/// started with a part of its environment only.
fn says_ours(work: &Path, stray: &Stray) -> Option<bool> {
    let dir = stray.dir.as_deref()?;
    let parent = dir.parent().and_then(|parent| parent.canonicalize().ok());
    Some(parent.as_deref() == Some(work))
}

/// Whether a program that was found beside those of this home is meant as well.
fn ours(home: &Home) -> impl Fn(&Stray) -> bool + use<> {
    let work = home.work().canonicalize().unwrap_or_else(|_| home.work());
    move |stray| says_ours(&work, stray) != Some(false)
}

/// Threads that clear up beside the engine's work.
#[derive(Clone, Default)]
pub(super) struct Beside(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl Beside {
    /// Waits until they are done: a program that was told to end and has not is not left behind.
    pub(super) fn join(&self) {
        for thread in std::mem::take(&mut *lock(&self.0)) {
            // One that panicked has nothing to tell; what it left is the next engine's.
            let _ = thread.join();
        }
    }
}

/// Ends them, then removes what is left of their folders and not needed, on a thread of its own. Each attempt of which
/// nothing is left is told of at once.
pub(super) fn end_beside(
    beside: &Beside,
    strays: Vec<Stray>,
    left: Left,
    home: &Home,
    grace: Duration,
    commands: Sender<Command>,
) -> Result<(), EngineError> {
    if strays.is_empty() && left.rest.is_empty() && left.noted.is_empty() {
        return Ok(());
    }
    let home = home.clone();
    let end = move || {
        for stray in &strays {
            if let Some(attempt) = attempt_of(&stray.attempt) {
                evidence::begun(&home.place(&attempt, "").dir, stray.id.pid.unsigned_abs());
            }
        }
        end_each(strays, grace, &ours(&home), &mut |attempt| {
            if let Some(attempt) = attempt_of(attempt) {
                let dir = home.place(&attempt, "").dir;
                evidence::ended(&dir, ProcessEnd { at: clock(0), exit_code: None, ended: true });
            }
            // An engine that has gone meanwhile leaves the rest to the next.
            let _ = commands.send(Command::Gone(attempt.to_owned()));
        });
        remove_left(&left.rest);
        let Ok(mut reads) = reads_of(&home) else { return };
        for (attempt, dir) in left.noted {
            // What cannot be looked up now is when the next engine begins.
            if reads.may_be_unsure(&attempt).is_ok_and(|unsure| !unsure) {
                evidence::remove(&dir);
            }
        }
    };
    let thread = std::thread::Builder::new().name("strays".into()).spawn(end);
    lock(&beside.0).push(thread.map_err(|e| EngineError::Stopped(e.to_string()))?);
    Ok(())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use stead_core::ids::StreamId;
    use stead_platform::process::{ATTEMPT_VARIABLE, DIR_VARIABLE};

    use super::*;

    #[test]
    fn programs_of_a_lost_attempt_are_ended_in_their_own_home_only() {
        let folder = tempfile::tempdir().unwrap();
        let (home, copy) = (folder.path().join("home"), folder.path().join("copy"));
        for home in [&home, &copy] {
            std::fs::create_dir_all(home.join("work")).unwrap();
        }
        let path = std::process::id().to_string();
        let attempt = AttemptId { stream: StreamId::new("r_gone"), path, number: 1 };
        let start = |home: &Path| {
            let mut sleep = std::process::Command::new("sleep");
            sleep.arg("60").env(ATTEMPT_VARIABLE, attempt.to_string());
            sleep.env(DIR_VARIABLE, home.join("work/one")).spawn().unwrap()
        };
        let (mut own, mut other) = (start(&home), start(&copy));
        let reaper = std::thread::spawn(move || own.wait().unwrap());
        end_lost(&Home::at(&home), std::slice::from_ref(&attempt));
        assert!(!reaper.join().unwrap().success());
        assert_eq!(other.try_wait().unwrap(), None);
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
