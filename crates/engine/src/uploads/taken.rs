//! Runs that are started with what was uploaded.

use serde_json::{Map, Value, json};
use stead_lang::inputs::misfit_of;
use stead_lang::plan::{InputKind, Plan};
use stead_store::files::{FileRef, FileStore};

use super::of;
use crate::error::EngineError;
use crate::home::Home;

/// Inputs of type file that name an upload by its hash, as steps get them. Whose upload it is counts: a hash alone gives
/// nobody a file of somebody else.
pub(crate) fn with_uploads(
    home: &Home,
    plan: &Plan,
    mut inputs: Map<String, Value>,
    by: &str,
) -> Result<Map<String, Value>, EngineError> {
    let mut wrong = Vec::new();
    for input in plan.inputs.iter().filter(|input| input.kind == InputKind::File) {
        let Some(Value::Object(given)) = inputs.get(&input.name) else { continue };
        let (Some(hash), None) = (given.get("hash"), given.get("path")) else { continue };
        let found = hash.as_str().and_then(|hash| of(home, hash, by));
        let Some((file, from)) = found else {
            let why = "no file of this hash was uploaded by who starts the run, or it was too long ago";
            wrong.push(misfit_of(&input.name, why, "POST /files takes one, and its answer is the input"));
            continue;
        };
        let files = FileStore::attach(&home.files());
        files.link(&from, &FileRef { hash: file.hash.clone(), size: file.size })?;
        let path = files.path(&file.hash)?;
        let name = given.get("name").and_then(Value::as_str).unwrap_or(&file.name);
        let taken =
            json!({"path": path.display().to_string(), "name": name, "hash": file.hash, "size": file.size});
        inputs.insert(input.name.clone(), taken);
    }
    match wrong.is_empty() {
        true => Ok(inputs),
        false => Err(EngineError::Invalid { diagnostics: wrong }),
    }
}
