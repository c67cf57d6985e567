//! Macros and functions over lists, maps and texts, and conversions.

use serde_json::json;

use super::{fails, gives};

#[test]
fn macros() {
    let roots = json!({"l": [1, 2, 3], "m": {"a": 1, "b": 2}, "p": [{"n": "x", "v": 1}, {"n": "y", "v": 2}]});
    gives(
        &roots,
        &[
            ("l.all(x, x > 0) && !l.all(x, x > 1)", json!(true)),
            ("l.exists(x, x == 2) && !l.exists(x, x == 9)", json!(true)),
            ("l.exists_one(x, x > 2) && !l.existsOne(x, x > 1)", json!(true)),
            ("l.map(x, x * x)", json!([1, 4, 9])),
            ("l.map(x, x > 1, x * 10)", json!([20, 30])),
            ("l.map(x, x > 1, x)", json!([2, 3])),
            ("l.filter(x, x % 2 == 1)", json!([1, 3])),
            ("m.map(k, k + text(m[k]))", json!(["a1", "b2"])),
            ("m.all(k, m[k] > 0) && m.exists(k, k == 'b')", json!(true)),
            ("p.filter(i, i.v > 1).map(i, i.n)", json!(["y"])),
            ("l.map(x, l.map(y, x * y))", json!([[1, 2, 3], [2, 4, 6], [3, 6, 9]])),
            ("l.map(x, l.filter(x, x > 2))", json!([[3], [3], [3]])),
            ("[].all(x, x) && ![].exists(x, x)", json!(true)),
            ("l.map(l, l)", json!([1, 2, 3])),
        ],
    );
    fails(
        &roots,
        &[
            ("(1).map(x, x)", "this goes over a list or a map, not an integer"),
            ("l.filter(x, x)", "the condition for an element is a boolean, not an integer"),
            ("l.all(x, x)", "the condition for an element is a boolean, not an integer"),
        ],
    );
}

