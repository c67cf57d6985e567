//! The people: names, roles and groups, and what may not be.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use stead_core::limits;
use stead_core::people::{Actor, Change, Edit, Grant, Holder, Kind, Refusal, Register, Role, Skill};

fn text(text: &str) -> String {
    text.to_owned()
}

fn add(name: &str) -> Edit {
    Edit::Add { name: text(name), display: String::new(), kind: Kind::Person }
}

fn agent(name: &str) -> Edit {
    Edit::Add { name: text(name), display: String::new(), kind: Kind::Agent }
}

fn user(name: &str) -> Holder {
    Holder::User(text(name))
}

fn group(name: &str) -> Holder {
    Holder::Group(text(name))
}

fn grant(holder: Holder, role: &str) -> Edit {
    let (role, project) =
        role.split_once('@').map_or((role, None), |(role, project)| (role, Some(text(project))));
    Edit::Grant { holder, grant: Grant { role: text(role), project } }
}

fn join(group: &str, user: &str) -> Edit {
    Edit::Join { group: text(group), user: text(user) }
}

/// Ana, who is admin, and more.
#[track_caller]
fn register(more: &[Edit]) -> Register {
    let mut register = Register::default();
    let edits: Vec<Edit> = [add("ana"), grant(user("ana"), "admin")].iter().chain(more).cloned().collect();
    register.edit(&edits, 1, "user:root").unwrap();
    register
}

#[track_caller]
fn refused(register: &Register, edits: &[Edit]) -> Refusal {
    let mut next = register.clone();
    let refusal = next.edit(edits, 2, "user:root").unwrap_err();
    assert_eq!(&next, register, "refused, and changed all the same");
    refusal
}

fn roles(register: &Register, name: &str, project: &str) -> String {
    register.actor(name, project).unwrap().roles.join(" ")
}

#[test]
fn two_names_of_one_user_are_one_user() {
    let alias = |alias| Edit::Alias { user: text("ana"), alias: text(alias) };
    let people = register(&[
        alias("ana.lee"),
        alias("ANA@Example.org"),
        add("bo"),
        Edit::AddGroup { group: text("leads") },
    ]);
    for name in ["ana", "ANA", "Ana.Lee", "user:ana@example.org"] {
        let actor = people.actor(name, "").unwrap();
        assert_eq!(actor.user, "user:ana");
        for selector in ["user:ana", "user:Ana.lee", "user:ANA@EXAMPLE.ORG", "role:admin"] {
            assert!(actor.is(selector) && actor.is_named(selector), "{selector}");
        }
        assert!(
            !actor.is("user:bo") && !actor.is("agent:ana") && !actor.is("agents") && !actor.is("group:ana")
        );
        assert_eq!(people.who(&format!("user:{}", name.trim_start_matches("user:")), ""), ["user:ana"]);
    }
    // Neither the name nor an alias is free for another, in whatever letters; nor is that of one who was removed.
    for name in ["Bo", "aNa.lee"] {
        assert!(matches!(refused(&people, &[add(name)]), Refusal::Taken { removed: false, .. }), "{name}");
    }
    let other = Edit::Alias { user: text("bo"), alias: text("ANA") };
    assert!(matches!(refused(&people, &[other]), Refusal::Taken { .. }));
    // One's own name as an alias is there already.
    let mut people = people;
    assert_eq!(people.edit(&[alias("Ana")], 2, "x").unwrap().1, []);
    people.edit(&[join("leads", "ana.lee"), join("leads", "ANA")], 2, "x").unwrap();
    assert_eq!(people.who("group:leads", ""), ["user:ana"], "a member once");
    // A letter outside of ASCII has a small form as well.
    people.edit(&[add("Ärger")], 2, "x").unwrap();
    assert!(matches!(refused(&people, &[add("ärger")]), Refusal::Taken { .. }));
}

