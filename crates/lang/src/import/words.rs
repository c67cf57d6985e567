//! Conditions and formulas of other tools, in pieces.

use crate::expr::{Expr, Type, TypeEnv};

/// A piece of a formula.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    /// A name, with dots and what stands in it: `context.a.b`.
    Name(String),
    /// A number as it is written.
    Number(String),
    /// A text without its marks.
    Text(String),
    /// Everything else: operators, brackets, commas.
    Sign(&'static str),
}

/// Signs, the longer ones first.
const SIGNS: &[&str] = &[
    "===", "!==", "&&", "||", ">=", "<=", "==", "!=", "<>", "**", ">", "<", "=", "!", "(", ")", "[", "]",
    ",", "+", "-", "*", "/", "%", "$", "?", ":",
];

/// The pieces of a formula; nothing where it has what no formula has.
pub(super) fn words(text: &str) -> Option<Vec<Word>> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = |fits: fn(char) -> bool| rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let (word, length) = if first.is_ascii_digit() {
            let mut end = end(|c| c.is_ascii_digit() || c == '.');
            if let Some(power) = rest.get(end..).and_then(|r| r.strip_prefix(['e', 'E'])) {
                let digits = power.trim_start_matches(['-', '+']);
                let signs = power.len() - digits.len();
                let count = digits.bytes().take_while(u8::is_ascii_digit).count();
                if count > 0 && signs < 2 {
                    end += 1 + signs + count;
                }
            }
            (Word::Number(rest.get(..end)?.to_owned()), end)
        } else if first.is_alphabetic() || first == '_' {
            let end = end(|c| c.is_alphanumeric() || c == '_' || c == '.');
            (Word::Name(rest.get(..end)?.to_owned()), end)
        } else if first == '"' || first == '\'' {
            let inner = rest.get(1..)?;
            let end = inner.find(first)?;
            let text = inner.get(..end)?;
            if text.contains('\\') {
                return None;
            }
            (Word::Text(text.to_owned()), end + 2)
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
            (Word::Sign(sign), sign.len())
        };
        out.push(word);
        rest = rest.get(length..)?.trim_start();
    }
    Some(out)
}

/// A number as the language writes it: `.5` and `5.` do not occur there.
pub(super) fn number(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.parse::<f64>().ok().filter(|n| n.is_finite())?;
    Some(text.to_owned())
}

/// Names of which nothing is known but that they may be there.
struct Anything;

impl TypeEnv for Anything {
    fn var(&self, _name: &str) -> Option<Type> {
        Some(Type::Dyn)
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Whether an expression that was made can be one, and gives a boolean where it has to; else what is wrong.
pub(super) fn judged(text: &str, condition: bool) -> Result<(), String> {
    let problems = match Expr::compile(text) {
        Ok(expression) if condition => expression.check_condition(&Anything),
        Ok(expression) => expression.check(&Anything).1,
        Err(problems) => problems,
    };
    problems.first().map_or(Ok(()), |problem| Err(problem.message.clone()))
}
