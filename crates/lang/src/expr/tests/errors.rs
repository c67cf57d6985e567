//! Where errors of an evaluation are shown.

use super::*;

#[test]
fn errors_have_their_place() {
    let roots = json!({"o": {"a": {"b": 1}}, "ü": 1});
    for (source, part) in [
        ("1 + o.a.c", "c"),
        ("'ä' == o.a.c", "c"),
        ("o.a.b / 0", "/ 0"),
        ("size(o.a.b)", "size"),
        ("'ä' + o.a.b.trim()", "trim"),
        ("[1].map(x, x + 'a')", "+ 'a'"),
        ("zz", "zz"),
        ("o[0]", "[0]"),
        ("!o", "!o"),
        ("true && o.a", "&&"),
        ("timestamp(true)", "timestamp"),
    ] {
        let expr = Expr::compile(source).unwrap();
        let Err(EvalError::Failed { offset, message }) = expr.eval(&Roots(&roots)) else {
            panic!("{source}")
        };
        let rest = source.get(offset as usize..).unwrap();
        assert!(rest.starts_with(part), "{source}: {message} at {rest}");
    }
}

#[test]
fn messages_do_not_grow_with_the_data() {
    let long = "x".repeat(10_000);
    let many: serde_json::Map<String, Value> = (0..5000).map(|n| (format!("{long}{n}"), json!(1))).collect();
    let message = eval("o.y", &json!({"o": many})).unwrap_err();
    assert!(message.len() < 1200, "{}", message.len());
    let message = eval("int(s)", &json!({"s": long})).unwrap_err();
    assert!(message.len() < 200);
}
