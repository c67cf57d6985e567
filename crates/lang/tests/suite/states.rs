//! Machines: where states lead, and what has been visited where.

use stead_lang::plan::{Block, Body, OnError, Plan, Setting, Target};

use crate::common::{checked, codes, finds, good, shown};

fn plan(text: &str) -> std::sync::Arc<Plan> {
    good(text).plan.unwrap()
}

/// A machine from lines of states: id, what leads on from it, and what it does.
fn machine(states: &[(&str, &str, &str)]) -> String {
    let state = |(id, next, does): &(&str, &str, &str)| format!("  - {{ id: {id}, next: {next}, {does} }}\n");
    format!("states:\n{}", states.iter().map(state).collect::<String>())
}

const TEXT: &str = "\
states:
  - id: a
    run: ls
    parse: json
    next:
      - { when: steps.a.output.good, go: end }
      - { when: iteration < 3, go: b, max: 2 }
      - { go: fail }
    on_error: { go: c }
  - id: b
    noop: 1
    next: a
  - id: c
    finish: enough
finally:
  - { id: d, noop: 1 }
";

#[test]
fn a_machine_is_a_block_whose_states_lead_somewhere() {
    let plan = plan(TEXT);
    let root: &Block = &plan.root;
    assert!(root.machine && root.own == 3 && root.steps.len() == 4);
    let step = |at: usize| &plan.steps[root.steps[at] as usize];
    let goals: Vec<Target> = step(0).next.iter().map(|t| t.go).collect();
    assert_eq!(goals, [Target::End, Target::State(1), Target::Fail]);
    assert_eq!(step(0).next[0].when.as_ref().unwrap().source(), "steps.a.output.good");
    assert!(matches!(step(0).next[1].max, Some(Setting::Fixed(2))) && step(0).next[0].max.is_none());
    assert!(step(0).next[2].when.is_none());
    assert_eq!(step(0).on_error, OnError::Go(Target::State(2)));
    assert_eq!(step(1).next.iter().map(|t| t.go).collect::<Vec<_>>(), [Target::State(0)]);
    assert!(step(2).next.is_empty() && step(2).on_error == OnError::Stop);
    assert!((0..4).all(|at| step(at).needs.is_empty() && step(at).needed_by.is_empty()));
    assert!(step(3).finally);
    assert_eq!(step(0).reads, [], "what only `next` reads blocks nothing");
}

#[test]
fn a_machine_stands_in_groups_and_groups_in_states() {
    let plan = plan(
        "steps:\n  - id: g\n    foreach: { in: [1, 2] }\n    states:\n      - id: s\n        loop: { max: 2 }\n        steps:\n          - { id: x, noop: \"${{ [item, iteration] }}\" }\n        next: t\n      - { id: t, noop: \"${{ [iteration, steps.s.output] }}\", next: end }\n",
    );
    let Body::Block(g) = &plan.steps[0].body else { panic!() };
    assert!(g.machine && g.own == 2);
    let t = plan.steps.iter().find(|s| s.path == "g/t").unwrap();
    assert_eq!(t.reads.iter().map(|r| (r.up, r.step)).collect::<Vec<_>>(), [(0, 0)]);
    let x = plan.steps.iter().find(|s| s.path == "g/s/x").unwrap();
    assert!(x.next.is_empty());
}

#[test]
fn targets_are_states_of_the_own_machine_or_its_ends() {
    finds(
        &machine(&[("write", "reviw", "noop: 1"), ("review", "ned", "noop: 1")]),
        &[("E0322", 4, "no state `reviw`"), ("E0322", 5, "no state `ned`")],
    );
    let found = checked(&machine(&[("write", "reviw", "noop: 1"), ("review", "ned", "noop: 1")]));
    let near: Vec<_> = found.diagnostics.iter().map(|d| d.nearest.as_deref()).collect();
    assert_eq!(near, [Some("review"), Some("end")]);
    finds(
        "states:\n  - { id: a, noop: 1, next: x }\nfinally:\n  - { id: x, noop: 1 }\n",
        &[("E0322", 4, "no state `x`")],
    );
    finds(
        "states:\n  - { id: a, noop: 1, on_error: { go: nowhere }, next: end }\n",
        &[("E0322", 4, "no state `nowhere`")],
    );
    finds(
        "states:\n  - { id: a, noop: 1, next: g }\n  - id: g\n    states:\n      - { id: b, noop: 1, next: a }\n    next: end\n",
        &[("E0322", 7, "no state `a`")],
    );
    finds(
        &machine(&[("a", "end", "noop: 1"), ("end", "fail", "noop: 1")])[..],
        &[("E0302", 5, "cannot name a state")][..],
    );
}