#[test]
fn names_are_one_word_of_what_can_be_seen() {
    let people = register(&[]);
    for name in ["bo", "_svc", "bo.b-c_d", "bo+x@example.org", "DOM\\bo", "日本", "0day", &"x".repeat(64)] {
        let mut people = people.clone();
        people.edit(&[add(name)], 1, "x").unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    }
    let long = "x".repeat(limits::PERSON_NAME_BYTES + 1);
    let strange = [
        "",
        " ",
        "a b",
        "a,b",
        "a:b",
        "a/b",
        "a;b",
        "a\nb",
        "-a",
        "@a",
        "a\u{0}",
        "a\u{202e}b",
        "a\u{200b}",
        "e\u{301}",
        "'a'",
        "a\"",
        "$(x)",
        "a*",
        "${{ x }}",
        "user:",
        &long,
    ];
    for name in strange {
        let refusals = [
            refused(&people, &[add(name)]),
            refused(&people, &[Edit::AddGroup { group: text(name) }]),
            refused(&people, &[Edit::Alias { user: text("ana"), alias: text(name) }]),
            refused(&people, &[Edit::Grant { holder: user("ana"), grant: Grant::everywhere(name) }]),
            refused(
                &people,
                &[Edit::Skill { user: text("ana"), skill: Skill { name: text(name), level: None } }],
            ),
        ];
        assert!(refusals.iter().all(|refusal| refusal.code() == "S0811"), "{name:?}: {refusals:?}");
    }
    let call = |display: &str| Edit::Call { user: text("ana"), display: text(display) };
    for display in ["Ana Lee", "Dr. Ånä 'x' <a@b> 李 🙂", ""] {
        people.clone().edit(&[call(display)], 1, "x").unwrap();
    }
    for display in ["a\nb", " a", "a\u{202e}b", &"x".repeat(limits::DISPLAY_NAME_CHARS + 1)] {
        assert_eq!(refused(&people, &[call(display)]).code(), "S0811", "{display:?}");
    }
}

#[test]
fn an_unknown_name_is_told_the_nearest() {
    let people = register(&[add("robert"), Edit::AddGroup { group: text("leads") }]);
    let near = |refusal: Refusal| match refusal {
        Refusal::Unknown { near, .. } | Refusal::UnknownGroup { near, .. } => near,
        other => panic!("{other:?}"),
    };
    assert_eq!(near(people.actor("user:robret", "").unwrap_err()).as_deref(), Some("robert"));
    assert_eq!(near(refused(&people, &[join("leeds", "ana")])).as_deref(), Some("leads"));
    assert_eq!(near(refused(&people, &[join("leads", "zzz")])), None);
}

#[test]
fn roles_come_by_groups_and_bring_others_along() {
    let people = register(&[
        add("bo"),
        add("cy"),
        Edit::AddGroup { group: text("leads") },
        grant(group("leads"), "approver"),
        grant(group("leads"), "Architect"),
        join("leads", "bo"),
        grant(user("bo"), "editor@docs"),
        grant(user("bo"), "operator@"),
    ]);
    assert_eq!(roles(&people, "ana", "x"), "admin approver editor operator viewer");
    assert_eq!(roles(&people, "bo", "docs"), "approver architect editor viewer");
    assert_eq!(roles(&people, "bo", ""), "approver architect operator viewer");
    assert_eq!(roles(&people, "bo", "other"), "approver architect viewer");
    assert_eq!(roles(&people, "cy", ""), "");
    assert_eq!(people.who("role:approver", "x"), ["user:ana", "user:bo"]);
    assert_eq!(people.who("role:editor", "x"), ["user:ana"]);
    assert_eq!(people.who("role:Editor", "docs"), ["user:ana", "user:bo"]);
    assert_eq!(
        people.who("role:architect", "docs"),
        ["user:bo"],
        "what one's own words mean comes with no role"
    );
    assert_eq!(people.who("role:nothing", ""), [""; 0]);
    assert_eq!(people.who("group:nothing", ""), [""; 0]);
    // A group that became empty means nobody.
    let mut people = people;
    people.edit(&[Edit::Remove { user: text("bo") }], 2, "x").unwrap();
    assert_eq!(people.who("group:leads", ""), [""; 0]);
    assert_eq!(people.who("user:bo", ""), [""; 0]);
    assert_eq!(people.who("role:architect", ""), [""; 0]);
    assert!(matches!(people.actor("bo", "").unwrap_err(), Refusal::Removed { .. }));
    people.edit(&[Edit::Restore { user: text("bo") }], 3, "x").unwrap();
    assert_eq!(people.who("group:leads", ""), ["user:bo"]);
}

