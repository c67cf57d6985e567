//! Values in which expressions stand.

use serde_json::{Map, Value};

use crate::expr::{Env, EvalError, Expr, ExprProblem, Field, Segment, Type, TypeEnv};
use crate::limits;

mod marks;

pub(crate) use marks::condition;
use marks::{CLOSE, OPEN, closing, compile, unclosed};

/// A value of a definition: what is fixed is kept as it is, what is computed is an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Template {
    /// No expression inside.
    Literal(Value),
    /// Exactly one `${{ }}`: the value keeps its type.
    Expr(Expr),
    /// Text with expressions in it. With a secret among its pieces it renders as the list of them, the secret as null:
    /// the executor puts the value in and makes one text of the list.
    Text(Vec<Piece>),
    /// A list with an expression somewhere inside.
    List(Vec<Template>),
    /// A map with an expression somewhere inside.
    Map(Vec<(String, Template)>),
    /// `${{ secrets.NAME }}`, alone. Renders as null; the executor puts the value in.
    Secret(String),
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// Computed and rendered as text: numbers and booleans as in JSON, null as nothing, the rest as compact JSON.
    Expr(Expr),
    /// `${{ secrets.NAME }}`.
    Secret(String),
}

/// Where the executor puts a secret in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPlace {
    /// JSON pointer.
    pub pointer: String,
    /// Name of the secret.
    pub name: String,
    /// It is a part of a text: the list that holds it becomes one text when all its parts are there.
    pub part: bool,
}

impl Template {
    /// The template of a text. Positions of problems, and [`Expr::base`] of the expressions, count in `text`.
    ///
    /// # Errors
    /// All that is wrong with its marks and expressions.
    pub fn parse(text: &str) -> Result<Template, Vec<ExprProblem>> {
        let mut pieces = Vec::new();
        let mut problems = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(open) = rest.find(OPEN) else {
                plain.push_str(rest);
                break;
            };
            let before = rest.get(..open).unwrap_or_default();
            if let Some(before) = before.strip_suffix('$') {
                plain.push_str(before);
                plain.push_str(OPEN);
                at += open + OPEN.len();
                continue;
            }
            plain.push_str(before);
            let start = at + open;
            let Some(len) = closing(rest.get(open + OPEN.len()..).unwrap_or_default()) else {
                problems.push(unclosed(text, start));
                break;
            };
            match compile(text, start + OPEN.len(), len) {
                Ok(expr) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(secret(&expr).map_or(Piece::Expr(expr), Piece::Secret));
                }
                Err(found) => problems.extend(found),
            }
            at = start + OPEN.len() + len + CLOSE.len();
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        if pieces.is_empty() {
            return Ok(Template::Literal(Value::String(plain)));
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(match pieces.as_slice() {
            [Piece::Expr(expr)] => Template::Expr(expr.clone()),
            [Piece::Secret(name)] => Template::Secret(name.clone()),
            _ => Template::Text(pieces),
        })
    }

    /// A list; a literal where all its elements are.
    pub fn list(items: Vec<Template>) -> Template {
        if items.iter().all(Template::is_literal) {
            let values = items.into_iter().filter_map(Template::into_literal);
            return Template::Literal(Value::Array(values.collect()));
        }
        Template::List(items)
    }

    /// A map; a literal where all its values are.
    pub fn map(entries: Vec<(String, Template)>) -> Template {
        if entries.iter().all(|(_, value)| value.is_literal()) {
            let values = entries.into_iter().filter_map(|(key, value)| Some((key, value.into_literal()?)));
            return Template::Literal(Value::Object(values.collect()));
        }
        Template::Map(entries)
    }

    /// Whether there is no expression in it, and no secret.
    pub fn is_literal(&self) -> bool {
        matches!(self, Template::Literal(_))
    }

