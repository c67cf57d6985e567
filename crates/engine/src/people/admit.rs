//! The one place where an operation is let through: who acts, and whether they may.

use std::os::unix::fs::MetadataExt as _;

use stead_core::ids::StreamId;
use stead_core::people::{Actor, Edit, Refusal, Register, User, fold};
use stead_platform::peer;
use stead_store::people::People as _;
use stead_store::sqlite::SqliteStore;
use stead_store::{Reader, StoreError};

use super::caller::system_user;
use super::rights::{decides, is_noted};
use super::seen::{About, narrow};
use super::who::top;
use super::{Caller, PeopleError, Right, deed, right_of};
use crate::access::{Proof, held, holder, lets};
use crate::error::EngineError;
use crate::home::Home;
use crate::library::open::now;
use crate::limits;
use crate::operations::Operation;
use crate::reads::Reads;
use crate::schedules::{ScheduleError, ScheduleOperation};
use crate::tasks::TaskOperation;

/// Lets an operation through: puts the name of who acts into it, or says why they may not. Whoever acts under
/// another's name is noted among the changes of the people, before it is done.
pub(crate) fn admit<R: Reader>(
    reads: &mut Reads<R>,
    home: &Home,
    caller: &Caller,
    operation: &mut Operation,
) -> Result<(), EngineError> {
    let_through(reads, home, caller, operation, true)
}

/// Whether an operation would be let through, or why not. Nothing is noted.
pub(crate) fn would_admit<R: Reader>(
    reads: &mut Reads<R>,
    home: &Home,
    caller: &Caller,
    operation: &mut Operation,
) -> Result<(), EngineError> {
    let_through(reads, home, caller, operation, false)
}

fn let_through<R: Reader>(
    reads: &mut Reads<R>,
    home: &Home,
    caller: &Caller,
    operation: &mut Operation,
    noting: bool,
) -> Result<(), EngineError> {
    let right = right_of(operation);
    if right == Right::Deliver {
        return delivers(caller, operation);
    }
    let register = reads.register()?;
    if register.is_none() && caller.steps.is_empty() && caller.wanted.is_none() && caller.proof.is_none() {
        // Works alone: the name is the one that the caller has put in.
        return Ok(());
    }
    if right == Right::None {
        return Ok(());
    }
    let about = About::of(reads, operation)?;
    let actor = identity(reads, home, caller, about.project())?;
    if let Some(proof) = &caller.proof {
        lets(&held(reads.reader_mut(), proof)?, operation)?;
    }
    if let Some(register) = register.as_deref()
        && narrow(reads, register, &actor, &about, operation)?
    {
        return Ok(());
    }
    if let Some(role) = right.role().filter(|role| !actor.has(*role)) {
        let (user, deed) = (actor.user, deed(operation));
        return Err(match actor.agent && !role.is_for_agents() {
            true => PeopleError::Agent { user, deed, role },
            false => PeopleError::Lacks {
                user,
                deed,
                role,
                roles: actor.roles,
                project: about.project().map(str::to_owned),
                admins: admins(register.as_deref()),
            },
        }
        .into());
    }
    if let Some(own) = worked_for(reads, caller, operation)? {
        let (user, deed) = (actor.user, deed(operation));
        return Err(PeopleError::OwnRun { user, run: own.to_string(), deed }.into());
    }
    let theirs = register.as_ref().and_then(|register| register.canonical(system_user()).ok());
    if noting && caller.wanted.is_some() && is_noted(operation) && theirs.as_ref() != Some(&actor.user) {
        note(home, &actor, operation)?;
    }
    if !actor.alone
        && let Some(by) = operation.by_mut()
    {
        *by = actor.user;
    }
    Ok(())
}

/// Only who has signed for a webhook delivers, and only to that.
fn delivers(caller: &Caller, operation: &Operation) -> Result<(), EngineError> {
    match (&caller.proof, operation) {
        (Some(Proof::Hook(signed)), Operation::Schedule(ScheduleOperation::Deliver { hook, .. }))
            if signed == hook =>
        {
            Ok(())
        }
        _ => Err(ScheduleError::HookUnknown.into()),
    }
}

