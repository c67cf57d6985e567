//! The operations on tokens: transactions of the store, which need no engine.

use stead_core::Time;
use stead_core::people::{Actor, Register, Role};
use stead_store::StoreError;
use stead_store::access::{Access as _, AccessReader as _, Key, KeyKind, Noted};
use stead_store::people::PeopleReader as _;
use stead_store::sqlite::SqliteReader;

use super::key::held;
use super::secret::{Secret, TOKEN, hex};
use super::sign::{sign_in, sign_out};
use super::{AccessAnswer, AccessError, AccessOperation, TokenRow};
use crate::engine::chance;
use crate::error::EngineError;
use crate::home::Home;
use crate::library::open::{now, or_made, reader};
use crate::limits;
use crate::people::{Caller, PeopleError, identity};
use crate::reads::Reads;

/// Whether anybody could be known here by what they carry.
///
/// # Errors
/// When the store cannot be read.
pub fn has_any(home: &Home) -> Result<bool, EngineError> {
    let Some(mut reader) = reader(home)? else { return Ok(false) };
    if reader.people()?.is_empty() {
        return Ok(false);
    }
    let at = now();
    let good = |key: &Key| !key.is_over(at);
    Ok(reader.has_passwords()?
        || reader.keys(KeyKind::Token, None)?.iter().any(good)
        || super::check_provider(home)?)
}

/// Somebody who asks about tokens.
pub(super) struct Asking<'c> {
    pub(super) caller: &'c Caller,
    pub(super) reads: Reads<SqliteReader>,
    register: Register,
    pub(super) actor: Actor,
}

/// Performs an operation on what people of a home are known by, that was admitted. `served` is where a server of the
/// home is reached.
pub(crate) fn ask(
    home: &Home,
    caller: &Caller,
    operation: AccessOperation,
    served: Option<&str>,
) -> Result<AccessAnswer, EngineError> {
    let Some(mut reader) = reader(home)? else {
        return match operation {
            AccessOperation::Audit { .. } => Ok(AccessAnswer::Audit { entries: Vec::new(), next: None }),
            _ => Err(AccessError::NoPeople.into()),
        };
    };
    let register = reader.people()?;
    if let AccessOperation::Audit { mut query } = operation {
        // Also of who works alone.
        query.user = query.user.map(|user| register.canonical(&user).unwrap_or(user));
        let (entries, next) = super::audit::audit(&mut reader, &query)?;
        return Ok(AccessAnswer::Audit { entries, next });
    }
    if register.is_empty() {
        return Err(AccessError::NoPeople.into());
    }
    // Who signs in is nobody yet.
    match &operation {
        AccessOperation::SignIn { name, password } => {
            return sign_in(home, &mut reader, caller, name, password);
        }
        AccessOperation::SignOut => return sign_out(home, &mut reader, caller),
        // The process that serves knows who has begun.
        AccessOperation::BeginSignIn { .. } | AccessOperation::FinishSignIn { .. } => {
            return Err(AccessError::NoServer.into());
        }
        _ => {}
    }
    let mut reads = Reads::light(reader, home);
    let actor = identity(&mut reads, home, caller, None)?;
    let mut asking = Asking { caller, reads, register, actor };
    match operation {
        AccessOperation::Create { name, user, expires, role } => {
            asking.create(home, name, user.as_deref(), expires, role)
        }
        AccessOperation::List { user, all } => asking.list(user.as_deref(), all),
        AccessOperation::SetPassword { user, password, current } => {
            asking.set_password(home, user.as_deref(), &password, current.as_ref())
        }
        AccessOperation::RemovePassword { user } => asking.remove_password(home, user.as_deref()),
        AccessOperation::Link { task, user } => asking.link(home, &task, user.as_deref(), served),
        AccessOperation::Audit { .. }
        | AccessOperation::SignIn { .. }
        | AccessOperation::SignOut
        | AccessOperation::BeginSignIn { .. }
        | AccessOperation::FinishSignIn { .. } => Err(EngineError::bug(&"it was told already")),
        AccessOperation::Revoke { token, user } => asking.revoke(home, &token, user.as_deref()),
    }
}

