//! Notation: broken texts, traps of YAML, and texts that are no definitions.

use stead_lang::tree;
use stead_lang::{Bundle, check};

use crate::common::{checked, codes, finds, good, shown};

#[test]
fn broken_notation_has_a_place() {
    for (text, line, column, part) in [
        ("stead: 1\nname: a\nsteps:\n  - id: a\n    run: [ls\n", 5, 10, "unclosed bracket"),
        ("stead: 1\nname: a\n steps: []\n", 3, 7, "mapping values"),
        ("stead: 1\nname: \"a\nsteps: []\n", 3, 1, "quoted scalar"),
        ("{\"stead\": 1, \"name\": \"a\" \"steps\": []}", 1, 26, "trailing content"),
        ("stead: 1\nname: @a\n", 2, 7, "unexpected character"),
        ("stead: 1\n\tname: a\n", 1, 8, "found a tab"),
    ] {
        let found = check(&Bundle::single("f", text));
        assert_eq!(codes(&found), ["E0101"], "{text}\n{}", shown(&found));
        let d = &found.diagnostics[0];
        assert!(d.message.contains(part), "{text}\n{}", shown(&found));
        assert_eq!((d.span.line, d.span.column), (line, column), "{text}\n{}", shown(&found));
    }
}

#[test]
fn texts_that_are_no_definitions_say_what_they_are() {
    for (text, code, part) in [
        ("", "E0104", "no document"),
        ("   \n# only a comment\n", "E0104", "no document"),
        ("- a\n- b\n", "E0203", "a definition is a map, and this is a list"),
        ("just a text\n", "E0203", "a definition is a map, and this is `just a text`"),
        ("42", "E0203", "a definition is a map, and this is `42`"),
        ("~", "E0203", "a definition is a map"),
        ("null", "E0203", "a definition is a map"),
    ] {
        let found = check(&Bundle::single("f", text));
        assert_eq!(codes(&found), [code], "{text:?}\n{}", shown(&found));
        assert!(found.diagnostics[0].message.contains(part), "{text:?}\n{}", shown(&found));
    }
}

#[test]
fn line_ends_and_marks_of_other_systems_are_read() {
    let text = "stead: 1\nname: a\nsteps:\n  - id: a\n    run: |\n      echo one\n      echo two\n";
    for text in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        let found = check(&Bundle::single("f", text.clone()));
        assert!(found.plan.is_some(), "{text:?}\n{}", shown(&found));
    }
    let found = check(&Bundle::single("f", "stead: 1\r\nname: a\r\nsteps:\r\n  - id: a\r\n    rnu: ls\r\n"));
    assert_eq!(
        (found.diagnostics[0].span.line, found.diagnostics[0].span.column),
        (5, 5),
        "{}",
        shown(&found)
    );
    let found = check(&Bundle::single("f", "\u{feff}stead: 2\nname: a\nsteps: [{id: a, run: ls}]\n"));
    assert_eq!(
        (found.diagnostics[0].span.line, found.diagnostics[0].span.column),
        (1, 8),
        "{}",
        shown(&found)
    );
}

#[test]
fn expressions_that_yaml_cuts_off_or_cannot_read_have_a_remedy() {
    // Behind ` #` a comment begins.
    finds("steps:\n  - id: a\n    cwd: ${{ 'a # b' }}\n    run: ls\n", &[("E0111", 5, "` #`")]);
    // A comment behind a whole expression is one, and a `#` within quotes is none.
    good(
        "steps:\n  - id: a\n    cwd: ${{ 'a' }} # where\n    run: ls\n  - id: b\n    cwd: \"${{ 'a # b' }}\"\n    run: ls\n",
    );
    for text in [
        "steps:\n  - id: a\n    set: { x: ${{ 1 }} }\n",
        "steps:\n  - id: a\n    run: [echo, ${{ 1 }}]\n",
        "steps:\n  - id: a\n    if: ${{ {'k': true}.k ? true : false }}\n    run: ls\n",
        "steps:\n  - id: a\n    cwd: ${{ true ? 'x': 'y' }}: b\n    run: ls\n",
    ] {
        let found = checked(text);
        assert_eq!(codes(&found), ["E0112"], "{text}\n{}", shown(&found));
        assert!(found.diagnostics[0].help.as_ref().unwrap().contains("double quotes"), "{}", shown(&found));
    }
    // In a block no quotes are needed.
    good(
        "steps:\n  - id: a\n    noop: ${{ [1, 2].map(x, x + 1) }}\n  - id: b\n    if: steps.a.output == [2, 3]\n    noop: 1\n",
    );
}

