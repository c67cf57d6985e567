//! The people of a home: who acts, and what they may do.

mod who;

pub use who::{actor, who};
