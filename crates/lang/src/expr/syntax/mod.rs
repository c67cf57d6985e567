//! A walk over the tokens of an expression before it is parsed.
//!
//! It finds what does not follow what, with words for people, where the parser would list every token it
//! could take. It finds brackets that do not match and tells where each one closes. And it bounds how high
//! the tree can grow, because parser, lowering and evaluation recurse over it.

mod height;
mod operators;
mod words;

use height::Height;

use crate::expr::problem::{ExprProblem, ProblemKind};
use crate::expr::token::{Tok, Token};
use crate::limits;

/// What the walk found out about a source without problems.
#[derive(Debug)]
pub(super) struct Syntax {
    /// For each token that opens a bracket the position of the one that closes it.
    pub(super) closes: Vec<Option<u32>>,
    /// How many brackets and choices stand in each other.
    pub(super) nesting: usize,
    /// How high the tree can be.
    pub(super) height: usize,
}

/// Words that CEL keeps for itself: no root of an expression can have such a name.
pub const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// The whole expression.
    Top,
    Group,
    Arguments,
    List,
    Map,
    Index,
}

/// A bracket that is open.
#[derive(Debug)]
struct Frame {
    open: Open,
    /// Position of the token that opened it.
    token: usize,
    /// In a map: behind the colon of an entry.
    in_value: bool,
    /// Positions of the `?` of choices whose `:` has not come.
    choices: Vec<usize>,
    height: Height,
}

/// Walks over the tokens of a source.
pub(super) fn check(source: &str, tokens: &[Token]) -> Result<Syntax, ExprProblem> {
    let mut walk = Walk {
        source,
        tokens,
        frames: vec![Frame::new(Open::Top, 0)],
        closes: vec![None; tokens.len()],
        nesting: 0,
        deepest: 0,
        previous: None,
    };
    let mut at = 0;
    let mut operand = true;
    while at < tokens.len() {
        (at, operand) = if operand { walk.operand(at)? } else { walk.operator(at)? };
    }
    let height = walk.end(operand)?;
    Ok(Syntax { closes: walk.closes, nesting: walk.deepest, height })
}

struct Walk<'s> {
    source: &'s str,
    tokens: &'s [Token],
    frames: Vec<Frame>,
    closes: Vec<Option<u32>>,
    nesting: usize,
    deepest: usize,
    /// The operator, comma or bracket after which an operand is expected.
    previous: Option<usize>,
}

impl Frame {
    fn new(open: Open, token: usize) -> Frame {
        Frame { open, token, in_value: false, choices: Vec::new(), height: Height::default() }
    }
}

/// The next token to look at, and whether an operand is expected there.
type Step = Result<(usize, bool), ExprProblem>;

