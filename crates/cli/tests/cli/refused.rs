//! What people try about gates and questions that cannot be, and what the home says when nobody is left to decide.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::project::{Project, finish};

/// A project in whose home `bo`, `cy` and `di` work, of the group `makers`, and whoever calls is admin.
fn home(steps: &str) -> Project {
    let project = Project::new().workflow("one", steps);
    std::fs::set_permissions(project.path(".stead"), std::fs::Permissions::from_mode(0o700)).unwrap();
    project.stead("people group add makers").is(0);
    for name in ["bo", "cy", "di"] {
        project.stead(&format!("people add {name} --group makers --role operator")).is(0);
    }
    project
}

fn gate(keys: &str) -> String {
    format!("steps:\n  - {{ id: ship, approve: {{ title: Ship it?{keys} }} }}\n")
}

const MAKERS: &str = ", by: ['group:makers']";

/// That status and task both say who is left, and that the list of runs goes on saying who is asked.
#[track_caller]
fn says_who_is_left(project: &Project, why: &str) {
    project.stead("status @last").is(0).answers(why);
    project.stead("inbox @last").is(0).answers(why);
    let view: Value = project.stead("status @last --json").is(0).json();
    let detail = view["waits_for"][0]["detail"].as_str().unwrap();
    assert!(detail.contains(why), "{detail}");
}

#[test]
fn a_group_that_became_empty_is_said_to_be_so() {
    let project = home(&gate(MAKERS));
    project.stead("run one.yml").is(4);
    for name in ["bo", "cy"] {
        project.stead(&format!("people group edit makers --no-member {name}")).is(0);
    }
    assert!(!project.stead("status @last").out.contains("nobody is left"));
    project.stead("people group edit makers --no-member di").is(0).says("nobody is left who may act on");
    says_who_is_left(&project, "nobody is left who may act on it");
    // Somebody who comes decides, and it goes on.
    project.stead("people group edit makers --member cy").is(0);
    project.stead("--as cy approve @last").is(0);
    project.stead("resume @last").is(0);
}

#[test]
fn what_one_who_is_removed_has_claimed_goes_back() {
    for engine in [false, true] {
        let project = home(&gate(MAKERS)).workflow(
            "slow",
            "steps:\n  - { id: a, run: 'touch begun; until [ -e go ]; do sleep 0.05; done' }\n",
        );
        let carries = engine.then(|| {
            let child = project.spawn("run slow.yml");
            project.wait_for_file("begun");
            child
        });
        project.stead("run one.yml").is(4);
        let list = project.stead("runs --json --workflow one").out;
        let run: Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
        let run = run["run"].as_str().unwrap();
        project.stead(&format!("--as bo claim {run}")).is(0);
        project.stead(&format!("--as cy approve {run}")).is(1).says("user:bo works on it");
        project.stead("people remove bo").is(0).says("user:bo");
        // Whoever is gone may not, and stands in nobody's way.
        project.stead(&format!("--as bo approve {run}")).is(1).says("bo was removed");
        project.stead(&format!("--as cy claim {run}")).is(0);
        project.stead(&format!("--as di approve {run}")).is(1).says("user:cy works on it");
        project.stead(&format!("--as cy approve {run}")).is(0);
        std::fs::write(project.path("go"), "").unwrap();
        if let Some(child) = carries {
            finish(child).is(0);
        }
        project.stead(&format!("resume {run}")).is(0);
    }
}

#[test]
fn a_not_that_leaves_nobody_is_said_to_do_so() {
    let project = home(&gate(", by: ['user:bo'], not: [starter]"));
    project.stead("--as bo run one.yml").is(4);
    says_who_is_left(&project, "nobody is left who may act on it");
    project.stead("--as bo approve @last").is(1).says("R0203").says("`not` names user:bo");
    // One who has worked on what is shown, or decided before, likewise.
    let project = home(
        "steps:
  - { id: plan, ask: { title: What?, by: ['user:bo'], questions: [{ id: a, text: A? }] } }
  - { id: ship, approve: { title: Ship it?, show: [plan], by: ['user:bo'], not: [authors] } }
",
    );
    project.stead("run one.yml").is(4);
    project.stead("--as bo answer @last -i a=b").is(0);
    project.stead("resume @last").is(4);
    says_who_is_left(&project, "nobody is left who may act on it");
    project.stead("--as bo approve @last").is(1).says("R0203").says("`not` names user:bo");
}

#[test]
fn a_quorum_of_more_than_there_are_is_said_to_be_so() {
    let project = home(&gate(", by: ['group:makers'], quorum: 4"));
    project.stead("run one.yml").is(4);
    says_who_is_left(&project, "4 have to act on it, and only 3 may: user:bo, user:cy, user:di");
    // Those who have decided are not counted among those who have to.
    project.stead("--as bo approve @last").is(0);
    says_who_is_left(&project, "3 have to act on it, and only 2 may: user:cy, user:di");
}

