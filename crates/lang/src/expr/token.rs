//! The tokens of an expression.
//!
//! The parser has its own. These find what is wrong before it does, with words that help, and tell later
//! where a name or a bracket ends; the marks of templates are found with them too.

use super::problem::{ExprProblem, ProblemKind};

/// A token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Tok,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Sorts of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tok {
    /// A name, `in`, `true`, `false` and `null` included.
    Ident,
    /// A name in backquotes.
    Quoted,
    Number,
    /// A text or bytes literal.
    Text,
    /// An operator, a bracket, a comma.
    Op(&'static str),
}

impl Token {
    pub(crate) fn text<'s>(&self, source: &'s str) -> &'s str {
        source.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Longest first, so that `==` is not read as two.
const OPERATORS: [&str; 26] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":",
    "+", "*", "/", "%", "=", ";",
];

/// All tokens of a source.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, ExprProblem> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(first) = rest.chars().next() else { break };
        if matches!(first, ' ' | '\t' | '\r' | '\n' | '\u{c}') {
            at += 1;
            continue;
        }
        let (kind, len) = token(rest, first).map_err(|stray| stray.problem(at, rest))?;
        found.push(Token { kind, start: at as u32, end: (at + len) as u32 });
        at += len;
    }
    Ok(found)
}

fn token(rest: &str, first: char) -> Result<(Tok, usize), Stray> {
    let bytes = rest.as_bytes();
    if let Some(literal) = literal_at(bytes) {
        let literal = literal?;
        escapes(rest, &literal)?;
        return Ok((Tok::Text, literal.end));
    }
    if first.is_ascii_alphabetic() || first == '_' {
        return Ok((Tok::Ident, word(bytes)));
    }
    if first.is_ascii_digit() || (first == '.' && bytes.get(1).is_some_and(u8::is_ascii_digit)) {
        return Ok((Tok::Number, number(bytes)));
    }
    if first == '`' {
        let inner = bytes[1..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'/' | b' '));
        let len = inner.count();
        return match bytes.get(len + 1) {
            Some(b'`') if len > 0 => Ok((Tok::Quoted, len + 2)),
            _ => Err(Stray::Backquote),
        };
    }
    for wrong in ["===", "!==", "=>", "//"] {
        if rest.starts_with(wrong) {
            return Err(Stray::Operator(wrong));
        }
    }
    match OPERATORS.iter().find(|op| rest.starts_with(**op)) {
        Some(&"=") => Err(Stray::Operator("=")),
        Some(&";") => Err(Stray::Operator(";")),
        Some(op) => Ok((Tok::Op(op), op.len())),
        None => Err(Stray::Character(first)),
    }
}

fn word(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
}

fn number(bytes: &[u8]) -> usize {
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let at = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let mut len;
    if at(0) == b'0' && at(1) == b'x' && at(2).is_ascii_hexdigit() {
        len = 2 + bytes[2..].iter().take_while(|b| b.is_ascii_hexdigit()).count();
    } else {
        len = digits(0);
        if at(len) == b'.' && at(len + 1).is_ascii_digit() {
            len += 1 + digits(len + 1);
        }
        if matches!(at(len), b'e' | b'E') {
            let sign = usize::from(matches!(at(len + 1), b'+' | b'-'));
            if at(len + 1 + sign).is_ascii_digit() {
                len += 1 + sign + digits(len + 1 + sign);
            }
        }
    }
    if matches!(at(len), b'u' | b'U') {
        len += 1;
    }
    len
}

/// A text or bytes literal at the start of some bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Literal {
    /// Length with prefix and quotes.
    pub(crate) end: usize,
    raw: bool,
    bytes: bool,
    /// Length of the prefix and the opening quotes.
    open: usize,
    /// Length of the closing quotes.
    close: usize,
}

