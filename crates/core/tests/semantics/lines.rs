//! foreach over the lines of a file.

use serde_json::json;
use stead_core::effect::ErrorKind;
use stead_core::run::{Again, Input};
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, failed, ok};

fn each(more: &str, action: &str) -> String {
    format!(
        "steps:\n  - id: each\n    foreach: {{ in: '${{{{ inputs.rows }}}}', parse: jsonl{more} }}\n    {action}\noutputs: {{ counts: '${{{{ steps.each.output }}}}' }}\n"
    )
}

const ECHO: &str = "noop: '${{ item }}'";

fn rows(count: u32, row: impl Fn(u32) -> String) -> String {
    (0..count).map(|n| row(n) + "\n").collect()
}

fn retry(world: &mut World, again: Again) {
    let top = world.top.clone();
    world.give(&top, Input::Retry { by: "test".into(), again, inputs: Vec::new() });
    world.go();
}

#[test]
fn rule_58_lines_of_a_file_are_read_one_by_one() {
    let mut world = World::run_rows(
        &each(
            ", parallel: 2",
            "noop: { hang: 1, n: '${{ item.n }}', at: '${{ index }}', key: '${{ key }}' }",
        ),
        "{\"n\": 5}\n\n{\"n\": \"a\"}\r\n{\"n\": null}\n{\"n\": []}",
    );
    assert_eq!(world.lines_read, [0, 1], "what has not begun is not read");
    assert_eq!(world.open[1].request["value"], json!({"hang": 1, "n": "a", "at": 1, "key": "1"}));
    world.end("each[1]", ok(json!(1)));
    assert_eq!(world.lines_read, [0, 1, 2]);
    for path in ["each[0]", "each[2]", "each[3]"] {
        world.end(path, ok(json!(1)));
    }
    let counts = json!({"total": 4, "completed": 4, "failed": 0, "cancelled": 0});
    assert_eq!(world.outputs(), json!({"counts": counts}));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_58_what_failed_is_counted_and_tried_again() {
    let text = rows(40, |n| if n % 10 == 3 { "{\"fail_first\": 1}".into() } else { n.to_string() });
    let mut world = World::run_rows(&each(", join: settled, parallel: 3", ECHO), &text);
    let counts = |failed: u32| json!({"counts": {"total": 40, "completed": 40 - failed, "failed": failed, "cancelled": 0}});
    assert_eq!(world.outputs(), counts(4));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
    let items = world.step("each").items.unwrap();
    assert_eq!((items.total, items.done, items.failed), (40, 40, Some(4)));
    let before = world.executed.len();
    retry(&mut world, Again::Failed);
    assert_eq!(world.executed[before..], [3, 13, 23, 33].map(|n| format!("r_test/each[{n}]")));
    assert_eq!(world.outputs(), counts(0));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)), "nothing failed any more");
    retry(&mut world, Again::Only("each[7]".into()));
    assert_eq!(world.executed.last().unwrap(), "r_test/each[7]+1", "wanted again, under a new key");
    assert_eq!(world.outputs(), counts(0));
    assert_eq!(world.state().highest_number("each"), 2);
}

#[test]
fn rule_58_a_failed_line_stops_the_step_and_a_retry_begins_the_rest() {
    let text = rows(6, |n| if n == 2 { "{\"fail_first\": 1}".into() } else { n.to_string() });
    let mut world = World::run_rows(&each("", ECHO), &text);
    assert_eq!(world.error().1, "each[2]");
    assert_eq!(world.executed.len(), 3, "the others never began");
    retry(&mut world, Again::Failed);
    assert_eq!(world.executed.len(), 7);
    assert_eq!(world.outputs()["counts"], json!({"total": 6, "completed": 6, "failed": 0, "cancelled": 0}));
}

#[test]
fn rule_58_a_line_that_is_no_json_fails_its_item() {
    let mut world = World::run_rows(&each(", join: settled", ECHO), "1\n{\"a\":\n3\n");
    assert_eq!(world.outputs()["counts"], json!({"total": 3, "completed": 2, "failed": 1, "cancelled": 0}));
    assert_eq!(world.executed, ["r_test/each[0]", "r_test/each[2]"]);
    assert!(
        world.events("each[1]").iter().any(|event| event == "step_failed"),
        "{:?}",
        world.events("each[1]")
    );
    let stopped = World::run_rows(&each("", ECHO), "1\n{\"a\":\n3\n");
    let (kind, _, message) = stopped.error();
    assert_eq!(kind, ErrorKind::Schema);
    assert!(message.starts_with("line 2 is no JSON"), "{message}");
    // The file stays as it is, so a retry comes to the same.
    retry(&mut world, Again::Failed);
    assert_eq!(world.outputs()["counts"]["failed"], json!(1));
}

