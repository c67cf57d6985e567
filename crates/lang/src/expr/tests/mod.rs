//! What expressions mean: tables of an expression, what it can reach, and what comes of it.

mod collections;
mod errors;
mod guards;
mod limits;
mod operators;
mod random;
mod syntax;
mod times;
mod types;

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};

use super::*;

/// Roots out of a JSON object.
pub(crate) struct Roots<'a>(pub(crate) &'a Value);

impl<'a> Env<'a> for Roots<'a> {
    fn var(&self, name: &str) -> Result<Option<Val<'a>>, EvalError> {
        Ok(self.0.get(name).map(Val::from_json))
    }
}

/// The value as JSON, or the message.
pub(crate) fn eval(source: &str, roots: &Value) -> Result<Value, String> {
    let expr = Expr::compile(source).map_err(|problems| format!("compile: {}", problems[0].message))?;
    let value = expr.eval(&Roots(roots)).and_then(|value| value.to_json());
    value.map_err(|error| error.to_string())
}

/// Every expression gives its value over these roots.
pub(crate) fn gives(roots: &Value, table: &[(&str, Value)]) {
    for (source, wanted) in table {
        assert_eq!(eval(source, roots).as_ref(), Ok(wanted), "{source}");
    }
}

/// Every expression fails with its message over these roots.
pub(crate) fn fails(roots: &Value, table: &[(&str, &str)]) {
    for (source, message) in table {
        assert_eq!(eval(source, roots), Err((*message).to_owned()), "{source}");
    }
}

/// A map whose values may not be loaded. It notes what was asked for.
#[derive(Debug)]
struct Lazy<'a> {
    value: &'a Value,
    loaded: &'a [&'a str],
    asked: Rc<RefCell<Vec<String>>>,
}

impl<'a> Object<'a> for Lazy<'a> {
    fn kind(&self) -> ObjectKind {
        if self.value.is_array() { ObjectKind::List } else { ObjectKind::Map }
    }

    fn len(&self) -> Result<usize, EvalError> {
        Ok(self.value.as_array().map_or(0, Vec::len) + self.value.as_object().map_or(0, serde_json::Map::len))
    }

    fn keys(&self) -> Result<Vec<Cow<'a, str>>, EvalError> {
        let entries = self.value.as_object();
        Ok(entries.map(|map| map.keys().map(|key| Cow::Borrowed(key.as_str())).collect()).unwrap_or_default())
    }

    fn get(&self, key: &str) -> Result<Option<Val<'a>>, EvalError> {
        let Some(value) = self.value.get(key) else { return Ok(None) };
        if self.loaded.contains(&key) {
            return Ok(Some(Val::from_json(value)));
        }
        self.asked.borrow_mut().push(key.to_owned());
        Err(EvalError::Needs)
    }

    fn at(&self, index: usize) -> Result<Option<Val<'a>>, EvalError> {
        let Some(value) = self.value.get(index) else { return Ok(None) };
        if self.loaded.contains(&index.to_string().as_str()) {
            return Ok(Some(Val::from_json(value)));
        }
        self.asked.borrow_mut().push(index.to_string());
        Err(EvalError::Needs)
    }
}

/// One root `o` that is made as it is asked for.
struct LazyRoot<'a>(&'a Value, &'a [&'a str], Rc<RefCell<Vec<String>>>);

impl<'a> Env<'a> for LazyRoot<'a> {
    fn var(&self, name: &str) -> Result<Option<Val<'a>>, EvalError> {
        let object = Lazy { value: self.0, loaded: self.1, asked: Rc::clone(&self.2) };
        Ok((name == "o").then(|| Val::Object(Rc::new(object))))
    }
}

/// What comes of an expression where only some keys of `o` are loaded, and what it asked for.
fn lazily(source: &str, value: &Value, loaded: &[&str]) -> (Result<Value, EvalError>, Vec<String>) {
    let expr = Expr::compile(source).unwrap();
    let asked = Rc::new(RefCell::new(Vec::new()));
    let roots = LazyRoot(value, loaded, Rc::clone(&asked));
    let result = expr.eval(&roots).and_then(|value| value.to_json());
    drop(roots);
    let asked = asked.borrow().clone();
    (result, asked)
}