#[test]
fn somebody_stays_admin() {
    let mut empty = Register::default();
    assert_eq!(empty.edit(&[add("bo")], 1, "x").unwrap_err(), Refusal::NoAdmin);
    assert!(empty.is_empty());
    let revoke = |holder| Edit::Revoke { holder, grant: Grant::everywhere("admin") };
    let people = register(&[]);
    assert_eq!(refused(&people, &[Edit::Remove { user: text("ana") }]), Refusal::NoAdmin);
    assert_eq!(refused(&people, &[revoke(user("ana"))]), Refusal::NoAdmin);
    // By a group, whose last member leaves, which is removed, or which loses it.
    let mut people = register(&[
        add("bo"),
        agent("bot"),
        Edit::AddGroup { group: text("top") },
        grant(group("top"), "admin"),
        join("top", "bo"),
        join("top", "bot"),
        grant(user("bo"), "admin@docs"),
        revoke(user("ana")),
    ]);
    assert_eq!(people.admins().len(), 1);
    assert_eq!(people.admins()[0].name, "bo");
    for edit in [
        Edit::Leave { group: text("top"), user: text("bo") },
        Edit::RemoveGroup { group: text("top") },
        revoke(group("top")),
        Edit::Remove { user: text("bo") },
    ] {
        assert_eq!(refused(&people, std::slice::from_ref(&edit)), Refusal::NoAdmin, "{edit:?}");
    }
    people.edit(&[grant(user("ana"), "admin"), Edit::RemoveGroup { group: text("top") }], 2, "x").unwrap();
    assert_eq!(people.admins()[0].name, "ana");
}

#[test]
fn an_agent_decides_for_nobody() {
    let people = register(&[
        agent("bot"),
        Edit::AddGroup { group: text("all") },
        grant(group("all"), "admin"),
        grant(group("all"), "labeller"),
        join("all", "bot"),
        grant(user("bot"), "operator"),
    ]);
    let bot = people.actor("agent:bot", "").unwrap();
    assert_eq!((bot.user.as_str(), bot.agent), ("agent:bot", true));
    assert_eq!(bot.roles, ["labeller", "operator", "viewer"]);
    assert!(bot.is("agent:BOT") && bot.is("agents") && bot.is("group:all") && !bot.is("user:bot"));
    assert_eq!(people.who("agents", ""), ["agent:bot"]);
    assert_eq!(people.who("user:bot", ""), [""; 0]);
    assert_eq!(people.who("role:approver", ""), ["user:ana"]);
    for role in [Role::Approver, Role::Editor, Role::Admin] {
        assert!(matches!(refused(&people, &[grant(user("bot"), role.as_str())]), Refusal::AgentRole { .. }));
    }
}

#[test]
fn groups_hold_users_only() {
    let groups = ["one", "two"].map(|name| Edit::AddGroup { group: text(name) });
    let people = register(&groups);
    for (inside, outside) in [("one", "one"), ("one", "two"), ("group:one", "two")] {
        let refusal = refused(&people, &[join(outside, inside)]);
        assert_eq!(refusal, Refusal::GroupInGroup { name: text("one") }, "{inside} in {outside}");
    }
    assert_eq!(
        refused(&people, &[Edit::AddGroup { group: text("ONE") }]),
        Refusal::GroupTaken { name: text("one") }
    );
    // A user may be called as a group is.
    let mut people = people;
    people.edit(&[add("one"), join("one", "one")], 2, "x").unwrap();
    assert_eq!(people.who("group:one", ""), ["user:one"]);
}

