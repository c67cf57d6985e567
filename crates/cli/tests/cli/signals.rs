//! `signal`, and what is shown of signals.

use crate::project::Project;

fn project() -> Project {
    Project::new()
        .workflow("wait", "steps: [{ id: w, wait: { signal: go } }, { id: e, set: { got: '${{ steps.w.output }}' } }]\n")
        .workflow(
            "order",
            "inputs: { id: { type: integer, index: true } }\nsteps: [{ id: w, wait: { signal: paid } }]\noutputs: { paid: '${{ steps.w.output }}' }\n",
        )
}

#[test]
fn a_run_waits_for_a_signal_and_goes_on_with_it() {
    let project = project();
    let got = project.stead("run wait.yml").is(4);
    assert!(got.err.contains("waiting    w  for signal go"), "{got:#?}");
    project.stead("status wait").is(0).answers("  waits for signal go").answers("signal r_");
    let row = project.last();
    assert_eq!(
        (&row["waits_for"][0]["kind"], &row["waits_for"][0]["detail"]),
        (&"signal".into(), &"go".into())
    );
    project.stead("signal wait other --data kept").is(0).answers("other sent, kept until a wait");
    let got = project.stead("status wait").is(0);
    got.answers("signals that no wait has taken: 1").answers("  other  by user:ana");
    let got = project.call(&["signal", "wait", "go", "--data", r#"{"n": 4}"#]).is(0);
    got.answers(" go sent\n").says("next: stead resume r_");
    let got = project.stead("resume @last -o e").is(0);
    assert_eq!(got.json(), serde_json::json!({"got": {"n": 4}}));
    project.stead("status @last").is(0).answers("signals that no wait has taken: 1");
    project.stead("signal @last go").is(1).says("has ended");
}

#[test]
fn open_runs_are_found_by_what_they_are_about() {
    let project = project();
    for id in [7, 8, 7] {
        project.stead(&format!("run order.yml -i id={id}")).is(4);
    }
    let got = project.stead("signal --workflow order --where id=7 paid --data 5 --id m1 --json").is(0).json();
    assert_eq!((got["type"].as_str(), got["runs"].as_array().unwrap().len()), (Some("signalled"), 2));
    project.stead("resume").is(4);
    let found = |keys: &str| project.stead(&format!("runs {keys} --json")).is(0).out.lines().count();
    assert_eq!(
        (found("--where id=7"), found("--where id=7 --status open"), found("--where id=9")),
        (2, 0, 0)
    );
    let ended = project.stead("runs --status completed --json").lines();
    assert_eq!(ended.len(), 2);
    assert_eq!(project.last()["keys"], serde_json::json!([["id", "7"]]));
    let got = project.stead("signal --workflow order --where id=7 paid").is(2);
    got.says("no open run is found: order with id=7").says("index: true");
}

#[test]
fn data_comes_from_the_command_line_a_file_or_standard_input() {
    let project = project().with("data.json", r#"{"n": [1, 2]}"#).with("no.json", "{");
    let gets = |words: &[&str], input: &str, data: &str| {
        project.stead("run wait.yml").is(4);
        project.fed(&[&["signal", "@last", "go"], words].concat(), input).is(0);
        let got = project.stead("resume @last -o e").is(0).json();
        assert_eq!(got["got"], serde_json::from_str::<serde_json::Value>(data).unwrap());
    };
    gets(&[], "", "null");
    gets(&["--data", "plain text"], "", "\"plain text\"");
    gets(&["--data", "17"], "", "17");
    gets(&["--data-file", "data.json"], "", r#"{"n": [1, 2]}"#);
    gets(&["--data-file", "-"], "[3]", "[3]");
    project.stead("run wait.yml").is(4);
    project.stead("signal @last go --data-file no.json").is(2).says("no.json is no JSON");
    project.stead("signal @last go --data-file nowhere.json").is(2).says("nowhere.json cannot be read");
    project.stead("signal @last go --data 1 --data-file data.json").is(2).says("cannot be used with");
}

#[test]
fn who_gets_a_signal_is_said_in_one_way() {
    let project = project();
    project.stead("signal go").is(2).says("required");
    project.stead("signal --workflow order paid").is(2).says("--where");
    project.stead("signal --where id=7 paid").is(2);
    project.stead("signal --workflow order --where id paid").is(2).says("INPUT=VALUE");
    project.stead("signal r_nobody go").is(2).says("there is no run r_nobody");
}

#[test]
fn lines_tell_of_signals() {
    let project = project().workflow(
        "own",
        "steps:\n  - { id: early, signal: { name: a, data: 1 } }\n  - { id: w, wait: { signal: a } }\n  - { id: v, needs: [], on_error: continue, timeout: 10ms, wait: { signal: nobody } }\n",
    );
    let got = project.stead("run own.yml").is(0);
    for line in
        ["early  signal a sent", "signal a by run:r_", "w  a signal that came before", "v  for signal nobody"]
    {
        assert!(got.err.contains(line), "no `{line}` in {got:#?}");
    }
}
