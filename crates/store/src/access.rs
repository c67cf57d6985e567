//! What somebody is known by who asks from elsewhere: tokens, sessions of browsers, passwords; and what is noted of it.
//!
//! They stand beside the streams, as the people do: any process may write them, each time in one transaction. Of a
//! secret only its hash is kept, so whoever reads the store cannot ask with what stands there. When somebody is removed
//! from the people, their keys end and their password goes, in the same transaction.

use serde::{Deserialize, Serialize};
use stead_core::Time;

use crate::{StoreError, limits};

/// What kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// A token, for programs.
    Token,
    /// A session of a browser.
    Session,
    /// A link to one open task.
    Link,
    /// An account of a provider by which its person signs in. It is no secret, and asks for nothing.
    Account,
}

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Token, Self::Session, Self::Link, Self::Account];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::Link => "link",
            Self::Account => "account",
        }
    }

    /// How many living ones somebody has at most.
    pub fn most(self) -> usize {
        match self {
            Self::Token => limits::TOKENS,
            Self::Session => limits::SESSIONS,
            Self::Link => limits::LINKS,
            Self::Account => limits::ACCOUNTS,
        }
    }
}

/// A key as it is kept; without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Names it; no secret.
    pub id: String,
    /// What it is.
    pub kind: KeyKind,
    /// Whose, by the one name of the history.
    pub person: String,
    /// What its person calls it.
    pub name: String,
    /// The role that it is held to.
    pub role: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// By whom.
    pub created_by: String,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
    /// When it was used last, to the minute or so.
    pub used_at: Option<Time>,
    /// When it was ended, and by whom.
    pub ended: Option<(Time, String)>,
    /// What a link is to.
    pub task: Option<TaskShown>,
}

/// A task, and what of it was shown when a link to it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskShown {
    /// Its id.
    pub task: String,
    /// The version of what was shown.
    pub version: String,
}

impl Key {
    /// Whether it is good for nothing any more. A session is over as well when it was not used for long.
    pub fn is_over(&self, at: Time) -> bool {
        let idle = self.kind == KeyKind::Session
            && self.used_at.unwrap_or(self.created_at).saturating_add(limits::SESSION_IDLE) <= at;
        idle || self.ended.is_some() || self.expires_at.is_some_and(|end| end <= at)
    }
}

/// Something that was done or refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// When.
    pub at: Time,
    /// Who, as far as it is known: `user:ana`, or an address.
    pub who: String,
    /// By which means: `socket`, `token ci`, `session`.
    pub means: String,
    /// What.
    pub what: String,
    /// About what.
    pub about: String,
    /// The code of the refusal, where it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// What is read of keys.
pub trait AccessReader {
    /// The key of an id.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn key(&mut self, id: &str) -> Result<Option<Key>, StoreError>;

    /// The key whose secret has this hash.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn key_of(&mut self, hash: &str) -> Result<Option<Key>, StoreError>;

    /// The keys of a kind, of one person or of all, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn keys(&mut self, kind: KeyKind, person: Option<&str>) -> Result<Vec<Key>, StoreError>;

    /// The hash of somebody's password.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn password(&mut self, person: &str) -> Result<Option<String>, StoreError>;

    /// Whether anybody has a password.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn has_passwords(&mut self) -> Result<bool, StoreError>;

    /// What was noted, with its number, the newest first: at most `limit`, those before number `before`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn noted(&mut self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Noted)>, StoreError>;
}

/// Keys, to be changed. What is changed is noted in the same transaction.
pub trait Access: AccessReader {
    /// Keeps a new key, whose secret has this hash. Of sessions and links the oldest goes when there are too many.
    ///
    /// # Errors
    /// [`StoreError::KeyTaken`] where the person has a living token of this name, [`StoreError::KeysMany`] where they
    /// have too many; and when the store cannot be written.
    fn put_key(&mut self, key: &Key, hash: &str, note: &Noted) -> Result<(), StoreError>;

    /// Ends a key; false where there is none that lives.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn end_key(&mut self, id: &str, note: &Noted) -> Result<bool, StoreError>;

    /// Notes when keys were used last.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn use_keys(&mut self, used: &[(String, Time)]) -> Result<(), StoreError>;

    /// Sets somebody's password, or takes it away, and ends their sessions.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put_password(&mut self, person: &str, hash: Option<&str>, note: &Noted) -> Result<(), StoreError>;

    /// Notes something.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn note(&mut self, notes: &[Noted]) -> Result<(), StoreError>;
}
