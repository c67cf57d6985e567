//! From the parser's tree to ours.
//!
//! The parser writes macros out as general loops; here they become what they were, so that they run as
//! tight loops and can be named in messages. Names bound by macros become positions on a stack. Functions
//! and their numbers of arguments are looked up, and literals that can be made once are.

mod macros;
mod names;

use cel::common::ast::{
    CallExpr, EntryExpr, Expr as Ast, IdedExpr, ListExpr, LiteralValue, MapExpr, SelectExpr, SourceInfo,
    operators,
};
use regex::Regex;
use serde_json::Value;

pub use names::TYPE_NAMES;
use names::{binary, type_name, wrong_count};

use crate::expr::function::{self, Fun};
use crate::expr::node::{Entry, Kind, Node};
use crate::expr::problem::{ExprProblem, ProblemKind};
use crate::expr::syntax::Syntax;
use crate::expr::text;
use crate::expr::token::{Tok, Token};

pub(super) fn lower(
    tokens: &[Token],
    syntax: &Syntax,
    places: &SourceInfo,
    tree: IdedExpr,
) -> Result<Node, Vec<ExprProblem>> {
    let mut lower = Lower { tokens, syntax, places, bound: Vec::new(), problems: Vec::new(), last: (0, 0) };
    let node = lower.node(tree);
    if lower.problems.is_empty() { Ok(node) } else { Err(lower.problems) }
}

struct Lower<'s> {
    tokens: &'s [Token],
    syntax: &'s Syntax,
    places: &'s SourceInfo,
    /// Names bound by the macros around, outermost first.
    bound: Vec<String>,
    problems: Vec<ExprProblem>,
    /// Place of the node looked at last, for the few that the parser gives none.
    last: (u32, u32),
}

