//! Expressions: CEL, parsed once, evaluated over references.
//!
//! The host of an evaluation hands in an [`Env`]; what is reached through it is borrowed for `'a`, so that
//! evaluating `steps.fetch.output.title` copies nothing. Roots that are made as they are asked for
//! (`steps`, `previous`, an output that is gathered from its items) are [`Object`]s.

mod value;

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
    /// The text between the marks.
    pub fn source(&self) -> &str {
        &self.source
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
