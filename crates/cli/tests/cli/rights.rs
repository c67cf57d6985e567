//! The table of rights over HTTP: each route by each role, with real tokens, on a run that one may look at and on one
//! of another project.

use serde_json::{Value, json};
use stead_server::routes::{self, NO_OPERATION, Route};

use crate::access::token;
use crate::project::Project;
use crate::serve::{Served, Told, serve_with};

pub(crate) const GATED: &str = "stead: 1\nname: gated\nsteps:\n  - id: review\n    approve: { title: Ship it?, by: ['role:approver'] }\n";

/// Who asks, and the roles that they are given.
pub(crate) const WHO: &[(&str, &[&str])] = &[
    ("plain", &["architect"]),
    ("viewer", &["viewer"]),
    ("operator", &["operator"]),
    ("approver", &["approver"]),
    ("editor", &["editor"]),
    ("admin", &["admin"]),
    ("bot", &["operator"]),
    ("local", &["operator@billing"]),
];

/// Who may, as docs/people.md has it: in the project `billing`.
pub(crate) fn expected(route: &Route) -> &'static str {
    const LOOK: &str = "viewer operator approver editor admin bot local";
    const OPERATE: &str = "operator admin bot local";
    const ALL: &str = "plain viewer operator approver editor admin bot local";
    match (route.operation, route.method) {
        // A workflow of the library is looked up first, which takes a role that holds everywhere; a definition is not.
        ("Start" | "Cancel" | "Pause" | "Resume" | "Settle" | "FreePlace", _) => OPERATE,
        ("Signal", _) if route.path == "/signals" => "operator admin bot",
        ("Signal", _) => OPERATE,
        ("Retry", _) => OPERATE,
        (
            "Status" | "Events" | "Logs" | "LogText" | "Evidence" | "Results" | "Definition" | "Documents"
            | "Document",
            _,
        ) => LOOK,
        // What one may not look at is left out of what is told.
        ("Runs", _) if route.path == "/events" => ALL,
        ("Runs", _) => LOOK,
        // What is about no project takes a role that holds everywhere.
        ("Notifications.Retry", _) => "operator admin bot",
        ("Limits" | "Engine" | "Notifications.List" | "People.List" | "People.Changes", _) => {
            "viewer operator approver editor admin bot"
        }
        (
            "Library.Save" | "Library.Describe" | "Library.Rename" | "Library.Delete" | "Library.Restore",
            _,
        ) => "editor admin",
        // So is one that times start.
        ("Schedule.TurnOn" | "Schedule.Add", _) => "operator admin bot",
        ("Schedule.List", _) => "viewer operator approver editor admin bot",
        ("Schedule.Show", _) => LOOK,
        ("Schedule.Preview", _) => ALL,
        (name, _) if name.starts_with("Schedule.") => OPERATE,
        (name, _) if name.starts_with("Library.") => "viewer operator approver editor admin bot",
        ("File.Upload", _) => OPERATE,
        // With a run: without one it is one's own.
        ("File.Find", _) => LOOK,
        ("People.Edit" | "Access.Audit", _) => "admin",
        ("People.Me" | "Access.List" | "Access.SignOut", _) => ALL,
        ("Access.SetPassword" | "Access.RemovePassword", _) => {
            "plain viewer operator approver editor admin local"
        }
        // It is for whom the task waits; who may look is told that it does not.
        ("Access.Link", _) => "viewer operator approver editor admin local",
        ("Access.Create", _) => "plain viewer operator approver editor admin local",
        ("Access.Revoke", _) => ALL,
        ("Task.List", _) => ALL,
        // Who may look is told why they may not act; the others are told of nothing.
        (name, _) if name.starts_with("Task.") => "viewer operator approver editor admin bot local",
        other => panic!("say here who may: {other:?}"),
    }
}

