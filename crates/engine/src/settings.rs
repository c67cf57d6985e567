//! What an engine is told about where it runs.

use std::sync::Arc;

use crate::net::NetworkPolicy;
use crate::secrets::Secrets;

/// The settings of an engine.
#[derive(Clone)]
pub struct Settings {
    /// Where secrets come from.
    pub secrets: Arc<dyn Secrets>,
    /// What its steps may connect to.
    pub network: NetworkPolicy,
}

/// At one's own terminal: steps may call what its user may.
impl<S: Secrets + 'static> From<Arc<S>> for Settings {
    fn from(secrets: Arc<S>) -> Self {
        Self { secrets, network: NetworkPolicy::OWN }
    }
}