#[test]
fn functions_over_lists() {
    let roots = json!({"l": [3, 1, 2.5], "t": ["b", "a", "b"], "n": [[1], [2, [3]], 4], "d": [1, 1.0, "1", null, null, [1], [1.0]]});
    gives(
        &roots,
        &[
            ("min(l)", json!(1)),
            ("l.max()", json!(3)),
            ("min(4, 2, 3) + max(1, 2.5)", json!(4.5)),
            ("max(t)", json!("b")),
            ("sum(l)", json!(6.5)),
            ("sum([])", json!(0)),
            ("sum([1, 2])", json!(3)),
            ("sort(l)", json!([1, 2.5, 3])),
            ("t.sort()", json!(["a", "b", "b"])),
            ("distinct(t)", json!(["b", "a"])),
            ("distinct(d)", json!([1, "1", null, [1]])),
            ("flatten(n)", json!([1, 2, [3], 4])),
            ("reverse(l)", json!([2.5, 1, 3])),
            ("size(l) + size('abc') + {'a': 1}.size() + size(b'xy')", json!(9)),
            (
                "product({'a': [1, 2], 'b': ['x', 'y']})",
                json!([
                    {"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}
                ]),
            ),
            ("product({'a': [1, 2], 'b': []})", json!([])),
            ("product({})", json!([])),
            ("zip({'a': [1, 2], 'b': t.distinct()})", json!([{"a": 1, "b": "b"}, {"a": 2, "b": "a"}])),
        ],
    );
    fails(
        &roots,
        &[
            ("min([])", "min() of an empty list"),
            ("max([1, 'a'])", "a text and an integer have no order"),
            ("min([[]])", "a list and a list have no order"),
            ("min(1)", "min() takes a list, not an integer"),
            ("sum(['a'])", "sum() adds numbers, not a text"),
            (
                "sum([1, 'a'])",
                "`+` does not work on an integer and a text; write text(x) to make a text of it",
            ),
            ("sort([1, 'a'])", "an integer and a text have no order"),
            ("sort([1, double('nan')])", "the list holds what is not a number"),
            ("zip({'a': [1], 'b': [1, 2]})", "zip() takes lists of one length; `b` has 2, the first 1"),
            ("product({'a': 1})", "product() takes lists; `a` is an integer"),
            ("product([1])", "product() takes a map of lists, not a list"),
            ("size(1)", "an integer has no size"),
            ("size(null)", "null has no size"),
        ],
    );
}

#[test]
fn functions_over_texts() {
    gives(
        &json!({"s": "Grüße, Welt"}),
        &[
            ("s.contains('üß') && s.startsWith('Gr') && s.endsWith('lt')", json!(true)),
            ("s.matches('^Gr.+t$') && matches(s, r'\\bWelt') && s.matches('(?i)grü')", json!(true)),
            ("s.matches('W' + 'e')", json!(true)),
            ("s.charAt(2) + s.charAt(11)", json!("ü")),
            ("s.indexOf('e')", json!(4)),
            ("s.indexOf('e', 5) + s.indexOf('x')", json!(7)),
            ("s.lastIndexOf('e')", json!(8)),
            ("s.lastIndexOf('e', 7)", json!(4)),
            ("s.lastIndexOf('')", json!(11)),
            ("s.substring(7) + s.substring(0, 3)", json!("WeltGrü")),
            ("s.lowerAscii() + s.upperAscii()", json!("grüße, weltGRüßE, WELT")),
            ("s.replace('e', 'E')", json!("GrüßE, WElt")),
            ("s.replace('e', 'E', 1)", json!("GrüßE, Welt")),
            ("'ab'.replace('', '-')", json!("-a-b-")),
            ("s.split(', ')", json!(["Grüße", "Welt"])),
            ("'a,b,c'.split(',', 2)", json!(["a", "b,c"])),
            ("'a,b'.split(',', 0)", json!([])),
            ("'äb'.split('')", json!(["ä", "b"])),
            ("'abc'.split('', 2)", json!(["a", "bc"])),
            ("['a', 'b'].join('-') + ['x', 'y'].join() + [].join(',')", json!("a-bxy")),
            ("'  x\\n'.trim()", json!("x")),
            ("'abü'.reverse()", json!("üba")),
        ],
    );
    fails(
        &json!({"s": "abc", "n": 1, "p": "("}),
        &[
            ("s.charAt(4)", "position 4 is outside of the text, which has 3 characters"),
            ("s.substring(-1)", "position -1 is outside of the text, which has 3 characters"),
            ("s.substring(2, 1)", "the part would start at 2, behind its end at 1"),
            ("n.contains('a')", "this takes a text, not an integer; write text(x)"),
            ("s.contains(null)", "this takes a text, not null"),
            ("[1].join()", "join() takes texts, not an integer; write list.map(x, text(x)).join(…)"),
            ("s.matches(p)", "the regular expression does not compile: unclosed group"),
        ],
    );
}

#[test]
fn conversions() {
    let roots = json!({"n": 3, "o": {"a": [1, null], "b": "x"}});
    gives(
        &roots,
        &[
            ("int('12') + int(3.9) + int(-3.9) + int(2u)", json!(14)),
            ("int(timestamp('1970-01-01T00:01:00Z'))", json!(60)),
            ("uint(3)", json!(3)),
            ("double('1.5') + double(n)", json!(4.5)),
            ("bool('true') && !bool('0')", json!(true)),
            ("string(n) + string(1.5) + string(true) + string(b'x')", json!("31.5truex")),
            ("string(2.0)", json!("2.0")),
            ("bytes('ä').size()", json!(2)),
            ("dyn(n)", json!(3)),
            (
                "text(null) + text(o.a) + text(o) + text('t') + text(1.5)",
                json!("[1,null]{\"a\":[1,null],\"b\":\"x\"}t1.5"),
            ),
            ("json('{\"a\": [1, 2.5]}').a", json!([1, 2.5])),
            ("json('7') + 1", json!(8)),
            ("json(text(o)) == o", json!(true)),
            ("type(json('1')) == int", json!(true)),
        ],
    );
    fails(
        &roots,
        &[
            ("int('x')", "the text `x` is not an integer"),
            ("int(1e300)", "the result is too large for an integer"),
            ("uint(-1)", "the result is too large for an integer"),
            ("int(null)", "int() does not take null"),
            ("bool(1)", "bool() does not take an integer"),
            ("string(o)", "string() does not take a map; write text(x)"),
            ("string(b'\\xff')", "the bytes are no UTF-8"),
            ("b'x'", "bytes are no JSON; write string(x) for their text"),
            ("json('{')", "the text is no JSON (line 1, column 1)"),
            ("json(1)", "json() reads a text, not an integer"),
            ("{[1]: 1}", "a list is no key of a map"),
            ("{n: 1, 3: 2}", "a key stands twice in the map"),
            ("{'a': 1, 'a': 2}", "compile: the key `a` stands twice in the map"),
        ],
    );
}
