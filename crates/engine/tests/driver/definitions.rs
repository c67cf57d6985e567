//! Definitions that go through all that the driver does.
//!
//! A `noop` gives its value back, unless the value says otherwise: `fail` always fails, `fail_first: N` fails
//! the first N times, `hang` does nothing until it is told to end.

/// A definition, and what is done to its run besides.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) body: &'static str,
    /// Cancel the run once so many of its attempts hang; 0: never.
    pub(crate) cancel_at: usize,
}

const fn case(name: &'static str, body: &'static str) -> Case {
    Case { name, body, cancel_at: 0 }
}

/// Waits between all that is done, and something that is lost with every engine.
pub(crate) static WAITS: Case = case(
    "waits",
    r"
steps:
  - { id: beside, on_error: continue, timeout: 100h, noop: { hang: 1 } }
  - { id: a, needs: [], noop: 1 }
  - { id: w, needs: [a], wait: { for: 1h } }
  - { id: each, needs: [w], foreach: { in: '${{ [1, 2, 3] }}', parallel: 3 }, noop: '${{ item }}' }
  - { id: v, needs: [each], wait: { for: 1h } }
  - id: l
    needs: [v]
    loop: { max: 3 }
    steps:
      - { id: n, effect: once, noop: '${{ iteration }}' }
      - { id: pause, wait: { for: 1h } }
  - id: c
    needs: [l]
    workflow:
      inline: { stead: 1, name: kid, steps: [ { id: k, noop: 5 }, { id: p, wait: { for: 1h } }, { id: z, noop: '${{ steps.k.output }}' } ] }
outputs: { all: '${{ sum(steps.each.output) }}', kid: '${{ steps.c.output.z }}' }
",
);

