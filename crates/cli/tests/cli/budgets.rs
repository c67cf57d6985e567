//! Budgets, as they are shown.

use crate::project::Project;

#[test]
fn a_budget_that_is_used_up_is_named_and_shown() {
    let project = Project::new().workflow(
        "spend",
        "budget: { attempts: 3 }\nsteps:\n  - { id: g, budget: { attempts: 2 }, on_error: continue, loop: { max: 9 }, run: 'true' }\n  - { id: l, on_error: continue, loop: { max: 9 }, run: 'true' }\n",
    );
    let got = project.stead("run spend.yml").is(1);
    for line in [
        "stopping   g  the budget of `g` is used up: 2 attempts",
        "the budget of the run is used up: 3 attempts",
        "failed     run",
        "failed (exhausted)",
    ] {
        assert!(got.err.contains(line), "no `{line}` in {got:#?}");
    }
    let got = project.stead("status spend").is(0);
    assert!(got.out.contains("2 of 2 attempts") && got.out.contains("budget  3 of 3 attempts"), "{got:#?}");
    assert!(got.out.contains("failed (exhausted)"), "{got:#?}");
    let view = project.stead("status spend --json").is(0).json();
    assert_eq!(view["budget"], serde_json::json!({"attempts": 3, "used": 3}));
    assert_eq!(view["error"]["kind"], "budget");
    project.stead("runs --outcome exhausted").is(0).answers("spend");
}
