//! The definition language of Stead: text to a checked plan.
//!
//! YAML or JSON becomes a [`tree`] whose nodes know where they stand; decoding walks that tree, collects every
//! [`Diagnostic`] and goes on, and what comes out of a document without errors is a [`plan::Plan`]. Expressions
//! ([`expr`]) are CEL, parsed once and evaluated over references to values;
//! [`template`]s are values in which expressions stand.
//!
//! The way of a definition: [`collect`] gathers it with the files it names, [`check()`] makes a plan of it or
//! says all that is wrong, and [`inputs::check_inputs`] holds the inputs of a run against the plan. What can be
//! wrong stands in one table, [`codes`]; what can be written in another, [`keys`] and [`actions`].
//!
//! The crate reads nothing but what it is handed: no files, no clock, no environment.

pub mod actions;
pub mod bundle;
mod check;
pub mod codes;
pub mod cron;
mod decode;
pub mod diagnostic;
pub mod duration;
pub mod expr;
pub mod graph;
pub mod import;
pub mod inputs;
pub mod keys;
pub mod limits;
pub mod names;
pub mod plan;
pub mod questions;
pub mod template;
mod templates;
pub mod tree;

pub use bundle::{Bundle, collect, gather, link};
pub use check::{Checked, check, outline};
pub use diagnostic::{Diagnostic, Severity, Span};
pub use templates::expanded;
