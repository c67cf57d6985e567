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
    let operation = Operation::Cancel { run: args.run.clone(), by: actor(), reason: args.reason.clone() };
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
    }
    Ok(Exit::Done)
}
