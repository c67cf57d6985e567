//! What the contract of the HTTP API promises beside what each route does: what is allowed now, etags, several runs at
//! once, definitions looked at without saving them.

use serde_json::{Value, json};

use crate::project::Project;
use crate::serve::{GATED, serve};

fn action<'v>(told: &'v Value, name: &str) -> &'v Value {
    let all = told["allowed_actions"].as_array().unwrap_or_else(|| panic!("{told:#}"));
    all.iter().find(|action| action["action"] == name).unwrap_or_else(|| panic!("{name}: {told:#}"))
}

#[test]
fn what_may_be_done_is_told_with_the_object_and_with_a_refusal() {
    let project = Project::new();
    let served = serve(&project);
    let run = served.start(&json!({"definition": format!("stead: 1\nname: gated\n{GATED}")}));
    let waiting = served.wait_for(&run, "waiting");
    assert_eq!(action(&waiting, "pause"), &json!({"action": "pause", "allowed": true}));
    let retry = action(&waiting, "retry");
    assert_eq!((&retry["allowed"], &retry["why"]), (&json!(false), &json!("the run has not ended")));
    let refused = served.ask("POST", &format!("/runs/{run}:resume"), &Value::Null).says(409, "R0203").body;
    assert_eq!(refused["current_status"], "waiting");
    assert_eq!(action(&refused, "resume")["why"], "the run is not paused");
    assert_eq!(action(&refused, "cancel")["allowed"], true);
    // The command tells the same.
    let told = project.stead(&format!("status --json {run}")).is(0).json();
    assert_eq!(told["allowed_actions"], waiting["allowed_actions"]);

    let path = format!("/tasks/{run}%2Freview");
    let task = served.get(&path).is(200).body;
    assert_eq!(action(&task, "decide")["allowed"], true);
    assert_eq!(action(&task, "release")["why"], "nobody has claimed it");
    let refused = served.ask("POST", &format!("{path}:release"), &Value::Null).says(409, "R0203").body;
    assert_eq!(
        (&refused["current_status"], action(&refused, "claim")),
        (&json!("open"), &json!({"action": "claim", "allowed": true}))
    );
    served.ask("POST", &format!("{path}:decide"), &json!({"accept": true})).is(200);
    let ended = served.wait_for(&run, "completed");
    assert_eq!(action(&ended, "cancel")["why"], "the run has ended");
    served.leave("TERM").is(0);
}

#[test]
fn what_is_known_already_is_not_told_again() {
    let project = Project::new();
    let served = serve(&project);
    let run = served.start(&json!({"definition": format!("stead: 1\nname: gated\n{GATED}")}));
    served.wait_for(&run, "waiting");
    for path in [
        format!("/runs/{run}"),
        format!("/tasks/{run}%2Freview"),
        format!("/runs/{run}/graph"),
        "/schema/workflow.json".to_owned(),
    ] {
        let told = served.get(&path).is(200);
        let etag = told.header("etag").unwrap_or_else(|| panic!("{told:#?}"));
        let known = |etag: &str| served.ask_as("", "GET", &path, &format!("if-none-match: {etag}\r\n"), "");
        let again = known(&etag).is(304);
        assert_eq!((again.body.as_str(), again.header("etag")), (Some(""), Some(etag.clone())));
        known(&format!("\"other\", W/{etag}")).is(304);
        known("\"other\"").is(200);
    }
    let etag = served.get(&format!("/runs/{run}")).header("etag").unwrap();
    served.ask("POST", &format!("/runs/{run}:pause"), &Value::Null).is(200);
    let now =
        served.ask_as("", "GET", &format!("/runs/{run}"), &format!("if-none-match: {etag}\r\n"), "").is(200);
    assert!(now.header("etag").unwrap().starts_with(&format!("\"{}-", now.body["seq"])), "{now:#?}");
    // A decision takes the etag that the task came with.
    let path = format!("/tasks/{run}%2Freview");
    let etag = served.get(&path).header("etag").unwrap();
    let decide = |etag: &str| {
        served.ask_as(
            "application/json",
            "POST",
            &format!("{path}:decide"),
            &format!("if-match: {etag}\r\n"),
            "{\"accept\":true}",
        )
    };
    decide("\"another\"").is(409);
    decide(&etag).is(200);
    served.leave("TERM").is(0);
}

