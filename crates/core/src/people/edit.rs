//! Changes of the people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{check, check_display, check_email};
use super::{Grant, Group, Holder, Kind, Refusal, Register, Role, Skill, Touched, User, fold};
use crate::{Time, limits};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "edit", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each change")]
pub enum Edit {
    /// Add somebody.
    Add { name: String, display: String, kind: Kind },
    /// Say what somebody is called in full; an empty text takes it back.
    Call { user: String, display: String },
    /// Say where somebody gets mail; an empty text takes it back.
    Mail { user: String, email: String },
    /// Take somebody out. They are kept, so that the history can be read, and may not act.
    Remove { user: String },
    /// Take somebody back.
    Restore { user: String },
    /// Give somebody a further name.
    Alias { user: String, alias: String },
    /// Take a further name away.
    Unalias { user: String, alias: String },
    /// Give somebody, or the members of a group, a role.
    Grant { holder: Holder, grant: Grant },
    /// Take a role away.
    Revoke { holder: Holder, grant: Grant },
    /// Say that somebody can do something.
    Skill { user: String, skill: Skill },
    /// Say that somebody cannot.
    Unskill { user: String, skill: String },
    /// Make a group.
    AddGroup { group: String },
    /// Remove a group.
    RemoveGroup { group: String },
    /// Make somebody a member.
    Join { group: String, user: String },
    /// Make somebody none.
    Leave { group: String, user: String },
    /// Nothing changed: somebody acted under another's name, which is kept among the changes. Only who lets operations
    /// through says so: it does not cross a process.
    #[serde(skip)]
    Acted { user: String, what: String },
}

/// A change as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PeopleChange")]
pub struct Change {
    /// When.
    pub at: Time,
    /// By whom.
    pub by: String,
    /// What: the word of the edit.
    pub what: String,
    /// Of whom: `user:ana`, `agent:reviewer`, `group:leads`.
    pub subject: String,
    /// More: the role, the alias, who joined.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Register {
    /// Makes changes, all or none. What is there already is no change and no error, what is to be taken away and is
    /// not there is one.
    ///
    /// # Errors
    /// Where one of them cannot be, or nobody would be admin behind them.
    pub fn edit(&mut self, edits: &[Edit], at: Time, by: &str) -> Result<(Touched, Vec<Change>), Refusal> {
        if edits.len() > limits::PEOPLE_EDITS {
            return Err(too_many("one edit", "changes", limits::PEOPLE_EDITS));
        }
        let mut next = self.clone();
        let mut touched = Touched::default();
        let mut changes = Vec::new();
        for edit in edits {
            let change = next.one(edit, at, by, &mut touched)?;
            changes.extend(change.map(|(what, subject, detail)| Change {
                at,
                by: by.to_owned(),
                what: what.to_owned(),
                subject,
                detail,
            }));
        }
        if !next.is_empty() && next.admins().is_empty() {
            return Err(Refusal::NoAdmin);
        }
        *self = next;
        Ok((touched, changes))
    }

