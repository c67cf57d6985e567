//! The server over real connections.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod bounds;
mod live;
mod served;
mod watched;
