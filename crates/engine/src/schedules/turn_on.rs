//! What a schedule is made of, and what is done about one.

use stead_core::schedule::{Given, Input, Spec};
use stead_lang::cron::{Cron, Zone};
use stead_lang::names;
use stead_lang::plan::{Plan, TriggerOn};

use super::ScheduleError;
use super::operations::{Change, ScheduleOperation};
use crate::error::EngineError;

/// The schedules that an operation turns on, for a definition that was checked.
pub(crate) fn specs(plan: &Plan, operation: &ScheduleOperation) -> Result<Vec<Spec>, EngineError> {
    let spec = |name: &str, on: TriggerOn, given: Given, number: Option<u32>, at: (&str, &str, &str)| Spec {
        name: name.to_owned(),
        workflow: plan.name.clone(),
        revision: plan.revision.clone(),
        number,
        on,
        given,
        project: at.0.to_owned(),
        folder: at.1.to_owned(),
        owner: at.2.to_owned(),
    };
    match operation {
        ScheduleOperation::TurnOn { number, only, project, folder, by, .. } => {
            let all: Vec<(String, usize)> = plan
                .triggers
                .iter()
                .zip(0..)
                .map(|(trigger, at)| (trigger.called(&plan.name, at), at))
                .collect();
            let none = |name: Option<&String>| ScheduleError::NoTrigger {
                workflow: plan.name.clone(),
                name: name.cloned(),
                known: all.iter().map(|(name, _)| name.clone()).collect(),
            };
            if let Some(unknown) = only.iter().find(|only| !all.iter().any(|(name, _)| name == *only)) {
                return Err(none(Some(unknown)).into());
            }
            if all.is_empty() {
                return Err(none(None).into());
            }
            let wanted = all.iter().filter(|(name, _)| only.is_empty() || only.contains(name));
            let at = (project.as_str(), folder.as_str(), by.as_str());
            Ok(wanted
                .map(|(name, trigger)| {
                    let on = plan.triggers[*trigger].on.clone();
                    spec(name, on, Given::Trigger(*trigger), *number, at)
                })
                .collect())
        }
        ScheduleOperation::Add { number, times, inputs, project, folder, by, .. } => {
            if let Err(wrong) = names::workflow(&times.name) {
                let help = "a name is of small letters, digits and single `-` between them";
                return Err(ScheduleError::Wrong { why: wrong.message, help }.into());
            }
            let cron = Cron::parse(&times.cron).map_err(ScheduleError::Cron)?.text().to_owned();
            let zone = Zone::named(&times.zone).map_err(ScheduleError::Zone)?.name().to_owned();
            if times.jitter > stead_lang::limits::JITTER_MILLIS {
                let why = "runs are spread over a day at most".to_owned();
                return Err(ScheduleError::Wrong { why, help: "name a shorter time" }.into());
            }
            let inputs = stead_lang::inputs::check_inputs(plan, inputs)
                .map_err(|diagnostics| EngineError::Invalid { diagnostics })?;
            let (overlap, missed, jitter) = (times.overlap, times.missed, times.jitter);
            let on = TriggerOn::Time { cron, zone, overlap, missed, jitter };
            let at = (project.as_str(), folder.as_str(), by.as_str());
            Ok(vec![spec(&times.name, on, Given::Values(inputs), *number, at)])
        }
        _ => Err(EngineError::bug(&"another operation was taken for one that turns on")),
    }
}

/// What a change is to the stream.
pub(crate) fn change(change: &Change, by: String) -> Input {
    match change {
        Change::Pause { until } => Input::Pause { by, until: *until },
        Change::Resume => Input::Resume { by },
        Change::Skip => Input::Skip { by },
        Change::Now => Input::Now { by },
        Change::Off => Input::TurnOff { by },
    }
}
