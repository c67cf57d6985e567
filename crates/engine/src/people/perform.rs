//! The operations on the people: transactions of the store, which need no engine.

use stead_core::people::{Edit, Grant, Holder, Kind, Register, fold};
use stead_store::people::{People as _, PeopleReader as _};

use super::admit::identity;
use super::caller::system_user;
use super::left::left;
use super::{Caller, GroupRow, PeopleAnswer, PeopleOperation, UserRow};
use crate::error::EngineError;
use crate::home::Home;
use crate::library::open::{now, or_made, reader};
use crate::reads::Reads;

/// Performs an operation on the people of a home, that was admitted.
pub(crate) fn ask(
    home: &Home,
    caller: &Caller,
    operation: PeopleOperation,
) -> Result<PeopleAnswer, EngineError> {
    match operation {
        PeopleOperation::List => {
            let register = match reader(home)? {
                Some(mut reader) => reader.people()?,
                None => Register::default(),
            };
            Ok(listed(&register))
        }
        PeopleOperation::Changes { skip, limit } => {
            let limit = if limit == 0 { usize::MAX } else { limit };
            let changes = match reader(home)? {
                Some(mut reader) => reader.people_changes(skip, limit)?,
                None => Vec::new(),
            };
            Ok(PeopleAnswer::Changes { changes })
        }
        PeopleOperation::Me => {
            let system = system_user().to_owned();
            let mut means = if caller.step().is_some() { "step" } else { "socket" }.to_owned();
            let actor = match reader(home)? {
                Some(reader) => {
                    let mut reads = Reads::light(reader, home);
                    if let Some(proof) = caller.proof.as_ref().filter(|_| caller.step().is_none()) {
                        means = crate::access::means(&crate::access::held(reads.reader_mut(), proof)?);
                    }
                    identity(&mut reads, home, caller, None)?
                }
                None => identity(
                    &mut Reads::light(stead_store::memory::MemoryStore::new(), home),
                    home,
                    caller,
                    None,
                )?,
            };
            Ok(PeopleAnswer::Me { actor, system, means })
        }
        PeopleOperation::Edit { mut edits, mut by } => {
            let mut store = or_made(home)?;
            let founder = store.people()?.is_empty().then(|| founded(&mut edits));
            if founder.is_some() {
                // From now on somebody of that name is known.
                by = format!("user:{}", system_user());
            }
            let changes = store.edit_people(&edits, now(), &by)?;
            let takes = |edit: &Edit| {
                matches!(
                    edit,
                    Edit::Remove { .. } | Edit::Revoke { .. } | Edit::RemoveGroup { .. } | Edit::Leave { .. }
                )
            };
            let left = match edits.iter().any(takes) {
                true => {
                    let register = store.people()?;
                    left(&mut store, &register, now())?
                }
                false => Vec::new(),
            };
            Ok(PeopleAnswer::Edited { changes, founder, left })
        }
    }
}

/// Makes who adds the first people their admin: somebody has to be, and whoever is nobody of a home may do nothing
/// there any more.
fn founded(edits: &mut Vec<Edit>) -> String {
    let system = system_user();
    let named = |name: &str| fold(name) == fold(system);
    let added = edits.iter().find_map(|edit| match edit {
        Edit::Add { name, kind: Kind::Person, .. } if named(name) => Some(name),
        Edit::Alias { user, alias } if named(alias) => Some(user),
        _ => None,
    });
    let name = added.cloned();
    let founder = name.clone().unwrap_or_else(|| system.to_owned());
    if name.is_none() {
        edits.push(Edit::Add { name: founder.clone(), display: String::new(), kind: Kind::Person });
    }
    edits.push(Edit::Grant { holder: Holder::User(founder.clone()), grant: Grant::everywhere("admin") });
    founder
}

fn listed(register: &Register) -> PeopleAnswer {
    let row = |(number, user): (u32, &stead_core::people::User)| UserRow {
        id: user.id(),
        user: user.clone(),
        groups: register.groups_of(number).map(|group| group.name.clone()).collect(),
        may: register.roles_everywhere(number),
    };
    let mut users: Vec<UserRow> = register.users().map(row).collect();
    users.sort_by_key(|row| fold(&row.user.name));
    let row = |(_, group): (u32, &stead_core::people::Group)| GroupRow {
        name: group.name.clone(),
        members: register.members(group).map(stead_core::people::User::id).collect(),
        roles: group.roles.clone(),
        created_at: group.created_at,
        created_by: group.created_by.clone(),
    };
    let mut groups: Vec<GroupRow> = register.groups().map(row).collect();
    groups.sort_by_key(|row| fold(&row.name));
    PeopleAnswer::People { users, groups }
}
