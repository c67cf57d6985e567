//! Rule 43: budgets of attempts.

use stead_lang::limits::BUDGET;
use stead_lang::plan::{ActionKind, Body, Setting};

use crate::common::{checked, codes, finds, good, shown};

fn text(head: &str, step: &str) -> String {
    format!("{head}steps:\n  - id: a\n    {step}\n    noop: 1\n")
}

#[test]
fn rule_43_a_document_and_each_step_may_have_one() {
    let plan = good(&text("budget: { attempts: 200 }\n", "budget: { attempts: 3 }")).plan.unwrap();
    assert!(matches!(plan.budget, Some(Setting::Fixed(200))));
    assert!(matches!(plan.steps[0].budget, Some(Setting::Fixed(3))));
    good("steps:\n  - id: g\n    budget: { attempts: 3 }\n    steps: [{ id: a, noop: 1 }]\n");
    let inputs = "inputs: { n: { type: integer } }\nbudget: { attempts: '${{ inputs.n }}' }\n";
    let plan = good(&text(inputs, "budget: { attempts: '${{ inputs.n + 1 }}' }")).plan.unwrap();
    assert!(matches!(
        (&plan.budget, &plan.steps[0].budget),
        (Some(Setting::Computed(_)), Some(Setting::Computed(_)))
    ));
    // The head sees no step.
    assert_eq!(
        codes(&checked(&text("budget: { attempts: '${{ steps.a.attempts }}' }\n", "if: 'true'"))).len(),
        1
    );
}

#[test]
fn rule_43_what_needs_agents_is_refused_by_name() {
    for key in ["usd: 5", "tokens: 400000", "turns: 3"] {
        let found = checked(&text(&format!("budget: {{ attempts: 2, {key} }}\n"), "name: a"));
        assert_eq!(codes(&found), ["E0501"], "{}", shown(&found));
    }
}

#[test]
fn a_budget_limits_something() {
    finds(&text("budget: {}\n", "name: a"), &[("E0214", 3, "limits nothing")]);
    finds(&text("", "budget: 3"), &[("E0203", 5, "`budget` is a map")]);
    finds(&text("", "budget: { attempts: many }"), &[("E0203", 5, "a whole number")]);
    finds(&text("", "budget: { tries: 3 }"), &[("E0201", 5, "`tries`")]);
}

#[test]
fn p11_attempts_of_a_budget_are_bounded() {
    let budget = |n: u32| text("", &format!("budget: {{ attempts: {n} }}"));
    good(&budget(BUDGET));
    for n in [0, BUDGET + 1] {
        finds(&budget(n), &[("E0206", 5, "from 1 to 1000000")]);
    }
}

#[test]
fn a_child_says_what_it_needs_at_most() {
    let text = |budget: &str| {
        format!(
            "steps:\n  - id: c\n    workflow:\n      inline:\n        stead: 1\n        name: kid\n{budget}        steps: [{{ id: k, noop: 1 }}]\n"
        )
    };
    let child = |budget: &str| match &good(&text(budget)).plan.unwrap().steps[0].body {
        Body::Action(action) => match &action.kind {
            ActionKind::Workflow(child) => child.budget,
            other => panic!("{other:?}"),
        },
        Body::Block(_) => panic!("a group"),
    };
    assert_eq!(child(""), None);
    assert_eq!(child("        budget: { attempts: 4 }\n"), Some(4));
    assert_eq!(child("        budget: { attempts: '${{ 2 + 2 }}' }\n"), None);
}
