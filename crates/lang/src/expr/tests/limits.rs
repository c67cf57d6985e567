//! Each bound, and what lies behind it.

use super::*;
use crate::limits as bounds;

fn kind(source: &str) -> Option<ProblemKind> {
    Expr::compile(source).err().map(|problems| problems[0].kind)
}

/// In a thread with little stack, as a worker may have.
fn in_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn length() {
    let fits = format!("'{}'", "x".repeat(bounds::EXPR_BYTES - 2));
    assert_eq!(kind(&fits), None);
    assert_eq!(kind(&format!("{fits} ")), Some(ProblemKind::TooLong));
    assert_eq!(kind(&"x".repeat(50_000_000)), Some(ProblemKind::TooLong));
}

#[test]
fn nesting() {
    in_small_stack(|| {
        for (open, inner, close) in
            [("(", "1", ")"), ("[", "", "]"), ("{'a':", "1", "}"), ("size([", "", "])")]
        {
            let deep = |levels: usize| format!("{}{inner}{}", open.repeat(levels), close.repeat(levels));
            let per = open.matches(['(', '[', '{']).count();
            assert_eq!(kind(&deep(bounds::EXPR_NESTING / per)), None, "{open}");
            assert_eq!(kind(&deep(bounds::EXPR_NESTING / per + 1)), Some(ProblemKind::TooDeep), "{open}");
            assert_eq!(kind(&deep(2000 / open.len() / 2)), Some(ProblemKind::TooDeep), "{open}");
        }
        let choices = |n: usize| format!("{}1", "a ? 1 : ".repeat(n));
        assert_eq!(kind(&choices(bounds::EXPR_NESTING)), None);
        assert_eq!(kind(&choices(bounds::EXPR_NESTING + 1)), Some(ProblemKind::TooDeep));
        assert!(kind(&"[".repeat(4000)).is_some());
        // Choices side by side do not nest.
        let list = format!("[{}1]", "a ? 1 : 2, ".repeat(100));
        assert_eq!(kind(&list), None);
    });
}

/// What is read on the caller's stack is small enough for it.
#[test]
fn what_needs_no_stack_of_its_own() {
    in_small_stack(|| {
        assert_eq!(kind("((([1])))"), None);
        assert_eq!(kind("(((1)))"), None);
        assert_eq!(kind("a.b.c.d.e.f.g.h.i.j.k"), None);
        assert_eq!(kind("a+b+c+d+e+f+g+h+i+j+k+l"), None);
        assert_eq!(kind("[{'a': (a + b.c) * d == e ? f : g}]"), None);
    });
}

#[test]
fn height() {
    in_small_stack(|| {
        let roots = json!({"a": 1});
        let sum = |n: usize| format!("1{}", "+1".repeat(n));
        assert_eq!(eval(&sum(bounds::EXPR_HEIGHT), &roots), Ok(json!(bounds::EXPR_HEIGHT + 1)));
        assert_eq!(kind(&sum(bounds::EXPR_HEIGHT + 1)), Some(ProblemKind::TooDeep));
        assert_eq!(kind(&sum(2000)), Some(ProblemKind::TooDeep));
        assert_eq!(kind(&format!("a{}", ".b".repeat(1000))), Some(ProblemKind::TooDeep));
        assert_eq!(kind(&format!("a{}", "[0]".repeat(1000))), Some(ProblemKind::TooDeep));
        assert_eq!(kind(&format!("'a'{}", ".trim()".repeat(500))), Some(ProblemKind::TooDeep));
        assert_eq!(kind(&format!("true{}", "==true".repeat(600))), Some(ProblemKind::TooDeep));
        // These two grow wide, not high.
        assert_eq!(eval(&format!("true{}", "&&true".repeat(600)), &roots), Ok(json!(true)));
        assert_eq!(eval(&format!("size([1{}])", ",1".repeat(1500)), &roots), Ok(json!(1501)));
        assert_eq!(kind(&format!("{}a", "!".repeat(4000))), Some(ProblemKind::TooDeep));
        // As high as it gets, over all of it.
        let high = format!("{}1{}", "(1+".repeat(31), ")".repeat(31));
        let high = format!("{high}{}", "+1".repeat(90));
        assert_eq!(eval(&high, &roots), Ok(json!(122)));
    });
}

