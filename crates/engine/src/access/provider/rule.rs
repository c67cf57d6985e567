//! Who of the people has signed in.
//!
//! An account of a provider, its issuer and its subject, is bound to one person, and is theirs from then on, whatever the
//! provider calls them later. It is bound when it comes for the first time and what the provider vouches for is exactly
//! one person's: their address, which only an admin writes down, or their name. Somebody who has an account of the
//! provider gets no second one, and nobody who was removed gets one at all.

use stead_core::people::{Edit, Kind, Register, User};
use stead_store::access::{Access as _, AccessReader as _, Key, KeyKind, Noted};
use stead_store::people::{People as _, PeopleReader as _};
use stead_store::sqlite::SqliteReader;
use stead_store::{StoreError, limits as bounds};

use super::settings::{Claim, Wanted};
use super::token::Account;
use crate::access::AccessError;
use crate::access::secret::hex;
use crate::engine::chance;
use crate::error::EngineError;
use crate::home::Home;
use crate::library::open::{now, or_made};

/// By whom people are added who come by a provider.
const BY: &str = "oidc";

/// The person of an account; it is bound where it was not.
pub(super) fn person(
    home: &Home,
    reader: &mut SqliteReader,
    wanted: &Wanted,
    account: &Account,
) -> Result<String, EngineError> {
    let name = format!("{} {}", wanted.issuer, account.subject);
    found(home, reader, wanted, account, &name).inspect_err(|error| {
        let note = Noted {
            at: now(),
            who: name,
            means: BY.to_owned(),
            what: "sign in".to_owned(),
            about: vouched(wanted.claim, account).unwrap_or_default().to_owned(),
            refused: Some(error.code().to_owned()),
        };
        // That it cannot be noted lets nobody in.
        let _ = or_made(home).and_then(|mut store| Ok(store.note(&[note])?));
    })
}

fn found(
    home: &Home,
    reader: &mut SqliteReader,
    wanted: &Wanted,
    account: &Account,
    name: &str,
) -> Result<String, EngineError> {
    let register = reader.people()?;
    let hash = hash(&wanted.issuer, &account.subject);
    let known = reader.key_of(&hash)?.filter(|key| key.kind == KeyKind::Account && !key.is_over(now()));
    if let Some(key) = known {
        let person = register.canonical(&key.person).ok();
        return person.filter(|person| *person == key.person).ok_or_else(|| AccessError::Gone.into());
    }
    let stranger = |why: String| EngineError::from(AccessError::Stranger { why });
    let Some(said) = vouched(wanted.claim, account) else {
        return Err(stranger(match wanted.claim {
            Claim::Email => "the provider vouches for no address of theirs".to_owned(),
            Claim::Username => "the provider gives them no name".to_owned(),
        }));
    };
    let shown: String = said.chars().filter(|c| !c.is_control()).take(100).collect();
    let person = match matching(&register, wanted.claim, said).as_slice() {
        [one] if one.removed.is_some() => {
            return Err(stranger(format!("`{shown}` is of somebody who was removed")));
        }
        [one] if one.kind != Kind::Person => return Err(stranger(format!("`{shown}` is an agent's"))),
        [one] => one.id(),
        [] if wanted.creates => added(home, account, said)?,
        [] => return Err(stranger(format!("nobody has `{shown}`"))),
        _ => return Err(stranger(format!("`{shown}` is of several"))),
    };
    let at = now();
    let key = Key {
        id: format!("{}{}", super::super::audit::KEY, hex(&chance::<6>()?)),
        kind: KeyKind::Account,
        person: person.clone(),
        // One of an issuer: the store takes no second one of a name.
        name: wanted.issuer.clone(),
        role: None,
        created_at: at,
        created_by: person.clone(),
        expires_at: None,
        used_at: None,
        ended: None,
        task: None,
    };
    let note = Noted {
        at,
        who: person.clone(),
        means: BY.to_owned(),
        what: "bind an account".to_owned(),
        about: format!("{name} ({}) by {shown}", key.id),
        refused: None,
    };
    match or_made(home)?.put_key(&key, &hash, &note) {
        Err(StoreError::KeyTaken { .. }) => {
            Err(stranger(format!("{person} has another account of the provider already")))
        }
        Err(StoreError::KeysMany { .. }) => {
            Err(stranger(format!("{person} has {} accounts already", bounds::ACCOUNTS)))
        }
        other => Ok(other.map(|()| person)?),
    }
}

/// What an account is known by.
fn hash(issuer: &str, subject: &str) -> String {
    blake3::hash(format!("stead account\0{issuer}\0{subject}").as_bytes()).to_hex().to_string()
}

fn vouched(claim: Claim, account: &Account) -> Option<&str> {
    let said = match claim {
        Claim::Email => account.email.as_deref(),
        Claim::Username => account.username.as_deref(),
    };
    said.filter(|said| !said.is_empty())
}

/// Whose it is, those who were removed included.
fn matching<'r>(register: &'r Register, claim: Claim, said: &str) -> Vec<&'r User> {
    let named = register.find(said).map(|(number, _)| number);
    let has = |user: &User| claim == Claim::Email && user.email.eq_ignore_ascii_case(said);
    register
        .users()
        .filter(|(number, user)| Some(*number) == named || has(user))
        .map(|(_, user)| user)
        .collect()
}

/// Adds somebody, who has no roles.
fn added(home: &Home, account: &Account, said: &str) -> Result<String, EngineError> {
    let display: String =
        account.full_name.iter().flat_map(|name| name.chars()).filter(|c| !c.is_control()).take(60).collect();
    let display = display.trim().to_owned();
    let user = said.to_owned();
    let mut edits = vec![Edit::Add { name: user.clone(), display, kind: Kind::Person }];
    edits.extend(account.email.clone().map(|email| Edit::Mail { user: user.clone(), email }));
    match or_made(home)?.edit_people(&edits, now(), BY) {
        Err(StoreError::People(refusal)) => {
            return Err(AccessError::Stranger { why: refusal.to_string() }.into());
        }
        other => other?,
    };
    Ok(format!("{}:{user}", Kind::Person.prefix()))
}