/// The literal that starts here, if one does.
pub(crate) fn literal_at(text: &[u8]) -> Option<Result<Literal, Stray>> {
    let at = |at: usize| text.get(at).copied().unwrap_or(0);
    let bytes = matches!(at(0), b'b' | b'B');
    let raw = matches!(at(usize::from(bytes)), b'r' | b'R');
    let prefix = usize::from(bytes) + usize::from(raw);
    let quote = at(prefix);
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let quotes = if at(prefix + 1) == quote && at(prefix + 2) == quote { 3 } else { 1 };
    let open = prefix + quotes;
    let mut i = open;
    while let Some(&byte) = text.get(i) {
        if byte == b'\\' && !raw {
            i += 2;
            continue;
        }
        if quotes == 1 && matches!(byte, b'\n' | b'\r') {
            return Some(Err(Stray::OpenText));
        }
        if byte == quote && (quotes == 1 || (at(i + 1) == quote && at(i + 2) == quote)) {
            return Some(Ok(Literal { end: i + quotes, raw, bytes, open, close: quotes }));
        }
        i += 1;
    }
    Some(Err(Stray::OpenText))
}

/// Checks the backslashes of a literal: the parser's own words for them do not help.
fn escapes(rest: &str, literal: &Literal) -> Result<(), Stray> {
    if literal.raw {
        return Ok(());
    }
    let inner = rest.get(literal.open..literal.end - literal.close).unwrap_or_default();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            continue;
        }
        let wrong = |len: usize| Err(Stray::Escape { at: literal.open + at, len });
        let Some((_, kind)) = chars.next() else { return wrong(1) };
        let digits = |radix: u32, n: usize| {
            inner.get(at + 2..at + 2 + n).and_then(|digits| {
                let plain = digits.chars().all(|c| c.is_digit(radix));
                plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
            })
        };
        let fits = match kind {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`' => true,
            'x' | 'X' => digits(16, 2).is_some(),
            'u' => !literal.bytes && digits(16, 4).and_then(char::from_u32).is_some(),
            'U' => !literal.bytes && digits(16, 8).and_then(char::from_u32).is_some(),
            '0'..='3' => digits(8, 2).is_some(),
            _ => false,
        };
        if !fits {
            return wrong(1 + kind.len_utf8());
        }
    }
    Ok(())
}

/// What is no token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stray {
    OpenText,
    Backquote,
    Escape { at: usize, len: usize },
    Operator(&'static str),
    Character(char),
}

impl Stray {
    fn problem(self, at: usize, rest: &str) -> ExprProblem {
        let (offset, len, message, help) = match self {
            Stray::OpenText => {
                let line = rest.find('\n').unwrap_or(rest.len());
                (0, line, "the text that starts here has no closing quote".to_owned(), None)
            }
            Stray::Backquote => {
                let help = "only letters, digits and `_ . - /` stand between backquotes";
                (0, 1, "a backquote that quotes no name".to_owned(), Some(help))
            }
            Stray::Escape { at, len } => {
                let escape = rest.get(at..at + len).unwrap_or("\\");
                let help = "write `\\\\` for a backslash, or put `r` before the quote, as in r'\\d+'";
                (at, len, format!("`{escape}` is no escape of CEL"), Some(help))
            }
            Stray::Operator(op) => {
                let help = match op {
                    "=" | "===" => "write `==` to compare",
                    "!==" => "write `!=`",
                    "=>" => "write `>=` to compare; functions are not values here",
                    "//" => "write `/` to divide; comments stand outside of expressions",
                    _ => "an expression is one value, without `;`",
                };
                (0, op.len(), format!("`{op}` is no operator of CEL"), Some(help))
            }
            Stray::Character(c) => {
                let help = match c {
                    '“' | '”' | '‘' | '’' | '«' | '»' => Some("write straight quotes: ' or \""),
                    '&' => Some("write `&&`"),
                    '|' => Some("write `||`"),
                    '$' => Some("inside the marks a name stands alone, without `$`"),
                    '#' => Some("in YAML a `#` after a blank starts a comment; elsewhere quote the text"),
                    '≤' => Some("write `<=`"),
                    '≥' => Some("write `>=`"),
                    '≠' => Some("write `!=`"),
                    _ => None,
                };
                (0, c.len_utf8(), format!("`{c}` does not belong here"), help)
            }
        };
        ExprProblem {
            kind: ProblemKind::Syntax,
            offset: (at + offset) as u32,
            len: len as u32,
            message,
            help: help.map(str::to_owned),
            nearest: None,
        }
    }
}
