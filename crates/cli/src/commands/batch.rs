//! `stead batch`: runs a workflow once per row of a table, or per combination of swept values.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use stead_core::run::event::Breaks;
use stead_engine::batch::sweep::{Combinations, Swept, Way, values_of, values_of_json};
use stead_engine::batch::{self, Format, Given, Rows, TableError};
use stead_engine::operations::Operation;
use stead_lang::diagnostic::nearest;
use stead_lang::inputs::check_some;
use stead_lang::plan::Plan;
use stead_store::files::FileStore;

use super::results;
use super::run::{draw, wish};
use crate::args::{Batch, Follow, OnError, Sweep};
use crate::definition;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::follow::{Answers, Following, conclude};
use crate::here::{Here, actor};
use crate::inputs;
use crate::out;
use crate::place::Place;
use crate::text;

/// Rows that a dry run shows.
const SHOWN: usize = 5;

/// Runs a workflow once per row.
///
/// # Errors
/// When the workflow or the table is wrong, or the home cannot be used.
pub fn batch(here: &Here, args: &Batch) -> Result<Exit, CliError> {
    let (json, no_wait, timeout) = (args.json, args.no_wait, args.timeout.clone());
    let wish = wish(&Follow { json, no_wait, timeout, output: None })?;
    if args.file == "-" && args.items.as_deref() == Some("-") {
        let what = "the workflow and the table cannot both come from standard input";
        return Err(CliError::usage(codes::ARGUMENT, what));
    }
    let ready = definition::ready(here, &args.file)?;
    out::say(&ready.warnings);
    let parallel = args.parallel.unwrap_or_else(|| {
        let found = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        u32::try_from(found).unwrap_or(1)
    });
    let stop = args.on_error == OnError::Stop;
    let text = |which: &batch::Which| batch::definition(&ready.plan.name, which, parallel, stop);
    let (bundle, plan) = definition::calling(here, &ready, text)?;
    let Some(file) = rows(here, args, &ready.plan)? else { return Ok(Exit::Done) };
    let run = draw()?;
    let mut following = Following::open(here, args.json)?;
    let secrets = following.secrets_of(&bundle);
    let folder = here.project().display().to_string();
    let inputs = Map::from_iter([(batch::INPUT.to_owned(), file)]);
    let (project, breaks) = (args.project.clone(), Breaks::default());
    let start = Operation::Start { run, bundle, inputs, project, folder, breaks, by: actor() };
    let run = following.start(&start, plan, secrets)?;
    let why = following.follow(wish)?;
    let answers = match args.output.as_deref() == Some(Path::new("-")) {
        _ if args.json => Answers::Records,
        true => Answers::Nothing,
        false => Answers::Outputs,
    };
    let exit = conclude(following, why, answers)?;
    if let Some(path) = &args.output {
        if here.view(run.as_str())?.status.is_end() {
            results::write(here, run.as_str(), None, Some(path), false)?;
        } else {
            let word = text::shell_word(&path.display().to_string());
            let later = here.command(&format!("results {run} -o {word}"));
            out::note(&format!("the batch has not ended; its results: {later}"));
        }
    }
    Ok(exit)
}

/// The file of rows, as the input of the batch has it; nothing in a dry run, which shows them.
fn rows(here: &Here, args: &Batch, plan: &Plan) -> Result<Option<Value>, CliError> {
    let what = args.items.as_deref().unwrap_or("the sweep");
    let refused = |error: TableError| refuse(what, error);
    let mut keep = |path: &str| inputs::keep_file(here, Path::new(path), args.dry_run);
    let given;
    let rows = match args.sweep {
        None => {
            given =
                Given { fixed: fixed(plan, here, args)?, key: args.key.clone(), ignore: args.ignore.clone() };
            let (mut reader, path) = open(what)?;
            let format = Format::of(path, &mut reader).map_err(refused)?;
            Rows::of_table(reader, format, plan, &given, &mut keep).map_err(refused)?
        }
        Some(way) => {
            given = Given::default();
            let combinations = combinations(plan, args, way)?;
            Rows::of_sweep(combinations, plan, &given, &mut keep).map_err(refused)?
        }
    };
    if args.dry_run {
        let looked = rows.look(SHOWN).map_err(refused)?;
        if args.json {
            let (rows, left_out, first) = (looked.rows, looked.doubled, looked.first);
            out::json(&json!({"rows": rows, "left_out": left_out, "first": first}))?;
            return Ok(None);
        }
        let mut shown = counted(&plan.name, looked.rows, looked.doubled);
        for row in &looked.first {
            let _ = write!(shown, "\n  {row}");
        }
        if looked.rows as usize > looked.first.len() {
            shown.push_str("\n  ...");
        }
        shown.push('\n');
        out::answer(&shown)?;
        return Ok(None);
    }
    // Rows for a server elsewhere are written here before they are sent.
    let beside = match &here.place {
        Place::Home(_) => None,
        Place::Server(server) => Some((server, folder_for_rows()?)),
    };
    let files = match &beside {
        None => inputs::files_of(here.home("a batch")?).map_err(CliError::machine)?,
        Some((_, folder)) => {
            FileStore::open(folder.path()).map_err(|error| CliError::machine(error.to_string()))?
        }
    };
    let written = rows.write(&files).map_err(|error| here.explained(error))?.map_err(refused)?;
    if !args.json {
        out::note(&counted(&plan.name, written.rows, written.doubled));
    }
    let path = files.path(&written.file.hash).map_err(|error| CliError::machine(error.to_string()))?;
    let name = format!("{}.jsonl", batch::INPUT);
    if let Some((server, _)) = &beside {
        return inputs::send_rows(server, &path, &name, &args.project).map(Some);
    }
    Ok(Some(json!({
        "path": path.display().to_string(), "name": name, "hash": written.file.hash, "size": written.file.size,
    })))
}

