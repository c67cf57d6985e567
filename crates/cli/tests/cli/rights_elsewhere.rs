//! The route of `stead --server` decides as the routes of their own do: every operation by every role, on a run that one
//! may look at and on one of another project.

use serde_json::{Map, Value, json};
use stead_core::run::Again;
use stead_core::run::event::Breaks;
use stead_engine::access::{AccessOperation, AuditQuery, Secret};
use stead_engine::library::{LibraryOperation, SaveAs, Side};
use stead_engine::logs::LogPart;
use stead_engine::notify::NotificationOperation;
use stead_engine::operations::{Operation, Receivers, RunQuery, Settlement};
use stead_engine::people::PeopleOperation;
use stead_engine::remote::{Asked, Way, way};
use stead_engine::schedules::{Change, ScheduleOperation, Times};
use stead_engine::tasks::{Deed, TaskOperation, TaskQuery};
use stead_engine::uploads::{FileOperation, FileRow};
use stead_lang::Bundle;
use stead_server::routes::{self, NO_OPERATION, Route};
use stead_store::library::WorkflowFilter;

use crate::access::token;
use crate::project::Project;
use crate::rights::{GATED, WHO, expected, is_let};
use crate::serve::{Served, Told, serve_with};

fn bundle() -> Bundle {
    Bundle::single("a.yml", "stead: 1\nname: a\nsteps:\n  - { id: a, run: 'true' }\n".to_owned())
}