#[test]
fn p4_two_names_of_one_user_are_one_vote() {
    let project = home(&gate(", by: ['group:makers'], quorum: 2"));
    project.stead("people edit bo --alias robert --alias bo@example.org").is(0);
    project.stead("run one.yml").is(4);
    project.stead("--as robert approve @last").is(0).answers("1 of 2 accepted so far");
    for name in ["bo", "BO@example.org", "Robert"] {
        project.stead(&format!("--as {name} approve @last")).is(1).says("user:bo has accepted it at");
        project.stead(&format!("--as {name} reject @last")).is(1).says("user:bo has accepted it at");
    }
    project.stead("--as cy delegate @last robert").is(1).says("user:bo has acted on it");
    project.stead("--as cy approve @last").is(0).answers("accepted");
    project.stead("resume @last").is(0);
}

#[test]
fn a_gate_of_a_run_that_was_cancelled_a_moment_ago_was_withdrawn() {
    let project = home(&gate(MAKERS));
    project.stead("run one.yml").is(4);
    project.stead("cancel @last").is(0);
    for command in ["approve", "reject", "claim", "release"] {
        project.stead(&format!("--as bo {command} @last/ship")).is(1).says("R0203").says("was withdrawn at");
    }
    project.stead("--as bo skip @last/ship -m away").is(1).says("R0203").says("was withdrawn at");
    project.stead("--as bo delegate @last/ship cy").is(1).says("R0203").says("was withdrawn at");
    project.stead("--as bo approve @last").is(2).says("R0206").says("asks nobody anything now");
}

#[test]
fn a_gate_out_of_time_is_not_decided_any_more() {
    let project =
        home("steps:\n  - { id: ship, timeout: 1s, approve: { title: A, by: ['group:makers'] } }\n");
    project.stead("run one.yml").is(4);
    // Nobody is there to notice it: whoever comes is told so all the same.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    project.stead("--as bo approve @last/ship").is(1).says("R0203").says("has timed out at");
    project.stead("--as bo approve @last/ship").is(1).says("R0203").says("has timed out at");
}

#[test]
fn a_form_that_misses_its_schema_is_refused_and_the_gate_stays_open() {
    let form = "{ type: object, required: [n], properties: { n: { type: integer, maximum: 5 } } }";
    let project = home(&gate(&format!(", by: ['group:makers'], form: {form}")));
    project.stead("run one.yml").is(4);
    project.stead("--as bo approve @last").is(2).says("R0207").says("\"n\"");
    project.stead("--as bo approve @last -i n:=9").is(2).says("R0207").says("9");
    project.stead("--as bo approve @last -i n:=many").is(2);
    // One who may not is told that, and nothing of the form.
    let got = project.stead("approve @last -i n:=9").is(1);
    assert!(got.err.contains("these may: group:makers") && !got.err.contains("R0207"), "{got:?}");
    project.stead("--as bo approve @last -i n:=5").is(0);
}

#[test]
fn p11_a_comment_that_is_too_long_is_refused() {
    let project = home(&gate(MAKERS));
    project.stead("run one.yml").is(4);
    let long = "x".repeat(100_000);
    for command in ["approve", "reject"] {
        let got = project.call(&["--as", "bo", command, "@last", "-m", &long]).is(1);
        assert!(
            got.err.contains("the comment is larger than 64 KiB") && got.err.len() < 1_000,
            "{}",
            got.err.len()
        );
    }
    project.call(&["--as", "bo", "skip", "@last", "-m", &long]).is(1).says("larger than 64 KiB");
    project.stead("--as bo approve @last").is(0);
}

#[test]
fn no_text_of_others_reaches_the_terminal_as_it_is() {
    let evil = "red\u{1b}[31m\u{7}\u{9b}2J\u{202e}\r\u{1b}]0;title\u{7}";
    let project = home(
        "inputs: { what: { type: string } }
steps:
  - id: plan
    set: { text: '${{ inputs.what }}' }
  - id: ship
    approve: { title: 'Ship ${{ inputs.what }}?', show: { 'It ${{ 1 }}': '${{ steps.plan.output }}', what: '${{ inputs.what }}' }, by: ['group:makers'], quorum: 3 }
",
    );
    let all = [
        project.call(&["run", "one.yml", "-i", &format!("what={evil}")]).is(4),
        project.call(&["--as", "bo", "approve", "@last", "-m", evil]).is(0),
        project.call(&["--as", "cy", "skip", "@last", "-m", evil]).is(0),
        project.call(&["--as", "cy", "delegate", "@last", evil]),
        project.call(&["--as", "di", "approve", evil]),
        project.stead("--as di inbox"),
        project.stead("--as di inbox @last"),
        project.stead("status @last"),
        project.stead("runs"),
        project.stead("logs @last"),
        project.stead("events @last"),
        project.stead("people remove di"),
        project.stead("inbox --all"),
    ];
    for got in all {
        let odd = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        let found = got.out.chars().chain(got.err.chars()).find(|c| odd(*c));
        assert_eq!(found, None, "{got:#?}");
    }
}
