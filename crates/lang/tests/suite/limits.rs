//! Each bound, with a definition just within and one past it.

use stead_lang::limits::*;

use crate::common::{checked, checked_files, codes, shown};

const RUN: &str = "steps:\n  - id: a\n    run: ls\n";

/// That a definition is fine at a bound, and refused one past it.
#[track_caller]
fn bound(code: &str, at: usize, make: impl Fn(usize) -> String) {
    let within = checked(&make(at));
    assert!(within.plan.is_some(), "{at}\n{}", &shown(&within)[..shown(&within).len().min(2000)]);
    let past = checked(&make(at + 1));
    assert_eq!(codes(&past), [code], "{}\n{}", at + 1, &shown(&past)[..shown(&past).len().min(2000)]);
}

fn repeated(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect()
}

#[test]
fn length_of_the_text() {
    let head = "stead: 1\nname: a\nsteps:\n  - id: a\n    run: ls\n";
    bound("E0110", DOCUMENT_BYTES, |n| format!("{head}#{}", "x".repeat(n - head.len() - 1)));
}

#[test]
fn number_of_values() {
    // The rest of the definition has nine values, the map and the list themselves counted.
    bound("E0110", DOCUMENT_NODES - 9, |n| {
        format!("vars: {{ v: [{}] }}\nsteps: [{{ id: a, noop: 1 }}]\n", "1,".repeat(n))
    });
}

#[test]
fn depth_of_values() {
    bound("E0110", DOCUMENT_DEPTH - 2, |n| {
        format!("vars: {{ v: {}{} }}\n{RUN}", "[".repeat(n), "]".repeat(n))
    });
    let past = checked(&format!("a: {}", "[".repeat(100_000)));
    assert_eq!(codes(&past), ["E0110"], "{}", shown(&past));
    let block = format!("a: {}", repeated(200, |n| format!("\n{}- ", " ".repeat(n))));
    assert_eq!(codes(&checked(&block)), ["E0110"]);
}

#[test]
fn number_of_aliases() {
    bound("E0110", DOCUMENT_ALIASES, |n| format!("vars: {{ a: &a 1, v: [{}] }}\n{RUN}", "*a,".repeat(n)));
}

#[test]
fn aliases_that_stand_for_each_other_end_in_a_finding() {
    // Each list stands for ten of the one before: a thousand million values in a few lines.
    let list = |n: usize| match n {
        0 => "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(),
        n => format!("  a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")),
    };
    let found = checked(&format!("vars:\n{}{RUN}", repeated(9, list)));
    assert_eq!(codes(&found), ["E0110"], "{}", shown(&found));
    assert!(found.diagnostics[0].message.contains("too many values"), "{}", shown(&found));
}

#[test]
fn names_that_are_looked_through_for_help() {
    // Each of these would be compared with all others.
    let steps = |n: usize| format!("  - {{ id: step_{n}, needs: [stop_{n}], noop: 1 }}\n");
    let found = checked(&format!("steps:\n{}", repeated(STEPS, steps)));
    let helped = found.diagnostics.iter().filter(|d| d.nearest.is_some()).count();
    assert!(found.diagnostics.len() == DIAGNOSTICS && helped <= NEAREST_WORK / STEPS + 1, "{helped}");
    let few = checked(&format!("steps:\n{}", repeated(20, steps)));
    assert!(few.diagnostics.iter().skip(1).all(|d| d.nearest.is_some()), "{}", shown(&few));
}

#[test]
fn length_of_keys() {
    bound("E0110", KEY_BYTES, |n| format!("steps:\n  - id: a\n    set: {{ {}: 1 }}\n", "k".repeat(n)));
}

#[test]
fn length_of_schemas() {
    let text = "stead: 1\nname: p\ninputs: { i: { type: object, schema: s.json } }\nsteps:\n  - id: c\n    run: ls\n";
    let schema = |n: usize| format!("{{\"title\": \"{}\"}}", "x".repeat(n - 13));
    let check = |n: usize| checked_files("p.yml", &[("p.yml", text), ("s.json", &schema(n))]);
    assert!(check(SCHEMA_BYTES).plan.is_some(), "{}", schema(SCHEMA_BYTES).len());
    assert_eq!(codes(&check(SCHEMA_BYTES + 1)), ["E0215"]);
}

