//! Files that come over HTTP, and runs that are started with them.

use serde_json::{Value, json};

use crate::access::token;
use crate::project::Project;
use crate::serve::{Served, Told, serve, serve_with};

const TAKE: &str = "stead: 1\nname: take\ninputs: { data: { type: file } }\nsteps:\n  - { id: rows, file: { copy: \"${{ inputs.data }}\", to: \"${{ inputs.data.name }}\" } }\n  - { id: count, run: [wc, -c, \"${{ inputs.data.path }}\"] }\n";

fn send(served: &Served<'_>, secret: &str, path: &str, body: &str) -> Told {
    served.ask_as("text/csv", "POST", path, &format!("authorization: Bearer {secret}\r\n"), body)
}

fn get(served: &Served<'_>, secret: &str, path: &str) -> Told {
    served.ask_as("", "GET", path, &format!("authorization: Bearer {secret}\r\n"), "")
}

#[test]
fn a_run_is_started_with_what_was_uploaded() {
    let project = Project::new();
    let served = serve(&project);
    let text = "a,b\nc,d\n".repeat(50_000);
    let upload = || served.ask_as("text/csv", "POST", "/files?name=my%20data.csv", "", &text).is(201);
    let made = upload();
    let hash = made.body["hash"].as_str().unwrap().to_owned();
    let file = json!({
        "hash": hash, "name": "my data.csv", "size": 400_000, "type": "text/csv", "url": format!("/api/v1/files/{hash}"),
    });
    assert_eq!(made.body, file);
    assert_eq!(made.header("location").unwrap(), file["url"].as_str().unwrap());
    assert_eq!(upload().body, file, "the same bytes are the same file");
    let read = served.get(&format!("/files/{hash}")).is(200);
    assert_eq!(
        (read.body.as_str().unwrap().len(), read.header("content-length")),
        (400_000, Some("400000".into()))
    );
    assert_eq!(read.body, Value::from(text.clone()));
    let kept = read.header("content-disposition").unwrap();
    assert_eq!(kept, "attachment; filename=\"my data.csv\"; filename*=utf-8''my%20data.csv");

    // The answer as it is, or the hash alone.
    for (input, name) in
        [(file.clone(), "my data.csv"), (json!({"hash": hash, "name": "other.csv"}), "other.csv")]
    {
        let run = served.start(&json!({"definition": TAKE, "inputs": {"data": input}}));
        served.wait_for(&run, "completed");
        assert_eq!(project.text(name), text);
        let said = served.get(&format!("/runs/{run}/logs/lines?step=count")).is(200).body;
        assert!(said["lines"][0]["text"].as_str().unwrap().starts_with("400000 "), "{said}");
        // What the run names can be read with it, and nothing else.
        assert_eq!(served.get(&format!("/files/{hash}?run={run}")).is(200).body, Value::from(text.clone()));
        served.get(&format!("/files/{}?run={run}", "0".repeat(64))).says(404, "R0213");
    }
    for wrong in [json!({"hash": "0".repeat(64)}), json!({"hash": "../../etc/passwd"}), json!({"hash": 3})] {
        let told =
            served.ask("POST", "/runs", &json!({"definition": TAKE, "inputs": {"data": wrong}})).is(422);
        let found = &told.body["diagnostics"][0];
        assert!(found["message"].as_str().unwrap().contains("`data`"), "{found}");
        assert!(found["help"].as_str().unwrap().contains("POST /files"), "{found}");
    }
    for wrong in ["", ".", "a%2Fb", "..%2Fb", "a%0Ab"] {
        served.ask_as("text/csv", "POST", &format!("/files?name={wrong}"), "", "x").says(422, "R0215");
    }
    // An empty file is one.
    assert_eq!(served.ask("POST", "/files", &Value::Null).is(201).body["size"], 0);
    // What was uploaded before a kill is there behind it.
    drop(served);
    let served = serve(&project);
    served.get(&format!("/files/{hash}")).is(200);
    let run = served.start(&json!({"definition": TAKE, "inputs": {"data": file}}));
    served.wait_for(&run, "completed");
    served.leave("TERM").is(0);
}

#[test]
fn a_hash_gives_nobody_what_others_have_uploaded() {
    let project = Project::new();
    for words in [
        "oz --role operator",
        "pat --role operator",
        "bo --role viewer@billing",
        "cy --role viewer@docs",
        "lo --role operator@docs",
    ] {
        project.stead(&format!("people add {words}")).is(0);
    }
    let of = |name: &str| token(&project, &format!("t --user {name}"));
    let (oz, pat, bo, cy, lo) = (of("oz"), of("pat"), of("bo"), of("cy"), of("lo"));
    let served = serve_with(&project, "serve --listen 127.0.0.1:0");
    let made = send(&served, &oz, "/files?project=billing", "secret plans").is(201).body;
    let url = made["url"].as_str().unwrap().trim_start_matches("/api/v1").to_owned();
    get(&served, &oz, &url).is(200);
    for other in [&pat, &bo, &cy, &lo] {
        get(&served, other, &url).says(404, "R0213");
    }
    // Nor is a run started with it by somebody else.
    let start = |secret: &str, project: &str| {
        let body =
            json!({"definition": TAKE, "project": project, "inputs": {"data": {"hash": made["hash"]}}});
        let more = format!("authorization: Bearer {secret}\r\n");
        served.ask_as("application/json", "POST", "/runs", &more, &body.to_string())
    };
    start(&pat, "billing").is(422);
    let run = start(&oz, "billing").is(201).body["run"].as_str().unwrap().to_owned();
    // Who may look at the run may read it, and nobody else.
    get(&served, &bo, &format!("{url}?run={run}")).is(200);
    get(&served, &bo, &url).says(404, "R0213");
    for other in [&cy, &lo] {
        get(&served, other, &format!("{url}?run={run}")).says(404, "R0201");
    }
    // Who may start runs uploads: in their project.
    send(&served, &bo, "/files?project=billing", "x").says(403, "R0503");
    send(&served, &lo, "/files", "x").says(403, "R0503");
    send(&served, &lo, "/files?project=docs", "x").is(201);
    send(&served, "wrong", "/files", "x").says(401, "R0602");
    served.leave("TERM").is(0);
}