#[test]
fn macros() {
    let nested = |n: usize| {
        let mut source = "1".to_owned();
        for _ in 0..n {
            source = format!("l.map(x, {source})");
        }
        source
    };
    assert_eq!(kind(&nested(bounds::COMPREHENSION_NESTING)), None);
    assert_eq!(kind(&nested(bounds::COMPREHENSION_NESTING + 1)), Some(ProblemKind::TooDeep));
    // One after the other they do not nest.
    assert_eq!(kind(&format!("l{}", ".map(x, x)".repeat(20))), None);
}

#[test]
fn work() {
    let long: Vec<u32> = (0..1000).collect();
    let roots = json!({"l": long});
    let message = format!("the expression takes more than {} steps", bounds::EVAL_FUEL);
    for source in [
        "l.map(x, l.map(y, l.map(z, x)))",
        "l.all(x, l.all(y, l.all(z, true)))",
        // No `||` saves it.
        "l.all(x, l.all(y, l.all(z, true))) || true",
        "l.exists(x, l.exists(y, l.all(z, true) && false)) || true",
        "size(l.map(x, l + l + l)) > 0",
        "l.map(x, l == l.map(y, y))",
        "l.map(x, x in l && size(sort(l)) > 0)",
        "l.exists(x, l.exists(y, text(x).matches('a' + text(y))))",
    ] {
        assert_eq!(eval(source, &roots), Err(message.clone()), "{source}");
    }
    assert_eq!(eval("l.map(x, l.filter(y, y == x)).size()", &json!({"l": &long[..200]})), Ok(json!(200)));
}

#[test]
fn lists_that_are_made() {
    let long: Vec<u32> = (0..1000).collect();
    let roots = json!({"l": long, "wide": vec![1; 50_001]});
    let message = format!("the list becomes longer than {} elements", bounds::MADE_ITEMS);
    for source in [
        "product({'a': l, 'b': l})",
        "wide + wide",
        "flatten([wide, wide])",
        "product({'a': l, 'b': l, 'c': l, 'd': l, 'e': l, 'f': l, 'g': l, 'h': l})",
    ] {
        assert_eq!(eval(source, &roots), Err(message.clone()), "{source}");
    }
    let roots = json!({"l": vec![1; bounds::MADE_ITEMS + 1]});
    assert_eq!(eval("l.map(x, x)", &roots), Err(message.clone()));
    assert_eq!(eval("l.filter(x, true)", &roots), Err(message.clone()));
    assert_eq!(eval("sort(l)", &roots), Err(message));
    assert_eq!(eval("size(l)", &roots), Ok(json!(bounds::MADE_ITEMS + 1)));
}

#[test]
fn texts_that_are_made() {
    let message = format!("the text becomes longer than {} bytes", bounds::MADE_BYTES);
    let roots =
        json!({"s": "x".repeat(bounds::MADE_BYTES), "l": vec!["y".repeat(bounds::MADE_BYTES / 2); 3]});
    for source in
        ["s + 'y'", "l.join()", "'ab'.replace('a', s)", "text(l)", "text([s])", "['', s, ''].join('-')"]
    {
        assert_eq!(eval(source, &roots), Err(message.clone()), "{source}");
    }
    assert_eq!(eval("size(s)", &roots), Ok(json!(bounds::MADE_BYTES)));
    let deep = format!("json('{}' + s)", "[".repeat(100));
    assert!(eval(&deep, &json!({"s": "[".repeat(100)})).is_err());
}

