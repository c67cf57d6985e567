//! What somebody does about a task, as an input of it.

use serde_json::{Value, json};
use stead_core::ids::StreamId;
use stead_core::people::Register;
use stead_core::task::{Act, Input, Question, TaskKind, TaskState};
use stead_store::{Reader, StoreError};

use super::{Deed, TaskAnswer, TaskRow};
use crate::error::EngineError;
use crate::reads::Reads;

/// What a deed is, as in "may not decide on a task".
pub(crate) fn deed_of(deed: &Deed) -> &'static str {
    match deed {
        Deed::Decide { .. } => "decide on a task",
        Deed::Answer { .. } => "answer questions",
        Deed::Claim => "claim a task",
        Deed::Release => "give a task back",
        Deed::Skip { .. } => "skip a task",
        Deed::Delegate { .. } => "give a task to somebody else",
    }
}

/// What a deed writes.
pub(crate) struct Wanted {
    /// To which task.
    pub(crate) task: StreamId,
    /// Who has claimed it, where they are gone: it is given back first.
    pub(crate) gone: Option<String>,
    /// The deed.
    pub(crate) input: Input,
}

/// What a deed writes, and to which task. What is handed in is held against the form here, before anything is
/// written.
pub(crate) fn written<R: Reader>(
    reads: &mut Reads<R>,
    wanted: &str,
    deed: Deed,
    by: &str,
) -> Result<Wanted, EngineError> {
    let id = reads.task_named(wanted)?.task;
    let (state, asked) = reads.task_state(&id)?;
    let actor = reads.somebody(by)?.in_project(&asked.origin.project)?.clone();
    let open = !state.status.is_end() && state.may(&actor).is_ok();
    let act = match deed {
        Deed::Claim => Act::Claim,
        Deed::Release => Act::Release,
        Deed::Skip { reason } => Act::Skip { reason },
        Deed::Decide { accept, comment, form, version } => {
            // Who may not, comes too late or takes it for something else is told that, and not what is wrong with
            // the form.
            let form = if open && asked.kind == TaskKind::Gate {
                decided(reads, &id, &asked, accept, form)?
            } else {
                form
            };
            Act::Decide { accept, comment, form, version }
        }
        Deed::Answer { answers, comment, version } => {
            if open && asked.kind == TaskKind::Questions {
                fits(reads, &id, &asked, &answers)?;
            }
            Act::Answer { answers, comment, version }
        }
        Deed::Delegate { to } => Act::Delegate { to: receiver(reads, &state, &asked, &to)? },
    };
    let gone = match (&state.claim, reads.register()?) {
        (Some(claim), Some(register)) if is_gone(&register, &claim.by) => Some(claim.by.clone()),
        _ => None,
    };
    Ok(Wanted { task: id, gone, input: Input::Act { actor, act } })
}

/// Whether one who has claimed something is not among the people any more. Programs of steps never are.
pub(crate) fn is_gone(register: &Register, who: &str) -> bool {
    !who.contains('/') && register.canonical(who).is_err()
}

/// The form that goes with a decision. One that accepts fills it in; one that rejects may.
fn decided<R: Reader>(
    reads: &mut Reads<R>,
    id: &StreamId,
    asked: &Question,
    accept: bool,
    form: Option<Value>,
) -> Result<Option<Value>, EngineError> {
    if asked.form.is_none() {
        return match form {
            None => Ok(None),
            Some(_) => Err(EngineError::FormMisfit {
                task: id.to_string(),
                problems: vec!["the gate has no form, and something was filled in".to_owned()],
            }),
        };
    }
    if form.is_none() && !accept {
        return Ok(None);
    }
    let form = form.unwrap_or_else(|| json!({}));
    fits(reads, id, asked, &form)?;
    Ok(Some(form))
}

fn fits<R: Reader>(
    reads: &mut Reads<R>,
    id: &StreamId,
    asked: &Question,
    value: &Value,
) -> Result<(), EngineError> {
    let Some(form) = &asked.form else { return Ok(()) };
    let schema = reads.value_of(id, form)?;
    let problems = stead_lang::inputs::misfits(&schema, value);
    match problems.is_empty() {
        true => Ok(()),
        false => Err(EngineError::FormMisfit { task: id.to_string(), problems }),
    }
}

/// Whom a task is given to, by the one name of the history. One who may not act on it is refused.
fn receiver<R: Reader>(
    reads: &mut Reads<R>,
    state: &TaskState,
    asked: &Question,
    to: &str,
) -> Result<String, EngineError> {
    let Some(register) = reads.register()? else {
        let named = to.contains(':');
        return Ok(if named { to.to_owned() } else { format!("user:{to}") });
    };
    let actor = register.actor(to, &asked.origin.project).map_err(StoreError::from)?;
    if let Some(barred) = asked.not.iter().find(|who| actor.is(who)) {
        let why = format!("{} may not act on it: `not` names {barred}", actor.user);
        return Err(EngineError::Refused { id: state.id.to_string(), why });
    }
    Ok(actor.user)
}

impl<R: Reader> Reads<R> {
    /// How a task stands behind a deed.
    pub(crate) fn acted(&mut self, task: &StreamId) -> Result<TaskAnswer, EngineError> {
        let listed = self.reader_mut().task(task)?;
        let listed = listed.ok_or_else(|| EngineError::NoTask {
            wanted: task.to_string(),
            why: "it is not there any more".to_owned(),
        })?;
        Ok(TaskAnswer::Acted {
            task: Box::new(TaskRow { task: listed.task, head: listed.head, draft_at: None }),
        })
    }
}
