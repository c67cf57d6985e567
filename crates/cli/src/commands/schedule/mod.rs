//! `stead schedule`: what starts runs by itself.

mod change;
mod told;
mod turn_on;

use std::io::BufRead as _;

use stead_engine::operations::{Answer, Operation};
use stead_engine::schedules::{Change, ScheduleAnswer, ScheduleOperation, ScheduleRow};
use stead_lang::cron::Zone;
use stead_lang::duration::parse_duration;
use stead_lang::plan::TriggerOn;
use stead_platform::terminal;

use crate::args::{Schedule, ScheduleCommand};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, unexpected};
use crate::out;
use crate::text;

/// Performs a command about schedules.
///
/// # Errors
/// As the command says.
pub fn schedule(here: &Here, args: &Schedule) -> Result<Exit, CliError> {
    match &args.command {
        ScheduleCommand::On(args) => turn_on::on(here, args),
        ScheduleCommand::Add(args) => turn_on::add(here, args),
        ScheduleCommand::List(args) => told::list(here, args),
        ScheduleCommand::Show(args) => told::show(here, args),
        ScheduleCommand::Next(args) => told::next(here, args),
        ScheduleCommand::Pause(args) => change::pause(here, args),
        ScheduleCommand::Resume(args) => change::change(here, args, Change::Resume, "goes on"),
        ScheduleCommand::Skip(args) => change::change(here, args, Change::Skip, "leaves one out"),
        ScheduleCommand::Run(args) => change::change(here, args, Change::Now, "starts a run"),
        ScheduleCommand::Off(args) => change::change(here, args, Change::Off, "is off"),
        ScheduleCommand::Backfill(args) => change::backfill(here, args),
    }
}

fn ask(here: &Here, operation: ScheduleOperation) -> Result<ScheduleAnswer, CliError> {
    match here.ask(Operation::Schedule(operation))? {
        Answer::Schedule(answer) => Ok(answer),
        other => Err(unexpected(&other)),
    }
}

fn strange(answer: ScheduleAnswer) -> CliError {
    unexpected(&Answer::Schedule(answer))
}

/// A schedule as it stands.
fn row_of(here: &Here, schedule: &str) -> Result<ScheduleRow, CliError> {
    match ask(here, ScheduleOperation::Show { schedule: schedule.to_owned(), count: 1 })? {
        ScheduleAnswer::Schedule { schedule } => Ok(schedule.row),
        other => Err(strange(other)),
    }
}

/// Whose clocks count; of a webhook those of UTC.
fn zone_of(row: &ScheduleRow) -> Result<Zone, CliError> {
    match &row.on {
        TriggerOn::Time { zone, .. } => zone_named(zone),
        TriggerOn::Hook { .. } => zone_named("UTC"),
    }
}

fn zone_named(name: &str) -> Result<Zone, CliError> {
    let error = |error: stead_lang::cron::ZoneError| {
        stead_engine::EngineError::from(stead_engine::schedules::ScheduleError::Zone(error))
    };
    Zone::named(name).map_err(|wrong| CliError::from(error(wrong)))
}

/// An instant that somebody has written: `sign` is 1 where a length of time is from now on, -1 where it is ago.
fn instant(zone: &Zone, flag: &str, written: &str, sign: i64) -> Result<i64, CliError> {
    if let Some(at) = zone.instant(written) {
        return Ok(at);
    }
    if let Ok(millis) = parse_duration(written) {
        return Ok(text::now() + sign * i64::try_from(millis).unwrap_or(i64::MAX));
    }
    let error = CliError::usage(codes::ARGUMENT, format!("`{flag} {}` is no time", text::clean(written)));
    Err(error.hint("2h, 2027-03-28, 2027-03-28T06:00 or 2027-03-28T06:00:00Z"))
}

/// Whether somebody at a terminal means it; nobody is asked elsewhere.
fn sure(question: &str) -> bool {
    out::say(&format!("{question} [y/N] "));
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    matches!((read, line.trim()), (Ok(1..), "y" | "Y" | "yes"))
}

fn width() -> Option<usize> {
    let size = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
    size.map(|size| usize::from(size.columns))
}
