//! `stead pause`: nothing new begins in a run until it is resumed.

use serde_json::json;
use stead_engine::operations::{Answer, Operation};

use crate::args::Pause;
use crate::error::CliError;
use crate::exit::Exit;
use crate::here::{Here, actor, unexpected};
use crate::out;

/// Pauses a run.
///
/// # Errors
/// When there is no such run, it has ended or is ending, or another process holds the home.
pub fn pause(here: &Here, args: &Pause) -> Result<Exit, CliError> {
    let operation = Operation::Pause { run: args.run.clone(), by: actor(), now: args.now };
    let run = match here.ask(operation)? {
        Answer::Done { run } => run,
        other => return Err(unexpected(&other)),
    };
    let view = match here.ask(Operation::Status { run: run.to_string() })? {
        Answer::Status { view } => view,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        out::json(&json!({"type": "paused", "run": run, "status": view.status}))?;
    } else {
        out::answer(&format!("{run} {}\n", view.status))?;
        out::note(&format!("next: {}", here.command(&format!("resume {run}"))));
    }
    Ok(Exit::Done)
}
