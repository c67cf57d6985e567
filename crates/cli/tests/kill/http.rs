//! Kill a server while it is asked over HTTP: what was answered with success is there after the restart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stead_core::ids::StreamId;
use stead_core::task::Ended;
use stead_store::Reader as _;

use crate::everywhere::{COMMIT, EFFECT, nothing_is_left};
use crate::program::{At, Trial};
use crate::served::Server;

const RAN: &str = r#"echo "$STEAD_KEY" >> ran"#;

/// A gate, a signal, and steps around them.
fn definition() -> String {
    format!(
        r"
stead: 1
name: asked
steps:
  - {{ id: a, run: '{RAN}; echo 1', undo: {{ run: '{RAN}' }} }}
  - {{ id: gate, approve: {{ title: Go on? }} }}
  - {{ id: b, run: '{RAN}; echo 2' }}
  - {{ id: w, wait: {{ signal: go }} }}
  - {{ id: c, run: '{RAN}; echo 3' }}
finally:
  - {{ id: tidy, run: '{RAN}' }}
outputs: {{ sum: '${{{{ steps.a.output + steps.b.output + steps.c.output }}}}' }}
"
    )
}

/// Something that was answered with success.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Done {
    Saved,
    Started(String),
    /// What is done to a run, once each.
    Acted(&'static str, String),
    Decided(String),
}

/// The server of a trial, which is killed there, or says at its end what it has crossed.
fn start(trial: &mut Trial, kill: Option<At<'_>>) -> Option<Server> {
    let (mut command, printed) = trial.command(&["serve", "--listen", "127.0.0.1:0"]);
    match kill {
        Some((point, number)) => command.env("STEAD_FAILPOINT", format!("{point}@{number}")),
        None => command.env("STEAD_FAILPOINT_LOG", trial.folder().join("crossed")),
    };
    Server::start(command, printed, kill.is_some())
}

/// Goes on from what the server says until all is done. None: the server is gone.
fn play(server: &Server, done: &mut BTreeSet<Done>) -> Option<()> {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come to its end: {done:#?}");
        let saved = server.get("/workflows")?["workflows"].as_array().unwrap().len();
        if saved == 0 {
            let (status, body) = server.ask("POST", "/workflows", &json!({ "definition": definition() }))?;
            assert_eq!(status, 201, "{body}");
            done.insert(Done::Saved);
        }
        let page = server.get("/runs")?;
        let runs = page["runs"].as_array().unwrap();
        // The oldest one goes on to its end, the next one is cancelled at its gate.
        let mut all: Vec<&Value> = runs.iter().rev().collect();
        if all.len() < 2 && all.iter().all(|run| !run["ended_at"].is_null()) {
            let (status, body) = server.ask("POST", "/runs", &json!({ "workflow": "asked" }))?;
            assert_eq!(status, 201, "{body}");
            done.insert(Done::Started(body["run"].as_str().unwrap().to_owned()));
            continue;
        }
        all.retain(|run| run["ended_at"].is_null());
        let Some(run) = all.first() else { return Some(()) };
        let first = runs.last().unwrap()["run"] == run["run"];
        step(server, run["run"].as_str().unwrap(), first, done)?;
    }
}

/// What is to be done about one run now.
fn step(server: &Server, run: &str, first: bool, done: &mut BTreeSet<Done>) -> Option<()> {
    let view = server.get(&format!("/runs/{run}"))?;
    let paused = done.contains(&Done::Acted("pause", run.to_owned()));
    let waits = view["waits_for"].as_array().and_then(|waits| waits.first()).cloned().unwrap_or_default();
    let mut act = |deed: &'static str, body: &Value| {
        let (status, answer) = server.ask("POST", &format!("/runs/{run}:{deed}"), body)?;
        // It may have been done before the kill, unanswered, or have gone on meanwhile.
        assert!(matches!(status, 200 | 409), "{deed}: {answer}");
        if status == 200 {
            done.insert(Done::Acted(deed, run.to_owned()));
        }
        Some(status)
    };
    match (view["status"].as_str().unwrap(), waits["kind"].as_str().unwrap_or_default()) {
        ("paused", _) => act("resume", &Value::Null).map(drop),
        ("waiting", "person") if !first => act("cancel", &json!({ "reason": "no more" })).map(drop),
        ("waiting", "person") => {
            let tasks = server.get(&format!("/tasks?run={run}"))?;
            let Some(task) = tasks["tasks"][0]["task"].as_str() else { return Some(()) };
            let (status, answer) =
                server.ask("POST", &format!("/tasks/{task}:decide"), &json!({ "accept": true }))?;
            assert!(matches!(status, 200 | 409), "{answer}");
            if status == 200 {
                done.insert(Done::Decided(task.to_owned()));
            }
            Some(())
        }
        ("waiting", "signal") if !paused => act("pause", &Value::Null).map(drop),
        ("waiting", "signal") => act("signal", &json!({ "name": "go" })).map(drop),
        _ => {
            std::thread::sleep(Duration::from_millis(1));
            Some(())
        }
    }
}