#[test]
fn what_is_not_there_cannot_be_taken_away() {
    let people = register(&[add("bo"), Edit::AddGroup { group: text("leads") }]);
    let edits = [
        Edit::Unalias { user: text("ana"), alias: text("bo") },
        Edit::Unskill { user: text("ana"), skill: text("french") },
        Edit::Revoke { holder: user("bo"), grant: Grant::everywhere("editor") },
        Edit::Revoke {
            holder: user("ana"),
            grant: Grant { role: text("admin"), project: Some(text("docs")) },
        },
        Edit::Leave { group: text("leads"), user: text("bo") },
    ];
    for edit in edits {
        assert_eq!(refused(&people, std::slice::from_ref(&edit)).code(), "S0807", "{edit:?}");
    }
    assert!(matches!(refused(&people, &[Edit::Restore { user: text("bo") }]), Refusal::NotRemoved { .. }));
    let mut people = people;
    people.edit(&[Edit::Remove { user: text("bo") }], 2, "user:ana").unwrap();
    let again = refused(&people, &[Edit::Remove { user: text("bo") }]);
    assert_eq!(again, Refusal::Removed { name: text("bo"), at: 2, by: text("user:ana") });
}

#[test]
fn every_change_is_told() {
    let mut people = register(&[]);
    let skill = |level| Edit::Skill { user: text("ana"), skill: Skill { name: text("French"), level } };
    let edits = [
        skill(None),
        skill(Some(2)),
        skill(Some(2)),
        Edit::Acted { user: text("ANA"), what: text("as root") },
    ];
    let (touched, changes) = people.edit(&edits, 7, "user:bo").unwrap();
    assert_eq!((touched.users.len(), touched.groups.len()), (1, 0));
    let told: Vec<String> = changes
        .iter()
        .map(|Change { what, subject, detail, .. }| format!("{what} {subject} {detail}"))
        .collect();
    assert_eq!(told, ["skill user:ana french", "skill user:ana french=2", "acted user:ana as root"]);
    assert!(changes.iter().all(|change| change.at == 7 && change.by == "user:bo"));
}

#[test]
fn who_works_alone_stands_for_all_that_is_asked_for_and_is_excluded_only_by_name() {
    let alone = Actor::alone("user:ana");
    for selector in ["user:bo", "user:ana", "group:leads", "role:architect", "role:approver"] {
        assert!(alone.is(selector), "{selector}");
    }
    assert!(Role::ALL.iter().all(|role| alone.has(*role)));
    assert!(!alone.is("agents") && !alone.is("agent:bot"));
    assert!(alone.is_named("user:Ana") && !alone.is_named("user:bo") && !alone.is_named("group:leads"));
    let step = Actor::of_step("agent:r_1/build", stead_core::ids::StreamId::new("r_1"));
    assert!(
        step.is("agents") && step.is("agent:r_1/build") && !step.is("role:approver") && !step.is("user:ana")
    );
}

#[test]
fn p11_people_are_bounded() {
    let numbered = |what: &str, n: usize| format!("{what}{n}");
    let skill = |n| Edit::Skill { user: text("ana"), skill: Skill { name: numbered("s", n), level: None } };
    let alias = |n| Edit::Alias { user: text("ana"), alias: numbered("a", n) };
    let role = |n: usize| grant(user("ana"), &numbered("r", n));
    let group = |n| Edit::AddGroup { group: numbered("g", n) };
    let person = |n| add(&numbered("p", n));
    // Ana is there, and admin.
    let cases: [(usize, &dyn Fn(usize) -> Edit); 5] = [
        (limits::SKILLS, &skill),
        (limits::ALIASES, &alias),
        (limits::ROLES - 1, &role),
        (limits::GROUPS, &group),
        (limits::PEOPLE - 1, &person),
    ];
    for (most, edit) in cases {
        let mut people = register(&[]);
        let all: Vec<Edit> = (0..most).map(edit).collect();
        for edits in all.chunks(limits::PEOPLE_EDITS) {
            people.edit(edits, 1, "x").unwrap();
        }
        assert_eq!(refused(&people, &[edit(most)]).code(), "S0812", "{:?}", edit(most));
    }
    let many: Vec<Edit> = (0..=limits::PEOPLE_EDITS).map(person).collect();
    assert_eq!(refused(&register(&[]), &many).code(), "S0812");
}
