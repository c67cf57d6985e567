//! The tables of the dialects: every field that is known, and what becomes of it.

use super::report::Verdict;

/// A field of a dialect.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Where it stands: `files[].inputs[].alias`; `*` is any key.
    pub at: &'static str,
    /// What becomes of it where nothing else is said.
    pub becomes: &'static str,
    /// Whether that is the same.
    pub verdict: Verdict,
    /// What to do about it.
    pub help: Option<&'static str>,
    /// What is in it.
    pub(super) kind: Kind,
}

/// What is in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value: what is in it belongs to it.
    Value,
    /// Fields of their own: they are what is reported.
    Part,
}

pub(super) const fn kept(at: &'static str, becomes: &'static str) -> Field {
    Field { at, becomes, verdict: Verdict::Kept, help: None, kind: Kind::Value }
}

pub(super) const fn changed(at: &'static str, becomes: &'static str) -> Field {
    Field { at, becomes, verdict: Verdict::Changed, help: None, kind: Kind::Value }
}

pub(super) const fn lost(at: &'static str, becomes: &'static str) -> Field {
    Field { at, becomes, verdict: Verdict::NotExpressible, help: None, kind: Kind::Value }
}

pub(super) const fn part(at: &'static str, becomes: &'static str) -> Field {
    Field { at, becomes, verdict: Verdict::Kept, help: None, kind: Kind::Part }
}

impl Field {
    /// Whether it only holds fields of its own.
    pub fn is_part(&self) -> bool {
        self.kind == Kind::Part
    }

    pub(super) const fn help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }
}

pub(super) fn find(fields: &'static [Field], at: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.at == at)
}