pub(crate) const CASES: &[Case] = &[
    case(
        "sequence",
        r"
steps:
  - { id: a, noop: 1 }
  - { id: b, set: { v: '${{ steps.a.output + 1 }}' } }
  - { id: c, if: steps.b.output.v == 3, noop: never }
  - { id: d, noop: '${{ steps.b.output.v + 1 }}' }
outputs: { d: '${{ steps.d.output }}' }
",
    ),
    case(
        "loop",
        r"
steps:
  - id: l
    loop: { max: 9, until: steps.n.output >= 4 }
    steps:
      - { id: n, noop: '${{ iteration == 1 ? 1 : previous.n.output + 1 }}' }
      - { id: s, set: { v: '${{ steps.n.output * 10 }}' } }
    outputs: { v: '${{ steps.s.output.v }}' }
outputs: { v: '${{ steps.l.output.v }}' }
",
    ),
    case(
        "foreach",
        r#"
steps:
  - id: each
    foreach: { in: "${{ ['a', 'b', 'c', 'd', 'e'] }}", key: '${{ item }}', parallel: 2 }
    steps:
      - { id: one, noop: '${{ item }}' }
      - { id: two, noop: "${{ steps.one.output + '!' }}" }
  - { id: none, needs: [], foreach: { in: '${{ [] }}' }, noop: never }
  - id: wide
    needs: []
    foreach: { in: '${{ [1, 2, 3, 4] }}', parallel: 4 }
    noop: '${{ item * item }}'
outputs: { all: '${{ steps.each.output.map(o, o.two) }}', wide: '${{ sum(steps.wide.output) }}' }
"#,
    ),
    case(
        "children",
        r"
steps:
  - id: each
    foreach: { in: '${{ [1, 2, 3] }}', parallel: 2 }
    workflow:
      inline:
        stead: 1
        name: double
        inputs: { n: { type: integer } }
        steps: [ { id: d, noop: '${{ inputs.n * 2 }}' }, { id: w, wait: { for: 1s } } ]
        outputs: { n: '${{ steps.d.output }}' }
      inputs: { n: '${{ item }}' }
  - id: bad
    on_error: continue
    retry: { attempts: 2, wait: 1s }
    workflow: { inline: { stead: 1, name: bad, steps: [ { id: b, noop: { fail: broken } } ] } }
  - id: quiet
    workflow: { inline: { stead: 1, name: quiet, steps: [ { id: s, set: { v: 1 } } ] } }
outputs: { n: '${{ steps.each.output.map(o, o.n) }}', quiet: '${{ steps.quiet.output.s.v }}' }
",
    ),
    case(
        "gates",
        r"
steps:
  - { id: draft, noop: '${{ [1, feedback] }}' }
  - id: ship
    approve: { title: Ship it?, show: [draft], on_timeout: accept, remind: 2m, escalate: { after: 3m, to: ['group:leads'] } }
    timeout: 5m
  - id: kid
    workflow: { inline: { stead: 1, name: asks, steps: [ { id: ask, approve: { title: Sure?, on_timeout: reject, on_reject: continue }, timeout: 1m } ], outputs: { said: '${{ steps.ask.output.decision }}' } } }
  - { id: late, on_error: continue, deadline: 1m, approve: { title: Never } }
  - { id: after, noop: '${{ steps.ship.output.by }}' }
outputs: { by: '${{ steps.after.output }}', said: '${{ steps.kid.output.said }}', late: '${{ steps.late.error.kind }}' }
",
    ),
    case(
        "time",
        r"
steps:
  - { id: w, wait: { for: 5m } }
  - { id: slow, on_error: continue, timeout: 10s, retry: { attempts: 2, wait: 1s }, noop: { hang: 1 } }
  - id: g
    deadline: 30s
    on_error: continue
    steps:
      - { id: stuck, noop: { hang: 1 } }
      - { id: late, needs: [], wait: { for: 1h } }
outputs: { slow: '${{ steps.slow.error.kind }}', g: '${{ steps.g.error.kind }}' }
",
    ),
    case(
        "retry",
        r"
steps:
  - { id: r, retry: { attempts: 4, wait: 1s, factor: 2, jitter: 0.2 }, noop: { fail_first: 2, v: 7 } }
  - { id: bad, on_error: continue, retry: 2, noop: { fail: broken } }
  - { id: after, noop: '${{ steps.bad.error.message }}' }
outputs: { r: '${{ steps.r.output.v }}', after: '${{ steps.after.output }}' }
",
    ),
    case(
        "once",
        r"
steps:
  - { id: o, effect: once, noop: 5 }
  - { id: p, effect: once, needs: [], noop: 6 }
  - { id: n, effect: none, noop: '${{ steps.o.output + steps.p.output }}' }
outputs: { n: '${{ steps.n.output }}' }
",
    ),
    case(
        "large",
        r"
steps:
  - { id: list, foreach: { in: '${{ [1, 2, 3, 4, 5, 6, 7, 8] }}' }, set: { text: abcdefghijklmnopqrstuvwxyz } }
  - id: big
    set:
      rows: '${{ steps.list.output.map(a, steps.list.output.map(b, steps.list.output.map(c, a.text + b.text + c.text))) }}'
  - { id: through, noop: '${{ steps.big.output.rows }}' }
  - { id: n, noop: '${{ steps.through.output.map(a, size(a)) }}' }
outputs: { rows: '${{ steps.through.output }}', n: '${{ sum(steps.n.output) }}' }
",
    ),
    case(
        "long",
        r"
steps:
  - { id: many, loop: { max: 700 }, set: { n: '${{ iteration }}' } }
  - { id: some, foreach: { in: '${{ [1, 2, 3] }}', parallel: 3 }, noop: '${{ item }}' }
  - { id: more, loop: { max: 600 }, set: { n: '${{ iteration + steps.many.output.n }}' } }
  - { id: w, wait: { for: 1s } }
  - { id: last, noop: '${{ steps.more.output.n }}' }
outputs: { n: '${{ steps.last.output }}' }
",
    ),
    case(
        "stop",
        r"
steps:
  - id: each
    foreach: { in: '${{ [1, 2, 3] }}', parallel: 3 }
    noop: { hang: '${{ item }}' }
  - { id: bad, needs: [], wait: { for: 1s } }
  - { id: fails, needs: [bad], noop: { fail: broken } }
",
    ),
    Case {
        name: "cancel",
        body: r"
steps:
  - { id: h, noop: { hang: 1 } }
  - id: c
    needs: []
    workflow: { inline: { stead: 1, name: kid, steps: [ { id: k, noop: { hang: 1 } } ] } }
  - { id: w, needs: [], wait: { for: 1h } }
",
        cancel_at: 2,
    },
];
