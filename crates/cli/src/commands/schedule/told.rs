//! Schedules, told.

use std::fmt::Write as _;

use stead_core::schedule::{Cause, Past, SkipWhy, Status, What};
use stead_engine::schedules::{ClockChange, Coming, ScheduleAnswer, ScheduleNow, ScheduleOperation, preview};
use stead_lang::plan::{Missed, Overlap, TriggerOn};

use super::{ask, instant, strange, width, zone_named};
use crate::args::{ScheduleList, ScheduleNext, ScheduleShow};
use crate::error::CliError;
use crate::exit::Exit;
use crate::face::Ink;
use crate::here::Here;
use crate::out;
use crate::table::Table;
use crate::text;

/// Those that are on.
pub(super) fn list(here: &Here, args: &ScheduleList) -> Result<Exit, CliError> {
    let schedules = match ask(here, ScheduleOperation::List { project: args.project.clone() })? {
        ScheduleAnswer::Schedules { schedules } => schedules,
        other => return Err(strange(other)),
    };
    if args.json {
        for row in &schedules {
            out::json(row)?;
        }
        return Ok(Exit::Done);
    }
    if schedules.is_empty() {
        out::note("no schedule is on");
        out::note(&format!("next: {}", here.command("schedule on WORKFLOW")));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["NAME", "WORKFLOW", "STATE", "RULE", "ZONE", "NEXT", "LAST"]);
    for row in &schedules {
        let (ink, state) = state(row.status);
        let zone = match &row.on {
            TriggerOn::Time { zone, .. } => zone.clone(),
            TriggerOn::Hook { .. } => String::new(),
        };
        let next: Vec<String> = row.next.iter().map(|next| minute(&next.local)).collect();
        let workflow = match (row.number, row.newest) {
            (Some(number), Some(newest)) => format!("{}@{number} (newest @{newest})", row.workflow),
            (Some(number), None) => format!("{}@{number}", row.workflow),
            _ => row.workflow.clone(),
        };
        table.row(vec![
            (Ink::Bold, row.name.clone()),
            (Ink::Plain, workflow),
            (ink, state),
            (Ink::Plain, row.words.clone()),
            (Ink::Plain, zone),
            (Ink::Plain, next.join(", ")),
            (Ink::Dim, row.last.as_ref().map(past).unwrap_or_default()),
        ]);
    }
    out::answer(&table.render(width(), here.out))?;
    Ok(Exit::Done)
}

/// One with all there is to tell.
pub(super) fn show(here: &Here, args: &ScheduleShow) -> Result<Exit, CliError> {
    let operation = ScheduleOperation::Show { schedule: args.schedule.clone(), count: args.count };
    let schedule = match ask(here, operation)? {
        ScheduleAnswer::Schedule { schedule } => schedule,
        other => return Err(strange(other)),
    };
    if args.json {
        out::json(&schedule)?;
        return Ok(Exit::Done);
    }
    out::answer(&told(&schedule))?;
    Ok(Exit::Done)
}

fn told(schedule: &ScheduleNow) -> String {
    let row = &schedule.row;
    let mut out = String::new();
    let mut line = |what: &str, said: &str| {
        // Writing to a text does not fail.
        let _ = writeln!(out, "{what:<10} {}", text::clean(said));
    };
    line("schedule", &row.name);
    line("state", &state(row.status).1);
    let number = row.number.map(|number| format!("@{number}")).unwrap_or_default();
    let newer = row.newest.map(|newest| format!(", the newest is @{newest}")).unwrap_or_default();
    line("workflow", &format!("{}{number} ({}){newer}", row.workflow, text::short(&row.revision)));
    match &row.on {
        TriggerOn::Time { cron, zone, overlap, missed, jitter } => {
            line("rule", &format!("{cron}: {} ({zone})", row.words));
            let overlap = match overlap {
                Overlap::Skip => "a time at which a run is under way is left out",
                Overlap::Queue => "a time at which a run is under way waits for it",
                Overlap::Cancel => "a run that is under way is cancelled",
            };
            line("overlap", overlap);
            let missed = match missed {
                Missed::None => "what passed while nothing ran does not count",
                Missed::Latest => "of what passed while nothing ran the newest counts",
                Missed::All => "all that passed while nothing ran counts",
            };
            line("missed", missed);
            if *jitter > 0 {
                line("jitter", &text::duration(i64::try_from(*jitter).unwrap_or(i64::MAX)));
            }
        }
        TriggerOn::Hook { .. } => line("webhook", &row.words),
    }
    line("owner", &row.owner);
    if !row.project.is_empty() {
        line("project", &row.project);
    }
    if let Some(inputs) = schedule.inputs.as_ref().filter(|inputs| !inputs.is_empty()) {
        line("inputs", &serde_json::to_string(inputs).unwrap_or_default());
    }
    line("runs", &format!("{} started, {} left out, {} missed", row.started, row.skipped, row.missed));
    for run in &row.running {
        line("under way", run.as_str());
    }
    if row.waiting > 0 {
        line("waiting", &row.waiting.to_string());
    }
    if !row.next.is_empty() {
        out.push_str("\nnext\n");
        out.push_str(&times(&row.next, &schedule.clock));
    }
    if !schedule.history.is_empty() {
        out.push_str("\nhistory\n");
        let now = text::now();
        for one in &schedule.history {
            let _ = writeln!(out, "  {}  {}", text::moment(one.at, now), text::clean(&past(one)));
        }
    }
    out
}