/// A folder that goes with this value.
struct Folder(PathBuf);

impl Folder {
    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it helps nobody, and harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A new folder for rows, for its user only.
fn folder_for_rows() -> Result<Folder, CliError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let path = std::env::temp_dir().join(format!("stead-rows-{}", draw()?));
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&path)
        .map_err(|error| CliError::machine(format!("{} cannot be made: {error}", path.display())))?;
    Ok(Folder(path))
}

fn counted(workflow: &str, rows: u32, doubled: u64) -> String {
    let mut said = format!("{} of {workflow}", text::count(rows as usize, "run"));
    if doubled > 0 {
        let many = usize::try_from(doubled).unwrap_or(usize::MAX);
        let _ =
            write!(said, "; {} left out, for the same was there before", text::count(many, "combination"));
    }
    said
}

fn open(what: &str) -> Result<(Box<dyn BufRead>, Option<&Path>), CliError> {
    if what == "-" {
        return Ok((Box::new(BufReader::new(std::io::stdin())), None));
    }
    let path = Path::new(what);
    let cannot = |why: String| CliError::usage(codes::FILE, format!("{what} cannot be read: {why}"));
    let file = File::open(path).map_err(|e| cannot(e.to_string()))?;
    if file.metadata().map_err(|e| cannot(e.to_string()))?.is_dir() {
        return Err(cannot("it is a folder".to_owned()));
    }
    Ok((Box::new(BufReader::with_capacity(64 * 1024, file)), Some(path)))
}

/// What all rows have.
fn fixed(plan: &Plan, here: &Here, args: &Batch) -> Result<Map<String, Value>, CliError> {
    let fixed = inputs::some(plan, here, &args.inputs)?;
    fits(plan, &fixed)?;
    Ok(fixed)
}

/// Refuses what is no input, or does not fit; what is missing may be in the table.
fn fits(plan: &Plan, given: &Map<String, Value>) -> Result<(), CliError> {
    let Err(found) = check_some(plan, given) else { return Ok(()) };
    let wrong = found.iter().map(|found| format!("[{}] {}", found.code, found.message)).collect();
    Err(CliError { details: wrong, ..CliError::usage(codes::INPUTS, "an input does not fit") })
}

fn combinations(plan: &Plan, args: &Batch, way: Sweep) -> Result<Combinations, CliError> {
    let way = match way {
        Sweep::Product => Way::Product,
        Sweep::Zip => Way::Zip,
    };
    let refused = |error: TableError| refuse("the sweep", error);
    let mut swept: Vec<Swept> = Vec::new();
    for argument in &args.inputs {
        let Some((name, value)) = argument.split_once('=') else {
            let what = format!("`-i {argument}` has no value: write NAME=VALUES or NAME:=JSON");
            return Err(CliError::usage(codes::ARGUMENT, what));
        };
        let (name, json) = name.strip_suffix(':').map_or((name, false), |name| (name, true));
        let Some(input) = plan.inputs.iter().find(|input| input.name == name) else {
            let error = CliError::usage(codes::INPUTS, format!("`{}` has no input `{name}`", plan.name));
            return Err(match nearest(name, plan.inputs.iter().map(|input| input.name.as_str())) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            });
        };
        if swept.iter().any(|before| before.name == name) {
            let what = format!("`{name}` is given twice: its values stand in one list");
            return Err(CliError::usage(codes::ARGUMENT, what));
        }
        let values = if json {
            let value = serde_json::from_str(value).map_err(|e| {
                CliError::usage(codes::ARGUMENT, format!("the value of `{name}` is no JSON: {e}"))
            })?;
            values_of_json(input, value)
        } else {
            values_of(input, value)
        };
        let values = values.map_err(refused)?;
        for value in &values {
            fits(plan, &Map::from_iter([(name.to_owned(), value.clone())]))?;
        }
        swept.push(Swept::new(name, values, way));
    }
    if swept.is_empty() {
        let error = CliError::usage(codes::ARGUMENT, "a sweep needs values");
        return Err(error.hint("-i NAME=1,2,3 or -i NAME=0:10:2.5"));
    }
    Combinations::of(swept, way).map_err(refused)
}

fn refuse(what: &str, error: TableError) -> CliError {
    let place = error.line.map_or_else(|| what.to_owned(), |line| format!("{what}:{line}"));
    let refused = CliError::usage(codes::TABLE, format!("{place}: {}", error.message));
    let refused = CliError { details: error.details, ..refused };
    match error.help {
        Some(help) => refused.hint(help),
        None => refused,
    }
}
