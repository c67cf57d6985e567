//! The tests of the language, in one program.
#![expect(clippy::unwrap_used, reason = "tests")]

mod budgets;
mod called;
mod children;
mod codes;
mod common;
mod concurrency;
mod conformance;
mod documents;
mod ends;
mod files;
#[path = "../fuzz/mod.rs"]
mod fuzz;
mod fuzzed;
mod http;
mod import;
mod import_batches;
mod import_pflow;
mod import_roles;
mod inputs;
mod keys;
mod limits;
mod people;
mod plans;
mod planted;
mod robust;
mod rules;
mod signals;
#[path = "../import/stand_in.rs"]
mod stand_in;
mod states;
mod syntax;
mod templates;
mod triggers;
mod whole;