/// The operation of a route, as a command would ask it.
fn operation(route: &Route, run: &str, task: &str, project: &str) -> Operation {
    let (run, task, by, name) =
        (run.to_owned(), task.to_owned(), "user:claimed".to_owned(), "none".to_owned());
    let (project, schedule) = (project.to_owned(), project.to_owned());
    let act = |deed| Operation::Task(TaskOperation::Act { task: task.clone(), deed, by: by.clone() });
    let library = Operation::Library;
    let change = |change| {
        Operation::Schedule(ScheduleOperation::Change { schedule: schedule.clone(), change, by: by.clone() })
    };
    match route.operation {
        "Start" => Operation::Start {
            run: stead_core::ids::StreamId::new("r_0000000000000000"),
            bundle: bundle(),
            inputs: Map::new(),
            project,
            folder: "/etc".into(),
            breaks: Breaks::default(),
            by,
        },
        "Cancel" => Operation::Cancel { run, by, reason: None, force: false },
        "Pause" => Operation::Pause { run, by, now: false },
        "Resume" => Operation::Resume { run, by },
        "Retry" => Operation::Retry { run, by, again: Again::default(), inputs: Map::new(), dry_run: false },
        "Settle" => Operation::Settle { run, step: "a".into(), verdict: Settlement::Again, by },
        "Signal" => {
            let to = match route.path {
                "/signals" => {
                    Receivers::Where { workflow: name, keys: vec![("a".to_owned(), "b".to_owned())] }
                }
                _ => Receivers::Run(run),
            };
            Operation::Signal { to, name: "go".into(), step: None, data: Value::Null, id: None, by }
        }
        "FreePlace" => Operation::FreePlace { project, key: "k".into(), run, by },
        "Limits" => Operation::Limits { project: None, key: None },
        "Runs" => Operation::Runs { query: RunQuery::default() },
        "Status" => Operation::Status { run },
        "Events" => Operation::Events { run, after: 0, limit: 9 },
        "Logs" => Operation::Logs { run },
        "LogText" => {
            let part = LogPart::Lines { from: 1, stream: None, limit: 9 };
            Operation::LogText { run, step: "a".into(), attempt: None, part }
        }
        "Evidence" => Operation::Evidence { run, step: None },
        "Results" => Operation::Results { run, after: 0, limit: 9 },
        "Definition" => Operation::Definition { run },
        "Documents" => Operation::Documents { run },
        "Document" => Operation::Document { run, document: name, version: None },
        "Engine" => Operation::Engine,
        "Metrics" => Operation::Metrics,
        "Library.Save" => {
            let based_on = Some(3);
            library(LibraryOperation::Save(Box::new(SaveAs {
                bundle: bundle(),
                name: Some(name),
                based_on,
                by,
                ..SaveAs::default()
            })))
        }
        "Library.Workflows" => library(LibraryOperation::Workflows { filter: WorkflowFilter::default() }),
        "Library.Show" => library(LibraryOperation::Show { name, number: None }),
        "Library.Load" => library(LibraryOperation::Load { name, number: None }),
        "Library.History" => library(LibraryOperation::History { name, skip: 0, limit: 0 }),
        "Library.Compare" => {
            let side = || Side::Saved { name: "none".into(), number: Some(1) };
            library(LibraryOperation::Compare { from: side(), to: side() })
        }
        "Library.Describe" => {
            library(LibraryOperation::Describe { name, description: Some("x".into()), labels: None, by })
        }
        "Library.Rename" => library(LibraryOperation::Rename { name, to: "other".into(), by }),
        "Library.Delete" => library(LibraryOperation::Delete { name, by }),
        "Library.Restore" => library(LibraryOperation::Restore { name, by }),
        "People.List" => Operation::People(PeopleOperation::List),
        "People.Changes" => Operation::People(PeopleOperation::Changes { skip: 0, limit: 1 }),
        "People.Edit" => {
            let edits = vec![stead_core::people::Edit::Remove { user: "nobody".into() }];
            Operation::People(PeopleOperation::Edit { edits, by })
        }
        "People.Me" => Operation::People(PeopleOperation::Me),
        "Task.List" => Operation::Task(TaskOperation::List { query: TaskQuery::default(), by }),
        "Task.Show" => Operation::Task(TaskOperation::Show { task, by }),
        "Task.Draft" => Operation::Task(TaskOperation::Draft { task, draft: None, based_on: None, by }),
        "Task.Act.Decide" => {
            let version = Some("another".to_owned());
            act(Deed::Decide { accept: true, comment: String::new(), form: None, version })
        }
        "Task.Act.Answer" => act(Deed::Answer { answers: json!({}), comment: String::new(), version: None }),
        "Task.Act.Claim" => act(Deed::Claim),
        "Task.Act.Release" => act(Deed::Release),
        "Task.Act.Skip" => act(Deed::Skip { reason: "away".into() }),
        "Task.Act.Delegate" => act(Deed::Delegate { to: "nobody".into() }),
        "Access.List" => Operation::Access(AccessOperation::List { user: None, all: false }),
        "Access.Create" => Operation::Access(AccessOperation::Create {
            name: "x".into(),
            user: None,
            expires: None,
            role: Some("king".into()),
        }),
        "Access.Revoke" => Operation::Access(AccessOperation::Revoke { token: name, user: None }),
        "Access.Audit" => Operation::Access(AccessOperation::Audit { query: AuditQuery::default() }),
        "Access.SetPassword" => Operation::Access(AccessOperation::SetPassword {
            user: None,
            password: Secret::new("short"),
            current: None,
        }),
        "Access.RemovePassword" => Operation::Access(AccessOperation::RemovePassword { user: None }),
        "Access.SignOut" => Operation::Access(AccessOperation::SignOut),
        "Access.Link" => Operation::Access(AccessOperation::Link { task, user: None }),
        "Notifications.List" => {
            Operation::Notifications(NotificationOperation::List { state: None, after: None, limit: 9 })
        }
        "Notifications.Retry" => {
            Operation::Notifications(NotificationOperation::Retry { id: "n_none".into() })
        }
        "Schedule.Add" => Operation::Schedule(ScheduleOperation::Add {
            bundle: bundle(),
            number: None,
            times: Times {
                name: schedule,
                cron: "0 0 1 1 *".into(),
                zone: "UTC".into(),
                overlap: Default::default(),
                missed: Default::default(),
                jitter: 0,
            },
            inputs: Map::new(),
            project,
            folder: String::new(),
            by,
        }),
        "Schedule.TurnOn" => Operation::Schedule(ScheduleOperation::TurnOn {
            bundle: bundle(),
            number: None,
            only: Vec::new(),
            project,
            folder: String::new(),
            by,
        }),
        "Schedule.List" => Operation::Schedule(ScheduleOperation::List { project: None }),
        "Schedule.Show" => Operation::Schedule(ScheduleOperation::Show { schedule, count: 1 }),
        "Schedule.Preview" => Operation::Schedule(ScheduleOperation::Preview {
            cron: "0 0 1 1 *".into(),
            zone: "UTC".into(),
            after: None,
            count: 1,
        }),
        "Schedule.Backfill" => {
            Operation::Schedule(ScheduleOperation::Backfill { schedule, from: 0, to: 1, dry_run: false, by })
        }
        "Schedule.Change.Pause" => change(Change::Pause { until: None }),
        "Schedule.Change.Resume" => change(Change::Resume),
        "Schedule.Change.Skip" => change(Change::Skip),
        "Schedule.Change.Now" => change(Change::Now),
        "Schedule.Change.Off" => change(Change::Off),
        "File.Upload" => {
            let (name, kind) = ("a".to_owned(), String::new());
            let file = FileRow { hash: "0".repeat(64), name, size: 0, kind };
            Operation::File(FileOperation::Upload { file, staged: "../../etc".into(), project, by })
        }
        "File.Find" => Operation::File(FileOperation::Find { hash: "0".repeat(64), run: Some(run), by }),
        other => panic!("say here how a command asks for {other}"),
    }
}

