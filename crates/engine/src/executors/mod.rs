//! The executors that are built in.

mod content;
mod file;
mod http;
mod noop;
pub mod process;

pub use file::FileExecutor;
pub use http::HttpExecutor;
pub use noop::Noop;
pub use process::ProcessExecutor;

use std::collections::HashMap;
use std::sync::Arc;

use crate::executor::Executor;
use crate::net::NetworkPolicy;
use crate::secrets::Secrets;

/// All of them, by name.
pub fn all(secrets: Arc<dyn Secrets>, network: NetworkPolicy) -> HashMap<&'static str, Arc<dyn Executor>> {
    let all: [Arc<dyn Executor>; 4] = [
        Arc::new(Noop),
        Arc::new(FileExecutor::default()),
        Arc::new(HttpExecutor::new(secrets.clone(), network)),
        Arc::new(ProcessExecutor::new(secrets)),
    ];
    all.into_iter().map(|executor| (executor.name(), executor)).collect()
}
