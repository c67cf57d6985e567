//! Source to tree: bounds first, then the parser, then lowering.

use cel::common::ast::{IdedExpr, SourceInfo};
use cel::parser::{ParseError, Parser};

use super::lower;
use super::node::Node;
use super::problem::{ExprProblem, ProblemKind};
use super::syntax;
use super::token::{Token, tokens};
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
    let (tree, places) = read(source, &tokens)?;
    lower::lower(&tokens, &syntax, &places, tree)
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
    let offset = offset_of(source, error.pos);
    // The token there, or the last one before.
    let token = tokens.iter().rev().find(|token| token.start <= offset).or(tokens.first());
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
fn offset_of(source: &str, (line, column): (isize, isize)) -> u32 {
    let line_at = usize::try_from(line - 1).unwrap_or(0);
    let start: usize = source.split_inclusive('\n').take(line_at).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    let column = usize::try_from(column - 1).unwrap_or(0);
    let within = rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at);
    (start + within) as u32
}
