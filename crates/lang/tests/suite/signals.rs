//! `wait: {signal}`, the action `signal`, and inputs by which runs are found.

use stead_lang::limits::{INDEXED_BYTES, INDEXED_INPUTS, SIGNAL_NAME_BYTES};
use stead_lang::plan::{ActionKind, Body, SignalTo, Wait};

use crate::common::{checked, finds, good, shown};

fn action(text: &str, id: &str) -> ActionKind {
    let plan = good(text).plan.unwrap();
    let step = plan.steps.iter().find(|step| step.id == id).unwrap();
    match &step.body {
        Body::Action(action) => action.kind.clone(),
        Body::Block(_) => panic!("{id} is a group"),
    }
}

#[test]
fn rule_42_a_wait_has_one_of_three_keys() {
    let wait = |keys: &str| format!("steps:\n  - id: w\n    wait: {{ {keys} }}\n");
    assert!(matches!(action(&wait("signal: go"), "w"), ActionKind::Wait(Wait::Signal(_))));
    good(&wait("signal: \"${{ 'go-' + run.id }}\""));
    finds(&wait("signal: go, for: 1h"), &[("E0217", 5, "`for` or `signal`")]);
    finds(&wait(""), &[("E0217", 5, "what for")]);
    finds(&wait("signal: ''"), &[("E0214", 5, "is empty")]);
    finds(&wait("signal: [a]"), &[("E0203", 5, "the name of a signal is a text")]);
    let found = checked(&wait("signal: go, for: 1h"));
    assert!(shown(&found).contains("give the step a `timeout`"), "{}", shown(&found));
}

#[test]
fn what_a_signal_brings_is_read() {
    good(
        "steps:\n  - { id: w, wait: { signal: go } }\n  - { id: s, set: { n: '${{ steps.w.output.n + 1 }}' } }\n  - { id: t, signal: { name: done } }\n  - { id: u, set: { n: '${{ steps.t.output.runs[0] }}' } }\n",
    );
    finds(
        "steps:\n  - { id: t, signal: { name: done } }\n  - { id: u, set: { n: '${{ steps.t.output.run }}' } }\n",
        &[("E0408", 5, "no `run` in it")],
    );
}

#[test]
fn rule_42_a_signal_goes_to_this_run_another_or_those_that_are_found() {
    let signal = |keys: &str| format!("steps:\n  - id: s\n    signal: {{ name: go, {keys} }}\n");
    let to = |keys: &str| match action(&signal(keys), "s") {
        ActionKind::Signal(signal) => signal.to,
        other => panic!("{other:?}"),
    };
    assert!(matches!(to("data: 1"), SignalTo::Own));
    assert!(matches!(to("run: r_1, step: 'each[a]', data: { n: '${{ run.id }}' }"), SignalTo::Run(_)));
    let SignalTo::Where { workflow, inputs } = to("run: { workflow: order, where: { id: 7, kind: x } }")
    else {
        panic!("not found by keys")
    };
    assert_eq!((workflow.as_str(), inputs.len()), ("order", 2));
    finds(
        &signal("run: { workflow: Order, where: {} }"),
        &[("E0301", 5, "`Order`"), ("E0214", 5, "names no input")],
    );
    finds(&signal("run: { workflow: order }"), &[("E0202", 5, "`where`")]);
    finds(
        &signal("run: { workflow: '${{ run.workflow }}', where: { id: 7 } }"),
        &[("E0218", 5, "a workflow")],
    );
    finds(&signal("run: { workflow: order, where: { id: [7] } }"), &[("E0203", 5, "the value of an input")]);
    finds("steps:\n  - id: s\n    signal: { data: 1 }\n", &[("E0202", 5, "`name`")]);
    finds("steps:\n  - id: s\n    signal: go\n", &[("E0203", 5, "`signal` is a map")]);
}

#[test]
fn rule_45_a_secret_does_not_go_with_a_signal() {
    finds(
        "secrets: [TOKEN]\nsteps:\n  - id: s\n    signal: { name: go, data: '${{ secrets.TOKEN }}' }\n",
        &[("E0313", 6, "a secret may not stand here")],
    );
}

#[test]
fn p11_the_name_of_a_signal_is_bounded() {
    let text = |n: usize| format!("steps:\n  - id: w\n    wait: {{ signal: {} }}\n", "x".repeat(n));
    good(&text(SIGNAL_NAME_BYTES));
    finds(&text(SIGNAL_NAME_BYTES + 1), &[("E0215", 5, "201 bytes")]);
}

#[test]
fn runs_are_found_by_inputs_of_simple_types() {
    let input = |keys: &str| format!("inputs: {{ i: {{ {keys} }} }}\nsteps:\n  - id: a\n    noop: 1\n");
    for kind in ["string", "integer", "number", "boolean"] {
        let plan = good(&input(&format!("type: {kind}, index: true"))).plan.unwrap();
        assert!(plan.inputs[0].index);
    }
    assert!(!good(&input("type: array, index: false")).plan.unwrap().inputs[0].index);
    for kind in ["object", "array", "file"] {
        finds(&input(&format!("type: {kind}, index: true")), &[("E0209", 3, "a text, a number")]);
    }
    finds(&input("type: string, index: often"), &[("E0203", 3, "`index`")]);
}

#[test]
fn p11_inputs_by_which_runs_are_found_are_bounded() {
    let text = |n: usize| {
        let inputs: String = (0..n).map(|n| format!("  i{n}: {{ type: string, index: true }}\n")).collect();
        format!("inputs:\n{inputs}steps:\n  - id: a\n    noop: 1\n")
    };
    good(&text(INDEXED_INPUTS));
    finds(&text(INDEXED_INPUTS + 1), &[("E0215", 12, "too many inputs")]);
    let plan = good(&text(1)).plan.unwrap();
    let given = |n: usize| serde_json::json!({"i0": "x".repeat(n)}).as_object().unwrap().clone();
    assert!(stead_lang::inputs::check_inputs(&plan, &given(INDEXED_BYTES)).is_ok());
    let problems = stead_lang::inputs::check_inputs(&plan, &given(INDEXED_BYTES + 1)).unwrap_err();
    assert!(problems[0].code == "E0603" && problems[0].message.contains("201 bytes"), "{problems:?}");
    let long = "x".repeat(INDEXED_BYTES + 1);
    finds(
        &format!(
            "inputs: {{ i: {{ type: string, index: true, default: {long} }} }}\nsteps:\n  - id: a\n    noop: 1\n"
        ),
        &[("E0213", 3, "201 bytes")],
    );
}

#[test]
fn values_are_found_as_they_are_written() {
    use serde_json::json;
    use stead_lang::inputs::index_text;
    for (value, text) in [
        (json!("17.0"), "17.0"),
        (json!(17), "17"),
        (json!(17.0), "17"),
        (json!(-0.5), "-0.5"),
        (json!(true), "true"),
        (json!(i64::MIN), "-9223372036854775808"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!(1e300), "1e+300"),
    ] {
        let found = index_text(&value).unwrap();
        assert_eq!(found, text);
    }
    assert_eq!(index_text(&json!(null)), None);
    assert_eq!(index_text(&json!([1])), None);
}