#[test]
fn a_state_needs_next_and_has_neither_needs_nor_if() {
    finds("states:\n  - { id: a, noop: 1 }\n", &[("E0202", 4, "a state needs `next`")]);
    finds(
        "states:\n  - { id: a, needs: [], if: 1 < 2, noop: 1, next: end }\n",
        &[("E0209", 4, "no `needs`"), ("E0209", 4, "no `if`")],
    );
    finds("states:\n  - { id: a, noop: 1, next: [] }\n", &[("E0214", 4, "leads nowhere")]);
    finds(
        "states:\n  - { id: a, noop: 1, next: { go: end } }\n",
        &[("E0203", 4, "`next` is a state or a list")],
    );
    finds(
        "states:\n  - { id: a, noop: 1, next: [{ when: 1 < 2 }, { go: end, wen: 1 < 2 }] }\n",
        &[("E0202", 4, "needs `go`"), ("E0201", 4, "`wen`")],
    );
    finds("states: []\n", &[("E0214", 3, "no states")]);
    finds("states:\n  - { id: a, noop: 1, next: \"${{ 'end' }}\" }\n", &[("E0218", 4, "no expression")]);
    // Elsewhere nothing leads anywhere.
    finds(
        "steps:\n  - { id: a, noop: 1, next: b }\n  - { id: b, noop: 1, on_error: { go: a } }\n",
        &[("E0209", 4, "`next` has no place here"), ("E0209", 5, "`go` has no place here")],
    );
    // What is inside of a state is no state.
    finds(
        "states:\n  - id: g\n    next: end\n    steps:\n      - { id: a, noop: 1, next: end }\n",
        &[("E0209", 7, "`next` has no place here")],
    );
}

#[test]
fn states_that_end_by_their_action_lead_nowhere() {
    good(
        "states:\n  - { id: a, noop: 1, next: [{ when: 1 < 2, go: b }, { go: c }] }\n  - { id: b, fail: no }\n  - { id: c, finish: yes }\n",
    );
    finds("states:\n  - { id: a, fail: no, next: end }\n", &[("E0209", 4, "`next` has no place")]);
    finds(
        "states:\n  - { id: a, fail: no, on_error: continue }\n",
        &[("E0209", 4, "`on_error` has no place")],
    );
    // A failure can lead on all the same.
    good("states:\n  - { id: a, fail: no, on_error: { go: b } }\n  - { id: b, noop: 1, next: end }\n");
    // Over no elements nothing fails, so it has to lead somewhere.
    good(
        "inputs: { l: { type: array } }\nstates:\n  - { id: a, foreach: { in: \"${{ inputs.l }}\" }, fail: no, next: end }\n",
    );
}

#[test]
fn a_block_has_steps_or_states() {
    finds(
        "steps:\n  - { id: a, noop: 1 }\nstates:\n  - { id: b, noop: 1, next: end }\n",
        &[("E0217", 5, "`steps` or `states`, not both")],
    );
    let found = checked(
        "steps:\n  - id: g\n    steps: [{ id: a, noop: 1 }]\n    states: [{ id: b, noop: 1, next: end }]\n",
    );
    assert_eq!(codes(&found), ["E0208"], "{}", shown(&found));
    finds("vars: { a: 1 }\n", &[("E0202", 1, "needs `steps`")]);
    finds(
        "steps:\n  - id: g\n    join: first\n    states: [{ id: b, noop: 1, next: end }]\n",
        &[("E0209", 5, "`join` has no place in a machine")],
    );
}

#[test]
fn every_state_is_reached() {
    finds(
        &machine(&[("a", "c", "noop: 1"), ("b", "c", "noop: 1"), ("c", "end", "noop: 1")]),
        &[("E0324", 5, "no way leads to the state `b`")],
    );
    // An island is as far away as a single state.
    finds(
        &machine(&[("a", "end", "noop: 1"), ("b", "c", "noop: 1"), ("c", "b", "noop: 1")]),
        &[("E0324", 5, "`b`"), ("E0324", 6, "`c`")],
    );
    // By way of a failure is a way; past an entry that is always taken is none.
    good(&machine(&[("a", "end", "noop: 1, on_error: { go: b }"), ("b", "end", "noop: 1")]));
    finds(
        &machine(&[("a", "[{ go: end }, { go: b }]", "noop: 1"), ("b", "end", "noop: 1")]),
        &[("E0323", 4, "never looked at"), ("E0324", 5, "`b`")],
    );
    good(&machine(&[("a", "[{ go: b, max: 1 }, { go: end }]", "noop: 1"), ("b", "a", "noop: 1")]));
}

