//! Where runs are stopped.

use std::sync::Arc;

use serde_json::{Value, json};
use stead_lang::Bundle;
use stead_lang::plan::Plan;

/// A run, and where it is stopped.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    text: &'static str,
    pub(crate) inputs: fn() -> Value,
    /// Steps of the driver behind which it is stopped; 0: when nothing follows at once.
    pub(crate) leave: u32,
    /// Whether another run is started with it.
    pub(crate) beside: bool,
    /// What is told to it before it is stopped, and when it goes on.
    pub(crate) before: fn() -> Vec<Value>,
    pub(crate) then: fn() -> Vec<Value>,
    /// What it gives in the end.
    pub(crate) outputs: fn() -> Value,
}

fn nothing() -> Vec<Value> {
    Vec::new()
}

const CASE: Case = Case {
    name: "",
    what: "",
    text: "",
    inputs: || json!({}),
    leave: 0,
    beside: false,
    before: nothing,
    then: nothing,
    outputs: || Value::Null,
};

/// All of them. In the one store, crashes and time are those of all that stand above. A step whose value says `hold` does not end before the run is stopped; one that says `fails` fails so
/// many times until then.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "parked",
        what: "a step that must happen once was lost, and somebody has to say what became of it",
        text: "
steps:
  - { id: charge, effect: once, noop: { hold: 7 } }
  - { id: b, noop: '${{ steps.charge.output.paid }}' }
