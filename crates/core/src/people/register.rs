//! The register: all people and groups of a home.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Refusal, fold};
use crate::Time;

/// A role that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// The role.
    pub role: String,
    /// Only for runs of this project; without it everywhere. An empty text: for runs of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

impl Grant {
    /// A role everywhere.
    pub fn everywhere(role: &str) -> Self {
        Self { role: role.to_owned(), project: None }
    }

    /// Whether it holds for runs of a project (an empty text: of none).
    pub fn holds_in(&self, project: &str) -> bool {
        self.project.as_ref().is_none_or(|own| own == project)
    }
}

impl std::fmt::Display for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.project {
            None => f.write_str(&self.role),
            Some(project) => write!(f, "{}@{project}", self.role),
        }
    }
}

/// Something that somebody can do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Skill {
    /// What.
    pub name: String,
    /// How well, where somebody says so: more is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
}

/// A person or an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// The one name that stands in the history.
    pub name: String,
    /// What people call them in full; empty when nobody has said so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub display: String,
    /// Where they get mail; empty when nobody has said so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// A person or an agent.
    pub kind: Kind,
    /// Other names of the same user.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub aliases: BTreeSet<String>,
    /// Their own roles, without those of groups.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Grant>,
    /// What they can do.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub skills: BTreeSet<Skill>,
    /// When they were added.
    pub created_at: Time,
    /// By whom.
    pub created_by: String,
    /// When they were removed, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<(Time, String)>,
}

impl User {
    /// The name as the history has it: `user:ana`, `agent:reviewer`.
    pub fn id(&self) -> String {
        format!("{}:{}", self.kind.prefix(), self.name)
    }
}

/// Users under one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Numbers of its members, removed ones included.
    pub members: BTreeSet<u32>,
    /// Roles that its members have by it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Grant>,
    /// When it was made.
    pub created_at: Time,
    /// By whom.
    pub created_by: String,
}

/// All people and groups of a home. Users have numbers, which stay when they are removed; so do groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Register {
    pub(super) users: BTreeMap<u32, User>,
    pub(super) groups: BTreeMap<u32, Group>,
    /// Names and aliases in small letters.
    pub(super) names: BTreeMap<String, u32>,
    pub(super) group_names: BTreeMap<String, u32>,
}

/// What an edit has changed: numbers of users and groups to be written again. A group that is gone is to be
/// removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Users.
    pub users: BTreeSet<u32>,
    /// Groups.
    pub groups: BTreeSet<u32>,
}

impl Register {
    /// Whether nobody was ever added.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// The users by number, removed ones too.
    pub fn users(&self) -> impl Iterator<Item = (u32, &User)> {
        self.users.iter().map(|(number, user)| (*number, user))
    }

    /// The groups by number.
    pub fn groups(&self) -> impl Iterator<Item = (u32, &Group)> {
        self.groups.iter().map(|(number, group)| (*number, group))
    }

    /// A user by number.
    pub fn user_at(&self, number: u32) -> Option<&User> {
        self.users.get(&number)
    }

    /// A group by number.
    pub fn group_at(&self, number: u32) -> Option<&Group> {
        self.groups.get(&number)
    }

    /// Puts a user in, as a store has it.
    pub fn put_user(&mut self, number: u32, user: User) {
        for name in user.aliases.iter().chain([&user.name]) {
            self.names.insert(fold(name), number);
        }
        self.users.insert(number, user);
    }

    /// Puts a group in, as a store has it.
    pub fn put_group(&mut self, number: u32, group: Group) {
        self.group_names.insert(fold(&group.name), number);
        self.groups.insert(number, group);
    }

    /// A user by one of their names, removed or not.
    pub fn find(&self, name: &str) -> Option<(u32, &User)> {
        let number = *self.names.get(&fold(name))?;
        Some((number, self.users.get(&number)?))
    }

    /// A user by one of their names, with or without `user:` or `agent:`.
    ///
    /// # Errors
    /// Where there is none, or they were removed.
    pub fn user(&self, name: &str) -> Result<(u32, &User), Refusal> {
        let bare = name.strip_prefix("user:").or_else(|| name.strip_prefix("agent:")).unwrap_or(name);
        let Some((number, user)) = self.find(bare) else { return Err(self.unknown(bare)) };
        match &user.removed {
            None => Ok((number, user)),
            Some((at, by)) => Err(Refusal::Removed { name: user.name.clone(), at: *at, by: by.clone() }),
        }
    }

    /// A group by its name, with or without `group:`.
    ///
    /// # Errors
    /// Where there is none.
    pub fn group(&self, name: &str) -> Result<(u32, &Group), Refusal> {
        let bare = name.strip_prefix("group:").unwrap_or(name);
        let found =
            self.group_names.get(&fold(bare)).and_then(|number| Some((*number, self.groups.get(number)?)));
        found.ok_or_else(|| {
            let all = self.groups.values().map(|group| group.name.as_str());
            Refusal::UnknownGroup { name: bare.to_owned(), near: stead_lang::diagnostic::nearest(bare, all) }
        })
    }

    pub(super) fn unknown(&self, name: &str) -> Refusal {
        let living = self.users.values().filter(|user| user.removed.is_none());
        let all = living.flat_map(|user| user.aliases.iter().chain([&user.name]));
        let near = stead_lang::diagnostic::nearest(name, all.map(String::as_str));
        Refusal::Unknown { name: name.to_owned(), near }
    }

    /// Members of a group that are there, by name.
    pub fn members<'r>(&'r self, group: &'r Group) -> impl Iterator<Item = &'r User> {
        let users = group.members.iter().filter_map(|number| self.users.get(number));
        users.filter(|user| user.removed.is_none())
    }

    /// Groups that somebody is in.
    pub fn groups_of(&self, user: u32) -> impl Iterator<Item = &Group> {
        self.groups.values().filter(move |group| group.members.contains(&user))
    }
}
