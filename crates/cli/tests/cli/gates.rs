//! What people are asked, with the real program: the inbox, decisions, answers, and who may.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::project::Project;

const SHIP: &str = "steps:
  - { id: draft, run: [echo, 'said: ${{ feedback }}'] }
  - id: ship
    approve: { title: Ship it?, show: [draft], on_reject: { redo: draft, max: 1 } }
  - { id: after, run: [echo, shipped] }
outputs: { by: '${{ steps.ship.output.by }}', draft: '${{ steps.draft.output }}' }
";

#[test]
fn a_gate_is_shown_rejected_done_again_and_approved() {
    let project = Project::new().workflow("one", SHIP);
    project.stead("run one.yml").is(4).says("asking").says("Ship it?").says("stead inbox");
    project.stead("status @last").is(0).answers("waits for role:approver");
    project.stead("inbox").is(0).answers("Ship it?").answers("/ship");
    project.stead("inbox @last").is(0).answers("draft:").answers("said: ").says("stead approve");
    // By the first word of the run's id, by the step; without an engine the decision counts and nothing begins.
    project.call(&["reject", "@last/ship", "-m", "shorter"]).is(0).answers("rejected").says("stead resume");
    project.stead("inbox").is(0).says("nothing waits for you");
    project.stead("resume @last").is(4).says("draft~2");
    project.stead("inbox @last").is(0).answers("said: shorter").answers("ship~2");
    project.stead("approve @last").is(0).answers("accepted");
    project.stead("resume @last").is(0);
    let view: Value = project.stead("status @last --json").is(0).json();
    assert_eq!(view["outcome"], "ok");
    assert_eq!(view["outputs"]["draft"], "said: shorter");
    project.stead("inbox --done").is(0).answers("ship~2").answers("accepted by user:");
}

#[test]
fn p4_the_second_decision_is_refused_and_says_who_was_first() {
    let project = Project::new().workflow("one", SHIP);
    project.stead("run one.yml").is(4);
    project.stead("approve @last/ship").is(0);
    for command in ["approve @last/ship", "reject @last/ship", "claim @last/ship"] {
        project.stead(command).is(1).says("R0203").says("accepted at").says("by user:");
    }
    project.stead("resume @last").is(0);
    project.stead("approve @last").is(2).says("R0206").says("asks nobody anything");
    project.stead("approve @last/draft").is(2).says("R0206");
}

#[test]
fn p4_a_decision_counts_only_for_what_was_seen() {
    let project = Project::new().workflow("one", SHIP);
    project.stead("run one.yml").is(4);
    let task: Value = project.stead("inbox @last --json").is(0).json();
    let seen = task["version"].as_str().unwrap();
    project.stead("approve @last --seen 0000").is(1).says("has changed since");
    project.stead(&format!("approve @last --seen {seen}")).is(0);
}

#[test]
fn questions_are_answered_by_words_files_and_json() {
    let project = Project::new().workflow(
        "one",
        "steps:
  - id: ask
    ask:
      title: Some things
      questions:
        - { id: colour, text: Which colour?, choices: [red, blue] }
        - { id: n, text: How many?, answer_type: number }
        - { id: more, text: Anything else?, priority: could }
outputs: { all: '${{ steps.ask.output }}' }
",
    );
    project.stead("run one.yml").is(4);
    project.stead("inbox @last").is(0).answers("Which colour? (red, blue; must)");
    // All that is wrong, and nothing is lost by it.
    project
        .stead("answer @last -i colour=green -i n=many -i other=1")
        .is(2)
        .says("R0207")
        .says("green")
        .says("other")
        .says("many");
    project.stead("answer @last -i colour=red").is(2).says("R0207").says("\"n\"");
    project.stead("answer @last -i colour").is(2).says("there is no `=`");
    project.stead("approve @last").is(1).says("answered, not decided on");
    let project = project.with("answers.json", &json!({ "colour": "red", "n": 1 }).to_string());
    project.stead("answer @last --input-file answers.json -i n:=3").is(0).answers("answered");
    project.stead("resume @last").is(0);
    let view: Value = project.stead("status @last --json").is(0).json();
    assert_eq!(view["outputs"]["all"], json!({ "colour": "red", "n": 3 }));
}