/// The run that an operation decides on, where the caller is a program of it, or of a run that one of its programs has
/// started.
fn worked_for<R: Reader>(
    reads: &mut Reads<R>,
    caller: &Caller,
    operation: &Operation,
) -> Result<Option<StreamId>, EngineError> {
    if caller.steps.is_empty() || !decides(operation) {
        return Ok(None);
    }
    let about = match operation {
        Operation::Task(TaskOperation::Act { task, .. }) => {
            reads.task_named(task).map(|task| task.head.origin.top)
        }
        other => match other.run().map(|run| reads.find(run)) {
            Some(Ok(run)) => top(reads.reader_mut(), &run),
            _ => return Ok(None),
        },
    };
    // What is not there is told by the operation itself.
    let Ok(about) = about else { return Ok(None) };
    for step in &caller.steps {
        if top(reads.reader_mut(), &step.run)? == about {
            return Ok(Some(about));
        }
    }
    Ok(None)
}

/// Who a caller is, with the roles that hold in a project; without one everywhere.
pub(crate) fn identity<R: Reader>(
    reads: &mut Reads<R>,
    home: &Home,
    caller: &Caller,
    project: Option<&str>,
) -> Result<Actor, EngineError> {
    if let Some(step) = caller.step() {
        return match &caller.wanted {
            Some(_) => Err(PeopleError::StepAs { user: step.id() }.into()),
            None => Ok(Actor::of_step(&step.id(), top(reads.reader_mut(), &step.run)?)),
        };
    }
    if let Some(proof) = &caller.proof {
        let key = held(reads.reader_mut(), proof)?;
        return holder(&key, reads.register()?.as_deref(), project);
    }
    let system = system_user();
    let Some(register) = reads.register()? else {
        return match &caller.wanted {
            Some(name) if fold(name) != fold(system) => {
                Err(StoreError::from(Refusal::Unknown { name: name.clone(), near: None }).into())
            }
            _ => Ok(Actor::alone(&format!("user:{system}"))),
        };
    };
    let Some(name) = &caller.wanted else {
        return match register.user(system) {
            Ok(_) => acting(&register, system, project),
            Err(refusal) => {
                let removed = matches!(refusal, Refusal::Removed { .. });
                let (system, owner) = (system.to_owned(), owned(home).is_ok());
                Err(PeopleError::Stranger { system, removed, owner, admins: admins(Some(&register)) }.into())
            }
        };
    };
    let actor = acting(&register, name, project)?;
    // One's own name is no other one.
    if register.canonical(system).ok().as_ref() != Some(&actor.user) {
        owned(home).map_err(|why| PeopleError::NotOwner { why })?;
    }
    Ok(actor)
}

fn acting(register: &Register, name: &str, project: Option<&str>) -> Result<Actor, EngineError> {
    let actor = match project {
        Some(project) => register.actor(name, project),
        None => register.actor_everywhere(name),
    };
    actor.map_err(|refusal| StoreError::from(refusal).into())
}

fn admins(register: Option<&Register>) -> Vec<String> {
    let name = |user: &User| user.name.clone();
    let all = register.map(Register::admins).unwrap_or_default();
    all.into_iter().take(limits::ADMINS_NAMED).map(name).collect()
}

/// Whether the home is this user's alone; else why not.
fn owned(home: &Home) -> Result<(), String> {
    let folder = home.root();
    let known = std::fs::metadata(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    if known.uid() != peer::own_user() {
        return Err(format!("{} belongs to another user of the system", folder.display()));
    }
    match known.mode() & 0o077 {
        0 => Ok(()),
        _ => Err(format!("{} is open to others (mode {:o})", folder.display(), known.mode() & 0o777)),
    }
}

/// Notes that somebody acts under another's name.
fn note(home: &Home, actor: &Actor, operation: &Operation) -> Result<(), EngineError> {
    let system = system_user();
    let about = operation.run().map(|run| format!(" ({run})")).unwrap_or_default();
    let what = format!("to {}{about}; the system's user is {system}", deed(operation));
    let note = Edit::Acted { user: actor.user.clone(), what };
    let mut store = SqliteStore::open(&home.database())?;
    store.edit_people(&[note], now(), &format!("user:{system}"))?;
    Ok(())
}
