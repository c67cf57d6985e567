//! `stead resume`: goes on with runs that were left or interrupted.

use stead_core::ids::StreamId;
use stead_core::status::RunStatus;
use stead_engine::operations::{Operation, RunQuery};

use super::run::wish;
use crate::args::{Follow, OPEN, Resume};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::follow::{Answers, Before, conclude};
use crate::here::{Here, actor};
use crate::out;
use crate::place::Place;

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
    if let (Some(run), Place::Home(home)) = (&args.run, &here.place)
        && !home.database().exists()
    {
        let error = CliError::usage(codes::NOTHING, format!("there is no run {run}"));
        return Err(error.detail(format!("{} has none", home.root().display())));
    }
    let runs: Vec<StreamId> = match &args.run {
        Some(run) => vec![here.view(run)?.run],
        // As they were: one that goes on quickly may have ended since.
        None => open,
    };
    let mut following = Before::of(here, &runs)?.follow(args.json)?;
    if let (Some(run), Some(_)) = (runs.first(), &args.run)
        && following.view(run.as_str())?.status == RunStatus::Paused
    {
        following.ask(&Operation::Resume { run: run.to_string(), by: actor() })?;
    }
    following.show.resumed(&following.picture);
    following.news()?;
    let why = following.follow(wish)?;
    let answers = match (&args.run, &args.output) {
        _ if args.json => Answers::Records,
        (None, _) => Answers::List,
        (Some(_), Some(name)) => Answers::Output(name),
        (Some(_), None) => Answers::Outputs,
    };
    conclude(following, why, answers)
}
