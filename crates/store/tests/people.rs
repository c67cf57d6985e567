//! The people: of several who change them at once, each change counts once.

mod common;

use std::sync::Barrier;

use common::folder;
use stead_core::people::{Change, Edit, Grant, Holder, Kind};
use stead_store::StoreError;
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
