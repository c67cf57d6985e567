//! `stead retry`: goes on with runs that have ended. It says first what runs again and what is kept.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use stead_core::ids::StreamId;
use stead_core::run::{Again, Selection};
use stead_core::status::RunStatus;
use stead_engine::operations::{Answer, Operation, RunQuery};

use super::run::wish;
use crate::args::Retry;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::follow::{Answers, Before, conclude};
use crate::here::{Here, actor, unexpected};
use crate::inputs;
use crate::out;
use crate::text;

/// Paths listed of what runs again, at most: the rest is counted.
const LISTED: usize = 20;

/// Goes on with a run, or with all failed ones.
///
/// # Errors
/// When there is no such run, nothing in it is to be done, or the engine fails.
pub fn retry(here: &Here, args: &Retry) -> Result<Exit, CliError> {
    let wish = wish(&args.follow)?;
    let again = match (&args.from, &args.only) {
        (Some(step), _) => Again::From(step.clone()),
        (None, Some(step)) => Again::Only(step.clone()),
        (None, None) => Again::Failed,
    };
    let wanted: Vec<String> = match &args.run {
        Some(run) => vec![run.clone()],
        None => failed(here, args.workflow.clone())?,
    };
    if wanted.is_empty() {
        out::note("no run has failed");
        return Ok(Exit::Done);
    }
    let mut chosen: Vec<(StreamId, Operation)> = Vec::new();
    for run in wanted {
        let inputs = changes(here, &run, &args.inputs)?;
        let asked = |dry_run| {
            let (run, again, inputs) = (run.clone(), again.clone(), inputs.clone());
            Operation::Retry { run, by: actor(), again, inputs, dry_run }
        };
        let (run, selection) = match here.ask(asked(true))? {
            Answer::Retry { run, selection } => (run, selection),
            other => return Err(unexpected(&other)),
        };
        tell(args, &run, &selection)?;
        chosen.push((run, asked(false)));
    }
    if args.dry_run {
        return Ok(Exit::Done);
    }
    let runs: Vec<StreamId> = chosen.iter().map(|(run, _)| run.clone()).collect();
    let mut following = Before::of(here, &runs)?.follow(args.follow.json)?;
    for (_, operation) in chosen {
        following.ask(&operation)?;
    }
    following.show.resumed(&following.picture);
    following.news()?;
    let why = following.follow(wish)?;
    let answers = match (&args.run, &args.follow.output) {
        _ if args.follow.json => Answers::Records,
        (None, _) => Answers::List,
        (Some(_), Some(name)) => Answers::Output(name),
        (Some(_), None) => Answers::Outputs,
    };
    conclude(following, why, answers)
}

fn failed(here: &Here, workflow: Option<String>) -> Result<Vec<String>, CliError> {
    let query = RunQuery { status: vec![RunStatus::Failed], workflow, ..RunQuery::default() };
    Ok(here.runs(query)?.into_iter().map(|row| row.run.to_string()).collect())
}

/// The inputs that are changed, read by the types that the run's definition declares.
fn changes(here: &Here, run: &str, given: &[String]) -> Result<Map<String, Value>, CliError> {
    if given.is_empty() {
        return Ok(Map::new());
    }
    let bundle = match here.ask(Operation::Definition { run: run.to_owned() })? {
        Answer::Definition { bundle, .. } => bundle,
        other => return Err(unexpected(&other)),
    };
    let Some(plan) = stead_lang::check(&bundle).plan else {
        let error = "the definition of the run is not understood by this version";
        return Err(CliError::usage(codes::NOTHING, error));
    };
    inputs::some(&plan, here, given)
}

fn tell(args: &Retry, run: &StreamId, selection: &Selection) -> Result<(), CliError> {
    if args.follow.json {
        return out::json(&json!({
            "type": "retry", "run": run, "again": selection.drop, "kept": selection.kept,
        }));
    }
    let mut told = format!(
        "{run}: {} again, {} kept",
        text::count(selection.drop.len(), "step"),
        text::count(usize::try_from(selection.kept).unwrap_or(usize::MAX), "completed step"),
    );
    for path in selection.drop.iter().take(LISTED) {
        told.push_str("\n  again  ");
        told.push_str(&text::clean(path));
    }
    if selection.drop.len() > LISTED {
        let _ = write!(told, "\n  and {} more", selection.drop.len() - LISTED);
    }
    if args.dry_run {
        told.push('\n');
        out::answer(&told)
    } else {
        told.lines().for_each(out::note);
        Ok(())
    }
}