    /// One change: its word, whom it is about and what more there is to say; `None` where nothing changed.
    fn one(
        &mut self,
        edit: &Edit,
        at: Time,
        by: &str,
        touched: &mut Touched,
    ) -> Result<Option<Told>, Refusal> {
        match edit {
            Edit::Add { name, display, kind } => {
                check("user", name)?;
                check_display(display)?;
                self.free(name)?;
                if self.users.len() >= limits::PEOPLE {
                    return Err(too_many("this home", "people", limits::PEOPLE));
                }
                let number = self.users.keys().next_back().map_or(1, |last| last + 1);
                let user = User {
                    name: name.clone(),
                    display: display.clone(),
                    email: String::new(),
                    kind: *kind,
                    aliases: Default::default(),
                    roles: Default::default(),
                    skills: Default::default(),
                    created_at: at,
                    created_by: by.to_owned(),
                    removed: None,
                };
                let id = user.id();
                self.put_user(number, user);
                touched.users.insert(number);
                Ok(Some(("added", id, display.clone())))
            }
            Edit::Restore { user: name } => {
                let found = self.find(name).ok_or_else(|| self.unknown(name))?;
                let (number, id) = (found.0, found.1.id());
                if found.1.removed.is_none() {
                    return Err(Refusal::NotRemoved { name: found.1.name.clone() });
                }
                if let Some(user) = self.users.get_mut(&number) {
                    user.removed = None;
                }
                touched.users.insert(number);
                Ok(Some(("restored", id, String::new())))
            }
            Edit::Call { user, .. }
            | Edit::Mail { user, .. }
            | Edit::Remove { user }
            | Edit::Alias { user, .. }
            | Edit::Unalias { user, .. }
            | Edit::Skill { user, .. }
            | Edit::Unskill { user, .. } => {
                let number = self.user(user)?.0;
                if let Edit::Alias { alias, .. } = edit {
                    check("user", alias)?;
                    if self.find(alias).is_some_and(|(other, _)| other == number) {
                        return Ok(None);
                    }
                    self.free(alias)?;
                    self.names.insert(fold(alias), number);
                }
                // It was found a moment ago.
                let Some(user) = self.users.get_mut(&number) else { return Ok(None) };
                let id = user.id();
                let told = change(user, edit, at, by)?;
                if let Edit::Unalias { alias, .. } = edit {
                    self.names.remove(&fold(alias));
                }
                Ok(told.map(|(what, detail)| {
                    touched.users.insert(number);
                    (what, id, detail)
                }))
            }
            Edit::Grant { holder, grant } | Edit::Revoke { holder, grant } => {
                self.grant(holder, grant, matches!(edit, Edit::Grant { .. }), touched)
            }
            Edit::AddGroup { group } => {
                check("group", group)?;
                if let Some(number) = self.group_names.get(&fold(group)) {
                    let name =
                        self.groups.get(number).map_or_else(|| group.clone(), |group| group.name.clone());
                    return Err(Refusal::GroupTaken { name });
                }
                if self.groups.len() >= limits::GROUPS {
                    return Err(too_many("this home", "groups", limits::GROUPS));
                }
                // The number of a removed group may be given again: nothing names it any more.
                let number = self.groups.keys().next_back().map_or(1, |last| last + 1);
                let group = Group {
                    name: group.clone(),
                    members: Default::default(),
                    roles: Default::default(),
                    created_at: at,
                    created_by: by.to_owned(),
                };
                let subject = format!("group:{}", group.name);
                self.put_group(number, group);
                touched.groups.insert(number);
                Ok(Some(("added", subject, String::new())))
            }
            Edit::RemoveGroup { group } => {
                let (number, name) = self.group(group).map(|(number, group)| (number, group.name.clone()))?;
                self.groups.remove(&number);
                self.group_names.remove(&fold(&name));
                touched.groups.insert(number);
                Ok(Some(("removed", format!("group:{name}"), String::new())))
            }
            Edit::Join { group, user } | Edit::Leave { group, user } => {
                let joins = matches!(edit, Edit::Join { .. });
                self.member(group, user, joins, touched)
            }
            Edit::Acted { user, what } => Ok(Some(("acted", self.canonical(user)?, what.clone()))),
        }
    }

    /// Refuses a name that means somebody.
    fn free(&self, name: &str) -> Result<(), Refusal> {
        match self.find(name) {
            None => Ok(()),
            Some((_, user)) => Err(Refusal::Taken {
                name: name.to_owned(),
                user: user.name.clone(),
                removed: user.removed.is_some(),
            }),
        }
    }

    fn grant(
        &mut self,
        holder: &Holder,
        grant: &Grant,
        gives: bool,
        touched: &mut Touched,
    ) -> Result<Option<Told>, Refusal> {
        check("role", &grant.role)?;
        let grant = Grant { role: fold(&grant.role), project: grant.project.clone() };
        let (subject, name, roles) = match holder {
            Holder::User(name) => {
                let number = self.user(name)?.0;
                let Some(user) = self.users.get_mut(&number) else { return Ok(None) };
                let for_people = Role::named(&grant.role).is_some_and(|role| !role.is_for_agents());
                if gives && user.kind == Kind::Agent && for_people {
                    return Err(Refusal::AgentRole { name: user.name.clone(), role: grant.role });
                }
                touched.users.insert(number);
                (user.id(), Holder::User(user.name.clone()), &mut user.roles)
            }
            Holder::Group(name) => {
                let number = self.group(name)?.0;
                let Some(group) = self.groups.get_mut(&number) else { return Ok(None) };
                touched.groups.insert(number);
                (format!("group:{}", group.name), Holder::Group(group.name.clone()), &mut group.roles)
            }
        };
        let detail = grant.to_string();
        if !gives {
            return match roles.remove(&grant) {
                true => Ok(Some(("revoked", subject, detail))),
                false => Err(Refusal::Lacks { holder: name, what: format!("the role {grant} of its own") }),
            };
        }
        if roles.len() >= limits::ROLES && !roles.contains(&grant) {
            return Err(too_many(&name.to_string(), "roles", limits::ROLES));
        }
        Ok(roles.insert(grant).then_some(("granted", subject, detail)))
    }

