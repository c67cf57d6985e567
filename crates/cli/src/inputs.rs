//! Inputs of a run: from the command line, a file, standard input, and by asking.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, Read as _};
use std::path::Path;

use serde_json::{Map, Value, json};
use stead_engine::home::Home;
use stead_engine::remote::Remote;
use stead_lang::Diagnostic;
use stead_lang::inputs::{check_inputs, parse_input};
use stead_lang::plan::{Input, InputKind, Plan};
use stead_platform::terminal;
use stead_store::files::FileStore;

use crate::error::{CliError, codes};
use crate::here::Here;
use crate::out;
use crate::text;

/// Bytes of a file or of standard input that become an input's value, at most.
const VALUE_BYTES: u64 = 16 * 1024 * 1024;

/// Where inputs come from.
pub struct Sources<'a> {
    /// Where, and what the hints say.
    pub here: &'a Here,
    /// The definition as it was named.
    pub file: &'a str,
    /// `-i`, in order.
    pub given: &'a [String],
    /// `--input-file`.
    pub input_file: Option<&'a Path>,
    /// Nothing is to be kept, and nobody asked.
    pub dry: bool,
    /// For whose runs files are sent to a server elsewhere; none: they are not.
    pub project: Option<&'a str>,
}

/// Some inputs of a run, each read by its declared type.
///
/// # Errors
/// With all that cannot be read.
pub fn some(plan: &Plan, here: &Here, given: &[String]) -> Result<Map<String, Value>, CliError> {
    let sources = Sources { here, file: "FILE", given, input_file: None, dry: false, project: None };
    let mut problems: Vec<String> = Vec::new();
    let mut inputs = Map::new();
    for argument in given {
        match one(plan, argument, &sources) {
            Ok((name, value)) => _ = inputs.insert(name, value),
            Err(Problem::Told(problem)) => problems.push(problem),
            Err(Problem::Found(found)) => problems.push(finding(&found)),
        }
    }
    match problems.is_empty() {
        true => Ok(inputs),
        false => Err(refused(plan, problems, &sources)),
    }
}

/// All inputs of a run, held against what its definition declares, with the defaults.
///
/// # Errors
/// With all that is missing or does not fit.
pub fn gather(plan: &Plan, sources: &Sources<'_>) -> Result<Map<String, Value>, CliError> {
    let mut problems: Vec<String> = Vec::new();
    let mut inputs = match sources.input_file {
        Some(path) => from_file(path)?,
        None => Map::new(),
    };
    for argument in sources.given {
        match one(plan, argument, sources) {
            Ok((name, value)) => {
                inputs.insert(name, value);
            }
            Err(Problem::Told(problem)) => problems.push(problem),
            Err(Problem::Found(found)) => problems.push(finding(&found)),
        }
    }
    let files = plan.inputs.iter().filter(|input| input.kind == InputKind::File);
    for input in files {
        if let Some(Value::String(path)) = inputs.get(&input.name) {
            match keep(Path::new(path), sources) {
                Ok(kept) => {
                    inputs.insert(input.name.clone(), kept);
                }
                Err(problem) => problems.push(problem),
            }
        }
    }
    if problems.is_empty() {
        from_stdin(plan, &mut inputs)?;
        if !sources.dry && terminal::stdin_is_terminal() && terminal::stderr_is_terminal() {
            ask(plan, &mut inputs, sources)?;
        }
    }
    match check_inputs(plan, &inputs) {
        Ok(complete) if problems.is_empty() => Ok(complete),
        Ok(_) => Err(refused(plan, problems, sources)),
        Err(found) => {
            // What was given and could not be read is not missing.
            let tried = |found: &Diagnostic| {
                let name = found.path.trim_start_matches('/');
                !inputs.contains_key(name)
                    && sources.given.iter().any(|argument| name_of(argument) == Some(name))
            };
            problems.extend(found.iter().filter(|found| !tried(found)).map(finding));
            Err(refused(plan, problems, sources))
        }
    }
}

enum Problem {
    Told(String),
    Found(Box<Diagnostic>),
}

fn name_of(argument: &str) -> Option<&str> {
    argument.split_once('=').map(|(name, _)| name.strip_suffix(':').unwrap_or(name))
}

/// One `-i`.
fn one(plan: &Plan, argument: &str, sources: &Sources<'_>) -> Result<(String, Value), Problem> {
    let Some((name, value)) = argument.split_once('=') else {
        return Err(Problem::Told(format!(
            "[{}] `-i {argument}` has no value: write NAME=TEXT, NAME:=JSON or NAME=@FILE",
            codes::ARGUMENT
        )));
    };
    if let Some(name) = name.strip_suffix(':') {
        let value = serde_json::from_str(value).map_err(|e| {
            Problem::Told(format!("[{}] the value of `{name}` is no JSON: {e}", codes::ARGUMENT))
        })?;
        return Ok((name.to_owned(), value));
    }
    let Some(input) = plan.inputs.iter().find(|input| input.name == name) else {
        // That there is no such input is said with the others.
        return Ok((name.to_owned(), Value::from(value)));
    };
    let text = match value.strip_prefix('@') {
        Some(rest) if rest.starts_with('@') => rest.to_owned(),
        Some(path) if input.kind == InputKind::File => path.to_owned(),
        Some(path) => read_text(Path::new(path)).map_err(Problem::Told)?,
        None => value.to_owned(),
    };
    if input.kind == InputKind::File {
        return match keep(Path::new(&text), sources) {
            Ok(kept) => Ok((name.to_owned(), kept)),
            Err(problem) => Err(Problem::Told(problem)),
        };
    }
    parse_input(input, &text).map(|value| (name.to_owned(), value)).map_err(Problem::Found)
}