#[test]
fn a_draft_is_kept_for_its_person_until_it_is_handed_in() {
    let project = Project::new().workflow(
        "one",
        "steps:
  - id: ask
    ask:
      title: Some things
      by: ['group:makers']
      questions:
        - { id: colour, text: Which colour?, choices: [red, blue] }
        - { id: n, text: How many?, answer_type: number }
outputs: { all: '${{ steps.ask.output }}' }
",
    );
    std::fs::set_permissions(project.path(".stead"), std::fs::Permissions::from_mode(0o700)).unwrap();
    project.stead("people group add makers").is(0);
    project.stead("people add bo --group makers").is(0);
    project.stead("people add cy --group makers").is(0);
    project.stead("run one.yml").is(4);
    project.stead("--as bo answer @last --draft -i n=many").is(0).answers("kept as a draft");
    project.call(&["--as", "bo", "answer", "@last", "--draft", "-i", "colour=red", "-m", "so far"]).is(0);
    project.stead("--as bo inbox").is(0).answers("your draft of");
    let shown = project.stead("--as bo inbox @last").is(0);
    let shown = shown.answers("not handed in").answers("n: many").answers("colour: red").answers("so far");
    assert!(!shown.out.contains("no longer wanted"));
    // Nobody else sees it, not by the inbox, not by the task, not by the journal.
    for command in ["--as cy inbox", "--as cy inbox @last", "inbox @last --json", "status @last --json"] {
        let got = project.stead(command).is(0);
        assert!(!got.out.contains("draft") && !got.out.contains("so far"), "{command}: {}", got.out);
    }
    let history = project.stead("people history").is(0).out;
    assert!(!history.contains("keep a draft") && !history.contains("look at tasks"), "{history}");
    project.stead("answer @last --draft -i n=1").is(1).says("may not act on it");
    project.stead("--as cy answer @last --draft -i n=1").is(0);
    project.stead("--as cy answer @last --forget").is(0).answers("the draft is gone");
    project.stead("--as cy answer @last --forget").is(0).answers("there was no draft");
    project.stead("--as cy answer @last --draft -i n=1").is(0);
    // What is handed in takes the draft along; those of others stay, and are said to be of no use any more.
    project.stead("--as bo answer @last -i colour=blue -i n=2").is(0);
    assert!(!project.stead("--as bo inbox @last/ask").is(0).out.contains("draft"));
    project.stead("--as bo answer @last/ask --draft -i n=9").is(1).says("S0902");
    project.stead("--as cy inbox @last").is(2).says("asks nobody anything");
    project.stead("--as cy inbox @last/ask").is(0).answers("no longer wanted").answers("n: 1");
    // Too large to be handed in: too large to be kept.
    let long = project.with("long.txt", &"x".repeat(64 * 1024 + 1));
    let comment = std::fs::read_to_string(long.path("long.txt")).unwrap();
    long.call(&["--as", "cy", "answer", "@last/ask", "--draft", "-m", &comment])
        .is(1)
        .says("larger than 64 KiB");
    let long = long.with("long.json", &json!({ "colour": "x".repeat(1_000_000) }).to_string());
    let more = format!("n={}", "y".repeat(100_000));
    let words = ["--as", "cy", "answer", "@last/ask", "--draft", "--input-file", "long.json", "-i", &more];
    long.call(&words).is(1).says("larger than 1024 KiB");
}

