//! What stands around the core: the operations, the driver, executors, process trees, recovery, logs.

pub mod access;
pub mod attempts;
pub mod batch;
mod blame;
pub mod carried;
pub mod documents;
pub mod driver;
pub mod engine;
pub mod error;
pub mod evidence;
pub mod executor;
pub mod executors;
pub mod failpoint;
mod feed;
#[cfg(test)]
#[path = "../../lang/tests/fuzz/mod.rs"]
mod fuzz;
pub mod home;
pub mod lent;
pub mod library;
pub mod limits;
pub mod live;
pub mod log;
pub mod logs;
pub mod metrics;
pub mod net;
pub mod notify;
pub mod operations;
pub mod people;
mod places;
pub mod reads;
pub mod redact;
pub mod remote;
pub mod schedules;
pub mod seat;
pub mod secrets;
pub mod settings;
pub mod socket;
pub mod tasks;
pub mod traces;
pub mod uploads;

pub use blame::Blame;
pub use engine::{Engine, ask_home, ask_home_while};
pub use error::EngineError;
pub use home::Home;
pub use settings::{Measures, Settings};
