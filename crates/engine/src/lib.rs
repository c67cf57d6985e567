//! What stands around the core: the operations, the driver, executors, process trees, recovery, logs.

pub mod attempts;
pub mod executor;
pub mod executors;
pub mod limits;
pub mod logs;
pub mod redact;
pub mod secrets;
