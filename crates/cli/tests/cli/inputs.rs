//! Inputs of a run.

use crate::project::Project;

const ALL: &str = r#"
inputs:
  region: { type: string, description: Region of the report }
  count: { type: integer, minimum: 1 }
  deep: { type: boolean }
  mode: { type: string, enum: [quick, slow] }
  extra: { type: object }
  note: { type: string, default: none, stdin: true }
steps:
  - { id: show, set: { all: "${{ inputs }}" } }
outputs: { all: "${{ steps.show.output.all }}" }
"#;

#[test]
fn missing_inputs_are_listed_all_at_once_with_how_to_give_them() {
    let project = Project::new().workflow("needs", ALL);
    let got = project.stead("run needs.yml").is(2).says("error[C0201]: 5 inputs are missing or do not fit");
    for name in ["region", "count", "deep", "mode", "extra"] {
        assert!(got.err.contains(&format!("`{name}` is missing")), "{name}: {got:#?}");
    }
    assert!(got.err.contains("Region of the report"));
    assert!(
        got.err.contains("help: stead run needs.yml -i region=TEXT -i count=NUMBER -i deep=true"),
        "{got:#?}"
    );
    assert!(got.out.is_empty());
    let got = project.stead("run needs.yml -i count=x -i regoin=eu -i mode=fast -i extra:=[ --json").is(2);
    let error = &got.lines()[0];
    assert_eq!((error["type"].clone(), error["code"].clone()), ("error".into(), "C0201".into()));
    let details = error["details"].to_string();
    for text in [
        "`count` is of type integer",
        "did you mean `region`?",
        "`mode` does not fit",
        "no JSON",
        "`deep` is missing",
    ] {
        assert!(details.contains(text), "{text}: {details}");
    }
    assert!(!details.contains("`count` is missing"), "said twice: {details}");
    assert!(project.stead("runs").out.is_empty(), "nothing was started");
}

#[test]
fn inputs_are_read_by_their_type() {
    let project = Project::new()
        .workflow("needs", ALL)
        .with("region.txt", "eu\n")
        .with("rest.yml", "count: 1\ndeep: true\nmode: quick\n");
    let words = [
        "run",
        "needs.yml",
        "--input-file",
        "rest.yml",
        "-i",
        "region=@region.txt",
        "-i",
        "count=3",
        "-i",
        "extra:={\"a\": [1]}",
        "-o",
        "all",
    ];
    let got = project.fed(&words, "from a pipe\n").is(0);
    let expected = serde_json::json!({
        "region": "eu", "count": 3, "deep": true, "mode": "quick", "extra": {"a": [1]}, "note": "from a pipe",
    });
    assert_eq!(got.json(), expected);
    let mut words = words.to_vec();
    words.extend(["-i", "note=@@home"]);
    assert_eq!(project.call(&words).is(0).json()["note"], "@home");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let project = Project::new().workflow("needs", ALL).with("list.json", "[1]").with("bad.json", "{\"a\": ");
    project.stead("run needs.yml --input-file none.json").is(2).says("none.json cannot be read");
    project.stead("run needs.yml --input-file list.json").is(2).says("holds no map of inputs");
    project.stead("run needs.yml --input-file bad.json").is(2).says("error[C0202]");
    project.stead("run needs.yml -i region=@none.txt").is(2).says("none.txt cannot be read");
    project.stead("run needs.yml -i region").is(2).says("has no value");
}

#[test]
fn a_file_is_taken_in_by_its_hash() {
    let project = Project::new().with("data.csv", "a,b\n").workflow(
        "file",
        "inputs: { data: { type: file } }\nsteps:\n  - { id: read, run: [cat, \"${{ inputs.data.path }}\"] }\n\
         outputs: { text: \"${{ steps.read.output }}\", file: \"${{ inputs.data }}\" }\n",
    );
    for given in ["data=@data.csv", "data=data.csv", "data:=\"data.csv\""] {
        let got = project.call(&["run", "file.yml", "-i", given]).is(0).json();
        assert_eq!(got["text"], "a,b");
        assert_eq!((got["file"]["name"].clone(), got["file"]["size"].clone()), ("data.csv".into(), 4.into()));
        assert_eq!(got["file"]["hash"].as_str().unwrap().len(), 64);
    }
    project.stead("run file.yml -i data=none.csv").is(2).says("none.csv cannot be read");
    project.stead("run file.yml -i data=.").is(2).says("it is no file");
}

