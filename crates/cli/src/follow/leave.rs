//! Leaving before the end: what is under way is ended safely, and the run can go on later.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded, select};
use stead_core::ids::StreamId;
use stead_core::status::RunStatus;
use stead_engine::engine::Engine;
use stead_engine::operations::{Answer, Operation};

use super::Following;
use crate::error::CliError;
use crate::here::{Here, actor};
use crate::out;
use crate::signals::Leave;
use crate::text;

/// A second Ctrl-C within this time after the first cancels the run, as long as this process still is there.
const SECOND: Duration = Duration::from_secs(2);
/// So long it is there in any case.
const LINGER: Duration = Duration::from_secs(1);

/// What became of the runs that were left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// They can go on.
    Open,
    /// They were cancelled.
    Cancelled,
}

/// Stops the engine. After a Ctrl-C another one soon after cancels the runs.
///
/// # Errors
/// When the engine had stopped because of an error, or the runs cannot be cancelled.
pub fn leave(
    here: &Here,
    engine: Engine,
    runs: &[StreamId],
    signals: &Receiver<Leave>,
    why: Option<Leave>,
) -> Result<Left, CliError> {
    let begun = Instant::now();
    let under_way = engine.under_way();
    if why.is_some() && under_way > 0 {
        out::note(&format!("leaving: {} ended", what(under_way)));
    }
    if why == Some(Leave::Interrupt) {
        out::note("Ctrl-C again cancels the run");
    }
    // The engine waits for what it ends, and for what must not be cut off; meanwhile signals are listened to.
    let hurry = engine.hurry();
    if why == Some(Leave::Terminate) {
        hurry.now();
    }
    let mut told = false;
    let (stopped, stopping) = bounded(1);
    let stop = move || {
        // Nobody waits any more only when this process is on its way out.
        let _ = stopped.send(engine.stop());
    };
    let thread = std::thread::Builder::new().name("stop".into()).spawn(stop);
    thread.map_err(|e| CliError::machine(format!("no thread can be made: {e}")))?;
    let mut cancel = false;
    let mut result = None;
    loop {
        let linger = why == Some(Leave::Interrupt) && !cancel && begun.elapsed() < LINGER;
        if result.is_some() && !linger {
            break;
        }
        select! {
            recv(signals) -> signal => {
                let again = signal == Ok(Leave::Interrupt) && why == Some(Leave::Interrupt);
                if again && !cancel && begun.elapsed() < SECOND {
                    cancel = true;
                    out::note("cancelling");
                } else if signal.is_ok() {
                    hurry.now();
                }
            }
            recv(stopping) -> stopped => {
                result = Some(stopped.unwrap_or(Ok(())));
                if !linger {
                    break;
                }
            }
            default(Duration::from_millis(20)) => {
                if result.is_none() && !told && begun.elapsed() > SECOND {
                    told = true;
                    out::note("a step that must not be cut off (effect: once) is let finish; Ctrl-C ends it all the same");
                }
            }
        }
    }
    result.unwrap_or(Ok(()))?;
    if !cancel {
        return Ok(Left::Open);
    }
    for run in runs {
        cancel_run(here, run.as_str())?;
    }
    Ok(Left::Cancelled)
}

/// Leaves runs that another process performs: they go on there. After a Ctrl-C another one soon after cancels them.
///
/// # Errors
/// When they cannot be cancelled.
pub fn detach(following: &mut Following<'_>, why: Option<Leave>) -> Result<Left, CliError> {
    let where_it_goes_on = match following.here.server() {
        Some(server) => format!("at the server {}", server.origin()),
        None => {
            let pid = following.seat.carrier().unwrap_or_default();
            format!("in the engine of this home (process {pid})")
        }
    };
    if why.is_some() {
        out::note(&format!("leaving: the run goes on {where_it_goes_on}"));
    }
    if why != Some(Leave::Interrupt) {
        return Ok(Left::Open);
    }
    out::note("Ctrl-C again cancels the run");
    if following.signals.recv_timeout(LINGER) != Ok(Leave::Interrupt) {
        return Ok(Left::Open);
    }
    out::note("cancelling");
    for run in following.picture.roots.clone() {
        if following.view(run.as_str())?.status.is_end() {
            continue;
        }
        let reason = Some("Ctrl-C twice".to_owned());
        following.ask(&Operation::Cancel { run: run.to_string(), by: actor(), reason, force: false })?;
    }
    Ok(Left::Cancelled)
}

fn what(under_way: usize) -> String {
    format!("{} {}", text::count(under_way, "attempt"), if under_way == 1 { "is" } else { "are" })
}

/// Cancels a run whose engine has stopped.
fn cancel_run(here: &Here, run: &str) -> Result<(), CliError> {
    let status = match here.ask_home(Operation::Status { run: run.to_owned() })? {
        Answer::Status { view } => view.status,
        _ => RunStatus::Running,
    };
    if !status.is_end() {
        let reason = Some("Ctrl-C twice".to_owned());
        here.ask_home(Operation::Cancel { run: run.to_owned(), by: actor(), reason, force: false })?;
    }
    Ok(())
}
