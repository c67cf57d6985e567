//! Who acts, and what they may do: every operation by every role, with an engine and without.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use serde_json::{Map, Value};
use stead_core::ids::StreamId;
use stead_core::people::{Change, Edit, Grant, Holder, Kind, Role};
use stead_core::run::Again;
use stead_core::run::event::Breaks;
use stead_engine::access::{AccessOperation, AuditQuery, Secret};
use stead_engine::engine::ask_home_as;
use stead_engine::library::{LibraryOperation, SaveAs, Side};
use stead_engine::notify::NotificationOperation;
use stead_engine::operations::{Answer, Operation, Receivers, RunQuery, Settlement};
use stead_engine::people::{Caller, PeopleAnswer, PeopleOperation, Step, actor, who};
use stead_engine::schedules::{Change as Alter, ScheduleOperation, Times};
use stead_engine::seat::{Seat, Unanswered, Wish};
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::tasks::{Deed, TaskOperation, TaskQuery};
use stead_engine::uploads::{FileOperation, FileRow};
use stead_engine::{Engine, EngineError, Home, Settings};
use stead_lang::Bundle;
use stead_store::library::WorkflowFilter;
use stead_store::sqlite::SqliteStore;

const RUN: &str = "r_0000000000000001";

struct Bench {
    folder: tempfile::TempDir,
}

fn caller(name: &str) -> Caller {
    Caller::new(Some(name.to_owned()), Vec::new())
}

fn step(run: &str, path: &str) -> Caller {
    Caller::new(None, vec![Step { run: StreamId::new(run), path: path.to_owned() }])
}

fn nobody() -> Caller {
    Caller::default()
}

