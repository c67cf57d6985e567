//! The bounds of the language: what a definition and its expressions may be at most.
//!
//! Each has a test that goes past it, next to the code that holds it.

/// Length of the source of one expression, in bytes.
pub const EXPR_BYTES: usize = 4 * 1024;
/// Nesting of brackets and choices (`? :`) in one expression.
pub const EXPR_NESTING: usize = 32;
/// Height of the tree of one expression: nesting, with the operators and members that follow each other
/// in one chain. It keeps parsing and evaluation within a small stack.
pub const EXPR_HEIGHT: usize = 160;
/// Nesting of `map`, `filter`, `all`, `exists`, `exists_one`, `optMap` and `optFlatMap`.
pub const COMPREHENSION_NESTING: usize = 3;
/// Work of one evaluation. A node or an element costs 1, text costs by its length.
pub const EVAL_FUEL: u64 = 1_000_000;
/// Elements of a list or map that an expression makes.
pub const MADE_ITEMS: usize = 100_000;
/// Bytes of a text that an expression makes, and of a text that a template renders.
pub const MADE_BYTES: usize = 4 * 1024 * 1024;
/// Length of a regular expression, in bytes.
pub const REGEX_BYTES: usize = 1024;
/// Memory that a compiled regular expression may take, in bytes.
pub const REGEX_SIZE: usize = 256 * 1024;
/// The longest length of time that a definition may name: a hundred years, in milliseconds.
pub const DURATION_MILLIS: u64 = 36_525 * 24 * 60 * 60 * 1000;
