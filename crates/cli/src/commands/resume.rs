//! `stead resume`: goes on with runs that were left or interrupted.

use std::collections::BTreeSet;
use std::sync::Arc;

use stead_core::ids::StreamId;
use stead_core::status::RunStatus;
use stead_engine::operations::{Answer, Operation, RunQuery};
use stead_lang::plan::Plan;

use super::run::wish;
use crate::args::{Follow, OPEN, Resume};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::follow::{Answers, Following, conclude};
use crate::here::{Here, actor};
use crate::out;

/// Goes on with one run, or with all open ones.
///
/// # Errors
/// When there is no such run, or the home cannot be used.
pub fn resume(here: &Here, args: &Resume) -> Result<Exit, CliError> {
    let wish = wish(&Follow {
        json: args.json,
        no_wait: args.no_wait,
        timeout: args.timeout.clone(),
        output: args.output.clone(),
    })?;
    let open = match &args.run {
        Some(_) => Vec::new(),
        None => {
            // One that somebody paused goes on when somebody names it.
            let status = OPEN.iter().copied().filter(|status| *status != RunStatus::Paused).collect();
            let query = RunQuery { status, ..RunQuery::default() };
            here.runs(query)?.into_iter().map(|row| row.run).collect::<Vec<_>>()
        }
    };
    if args.run.is_none() && open.is_empty() {
        out::note("no run is open");
        return Ok(Exit::Done);
    }
    if let Some(run) = &args.run
        && !here.home.database().exists()
    {
        let error = CliError::usage(codes::NOTHING, format!("there is no run {run}"));
        return Err(error.detail(format!("{} has none", here.home.root().display())));
    }
    let mut following = Following::open(here, args.json)?;
    let runs: Vec<StreamId> = match &args.run {
        Some(run) => vec![following.view(run)?.run],
        // As they were: one that goes on quickly may have ended since.
        None => open,
    };
    let mut attended = Vec::new();
    for run in &runs {
        let (plan, secrets) = definition(&mut following, run);
        following.picture.watch(run, plan);
        attended.push((run.clone(), secrets));
    }
    following.picture.tell_apart();
    following.attend(attended)?;
    if let (Some(run), Some(_)) = (runs.first(), &args.run)
        && following.view(run.as_str())?.status == RunStatus::Paused
    {
        following.ask(&Operation::Resume { run: run.to_string(), by: actor() })?;
    }
    for run in &runs {
        following.catch_up(run)?;
    }
    following.show.resumed(&following.picture);
    let why = following.follow(wish)?;
    let answers = match (&args.run, &args.output) {
        _ if args.json => Answers::Records,
        (None, _) => Answers::List,
        (Some(_), Some(name)) => Answers::Output(name),
        (Some(_), None) => Answers::Outputs,
    };
    conclude(following, why, answers)
}

/// The plan of a kept definition, and the secrets it names. Without it a run is shown in one line; that the engine
/// cannot go on with it either is its own business to say.
pub fn definition(following: &mut Following<'_>, run: &StreamId) -> (Option<Arc<Plan>>, BTreeSet<String>) {
    match following.ask(&Operation::Definition { run: run.to_string() }) {
        Ok(Answer::Definition { bundle, .. }) => {
            (stead_lang::check(&bundle).plan, following.secrets_of(&bundle))
        }
        _ => (None, BTreeSet::new()),
    }
}
