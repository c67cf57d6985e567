//! Expressions: CEL, parsed once, evaluated over references.
//!
//! The host of an evaluation hands in an [`Env`]; what is reached through it is borrowed for `'a`, so that
//! evaluating `steps.fetch.output.title` copies nothing. Roots that are made as they are asked for
//! (`steps`, `previous`, an output that is gathered from its items) are [`Object`]s.
//!
//! The language is CEL with these differences: JSON's integers are integers, and integers, unsigned ones and
//! numbers with a fraction mix; a division by zero is an error for all of them; `.?` on null gives nothing;
//! numbers become text as in JSON; `duration` knows days and weeks; names of time zones, comments, messages
//! of types and `format` are left out; `min max sum sort distinct flatten json text product zip` are added.

mod access;
mod call;
mod check;
mod compare;
mod convert;
mod each;
mod eval;
mod function;
mod lists;
mod lower;
mod member;
mod nearest;
mod node;
mod number;
mod parse;
mod problem;
mod reference;
mod render;
mod syntax;
mod text;
mod time;
pub(crate) mod token;
mod types;
mod value;
mod view;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use lower::TYPE_NAMES;
pub use nearest::nearest;
pub(crate) use nearest::shorten;
use node::Node;
pub use problem::{ExprProblem, ProblemKind};
pub use reference::{Reference, Segment};
pub use syntax::RESERVED;
pub use types::{Field, Fields, Type, TypeEnv};
pub use value::{Object, ObjectKind, Val};

/// What an expression can reach.
pub trait Env<'a> {
    /// The value of a root name, or `None` where there is no such name.
    ///
    /// # Errors
    /// As [`EvalError`] says; `Needs` when the value is not at hand.
    fn var(&self, name: &str) -> Result<Option<Val<'a>>, EvalError>;
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// A value is not at hand. The host has noted which; it loads it and evaluates again.
    #[error("a value is not loaded")]
    Needs,
    /// The expression cannot be evaluated over these values.
    #[error("{message}")]
    Failed {
        /// What is wrong, with the names at hand where a name is missing.
        message: String,
        /// Byte offset in the source of the expression.
        offset: u32,
    },
}

/// A compiled expression. Cheap to clone.
#[derive(Clone)]
pub struct Expr {
    inner: Arc<Inner>,
}

struct Inner {
    source: Box<str>,
    base: u32,
    root: Node,
    references: Vec<Reference>,
    guards: Vec<String>,
}

impl std::fmt::Debug for Expr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expr").field(&self.inner.source).finish()
    }
}

/// By its source: the same text means the same.
impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        self.source() == other.source()
    }
}

impl Expr {
    /// Compiles the text between the marks.
    ///
    /// # Errors
    /// All that is wrong with it, with positions in `source`.
    pub fn compile(source: &str) -> Result<Expr, Vec<ExprProblem>> {
        Expr::compile_at(source, 0)
    }

    /// Compiles a part of a text; positions of problems count in the whole.
    pub(crate) fn compile_at(source: &str, base: u32) -> Result<Expr, Vec<ExprProblem>> {
        let root = parse::parse(source).map_err(|problems| moved(problems, base))?;
        let references = reference::collect(&root);
        let guards = reference::guards(&root);
        let inner = Inner { source: source.into(), base, root, references, guards };
        Ok(Expr { inner: Arc::new(inner) })
    }

    /// Compiles a condition: an expression with or without one pair of marks around the whole.
    ///
    /// # Errors
    /// All that is wrong with it, with positions in `text`.
    pub fn compile_condition(text: &str) -> Result<Expr, Vec<ExprProblem>> {
        crate::template::condition(text)
    }

    /// The text between the marks.
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// Where [`Expr::source`] starts in the text it was taken from: add it to the offsets of
    /// [`Expr::references`] and of an [`EvalError`]. 0 for [`Expr::compile`].
    pub fn base(&self) -> u32 {
        self.inner.base
    }

    /// What it reads: every path from a free name, in the order of the text. Offsets count in [`Expr::source`].
    pub fn references(&self) -> &[Reference] {
        &self.inner.references
    }

    /// The steps that are known to be completed where this expression is true, sorted.
    pub fn guards(&self) -> &[String] {
        &self.inner.guards
    }

    /// What type its value has over roots of these types, and all that cannot work over them. Offsets count in
    /// the text it was taken from.
    pub fn check(&self, env: &dyn TypeEnv) -> (Type, Vec<ExprProblem>) {
        let (ty, problems) = check::check(&self.inner.root, env);
        (ty, moved(problems, self.inner.base))
    }

    /// As [`Expr::check`], for an expression that must give a boolean.
    pub fn check_condition(&self, env: &dyn TypeEnv) -> Vec<ExprProblem> {
        let (ty, mut problems) = self.check(env);
        if !matches!(ty, Type::Bool | Type::Dyn) {
            let help = match ty {
                Type::Optional(_) => Some("write x.orValue(false)".to_owned()),
                Type::String | Type::Words(_) => Some("write x != '' or x == '…'".to_owned()),
                _ => None,
            };
            problems.push(ExprProblem {
                kind: ProblemKind::Type,
                offset: self.inner.base,
                len: self.inner.source.len() as u32,
                message: format!("a condition gives a boolean, not {}", ty.describe()),
                help,
                nearest: None,
            });
        }
        problems
    }

    /// Evaluates.
    ///
    /// # Errors
    /// `Needs` when a value is not at hand, `Failed` when the expression has no value.
    pub fn eval<'a>(&'a self, env: &dyn Env<'a>) -> Result<Val<'a>, EvalError> {
        eval::Run::new(env, &self.inner.source).eval(&self.inner.root)
    }

    /// Evaluates to a boolean, as `if`, `when` and `until` need it.
    ///
    /// # Errors
    /// As [`Expr::eval`], and `Failed` when the value is no boolean.
    pub fn eval_bool<'a>(&'a self, env: &dyn Env<'a>) -> Result<bool, EvalError> {
        match self.eval(env)? {
            Val::Bool(value) => Ok(value),
            value => {
                let help = if matches!(value, Val::Optional(_)) { "; write x.orValue(false)" } else { "" };
                Err(value::failed(format!("a condition gives a boolean, not {}{help}", value.describe())))
            }
        }
    }
}

/// Problems of a part, at their place in the whole.
fn moved(mut problems: Vec<ExprProblem>, base: u32) -> Vec<ExprProblem> {
    for problem in &mut problems {
        problem.offset += base;
    }
    problems
}
