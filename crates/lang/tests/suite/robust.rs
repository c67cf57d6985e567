//! No text makes the check panic, and none makes it slow.

use proptest::prelude::*;
use stead_lang::diagnostic::{RenderOptions, render};
use stead_lang::{Bundle, check, codes as table, expanded};

use crate::common::whole;

/// Checks a text, and shows what was found: positions must hold for any text.
fn survives(text: &str) {
    let checked = check(&Bundle::single("f.yml", text));
    assert_eq!(checked.plan.is_some(), !checked.diagnostics.iter().any(|d| d.code.starts_with('E')));
    for d in &checked.diagnostics {
        assert!(d.span.start <= d.span.end && d.span.end as usize <= text.len(), "{text:?}\n{d:?}");
        assert!(text.is_char_boundary(d.span.start as usize), "{text:?}\n{d:?}");
        assert!(text.is_char_boundary(d.span.end as usize), "{text:?}\n{d:?}");
        assert!(d.span.line >= 1 && d.span.column >= 1, "{text:?}\n{d:?}");
    }
    render(&checked.diagnostics, &checked.sources, RenderOptions { color: true, width: 60 });
    // What can be run can be written out, and is the same then.
    if let Some(plan) = &checked.plan {
        let out = expanded(&Bundle::single("f.yml", text)).unwrap();
        let again = check(&Bundle::single("f.yml", out.clone()));
        assert_eq!(again.plan.map(|p| p.revision.clone()), Some(plan.revision.clone()), "{text}\n{out}");
    }
}

/// Texts to start from: all examples of the codes, and a definition with a bit of everything.
fn seeds() -> Vec<String> {
    let examples = table::all().flat_map(|c| [c.wrong, c.mended]).filter(|t| !t.is_empty()).map(whole);
    let more = [
        include_str!("../definitions/everything.yml"),
        include_str!("../definitions/ten_mistakes.json"),
        include_str!("../definitions/whole/stages.yml"),
        include_str!("../definitions/whole/release.yml"),
        include_str!("../definitions/whole/gate.yml"),
        include_str!("../definitions/whole/intake.yml"),
    ];
    examples.chain(more.map(str::to_owned)).collect()
}

#[test]
fn everything_that_is_built_is_in_one_definition() {
    let checked = check(&Bundle::single("everything.yml", include_str!("../definitions/everything.yml")));
    assert!(checked.plan.is_some() && checked.diagnostics.is_empty(), "{}", crate::common::shown(&checked));
}

/// What is put into texts.
const PIECES: &[&str] = &[
    "${{",
    "}}",
    "${{ steps.a.output }}",
    "\"",
    "'",
    "|\n",
    ">\n",
    "- ",
    ": ",
    "#",
    " #",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!t ",
    "\n",
    "\r\n",
    "\t",
    "  ",
    "é",
    "名",
    "\u{feff}",
    "\0",
    "---\n",
    "...\n",
    "? ",
    "<<: ",
    "~",
    "null",
    "1.10",
    "-",
    ",",
    "%",
    "@",
    "`",
    "\\",
    "steps",
    "id",
    "\u{2028}",
    "\u{85}",
    "0x",
    ".inf",
    "99999999999999999999999",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        survives(&text);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn pieces_of_notation_are_read_or_refused(at in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = at.iter().map(|&n| PIECES[n]).collect();
        survives(&text);
        survives(&format!("stead: 1\nname: a\nsteps:\n  - id: a\n    noop: {text}\n"));
    }

    #[test]
    fn changed_definitions_are_read_or_refused(
        seed in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, any::<prop::sample::Index>()), 1..6),
    ) {
        let seeds = seeds();
        let mut text: Vec<char> = seed.get(&seeds).chars().collect();
        for (at, remove, piece) in changes {
            let at = at.index(text.len() + 1);
            let end = (at + remove).min(text.len());
            text.splice(at..end, piece.get(PIECES).chars());
        }
        survives(&text.into_iter().collect::<String>());
    }
}
