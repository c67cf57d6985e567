//! `stead logs`: what the programs of a run printed.

mod choose;
mod lines;
mod print;

use std::time::{Duration, Instant};

use stead_engine::operations::{Answer, LogFile, Operation};

use super::runs::moment;
use crate::args::Logs;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, unexpected};
use crate::out;
use crate::text;
use choose::{Chosen, Wanted};
use lines::Merged;
use print::Printer;

/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How often the list of logs is read again.
const LIST: Duration = Duration::from_secs(1);

/// Prints logs.
///
/// # Errors
/// When there is no such run or step, or a log cannot be read.
pub fn logs(here: &Here, args: &Logs) -> Result<Exit, CliError> {
    let grep = match &args.grep {
        None => None,
        Some(text) => Some(regex::Regex::new(text).map_err(|e| {
            CliError::usage(codes::ARGUMENT, format!("`{text}` is no regular expression"))
                .detail(e.to_string())
        })?),
    };
    let now = text::now();
    let time =
        |name: &str, text: &Option<String>| text.as_deref().map(|text| moment(name, text, now)).transpose();
    let (from, to) = (time("--since", &args.since)?, time("--until", &args.until)?);
    let (named, step) = match args.run.as_deref().and_then(|run| run.split_once('/')) {
        Some((run, step)) => (Some(run), Some(step)),
        None => (args.run.as_deref(), None),
    };
    if step.is_some() && args.step.is_some() {
        let error = CliError::usage(codes::ARGUMENT, "a step is named twice");
        return Err(error.hint("RUN/STEP and RUN --step STEP say the same: give one"));
    }
    let run = here.which(named)?;
    here.say_which(named, &run);
    let wanted = Wanted { step: step.or(args.step.as_deref()), attempt: args.attempt };
    let view = match here.ask(Operation::Status { run })? {
        Answer::Status { view } => *view,
        other => return Err(unexpected(&other)),
    };
    let run = view.run.to_string();
    let all = list(here, &run)?;
    let only_failed = args.failed
        || (!args.all && wanted.is_everything() && view.status == stead_core::status::RunStatus::Failed);
    let Chosen { files, note } = choose::choose(&view, &all, &wanted, only_failed)?;
    if let Some(note) = note {
        out::note(&note);
    }
    if files.is_empty() && !args.follow {
        return Ok(Exit::Done);
    }
    let mut printer = Printer::new(here.out, args, grep, &run);
    printer.between(from, to);
    printer.prefixed(&files, wanted.step.is_some() && files.len() < 2, args.follow);
    let mut merged = Merged::default();
    merged.add(here, &run, &files);
    if !args.follow {
        merged.drain(args.raw, true, &mut |line| printer.take(&line))?;
        printer.finish()?;
        return Ok(Exit::Done);
    }
    follow(here, &run, &wanted, &mut merged, &mut printer, args.raw)
}

fn list(here: &Here, run: &str) -> Result<Vec<LogFile>, CliError> {
    match here.ask(Operation::Logs { run: run.to_owned() })? {
        Answer::Logs { logs, .. } => Ok(logs),
        other => Err(unexpected(&other)),
    }
}

/// Prints what is there and what comes, until the run has ended.
fn follow(
    here: &Here,
    run: &str,
    wanted: &Wanted<'_>,
    merged: &mut Merged,
    printer: &mut Printer<'_>,
    raw: bool,
) -> Result<Exit, CliError> {
    merged.drain(raw, false, &mut |line| printer.take(&line))?;
    printer.go_on()?;
    let mut listed = Instant::now();
    let mut ended = false;
    loop {
        // What was printed before the end is there when the end is seen: one more look, and that was all.
        merged.drain(raw, ended, &mut |line| printer.take(&line))?;
        printer.flush()?;
        if ended {
            printer.finish()?;
            return Ok(Exit::Done);
        }
        std::thread::sleep(LOOK);
        if listed.elapsed() < LIST {
            continue;
        }
        listed = Instant::now();
        ended = match here.ask(Operation::Status { run: run.to_owned() })? {
            Answer::Status { view } => view.status.is_end(),
            other => return Err(unexpected(&other)),
        };
        let files: Vec<LogFile> = list(here, run)?.into_iter().filter(|file| wanted.fits(file)).collect();
        merged.add(here, run, &files);
    }
}
