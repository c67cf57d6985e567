//! What makes a text unreadable, and what to do about it.

use granit_parser::{ErrorKind, ScanError};

use super::read::Reader;
use crate::codes;

impl Reader<'_> {
    /// Says what the parser found broken. Traps of the notation that have a remedy of their own come first.
    pub(super) fn broken(&mut self, error: &ScanError) {
        let at = error.marker().byte_offset().unwrap_or_default() + self.base;
        let span = (at, at);
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            self.too_deep(span);
            return;
        }
        if let Some(place) = self.unquoted_expression(at) {
            let help = "put the whole value in double quotes: \"${{ … }}\"";
            let message = "an expression breaks the notation here, since it is not quoted".to_owned();
            self.report(codes::UNQUOTED_EXPRESSION, place, message, Some(help.to_owned()));
            return;
        }
        let help = match error.kind() {
            ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabNotAllowed => Some("indent with spaces"),
            ErrorKind::MappingValueNotAllowed => {
                Some("quote a text that has `: ` in it, and indent the keys of one map alike")
            }
            ErrorKind::UnexpectedCharacter { .. } => Some("quote a text that begins with this character"),
            ErrorKind::UnclosedFlowCollection { .. } | ErrorKind::InvalidColonPlacement => {
                Some("close every `[` and `{`")
            }
            ErrorKind::InvalidTrailingDoubleQuotedScalar
            | ErrorKind::InvalidTrailingSingleQuotedScalar
            | ErrorKind::ExpectedFlowMappingSeparator
            | ErrorKind::ExpectedFlowSequenceSeparator => Some("is a comma or a quote missing?"),
            ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
                Some("close the quotes, and indent a quoted text that goes over several lines")
            }
            _ => None,
        };
        let message = error.kind().to_string();
        self.report(codes::SYNTAX, span, message, help.map(str::to_owned));
    }

    /// An expression on the line of `at`, before it, that is not in quotes.
    fn unquoted_expression(&self, at: usize) -> Option<(usize, usize)> {
        let at = super::floor(self.text, at);
        let begin = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
        let line = self.text[begin..].split('\n').next().unwrap_or_default();
        let mut quote = None;
        for (offset, c) in line.char_indices() {
            match (quote, c) {
                (None, '"' | '\'') => {
                    // A quote in the middle of a word is a part of it.
                    let before = line[..offset].trim_end().chars().next_back();
                    if before.is_none_or(|b| matches!(b, ':' | '[' | '{' | ',' | '-' | '?')) {
                        quote = Some(c);
                    }
                }
                (Some(q), c) if q == c => quote = None,
                (None, '$') if line[offset..].starts_with("${{") && begin + offset <= at => {
                    let length = line[offset..].find("}}").map_or(line.len() - offset, |n| n + 2);
                    return Some((begin + offset, begin + offset + length));
                }
                _ => {}
            }
        }
        None
    }
}
