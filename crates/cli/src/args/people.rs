//! What can be said about the people of a home.

use clap::{Args, Subcommand};
use stead_core::people::{Grant, Skill};

/// Arguments of `people`.
#[derive(Debug, Args)]
#[command(after_help = "Without a command the people are listed.
Roles that give rights: viewer, operator, approver, editor, admin; any other role is a word that definitions may name.")]
pub struct People {
    /// What to do; without it the people are listed.
    #[command(subcommand)]
    pub command: Option<PeopleCommand>,
    /// Only those who have this role everywhere, by themselves or by a group
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// Only members of this group
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Only those with this skill
    #[arg(long, value_name = "SKILL")]
    pub skill: Option<String>,
    /// Those who were removed
    #[arg(long)]
    pub removed: bool,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// The commands of `people`.
#[derive(Debug, Subcommand)]
pub enum PeopleCommand {
    /// Add somebody, or an agent that works under a name of its own
    Add(PersonAdd),
    /// Change what is kept of somebody
    Edit(PersonEdit),
    /// Take somebody out: they may not act any more, and stay in the history
    Remove(Person),
    /// Take somebody back
    Restore(Person),
    /// List the groups
    Groups(Listed),
    /// Make, change or remove a group
    Group {
        /// What to do.
        #[command(subcommand)]
        command: GroupCommand,
    },
    /// List what was changed, the newest first, and who acted under another's name
    History(PeopleHistory),
    /// Say who acts here, and with which roles
    Whoami(Listed),
}

/// The commands of `people group`.
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// Make a group
    Add(GroupAdd),
    /// Change its members and roles
    Edit(GroupEdit),
    /// Remove a group; its members stay
    Remove(GroupNamed),
}

