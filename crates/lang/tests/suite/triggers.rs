//! `triggers`: what starts runs, as it is written.

use serde_json::json;
use stead_lang::plan::{HookFormat, Missed, Overlap, TriggerOn};

use crate::common::{checked, codes, finds, good, shown};

const STEPS: &str = "steps:\n  - id: a\n    noop: {}\n";

#[test]
fn triggers_are_a_part_of_the_plan() {
    let found = good(&format!(
        "inputs: {{ day: {{ type: string }}, n: {{ type: integer, default: 1 }} }}
triggers:
  - {{ cron: \"*/5 9-17 * * 1-5\", tz: europe/berlin, overlap: cancel, missed: none, jitter: 2m, inputs: {{ day: soon, n: 2 }} }}
  - {{ cron: \"@daily\", inputs: {{ day: \"${{{{ event.local }}}}\" }} }}
  - {{ webhook: deploy, secret: HOOK, inputs: {{ day: \"${{{{ event.body.day }}}}\" }} }}
{STEPS}"
    ));
    let plan = found.plan.unwrap();
    let names: Vec<String> = plan.triggers.iter().zip(0..).map(|(t, at)| t.called(&plan.name, at)).collect();
    assert_eq!(names, ["example", "example-2", "deploy"]);
    let first = TriggerOn::Time {
        cron: "*/5 9-17 * * 1-5".into(),
        zone: "Europe/Berlin".into(),
        overlap: Overlap::Cancel,
        missed: Missed::None,
        jitter: 120_000,
    };
    assert_eq!(plan.triggers[0].on, first);
    struct Nothing;
    impl<'a> stead_lang::expr::Env<'a> for Nothing {
        fn var(&self, _: &str) -> Result<Option<stead_lang::expr::Val<'a>>, stead_lang::expr::EvalError> {
            Ok(None)
        }
    }
    // What is written for a text stays what was written.
    assert_eq!(plan.triggers[0].inputs.render(&Nothing).unwrap(), json!({"day": "soon", "n": 2}));
    let TriggerOn::Hook { secret, format, .. } = &plan.triggers[2].on else { panic!("no webhook") };
    assert_eq!((secret.as_str(), *format), ("HOOK", HookFormat::Standard));
}

#[test]
fn all_that_is_wrong_with_triggers_is_told_at_once() {
    let text = "inputs: { day: { type: string }, n: { type: integer, default: 1 } }
triggers:
  - { cron: \"0 25 * * *\", tz: Europe/Berln, inputs: { day: x } }
  - { cron: \"@daily\", secret: HOOK, inputs: { day: \"${{ inputs.day }}\", n: many, dya: 1 } }
  - { webhook: Deploy, overlap: skip, inputs: { day: \"${{ event.body }}\" } }
  - { cron: \"@daily\", webhook: x, secret: X, inputs: { day: x } }
  - { cron: \"@daily\", name: example-2, missed: some, jitter: 2d }
  - { overlap: queue, inputs: { day: x } }
steps:
  - id: a
    run: [echo, \"${{ event.time }}\"]
";
    let found = checked(text);
    let told: Vec<(u32, &str)> =
        found.diagnostics.iter().map(|d| (d.span.line - 2, d.code.as_str())).collect();
    let wanted = [
        (3, "E0230"),
        (3, "E0231"),
        (4, "E0209"),
        (4, "E0312"),
        (4, "E0232"),
        (4, "E0232"),
        (5, "E0301"),
        (5, "E0209"),
        (6, "E0217"),
        (7, "E0232"),
        (7, "E0204"),
        (7, "E0206"),
        (8, "E0217"),
        (11, "E0312"),
    ];
    assert_eq!(told, wanted, "{}", shown(&found));
    let told = shown(&found);
    for part in ["`25` in the hours", "Europe/Berlin", "nothing in a trigger", "`day`", "nobody is there"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn an_event_has_what_its_trigger_gives() {
    for (trigger, field) in [("cron: \"@daily\"", "body"), ("webhook: x, secret: X", "local")] {
        let text = format!(
            "inputs: {{ i: {{ type: string }} }}\ntriggers:\n  - {{ {trigger}, inputs: {{ i: \"${{{{ event.{field} }}}}\" }} }}\n{STEPS}"
        );
        let found = checked(&text);
        assert_eq!(codes(&found).len(), 1, "{text}{}", shown(&found));
        assert!(shown(&found).contains(field), "{}", shown(&found));
    }
}

#[test]
fn p11_triggers_are_bounded() {
    let many = |count: usize| {
        let one = |n| format!("  - {{ cron: \"@daily\", name: t{n} }}\n");
        format!("triggers:\n{}{STEPS}", (0..count).map(one).collect::<String>())
    };
    good(&many(stead_lang::limits::TRIGGERS));
    finds(&many(stead_lang::limits::TRIGGERS + 1), &[("E0215", 3, "21 triggers")]);
    let spread = |time: &str| format!("triggers:\n  - {{ cron: \"@daily\", jitter: {time} }}\n{STEPS}");
    good(&spread("24h"));
    finds(&spread("25h"), &[("E0206", 4, "a day at most")]);
}
