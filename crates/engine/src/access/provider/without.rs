//! A Stead that is built without the feature `oidc`.

use crate::access::{AccessAnswer, AccessError, AccessOperation};
use crate::error::EngineError;
use crate::home::Home;
use crate::notify::SettingsProblem;
use crate::people::Caller;
use crate::secrets::{SETTINGS_FILE, Secrets, read_settings};

/// Nobody signs in so.
#[derive(Debug, Default)]
pub(crate) struct Providers {}

impl Providers {
    pub(crate) fn ask(
        &self,
        _home: &Home,
        caller: &Caller,
        _operation: AccessOperation,
        _secrets: &dyn Secrets,
        _served: Option<&str>,
    ) -> Result<AccessAnswer, EngineError> {
        match caller.step() {
            Some(step) => Err(AccessError::OfStep { user: step.id() }.into()),
            None => Err(AccessError::NoProvider { why: "this Stead is built without it" }.into()),
        }
    }
}

/// Refuses settings that name a provider: whoever wrote them counts on it.
///
/// # Errors
/// When they do.
pub fn check_provider(home: &Home) -> Result<bool, EngineError> {
    let path = home.root().join(SETTINGS_FILE);
    // What is wrong with the file otherwise is said where secrets are read.
    let text = read_settings(&path).ok().flatten().unwrap_or_default();
    let document = stead_lang::tree::read("settings", &text, &mut Vec::new());
    let Some(at) = document.as_ref().and_then(|document| Some(document.root().get("oidc")?.span())) else {
        return Ok(false);
    };
    Err(EngineError::Settings {
        path: path.display().to_string(),
        problems: vec![SettingsProblem {
            code: "R0702".to_owned(),
            line: at.line,
            column: at.column,
            message: "`oidc` takes a Stead that is built with the feature `oidc`".to_owned(),
        }],
    })
}
