//! Schedules as they are told of.

use stead_core::Time;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::schedule::{Cause, Given, ScheduleState, Status, What};
use stead_lang::cron::{Cron, Zone};
use stead_lang::plan::{HookFormat, TriggerOn};
use stead_store::Reader;

use super::ScheduleError;
use super::operations::{
    ClockChange, Coming, Preview, ScheduleAnswer, ScheduleNow, ScheduleOperation, ScheduleRow,
};
use crate::driver::load_schedule;
use crate::error::EngineError;
use crate::library::open::now;
use crate::limits;
use crate::reads::Reads;

/// Next times in a list.
const LISTED: usize = 3;

/// The next times of a rule.
///
/// # Errors
/// When it is none, or there is no such zone.
pub fn preview(cron: &str, zone: &str, after: Option<Time>, count: usize) -> Result<Preview, EngineError> {
    let cron = Cron::parse(cron).map_err(ScheduleError::Cron)?;
    let zone = Zone::named(zone).map_err(ScheduleError::Zone)?;
    let after = after.unwrap_or_else(now);
    let next = coming(&cron, &zone, after, count.min(limits::TIMES_LISTED));
    let clock = clock(&zone, after, next.last());
    let (words, text, name) = (cron.words(), cron.text().to_owned(), zone.name().to_owned());
    Ok(Preview { cron: text, words, zone: name, next, clock })
}

fn coming(cron: &Cron, zone: &Zone, after: Time, count: usize) -> Vec<Coming> {
    let all = cron.following(zone, after, count).into_iter();
    all.map(|one| Coming { at: one.at, local: zone.show(one.at), due: None, moved: one.moved }).collect()
}

/// Changes of the clock up to the last of some times.
fn clock(zone: &Zone, after: Time, last: Option<&Coming>) -> Vec<ClockChange> {
    let Some(last) = last else { return Vec::new() };
    let (mut changes, mut from) = (Vec::new(), after);
    while let Some(change) = zone.change(from, last.at).filter(|_| changes.len() < limits::CHANGES_LISTED) {
        changes.push(ClockChange { at: change.at, local: zone.show(change.at), by: change.by });
        from = change.at;
    }
    changes
}

/// The rule of a schedule in words.
fn words(on: &TriggerOn) -> String {
    match on {
        TriggerOn::Time { cron, .. } => Cron::parse(cron).map_or_else(|_| cron.clone(), |cron| cron.words()),
        TriggerOn::Hook { name, format, .. } => {
            let how = match format {
                HookFormat::Standard => "signed as Standard Webhooks has it",
                HookFormat::Github => "signed as GitHub does",
            };
            format!("by a request to /hooks/{name}, {how}")
        }
    }
}

impl<R: Reader> Reads<R> {
    /// Answers what only reads; `None` for what writes.
    pub(crate) fn schedule_operation(
        &mut self,
        operation: &ScheduleOperation,
    ) -> Result<Option<ScheduleAnswer>, EngineError> {
        Ok(Some(match operation {
            ScheduleOperation::List { project } => {
                let all = rows(self)?.into_iter();
                let wanted = all.filter(|row| project.as_ref().is_none_or(|wanted| *wanted == row.project));
                ScheduleAnswer::Schedules { schedules: wanted.collect() }
            }
            ScheduleOperation::Show { schedule, count } => {
                let state = named(self.reader_mut(), schedule)?;
                let schedule = Box::new(self.schedule_now(&state, *count)?);
                ScheduleAnswer::Schedule { schedule }
            }
            ScheduleOperation::Backfill { schedule, from, to, dry_run: true, .. } => {
                let state = named(self.reader_mut(), schedule)?;
                counted(&state, *from, *to)?
            }
            ScheduleOperation::Preview { cron, zone, after, count } => {
                ScheduleAnswer::Times(Box::new(preview(cron, zone, *after, *count)?))
            }
            ScheduleOperation::TurnOn { .. }
            | ScheduleOperation::Add { .. }
            | ScheduleOperation::Change { .. }
            | ScheduleOperation::Deliver { .. }
            | ScheduleOperation::Backfill { .. } => return Ok(None),
        }))
    }

