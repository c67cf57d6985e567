//! What stands around the core: the operations, the driver, executors, process trees, recovery, logs.

pub mod executor;
