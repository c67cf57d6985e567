//! The streams of Stead as pure state machines.
//!
//! A stream takes one input at a time: [`turn`](run::turn) decides and makes events, [`apply`](run::apply)
//! books them. No clock, no randomness, no async, no IO: time comes with the input, names are derived,
//! values that are not at hand are asked for. This is where the semantics live, and nowhere else.

pub mod effect;
pub mod head;
pub mod ids;
pub mod message;
pub mod status;

/// Milliseconds since 1970 in UTC.
pub type Time = i64;
