//! Keys: found by the hash of their secret, ended at once, with a removed person too; and their bounds.

use stead_core::people::{Edit, Grant, Holder, Kind};

use super::StoreFactory;
use crate::access::{Key, KeyKind, Noted, TaskShown};
use crate::limits::{ACCOUNTS, LINKS, NOTES, SESSION_IDLE, SESSIONS, TOKENS};
use crate::{Store, StoreError};

const ANA: &str = "user:ana";

fn key(kind: KeyKind, number: usize) -> Key {
    Key {
        id: format!("{}{number}", kind.as_str()),
        kind,
        person: ANA.to_owned(),
        name: format!("name{number}"),
        role: None,
        created_at: 10 + number as i64,
        created_by: ANA.to_owned(),
        expires_at: None,
        used_at: None,
        ended: None,
        task: None,
    }
}

fn note(at: i64, what: &str) -> Noted {
    Noted { at, who: ANA.to_owned(), what: what.to_owned(), ..Noted::default() }
}

fn put(store: &mut dyn Store, key: &Key) -> Result<(), StoreError> {
    store.put_key(key, &format!("hash of {}", key.id), &note(key.created_at, "make"))
}

/// A key is found by its hash alone, is there after a crash, and has ended when that was said.
pub fn keeps_keys(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let (one, two) = (
        Key { expires_at: Some(50), role: Some("viewer".into()), ..key(KeyKind::Token, 1) },
        key(KeyKind::Token, 2),
    );
    put(store.as_mut(), &one).unwrap();
    put(store.as_mut(), &two).unwrap();
    let mut store = factory.reopen(store);
    assert_eq!(store.key_of("hash of token1").unwrap(), Some(one.clone()));
    assert_eq!(store.key("token2").unwrap(), Some(two.clone()));
    assert_eq!(store.key_of("token1").unwrap(), None);
    assert_eq!(store.keys(KeyKind::Token, Some(ANA)).unwrap(), [two, one.clone()]);
    assert_eq!(store.keys(KeyKind::Token, Some("user:bo")).unwrap(), []);
    assert_eq!(store.keys(KeyKind::Session, None).unwrap(), []);
    assert!(!one.is_over(49) && one.is_over(50));
    store.use_keys(&[("token2".into(), 30), ("none".into(), 30)]).unwrap();
    store.use_keys(&[("token2".into(), 20)]).unwrap();
    assert_eq!(store.key("token2").unwrap().unwrap().used_at, Some(30), "it does not go back");
    // A name is free again when the key that had it is over.
    let error = put(store.as_mut(), &Key { name: "name2".into(), ..key(KeyKind::Token, 3) }).unwrap_err();
    assert!(matches!(error, StoreError::KeyTaken { .. }), "{error}");
    assert!(store.end_key("token2", &note(31, "end")).unwrap());
    assert!(!store.end_key("token2", &note(32, "end")).unwrap());
    assert!(!store.end_key("token1", &note(60, "end")).unwrap(), "it is over by itself");
    let mut store = factory.reopen(store);
    assert_eq!(store.key("token2").unwrap().unwrap().ended, Some((31, ANA.to_owned())));
    put(store.as_mut(), &Key { name: "name2".into(), ..key(KeyKind::Token, 3) }).unwrap();
    let noted: Vec<String> = store.noted(None, 9).unwrap().into_iter().map(|(_, noted)| noted.what).collect();
    assert_eq!(noted, ["make", "end", "make", "make"], "what failed is not noted");
    let first = store.noted(None, 1).unwrap()[0].0;
    assert_eq!(store.noted(Some(first), 1).unwrap()[0].1.what, "end");
}

/// Another password ends all sessions of its person; who is removed has nothing left to ask with, also when they come
/// back.
pub fn ends_keys_of_whoever_goes(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let add = |name: &str| Edit::Add { name: name.into(), display: String::new(), kind: Kind::Person };
    let admin = Edit::Grant { holder: Holder::User("bo".into()), grant: Grant::everywhere("admin") };
    store.edit_people(&[add("ana"), add("bo"), admin], 1, ANA).unwrap();
    put(store.as_mut(), &key(KeyKind::Token, 1)).unwrap();
    put(store.as_mut(), &key(KeyKind::Session, 1)).unwrap();
    let of_bo = Key { person: "user:bo".into(), ..key(KeyKind::Token, 9) };
    put(store.as_mut(), &of_bo).unwrap();
    assert!(!store.has_passwords().unwrap());
    store.put_password(ANA, Some("slow"), &note(20, "password")).unwrap();
    assert!(store.has_passwords().unwrap());
    assert_eq!(store.password(ANA).unwrap().as_deref(), Some("slow"));
    assert_eq!(store.password("user:bo").unwrap(), None);
    assert!(store.key("session1").unwrap().unwrap().ended.is_some());
    assert!(store.key("token1").unwrap().unwrap().ended.is_none());
    store.edit_people(&[Edit::Remove { user: "ana".into() }], 30, "user:bo").unwrap();
    store.edit_people(&[Edit::Restore { user: "ana".into() }], 31, "user:bo").unwrap();
    let mut store = factory.reopen(store);
    assert_eq!(store.key("token1").unwrap().unwrap().ended, Some((30, "user:bo".to_owned())));
    assert_eq!(store.password(ANA).unwrap(), None);
    assert_eq!(store.key("token9").unwrap(), Some(of_bo));
    store.put_password("user:bo", Some("slow"), &note(40, "password")).unwrap();
    store.put_password("user:bo", None, &note(41, "password")).unwrap();
    assert!(!store.has_passwords().unwrap());
}