#[test]
fn regular_expressions() {
    let long = "a".repeat(bounds::REGEX_BYTES);
    assert_eq!(kind(&format!("x.matches('{long}')")), None);
    assert_eq!(kind(&format!("x.matches('{long}b')")), Some(ProblemKind::Regex));
    assert_eq!(kind("x.matches('(a{1000}){1000}')"), Some(ProblemKind::Regex));
    assert_eq!(
        kind(&format!("x.matches('{}a{}')", "(".repeat(100), ")".repeat(100))),
        Some(ProblemKind::Regex)
    );
    let roots = json!({"x": "a", "p": "(a{1000}){1000}"});
    assert_eq!(eval("x.matches(p)", &roots), Err("the regular expression is too large".to_owned()));
}

/// A text that was made is copied when it is taken out of where it was put: that costs.
#[test]
fn copies() {
    let roots = json!({"s": "x".repeat(2_000_000), "many": vec![1; 1000]});
    let message = format!("the expression takes more than {} steps", bounds::EVAL_FUEL);
    let list = vec!["x"; 200].join(", ");
    let sums = vec!["x"; 100].join(" + ");
    for source in [
        format!("[s + s].map(x, [{list}])"),
        format!("[[s + s]].map(x, {sums})"),
        "product({'a': [s + s], 'b': many})".to_owned(),
        format!("optional.of(s + s).optMap(x, [{list}])"),
        format!("[{{'a': s + s}}].map(x, [{}])", list.replace('x', "x.a")),
        format!("[optional.of(s + s)].map(x, [{}])", list.replace('x', "x.value()")),
        "[s + s].map(x, many.map(y, x))".to_owned(),
        format!("[[s + s]].map(x, [{}])", list.replace('x', "sort(x)")),
        format!("[[s + s]].map(x, [{}])", list.replace('x', "x.filter(y, true)")),
    ] {
        assert_eq!(eval(&source, &roots), Err(message.clone()), "{source}");
    }
}

/// Small while it is shared, immense when it is written out.
#[test]
fn values_that_are_written_out() {
    let list = vec!["x"; 100].join(", ");
    let source = format!("[[1]].map(x, [{list}]).map(x, [{list}]).map(x, [{list}]).map(x, [{list}])");
    assert_eq!(eval(&source, &json!({})), Err("the value is too large".to_owned()));
    assert_eq!(eval(&format!("text({source})"), &json!({})), Err("the value is too large".to_owned()));
    assert_eq!(eval(&format!("size({source})"), &json!({})), Ok(json!(1)));
}

/// What is handed on as it was may be larger than what may be put together.
#[test]
fn values_that_are_handed_on() {
    let size = usize::try_from(bounds::RENDERED_WORK).unwrap() + 1;
    let roots = json!({"o": {"l": vec![0; size]}});
    assert_eq!(eval("o.l", &roots).map(|list| list.as_array().map(Vec::len)), Ok(Some(size)));
    assert_eq!(eval("{'l': o.l}", &roots), Err("the value is too large".to_owned()));
}

#[test]
fn depth_of_values() {
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    assert!(eval("x", &json!({"x": deep(bounds::VALUE_DEPTH)})).is_ok());
    let message = format!("the value is nested deeper than {} levels", bounds::VALUE_DEPTH);
    assert_eq!(eval("x", &json!({"x": deep(bounds::VALUE_DEPTH + 1)})), Err(message.clone()));
    assert_eq!(eval("[x]", &json!({"x": deep(bounds::VALUE_DEPTH)})), Err(message.clone()));
    assert_eq!(eval("{'a': x}", &json!({"x": deep(bounds::VALUE_DEPTH)})), Err(message));
}

/// Messages are made even where nobody reads them.
#[test]
fn work_of_messages() {
    let big: serde_json::Map<String, Value> = (0..5000).map(|n| (format!("key_{n}"), json!(n))).collect();
    let roots = json!({"big": big, "l": vec![1; 1000]});
    let message = format!("the expression takes more than {} steps", bounds::EVAL_FUEL);
    assert_eq!(eval("l.exists(x, l.exists(y, big.key_x))", &roots), Err(message));
}