fn asked(served: &Served<'_>, secret: &str, operation: &Operation) -> Told {
    let body = serde_json::to_string(&Asked::new(operation)).unwrap();
    let more = format!("authorization: Bearer {secret}\r\n");
    served.ask_as("application/json", "POST", "/operations", &more, &body)
}

#[test]
fn p8_every_operation_takes_its_role_by_the_route_of_commands_too() {
    let project = Project::new();
    for (name, roles) in WHO {
        let agent = if *name == "bot" { " --agent" } else { "" };
        let roles: String = roles.iter().map(|role| format!(" --role {role}")).collect();
        project.stead(&format!("people add {name}{agent}{roles}")).is(0);
    }
    let secrets: Vec<(&str, String)> =
        WHO.iter().map(|(name, _)| (*name, token(&project, &format!("t --user {name}")))).collect();
    let served = serve_with(&project, "serve --listen 127.0.0.1:0");
    let begun = |name: &str| {
        let run = served.start(&json!({"definition": GATED, "project": name}));
        served.wait_for(&run, "waiting");
        let mut tasks = Value::Null;
        project.wait_for("the task", |_| {
            tasks = served.get(&format!("/tasks?run={run}")).is(200).body;
            tasks["tasks"][0].is_object()
        });
        (run, tasks["tasks"][0]["task"].as_str().unwrap().to_owned())
    };
    let (own, other) = (begun("billing"), begun("docs"));
    served.ask("POST", "/workflows", &json!({"definition": GATED, "name": "timed"})).is(201);
    for project in ["billing", "docs"] {
        let times = json!({"workflow": "timed", "cron": "0 0 1 1 *", "name": project, "project": project});
        served.ask("POST", "/schedules", &times).is(201);
    }
    // What ends a run comes last, so that all others find it as it is.
    let mut all: Vec<&Route> = routes::all()
        .filter(|route| route.operation != NO_OPERATION && !route.open && route.path != "/events")
        .collect();
    all.sort_by_key(|route| {
        matches!(route.operation, "Cancel" | "Retry" | "Task.Act.Decide" | "Schedule.Change.Off")
    });
    let mut wrong = Vec::new();
    for route in all {
        for (who, secret) in &secrets {
            // By its own route a schedule is of a workflow of the library, which is looked up first.
            let brings = matches!(route.operation, "Schedule.Add" | "Schedule.TurnOn");
            let may = expected(route).split(' ').any(|name| name == *who) || (brings && *who == "local");
            let elsewhere = *who == "local"
                && (route.path.contains("{run}")
                    || route.path.contains("{task}")
                    || route.path.contains("{schedule}")
                    || brings
                    || matches!(route.operation, "Start" | "FreePlace"));
            for ((run, task), name, may) in [(&own, "billing", may), (&other, "docs", may && !elsewhere)] {
                let operation = operation(route, run, task, name);
                let told = asked(&served, secret, &operation);
                let as_wanted = match way(&operation) {
                    Way::Not(_) => told.body["code"] == "H0226",
                    _ => is_let(&told) == may,
                };
                if !as_wanted {
                    wrong.push(format!("{who} {} in {name}: may {may}, {told:?}", route.operation));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // What a client may not say of itself is the server's to say.
    let operator = &secrets.iter().find(|(name, _)| *name == "operator").unwrap().1;
    let start = operation(routes::all().find(|route| route.operation == "Start").unwrap(), "", "", "billing");
    let run = asked(&served, operator, &start).is(200).body["answer"]["run"].as_str().unwrap().to_owned();
    assert_ne!(run, "r_0000000000000000");
    let events = served.get(&format!("/runs/{run}/events")).is(200).body.to_string();
    assert!(events.contains("user:operator") && !events.contains("user:claimed"), "{events}");
    assert!(!events.contains("\"/etc\""), "{events}");
    served.leave("TERM").is(0);
}

#[test]
fn p9_an_answer_with_a_secret_is_kept_nowhere() {
    let project = Project::new();
    project.stead("people add ana --role operator").is(0);
    let secret = token(&project, "t --user ana");
    let served = serve_with(&project, "serve --listen 127.0.0.1:0");
    let create = AccessOperation::Create { name: "x".into(), user: None, expires: None, role: None };
    let create = Operation::Access(create);
    let body = serde_json::to_string(&Asked::new(&create)).unwrap();
    let more = format!("authorization: Bearer {secret}\r\nidempotency-key: k\r\n");
    served.ask_as("application/json", "POST", "/operations", &more, &body).says(400, "H0221");
    let made = asked(&served, &secret, &create).is(200).body["answer"]["secret"].as_str().unwrap().to_owned();
    served.leave("TERM").is(0);
    let mut bytes = std::fs::read(project.path(".stead/stead.db")).unwrap();
    bytes.extend(std::fs::read(project.path(".stead/stead.db-wal")).unwrap_or_default());
    assert!(!bytes.windows(made.len()).any(|window| window == made.as_bytes()));
}

#[test]
fn a_client_of_another_protocol_is_told_which_side_to_upgrade() {
    let project = Project::new();
    let served = serve_with(&project, "serve --listen 127.0.0.1:0");
    let ask = |protocol: u32, release: &str, operation: Value| {
        let asked = json!({"protocol": protocol, "release": release, "operation": operation});
        served.ask("POST", "/operations", &asked)
    };
    let engine = json!({"operation": "engine"});
    let told = ask(0, "0.0.1", engine.clone()).says(422, "H0225").body;
    assert!(told["help"].as_str().unwrap().contains("upgrade the program that asks (0.0.1)"), "{told}");
    let told = ask(99, "9.0.0", engine.clone()).says(422, "H0225").body;
    assert!(told["help"].as_str().unwrap().contains("upgrade the server"), "{told}");
    assert_eq!(told["protocol"], 1);
    // Of the same protocol, and with something that this release does not know.
    let new = json!({"operation": "of_the_future"});
    ask(1, "9.0.0", new.clone()).says(422, "H0225");
    ask(1, env!("CARGO_PKG_VERSION"), new).says(400, "H0205");
    ask(1, "9.0.0", engine).is(200);
    served.leave("TERM").is(0);
}
