//! The marks `${{` and `}}`: where they close, and what is between them.

use crate::expr::token::{literal_at, tokens};
use crate::expr::{Expr, ExprProblem, ProblemKind};

pub(super) const OPEN: &str = "${{";
pub(super) const CLOSE: &str = "}}";

/// A condition: an expression with or without one pair of marks around the whole.
pub(crate) fn condition(text: &str) -> Result<Expr, Vec<ExprProblem>> {
    let start = text.len() - text.trim_start().len();
    let inner = text.trim();
    let Some(after) = inner.strip_prefix(OPEN) else {
        if let Some(at) = marks_in(text) {
            return Err(vec![partly(at)]);
        }
        return Expr::compile_at(inner, start as u32);
    };
    let Some(len) = closing(after) else { return Err(vec![unclosed(text, start)]) };
    let rest = after.get(len + CLOSE.len()..).unwrap_or_default();
    if !rest.trim().is_empty() {
        return Err(vec![partly(start)]);
    }
    compile(text, start + OPEN.len(), len)
}

/// Marks outside of texts that an expression quotes.
fn marks_in(text: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(OPEN) {
            return Some(at);
        }
        at += step(rest);
    }
    None
}

fn partly(at: usize) -> ExprProblem {
    ExprProblem {
        kind: ProblemKind::Marks,
        offset: at as u32,
        len: OPEN.len() as u32,
        message: "the marks stand around a part of the condition".to_owned(),
        help: Some("leave them out, or put one pair around the whole".to_owned()),
        nearest: None,
    }
}

/// The expression between marks, without the blanks around it.
pub(super) fn compile(text: &str, start: usize, len: usize) -> Result<Expr, Vec<ExprProblem>> {
    let inner = text.get(start..start + len).unwrap_or_default();
    let trimmed = inner.trim_start();
    let base = start + inner.len() - trimmed.len();
    let trimmed = trimmed.trim_end();
    if trimmed.is_empty() {
        return Err(vec![ExprProblem {
            kind: ProblemKind::Marks,
            offset: (start - OPEN.len()) as u32,
            len: (OPEN.len() + len + CLOSE.len()) as u32,
            message: "there is no expression between the marks".to_owned(),
            help: Some("write $${{ for a text with ${{ in it".to_owned()),
            nearest: None,
        }]);
    }
    Expr::compile_at(trimmed, base as u32)
}

/// Where the marks close: the length of what is between them. Braces and texts of the expression are stepped
/// over, so that a `}}` in them closes nothing.
pub(super) fn closing(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        match here.as_bytes()[0] {
            b'}' if depth == 0 => {
                return if here.starts_with(CLOSE) { Some(at) } else { rest.find(CLOSE) };
            }
            b'}' => depth -= 1,
            b'{' => depth += 1,
            _ => {}
        }
        at += step(here);
    }
    // A quote or brace is open. What is there up to the first closing marks will say so when it is compiled.
    rest.find(CLOSE)
}

/// Length of the token that starts here, as far as braces and quotes are concerned: a literal, a word, or one
/// character.
fn step(here: &str) -> usize {
    if let Some(Ok(literal)) = literal_at(here.as_bytes()) {
        return literal.end;
    }
    let word = here.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    if word > 0 { word } else { here.chars().next().map_or(1, char::len_utf8) }
}

pub(super) fn unclosed(text: &str, start: usize) -> ExprProblem {
    // A quote that is open hides the closing marks.
    let inner = text.get(start + OPEN.len()..).unwrap_or_default();
    let quote = tokens(inner).is_err_and(|problem| problem.message.contains("quote"));
    let help = if quote {
        "close the quote, and the marks by }}"
    } else {
        "close it by }}, or write $${{ for the text"
    };
    ExprProblem {
        kind: ProblemKind::Marks,
        offset: start as u32,
        len: OPEN.len() as u32,
        message: "`${{` is not closed".to_owned(),
        help: Some(help.to_owned()),
        nearest: None,
    }
}
