//! Routes of what starts runs by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_engine::operations::{Answer, Operation};
use stead_engine::schedules::{
    Change, Coming, Preview, ScheduleAnswer, ScheduleNow, ScheduleOperation, ScheduleRow, Times,
};
use stead_lang::plan::{Missed, Overlap};

use super::route::{number, text, time};
use super::{BASE, Route, definition, of, unexpected};
use crate::call::{Call, NoBody, Reply};
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/schedules", "Schedule.List", "The schedules that are on, by name", list)
        .query(&[text("project", "Only of this project; empty: of none")])
        .gives(of::<SchedulesList>),
    Route::post("/schedules", "Schedule.Add", "Turn on times that no definition declares", add)
        .takes(of::<AddBody>)
        .makes(of::<ScheduleRow>)
        .refuses(&[404, 409, 422]),
    Route::post("/schedules:on", "Schedule.TurnOn", "Turn on what a workflow declares under `triggers`", on)
        .takes(of::<OnBody>)
        .gives(of::<SchedulesList>)
        .refuses(&[404, 409, 422]),
    Route::get("/schedules:next", "Schedule.Preview", "The next times of a rule", preview)
        .query(&[
            text("cron", "The rule: minute, hour, day of the month, month, day of the week"),
            text("zone", "Name of the time zone; without it UTC"),
            time("after", "Behind this instant; without it behind now"),
            number("count", "How many, 10 unless said"),
        ])
        .gives(of::<Preview>)
        .refuses(&[422]),
    Route::get(
        "/schedules/{schedule}",
        "Schedule.Show",
        "One schedule: its next times, and what it did",
        show,
    )
    .query(&[number("count", "How many of its next times, 10 unless said")])
    .gives(of::<ScheduleNow>),
    Route::post(
        "/schedules/{schedule}:pause",
        "Schedule.Change.Pause",
        "Start nothing until it is resumed, or until a time",
        pause,
    )
    .takes(of::<PauseBody>)
    .gives(of::<ScheduleRow>)
    .refuses(&[409]),
    Route::post(
        "/schedules/{schedule}:resume",
        "Schedule.Change.Resume",
        "Go on with a paused schedule",
        resume,
    )
    .takes(of::<NoBody>)
    .gives(of::<ScheduleRow>)
    .refuses(&[409]),
    Route::post("/schedules/{schedule}:skip", "Schedule.Change.Skip", "Leave the next time out", skip)
        .takes(of::<NoBody>)
        .gives(of::<ScheduleRow>)
        .refuses(&[409]),
    Route::post("/schedules/{schedule}:run", "Schedule.Change.Now", "Start a run now, beside the rule", run)
        .takes(of::<NoBody>)
        .gives(of::<RunAsked>)
        .refuses(&[409]),
    Route::post("/schedules/{schedule}:off", "Schedule.Change.Off", "Turn it off; runs under way go on", off)
        .takes(of::<NoBody>)
        .gives(of::<ScheduleRow>)
        .refuses(&[409]),
    Route::post(
        "/schedules/{schedule}:backfill",
        "Schedule.Backfill",
        "Start what was due in a time that has passed, one after the other; with `dry_run` count it",
        backfill,
    )
    .takes(of::<BackfillBody>)
    .gives(of::<Backfilled>)
    .refuses(&[409]),
];

#[derive(Serialize, JsonSchema)]
struct SchedulesList {
    /// The schedules.
    schedules: Vec<ScheduleRow>,
}

