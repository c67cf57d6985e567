//! `stead check`: everything that is wrong with definitions.

use serde_json::json;
use stead_lang::Severity;

use crate::args::{Check, Format};
use crate::definition;
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
        let (_, checked) = definition::examine(file);
        good &= checked.plan.is_some();
        if args.format == Format::Json {
            files.push(json!({
                "file": file,
                "ok": checked.plan.is_some(),
                "workflow": checked.plan.as_ref().map(|plan| &plan.name),
                "revision": checked.plan.as_ref().map(|plan| &plan.revision),
                "diagnostics": checked.diagnostics,
            }));
            continue;
        }
        out::answer(&definition::written_out(&checked, here.out))?;
        if let Some(plan) = &checked.plan {
            let ok = here.out.paint(Ink::Green, "ok");
            let steps = text::count(plan.steps.len(), "step");
            out::answer(&format!("{file}: {ok}, {}@{}, {steps}\n", plan.name, text::short(&plan.revision)))?;
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
    let ready = definition::ready(file, here.err)?;
    out::say(&ready.warnings);
    out::answer(&stead_lang::expanded(&ready.bundle).unwrap_or_default())?;
    Ok(Exit::Done)
}
