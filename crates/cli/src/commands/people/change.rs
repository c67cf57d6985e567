//! Changes of people and groups: each command is one, made as a whole or not at all.

use serde_json::json;
use stead_core::people::{Edit, Grant, Holder, Kind, Role};
use stead_engine::people::{PeopleAnswer, PeopleOperation};

use super::{ask, strange};
use crate::args::{GroupAdd, GroupEdit, GroupNamed, Person, PersonAdd, PersonEdit};
use crate::error::CliError;
use crate::exit::Exit;
use crate::here::{Here, actor};
use crate::out;
use crate::text;

/// Adds somebody.
pub(super) fn add(here: &Here, args: &PersonAdd) -> Result<Exit, CliError> {
    let name = &args.new;
    let kind = if args.agent { Kind::Agent } else { Kind::Person };
    let mut edits = vec![Edit::Add { name: name.clone(), display: args.display.clone(), kind }];
    let viewer = [Grant::everywhere(Role::Viewer.as_str())];
    let roles = if args.roles.is_empty() { &viewer[..] } else { &args.roles[..] };
    edits.extend(grants(&Holder::User(name.clone()), roles));
    edits.extend(args.email.iter().map(|email| Edit::Mail { user: name.clone(), email: email.clone() }));
    edits.extend(args.groups.iter().map(|group| Edit::Join { group: group.clone(), user: name.clone() }));
    edits.extend(args.aliases.iter().map(|alias| Edit::Alias { user: name.clone(), alias: alias.clone() }));
    edits.extend(args.skills.iter().map(|skill| Edit::Skill { user: name.clone(), skill: skill.clone() }));
    perform(here, edits, args.json)
}

/// Changes what is kept of somebody.
pub(super) fn edit(here: &Here, args: &PersonEdit) -> Result<Exit, CliError> {
    let name = &args.person;
    let (user, holder) = (|| name.clone(), Holder::User(name.clone()));
    let mut edits = Vec::new();
    edits.extend(args.display.iter().map(|display| Edit::Call { user: user(), display: display.clone() }));
    edits.extend(args.email.iter().map(|email| Edit::Mail { user: user(), email: email.clone() }));
    // What is given goes before what is taken, so that one role can take the place of another.
    edits.extend(grants(&holder, &args.roles));
    edits.extend(revokes(&holder, &args.no_roles));
    edits.extend(args.groups.iter().map(|group| Edit::Join { group: group.clone(), user: user() }));
    edits.extend(args.no_groups.iter().map(|group| Edit::Leave { group: group.clone(), user: user() }));
    edits.extend(args.aliases.iter().map(|alias| Edit::Alias { user: user(), alias: alias.clone() }));
    edits.extend(args.no_aliases.iter().map(|alias| Edit::Unalias { user: user(), alias: alias.clone() }));
    edits.extend(args.skills.iter().map(|skill| Edit::Skill { user: user(), skill: skill.clone() }));
    edits.extend(args.no_skills.iter().map(|skill| Edit::Unskill { user: user(), skill: skill.clone() }));
    perform(here, edits, args.json)
}

/// Takes somebody out.
pub(super) fn remove(here: &Here, args: &Person) -> Result<Exit, CliError> {
    let exit = perform(here, vec![Edit::Remove { user: args.person.clone() }], args.json)?;
    if !args.json {
        let name = text::shell_word(&args.person);
        out::note(&format!(
            "the history keeps the name: {}",
            here.command(&format!("people restore {name}"))
        ));
    }
    Ok(exit)
}

/// Takes somebody back.
pub(super) fn restore(here: &Here, args: &Person) -> Result<Exit, CliError> {
    perform(here, vec![Edit::Restore { user: args.person.clone() }], args.json)
}