fn read_text(path: &Path) -> Result<String, String> {
    let cannot = |why: String| format!("[{}] {} cannot be read: {why}", codes::FILE, path.display());
    let file = std::fs::File::open(path).map_err(|e| cannot(e.to_string()))?;
    let mut bytes = Vec::new();
    file.take(VALUE_BYTES + 1).read_to_end(&mut bytes).map_err(|e| cannot(e.to_string()))?;
    into_text(bytes).map_err(cannot)
}

/// Text without its last line break.
fn into_text(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.len() as u64 > VALUE_BYTES {
        return Err(format!("it has more than {} MiB; use an input of type file", VALUE_BYTES >> 20));
    }
    let mut text =
        String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text; use an input of type file".to_owned())?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// The inputs in a JSON or YAML file.
fn from_file(path: &Path) -> Result<Map<String, Value>, CliError> {
    let name = path.display().to_string();
    let text = read_text(path).map_err(|why| {
        CliError::usage(codes::FILE, why.split_once("] ").map_or(why.as_str(), |(_, why)| why))
    })?;
    let mut found = Vec::new();
    let document = stead_lang::tree::read(&name, &text, &mut found);
    let Some(document) = document.filter(|_| found.is_empty()) else {
        let options = stead_lang::diagnostic::RenderOptions::default();
        let sources = stead_lang::diagnostic::Sources::new([(name.clone(), text)]);
        let written = stead_lang::diagnostic::render(&found, &sources, options);
        return Err(
            CliError::usage(codes::FILE, format!("{name} is no JSON or YAML")).findings(written, found)
        );
    };
    match document.root().to_json() {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(CliError::usage(codes::FILE, format!("{name} holds no map of inputs"))
            .hint("write `NAME: VALUE` lines, or a JSON object")),
        Err(_) => Err(CliError::usage(codes::FILE, format!("{name} has a number that JSON does not have"))),
    }
}

/// Takes the file of an input in by its hash, as steps get it; in a dry run it is only looked at.
///
/// # Errors
/// Why it cannot be read or kept.
pub fn keep_file(here: &Here, path: &Path, dry: bool) -> Result<Value, String> {
    keep(path, &Sources { here, file: "FILE", given: &[], input_file: None, dry, project: None })
}

/// The files by hash of a home.
///
/// # Errors
/// When it cannot be made.
pub fn files_of(home: &Home) -> Result<FileStore, String> {
    home.make().map_err(|e| e.to_string())?;
    // The store of files is made by the engine that holds the home; it may not have been one yet.
    std::fs::create_dir_all(home.files().join("tmp")).map_err(|e| e.to_string())?;
    Ok(FileStore::attach(&home.files()))
}

/// Takes a file in by its hash, as steps get it.
fn keep(path: &Path, sources: &Sources<'_>) -> Result<Value, String> {
    let cannot = |why: String| format!("[{}] {} cannot be read: {why}", codes::FILE, path.display());
    let known = std::fs::metadata(path).map_err(|e| cannot(e.to_string()))?;
    if !known.is_file() {
        return Err(cannot("it is no file".to_owned()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if sources.dry {
        return Ok(json!({"path": path.display().to_string(), "name": name, "size": known.len()}));
    }
    if let Some(server) = sources.here.server() {
        return sent(server, path, &name, sources.project);
    }
    let home = sources.here.home("this").map_err(|error| format!("[{}] {}", error.code, error.message))?;
    let (kept, path) = taken(home, path).map_err(cannot)?;
    Ok(json!({"path": path, "name": name, "hash": kept.hash, "size": kept.size}))
}

/// Sends a file to a server elsewhere, which keeps it for the run that names it.
fn sent(server: &Remote, path: &Path, name: &str, project: Option<&str>) -> Result<Value, String> {
    let Some(project) = project else {
        return Err(format!(
            "[{}] {} is a file of this machine: files are sent to a server as inputs of `run`, and as the table of `batch`",
            codes::ELSEWHERE,
            path.display()
        ));
    };
    let file = File::open(path)
        .map_err(|error| format!("[{}] {} cannot be read: {error}", codes::FILE, path.display()))?;
    // As long as it takes: how long that is, its size says.
    server
        .upload(file, name, project, &mut |_| true)
        .map_err(|error| format!("[{}] {} cannot be sent: {error}", error.code(), path.display()))
}

/// Sends the rows of a batch to a server elsewhere.
///
/// # Errors
/// When they are not taken.
pub fn send_rows(server: &Remote, path: &Path, name: &str, project: &str) -> Result<Value, CliError> {
    let cannot = |error: std::io::Error| CliError::machine(format!("the rows cannot be sent: {error}"));
    let file = File::open(path).map_err(cannot)?;
    Ok(server.upload(file, name, project, &mut |_| true)?)
}

fn taken(home: &Home, path: &Path) -> Result<(stead_store::files::FileRef, String), String> {
    let files = files_of(home)?;
    let kept = files.put_path(path).map_err(|e| e.to_string())?;
    let path = files.path(&kept.hash).map_err(|e| e.to_string())?;
    Ok((kept, path.display().to_string()))
}

/// The input that standard input fills, if it was not given otherwise and something comes.
fn from_stdin(plan: &Plan, inputs: &mut Map<String, Value>) -> Result<(), CliError> {
    let input = plan.inputs.iter().find(|input| input.stdin && !inputs.contains_key(&input.name));
    let Some(input) = input.filter(|_| !terminal::stdin_is_terminal()) else { return Ok(()) };
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(VALUE_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|e| CliError::machine(format!("standard input cannot be read: {e}")))?;
    if bytes.is_empty() {
        return Ok(());
    }
    let name = &input.name;
    let wrong = |why: String| {
        CliError::usage(codes::INPUTS, format!("the input `{name}` from standard input: {why}"))
    };
    let text = into_text(bytes).map_err(wrong)?;
    if input.kind == InputKind::File {
        let error = wrong("a file is not taken from there".to_owned());
        return Err(error.hint(format!("give its path: -i {name}=@FILE")));
    }
    let value = parse_input(input, &text).map_err(|found| wrong(found.message))?;
    inputs.insert(name.clone(), value);
    Ok(())
}

/// Asks for what is missing, one after the other.
fn ask(plan: &Plan, inputs: &mut Map<String, Value>, sources: &Sources<'_>) -> Result<(), CliError> {
    let required = |input: &&Input| input.default.is_none() && !inputs.contains_key(&input.name);
    let missing: Vec<&Input> = plan.inputs.iter().filter(required).collect();
    for input in missing {
        if let Some(description) = &input.description {
            out::note(&text::clean(description));
        }
        loop {
            out::say(&format!("{} ({}): ", input.name, shape(input)));
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            match read {
                Ok(0) => {
                    out::note("");
                    return Err(
                        refused(plan, vec![], sources).detail(format!("`{}` was not given", input.name))
                    );
                }
                Ok(_) => {}
                Err(e) => return Err(CliError::machine(format!("standard input cannot be read: {e}"))),
            }
            let line = line.trim_end_matches(['\n', '\r']);
            let value = match input.kind {
                InputKind::File => keep(Path::new(line), sources),
                _ => parse_input(input, line).map_err(|found| finding(&found)),
            };
            match value {
                Ok(value) => {
                    inputs.insert(input.name.clone(), value);
                    break;
                }
                Err(problem) => out::note(&text::clean(&problem)),
            }
        }
    }
    Ok(())
}

fn finding(found: &Diagnostic) -> String {
    let mut line = format!("[{}] {}", found.code, found.message);
    if let Some(nearest) = &found.nearest {
        let _ = write!(line, "; did you mean `{nearest}`?");
    }
    if let Some(help) = &found.help {
        let _ = write!(line, " ({help})");
    }
    line
}

/// What a value looks like, for people.
fn shape(input: &Input) -> String {
    if let Some(Value::Array(words)) = input.schema.get("enum") {
        let words: Vec<String> =
            words.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect();
        return words.join("|");
    }
    match input.kind {
        InputKind::String => "text",
        InputKind::Integer => "integer",
        InputKind::Number => "number",
        InputKind::Boolean => "true|false",
        InputKind::Object => "JSON object",
        InputKind::Array => "JSON list",
        InputKind::File => "path of a file",
    }
    .to_owned()
}

/// The error that lists everything, with a command in which it is put right.
fn refused(plan: &Plan, problems: Vec<String>, sources: &Sources<'_>) -> CliError {
    let what = match problems.len() {
        0 | 1 => "an input is missing or does not fit".to_owned(),
        n => format!("{n} inputs are missing or do not fit"),
    };
    let mut error = CliError::usage(codes::INPUTS, what);
    error.details = problems;
    let mut command = format!("run {}", text::shell_word(sources.file));
    for input in plan.inputs.iter().filter(|input| input.default.is_none()) {
        let example = match input.kind {
            InputKind::Object => format!(" -i {}:='{{…}}'", input.name),
            InputKind::Array => format!(" -i {}:='[…]'", input.name),
            InputKind::File => format!(" -i {}=@FILE", input.name),
            InputKind::Integer | InputKind::Number => format!(" -i {}=NUMBER", input.name),
            InputKind::Boolean => format!(" -i {}=true", input.name),
            InputKind::String => format!(" -i {}=TEXT", input.name),
        };
        command.push_str(&example);
    }
    let command = sources.here.command(&command);
    error.hint(command).hint("or all of them in a JSON or YAML file: --input-file FILE")
}
