//! Durations and instants as the language writes them.

/// A length of time in milliseconds.
pub type Millis = u64;
