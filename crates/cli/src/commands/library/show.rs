//! `stead show`: a workflow of the library.

use std::fmt::Write as _;

use stead_engine::library::{Contents, LibraryAnswer, LibraryOperation, WorkflowRow};
use stead_store::library::Revision;

use super::{ask, list, named, strange};
use crate::args::Show;
use crate::error::CliError;
use crate::exit::Exit;
use crate::face::Ink;
use crate::here::Here;
use crate::out;
use crate::text;

/// Shows a revision of a workflow, and what is known of the workflow.
///
/// # Errors
/// When there is none, or the store cannot be read.
pub fn show(here: &Here, args: &Show) -> Result<Exit, CliError> {
    let (name, number) = named(&args.saved)?;
    let answer = ask(here, LibraryOperation::Show { name, number })?;
    if args.json {
        out::pretty(&answer)?;
        return Ok(Exit::Done);
    }
    let LibraryAnswer::Shown { row, revision, contents, callers, took } = answer else {
        return Err(strange(answer));
    };
    let mut lines = Lines { text: String::new(), here };
    lines.head(&row, &revision);
    if let Some(contents) = &contents {
        lines.contents(contents);
    }
    lines.runs(&row, took);
    lines.line("called by", &callers.join(" "));
    out::answer(&lines.text)?;
    if row.workflow.deleted_at.is_some() {
        out::note(&format!("next: {}", here.command(&format!("restore {}", row.workflow.name))));
    } else {
        let name = match revision.number == row.workflow.newest {
            true => row.workflow.name.clone(),
            false => format!("{}@{}", row.workflow.name, revision.number),
        };
        let next = ["run", "export", "history"]
            .map(|command| match command {
                "history" => here.command(&format!("history {}", row.workflow.name)),
                command => here.command(&format!("{command} {name}")),
            })
            .join(" · ");
        out::note(&format!("next: {next}"));
    }
    Ok(Exit::Done)
}

struct Lines<'h> {
    text: String,
    here: &'h Here,
}

impl Lines<'_> {
    /// A line with its word before it; none where there is nothing to say.
    fn line(&mut self, word: &str, said: &str) {
        if !said.is_empty() {
            let word = self.here.out.paint(Ink::Dim, &format!("{word:<11}")).into_owned();
            let _ = writeln!(self.text, "{word}{}", text::clean(said));
        }
    }

    fn head(&mut self, row: &WorkflowRow, revision: &Revision) {
        let now = text::now();
        let workflow = &row.workflow;
        let title = format!("{}@{}", workflow.name, revision.number);
        let title = self.here.out.paint(Ink::Bold, &title).into_owned();
        let newest = match revision.number == workflow.newest {
            true => String::new(),
            false => format!("  (the newest is {}@{})", workflow.name, workflow.newest),
        };
        let draft = if revision.draft { "  draft" } else { "" };
        let _ = writeln!(self.text, "{title}{draft}{newest}");
        for line in workflow.description.lines() {
            let _ = writeln!(self.text, "{}", text::clean(line));
        }
        self.line("labels", &workflow.labels.join(" "));
        let message =
            if revision.message.is_empty() { String::new() } else { format!(": {}", revision.message) };
        self.line("saved", &format!("{} by {}{message}", text::moment(revision.at, now), revision.by));
        let created = format!("{} by {}", text::moment(workflow.created_at, now), workflow.created_by);
        self.line("created", &created);
        if let (Some(at), Some(by)) = (workflow.deleted_at, &workflow.deleted_by) {
            self.line("deleted", &format!("{} by {by}", text::moment(at, now)));
        }
        self.line("revision", &revision.revision);
    }

    fn contents(&mut self, contents: &Contents) {
        for (at, input) in contents.inputs.iter().enumerate() {
            let default = input.default.as_ref().map_or_else(String::new, |value| format!(" = {value}"));
            let said =
                if input.description.is_empty() { String::new() } else { format!("  {}", input.description) };
            let word = if at == 0 { "inputs" } else { "" };
            self.line(word, &format!("{}: {}{default}{said}", input.name, input.kind));
        }
        self.line("outputs", &contents.outputs.join(" "));
        self.line("secrets", &contents.secrets.join(" "));
        self.line("steps", &contents.steps.join(" "));
        self.line("calls", &contents.calls.join(" "));
        self.line("files", &contents.files.join(" "));
    }

    fn runs(&mut self, row: &WorkflowRow, took: Option<[i64; 3]>) {
        let Some(newest) = &row.last else { return };
        let now = text::now();
        let (_, how) = list::last(row, self.here);
        let runs = text::count(usize::try_from(row.runs).unwrap_or(usize::MAX), "run");
        self.line(
            "runs",
            &format!("{runs}, the last {} {how} {}", newest.run, text::moment(newest.created_at, now)),
        );
        if let Some([shortest, median, longest]) = took {
            let [shortest, median, longest] = [shortest, median, longest].map(text::duration);
            self.line("took", &format!("{median} in the median, {shortest} to {longest}"));
        }
    }
}
