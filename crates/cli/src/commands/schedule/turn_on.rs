//! Turning schedules on.

use serde_json::json;
use stead_engine::schedules::{ScheduleAnswer, ScheduleOperation, ScheduleRow, Times};
use stead_lang::plan::TriggerOn;

use super::{ask, strange};
use crate::args::{ScheduleAdd, ScheduleOn};
use crate::commands::length::length;
use crate::definition::{self, Origin, Ready};
use crate::error::CliError;
use crate::exit::Exit;
use crate::here::{Here, actor};
use crate::inputs;
use crate::out;
use crate::text;

/// What a workflow declares.
pub(super) fn on(here: &Here, args: &ScheduleOn) -> Result<Exit, CliError> {
    let Ready { origin, bundle, warnings, .. } = definition::ready(here, &args.file)?;
    out::say(&warnings);
    let operation = ScheduleOperation::TurnOn {
        bundle,
        number: number(&origin),
        only: args.only.clone(),
        project: args.project.clone(),
        folder: here.project().display().to_string(),
        by: actor(),
    };
    tell(here, ask(here, operation)?, args.json)
}

/// Times that no definition declares.
pub(super) fn add(here: &Here, args: &ScheduleAdd) -> Result<Exit, CliError> {
    let Ready { origin, bundle, plan, warnings } = definition::ready(here, &args.file)?;
    out::say(&warnings);
    let jitter = u64::try_from(length("--jitter", &args.jitter)?.as_millis()).unwrap_or(u64::MAX);
    let sources = inputs::Sources {
        here,
        file: &args.file,
        given: &args.inputs,
        input_file: args.input_file.as_deref(),
        dry: false,
        project: None,
    };
    let inputs = inputs::gather(&plan, &sources)?;
    let times = Times {
        name: args.name.clone().unwrap_or_else(|| plan.name.clone()),
        cron: args.cron.clone(),
        zone: args.tz.clone(),
        overlap: args.overlap.into(),
        missed: args.missed.into(),
        jitter,
    };
    let operation = ScheduleOperation::Add {
        bundle,
        number: number(&origin),
        times,
        inputs,
        project: args.project.clone(),
        folder: here.project().display().to_string(),
        by: actor(),
    };
    tell(here, ask(here, operation)?, args.json)
}

fn number(origin: &Origin) -> Option<u32> {
    match origin {
        Origin::Saved { number, .. } => Some(*number),
        Origin::File(_) | Origin::Inline => None,
    }
}

fn tell(here: &Here, answer: ScheduleAnswer, as_json: bool) -> Result<Exit, CliError> {
    let schedules = match answer {
        ScheduleAnswer::On { schedules } => schedules,
        other => return Err(strange(other)),
    };
    if as_json {
        for row in &schedules {
            let mut record = json!(row);
            record["type"] = json!("on");
            out::json(&record)?;
        }
        return Ok(Exit::Done);
    }
    for row in &schedules {
        out::answer(&line(row))?;
    }
    out::note(&format!("it starts runs while an engine holds the home: {}", here.command("serve")));
    Ok(Exit::Done)
}

fn line(row: &ScheduleRow) -> String {
    let zone = match &row.on {
        TriggerOn::Time { zone, .. } => format!(" ({zone})"),
        TriggerOn::Hook { .. } => String::new(),
    };
    let next = row.next.first().map(|next| format!("; next {}", next.local)).unwrap_or_default();
    format!("{} is on: {}{zone}{next}\n", text::clean(&row.name), row.words)
}