#[test]
fn from_every_state_an_end_is_reached() {
    finds(
        &machine(&[
            ("a", "[{ when: 1 < 2, go: end }, { go: b }]", "noop: 1"),
            ("b", "c", "noop: 1"),
            ("c", "b", "noop: 1"),
        ]),
        &[("E0325", 5, "from the state `b`"), ("E0325", 6, "from the state `c`")],
    );
    good(&machine(&[("a", "b", "noop: 1"), ("b", "[{ when: 1 < 2, go: a }, { go: fail }]", "noop: 1")]));
    good("states:\n  - { id: a, noop: 1, next: b }\n  - { id: b, finish: yes }\n");
    good("states:\n  - { id: a, noop: 1, next: a, on_error: { go: end } }\n");
    // Nothing follows from what is misspelt.
    finds(&machine(&[("a", "bb", "noop: 1"), ("b", "b", "noop: 1")]), &[("E0322", 4, "`bb`")]);
}

#[test]
fn rule_06_a_state_reads_what_every_way_to_it_has_visited() {
    let diamond = |last: &str| {
        format!(
            "states:\n  - {{ id: a, noop: 1, next: [{{ when: 1 < 2, go: b }}, {{ go: c }}] }}\n  - {{ id: b, noop: 1, next: d }}\n  - {{ id: c, noop: 1, next: d }}\n  - {{ id: d, noop: \"${{{{ {last} }}}}\", next: [{{ when: 1 < 2, go: a }}, {{ go: end }}] }}\n"
        )
    };
    good(&diamond("steps.a.output"));
    finds(&diamond("steps.b.output"), &[("E0311", 7, "not every way to here leaves `b` with an output")]);
    good(&diamond("[steps.b.?output.orValue(0), steps.b.status, has(steps.c.output) ? steps.c.output : 0]"));
    finds(&diamond("steps.d.output"), &[("E0310", 7, "reads itself")]);
    // A later state can be read through a guard: it may have been visited before.
    good(&machine(&[
        ("a", "b", "noop: \"${{ steps.b.?output.orValue(0) }}\""),
        ("b", "[{ when: 1 < 2, go: a }, { go: end }]", "noop: 1"),
    ]));
    finds(
        &machine(&[
            ("a", "b", "noop: \"${{ steps.b.output }}\""),
            ("b", "[{ when: 1 < 2, go: a }, { go: end }]", "noop: 1"),
        ]),
        &[("E0311", 4, "`b`")],
    );
    // What is inside of a state sees what the state sees.
    finds(
        "states:\n  - { id: a, noop: 1, next: [{ when: 1 < 2, go: b }, { go: c }] }\n  - { id: b, noop: 1, next: c }\n  - id: c\n    next: end\n    steps:\n      - { id: x, noop: \"${{ [steps.a.output, steps.b.output] }}\" }\n",
        &[("E0311", 9, "`b`")],
    );
    finds(
        "states:\n  - id: a\n    next: end\n    steps: [{ id: x, noop: \"${{ steps.a.output }}\" }]\n",
        &[("E0310", 6, "is around this step")],
    );
}

#[test]
fn rule_06_a_failure_that_leads_on_leaves_no_output() {
    let caught = |reader: &str| {
        machine(&[
            ("a", "b", "noop: 1, on_error: { go: c }"),
            ("b", "c", "noop: \"${{ steps.a.output }}\""),
            ("c", "end", reader),
        ])
    };
    good(&caught("noop: \"${{ [steps.a.?output.orValue(0), steps.a.error.message] }}\""));
    finds(&caught("noop: \"${{ steps.a.output }}\""), &[("E0311", 6, "leaves `a` with an output")]);
    // A later visit can take away what an earlier one gave.
    finds(
        &machine(&[
            ("a", "b", "noop: 1, on_error: { go: c }"),
            ("b", "[{ when: 1 < 2, go: a }, { go: c }]", "noop: 1"),
            ("c", "end", "noop: \"${{ steps.b.output }}\""),
        ]),
        &[("E0311", 6, "`b`")],
    );
}

