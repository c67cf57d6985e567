//! Macros, from the loops that the parser makes of them.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr as Ast, IdedExpr, LiteralValue, operators};

use super::Lower;
use crate::expr::node::{Each, Kind, Node};
use crate::expr::problem::ProblemKind;
use crate::limits;

impl Lower<'_> {
    /// Binds a name while its body is lowered. `place` is that of the macro's name.
    fn binding<T>(&mut self, name: String, place: (u32, u32), body: impl FnOnce(&mut Self, u32) -> T) -> T {
        if name.starts_with('.') {
            let message = "the first argument is a name for the element".to_owned();
            self.problem(ProblemKind::Arguments, place, message, None);
        }
        if self.bound.len() >= limits::COMPREHENSION_NESTING {
            let message = format!("macros over lists nest deeper than {}", limits::COMPREHENSION_NESTING);
            let help = "take the inner one into `vars` or a `set` step".to_owned();
            self.problem(ProblemKind::TooDeep, place, message, Some(help));
        }
        let slot = self.bound.len() as u32;
        self.bound.push(name);
        let made = body(self, slot);
        self.bound.pop();
        made
    }

    pub(super) fn opt_map(
        &mut self,
        name: &str,
        target: IdedExpr,
        args: Vec<IdedExpr>,
        (place, end): ((u32, u32), u32),
    ) -> Node {
        let of = self.boxed(target);
        let mut args = args.into_iter();
        let variable = args.next().unwrap_or_default();
        let body = args.next().unwrap_or_default();
        let (_, at, name_end) = self.token(variable.id);
        let (start, flat) = (of.start, name == "optFlatMap");
        let Ast::Ident(bound) = variable.expr else {
            let message = "the first argument is a name for the value".to_owned();
            let help = format!("write x.{name}(v, v.title)");
            self.problem(ProblemKind::Arguments, (at, name_end), message, Some(help));
            return Node { kind: Kind::Null, at, start, end };
        };
        let body = self.binding(bound, place, |lower, _| lower.boxed(body));
        Node { kind: Kind::OptMap { of, body, flat }, at, start, end }
    }

    /// A macro over a list or map, from the loop that the parser made of it.
    pub(super) fn comprehension(&mut self, id: u64, each: ComprehensionExpr) -> Node {
        let (open, _, _) = self.token(id);
        let end = self.close(open);
        let place = self.name_before(open);
        let at = place.0;
        let over = self.boxed(each.iter_range);
        let start = over.start;
        let Some((kind, only, body)) = unfold(&each.accu_init, each.loop_step) else {
            let message = "this macro is not known".to_owned();
            self.problem(ProblemKind::UnknownFunction, (at, end), message, None);
            return Node { kind: Kind::Null, at, start, end };
        };
        let (slot, only, body) = self.binding(each.iter_var, place, |lower, slot| {
            let only = only.map(|only| lower.boxed(only));
            (slot, only, lower.boxed(body))
        });
        // `filter` is written out as a `map` with a condition that gives the element itself.
        let kind = match (only, &body.kind) {
            (Some(only), Kind::Slot(given)) if *given == slot => {
                Kind::Each { each: Each::Filter, over, only: None, body: only }
            }
            (only, _) => Kind::Each { each: kind, over, only, body },
        };
        Node { kind, at, start, end }
    }
}

/// What the loop of a macro was: its kind, the condition of a `map` with three arguments, and its body.
fn unfold(init: &IdedExpr, step: IdedExpr) -> Option<(Each, Option<IdedExpr>, IdedExpr)> {
    let Ast::Call(CallExpr { func_name, args, .. }) = step.expr else { return None };
    let mut args = args.into_iter();
    match (&init.expr, func_name.as_str()) {
        (Ast::Literal(LiteralValue::Boolean(value)), operators::LOGICAL_AND | operators::LOGICAL_OR) => {
            let each = if *value.inner() { Each::All } else { Each::Exists };
            Some((each, None, args.nth(1)?))
        }
        (Ast::Literal(LiteralValue::Int(_)), operators::CONDITIONAL) => {
            Some((Each::ExistsOne, None, args.next()?))
        }
        // `@result + [value]`
        (Ast::List(_), operators::ADD) => Some((Each::Map, None, only_element(args.nth(1)?)?)),
        // `condition ? @result + [value] : @result`
        (Ast::List(_), operators::CONDITIONAL) => {
            let condition = args.next()?;
            let Ast::Call(CallExpr { args: sum, .. }) = args.next()?.expr else { return None };
            let value = only_element(sum.into_iter().nth(1)?)?;
            Some((Each::Map, Some(condition), value))
        }
        _ => None,
    }
}

fn only_element(list: IdedExpr) -> Option<IdedExpr> {
    match list.expr {
        Ast::List(list) => list.elements.into_iter().next(),
        _ => None,
    }
}
