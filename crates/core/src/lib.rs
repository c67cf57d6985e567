//! The streams of Stead as pure state machines.
//!
//! A stream is a [`run`], a [`limit`] or a [`task`]; its id says which. It takes one input at a time: [`run::turn()`] decides
//! and makes events, `apply` books them. No clock, no randomness, no async, no IO: time comes with the input, names
//! are derived, values that are not at hand are asked for. This is where the semantics live, and nowhere else.

pub mod allowed;
pub mod effect;
pub mod head;
pub mod ids;
pub mod limit;
pub mod limits;
pub mod message;
pub mod path;
pub mod people;
pub mod run;
pub mod schedule;
pub mod status;
pub mod task;
pub mod value;

/// Milliseconds since 1970 in UTC.
pub type Time = i64;
