//! Requests over HTTP with a key of their own: wherever the server is killed, asked again it starts nothing twice.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::served::Server;

fn serve(folder: &Path, point: Option<&str>) -> Option<Server> {
    let printed = folder.join("printed");
    let mut command = Command::new(env!("CARGO_BIN_EXE_stead"));
    command.args(["serve", "--listen", "127.0.0.1:0"]).current_dir(folder);
    command.env("STEAD_HOME", folder.join(".stead")).stdin(Stdio::null()).stderr(Stdio::null());
    command.stdout(File::create(&printed).unwrap());
    if let Some(point) = point {
        command.env("STEAD_FAILPOINT", point);
    }
    Server::start(command, printed, point.is_some())
}

/// Asks with a key, at a server that is killed at a point, and then at one that is not, twice.
fn twice(folder: &Path, point: &str, path: &str, body: &Value) -> (bool, Value) {
    let key = "idempotency-key: one\r\n";
    let died = match serve(folder, Some(point)) {
        None => true,
        Some(served) => served.ask_with("POST", path, key, body).is_none(),
    };
    let served = serve(folder, None).unwrap();
    let first = served.ask_with("POST", path, key, body).unwrap();
    assert!((200..300).contains(&first.0), "{point}: {first:?}");
    let second = served.ask_with("POST", path, key, body).unwrap();
    assert!(second.1.contains("idempotency-replayed: true"), "{point}: {second:?}");
    assert_eq!((first.0, &first.2), (second.0, &second.2), "{point}");
    (died, first.2)
}

#[test]
fn p2_a_request_with_a_key_is_performed_once_wherever_the_server_is_killed() {
    let mut died = 0;
    for point in [
        "asked.noted@1",
        "commit.before@1",
        "commit.before@2",
        "commit.after@1",
        "commit.after@2",
        "answer.before@1",
        "answer.kept@1",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let definition = "stead: 1\nname: one\nsteps: [ { id: a, run: 'echo x >> ones' } ]\n";
        let body = json!({ "definition": definition });
        let (killed, made) = twice(folder, point, "/runs", &body);
        died += usize::from(killed);
        let served = serve(folder, None).unwrap();
        let run = made["run"].as_str().unwrap();
        served.until(run, "completed");
        let runs = served.get("/runs").unwrap();
        assert_eq!(runs["runs"].as_array().unwrap().len(), 1, "{point}: {runs:#}");
    }
    assert!(died >= 5, "it was killed {died} times");
}

#[test]
fn p2_a_retry_with_a_key_is_made_once_wherever_the_server_is_killed() {
    for point in ["commit.after@1", "answer.before@1", "answer.kept@1"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let definition =
            "stead: 1\nname: one\nsteps: [ { id: a, effect: none, run: 'echo x >> ones; exit 1' } ]\n";
        let body = json!({ "definition": definition });
        let served = serve(folder, None).unwrap();
        let run = served.ask("POST", "/runs", &body).unwrap().1["run"].as_str().unwrap().to_owned();
        served.until(&run, "failed");
        drop(served);
        twice(folder, point, &format!("/runs/{run}:retry"), &json!({}));
        let served = serve(folder, None).unwrap();
        served.until(&run, "failed");
        let events = served.get(&format!("/runs/{run}/events?limit=500")).unwrap();
        let retried = events["events"].as_array().unwrap().iter();
        let retried = retried.filter(|row| row["event"]["type"] == "run_reopened").count();
        assert_eq!(retried, 1, "{point}: {events:#}");
    }
}
