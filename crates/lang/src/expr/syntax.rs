//! A walk over the tokens of an expression before it is parsed.
//!
//! It finds what does not follow what, with words for people, where the parser would list every token it
//! could take. It finds brackets that do not match and tells where each one closes. And it bounds how high
//! the tree can grow, because parser, lowering and evaluation recurse over it.

use super::problem::{ExprProblem, ProblemKind};
use super::token::{Tok, Token};
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

/// How high the tree under a bracket can be. Operators of one rank follow each other to the left, so each
/// of them adds one; `&&` and `||` are balanced by the parser.
#[derive(Debug, Default, Clone, Copy)]
struct Height {
    /// Of the elements so far, the highest.
    done: usize,
    /// Of the chains of this element, the highest.
    chains: usize,
    logical: bool,
    choices: usize,
    /// Of the operands of this chain, the highest.
    operands: usize,
    operators: usize,
    /// Of this operand: what is in its brackets, and the members after it.
    inner: usize,
    members: usize,
}

impl Height {
    fn end_operand(&mut self) {
        self.operands = self.operands.max(self.inner + self.members);
        self.inner = 0;
        self.members = 0;
    }

    fn end_chain(&mut self) {
        self.end_operand();
        self.chains = self.chains.max(self.operands + self.operators);
        self.operands = 0;
        self.operators = 0;
    }

    fn end_element(&mut self) {
        /// 4 KiB of `a||a||…` make a balanced tree of eleven levels.
        const BALANCED: usize = 11;
        self.end_chain();
        let height = self.chains + self.choices + usize::from(self.logical) * BALANCED;
        *self = Height { done: self.done.max(height), ..Height::default() };
    }
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

    fn no_operand(&self, at: usize) -> ExprProblem {
        let found = self.text(at);
        let help = match (self.previous.and_then(|p| self.op(p)), found) {
            (Some("?"), "?") => Some("for a value that may be missing write `a.?b.orValue(c)`"),
            (Some("?"), ".") => Some("for a member that may be missing write `a.?b`"),
            (Some("*"), "*") => Some("CEL has no power"),
            (Some("+"), "+") | (_, "=") => Some("an expression changes nothing; it only gives a value"),
            _ => None,
        };
        match self.previous {
            Some(previous) if self.op(previous).is_some() || self.text(previous) == "in" => {
                let before = self.text(previous);
                self.problem(at, format!("a value is missing between `{before}` and `{found}`"), help)
            }
            _ => self.problem(at, format!("a value is missing before `{found}`"), help),
        }
    }

    /// A token where an operator is expected.
    fn operator(&mut self, at: usize) -> Step {
        let Some(op) = self.op(at) else {
            if self.text(at) == "in" && self.kind(at) == Some(Tok::Ident) {
                return self.binary(at);
            }
            return Err(self.no_operator(at));
        };
        match op {
            "&&" | "||" => {
                let height = &mut self.frame().height;
                height.end_chain();
                height.logical = true;
                self.previous = Some(at);
                Ok((at + 1, true))
            }
            "." => self.member(at),
            "[" => {
                self.frame().height.members += 1;
                self.open(Open::Index, at)
            }
            "(" => {
                let name = at.checked_sub(1).and_then(|before| self.tokens.get(before));
                if name.is_none_or(|name| name.kind != Tok::Ident) {
                    return Err(self.problem(at, "only a function can be called", None));
                }
                self.frame().height.members += 1;
                self.open(Open::Arguments, at)
            }
            "?" => self.choice(at),
            ":" => self.colon(at),
            "," => self.comma(at),
            ")" | "]" | "}" => self.close(at, op),
            "!" | "{" => Err(self.no_operator(at)),
            _ => self.binary(at),
        }
    }

    fn binary(&mut self, at: usize) -> Step {
        let height = &mut self.frame().height;
        height.end_operand();
        height.operators += 1;
        self.previous = Some(at);
        Ok((at + 1, true))
    }

    fn member(&mut self, at: usize) -> Step {
        let optional = self.op(at + 1) == Some("?");
        let name = at + 1 + usize::from(optional);
        self.frame().height.members += 1;
        match self.kind(name) {
            Some(Tok::Ident) if !matches!(self.text(name), "in" | "true" | "false" | "null") => {}
            Some(Tok::Quoted) => {}
            Some(Tok::Ident) => {
                let text = self.text(name);
                let help = format!("write [\"{text}\"]");
                return Err(self.problem(name, format!("`{text}` cannot stand behind a dot"), Some(&help)));
            }
            Some(Tok::Number) => {
                let help = "write [0] for an element of a list";
                return Err(self.problem(name, "a name is missing behind the dot", Some(help)));
            }
            _ => return Err(self.problem(at, "a name is missing behind the dot", None)),
        }
        if optional && self.op(name + 1) == Some("(") {
            return Err(self.problem(at, "`.?` takes a field, no call", None));
        }
        Ok((name + 1, false))
    }

