//! The people: of several who change them at once, each change counts once.

mod common;

use std::sync::Barrier;

use common::folder;
use proptest::prelude::*;
use stead_core::people::{Change, Edit, Grant, Holder, Kind, Skill};
use stead_store::StoreError;
use stead_store::memory::MemoryStore;
use stead_store::people::{People as _, PeopleReader as _};
use stead_store::sqlite::SqliteStore;

fn admin(name: &str) -> Vec<Edit> {
    vec![
        Edit::Add { name: name.to_owned(), display: String::new(), kind: Kind::Person },
        Edit::Grant { holder: Holder::User(name.to_owned()), grant: Grant::everywhere("admin") },
    ]
}

// What looks first and writes then would let several through.
#[test]
fn of_many_who_add_one_name_one_does() {
    const WRITERS: usize = 8;
    let folder = folder();
    let path = folder.path().join("db");
    for round in 0..10 {
        let begin = Barrier::new(WRITERS);
        let write = |writer: usize| {
            let store = SqliteStore::open(&path);
            begin.wait();
            // In large and small letters: it is one name.
            let name = if writer.is_multiple_of(2) { format!("Ana{round}") } else { format!("ana{round}") };
            store?.edit_people(&admin(&name), 1, &format!("user:{writer}"))
        };
        let results: Vec<Result<Vec<Change>, StoreError>> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        let others = results.iter().filter_map(|result| result.as_ref().err());
        others.for_each(|error| assert_eq!(error.code(), "S0803", "{error}"));
    }
    let mut store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.people().unwrap().users().count(), 10);
    assert_eq!(store.people_version().unwrap(), 20);
}

fn edit() -> impl Strategy<Value = Edit> {
    let name = || prop::sample::select(vec!["ana", "Ana", "bo", "cy"]).prop_map(str::to_owned);
    let group = || prop::sample::select(vec!["one", "ONE", "two"]).prop_map(str::to_owned);
    let holder = prop_oneof![name().prop_map(Holder::User), group().prop_map(Holder::Group)];
    let project = prop::option::of(prop::sample::select(vec!["", "docs"]).prop_map(str::to_owned));
    let role = prop::sample::select(vec!["admin", "viewer", "pm"]).prop_map(str::to_owned);
    let grant = (role, project).prop_map(|(role, project)| Grant { role, project });
    let kind = prop::sample::select(Kind::ALL.to_vec());
    prop_oneof![
        4 => (name(), kind).prop_map(|(name, kind)| Edit::Add { name, display: "A B".to_owned(), kind }),
        1 => name().prop_map(|user| Edit::Call { user, display: String::new() }),
        1 => name().prop_map(|user| Edit::Remove { user }),
        1 => name().prop_map(|user| Edit::Restore { user }),
        2 => (name(), name()).prop_map(|(user, alias)| Edit::Alias { user, alias }),
        1 => (name(), name()).prop_map(|(user, alias)| Edit::Unalias { user, alias }),
        4 => (holder.clone(), grant.clone()).prop_map(|(holder, grant)| Edit::Grant { holder, grant }),
        1 => (holder, grant).prop_map(|(holder, grant)| Edit::Revoke { holder, grant }),
        2 => (name(), prop::option::of(0..3u32))
            .prop_map(|(user, level)| Edit::Skill { user, skill: Skill { name: "french".to_owned(), level } }),
        1 => name().prop_map(|user| Edit::Unskill { user, skill: "French".to_owned() }),
        3 => group().prop_map(|group| Edit::AddGroup { group }),
        1 => group().prop_map(|group| Edit::RemoveGroup { group }),
        3 => (group(), name()).prop_map(|(group, user)| Edit::Join { group, user }),
        1 => (group(), name()).prop_map(|(group, user)| Edit::Leave { group, user }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    // SQLite writes what was touched; in memory all of it is there anyway.
    #[test]
    fn memory_and_sqlite_answer_alike(steps in prop::collection::vec(prop::collection::vec(edit(), 1..4), 1..20)) {
        let folder = folder();
        let path = folder.path().join("db");
        let (mut memory, mut sqlite) = (MemoryStore::new(), SqliteStore::open(&path).unwrap());
        let first = admin("root");
        for edits in std::iter::once(first).chain(steps) {
            let told = format!("{:?}", memory.edit_people(&edits, 1, "user:x"));
            prop_assert_eq!(told, format!("{:?}", sqlite.edit_people(&edits, 1, "user:x")));
            prop_assert_eq!(memory.people().unwrap(), sqlite.people().unwrap());
            prop_assert_eq!(memory.people_version().unwrap(), sqlite.people_version().unwrap());
        }
        prop_assert_eq!(memory.people_changes(1, 5).unwrap(), sqlite.people_changes(1, 5).unwrap());
    }
}

// Each takes the other's role away, at once: one of them stays.
#[test]
fn of_two_admins_who_take_each_other_away_one_stays() {
    let folder = folder();
    for round in 0..20 {
        let path = folder.path().join(format!("db-{round}"));
        let mut store = SqliteStore::open(&path).unwrap();
        store.edit_people(&[admin("ana"), admin("bo")].concat(), 1, "user:root").unwrap();
        let begin = Barrier::new(2);
        let remove = |name: &str| {
            let store = SqliteStore::open(&path);
            begin.wait();
            store?.edit_people(&[Edit::Remove { user: name.to_owned() }], 2, "user:x")
        };
        let done: usize = std::thread::scope(|scope| {
            let both = ["ana", "bo"].map(|name| scope.spawn(move || remove(name)));
            both.map(|one| usize::from(one.join().unwrap().is_ok())).iter().sum()
        });
        assert_eq!(done, 1);
        assert_eq!(store.people().unwrap().admins().len(), 1);
    }
}
