//! `stead settle`: what is known of an attempt whose end is not known, and what somebody says it came to.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stead_core::Time;
use stead_engine::evidence::{Evidence, ProcessEnd};
use stead_engine::operations::{Answer, Operation, Settlement};

use crate::args::Settle;
use crate::error::CliError;
use crate::exit::Exit;
use crate::here::{Here, actor, unexpected};
use crate::out;
use crate::text;

/// Settles a parked attempt; without a verdict it shows what is known.
///
/// # Errors
/// When there is no such run, the step waits for nobody, or another process holds the home.
pub fn settle(here: &Here, args: &Settle) -> Result<Exit, CliError> {
    let verdict = match &args.done {
        Some(text) => {
            Some(Settlement::Done(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))))
        }
        None if args.again => Some(Settlement::Again),
        None => args.failed.then_some(Settlement::Failed),
    };
    match (&args.step, verdict) {
        (Some(step), Some(verdict)) => say(here, args, step, &verdict),
        _ => show(here, args),
    }
}

/// What is known.
fn show(here: &Here, args: &Settle) -> Result<Exit, CliError> {
    let operation = Operation::Evidence { run: args.run.clone(), step: args.step.clone() };
    let (run, evidence) = match here.ask(operation)? {
        Answer::Evidence { run, evidence } => (run, evidence),
        other => return Err(unexpected(&other)),
    };
    if args.json {
        out::json(&json!({"type": "evidence", "run": run, "evidence": evidence}))?;
        return Ok(Exit::Done);
    }
    if evidence.is_empty() {
        out::note(&format!("no step of {run} waits to be settled"));
        return Ok(Exit::Done);
    }
    let texts: Vec<String> = evidence.iter().map(|evidence| told(evidence, text::now())).collect();
    out::answer(&texts.join("\n"))?;
    for evidence in &evidence {
        let step = text::shell_word(&evidence.step);
        let command = here.command(&format!("settle {run} {step} --done VALUE|--again|--failed"));
        out::note(&format!("next: {command}"));
    }
    Ok(Exit::Done)
}

fn told(evidence: &Evidence, now: Time) -> String {
    let mut told = format!(
        "{}: whether attempt {} happened is not known\n",
        text::clean(&evidence.step),
        evidence.attempt
    );
    let mut row = |name: &str, value: &str| {
        let mut name = name;
        for line in value.lines() {
            // Writing to a text does not fail.
            let _ = writeln!(told, "  {}  {}", text::pad(name, 7), text::clean(line));
            name = "";
        }
    };
    if let Some(request) = &evidence.request {
        row("what", &asked(request));
    }
    let moment = |at: Time| text::moment(at, now);
    let begun = evidence.started_at.map_or_else(|| "not known".to_owned(), moment);
    let lost = evidence.lost_at.map(|at| format!(", found without an end {}", moment(at)));
    row("begun", &format!("{begun}{}", lost.unwrap_or_default()));
    row("key", &evidence.key);
    if let Some(process) = &evidence.process {
        let end = match &process.end {
            None => "nobody saw it end".to_owned(),
            Some(ProcessEnd { at, exit_code, ended }) => {
                let how = if *ended { "ended by Stead" } else { "ended by itself" };
                let code = exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
                format!("{how} {}{code}", moment(*at))
            }
        };
        let pid = process.pid.map_or_else(|| "its number is not known".to_owned(), |pid| pid.to_string());
        row("process", &format!("{pid}, started {}; {end}", moment(process.started_at)));
    }
    if let Some(probe) = &evidence.probe {
        let said = match (&probe.error, probe.exit_code) {
            (Some(error), _) => error.clone(),
            (None, Some(code)) => format!("exit code {code}"),
            (None, None) => "nothing".to_owned(),
        };
        row("verify", &format!("{}: {said}", moment(probe.at)));
    }
    match &evidence.log {
        None => row("log", "it printed nothing"),
        Some(log) => {
            let before = match log.before {
                0 => String::new(),
                lines => format!(", {lines} lines before these"),
            };
            row("log", &format!("{}{before}", log.file.display()));
            for line in &log.lines {
                row("", &format!("| {line}"));
            }
        }
    }
    if let Some(folder) = &evidence.folder
        && evidence.files.is_empty()
    {
        row("files", &format!("none in {}", folder.display()));
    }
    for (at, file) in evidence.files.iter().enumerate() {
        let written = file.modified_at.map(|at| format!(", written {}", moment(at))).unwrap_or_default();
        let name = if at == 0 { "files" } else { "" };
        row(name, &format!("{}  {} bytes{written}", file.path.display(), file.size));
    }
    if evidence.more_files > 0 {
        row("", &format!("and {} more", evidence.more_files));
    }
    told
}

/// What was asked for, in a line or a few.
fn asked(request: &Value) -> String {
    const LINES: usize = 5;
    if let Some(words) = request.get("argv").and_then(Value::as_array) {
        let words: Vec<String> = words.iter().filter_map(Value::as_str).map(text::shell_word).collect();
        return words.join(" ");
    }
    if let Some(script) = request.pointer("/script/text").and_then(Value::as_str) {
        let lines: Vec<&str> = script.lines().take(LINES).collect();
        return lines.join("\n");
    }
    if let Some(url) = request.get("url").and_then(Value::as_str) {
        let method = request.get("method").and_then(Value::as_str).unwrap_or("get");
        return format!("{} {url}", method.to_uppercase());
    }
    text::cut(&request.to_string(), 200, "...")
}

/// What somebody says it came to.
fn say(here: &Here, args: &Settle, step: &str, verdict: &Settlement) -> Result<Exit, CliError> {
    let operation = Operation::Settle {
        run: args.run.clone(),
        step: step.to_owned(),
        verdict: verdict.clone(),
        by: actor(),
    };
    let run = match here.ask(operation)? {
        Answer::Done { run } => run,
        other => return Err(unexpected(&other)),
    };
    let view = match here.ask(Operation::Status { run: run.to_string() })? {
        Answer::Status { view } => view,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        out::json(
            &json!({"type": "settled", "run": run, "step": step, "verdict": verdict, "status": view.status}),
        )?;
    } else {
        out::answer(&format!("{run} {step} settled\n"))?;
    }
    if !view.status.is_end() {
        out::note(&format!("next: {}", here.command(&format!("resume {run}"))));
    }
    Ok(Exit::Done)
}
