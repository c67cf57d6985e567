//! The rules of the language that concern the core, each with a test that carries its number.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod blocks;
mod bounds;
mod budgets;
mod chance;
mod children;
mod concurrency;
mod crash;
mod documents;
mod ends;
mod errors;
mod gates;
mod harness;
mod iterations;
mod joins;
mod lines;
mod machines;
mod outputs;
mod pauses;
mod redo;
mod retries;
mod signals;
mod time;
mod undo;
