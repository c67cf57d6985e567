//! Definitions as the body of a request, as their authors wrote them.

use serde_json::{Value, json};

use crate::project::Project;
use crate::serve::serve;

const YAML: &str = "application/yaml";
/// With what only the text has: a comment, spaces, line breaks of another system.
const FLOW: &str = "# Ana's\r\nstead:   1\r\nname: flow\r\ninputs: { n: { type: integer, default: 3 } }\r\nsteps:\r\n  - { id: say, run: [echo, \"${{ inputs.n }}\"] }   # once\r\n";

#[test]
fn a_definition_is_saved_checked_and_started_as_it_was_written() {
    let project = Project::new();
    let served = serve(&project);
    let save = |path: &str, more: &str, text: &str| served.ask_as(YAML, "POST", path, more, text);
    // One file, one header.
    let saved = save("/workflows?message=the%20first&labels=one,two", "", FLOW).is(201);
    assert_eq!(saved.header("location").as_deref(), Some("/api/v1/workflows/flow"));
    assert_eq!(
        (&saved.body["revision"], &saved.body["workflow"]["labels"]),
        (&json!(1), &json!(["one", "two"]))
    );
    let kept = served.get("/workflows/flow/definition").is(200);
    let entry = kept.body["entry"].as_str().unwrap();
    assert_eq!(kept.body["files"], json!({ (entry): FLOW }), "byte by byte");
    let changes = served.get("/workflows/flow/changes").is(200).body;
    assert_eq!(changes["changes"][0]["detail"], "the first", "{changes}");

    // The next revision, only over the one that was looked at.
    let next = FLOW.replace("default: 3", "default: 4");
    let etag = kept.header("etag").unwrap();
    let seen = format!("if-match: {etag}\r\n");
    assert_eq!(save("/workflows", &seen, &next).is(201).body["revision"], 2);
    let last = FLOW.replace("default: 3", "default: 5");
    assert_eq!(save("/workflows", &seen, &last).status, 409);
    assert_eq!(save("/workflows?based_on=1", "", &last).status, 409);
    save("/workflows?based_on=2", &seen, &last).says(400, "H0205");
    assert_eq!(save("/workflows?name=other&based_on=0", "", FLOW).is(201).body["workflow"]["name"], "other");

    // What is wrong is told by its lines, also where it is no YAML at all.
    for wrong in [FLOW.replace("run:", "runs:"), FLOW.replace("] }   #", "]    #")] {
        let told = save("/workflows", "", &wrong).is(422);
        assert_eq!(told.body["diagnostics"][0]["span"]["line"], 6, "{:#}", told.body);
        let told = save("/workflows:validate", "", &wrong).is(200).body;
        assert_eq!(
            (&told["ok"], &told["diagnostics"][0]["range"]["start"]["line"]),
            (&json!(false), &json!(6))
        );
    }
    assert_eq!(save("/workflows:validate", "", FLOW).is(200).body["ok"], true);
    save("/workflows?draft=true&name=rough", "", &FLOW.replace("run:", "runs:")).is(201);

    let run = save("/runs?project=billing", "", FLOW).is(201).body["run"].as_str().unwrap().to_owned();
    served.wait_for(&run, "completed");
    assert_eq!(served.get("/runs?project=billing").is(200).body["runs"][0]["run"], json!(run));
    let said = served.get(&format!("/runs/{run}/logs/lines?step=say")).is(200).body;
    assert_eq!(said["lines"][0]["text"], "3", "{said:#}");
    // JSON is a definition, too.
    let own = json!({"stead": 1, "name": "own", "steps": [{"id": "a", "noop": {}}]});
    assert_eq!(served.ask("POST", "/workflows", &own).is(201).body["workflow"]["name"], "own");
    served.leave("TERM").is(0);
}

#[test]
fn what_stands_around_a_definition_counts_as_before_and_is_not_contradicted() {
    let project = Project::new();
    let served = serve(&project);
    let around = json!({"definition": FLOW, "name": "flow", "message": "m"});
    served.ask("POST", "/workflows?name=flow", &around).is(201);
    served.ask("POST", "/workflows?name=other", &around).says(400, "H0206");
    served
        .ask_as(
            YAML,
            "POST",
            "/workflows",
            "",
            "definition: { stead: 1, name: b, steps: [{ id: a, noop: {} }] }\n",
        )
        .is(201);
    served.ask_as(YAML, "POST", "/workflows", "", "name: b\n").says(400, "H0205");
    served.ask_as(YAML, "POST", "/workflows", "", "- stead\n").says(400, "H0205");
    served.ask_as("application/x-www-form-urlencoded", "POST", "/workflows", "", FLOW).says(415, "H0204");
    served.ask_as(YAML, "POST", "/workflows?nam=x", "", FLOW).says(400, "H0206");
    served.ask("POST", "/workflows", &Value::Null).says(400, "H0205");
    served.leave("TERM").is(0);
}
