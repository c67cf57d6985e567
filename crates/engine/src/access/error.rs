//! Why somebody is not known, or may not have what they ask for.

use stead_core::Time;

use crate::limits;

/// Why somebody is not known, or may not have what they ask for.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Nothing was shown by which it is known who asks.
    #[error("it is not known who asks: there is no token")]
    Unproven,
    /// What was shown means nobody.
    #[error("the token is not known here")]
    Unknown,
    /// It meant somebody.
    #[error("the token {}", if *.revoked { "was revoked" } else { "has run out" })]
    Over {
        /// Somebody ended it.
        revoked: bool,
    },
    /// Its person is nobody of this home any more.
    #[error("whoever the token was for is nobody of this home any more")]
    Gone,
    /// A program of a step shows one.
    #[error("{user} is a program of a step and acts as that: it takes no token")]
    OfStep {
        /// The step.
        user: String,
    },
    /// A token does less than its person.
    #[error("the token is held to what the role {role} may, and may not {deed}")]
    Held {
        /// The role.
        role: String,
        /// What it was to do.
        deed: &'static str,
    },
    /// Nobody was added to the home.
    #[error("a token is somebody's, and nobody was added to this home")]
    NoPeople,
    /// A token is made or revoked by an agent.
    #[error("{user} is an agent: tokens are made by people")]
    Agent {
        /// The agent.
        user: String,
    },
    /// A name that cannot be one.
    #[error("`{name}` is no name of a token: {why}")]
    Name {
        /// As it was given, its beginning.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// A role that gives no rights.
    #[error("`{role}` is no role that a token can be held to")]
    Role {
        /// As it was given.
        role: String,
    },
    /// An end that has been.
    #[error("the token would have run out already")]
    Past,
    /// A token would make one that can do more than itself.
    #[error("a token makes none that {}", .until.map_or("does more than itself", |_| "lasts longer than itself"))]
    Beyond {
        /// Until when it lasts.
        until: Option<Time>,
    },
    /// A page that does not begin anywhere.
    #[error("`after` is no place in the list")]
    NoPlace,
    /// There is no such token.
    #[error("there is no token `{wanted}`")]
    NoToken {
        /// As it was named.
        wanted: String,
    },
}

impl AccessError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unproven => "R0601",
            Self::Unknown => "R0602",
            Self::Over { .. } => "R0603",
            Self::Gone => "R0604",
            Self::OfStep { .. } => "R0605",
            Self::Held { .. } => "R0606",
            Self::NoPeople => "R0607",
            Self::Agent { .. } => "R0608",
            Self::Name { .. } => "R0609",
            Self::Role { .. } => "R0610",
            Self::Past => "R0611",
            Self::Beyond { .. } => "R0612",
            Self::NoToken { .. } => "R0613",
            Self::NoPlace => "R0614",
        }
    }

    /// Whether it is not known who asks. Else it is known, and something is wrong with what they ask for.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unproven | Self::Unknown | Self::Over { .. } | Self::Gone)
    }

    /// What to try.
    pub fn help(&self) -> String {
        match self {
            Self::Unproven => {
                "send `Authorization: Bearer TOKEN`; `stead token create` on the server's machine makes one"
                    .into()
            }
            Self::Unknown | Self::Over { .. } | Self::Gone => {
                "take another one; `stead token create` on the server's machine makes one".into()
            }
            Self::OfStep { .. } => "ask without one: what a step may do, its programs may".into(),
            Self::Held { .. } => "use a token that is held to nothing, or to another role".into(),
            Self::NoPeople => "add them first: `stead people add NAME --role ROLE`".into(),
            Self::Agent { .. } => "an admin makes one for it: `stead token create NAME --user AGENT`".into(),
            Self::Name { .. } => {
                format!("a name has 1 to {} letters, and no control characters", limits::TOKEN_NAME_CHARS)
            }
            Self::Role { .. } => "viewer, operator, approver, editor or admin".into(),
            Self::Past => "give a length of time such as 30d, or leave it out".into(),
            Self::Beyond { .. } => {
                "make it at the server's machine, or with a token that is held to nothing".into()
            }
            Self::NoToken { .. } => "`stead token list` has all".into(),
            Self::NoPlace => "give `next` of the page before".into(),
        }
    }
}
