//! Source to tree: bounds first, then the parser, then lowering.

use cel::common::ast::{IdedExpr, SourceInfo};
use cel::parser::{ParseError, Parser};

use super::lower::{self, TYPE_NAMES};
use super::node::{Kind, Node};
use super::problem::{ExprProblem, ProblemKind};
use super::syntax::{self, RESERVED, Syntax};
use super::token::{Tok, Token, tokens};
use crate::limits;

/// The tree of a source.
pub(super) fn parse(source: &str) -> Result<Node, Vec<ExprProblem>> {
    if source.len() > limits::EXPR_BYTES {
        return Err(vec![ExprProblem {
            kind: ProblemKind::TooLong,
            offset: 0,
            len: source.len().min(u32::MAX as usize) as u32,
            message: format!("the expression is longer than {} bytes", limits::EXPR_BYTES),
            help: Some("take parts of it into `vars` or a `set` step".into()),
            nearest: None,
        }]);
    }
    let tokens = tokens(source).map_err(|problem| vec![problem])?;
    let syntax = syntax::check(source, &tokens).map_err(|problem| vec![problem])?;
    if syntax.nesting <= OWN_STACK_NESTING && syntax.height <= OWN_STACK_HEIGHT {
        return build(source, &tokens, &syntax);
    }
    std::thread::scope(|scope| {
        let own = std::thread::Builder::new().stack_size(OWN_STACK);
        let building = own.spawn_scoped(scope, || build(source, &tokens, &syntax));
        match building.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(built)) => built,
            _ => Err(vec![unread(source)]),
        }
    })
}

/// The parser takes up to 200 KiB of stack for each bracket and 50 KiB for each operator in a row. What goes
/// beyond the usual is read on a stack of its own, since that of the caller may be small.
const OWN_STACK: usize = 32 * 1024 * 1024;
const OWN_STACK_NESTING: usize = 3;
const OWN_STACK_HEIGHT: usize = 12;

fn unread(source: &str) -> ExprProblem {
    ExprProblem {
        kind: ProblemKind::TooDeep,
        offset: 0,
        len: source.len() as u32,
        message: "the expression could not be read".into(),
        help: Some("take parts of it into `vars` or a `set` step".into()),
        nearest: None,
    }
}

fn build(source: &str, tokens: &[Token], syntax: &Syntax) -> Result<Node, Vec<ExprProblem>> {
    if let Some(path) = path(source, tokens) {
        return Ok(path);
    }
    let (tree, places) = read(source, tokens)?;
    lower::lower(tokens, syntax, &places, tree)
}

/// Names joined by dots, which most expressions are and need no grammar.
fn path(source: &str, tokens: &[Token]) -> Option<Node> {
    let special = |name: &str| RESERVED.contains(&name) || matches!(name, "in" | "true" | "false" | "null");
    let mut path: Option<Node> = None;
    for (at, token) in tokens.iter().enumerate() {
        let text = token.text(source);
        match (at % 2 == 1, token.kind) {
            (true, Tok::Op(".")) if at + 1 < tokens.len() => {}
            (false, Tok::Ident) if !special(text) => {
                let (start, end) = (token.start, token.end);
                path = Some(match path {
                    None if TYPE_NAMES.contains(&text) => return None,
                    None => Node { kind: Kind::Root(text.into()), at: start, start, end },
                    Some(of) => {
                        let (of, name) = (Box::new(of), text.into());
                        Node {
                            start: of.start,
                            kind: Kind::Field { of, name, optional: false },
                            at: start,
                            end,
                        }
                    }
                });
            }
            _ => return None,
        }
    }
    path
}

fn read(source: &str, tokens: &[Token]) -> Result<(IdedExpr, SourceInfo), Vec<ExprProblem>> {
    Parser::new()
        .enable_optional_syntax(true)
        .enable_ident_escape_syntax(true)
        .error_recovery_limit(4)
        .parse_with_source_info(source)
        .map_err(|errors| {
            let mut problems: Vec<ExprProblem> =
                errors.errors.iter().map(|error| rewrite(source, tokens, error)).collect();
            // One mistake often makes several errors of the grammar, all of which would say the same.
            problems.dedup_by(|a, b| a.message == b.message);
            problems.truncate(4);
            problems
        })
}

/// The parser's errors list what tokens it could take; few of them help.
fn rewrite(source: &str, tokens: &[Token], error: &ParseError) -> ExprProblem {
    // The column counts characters, but bytes where a macro complains.
    let of_macro = error.msg.contains("has() macro") || error.msg.contains("simple name");
    let offset = offset_of(source, error.pos, of_macro);
    // The token there, or the last one before.
    let token = tokens.iter().rev().find(|token| token.start <= offset).or_else(|| tokens.first());
    let (offset, len) = token.map_or((0, 0), |token| (token.start, token.end - token.start));
    let shown = token.map_or("", |token| token.text(source));
    let (kind, message, help) = if error.msg.contains("has() macro") {
        let help = "write has(steps.fetch.output); for an element write `key in map`";
        (ProblemKind::Arguments, "has() takes a field".to_owned(), Some(help))
    } else if error.msg.contains("simple name") {
        let message = "the first argument is a name for the element".to_owned();
        (ProblemKind::Arguments, message, Some("write list.map(x, x.title)"))
    } else if error.msg.contains("int literal") {
        (
            ProblemKind::Syntax,
            format!("`{shown}` is too large for an integer"),
            Some("write it with a fraction"),
        )
    } else if error.msg.contains("double literal") {
        (ProblemKind::Syntax, format!("`{shown}` is too large for a number"), None)
    } else {
        (ProblemKind::Syntax, format!("the expression cannot be read at `{shown}`"), None)
    };
    ExprProblem { kind, offset, len, message, help: help.map(str::to_owned), nearest: None }
}

/// Line and column, both from 1, as a byte offset.
fn offset_of(source: &str, (line, column): (isize, isize), in_bytes: bool) -> u32 {
    let line_at = usize::try_from(line - 1).unwrap_or(0);
    let start: usize = source.split_inclusive('\n').take(line_at).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    let column = usize::try_from(column - 1).unwrap_or(0);
    let within = match in_bytes {
        true => column.min(rest.len()),
        false => rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at),
    };
    (start + within) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_the_grammar_reads_them() {
        let mut quick = 0;
        for source in [
            "a",
            " a . b\n.c ",
            "steps.fetch.output.title",
            "int",
            "a.int",
            "int.a",
            "a.in",
            "a.loop",
            "null",
            "a.null",
            "true.a",
            "a_1.B2",
            "a.map",
            "a.size",
            "__a",
            "a.?b",
            "a.`b`",
            "a[0].b",
            "(a).b",
            "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p",
            ".a",
            "a.b()",
            "1.a",
            "-a.b",
            "a.has",
        ] {
            let Ok(tokens) = tokens(source) else { continue };
            let Ok(syntax) = syntax::check(source, &tokens) else { continue };
            let Some(path) = path(source, &tokens) else { continue };
            quick += 1;
            let (tree, places) = read(source, &tokens).unwrap_or_else(|e| panic!("{source}: {e:?}"));
            let lowered = lower::lower(&tokens, &syntax, &places, tree).unwrap();
            assert_eq!(format!("{path:?}"), format!("{lowered:?}"), "{source}");
        }
        assert!(quick >= 9, "{quick}");
    }
}
