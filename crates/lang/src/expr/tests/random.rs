//! Nothing that is thrown at it makes it panic.

use proptest::prelude::*;

use super::*;

/// Trees of expressions as text: right in form, wrong in anything else.
fn trees() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "a",
        "l",
        "m",
        "s",
        "t",
        "zz",
        "1",
        "-7",
        "2.5",
        "3u",
        "'x'",
        "''",
        "'ü|'",
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "b'q'",
        "int",
        "9223372036854775807",
        "optional.none()",
        "duration('1h')",
        "timestamp(0)",
        "double('nan')",
    ])
    .prop_map(str::to_owned);
    names.prop_recursive(5, 40, 3, |inner| {
        let binary = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in",
        ]);
        let methods = prop::sample::select(vec![
            "size()",
            "trim()",
            "reverse()",
            "value()",
            "hasValue()",
            "getHours()",
            "sort()",
            "distinct()",
            "flatten()",
            "join()",
            "lowerAscii()",
            "min()",
            "sum()",
            "map(x, x)",
            "all(x, x == 1)",
            "filter(x, x != l)",
            "exists_one(x, x in m)",
            "optMap(x, x)",
            "substring(1)",
            "charAt(1)",
        ]);
        let methods2 = prop::sample::select(vec![
            "contains",
            "startsWith",
            "matches",
            "indexOf",
            "lastIndexOf",
            "split",
            "orValue",
            "or",
            "join",
            "substring",
            "getDate",
        ]);
        let globals = prop::sample::select(vec![
            "size",
            "int",
            "uint",
            "double",
            "string",
            "bytes",
            "bool",
            "type",
            "dyn",
            "timestamp",
            "duration",
            "json",
            "text",
            "product",
            "zip",
            "sum",
            "max",
            "optional.of",
            "optional.ofNonZeroValue",
        ]);
        prop_oneof![
            (inner.clone(), binary, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (inner.clone(), methods).prop_map(|(a, f)| format!("({a}).{f}")),
            (inner.clone(), methods2, inner.clone()).prop_map(|(a, f, b)| format!("({a}).{f}({b})")),
            (globals, inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[?{b}]")),
            inner.clone().prop_map(|a| format!("({a}).?k.j")),
            inner.clone().prop_map(|a| format!("has(({a}).k)")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{{a}: {b}}}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}).map(x, {b} == x)")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a}).replace({b}, {c})")),
        ]
    })
}

/// Pieces of the language in any order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a", ".", "?", "[", "]", "(", ")", "{", "}", ",", ":", "'", "\"", "\"\"\"", "r'", "b'", "\\", "1",
        "0x", "1e", "+", "-", "!", "&&", "||", "==", "=", "in", "has(", ".map(x,", "optional", "`", "$", "ü",
        " ", "\n", "//", "null", "u", ".?", "[?", "loop", "${{", "}}", "@", "\u{0}",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

struct Anything;

impl TypeEnv for Anything {
    fn var(&self, name: &str) -> Option<Type> {
        match name {
            "a" => Some(Type::Int),
            "l" => Some(Type::list(Type::Number)),
            "m" => Some(Type::map(vec![Field::optional("k", Type::String)], false)),
            "s" => Some(Type::words(["x", "y"])),
            "t" => Some(Type::Dyn),
            _ => None,
        }
    }

    fn names(&self) -> Vec<String> {
        vec!["a".into(), "l".into()]
    }
}

fn try_all(source: &str) {
    let roots =
        json!({"a": 3, "l": [1, 2.5, 3], "m": {"k": "v", "j": null}, "s": "x", "t": [{"k": {"j": []}}]});
    match Expr::compile(source) {
        Ok(expr) => {
            expr.check(&Anything);
            let _ = expr.references();
            if let Ok(value) = expr.eval(&Roots(&roots)) {
                let _ = value.to_json();
                let _ = value.to_text();
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                let (start, end) = (problem.offset as usize, (problem.offset + problem.len) as usize);
                assert!(source.get(start..end).is_some(), "{source:?}: {problem:?}");
            }
        }
    }
    let _ = Expr::compile_condition(source);
    let _ = crate::template::Template::parse(source);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_do_not_panic(source in trees()) {
        try_all(&source);
    }

    /// What is right in form compiles, but for what is known to be wrong before it runs.
    #[test]
    fn trees_are_read(source in trees()) {
        if let Err(problems) = Expr::compile(&source) {
            for problem in problems {
                prop_assert!(problem.kind != ProblemKind::Syntax, "{source}: {problem:?}");
            }
        }
    }

    #[test]
    fn soup_does_not_panic(source in soup()) {
        try_all(&source);
    }

    #[test]
    fn text_does_not_panic(source in "\\PC{0,60}") {
        try_all(&source);
    }

    #[test]
    fn durations_do_not_panic(text in "[-0-9.a-zµ ]{0,30}", millis in any::<u64>(), at in any::<i64>()) {
        let _ = crate::duration::parse_duration(&text);
        let _ = crate::duration::parse_time(&text);
        let _ = crate::duration::format_duration(millis);
        let _ = crate::duration::format_time(at);
    }
}
