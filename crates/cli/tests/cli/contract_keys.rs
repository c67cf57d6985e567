//! Requests with a key of their own: performed once, answered as they were the first time.

use serde_json::{Value, json};

use crate::project::Project;
use crate::serve::{GATED, Served, Told, serve};

fn post(served: &Served<'_>, key: &str, path: &str, body: &Value) -> Told {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    served.ask_as("application/json", "POST", path, &format!("idempotency-key: {key}\r\n"), &body)
}

fn gated() -> Value {
    json!({"definition": format!("stead: 1\nname: gated\n{GATED}")})
}

fn runs(served: &Served<'_>) -> usize {
    served.get("/runs").body["runs"].as_array().unwrap().len()
}

#[test]
fn a_request_that_comes_again_is_answered_as_before_and_not_performed() {
    let project = Project::new();
    let served = serve(&project);
    let first = post(&served, "a", "/runs", &gated()).is(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = post(&served, "a", "/runs", &gated()).is(201);
    assert_eq!(again.header("idempotency-replayed").as_deref(), Some("true"));
    assert_eq!((&again.body, again.header("location")), (&first.body, first.header("location")));
    let run = first.body["run"].as_str().unwrap();
    served.wait_for(run, "waiting");
    // What was refused is refused again, though it would be done by now.
    let resume = format!("/runs/{run}:resume");
    let refused = post(&served, "b", &resume, &Value::Null).says(409, "R0203");
    served.ask("POST", &format!("/runs/{run}:pause"), &Value::Null).is(200);
    assert_eq!(post(&served, "b", &resume, &Value::Null).says(409, "R0203").body, refused.body);
    post(&served, "c", &resume, &Value::Null).is(200);
    served.ask("POST", &format!("/runs/{run}:pause"), &Value::Null).is(200);
    assert_eq!(post(&served, "c", &resume, &Value::Null).is(200).body["status"], "waiting");
    assert_eq!(served.get(&format!("/runs/{run}")).body["status"], "paused", "it was not done again");
    served.leave("TERM").is(0);
    let served = serve(&project);
    assert_eq!(post(&served, "a", "/runs", &gated()).is(201).body, first.body, "it is kept");
    assert_eq!(runs(&served), 1);
    served.leave("TERM").is(0);
}

#[test]
fn a_key_is_for_one_request() {
    let project = Project::new();
    let served = serve(&project);
    // What cannot be understood leaves the key for what can.
    post(&served, "a", "/runs", &json!({})).says(400, "H0205");
    let run = post(&served, "a", "/runs", &gated()).is(201).body["run"].as_str().unwrap().to_owned();
    post(&served, "a", "/runs", &json!({"workflow": "other"})).says(422, "H0223");
    post(&served, "a", &format!("/runs/{run}:cancel"), &gated()).says(422, "H0223");
    for wrong in ["a b", "\u{e4}", &"k".repeat(256), "a\r\nidempotency-key: b"] {
        post(&served, wrong, "/runs", &gated()).says(400, "H0221");
    }
    // Its answer has a secret, which is kept nowhere.
    post(&served, "t", "/tokens", &json!({"name": "laptop"})).says(400, "H0221");
    assert_eq!(runs(&served), 1);
    served.leave("TERM").is(0);
}

#[test]
fn of_several_at_once_one_is_performed() {
    let project = Project::new();
    let served = serve(&project);
    let told: Vec<Told> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| post(&served, "k", "/runs", &gated()))).collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let run = post(&served, "k", "/runs", &gated()).is(201).body;
    for told in told {
        match told.status {
            201 => assert_eq!(told.body, run),
            _ => drop(told.says(409, "H0222")),
        }
    }
    assert_eq!(runs(&served), 1);
    let bulk = json!({"action": "pause", "ids": [run["run"]]});
    let first = post(&served, "bulk", "/runs:bulk", &bulk).is(200).body;
    assert_eq!(post(&served, "bulk", "/runs:bulk", &bulk).is(200).body, first);
    served.leave("TERM").is(0);
}

#[test]
fn nobody_can_note_that_another_acted() {
    let project = Project::new();
    let served = serve(&project);
    project.stead("people add bo").is(0);
    let note = json!({"edits": [{"edit": "acted", "user": "bo", "what": "to cancel all"}]});
    let told = served.ask("POST", "/people:edit", &note).says(400, "H0205");
    assert!(told.body["detail"].as_str().unwrap().contains("acted"), "{told:#?}");
    let changes = served.get("/people/changes").is(200).body;
    assert!(!changes.to_string().contains("to cancel all"), "{changes:#}");
    served.leave("TERM").is(0);
}