fn add(name: &str, kind: Kind, roles: &[&str]) -> Vec<Edit> {
    let holder = || Holder::User(name.to_owned());
    let role = |text: &&str| {
        let (role, project) =
            text.split_once('@').map_or((*text, None), |(role, project)| (role, Some(project)));
        Edit::Grant {
            holder: holder(),
            grant: Grant { role: role.to_owned(), project: project.map(str::to_owned) },
        }
    };
    let add = Edit::Add { name: name.to_owned(), display: String::new(), kind };
    std::iter::once(add).chain(roles.iter().map(role)).collect()
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn home(&self) -> Home {
        Home::at(&self.folder.path().join(".stead"))
    }

    fn settings(caller: Caller) -> Settings {
        Settings { caller, ..Settings::from(Arc::new(EnvironmentSecrets)) }
    }

    fn open(&self) -> Engine {
        Engine::open(&self.home(), Self::settings(nobody())).unwrap()
    }

    /// Without an engine, or over its socket where one runs.
    fn ask(&self, caller: &Caller, operation: Operation) -> Result<Answer, EngineError> {
        ask_home_as(&self.home(), caller, operation, &mut |_| true)
    }

    /// At the engine that runs.
    fn sit(&self, caller: &Caller, operation: &Operation) -> Result<Answer, EngineError> {
        let seat = Seat::take(&self.home(), &Self::settings(caller.clone()), &[], &mut |_| true).unwrap();
        assert!(seat.carrier().is_some());
        match seat.ask(&mut Wish::new().unwrap(), operation, &mut |_| true) {
            Ok(answer) => Ok(answer),
            Err(Unanswered::Engine(error)) => Err(error),
            Err(Unanswered::Lost) => panic!("lost"),
        }
    }

    #[track_caller]
    fn edit(&self, caller: &Caller, edits: Vec<Edit>) -> Vec<Change> {
        let edit = PeopleOperation::Edit { edits, by: "user:claimed".into() };
        match self.ask(caller, Operation::People(edit)).unwrap() {
            Answer::People(answer) => match *answer {
                PeopleAnswer::Edited { changes, .. } => changes,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn changes(&self) -> Vec<Change> {
        let changes = Operation::People(PeopleOperation::Changes { skip: 0, limit: 0 });
        match self.ask(&caller("ana"), changes).unwrap() {
            Answer::People(answer) => match *answer {
                PeopleAnswer::Changes { changes } => changes,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// Ana, who is admin, and one of each role, called by it.
    fn people(&self) {
        let mut edits = add("ana", Kind::Person, &["admin"]);
        for role in Role::ALL {
            edits.extend(add(role.as_str(), Kind::Person, &[role.as_str()]));
        }
        edits.extend(add("plain", Kind::Person, &["architect"]));
        edits.extend(add("bot", Kind::Agent, &["operator"]));
        edits.extend(add("local", Kind::Person, &["operator@docs"]));
        self.edit(&nobody(), edits);
    }

    fn start(&self, id: &str, project: &str, body: &str) -> Operation {
        Operation::Start {
            run: StreamId::new(id),
            bundle: Bundle::single("test.yml", format!("stead: 1\nname: test\n{body}")),
            inputs: Map::new(),
            project: project.to_owned(),
            folder: self.folder.path().display().to_string(),
            breaks: Breaks::default(),
            by: "user:claimed".into(),
        }
    }

    fn journal(&self, run: &str) -> String {
        match self.ask(&caller("ana"), Operation::Events { run: run.into(), after: 0, limit: 99 }).unwrap() {
            Answer::Events { events, .. } => serde_json::to_string(&events).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

const WAITS: &str = "steps:\n  - { id: w, wait: { for: 1h } }\n";

/// One of each operation, with the number of its kind.
fn all(bench: &Bench) -> Vec<Operation> {
    let (run, by) = (|| RUN.to_owned(), || "user:claimed".to_owned());
    let name = || "w".to_owned();
    let library = Operation::Library;
    let side = || Side::Saved { name: name(), number: None };
    let retry = |dry_run| Operation::Retry {
        run: run(),
        by: by(),
        again: Again::default(),
        inputs: Map::new(),
        dry_run,
    };
    let schedule = Operation::Schedule;
    let backfill = |dry_run| {
        let (from, to) = (0, 1);
        schedule(ScheduleOperation::Backfill { schedule: "yearly".into(), from, to, dry_run, by: by() })
    };
    vec![
        bench.start("r_0000000000000002", "docs", WAITS),
        Operation::Pause { run: run(), by: by(), now: false },
        Operation::Resume { run: run(), by: by() },
        Operation::Cancel { run: run(), by: by(), reason: None, force: false },
        retry(false),
        retry(true),
        Operation::Settle { run: run(), step: "w".into(), verdict: Settlement::Again, by: by() },
        Operation::Signal {
            to: Receivers::Run(run()),
            name: "go".into(),
            step: None,
            data: Value::Null,
            id: None,
            by: by(),
        },
        Operation::FreePlace { project: "docs".into(), key: "k".into(), run: run(), by: by() },
        Operation::Limits { project: None, key: None },
        Operation::Runs { query: RunQuery::default() },
        Operation::Status { run: run() },
        Operation::Events { run: run(), after: 0, limit: 9 },
        Operation::Logs { run: run() },
        Operation::Evidence { run: run(), step: None },
        Operation::Definition { run: run() },
        Operation::Engine,
        library(LibraryOperation::Save(Box::new(SaveAs {
            bundle: Bundle::single("w.yml", format!("stead: 1\nname: w\n{WAITS}")),
            by: by(),
            ..SaveAs::default()
        }))),
        library(LibraryOperation::Workflows { filter: WorkflowFilter::default() }),
        library(LibraryOperation::Show { name: name(), number: None }),
        library(LibraryOperation::Load { name: name(), number: None }),
        library(LibraryOperation::History { name: name(), skip: 0, limit: 0 }),
        library(LibraryOperation::Compare { from: side(), to: side() }),
        library(LibraryOperation::Describe {
            name: name(),
            description: None,
            labels: Some(vec![]),
            by: by(),
        }),
        library(LibraryOperation::Rename { name: name(), to: "v".into(), by: by() }),
        library(LibraryOperation::Delete { name: name(), by: by() }),
        library(LibraryOperation::Restore { name: name(), by: by() }),
        library(LibraryOperation::Exported { file: "/f".into(), name: name(), number: 1 }),
        library(LibraryOperation::Decline { file: "/f".into() }),
        library(LibraryOperation::Declined { file: "/f".into() }),
        Operation::People(PeopleOperation::List),
        Operation::People(PeopleOperation::Changes { skip: 0, limit: 1 }),
        Operation::People(PeopleOperation::Edit { edits: add("new", Kind::Person, &[]), by: by() }),
        Operation::People(PeopleOperation::Me),
        Operation::Results { run: run(), after: 0, limit: 9 },
        Operation::Task(TaskOperation::List { query: TaskQuery::default(), by: by() }),
        Operation::Task(TaskOperation::List {
            query: TaskQuery { everybody: true, ..TaskQuery::default() },
            by: by(),
        }),
        Operation::Task(TaskOperation::Show { task: run(), by: by() }),
        Operation::Task(TaskOperation::Act { task: run(), deed: Deed::Claim, by: by() }),
        Operation::Task(TaskOperation::Draft { task: run(), draft: None, based_on: None, by: by() }),
        Operation::Documents { run: run() },
        Operation::Document { run: run(), document: "d".into(), version: None },
        Operation::Access(AccessOperation::List { user: None, all: false }),
        Operation::Access(AccessOperation::Create {
            name: "mine".into(),
            user: None,
            expires: None,
            role: None,
        }),
        Operation::Access(AccessOperation::Revoke { token: "mine".into(), user: None }),
        Operation::Access(AccessOperation::Audit { query: AuditQuery::default() }),
        schedule(ScheduleOperation::Add {
            bundle: Bundle::single("w.yml", format!("stead: 1\nname: w\n{WAITS}")),
            number: None,
            times: Times {
                name: "yearly".into(),
                cron: "@yearly".into(),
                zone: "UTC".into(),
                overlap: Default::default(),
                missed: Default::default(),
                jitter: 0,
            },
            inputs: Map::new(),
            project: "docs".into(),
            folder: String::new(),
            by: by(),
        }),
        schedule(ScheduleOperation::TurnOn {
            bundle: Bundle::single("w.yml", format!("stead: 1\nname: w\n{WAITS}")),
            number: None,
            only: Vec::new(),
            project: "docs".into(),
            folder: String::new(),
            by: by(),
        }),
        schedule(ScheduleOperation::Change { schedule: "yearly".into(), change: Alter::Skip, by: by() }),
        backfill(false),
        backfill(true),
        schedule(ScheduleOperation::List { project: None }),
        schedule(ScheduleOperation::Show { schedule: "yearly".into(), count: 1 }),
        schedule(ScheduleOperation::Preview {
            cron: "@daily".into(),
            zone: "UTC".into(),
            after: None,
            count: 1,
        }),
        Operation::LogText {
            run: run(),
            step: "a".into(),
            attempt: None,
            part: stead_engine::logs::LogPart::Lines { from: 1, stream: None, limit: 9 },
        },
        schedule(ScheduleOperation::Deliver {
            hook: "pushed".into(),
            id: "1".into(),
            kind: None,
            headers: Map::new(),
            body: Value::Null,
        }),
        // Too short: so far only who may.
        Operation::Access(AccessOperation::SetPassword {
            user: None,
            password: Secret::new("x"),
            current: None,
        }),
        Operation::Access(AccessOperation::RemovePassword { user: None }),
        Operation::Access(AccessOperation::SignIn { name: "viewer".into(), password: Secret::new("x") }),
        Operation::Access(AccessOperation::SignOut),
        Operation::Access(AccessOperation::Link { task: run(), user: None }),
        Operation::Notifications(NotificationOperation::List { state: None, after: None, limit: 9 }),
        Operation::Notifications(NotificationOperation::Retry { id: "n_none".into() }),
        Operation::File(FileOperation::Upload {
            file: FileRow { hash: "0".repeat(64), name: "a".into(), size: 0, kind: String::new() },
            staged: "0-0".into(),
            project: "docs".into(),
            by: by(),
        }),
        Operation::File(FileOperation::Find { hash: "0".repeat(64), run: Some(run()), by: by() }),
        Operation::File(FileOperation::Find { hash: "0".repeat(64), run: None, by: by() }),
        Operation::Metrics,
        Operation::Access(AccessOperation::BeginSignIn { to: None }),
        Operation::Access(AccessOperation::FinishSignIn {
            state: Secret::new("x"),
            kept: None,
            code: None,
            issuer: None,
            error: None,
        }),
    ]
}

/// The place of an operation in [`all`], and the roles that may do it, as the manual has them (docs/people.md). A new
/// operation does not compile without both.
fn expected(operation: &Operation) -> (usize, &'static str) {
    const LOOK: &str = "viewer operator approver editor admin agent step";
    const OPERATE: &str = "operator admin agent step";
    const SAVE: &str = "editor admin";
    const OWN: &str = "viewer operator approver editor admin agent plain";
    const PEOPLE: &str = "viewer operator approver editor admin plain";
    const ANYBODY: &str = "viewer operator approver editor admin agent step plain";
    match operation {
        Operation::Start { .. } => (0, OPERATE),
        Operation::Pause { .. } => (1, OPERATE),
        Operation::Resume { .. } => (2, OPERATE),
        Operation::Cancel { .. } => (3, OPERATE),
        Operation::Retry { dry_run: false, .. } => (4, OPERATE),
        Operation::Retry { dry_run: true, .. } => (5, LOOK),
        Operation::Settle { .. } => (6, OPERATE),
        Operation::Signal { .. } => (7, OPERATE),
        Operation::FreePlace { .. } => (8, OPERATE),
        Operation::Limits { .. } => (9, LOOK),
        Operation::Runs { .. } => (10, LOOK),
        Operation::Status { .. } => (11, LOOK),
        Operation::Events { .. } => (12, LOOK),
        Operation::Logs { .. } => (13, LOOK),
        Operation::LogText { .. } => (54, LOOK),
        Operation::Evidence { .. } => (14, LOOK),
        Operation::Definition { .. } => (15, LOOK),
        Operation::Results { .. } => (34, LOOK),
        Operation::Documents { .. } => (40, LOOK),
        Operation::Document { .. } => (41, LOOK),
        Operation::Engine => (16, LOOK),
        Operation::Metrics => (66, LOOK),
        Operation::Library(operation) => match operation {
            LibraryOperation::Save(_) => (17, SAVE),
            LibraryOperation::Workflows { .. } => (18, LOOK),
            LibraryOperation::Show { .. } => (19, LOOK),
            LibraryOperation::Load { .. } => (20, LOOK),
            LibraryOperation::History { .. } => (21, LOOK),
            LibraryOperation::Compare { .. } => (22, LOOK),
            LibraryOperation::Describe { .. } => (23, SAVE),
            LibraryOperation::Rename { .. } => (24, SAVE),
            LibraryOperation::Delete { .. } => (25, SAVE),
            LibraryOperation::Restore { .. } => (26, SAVE),
            LibraryOperation::Exported { .. } => (27, LOOK),
            LibraryOperation::Decline { .. } => (28, LOOK),
            LibraryOperation::Declined { .. } => (29, LOOK),
        },
        Operation::People(operation) => match operation {
            PeopleOperation::List => (30, LOOK),
            PeopleOperation::Changes { .. } => (31, LOOK),
            PeopleOperation::Edit { .. } => (32, "admin"),
            PeopleOperation::Me => (33, ANYBODY),
        },
        // One's own; those of others: `tokens_of_others_are_an_admins`.
        Operation::Notifications(NotificationOperation::List { .. }) => (61, LOOK),
        Operation::Notifications(NotificationOperation::Retry { .. }) => (62, OPERATE),
        Operation::File(FileOperation::Upload { .. }) => (63, OPERATE),
        Operation::File(FileOperation::Find { run: Some(_), .. }) => (64, LOOK),
        // One's own.
        Operation::File(FileOperation::Find { run: None, .. }) => (65, ANYBODY),
        Operation::Access(operation) => match operation {
            AccessOperation::List { .. } => (42, ANYBODY),
            AccessOperation::Create { .. } => (43, PEOPLE),
            AccessOperation::Revoke { .. } => (44, OWN),
            AccessOperation::Audit { .. } => (45, "admin"),
            AccessOperation::SetPassword { .. } => (56, PEOPLE),
            AccessOperation::RemovePassword { .. } => (57, PEOPLE),
            AccessOperation::SignIn { .. } => (58, ANYBODY),
            AccessOperation::SignOut => (59, ANYBODY),
            AccessOperation::Link { .. } => (60, PEOPLE),
            AccessOperation::BeginSignIn { .. } => (67, ANYBODY),
            AccessOperation::FinishSignIn { .. } => (68, ANYBODY),
        },
        Operation::Task(operation) => match operation {
            TaskOperation::List { query, .. } if !query.everybody => (35, ANYBODY),
            TaskOperation::List { .. } => (36, LOOK),
            // Who may act on a task, it says itself.
            TaskOperation::Show { .. } => (37, ANYBODY),
            TaskOperation::Act { .. } => (38, ANYBODY),
            TaskOperation::Draft { .. } => (39, ANYBODY),
        },
        Operation::Schedule(operation) => match operation {
            ScheduleOperation::Add { .. } => (46, OPERATE),
            ScheduleOperation::TurnOn { .. } => (47, OPERATE),
            ScheduleOperation::Change { .. } => (48, OPERATE),
            ScheduleOperation::Backfill { dry_run: false, .. } => (49, OPERATE),
            ScheduleOperation::Backfill { .. } => (50, LOOK),
            ScheduleOperation::List { .. } => (51, LOOK),
            ScheduleOperation::Show { .. } => (52, LOOK),
            ScheduleOperation::Preview { .. } => (53, ANYBODY),
            // Who has signed for the webhook, and nobody else.
            ScheduleOperation::Deliver { .. } => (55, ""),
        },
    }
}

#[test]
fn every_operation_takes_its_role_with_an_engine_and_without() {
    let callers = Role::ALL.map(|role| (role.as_str(), caller(role.as_str())));
    let others =
        [("plain", caller("plain")), ("agent", caller("bot")), ("step", step("r_0000000000000009", "s"))];
    let callers: Vec<_> = callers.into_iter().chain(others).collect();
    for with_engine in [false, true] {
        let bench = Bench::new();
        bench.people();
        let engine = bench.open();
        bench.sit(&caller("operator"), &bench.start(RUN, "docs", WAITS)).unwrap();
        let engine = with_engine.then_some(engine);
        let mut seen = Vec::new();
        for operation in all(&bench) {
            let (number, roles) = expected(&operation);
            assert_eq!(seen.len(), number, "{operation:?}");
            seen.push(number);
            for (who, caller) in &callers {
                let got = match with_engine {
                    true => bench.sit(caller, &operation),
                    false => bench.ask(caller, operation.clone()),
                };
                let code = got.as_ref().err().map_or("", EngineError::code);
                let may = roles.split(' ').any(|role| role == *who);
                // Who may look at nothing is not told of runs, tasks and schedules either.
                let hidden = !may && *who == "plain" && matches!(code, "R0201" | "R0206" | "R0411");
                let refused = hidden || matches!(code, "R0503" | "R0504" | "R0608" | "R0416");
                // Whoever starts runs without an engine is told so first.
                let early = code == "R0302" && number == 0;
                assert!(refused != may || early, "{who} with engine {with_engine}: {operation:?}: {got:?}");
                if let Err(error) = &got
                    && refused
                    && code == "R0503"
                {
                    let (said, help) = (error.to_string(), error.help().unwrap());
                    assert!(
                        said.contains(&format!("user:{who} ")) && said.contains("takes the role"),
                        "{said}"
                    );
                    assert!(help.contains("(ana, admin, ") && help.contains("stead people edit"), "{help}");
                }
            }
        }
        drop(engine);
    }
}

#[test]
fn who_acts_stands_in_the_history_whatever_was_claimed() {
    let bench = Bench::new();
    bench.people();
    let engine = bench.open();
    bench.edit(&caller("ana"), vec![Edit::Alias { user: "operator".into(), alias: "Op@example.org".into() }]);
    bench.sit(&caller("operator"), &bench.start(RUN, "docs", WAITS)).unwrap();
    let pause = |by: &str| Operation::Pause { run: RUN.into(), by: by.into(), now: false };
    bench.sit(&caller("OP@example.org"), &pause("user:claimed")).unwrap();
    bench
        .sit(
            &step("r_0000000000000009", "a/b"),
            &Operation::Resume { run: RUN.into(), by: "user:ana".into() },
        )
        .unwrap();
    engine.stop().unwrap();
    bench.ask(&caller("admin"), pause("user:claimed")).unwrap();
    let journal = bench.journal(RUN);
    for by in ["user:operator", "agent:r_0000000000000009/a/b", "user:admin"] {
        assert!(journal.contains(&format!("\"by\":\"{by}\"")), "{by}: {journal}");
    }
    assert!(!journal.contains("claimed") && !journal.contains("user:ana"), "{journal}");
    // What was done under another's name is noted, with who it was.
    let noted: Vec<String> = bench
        .changes()
        .into_iter()
        .filter(|change| change.what == "acted")
        .map(|c| format!("{} {} {}", c.by, c.subject, c.detail))
        .collect();
    assert!(
        noted
            .iter()
            .any(|note| note
                .contains("user:operator to start a run (r_0000000000000001); the system's user is ")),
        "{noted:?}"
    );
    assert_eq!(noted.len(), 4, "{noted:?}");
}

#[test]
fn p4_a_program_of_a_step_decides_nothing_of_its_own_run() {
    let bench = Bench::new();
    // In a home without people as well.
    for people in [false, true] {
        if people {
            bench.people();
        }
        let who = if people { caller("ana") } else { nobody() };
        let engine = bench.open();
        let id = |n: usize| format!("r_00000000000000{people:02}{n:02}", people = usize::from(people));
        let [own, other] = [id(3), id(4)];
        let parent = "steps:\n  - id: c\n    workflow: { inline: { stead: 1, name: inner, steps: [{ id: w, wait: { for: 1h } }] } }\n";
        bench.sit(&who, &bench.start(&own, "", parent)).unwrap();
        bench.sit(&who, &bench.start(&other, "", WAITS)).unwrap();
        let child = StreamId::child(&StreamId::new(&own), "c", 1).to_string();
        while bench.ask(&who, Operation::Status { run: child.clone() }).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let settle = |run: &str| Operation::Settle {
            run: run.to_owned(),
            step: "w".into(),
            verdict: Settlement::Again,
            by: "user:ana".into(),
        };
        // From the child on the parent, the other way round, and each on itself.
        for (inside, about) in [(&own, &own), (&own, &child), (&child, &own), (&child, &child)] {
            let error = bench.sit(&step(inside, "c"), &settle(about)).unwrap_err();
            assert_eq!(error.code(), "R0505", "{inside} on {about}: {error}");
            assert!(error.to_string().contains(&own), "{error}");
        }
        // Whatever it says beside: that it is of another run, or that it is in one that a program has started.
        let both = Caller::new(None, [step(&other, "w").steps, step(&own, "c").steps].concat());
        assert_eq!(bench.sit(&both, &settle(&child)).unwrap_err().code(), "R0505");
        // On another run it only finds that there is nothing to be settled.
        assert_eq!(bench.sit(&step(&other, "w"), &settle(&own)).unwrap_err().code(), "R0203");
        let named = Caller::new(Some("ana".into()), step(&own, "c").steps);
        for operation in [settle(&other), Operation::Runs { query: RunQuery::default() }] {
            assert_eq!(bench.sit(&named, &operation).unwrap_err().code(), "R0506");
        }
        engine.stop().unwrap();
        assert_eq!(bench.ask(&step(&child, "w"), settle(&own)).unwrap_err().code(), "R0505");
        assert_eq!(bench.ask(&named, settle(&other)).unwrap_err().code(), "R0506");
    }
}

#[test]
fn a_role_for_a_project_holds_there_only() {
    let bench = Bench::new();
    bench.people();
    let engine = bench.open();
    let local = caller("local");
    bench.sit(&local, &bench.start(RUN, "docs", WAITS)).unwrap();
    let other = "r_0000000000000002";
    let refused = bench.sit(&local, &bench.start(other, "web", WAITS)).unwrap_err();
    assert_eq!(refused.code(), "R0503");
    assert!(refused.to_string().contains("of project web"), "{refused}");
    assert!(refused.help().unwrap().contains("--role operator@web"), "{refused:?}");
    assert_eq!(bench.sit(&local, &bench.start(other, "", WAITS)).unwrap_err().code(), "R0503");
    bench.sit(&caller("operator"), &bench.start(other, "", WAITS)).unwrap();
    for (run, code) in [(RUN, ""), (other, "R0201"), ("r_0000000000000007", "R0201")] {
        let got = bench.ask(&local, Operation::Status { run: run.into() });
        assert_eq!(got.as_ref().err().map_or("", EngineError::code), code, "{run}: {got:?}");
    }
    let runs = |project: Option<&str>| {
        let query = RunQuery { project: project.map(str::to_owned), ..RunQuery::default() };
        bench.ask(&local, Operation::Runs { query })
    };
    assert!(runs(Some("docs")).is_ok());
    // A list has what they may look at, and no more.
    match runs(None).unwrap() {
        Answer::Runs { runs } => {
            let runs: Vec<&str> = runs.iter().map(|row| row.run.as_str()).collect();
            assert_eq!(runs, [RUN]);
        }
        other => panic!("{other:?}"),
    }
    // Nobody hears of what they may not look at.
    let seat = Seat::take(&bench.home(), &Bench::settings(local), &[], &mut |_| true).unwrap();
    let follow = |runs: &[&str]| {
        let runs: Vec<StreamId> = runs.iter().map(|run| StreamId::new(run)).collect();
        match seat.follow(&runs, None, &mut |_| true) {
            Ok(_) => String::new(),
            Err(Unanswered::Engine(error)) => error.code().to_owned(),
            Err(Unanswered::Lost) => "lost".to_owned(),
        }
    };
    assert_eq!([follow(&[RUN]), follow(&[]), follow(&[RUN, other])], ["", "R0503", "R0201"]);
    drop(engine);
}

// An engine keeps what it has read of the people: a change by another process counts at once all the same.
#[test]
fn a_change_counts_from_the_next_operation_on() {
    let bench = Bench::new();
    bench.people();
    let engine = bench.open();
    let runs = Operation::Runs { query: RunQuery::default() };
    bench.sit(&caller("viewer"), &runs).unwrap();
    let revoke = Edit::Revoke { holder: Holder::User("viewer".into()), grant: Grant::everywhere("viewer") };
    bench.edit(&caller("ana"), vec![revoke]);
    assert_eq!(bench.sit(&caller("viewer"), &runs).unwrap_err().code(), "R0503");
    bench.edit(&caller("ana"), vec![Edit::Remove { user: "operator".into() }]);
    assert_eq!(bench.sit(&caller("operator"), &runs).unwrap_err().code(), "S0805");
    engine.stop().unwrap();
}

#[test]
fn a_home_without_people_refuses_nobody_and_the_first_who_adds_some_is_admin() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.sit(&nobody(), &bench.start(RUN, "", WAITS)).unwrap();
    bench.ask(&nobody(), Operation::Pause { run: RUN.into(), by: "user:ana".into(), now: false }).unwrap();
    assert_eq!(bench.ask(&caller("bo"), Operation::Engine).unwrap_err().code(), "S0801");
    engine.stop().unwrap();
    let system = stead_platform::users::name_of(stead_platform::peer::own_user()).unwrap();
    let changes = bench.edit(&nobody(), add("bo", Kind::Person, &["viewer"]));
    let granted = |change: &&Change| change.subject == format!("user:{system}") && change.detail == "admin";
    assert_eq!(changes.iter().filter(granted).count(), 1, "{changes:?}");
    assert!(changes.iter().all(|change| change.by == format!("user:{system}")), "{changes:?}");
    // Themselves, by whatever name: that one is admin then, and nobody is added beside.
    let bench = Bench::new();
    let mut edits = add("ana", Kind::Person, &[]);
    edits.push(Edit::Alias { user: "ana".into(), alias: system.to_uppercase() });
    bench.edit(&nobody(), edits);
    let mut store = SqliteStore::open(&bench.home().database()).unwrap();
    let me = actor(&mut store, &system, "").unwrap();
    assert_eq!((me.user.as_str(), me.alone), ("user:ana", false));
    assert!(me.has(Role::Admin));
    assert_eq!(who(&mut store, "role:approver", "").unwrap().unwrap(), ["user:ana"]);
    assert_eq!(who(&mut store, "group:nobody", "").unwrap().unwrap(), [""; 0]);
    assert_eq!(actor(&mut store, "user:bo", "").unwrap_err().code(), "S0801");
    assert!(actor(&mut store, "agent:r_1/x", "").unwrap().agent);
    let empty = Bench::new();
    let engine = empty.open();
    let mut store = SqliteStore::open(&empty.home().database()).unwrap();
    assert!(actor(&mut store, "user:anybody", "").unwrap().alone);
    assert_eq!(who(&mut store, "group:leads", "").unwrap(), None);
    drop(engine);
}

// What a release before people has left is renewed by the first who asks, engine or not.
#[test]
fn a_store_of_a_release_before_has_nobody_and_takes_people() {
    let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept");
    let versions: Vec<_> = std::fs::read_dir(kept).unwrap().map(|entry| entry.unwrap().path()).collect();
    let stores = versions.iter().map(|version| version.join("stead.db")).filter(|store| store.exists());
    let mut tried = 0;
    for store in stores {
        let bench = Bench::new();
        bench.home().make().unwrap();
        std::fs::copy(&store, bench.home().database()).unwrap();
        bench.ask(&nobody(), Operation::People(PeopleOperation::List)).unwrap();
        bench.people();
        let runs = Operation::Runs { query: RunQuery::default() };
        let Answer::Runs { runs } = bench.ask(&caller("viewer"), runs).unwrap() else { panic!() };
        let run = runs[0].run.to_string();
        let cancel = Operation::Cancel { run, by: String::new(), reason: None, force: false };
        assert_eq!(bench.ask(&caller("viewer"), cancel).unwrap_err().code(), "R0503");
        tried += 1;
    }
    assert!(tried > 0);
}

#[test]
fn p11_of_many_admins_a_few_are_named() {
    let bench = Bench::new();
    let admins = (0..20).flat_map(|n| add(&format!("admin{n}"), Kind::Person, &["admin"]));
    bench.edit(&nobody(), admins.chain(add("bo", Kind::Person, &[])).collect());
    let error = bench.ask(&caller("bo"), Operation::Engine).unwrap_err();
    assert_eq!(error.help().unwrap().matches("admin").count(), 1 + 5, "{error:?}");
}

#[test]
fn only_who_owns_the_home_alone_acts_under_another_name() {
    let bench = Bench::new();
    bench.people();
    let runs = || Operation::Runs { query: RunQuery::default() };
    bench.ask(&caller("viewer"), runs()).unwrap();
    let root = bench.home().root().to_owned();
    for mode in [0o750, 0o705, 0o701] {
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = bench.ask(&caller("viewer"), runs()).unwrap_err();
        assert_eq!(error.code(), "R0502", "{mode:o}: {error}");
        assert!(error.help().unwrap().contains("chmod 700"), "{error:?}");
        // Oneself one is in any home.
        bench.ask(&nobody(), runs()).unwrap();
        let system = stead_platform::users::name_of(stead_platform::peer::own_user()).unwrap();
        bench.ask(&caller(&system), runs()).unwrap();
    }
}
