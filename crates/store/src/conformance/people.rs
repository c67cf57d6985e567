//! The people: what is written is read again, all or none, by every handle.

use stead_core::people::{Change, Edit, Grant, Holder, Kind, Refusal, Skill, User};

use super::StoreFactory;
use crate::fault::Point;
use crate::{Store, StoreError};

fn add(name: &str) -> Edit {
    Edit::Add { name: name.to_owned(), display: String::new(), kind: Kind::Person }
}

fn grant(holder: Holder, role: &str) -> Edit {
    Edit::Grant { holder, grant: Grant::everywhere(role) }
}

fn user(name: &str) -> Holder {
    Holder::User(name.to_owned())
}

/// Ana, who is admin, and more.
fn some(more: &[Edit]) -> Vec<Edit> {
    [add("ana"), grant(user("ana"), "admin")].iter().chain(more).cloned().collect()
}

#[track_caller]
fn refusal(result: Result<Vec<Change>, StoreError>) -> Refusal {
    match result {
        Err(StoreError::People(refusal)) => refusal,
        other => panic!("it was to be refused: {other:?}"),
    }
}

/// All users and groups, as they are kept.
fn kept(store: &mut dyn Store) -> String {
    let register = store.people().unwrap();
    let users: Vec<_> = register.users().collect();
    let groups: Vec<_> = register.groups().collect();
    format!("{users:#?} {groups:#?}")
}

/// Everything about them comes back, and what was changed is told, the newest first.
pub fn keeps_people(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    assert_eq!(store.people_version().unwrap(), 0);
    assert!(store.people().unwrap().is_empty());
    let name = |text: &str| text.to_owned();
    let more = [
        Edit::Add { name: name("reviewer"), display: name("Ré \u{1f916} 'x'"), kind: Kind::Agent },
        Edit::Alias { user: name("ana"), alias: name("Ana.Lee@example.org") },
        Edit::AddGroup { group: name("Leads") },
        Edit::Join { group: name("leads"), user: name("ANA") },
        Edit::Grant { holder: Holder::Group(name("leads")), grant: Grant::everywhere("approver") },
        Edit::Grant { holder: user("ana"), grant: Grant { role: name("pm"), project: Some(name("docs")) } },
        Edit::Grant { holder: user("ana"), grant: Grant { role: name("pm"), project: Some(String::new()) } },
        Edit::Skill { user: name("ana"), skill: Skill { name: name("french"), level: Some(3) } },
        Edit::Skill { user: name("ana"), skill: Skill { name: name("maths"), level: None } },
    ];
    let done = store.edit_people(&some(&more), 100, "user:root").unwrap();
    assert_eq!(done.len(), 11);
    let before = kept(store.as_mut());
    let version = store.people_version().unwrap();
    assert!(version > 0);
    let mut store = factory.reopen(store);
    assert_eq!(kept(store.as_mut()), before);
    assert_eq!(store.people_version().unwrap(), version);
    let register = store.people().unwrap();
    let (_, ana): (u32, &User) = register.find("ana.lee@EXAMPLE.org").unwrap();
    assert_eq!((ana.roles.len(), ana.skills.len(), ana.created_at), (3, 2, 100));
    assert_eq!(register.who("group:LEADS", ""), ["user:ana"]);
    let told: Vec<Change> = store.people_changes(0, 2).unwrap();
    assert_eq!(told[0].detail, "maths");
    assert_eq!((told[1].what.as_str(), told[1].detail.as_str()), ("skill", "french=3"));
    assert_eq!(store.people_changes(10, 9).unwrap()[0].subject, "user:ana");
    assert_eq!(store.people_changes(11, 9).unwrap(), []);
}

/// What goes is gone, a removed user is kept, and numbers stay whose they are.
pub fn takes_people_away(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let name = |text: &str| text.to_owned();
    let more = [
        add("bo"),
        Edit::Alias { user: name("bo"), alias: name("robert") },
        Edit::Skill { user: name("bo"), skill: Skill { name: name("maths"), level: None } },
        Edit::AddGroup { group: name("one") },
        Edit::AddGroup { group: name("two") },
        Edit::Join { group: name("one"), user: name("bo") },
        Edit::Join { group: name("two"), user: name("bo") },
        grant(Holder::Group(name("one")), "operator"),
    ];
    store.edit_people(&some(&more), 100, "user:root").unwrap();
    let less = [
        Edit::RemoveGroup { group: name("one") },
        Edit::Unskill { user: name("bo"), skill: name("maths") },
        Edit::Unalias { user: name("bo"), alias: name("Robert") },
        Edit::Alias { user: name("ana"), alias: name("robert") },
        Edit::Remove { user: name("bo") },
    ];
    store.edit_people(&less, 200, "user:ana").unwrap();
    let mut store = factory.reopen(store);
    let register = store.people().unwrap();
    assert_eq!(register.who("user:robert", ""), ["user:ana"]);
    assert_eq!(register.groups().count(), 1);
    assert_eq!(register.who("group:two", ""), [""; 0]);
    assert_eq!(register.find("bo").unwrap().1.removed, Some((200, name("user:ana"))));
    assert_eq!(
        refusal(store.edit_people(&[add("BO")], 300, "user:ana")),
        Refusal::Taken { name: name("BO"), user: name("bo"), removed: true }
    );
    // A group that takes the number of one that is gone has nothing of it.
    store.edit_people(&[Edit::Restore { user: name("bo") }], 300, "user:ana").unwrap();
    store.edit_people(&[Edit::RemoveGroup { group: name("two") }], 300, "user:ana").unwrap();
    store.edit_people(&[Edit::AddGroup { group: name("three") }], 300, "user:ana").unwrap();
    let mut store = factory.reopen(store);
    let register = store.people().unwrap();
    assert_eq!(register.who("group:three", ""), [""; 0]);
    assert_eq!(register.who("role:operator", ""), ["user:ana"]);
}

/// Refused in the middle, or failed at the end: nothing is there of it.
pub fn leaves_nothing_of_failed_edits(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let faults = factory.faults();
    assert_eq!(refusal(store.edit_people(&[add("bo")], 1, "user:root")), Refusal::NoAdmin);
    assert_eq!(store.people_version().unwrap(), 0);
    faults.fail_at_point(Point::BeforeCommit, 1);
    assert!(store.edit_people(&some(&[]), 1, "user:root").is_err());
    let mut store = factory.reopen(store);
    assert!(store.people().unwrap().is_empty());
    store.edit_people(&some(&[]), 1, "user:root").unwrap();
    let before = kept(store.as_mut());
    let twice = refusal(store.edit_people(&[add("bo"), add("Bo")], 1, "user:root"));
    assert!(matches!(twice, Refusal::Taken { removed: false, .. }), "{twice:?}");
    assert_eq!(kept(store.as_mut()), before);
    let version = store.people_version().unwrap();
    // What is so already changes nothing.
    assert_eq!(store.edit_people(&[grant(user("ana"), "admin")], 1, "user:root").unwrap(), []);
    assert_eq!(store.people_version().unwrap(), version);
}
