//! Runs that a signal goes to, looked up.

use stead_core::limits::SIGNAL_RUNS;
use stead_core::run::{Find, Found};
use stead_core::status::RunStatus;
use stead_store::{Filter, Listed, Reader};

use crate::error::EngineError;

/// The statuses of runs that have not ended.
const OPEN: [RunStatus; 4] = [RunStatus::Pending, RunStatus::Running, RunStatus::Waiting, RunStatus::Paused];

/// The runs, as the store has them; of many one more than a signal may go to.
pub(crate) fn found<R: Reader + ?Sized>(store: &mut R, find: &Find) -> Result<Vec<Found>, EngineError> {
    let found = |listed: Listed| Found {
        run: listed.stream,
        status: listed.head.status,
        full: listed.head.signals_full,
    };
    Ok(match find {
        Find::Run(run) => store.head(run)?.map(found).into_iter().collect(),
        Find::Where { workflow, keys } => {
            let filter = Filter {
                status: OPEN.to_vec(),
                workflow: Some(workflow.clone()),
                keys: keys.clone(),
                limit: SIGNAL_RUNS + 1,
                ..Filter::default()
            };
            // The oldest first, as they were started.
            store.heads(&filter)?.into_iter().rev().map(found).collect()
        }
    })
}
