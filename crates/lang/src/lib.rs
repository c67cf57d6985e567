//! The definition language of Stead: text to a checked plan.
//!
//! YAML or JSON becomes a [`tree`](crate::tree) whose nodes know where they stand; decoding walks that tree,
//! collects every [`Diagnostic`] and goes on, and what comes out of a document without errors is a
//! [`plan::Plan`]. Expressions ([`expr`]) are CEL, parsed once and evaluated over references to values;
//! [`template`]s are values in which expressions stand.
//!
//! The crate reads nothing but what it is handed: no files, no clock, no environment.

pub mod diagnostic;
pub mod duration;
pub mod expr;
pub mod limits;
pub mod plan;
pub mod template;

pub use diagnostic::{Diagnostic, Severity, Span};