/// The next times of a rule.
pub(super) fn next(_: &Here, args: &ScheduleNext) -> Result<Exit, CliError> {
    let zone = zone_named(&args.tz)?;
    let after = match &args.after {
        None => None,
        Some(written) => Some(instant(&zone, "--after", written, -1)?),
    };
    let preview = preview(&args.cron, &args.tz, after, args.count)?;
    if args.json {
        out::json(&preview)?;
        return Ok(Exit::Done);
    }
    out::note(&format!("{} ({})", preview.words, preview.zone));
    out::answer(&times(&preview.next, &preview.clock))?;
    Ok(Exit::Done)
}

/// A line for each time, and for each change of the clock among them.
fn times(next: &[Coming], clock: &[ClockChange]) -> String {
    let mut out = String::new();
    let mut clock = clock.iter().peekable();
    for one in next {
        while let Some(change) = clock.next_if(|change| change.at <= one.at) {
            let way = if change.by > 0 { "forward" } else { "back" };
            let by = text::duration(i64::from(change.by.abs()) * 1_000);
            let _ = writeln!(out, "  -- clocks go {way} by {by}, to {}", change.local);
        }
        let moved = if one.moved { "  (the clock jumps over the time itself)" } else { "" };
        let _ = writeln!(out, "  {}{moved}", one.local);
    }
    out
}

fn state(status: Status) -> (Ink, String) {
    match status {
        Status::On => (Ink::Green, "on".to_owned()),
        Status::Off => (Ink::Dim, "off".to_owned()),
        Status::Halted => (Ink::Red, "halted".to_owned()),
        Status::Paused { until: None } => (Ink::Yellow, "paused".to_owned()),
        Status::Paused { until: Some(until) } => {
            (Ink::Yellow, format!("paused until {}", text::moment(until, text::now())))
        }
    }
}

/// `2027-03-28 03:00+02:00`
fn minute(local: &str) -> String {
    match (local.get(..16), local.get(19..)) {
        (Some(minute), Some(offset)) => format!("{}{offset}", minute.replace('T', " ")),
        _ => local.to_owned(),
    }
}

/// What was, in words.
fn past(past: &Past) -> String {
    match &past.what {
        What::Ran { run, cause, status, outcome } => {
            format!("{} {run}: {status} ({outcome})", why(cause))
        }
        What::Skipped { cause, why: SkipWhy::StillRunning { run } } => {
            format!("{} skipped: previous still running ({run})", why(cause))
        }
        What::Skipped { cause, why: SkipWhy::QueueFull } => {
            format!("{} skipped: as many wait as may", why(cause))
        }
        What::Skipped { cause, why: SkipWhy::Replaced } => {
            format!("{} skipped: a newer one took its place", why(cause))
        }
        What::Skipped { cause, why: SkipWhy::Asked { by } } => {
            format!("{} skipped: {by} wanted it so", why(cause))
        }
        What::Missed { first, last, count, more } => {
            let more = if *more { "more than " } else { "" };
            let (first, last) = (text::instant(*first), text::instant(*last));
            format!("missed {more}{count}, from {first} to {last}: nothing ran")
        }
        What::NotStarted { cause, why: reason } => format!("{} not started: {reason}", why(cause)),
    }
}

fn why(cause: &Cause) -> String {
    let at = text::instant(cause.instant());
    match cause {
        Cause::Due { .. } => at,
        Cause::Missed { .. } => format!("{at} (missed)"),
        Cause::Backfill { .. } => format!("{at} (backfill)"),
        Cause::Now { by, .. } => format!("now, by {by}"),
        Cause::Delivery { id, .. } => format!("delivery {id}"),
    }
}
