//! What is said about expressions that cannot be read.

use super::*;

fn first(source: &str) -> ExprProblem {
    Expr::compile(source).expect_err(source).swap_remove(0)
}

/// Message, and the part of the source that it is shown at.
fn says(table: &[(&str, &str, &str)]) {
    for (source, message, part) in table {
        let problem = first(source);
        let (start, end) = (problem.offset as usize, (problem.offset + problem.len) as usize);
        assert_eq!((problem.message.as_str(), source.get(start..end)), (*message, Some(*part)), "{source}");
    }
}

#[test]
fn what_does_not_follow_what() {
    says(&[
        ("", "the expression is empty", ""),
        ("  \n", "the expression is empty", ""),
        ("a +", "a value is missing after `+`", "+"),
        ("a + * b", "a value is missing between `+` and `*`", "*"),
        ("* b", "a value is missing before `*`", "*"),
        ("a b", "an operator is missing before `b`", "b"),
        ("a and b", "an operator is missing before `and`", "and"),
        ("10m", "an operator is missing before `m`", "m"),
        ("not a", "`not` is no operator of CEL", "not"),
        ("a.", "a name is missing behind the dot", "."),
        ("a.0", "an operator is missing before `.0`", ".0"),
        ("a. 0", "a name is missing behind the dot", "0"),
        ("a.in", "`in` cannot stand behind a dot", "in"),
        ("(a", "`(` is not closed", "("),
        ("f(a, [1, 2)", "`[` is closed by `)`; `]` is missing", ")"),
        ("a)", "`)` closes nothing", ")"),
        ("[1,,2]", "a value is missing between `,` and `,`", ","),
        ("size(a,)", "a value is missing between `,` and `)`", ")"),
        ("{'a'}", "a key without a value in a map", "}"),
        ("{'a': }", "a value is missing between `:` and `}`", "}"),
        ("a ? b", "this `?` has no `:`", "?"),
        ("a : b", "`:` without a `?` before it", ":"),
        ("a ? b ? c : d : e", "a choice stands between `?` and `:` of another", "?"),
        ("a?.b", "`?.` is no operator of CEL", "?"),
        ("a ?? b", "a value is missing between `?` and `?`", "?"),
        ("a, b", "`,` does not belong here", ","),
        ("(a, b)", "`,` between brackets that hold one value", ","),
        ("a[1, 2]", "an index is one value", ","),
        ("1(2)", "only a function can be called", "("),
        ("a[0](2)", "only a function can be called", "("),
        ("in a", "a value is missing before `in`", "in"),
        ("a in", "a value is missing after `in`", "in"),
        ("loop.x", "`loop` is a reserved word of CEL", "loop"),
        ("Msg{a: 1}", "an operator is missing before `{`", "{"),
        ("!-a", "`!` and `-` cannot follow each other", "-"),
        ("`a`", "`a` cannot stand here", "`a`"),
    ]);
}

#[test]
fn what_is_no_token() {
    says(&[
        ("a = b", "`=` is no operator of CEL", "="),
        ("a === b", "`===` is no operator of CEL", "==="),
        ("a & b", "`&` does not belong here", "&"),
        ("$a", "`$` does not belong here", "$"),
        ("“a”", "`“` does not belong here", "“"),
        ("a // b", "`//` is no operator of CEL", "//"),
        ("a; b", "`;` is no operator of CEL", ";"),
        ("x == 'it", "the text that starts here has no closing quote", "'it"),
        ("'ä' + '\\d'", "`\\d` is no escape of CEL", "\\d"),
        ("'\\ud800'", "`\\u` is no escape of CEL", "\\u"),
        ("ä", "`ä` does not belong here", "ä"),
        ("a.`b", "a backquote that quotes no name", "`"),
    ]);
}

#[test]
fn what_the_parser_finds() {
    says(&[
        (
            "99999999999999999999",
            "`99999999999999999999` is too large for an integer",
            "99999999999999999999",
        ),
        ("1e999", "`1e999` is too large for a number", "1e999"),
        ("has(a)", "has() takes a field", "a"),
        ("'ä' + has(a[0])", "has() takes a field", "["),
        ("a.map(1, 2)", "the first argument is a name for the element", "1"),
        ("a.map(.b, 2)", "the first argument is a name for the element", "map"),
    ]);
}

#[test]
fn functions_are_known_when_it_is_compiled() {
    says(&[
        ("siez(a)", "there is no function `siez`", "siez"),
        ("a.startswith('b')", "there is no function `startswith`", "startswith"),
        ("now()", "there is no function `now`", "now"),
        ("a.int()", "`int` does not stand behind a dot", "int"),
        ("contains(a, b)", "`contains` stands behind a dot", "contains"),
        ("'ü'.contains()", "`contains` takes 1 argument, not 0", "contains"),
        ("size(a, b)", "`size` takes 1 argument, not 2", "size"),
        ("a.substring()", "`substring` takes 1 to 2 arguments, not 0", "substring"),
        ("optional.nine()", "there is no function `optional.nine`", "nine"),
        ("a.map(x)", "`map` is not called like this", "map"),
        ("a.optMap(1, 2)", "the first argument is a name for the value", "1"),
        ("a.matches('(')", "the regular expression does not compile: unclosed group", "'('"),
    ]);
    assert_eq!(first("siez(a)").nearest.as_deref(), Some("size"));
    assert_eq!(first("a.startswith('b')").nearest.as_deref(), Some("startsWith"));
    assert_eq!(first("a.toUpperCase()").help.as_deref(), Some("write x.upperAscii()"));
    assert_eq!(first("contains(a, b)").help.as_deref(), Some("write x.contains(…)"));
}

#[test]
fn all_problems_of_functions_are_found_at_once() {
    let problems = Expr::compile("siez(a) + b.foo() + size()").unwrap_err();
    assert_eq!(problems.len(), 3);
}

#[test]
fn blanks_and_lines_are_free() {
    let roots = json!({"a": 1});
    assert_eq!(eval("a\n  == 1\n\t&& true", &roots), Ok(json!(true)));
    assert_eq!(first("a\n + 'ä'\n + siez(b)").offset, 13);
}
