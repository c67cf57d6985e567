//! Why somebody is not known, or may not have what they ask for.

use stead_core::Time;
use stead_store::access::KeyKind;

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
    #[error("the {} {}", .kind.as_str(), if *.revoked { "was revoked" } else { "has run out" })]
    Over {
        /// What it was.
        kind: KeyKind,
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
    #[error("{user} is an agent: tokens are made by people, and passwords and links are theirs")]
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
    /// Nobody signs in with this name and this password.
    #[error("name and password do not go together")]
    Mismatch,
    /// There is no session.
    #[error("there is no session to end: it is not asked with one")]
    NoSession,
    /// What cannot be a password.
    #[error("this can be no password: {why}")]
    Password {
        /// Why.
        why: &'static str,
    },
    /// The password that holds was not said.
    #[error("the password that holds now is another one than `current`")]
    Current,
    /// A link for somebody who may not act on the task.
    #[error("there is nothing to link {user} to: {why}")]
    NotAsked {
        /// Whom.
        user: String,
        /// Why.
        why: String,
    },
    /// A link without a server that it could lead to.
    #[error("a link leads to a server, and none is running here")]
    NoServer,
    /// A link is used for something else.
    #[error("a link is good for the task that it was made for, and for nothing else")]
    OtherTask,
    /// Too many passwords are looked at.
    #[error("too many passwords are looked at already")]
    Busy,
    /// A token that ends does what would last.
    #[error("the token ends by itself, and may not {deed}, which would outlast it")]
    Lasting {
        /// What it was to do.
        deed: &'static str,
    },
    /// Nobody signs in by a provider here.
    #[error("nobody signs in by a provider here: {why}")]
    NoProvider {
        /// Why.
        why: &'static str,
    },
    /// The provider does not do its part.
    #[error("the provider cannot be asked: {why}")]
    Provider {
        /// What happened.
        why: String,
    },
    /// What came back from the provider does not hold.
    #[error("the sign-in does not hold: {why}")]
    Broken {
        /// What is wrong with it.
        why: String,
    },
    /// Who has signed in at the provider is nobody here.
    #[error("whoever has signed in is nobody of this home: {why}")]
    Stranger {
        /// Why.
        why: String,
    },
    /// Where a browser is to go in the end is no place of this server.
    #[error("`to` is no path of this server")]
    NoPath,
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
            Self::Mismatch => "R0615",
            Self::NoSession => "R0616",
            Self::Password { .. } => "R0617",
            Self::Current => "R0618",
            Self::NotAsked { .. } => "R0619",
            Self::NoServer => "R0620",
            Self::OtherTask => "R0621",
            Self::Busy => "R0622",
            Self::Lasting { .. } => "R0623",
            Self::NoProvider { .. } => "R0624",
            Self::Provider { .. } => "R0625",
            Self::Broken { .. } => "R0626",
            Self::Stranger { .. } => "R0627",
            Self::NoPath => "R0628",
        }
    }

    /// Whether it is not known who asks. Else it is known, and something is wrong with what they ask for.
    pub fn is_unknown(&self) -> bool {
        matches!(
            self,
            Self::Unproven
                | Self::Unknown
                | Self::Over { .. }
                | Self::Gone
                | Self::Mismatch
                | Self::Broken { .. }
        )
    }

    /// What to try.
    pub fn help(&self) -> String {
        match self {
            Self::Unproven => {
                "send `Authorization: Bearer TOKEN`; `stead token create` on the server's machine makes one"
                    .into()
            }
            Self::Over { kind: KeyKind::Session, .. } => "sign in again".into(),
            Self::Over { kind: KeyKind::Link, .. } => "look into your inbox: `stead inbox`".into(),
            Self::Mismatch => "`stead password set` on the server's machine sets another password".into(),
            Self::NoSession => "a session is ended by the browser that has it".into(),
            Self::Password { .. } => format!(
                "a password has {} letters at least and {} bytes at most; a few words are a good one",
                limits::PASSWORD_CHARS,
                limits::PASSWORD_BYTES
            ),
            Self::Current => {
                "say it as `current`; `stead password set` on the server's machine takes none".into()
            }
            Self::NotAsked { .. } => "`stead inbox TASK` says who can act on it".into(),
            Self::NoServer => "`stead serve`".into(),
            Self::OtherTask => "ask with a token, or sign in".into(),
            Self::Busy => "try again a little later".into(),
            Self::Lasting { .. } => "sign in, or do it at the server's machine".into(),
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
            Self::NoProvider { .. } => "sign in with a password, or ask with a token".into(),
            Self::Provider { .. } => "try again a little later, or sign in with a password".into(),
            Self::Broken { .. } => "begin again: GET /api/v1/session/oidc/begin".into(),
            Self::Stranger { .. } => {
                "an admin adds them, or says their address: `stead people edit NAME --email ADDRESS`".into()
            }
            Self::NoPath => "give one that begins with a slash, such as /api/v1/docs".into(),
            Self::NoToken { .. } => "`stead token list` has all".into(),
            Self::NoPlace => "give `next` of the page before".into(),
        }
    }
}
