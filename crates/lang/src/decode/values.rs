//! Values: text, numbers, lengths of time, conditions, and templates.

use serde_json::Value;

use super::{Decoder, Slot, Wants};
use crate::codes;
use crate::diagnostic::{Diagnostic, nearest};
use crate::duration::{Millis, parse_duration};
use crate::expr::{Expr, ExprProblem, ProblemKind};
use crate::limits;
use crate::plan::Setting;
use crate::template::{Piece, Template, secret_names};
use crate::tree::{Node, Plain, Shape, Style};

/// Marks that begin an expression, or stand for themselves.
fn has_marks(text: &str) -> bool {
    text.contains("${{")
}

impl<'t> Decoder<'t, '_> {
    /// Text as it stands, in a place where no expression may be.
    pub(crate) fn text(&self, node: Node<'t>, what: &str) -> Option<&'t str> {
        let text = self.raw_text(node, what)?;
        if has_marks(text) {
            let message = format!("no expression may stand in {what}");
            self.push(Diagnostic::at(codes::NO_EXPRESSION, node, message).help("write it out"));
            return None;
        }
        Some(text)
    }

    /// The text of a scalar; a number or a boolean is what its author wrote.
    pub(crate) fn raw_text(&self, node: Node<'t>, what: &str) -> Option<&'t str> {
        match node.plain() {
            None | Some(Plain::Null) => {
                self.wrong_type(node, &format!("{what} is a text"));
                None
            }
            Some(_) => node.raw(),
        }
    }

    /// Text for people, with a bound.
    pub(crate) fn prose(&self, node: Node<'t>, what: &str, most: usize) -> Option<String> {
        let text = self.text(node, what)?;
        let count = text.chars().count();
        if count > most {
            let message = format!("{what} has {count} characters");
            self.push(
                Diagnostic::at(codes::TOO_MANY, node, message).help(format!("at most {most} are allowed")),
            );
            return None;
        }
        Some(text.to_owned())
    }

    /// One of some words.
    pub(crate) fn word(&self, node: Node<'t>, what: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(node, what)?;
        if let Some(word) = words.iter().find(|w| **w == text) {
            return Some(word);
        }
        let list: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
        let message = format!("`{text}` is nothing that {what} can be");
        let problem = Diagnostic::at(codes::UNKNOWN_WORD, node, message);
        self.push(match nearest(text, words.iter().copied()) {
            Some(near) => problem.nearest(near),
            None => problem.help(format!("it is one of {}", list.join(", "))),
        });
        None
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, node: Node<'t>, what: &str) -> Option<bool> {
        match node.plain() {
            Some(Plain::Bool(value)) => Some(value),
            _ => {
                self.wrong_type(node, &format!("{what} is `true` or `false`"));
                None
            }
        }
    }

    /// A whole number in bounds, or an expression that gives one.
    pub(crate) fn integer(
        &self,
        node: Node<'t>,
        what: &str,
        (min, max): (u32, u32),
        slot: Slot,
    ) -> Option<Setting<u32>> {
        if let Some(computed) = self.computed(node, slot, Wants::Integer) {
            return computed.map(Setting::Computed);
        }
        let Some(Plain::Number(number)) = node.plain() else {
            self.wrong_type(node, &format!("{what} is a whole number"));
            return None;
        };
        match number.as_i64() {
            Some(n) if i64::from(min) <= n && n <= i64::from(max) => Some(Setting::Fixed(n as u32)),
            _ => {
                let message = format!("{what} is a whole number from {min} to {max}, and this is {number}");
                self.problem(codes::OUT_OF_RANGE, node, message);
                None
            }
        }
    }

    /// A number in bounds, or an expression that gives one.
    pub(crate) fn number(
        &self,
        node: Node<'t>,
        what: &str,
        (min, max): (f64, f64),
        slot: Slot,
    ) -> Option<Setting<f64>> {
        if let Some(computed) = self.computed(node, slot, Wants::Number) {
            return computed.map(Setting::Computed);
        }
        let Some(Plain::Number(number)) = node.plain() else {
            self.wrong_type(node, &format!("{what} is a number"));
            return None;
        };
        match number.as_f64() {
            Some(n) if min <= n && n <= max => Some(Setting::Fixed(n)),
            _ => {
                let message = format!("{what} is a number from {min} to {max}, and this is {number}");
                self.problem(codes::OUT_OF_RANGE, node, message);
                None
            }
        }
    }

    /// A length of time, or an expression that gives one.
    pub(crate) fn duration(&self, node: Node<'t>, what: &str, slot: Slot) -> Option<Setting<Millis>> {
        if let Some(computed) = self.computed(node, slot, Wants::Duration) {
            return computed.map(Setting::Computed);
        }
        let text = self.raw_text(node, what)?;
        match parse_duration(text) {
            Ok(millis) => Some(Setting::Fixed(millis)),
            Err(error) => {
                let problem = Diagnostic::at(codes::BAD_DURATION, node, error.message);
                let bare = text.bytes().all(|b| b.is_ascii_digit());
                self.push(if bare {
                    problem.help(format!("give it a unit: `{text}s`, `{text}m`, `{text}h`"))
                } else {
                    problem
                });
                None
            }
        }
    }

    /// A length of time that is more than nothing, or an expression that gives one.
    pub(crate) fn time_limit(&self, node: Node<'t>, what: &str, slot: Slot) -> Option<Setting<Millis>> {
        let limit = self.duration(node, what, slot)?;
        if matches!(limit, Setting::Fixed(0)) {
            self.problem(codes::OUT_OF_RANGE, node, format!("{what} is more than nothing"));
            return None;
        }
        Some(limit)
    }

    /// An expression in place of a fixed value. `None`: the value is fixed.
    fn computed(&self, node: Node<'t>, slot: Slot, wants: Wants) -> Option<Option<Template>> {
        let text = node.raw().filter(|t| has_marks(t))?;
        if slot.fixed {
            let problem = Diagnostic::at(codes::NO_EXPRESSION, node, "no expression may stand here");
            self.push(
                problem.help("what `undo` and `verify` may take is settled before they run; write it out"),
            );
            return Some(None);
        }
        let Some(template) = self.parse(node, text, slot, wants) else { return Some(None) };
        if matches!(template, Template::Expr(_)) || wants == Wants::Duration && !template.is_literal() {
            return Some(Some(template));
        }
        self.wrong_type(node, "the value is one expression");
        Some(None)
    }

    /// A condition: an expression with or without marks.
    pub(crate) fn condition(&self, node: Node<'t>, what: &str, slot: Slot) -> Option<Expr> {
        let text = self.raw_text(node, what)?;
        let known = self.conditions.borrow().get(text).cloned();
        match known.map_or_else(|| Expr::compile_condition(text), Ok) {
            Ok(expr) => {
                self.conditions.borrow_mut().entry(text.to_owned()).or_insert_with(|| expr.clone());
                self.site(slot, node, &expr, Wants::Boolean);
                Some(expr)
            }
            Err(problems) => {
                self.expression_problems(node, problems);
                None
            }
        }
    }

    /// A value with expressions anywhere in it.
    pub(crate) fn template(&self, node: Node<'t>, slot: Slot, wants: Wants) -> Option<Template> {
        match node.shape() {
            Shape::List => {
                // Go through all of it before giving up, so that everything wrong in it is found.
                let items: Vec<_> = node.items().map(|n| self.template(n, slot, Wants::Any)).collect();
                items.into_iter().collect::<Option<_>>().map(Template::list)
            }
            Shape::Map => {
                let entries = node.entries().map(|e| {
                    let value = self.template(e.value, slot, Wants::Any)?;
                    Some((e.key.to_owned(), value))
                });
                let entries: Vec<_> = entries.collect();
                entries.into_iter().collect::<Option<_>>().map(Template::map)
            }
            _ => match node.raw() {
                Some(text) if has_marks(text) => self.parse(node, text, slot, wants),
                _ => self.scalar(node).map(Template::Literal),
            },
        }
    }

    /// A scalar without expressions where nothing tells its type.
    fn scalar(&self, node: Node<'t>) -> Option<Value> {
        if let (Some(Plain::Number(number)), Some(raw)) = (node.plain(), node.raw()) {
            self.warn_of_lost_look(node, &number, raw);
        }
        match node.to_json() {
            Ok(value) => Some(value),
            Err(at) => {
                self.push(super::not_json(at.0));
                None
            }
        }
    }

    /// `1.10` and `010` are numbers here, and what makes them look like versions or codes is lost.
    fn warn_of_lost_look(&self, node: Node<'t>, number: &serde_json::Number, raw: &str) {
        let zeros_behind =
            raw.contains('.') && raw.ends_with('0') && !raw.ends_with(".0") && !raw.starts_with("0.");
        let zeros_before = raw.len() > 1 && raw.starts_with('0') && raw.bytes().all(|b| b.is_ascii_digit());
        if zeros_behind || zeros_before {
            let message = format!("`{raw}` is read as the number {number}");
            self.push(
                Diagnostic::at(codes::LOST_LOOK, node, message).help("put it in quotes if it is a text"),
            );
        }
    }

    /// Text with expressions in it. Numbers and booleans are taken as they are written.
    pub(crate) fn text_template(&self, node: Node<'t>, what: &str, slot: Slot) -> Option<Template> {
        let text = self.raw_text(node, what)?;
        if !has_marks(text) {
            return Some(Template::Literal(Value::String(text.to_owned())));
        }
        // The text of one expression is that of its value, so it is a text of one piece.
        Some(match self.parse(node, text, slot, Wants::Any)? {
            Template::Expr(expr) => Template::Text(vec![Piece::Expr(expr)]),
            other => other,
        })
    }

    /// A scalar with marks in it.
    fn parse(&self, node: Node<'t>, text: &str, slot: Slot, wants: Wants) -> Option<Template> {
        let known = self.read.borrow().get(text).cloned();
        match known.map_or_else(|| Template::parse(text), Ok) {
            Ok(template) => {
                self.read.borrow_mut().entry(text.to_owned()).or_insert_with(|| template.clone());
                let whole = matches!(template, Template::Expr(_));
                for (_, expr) in template.expressions() {
                    self.site(slot, node, expr, if whole { wants } else { Wants::Any });
                }
                for name in secret_names(&template) {
                    self.secret(node, name, slot)?;
                }
                Some(template)
            }
            Err(problems) => {
                self.expression_problems(node, problems);
                None
            }
        }
    }

    /// A secret that stands alone in its marks: may it be here, and is it declared?
    fn secret(&self, node: Node<'t>, name: &str, slot: Slot) -> Option<()> {
        if !slot.secrets {
            let message = "a secret may not stand here";
            let help = "secrets stand in `env` and `stdin` of a step, in the `env` of the document, and in `headers`, \
                        `auth`, `json` and `body` of `http`";
            self.push(Diagnostic::at(codes::SECRET_PLACE, node, message).help(help));
            return None;
        }
        let declared = self.secrets.borrow();
        if !declared.iter().any(|s| s == name) {
            let problem =
                Diagnostic::at(codes::UNKNOWN_SECRET, node, format!("the secret `{name}` is not declared"));
            let near = nearest(name, declared.iter().map(String::as_str));
            self.push(match near {
                Some(near) => problem.nearest(near),
                None => problem.help(format!("add it to the document: `secrets: [{name}]`")),
            });
            return None;
        }
        Some(())
    }

    pub(super) fn expression_problems(&self, node: Node<'t>, problems: Vec<ExprProblem>) {
        if let Some(place) = self.cut_off(node) {
            let message = "the text ends here: what follows ` #` is a comment";
            let help = "put the whole value in double quotes: \"${{ … }}\"";
            self.push(Diagnostic { span: place, ..Diagnostic::at(codes::CUT_OFF, node, message) }.help(help));
            return;
        }
        for problem in problems {
            self.push(of_expression(node, problem));
        }
    }

    /// Where a comment cuts a text without quotes off in the midst of an expression.
    fn cut_off(&self, node: Node<'t>) -> Option<crate::diagnostic::Span> {
        let text = node.raw().filter(|_| node.style() == Some(Style::Plain))?;
        let document = node.document();
        let end = node.span().end as usize;
        let rest = document.text().get(end..)?.split('\n').next()?;
        let open = text.rfind("${{").is_some_and(|at| !text[at..].contains("}}"));
        let comment = rest.trim_start().starts_with('#') && rest.starts_with([' ', '\t']);
        let at = end + rest.find('#')?;
        (open && comment).then(|| document.span(at, at + 1))
    }
}

/// A finding in an expression as one in its document.
pub(crate) fn of_expression(node: Node<'_>, problem: ExprProblem) -> Diagnostic {
    let code = match problem.kind {
        ProblemKind::Syntax => codes::EXPRESSION_SYNTAX,
        ProblemKind::Marks => codes::EXPRESSION_MARKS,
        ProblemKind::UnknownFunction => codes::UNKNOWN_FUNCTION,
        ProblemKind::Arguments => codes::WRONG_ARGUMENTS,
        ProblemKind::Regex => codes::BAD_REGEX,
        ProblemKind::TooLong | ProblemKind::TooDeep => codes::EXPRESSION_TOO_BIG,
        ProblemKind::UnknownName => codes::UNKNOWN_ROOT,
        ProblemKind::UnknownField => codes::UNKNOWN_FIELD,
        ProblemKind::Type => codes::EXPRESSION_TYPE,
    };
    let (start, end) = (problem.offset as usize, (problem.offset + problem.len) as usize);
    let place = node.span_within(start, end);
    Diagnostic {
        span: place,
        help: problem.help,
        nearest: problem.nearest,
        ..Diagnostic::at(code, node, problem.message)
    }
}

/// The bounds of a key as its table gives them.
pub(crate) const PARALLEL: (u32, u32) = (1, limits::PARALLEL);
/// Of the attempts of a budget.
pub(crate) const BUDGET: (u32, u32) = (1, limits::BUDGET);
/// Of the iterations of a loop.
pub(crate) const ITERATIONS: (u32, u32) = (1, limits::ITERATIONS);
/// Of the times a transition is taken.
pub(crate) const VISITS: (u32, u32) = (1, limits::VISITS);
/// Of the tries of an instance.
pub(crate) const ATTEMPTS: (u32, u32) = (1, limits::ATTEMPTS);
