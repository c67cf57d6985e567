//! Attempts whose end is not known.

use super::state::{Kind, Phase, RunState};
use crate::effect::AttemptId;
use crate::path::{self, Aside};

/// An attempt whose end is not known: somebody has to say what it came to, or its probe does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsure {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its idempotency key.
    pub key: String,
    /// The step instance of its probe.
    pub probe: String,
}

impl RunState {
    /// The attempts whose end is not known.
    pub fn unsure(&self) -> Vec<Unsure> {
        let there = self.slab.iter().flatten();
        let parked = there.filter_map(|instance| match instance.kind {
            Kind::Attempt { number, phase: Phase::Parked, .. } => Some(Unsure {
                attempt: AttemptId { stream: self.id.clone(), path: instance.path.to_string(), number },
                key: self.key(&instance.path),
                probe: path::aside(&instance.path, Aside::Verify),
            }),
            _ => None,
        });
        parked.collect()
    }

    /// Whether it may still be asked what this attempt came to.
    pub fn may_be_unsure(&self, attempt: &AttemptId) -> bool {
        let found = self.find(&attempt.path).map(|ix| &self.get(ix).kind);
        let Some(Kind::Attempt { number, phase, .. }) = found else { return false };
        *number == attempt.number && matches!(phase, Phase::Parked | Phase::Open | Phase::Ending(_))
    }

    /// The idempotency key of an instance. What was completed and is wanted again happens again.
    pub(super) fn key(&self, path: &str) -> String {
        match self.before(path).round {
            0 => format!("{}/{path}", self.id),
            round => format!("{}/{path}+{round}", self.id),
        }
    }
}
