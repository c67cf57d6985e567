//! The binary as people and scripts use it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod access;
mod batch;
mod budgets;
mod contract;
mod contract_keys;
mod contract_routes;
mod control;
mod definitions;
mod documents;
mod files;
mod gates;
mod import;
mod import_parts;
mod import_people;
mod import_pflow;
mod inbox;
mod inputs;
mod leave;
mod library;
mod limits;
mod live;
mod logs;
mod named;
mod offers;
mod people;
mod project;
mod promises;
mod races;
mod readme;
mod refused;
mod rights;
mod run;
mod runs;
mod screen;
mod secrets;
mod serve;
mod shell;
mod signals;
#[path = "../../../lang/tests/import/stand_in.rs"]
mod stand_in;
mod sync;
mod two;
mod waits;
mod walk;
mod watch;