#[test]
fn length_of_messages() {
    let found = checked(&format!("steps:\n  - id: a\n    run: ls\n    parse: {}\n", "x".repeat(100_000)));
    assert_eq!(codes(&found), ["E0204"]);
    assert_eq!(found.diagnostics[0].message.chars().count(), MESSAGE_CHARS + 1);
}

#[test]
fn a_long_line_with_many_mistakes_is_not_slow() {
    // A hundred thousand wrong keys on one line, and the pictures of the first thousand.
    let keys = repeated(100_000, |n| format!("k{n}:,"));
    let found = checked(&format!("steps: [{{ id: a, run: ls, {keys} }}]\n"));
    assert_eq!((found.diagnostics.len(), found.omitted), (DIAGNOSTICS, 99_000));
    assert!(shown(&found).len() < 2_000_000);
    let doubled = repeated(100_000, |n| format!("k{}: 1,", n % 50_000));
    let found = checked(&format!("steps: [{{ id: a, set: {{ {doubled} }} }}]\n"));
    assert_eq!((found.diagnostics.len(), found.omitted), (DIAGNOSTICS, 49_000));
}

#[test]
fn number_of_steps() {
    let five_thousand =
        checked(&format!("steps:\n{}", repeated(5_000, |n| format!("  - id: s{n}\n    noop: 1\n"))));
    assert!(five_thousand.plan.is_some(), "{}", shown(&five_thousand));
    bound("E0215", STEPS, |n| format!("steps:\n{}", repeated(n, |n| format!("  - id: s{n}\n    noop: 1\n"))));
}

#[test]
fn depth_of_groups() {
    bound("E0215", GROUP_DEPTH, |n| {
        let open = repeated(n, |n| format!("{{ id: g{n}, steps: ["));
        format!("steps: [{open}{{ id: a, noop: 1 }}{}]\n", "] }".repeat(n))
    });
}

#[test]
fn depth_of_children() {
    let flow = |n: usize, last: usize| {
        let does =
            if n == last { "run: ls".to_owned() } else { format!("workflow: {{ path: f{}.yml }}", n + 1) };
        (format!("f{n}.yml"), format!("stead: 1\nname: f{n}\nsteps:\n  - id: a\n    {does}\n"))
    };
    let chain = |last: usize| {
        let files: Vec<_> = (0..=last).map(|n| flow(n, last)).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        checked_files("f0.yml", &files)
    };
    let within = chain(CHILD_DEPTH);
    assert!(within.plan.is_some(), "{}", shown(&within));
    assert_eq!(within.children.len(), CHILD_DEPTH);
    assert_eq!(codes(&chain(CHILD_DEPTH + 1)), ["E0215"]);
}

#[test]
fn number_and_length_of_files() {
    let steps = |n: usize| repeated(n, |n| format!("  - id: s{n}\n    workflow: {{ path: c{n}.yml }}\n"));
    let child =
        |n: usize| (format!("c{n}.yml"), format!("stead: 1\nname: c{n}\nsteps:\n  - id: a\n    run: ls\n"));
    let many = |n: usize, fill: usize| {
        let entry = format!("stead: 1\nname: p\nsteps:\n{}", steps(n));
        let mut files: Vec<(String, String)> = (0..n).map(child).collect();
        files.iter_mut().for_each(|f| f.1.extend(["#", &"x".repeat(fill), "\n"]));
        files.push(("p.yml".to_owned(), entry));
        let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        checked_files("p.yml", &files)
    };
    let within = many(BUNDLE_FILES - 1, 0);
    assert!(within.plan.is_some(), "{}", shown(&within));
    let past = many(BUNDLE_FILES, 0);
    assert_eq!(codes(&past), ["E0315"], "{}", shown(&past));
    assert!(past.diagnostics[0].message.contains("at most 256 files"), "{}", shown(&past));
    let past = many(9, DOCUMENT_BYTES - 100);
    assert!(codes(&past).contains(&"E0315"), "{}", shown(&past));
    assert!(past.diagnostics[0].message.contains("at most 8388608 bytes"), "{}", shown(&past));
}

