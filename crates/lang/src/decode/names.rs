//! Names of workflows, ids, variables of an environment.

use super::Decoder;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::limits;
use crate::tree::Node;

/// Words that no id, input or name is, since expressions could not name it.
pub(crate) static RESERVED: &[&str] = &["in", "true", "false", "null"];

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Words of small letters and digits, joined by `-`.
    Kebab,
    /// Small letters, digits and `_`.
    Snake,
    /// Letters, digits and `_`, as in the environment of a process.
    Environment,
}

impl Naming {
    fn fits(self, text: &str) -> bool {
        let starts = |c: fn(&u8) -> bool| text.as_bytes().first().is_some_and(c);
        match self {
            Self::Kebab => {
                starts(u8::is_ascii_lowercase)
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                    && !text.ends_with('-')
                    && !text.contains("--")
            }
            Self::Snake => {
                starts(u8::is_ascii_lowercase)
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            }
            Self::Environment => {
                starts(|b| b.is_ascii_alphabetic() || *b == b'_')
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            }
        }
    }

    fn rule(self) -> &'static str {
        match self {
            Self::Kebab => "small letters, digits and single `-` between them, beginning with a letter",
            Self::Snake => "small letters, digits and `_`, beginning with a letter",
            Self::Environment => "letters, digits and `_`, not beginning with a digit",
        }
    }

    /// The text with everything put right that can be put right by itself.
    fn mend(self, text: &str) -> Option<String> {
        let (glue, small) = match self {
            Self::Kebab => ('-', true),
            Self::Snake => ('_', true),
            Self::Environment => ('_', false),
        };
        let mut mended = String::new();
        for c in text.chars() {
            match c {
                c if c.is_ascii_uppercase() && small => {
                    let after = mended
                        .chars()
                        .next_back()
                        .is_some_and(|p| p.is_ascii_lowercase() || p.is_ascii_digit());
                    if after {
                        mended.push(glue);
                    }
                    mended.push(c.to_ascii_lowercase());
                }
                c if c.is_ascii_alphanumeric() => mended.push(c),
                _ if mended.is_empty() || mended.ends_with(glue) => {}
                _ => mended.push(glue),
            }
        }
        let mended = mended.trim_end_matches(glue).to_owned();
        (self.fits(&mended) && mended.len() <= limits::NAME_BYTES).then_some(mended)
    }
}

/// What is wrong with a name, if anything is.
pub(crate) fn name(
    what: &str,
    text: &str,
    naming: Naming,
) -> Option<(&'static codes::Code, String, Option<String>, Option<String>)> {
    // The names of the environment and of secrets are other people's choice.
    if text.len() > limits::NAME_BYTES && naming != Naming::Environment || text.len() > 200 {
        let message = format!("{what} has {} characters", text.chars().count());
        return Some((
            codes::BAD_NAME,
            message,
            Some(format!("at most {} are allowed", limits::NAME_BYTES)),
            None,
        ));
    }
    if !naming.fits(text) {
        let message = format!("`{text}` is no name for {what}");
        return Some((codes::BAD_NAME, message, Some(naming.rule().to_owned()), naming.mend(text)));
    }
    if RESERVED.contains(&text) && naming != Naming::Environment {
        let message = format!("`{text}` is a reserved word and cannot name {what}");
        return Some((codes::RESERVED_WORD, message, Some("choose another name".to_owned()), None));
    }
    None
}

impl<'t> Decoder<'t, '_> {
    /// Reads a name.
    pub(crate) fn name(&self, node: Node<'t>, what: &str, naming: Naming) -> Option<&'t str> {
        let text = self.text(node, what)?;
        if let Some((code, message, help, nearest)) = name(what, text, naming) {
            self.push(Diagnostic { help, nearest, ..Diagnostic::at(code, node, message) });
            return None;
        }
        Some(text)
    }

    /// Judges a key that is a name.
    pub(crate) fn key_name(&self, entry: crate::tree::Entry<'t>, what: &str, naming: Naming) -> bool {
        let Some((code, message, help, nearest)) = name(what, entry.key, naming) else { return true };
        self.push(Diagnostic { help, nearest, ..Diagnostic::at_key(code, entry, message) });
        false
    }
}
