//! How long the check takes over usual, large and hostile definitions, and an expression: workloads L1, L2, M1 and M2
//! of docs/benchmarks.md.
//!
//! `cargo xtask bench` builds and runs this and makes the table. One line of JSON per cell:
//! `{"name", "value", "unit", "detail"}`.
#![expect(clippy::print_stdout, reason = "a measuring tool: it prints")]

use std::time::Duration;

use serde_json::json;
use stead_lang::expr::{Env, EvalError, Val};
use stead_lang::template::Template;
use stead_lang::{Bundle, check, limits};

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w.eq_ignore_ascii_case(name));
    if wants("m") {
        small();
    }
    if wants("l1") {
        let shapes: [(&str, Shape); 5] = [
            ("in groups, with needs, expressions and machines", mixed),
            ("in one list, each reading the one above", list),
            ("in one list, each needing three others", graph),
            ("as states of one machine", machine),
            ("taken from a template", templates),
        ];
        for (name, make) in shapes {
            measure(&format!("L1 5000 steps {name}"), &make(5_000), true);
        }
    }
    if wants("l2") {
        for (name, text) in hostile() {
            measure(&format!("L2 {name}"), &text, false);
        }
    }
}

/// Values that an expression reads.
struct Roots<'a>(&'a serde_json::Value);

impl<'a> Env<'a> for Roots<'a> {
    fn var(&self, name: &str) -> Result<Option<Val<'a>>, EvalError> {
        Ok(self.0.get(name).map(Val::from_json))
    }
}

/// What one of so many costs, the best of five rounds.
fn each(name: &str, count: u32, detail: &str, mut one: impl FnMut()) {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = on_cpu();
        (0..count).for_each(|_| one());
        best = best.min(on_cpu() - start);
    }
    let micros = best.as_secs_f64() * 1e6 / f64::from(count);
    println!("{}", json!({"name": name, "value": micros, "unit": "us", "detail": detail}));
}

/// Small things that are done often.
fn small() {
    let roots = json!({
        "inputs": {"names": ["ada", "ben", "cyn"], "n": 3},
        "steps": {"a": {"output": {"done": true, "score": 17, "text": "x".repeat(10_000)}}},
    });
    for source in [
        "steps.a.output.score > 10 && inputs.n < 5",
        "inputs.names.filter(name, name.startsWith('b')).map(name, name + '!').join(', ')",
    ] {
        let text = format!("${{{{ {source} }}}}");
        let Ok(template) = Template::parse(&text) else { continue };
        let evaluate = || {
            std::hint::black_box(template.render(&Roots(&roots)).is_ok());
        };
        each(&format!("M1 expression `{source}`"), 20_000, "evaluated over values of 10 KiB", evaluate);
    }
    let body: String = (0..20)
        .map(|n| {
            format!("  - {{ id: s{n}, run: [./do.sh, \"${{{{ inputs.names[{}] }}}}\"], retry: 3 }}\n", n % 3)
        })
        .collect();
    let text = format!("stead: 1\nname: usual\ninputs: {{ names: {{ type: array }} }}\nsteps:\n{body}");
    let bundle = Bundle::single("usual.yml", text);
    assert!(check(&bundle).plan.is_some());
    each("M2 check of a definition of 20 steps", 200, "text to plan", || {
        std::hint::black_box(check(&bundle).plan.is_some());
    });
}

/// How long this process has been on a CPU: the check waits for nothing, and machines are shared.
fn on_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or_default())
}

/// Makes a definition of so many steps.
type Shape = fn(usize) -> String;

/// The quickest of some checks: what else runs on the machine only makes them slower.
fn measure(name: &str, body: &str, good: bool) {
    let bundle = Bundle::single("large.yml", format!("stead: 1\nname: large\n{body}"));
    let mut best = Duration::MAX;
    let mut found = String::new();
    for _ in 0..5 {
        let start = on_cpu();
        let checked = check(&bundle);
        best = best.min(on_cpu() - start);
        assert_eq!(checked.plan.is_some(), good, "{name}: {:?}", checked.diagnostics.first());
        found = match checked.diagnostics.first() {
            None => "nothing found".to_owned(),
            Some(first) => {
                format!("{} found, {} first", checked.diagnostics.len() + checked.omitted, first.code)
            }
        };
    }
    let detail = format!("{} KiB, {found}", body.len() / 1024);
    println!(
        "{}",
        json!({"name": name, "value": best.as_secs_f64() * 1000.0, "unit": "ms", "detail": detail})
    );
}

/// So many pieces, one after the other.
fn repeated(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect()
}

/// Groups of fifty of what workflows are made of.
fn mixed(steps: usize) -> String {
    let step = |n: usize| match n {
        0 => "      - { id: s0, run: [./do.sh, \"${{ inputs.n }}\"], parse: json }\n".to_owned(),
        n => format!(
            "      - id: s{n}\n        if: inputs.n > {n} || size(steps.s{}.?output.orValue('')) > 3\n        run: [./do.sh, --step, \"{n}\", \"${{{{ inputs.names[0] + '-{n}' }}}}\"]\n        env: {{ N: \"${{{{ inputs.n }}}}\" }}\n        retry: {{ attempts: 3, wait: 2s }}\n",
            n - 1
        ),
    };
    let state = |n: usize| {
        let next = if n == 7 { "end".to_owned() } else { format!("t{}", n + 1) };
        format!(
            "          - id: t{n}\n            set: {{ n: \"${{{{ iteration + {n} }}}}\" }}\n            next: [{{ when: steps.t{n}.output.n > 3, go: {next} }}, {{ go: t{}, max: 3 }}]\n",
            n / 2
        )
    };
    let group = |n: usize| {
        let needs = if n < 3 { String::new() } else { format!("    needs: [g{}, g{}]\n", n - 1, n / 2) };
        let machine = format!("      - id: m\n        states:\n{}", repeated(8, state));
        format!(
            "  - id: g{n}\n{needs}    outputs: {{ first: \"${{{{ steps.s0.output.a }}}}\" }}\n    steps:\n{}{machine}",
            repeated(40, step)
        )
    };
    let head = "inputs: { n: { type: integer }, names: { type: array, items: { type: string } } }\nsteps:\n";
    head.to_owned() + &repeated(steps / 50, group)
}