#[test]
fn rule_06_outputs_read_what_every_way_to_an_end_has_visited() {
    let text = |output: &str| {
        format!(
            "states:\n  - {{ id: a, noop: 1, next: [{{ when: 1 < 2, go: b }}, {{ when: 1 < 2, go: c }}, {{ go: end }}] }}\n  - {{ id: b, noop: 1, next: fail }}\n  - {{ id: c, finish: enough }}\noutputs: {{ o: \"${{{{ {output} }}}}\" }}\n"
        )
    };
    // `fail` and `finish` are other ends.
    good(&text("steps.a.output"));
    finds(&text("steps.b.output"), &[("E0311", 7, "`b`")]);
    good(&text("steps.b.?output.orValue(0)"));
    let until = |until: &str| {
        format!(
            "steps:\n  - id: g\n    loop: {{ max: 2, until: {until} == 1 }}\n    states:\n      - {{ id: a, noop: 1, next: [{{ when: 1 < 2, go: b }}, {{ go: end }}] }}\n      - {{ id: b, noop: 1, next: end }}\n"
        )
    };
    good(&until("steps.a.output"));
    finds(&until("steps.b.output"), &[("E0311", 5, "`b`")]);
    // An end reads all of them through guards.
    finds(
        "states:\n  - { id: a, noop: 1, next: end }\nfinally:\n  - { id: x, noop: \"${{ [steps.a.output, steps.a.status] }}\" }\n",
        &[("E0311", 6, "the block may have ended before `a`")],
    );
}

#[test]
fn rule_05_next_sees_its_own_state() {
    good(&machine(&[(
        "a",
        "[{ when: steps.a.output.n > iteration, go: end, max: \"${{ steps.a.output.n }}\" }, { go: fail }]",
        "set: { n: 1 }",
    )]));
    // Of a step that iterates it is the whole, and the names of its items mean nothing any more.
    good(&machine(&[(
        "a",
        "[{ when: size(steps.a.output) > 1, go: end }, { go: fail }]",
        "foreach: { in: [1, 2] }, noop: 1",
    )]));
    finds(
        &machine(&[(
            "a",
            "[{ when: item == 1, go: end }, { go: fail }]",
            "foreach: { in: [1, 2] }, noop: 1",
        )]),
        &[("E0312", 4, "`item`")],
    );
    finds(
        "states:\n  - id: g\n    steps: [{ id: x, noop: 1 }]\n    next: [{ when: steps.x.output == 1, go: end }, { go: fail }]\n",
        &[("E0309", 6, "stands inside")],
    );
    finds(&machine(&[("a", "[{ when: \"'x'\", go: end }]", "noop: 1")]), &[("E0410", 4, "a boolean")]);
}

#[test]
fn rule_06_visits_are_counted_in_states() {
    good(&machine(&[("a", "end", "noop: \"${{ iteration }}\", deadline: \"${{ iteration }}m\"")]));
    finds(
        "states:\n  - { id: a, noop: 1, next: end }\nfinally:\n  - { id: x, noop: \"${{ iteration }}\" }\n",
        &[("E0312", 6, "`iteration`")],
    );
    // Inside of a loop it is the loop's.
    good(
        "states:\n  - id: a\n    loop: { max: 2, until: iteration == 2 }\n    set: { n: \"${{ iteration == 1 ? 1 : previous.a.output.n }}\" }\n    next: end\n",
    );
    finds(&machine(&[("a", "end", "noop: \"${{ previous.a.output }}\"")]), &[("E0312", 4, "`previous`")]);
}

#[test]
fn a_machine_of_ten_thousand_states_is_checked_in_one_go() {
    use stead_lang::limits::STEPS;
    // Each leads on, back and far ahead, and all read the first one.
    let state = |n: usize| {
        let (back, ahead) = (n / 2, STEPS - 1 - n);
        let next = if n + 1 == STEPS { "end".to_owned() } else { format!("s{}", n + 1) };
        let reads = if n == 0 { "1" } else { "${{steps.s0.output}}" };
        format!(
            "- {{id: s{n},noop: \"{reads}\",next: [{{max: 1,go: s{back}}},{{max: 1,go: s{ahead}}},{{go: {next}}}]}}\n"
        )
    };
    let found = checked(&format!("states:\n{}", (0..STEPS).map(state).collect::<String>()));
    assert!(found.plan.is_some(), "{:?}", found.diagnostics.first());
}
