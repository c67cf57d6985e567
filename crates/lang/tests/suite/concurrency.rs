//! `concurrency` of runs and of steps.

use serde_json::json;
use stead_lang::limits;
use stead_lang::plan::{Concurrency, OnFull, Setting};

use crate::common::{checked, finds, good, shown};

const RUN: &str = "steps: [ { id: a, run: ls } ]\n";

fn of_runs(text: &str) -> Concurrency {
    good(&format!(
        "concurrency: {text}\ninputs: {{ env: {{ type: string }}, n: {{ type: integer }} }}\n{RUN}"
    ))
    .plan
    .and_then(|plan| plan.concurrency.clone())
    .unwrap()
}

fn literal(concurrency: &Concurrency) -> Option<&str> {
    match &concurrency.key {
        stead_lang::template::Template::Literal(value) => value.as_str(),
        _ => None,
    }
}

#[test]
fn runs_share_places_by_a_key_which_is_by_default_the_name() {
    let plain = of_runs("{}");
    assert_eq!((literal(&plain), plain.on_full), (Some("example"), OnFull::Queue));
    assert!(matches!(plain.max, Setting::Fixed(1)));
    let full =
        of_runs("{ key: \"deploy ${{ inputs.env }}\", max: \"${{ inputs.n }}\", on_full: cancel_old }");
    assert_eq!((literal(&full), full.on_full), (None, OnFull::CancelOld));
    assert!(matches!(full.max, Setting::Computed(_)));
    assert_eq!(literal(&of_runs("{ key: 1.10, on_full: refuse }")), Some("1.10"));
    assert!(good(RUN).plan.unwrap().concurrency.is_none());
}

#[test]
fn steps_share_places_by_a_key_that_has_to_be_there() {
    let plan = good(
        "steps:\n  - id: a\n    set: { env: prod }\n  - id: g\n    concurrency: { key: \"${{ steps.a.output.env }}\", max: 3 }\n    foreach: { in: [1, 2] }\n    steps: [ { id: b, concurrency: { key: b }, run: ls } ]\n",
    );
    let plan = plan.plan.unwrap();
    let of = |path: &str| plan.steps.iter().find(|step| step.path == path).unwrap();
    assert!(matches!(of("g").concurrency.as_ref().unwrap().max, Setting::Fixed(3)));
    assert_eq!(literal(of("g/b").concurrency.as_ref().unwrap()), Some("b"));
    // It reads what its key reads: blocked when that failed.
    assert_eq!(of("g").reads.len(), 1);
    finds("steps:\n  - id: a\n    run: ls\n    concurrency: { max: 2 }\n", &[("E0202", 6, "`key`")]);
}

#[test]
fn what_is_wrong_with_places_is_said() {
    finds(
        "concurrency: { key: '', max: 0, on_full: cancel, maxx: 1 }\nsteps:\n  - id: a\n    run: ls\n    on_full: queue\n  - id: b\n    run: ls\n    concurrency: { key: \"${{ steps.c.output }}\", max: 1.5 }\n  - id: c\n    run: ls\n    concurrency: deploy\n",
        &[
            ("E0214", 3, "empty"),
            ("E0206", 3, "from 1 to 10000"),
            ("E0204", 3, "`cancel`"),
            ("E0201", 3, "maxx"),
            ("E0209", 7, "on_full"),
            ("E0308", 10, "`c`"),
            ("E0206", 10, "1.5"),
            ("E0203", 13, "concurrency"),
        ],
    );
    // The head sees inputs and variables, and no steps.
    let head = checked("concurrency: { key: \"${{ steps.a.output }}\" }\nsteps: [ { id: a, run: ls } ]\n");
    assert!(head.plan.is_none(), "{}", shown(&head));
}

#[test]
fn p11_keys_and_numbers_of_places_are_bounded() {
    let long = |n: usize| format!("concurrency: {{ key: {} }}\n{RUN}", "k".repeat(n));
    good(&long(limits::PLACE_KEY_BYTES));
    finds(&long(limits::PLACE_KEY_BYTES + 1), &[("E0215", 3, "257 bytes")]);
    good(&format!("concurrency: {{ max: {} }}\n{RUN}", limits::PLACES));
    finds(&format!("concurrency: {{ max: {} }}\n{RUN}", limits::PLACES + 1), &[("E0206", 3, "10000")]);
}

#[test]
fn nothing_waits_for_a_place_when_a_block_ends() {
    finds(
        "steps: [ { id: a, run: ls } ]\nfinally:\n  - id: z\n    run: ls\n    concurrency: { key: k }\n  - id: g\n    steps: [ { id: y, concurrency: { key: k }, run: ls } ]\n",
        &[("E0209", 7, "`concurrency`"), ("E0209", 9, "`concurrency`")],
    );
    finds(
        "steps:\n  - id: a\n    run: ls\n    undo: { run: ls, concurrency: { key: k } }\n",
        &[("E0201", 6, "concurrency")],
    );
}

#[test]
fn the_schema_knows_places() {
    let schema = stead_lang::keys::schema();
    let words = &schema["$defs"]["concurrency"]["properties"]["on_full"]["enum"];
    assert_eq!(words, &json!(["queue", "cancel_old", "refuse"]));
    assert_eq!(schema["$defs"]["step_concurrency"]["required"], json!(["key"]));
}