fn list(steps: usize) -> String {
    let step = |n: usize| match n {
        0 => "  - { id: s0, set: { n: 0 } }\n".to_owned(),
        n => format!("  - {{ id: s{n}, set: {{ n: \"${{{{ steps.s{}.output.n + 1 }}}}\" }} }}\n", n - 1),
    };
    format!("steps:\n{}", repeated(steps, step))
}

fn graph(steps: usize) -> String {
    let step = |n: usize| {
        let needs: Vec<String> =
            [1, 7, n / 2].iter().filter(|d| **d > 0 && **d <= n).map(|d| format!("s{}", n - d)).collect();
        let mut needs = needs;
        needs.dedup();
        needs.sort();
        needs.dedup();
        let reads = needs.iter().map(|id| format!("steps.{id}.output")).collect::<Vec<_>>().join(", ");
        format!("  - {{ id: s{n}, needs: [{}], noop: \"${{{{ [{reads}] }}}}\" }}\n", needs.join(", "))
    };
    format!("steps:\n{}", repeated(steps, step))
}

fn machine(steps: usize) -> String {
    let state = |n: usize| {
        let next = if n + 1 == steps { "end".to_owned() } else { format!("s{}", n + 1) };
        let reads = if n == 0 { "1".to_owned() } else { "${{ steps.s0.output }}".to_owned() };
        format!(
            "  - {{ id: s{n}, noop: \"{reads}\", next: [{{ when: steps.s{n}.status == 'failed', go: s{} }}, {{ max: 1, go: s{} }}, {{ go: {next} }}] }}\n",
            n / 2,
            steps - 1 - n
        )
    };
    format!("states:\n{}", repeated(steps, state))
}

fn templates(steps: usize) -> String {
    let step = |n: usize| format!("  - {{ id: s{n}, use: stage, env: {{ N: \"{n}\" }} }}\n");
    let template = "templates:\n  stage: { run: [./do.sh, \"${{ run.id }}\"], env: { A: b, C: d }, retry: { attempts: 3, wait: 1s } }\n";
    format!("{template}steps:\n{}", repeated(steps, step))
}

/// What nobody writes, but for those who want to see the check stand still.
fn hostile() -> Vec<(&'static str, String)> {
    let run = "steps:\n  - { id: a, run: ls }\n";
    let bomb = |lists: usize| {
        let list = |n: usize| match n {
            0 => "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(),
            n => format!("  a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")),
        };
        format!("vars:\n{}{run}", repeated(lists, list))
    };
    let many = limits::STEPS;
    vec![
        ("aliases that stand for 10^9 values", bomb(9)),
        (
            "a template of 100 steps taken by 10,000",
            format!(
                "templates: {{ t: {{ steps: [{}] }} }}\nsteps:\n{}",
                repeated(100, |n| format!("{{ id: x{n}, noop: 1 }},")),
                repeated(many, |n| format!("  - {{ id: s{n}, use: t }}\n")),
            ),
        ),
        (
            "10,000 steps, each reading one that is not there",
            format!(
                "steps:\n{}",
                repeated(many, |n| format!(
                    "  - {{ id: step_{n}, noop: \"${{{{ steps.stop_{n}.output }}}}\" }}\n"
                )),
            ),
        ),
        (
            "10,000 steps, each needing one that is not there",
            format!(
                "steps:\n{}",
                repeated(many, |n| format!("  - {{ id: step_{n}, needs: [stop_{n}], noop: 1 }}\n")),
            ),
        ),
        (
            "10,000 states, each leading to one that is not there",
            format!(
                "states:\n{}",
                repeated(many, |n| format!("  - {{ id: step_{n}, noop: 1, next: stop_{n} }}\n")),
            ),
        ),
        (
            "10,000 steps, each using a template that is not there",
            format!(
                "templates: {{ {} }}\nsteps:\n{}",
                repeated(500, |n| format!("step_{n}: {{ noop: 1 }},")),
                repeated(many, |n| format!("  - {{ id: s{n}, use: stop_{n} }}\n")),
            ),
        ),
        (
            "10,000 steps of one id",
            format!("steps:\n{}", repeated(many, |_| "  - { id: a, noop: 1 }\n".to_owned())),
        ),
        (
            "a step with 100,000 unknown keys",
            format!("steps: [{{ id: a, run: ls, {} }}]\n", repeated(100_000, |n| format!("k{n}: ,"))),
        ),
        (
            "one expression after the other in one value, 4 KiB each",
            format!(
                "steps:\n  - id: a\n    run: [{}]\n",
                repeated(200, |_| format!("\"${{{{ {}nothing }}}}\",", "[1, 2].map(x, x)[0] + ".repeat(180)))
            ),
        ),
    ]
}
