//! Every code of the table is caused by a definition here, and none beside them.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{checked, checked_files, codes, shown};
use serde_json::json;
use stead_lang::inputs::{check_inputs, parse_input};
use stead_lang::tree::{ReadProblem, text_of};
use stead_lang::{Checked, check, codes as table, collect};

/// Definitions for the codes that a short example cannot show.
fn special() -> BTreeMap<&'static str, Checked> {
    let not_text = collect("flow.yml", &mut |_| text_of(b"stead: 1\nname: \xff\n".to_vec()));
    let circle = [
        ("flow.yml", "stead: 1\nname: a\nsteps:\n  - id: b\n    workflow: { path: b.yml }\n"),
        ("b.yml", "stead: 1\nname: b\nsteps:\n  - id: a\n    workflow: { path: flow.yml }\n"),
    ];
    let long = format!("steps:\n  - id: a\n    if: {}true\n    run: ls\n", "true && ".repeat(1000));
    BTreeMap::from([
        ("E0102", check(&not_text)),
        ("E0103", checked("steps:\n  - id: a\n    run: \"\0\"\n")),
        ("E0110", checked(&format!("a: {}{}", "[".repeat(200), "]".repeat(200)))),
        ("E0317", checked_files("flow.yml", &circle)),
        ("E0406", checked(&long)),
        ("W0302", crate::called::beside()),
    ])
}

/// The codes that the inputs of a run can cause.
fn of_inputs() -> BTreeSet<String> {
    let inputs = "{ a: { type: integer }, b: { type: integer } }";
    let definition = format!("inputs: {inputs}\nsteps:\n  - id: a\n    run: ls\n");
    let plan = checked(&definition).plan.unwrap();
    let given = json!({"b": "x", "c": 1});
    let problems = check_inputs(&plan, given.as_object().unwrap()).unwrap_err();
    let unreadable = parse_input(&plan.inputs[0], "x").unwrap_err();
    problems.into_iter().chain([*unreadable]).map(|d| d.code).collect()
}

#[test]
fn every_code_is_caused_by_a_definition() {
    let special = special();
    let mut caused: BTreeSet<String> = of_inputs();
    for (code, checked) in &special {
        assert_eq!(codes(checked), [*code], "{}", shown(checked));
        caused.insert((*code).to_owned());
    }
    caused.extend(crate::import_pflow::damaged());
    let mut failed = Vec::new();
    for code in table::all().filter(|c| !c.wrong.is_empty()) {
        let found = checked(code.wrong);
        if codes(&found) != [code.code] {
            failed.push(format!("{} shows this:\n{}\n{}", code.code, code.wrong, shown(&found)));
        }
        caused.insert(code.code.to_owned());
        let mended = checked(code.mended);
        if mended.plan.is_none() || !mended.diagnostics.is_empty() {
            failed.push(format!("{} is not mended:\n{}\n{}", code.code, code.mended, shown(&mended)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n----\n"));
    let known: BTreeSet<String> = table::all().map(|c| c.code.to_owned()).collect();
    assert_eq!(caused, known);
}

#[test]
fn codes_are_distinct_and_in_order() {
    let all: Vec<&str> = table::all().map(|c| c.code).collect();
    let distinct: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(all.len(), distinct.len());
    for code in table::all() {
        assert!(!code.title.ends_with('.') && code.text.ends_with('.'), "{}", code.code);
        assert_eq!(code.wrong.is_empty(), code.mended.is_empty(), "{}", code.code);
    }
}

#[test]
fn a_code_explains_itself() {
    let text = table::explain("e0201").unwrap();
    assert!(text.starts_with("E0201: an unknown key\n\nThe language has no such key"), "{text}");
    assert!(text.contains("\nWrong:\n\n    steps:\n      - id: hello\n        rum: echo hello\n"), "{text}");
    assert!(text.contains("\nRight:\n\n    steps:\n"), "{text}");
    assert_eq!(table::explain("E9999"), None);
}

#[test]
fn a_file_that_is_no_text_says_where() {
    assert_eq!(text_of(b"a\nb\xffc".to_vec()), Err(ReadProblem::NotText { line: 2, column: 2 }));
    let checked = &special()["E0102"];
    let span = checked.diagnostics[0].span;
    assert_eq!((span.line, span.column), (2, 7), "{}", shown(checked));
}
