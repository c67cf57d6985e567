//! `stead serve`: the operations over HTTP, by real requests to a real process.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout};
use std::time::Duration;

use serde_json::{Value, json};
use stead_server::routes::{self, NO_OPERATION};

use crate::contract;
use crate::project::{Project, finish, signal};
use crate::promises::variants;

/// A server of a project.
pub(crate) struct Served<'p> {
    project: &'p Project,
    /// Until it has left.
    child: Option<Child>,
    out: BufReader<ChildStdout>,
    pub(crate) addr: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    /// In small letters.
    pub(crate) head: String,
    /// As it was sent.
    pub(crate) raw: String,
    pub(crate) body: Value,
}

pub(crate) fn serve(project: &Project) -> Served<'_> {
    serve_with(project, "serve --listen 127.0.0.1:0")
}

pub(crate) fn serve_with<'p>(project: &'p Project, words: &str) -> Served<'p> {
    Served::of(project, project.spawn(words))
}

impl<'p> Served<'p> {
    /// One that was started, once it listens.
    pub(crate) fn of(project: &'p Project, mut child: Child) -> Self {
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let addr =
            line.trim().strip_prefix("listening at http://").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { project, child: Some(child), out, addr }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Sends a request as it is.
    pub(crate) fn send(&self, request: &str) -> Told {
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let (raw, head) = (head.to_owned(), head.to_ascii_lowercase());
        let body = match head.contains("json") {
            true => serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {text}")),
            false => Value::from(body),
        };
        contract::holds(request, status, &head, &body);
        Told { status, head, raw, body }
    }

    pub(crate) fn ask_as(&self, kind: &str, method: &str, path: &str, more: &str, body: &str) -> Told {
        let length = body.len();
        let kind = if body.is_empty() { String::new() } else { format!("content-type: {kind}\r\n") };
        self.send(&format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{kind}{more}content-length: {length}\r\n\r\n{body}",
            self.addr
        ))
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Told {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask_as("application/json", method, path, "", &body)
    }

    pub(crate) fn get(&self, path: &str) -> Told {
        self.ask("GET", path, &Value::Null)
    }

    /// Waits until a run has this status.
    pub(crate) fn wait_for(&self, run: &str, status: &str) -> Value {
        let mut now = Value::Null;
        self.project.wait_for(status, |_| {
            now = self.get(&format!("/runs/{run}")).is(200).body;
            now["status"] == status
        });
        now
    }

    pub(crate) fn start(&self, body: &Value) -> String {
        self.ask("POST", "/runs", body).is(201).body["run"].as_str().unwrap().to_owned()
    }

    pub(crate) fn leave(mut self, name: &str) -> crate::project::Got {
        let child = self.child.take().unwrap();
        signal(&child, name);
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        finish(child)
    }
}

/// A server that was not asked to leave is killed: a test that fails leaves none behind.
impl Drop for Served<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Told {
    /// A header, with its value in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.map(str::to_owned)
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// That it is a problem with this code.
    #[track_caller]
    pub(crate) fn says(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:#?}");
        assert!(self.head.contains("content-type: application/problem+json"), "{self:#?}");
        self
    }
}

pub(crate) const GATED: &str = "steps:\n  - { id: draft, run: [echo, hello] }\n  - id: review\n    approve: { show: [draft] }\noutputs: { text: \"${{ steps.draft.output }}\" }\n";

#[test]
fn p8_every_operation_has_a_route_or_a_reason() {
    let mut wanted = BTreeSet::new();
    let sources = [
        ("", "Operation", include_str!("../../../engine/src/operations.rs")),
        ("Library.", "LibraryOperation", include_str!("../../../engine/src/library/operations.rs")),
        ("People.", "PeopleOperation", include_str!("../../../engine/src/people/operations.rs")),
        ("Access.", "AccessOperation", include_str!("../../../engine/src/access/operations.rs")),
        ("Notifications.", "NotificationOperation", include_str!("../../../engine/src/notify/operations.rs")),
        ("File.", "FileOperation", include_str!("../../../engine/src/uploads/operations.rs")),
        ("Task.", "TaskOperation", include_str!("../../../engine/src/tasks/operations.rs")),
        ("Schedule.", "ScheduleOperation", include_str!("../../../engine/src/schedules/operations.rs")),
        ("Schedule.Change.", "Change", include_str!("../../../engine/src/schedules/operations.rs")),
        ("Task.Act.", "Deed", include_str!("../../../engine/src/tasks/operations.rs")),
    ];
    for (before, name, source) in sources {
        wanted.extend(variants(source, name).into_iter().map(|variant| format!("{before}{variant}")));
    }
    for parent in [
        "Library",
        "People",
        "Access",
        "Notifications",
        "File",
        "Task",
        "Task.Act",
        "Schedule",
        "Schedule.Change",
    ] {
        assert!(wanted.remove(parent), "{parent}");
    }
    let routed = routes::all().map(|route| route.operation.to_owned()).filter(|name| name != NO_OPERATION);
    let reasons = routes::WITHOUT.iter().map(|(operation, why)| {
        assert!(!why.is_empty());
        (*operation).to_owned()
    });
    let known: BTreeSet<String> = routed.chain(reasons).collect();
    assert_eq!(known, wanted, "each operation has a route in crates/server/src/routes, or a reason why not");
}

#[test]
fn p8_every_route_performs_its_operation() {
    let project = Project::new();
    let served = serve(&project);
    // What each takes so that the engine is the one that answers, and what it says of something that is not there.
    let bodies = [
        ("Start", json!({"workflow": "none"})),
        ("Settle", json!({"step": "a", "verdict": "again"})),
        ("Signal", json!({"name": "go"})),
        ("Task.Act.Decide", json!({"accept": true})),
        ("Task.Act.Answer", json!({"answers": {}})),
        ("Task.Act.Skip", json!({"reason": "away"})),
        ("Task.Act.Delegate", json!({"to": "bo"})),
        ("Library.Rename", json!({"to": "other"})),
        ("Library.Describe", json!({"description": "x"})),
        (
            "Library.Save",
            json!({"definition": "stead: 1\nname: a\nsteps:\n  - { id: a, run: 'true' }\n", "based_on": 3}),
        ),
        ("People.Edit", json!({"edits": []})),
        ("FreePlace", json!({"key": "k", "run": "r_none"})),
        ("Task.Draft", json!({"comment": "x"})),
        ("Access.Create", json!({"name": "x"})),
        ("Access.SignIn", json!({"name": "nobody", "password": "x"})),
        ("Access.SetPassword", json!({"password": "short"})),
        ("Schedule.TurnOn", json!({"workflow": "none"})),
        ("Schedule.Add", json!({"workflow": "none", "cron": "@daily"})),
        ("Schedule.Backfill", json!({"from": 0, "to": 1})),
    ];
    for route in routes::all().filter(|route| route.operation != NO_OPERATION) {
        let path = route
            .path
            .replace("{run}", "r_none")
            .replace("{task}", "t_none")
            .replace("{name}", "none")
            .replace("{token}", "none")
            .replace("{schedule}", "none")
            .replace("{notification}", "n_none")
            .replace("{hash}", "none")
            .replace("{document}", "plan");
        let body = bodies.iter().find(|(operation, _)| *operation == route.operation);
        let mut body = body.map_or(Value::Null, |(_, body)| body.clone());
        let mut path = path;
        match (route.operation, route.method, route.path) {
            ("Signal", _, "/signals") => body["workflow"] = json!("none"),
            ("LogText", _, "/runs/{run}/logs/search") => path += "?step=a&q=x",
            ("LogText", ..) => path += "?step=a",
            ("Library.Compare", ..) => path += "?from=1&to=2",
            ("Schedule.Preview", ..) => path += "?cron=@daily",
            ("Access.FinishSignIn", ..) => path += "?state=x&code=y",
            ("Task.Draft", "DELETE", _) => body = Value::Null,
            _ => {}
        }
        let got = served.ask(route.method, &path, &body);
        let code = got.body["code"].as_str().unwrap_or_default().to_owned();
        let what = format!("{} {}: {got:#?}", route.method, route.path);
        match route.operation {
            // It tells what happens, to one who says that it takes that.
            "Runs" if route.path == "/events" => assert_eq!((got.status, &*code), (406, "H0211"), "{what}"),
            "Schedule.List" | "Schedule.Preview" => assert_eq!(got.status, 200, "{what}"),
            "Schedule.TurnOn" | "Schedule.Add" => {
                assert_eq!((got.status, &*code), (404, "S0701"), "{what}");
            }
            name if name.starts_with("Schedule") => {
                assert_eq!((got.status, &*code), (404, "R0411"), "{what}");
            }
            "Runs" | "Limits" | "Engine" | "Library.Workflows" | "Task.List" | "People.Me"
            | "Notifications.List" | "People.List" | "People.Changes" => {
                assert_eq!(got.status, 200, "{what}");
            }
            "People.Edit" => assert!(got.status == 200 || code.starts_with("S08"), "{what}"),
            "Signal" if route.path == "/signals" => {
                assert_eq!((got.status, &*code), (404, "R0204"), "{what}");
            }
            "FreePlace" => assert_eq!((got.status, &*code), (409, "R0203"), "{what}"),
            "Library.Save" => assert!(matches!(got.status, 201 | 404 | 409), "{what}"),
            "Start" => assert_eq!((got.status, &*code), (404, "S0701"), "{what}"),
            // Adding nobody made who runs the tests its admin.
            "Access.List" | "Access.Audit" => assert_eq!(got.status, 200, "{what}"),
            "Access.SignIn" => assert_eq!((got.status, &*code), (401, "R0615"), "{what}"),
            "Access.BeginSignIn" | "Access.FinishSignIn" => {
                assert_eq!((got.status, &*code), (404, "R0624"), "{what}");
            }
            "Access.SignOut" => assert_eq!((got.status, &*code), (409, "R0616"), "{what}"),
            "Access.SetPassword" => assert_eq!((got.status, &*code), (422, "R0617"), "{what}"),
            "Access.RemovePassword" => assert_eq!(got.status, 200, "{what}"),
            "Access.Link" => assert_eq!((got.status, &*code), (404, "R0206"), "{what}"),
            "Notifications.Retry" => assert_eq!((got.status, &*code), (404, "R0209"), "{what}"),
            "File.Upload" => assert_eq!(got.status, 201, "{what}"),
            "File.Find" => assert_eq!((got.status, &*code), (404, "R0213"), "{what}"),
            "Access.Create" => assert_eq!(got.status, 201, "{what}"),
            "Access.Revoke" => assert_eq!((got.status, &*code), (404, "R0613"), "{what}"),
            name if name.starts_with("Task") => assert_eq!((got.status, &*code), (404, "R0206"), "{what}"),
            name if name.starts_with("Library") => assert_eq!((got.status, &*code), (404, "S0701"), "{what}"),
            _ => assert_eq!((got.status, &*code), (404, "R0201"), "{what}"),
        }
    }
    served.leave("TERM").is(0);
}

#[test]
fn a_run_goes_from_its_start_over_a_gate_to_its_end() {
    let project = Project::new();
    let served = serve(&project);
    let text = format!("stead: 1\nname: post\n{GATED}");
    served.ask("POST", "/workflows", &json!({"definition": text, "message": "as a start"})).is(201);
    let run = served.start(&json!({"workflow": "post"}));
    served.wait_for(&run, "waiting");
    // Commands use the server without being told.
    project.stead(&format!("status {run}")).is(0).answers("review");
    let tasks = served.get("/tasks").is(200).body;
    let task = tasks["tasks"][0]["task"].as_str().unwrap().to_owned();
    let shown = served.get(&format!("/tasks/{task}")).is(200).body;
    let version = shown["version"].as_str().unwrap();
    let decide = format!("/tasks/{task}:decide");
    served.ask("POST", &decide, &json!({"accept": true, "version": "another"})).is(409);
    let seen = format!("if-match: \"{version}\"\r\n");
    served.ask_as("application/yaml", "POST", &decide, &seen, "accept: true\ncomment: well done\n").is(200);
    let ended = served.wait_for(&run, "completed");
    assert_eq!(ended["outputs"], json!({"text": "hello"}));
    // A decision counts once.
    served.ask("POST", &decide, &json!({"accept": false})).says(409, "R0203");
    let listed = served.get("/runs?status=completed&workflow=post").is(200).body;
    assert_eq!(listed["runs"][0]["run"], json!(run));
    let events = served.get(&format!("/runs/{run}/events?limit=500")).is(200).body;
    let last = events["events"].as_array().unwrap().last().unwrap()["seq"].clone();
    assert_eq!(last, events["last"]);
    let behind = served.get(&format!("/runs/{run}/events?after={}", u64::MAX)).is(200).body;
    assert_eq!(behind, json!({"events": [], "last": last}));
    served.leave("TERM").is(0);
}

#[test]
fn a_run_of_a_definition_is_paused_resumed_cancelled_and_retried() {
    let project = Project::new();
    let served = serve(&project);
    let definition = "stead: 1\nname: wait\ninputs: { n: { type: integer, default: 1 } }\nsteps:\n  - { id: go, wait: { signal: go } }\n  - { id: end, fail: \"enough of ${{ inputs.n }}\" }\n";
    // In YAML, as a text within.
    let yaml = format!(
        "definition: |\n{}inputs: {{ n: 2 }}\n",
        definition.lines().map(|l| format!("  {l}\n")).collect::<String>()
    );
    let told = served.ask_as("application/yaml", "POST", "/runs", "", &yaml).is(201);
    let run = told.body["run"].as_str().unwrap().to_owned();
    assert!(told.head.contains(&format!("location: /api/v1/runs/{run}")), "{}", told.head);
    served.wait_for(&run, "waiting");
    let act = |verb: &str, body: Value| served.ask("POST", &format!("/runs/{run}:{verb}"), &body);
    assert_eq!(act("pause", Value::Null).is(200).body["status"], "paused");
    assert_eq!(act("retry", Value::Null).says(409, "R0203").body["current_status"], "paused");
    act("resume", json!({})).is(200);
    let sent = act("signal", json!({"name": "go", "data": {"a": 1}, "id": "once"})).is(200);
    assert_eq!(sent.body["runs"], json!([run]));
    let failed = served.wait_for(&run, "failed");
    assert!(failed["error"].to_string().contains("enough of 2"), "{failed}");
    assert_eq!(act("cancel", Value::Null).says(409, "R0203").body["current_status"], "failed");
    let plan =
        served.ask("POST", &format!("/runs/{run}:retry?dry_run=true"), &json!({"from": "go"})).is(200).body;
    assert!(plan["rerun"].as_array().unwrap().contains(&json!("go")), "{plan}");
    assert_eq!(served.wait_for(&run, "failed")["status"], "failed", "nothing was done");
    act("retry", json!({"from": "go"})).is(200);
    served.wait_for(&run, "waiting");
    act("cancel", json!({"reason": "enough"})).is(200);
    served.wait_for(&run, "cancelled");
    served.leave("INT").is(0);
}

#[test]
fn what_is_wrong_is_told_with_its_code() {
    let project = Project::new();
    let served = serve(&project);
    served.get("/runs/none").says(404, "R0201");
    served.get("/none").says(404, "H0201");
    let told = served.ask("DELETE", "/runs", &Value::Null).says(405, "H0202");
    assert!(told.head.contains("allow: get, post"), "{told:#?}");
    let told = served.get("/runs?statsu=failed").says(400, "H0206");
    assert!(told.body["help"].as_str().unwrap().contains("`status`"), "{told:#?}");
    served.get("/runs?status=broken").says(400, "H0206");
    served.get("/runs?since=yesterday").says(400, "H0206");
    served.get("/runs?since=2026-11-21T20:00:00Z&until=1").is(200);
    served.ask("POST", "/runs", &json!({})).says(400, "H0205");
    served.ask("POST", "/runs", &json!({"workflow": "a", "inptus": {}})).says(400, "H0205");
    served.ask("POST", "/runs", &json!([1])).says(400, "H0205");
    served.ask("PATCH", "/workflows/none", &json!([null, null])).says(400, "H0205");
    served.ask_as("text/plain", "POST", "/runs", "", "{}").says(415, "H0204");
    let told = served
        .ask("POST", "/runs", &json!({"definition": "stead: 1\nsteps:\n  - { id: a, rum: x }\n"}))
        .says(422, "R0105");
    assert!(told.body["diagnostics"][0]["code"].as_str().unwrap().starts_with('E'), "{told:#?}");
    // Files of the machine are not read for who asks.
    let names =
        json!({"definition": "stead: 1\nname: a\nsteps:\n  - { id: a, workflow: { path: kid.yml } }\n"});
    let told = served.ask("POST", "/runs", &names).says(422, "R0105");
    assert!(told.body.to_string().contains("over HTTP"), "{told:#?}");
    assert_eq!(served.get("/runs").body["runs"], json!([]));
    served.leave("TERM").is(0);
}

#[test]
fn a_forged_host_and_pages_of_others_are_refused() {
    let project = Project::new();
    let served = serve(&project);
    let request = |host: &str, more: &str| {
        served.send(&format!("GET /api/v1/runs HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}\r\n"))
    };
    let port = served.addr.rsplit_once(':').unwrap().1;
    request(&served.addr, "").is(200);
    request(&format!("localhost:{port}"), "").is(200);
    request(&format!("evil.example:{port}"), "").says(403, "H0101");
    request(&served.addr, "origin: http://evil.example\r\n").says(403, "H0102");
    request(&served.addr, "sec-fetch-site: cross-site\r\n").says(403, "H0102");
    let absolute = format!(
        "GET http://evil.example:{port}/api/v1/runs HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        served.addr
    );
    served.send(&absolute).says(403, "H0101");
    served.leave("TERM").is(0);
}

#[test]
fn it_listens_at_this_machine_only_and_where_nobody_else_does() {
    let project = Project::new();
    project.stead("serve --listen 0.0.0.0:7700").is(2).says("H0402").says("stead token create");
    project.stead("serve --listen nowhere").is(2).says("H0401");
    project.stead("explain H0402").is(0).answers("127.0.0.1");
    let served = serve(&project);
    let other = Project::new();
    other.stead(&format!("serve --listen {}", served.addr)).is(6).says("H0403");
    project.stead("serve --listen 127.0.0.1:0").is(6).says("S0601");
    served.leave("TERM").is(0);
}

#[test]
fn p2_a_server_that_leaves_or_is_killed_goes_on_with_its_runs() {
    let project = Project::new();
    let text = "stead: 1\nname: work\nsteps:\n  - { id: one, run: 'echo x >> ones' }\n  - { id: two, run: 'touch begun; while [ ! -e go ]; do sleep 0.02; done' }\n";
    let served = serve(&project);
    let run = served.start(&json!({"definition": text}));
    project.wait_for_file("begun");
    served.leave("TERM").is(0).says("1 attempt under way");
    std::fs::remove_file(project.path("begun")).unwrap();
    let served = serve(&project);
    project.wait_for_file("begun");
    drop(served);
    std::fs::write(project.path("go"), "").unwrap();
    let served = serve(&project);
    served.wait_for(&run, "completed");
    assert_eq!(project.text("ones"), "x\n", "a finished step does not run again");
    served.leave("TERM").is(0);
}

#[test]
fn a_second_signal_ends_what_must_not_be_cut_off() {
    let project = Project::new();
    let text = "stead: 1\nname: work\nsteps:\n  - { id: one, effect: once, run: 'touch begun; while [ ! -e go ]; do sleep 0.02; done' }\n";
    let served = serve(&project);
    served.start(&json!({"definition": text}));
    project.wait_for_file("begun");
    signal(served.child.as_ref().unwrap(), "TERM");
    // It waits for the step until it is told again.
    std::thread::sleep(Duration::from_millis(300));
    served.leave("TERM").is(0);
    assert!(!project.path("go").exists());
}

#[test]
fn p4_a_steps_program_acts_as_that_over_http_too() {
    let project = Project::new();
    let served = serve(&project);
    let port = served.addr.rsplit_once(':').unwrap().1;
    let ask = format!(
        "import socket,sys\ns = socket.create_connection(('127.0.0.1', {port}))\nb = b'{{\"accept\": true}}'\nt = sys.argv[1] + '%2Freview'\ns.sendall(('POST /api/v1/tasks/' + t + ':decide HTTP/1.1\\r\\nhost: localhost:{port}\\r\\nconnection: close\\r\\ncontent-type: application/json\\r\\ncontent-length: %d\\r\\n\\r\\n' % len(b)).encode() + b)\nf = b''\nwhile True:\n  r = s.recv(4096)\n  if not r: break\n  f += r\nopen('told', 'wb').write(f)\n"
    );
    let project_file = project.path("ask.py");
    std::fs::write(project_file, ask).unwrap();
    let text = "stead: 1\nname: own\nsteps:\n  - { id: review, needs: [], approve: { title: Well? } }\n  - { id: ask, needs: [], run: 'until [ -e go ]; do sleep 0.02; done; python3 ask.py $STEAD_RUN' }\n";
    let run = served.start(&json!({"definition": text}));
    project.wait_for("the task", |_| served.get("/tasks").body["tasks"][0].is_object());
    std::fs::write(project.path("go"), "").unwrap();
    project.wait_for("the answer", |project| project.text("told").contains("}"));
    let told = project.text("told");
    assert!(told.starts_with("HTTP/1.1 403 ") && told.contains("R0505"), "{told}");
    served.ask("POST", &format!("/tasks/{run}%2Freview:decide"), &json!({"accept": true})).is(200);
    served.wait_for(&run, "completed");
    served.leave("TERM").is(0);
}

#[test]
fn the_description_and_the_page_to_try_it_are_served_without_anything_from_elsewhere() {
    let project = Project::new();
    let served = serve(&project);
    assert_eq!(served.get("/openapi.json").is(200).body["openapi"], "3.1.0");
    let page = served.get("/docs").is(200);
    assert!(
        page.head.contains("content-security-policy: default-src 'none'; script-src 'self'"),
        "{page:#?}"
    );
    for name in ["docs.js", "docs.css"] {
        assert!(page.body.as_str().unwrap().contains(name), "{page:#?}");
        let part = served.get(&format!("/{name}")).is(200);
        assert!(!part.body.as_str().unwrap().contains("http"), "{part:#?}");
    }
    assert!(!page.body.as_str().unwrap().contains("://"), "{page:#?}");
    served.leave("TERM").is(0);
}