#[test]
fn length_of_names() {
    let name = |n: usize| "a".repeat(n);
    bound("E0301", NAME_BYTES, |n| format!("stead: 1\nname: {}\n{RUN}", name(n)));
    bound("E0301", NAME_BYTES, |n| format!("steps:\n  - id: {}\n    run: ls\n", name(n)));
    bound("E0301", NAME_BYTES, |n| format!("inputs: {{ {}: {{ type: string }} }}\n{RUN}", name(n)));
    bound("E0301", NAME_BYTES, |n| format!("vars: {{ {}: 1 }}\n{RUN}", name(n)));
    bound("E0301", NAME_BYTES, |n| format!("outputs: {{ {}: 1 }}\n{RUN}", name(n)));
    bound("E0301", NAME_BYTES, |n| {
        format!("steps:\n  - id: a\n    foreach: {{ in: [1], as: {} }}\n    run: ls\n", name(n))
    });
}

#[test]
fn length_of_texts_for_people() {
    bound("E0215", TITLE_CHARS, |n| format!("steps:\n  - id: a\n    name: {}\n    run: ls\n", "é".repeat(n)));
    bound("E0215", DESCRIPTION_CHARS, |n| format!("description: {}\n{RUN}", "é".repeat(n)));
}

#[test]
fn number_of_names_in_a_map() {
    let names = |n: usize| repeated(n, |n| format!("  n{n}: 1\n"));
    bound("E0215", NAMES, |n| format!("vars:\n{}{RUN}", names(n)));
    bound("E0215", NAMES, |n| format!("env:\n{}{RUN}", names(n)));
    bound("E0215", NAMES, |n| format!("outputs:\n{}{RUN}", names(n)));
    bound("E0215", NAMES, |n| format!("secrets: [{}]\n{RUN}", repeated(n, |n| format!("S{n},"))));
    bound("E0215", NAMES, |n| {
        format!("inputs:\n{}{RUN}", repeated(n, |n| format!("  n{n}: {{ type: string }}\n")))
    });
}

#[test]
fn length_of_scripts_and_arguments() {
    bound("E0215", SCRIPT_BYTES, |n| format!("steps:\n  - id: a\n    run: \"{}\"\n", "x".repeat(n)));
    bound("E0215", ARGUMENTS, |n| format!("steps:\n  - id: a\n    run: [{}]\n", "x,".repeat(n)));
}

#[test]
fn counts_of_iterations_items_and_tries() {
    let step = |keys: &str| format!("steps:\n  - id: a\n    {keys}\n    run: ls\n");
    bound("E0206", ITERATIONS as usize, |n| step(&format!("loop: {{ max: {n} }}")));
    bound("E0206", PARALLEL as usize, |n| step(&format!("foreach: {{ in: [1], parallel: {n} }}")));
    bound("E0206", ATTEMPTS as usize, |n| step(&format!("retry: {n}")));
    bound("E0206", VISITS as usize, |n| {
        format!("states:\n  - id: a\n    run: ls\n    next: [{{ go: a, max: {n} }}, {{ go: end }}]\n")
    });
    bound("E0206", JOIN as usize, |n| {
        step(&format!("foreach: {{ in: \"${{{{ [1].map(x, x) }}}}\", join: {n} }}"))
    });
}

#[test]
fn number_of_findings() {
    let wrong = |n: usize| format!("steps:\n{}", repeated(n, |n| format!("  - id: s{n}\n    rnu: ls\n")));
    let within = checked(&wrong(DIAGNOSTICS));
    assert_eq!((within.diagnostics.len(), within.omitted), (DIAGNOSTICS, 0));
    let past = checked(&wrong(DIAGNOSTICS + 7));
    assert_eq!((past.diagnostics.len(), past.omitted), (DIAGNOSTICS, 7));
}
