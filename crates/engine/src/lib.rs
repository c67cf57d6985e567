//! What stands around the core: the operations, the driver, executors, process trees, recovery, logs.

pub mod attempts;
pub mod driver;
pub mod engine;
pub mod error;
pub mod executor;
pub mod executors;
pub mod failpoint;
pub mod home;
pub mod limits;
pub mod logs;
pub mod net;
pub mod operations;
pub mod reads;
pub mod redact;
pub mod secrets;
pub mod settings;

pub use engine::{Engine, ask_home};
pub use error::EngineError;
pub use home::Home;
pub use settings::Settings;
