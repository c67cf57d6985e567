//! Why a change of the people was refused, or a name means nobody.

use std::fmt;

use crate::Time;

/// Who has a role: somebody, or a group.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// A user, by name.
    User(String),
    /// A group, by name.
    Group(String),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "{name}"),
            Self::Group(name) => write!(f, "group {name}"),
        }
    }
}

/// Why it was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such user.
    #[error("there is nobody called `{name}` in this home")]
    Unknown {
        /// As it was asked for.
        name: String,
        /// A name like it.
        near: Option<String>,
    },
    /// No such group.
    #[error("there is no group `{name}` in this home")]
    UnknownGroup {
        /// As it was asked for.
        name: String,
        /// A name like it.
        near: Option<String>,
    },
    /// The name means somebody already.
    #[error(
        "the name `{name}` is taken: {}",
        if *.removed { format!("it is one of {user}, who was removed") } else { format!("it is one of {user}") }
    )]
    Taken {
        /// The name.
        name: String,
        /// Whose it is.
        user: String,
        /// Whether that one was removed.
        removed: bool,
    },
    /// There is such a group.
    #[error("there is a group `{name}` already")]
    GroupTaken {
        /// The group.
        name: String,
    },
    /// Somebody was removed.
    #[error("{name} was removed by {by}")]
    Removed {
        /// Who.
        name: String,
        /// When.
        at: Time,
        /// By whom.
        by: String,
    },
    /// Somebody was not removed.
    #[error("{name} is not removed")]
    NotRemoved {
        /// Who.
        name: String,
    },
    /// Something is to be taken from somebody who does not have it.
    #[error("{holder} does not have {what}")]
    Lacks {
        /// Who.
        holder: Holder,
        /// What, in words.
        what: String,
    },
    /// Nobody would be left who says who the people are.
    #[error("nobody would be left who is admin of this home")]
    NoAdmin,
    /// A role that agents do not have.
    #[error("{name} is an agent, which cannot be {role}")]
    AgentRole {
        /// The agent.
        name: String,
        /// The role.
        role: String,
    },
    /// A group is to be a member.
    #[error("`{name}` is a group: groups hold users only")]
    GroupInGroup {
        /// The group that was to be a member.
        name: String,
    },
    /// What cannot be a name.
    #[error("`{name}` is no name of a {what}: {why}")]
    Name {
        /// Of what.
        what: &'static str,
        /// The beginning of it.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// Too many of something.
    #[error("{holder} has {most} {what}, and no more are kept")]
    TooMany {
        /// Who or what has them.
        holder: String,
        /// Of what.
        what: &'static str,
        /// How many are kept.
        most: usize,
    },
}

impl Refusal {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "S0801",
            Self::UnknownGroup { .. } => "S0802",
            Self::Taken { .. } => "S0803",
            Self::GroupTaken { .. } => "S0804",
            Self::Removed { .. } => "S0805",
            Self::NotRemoved { .. } => "S0806",
            Self::Lacks { .. } => "S0807",
            Self::NoAdmin => "S0808",
            Self::AgentRole { .. } => "S0809",
            Self::GroupInGroup { .. } => "S0810",
            Self::Name { .. } => "S0811",
            Self::TooMany { .. } => "S0812",
        }
    }

    /// What to try.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => {
                "`stead people` lists the people of this home, `stead people add NAME` adds one."
            }
            Self::UnknownGroup { .. } => {
                "`stead people groups` lists the groups, `stead people group add NAME` makes one."
            }
            Self::Taken { removed: true, .. } => {
                "`stead people restore NAME` takes back who was removed; a name is never given to somebody else, since it \
                 stands in the history."
            }
            Self::Taken { .. } => "Choose another name; `stead people` lists all names.",
            Self::GroupTaken { .. } => "`stead people group edit NAME` changes it.",
            Self::Removed { .. } => "`stead people restore NAME` takes them back.",
            Self::NotRemoved { .. } => "`stead people --removed` lists those who were removed.",
            Self::Lacks { .. } => "`stead people` and `stead people groups` show who has what.",
            Self::NoAdmin => {
                "Make somebody else admin first: `stead people edit NAME --role admin`. It has to be a person, and for all \
                 projects."
            }
            Self::AgentRole { .. } => {
                "An agent can be viewer and operator, and have roles of your own that definitions name."
            }
            Self::GroupInGroup { .. } => "Name its members instead.",
            Self::Name { .. } => {
                "A name is one word of letters, digits and . _ - @ + \\, at most 64 bytes long. What a person is called in \
                 full is said by --name."
            }
            Self::TooMany { .. } => "Take away some that nobody needs.",
        }
    }
}