impl Lower<'_> {
    /// The token of a node: position, start and end.
    fn token(&mut self, id: u64) -> (usize, u32, u32) {
        let start = self.places.offset_for(id).map_or(self.last.0, |(start, _)| start);
        let at = self.tokens.partition_point(|token| token.start <= start).saturating_sub(1);
        let (start, end) = self.tokens.get(at).map_or(self.last, |token| (token.start, token.end));
        self.last = (start, end);
        (at, start, end)
    }

    /// Where the bracket that a token opens is closed.
    fn close(&self, open: usize) -> u32 {
        let close = self.syntax.closes.get(open).copied().flatten();
        close.and_then(|at| self.tokens.get(at as usize)).map_or(self.last.1, |token| token.end)
    }

    fn problem(&mut self, kind: ProblemKind, at: (u32, u32), message: String, help: Option<String>) {
        let (offset, len) = (at.0, at.1.saturating_sub(at.0));
        self.problems.push(ExprProblem { kind, offset, len, message, help, nearest: None });
    }

    fn boxed(&mut self, tree: IdedExpr) -> Box<Node> {
        Box::new(self.node(tree))
    }

    fn node(&mut self, tree: IdedExpr) -> Node {
        match tree.expr {
            Ast::Literal(value) => self.literal(tree.id, value),
            Ast::Ident(name) => self.name(tree.id, &name),
            Ast::Select(select) => self.select(tree.id, select),
            Ast::List(list) => self.list(tree.id, list),
            Ast::Map(map) => self.map(tree.id, map),
            Ast::Call(call) => self.call(tree.id, call),
            Ast::Comprehension(each) => self.comprehension(tree.id, *each),
            Ast::Struct(_) | Ast::Unspecified => {
                let (_, start, end) = self.token(tree.id);
                let message = "messages of types are not taken".to_owned();
                self.problem(
                    ProblemKind::Syntax,
                    (start, end),
                    message,
                    Some("write a map: {'key': value}".into()),
                );
                Node { kind: Kind::Null, at: start, start, end }
            }
        }
    }

    fn literal(&mut self, id: u64, value: LiteralValue) -> Node {
        let (at, mut start, end) = self.token(id);
        let kind = match value {
            LiteralValue::Null => Kind::Null,
            LiteralValue::Boolean(value) => Kind::Bool(value.into()),
            LiteralValue::Int(value) => Kind::Int(value.into()),
            LiteralValue::UInt(value) => Kind::UInt(value.into()),
            LiteralValue::Double(value) => Kind::Double(value.into()),
            LiteralValue::String(value) => Kind::Str(value.inner().into()),
            LiteralValue::Bytes(value) => Kind::Bytes(value.inner().into()),
        };
        // The sign of a number is no operator but a part of it.
        let negative = match kind {
            Kind::Int(value) => value < 0,
            Kind::Double(value) => value.is_sign_negative(),
            _ => false,
        };
        if let Some(sign) = at.checked_sub(1).and_then(|at| self.tokens.get(at)).filter(|_| negative) {
            start = sign.start;
        }
        Node { kind, at: start, start, end }
    }

    fn name(&mut self, id: u64, name: &str) -> Node {
        let (_, start, end) = self.token(id);
        let plain = name.strip_prefix('.');
        let bound = self.bound.iter().rposition(|bound| bound == name);
        let kind = match (plain, bound) {
            (Some(plain), _) => Kind::Root(plain.into()),
            (None, Some(slot)) => Kind::Slot(slot as u32),
            (None, None) => match type_name(name) {
                Some(name) => Kind::Type(name),
                None => Kind::Root(name.into()),
            },
        };
        Node { kind, at: start, start, end }
    }

    fn select(&mut self, id: u64, select: SelectExpr) -> Node {
        let of = self.boxed(*select.operand);
        let start = of.start;
        if select.test {
            let (open, at, _) = self.token(id);
            // The node of has() stands at its bracket; the text from its name to the bracket's end is it.
            let start =
                open.checked_sub(1).and_then(|name| self.tokens.get(name)).map_or(at, |name| name.start);
            let end = self.close(open);
            return Node { kind: Kind::Has { of, name: select.field.into() }, at: start, start, end };
        }
        let (dot, _, _) = self.token(id);
        let (at, end) = self.field_after(dot);
        Node { kind: Kind::Field { of, name: select.field.into(), optional: false }, at, start, end }
    }

    /// The name behind a dot, or behind `.?`.
    fn field_after(&self, dot: usize) -> (u32, u32) {
        let mut names = self.tokens.iter().skip(dot + 1);
        let name = names.find(|token| matches!(token.kind, Tok::Ident | Tok::Quoted));
        name.map_or(self.last, |name| (name.start, name.end))
    }

    fn list(&mut self, id: u64, list: ListExpr) -> Node {
        let (open, start, _) = self.token(id);
        let end = self.close(open);
        let mut items = Vec::with_capacity(list.elements.len());
        for (at, element) in list.elements.into_iter().enumerate() {
            let optional = list.optional_indices.contains(&at);
            items.push((self.node(element), optional));
        }
        let constants: Option<Vec<Value>> =
            items.iter().map(|(item, optional)| item.constant().filter(|_| !optional)).collect();
        let kind = match constants {
            Some(values) => Kind::Constant(Value::Array(values)),
            None => Kind::List(items.into_boxed_slice()),
        };
        Node { kind, at: start, start, end }
    }

    fn map(&mut self, id: u64, map: MapExpr) -> Node {
        let (open, start, _) = self.token(id);
        let end = self.close(open);
        let mut entries = Vec::with_capacity(map.entries.len());
        for entry in map.entries {
            let EntryExpr::MapEntry(entry_expr) = entry.expr else { continue };
            let key = self.node(entry_expr.key);
            let value = self.node(entry_expr.value);
            entries.push(Entry { key, value, optional: entry_expr.optional });
        }
        self.double_keys(&entries);
        let constants: Option<serde_json::Map<String, Value>> = entries
            .iter()
            .map(|entry| match &entry.key.kind {
                Kind::Str(key) if !entry.optional => {
                    entry.value.constant().map(|value| (key.to_string(), value))
                }
                _ => None,
            })
            .collect();
        let kind = match constants {
            Some(values) => Kind::Constant(Value::Object(values)),
            None => Kind::Map(entries.into_boxed_slice()),
        };
        Node { kind, at: start, start, end }
    }

    fn double_keys(&mut self, entries: &[Entry]) {
        let mut seen = std::collections::HashSet::new();
        for entry in entries {
            if let Kind::Str(key) = &entry.key.kind
                && !seen.insert(key)
            {
                let message =
                    format!("the key `{}` stands twice in the map", crate::expr::nearest::shorten(key));
                self.problem(ProblemKind::Arguments, (entry.key.start, entry.key.end), message, None);
            }
        }
    }

    fn call(&mut self, id: u64, call: CallExpr) -> Node {
        let CallExpr { func_name, target, mut args } = call;
        if target.is_none() {
            if let Some(op) = binary(&func_name).filter(|_| args.len() == 2) {
                return self.pair(id, args, |left, right| Kind::Binary { op, left, right });
            }
            match (func_name.as_str(), args.len()) {
                (operators::LOGICAL_AND, 2) => return self.pair(id, args, Kind::And),
                (operators::LOGICAL_OR, 2) => return self.pair(id, args, Kind::Or),
                (operators::CONDITIONAL, 3) => return self.choice(id, args),
                (operators::LOGICAL_NOT, 1) => return self.unary(id, args, Kind::Not),
                (operators::NEGATE, 1) => return self.unary(id, args, Kind::Negate),
                (operators::INDEX, 2) => return self.index(id, args, false),
                (operators::OPT_INDEX, 2) => return self.index(id, args, true),
                (operators::OPT_SELECT, 2) => return self.optional_select(id, args),
                _ => {}
            }
        }
        let (open, _, _) = self.token(id);
        let end = self.close(open);
        let name_at = self.name_before(open);
        let mut name = func_name;
        let mut start = name_at.0;
        let mut is_method = false;
        if let Some(target) = target {
            let target = *target;
            if let Ast::Ident(space) = &target.expr
                && space == "optional"
                && !self.bound.contains(space)
            {
                start = self.token(target.id).1;
                name = format!("optional.{name}");
            } else {
                if let ("optMap" | "optFlatMap", 2) = (name.as_str(), args.len()) {
                    return self.opt_map(&name, target, args, (name_at, end));
                }
                is_method = true;
                args.insert(0, target);
            }
        }
        let args: Vec<Node> = args.into_iter().map(|arg| self.node(arg)).collect();
        if is_method && let Some(target) = args.first() {
            start = target.start;
        }
        let kind = self.function(&name, is_method, name_at, args);
        Node { kind, at: name_at.0, start, end }
    }

    fn pair(
        &mut self,
        id: u64,
        args: Vec<IdedExpr>,
        kind: impl FnOnce(Box<Node>, Box<Node>) -> Kind,
    ) -> Node {
        let mut args = args.into_iter();
        let left = self.boxed(args.next().unwrap_or_default());
        let right = self.boxed(args.next().unwrap_or_default());
        let (_, at, _) = self.token(id);
        let (start, end) = (left.start, right.end);
        Node { kind: kind(left, right), at, start, end }
    }

    fn unary(&mut self, id: u64, mut args: Vec<IdedExpr>, kind: impl FnOnce(Box<Node>) -> Kind) -> Node {
        let of = self.boxed(args.pop().unwrap_or_default());
        let (_, at, _) = self.token(id);
        let end = of.end;
        Node { kind: kind(of), at, start: at, end }
    }

    fn choice(&mut self, id: u64, args: Vec<IdedExpr>) -> Node {
        let mut args = args.into_iter();
        let condition = self.boxed(args.next().unwrap_or_default());
        let yes = self.boxed(args.next().unwrap_or_default());
        let no = self.boxed(args.next().unwrap_or_default());
        let (_, at, _) = self.token(id);
        let (start, end) = (condition.start, no.end);
        Node { kind: Kind::Choice { condition, yes, no }, at, start, end }
    }

    fn index(&mut self, id: u64, args: Vec<IdedExpr>, optional: bool) -> Node {
        let mut args = args.into_iter();
        let of = self.boxed(args.next().unwrap_or_default());
        let index = self.boxed(args.next().unwrap_or_default());
        let (open, at, _) = self.token(id);
        let (start, end) = (of.start, self.close(open));
        // What is written out behaves as a field, so that `a["b"]` and `a.b` are one in references.
        let kind = match &index.kind {
            Kind::Str(name) => Kind::Field { of, name: name.clone(), optional },
            _ => Kind::Index { of, index, optional },
        };
        Node { kind, at, start, end }
    }

    fn optional_select(&mut self, id: u64, args: Vec<IdedExpr>) -> Node {
        let mut args = args.into_iter();
        let of = self.boxed(args.next().unwrap_or_default());
        let (dot, _, _) = self.token(id);
        let (at, end) = self.field_after(dot);
        let start = of.start;
        let name = match args.next().map(|name| name.expr) {
            Some(Ast::Literal(LiteralValue::String(name))) => name.inner().into(),
            _ => Box::default(),
        };
        Node { kind: Kind::Field { of, name, optional: true }, at, start, end }
    }

    fn function(&mut self, name: &str, is_method: bool, at: (u32, u32), args: Vec<Node>) -> Kind {
        let signature = match function::find(name, is_method) {
            Ok(signature) => signature,
            Err(unknown) => {
                self.problem(ProblemKind::UnknownFunction, at, unknown.message, unknown.help);
                if let Some(problem) = self.problems.last_mut() {
                    problem.nearest = unknown.nearest;
                }
                return Kind::Null;
            }
        };
        if args.len() < signature.least || args.len() > signature.most {
            let message = wrong_count(signature, is_method, args.len());
            self.problem(ProblemKind::Arguments, at, message, None);
        }
        let mut regex = None;
        if signature.fun == Fun::Matches
            && let Some(pattern) = args.get(1)
            && let Kind::Str(text) = &pattern.kind
        {
            regex = self.regex(text, (pattern.start, pattern.end));
        }
        Kind::Call { fun: signature.fun, args: args.into_boxed_slice(), regex }
    }

    fn regex(&mut self, pattern: &str, at: (u32, u32)) -> Option<Regex> {
        match text::regex(pattern) {
            Ok(regex) => Some(regex),
            Err(message) => {
                self.problem(ProblemKind::Regex, at, message, None);
                None
            }
        }
    }

    /// The name of the function whose bracket is opened by a token.
    fn name_before(&self, open: usize) -> (u32, u32) {
        let name = open.checked_sub(1).and_then(|at| self.tokens.get(at));
        name.map_or(self.last, |name| (name.start, name.end))
    }
}