impl Walk<'_> {
    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text(self.source))
    }

    fn op(&self, at: usize) -> Option<&'static str> {
        match self.tokens.get(at)?.kind {
            Tok::Op(op) => Some(op),
            _ => None,
        }
    }

    fn kind(&self, at: usize) -> Option<Tok> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::new(Open::Top, 0));
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn problem(&self, at: usize, message: impl Into<String>, help: Option<&str>) -> ExprProblem {
        let end = self.source.len() as u32;
        let (start, end) = self.tokens.get(at).map_or((end, end), |token| (token.start, token.end));
        ExprProblem {
            kind: ProblemKind::Syntax,
            offset: start,
            len: end - start,
            message: message.into(),
            help: help.map(str::to_owned),
            nearest: None,
        }
    }

    fn too_deep(&self, at: usize, message: String) -> ExprProblem {
        ExprProblem {
            kind: ProblemKind::TooDeep,
            ..self.problem(at, message, Some("take parts of it into `vars` or a `set` step"))
        }
    }

    fn deeper(&mut self, at: usize) -> Result<(), ExprProblem> {
        self.nesting += 1;
        self.deepest = self.deepest.max(self.nesting);
        if self.nesting > limits::EXPR_NESTING {
            let message = format!("nested deeper than {} levels", limits::EXPR_NESTING);
            return Err(self.too_deep(at, message));
        }
        Ok(())
    }

    fn open(&mut self, open: Open, at: usize) -> Step {
        self.deeper(at)?;
        self.frames.push(Frame::new(open, at));
        self.previous = Some(at);
        Ok((at + 1, true))
    }

    /// A token where an operand is expected.
    fn operand(&mut self, at: usize) -> Step {
        let Some(op) = self.op(at) else { return self.atom(at) };
        match op {
            "(" => self.open(Open::Group, at),
            "[" => self.open(Open::List, at),
            "{" => self.open(Open::Map, at),
            "!" | "-" => {
                // The grammar takes a run of one of them only.
                let other = if op == "!" { "-" } else { "!" };
                let first = self.previous.is_some_and(|p| p + 1 == at && self.op(p) == Some(other));
                if first && self.unary_at(at - 1) {
                    let help = "put brackets between them, as in !(-x)";
                    return Err(self.problem(
                        at,
                        format!("`{other}` and `{op}` cannot follow each other"),
                        Some(help),
                    ));
                }
                self.frame().height.members += 1;
                self.previous = Some(at);
                Ok((at + 1, true))
            }
            // A leading dot means the root name, whatever is bound around it.
            "." if self.kind(at + 1) == Some(Tok::Ident) => self.atom(at + 1),
            "?" if self.optional_element(at) => {
                self.previous = Some(at);
                Ok((at + 1, true))
            }
            ")" | "]" | "}" if self.may_close_empty(at, op) => self.close(at, op),
            _ => Err(self.no_operand(at)),
        }
    }

    /// Whether the `-` or `!` here has no operand before it.
    fn unary_at(&self, at: usize) -> bool {
        match at.checked_sub(1).and_then(|before| self.tokens.get(before)) {
            None => true,
            Some(before) => match before.kind {
                Tok::Op(op) => !matches!(op, ")" | "]" | "}"),
                Tok::Ident => before.text(self.source) == "in",
                _ => false,
            },
        }
    }

    fn atom(&mut self, at: usize) -> Step {
        let text = self.text(at);
        match self.kind(at) {
            Some(Tok::Ident) => {
                if text == "in" {
                    return Err(self.problem(at, "a value is missing before `in`", None));
                }
                if RESERVED.contains(&text) {
                    let help = match text {
                        "if" | "else" => "write `condition ? value : other`",
                        "for" | "while" => "write list.map(x, …), list.filter(x, …) or list.all(x, …)",
                        _ => "CEL reserves the word; it can stand behind a dot, or as [\"…\"]",
                    };
                    return Err(self.problem(at, format!("`{text}` is a reserved word of CEL"), Some(help)));
                }
                if text == "not" && self.starts_operand(at + 1) {
                    return Err(self.problem(at, "`not` is no operator of CEL", Some("write `!`")));
                }
            }
            Some(Tok::Quoted) => {
                let help = "a name in backquotes can stand behind a dot";
                return Err(self.problem(at, format!("{text} cannot stand here"), Some(help)));
            }
            _ => {}
        }
        Ok((at + 1, false))
    }

    fn starts_operand(&self, at: usize) -> bool {
        match self.kind(at) {
            Some(Tok::Op(op)) => matches!(op, "!" | "{"),
            Some(Tok::Ident) => self.text(at) != "in",
            Some(_) => true,
            None => false,
        }
    }

    fn optional_element(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.op(before));
        match self.frames.last().map(|frame| (frame.open, frame.in_value)) {
            Some((Open::List, _)) => matches!(before, Some("[" | ",")),
            Some((Open::Map, false)) => matches!(before, Some("{" | ",")),
            Some((Open::Index, _)) => before == Some("["),
            _ => false,
        }
    }

    /// Whether a bracket may close where an operand could stand: right behind its opening, or behind the
    /// last comma of a list or map.
    fn may_close_empty(&self, at: usize, op: &str) -> bool {
        let Some(frame) = self.frames.last() else { return false };
        let (fits, empty, comma) = match frame.open {
            Open::Arguments => (op == ")", true, false),
            Open::List => (op == "]", true, true),
            Open::Map => (op == "}", true, true),
            _ => return false,
        };
        let before = at.checked_sub(1);
        let fresh = before == Some(frame.token);
        let behind_comma = before.and_then(|before| self.op(before)) == Some(",") && !frame.in_value;
        let first_comma = before.and_then(|before| before.checked_sub(1)) == Some(frame.token);
        fits && ((empty && fresh) || (comma && behind_comma && !first_comma))
    }

    /// The height of the whole.
    fn end(&mut self, operand: bool) -> Result<usize, ExprProblem> {
        let at = self.tokens.len();
        if at == 0 {
            return Err(self.problem(at, "the expression is empty", None));
        }
        if operand {
            let last = self.text(at - 1).to_owned();
            // Where only a bracket is open, that is the better news.
            if self.frames.len() == 1 || !matches!(self.op(at - 1), Some("(" | "[" | "{" | ",")) {
                return Err(self.problem(at - 1, format!("a value is missing after `{last}`"), None));
            }
        }
        let frame = self.frame();
        if frame.open != Open::Top {
            let token = frame.token;
            let opened = self.text(token).to_owned();
            return Err(self.problem(token, format!("`{opened}` is not closed"), None));
        }
        self.element_ends(at)?;
        let height = self.frame().height.done;
        if height > limits::EXPR_HEIGHT {
            return Err(self.too_deep(0, format!("more than {} operations in a row", limits::EXPR_HEIGHT)));
        }
        Ok(height)
    }
}
