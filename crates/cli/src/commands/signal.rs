//! `stead signal`: sends a signal to a run, or to all open ones that are found.

use serde_json::{Value, json};
use stead_core::run::View;
use stead_engine::operations::{Answer, Operation, Receivers};

use crate::args::Signal;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, actor, unexpected};
use crate::out;

/// Sends a signal.
///
/// # Errors
/// When there is no such run, it takes no more signals, or another process holds the home.
pub fn signal(here: &Here, args: &Signal) -> Result<Exit, CliError> {
    let data = data(args)?;
    let to = match (&args.run, &args.workflow) {
        (Some(run), _) => Receivers::Run(run.clone()),
        (None, workflow) => {
            Receivers::Where { workflow: workflow.clone().unwrap_or_default(), keys: args.keys.clone() }
        }
    };
    let (name, step, id) = (args.name.clone(), args.step.clone(), args.id.clone());
    let operation = Operation::Signal { to, name, step, data, id, by: actor() };
    let runs = match here.ask(operation)? {
        Answer::Signalled { runs } => runs,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        out::json(&json!({"type": "signalled", "name": args.name, "runs": runs}))?;
    }
    for run in &runs {
        let view = match here.ask(Operation::Status { run: run.to_string() })? {
            Answer::Status { view } => view,
            other => return Err(unexpected(&other)),
        };
        if !args.json {
            let kept = if is_kept(&view, &args.name) { ", kept until a wait for it opens" } else { "" };
            out::answer(&format!("{run} {} sent{kept}\n", args.name))?;
        }
        if runs.len() == 1 && !view.status.is_end() {
            out::note(&format!("next: {}", here.command(&format!("resume {run}"))));
        }
    }
    Ok(Exit::Done)
}

/// Whether the run keeps a signal of this name, as far as they are listed.
fn is_kept(view: &View, name: &str) -> bool {
    !view.status.is_end() && view.signals.iter().any(|signal| signal.name == name)
}

fn data(args: &Signal) -> Result<Value, CliError> {
    if let Some(text) = &args.data {
        return Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())));
    }
    let Some(file) = &args.data_file else { return Ok(Value::Null) };
    let read = match file.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()),
        file => std::fs::read_to_string(file),
    };
    let text = read.map_err(|e| CliError::usage(codes::FILE, format!("{file} cannot be read: {e}")))?;
    serde_json::from_str(&text)
        .map_err(|e| CliError::usage(codes::ARGUMENT, format!("{file} is no JSON: {e}")))
}
