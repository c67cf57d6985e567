//! What an engine counts, and how it is told to whoever watches over it.
//!
//! Numbers are kept where things happen, without locks, and cost a few nanoseconds there. What is open is counted once, when
//! the engine begins; from then on it is reckoned along with what is durable, so that asking costs the same in a home with a
//! million runs.

mod kept;
pub mod text;
mod told;

#[cfg(feature = "otel")]
pub(crate) use kept::ACTIONS;
pub use kept::Unready;
pub(crate) use kept::{Counts, Listing, Moves, Tried, Working};
pub(crate) use told::Beside;
pub use told::FAMILIES;
