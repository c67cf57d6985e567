//! No text makes the language panic, go past its bounds, or point beside the text.

use std::path::Path;

use serde_json::{Value, json};
use stead_lang::diagnostic::{RenderOptions, render};
use stead_lang::duration::{format_duration, format_time, parse_duration, parse_time};
use stead_lang::expr::{Env, EvalError, Expr, Type, TypeEnv, Val};
use stead_lang::graph::{Format, graph};
use stead_lang::import::NotImported;
use stead_lang::template::Template;
use stead_lang::tree::read;
use stead_lang::{Bundle, check, codes as table, expanded, limits};

use crate::common::whole;
use crate::fuzz::{Fuzz, came_to, shape};
use crate::import::{attempt, texts};
use crate::stand_in::{replaced, with_stand_ins};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz");

/// Words of the notation and of the language.
const WORDS: &[&str] = &[
    "${{ ",
    " }}",
    "$${{",
    "steps.",
    ".output",
    ".status",
    "inputs.",
    "vars.",
    "item",
    "index",
    "key",
    "iteration",
    "previous.",
    "ended.",
    "secrets.",
    "run.",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "  - ",
    "- id: ",
    "id: a",
    ": ",
    "#",
    " #",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "\"",
    "'",
    "|\n",
    ">\n",
    "&a ",
    "*a",
    "!t ",
    "---\n",
    "? ",
    "<<: ",
    "~",
    "null",
    "true",
    "1.10",
    "-1",
    "0x",
    ".inf",
    "9223372036854775808",
    "1e400",
    "\t",
    "\r\n",
    "\u{feff}",
    "\0",
    "\u{85}",
    "\u{2028}",
    "é",
    "名",
    "steps:",
    "states:",
    "outputs:",
    "finally:",
    "undo:",
    "verify:",
    "next:",
    "go: ",
    "when: ",
    "end",
    "fail",
    "join: ",
    "first",
    "majority",
    "settled",
    "foreach:",
    "in: ",
    "as: ",
    "parallel: ",
    "loop:",
    "max: ",
    "until: ",
    "min: ",
    "needs:",
    "if: ",
    "on_error: ",
    "continue",
    "retry: ",
    "timeout: ",
    "deadline: ",
    "effect: once",
    "noop: ",
    "run: ",
    "set:",
    "wait:",
    "for: 1s",
    "at: ",
    "signal: ",
    "workflow:",
    "inline:",
    "path: ",
    "fail: ",
    "finish: ",
    "file:",
    "http:",
    "env:",
    "stdin: ",
    "parse: json",
    "expect: ",
    "defaults:",
    "budget:",
    "concurrency:",
    "templates:",
    "use: ",
    "type: integer",
    "default: ",
    "schema: ",
];

/// Words of expressions.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ".",
    ".?",
    "[?",
    "?",
    " : ",
    " + ",
    " - ",
    " * ",
    " / ",
    " % ",
    " == ",
    " != ",
    " < ",
    " >= ",
    " && ",
    " || ",
    "!",
    "-",
    " in ",
    ", ",
    "'a'",
    "\"",
    "b'\\xff'",
    "r'\\'",
    "1",
    "0",
    "1u",
    "1.5",
    "1e308",
    "-9223372036854775808",
    "9223372036854775807",
    "18446744073709551615u",
    "true",
    "false",
    "null",
    "x",
    "l",
    "m",
    "t",
    "n",
    "size(",
    "int(",
    "double(",
    "string(",
    "bytes(",
    "timestamp(",
    "duration(",
    "type(",
    "dyn(",
    "has(m.a)",
    ".map(e, ",
    ".filter(e, ",
    ".all(e, ",
    ".exists(e, ",
    ".exists_one(e, ",
    ".matches('",
    "(a+)+$",
    ".split(",
    ".join(",
    ".replace(",
    ".substring(",
    ".indexOf(",
    ".charAt(",
    ".reverse()",
    "optional.of(",
    "optional.none()",
    ".orValue(",
    ".hasValue()",
    ".value()",
    ".optMap(v, ",
    "min(",
    "max(",
    "sum(",
    "sort(",
    "distinct(",
    "flatten(",
    "json(",
    "text(",
    "product({'a': l})",
    "zip({'a': l})",
    ".getHours('+02:00')",
    "`q`",
    "\\u0041",
    "\u{10ffff}",
    "//",
];

