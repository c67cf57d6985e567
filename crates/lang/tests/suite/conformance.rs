//! The conformance tests of CEL, those of the parts that the language shares.
//!
//! `tests/cel/conformance.jsonl` has the cases as data, `tests/cel/deviations.txt` those that this language decides
//! otherwise, by kind. Both ways: what is not listed has to pass, and what is listed has not to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;
use stead_lang::expr::{Env, EvalError, Expr, Type, TypeEnv, Val};

const CASES: &str = include_str!("../cel/conformance.jsonl");
const DEVIATIONS: &str = include_str!("../cel/deviations.txt");
const LANGUAGE: &str = include_str!("../../../../docs/language.md");

/// One case.
struct Case {
    at: String,
    expr: String,
    bindings: Vec<(String, Value)>,
    /// `None`: it has no value.
    value: Option<Value>,
}

impl Case {
    fn read(line: &str) -> Self {
        let mut case: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let bindings = case["bindings"].as_object().into_iter().flatten();
        Self {
            at: text(&case["at"]),
            expr: text(&case["expr"]),
            bindings: bindings.map(|(name, bound)| (name.clone(), bound["value"].clone())).collect(),
            value: case.get_mut("value").map(Value::take),
        }
    }
}

/// The names that a case binds.
struct Bound<'c>(&'c Case);

impl<'a> Env<'a> for Bound<'_> {
    fn var(&self, name: &str) -> Result<Option<Val<'a>>, EvalError> {
        let found = self.0.bindings.iter().find(|(bound, _)| bound == name);
        Ok(found.and_then(|(_, value)| val(value)))
    }
}

impl TypeEnv for Bound<'_> {
    fn var(&self, name: &str) -> Option<Type> {
        self.0.bindings.iter().any(|(bound, _)| bound == name).then_some(Type::Dyn)
    }
    fn names(&self) -> Vec<String> {
        self.0.bindings.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// A value as the cases write it; none where the language has no such value.
fn val<'a>(value: &Value) -> Option<Val<'a>> {
    let (kind, inner) = value.as_object()?.iter().next()?;
    let text = inner.as_str().unwrap_or_default();
    Some(match kind.as_str() {
        "nullValue" => Val::Null,
        "boolValue" => Val::Bool(inner.as_bool()?),
        "int64Value" => Val::Int(text.parse().ok()?),
        "uint64Value" => Val::UInt(text.parse().ok()?),
        "doubleValue" => Val::Double(match text {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => inner.as_f64()?,
        }),
        "stringValue" => Val::Str(Cow::Owned(text.to_owned())),
        "bytesValue" => Val::Bytes(Cow::Owned(base64(text))),
        "listValue" => {
            let items = inner["values"].as_array().into_iter().flatten();
            Val::List(Rc::new(items.map(val).collect::<Option<Vec<_>>>()?))
        }
        "mapValue" => {
            let entries = inner["entries"].as_array().into_iter().flatten();
            let entry = |entry: &Value| Some((val(&entry["key"])?, val(&entry["value"])?));
            Val::Map(Rc::new(entries.map(entry).collect::<Option<Vec<_>>>()?))
        }
        "objectValue" => {
            let literal = inner["value"].as_str().unwrap_or_default();
            let source = match inner["@type"].as_str()? {
                "type.googleapis.com/google.protobuf.Timestamp" => format!("timestamp('{literal}')"),
                "type.googleapis.com/google.protobuf.Duration" => format!("duration('{literal}')"),
                _ => return None,
            };
            let made = Expr::compile(&source).ok()?;
            let nothing = Case { at: String::new(), expr: source, bindings: Vec::new(), value: None };
            match made.eval(&Bound(&nothing)).ok()? {
                Val::Timestamp(ms, ns) => Val::Timestamp(ms, ns),
                Val::Duration(ns) => Val::Duration(ns),
                _ => return None,
            }
        }
        "typeValue" => Val::Type(type_name(text)?),
        _ => return None,
    })
}

fn type_name(name: &str) -> Option<&'static str> {
    stead_lang::expr::TYPE_NAMES.iter().copied().find(|known| *known == name)
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|c| *c != b'=').map(digit).collect();
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let all = group.iter().fold(0_u32, |all, digit| (all << 6) | u32::from(*digit));
        let all = all << (6 * (4 - group.len()));
        bytes.extend(&all.to_be_bytes()[1..group.len()]);
    }
    bytes
}

