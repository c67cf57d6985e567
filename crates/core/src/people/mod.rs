//! People: who there is in a home, what they are called, which groups and roles they have; and who acts.
//!
//! A [`Register`] is all of it. Stores keep it in tables and hand it out whole; what may be changed, and what a name
//! or a selector comes to, is decided here and nowhere else, so that every store and every interface agrees.

mod edit;
mod names;
mod refusal;
mod register;
mod resolve;

pub use edit::{Change, Edit};
pub use names::{Kind, Role, fold, is_email};
pub use refusal::{Holder, Refusal};
pub use register::{Grant, Group, Register, Skill, Touched, User};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::StreamId;

/// Who acts, with everything that a decision about it needs to know. Roles are those that hold where it happens: for
/// the project of the run, and everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// Who, by the one name that stands in the history: `user:ana`, `agent:reviewer`, `agent:RUN/STEP`.
    pub user: String,
    /// Other names of the same user, without `user:`: whoever has two is still one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Groups, without `group:`.
    pub groups: Vec<String>,
    /// Roles, without `role:`: own ones, those of the groups, and what these bring with them.
    pub roles: Vec<String>,
    /// No person.
    pub agent: bool,
    /// Of a program that a step has started: the run at the top of the runs that the step is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<StreamId>,
    /// Nobody was ever added to the people of this home: whoever works there stands for all that a definition may
    /// name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
}

impl Actor {
    /// Somebody of a home without people: may do everything.
    pub fn alone(user: &str) -> Self {
        let roles = Role::ALL.iter().map(|role| role.as_str().to_owned()).collect();
        Self { user: user.to_owned(), roles, alone: true, ..Self::default() }
    }

    /// A program of a step: `run` is the run at the top.
    pub fn of_step(user: &str, run: StreamId) -> Self {
        let roles = [Role::Operator, Role::Viewer].map(|role| role.as_str().to_owned()).to_vec();
        Self { user: user.to_owned(), roles, agent: true, run: Some(run), ..Self::default() }
    }

    /// Whether a selector of a definition means this actor: `user:`, `agent:`, `group:`, `role:`, `agents`. The words
    /// `starter` and `step:` depend on a run: whoever asks puts the names that they come to in their place.
    /// Whether somebody is meant by a `not` is asked of [`is_named`](Self::is_named).
    ///
    /// A user is meant by each of their names, in large or small letters.
    pub fn is(&self, selector: &str) -> bool {
        let same = |names: &[String], name: &str| names.iter().any(|own| fold(own) == fold(name));
        let Some((kind, name)) = selector.split_once(':') else { return selector == "agents" && self.agent };
        match kind {
            "user" | "agent" => {
                let (own_kind, own) = self.user.split_once(':').unwrap_or_default();
                let own = own_kind == kind && (fold(own) == fold(name) || same(&self.aliases, name));
                own || (self.alone && kind == "user")
            }
            "group" => self.alone || same(&self.groups, name),
            "role" => self.alone || same(&self.roles, name),
            _ => false,
        }
    }

    /// Whether a selector means this actor and nobody in its stead: [`is`](Self::is) without [`alone`](Self::alone), for
    /// what excludes. Who works alone would be excluded by every name otherwise.
    pub fn is_named(&self, selector: &str) -> bool {
        if !self.alone {
            return self.is(selector);
        }
        Self { alone: false, groups: Vec::new(), roles: Vec::new(), ..self.clone() }.is(selector)
    }

    /// Whether it has a role that gives rights.
    pub fn has(&self, role: Role) -> bool {
        self.roles.iter().any(|own| own == role.as_str())
    }
}