/// Checks a text and shows what was found.
fn checks(text: &str) -> u64 {
    let checked = check(&Bundle::single("f.yml", text));
    let errors = checked.diagnostics.iter().any(|d| d.code.starts_with('E'));
    assert_eq!(checked.plan.is_some(), !errors);
    assert!(checked.diagnostics.len() <= limits::DIAGNOSTICS + 1);
    for d in &checked.diagnostics {
        let (start, end) = (d.span.start as usize, d.span.end as usize);
        assert!(start <= end && end <= text.len(), "{d:?}");
        assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{d:?}");
        assert!(d.span.line >= 1 && d.span.column >= 1, "{d:?}");
        assert!(table::all().any(|code| code.code == d.code), "{d:?}");
        assert!(d.message.chars().count() <= limits::MESSAGE_CHARS + 1, "{d:?}");
    }
    render(&checked.diagnostics, &checked.sources, RenderOptions { color: true, width: 60 });
    if let Some(plan) = &checked.plan {
        assert!(plan.steps.len() <= limits::STEPS);
        for format in [Format::Text, Format::Mermaid, Format::Dot] {
            graph(plan, format);
        }
        // What can be run can be written out, and is the same then.
        let out = expanded(&Bundle::single("f.yml", text)).unwrap();
        let again = check(&Bundle::single("f.yml", &out)).plan;
        assert_eq!(again.map(|p| p.revision.clone()).as_ref(), Some(&plan.revision), "{out}");
    }
    let mut codes: Vec<&str> = checked.diagnostics.iter().map(|d| d.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.truncate(3);
    came_to((codes, checked.plan.map_or(0, |plan| plan.steps.len().min(12))))
}

/// What expressions reach.
struct Roots(Value);

impl<'a> Env<'a> for &'a Roots {
    fn var(&self, name: &str) -> Result<Option<Val<'a>>, EvalError> {
        Ok(self.0.get(name).map(Val::from_json))
    }
}

impl TypeEnv for Roots {
    fn var(&self, name: &str) -> Option<Type> {
        self.0.get(name).map(|_| Type::Dyn)
    }
    fn names(&self) -> Vec<String> {
        self.0.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    }
}

fn roots() -> Roots {
    let list: Vec<u32> = (0..40).collect();
    Roots(json!({
        "x": 7, "n": null, "t": "a text, äöü 名, with 12 words", "l": list,
        "m": { "a": { "b": [1, 2.5, "x"], "": true }, "k": [], "name with space": {} },
    }))
}

/// Compiles, checks and evaluates. What it makes is bounded.
fn evaluates(source: &str) -> u64 {
    let expr = match Expr::compile(source) {
        Ok(expr) => expr,
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in &problems {
                let end = problem.offset as usize + problem.len as usize;
                assert!(end <= source.len() && source.is_char_boundary(end), "{problem:?}");
            }
            return came_to((0, shape(&problems[0].message)));
        }
    };
    let roots = roots();
    let (_, problems) = expr.check(&roots);
    for problem in &problems {
        assert!(problem.offset as usize + problem.len as usize <= source.len(), "{problem:?}");
    }
    expr.references();
    match expr.eval(&&roots) {
        Err(EvalError::Failed { message, offset }) => {
            assert!(offset as usize <= source.len(), "{message}");
            came_to((1, shape(&message)))
        }
        Err(EvalError::Needs) => panic!("nothing is to be loaded"),
        Ok(value) => {
            let kind = value.describe();
            match value.to_json() {
                Ok(json) => {
                    // What is made of values that are there is bounded by them and by what may be made.
                    let length = json.to_string().len();
                    assert!(length <= 64 * limits::MADE_BYTES, "{length} bytes of JSON");
                    came_to((2, kind, length.ilog2()))
                }
                Err(error) => came_to((3, kind, shape(&error.to_string()))),
            }
        }
    }
}

/// Compiles, checks and renders a text with expressions in it.
fn renders(text: &str) -> u64 {
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(problems) => {
            for problem in &problems {
                let end = problem.offset as usize + problem.len as usize;
                assert!(end <= text.len() && text.is_char_boundary(end), "{problem:?}");
            }
            return came_to((0, shape(&problems[0].message)));
        }
    };
    let roots = roots();
    let (_, problems) = template.check(&roots);
    template.secrets();
    template.expressions();
    let rendered = template.render_text(&&roots);
    if let Ok(rendered) = &rendered {
        assert!(rendered.len() <= limits::MADE_BYTES.max(text.len()), "{} bytes of text", rendered.len());
    }
    let rendered = rendered.map_or_else(|e| shape(&e.to_string()), |text| text.len().min(20).to_string());
    came_to((1, problems.len().min(3), rendered))
}

/// Lengths of time and instants, which are the same when they are written out and read again.
fn reads(text: &str) -> u64 {
    let length = parse_duration(text);
    if let Ok(millis) = length {
        assert!(millis <= limits::DURATION_MILLIS);
        assert_eq!(parse_duration(&format_duration(millis)), Ok(millis), "{text:?}");
    }
    let instant = parse_time(text);
    if let Ok(millis) = instant {
        assert_eq!(parse_time(&format_time(millis)), Ok(millis), "{text:?}");
    }
    // What is told names the text itself.
    let told = |error: &dyn std::fmt::Display| shape(&error.to_string().replace(text, ""));
    came_to((
        length.map_or_else(|e| told(&e), |ms| ms.max(1).ilog2().to_string()),
        instant.map_or_else(|e| told(&e), |ms| ms.unsigned_abs().max(1).ilog2().to_string()),
    ))
}