/// An account is one person's while it is bound, and may be another's afterwards; of one issuer somebody has one.
pub fn binds_accounts(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let bound = |id: &str, person: &str, name: &str| Key {
        id: id.to_owned(),
        person: person.to_owned(),
        name: name.to_owned(),
        ..key(KeyKind::Account, 1)
    };
    let made = note(11, "bind");
    store.put_key(&bound("a", ANA, "issuer"), "one", &made).unwrap();
    for (id, person, name, hash) in [("b", "user:bo", "issuer", "one"), ("b", ANA, "issuer", "two")] {
        let error = store.put_key(&bound(id, person, name), hash, &made).unwrap_err();
        assert!(matches!(error, StoreError::KeyTaken { .. }), "{hash}: {error}");
    }
    store.put_key(&bound("c", ANA, "other"), "three", &made).unwrap();
    let mut store = factory.reopen(store);
    assert_eq!(store.key_of("one").unwrap().unwrap().person, ANA);
    assert!(store.end_key("a", &note(12, "end")).unwrap());
    store.put_key(&bound("d", "user:bo", "issuer"), "one", &note(13, "bind")).unwrap();
    let mut store = factory.reopen(store);
    assert_eq!(store.key_of("one").unwrap().unwrap().person, "user:bo");
    assert_eq!(store.keys(KeyKind::Account, Some(ANA)).unwrap().len(), 1);
}

/// So many tokens, and one more is refused; of sessions the oldest goes; notes go when there are too many.
pub fn bounds_keys(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    for number in 0..TOKENS {
        put(store.as_mut(), &key(KeyKind::Token, number)).unwrap();
    }
    let more = key(KeyKind::Token, TOKENS);
    let error = put(store.as_mut(), &more).unwrap_err();
    assert!(matches!(error, StoreError::KeysMany { most: TOKENS }), "{error}");
    assert!(store.end_key("token0", &note(90_000, "end")).unwrap());
    put(store.as_mut(), &Key { created_at: 90_001, ..more }).unwrap();
    for number in 0..=SESSIONS {
        put(store.as_mut(), &key(KeyKind::Session, number)).unwrap();
    }
    assert_eq!(store.keys(KeyKind::Session, Some(ANA)).unwrap().len(), SESSIONS);
    assert_eq!(store.key("session0").unwrap(), None);
    // One that is not used is over after a while; one that is used is not.
    let (idle, used) = (key(KeyKind::Session, 1), key(KeyKind::Session, 2));
    let end = idle.created_at + SESSION_IDLE;
    assert!(!idle.is_over(end - 1) && idle.is_over(end));
    assert!(!Key { used_at: Some(end), ..used }.is_over(end + 1));
    for number in 0..=LINKS {
        let task = Some(TaskShown { task: format!("t_{number}"), version: "v".to_owned() });
        put(store.as_mut(), &Key { task, ..key(KeyKind::Link, number) }).unwrap();
    }
    let links = store.keys(KeyKind::Link, Some(ANA)).unwrap();
    assert_eq!((links.len(), store.key("link0").unwrap()), (LINKS, None));
    assert!(links.iter().all(|link| link.task.is_some()));
    for number in 0..ACCOUNTS {
        put(store.as_mut(), &key(KeyKind::Account, number)).unwrap();
    }
    let error = put(store.as_mut(), &key(KeyKind::Account, ACCOUNTS)).unwrap_err();
    assert!(matches!(error, StoreError::KeysMany { most: ACCOUNTS }), "{error}");
    // What has ended is kept for a while, and not for ever.
    for number in 0..SESSIONS * 3 {
        let key = Key { created_at: 100_000, ..key(KeyKind::Session, 1_000 + number) };
        put(store.as_mut(), &key).unwrap();
        store.end_key(&key.id, &note(100_001, "end")).unwrap();
    }
    assert!(store.keys(KeyKind::Session, Some(ANA)).unwrap().len() <= SESSIONS * 2);
    let many = vec![note(1, "x"); NOTES + 1];
    store.note(&many).unwrap();
    assert_eq!(store.noted(None, NOTES + 10).unwrap().len(), NOTES);
}
