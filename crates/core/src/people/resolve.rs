//! What names and selectors come to.

use std::collections::BTreeSet;

use super::{Actor, Kind, Refusal, Register, Role, User};

impl Register {
    /// Somebody as one who acts, by any of their names, with or without `user:` or `agent:`: with the roles that hold
    /// for runs of `project` (an empty text: of none).
    ///
    /// # Errors
    /// Where there is nobody of that name, or they were removed.
    pub fn actor(&self, name: &str, project: &str) -> Result<Actor, Refusal> {
        let (number, user) = self.user(name)?;
        Ok(Actor {
            user: user.id(),
            aliases: user.aliases.iter().cloned().collect(),
            groups: self.groups_of(number).map(|group| group.name.clone()).collect(),
            roles: self.roles_of(number, user, Some(project)).into_iter().collect(),
            agent: user.kind == Kind::Agent,
            run: None,
            alone: false,
        })
    }

    /// Somebody as one who acts anywhere: with the roles that hold everywhere.
    ///
    /// # Errors
    /// As [`actor`](Self::actor).
    pub fn actor_everywhere(&self, name: &str) -> Result<Actor, Refusal> {
        let number = self.user(name)?.0;
        Ok(Actor { roles: self.roles_everywhere(number), ..self.actor(name, "")? })
    }

    /// Roles of a user that hold everywhere.
    pub fn roles_everywhere(&self, number: u32) -> Vec<String> {
        let user = self.users.get(&number);
        user.map(|user| self.roles_of(number, user, None).into_iter().collect()).unwrap_or_default()
    }

    /// The one name of somebody that stands in the history, by any of their names.
    ///
    /// # Errors
    /// As [`actor`](Self::actor).
    pub fn canonical(&self, name: &str) -> Result<String, Refusal> {
        Ok(self.user(name)?.1.id())
    }

    /// Roles of somebody, those of groups and those that come with others included: that hold for runs of a project,
    /// or (`None`) everywhere.
    pub(super) fn roles_of(&self, number: u32, user: &User, project: Option<&str>) -> BTreeSet<String> {
        let grants = user.roles.iter().chain(self.groups_of(number).flat_map(|group| &group.roles));
        let holds = grants.filter(|grant| match project {
            Some(project) => grant.holds_in(project),
            None => grant.project.is_none(),
        });
        let mut roles = BTreeSet::new();
        for grant in holds {
            match Role::named(&grant.role) {
                // By a group an agent may come to one that is not for agents.
                Some(role) => {
                    let brought =
                        role.brings().iter().filter(|role| user.kind == Kind::Person || role.is_for_agents());
                    roles.extend(brought.map(|role| role.as_str().to_owned()));
                }
                None => drop(roles.insert(grant.role.clone())),
            }
        }
        roles
    }

    /// The projects for whose runs somebody has a role that gives rights, beside those of which it holds everywhere. An
    /// empty text: runs of none.
    pub fn projects_of(&self, name: &str, role: Role) -> Vec<String> {
        let Ok((number, user)) = self.user(name) else { return Vec::new() };
        let grants = user.roles.iter().chain(self.groups_of(number).flat_map(|group| &group.roles));
        let projects: BTreeSet<&String> = grants.filter_map(|grant| grant.project.as_ref()).collect();
        let has = |project: &&String| self.roles_of(number, user, Some(project)).contains(role.as_str());
        projects.into_iter().filter(has).cloned().collect()
    }

    /// All selectors that may mean somebody, in one project or another: for finding what is theirs.
    ///
    /// # Errors
    /// As [`actor`](Self::actor).
    pub fn selectors(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let (number, user) = self.user(name)?;
        let groups: Vec<_> = self.groups_of(number).collect();
        let grants = user.roles.iter().chain(groups.iter().flat_map(|group| &group.roles));
        let mut projects: BTreeSet<&str> = grants.filter_map(|grant| grant.project.as_deref()).collect();
        projects.insert("");
        let mut all: BTreeSet<String> = BTreeSet::from([user.id()]);
        let kind = user.kind.prefix();
        all.extend(user.aliases.iter().map(|alias| format!("{kind}:{alias}")));
        all.extend(groups.iter().map(|group| format!("group:{}", group.name)));
        for project in projects {
            let roles = self.roles_of(number, user, Some(project));
            all.extend(roles.into_iter().map(|role| format!("role:{role}")));
        }
        if user.kind == Kind::Agent {
            all.insert("agents".to_owned());
        }
        Ok(all.into_iter().collect())
    }

    /// The users that a selector means, by the names of the history: `user:`, `agent:`, `group:`, `role:`, `agents`.
    /// Nobody for one that means nobody, or is another; removed users are nobody.
    pub fn who(&self, selector: &str, project: &str) -> Vec<String> {
        let living = || self.users.iter().filter(|(_, user)| user.removed.is_none());
        let all = |kind: Kind| living().filter(move |(_, user)| user.kind == kind).map(|(_, user)| user.id());
        match selector.split_once(':') {
            None if selector == "agents" => all(Kind::Agent).collect(),
            Some((kind @ ("user" | "agent"), name)) => {
                let found = self.user(name).ok().filter(|(_, user)| user.kind.prefix() == kind);
                found.map(|(_, user)| user.id()).into_iter().collect()
            }
            Some(("group", name)) => match self.group(name) {
                Ok((_, group)) => self.members(group).map(User::id).collect(),
                Err(_) => Vec::new(),
            },
            Some(("role", role)) => {
                let role = super::fold(role);
                let has = |(number, user): &(&u32, &User)| {
                    self.roles_of(**number, user, Some(project)).contains(&role)
                };
                living().filter(has).map(|(_, user)| user.id()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Persons who are admin everywhere, by name.
    pub fn admins(&self) -> Vec<&User> {
        let living =
            self.users.iter().filter(|(_, user)| user.removed.is_none() && user.kind == Kind::Person);
        let admin = living
            .filter(|(number, user)| self.roles_of(**number, user, None).contains(Role::Admin.as_str()));
        admin.map(|(_, user)| user).collect()
    }
}
