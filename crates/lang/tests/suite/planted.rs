//! Promise P7: everything wrong with a definition is found at once, each with code, place, path and help.

use stead_lang::diagnostic::{RenderOptions, render};
use stead_lang::{Bundle, Checked, Severity, check};

use crate::common::shown;

const YAML: &str = include_str!("../definitions/ten_mistakes.yml");
const JSON: &str = include_str!("../definitions/ten_mistakes.json");

/// What is planted: code, the line in both texts, path, nearest name.
const PLANTED: &[(&str, u32, u32, &str, Option<&str>)] = &[
    ("E0301", 3, 3, "/name", Some("ten-mistakes")),
    ("E0213", 7, 7, "/inputs/effort/default", None),
    ("E0201", 11, 13, "/steps/0/rtry", Some("retry")),
    ("E0303", 12, 16, "/steps/1/id", None),
    ("E0204", 14, 18, "/steps/1/parse", Some("json")),
    ("E0205", 16, 22, "/steps/2/wait/for", None),
    ("E0307", 18, 26, "/steps/3/run/1", Some("fetch")),
    ("E0501", 20, 30, "/steps/4/agent", None),
    ("E0412", 22, 34, "/steps/5/run", None),
    ("E0311", 28, 44, "/steps/7/run/1", None),
];

fn found(file: &str, text: &str) -> Checked {
    check(&Bundle::single(file, text))
}

#[test]
fn p7_ten_mistakes_of_ten_kinds_are_found_at_once_with_place_path_and_help() {
    for (file, text) in [("ten_mistakes.yml", YAML), ("ten_mistakes.json", JSON)] {
        let json = file.ends_with(".json");
        let checked = found(file, text);
        let places: Vec<_> = checked
            .diagnostics
            .iter()
            .map(|d| (d.code.as_str(), d.span.line, d.path.as_str(), d.nearest.as_deref()))
            .collect();
        let planted: Vec<_> = PLANTED
            .iter()
            .map(|&(code, yaml_line, json_line, path, nearest)| {
                (code, if json { json_line } else { yaml_line }, path, nearest)
            })
            .collect();
        assert_eq!(places, planted, "{}", shown(&checked));
        assert!(checked.plan.is_none());
        for d in &checked.diagnostics {
            assert_eq!((d.file.as_str(), d.severity), (file, Severity::Error));
            assert!(d.help.is_some() || d.nearest.is_some(), "no help in {d:?}");
            // The span marks text of its line.
            let line = text.lines().nth(d.span.line as usize - 1).unwrap();
            let marked = &text[d.span.start as usize..d.span.end as usize];
            assert!(!marked.is_empty() && line.contains(marked.lines().next().unwrap()), "{d:?}");
            let column = line.find(marked.lines().next().unwrap()).unwrap() as u32 + 1;
            assert!(column <= d.span.column, "{d:?}");
        }
    }
}

#[test]
fn p7_both_notations_find_the_same() {
    let (yaml, json) = (found("t", YAML), found("t", JSON));
    let said = |c: &Checked| {
        let one = |d: &stead_lang::Diagnostic| {
            (d.code.clone(), d.path.clone(), d.message.clone(), d.nearest.clone())
        };
        c.diagnostics.iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(said(&yaml), said(&json));
}

#[test]
fn p7_findings_carry_the_same_as_json() {
    let checked = found("ten_mistakes.yml", YAML);
    let json = serde_json::to_value(&checked.diagnostics[2]).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "code": "E0201",
            "severity": "error",
            "file": "ten_mistakes.yml",
            "span": {"line": 11, "column": 5, "start": json["span"]["start"], "end": json["span"]["end"]},
            "path": "/steps/0/rtry",
            "message": "a step that does `run` has no key `rtry`",
            "nearest": "retry",
        })
    );
    let back: stead_lang::Diagnostic = serde_json::from_value(json).unwrap();
    assert_eq!(back, checked.diagnostics[2]);
}

#[test]
fn findings_are_shown_with_their_lines() {
    let checked = found("ten_mistakes.yml", YAML);
    let text = render(&checked.diagnostics[6..7], &checked.sources, RenderOptions::default());
    let expected = "\
error[E0307]: there is no step `fecth`
  --> ten_mistakes.yml:18:22
   |
18 |     run: [echo, \"${{ steps.fecth.output.title }}\"]
   |                      ^^^^^^^^^^^
   = help: did you mean `fetch`?

1 error
";
    assert_eq!(text, expected);
    let all = render(&checked.diagnostics, &checked.sources, RenderOptions { color: true, width: 80 });
    assert!(all.ends_with("\n10 errors\n") && all.contains("\x1b[1;31merror[E0301]"), "{all}");
}
