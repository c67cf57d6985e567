//! What is said about a token that does not follow the one before it.

use super::Walk;
use crate::expr::problem::ExprProblem;
use crate::expr::token::Tok;

impl Walk<'_> {
    pub(super) fn no_operand(&self, at: usize) -> ExprProblem {
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

    pub(super) fn no_operator(&self, at: usize) -> ExprProblem {
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
        let shown = crate::expr::nearest::shorten(found);
        self.problem(at, format!("an operator is missing before `{shown}`"), help.as_deref())
    }
}
