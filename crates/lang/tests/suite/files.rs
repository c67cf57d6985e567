//! What the check says of `file` steps.

use crate::common::{finds, good};

fn step(file: &str) -> String {
    format!("inputs: {{ n: {{ type: string }}, f: {{ type: file }} }}\nsteps:\n  - id: a\n    file: {file}\n")
}

#[test]
fn each_act_is_written_in_one_way() {
    for file in [
        "{ read: notes.md }",
        "{ read: data.json, parse: json }",
        "{ read: \"${{ inputs.f }}\", parse: lines }",
        "{ write: \"out/${{ inputs.n }}.md\", content: \"# ${{ inputs.n }}\" }",
        "{ write: data.json, content: { n: \"${{ inputs.n }}\", list: [1, null] } }",
        "{ write: pixel.gif, base64: R0lGODlhAQABAAAAACw= }",
        "{ copy: \"${{ inputs.f }}\", to: here.txt }",
        "{ copy: a/../b, to: /somewhere/that/may/be/the/project }",
        "{ move: a, to: b/c }",
        "{ delete: a }",
        "{ delete: [a, \"${{ inputs.n }}\"] }",
    ] {
        good(&step(file));
    }
}

#[test]
fn what_does_not_fit_is_found() {
    for (file, code, part) in [
        ("{}", "E0217", "does not say what to do"),
        ("{ read: a, delete: b }", "E0217", "`read` or `delete`, not both"),
        ("{ write: a }", "E0202", "`write` needs `content`"),
        ("{ write: a, content: x, base64: eA== }", "E0217", "`content` or `base64`"),
        ("{ copy: a }", "E0202", "`copy` needs `to`"),
        ("{ move: a }", "E0202", "`move` needs `to`"),
        ("{ read: a, to: b }", "E0209", "`to` has no place beside `read`"),
        ("{ delete: a, parse: text }", "E0209", "`parse` has no place beside `delete`"),
        ("{ read: a, parse: yaml }", "E0204", "`yaml`"),
        ("{ read: \"\" }", "E0214", "no file is named"),
        ("{ delete: [] }", "E0214", "no file is named"),
        ("{ delete: [a, \"b/*.o\"] }", "E0223", "a pattern deletes nothing"),
        ("{ read: ../a }", "E0316", "`../a` leads out"),
        ("{ write: a/../../b, content: x }", "E0316", "leads out"),
        ("{ copy: ~/a, to: b }", "E0316", "`~/a` names no file of the project"),
        ("{ wirte: a, content: x }", "E0201", "has no key `wirte`"),
        ("{ read: \"${{ nothing }}\" }", "E0407", "nothing"),
        ("notes.md", "E0203", "is a map"),
    ] {
        finds(&step(file), &[(code, 6, part)]);
    }
    let many = format!("{{ delete: [{}] }}", "a, ".repeat(1_001));
    finds(&step(&many), &[("E0215", 6, "1001 paths")]);
}

#[test]
fn keys_of_the_action_stand_inside_of_it() {
    let text = "steps:\n  - id: a\n    file: { read: a }\n    parse: json\n";
    finds(text, &[("E0209", 6, "`parse` has no place")]);
    let help = crate::common::checked(text).diagnostics[0].help.clone();
    assert_eq!(help.as_deref(), Some("`parse` belongs inside `file`"));
}

#[test]
fn rule_45_no_secret_goes_into_a_file() {
    let text = "secrets: [TOKEN]\nsteps:\n  - id: a\n    file: { write: a, content: { t: \"${{ secrets.TOKEN }}\" } }\n";
    finds(text, &[("E0313", 6, "may not stand here")]);
}

#[test]
fn what_is_read_has_the_type_of_its_parse() {
    let then = |file: &str, reads: &str| {
        format!("steps:\n  - id: a\n    file: {file}\n  - id: b\n    if: {reads}\n    noop: 1\n")
    };
    good(&then("{ read: a, parse: lines }", "size(steps.a.output) > 0"));
    good(&then("{ read: a, parse: file }", "steps.a.output.hash != ''"));
    good(&then("{ move: a, to: b }", "steps.a.output.size > 0"));
    finds(&then("{ read: a }", "steps.a.output.size > 0"), &[("E0409", 7, "")]);
    finds(&then("{ move: a, to: b }", "steps.a.output.hash != ''"), &[("E0408", 7, "hash")]);
}
