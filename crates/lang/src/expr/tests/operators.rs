//! Literals, arithmetic, comparison, logic, access, optional values.

use serde_json::json;

use super::{fails, gives};

#[test]
fn literals() {
    gives(
        &json!({}),
        &[
            ("null", json!(null)),
            ("true", json!(true)),
            ("-5", json!(-5)),
            ("- 5", json!(-5)),
            ("0x1F", json!(31)),
            ("7u", json!(7)),
            ("1.5e2", json!(150.0)),
            ("-.5", json!(-0.5)),
            ("'a\\n\\u00e9\\x41'", json!("a\né\u{41}")),
            ("r'\\d'", json!("\\d")),
            ("\"\"\"a\"b\nc\"\"\"", json!("a\"b\nc")),
            ("[1, 'a', [true]]", json!([1, "a", [true]])),
            ("[1, 2,]", json!([1, 2])),
            ("{'a': {'b': 1}, 'c': []}", json!({"a": {"b": 1}, "c": []})),
            ("{1: 'x', true: 'y'}", json!({"1": "x", "true": "y"})),
            ("-9223372036854775808", json!(i64::MIN)),
            ("size('äöü') == 3 && 'ü' == 'äöü'.charAt(2)", json!(true)),
        ],
    );
}

#[test]
fn integers_stay_integers_and_mix_with_fractions() {
    let roots = json!({"n": 7, "x": 0.5, "big": u64::MAX});
    gives(
        &roots,
        &[
            ("n * 2", json!(14)),
            ("n / 2", json!(3)),
            ("-n / 2", json!(-3)),
            ("n % 4", json!(3)),
            ("n + x", json!(7.5)),
            ("x * 4", json!(2.0)),
            ("n / 2.0", json!(3.5)),
            ("5.5 % 2", json!(1.5)),
            ("1u + 2", json!(3)),
            ("1u - 2", json!(-1)),
            ("big", json!(u64::MAX)),
            ("big - 1", json!(u64::MAX - 1)),
            ("n - -1", json!(8)),
            ("-(-n)", json!(7)),
            ("n-1", json!(6)),
        ],
    );
    fails(
        &roots,
        &[
            ("9223372036854775807 + 1", "the result is too large for an integer"),
            ("-9223372036854775808 - 1", "the result is too large for an integer"),
            ("n * 9223372036854775807", "the result is too large for an integer"),
            ("-(-9223372036854775807 - 1)", "the result is too large for an integer"),
            ("(-9223372036854775807 - 1) / -1", "the result is too large for an integer"),
            ("(-9223372036854775807 - 1) % -1", "the result is too large for an integer"),
            ("0u - 18446744073709551615u", "the result is too large for an integer"),
            ("big + 1", "the result is too large for an integer"),
            ("n / 0", "division by zero"),
            ("n % 0", "division by zero"),
            ("n / 0.0", "division by zero"),
            ("1e308 * 10", "the result is no number (not a number, or infinite)"),
            ("n + 'a'", "`+` does not work on an integer and a text; write text(x) to make a text of it"),
            ("n * true", "`*` does not work on an integer and a boolean"),
            ("-'a'", "a text has no negative"),
        ],
    );
}

#[test]
fn plus_joins_texts_lists_and_bytes() {
    let roots = json!({"a": "x", "l": [1]});
    gives(
        &roots,
        &[
            ("a + 'y' + a", json!("xyx")),
            ("l + [2] + l", json!([1, 2, 1])),
            ("string(b'a' + b'b')", json!("ab")),
        ],
    );
}

#[test]
fn numbers_compare_by_value() {
    gives(
        &json!({"n": 3, "x": 3.0, "big": 9_007_199_254_740_993_i64}),
        &[
            ("n == x", json!(true)),
            ("n == 3u && x == 3u", json!(true)),
            ("n < 3.5 && 3.5 > n && n >= x", json!(true)),
            // As doubles these two would be equal.
            ("big == 9007199254740992.0", json!(false)),
            ("big > 9007199254740992.0", json!(true)),
            ("1 < double('inf') && -1 > double('-inf')", json!(true)),
            ("double('nan') == double('nan') || double('nan') < 1", json!(false)),
            ("-1 < 0u", json!(true)),
        ],
    );
}

#[test]
fn values_of_different_kinds_are_not_equal() {
    let roots = json!({"o": {"a": [1, {"b": null}]}});
    gives(
        &roots,
        &[
            ("'1' == 1", json!(false)),
            ("null == 0", json!(false)),
            ("null == null", json!(true)),
            ("true != 'true'", json!(true)),
            ("o == {'a': [1.0, {'b': null}]}", json!(true)),
            ("{'x': 1, 'y': 2} == {'y': 2, 'x': 1}", json!(true)),
            ("o.a == [1]", json!(false)),
            ("[] == {}", json!(false)),
            ("'a' < 'b' && false < true && b'a' < b'b'", json!(true)),
            ("type(1) == int && type('') != int && type([]) == list && type(o) == map", json!(true)),
        ],
    );
    fails(
        &roots,
        &[
            ("'a' < 1", "a text and an integer have no order"),
            ("[1] < [2]", "a list and a list have no order"),
            ("null < 1", "null and an integer have no order"),
        ],
    );
}

