//! What people are asked, by the operations: what is too large to be handed in, and what a status says of many tasks.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, json};
use stead_core::ids::StreamId;
use stead_core::people::{Edit, Grant, Holder, Kind};
use stead_core::run::View;
use stead_core::run::event::Breaks;
use stead_engine::engine::ask_home_as;
use stead_engine::operations::{Answer, Operation};
use stead_engine::people::{Caller, PeopleOperation};
use stead_engine::seat::{Seat, Unanswered, Wish};
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::tasks::{Deed, TaskOperation};
use stead_engine::{Engine, EngineError, Home, Settings, limits};
use stead_lang::Bundle;

const RUN: &str = "r_0000000000000001";

fn as_ana() -> Caller {
    Caller::new(Some("ana".into()), Vec::new())
}

fn settings() -> Settings {
    Settings { caller: as_ana(), ..Settings::from(Arc::new(EnvironmentSecrets)) }
}

fn home(folder: &Path) -> Home {
    let home = Home::at(&folder.join(".stead"));
    let open = Engine::open(&home, Settings::from(Arc::new(EnvironmentSecrets))).unwrap();
    open.stop().unwrap();
    std::fs::set_permissions(folder.join(".stead"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let admin = Grant { role: "admin".into(), project: None };
    let edits = vec![
        Edit::Add { name: "ana".into(), display: String::new(), kind: Kind::Person },
        Edit::Grant { holder: Holder::User("ana".into()), grant: admin },
    ];
    let edit = Operation::People(PeopleOperation::Edit { edits, by: "user:ana".into() });
    ask_home_as(&home, &Caller::default(), edit, &mut |_| true).unwrap();
    home
}

/// At the engine that runs.
fn sit(home: &Home, operation: &Operation) -> Result<Answer, EngineError> {
    let seat = Seat::take(home, &settings(), &[], &mut |_| true).unwrap();
    match seat.ask(&mut Wish::new().unwrap(), operation, &mut |_| true) {
        Ok(answer) => Ok(answer),
        Err(Unanswered::Engine(error)) => Err(error),
        Err(Unanswered::Lost) => panic!("lost"),
    }
}

/// A run that asks, and its status once it says what is awaited.
fn asking(home: &Home, steps: &str, awaited: impl Fn(&[String]) -> bool) -> View {
    let start = Operation::Start {
        run: StreamId::new(RUN),
        bundle: Bundle::single("test.yml", format!("stead: 1\nname: test\nsteps:\n{steps}")),
        inputs: Map::new(),
        project: String::new(),
        folder: home.database().parent().unwrap().display().to_string(),
        breaks: Breaks::default(),
        by: "user:ana".into(),
    };
    sit(home, &start).unwrap();
    for _ in 0..4_000 {
        let status = Operation::Status { run: RUN.into() };
        if let Answer::Status { view, .. } = sit(home, &status).unwrap()
            && awaited(&told(&view))
        {
            return *view;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("it does not ask")
}

/// What the steps of a run say that they wait for.
fn told(view: &View) -> Vec<String> {
    let inside = |step: &stead_core::run::StepNow| match step.inside.is_empty() {
        true => vec![step.clone()],
        false => step.inside.clone(),
    };
    let steps = view.steps.iter().flat_map(inside);
    steps.filter_map(|step| step.waits_for?.detail).collect()
}

fn decide(comment: &str, form: Option<serde_json::Value>) -> Operation {
    let deed = Deed::Decide { accept: true, comment: comment.to_owned(), form, version: None };
    Operation::Task(TaskOperation::Act { task: RUN.into(), deed, by: "user:ana".into() })
}

#[test]
fn p11_what_is_handed_in_is_refused_with_an_engine_and_without_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let engine = Engine::open(&home, settings()).unwrap();
    let gate = "  - { id: ship, approve: { title: A, form: { type: object } } }\n";
    asking(&home, gate, |told| told == ["role:approver"]);
    let large = "x".repeat(1 << 20);
    let refused = |answer: Result<Answer, EngineError>| answer.unwrap_err();
    let without = |operation| ask_home_as(&home, &as_ana(), operation, &mut |_| true);
    for (operation, why) in [
        (decide(&large, None), "the comment is larger than 64 KiB"),
        (decide("", Some(json!({ "a": large }))), "larger than 1024 KiB"),
    ] {
        let error = refused(sit(&home, &operation));
        assert_eq!(error.code(), "R0203");
        assert!(error.to_string().contains(why), "{}", error.to_string().len());
    }
    engine.stop().unwrap();
    for (operation, why) in [
        (decide(&large, None), "the comment is larger than 64 KiB"),
        (decide("", Some(json!({ "a": large }))), "larger than 1024 KiB"),
    ] {
        assert!(refused(without(operation)).to_string().contains(why));
    }
    let Answer::Task(answer) = without(decide("fine", None)).unwrap() else { panic!("no task") };
    assert!(format!("{answer:?}").contains("Completed"), "{answer:?}");
}

#[test]
fn p11_tasks_of_which_a_status_says_who_is_left_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let engine = Engine::open(&home, settings()).unwrap();
    let many = limits::PEOPLE_LISTED + 20;
    let one =
        |n: usize| format!("  - {{ id: s{n}, needs: [], approve: {{ title: A, by: ['group:none'] }} }}\n");
    let each: String = (0..many).map(one).collect();
    let left =
        |told: &[String]| told.iter().filter(|one| one.ends_with("nobody is left who may act on it")).count();
    // The first of them may not be opened yet.
    let view = asking(&home, &each, |told| left(told) >= limits::PEOPLE_LISTED);
    let told = told(&view);
    assert_eq!((told.len(), left(&told)), (many, limits::PEOPLE_LISTED));
    engine.stop().unwrap();
}