#[test]
fn a_dry_run_shows_and_runs_nothing() {
    let project = Project::new().workflow(
        "plan",
        "inputs: { n: { type: integer, default: 2 } }\nsteps:\n  - { id: one, run: touch ran, timeout: 5m }\n  \
         - { id: two, needs: [one], set: { x: \"${{ inputs.n }}\" } }\n",
    );
    let got = project.stead("run plan.yml -i n=7 --dry-run").is(0).says("nothing was run");
    for text in [
        "  n  7",
        "  one  run",
        "    run: touch ran",
        "    timeout: 5m",
        "  two  set  after one",
        "${{ inputs.n }}",
    ] {
        assert!(got.out.contains(text), "{text}: {got:#?}");
    }
    let got = project.stead("run plan.yml --dry-run --json").is(0).json();
    assert_eq!(got["steps"][1]["after"][0], "one");
    assert_eq!(got["inputs"]["n"], 2);
    assert!(!project.path("ran").exists() && !project.path(".stead/stead.db").exists());
    project.stead("run plan.yml --dry-run -i n=x").is(2);
}

#[test]
fn a_dry_run_shows_places_that_are_shared() {
    let text = "concurrency: { key: \"x-${{ inputs.n }}\", on_full: cancel_old }\ninputs: { n: { type: integer, default: 2 } }\nsteps:\n  - { id: one, run: ls, concurrency: { key: db, max: 3 } }\n";
    let project = Project::new().workflow("plan", text);
    project
        .stead("run plan.yml --dry-run")
        .is(0)
        .answers("concurrency  {\"key\":\"x-${{ inputs.n }}\",\"max\":1,\"on_full\":\"cancel_old\"}")
        .answers("    concurrency: {\"key\":\"db\",\"max\":3,\"on_full\":\"queue\"}");
    let got = project.stead("run plan.yml --dry-run --json").is(0).json();
    assert_eq!(got["concurrency"]["on_full"], "cancel_old");
}

#[test]
fn a_dry_run_shows_who_is_asked_what() {
    let text = "steps:\n  - { id: one, run: ls }\n  - id: ship\n    approve: { title: \"Ship ${{ run.id }}?\", show: [one], by: [\"group:ops\"], not: [starter], quorum: 2, remind: 1d, escalate: { after: 2d, to: [\"role:lead\"] }, on_timeout: reject, on_reject: { redo: one, max: 3 } }\n    timeout: 7d\n  - { id: why, ask: { questions: [{ id: a, text: Why? }] } }\n";
    let project = Project::new().workflow("plan", text);
    let got = project.stead("run plan.yml --dry-run").is(0);
    for text in [
        "  ship  approve  after one\n    title: Ship ${{ run.id }}?\n    show: {\"one\":\"${{ steps.one.output }}\"}\n    by: [\"group:ops\"]\n    not: [\"starter\"]\n    quorum: 2\n    remind: 1d\n    escalate: {\"after\":\"2d\",\"to\":[\"role:lead\"]}\n    on_timeout: reject\n    timeout: 7d\n    on_reject: {\"redo\":\"one\",\"max\":3}\n",
        "  why  ask  after ship\n    title: why\n",
        "    by: [\"starter\"]\n",
    ] {
        assert!(got.out.contains(text), "{text}\nin\n{}", got.out);
    }
}

#[test]
fn a_dry_run_shows_states_joins_undo_and_ends() {
    let project = Project::new().workflow(
        "plan",
        "states:\n  - id: try\n    join: first\n    steps:\n      - { id: a, needs: [], foreach: { in: [1, 2], join: 1 }, run: ls }\n      - { id: b, needs: [], run: ls, effect: once, undo: { run: [back, now], timeout: 1m }, verify: { run: probe } }\n    finally: [{ id: swept, run: sweep }]\n    next: [{ when: iteration < 2, go: try, max: 1 }, { go: end }]\n    on_error: { go: sorry }\n  - { id: sorry, fail: no }\nfinally:\n  - { id: told, run: tell }\n",
    );
    let got = project.stead("run plan.yml --dry-run").is(0);
    let expected = "\
states
  try  group
    join: first
    a  run
      foreach: [1,2]
      parallel: 1
      join_items: 1
";
    assert!(got.out.contains(expected), "{}", got.out);
    for text in [
        "      undo  run\n        run: [\"back\",\"now\"]\n        timeout: 1m\n",
        "      verify  run\n        run: probe\n",
        "    finally\n      swept  run\n        run: sweep\n",
        "    → try  when iteration < 2  at most 1\n    → end\n    → sorry  on error\n",
        "\nfinally\n  told  run\n    run: tell\n",
    ] {
        assert!(got.out.contains(text), "{text}\nin\n{}", got.out);
    }
    let got = project.stead("run plan.yml --dry-run --json").is(0).json();
    let state = &got["states"][0];
    assert_eq!(state["next"][0], serde_json::json!({"go": "try", "when": "iteration < 2", "max": 1}));
    assert_eq!(state["on_error"]["go"], "sorry");
    assert_eq!(state["steps"][1]["undo"]["action"], "run");
    assert_eq!((&state["finally"][0]["id"], &got["finally"][0]["id"]), (&"swept".into(), &"told".into()));
}
