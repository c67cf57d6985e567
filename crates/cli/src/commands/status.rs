//! `stead status`: a run, its steps, what it waits for and what to do next.

use serde_json::Value;
use std::fmt::Write as _;
use stead_core::run::View;
use stead_core::status::RunStatus;
use stead_engine::operations::{Answer, Operation, RunQuery};
use stead_platform::terminal;

use crate::args::{OPEN, Status};
use crate::error::CliError;
use crate::exit::Exit;
use crate::face::{Face, State};
use crate::follow::show::why;
use crate::here::{Here, next_commands, unexpected};
use crate::out;
use crate::text;
use crate::tree::{self, Indent};

/// Shows a run.
///
/// # Errors
/// When there is no such run, or none is named and nobody can see which was taken.
pub fn status(here: &Here, args: &Status) -> Result<Exit, CliError> {
    if args.short && args.run.is_none() {
        return counts(here);
    }
    let run = here.which(args.run.as_deref())?;
    let view = match here.ask(Operation::Status { run })? {
        Answer::Status { view } => *view,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        out::pretty(&view)?;
        return Ok(Exit::Done);
    }
    let now = text::now();
    if args.short {
        let progress = tree::progress(&view);
        let line =
            tree::title(&view, now, here.out).plain(&format!("  {}/{}", progress.done, progress.total));
        out::answer(&format!("{}\n", line.whole(here.out)))?;
        return Ok(Exit::Done);
    }
    out::answer(&full(here, &view, now))?;
    here.say_troubles(Some(view.run.as_str()));
    Ok(Exit::Done)
}

/// Numbers for a prompt: running, waiting, failed.
fn counts(here: &Here) -> Result<Exit, CliError> {
    let open = here.runs(RunQuery { status: OPEN.to_vec(), ..RunQuery::default() })?;
    let failed = here.runs(RunQuery { status: vec![RunStatus::Failed], ..RunQuery::default() })?;
    let running = open.iter().filter(|row| row.head.status == RunStatus::Running).count();
    let counts =
        [(State::Running, running), (State::Waiting, open.len() - running), (State::Failed, failed.len())];
    let part = |(state, n): (State, usize)| {
        here.out.paint(state.ink(), &format!("{}{n}", state.sign(here.out))).into_owned()
    };
    out::answer(&format!("{}\n", counts.map(part).join(" ")))?;
    Ok(Exit::Done)
}

/// Signals that no wait has taken.
fn signals(out: &mut String, view: &View, now: i64, face: Face) {
    if view.signals_kept == 0 {
        return;
    }
    let _ = writeln!(out, "signals that no wait has taken: {}", view.signals_kept);
    for signal in &view.signals {
        let step = signal.step.as_deref().map(|step| format!("  for {}", text::clean(step)));
        let (name, by) = (text::clean(&signal.name), text::clean(&signal.by));
        let line = format!("  {name}{}  by {by}  {}", step.unwrap_or_default(), text::moment(signal.at, now));
        let _ = writeln!(out, "{line}");
    }
    if view.signals_kept > view.signals.len() as u64 {
        let _ = writeln!(out, "  {}", face.ellipsis());
    }
}

/// A run with all its steps.
fn full(here: &Here, view: &View, now: i64) -> String {
    let face = here.out;
    let columns = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
    let fit = |line: crate::line::Line| match columns {
        Some(size) => line.render(usize::from(size.columns), face),
        None => line.whole(face),
    };
    let mut lines = vec![fit(tree::title(view, now, face))];
    let rows = tree::rows(view, now, face, &|_| None);
    let width = tree::label_columns(rows.iter(), Indent::Branches);
    lines.extend(rows.iter().map(|row| fit(tree::line(row, &row.label, &Indent::Branches, width, face))));
    let mut out = lines.join("\n");
    out.push('\n');
    if let Some(error) = &view.error {
        out.push_str(&why(view, error, face));
    }
    if let Some(Value::Object(outputs)) = &view.outputs
        && !outputs.is_empty()
    {
        out.push_str("outputs\n");
        for (name, value) in outputs {
            let value = text::clean(&value.to_string());
            let _ = writeln!(out, "  {name}  {}", text::cut(&value, 200, face.ellipsis()));
        }
    }
    if let Some(budget) = &view.budget {
        let _ = writeln!(out, "budget  {}", tree::budget_text(budget));
    }
    signals(&mut out, view, now, face);
    if let Some(parent) = &view.parent {
        let _ = writeln!(out, "started by {parent}");
    }
    // What was just asked is no news; what the programs printed is.
    let asked = here.command(&format!("status {}", view.run));
    let mut next: Vec<String> = next_commands(here, view).into_iter().filter(|next| *next != asked).collect();
    if next.is_empty() {
        next.push(here.command(&format!("logs {}", view.run)));
    }
    let _ = writeln!(out, "next: {}", next.join(face.sign(" · ", "; ")));
    out
}
