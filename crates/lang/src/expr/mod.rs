//! Expressions: CEL, parsed once, evaluated over references.
//!
//! The host of an evaluation hands in an [`Env`]; what is reached through it is borrowed for `'a`, so that
//! evaluating `steps.fetch.output.title` copies nothing. Roots that are made as they are asked for
//! (`steps`, `previous`, an output that is gathered from its items) are [`Object`]s.

mod problem;
mod reference;
mod types;
mod value;

pub use problem::{ExprProblem, ProblemKind};
pub use reference::{Reference, Segment};
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

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Expr {
    source: String,
}

impl Expr {
    /// Compiles the text between the marks.
    ///
    /// # Errors
    /// All that is wrong with it, with positions in `source`.
    pub fn compile(source: &str) -> Result<Expr, Vec<ExprProblem>> {
        Ok(Expr { source: source.into() })
    }

    /// Compiles a condition: an expression with or without one pair of marks around the whole.
    ///
    /// # Errors
    /// All that is wrong with it, with positions in `text`.
    pub fn compile_condition(text: &str) -> Result<Expr, Vec<ExprProblem>> {
        Expr::compile(text)
    }

    /// The text between the marks.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where [`Expr::source`] starts in the text it was taken from: add it to the offsets of
    /// [`Expr::references`] and of an [`EvalError`]. 0 for [`Expr::compile`].
    pub fn base(&self) -> u32 {
        0
    }

    /// What it reads: every path from a free name, in the order of the text. Offsets count in [`Expr::source`].
    pub fn references(&self) -> &[Reference] {
        &[]
    }

    /// The steps that are known to be completed where this expression is true.
    pub fn guards(&self) -> &[String] {
        &[]
    }

    /// What type its value has over roots of these types, and all that cannot work over them. Offsets count in
    /// the text it was taken from.
    pub fn check(&self, _env: &dyn TypeEnv) -> (Type, Vec<ExprProblem>) {
        (Type::Dyn, Vec::new())
    }

    /// Evaluates.
    ///
    /// # Errors
    /// `Needs` when a value is not at hand, `Failed` when the expression has no value.
    pub fn eval<'a>(&'a self, _env: &dyn Env<'a>) -> Result<Val<'a>, EvalError> {
        Err(EvalError::Failed { message: "not built".into(), offset: 0 })
    }

    /// Evaluates to a boolean, as `if`, `when` and `until` need it.
    ///
    /// # Errors
    /// As [`Expr::eval`], and `Failed` when the value is no boolean.
    pub fn eval_bool<'a>(&'a self, _env: &dyn Env<'a>) -> Result<bool, EvalError> {
        Err(EvalError::Failed { message: "not built".into(), offset: 0 })
    }
}