    fn into_literal(self) -> Option<Value> {
        match self {
            Template::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// All expressions in it, in order, each with its [`Expr::base`]. A secret is none.
    pub fn expressions(&self) -> Vec<(u32, &Expr)> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'t>(&'t self, found: &mut Vec<(u32, &'t Expr)>) {
        match self {
            Template::Literal(_) | Template::Secret(_) => {}
            Template::Expr(expr) => found.push((expr.base(), expr)),
            Template::Text(pieces) => found.extend(pieces.iter().filter_map(|piece| match piece {
                Piece::Expr(expr) => Some((expr.base(), expr)),
                Piece::Text(_) | Piece::Secret(_) => None,
            })),
            Template::List(items) => items.iter().for_each(|item| item.collect(found)),
            Template::Map(entries) => entries.iter().for_each(|(_, value)| value.collect(found)),
        }
    }

    /// What type its value has over roots of these types, and all that cannot work over them. Offsets count
    /// in the text each part was parsed from, so check the parts of a list or map one by one.
    pub fn check(&self, env: &dyn TypeEnv) -> (Type, Vec<ExprProblem>) {
        let mut problems = Vec::new();
        let ty = self.infer(env, &mut problems);
        (ty, problems)
    }

    fn infer(&self, env: &dyn TypeEnv, problems: &mut Vec<ExprProblem>) -> Type {
        let mut of = |expr: &Expr| {
            let (ty, found) = expr.check(env);
            problems.extend(found);
            ty
        };
        match self {
            Template::Literal(value) => Type::of_value(value),
            Template::Secret(_) => Type::String,
            Template::Expr(expr) => of(expr),
            Template::Text(pieces) => {
                for piece in pieces {
                    if let Piece::Expr(expr) = piece {
                        of(expr);
                    }
                }
                Type::String
            }
            Template::List(items) => {
                let types: Vec<Type> = items.iter().map(|item| item.infer(env, problems)).collect();
                Type::list(Type::common(types))
            }
            Template::Map(entries) => {
                let field =
                    |(name, value): &(String, Template)| Field::required(name, value.infer(env, problems));
                Type::map(entries.iter().map(field).collect(), false)
            }
        }
    }

    /// The value, with all expressions computed.
    ///
    /// # Errors
    /// As [`Expr::eval`]. A value that is not loaded does not keep the others from being asked for.
    pub fn render<'a>(&'a self, env: &dyn Env<'a>) -> Result<Value, EvalError> {
        self.render_within(env, 0)
    }

    /// Renders what stands so deep in a list or map.
    fn render_within<'a>(&'a self, env: &dyn Env<'a>, depth: usize) -> Result<Value, EvalError> {
        match self {
            Template::Literal(value) => Ok(value.clone()),
            Template::Secret(_) => Ok(Value::Null),
            Template::Expr(expr) => expr.eval(env)?.to_json_within(depth),
            Template::Text(pieces) if has_secret(pieces) => parts_of(pieces, env),
            Template::Text(pieces) => Ok(Value::String(text_of(pieces, env)?)),
            Template::List(items) => {
                let mut made = Vec::with_capacity(items.len());
                let mut needs = false;
                for item in items {
                    made.extend(or_needs(item.render_within(env, depth + 1), &mut needs)?);
                }
                if needs { Err(EvalError::Needs) } else { Ok(Value::Array(made)) }
            }
            Template::Map(entries) => {
                let mut made = Map::with_capacity(entries.len());
                let mut needs = false;
                for (key, value) in entries {
                    if let Some(value) = or_needs(value.render_within(env, depth + 1), &mut needs)? {
                        made.insert(key.clone(), value);
                    }
                }
                if needs { Err(EvalError::Needs) } else { Ok(Value::Object(made)) }
            }
        }
    }

