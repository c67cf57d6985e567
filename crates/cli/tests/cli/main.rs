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
mod elsewhere;
mod files;
mod full;
mod gates;
mod hooks;
mod import;
mod import_parts;
mod import_people;
mod import_pflow;
mod inbox;
mod inputs;
mod leave;
mod library;
mod limits;
mod link;
mod live;
mod logs;
mod named;
mod network;
mod notifications;
mod observe;
mod offers;
#[cfg(feature = "oidc")]
mod oidc;
#[cfg(feature = "otel")]
mod otel;
mod packaging;
mod people;
mod project;
mod promises;
mod races;
mod readme;
mod refused;
mod rights;
mod rights_elsewhere;
mod run;
mod runs;
mod screen;
mod secrets;
mod selection;
mod serve;
mod session;
mod shell;
mod signals;
#[path = "../../../lang/tests/import/stand_in.rs"]
mod stand_in;
mod sync;
mod two;
mod uploads;
mod waits;
mod walk;
mod watch;
mod whole;
