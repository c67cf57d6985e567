//! Links to one open task: whoever has one acts on it as the person that it was made for, and on nothing else.

use stead_core::Time;
use stead_store::access::{Access as _, Key, KeyKind, TaskShown};

use super::key::brings;
use super::perform::Asking;
use super::secret::{LINK, Secret, hex};
use super::{AccessAnswer, AccessError};
use crate::engine::chance;
use crate::error::EngineError;
use crate::home::Home;
use crate::library::open::{now, or_made};
use crate::limits;
use crate::tasks::{TaskAnswer, TaskOperation};

/// What the path of a link begins with.
pub const LINKS: &str = "/a/";

/// What a link is to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkNow {
    /// The task.
    pub task: String,
    /// The version of what was shown when it was made.
    pub version: String,
    /// Who acts by it.
    pub user: String,
    /// Until when it can be used.
    pub expires_at: Option<Time>,
}

/// A new link, which is not kept yet.
pub(super) fn drawn(
    person: &str,
    shown: TaskShown,
    by: &str,
    at: Time,
    until: Option<Time>,
) -> Result<(Key, Secret), EngineError> {
    let last = at.saturating_add(limits::LINK_TIME);
    let key = Key {
        id: format!("{}{}", super::audit::KEY, hex(&chance::<6>()?)),
        kind: KeyKind::Link,
        person: person.to_owned(),
        name: shown.task.clone(),
        role: None,
        created_at: at,
        created_by: by.to_owned(),
        expires_at: Some(until.map_or(last, |until| until.min(last))),
        used_at: None,
        ended: None,
        task: Some(shown),
    };
    Ok((key, Secret::draw(LINK)?))
}

impl Asking<'_> {
    /// Makes a link for somebody who may act on the task now.
    pub(super) fn link(
        &mut self,
        home: &Home,
        wanted: &str,
        user: Option<&str>,
        served: Option<&str>,
    ) -> Result<AccessAnswer, EngineError> {
        let deed = "make a link to a task";
        let person = self.whose(user, deed)?;
        let own = self.own_key()?;
        if let Some(role) = own.as_ref().and_then(|own| own.role.as_deref())
            && !brings(role, stead_core::people::Role::Approver)
        {
            return Err(AccessError::Held { role: role.to_owned(), deed }.into());
        }
        let none = || EngineError::NoTask {
            wanted: wanted.to_owned(),
            why: "there is none, or it is not for you".to_owned(),
        };
        match self.reads.is_seen_by(wanted, &self.actor.user) {
            Ok(true) => {}
            Ok(false) => return Err(none()),
            Err(error) => return Err(error),
        }
        let not_asked = |why: String| AccessError::NotAsked { user: person.clone(), why };
        let show = TaskOperation::Show { task: wanted.to_owned(), by: person.clone() };
        let task = match self.reads.task_operation(&show) {
            Ok(Some(TaskAnswer::Task { task })) => task,
            Ok(_) => return Err(none()),
            Err(EngineError::Refused { why, .. }) => return Err(not_asked(why).into()),
            Err(error) => return Err(error),
        };
        if task.head.status.is_end() {
            return Err(not_asked("it is over".to_owned()).into());
        }
        if let Some(why) = task.barred {
            return Err(not_asked(why).into());
        }
        let base = served.ok_or(AccessError::NoServer)?;
        let at = now();
        let shown = TaskShown { task: task.task.to_string(), version: task.version };
        // It does not outlast the token that it was made with.
        let until = own.filter(|own| own.kind == KeyKind::Token).and_then(|own| own.expires_at);
        let (key, secret) = drawn(&person, shown, &self.actor.user, at, until)?;
        let note = self.note(at, deed, super::perform::about(&key))?;
        or_made(home)?.put_key(&key, &secret.hash(), &note)?;
        let url = Secret::new(format!("{base}{LINKS}{}", secret.reveal()));
        let expires_at = key.expires_at.unwrap_or(at);
        Ok(AccessAnswer::Linked { id: key.id, task: task.task.to_string(), user: person, expires_at, url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_links_end() {
        let of = |until| {
            let shown = TaskShown { task: "t_1".into(), version: "v".into() };
            drawn("user:ana", shown, "user:ana", 0, until).unwrap().0
        };
        let end = limits::LINK_TIME;
        for until in [None, Some(end + 1)] {
            assert!(!of(until).is_over(end - 1) && of(until).is_over(end), "{until:?}");
        }
        assert!(of(Some(5)).is_over(5), "no longer than what it was made with");
    }
}