    /// How a schedule stands, after something was done about it.
    pub(crate) fn schedule_changed(
        &mut self,
        id: &StreamId,
        now: bool,
    ) -> Result<ScheduleAnswer, EngineError> {
        let state = load_schedule(self.reader_mut(), id)?.ok_or_else(|| unknown(id.as_str(), None))?;
        let asked = |cause: &Cause| matches!(cause, Cause::Now { number, .. } if *number == state.asked);
        let open = state.open.iter().find(|(_, open)| asked(&open.cause)).map(|(run, _)| run.clone());
        let over = state.history.iter().find_map(|past| match &past.what {
            What::Ran { run, cause, .. } if asked(cause) => Some(run.clone()),
            _ => None,
        });
        let failed = state.history.iter().find_map(|past| match &past.what {
            What::NotStarted { cause, why } if asked(cause) => Some(why.clone()),
            _ => None,
        });
        if let (true, None, Some(why)) = (now, &open.as_ref().or(over.as_ref()), failed) {
            return Err(EngineError::Refused { id: name(&state), why: format!("no run was started: {why}") });
        }
        let run = open.or(over).filter(|_| now);
        Ok(ScheduleAnswer::Changed { schedule: Box::new(self.schedule_row(&state, LISTED)?), run })
    }

    /// The rows of these.
    pub(crate) fn schedules_of(&mut self, ids: &[StreamId]) -> Result<Vec<ScheduleRow>, EngineError> {
        let mut all = Vec::new();
        for id in ids {
            if let Some(state) = load_schedule(self.reader_mut(), id)? {
                all.push(self.schedule_row(&state, LISTED)?);
            }
        }
        Ok(all)
    }

    fn schedule_now(&mut self, state: &ScheduleState, count: usize) -> Result<ScheduleNow, EngineError> {
        let row = self.schedule_row(state, count.min(limits::TIMES_LISTED))?;
        let zone = match &row.on {
            TriggerOn::Time { zone, .. } => Zone::named(zone).ok(),
            TriggerOn::Hook { .. } => None,
        };
        let clock = zone.map_or_else(Vec::new, |zone| clock(&zone, now().max(state.at), row.next.last()));
        let inputs = state.spec.as_ref().and_then(|spec| match &spec.given {
            Given::Values(values) => Some(values.clone()),
            Given::Trigger(_) => None,
        });
        Ok(ScheduleNow { row, inputs, clock, history: state.history.iter().rev().cloned().collect() })
    }

    fn schedule_row(&mut self, state: &ScheduleState, count: usize) -> Result<ScheduleRow, EngineError> {
        let Some(spec) = &state.spec else { return Err(unknown(state.id.as_str(), None)) };
        let newest = self.reader_mut().workflow(&spec.workflow)?.map(|workflow| workflow.newest);
        // It is halted when it next would start something, and is told so before.
        let lost = match state.status {
            Status::Off | Status::Halted => None,
            Status::On | Status::Paused { .. } => super::why_not(self.register()?.as_deref(), spec),
        };
        let status = if lost.is_some() { Status::Halted } else { state.status };
        let next = if status == Status::Halted { Vec::new() } else { next(state, count) };
        Ok(ScheduleRow {
            schedule: state.id.clone(),
            name: spec.name.clone(),
            workflow: spec.workflow.clone(),
            revision: spec.revision.clone(),
            number: spec.number,
            newest: newest.filter(|newest| spec.number.is_some_and(|number| number != *newest)),
            words: words(&spec.on),
            on: spec.on.clone(),
            project: spec.project.clone(),
            owner: spec.owner.clone(),
            status,
            why: lost.or_else(|| state.halted.clone()),
            next,
            running: state.open.keys().take(LISTED).cloned().collect(),
            waiting: state.queue.len(),
            started: state.started,
            skipped: state.skipped,
            missed: state.missed,
            last: state.history.back().cloned(),
        })
    }
}