fn asked(served: &Served<'_>, secret: &str, route: &Route, run: &str, task: &str, project: &str) -> Told {
    let body = match (route.operation, route.path) {
        ("Start", _) => {
            json!({"definition": "stead: 1\nname: a\nsteps:\n  - { id: a, run: 'true' }\n", "project": project})
        }
        ("Settle", _) => json!({"step": "a", "verdict": "again"}),
        ("Signal", "/signals") => json!({"name": "go", "workflow": "none", "keys": {"a": "b"}}),
        ("Signal", _) => json!({"name": "go"}),
        ("Task.Act.Decide", _) => json!({"accept": true, "version": "another"}),
        ("Task.Act.Answer", _) => json!({"answers": {}}),
        ("Task.Act.Skip", _) => json!({"reason": "away"}),
        ("Task.Act.Delegate", _) => json!({"to": "nobody"}),
        ("Library.Rename", _) => json!({"to": "other"}),
        ("Library.Describe", _) => json!({"description": "x"}),
        ("Library.Save", _) => json!({"definition": GATED, "name": "none", "based_on": 3}),
        ("People.Edit", _) => json!({"edits": [{"edit": "remove", "user": "nobody"}]}),
        ("FreePlace", _) => json!({"key": "k", "run": run, "project": project}),
        ("Task.Draft", "/tasks/{task}/draft") if route.method == "PUT" => json!({"comment": "x"}),
        ("Access.Create", _) => json!({"name": "x", "role": "king"}),
        ("Access.SetPassword", _) => json!({"password": "short"}),
        ("Schedule.Add", _) => {
            json!({"workflow": "timed", "cron": "0 0 1 1 *", "name": project, "project": project})
        }
        ("Schedule.TurnOn", _) => json!({"workflow": "timed", "project": project}),
        ("Schedule.Backfill", _) => json!({"from": 0, "to": 1}),
        _ => Value::Null,
    };
    let mut path = route.path.replace("{run}", run).replace("{task}", task).replace("{document}", "none");
    path = path.replace("{name}", "none").replace("{token}", "none").replace("{schedule}", project);
    if route.operation == "Schedule.Preview" {
        path += "?cron=0%200%201%201%20*";
    }
    if route.operation == "LogText" {
        path += if route.path.ends_with("search") { "?step=a&q=x" } else { "?step=a" };
    }
    path = path.replace("{notification}", "n_none").replace("{hash}", &"0".repeat(64));
    match route.operation {
        "File.Upload" => path = format!("{path}?project={project}"),
        "File.Find" => path = format!("{path}?run={run}"),
        _ => {}
    }
    if route.operation == "Library.Compare" {
        path += "?from=1&to=2";
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let more = format!("authorization: Bearer {secret}\r\n");
    served.ask_as("application/json", route.method, &path, &more, &body)
}

/// Whether somebody was let do it, whatever came of it.
pub(crate) fn is_let(told: &Told) -> bool {
    let code = told.body["code"].as_str().unwrap_or_default();
    // Runs, tasks and schedules of these tests are there: who hears otherwise may not know of them.
    !matches!(code, "R0503" | "R0504" | "R0608" | "R0201" | "R0206" | "R0411") && told.status != 401
}

#[test]
fn every_route_takes_its_role() {
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
        // The task's own turn comes behind that of the run.
        project.wait_for("the task", |_| {
            tasks = served.get(&format!("/tasks?run={run}")).is(200).body;
            tasks["tasks"][0].is_object()
        });
        (run, tasks["tasks"][0]["task"].as_str().unwrap().to_owned())
    };
    let (own, other) = (begun("billing"), begun("docs"));
    let timed = json!({"definition": GATED, "name": "timed"});
    served.ask("POST", "/workflows", &timed).is(201);
    for project in ["billing", "docs"] {
        let times = json!({"workflow": "timed", "cron": "0 0 1 1 *", "name": project, "project": project});
        served.ask("POST", "/schedules", &times).is(201);
    }
    // What ends a run comes last, so that all others find it as it is.
    let mut all: Vec<&Route> =
        routes::all().filter(|route| route.operation != NO_OPERATION && !route.open).collect();
    all.sort_by_key(|route| {
        matches!(route.operation, "Cancel" | "Retry" | "Task.Act.Decide" | "Schedule.Change.Off")
    });
    let mut wrong = Vec::new();
    for route in all {
        for (who, secret) in &secrets {
            let may = expected(route).split(' ').any(|name| name == *who);
            // A role for one project is none for another.
            let elsewhere = *who == "local"
                && (route.path.contains("{run}")
                    || route.path.contains("{task}")
                    || route.path.contains("{schedule}")
                    || matches!(route.operation, "Start" | "FreePlace" | "File.Upload" | "File.Find"));
            for ((run, task), name, may) in [(&own, "billing", may), (&other, "docs", may && !elsewhere)] {
                let told = asked(&served, secret, route, run, task, name);
                if is_let(&told) != may {
                    wrong.push(format!(
                        "{who} {} {} in {name}: may {may}, {told:?}",
                        route.method, route.path
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    served.leave("TERM").is(0);
}

#[test]
fn what_one_may_not_look_at_is_not_told() {
    let project = Project::new();
    project.stead("people add local --role viewer@billing").is(0);
    let secret = token(&project, "t --user local");
    let served = serve_with(&project, "serve --listen 127.0.0.1:0");
    let start = |project: &str| served.start(&json!({"definition": GATED, "project": project}));
    let (own, other) = (start("billing"), start("docs"));
    served.wait_for(&own, "waiting");
    served.wait_for(&other, "waiting");
    let more = format!("authorization: Bearer {secret}\r\n");
    let get = |path: &str| served.ask_as("", "GET", path, &more, "");
    let runs = get("/runs").is(200).body;
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1, "{runs}");
    assert_eq!(runs["runs"][0]["run"], json!(own));
    // What is there and not for one is as what is not there.
    let same = |there: &str, gone: &str| {
        let (there, gone) = (get(there), get(gone));
        assert_eq!(there.status, 404, "{there:?}");
        assert_eq!(there.body["code"], gone.body["code"]);
        assert!(!there.body.to_string().contains("docs"), "{there:?}");
    };
    same(&format!("/runs/{other}"), "/runs/r_none");
    same(&format!("/runs/{other}/events"), "/runs/r_none/events");
    same(&format!("/tasks?run={other}"), "/tasks?run=r_none");
    same(&format!("/tasks/{other}%2Freview"), "/tasks/r_none%2Freview");
    same(&format!("/runs?parent={other}"), "/runs?parent=r_none");
    same(&format!("/runs?after={other}"), "/runs?after=r_none");
    // The beginning that both have in common names nobody's runs.
    let told = get("/runs/r_").says(404, "R0201").body.to_string();
    assert!(!told.contains(&other), "{told}");
    get(&format!("/runs/{own}")).is(200);
    get(&format!("/tasks?run={own}")).is(200);
    served.leave("TERM").is(0);
}
