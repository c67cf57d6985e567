//! The driver, stepped by hand: a clock that the test sets, executors that the test plays, stores that fail
//! where the test says.
#![expect(clippy::unwrap_used, reason = "tests")]

mod backend;
mod definitions;
mod faults;
mod growth;
mod places;
mod retries;
mod world;
