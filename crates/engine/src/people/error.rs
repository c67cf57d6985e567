//! Why somebody may not do what they ask for. What the people cannot be changed to is
//! [`stead_core::people::Refusal`].

use stead_core::people::Role;

/// Why somebody may not.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The user of the process is nobody of this home.
    #[error(
        "`{system}`, as the system calls the user of this process, {}",
        if *.removed { "was removed from the people of this home" } else { "is nobody of this home" }
    )]
    Stranger {
        /// What the system calls them.
        system: String,
        /// Whether they once were somebody.
        removed: bool,
        /// Whether they may act under another name.
        owner: bool,
        /// Who can add them.
        admins: Vec<String>,
    },
    /// Somebody wants to act under a name that is not theirs.
    #[error("only who owns this home may act under another name: {why}")]
    NotOwner {
        /// Why they are not.
        why: String,
    },
    /// A role is missing.
    #[error(
        "{user} may not {deed}{}: that takes the role {}, and {user} {}",
        place(project), role.as_str(), has(roles)
    )]
    Lacks {
        /// Who.
        user: String,
        /// What they wanted, as in "save a workflow".
        deed: &'static str,
        /// The role that it takes.
        role: Role,
        /// Those that they have there.
        roles: Vec<String>,
        /// The project that it is about.
        project: Option<String>,
        /// Who can grant it.
        admins: Vec<String>,
    },
    /// An agent asks for what is for people.
    #[error("{user} is an agent, and agents may not {deed}: that takes the role {}", role.as_str())]
    Agent {
        /// The agent, or the step that the program belongs to.
        user: String,
        /// What it wanted.
        deed: &'static str,
        /// The role that it takes.
        role: Role,
    },
    /// A program of a step is about to decide on the run that it works for.
    #[error("{user} is a program of run {run} and may not {deed} of it: it does not decide on its own work")]
    OwnRun {
        /// The step.
        user: String,
        /// The run.
        run: String,
        /// What it wanted.
        deed: &'static str,
    },
    /// A program of a step wants another name.
    #[error("{user} is a program of a step and acts as that: it takes no other name")]
    StepAs {
        /// The step.
        user: String,
    },
}

fn place(project: &Option<String>) -> String {
    match project.as_deref() {
        None => String::new(),
        Some("") => " of no project".to_owned(),
        Some(project) => format!(" of project {project}"),
    }
}

fn has(roles: &[String]) -> String {
    match roles.is_empty() {
        true => "has no role there".to_owned(),
        false => format!("has only {}", roles.join(", ")),
    }
}

impl PeopleError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Stranger { .. } => "R0501",
            Self::NotOwner { .. } => "R0502",
            Self::Lacks { .. } => "R0503",
            Self::Agent { .. } => "R0504",
            Self::OwnRun { .. } => "R0505",
            Self::StepAs { .. } => "R0506",
        }
    }

    /// What to try.
    pub fn help(&self) -> String {
        match self {
            Self::Stranger { system, removed, owner, admins } => {
                let admins = admins.join(", ");
                let add = match removed {
                    true => {
                        format!("an admin ({admins}) can take them back: `stead people restore {system}`")
                    }
                    false => format!(
                        "an admin ({admins}) can add it: `stead people add {system}`, or as another name of somebody: \
                         `stead people edit NAME --alias {system}`"
                    ),
                };
                match owner {
                    true => {
                        format!("`--as NAME` acts as one of the people of this home, which is yours; {add}")
                    }
                    false => add,
                }
            }
            Self::NotOwner { .. } => {
                "the folder of the home has to be yours and closed to all others (`chmod 700`)".to_owned()
            }
            Self::Lacks { user, role, project, admins, .. } => {
                let name = user.split_once(':').map_or(user.as_str(), |(_, name)| name);
                let project = project.as_ref().filter(|project| !project.is_empty());
                let project = project.map_or_else(String::new, |project| format!("@{project}"));
                let grant = format!("`stead people edit {name} --role {}{project}`", role.as_str());
                format!("an admin ({}) can grant it: {grant}", admins.join(", "))
            }
            Self::Agent { .. } => {
                "agents, programs of steps among them, look at runs, start, end and mend them; the rest is for people"
                    .to_owned()
            }
            Self::OwnRun { .. } => "a person has to do it".to_owned(),
            Self::StepAs { .. } => "leave `--as` out".to_owned(),
        }
    }
}