outputs: { paid: '${{ steps.b.output }}' }
",
        before: || vec![json!({ "crash": true })],
        then: || vec![json!({ "settle": "charge", "done": { "paid": 7 } })],
        outputs: || json!({ "paid": 7 }),
        ..CASE
    },
    Case {
        name: "paused",
        what: "paused, with a wait that is over and a signal that came meanwhile",
        text: "
steps:
  - { id: nap, needs: [], wait: { for: 10m } }
  - { id: word, needs: [], wait: { signal: word } }
  - { id: b, needs: [nap, word], noop: '${{ steps.word.output }}' }
outputs: { b: '${{ steps.b.output }}' }
",
        before: || {
            vec![
                json!({ "pause": true }),
                json!({ "signal": "word", "data": "hello" }),
                json!({ "after": 660_000 }),
            ]
        },
        then: || vec![json!({ "resume": true })],
        outputs: || json!({ "b": "hello" }),
        ..CASE
    },
    Case {
        name: "chain",
        what: "one step done, one under way, one to come",
        text: "
inputs: { n: { type: integer } }
vars: { twice: '${{ inputs.n * 2 }}' }
steps:
  - { id: a, noop: '${{ vars.twice }}' }
  - { id: b, noop: { hold: '${{ steps.a.output }}' }, timeout: 1h }
  - { id: c, set: { sum: '${{ steps.a.output + steps.b.output.hold }}' } }
outputs: { sum: '${{ steps.c.output.sum }}' }
",
        inputs: || json!({ "n": 21 }),
        outputs: || json!({ "sum": 84 }),
        ..CASE
    },
    Case {
        name: "retry",
        what: "a failed try, the next one in an hour",
        text: "
steps:
  - id: a
    noop: { fails: 1, v: 5 }
    retry: { attempts: 3, wait: 1h, max_wait: 2h, jitter: 0.5 }
  - { id: b, noop: '${{ steps.a.output.v + steps.a.attempts }}' }
outputs: { v: '${{ steps.b.output }}' }
",
        outputs: || json!({ "v": 7 }),
        ..CASE
    },
    Case {
        name: "foreach",
        what: "items of a map: some done, some under way, some to come",
        text: "
steps:
  - id: all
    foreach: { in: { a: 1, b: 2, c: 3, d: 4 }, parallel: 2, as: it }
    steps:
      - { id: x, noop: '${{ it }}' }
      - { id: y, if: it > 1, noop: { hold: '${{ steps.x.output * 10 }}' } }
    outputs: { key: '${{ key }}', y: '${{ steps.y.?output.?hold.orValue(0) }}' }
outputs: { all: '${{ steps.all.output }}' }
",
        outputs: || {
            json!({ "all": {
                "a": { "key": "a", "y": 0 }, "b": { "key": "b", "y": 20 },
                "c": { "key": "c", "y": 30 }, "d": { "key": "d", "y": 40 },
            } })
        },
        ..CASE
    },
    Case {
        name: "loop",
        what: "the second iteration, which reads the first",
        text: "
steps:
  - id: again
    loop: { max: 9, until: steps.count.output.n >= 4 }
    steps:
      - { id: count, set: { n: '${{ iteration == 1 ? 1 : previous.count.output.n + 1 }}' } }
      - { id: think, if: iteration > 1, noop: { hold: '${{ previous.count.output.n }}' } }
outputs: { n: '${{ steps.again.output.count.n }}', thought: '${{ steps.again.output.think.hold }}' }
",
        outputs: || json!({ "n": 4, "thought": 3 }),
        ..CASE
    },
    Case {
        name: "machine",
        what: "the second visit of a state, one way of it used up",
        text: "
states:
  - id: draft
    noop: { v: '${{ iteration }}' }
    next: review
  - id: review
    noop: '${{ iteration == 1 ? json(\"{}\") : {\"hold\": true} }}'
    next:
      - { go: draft, max: 1 }
      - { when: iteration > 5, go: fail }
      - { go: end }
outputs: { v: '${{ steps.draft.output.v }}', visits: '${{ size(steps.review.instances) }}' }
",
        outputs: || json!({ "v": 2, "visits": 2 }),
        ..CASE
    },
    Case {
        name: "join",
        what: "one part done of the two that must, the others under way",
        text: "
steps:
  - id: g
    join: 2
    steps:
      - { id: quick, needs: [], noop: 1 }
      - { id: slow, needs: [], noop: { hold: 2 } }
      - { id: slower, needs: [], wait: { for: 36h } }
    outputs: { quick: '${{ steps.quick.?output.orValue(0) }}', slow: '${{ steps.slow.?output.?hold.orValue(0) }}' }
",
        outputs: || json!({ "g": { "quick": 1, "slow": 2 } }),
        ..CASE
    },
    Case {
        name: "undo",
        what: "the run has failed, and its second undo is under way",
        text: "
steps:
  - { id: a, noop: 1, undo: { run: [take-back, '${{ steps.a.output }}'] } }
  - { id: b, set: { v: 2 }, undo: { run: [hold, '${{ steps.b.output.v }}'], retry: 2 } }
  - { id: c, noop: 3, undo: { run: [take-back, c] } }
  - { id: d, fail: { message: no more, outcome: rejected } }
",
        outputs: || Value::Null,
        ..CASE
    },
    Case {
        name: "finally",
        what: "a group has failed, and its finally is under way",
        text: "
steps:
  - id: g
    on_error: continue
    steps:
      - { id: a, fail: no more }
    finally:
      - { id: tidy, noop: { hold: '${{ ended.error.message }}' } }
  - { id: b, noop: '${{ steps.g.error.kind }}' }
outputs: { kind: '${{ steps.b.output }}' }
",
        outputs: || json!({ "kind": "fail" }),
        ..CASE
    },
    Case {
        name: "waits",
        what: "waits for a time and for two signals, one of which came early, one for another",
        text: "
steps:
  - { id: until, needs: [], wait: { at: '2026-01-02T00:00:00Z' } }
  - { id: asked, needs: [], wait: { signal: yes }, timeout: 9d }
  - { id: early, needs: [asked], wait: { signal: early } }
  - { id: b, needs: [until, early], noop: ['${{ steps.asked.output }}', '${{ steps.early.output.n }}'] }
outputs: { b: '${{ steps.b.output }}' }
",
        before: || {
            vec![json!({ "signal": "early", "data": { "n": 3 } }), json!({ "signal": "nobody", "data": null })]
        },
        then: || vec![json!({ "signal": "yes", "data": 4 })],
        outputs: || json!({ "b": [4, 3] }),
        ..CASE
    },
    Case {
        name: "child",
        what: "a child run under way, in its second step",
        text: "
steps:
  - id: c
    workflow:
      inline:
        stead: 1
        name: kid
        inputs: { n: { type: integer } }
        steps:
          - { id: x, noop: '${{ inputs.n }}' }
          - { id: y, noop: { hold: '${{ steps.x.output + 1 }}' } }
        outputs: { y: '${{ steps.y.output.hold }}' }
      inputs: { n: 4 }
  - { id: b, noop: '${{ steps.c.output.y }}' }
outputs: { b: '${{ steps.b.output }}' }
",
        outputs: || json!({ "b": 5 }),
        ..CASE
    },
    Case {
        name: "messages",
        what: "a child run is asked for, and does not know of it yet",
        text: "
steps:
  - { id: a, wait: { for: 1ms }, needs: [] }
  - id: c
    needs: []
    workflow: { inline: { stead: 1, name: kid, steps: [{ id: x, noop: 6 }], outputs: { x: '${{ steps.x.output }}' } } }
outputs: { x: '${{ steps.c.output.x }}' }
",
        leave: 1,
        outputs: || json!({ "x": 6 }),
        ..CASE
    },
    Case {
        name: "budget",
        what: "a part of a budget is used, a part set aside for a child run",
        text: "
budget: { attempts: 9 }
steps:
  - { id: a, noop: 1 }
  - id: g
    budget: { attempts: 5 }
    steps:
      - { id: x, needs: [], noop: 2 }
      - id: c
        needs: []
        workflow: { inline: { stead: 1, name: kid, steps: [{ id: i, foreach: { in: [1, 2] }, noop: { hold: '${{ item }}' } }] } }
  - { id: rest, loop: { max: 4 }, noop: '${{ iteration }}' }
outputs: { rest: '${{ steps.rest.output }}' }
",
        outputs: || json!({ "rest": 4 }),
        ..CASE
    },
    Case {
        name: "places",
        what: "another run has the place that it waits for",
        text: "
concurrency: { key: ours }
steps:
  - { id: a, noop: { hold: 1 } }
outputs: { a: '${{ steps.a.output.hold }}' }
",
        beside: true,
        outputs: || json!({ "a": 1 }),
        ..CASE
    },
    Case {
        name: "retried",
        what: "had failed, was undone, and goes on again",
        text: "
steps:
  - { id: kept, noop: 1 }
  - { id: a, noop: 2, undo: { run: [take-back] } }
  - { id: b, noop: { fails: 1, hold: 3 } }
outputs: { sum: '${{ steps.kept.output + steps.a.output + steps.b.output.hold }}' }
",
        before: || vec![json!({ "release": "b" }), json!({ "retry": true })],
        outputs: || json!({ "sum": 6 }),
        ..CASE
    },
];

impl Case {
    fn checked(&self) -> (Bundle, stead_lang::Checked) {
        let text = format!("stead: 1\nname: kept-{}\n{}", self.name, self.text.trim_start());
        let bundle = Bundle::single("kept.yml", text);
        let checked = stead_lang::check(&bundle);
        (bundle, checked)
    }

    /// The plan, and what a store keeps of the definition and of its children.
    pub(crate) fn ready(&self) -> (Arc<Plan>, Vec<(String, Vec<u8>)>) {
        let (bundle, checked) = self.checked();
        let plan = checked.plan.unwrap_or_else(|| panic!("{}: {:#?}", self.name, checked.diagnostics));
        let all = checked.children.iter().chain([(&plan.revision, &bundle)]);
        let all =
            all.map(|(revision, bundle)| (revision.clone(), serde_json::to_vec(bundle).unwrap())).collect();
        (plan, all)
    }

    /// Revisions of its children.
    pub(crate) fn children(&self) -> Vec<String> {
        self.checked().1.children.into_keys().collect()
    }
}
