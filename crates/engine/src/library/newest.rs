//! The newest revision of a workflow, for a step that asks for it when it starts.

use stead_lang::bundle::{Called, Missing, Source};
use stead_lang::tree::ReadProblem;
use stead_lang::{Bundle, check, link};
use stead_store::library::{Kept, Workflow};
use stead_store::{Reader, Store};

use crate::error::EngineError;

/// What a run of the newest revision is pinned to, kept so that it can begin; or why there is none.
pub(crate) fn newest<S: Store + ?Sized>(
    store: &mut S,
    name: &str,
) -> Result<Result<String, String>, EngineError> {
    let mut library = OfLibrary { store, failed: None };
    let found = library.named(name, None);
    if let Some(error) = library.failed.take() {
        return Err(error);
    }
    let bundle = match found {
        Ok(Called::Saved { name, bundle, .. }) => Bundle { called: Some(name), ..bundle },
        Ok(Called::File(_)) => return Err(EngineError::bug(&"a library has no files of projects")),
        Err(missing) => return Ok(Err(missing.told(name))),
    };
    let bundle = link(bundle, &mut library);
    if let Some(error) = library.failed.take() {
        return Err(error);
    }
    let checked = check(&bundle);
    let Some(plan) = checked.plan else {
        let first = checked.diagnostics.first().map(|found| format!("{}: {}", found.code, found.message));
        return Ok(Err(format!(
            "the newest revision of `{name}` cannot be run: {}",
            first.unwrap_or_default()
        )));
    };
    for (revision, bundle) in checked.children.iter().chain([(&plan.revision, &bundle)]) {
        let bytes = serde_json::to_vec(bundle).map_err(|error| EngineError::bug(&error))?;
        library.store.put_definition(revision, &bytes)?;
    }
    Ok(Ok(plan.revision.clone()))
}

/// A definition of the library with the workflows that it calls, as far as these are in the library.
pub(super) fn linked<R: Reader + ?Sized>(store: &mut R, bundle: Bundle) -> Bundle {
    link(bundle, &mut OfLibrary { store, failed: None })
}

/// Workflows by their names in the library, and nothing else.
struct OfLibrary<'s, S: ?Sized> {
    store: &'s mut S,
    /// The store could not be read.
    failed: Option<EngineError>,
}

impl<S: Reader + ?Sized> Source for OfLibrary<'_, S> {
    fn read(&mut self, _: &str) -> Result<String, ReadProblem> {
        Err(ReadProblem::NotFound)
    }

    fn named(&mut self, name: &str, number: Option<u32>) -> Result<Called, Missing> {
        match saved(self.store, name, number) {
            Ok(found) => found,
            Err(error) => {
                let why = error.to_string();
                self.failed.get_or_insert(error);
                Err(Missing::Unreadable(why))
            }
        }
    }
}

fn saved<R: Reader + ?Sized>(
    store: &mut R,
    name: &str,
    number: Option<u32>,
) -> Result<Result<Called, Missing>, EngineError> {
    let Some(workflow) = store.workflow(name)? else { return Ok(Err(Missing::Unknown { near: None })) };
    let Workflow { name, newest, deleted_by, .. } = workflow;
    if let Some(by) = deleted_by {
        return Ok(Err(Missing::Deleted { by }));
    }
    let Some(Kept { revision, bytes }) = store.kept(&name, number)? else {
        return Ok(Err(Missing::NoRevision { newest }));
    };
    if revision.draft {
        return Ok(Err(Missing::Draft { number: revision.number }));
    }
    let bundle = serde_json::from_slice(&bytes)
        .map_err(|error| EngineError::definition(&revision.revision, &error))?;
    Ok(Ok(Called::Saved { name, number: revision.number, bundle, beside: None }))
}