#[test]
fn a_revision_is_saved_over_the_one_that_was_looked_at() {
    let project = Project::new();
    let served = serve(&project);
    let text = |n: u32| format!("stead: 1\nname: post\nsteps:\n  - {{ id: a, run: [echo, '{n}'] }}\n");
    served.ask("POST", "/workflows", &json!({"definition": text(1)})).is(201);
    let etag = served.get("/workflows/post/definition").is(200).header("etag").unwrap();
    let save = |n: u32, etag: &str| {
        let body = json!({"definition": text(n)}).to_string();
        served.ask_as("application/json", "POST", "/workflows", &format!("if-match: {etag}\r\n"), &body)
    };
    assert_eq!(save(2, &etag).is(201).body["revision"], 2);
    save(3, &etag).is(409);
    save(3, "\"that one\"").says(412, "H0210");
    served.leave("TERM").is(0);
}

#[test]
fn several_runs_are_acted_on_at_once_each_for_itself() {
    let project = Project::new();
    let served = serve(&project);
    let wait = json!({"definition": "stead: 1\nname: wait\nsteps:\n  - { id: go, wait: { signal: go } }\n"});
    let runs: Vec<String> = (0..3).map(|_| served.start(&wait)).collect();
    for run in &runs {
        served.wait_for(run, "waiting");
    }
    served.ask("POST", &format!("/runs/{}:pause", runs[1]), &Value::Null).is(200);
    let ids = json!([runs[0], runs[1], "none", runs[0], runs[2]]);
    let told = served.ask("POST", "/runs:bulk", &json!({"action": "pause", "ids": ids})).is(200).body;
    assert_eq!((&told["done"], &told["failed"]), (&json!(2), &json!(2)), "{told:#}");
    let results = told["results"].as_array().unwrap();
    assert_eq!(results.len(), 4, "named twice, acted on once");
    assert_eq!((&results[0]["id"], &results[0]["status"]), (&json!(runs[0]), &json!("paused")));
    assert_eq!(results[1]["problem"]["code"], "R0203");
    assert_eq!(action(&results[1]["problem"], "resume")["allowed"], true);
    assert_eq!(results[2]["problem"]["code"], "R0201");
    served.ask("POST", "/runs:bulk", &json!({"action": "pause", "ids": []})).says(400, "H0205");
    let many: Vec<String> = (0..501).map(|n| format!("r_{n}")).collect();
    served.ask("POST", "/runs:bulk", &json!({"action": "cancel", "ids": many})).says(400, "H0205");
    let told = served
        .ask("POST", "/runs:bulk", &json!({"action": "cancel", "ids": runs, "reason": "enough"}))
        .is(200)
        .body;
    assert_eq!(told["done"], 3, "{told:#}");
    for run in &runs {
        served.wait_for(run, "cancelled");
    }
    served.leave("TERM").is(0);
}

#[test]
fn a_text_is_checked_and_drawn_without_being_saved() {
    let project = Project::new();
    let served = serve(&project);
    let text = "stead: 1\nname: shape\ninputs: { who: { type: string } }\nsteps:\n  - { id: a, run: [echo] }\n  - id: g\n    steps:\n      - { id: x, rum: [echo] }\n";
    let told = served.ask("POST", "/workflows:validate", &json!({"definition": text})).is(200).body;
    assert_eq!(told["ok"], false);
    let found = &told["diagnostics"][0];
    assert_eq!(found["range"]["start"], json!({"line": 8, "col": 18}), "{found:#}");
    assert_eq!((&found["node_id"], &found["range"]["end"]["col"]), (&json!("g/x"), &json!(21)), "{found:#}");
    let good = text.replace("rum", "run");
    let told = served.ask("POST", "/workflows:validate", &json!({"definition": good})).is(200).body;
    assert_eq!((&told["ok"], &told["diagnostics"]), (&json!(true), &json!([])), "{told:#}");
    let ids: Vec<&Value> =
        told["graph"]["nodes"].as_array().unwrap().iter().map(|node| &node["id"]).collect();
    assert_eq!(ids, ["a", "g/x"]);
    assert_eq!(told["input_schema"]["required"], json!(["who"]));
    // A mistake that is no error of its form leaves the picture.
    let astray = good.replace("run: [echo] }\n  - id", "run: [echo, \"${{ inputs.whom }}\"] }\n  - id");
    let told = served.ask("POST", "/workflows:validate", &json!({"definition": astray})).is(200).body;
    assert_eq!(
        (&told["ok"], told["graph"]["nodes"].as_array().map(Vec::len)),
        (&json!(false), Some(2)),
        "{told:#}"
    );
    assert_eq!(served.get("/workflows").is(200).body["workflows"], json!([]));

    served.ask("POST", "/workflows", &json!({"definition": good})).is(201);
    let drawn = served.get("/workflows/shape/graph").is(200).body["graph"].clone();
    let run = served.start(&json!({"workflow": "shape", "inputs": {"who": "you"}}));
    assert_eq!(served.get(&format!("/runs/{run}/graph")).is(200).body["graph"], drawn);
    std::fs::write(project.path("shape.yml"), &good).unwrap();
    assert_eq!(project.stead("graph --format json shape.yml").is(0).json(), drawn);
    assert!(served.get("/schema/workflow.json").is(200).body["$schema"].is_string());
    served.leave("TERM").is(0);
}