/// All definitions of the tests, and those that are given away as examples.
fn definitions() -> Vec<String> {
    let folders = ["tests/definitions", "tests/definitions/whole", "../../examples", "../../examples/parts"];
    let mut all = Vec::new();
    for folder in folders.map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
        let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|e| e == "yml" || e == "json"));
        files.sort();
        all.extend(files.iter().map(|file| std::fs::read_to_string(file).unwrap()));
    }
    all
}

#[test]
fn p7_p11_any_text_is_checked_within_bounds_and_with_places_in_it() {
    let examples = table::all().flat_map(|c| [c.wrong, c.mended]).filter(|t| !t.is_empty()).map(whole);
    let seeds = examples.chain(definitions()).collect();
    Fuzz::new("check", FOLDER, seeds, WORDS).run(checks);
}

#[test]
fn p11_any_expression_is_refused_or_evaluated_within_bounds() {
    let cases = include_str!("../cel/conformance.jsonl").lines().step_by(5);
    let expr = |line: &str| {
        let case: Value = serde_json::from_str(line).unwrap();
        case["expr"].as_str().unwrap().to_owned()
    };
    let own = [
        "m.a.?b.orValue(l).map(e, [e, x])",
        "l.filter(e, e % 2 == 0).map(e, t + string(e))",
        "json(text(m)).a.b[2]",
    ];
    let seeds = cases.map(expr).chain(own.map(str::to_owned)).collect();
    Fuzz::new("expression", FOLDER, seeds, PIECES).run(evaluates);
}

#[test]
fn p11_any_template_is_refused_or_rendered_within_bounds() {
    let seeds = ["a ${{ x }} b ${{ m.a.b }} $${{ c }}", "${{ l }}", "${{ {'a': '}}'} }}", "${{ secrets.T }}"];
    let words = [WORDS, PIECES].concat();
    Fuzz::new("template", FOLDER, seeds.map(str::to_owned).to_vec(), &words).run(renders);
}

#[test]
fn p11_any_length_of_time_and_instant_is_read_or_refused() {
    let seeds = [
        "1h 30m",
        "1.5h",
        "36h",
        "2026-11-21T09:00:00Z",
        "2026-11-21T09:00:00.25+01:00",
        "9999-12-30T00:00:00Z",
        "-0001-01-01T00:00:00Z",
    ];
    let words = [
        "ms", "s", "m", "h", "d", "w", "y", " ", "0", "1", "9", "99", "000000", "T", "Z", "+23:59", "-", ":",
        ".", "e", "é",
    ];
    Fuzz::new("times", FOLDER, seeds.map(str::to_owned).to_vec(), &words).run(reads);
}

/// What is made of a definition of another tool is one of ours, whatever that was: nothing is wrong with it but what is
/// not built, or what no text alone can say.
fn imports(text: &str) -> u64 {
    match attempt(text) {
        Err(NotImported::Unknown(tried)) => {
            came_to(tried.iter().map(|(_, why)| shape(why)).collect::<Vec<_>>())
        }
        Err(NotImported::Broken(problems, _)) => {
            came_to(problems.iter().map(|found| found.code.clone()).collect::<Vec<_>>())
        }
        Err(NotImported::Unreadable(_)) => 0,
        Ok(imported) => {
            let (_, others) = imported.findings();
            let wrong: Vec<_> =
                others.iter().filter(|found| !BESIDE.contains(&found.code.as_str())).collect();
            assert!(wrong.is_empty(), "{wrong:?}\n{}", imported.yaml);
            // With programs in the place of what is not built the rest is looked at too.
            let document = read("t", &imported.yaml, &mut Vec::new()).unwrap();
            let whole = with_stand_ins(document.root().to_json().unwrap(), &replaced()).to_string();
            // A text of ours has no signs of control in it as they are, and JSON as others write it may.
            let whole: String = whole.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let all = check(&Bundle::single("t.json", whole)).diagnostics;
            let beside = |code: &str| BESIDE.contains(&code) || code.starts_with("E05");
            let wrong: Vec<_> = all.iter().filter(|found| !beside(&found.code)).collect();
            assert!(wrong.is_empty(), "{wrong:?}\n{}", imported.yaml);
            let entries = imported.report.entries.iter();
            came_to(
                entries.map(|entry| format!("{} {:?}", entry.construct, entry.verdict)).collect::<Vec<_>>(),
            )
        }
    }
}

/// What is not in the text alone: files and workflows that it names.
const BESIDE: &[&str] = &["E0315", "E0328"];

#[test]
fn p11_any_definition_of_another_tool_is_imported_or_refused() {
    let words = [
        "steps",
        "id",
        "from",
        "to",
        "type",
        "name",
        "_complete",
        "_failed",
        "\"\"",
        "[]",
        "{}",
        "null",
        "true",
        "-1",
        "0.5",
        "99999999999",
        "${{ ",
        "${",
        " ?? ",
        "\n## Steps\n",
        "\n### ",
        "\n```",
        "\n- type: ",
        "\n- next: ",
        "error",
        "end",
        ": ",
        "\n",
        "- ",
        ",",
        "{",
        "}",
    ];
    Fuzz::new("import", FOLDER, texts(), &words).run(imports);
}
