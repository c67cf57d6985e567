//! Who somebody is by what they carry.

use stead_core::Time;
use stead_core::people::{Actor, Register, Role};
use stead_store::Reader;
use stead_store::access::{AccessReader, Key, KeyKind};

use super::{AccessError, Secret};
use crate::error::EngineError;
use crate::library::open::now;
use crate::operations::Operation;
use crate::people::{Right, deed, right_of};
use crate::tasks::{Deed, TaskOperation};

/// What was found by what somebody carries. It is made by a lookup and by nothing else: it does not cross a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Nothing: whoever asks is to be known by something, and is not.
    Nothing,
    /// The key of this id.
    Key(String),
    /// A request that was signed for the webhook of this name: it delivers, and nothing else.
    Hook(String),
}

/// The key of a secret, if it is of this kind and good.
pub(crate) fn opened<R: AccessReader + ?Sized>(
    reader: &mut R,
    kind: KeyKind,
    secret: &Secret,
) -> Result<Key, EngineError> {
    let key = reader.key_of(&secret.hash())?.filter(|key| key.kind == kind).ok_or(AccessError::Unknown)?;
    is_good(&key, now())?;
    Ok(key)
}

/// Refuses a key that is over.
pub(crate) fn is_good(key: &Key, at: Time) -> Result<(), AccessError> {
    match key.is_over(at) {
        true => Err(AccessError::Over { kind: key.kind, revoked: key.ended.is_some() }),
        false => Ok(()),
    }
}

/// The key behind a proof, as it is now.
pub(crate) fn held<R: Reader + ?Sized>(reader: &mut R, proof: &Proof) -> Result<Key, EngineError> {
    let Proof::Key(id) = proof else { return Err(AccessError::Unproven.into()) };
    let key = reader.key(id)?.ok_or(AccessError::Unknown)?;
    is_good(&key, now())?;
    Ok(key)
}

/// Who a key is for, with the roles that hold in a project; held to its role.
pub(crate) fn holder(
    key: &Key,
    register: Option<&Register>,
    project: Option<&str>,
) -> Result<Actor, EngineError> {
    let register = register.ok_or(AccessError::Gone)?;
    let actor = match project {
        Some(project) => register.actor(&key.person, project),
        None => register.actor_everywhere(&key.person),
    };
    let mut actor = actor.map_err(|_| AccessError::Gone)?;
    if let Some(role) = &key.role {
        // One that is not known lets nothing through.
        let brought = Role::named(role).map(Role::brings).unwrap_or_default();
        actor.roles.retain(|own| brought.iter().any(|role| role.as_str() == own));
    }
    Ok(actor)
}

/// Whether who has a role may also what another one may.
pub(super) fn brings(role: &str, other: Role) -> bool {
    Role::named(role).is_some_and(|role| role.brings().contains(&other))
}

/// Refuses what a link is not to, and what a key that is held to a role may not, where the operation takes no role of its
/// own.
pub(crate) fn lets(key: &Key, operation: &Operation) -> Result<(), AccessError> {
    if key.kind == KeyKind::Link {
        let about = match operation {
            Operation::Task(TaskOperation::Show { task, .. }) => Some(task),
            Operation::Task(TaskOperation::Act {
                task,
                deed: Deed::Decide { .. } | Deed::Answer { .. },
                ..
            }) => Some(task),
            _ => None,
        };
        let fits = key.task.as_ref().zip(about).is_some_and(|(shown, about)| shown.task == *about);
        return if fits { Ok(()) } else { Err(AccessError::OtherTask) };
    }
    let Some(role) = &key.role else { return Ok(()) };
    let takes = match operation {
        Operation::Task(TaskOperation::Act { .. } | TaskOperation::Draft { .. }) => Role::Approver,
        _ if right_of(operation) == Right::Take => Role::Viewer,
        _ => return Ok(()),
    };
    match brings(role, takes) {
        true => Ok(()),
        false => Err(AccessError::Held { role: role.clone(), deed: deed(operation) }),
    }
}
