//! The operations on what somebody is known by. They need no engine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_store::access::Key;

use super::{AuditQuery, AuditRow, Secret};

/// Something to be done or told about what somebody is known by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each operation")]
pub enum AccessOperation {
    /// Make a token: for oneself, or as an admin for somebody else. It ends by itself at a time, where one is given, and
    /// is held to what a role may, where one is given.
    Create {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
    },
    /// The tokens of somebody: of oneself where nobody is named, `all` of everybody.
    List {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        #[serde(default)]
        all: bool,
    },
    /// Set a password with which somebody signs in at a browser: one's own, or as an admin somebody else's. Their sessions
    /// end. `current` is the one that holds, which is asked of who has a session or a token.
    SetPassword {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        password: Secret,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        current: Option<Secret>,
    },
    /// Take somebody's password away, and end their sessions.
    RemovePassword {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
    /// Begin a session as one of the people.
    SignIn { name: String, password: Secret },
    /// End the session with which it is asked.
    SignOut,
    /// Sign in by the provider that the home names: where a browser goes for it. `to` is where it goes in the end.
    BeginSignIn {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// Begin a session with what a browser came back with, once; `kept` is what it was given to keep.
    FinishSignIn {
        state: Secret,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept: Option<Secret>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Secret>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issuer: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Make a link to an open task, for oneself, or as an admin for somebody else who may act on it.
    Link {
        task: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
    /// What was done and refused, the newest first.
    Audit { query: AuditQuery },
    /// End a token, by its id, or by its name among those of somebody (else one's own).
    Revoke {
        token: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the operation that asks")]
pub enum AccessAnswer {
    /// See [`AccessOperation::Create`]. The secret is told here and never again.
    Created { token: TokenRow, secret: Secret },
    /// See [`AccessOperation::List`].
    Tokens { tokens: Vec<TokenRow> },
    /// See [`AccessOperation::SetPassword`].
    PasswordSet { user: String },
    /// See [`AccessOperation::RemovePassword`]. `had`: there was one.
    PasswordRemoved { user: String, had: bool },
    /// See [`AccessOperation::SignIn`]. The secret is for the browser, and for nobody else.
    SignedIn { user: String, expires_at: Time, secret: Secret },
    /// See [`AccessOperation::SignOut`].
    SignedOut { user: String },
    /// See [`AccessOperation::BeginSignIn`]. Who has the address and what is kept can finish it.
    SignInBegun { url: Secret, kept: Secret },
    /// See [`AccessOperation::FinishSignIn`].
    SignInFinished { user: String, expires_at: Time, secret: Secret, to: String },
    /// See [`AccessOperation::Link`]. The address is told here and never again.
    Linked { id: String, task: String, user: String, expires_at: Time, url: Secret },
    /// See [`AccessOperation::Audit`]. `next`: where the next page begins.
    Audit {
        entries: Vec<AuditRow>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// See [`AccessOperation::Revoke`].
    Revoked { token: TokenRow },
}

/// A token in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenRow {
    /// Names it. With it nobody can ask for anything.
    pub id: String,
    /// Whose.
    pub user: String,
    /// What it is called.
    pub name: String,
    /// The role that it is held to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// By whom.
    pub created_by: String,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// When it was used last, to the minute or so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Time>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<String>,
}

impl From<Key> for TokenRow {
    fn from(key: Key) -> Self {
        let (revoked_at, revoked_by) = key.ended.unzip();
        Self {
            id: key.id,
            user: key.person,
            name: key.name,
            role: key.role,
            created_at: key.created_at,
            created_by: key.created_by,
            expires_at: key.expires_at,
            used_at: key.used_at,
            revoked_at,
            revoked_by,
        }
    }
}