/// The next times of a schedule; those of one that is paused are those that would come.
fn next(state: &ScheduleState, count: usize) -> Vec<Coming> {
    let Some(spec) = state.spec.as_ref().filter(|_| state.status != Status::Off) else { return Vec::new() };
    let TriggerOn::Time { cron, zone, jitter, .. } = &spec.on else { return Vec::new() };
    let (Ok(cron), Ok(zone)) = (Cron::parse(cron), Zone::named(zone)) else { return Vec::new() };
    let after = match (state.status, state.next) {
        (Status::Paused { until }, next) => {
            until.unwrap_or_else(|| next.map_or_else(now, |next| next.instant - 1)).max(now())
        }
        (_, Some(next)) => next.instant - 1,
        (_, None) => return Vec::new(),
    };
    let mut all = coming(&cron, &zone, after, count);
    if *jitter > 0
        && let (Some(first), Some(next)) = (all.first_mut(), state.next)
        && first.at == next.instant
    {
        first.due = Some(next.due);
    }
    all
}

fn counted(state: &ScheduleState, from: Time, to: Time) -> Result<ScheduleAnswer, EngineError> {
    let refused = |why: &str| EngineError::Refused { id: name(state), why: why.to_owned() };
    let times = match state.spec.as_ref().map(|spec| &spec.on) {
        Some(TriggerOn::Time { cron, zone, .. }) => Cron::parse(cron).ok().zip(Zone::named(zone).ok()),
        _ => None,
    };
    let Some((cron, zone)) = times else { return Err(refused("a webhook has no times")) };
    let to = to.min(now().saturating_add(1));
    let most = stead_core::limits::BACKFILL;
    let mut found = coming(&cron, &zone, from.saturating_sub(1), most + 1);
    found.retain(|one| one.at < to);
    if found.len() > most {
        return Err(refused(&format!("more than {most} times are in that span; ask for a shorter one")));
    }
    match (found.first().cloned(), found.last().cloned()) {
        (Some(first), Some(last)) => Ok(ScheduleAnswer::Counted { count: found.len(), first, last }),
        _ => Err(refused("no time of the rule is in that span, as far as it has passed")),
    }
}

/// All schedules that are on, by name.
fn rows<R: Reader>(reads: &mut Reads<R>) -> Result<Vec<ScheduleRow>, EngineError> {
    let open = reads.reader_mut().open_streams()?.into_iter();
    let ids: Vec<StreamId> = open.filter(|id| id.kind() == StreamKind::Schedule).collect();
    let mut all = reads.schedules_of(&ids)?;
    all.retain(|row| row.status != Status::Off);
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// The schedule of a name, or of an id.
pub(crate) fn named<R: Reader>(reader: &mut R, wanted: &str) -> Result<ScheduleState, EngineError> {
    let id = if wanted.starts_with("s_") { StreamId::new(wanted) } else { StreamId::schedule(wanted) };
    if let Some(state) = load_schedule(reader, &id)?.filter(|state| state.spec.is_some()) {
        return Ok(state);
    }
    let open = reader.open_streams()?.into_iter().filter(|id| id.kind() == StreamKind::Schedule);
    let mut names = Vec::new();
    for id in open {
        names.extend(load_schedule(reader, &id)?.map(|state| name(&state)));
    }
    Err(unknown(wanted, stead_lang::diagnostic::nearest(wanted, names.iter().map(String::as_str))))
}

fn name(state: &ScheduleState) -> String {
    state.spec.as_ref().map_or_else(|| state.id.to_string(), |spec| spec.name.clone())
}

fn unknown(name: &str, nearest: Option<String>) -> EngineError {
    ScheduleError::Unknown { name: name.to_owned(), nearest }.into()
}
