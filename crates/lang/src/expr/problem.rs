//! What is wrong with an expression, found without evaluating it.

/// A finding in the source of an expression or of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprProblem {
    /// What sort of finding.
    pub kind: ProblemKind,
    /// Byte offset of the first character, in the text that was handed in.
    pub offset: u32,
    /// Length in bytes; at least 1 except at the end of the text.
    pub len: u32,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to try.
    pub help: Option<String>,
    /// The nearest name that would be right.
    pub nearest: Option<String>,
}

/// Sorts of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// It does not parse.
    Syntax,
    /// The marks `${{` and `}}` do not fit.
    Marks,
    /// There is no such function, or not for a value before the dot.
    UnknownFunction,
    /// A function with the wrong number of arguments, or arguments of the wrong form.
    Arguments,
    /// A regular expression that does not compile.
    Regex,
    /// Longer than [`EXPR_BYTES`](crate::limits::EXPR_BYTES).
    TooLong,
    /// Nested deeper than the limits allow.
    TooDeep,
    /// There is no such root name.
    UnknownName,
    /// The type of a value is known and has no such field.
    UnknownField,
    /// An operation that cannot work on values of these types.
    Type,
}