#[test]
fn an_inbox_is_counted() {
    let project = Project::new();
    let served = serve(&project);
    assert_eq!(
        served.get("/inbox/count").is(200).body,
        json!({"count": 0, "more": false, "next_due_at": null})
    );
    let run = served.start(&json!({"definition": format!("stead: 1\nname: gated\n{GATED}")}));
    served.wait_for(&run, "waiting");
    assert_eq!(served.get("/inbox/count").is(200).body["count"], 1);
    served.leave("TERM").is(0);
}

#[test]
fn lines_of_a_log_are_told_by_number_and_found() {
    let project = Project::new();
    let served = serve(&project);
    let text = "stead: 1\nname: talk\nsteps:\n  - { id: say, run: 'for i in $(seq 1 40); do echo \"line $i\"; done; echo Trouble >&2' }\n  - { id: quiet, needs: [say], run: 'true' }\n";
    let run = served.start(&json!({"definition": text}));
    served.wait_for(&run, "completed");
    let logs = |rest: &str| served.get(&format!("/runs/{run}/logs/{rest}"));
    let page = logs("lines?step=say&stream=out&from=3&limit=2").is(200).body;
    assert_eq!((&page["attempt"], page["lines"].as_array().unwrap().len()), (&json!(1), 2), "{page:#}");
    let first = &page["lines"][0];
    assert_eq!(first["stream"], "out");
    assert!(first["n"].as_u64().unwrap() >= 3 && first["at"].as_i64().unwrap() > 0, "{page:#}");
    // From page to page nothing is left out and nothing is told twice.
    let (mut from, mut all) = (1, Vec::new());
    while from > 0 {
        let page = logs(&format!("lines?step=say&from={from}&limit=7")).is(200).body;
        all.extend(page["lines"].as_array().unwrap().iter().map(|line| line["n"].as_u64().unwrap()));
        from = page["next"].as_u64().unwrap_or(0);
    }
    assert_eq!(all, (1..=41).collect::<Vec<u64>>());
    let found = logs("search?step=say&q=line%20[12]$&regex=true").is(200).body;
    assert_eq!((&found["total"], found["lines"].as_array().unwrap().len()), (&json!(2), 2), "{found:#}");
    assert_eq!(logs("search?step=say&q=line%20[12]$").is(200).body["total"], 0, "it is a text");
    assert_eq!(logs("search?step=say&q=trouble").is(200).body["total"], 1);
    assert_eq!(logs("search?step=say&q=trouble&case=true").is(200).body["total"], 0);
    logs("search?step=say&q=(&regex=true").says(400, "R0212");
    logs("search?step=say").says(400, "H0206");
    logs("lines?step=quiet").says(404, "R0211");
    logs("lines?step=say&attempt=2").says(404, "R0211");
    logs("lines?step=say&stream=both").says(400, "H0206");
    served.leave("TERM").is(0);
}

#[test]
fn a_view_says_where_in_the_journal_it_stands() {
    let project = Project::new();
    let served = serve(&project);
    let gated = json!({"definition": format!("stead: 1\nname: gated\n{GATED}")});
    let (run, other) = (served.start(&gated), served.start(&gated));
    served.wait_for(&run, "waiting");
    served.wait_for(&other, "waiting");
    for pauses in 0..3 {
        let view = served.get(&format!("/runs/{run}")).is(200).body;
        let events = served.get(&format!("/runs/{run}/events?limit=500")).is(200).body;
        let last = events["events"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&view["position"], &view["seq"]), (&last["position"], &last["seq"]), "after {pauses}");
        // What happens elsewhere is behind it, and none of its own.
        served.ask("POST", &format!("/runs/{other}:pause"), &Value::Null).is(200);
        assert_eq!(served.get(&format!("/runs/{run}")).is(200).body["position"], view["position"]);
        let deed = if pauses % 2 == 0 { "pause" } else { "resume" };
        served.ask("POST", &format!("/runs/{run}:{deed}"), &Value::Null).is(200);
        served.ask("POST", &format!("/runs/{other}:resume"), &Value::Null).is(200);
    }
    served.leave("TERM").is(0);
}
