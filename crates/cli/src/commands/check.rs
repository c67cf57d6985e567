//! `stead check`: everything that is wrong with definitions.

use serde_json::json;
use stead_lang::Severity;
use stead_lang::plan::definition_of;

use crate::args::{Check, Format};
use crate::definition::{self, Examined, Origin};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::face::Ink;
use crate::here::Here;
use crate::out;
use crate::text;

/// Checks each file with all that it names.
///
/// # Errors
/// When the findings cannot be written.
pub fn check(here: &Here, args: &Check) -> Result<Exit, CliError> {
    if args.expand {
        return expand(here, args);
    }
    let mut good = true;
    let mut files = Vec::new();
    for file in &args.files {
        let Examined { origin, checked, .. } = definition::examine(here, file)?;
        // Found by its name it is a file all the same.
        let file = if let Origin::File(found) = &origin { found } else { file };
        good &= checked.plan.is_some();
        let standing = definition::standing(here, &origin, checked.plan.as_deref())?;
        if args.format == Format::Json {
            files.push(json!({
                "file": file,
                "ok": checked.plan.is_some(),
                "workflow": checked.plan.as_ref().map(|plan| &plan.name),
                "revision": checked.plan.as_ref().map(|plan| definition_of(&plan.revision)),
                "library": standing,
                "diagnostics": checked.diagnostics,
            }));
            continue;
        }
        out::answer(&definition::written_out(&checked, here.out))?;
        if let Some(plan) = &checked.plan {
            let ok = here.out.paint(Ink::Green, "ok");
            let steps = text::count(plan.steps_written(), "step");
            let standing = standing.map_or_else(String::new, |standing| format!(", {}", standing.told()));
            let revision = text::short(&plan.revision);
            out::answer(&format!("{file}: {ok}, {}@{revision}, {steps}{standing}\n", plan.name))?;
        }
    }
    if args.format == Format::Json {
        let counts = |severity: Severity| {
            let all = files.iter().filter_map(|file| file["diagnostics"].as_array()).flatten();
            all.filter(|found| found["severity"] == json!(severity)).count()
        };
        let (errors, warnings) = (counts(Severity::Error), counts(Severity::Warning));
        out::pretty(&json!({"ok": good, "errors": errors, "warnings": warnings, "files": files}))?;
    }
    Ok(if good { Exit::Done } else { Exit::Usage })
}

/// Prints a definition without templates and aliases.
fn expand(here: &Here, args: &Check) -> Result<Exit, CliError> {
    let [file] = &args.files[..] else {
        let error = CliError::usage(codes::ARGUMENT, "`--expand` takes one definition");
        return Err(error.hint("check them one by one: `stead check --expand FILE`"));
    };
    let ready = definition::ready(here, file)?;
    out::say(&ready.warnings);
    out::answer(&stead_lang::expanded(&ready.bundle).unwrap_or_default())?;
    Ok(Exit::Done)
}