fn ask(call: &Call<'_>, operation: ScheduleOperation) -> Result<ScheduleAnswer, Problem> {
    match call.ask(Operation::Schedule(operation))? {
        Answer::Schedule(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
}

fn list(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let answer = ask(call, ScheduleOperation::List { project: call.text("project") })?;
    let ScheduleAnswer::Schedules { schedules } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(SchedulesList { schedules }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OnBody {
    /// A workflow of the library: `NAME`, or `NAME@N` for a revision of it.
    workflow: String,
    /// Only the triggers that are called so; without it all.
    #[serde(default)]
    only: Vec<String>,
    /// The project of its runs; empty for none.
    #[serde(default)]
    project: String,
}

fn on(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let OnBody { workflow, only, project } = call.take()?;
    let (bundle, number) = definition::numbered(call, &workflow)?;
    let folder = call.host.folder.display().to_string();
    let number = Some(number);
    let operation = ScheduleOperation::TurnOn { bundle, number, only, project, folder, by: call.by() };
    let ScheduleAnswer::On { schedules } = ask(call, operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(SchedulesList { schedules }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddBody {
    /// A workflow of the library: `NAME`, or `NAME@N` for a revision of it.
    workflow: String,
    /// What the schedule is called; without it as the workflow.
    #[serde(default)]
    name: Option<String>,
    /// The rule: minute, hour, day of the month, month, day of the week.
    cron: String,
    /// Name of the time zone; without it UTC.
    #[serde(default)]
    zone: Option<String>,
    /// At a time when a run before is under way.
    #[serde(default)]
    overlap: Overlap,
    /// Of times that passed while nothing ran.
    #[serde(default)]
    missed: Missed,
    /// Over how many milliseconds the starts are spread.
    #[serde(default)]
    jitter: u64,
    /// Inputs of its runs by name; what is missing takes its default.
    #[serde(default)]
    inputs: Map<String, Value>,
    /// The project of its runs; empty for none.
    #[serde(default)]
    project: String,
}

fn add(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let body: AddBody = call.take()?;
    let (bundle, number) = definition::numbered(call, &body.workflow)?;
    let name = body.name.or_else(|| bundle.called.clone()).unwrap_or_default();
    let AddBody { cron, zone, overlap, missed, jitter, inputs, project, .. } = body;
    let zone = zone.unwrap_or_else(|| "UTC".to_owned());
    let times = Times { name, cron, zone, overlap, missed, jitter };
    let folder = call.host.folder.display().to_string();
    let number = Some(number);
    let operation = ScheduleOperation::Add { bundle, number, times, inputs, project, folder, by: call.by() };
    let ScheduleAnswer::On { mut schedules } = ask(call, operation)? else { return Err(unexpected()) };
    let Some(row) = schedules.pop() else { return Err(unexpected()) };
    Ok(Reply::made(format!("{BASE}/schedules/{}", row.name), row))
}

fn preview(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Some(cron) = call.text("cron") else {
        return Err(Problem::parameter("cron", "it is needed: the rule"));
    };
    let zone = call.text("zone").unwrap_or_else(|| "UTC".to_owned());
    let (after, count) = (call.time("after")?, call.number("count")?.unwrap_or(10));
    let answer = ask(call, ScheduleOperation::Preview { cron, zone, after, count })?;
    let ScheduleAnswer::Times(preview) = answer else { return Err(unexpected()) };
    Ok(Reply::ok(preview))
}

fn show(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let count = call.number("count")?.unwrap_or(10);
    let operation = ScheduleOperation::Show { schedule: call.named("schedule"), count };
    let ScheduleAnswer::Schedule { schedule } = ask(call, operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(schedule))
}

fn change(call: &Call<'_>, change: Change) -> Result<(ScheduleRow, Option<StreamId>), Problem> {
    let operation = ScheduleOperation::Change { schedule: call.named("schedule"), change, by: call.by() };
    let ScheduleAnswer::Changed { schedule, run } = ask(call, operation)? else { return Err(unexpected()) };
    Ok((*schedule, run))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PauseBody {
    /// Until then, in milliseconds since 1970; without it until it is resumed.
    #[serde(default)]
    until: Option<Time>,
}

fn pause(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let PauseBody { until } = call.take()?;
    Ok(Reply::ok(change(call, Change::Pause { until })?.0))
}

fn resume(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    Ok(Reply::ok(change(call, Change::Resume)?.0))
}

fn skip(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    Ok(Reply::ok(change(call, Change::Skip)?.0))
}

fn off(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    Ok(Reply::ok(change(call, Change::Off)?.0))
}

#[derive(Serialize, JsonSchema)]
struct RunAsked {
    /// The run.
    run: Option<StreamId>,
    /// How the schedule stands.
    schedule: ScheduleRow,
}

fn run(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    let (schedule, run) = change(call, Change::Now)?;
    Ok(Reply::ok(RunAsked { run, schedule }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BackfillBody {
    /// From this instant on, in milliseconds since 1970.
    from: Time,
    /// Before this one; what has not passed yet does not count.
    to: Time,
    /// Only say how many runs that are.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize, JsonSchema)]
struct Backfilled {
    /// How many runs that are.
    count: usize,
    /// The first instant.
    first: Coming,
    /// The last one.
    last: Coming,
    /// How the schedule stands, unless it was only asked.
    schedule: Option<ScheduleRow>,
}

fn backfill(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let BackfillBody { from, to, dry_run } = call.take()?;
    let operation = |dry_run| ScheduleOperation::Backfill {
        schedule: call.named("schedule"),
        from,
        to,
        dry_run,
        by: call.by(),
    };
    let ScheduleAnswer::Counted { count, first, last } = ask(call, operation(true))? else {
        return Err(unexpected());
    };
    if dry_run {
        return Ok(Reply::ok(Backfilled { count, first, last, schedule: None }));
    }
    let answer = ask(call, operation(false))?;
    let ScheduleAnswer::Changed { schedule, .. } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(Backfilled { count, first, last, schedule: Some(*schedule) }))
}