#[test]
fn what_is_read_is_borrowed() {
    let roots = json!({"steps": {"fetch": {"output": {"title": "x"}}}});
    let expr = Expr::compile("steps.fetch.output.title").unwrap();
    assert!(matches!(expr.eval(&Roots(&roots)), Ok(Val::Str(Cow::Borrowed("x")))));
    let expr = Expr::compile("steps.fetch.output").unwrap();
    assert!(matches!(expr.eval(&Roots(&roots)), Ok(Val::Json(Value::Object(_)))));
}

#[test]
fn conditions_take_marks_or_none() {
    let roots = json!({"a": 1});
    for text in ["a == 1", "${{ a == 1 }}", "  ${{a == 1}}\n", "${{ {'}}': 1}.size() == a }}", "'${{' != ''"]
    {
        let expr = Expr::compile_condition(text).unwrap();
        assert_eq!(expr.eval_bool(&Roots(&roots)), Ok(true), "{text}");
        assert_eq!(text.get(expr.base() as usize..).map(|rest| rest.starts_with(expr.source())), Some(true));
    }
    for text in ["${{ a }} && ${{ b }}", "a && ${{ b }}", "${{ a", "${{ }}"] {
        assert_eq!(Expr::compile_condition(text).unwrap_err()[0].kind, ProblemKind::Marks, "{text}");
    }
    let expr = Expr::compile_condition("a").unwrap();
    let error = expr.eval_bool(&Roots(&roots)).unwrap_err();
    assert_eq!(error.to_string(), "a condition gives a boolean, not an integer");
    let problem = &Expr::compile_condition("  ${{ a ++ b }}").unwrap_err()[0];
    assert_eq!(problem.offset, 9);
}

#[test]
fn what_is_not_loaded_passes_through_everything() {
    let value = json!({"a": true, "b": 2, "c": [1]});
    for source in [
        "o.a",
        "o.a || true",
        "o.a && false",
        "false || o.a",
        "true ? o.a : 1",
        "[o.a]",
        "{'x': o.a}",
        "[1].exists(x, o.a) ",
        "[1, 2].all(x, o.a || true)",
        "[1].map(x, o.b + x)",
        "text(o.c)",
        "o.?a.orValue(false)",
        "o == {'a': 1, 'b': 2, 'c': 3}",
        "min(o.b, 1)",
        "has(o.a)",
        "o",
    ] {
        assert_eq!(lazily(source, &value, &[]).0, Err(EvalError::Needs), "{source}");
    }
    // What decides before is not held up.
    for source in
        ["true || o.a", "!(false && o.a)", "size(o) == 3", "o.map(k, k) == ['a', 'b', 'c']", "!has(o.z)"]
    {
        assert_eq!(lazily(source, &value, &[]).0, Ok(json!(true)), "{source}");
    }
}

#[test]
fn all_that_is_not_loaded_is_asked_for_at_once() {
    let value = json!({"a": 1, "b": 2, "c": 3});
    for source in
        ["o.a + o.b * o.c", "[o.a, o.b, o.c]", "{'x': o.a, 'y': o.b, 'z': o.c}", "max(o.a, o.b, o.c)", "o"]
    {
        let (result, asked) = lazily(source, &value, &[]);
        assert_eq!((result, asked.len()), (Err(EvalError::Needs), 3), "{source}: {asked:?}");
    }
    let (result, asked) = lazily("o.map(x, x * 2)", &json!([1, 2, 3]), &["1"]);
    assert_eq!((result, asked), (Err(EvalError::Needs), vec!["0".to_owned(), "2".to_owned()]));
    let (result, _) = lazily("o.map(x, x * 2)", &json!([1, 2, 3]), &["0", "1", "2"]);
    assert_eq!(result, Ok(json!([2, 4, 6])));
}

#[test]
fn objects_become_json() {
    let (result, _) = lazily("{'whole': o}", &json!({"a": 1, "b": [1.5, null]}), &["a", "b"]);
    assert_eq!(result, Ok(json!({"whole": {"a": 1, "b": [1.5, null]}})));
}
