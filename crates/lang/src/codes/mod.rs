//! All codes of findings, in one table.
//!
//! A code is stable: its meaning does not change, and what is gone is not used again. `E01` is notation, `E02`
//! shape, `E03` names and order, `E04` expressions, `E05` what this version does not have, `E06` the inputs of
//! a run; `W` warns.

mod documents;
mod expressions;
mod inputs;
mod later;
mod names;
mod shape;
mod syntax;

pub(crate) use documents::*;
pub(crate) use expressions::*;
pub(crate) use inputs::*;
pub(crate) use later::*;
pub(crate) use names::*;
pub(crate) use shape::*;
pub(crate) use syntax::*;

use crate::diagnostic::Severity;

/// A kind of finding.
#[derive(Debug)]
pub struct Code {
    /// The code, such as `E0201`.
    pub code: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means and what to do, in a paragraph.
    pub text: &'static str,
    /// A definition, or a part of one, that shows it. Empty where a part cannot.
    pub wrong: &'static str,
    /// The same, mended.
    pub mended: &'static str,
}

impl Code {
    /// Warnings begin with `W`.
    pub fn severity(&self) -> Severity {
        if self.code.starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

/// Makes the codes of a group and the list of them.
macro_rules! codes {
    ($($name:ident $code:literal $title:literal $text:literal $wrong:literal $mended:literal)*) => {
        $(
            #[doc = $title]
            pub(crate) static $name: &$crate::codes::Code = &$crate::codes::Code {
                code: $code,
                title: $title,
                text: $text,
                wrong: $wrong,
                mended: $mended,
            };
        )*
        pub(super) static ALL: &[&$crate::codes::Code] = &[$($name),*];
    };
}
use codes;

/// All codes, in order.
pub fn all() -> impl Iterator<Item = &'static Code> {
    let groups =
        [syntax::ALL, shape::ALL, names::ALL, documents::ALL, expressions::ALL, later::ALL, inputs::ALL];
    groups.into_iter().flatten().copied()
}

/// What a code means, at length; `None` where there is no such code. Capital letters do not matter.
pub fn explain(code: &str) -> Option<String> {
    let code = all().find(|c| c.code.eq_ignore_ascii_case(code.trim()))?;
    let mut out = format!("{}: {}\n\n{}\n", code.code, code.title, code.text);
    for (word, example) in [("Wrong", code.wrong), ("Right", code.mended)] {
        if example.is_empty() {
            continue;
        }
        out.push('\n');
        out.push_str(word);
        out.push_str(":\n\n");
        for line in example.lines() {
            if !line.is_empty() {
                out.push_str("    ");
                out.push_str(line);
            }
            out.push('\n');
        }
    }
    Some(out)
}