#[test]
fn p4_who_may_is_what_the_definition_says() {
    let project = Project::new().workflow(
        "one",
        "steps:
  - id: ship
    approve: { title: Ship it?, by: ['group:makers'], not: [starter], quorum: 2 }
",
    );
    std::fs::set_permissions(project.path(".stead"), std::fs::Permissions::from_mode(0o700)).unwrap();
    project.stead("people group add makers").is(0);
    for name in ["bo", "cy", "di"] {
        project.stead(&format!("people add {name} --group makers")).is(0);
    }
    project.stead("people add eve").is(0);
    project.stead("run one.yml").is(4);
    // Whom it is not for sees nothing of it, and cannot act.
    project.stead("inbox").is(0).says("nothing waits for you");
    project.stead("--as eve inbox").is(0).says("nothing waits for you");
    project.stead("--as eve approve @last").is(1).says("these may: group:makers");
    project.stead("approve @last").is(1).says("R0203").says("`not` names");
    project.stead("--as bo inbox").is(0).answers("0 of 2 accepted");
    project.stead("--as bo approve @last -m fine").is(0).answers("1 of 2 accepted so far");
    project.stead("--as bo approve @last").is(1).says("user:bo has accepted it at");
    project.stead("--as bo inbox").is(0).says("nothing waits for you");
    project.stead("--as cy delegate @last eve").is(0);
    project.stead("--as cy approve @last").is(1).says("user:cy gave it to user:eve");
    project.stead("--as eve inbox").is(0).answers("Ship it?");
    project.stead("--as eve approve @last").is(0);
    project.stead("resume @last").is(0);
}

#[test]
fn nobody_left_who_may_decide_is_said_with_its_reason() {
    let project = Project::new().workflow(
        "one",
        "steps:\n  - id: ship\n    approve: { title: Ship it?, by: ['group:makers'], quorum: 2 }\n",
    );
    std::fs::set_permissions(project.path(".stead"), std::fs::Permissions::from_mode(0o700)).unwrap();
    project.stead("people group add makers").is(0);
    project.stead("people add bo --group makers").is(0);
    project.stead("run one.yml").is(4);
    project.stead("inbox @last").is(0).answers("2 have to act on it, and only user:bo may");
    project.stead("people remove bo").is(0);
    project.stead("inbox @last").is(0).answers("nobody is left who may act on it");
    project.stead("--as bo approve @last").is(1);
}

#[test]
fn p4_a_program_of_the_run_does_not_decide_for_it() {
    let project = Project::new().workflow(
        "one",
        "steps:
  - { id: ship, needs: [], approve: { title: Ship it?, by: [agents, 'role:approver'] } }
  - id: sly
    needs: []
    run: |
      sleep 1
      \"$STEAD_BIN\" --home \"$STEAD_TEST_HOME\" approve \"$STEAD_RUN/ship\" -y 2>&1
    env: { STEAD_BIN: '${{ inputs.bin }}', STEAD_TEST_HOME: '${{ inputs.home }}' }
    expect: any
inputs: { bin: { type: string }, home: { type: string } }
outputs: { said: '${{ steps.sly.output }}' }
",
    );
    let home = project.path(".stead").display().to_string();
    let bin = env!("CARGO_BIN_EXE_stead");
    project.call(&["run", "one.yml", "-i", &format!("bin={bin}"), "-i", &format!("home={home}")]).is(4);
    project.stead("approve @last").is(0);
    project.stead("resume @last").is(0);
    let view: Value = project.stead("status @last --json").is(0).json();
    let said = view["outputs"]["said"].as_str().unwrap();
    assert!(said.contains("does not decide on its own work"), "{said}");
}

#[test]
fn a_run_that_an_engine_carries_goes_on_as_soon_as_somebody_decides() {
    let project = Project::new().workflow(
        "one",
        "steps:
  - { id: slow, needs: [], run: \"until [ -e shipped ]; do sleep 0.05; done\" }
  - { id: ship, needs: [], approve: { title: Ship it? } }
  - { id: after, needs: [ship], run: touch shipped }
",
    );
    let run = project.spawn("run one.yml");
    project.wait_for("the gate", |project| project.stead("inbox").out.contains("Ship it?"));
    let got = project.stead("approve @last");
    // An engine carries the run: there is nothing to resume.
    assert!(!got.err.contains("stead resume"), "{}", got.err);
    crate::project::finish(run).is(0);
}