    fn member(
        &mut self,
        group: &str,
        user: &str,
        joins: bool,
        touched: &mut Touched,
    ) -> Result<Option<Told>, Refusal> {
        if joins && (user.starts_with("group:") || (self.find(user).is_none() && self.group(user).is_ok())) {
            return Err(Refusal::GroupInGroup { name: user.trim_start_matches("group:").to_owned() });
        }
        let number = self.group(group)?.0;
        // Whoever was removed can still be taken out.
        let (member, name) = match joins {
            true => self.user(user).map(|(member, user)| (member, user.id()))?,
            false => {
                self.find(user).map(|(member, user)| (member, user.id())).ok_or_else(|| self.unknown(user))?
            }
        };
        let Some(group) = self.groups.get_mut(&number) else { return Ok(None) };
        let subject = format!("group:{}", group.name);
        let changed = if joins { group.members.insert(member) } else { group.members.remove(&member) };
        if !changed {
            return match joins {
                true => Ok(None),
                false => Err(Refusal::Lacks {
                    holder: Holder::Group(group.name.clone()),
                    what: format!("{name} as a member"),
                }),
            };
        }
        touched.groups.insert(number);
        Ok(Some((if joins { "joined" } else { "left" }, subject, name)))
    }
}

/// What became of a change: its word, whom it is about, and more.
type Told = (&'static str, String, String);

fn change(
    user: &mut User,
    edit: &Edit,
    at: Time,
    by: &str,
) -> Result<Option<(&'static str, String)>, Refusal> {
    let lacks = |user: &User, what| Refusal::Lacks { holder: Holder::User(user.name.clone()), what };
    match edit {
        Edit::Call { display, .. } => {
            check_display(display)?;
            let changed = user.display != *display;
            user.display.clone_from(display);
            Ok(changed.then(|| ("called", display.clone())))
        }
        Edit::Mail { email, .. } => {
            check_email(email)?;
            let changed = user.email != *email;
            user.email.clone_from(email);
            Ok(changed.then(|| ("email", email.clone())))
        }
        Edit::Remove { .. } => {
            user.removed = Some((at, by.to_owned()));
            Ok(Some(("removed", String::new())))
        }
        Edit::Alias { alias, .. } => {
            if user.aliases.len() >= limits::ALIASES {
                return Err(too_many(&user.name, "aliases", limits::ALIASES));
            }
            user.aliases.insert(alias.clone());
            Ok(Some(("alias", alias.clone())))
        }
        Edit::Unalias { alias, .. } => {
            let found = user.aliases.iter().find(|own| fold(own) == fold(alias)).cloned();
            let found = found.ok_or_else(|| lacks(user, format!("the alias {alias}")))?;
            user.aliases.remove(&found);
            Ok(Some(("unalias", found)))
        }
        Edit::Skill { skill, .. } => {
            check("skill", &skill.name)?;
            let skill = Skill { name: fold(&skill.name), level: skill.level };
            if user.skills.contains(&skill) {
                return Ok(None);
            }
            user.skills.retain(|own| own.name != skill.name);
            if user.skills.len() >= limits::SKILLS {
                return Err(too_many(&user.name, "skills", limits::SKILLS));
            }
            let detail = match skill.level {
                None => skill.name.clone(),
                Some(level) => format!("{}={level}", skill.name),
            };
            user.skills.insert(skill);
            Ok(Some(("skill", detail)))
        }
        Edit::Unskill { skill, .. } => {
            let before = user.skills.len();
            user.skills.retain(|own| own.name != fold(skill));
            match user.skills.len() < before {
                true => Ok(Some(("unskill", fold(skill)))),
                false => Err(lacks(user, format!("the skill {skill}"))),
            }
        }
        _ => Ok(None),
    }
}

fn too_many(holder: &str, what: &'static str, most: usize) -> Refusal {
    Refusal::TooMany { holder: holder.to_owned(), what, most }
}
