//! What the tests of this crate share.

use stead_lang::diagnostic::{RenderOptions, render};
use stead_lang::tree::ReadProblem;
use stead_lang::{Bundle, Checked, check, collect};

/// A definition from its text; a part of one gets a head.
pub(crate) fn whole(text: &str) -> String {
    if text.lines().any(|l| l.starts_with("stead:")) || !text.lines().any(|l| l.contains(':')) {
        text.to_owned()
    } else {
        format!("stead: 1\nname: example\n{text}")
    }
}

/// Checks a definition or a part of one.
pub(crate) fn checked(text: &str) -> Checked {
    check(&Bundle::single("flow.yml", whole(text)))
}

/// Checks a definition among some files.
pub(crate) fn checked_files(entry: &str, files: &[(&str, &str)]) -> Checked {
    let bundle = collect(entry, &mut |path| {
        let found = files.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or(ReadProblem::NotFound)
    });
    check(&bundle)
}

/// The codes that were found, in order.
pub(crate) fn codes(checked: &Checked) -> Vec<&str> {
    checked.diagnostics.iter().map(|d| d.code.as_str()).collect()
}

/// The findings as text, for messages of tests.
pub(crate) fn shown(checked: &Checked) -> String {
    render(&checked.diagnostics, &checked.sources, RenderOptions::default())
}

/// That a definition has exactly these findings: code, line, and a part of the message.
pub(crate) fn finds(text: &str, expected: &[(&str, u32, &str)]) {
    let checked = checked(text);
    let found: Vec<_> = checked.diagnostics.iter().map(|d| (d.code.as_str(), d.span.line)).collect();
    let wanted: Vec<_> = expected.iter().map(|(code, line, _)| (*code, *line)).collect();
    assert_eq!(found, wanted, "{text}\n{}", shown(&checked));
    for (diagnostic, (_, _, part)) in checked.diagnostics.iter().zip(expected) {
        assert!(diagnostic.message.contains(part), "no `{part}` in\n{}", shown(&checked));
    }
    assert_eq!(checked.plan.is_some(), expected.iter().all(|(code, ..)| code.starts_with('W')), "{text}");
}

/// That nothing is wrong with a definition.
pub(crate) fn good(text: &str) -> Checked {
    let checked = checked(text);
    assert!(checked.plan.is_some() && checked.diagnostics.is_empty(), "{text}\n{}", shown(&checked));
    checked
}
