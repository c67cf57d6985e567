//! Lists of people, groups and changes; and who one is oneself.

use serde_json::json;
use stead_core::people::{Kind, Skill, fold};
use stead_engine::people::{PeopleAnswer, PeopleOperation, UserRow};

use super::{ask, print, strange};
use crate::args::{People, PeopleHistory};
use crate::error::CliError;
use crate::exit::Exit;
use crate::face::Ink;
use crate::here::Here;
use crate::out;
use crate::table::Table;
use crate::text;

/// Lists the people.
pub(super) fn people(here: &Here, args: &People) -> Result<Exit, CliError> {
    let (users, groups) = match ask(here, PeopleOperation::List)? {
        PeopleAnswer::People { users, groups } => (users, groups),
        other => return Err(strange(other)),
    };
    if let Some(wanted) = &args.group
        && !groups.iter().any(|group| fold(&group.name) == fold(wanted))
    {
        let all = groups.iter().map(|group| group.name.as_str());
        let near = stead_lang::diagnostic::nearest(wanted, all);
        let refusal = stead_core::people::Refusal::UnknownGroup { name: wanted.clone(), near };
        return Err(here.explained(stead_engine::EngineError::Store(refusal.into())));
    }
    let any = users.is_empty();
    let shown: Vec<UserRow> = users.into_iter().filter(|row| passes(row, args)).collect();
    if args.json {
        for row in &shown {
            out::json(row)?;
        }
        return Ok(Exit::Done);
    }
    if any {
        out::note("nobody was added to this home: who works here may do everything");
        out::note(&format!("next: {}", here.command("people add NAME --role ROLE")));
        return Ok(Exit::Done);
    }
    if shown.is_empty() {
        out::note("nobody fits");
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["NAME", "IN FULL", "ROLES", "GROUPS", "SKILLS", "ALSO"]);
    for row in &shown {
        let user = &row.user;
        let own: Vec<String> = user.roles.iter().map(ToString::to_string).collect();
        // What comes by groups and with other roles is not said again.
        let by_group: Vec<String> = groups
            .iter()
            .filter(|group| row.groups.contains(&group.name))
            .flat_map(|group| group.roles.iter().map(|grant| format!("{grant} ({})", group.name)))
            .collect();
        let roles = own.into_iter().chain(by_group).collect::<Vec<_>>().join(", ");
        let name = match user.kind {
            Kind::Person => user.name.clone(),
            Kind::Agent => format!("{} (agent)", user.name),
        };
        let skills: Vec<String> = user.skills.iter().map(skill).collect();
        let aliases: Vec<&str> = user.aliases.iter().map(String::as_str).collect();
        table.row(vec![
            (Ink::Bold, name),
            (Ink::Plain, user.display.clone()),
            (Ink::Plain, roles),
            (Ink::Plain, row.groups.join(", ")),
            (Ink::Dim, skills.join(", ")),
            (Ink::Dim, aliases.join(", ")),
        ]);
    }
    print(here, &table)?;
    Ok(Exit::Done)
}

fn passes(row: &UserRow, args: &People) -> bool {
    let role = args.role.as_ref().is_none_or(|role| row.may.contains(&fold(role)));
    let group = |wanted: &String| row.groups.iter().any(|group| fold(group) == fold(wanted));
    let skill = |wanted: &String| row.user.skills.iter().any(|skill| skill.name == fold(wanted));
    args.removed == row.user.removed.is_some()
        && role
        && args.group.as_ref().is_none_or(group)
        && args.skill.as_ref().is_none_or(skill)
}

fn skill(skill: &Skill) -> String {
    match skill.level {
        None => skill.name.clone(),
        Some(level) => format!("{}={level}", skill.name),
    }
}

/// Lists the groups.
pub(super) fn groups(here: &Here, json: bool) -> Result<Exit, CliError> {
    let groups = match ask(here, PeopleOperation::List)? {
        PeopleAnswer::People { groups, .. } => groups,
        other => return Err(strange(other)),
    };
    if json {
        for group in &groups {
            out::json(group)?;
        }
        return Ok(Exit::Done);
    }
    if groups.is_empty() {
        out::note("there are no groups");
        out::note(&format!("next: {}", here.command("people group add GROUP --member NAME")));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["GROUP", "ROLES", "MEMBERS"]);
    for group in &groups {
        let roles: Vec<String> = group.roles.iter().map(ToString::to_string).collect();
        let members = match group.members.is_empty() {
            true => (Ink::Red, "nobody".to_owned()),
            false => (Ink::Plain, group.members.join(", ")),
        };
        table.row(vec![(Ink::Bold, group.name.clone()), (Ink::Plain, roles.join(", ")), members]);
    }
    print(here, &table)?;
    Ok(Exit::Done)
}

/// Lists what was changed.
pub(super) fn history(here: &Here, args: &PeopleHistory) -> Result<Exit, CliError> {
    // One more than is shown tells whether there are more.
    let limit = if args.limit == 0 { 0 } else { args.limit.saturating_add(1) };
    let mut changes = match ask(here, PeopleOperation::Changes { skip: args.skip, limit })? {
        PeopleAnswer::Changes { changes } => changes,
        other => return Err(strange(other)),
    };
    let more = args.limit > 0 && changes.len() > args.limit;
    changes.truncate(if args.limit == 0 { usize::MAX } else { args.limit });
    if args.json {
        for change in &changes {
            out::json(change)?;
        }
        return Ok(Exit::Done);
    }
    if changes.is_empty() {
        out::note("nothing was changed");
        return Ok(Exit::Done);
    }
    let now = text::now();
    let mut table = Table::new(&["WHEN", "BY", "WHO", "", ""]);
    for change in &changes {
        table.row(vec![
            (Ink::Plain, text::moment(change.at, now)),
            (Ink::Plain, change.by.clone()),
            (Ink::Bold, change.subject.clone()),
            (Ink::Plain, change.what.clone()),
            (Ink::Dim, change.detail.clone()),
        ]);
    }
    print(here, &table)?;
    if more {
        let skip = args.skip + args.limit;
        out::note(&format!("there are more: go on with --skip {skip}, or all at once with -n 0"));
    }
    Ok(Exit::Done)
}

/// Says who acts here.
pub(super) fn whoami(here: &Here, as_json: bool) -> Result<Exit, CliError> {
    let (actor, system) = match ask(here, PeopleOperation::Me)? {
        PeopleAnswer::Me { actor, system, .. } => (actor, system),
        other => return Err(strange(other)),
    };
    if as_json {
        out::json(&json!({"type": "me", "actor": actor, "system": system}))?;
        return Ok(Exit::Done);
    }
    out::answer(&format!("{}\n", text::clean(&actor.user)))?;
    if actor.alone {
        out::note("nobody was added to this home: you may do everything");
        return Ok(Exit::Done);
    }
    let listed = |words: &[String]| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    out::note(&format!("roles: {}; groups: {}", listed(&actor.roles), listed(&actor.groups)));
    if let Some(run) = &actor.run {
        out::note(&format!("a program of a step of run {run}"));
    }
    Ok(Exit::Done)
}