/// That all of it is in the store.
fn kept(trial: &Trial, done: &BTreeSet<Done>, what: &dyn Fn() -> String) {
    let events = trial.events();
    let has = |run: &str, kinds: &[&str]| {
        let mut own = events.iter().filter(|((stream, _), _)| stream == run);
        own.any(|(_, event)| kinds.contains(&event["type"].as_str().unwrap_or_default()))
    };
    for one in done {
        let there = match one {
            Done::Saved => trial.reader().is_some_and(|mut reader| {
                use stead_store::library::LibraryReader as _;
                reader.workflow("asked").is_ok_and(|workflow| workflow.is_some())
            }),
            Done::Started(run) => has(run, &["run_created"]),
            Done::Acted("cancel", run) => has(run, &["cancel_requested"]),
            Done::Acted("pause", run) => has(run, &["run_paused"]),
            Done::Acted("resume", run) => has(run, &["run_resumed"]),
            Done::Acted(_, run) => has(run, &["signal_came", "signal_taken"]),
            Done::Decided(task) => {
                let task = trial.reader().unwrap().task(&StreamId::new(task)).unwrap();
                task.is_some_and(|task| task.head.ended == Some(Ended::Accepted))
            }
        };
        assert!(there, "answered, and not there: {one:?}: {}", what());
    }
}

/// Keys of steps without the names of their runs.
fn ran(trial: &Trial) -> BTreeMap<String, Vec<usize>> {
    let mut all: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (key, times) in trial.ran() {
        all.entry(key.split_once('/').unwrap().1.to_owned()).or_default().push(times);
    }
    all
}

/// What the runs came to: status and outputs.
type Outcome = Vec<(String, Option<Value>)>;

fn outcome(trial: &Trial) -> Outcome {
    let mut runs: Vec<_> =
        trial.tops().into_iter().map(|view| (format!("{:?}", view.status), view.outputs)).collect();
    runs.sort_by(|a, b| a.0.cmp(&b.0));
    runs
}

fn undisturbed(folder: &Path) -> (BTreeMap<String, u64>, Outcome) {
    let mut trial = Trial::new(folder);
    let server = start(&mut trial, None).unwrap();
    let mut done = BTreeSet::new();
    play(&server, &mut done).unwrap();
    server.end(false);
    kept(&trial, &done, &String::new);
    for kind in ["cancel", "pause", "resume", "signal"] {
        assert!(
            done.iter().any(|one| matches!(one, Done::Acted(deed, _) if *deed == kind)),
            "{kind}: {done:?}"
        );
    }
    (trial.crossed(), outcome(&trial))
}

#[test]
fn p2_what_a_server_answered_with_success_is_there_after_it_is_killed() {
    let parent = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (crossed, came) = undisturbed(parent.path());
    let (mut kills, mut trials) = (0, 0);
    for point in COMMIT.into_iter().chain([EFFECT]) {
        for number in 1..=crossed.get(point).copied().unwrap_or(0) {
            let mut trial = Trial::new(parent.path());
            let mut done = BTreeSet::new();
            let what = |trial: &Trial| format!("killed at {point}@{number}\n{}", trial.said());
            trials += 1;
            let mut dead = 1;
            if let Some(server) = start(&mut trial, Some((point, number))) {
                let gone = play(&server, &mut done).is_none();
                dead = usize::from(gone);
                server.end(gone);
            }
            kills += dead;
            kept(&trial, &done, &|| what(&trial));
            let server = start(&mut trial, None).unwrap();
            play(&server, &mut done).unwrap();
            server.end(false);
            kept(&trial, &done, &|| what(&trial));
            assert_eq!(outcome(&trial), came, "{}", what(&trial));
            for (key, times) in ran(&trial) {
                for times in times {
                    assert!((1..=1 + dead).contains(&times), "{key} ran {times} times: {}", what(&trial));
                }
            }
            trial.verify();
        }
    }
    eprintln!("{kills} kills of a server in {trials} plays");
    assert!(kills * 10 >= trials * 8, "{kills} kills in {trials} plays");
    nothing_is_left(parent.path());
}
