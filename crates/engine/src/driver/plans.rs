//! Plans of revisions, made again from the definitions that the store keeps.

use std::collections::HashMap;
use std::sync::Arc;

use stead_lang::Bundle;
use stead_lang::plan::Plan;
use stead_store::Reader;

use crate::error::EngineError;

/// Plans by revision.
#[derive(Debug, Default)]
pub struct Plans {
    by_revision: HashMap<String, Arc<Plan>>,
}

impl Plans {
    /// Keeps a plan that was just made.
    pub fn put(&mut self, plan: Arc<Plan>) {
        self.by_revision.insert(plan.revision.clone(), plan);
    }

    /// Whether the plan of a revision is at hand, and so its definition in the store.
    pub fn has(&self, revision: &str) -> bool {
        self.by_revision.contains_key(revision)
    }

    /// The plan of a revision.
    ///
    /// # Errors
    /// When the definition is not in the store, or this engine does not accept it any more.
    pub fn get<R: Reader + ?Sized>(
        &mut self,
        store: &mut R,
        revision: &str,
    ) -> Result<Arc<Plan>, EngineError> {
        if let Some(plan) = self.by_revision.get(revision) {
            return Ok(plan.clone());
        }
        let bundle = bundle(store, revision)?;
        let checked = stead_lang::check(&bundle);
        let Some(plan) = checked.plan else {
            let first = checked.diagnostics.first().map(|d| format!("{}: {}", d.code, d.message));
            return Err(EngineError::definition(revision, &first.unwrap_or_default()));
        };
        self.by_revision.insert(revision.to_owned(), plan.clone());
        Ok(plan)
    }
}

/// The definition of a revision, as it is kept.
pub(crate) fn bundle<R: Reader + ?Sized>(store: &mut R, revision: &str) -> Result<Bundle, EngineError> {
    let bytes = store.definition(revision)?;
    let bytes = bytes.ok_or_else(|| EngineError::NoDefinition { revision: revision.to_owned() })?;
    serde_json::from_slice(&bytes).map_err(|e| EngineError::definition(revision, &e))
}
