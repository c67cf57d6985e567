//! What an engine is told about where it runs.

use std::sync::Arc;
use std::time::Duration;

use stead_store::fault::Faults;
use stead_store::sqlite::Options;

use crate::attempts::Places;
use crate::limits;
use crate::log::Log;
use crate::net::NetworkPolicy;
use crate::notify::NotifyMeasures;
use crate::people::Caller;
use crate::secrets::Secrets;
use crate::traces::Traces;

/// The settings of an engine.
#[derive(Clone)]
pub struct Settings {
    /// Where secrets come from.
    pub secrets: Arc<dyn Secrets>,
    /// What its steps may connect to.
    pub network: NetworkPolicy,
    /// The address of the server by which others reach it: it stands in notifications.
    pub public: Option<String>,
    /// Who asks at this process.
    pub caller: Caller,
    /// Where it says what happens.
    pub log: Log,
    /// Where spans go.
    pub traces: Traces,
    /// Its own measures, or those of a test.
    pub measures: Measures,
}

/// At one's own terminal: steps may call what its user may.
impl<S: Secrets + 'static> From<Arc<S>> for Settings {
    fn from(secrets: Arc<S>) -> Self {
        Self {
            secrets,
            network: NetworkPolicy::OWN,
            public: None,
            caller: Caller::here(None),
            log: Log::default(),
            traces: Traces::default(),
            measures: Measures::default(),
        }
    }
}

/// Measures of an engine.
#[derive(Debug, Clone)]
pub struct Measures {
    /// How many attempts run at once.
    pub places: Places,
    /// Time between TERM and KILL for programs of a dead engine.
    pub stray_grace: Duration,
    /// How long terminals are waited for that are about to lend the environments of their runs.
    pub lend_wait: Duration,
    /// The first wait, and the longest, before what could not be written is tried again.
    pub retry: (Duration, Duration),
    /// How the store is opened.
    pub store: Options,
    /// How long a follower may take in nothing.
    pub stall: Duration,
    /// Bytes of one answer to another process.
    pub answer_bytes: usize,
    /// How notifications are delivered.
    pub notify: NotifyMeasures,
    /// Where the store is to fail.
    pub faults: Option<Faults>,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            places: Places::default(),
            stray_grace: limits::END_GRACE,
            lend_wait: limits::LEND_WAIT,
            retry: (limits::STORE_RETRY, limits::STORE_RETRY_MOST),
            store: Options::default(),
            stall: limits::FOLLOW_STALL,
            answer_bytes: limits::ANSWER_BYTES,
            notify: NotifyMeasures::default(),
            faults: None,
        }
    }
}
