//! Values in which expressions stand.

use serde_json::Value;

use crate::expr::{Env, EvalError, Expr};

/// A value of a definition: what is fixed is kept as it is, what is computed is an expression.
#[derive(Debug, Clone)]
pub enum Template {
    /// No expression inside.
    Literal(Value),
    /// Exactly one `${{ }}`: the value keeps its type.
    Expr(Expr),
    /// Text with expressions in it.
    Text(Vec<Piece>),
    /// A list with an expression somewhere inside.
    List(Vec<Template>),
    /// A map with an expression somewhere inside.
    Map(Vec<(String, Template)>),
    /// `${{ secrets.NAME }}`, alone. Renders as null; the executor puts the value in.
    Secret(String),
}

/// A part of a text.
#[derive(Debug, Clone)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// Computed and rendered as text: numbers and booleans as in JSON, null as nothing, the rest as compact JSON.
    Expr(Expr),
}

impl Template {
    /// The value, with all expressions computed.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    pub fn render<'a>(&'a self, _env: &dyn Env<'a>) -> Result<Value, EvalError> {
        Err(EvalError::Failed { message: "not built".into(), offset: 0 })
    }

    /// Where secrets stand in it: JSON pointer and name, in order.
    pub fn secrets(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}