#[test]
fn rule_58_without_lines_it_is_done_and_without_a_file_it_fails() {
    let mut world = World::run_rows(&each("", ECHO), " \n\n");
    assert_eq!(world.outputs()["counts"]["total"], json!(0));
    assert_eq!(world.status("each"), StepStatus::Completed);
    for (file, what) in [("5", "a number"), ("{ hash: short }", "a map"), ("text", "a text")] {
        let world = World::run(&format!(
            "steps:\n  - {{ id: f, noop: {file} }}\n  - {{ id: each, foreach: {{ in: '${{{{ steps.f.output }}}}', parse: jsonl }}, noop: 1 }}\n"
        ));
        let (kind, _, message) = world.error();
        assert_eq!(kind, ErrorKind::Expression);
        assert!(message.contains("it takes a file") && message.contains(what), "{message}");
    }
}

#[test]
fn rule_58_what_is_over_is_forgotten_and_the_state_stays_small() {
    let size = |world: &World| world.state().snapshot().unwrap().len();
    let text = rows(600, |n| if n % 20 == 7 { "{\"fail\": \"bad\"}".into() } else { n.to_string() });
    let hang =
        "steps:\n      - { id: one, noop: '${{ item }}' }\n      - { id: two, set: { v: '${{ item }}' } }";
    let more = "\n  - { id: gate, wait: { signal: go } }";
    let early = World::run_rows(
        &(each(", join: settled, parallel: 4", hang).replace("\noutputs", &format!("{more}\noutputs"))),
        &rows(50, |n| n.to_string()),
    );
    let mut late = World::run_rows(
        &(each(", join: settled, parallel: 4", hang).replace("\noutputs", &format!("{more}\noutputs"))),
        &text,
    );
    assert_eq!(late.step("each").items.unwrap().failed, Some(30));
    // Free places in the state are written as `null`; nothing else may grow.
    assert!(size(&late) < size(&early) + 500, "{} of {}", size(&late), size(&early));
    // Read back from the journal alone it forgets the same, but for the room of what stood before the gate.
    late.crash();
    late.signal("other", json!(1));
    assert!(size(&late) < size(&early) + 600 * 3 * "null,".len() + 500, "{}", size(&late));
    late.crash_to_snapshot();
    late.signal("go", json!(1));
    assert_eq!(
        late.outputs()["counts"],
        json!({"total": 600, "completed": 570, "failed": 30, "cancelled": 0})
    );
    retry(&mut late, Again::Failed);
    assert_eq!(late.outputs()["counts"]["failed"], json!(30));
}

#[test]
fn rule_58_a_crash_in_the_middle_begins_each_line_once() {
    let mut world = World::run_rows(
        &each(", join: settled, parallel: 2", "noop: { hang: 1, n: '${{ item }}' }"),
        &rows(9, |n| n.to_string()),
    );
    for n in 0..9 {
        match n % 3 {
            0 => world.crash(),
            1 => world.crash_to_snapshot(),
            _ => {}
        }
        let result = if n == 4 { failed(ErrorKind::Exit, "bad") } else { ok(json!(n)) };
        world.end(&format!("each[{n}]"), result);
    }
    assert_eq!(world.outputs()["counts"], json!({"total": 9, "completed": 8, "failed": 1, "cancelled": 0}));
}

#[test]
fn rule_58_a_run_that_is_cancelled_ends_the_lines_under_way() {
    let mut world = World::run_rows(
        &each(", parallel: 3", "noop: { hang: 1, n: '${{ item }}' }"),
        &rows(9, |n| n.to_string()),
    );
    world.end("each[0]", ok(json!(1)));
    world.cancel();
    assert_eq!(world.ended().0, RunStatus::Cancelled);
    let items = world.step("each").items.unwrap();
    assert_eq!((items.begun, items.done), (4, 4));
    retry(&mut world, Again::Failed);
    for n in 1..9 {
        world.end(&format!("each[{n}]"), ok(json!(1)));
    }
    assert_eq!(world.outputs()["counts"], json!({"total": 9, "completed": 9, "failed": 0, "cancelled": 0}));
}

#[test]
fn rule_58_child_runs_of_lines_are_told_apart_by_their_number() {
    let child = "workflow: { inline: { stead: 1, name: one, inputs: { n: { type: integer } }, steps: [{ id: a, noop: { n: '${{ inputs.n }}' } }] }, inputs: '${{ item }}' }";
    let mut world =
        World::run_rows(&each(", join: settled", child), "{\"n\": 1}\n{\"n\": \"x\"}\n{}\n{\"m\": 1}\n");
    assert_eq!(world.outputs()["counts"], json!({"total": 4, "completed": 1, "failed": 3, "cancelled": 0}));
    assert_eq!(world.state().highest_number("each"), 1);
    retry(&mut world, Again::Failed);
    assert_eq!(world.state().highest_number("each"), 2);
    assert_eq!(world.outputs()["counts"]["failed"], json!(3));
    assert_eq!(world.runs.len(), 1 + 4 + 3);
}

#[test]
fn p11_lines_of_a_foreach_are_bounded() {
    let most = stead_core::limits::FOREACH_LINES;
    let text = rows(most + 1, |_| "1".into());
    let world = World::run_rows(&each("", ECHO), &text);
    let (kind, _, message) = world.error();
    assert_eq!(kind, ErrorKind::Exhausted);
    assert!(message.contains(&format!("the file has {} lines", most + 1)), "{message}");
    assert!(world.executed.is_empty());
}