/// Arguments of `people groups` and `people whoami`.
#[derive(Debug, Args)]
pub struct Listed {
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `people add`.
#[derive(Debug, Args)]
pub struct PersonAdd {
    /// One word of letters, digits and . _ - @ + \: it stands in the history for ever. The name that the system calls
    /// somebody by is the best
    #[arg(value_name = "NAME")]
    pub new: String,
    /// What they are called in full
    #[arg(long = "name", value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub display: String,
    /// Where they get mail
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// A role, everywhere or for the runs of one project; several times for several. Without any: viewer
    #[arg(long = "role", value_name = "ROLE[@PROJECT]", value_parser = grant)]
    pub roles: Vec<Grant>,
    /// A group that they are in
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// Another name of the same user
    #[arg(long = "alias", value_name = "NAME")]
    pub aliases: Vec<String>,
    /// What they can do, and how well: more is better
    #[arg(long = "skill", value_name = "SKILL[=LEVEL]", value_parser = skill)]
    pub skills: Vec<Skill>,
    /// It is an agent: a program. It decides for nobody
    #[arg(long)]
    pub agent: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `people edit`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct PersonEdit {
    /// Who: any of their names
    #[arg(value_name = "NAME")]
    pub person: String,
    /// What they are called in full; '' for nothing
    #[arg(long = "name", value_name = "TEXT", group = "what")]
    pub display: Option<String>,
    /// Where they get mail; '' for nowhere
    #[arg(long, value_name = "ADDRESS", group = "what")]
    pub email: Option<String>,
    /// A further role, everywhere or for the runs of one project
    #[arg(long = "role", value_name = "ROLE[@PROJECT]", value_parser = grant, group = "what")]
    pub roles: Vec<Grant>,
    /// A role that they lose
    #[arg(long = "no-role", value_name = "ROLE[@PROJECT]", value_parser = grant, group = "what")]
    pub no_roles: Vec<Grant>,
    /// A group that they join
    #[arg(long = "group", value_name = "GROUP", group = "what")]
    pub groups: Vec<String>,
    /// A group that they leave
    #[arg(long = "no-group", value_name = "GROUP", group = "what")]
    pub no_groups: Vec<String>,
    /// Another name of the same user
    #[arg(long = "alias", value_name = "NAME", group = "what")]
    pub aliases: Vec<String>,
    /// A name that is not theirs any more
    #[arg(long = "no-alias", value_name = "NAME", group = "what")]
    pub no_aliases: Vec<String>,
    /// What they can do, and how well: more is better
    #[arg(long = "skill", value_name = "SKILL[=LEVEL]", value_parser = skill, group = "what")]
    pub skills: Vec<Skill>,
    /// What they cannot do
    #[arg(long = "no-skill", value_name = "SKILL", group = "what")]
    pub no_skills: Vec<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `people remove` and `people restore`.
#[derive(Debug, Args)]
pub struct Person {
    /// Who: any of their names
    #[arg(value_name = "NAME")]
    pub person: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `people group add`.
#[derive(Debug, Args)]
pub struct GroupAdd {
    /// Its name: one word of letters, digits and . _ - @ + \
    #[arg(value_name = "GROUP")]
    pub new: String,
    /// Who is in it: users, no groups
    #[arg(long = "member", value_name = "NAME")]
    pub members: Vec<String>,
    /// A role that its members have, everywhere or for the runs of one project
    #[arg(long = "role", value_name = "ROLE[@PROJECT]", value_parser = grant)]
    pub roles: Vec<Grant>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `people group edit`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct GroupEdit {
    /// The group
    #[arg(value_name = "GROUP")]
    pub team: String,
    /// Who joins: users, no groups
    #[arg(long = "member", value_name = "NAME", group = "what")]
    pub members: Vec<String>,
    /// Who leaves
    #[arg(long = "no-member", value_name = "NAME", group = "what")]
    pub no_members: Vec<String>,
    /// A further role, everywhere or for the runs of one project
    #[arg(long = "role", value_name = "ROLE[@PROJECT]", value_parser = grant, group = "what")]
    pub roles: Vec<Grant>,
    /// A role that its members lose
    #[arg(long = "no-role", value_name = "ROLE[@PROJECT]", value_parser = grant, group = "what")]
    pub no_roles: Vec<Grant>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `people group remove`.
#[derive(Debug, Args)]
pub struct GroupNamed {
    /// The group
    #[arg(value_name = "GROUP")]
    pub team: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `people history`.
#[derive(Debug, Args)]
pub struct PeopleHistory {
    /// At most so many changes; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Without the newest so many: the next page
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub skip: usize,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

impl People {
    /// An option of the list, where one is given.
    pub fn filter(&self) -> Option<&'static str> {
        let given = [
            ("--role", self.role.is_some()),
            ("--group", self.group.is_some()),
            ("--skill", self.skill.is_some()),
            ("--removed", self.removed),
            ("--json", self.json),
        ];
        given.into_iter().find_map(|(name, given)| given.then_some(name))
    }

    /// Whether the answer is to be JSON.
    pub fn json(&self) -> bool {
        match &self.command {
            None => self.json,
            Some(PeopleCommand::Add(args)) => args.json,
            Some(PeopleCommand::Edit(args)) => args.json,
            Some(PeopleCommand::Remove(args) | PeopleCommand::Restore(args)) => args.json,
            Some(PeopleCommand::Groups(args) | PeopleCommand::Whoami(args)) => args.json,
            Some(PeopleCommand::History(args)) => args.json,
            Some(PeopleCommand::Group { command }) => match command {
                GroupCommand::Add(args) => args.json,
                GroupCommand::Edit(args) => args.json,
                GroupCommand::Remove(args) => args.json,
            },
        }
    }
}

fn grant(text: &str) -> Result<Grant, String> {
    let (role, project) = match text.split_once('@') {
        None => (text, None),
        Some((role, project)) => (role, Some(project.to_owned())),
    };
    match role.is_empty() {
        true => Err("write it as ROLE, or ROLE@PROJECT".to_owned()),
        false => Ok(Grant { role: role.to_owned(), project }),
    }
}

fn skill(text: &str) -> Result<Skill, String> {
    match text.split_once('=') {
        None => Ok(Skill { name: text.to_owned(), level: None }),
        Some((name, level)) => match level.parse() {
            Ok(level) => Ok(Skill { name: name.to_owned(), level: Some(level) }),
            Err(_) => Err(format!("`{level}` is no level: write a whole number from 0 on")),
        },
    }
}
