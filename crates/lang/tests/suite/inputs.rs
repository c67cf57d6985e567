//! The inputs of a run.

use serde_json::{Value, json};
use stead_lang::inputs::{check_inputs, parse_input};
use stead_lang::plan::Plan;

use crate::common::good;

fn plan() -> std::sync::Arc<Plan> {
    let text = "\
inputs:
  repo: { type: string, description: Path of the checkout }
  issue: { type: integer, minimum: 1 }
  ratio: { type: number, default: 0.5 }
  deep: { type: boolean, default: false }
  effort: { type: string, enum: [quick, deep], default: quick }
  names: { type: array, items: { type: string }, default: [] }
  meta: { type: object, default: {}, schema: { required: [a] } }
  source: { type: file, default: source.txt }
steps:
  - id: a
    run: ls
";
    // The default of `meta` does not meet its schema, so it is put right here.
    good(&text.replace("default: {}, schema", "default: { a: 1 }, schema")).plan.unwrap()
}

fn given(value: Value) -> Result<Value, Vec<(String, String, Option<String>)>> {
    let Value::Object(given) = value else { panic!() };
    let found = check_inputs(&plan(), &given).map(Value::Object);
    found.map_err(|problems| problems.into_iter().map(|d| (d.code, d.path, d.nearest)).collect())
}

fn problem(code: &str, path: &str, nearest: Option<&str>) -> (String, String, Option<String>) {
    (code.to_owned(), path.to_owned(), nearest.map(str::to_owned))
}

#[test]
fn defaults_are_added() {
    let inputs = given(json!({"repo": ".", "issue": 7, "effort": "deep"})).unwrap();
    let expected = json!({
        "repo": ".", "issue": 7, "ratio": 0.5, "deep": false, "effort": "deep", "names": [], "meta": {"a": 1},
        "source": "source.txt",
    });
    assert_eq!(inputs, expected);
}

#[test]
fn everything_wrong_is_said_at_once() {
    let problems =
        given(json!({"isue": 7, "deep": "yes", "effort": "slow", "names": [1], "meta": {}})).unwrap_err();
    let expected = [
        problem("E0602", "/isue", Some("issue")),
        problem("E0601", "/repo", None),
        problem("E0601", "/issue", None),
        problem("E0603", "/deep", None),
        problem("E0603", "/effort", None),
        problem("E0603", "/names", None),
        problem("E0603", "/meta", None),
    ];
    assert_eq!(problems, expected);
    let Value::Object(none) = json!({}) else { panic!() };
    let problems = check_inputs(&plan(), &none).unwrap_err();
    assert_eq!(problems[0].help.as_deref(), Some("string: Path of the checkout"));
}

#[test]
fn types_are_json_schemas() {
    assert!(given(json!({"repo": ".", "issue": 7.0})).is_ok(), "7.0 is an integer in JSON Schema");
    for (name, value) in [
        ("issue", json!(0)),
        ("issue", json!(1.5)),
        ("issue", json!("7")),
        ("repo", json!(7)),
        ("repo", json!(null)),
        ("ratio", json!("0.5")),
        ("source", json!(7)),
    ] {
        let mut inputs = json!({"repo": ".", "issue": 7});
        inputs[name] = value.clone();
        assert_eq!(
            given(inputs).unwrap_err(),
            [problem("E0603", &format!("/{name}"), None)],
            "{name} {value}"
        );
    }
    let file = json!({"path": "a", "name": "a", "hash": "x", "size": 1});
    assert!(given(json!({"repo": ".", "issue": 7, "source": file})).is_ok());
}

#[test]
fn texts_of_a_command_line_are_read_by_type() {
    let plan = plan();
    let input = |name: &str| plan.inputs.iter().find(|i| i.name == name).unwrap();
    for (name, text, value) in [
        ("repo", "1.10", json!("1.10")),
        ("repo", "", json!("")),
        ("issue", "7", json!(7)),
        ("issue", " 7 ", json!(7)),
        ("ratio", "2", json!(2)),
        ("ratio", "0.25", json!(0.25)),
        ("ratio", "1e3", json!(1000.0)),
        ("deep", "true", json!(true)),
        ("names", "[\"a\"]", json!(["a"])),
        ("meta", "{\"a\": [1]}", json!({"a": [1]})),
        ("source", "data.csv", json!("data.csv")),
    ] {
        assert_eq!(parse_input(input(name), text), Ok(value), "{name} {text}");
    }
    for (name, text, code) in [
        ("issue", "seven", "E0604"),
        ("issue", "7.5", "E0604"),
        ("issue", "0", "E0603"),
        ("ratio", "inf", "E0604"),
        ("ratio", "NaN", "E0604"),
        ("deep", "yes", "E0604"),
        ("effort", "slow", "E0603"),
        ("names", "a, b", "E0604"),
        ("names", "{}", "E0604"),
        ("meta", "[]", "E0604"),
    ] {
        assert_eq!(parse_input(input(name), text).unwrap_err().code, code, "{name} {text}");
    }
}
