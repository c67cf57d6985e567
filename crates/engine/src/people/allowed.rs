//! What may be done about a run or a task, by the rights of who asks.

use serde_json::{Map, Value};
use stead_core::run::Again;
use stead_store::Reader;

use super::Caller;
use super::admit::would_admit;
use crate::home::Home;
use crate::operations::{Answer, Operation, Receivers, Settlement};
use crate::reads::Reads;
use crate::tasks::{Deed, TaskAnswer, TaskOperation};

/// Puts into an answer what the rights of who asks do not allow. How things stand has said the rest.
pub(crate) fn by_rights<R: Reader>(reads: &mut Reads<R>, home: &Home, caller: &Caller, answer: &mut Answer) {
    let (id, actions, is_run) = match answer {
        Answer::Status { view } => (view.run.to_string(), &mut view.allowed_actions, true),
        Answer::Task(TaskAnswer::Task { task }) => (task.task.to_string(), &mut task.allowed_actions, false),
        _ => return,
    };
    for action in actions.iter_mut().filter(|action| action.allowed) {
        let operation = if is_run { on_run(&action.action, &id) } else { on_task(&action.action, &id) };
        let Some(mut operation) = operation else { continue };
        if let Err(why) = would_admit(reads, home, caller, &mut operation) {
            (action.allowed, action.why) = (false, Some(why.to_string()));
        }
    }
}

fn on_run(action: &str, run: &str) -> Option<Operation> {
    let (run, by) = (run.to_owned(), String::new());
    Some(match action {
        "cancel" => Operation::Cancel { run, by, reason: None, force: false },
        "pause" => Operation::Pause { run, by, now: false },
        "resume" => Operation::Resume { run, by },
        "retry" => Operation::Retry { run, by, again: Again::Failed, inputs: Map::new(), dry_run: false },
        "settle" => Operation::Settle { run, step: String::new(), verdict: Settlement::Again, by },
        "signal" => Operation::Signal {
            to: Receivers::Run(run),
            name: String::new(),
            step: None,
            data: Value::Null,
            id: None,
            by,
        },
        _ => return None,
    })
}

fn on_task(action: &str, task: &str) -> Option<Operation> {
    let deed = match action {
        "decide" => Deed::Decide { accept: true, comment: String::new(), form: None, version: None },
        "answer" => Deed::Answer { answers: Value::Null, comment: String::new(), version: None },
        "claim" => Deed::Claim,
        "release" => Deed::Release,
        "skip" => Deed::Skip { reason: String::new() },
        "delegate" => Deed::Delegate { to: String::new() },
        _ => return None,
    };
    Some(Operation::Task(TaskOperation::Act { task: task.to_owned(), deed, by: String::new() }))
}
