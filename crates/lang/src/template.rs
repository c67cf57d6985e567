//! Values in which expressions stand.

use serde_json::Value;

use crate::expr::{Env, EvalError, Expr, ExprProblem, Type, TypeEnv};

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
    /// The template of a text. Positions of problems, and [`Expr::base`] of the expressions, count in `text`.
    ///
    /// # Errors
    /// All that is wrong with its marks and expressions.
    pub fn parse(text: &str) -> Result<Template, Vec<ExprProblem>> {
        Ok(Template::Literal(Value::String(text.into())))
    }

    /// A list; a literal where all its elements are.
    pub fn list(items: Vec<Template>) -> Template {
        Template::List(items)
    }

    /// A map; a literal where all its values are.
    pub fn map(entries: Vec<(String, Template)>) -> Template {
        Template::Map(entries)
    }

    /// Whether there is no expression in it.
    pub fn is_literal(&self) -> bool {
        matches!(self, Template::Literal(_))
    }

    /// All expressions in it, in order, each with its [`Expr::base`]. A lone secret is none.
    pub fn expressions(&self) -> Vec<(u32, &Expr)> {
        Vec::new()
    }

    /// What type its value has over roots of these types, and all that cannot work over them. Offsets count
    /// in the text each part was parsed from, so check the parts of a list or map one by one.
    pub fn check(&self, _env: &dyn TypeEnv) -> (Type, Vec<ExprProblem>) {
        (Type::Dyn, Vec::new())
    }

    /// The value, with all expressions computed.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    pub fn render<'a>(&'a self, _env: &dyn Env<'a>) -> Result<Value, EvalError> {
        Err(EvalError::Failed { message: "not built".into(), offset: 0 })
    }

    /// The value as text.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_text<'a>(&'a self, _env: &dyn Env<'a>) -> Result<String, EvalError> {
        Err(EvalError::Failed { message: "not built".into(), offset: 0 })
    }

    /// Where secrets stand in it: JSON pointer and name, in order.
    pub fn secrets(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}
