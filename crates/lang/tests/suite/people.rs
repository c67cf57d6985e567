//! `approve` and `ask`: who is asked what, and where a rejection begins again.

use serde_json::{Value, json};
use stead_lang::graph::{Format, graph};
use stead_lang::limits::{
    ASKED_BYTES, CHOICES, QUESTION_BYTES, QUESTIONS, QUORUM, REDOS, REMIND_MILLIS, SHOWN, WHO, WHO_BYTES,
};
use stead_lang::plan::{ActionKind, Body, OnReject, OnTimeout, People, PeopleKind, Setting};
use stead_lang::questions::{self, AnswerType, Priority};
use stead_lang::template::Template;

use crate::common::{checked, checked_files, codes, finds, good, shown};

fn people(text: &str, id: &str) -> People {
    let plan = good(text).plan.unwrap();
    let step = plan.steps.iter().find(|step| step.id == id).unwrap();
    match &step.body {
        Body::Action(action) => match &action.kind {
            ActionKind::People(people) => (**people).clone(),
            other => panic!("{id} is {other:?}"),
        },
        Body::Block(_) => panic!("{id} is a group"),
    }
}

/// Fixed texts, in a line.
fn texts(of: &[Template]) -> String {
    let text = |template: &Template| match template {
        Template::Literal(Value::String(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    of.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// A gate behind a step, with these keys.
fn gate(keys: &str) -> String {
    format!("steps:\n  - id: write\n    run: ./write.sh\n  - id: ship\n    approve: {{ {keys} }}\n")
}

/// Questions with these keys.
fn ask(keys: &str) -> String {
    format!("steps:\n  - id: q\n    ask: {{ {keys} }}\n")
}

fn fixed(text: &str) -> Template {
    Template::Literal(Value::from(text))
}

#[test]
fn a_gate_and_questions_have_what_is_usual_where_nothing_is_said() {
    let ship = people(&gate(""), "ship");
    assert_eq!((ship.kind, &ship.title), (PeopleKind::Gate, &fixed("ship")));
    assert_eq!((texts(&ship.by), texts(&ship.not)), ("role:approver".to_owned(), String::new()));
    assert!(matches!((&ship.quorum, &ship.rejects), (Setting::Fixed(1), Setting::Fixed(1))));
    assert!(ship.show.is_empty() && ship.form.is_none() && ship.remind.is_none() && ship.escalate.is_none());
    assert!(matches!((ship.on_timeout, &ship.on_reject), (OnTimeout::Fail, OnReject::Fail)));
    let q = people("steps:\n  - id: q\n    name: Tell me\n    ask: { questions: [] }\n", "q");
    assert_eq!(
        (q.kind, &q.title, texts(&q.by)),
        (PeopleKind::Questions, &fixed("Tell me"), "starter".to_owned())
    );
    assert_eq!(q.questions, Some(Template::Literal(json!([]))));
    // No attempt is made, so none ends after an hour.
    let plan = good(&gate("")).plan.unwrap();
    let Body::Action(action) = &plan.steps[1].body else { panic!() };
    assert!(action.timeout.is_none() && matches!(action.retry.attempts, Setting::Fixed(1)));
}

#[test]
fn rule_29_what_is_shown_are_outputs_of_steps_or_values_by_label() {
    let ship = people(&gate("show: [write]"), "ship");
    assert_eq!(ship.show[0].0, "write");
    assert_eq!(ship.show[0].1, Template::parse("${{ steps.write.output }}").unwrap());
    let ship = people(&gate("show: { The text: '${{ steps.write.output }}', Fixed: 1 }"), "ship");
    assert_eq!(ship.show.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), ["The text", "Fixed"]);
    finds(&gate("show: [wirte]"), &[("E0307", 7, "no step `wirte`")]);
    finds(&gate("show: [write, write]"), &[("E0219", 7, "shown twice")]);
    finds(&gate("show: [{ a: 1 }]"), &[("E0203", 7, "a step to show is an id")]);
    finds(&gate("show: write"), &[("E0203", 7, "`show` is a list of steps, or a map")]);
    finds(&gate("show: [ship]"), &[("E0310", 7, "reads itself")]);
    finds(&gate("show: { '': 1 }"), &[("E0214", 7, "the label is empty")]);
    // The finding marks the id.
    let text = gate("show: [wirte]");
    let found = checked(&text);
    let (span, nearest) = (found.diagnostics[0].span, found.diagnostics[0].nearest.as_deref());
    let whole = crate::common::whole(&text);
    assert_eq!((&whole[span.start as usize..span.end as usize], nearest), ("wirte", Some("write")));
}

#[test]
fn rule_11_what_is_shown_may_have_to_be_guarded() {
    let text = |show: &str, when: &str| {
        format!(
            "inputs: {{ deep: {{ type: boolean }} }}\nsteps:\n  - id: analyse\n    if: inputs.deep\n    run: ls\n  - id: ship\n    {when}\n    approve: {{ show: {show} }}\n"
        )
    };
    let never = "name: x";
    finds(&text("[analyse]", never), &[("E0311", 10, "`analyse` may have been skipped")]);
    let found = checked(&text("[analyse]", never));
    let help = found.diagnostics[0].help.clone().unwrap();
    assert!(help.contains("`show: { analyse: \"${{ steps.analyse.?output.orValue(null) }}\" }`"), "{help}");
    // What the help says is right.
    good(&text("{ analyse: \"${{ steps.analyse.?output.orValue(null) }}\" }", never));
    good(&text("[analyse]", "if: steps.analyse.status == 'completed'"));
    // A step that failed blocks the gate that shows it.
    let plan =
        good("steps:\n  - { id: a, run: ls, on_error: continue }\n  - { id: g, approve: { show: [a] } }\n")
            .plan
            .unwrap();
    assert_eq!(plan.steps[1].reads.len(), 1);
}

#[test]
fn whoever_may_act_is_told_by_kind_and_name() {
    let by = "user:ana, 'user:a.b+c@example.org', group:ops, role:pm, agent:claude-code, starter, agents, \"user:${{ run.id }}\", \"${{ run.project }}\"";
    let ship = people(&gate(&format!("by: [{by}]")), "ship");
    assert_eq!(ship.by.len(), 9);
    for (who, part, near) in [
        ("maintainers", "`maintainers` does not tell who", None),
        ("startr", "`startr`", Some("starter")),
        ("grup:ops", "`grup:` does not tell who", Some("group:ops")),
        ("team:ops", "`team:` does not tell who", None),
        ("'user:'", "which user", None),
        ("'user:ana b'", "no user has ` ` in its name", None),
        ("'role:a/b'", "no role has `/` in its name", None),
    ] {
        let found = checked(&gate(&format!("by: [{who}]")));
        assert_eq!(codes(&found), ["E0228"], "{who}\n{}", shown(&found));
        let one = &found.diagnostics[0];
        assert!(one.message.contains(part), "{}", shown(&found));
        assert_eq!(one.nearest.as_deref(), near);
        assert!(near.is_some() || one.help.is_some());
    }
    finds(&gate("by: [{ user: ana }]"), &[("E0203", 7, "whoever is meant is a text")]);
    finds(&gate("by: user:ana"), &[("E0203", 7, "`by` is a list")]);
    finds(&gate("by: []"), &[("E0214", 7, "`by` names nobody")]);
    good(&gate("not: []"));
    finds(&gate("by: [starter, starter]"), &[("E0219", 7, "named twice")]);
    finds(&gate("by: [role:a, starter], not: [starter]"), &[("E0219", 7, "in `by` and in `not`")]);
    finds(&gate("escalate: { after: 1d, to: [leads] }"), &[("E0228", 7, "`leads`")]);
    finds(&gate("by: [\"step:${{ run.id }}\"]"), &[("E0218", 7, "known before anything runs")]);
    finds(&gate("by: [\"team:${{ run.id }}\"]"), &[("E0228", 7, "`team:`")]);
}

#[test]
fn a_gate_can_be_decided_by_as_many_as_it_asks_for() {
    finds(&gate("by: [user:ana], quorum: 2"), &[("E0206", 7, "2 are to accept, and `by` names 1")]);
    good(&gate("by: [user:ana, starter], quorum: 2"));
    good(&gate("by: [user:ana], quorum: 2, escalate: { after: 1d, to: [user:bo] }"));
    good(&gate("by: [user:ana, group:ops], quorum: 9"));
    finds(&gate("quorum: 0"), &[("E0206", 7, "from 1 to")]);
    finds(&gate("rejects: 0"), &[("E0206", 7, "from 1 to")]);
    finds(&gate("quorum: some"), &[("E0203", 7, "`quorum` is a whole number")]);
}

#[test]
fn whoever_worked_on_a_step_is_known_where_the_step_can_be_read() {
    let text = |who: &str| {
        format!(
            "inputs: {{ deep: {{ type: boolean }} }}\nsteps:\n  - {{ id: told, ask: {{ questions: [] }} }}\n  - {{ id: maybe, if: inputs.deep, approve: {{}} }}\n  - id: inner\n    steps: [{{ id: deep, approve: {{}} }}]\n  - {{ id: build, run: ls }}\n  - id: ship\n    approve: {{ {who} }}\n  - {{ id: later, approve: {{}} }}\n"
        )
    };
    good(&text("by: [\"step:told\"], not: [\"step:inner\", \"step:maybe\"]"));
    good(&text("by: [\"step:maybe\", starter]"));
    finds(&text("by: [\"step:maybe\"]"), &[("E0311", 11, "`maybe` may not have run")]);
    finds(&text("not: [\"step:tld\"]"), &[("E0307", 11, "no step `tld`")]);
    assert_eq!(checked(&text("not: [\"step:tld\"]")).diagnostics[0].nearest.as_deref(), Some("step:told"));
    finds(&text("not: [\"step:\"]"), &[("E0307", 11, "no step ``")]);
    finds(&text("not: [\"step:build\"]"), &[("E0331", 11, "nobody works on `build`")]);
    finds(&text("not: [\"step:later\"]"), &[("E0308", 11, "`later` need not have run")]);
    finds(&text("not: [\"step:deep\"]"), &[("E0309", 11, "stands inside of `inner`")]);
    finds(&text("not: [\"step:ship\"]"), &[("E0310", 11, "`ship`")]);
    // Whoever made what is shown, as far as somebody may have.
    good(&text("show: [told, build], not: [authors, deciders]"));
    good(&text("show: { All: '${{ steps.inner.output }}' }, not: [authors]"));
    finds(
        &text("show: [build], not: [authors]"),
        &[("E0331", 11, "no person and no agent works on `build`")],
    );
    finds(&text("not: [authors]"), &[("E0331", 11, "no step is shown")]);
    finds(&text("by: [authors]"), &[("E0228", 11, "`authors` tells who may not")]);
    finds(&text("escalate: { after: 1d, to: [deciders] }"), &[("E0228", 11, "`deciders` tells who may not")]);
    finds(&text("not: [author]"), &[("E0228", 11, "`author` does not tell")]);
    assert_eq!(checked(&text("not: [author]")).diagnostics[0].nearest.as_deref(), Some("authors"));
    // In a machine another way may have been taken.
    let machine = |key: &str| {
        format!(
            "inputs: {{ deep: {{ type: boolean }} }}\nstates:\n  - id: a\n    approve: {{}}\n    next: [{{ when: inputs.deep, go: b }}, {{ go: c }}]\n  - {{ id: b, approve: {{}}, next: c }}\n  - {{ id: c, approve: {{ {key}: [\"step:a\", \"step:b\"] }}, next: end }}\n"
        )
    };
    good(&machine("not"));
    good(&machine("by"));
}

#[test]
fn rule_22_redo_names_a_step_of_the_own_block_that_the_gate_needs() {
    let ship = people(&gate("on_reject: { redo: write, max: 3 }"), "ship");
    assert!(
        matches!(ship.on_reject, OnReject::Redo { step: 0, max: Setting::Fixed(3) }),
        "{:?}",
        ship.on_reject
    );
    assert!(matches!(people(&gate("on_reject: continue"), "ship").on_reject, OnReject::Continue));
    let once = people(&gate("on_reject: { redo: write }"), "ship").on_reject;
    assert!(matches!(once, OnReject::Redo { max: Setting::Fixed(1), .. }), "{once:?}");
    // Through others, too.
    let through = "steps:\n  - { id: x, needs: [], noop: 1 }\n  - { id: a, needs: [], noop: 1 }\n  - { id: b, needs: [a], noop: 1 }\n  - { id: g, needs: [b], approve: { on_reject: { redo: a } } }\n";
    assert!(matches!(people(through, "g").on_reject, OnReject::Redo { step: 1, .. }));
    finds(&through.replace("redo: a", "redo: x"), &[("E0330", 7, "does not need `x`")]);
    let beside = checked(&through.replace("redo: a", "redo: x"));
    assert_eq!(beside.diagnostics[0].help.as_deref(), Some("add `x` to its `needs`"));
    finds(&gate("on_reject: { redo: ship }"), &[("E0330", 7, "asked again only together")]);
    finds(
        &format!("{}  - {{ id: after, noop: 1 }}\n", gate("on_reject: { redo: after }")),
        &[("E0330", 7, "`after` comes after this gate")],
    );
    finds(&gate("on_reject: { redo: wirte }"), &[("E0329", 7, "no step `wirte` in the block of this gate")]);
    assert_eq!(checked(&gate("on_reject: { redo: wirte }")).diagnostics[0].nearest.as_deref(), Some("write"));
    let inner = "steps:\n  - { id: out, noop: 1 }\n  - id: g\n    steps:\n      - { id: a, noop: 1 }\n      - { id: ship, approve: { on_reject: { redo: GOAL } } }\n";
    good(&inner.replace("GOAL", "a"));
    finds(&inner.replace("GOAL", "out"), &[("E0329", 8, "no step `out`")]);
    assert!(shown(&checked(&inner.replace("GOAL", "out"))).contains("`out` stands in another block"));
    finds(&gate("on_reject: again"), &[("E0204", 7, "`again`")]);
    finds(&gate("on_reject: { max: 2 }"), &[("E0202", 7, "`redo`")]);
    finds(&gate("on_reject: { redo: write, max: 0 }"), &[("E0206", 7, "from 1 to")]);
    finds(&gate("on_reject: { redo: \"${{ run.id }}\" }"), &[("E0218", 7, "no expression")]);
}

#[test]
fn rule_22_nothing_is_redone_in_states_and_from_gates_that_stand_alone() {
    let state = "states:\n  - { id: a, noop: 1, next: g }\n  - id: g\n    approve: { on_reject: { redo: a } }\n    next: end\n";
    finds(state, &[("E0209", 6, "no place in a state")]);
    assert!(shown(&checked(state)).contains("steps.g.output.decision == 'reject', go: a"));
    // The block of a gate in a group is the group's, also where that is a state.
    good(
        "states:\n  - id: s\n    steps: [{ id: a, noop: 1 }, { id: g, approve: { on_reject: { redo: a } } }]\n    next: end\n",
    );
    for each in ["foreach: { in: [1] }", "loop: { max: 2 }"] {
        let text = format!(
            "steps:\n  - {{ id: a, noop: 1 }}\n  - id: g\n    {each}\n    approve: {{ on_reject: {{ redo: a }} }}\n"
        );
        finds(&text, &[("E0209", 7, "stands alone in its block")]);
        good(&text.replace("{ redo: a }", "continue"));
    }
}

#[test]
fn rule_30_what_the_end_of_the_time_does_needs_a_time() {
    let with = |keys: &str| format!("{}    timeout: 7d\n", gate(keys));
    assert_eq!(people(&with("on_timeout: accept"), "ship").on_timeout, OnTimeout::Accept);
    assert_eq!(people(&with("on_timeout: reject"), "ship").on_timeout, OnTimeout::Reject);
    good(&gate("on_timeout: fail"));
    finds(&gate("on_timeout: accept"), &[("E0229", 7, "never ends")]);
    finds(&gate("on_timeout: acept"), &[("E0204", 7, "`acept`")]);
    finds(&with("remind: 7d"), &[("E0229", 7, "ends after")]);
    finds(&with("escalate: { after: 8d, to: [starter] }"), &[("E0229", 7, "ends after")]);
    good(&with("remind: 1d, escalate: { after: 3d, to: [starter] }"));
    finds(&gate("remind: 0s"), &[("E0206", 7, "more than nothing")]);
    finds(&gate("escalate: { after: 3d }"), &[("E0202", 7, "`to`")]);
    finds(&gate("escalate: 3d"), &[("E0203", 7, "`escalate` is a map")]);
    finds(&ask("questions: [], on_timeout: reject"), &[("E0201", 5, "`on_timeout`")]);
}

#[test]
fn rule_32_where_people_act_there_are_no_retries_and_nothing_is_undone() {
    for (key, value) in [("retry", "3"), ("undo", "{ run: ls }")] {
        for what in ["approve: {}", "ask: { questions: [] }"] {
            finds(
                &format!("steps:\n  - id: g\n    {what}\n    {key}: {value}\n"),
                &[("E0209", 6, "no place where people act")],
            );
        }
    }
    finds("steps:\n  - id: g\n    approve: {}\n    effect: once\n", &[("E0209", 6, "`effect`")]);
    // What the document says of all steps does not reach it.
    good("defaults: { retry: 3, timeout: 1m }\nsteps:\n  - { id: g, approve: { remind: 1h } }\n");
    for what in ["approve: {}", "ask: { questions: [] }"] {
        let end = format!("steps:\n  - {{ id: a, noop: 1 }}\nfinally:\n  - {{ id: g, {what} }}\n");
        finds(&end, &[("E0221", 6, "may not stand in `finally`")]);
        let undo = format!("steps:\n  - {{ id: a, run: ls, undo: {{ {what} }} }}\n");
        assert!(codes(&checked(&undo)).contains(&"E0209"), "{}", shown(&checked(&undo)));
        // They stand in groups, loops and foreach as any other step.
        good(&format!(
            "steps:\n  - id: g\n    foreach: {{ in: [1, 2] }}\n    steps: [{{ id: h, loop: {{ max: 2 }}, {what} }}]\n"
        ));
    }
}

#[test]
fn a_decision_is_read_by_its_keys() {
    let read = |keys: &str, expr: &str| {
        format!("{}  - {{ id: r, set: {{ v: \"${{{{ {expr} }}}}\" }} }}\n", gate(keys))
    };
    for expr in [
        "steps.ship.output.decision == 'accept'",
        "steps.ship.output.comment == null ? '' : steps.ship.output.comment",
        "steps.ship.output.by[0] + steps.ship.output.at",
    ] {
        good(&read("", expr));
    }
    finds(&read("", "steps.ship.output.decison"), &[("E0408", 8, "`decison`")]);
    finds(&read("", "steps.ship.output.form.risk"), &[("E0409", 8, "null")]);
    let form =
        "form: { type: object, properties: { risk: { enum: [low, high] } }, additionalProperties: false }";
    good(&read(form, "steps.ship.output.form.risk == 'low'"));
    finds(&read(form, "steps.ship.output.form.rsk"), &[("E0408", 8, "`rsk`")]);
}

#[test]
fn rule_23_feedback_is_in_reach() {
    good(
        "steps:\n  - { id: a, run: [echo, \"${{ feedback }}\"] }\n  - { id: b, if: feedback != null, noop: 1 }\n",
    );
    finds(
        "steps:\n  - { id: a, foreach: { in: [1], as: feedback }, noop: 1 }\n",
        &[("E0304", 4, "`feedback`")],
    );
}

#[test]
fn a_form_is_the_schema_of_a_map() {
    let text = "stead: 1\nname: p\nsteps:\n  - { id: a, ask: { form: forms/a.json } }\n  - { id: b, approve: { form: forms/b.json } }\n  - { id: c, set: { v: \"${{ steps.a.output.target }}\" } }\n";
    let a = "{\"type\": \"object\", \"required\": [\"target\"], \"properties\": {\"target\": {\"type\": \"string\"}}, \"additionalProperties\": false}";
    let b = "{\"type\": \"object\"}";
    let check = |a: &str, b: &str| {
        checked_files("p.yml", &[("p.yml", text), ("forms/a.json", a), ("forms/b.json", b)])
    };
    let found = check(a, b);
    let plan = found.plan.clone().unwrap_or_else(|| panic!("{}", shown(&found)));
    let Body::Action(action) = &plan.steps[0].body else { panic!() };
    let ActionKind::People(asked) = &action.kind else { panic!() };
    assert_eq!(asked.form.as_ref().unwrap()["required"], json!(["target"]));
    // The file belongs to the revision.
    assert_ne!(check(a, "{\"type\": \"object\", \"title\": \"B\"}").plan.unwrap().revision, plan.revision);
    assert_eq!(codes(&check(&a.replace("target", "goal"), b)), ["E0408"]);
    assert_eq!(codes(&check(a, "{\"type\": \"strin\"}")), ["E0212"]);
    assert_eq!(codes(&check(a, "true")), ["E0227"]);
    assert_eq!(codes(&checked_files("p.yml", &[("p.yml", text), ("forms/a.json", a)])), ["E0315"]);
    finds(&ask("form: { type: string }"), &[("E0227", 5, "what people fill in is a map")]);
    finds(&ask("form: { properties: {} }"), &[("E0227", 5, "what people fill in is a map")]);
    finds(&ask("form: { type: objct }"), &[("E0212", 5, "no JSON Schema")]);
    finds(&ask("form: { type: object }, questions: []"), &[("E0217", 5, "`questions` or `form`")]);
    finds(&ask(""), &[("E0217", 5, "asks nothing")]);
}

#[test]
fn questions_that_are_written_out_are_checked_one_by_one() {
    let one = |keys: &str| ask(&format!("questions: [{{ {keys} }}]"));
    let q = people(
        &one(
            "id: target, text: \"Where to, ${{ run.id }}?\", why_it_matters: 1.10, priority: should, choices: [1.10, yes], default: 1.10",
        ),
        "q",
    );
    let Some(Template::List(written)) = &q.questions else { panic!("{:?}", q.questions) };
    let Template::Map(keys) = &written[0] else { panic!() };
    let key = |name: &str| &keys.iter().find(|(key, _)| key == name).unwrap().1;
    assert_eq!(key("choices"), &Template::Literal(json!(["1.10", "yes"])));
    assert_eq!(key("default"), &fixed("1.10"));
    assert_eq!((key("answer_type"), key("required")), (&fixed("choice"), &Template::Literal(json!(false))));
    for (keys, code, part) in [
        ("text: a", "E0202", "`id`"),
        ("id: a", "E0202", "`text`"),
        ("id: A, text: a", "E0301", "`A`"),
        ("id: a, text: ''", "E0214", "`text` is empty"),
        ("id: a, text: a, priority: maybe", "E0204", "`maybe`"),
        ("id: a, text: a, answer_type: string", "E0204", "`string`"),
        ("id: a, text: a, required: 1", "E0203", "`required`"),
        ("id: a, text: a, answer_type: choice", "E0202", "needs `choices`"),
        ("id: a, text: a, answer_type: text, choices: [a]", "E0209", "nothing is chosen"),
        ("id: a, text: a, choices: []", "E0214", "nothing to choose from"),
        ("id: a, text: a, choices: [a, a]", "E0219", "twice"),
        ("id: a, text: a, choices: [a, b], default: c", "E0213", "does not answer `a`"),
        (
            "id: a, text: a, answer_type: choices, choices: [a, b], default: [a, c]",
            "E0213",
            "does not answer",
        ),
        ("id: a, text: a, answer_type: choices, choices: [a, b], default: a", "E0213", "does not answer"),
        ("id: a, text: a, answer_type: number, default: many", "E0213", "does not answer"),
        ("id: a, text: a, answer_type: date, default: 2026-02-30", "E0213", "does not answer"),
        ("id: a, text: a, blocking: true", "E0201", "`blocking`"),
        ("id: a, text: '${{ nothing }}'", "E0407", "`nothing`"),
    ] {
        finds(&one(keys), &[(code, 5, part)]);
    }
    for keys in [
        "id: a, text: a, answer_type: date, default: 2026-02-28",
        "id: a, text: a, answer_type: number, default: 0.5",
        "id: a, text: a, answer_type: boolean, default: true",
        "id: a, text: a, answer_type: choices, choices: [a, b], default: [b]",
        "id: a, text: a, choices: [a, \"${{ run.id }}\"], default: c",
        "id: a, text: a, default: \"${{ run.id }}\"",
    ] {
        good(&one(keys));
    }
    finds(&ask("questions: [{ id: a, text: a }, { id: a, text: b }]"), &[("E0219", 5, "two questions")]);
    finds(&ask("questions: all"), &[("E0203", 5, "`questions` is a list")]);
    finds(&ask("questions: { a: b }"), &[("E0203", 5, "`questions` is a list")]);
    finds(&ask("questions: \"${{ run.id }}\""), &[("E0411", 5, "a list is needed here")]);
}

#[test]
fn answers_are_read_by_the_ids_of_their_questions() {
    let read = |asked: &str, expr: &str| {
        format!("{}  - {{ id: r, set: {{ v: \"${{{{ {expr} }}}}\" }} }}\n", ask(asked))
    };
    let questions =
        "questions: [{ id: n, text: a, answer_type: number }, { id: c, text: a, choices: [x, y] }]";
    good(&read(questions, "steps.q.output.n + 1 > 2 && steps.q.output.c == 'x'"));
    finds(&read(questions, "steps.q.output.m"), &[("E0408", 6, "`m`")]);
    finds(&read(questions, "steps.q.output.n + 'x'"), &[("E0409", 6, "")]);
    // What an earlier step made is known when it is there.
    good(
        "steps:\n  - { id: a, run: ls, parse: json }\n  - { id: q, ask: { questions: \"${{ steps.a.output.questions }}\" } }\n  - { id: r, set: { v: \"${{ steps.q.output.anything }}\" } }\n",
    );
}

#[test]
fn questions_that_were_made_are_read_by_the_same_rules() {
    let made = questions::read(&json!([
        {"id": "TARGET", "text": "Where?", "choices": ["a", "b"], "blocking": true, "default": null},
        {"id": "n", "text": "How many?", "answer_type": "number", "priority": "could"},
        {"id": "tags", "text": "Which?", "answer_type": "choices", "choices": ["x", "y"], "default": ["y"]},
        {"id": "day", "text": "When?", "answer_type": "date", "required": false},
    ]))
    .unwrap();
    assert_eq!(
        (made[0].answer_type, made[0].priority, made[0].required),
        (AnswerType::Choice, Priority::Must, true)
    );
    assert!(!made[1].required);
    let schema = jsonschema::validator_for(&questions::answers(&made)).unwrap();
    assert!(schema.is_valid(&json!({"TARGET": "a", "tags": ["x"]})));
    for wrong in [
        json!({"tags": ["x"]}),
        json!({"TARGET": "c", "tags": ["x"]}),
        json!({"TARGET": "a", "tags": []}),
        json!({"TARGET": "a", "tags": ["x", "x"]}),
        json!({"TARGET": "a", "tags": ["x"], "n": "1"}),
        json!({"TARGET": "a", "tags": ["x"], "day": "tomorrow"}),
        json!({"TARGET": "a", "tags": ["x"], "more": 1}),
    ] {
        assert!(!schema.is_valid(&wrong), "{wrong}");
    }
    for (value, part) in [
        (json!(null), "no list"),
        (json!([1]), "question 1 is no map"),
        (json!([{"text": "a"}]), "question 1 has no `id`"),
        (json!([{"id": "a", "text": ""}]), "has no `text`"),
        (json!([{"id": "a", "text": 1}]), "`text` that is no text"),
        (json!([{"id": "a", "text": "a"}, {"id": "a", "text": "b"}]), "two questions have the id `a`"),
        (json!([{"id": "a", "text": "a", "priority": "high"}]), "none of must, should, could"),
        (json!([{"id": "a", "text": "a", "answer_type": "choice"}]), "nothing to choose from"),
        (json!([{"id": "a", "text": "a", "answer_type": "text", "choices": ["a"]}]), "another `answer_type`"),
        (json!([{"id": "a", "text": "a", "choices": ["a", "a"]}]), "the same choice twice"),
        (json!([{"id": "a", "text": "a", "choices": [1]}]), "no list of texts"),
        (json!([{"id": "a", "text": "a", "default": 1}]), "`default` that does not answer it"),
        (json!([{"id": "a", "text": "a", "required": 1}]), "neither true nor false"),
    ] {
        let why = questions::read(&value).unwrap_err();
        assert!(why.contains(part), "{value}: {why}");
    }
    // Those of a definition are among them, as they are written there.
    let written = people(
        &ask(
            "questions: [{ id: a, text: 5 }, { id: b, text: b, answer_type: choices, choices: [x], default: [x], required: false }]",
        ),
        "q",
    );
    let Some(Template::Literal(value)) = written.questions else { panic!() };
    let read = questions::read(&value).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), value);
    assert_eq!(serde_json::from_value::<Vec<questions::Question>>(value).unwrap(), read);
}

#[test]
fn p11_what_people_are_asked_is_bounded() {
    let bound = |code: &str, most: usize, text: &dyn Fn(usize) -> String| {
        good(&text(most));
        let found = checked(&text(most + 1));
        assert_eq!(codes(&found), [code], "{}", shown(&found));
    };
    bound("E0215", ASKED_BYTES, &|n| gate(&format!("title: {}", "x".repeat(n))));
    bound("E0215", SHOWN, &|n| {
        gate(&format!("show: {{ {} }}", (0..n).map(|n| format!("l{n}: 1, ")).collect::<String>()))
    });
    let who = |n: usize| (0..n).map(|n| format!("user:u{n}, ")).collect::<String>();
    for key in ["by", "not"] {
        bound("E0215", WHO, &|n| gate(&format!("{key}: [{}]", who(n))));
    }
    bound("E0215", WHO, &|n| gate(&format!("escalate: {{ after: 1d, to: [{}] }}", who(n))));
    bound("E0215", WHO_BYTES, &|n| gate(&format!("by: [\"user:{}\"]", "x".repeat(n))));
    for key in ["quorum", "rejects"] {
        bound("E0206", QUORUM as usize, &|n| gate(&format!("{key}: {n}")));
    }
    bound("E0206", REDOS as usize, &|n| gate(&format!("on_reject: {{ redo: write, max: {n} }}")));
    good(&gate(&format!("remind: {REMIND_MILLIS}ms")));
    finds(&gate(&format!("remind: {}ms", REMIND_MILLIS - 1)), &[("E0206", 7, "are reminded every")]);
    let questions = |n: usize| {
        ask(&format!(
            "questions: [{}]",
            (0..n).map(|n| format!("{{ id: q{n}, text: t }}, ")).collect::<String>()
        ))
    };
    bound("E0215", QUESTIONS, &questions);
    let one = |keys: &str| ask(&format!("questions: [{{ id: a, {keys} }}]"));
    bound("E0215", QUESTION_BYTES, &|n| one(&format!("text: {}", "x".repeat(n))));
    bound("E0215", QUESTION_BYTES, &|n| one(&format!("text: a, why_it_matters: {}", "x".repeat(n))));
    bound("E0215", QUESTION_BYTES, &|n| one(&format!("text: a, choices: [{}]", "x".repeat(n))));
    bound("E0215", CHOICES, &|n| {
        one(&format!("text: a, choices: [{}]", (0..n).map(|n| format!("c{n}, ")).collect::<String>()))
    });
    // Those that were made while the run went on likewise.
    let made = |n: usize| {
        let one = |n: usize| json!({"id": format!("q{n}"), "text": "t"});
        questions::read(&(0..n).map(one).collect::<Value>())
    };
    assert!(made(QUESTIONS).is_ok() && made(QUESTIONS + 1).is_err());
    let long = |n: usize| questions::read(&json!([{"id": "a", "text": "x".repeat(n)}]));
    assert!(long(QUESTION_BYTES).is_ok() && long(QUESTION_BYTES + 1).is_err());
    let choices = |n: usize| {
        let choices: Vec<String> = (0..n).map(|n| format!("c{n}")).collect();
        questions::read(&json!([{"id": "a", "text": "a", "choices": choices}]))
    };
    assert!(choices(CHOICES).is_ok() && choices(CHOICES + 1).is_err());
}

#[test]
fn a_picture_shows_gates_as_diamonds_that_lead_back() {
    let plan = good(&gate("on_reject: { redo: write }")).plan.unwrap();
    assert!(
        graph(&plan, Format::Text).contains("└─ ship  approve\n   → write  on reject\n"),
        "{}",
        graph(&plan, Format::Text)
    );
    let mermaid = graph(&plan, Format::Mermaid);
    assert!(
        mermaid.contains("ship{\"ship: approve\"}") && mermaid.contains("ship -.->|\"on reject\"| write"),
        "{mermaid}"
    );
    let dot = graph(&plan, Format::Dot);
    assert!(
        dot.contains("shape=diamond")
            && dot.contains("\"ship\" -> \"write\" [label=\"on reject\", style=dashed]"),
        "{dot}"
    );
    // Questions decide nothing.
    let asked = good(&ask("questions: []")).plan.unwrap();
    assert!(graph(&asked, Format::Mermaid).contains("q[\"q: ask\"]"));
}

#[test]
fn a_gate_lies_over_its_template() {
    let text = "templates:\n  asked: { approve: { by: [\"group:ops\"], remind: 1d }, timeout: 7d }\nsteps:\n  - { id: a, noop: 1 }\n  - { id: g, use: asked, approve: { title: Well?, on_reject: { redo: a }, on_timeout: accept } }\n";
    let g = people(text, "g");
    assert_eq!((texts(&g.by), &g.title), ("group:ops".to_owned(), &fixed("Well?")));
    assert!(matches!(
        (g.remind, g.on_reject),
        (Some(Setting::Fixed(86_400_000)), OnReject::Redo { step: 0, .. })
    ));
}

#[test]
fn p11_of_a_form_that_does_not_fit_so_much_is_told() {
    let form = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let most = stead_lang::limits::FORM_PROBLEMS;
    let filled: serde_json::Map<String, serde_json::Value> =
        (0..=most).map(|n| (format!("f{n}"), json!(n))).collect();
    let problems = stead_lang::inputs::misfits(&form, &filled.into());
    assert_eq!(problems.len(), most);
    assert!(problems[0].contains("at `f"), "{}", problems[0]);
    assert_eq!(stead_lang::inputs::misfits(&form, &json!({"a": "b"})), Vec::<String>::new());
}