    /// The value as text.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_text<'a>(&'a self, env: &dyn Env<'a>) -> Result<String, EvalError> {
        match self {
            Template::Expr(expr) => Ok(expr.eval(env)?.to_text()?.into_owned()),
            Template::Text(pieces) => text_of(pieces, env),
            _ => {
                let value = self.render(env)?;
                let text = crate::expr::Val::from_json(&value).to_text()?.into_owned();
                Ok(text)
            }
        }
    }

    /// Where secrets stand in it, in order.
    pub fn secrets(&self) -> Vec<SecretPlace> {
        let mut found = Vec::new();
        self.collect_secrets(&mut String::new(), &mut found);
        found
    }

    fn collect_secrets(&self, pointer: &mut String, found: &mut Vec<SecretPlace>) {
        let len = pointer.len();
        match self {
            Template::Secret(name) => {
                found.push(SecretPlace { pointer: pointer.clone(), name: name.clone(), part: false });
            }
            Template::Text(pieces) => {
                for (at, piece) in pieces.iter().enumerate() {
                    if let Piece::Secret(name) = piece {
                        let pointer = format!("{pointer}/{at}");
                        found.push(SecretPlace { pointer, name: name.clone(), part: true });
                    }
                }
            }
            Template::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    pointer.push('/');
                    pointer.push_str(&at.to_string());
                    item.collect_secrets(pointer, found);
                    pointer.truncate(len);
                }
            }
            Template::Map(entries) => {
                for (key, value) in entries {
                    pointer.push('/');
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                    value.collect_secrets(pointer, found);
                    pointer.truncate(len);
                }
            }
            Template::Literal(_) | Template::Expr(_) => {}
        }
    }
}

/// Names of the secrets in it.
pub(crate) fn secret_names(template: &Template) -> Vec<&str> {
    match template {
        Template::Secret(name) => vec![name],
        Template::Text(pieces) => {
            let names = pieces.iter().map(|piece| match piece {
                Piece::Secret(name) => Some(name.as_str()),
                Piece::Text(_) | Piece::Expr(_) => None,
            });
            names.flatten().collect()
        }
        _ => Vec::new(),
    }
}

fn has_secret(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| matches!(piece, Piece::Secret(_)))
}

/// The pieces of a text, each as text, and null where a secret goes.
fn parts_of<'a>(pieces: &'a [Piece], env: &dyn Env<'a>) -> Result<Value, EvalError> {
    let mut needs = false;
    let mut parts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let part = match piece {
            Piece::Secret(_) => Some(Value::Null),
            other => or_needs(text_of(std::slice::from_ref(other), env), &mut needs)?.map(Value::String),
        };
        parts.extend(part);
    }
    if needs { Err(EvalError::Needs) } else { Ok(Value::Array(parts)) }
}

/// The text of a text with expressions in it.
fn text_of<'a>(pieces: &'a [Piece], env: &dyn Env<'a>) -> Result<String, EvalError> {
    let mut text = String::new();
    let mut needs = false;
    for piece in pieces {
        match piece {
            Piece::Text(part) => text.push_str(part),
            // No text is made of one: see `parts_of`.
            Piece::Secret(_) => {}
            Piece::Expr(expr) => {
                let Some(value) = or_needs(expr.eval(env), &mut needs)? else { continue };
                if let Some(part) = or_needs(value.to_text(), &mut needs)? {
                    if text.len() + part.len() > limits::MADE_BYTES {
                        let message = format!("the text becomes longer than {} bytes", limits::MADE_BYTES);
                        return Err(EvalError::Failed { message, offset: 0 });
                    }
                    text.push_str(&part);
                }
            }
        }
    }
    if needs { Err(EvalError::Needs) } else { Ok(text) }
}

/// Notes a value that is not loaded and goes on: the host is to hear of all of them at once.
fn or_needs<T>(result: Result<T, EvalError>, needs: &mut bool) -> Result<Option<T>, EvalError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(EvalError::Needs) => {
            *needs = true;
            Ok(None)
        }
        Err(failed) => Err(failed),
    }
}

/// The name where an expression is `secrets.NAME` and nothing else.
fn secret(expr: &Expr) -> Option<String> {
    let [reference] = expr.references() else { return None };
    let whole = reference.offset == 0 && reference.len as usize == expr.source().len();
    match reference.path.as_slice() {
        [Segment::Field(name)] if whole && reference.root == "secrets" && !reference.tested => {
            reference.optional_at.is_none().then(|| name.clone())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