impl Asking<'_> {
    /// The one name of somebody: of who asks, where nobody is named. Others are an admin's.
    pub(super) fn of(&self, user: Option<&str>, deed: &'static str) -> Result<String, EngineError> {
        let own = self.actor.user.clone();
        let named = user.map(|user| self.register.canonical(user));
        if matches!(&named, None | Some(Ok(_)))
            && named.as_ref().is_none_or(|named| *named == Ok(own.clone()))
        {
            return Ok(own);
        }
        self.is_admin(deed)?;
        match named {
            Some(named) => named.map_err(|refusal| StoreError::from(refusal).into()),
            None => Ok(own),
        }
    }

    fn is_admin(&self, deed: &'static str) -> Result<(), EngineError> {
        if self.actor.has(Role::Admin) {
            return Ok(());
        }
        let admins = self.register.admins().into_iter().take(limits::ADMINS_NAMED);
        Err(PeopleError::Lacks {
            user: self.actor.user.clone(),
            deed,
            role: Role::Admin,
            roles: self.actor.roles.clone(),
            project: None,
            admins: admins.map(|user| user.name.clone()).collect(),
        }
        .into())
    }

    /// The key that it is asked with.
    pub(super) fn own_key(&mut self) -> Result<Option<Key>, EngineError> {
        let Some(proof) = &self.caller.proof else { return Ok(None) };
        held(self.reads.reader_mut(), proof).map(Some)
    }

    pub(super) fn note(&mut self, at: Time, what: &str, about: String) -> Result<Noted, EngineError> {
        let means = match self.own_key()? {
            Some(key) => means(&key),
            None => "socket".to_owned(),
        };
        Ok(Noted { at, who: self.actor.user.clone(), means, what: what.to_owned(), about, refused: None })
    }

    fn create(
        &mut self,
        home: &Home,
        name: String,
        user: Option<&str>,
        expires: Option<Time>,
        role: Option<String>,
    ) -> Result<AccessAnswer, EngineError> {
        if self.actor.agent {
            return Err(AccessError::Agent { user: self.actor.user.clone() }.into());
        }
        let person = self.of(user, "make a token for somebody else")?;
        check_name(&name)?;
        let role = role.map(|role| stead_core::people::fold(&role));
        if let Some(role) = role.as_deref().filter(|role| Role::named(role).is_none()) {
            return Err(AccessError::Role { role: role.chars().take(40).collect() }.into());
        }
        let at = now();
        if expires.is_some_and(|end| end <= at) {
            return Err(AccessError::Past.into());
        }
        if let Some(own) = self.own_key()?.filter(|key| key.kind == KeyKind::Token) {
            if own.role.is_some() {
                return Err(AccessError::Beyond { until: None }.into());
            }
            if own.expires_at.is_some_and(|end| expires.is_none_or(|wanted| wanted > end)) {
                return Err(AccessError::Beyond { until: own.expires_at }.into());
            }
        }
        let secret = Secret::draw(TOKEN)?;
        let key = Key {
            id: format!("{}{}", super::audit::KEY, hex(&chance::<6>()?)),
            kind: KeyKind::Token,
            person,
            name,
            role,
            created_at: at,
            created_by: self.actor.user.clone(),
            expires_at: expires,
            used_at: None,
            ended: None,
            task: None,
        };
        let note = self.note(at, "make a token", about(&key))?;
        or_made(home)?.put_key(&key, &secret.hash(), &note)?;
        Ok(AccessAnswer::Created { token: TokenRow::from(key), secret })
    }

    fn list(&mut self, user: Option<&str>, all: bool) -> Result<AccessAnswer, EngineError> {
        let person = match all {
            true => {
                self.is_admin("look at the tokens of others")?;
                None
            }
            false => Some(self.of(user, "look at the tokens of others")?),
        };
        let mut keys = self.reads.reader_mut().keys(KeyKind::Token, person.as_deref())?;
        // By these somebody is known as well, and they are ended the same way.
        keys.extend(self.reads.reader_mut().keys(KeyKind::Account, person.as_deref())?);
        Ok(AccessAnswer::Tokens { tokens: keys.into_iter().map(TokenRow::from).collect() })
    }

    fn revoke(&mut self, home: &Home, wanted: &str, user: Option<&str>) -> Result<AccessAnswer, EngineError> {
        let none = || AccessError::NoToken { wanted: wanted.chars().take(80).collect() };
        if self.actor.run.is_some() {
            return Err(AccessError::Agent { user: self.actor.user.clone() }.into());
        }
        let person = self.of(user, "revoke a token of somebody else")?;
        let admin = self.actor.has(Role::Admin);
        let reader = self.reads.reader_mut();
        // A link is ended by its id as well.
        let by_id = reader.key(wanted)?.filter(|key| key.kind != KeyKind::Session);
        let found = match by_id.filter(|key| key.person == person || admin) {
            Some(key) => Some(key),
            None => {
                let named = reader.keys(KeyKind::Token, Some(&person))?;
                // The newest that lives, else the newest.
                let mut named: Vec<Key> = named.into_iter().filter(|key| key.name == wanted).collect();
                named.sort_by_key(|key| key.is_over(now()));
                named.into_iter().next()
            }
        };
        let key = found.ok_or_else(none)?;
        if let Some(own) = self.own_key()?.filter(|own| own.role.is_some() && own.id != key.id) {
            let role = own.role.unwrap_or_default();
            return Err(AccessError::Held { role, deed: "revoke another token" }.into());
        }
        let at = now();
        let note = self.note(at, "revoke a token", about(&key))?;
        if !or_made(home)?.end_key(&key.id, &note)? {
            return Err(none().into());
        }
        if key.kind == KeyKind::Account {
            // Which session was begun by it is not known.
            for session in self.reads.reader_mut().keys(KeyKind::Session, Some(&key.person))? {
                let note = self.note(at, "end a session", about(&session))?;
                or_made(home)?.end_key(&session.id, &note)?;
            }
        }
        let ended = Some((at, self.actor.user.clone()));
        Ok(AccessAnswer::Revoked { token: TokenRow::from(Key { ended, ..key }) })
    }
}

/// How it is said by which key somebody acts.
pub(crate) fn means(key: &Key) -> String {
    match key.kind {
        KeyKind::Token => format!("token {}", key.name),
        KeyKind::Session => "session".to_owned(),
        KeyKind::Link => "link".to_owned(),
        KeyKind::Account => "account".to_owned(),
    }
}

pub(super) fn about(key: &Key) -> String {
    format!("{} ({}) of {}", key.name, key.id, key.person)
}

fn check_name(name: &str) -> Result<(), AccessError> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.chars().count() > limits::TOKEN_NAME_CHARS {
        "it is too long"
    } else if name.chars().any(char::is_control) {
        "it has control characters"
    } else if name.trim() != name {
        "it begins or ends with a space"
    } else {
        return Ok(());
    };
    Err(AccessError::Name { name: name.chars().take(40).collect(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_names_of_tokens_are_bounded() {
        let name = |chars: usize| check_name(&"ä".repeat(chars)).map_err(|error| error.code());
        assert_eq!(name(limits::TOKEN_NAME_CHARS), Ok(()));
        assert_eq!(name(limits::TOKEN_NAME_CHARS + 1), Err("R0609"));
        for wrong in ["", " a", "a ", "a\nb"] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
