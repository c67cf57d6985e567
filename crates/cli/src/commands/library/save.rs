//! `stead save`: puts a definition into the library.

use std::path::Path;

use serde_json::json;
use stead_engine::error::EngineError;
use stead_engine::library::{LibraryAnswer, LibraryOperation, SaveAs};
use stead_engine::operations::{Answer, Operation};
use stead_lang::Bundle;
use stead_store::StoreError;
use stead_store::library::{How, Refusal, Workflow};

use super::{strange, whole};
use crate::args::Save;
use crate::definition;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, actor, unexpected};
use crate::out;
use crate::text;

/// Saves a definition.
///
/// # Errors
/// When it has errors, its name is none or taken, or somebody else has saved it meanwhile.
pub fn save(here: &Here, args: &Save) -> Result<Exit, CliError> {
    let bundle = match args.draft {
        true => definition::of_file(here, &args.file).0,
        false => {
            let (bundle, checked) = definition::of_file(here, &args.file);
            let found = definition::written_out(&checked, here.err);
            if checked.plan.is_none() {
                let error = CliError::usage(codes::DEFINITION, format!("{} is not saved", args.file));
                let error = error.hint("`--draft` keeps it as it is; a draft cannot be run");
                return Err(error.findings(found, checked.diagnostics));
            }
            out::say(&found);
            bundle
        }
    };
    let labels = (!args.labels.is_empty()).then(|| args.labels.clone());
    let wanted = SaveAs {
        bundle,
        name: args.name.clone(),
        message: args.message.clone(),
        labels,
        based_on: args.based_on,
        draft: args.draft,
        ..from(&args.file)
    };
    let (workflow, number, how) = keep(here, &args.file, wanted)?;
    let name = &workflow.name;
    if args.json {
        out::json(
            &json!({"type": "saved", "name": name, "number": number, "how": how, "workflow": workflow}),
        )?;
        return Ok(Exit::Done);
    }
    out::answer(&format!("{}\n", told(name, number, how, workflow.draft)))?;
    if !workflow.draft {
        out::note(&format!("next: {}", here.command(&format!("run {name}"))));
    }
    Ok(Exit::Done)
}

/// What is saved from a file, by whoever sits here.
pub fn from(file: &str) -> SaveAs {
    SaveAs {
        bundle: Bundle::default(),
        file: Some(whole(Path::new(file)).display().to_string()),
        by: actor(),
        ..SaveAs::default()
    }
}

/// Saves, and says what can be done where that is refused.
///
/// # Errors
/// As [`save`].
pub fn keep(here: &Here, file: &str, wanted: SaveAs) -> Result<(Workflow, u32, How), CliError> {
    match here.ask_home(Operation::Library(LibraryOperation::Save(Box::new(wanted)))) {
        Ok(Answer::Library(answer)) => match *answer {
            LibraryAnswer::Saved { workflow, number, how } => Ok((workflow, number, how)),
            other => Err(strange(other)),
        },
        Ok(other) => Err(unexpected(&other)),
        Err(EngineError::Store(StoreError::Library(refusal))) => Err(refused(here, file, refusal)),
        Err(error) => Err(here.explained(error)),
    }
}

/// A refusal, with the commands that show what stands against each other.
fn refused(here: &Here, file: &str, refusal: Refusal) -> CliError {
    let now = text::now();
    let file = text::shell_word(file);
    let command = |words: String| here.command(&words);
    let mut ways = Vec::new();
    let mut when = None;
    match &refusal {
        Refusal::Taken { name, newest, at, .. } => {
            when = Some(*at);
            ways = vec![
                format!("what is different: {}", command(format!("diff {name}@{newest} {file}"))),
                format!("if it follows that one: {}", command(format!("save {file} --based-on {newest}"))),
                format!("as another workflow: {}", command(format!("save {file} --name NAME"))),
            ];
        }
        Refusal::NotNewest { name, base, newest, at, .. } => {
            when = Some(*at);
            ways = vec![
                format!("theirs: {}", command(format!("diff {name}@{base} {name}@{newest}"))),
                format!("yours: {}", command(format!("diff {name}@{base} {file}"))),
                format!(
                    "with theirs put into yours: {}",
                    command(format!("save {file} --based-on {newest}"))
                ),
            ];
        }
        Refusal::Deleted { name, .. } => ways.push(command(format!("restore {name}"))),
        _ => {}
    }
    let mut error = CliError::from(EngineError::Store(refusal.into()));
    if !ways.is_empty() {
        error.hints = ways;
    }
    match when {
        Some(at) => error.detail(format!("saved {}", text::moment(at, now))),
        None => error,
    }
}

/// What became of it, in words.
pub fn told(name: &str, number: u32, how: How, draft: bool) -> String {
    let draft = if draft { " as a draft" } else { "" };
    match how {
        How::New | How::Next => format!("{name}@{number} saved{draft}"),
        How::Text => format!("{name}@{number} is written differently now, and means the same"),
        How::Unchanged => format!("{name}@{number} is this text already"),
    }
}
