//! Passwords, and the sessions of browsers that are begun with them.

use stead_core::Time;
use stead_core::people::Kind;
use stead_store::access::{Access as _, AccessReader as _, Key, KeyKind, Noted};
use stead_store::people::PeopleReader as _;
use stead_store::sqlite::SqliteReader;

use super::key::held;
use super::perform::{Asking, means};
use super::secret::{SESSION, Secret, hex};
use super::{AccessAnswer, AccessError, Proof, password};
use crate::engine::chance;
use crate::error::EngineError;
use crate::home::Home;
use crate::library::open::{now, or_made};
use crate::limits;
use crate::people::Caller;

/// Begins a session for who says the name and the password of one of the people. That somebody is not known and that
/// the password is another one is the same, and takes as long.
pub(super) fn sign_in(
    home: &Home,
    reader: &mut SqliteReader,
    caller: &Caller,
    name: &str,
    said: &Secret,
) -> Result<AccessAnswer, EngineError> {
    if let Some(step) = caller.step() {
        return Err(AccessError::OfStep { user: step.id() }.into());
    }
    let register = reader.people()?;
    let known = register.user(name).ok().filter(|(_, user)| user.kind == Kind::Person);
    let person = known.and_then(|(_, user)| register.canonical(&user.name).ok());
    let kept = match &person {
        Some(person) => reader.password(person)?,
        None => None,
    };
    let fits = password::fits(said, kept.as_deref())?;
    let Some(person) = person.filter(|_| fits) else { return Err(AccessError::Mismatch.into()) };
    let (expires_at, secret) = begin_session(home, &person, "sign in")?;
    Ok(AccessAnswer::SignedIn { user: person, expires_at, secret })
}

/// Begins a session of somebody who has shown who they are.
pub(super) fn begin_session(home: &Home, person: &str, what: &str) -> Result<(Time, Secret), EngineError> {
    let at = now();
    let expires_at = at.saturating_add(limits::SESSION_TIME);
    let secret = Secret::draw(SESSION)?;
    let key = begun(person, at, expires_at)?;
    let note = noted(at, person, &key, what);
    or_made(home)?.put_key(&key, &secret.hash(), &note)?;
    Ok((expires_at, secret))
}

/// A new session, which is not kept yet.
fn begun(person: &str, at: Time, expires_at: Time) -> Result<Key, EngineError> {
    Ok(Key {
        id: format!("{}{}", super::audit::KEY, hex(&chance::<6>()?)),
        kind: KeyKind::Session,
        person: person.to_owned(),
        name: "session".to_owned(),
        role: None,
        created_at: at,
        created_by: person.to_owned(),
        expires_at: Some(expires_at),
        used_at: None,
        ended: None,
        task: None,
    })
}

/// Ends the session with which it is asked.
pub(super) fn sign_out(
    home: &Home,
    reader: &mut SqliteReader,
    caller: &Caller,
) -> Result<AccessAnswer, EngineError> {
    let proof = caller.proof.as_ref().filter(|proof| **proof != Proof::Nothing);
    let key = proof.map(|proof| held(reader, proof)).transpose()?;
    let Some(key) = key.filter(|key| key.kind == KeyKind::Session) else {
        return Err(AccessError::NoSession.into());
    };
    let note = noted(now(), &key.person, &key, "sign out");
    or_made(home)?.end_key(&key.id, &note)?;
    Ok(AccessAnswer::SignedOut { user: key.person })
}

fn noted(at: Time, who: &str, key: &Key, what: &str) -> Noted {
    let (who, what) = (who.to_owned(), what.to_owned());
    Noted { at, who, means: means(key), what, about: key.id.clone(), refused: None }
}

impl Asking<'_> {
    /// Sets a password. Who asks with a session or a token says the one that holds now, so that whoever has found one of
    /// these does not come to stay.
    pub(super) fn set_password(
        &mut self,
        home: &Home,
        user: Option<&str>,
        new: &Secret,
        current: Option<&Secret>,
    ) -> Result<AccessAnswer, EngineError> {
        let deed = "set a password";
        let person = self.whose(user, deed)?;
        if let Some(own) = self.own_key()? {
            if let Some(role) = own.role {
                return Err(AccessError::Held { role, deed }.into());
            }
            if own.kind == KeyKind::Token && own.expires_at.is_some() {
                return Err(AccessError::Lasting { deed }.into());
            }
            let kept = self.reads.reader_mut().password(&person)?;
            if person == self.actor.user && kept.is_some() {
                let fits = match current {
                    Some(current) => password::fits(current, kept.as_deref())?,
                    None => false,
                };
                if !fits {
                    return Err(AccessError::Current.into());
                }
            }
        }
        password::check(new)?;
        let hash = password::hashed(new)?;
        let note = self.note(now(), deed, person.clone())?;
        or_made(home)?.put_password(&person, Some(&hash), &note)?;
        Ok(AccessAnswer::PasswordSet { user: person })
    }

    /// Takes a password away: nobody signs in with it any more.
    pub(super) fn remove_password(
        &mut self,
        home: &Home,
        user: Option<&str>,
    ) -> Result<AccessAnswer, EngineError> {
        let deed = "take a password away";
        let person = self.whose(user, deed)?;
        if let Some(role) = self.own_key()?.and_then(|own| own.role) {
            return Err(AccessError::Held { role, deed }.into());
        }
        let had = self.reads.reader_mut().password(&person)?.is_some();
        let note = self.note(now(), deed, person.clone())?;
        or_made(home)?.put_password(&person, None, &note)?;
        Ok(AccessAnswer::PasswordRemoved { user: person, had })
    }

    /// Whose password, or link, is meant. Agents have none, and give nobody one.
    pub(super) fn whose(&self, user: Option<&str>, deed: &'static str) -> Result<String, EngineError> {
        if self.actor.agent {
            return Err(AccessError::Agent { user: self.actor.user.clone() }.into());
        }
        let person = self.of(user, deed)?;
        match person.starts_with("agent:") {
            true => Err(AccessError::Agent { user: person }.into()),
            false => Ok(person),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_a_session_ends_though_it_is_used() {
        let end = limits::SESSION_TIME;
        let key = begun("user:ana", 0, end).unwrap();
        let used = |at: Time| Key { used_at: Some(at - 1), ..key.clone() };
        assert!(!used(end - 1).is_over(end - 1) && used(end).is_over(end));
    }
}
