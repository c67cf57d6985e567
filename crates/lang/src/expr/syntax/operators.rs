//! What may follow an operand: operators, members, choices, commas, closing brackets.

use super::{Open, Step, Walk};
use crate::expr::problem::ExprProblem;
use crate::expr::token::Tok;

impl Walk<'_> {
    /// A token where an operator is expected.
    pub(super) fn operator(&mut self, at: usize) -> Step {
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
    pub(super) fn element_ends(&mut self, at: usize) -> Result<(), ExprProblem> {
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

    pub(super) fn close(&mut self, at: usize, op: &str) -> Step {
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
}
