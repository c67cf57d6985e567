//! Whose runs they are: whether they may still start them.

use std::sync::Arc;

use stead_core::people::{Refusal, Register, Role};
use stead_core::schedule::Spec;
use stead_store::{Reader, StoreError};

/// The people as the driver knows them, read again when they were changed.
#[derive(Debug, Default)]
pub(crate) struct Owners(Option<(u64, Arc<Register>)>);

impl Owners {
    /// Why the owner of a schedule may not start its runs, where they may not.
    pub(crate) fn why_not<R: Reader>(
        &mut self,
        store: &mut R,
        spec: &Spec,
    ) -> Result<Option<String>, StoreError> {
        let version = store.people_version()?;
        if version == 0 {
            return Ok(None);
        }
        if self.0.as_ref().is_none_or(|(known, _)| *known != version) {
            self.0 = Some((version, Arc::new(store.people()?)));
        }
        Ok(why_not(self.0.as_ref().map(|(_, register)| &**register), spec))
    }
}

/// Why the owner of a schedule may not start its runs. Where nobody was added to the home they may.
pub(crate) fn why_not(register: Option<&Register>, spec: &Spec) -> Option<String> {
    let owner = spec.owner.as_str();
    let name = owner.strip_prefix("user:").unwrap_or(owner);
    let register = register.filter(|_| !owner.starts_with("agent:r_"))?;
    match register.actor(name, &spec.project) {
        Ok(actor) if actor.has(Role::Operator) => None,
        Ok(_) => {
            let project = match spec.project.as_str() {
                "" => String::new(),
                project => format!(" in the project {project}"),
            };
            Some(format!("{owner} has not the role operator{project} any more"))
        }
        Err(Refusal::Removed { .. }) => Some(format!("{owner} was removed from this home")),
        Err(_) => Some(format!("{owner} is nobody of this home")),
    }
}
