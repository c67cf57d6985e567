//! `stead run`: starts a run and follows it to its end.

use std::time::Instant;

use stead_core::ids::StreamId;
use stead_core::run::event::Breaks;
use stead_engine::engine::draw_run;
use stead_engine::operations::Operation;
use stead_lang::plan::Plan;

use super::dry_run;
use super::library::offer;
use crate::args::{Follow, Run};
use crate::commands::length::length;
use crate::definition::{self, Ready};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::follow::{Answers, Following, Wish, conclude};
use crate::here::{Here, actor};
use crate::inputs;
use crate::out;

/// Runs a workflow.
///
/// # Errors
/// When the definition or an input is wrong, or the home cannot be used.
pub fn run(here: &Here, args: &Run) -> Result<Exit, CliError> {
    let wish = wish(&args.follow)?;
    let Ready { origin, bundle, plan, warnings } = definition::ready(here, &args.file)?;
    out::say(&warnings);
    if let (Some(name), Some(outputs)) = (&args.follow.output, &plan.root.outputs)
        && !outputs.iter().any(|(output, _)| output == name)
    {
        let names: Vec<&str> = outputs.iter().map(|(output, _)| output.as_str()).collect();
        let error = CliError::usage(codes::NO_OUTPUT, format!("`{}` has no output `{name}`", plan.name));
        return Err(error.detail(format!("it has {}", names.join(", "))));
    }
    let sources = inputs::Sources {
        here,
        file: &args.file,
        given: &args.inputs,
        input_file: args.input_file.as_deref(),
        dry: args.dry_run,
        project: Some(&args.project),
    };
    let inputs = inputs::gather(&plan, &sources)?;
    if args.dry_run {
        return dry_run::show(here, &plan, &inputs, args.follow.json);
    }
    let run = draw()?;
    let breaks = breaks(&plan, args)?;
    let mut following = Following::open(here, args.follow.json)?;
    let secrets = following.secrets_of(&bundle);
    // What is offered is asked once for a file of this machine, which its home remembers.
    let asks =
        here.server().is_none() && !args.follow.json && args.follow.output.is_none() && offer::may_ask();
    let offered = asks.then(|| (bundle.clone(), plan.clone(), following.signals.clone()));
    let folder = here.project().display().to_string();
    let project = args.project.clone();
    let start = Operation::Start { run, bundle, inputs, project, folder, breaks, by: actor() };
    following.start(&start, plan, secrets)?;
    let why = following.follow(wish)?;
    let answers = match &args.follow.output {
        _ if args.follow.json => Answers::Records,
        Some(name) => Answers::Output(name),
        None => Answers::Outputs,
    };
    let exit = conclude(following, why, answers)?;
    if let (Exit::Done, Some((bundle, plan, signals))) = (exit, offered) {
        offer::offer(here, &origin, &bundle, &plan, &signals)?;
    }
    Ok(exit)
}

/// Where the run is to stop by itself.
fn breaks(plan: &Plan, args: &Run) -> Result<Breaks, CliError> {
    for step in &args.pause_at {
        if !plan.steps.iter().any(|known| known.path == *step) {
            let error = CliError::usage(codes::NOTHING, format!("`{}` has no step `{step}`", plan.name));
            let near = stead_lang::diagnostic::nearest(step, plan.steps.iter().map(|s| s.path.as_str()));
            return Err(match near {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("the steps are shown by `stead graph {}`", args.file)),
            });
        }
    }
    Ok(Breaks { each: args.pause_each, at: args.pause_at.clone() })
}

/// What the arguments say about following.
///
/// # Errors
/// When the time cannot be understood.
pub fn wish(args: &Follow) -> Result<Wish, CliError> {
    let timeout = args.timeout.as_deref().map(|text| length("--timeout", text)).transpose()?;
    let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    Ok(Wish { no_wait: args.no_wait, until })
}

/// The id of a new run.
pub(super) fn draw() -> Result<StreamId, CliError> {
    Ok(draw_run()?)
}
