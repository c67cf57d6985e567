//! `stead cancel`: ends a run.

use serde_json::json;
use stead_engine::operations::{Answer, Operation};

use crate::args::Cancel;
use crate::error::CliError;
use crate::exit::Exit;
use crate::here::{Here, actor, unexpected};
use crate::out;

/// Ends a run.
///
/// # Errors
/// When there is no such run, it has ended, or another process holds the home.
pub fn cancel(here: &Here, args: &Cancel) -> Result<Exit, CliError> {
    let (run, reason) = (args.run.clone(), args.reason.clone());
    let operation = Operation::Cancel { run, by: actor(), reason, force: args.force };
    let run = match here.ask(operation)? {
        Answer::Done { run } => run,
        other => return Err(unexpected(&other)),
    };
    let status = match here.ask(Operation::Status { run: run.to_string() })? {
        Answer::Status { view } => view.status,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        out::json(&json!({"type": "cancelled", "run": run, "status": status}))?;
    } else {
        out::answer(&format!("{run} {status}\n"))?;
        if !status.is_end() {
            // Where no engine holds the home, undo and `finally` are for the next one.
            out::note(
                "it ends once what is under way has ended and was undone; `stead resume` goes on if nothing does",
            );
        }
    }
    Ok(Exit::Done)
}