    fn choice(&mut self, at: usize) -> Step {
        if self.op(at + 1) == Some(".")
            && self.tokens.get(at).map(|t| t.end) == self.tokens.get(at + 1).map(|t| t.start)
        {
            let help = "for a member that may be missing write `a.?b`";
            return Err(self.problem(at, "`?.` is no operator of CEL", Some(help)));
        }
        if !self.frame().choices.is_empty() {
            let help = "put the inner choice into brackets: a ? (b ? c : d) : e";
            return Err(self.problem(at, "a choice stands between `?` and `:` of another", Some(help)));
        }
        self.deeper(at)?;
        let frame = self.frame();
        frame.choices.push(at);
        frame.height.end_chain();
        frame.height.choices += 1;
        self.previous = Some(at);
        Ok((at + 1, true))
    }

    fn colon(&mut self, at: usize) -> Step {
        let frame = self.frame();
        frame.height.end_chain();
        if frame.choices.pop().is_none() {
            if frame.open != Open::Map || frame.in_value {
                return Err(self.problem(
                    at,
                    "`:` without a `?` before it",
                    Some("write `condition ? value : other`"),
                ));
            }
            frame.in_value = true;
        }
        self.previous = Some(at);
        Ok((at + 1, true))
    }

    /// What must hold where an element, an argument or a bracket ends.
    fn element_ends(&mut self, at: usize) -> Result<(), ExprProblem> {
        let frame = self.frame();
        let choices = frame.height.choices;
        frame.height.end_element();
        let (open, in_value) = (frame.open, frame.in_value);
        let unfinished = frame.choices.last().copied();
        // Choices nest to the right until their element ends.
        self.nesting = self.nesting.saturating_sub(choices);
        if let Some(choice) = unfinished {
            let help = "write `condition ? value : other`";
            return Err(self.problem(choice, "this `?` has no `:`", Some(help)));
        }
        if open == Open::Map && !in_value {
            return Err(self.problem(at, "a key without a value in a map", Some("write {'key': value}")));
        }
        Ok(())
    }

    fn comma(&mut self, at: usize) -> Step {
        match self.frame().open {
            Open::Arguments | Open::List | Open::Map => {}
            Open::Top => return Err(self.problem(at, "`,` does not belong here", None)),
            Open::Group => {
                let help = "a list stands in [ ]";
                return Err(self.problem(at, "`,` between brackets that hold one value", Some(help)));
            }
            Open::Index => return Err(self.problem(at, "an index is one value", None)),
        }
        self.element_ends(at)?;
        self.frame().in_value = false;
        self.previous = Some(at);
        Ok((at + 1, true))
    }

    fn close(&mut self, at: usize, op: &str) -> Step {
        let frame = self.frame();
        let (open, token) = (frame.open, frame.token);
        let wanted = match open {
            Open::Top => return Err(self.problem(at, format!("`{op}` closes nothing"), None)),
            Open::Group | Open::Arguments => ")",
            Open::List | Open::Index => "]",
            Open::Map => "}",
        };
        if op != wanted {
            let opened = self.text(token).to_owned();
            let message = format!("`{opened}` is closed by `{op}`; `{wanted}` is missing");
            return Err(self.problem(at, message, None));
        }
        let empty = at == token + 1;
        let trailing = self.op(at - 1) == Some(",");
        if !empty && !trailing {
            self.element_ends(at)?;
        }
        let Some(frame) = self.frames.pop() else { return Ok((at + 1, false)) };
        if let Some(close) = self.closes.get_mut(token) {
            *close = Some(at as u32);
        }
        self.nesting = self.nesting.saturating_sub(1);
        let height = frame.height.done + 1;
        let outer = &mut self.frame().height;
        outer.inner = outer.inner.max(height);
        Ok((at + 1, false))
    }

    fn no_operator(&self, at: usize) -> ExprProblem {
        let found = self.text(at);
        let before = at.checked_sub(1).map_or("", |before| self.text(before));
        let number = at.checked_sub(1).and_then(|before| self.kind(before)) == Some(Tok::Number);
        let unit = matches!(found, "ms" | "s" | "m" | "h" | "d" | "w");
        let help = match found {
            "and" => Some("write `&&`".to_owned()),
            "or" => Some("write `||`".to_owned()),
            "not" => Some("write `!(a in b)`, or `!=`".to_owned()),
            "is" => Some("write `==`".to_owned()),
            "if" | "else" | "then" => Some("write `condition ? value : other`".to_owned()),
            "contains" | "startsWith" | "endsWith" | "matches" => Some(format!("write a.{found}(b)")),
            "{" => Some("a map stands alone: {'key': value}; messages of types are not taken".to_owned()),
            _ if number && unit => Some(format!("write duration('{before}{found}')")),
            _ if found.starts_with('.') => Some(format!("write [{}] for an element of a list", &found[1..])),
            _ if self.kind(at) == Some(Tok::Text) => Some("join texts with `+`".to_owned()),
            _ => None,
        };
        let shown = super::nearest::shorten(found);
        self.problem(at, format!("an operator is missing before `{shown}`"), help.as_deref())
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