#[test]
fn one_side_that_fails_is_no_matter_where_the_other_settles_it() {
    let roots = json!({"o": {}});
    gives(
        &roots,
        &[
            ("o.x || true", json!(true)),
            ("true || o.x", json!(true)),
            ("o.x && false", json!(false)),
            ("false && o.x", json!(false)),
            ("[1, 2].exists(i, i == 2 || o.x)", json!(true)),
            ("[0, 1].exists(i, 1 / i == 1)", json!(true)),
            ("[0, 1].all(i, 1 / i == 2)", json!(false)),
        ],
    );
    fails(
        &roots,
        &[
            ("o.x || false", "`o` has no `x`; it is empty"),
            ("o.x && true", "`o` has no `x`; it is empty"),
            ("1 && true", "`&&` takes booleans, not an integer"),
            ("false || 'a'", "`||` takes booleans, not a text"),
            ("!1", "`!` takes a boolean, not an integer"),
            ("1 ? 2 : 3", "`?` takes a boolean before it, not an integer"),
            ("[0, 1].all(i, 1 / i == 1)", "division by zero"),
            ("[0, 1].filter(i, 1 / i == 1)", "division by zero"),
        ],
    );
}

#[test]
fn access() {
    let roots =
        json!({"o": {"a": [10, 20], "b-c": {"d": 1}, "nothing": null}, "k": "a", "i": 1, "text": "{}"});
    gives(
        &roots,
        &[
            ("o.a[1]", json!(20)),
            ("o[k][i]", json!(20)),
            ("o.a[1.0] + o.a[0u]", json!(30)),
            ("o['b-c'].d", json!(1)),
            ("o.`b-c`.d", json!(1)),
            ("has(o.a) && !has(o.z) && has(o.nothing)", json!(true)),
            ("'a' in o && !('z' in o) && 20 in o.a && !(5 in o.a)", json!(true)),
            ("{1: 'x'}[1] + {1: 'y'}[1.0]", json!("xy")),
            (".o.a[0]", json!(10)),
            ("o.a.map(o, o + .i)", json!([11, 21])),
            ("i == 1 ? 'one' : i == 2 ? 'two' : 'many'", json!("one")),
        ],
    );
    fails(
        &roots,
        &[
            ("o.a[2]", "`o.a` has no element 2; it has 2, counted from 0"),
            ("o.a[-1]", "`o.a` has no element -1; it has 2, counted from 0"),
            ("o.a['x']", "`o.a` is a list, it has no `x`; write [0] for its first element"),
            ("o.a[true]", "the index of a list is an integer, not a boolean"),
            ("o.nothin", "`o` has no `nothin`; it has `a`, `b-c`, `nothing`; the nearest is `nothing`"),
            ("o['nothing'].x", "`o['nothing']` is null, it has no `x`"),
            ("has(o.nothing.x)", "`o.nothing` is null, it has no `x`"),
            ("has(o.z.x)", "`o` has no `z`; it has `a`, `b-c`, `nothing`"),
            ("text.size", "`text` is a text, it has no `size`; write json(x) to read JSON out of a text"),
            ("o[1]", "`o` has no `1`; it has `a`, `b-c`, `nothing`"),
            ("k[0]", "`k` is a text, it has no elements"),
            ("zz.a", "there is no `zz` here"),
            ("'a' in text", "`in` takes a list or a map, not a text; write text.contains(part)"),
        ],
    );
}

#[test]
fn optional_values() {
    let roots = json!({"o": {"a": {"b": 1}, "nothing": null, "l": [5]}, "e": ""});
    gives(
        &roots,
        &[
            ("o.?a.b.orValue(0)", json!(1)),
            ("o.?z.b.c.orValue(0)", json!(0)),
            ("o.a.?z.orValue('none')", json!("none")),
            ("o.?nothing.x.orValue(2)", json!(2)),
            ("o.?nothing.orValue(2)", json!(null)),
            ("o.l[?0].orValue(0) + o.l[?7].orValue(1)", json!(6)),
            ("o[?'z'].hasValue()", json!(false)),
            ("o.?a.hasValue()", json!(true)),
            ("o.?z.or(o.?a).value().b", json!(1)),
            ("o.?a.optMap(x, x.b + 1).orValue(0)", json!(2)),
            ("o.?z.optMap(x, x.b + 1).orValue(0)", json!(0)),
            ("o.?a.optFlatMap(x, x.?z).hasValue()", json!(false)),
            ("has(o.?z.b) || has(o.?a.z)", json!(false)),
            ("optional.of(1) == optional.of(1.0) && optional.none() == o.?z", json!(true)),
            ("optional.of(1) == 1", json!(false)),
            ("optional.ofNonZeroValue(e).orValue('empty')", json!("empty")),
            ("[?o.?a.b, ?o.?z, 3]", json!([1, 3])),
            ("{?'x': o.?a.b, ?'y': o.?z}", json!({"x": 1})),
            // What stands in is only evaluated where it is needed.
            ("o.?a.b.orValue(1 / 0)", json!(1)),
            // To JSON it is what it holds, or null.
            ("[o.?z, o.?l]", json!([null, [5]])),
        ],
    );
    fails(
        &roots,
        &[
            ("o.?z.value()", "the optional value is not there; write orValue(x)"),
            (
                "o.a.orValue(1)",
                "orValue() takes an optional value, not a map; a value becomes optional by a.?b",
            ),
            ("o.?z.orValue(1 / 0)", "division by zero"),
            ("o.?e + 1", "`+` does not work on an optional value and an integer; write x.orValue(y)"),
            ("e.?x", "`e` is a text, it has no `x`; write json(x) to read JSON out of a text"),
            ("[?1]", "`?` takes an optional value, not an integer"),
        ],
    );
}