/// Makes a group.
pub(super) fn add_group(here: &Here, args: &GroupAdd) -> Result<Exit, CliError> {
    let group = &args.new;
    let mut edits = vec![Edit::AddGroup { group: group.clone() }];
    edits.extend(grants(&Holder::Group(group.clone()), &args.roles));
    edits.extend(args.members.iter().map(|user| Edit::Join { group: group.clone(), user: user.clone() }));
    perform(here, edits, args.json)
}

/// Changes members and roles of a group.
pub(super) fn edit_group(here: &Here, args: &GroupEdit) -> Result<Exit, CliError> {
    let group = &args.team;
    let holder = Holder::Group(group.clone());
    let mut edits: Vec<Edit> = grants(&holder, &args.roles).chain(revokes(&holder, &args.no_roles)).collect();
    edits.extend(args.members.iter().map(|user| Edit::Join { group: group.clone(), user: user.clone() }));
    edits.extend(args.no_members.iter().map(|user| Edit::Leave { group: group.clone(), user: user.clone() }));
    perform(here, edits, args.json)
}

/// Removes a group.
pub(super) fn remove_group(here: &Here, args: &GroupNamed) -> Result<Exit, CliError> {
    perform(here, vec![Edit::RemoveGroup { group: args.team.clone() }], args.json)
}

fn grants<'e>(holder: &'e Holder, roles: &'e [Grant]) -> impl Iterator<Item = Edit> + 'e {
    roles.iter().map(|grant| Edit::Grant { holder: holder.clone(), grant: grant.clone() })
}

fn revokes<'e>(holder: &'e Holder, roles: &'e [Grant]) -> impl Iterator<Item = Edit> + 'e {
    roles.iter().map(|grant| Edit::Revoke { holder: holder.clone(), grant: grant.clone() })
}

fn perform(here: &Here, edits: Vec<Edit>, as_json: bool) -> Result<Exit, CliError> {
    let given: Vec<String> = edits.iter().filter_map(granted).collect();
    let (changes, founder, left) = match ask(here, PeopleOperation::Edit { edits, by: actor() })? {
        PeopleAnswer::Edited { changes, founder, left } => (changes, founder, left),
        other => return Err(strange(other)),
    };
    if as_json {
        let mut record = json!({"type": "edited", "changes": changes});
        if let Some(founder) = founder {
            record["founder"] = json!(founder);
        }
        if !left.is_empty() {
            record["left"] = json!(left);
        }
        out::json(&record)?;
        return Ok(Exit::Done);
    }
    if changes.is_empty() {
        out::note("nothing is different: it was so already");
    }
    for change in &changes {
        let (subject, detail) = (text::clean(&change.subject), text::clean(&change.detail));
        let space = if detail.is_empty() { "" } else { " " };
        out::answer(&format!("{subject} {}{space}{detail}\n", change.what))?;
    }
    if let Some(founder) = founder {
        out::note(&format!(
            "{founder} is an admin: who adds the first people says from now on who they are, and everybody else needs a role"
        ));
    }
    for task in left {
        let name = format!("{}/{} ({})", task.run, text::clean(&task.path), text::clean(&task.title));
        if task.nobody {
            out::note(&format!(
                "nobody is left who may act on {name}: give somebody the role, or cancel the run"
            ));
        }
        if let Some((who, until)) = task.held {
            let until = text::moment(until, text::now());
            out::note(&format!("{} has claimed {name}: another can from {until} on", text::clean(&who)));
        }
    }
    for role in given {
        let known = Role::ALL.map(Role::as_str);
        if let Some(near) = stead_lang::diagnostic::nearest(&role, known) {
            let role = text::clean(&role);
            out::note(&format!(
                "the role `{role}` gives no rights: it is a word that definitions may name. Did you mean `{near}`?"
            ));
        }
    }
    Ok(Exit::Done)
}

/// A role that gives no rights, if one is given.
fn granted(edit: &Edit) -> Option<String> {
    match edit {
        Edit::Grant { grant, .. } => {
            let role = stead_core::people::fold(&grant.role);
            Role::named(&role).is_none().then_some(role)
        }
        _ => None,
    }
}