#[test]
fn places_within_texts_over_several_lines_are_exact() {
    let text = "steps:\n  - id: a\n    noop: |\n      first\n        ${{ steps.nothing.output }}\n  - id: b\n    noop: >-\n      first\n      ${{ steps.nowhere.output }}\n  - id: c\n    noop: \"a\\tb \\\"${{ steps.never.output }}\\\"\"\n";
    let found = checked(text);
    let places: Vec<_> = found.diagnostics.iter().map(|d| (d.span.line, d.span.column)).collect();
    assert_eq!(places, [(7, 13), (11, 11), (13, 23)], "{}", shown(&found));
}

#[test]
fn doubled_keys_tags_and_aliases_do_not_hide_the_rest() {
    finds(
        "steps:\n  - id: a\n    id: b\n    set: { x: !!str 1, y: *none, [k]: 1, z: 1 }\n    rnu: ls\n",
        &[
            ("E0106", 5, "`id`"),
            ("E0107", 6, "tag"),
            ("E0108", 6, "none"),
            ("E0109", 6, "key"),
            ("E0201", 7, "`rnu`"),
        ],
    );
    finds("steps:\n  - &a { id: a, run: ls }\n  - { <<: *a, id: b }\n", &[("E0201", 5, "`<<`")]);
}

#[test]
fn a_bomb_of_aliases_is_refused_quickly() {
    let mut text = "stead: 1\nname: a\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..10 {
        let before = n - 1;
        let ten = vec![format!("*a{before}"); 10].join(", ");
        text.extend([format!("a{n}: &a{n} [{ten}]\n")]);
    }
    let found = check(&Bundle::single("f", text));
    assert_eq!(codes(&found), ["E0110"], "{}", shown(&found));
    // One that holds itself.
    let found =
        check(&Bundle::single("f", "stead: 1\nname: a\nvars: &v { x: *v }\nsteps: [{ id: a, run: ls }]\n"));
    assert_eq!(codes(&found), ["E0108"], "{}", shown(&found));
    // One that grows deep and not wide.
    let mut text = "a0: &a0 [x]\n".to_owned();
    for n in 1..200 {
        text.extend([format!("a{n}: &a{n} [*a{}]\n", n - 1)]);
    }
    let found = check(&Bundle::single("f", text));
    assert_eq!(codes(&found), ["E0110"], "{}", shown(&found));
}

#[test]
fn durations_need_units() {
    for (value, good) in [
        ("30s", true),
        ("1h30m", true),
        ("1.5h", true),
        ("500ms", true),
        ("2w", true),
        ("\"2d\"", true),
        ("30", false),
        ("\"30\"", false),
        ("30 seconds", false),
        ("-5s", false),
        ("1y", false),
        ("[1s]", false),
        ("0s", false),
    ] {
        let found = checked(&format!("steps:\n  - id: a\n    run: ls\n    timeout: {value}\n"));
        assert_eq!(found.plan.is_some(), good, "{value}\n{}", shown(&found));
    }
    let found = checked("steps:\n  - id: a\n    run: ls\n    timeout: 30\n");
    assert_eq!(found.diagnostics[0].help.as_deref(), Some("give it a unit: `30s`, `30m`, `30h`"));
}

#[test]
fn a_tree_tells_where_everything_stands() {
    let text = "a:\n  - b: 'x'\n    c: |\n      one\n      two\nd: {e: [1, 2]}\n";
    let document = tree::read("t", text, &mut Vec::new()).unwrap();
    let slice = |pointer: &str| {
        let span = document.at(pointer).unwrap().span();
        (span.line, span.column, &text[span.start as usize..span.end as usize])
    };
    assert_eq!(slice("/a/0/b"), (2, 8, "'x'"));
    assert_eq!(slice("/a/0/c"), (4, 7, "one\n      two\n"));
    assert_eq!(slice("/d/e/1"), (6, 12, "2"));
    assert_eq!(slice("/d/e"), (6, 8, "[1, 2]"));
    assert_eq!(slice("/d"), (6, 4, "{e: [1, 2]}"));
    assert_eq!(slice("/a/0"), (2, 5, "b: 'x'\n    c: |\n      one\n      two"));
    let node = document.at("/a/0/c").unwrap();
    assert_eq!((node.path().as_str(), node.key_span().line), ("/a/0/c", 3));
    assert!(document.at("/a/1").is_none() && document.at("/x").is_none() && document.at("a").is_none());
}
