//! What is done about a schedule.

use serde_json::json;
use stead_engine::schedules::{Change, ScheduleAnswer, ScheduleOperation};
use stead_platform::terminal;

use super::{ask, instant, row_of, strange, sure, zone_of};
use crate::args::{ScheduleBackfill, ScheduleNamed, SchedulePause};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, actor};
use crate::out;
use crate::text;

/// Pauses it.
pub(super) fn pause(here: &Here, args: &SchedulePause) -> Result<Exit, CliError> {
    let until = match &args.until {
        None => None,
        Some(written) => {
            let zone = zone_of(&row_of(here, &args.schedule)?)?;
            Some(instant(&zone, "--until", written, 1)?)
        }
    };
    let named = ScheduleNamed { schedule: args.schedule.clone(), json: args.json };
    change(here, &named, Change::Pause { until }, "is paused")
}

/// Does something about it.
pub(super) fn change(
    here: &Here,
    args: &ScheduleNamed,
    change: Change,
    what: &str,
) -> Result<Exit, CliError> {
    let operation = ScheduleOperation::Change { schedule: args.schedule.clone(), change, by: actor() };
    let (schedule, run) = match ask(here, operation)? {
        ScheduleAnswer::Changed { schedule, run } => (schedule, run),
        other => return Err(strange(other)),
    };
    if args.json {
        let mut record = json!({"type": "changed", "schedule": schedule});
        if let Some(run) = run {
            record["run"] = json!(run);
        }
        out::json(&record)?;
        return Ok(Exit::Done);
    }
    let name = text::clean(&schedule.name);
    match run {
        Some(run) => out::answer(&format!("{run}\n"))?,
        None => {
            let next = schedule.next.first().map(|next| format!("; next {}", next.local)).unwrap_or_default();
            out::answer(&format!("{name} {what}{next}\n"))?;
        }
    }
    Ok(Exit::Done)
}

/// Starts what was due.
pub(super) fn backfill(here: &Here, args: &ScheduleBackfill) -> Result<Exit, CliError> {
    let zone = zone_of(&row_of(here, &args.schedule)?)?;
    let from = instant(&zone, "--from", &args.from, -1)?;
    let to = instant(&zone, "--to", &args.to, -1)?;
    let operation = |dry_run| ScheduleOperation::Backfill {
        schedule: args.schedule.clone(),
        from,
        to,
        dry_run,
        by: actor(),
    };
    let (count, first, last) = match ask(here, operation(true))? {
        ScheduleAnswer::Counted { count, first, last } => (count, first, last),
        other => return Err(strange(other)),
    };
    if args.dry_run && args.json {
        out::json(&json!({"type": "counted", "count": count, "first": first, "last": last}))?;
        return Ok(Exit::Done);
    }
    if !args.json {
        let runs = text::count(count, "run");
        out::note(&format!("{runs}, one after the other: from {} to {}", first.local, last.local));
    }
    if args.dry_run {
        return Ok(Exit::Done);
    }
    if !args.yes {
        if args.json || !terminal::stdin_is_terminal() {
            let error = CliError::usage(codes::ARGUMENT, "nobody is there to be asked whether this is meant");
            return Err(error.hint("say so with `-y`"));
        }
        if !sure("start them?") {
            out::note("nothing was started");
            return Ok(Exit::Done);
        }
    }
    let schedule = match ask(here, operation(false))? {
        ScheduleAnswer::Changed { schedule, .. } => schedule,
        other => return Err(strange(other)),
    };
    match args.json {
        true => out::json(&json!({"type": "changed", "schedule": schedule, "count": count}))?,
        false => {
            out::answer(&format!("{} starts {}\n", text::clean(&schedule.name), text::count(count, "run")))?;
        }
    }
    Ok(Exit::Done)
}