/// The same value of the same type; lists and maps all the way down, maps in any order.
fn same(a: &Val<'_>, b: &Val<'_>) -> bool {
    match (a, b) {
        // Written out in the expression, it is kept as JSON.
        (Val::Json(json), _) => same(&Val::from_owned((*json).clone()), b),
        (Val::Null, Val::Null) => true,
        (Val::Bool(a), Val::Bool(b)) => a == b,
        (Val::Int(a), Val::Int(b)) => a == b,
        (Val::UInt(a), Val::UInt(b)) => a == b,
        (Val::Double(a), Val::Double(b)) => a == b || (a.is_nan() && b.is_nan()),
        (Val::Str(a), Val::Str(b)) => a == b,
        (Val::Bytes(a), Val::Bytes(b)) => a == b,
        (Val::Timestamp(a, an), Val::Timestamp(b, bn)) => (a, an) == (b, bn),
        (Val::Duration(a), Val::Duration(b)) => a == b,
        (Val::Type(a), Val::Type(b)) => a == b,
        (Val::List(a), Val::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b)),
        (Val::Map(a), Val::Map(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.iter().any(|(k, v)| same(key, k) && same(value, v)))
        }
        _ => false,
    }
}

/// Why a case does not pass; `None` when it does.
fn fails(case: &Case) -> Option<String> {
    let expr = match Expr::compile(&case.expr) {
        Ok(expr) => expr,
        Err(_) if case.value.is_none() => return None,
        Err(problems) => return Some(format!("it is refused: {}", problems[0].message)),
    };
    let bound = Bound(case);
    let found = expr.eval(&bound);
    let Some(wanted) = &case.value else {
        return found.ok().map(|value| format!("it has a value, {value:?}"));
    };
    match found {
        Err(error) => return Some(format!("it has no value: {error}")),
        Ok(found) => match val(wanted) {
            None => return Some(format!("there is no such value: {wanted}")),
            Some(wanted) if !same(&found, &wanted) => {
                return Some(format!("it gives {found:?}, not {wanted:?}"));
            }
            Some(_) => {}
        },
    }
    // What has a value is not to be refused by the check of types.
    let (_, problems) = expr.check(&bound);
    problems.first().map(|problem| format!("the check says: {}", problem.message))
}

/// The cases that are decided otherwise, by kind: a line with a kind and its reason, and below it the cases.
fn deviations() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut kind = "";
    for line in DEVIATIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("== ") {
            Some(head) => kind = head,
            None => assert!(all.entry(kind).or_default().insert(line), "{line} is listed twice"),
        }
    }
    all
}

#[test]
fn conformance_tests_of_cel_pass_but_for_the_deviations_that_are_listed() {
    let cases: Vec<Case> = CASES.lines().map(Case::read).collect();
    assert!(cases.len() > 1_700, "only {} cases are there", cases.len());
    let listed: BTreeSet<&str> = deviations().into_values().flatten().collect();
    let known: BTreeSet<&str> = cases.iter().map(|case| case.at.as_str()).collect();
    assert_eq!(known.len(), cases.len(), "each case has a name of its own");
    let mut wrong: Vec<String> = listed
        .iter()
        .filter(|at| !known.contains(*at))
        .map(|at| format!("{at}: there is no such case"))
        .collect();
    for case in &cases {
        match (fails(case), listed.contains(case.at.as_str())) {
            (Some(why), false) => wrong.push(format!("{}: {}\n      {why}", case.at, case.expr)),
            (None, true) => wrong.push(format!("{}: it is listed as a deviation, and passes", case.at)),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n  {}", wrong.len(), cases.len(), wrong.join("\n  "));
}

/// Whoever reads what the language does is told of each kind.
#[test]
fn each_kind_of_deviation_from_cel_stands_in_the_description_of_the_language() {
    for kind in deviations().keys() {
        assert!(LANGUAGE.contains(&format!("- {kind}")), "docs/language.md does not say: {kind}");
    }
}
