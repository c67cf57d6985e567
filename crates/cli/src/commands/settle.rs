//! `stead settle`: what an attempt came to whose end is not known.

use serde_json::{Value, json};
use stead_engine::operations::{Answer, Operation, Settlement};

use crate::args::Settle;
use crate::error::CliError;
use crate::exit::Exit;
use crate::here::{Here, actor, unexpected};
use crate::out;

/// Settles a parked attempt.
///
/// # Errors
/// When there is no such run, the step waits for nobody, or another process holds the home.
pub fn settle(here: &Here, args: &Settle) -> Result<Exit, CliError> {
    let verdict = match &args.done {
        Some(text) => {
            Settlement::Done(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())))
        }
        None if args.again => Settlement::Again,
        None => Settlement::Failed,
    };
    let operation = Operation::Settle {
        run: args.run.clone(),
        step: args.step.clone(),
        verdict: verdict.clone(),
        by: actor(),
    };
    let run = match here.ask(operation)? {
        Answer::Done { run } => run,
        other => return Err(unexpected(&other)),
    };
    let view = match here.ask(Operation::Status { run: run.to_string() })? {
        Answer::Status { view } => view,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        out::json(
            &json!({"type": "settled", "run": run, "step": args.step, "verdict": verdict, "status": view.status}),
        )?;
    } else {
        out::answer(&format!("{run} {} settled\n", args.step))?;
    }
    if !view.status.is_end() {
        out::note(&format!("next: {}", here.command(&format!("resume {run}"))));
    }
    Ok(Exit::Done)
}
