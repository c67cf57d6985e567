//! Where a command works: folder, home, outputs; and how it speaks to Stead there.

use std::path::{Path, PathBuf};

use stead_core::run::View;
use stead_core::status::RunStatus;
use stead_engine::engine::{Patience, Waiting, ask_home_as};
use stead_engine::error::EngineError;
use stead_engine::home::Home;
use stead_engine::limits;
use stead_engine::operations::{Answer, Operation, RunQuery, RunRow};
use stead_engine::people::Caller;
use stead_engine::remote::Remote;
use stead_platform::terminal;

use crate::args::{Global, OPEN};
use crate::error::{CliError, codes};
use crate::face::Face;
use crate::out;
use crate::place::{self, Place};
use crate::text;
use crate::tree;

/// Where a command works.
#[derive(Debug, Clone)]
pub struct Here {
    /// The working folder.
    pub folder: PathBuf,
    /// Where operations are performed.
    pub place: Place,
    /// The home of this machine: a project's folder is found by it.
    home: Home,
    /// What standard output can show.
    pub out: Face,
    /// What standard error can show.
    pub err: Face,
    /// Who asks.
    pub caller: Caller,
    /// Home or server as it was given on the command line: hints repeat it.
    given: Vec<String>,
}

impl Here {
    /// Finds it out.
    ///
    /// # Errors
    /// When the working folder is gone, or the address or token of a server cannot be used.
    pub fn new(global: &Global) -> Result<Self, CliError> {
        Self::at(global, place::find)
    }

    /// Finds it out for a command that is about files here, and asks no server.
    ///
    /// # Errors
    /// When the working folder is gone.
    pub fn of_files(global: &Global) -> Result<Self, CliError> {
        Self::at(global, |folder, global| Ok(Place::Home(place::home(folder, global))))
    }

    fn at(
        global: &Global,
        place: impl FnOnce(&Path, &Global) -> Result<Place, CliError>,
    ) -> Result<Self, CliError> {
        let folder = std::env::current_dir();
        let folder =
            folder.map_err(|e| CliError::machine(format!("the working folder cannot be used: {e}")))?;
        let (place, home) = (place(&folder, global)?, place::home(&folder, global));
        let (out, err) = (Face::stdout(global.color), Face::stderr(global.color));
        let caller = Caller::here(global.identity.clone());
        let word = |flag: &str, value: String| vec![flag.to_owned(), text::shell_word(&value)];
        let given = match (&global.home, &global.server) {
            (Some(home), _) => word("--home", home.display().to_string()),
            (None, Some(server)) => word("--server", server.clone()),
            (None, None) => Vec::new(),
        };
        Ok(Self { folder, place, home, out, err, caller, given })
    }

    /// The folder that steps of runs started here are relative to.
    pub fn project(&self) -> PathBuf {
        self.home.project_of(&self.folder)
    }

    /// The home, where operations are performed on this machine. `what` is what takes it.
    ///
    /// # Errors
    /// When a server performs them.
    pub fn home(&self, what: &str) -> Result<&Home, CliError> {
        match &self.place {
            Place::Home(home) => Ok(home),
            Place::Server(_) => Err(CliError::usage(
                codes::ELSEWHERE,
                format!("{what} is not possible at a server elsewhere"),
            )),
        }
    }

    /// The server that performs operations, where one does.
    pub fn server(&self) -> Option<&Remote> {
        match &self.place {
            Place::Home(_) => None,
            Place::Server(server) => Some(server),
        }
    }

    /// Performs an operation where they are performed.
    ///
    /// # Errors
    /// As the operation says.
    pub fn perform(&self, operation: Operation, patience: &mut Patience<'_>) -> Result<Answer, EngineError> {
        match &self.place {
            Place::Home(home) => ask_home_as(home, &self.caller, operation, patience),
            Place::Server(server) => server.perform(operation, patience),
        }
    }

    /// A command of ours that works here, to be run as it is printed.
    pub fn command(&self, words: &str) -> String {
        match self.given.as_slice() {
            [] => format!("stead {words}"),
            given => format!("stead {} {words}", given.join(" ")),
        }
    }

    /// Asks Stead, without an engine of our own.
    ///
    /// # Errors
    /// As the operation says.
    pub fn ask(&self, operation: Operation) -> Result<Answer, CliError> {
        self.ask_home(operation).map_err(|error| self.explained(error))
    }

    /// A run at this moment.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn view(&self, run: &str) -> Result<View, CliError> {
        match self.ask(Operation::Status { run: run.to_owned() })? {
            Answer::Status { view } => Ok(*view),
            other => Err(unexpected(&other)),
        }
    }

    /// [`ask`](Self::ask), with the error as it is.
    ///
    /// # Errors
    /// As the operation says.
    pub fn ask_home(&self, operation: Operation) -> Result<Answer, EngineError> {
        let mut told = false;
        let mut patience = |waiting: &Waiting<'_>| {
            if waiting.time >= limits::SILENCE && !std::mem::replace(&mut told, true) {
                out::note(&match &self.place {
                    Place::Home(_) => no_answer(waiting),
                    Place::Server(server) => format!("the server {} does not answer", server.origin()),
                });
            }
            waiting.time < limits::ANSWER_PATIENCE
        };
        self.perform(operation, &mut patience)
    }

    /// An error of the engine, with what helps in this version.
    pub fn explained(&self, error: impl Into<CliError>) -> CliError {
        let error = error.into();
        if self.server().is_some() {
            return error;
        }
        if error.code.starts_with("S06") {
            return error
                .hint(
                    "Ctrl-C where an engine runs leaves its runs so that they can go on; twice cancels them",
                )
                .hint("another home runs beside it: `--home DIR`");
        }
        if error.code == "R0201" && !self.home.database().exists() {
            return error
                .hint(format!("the home is {}; another one: `--home DIR`", self.home.root().display()));
        }
        error
    }

    /// Runs of the home.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn runs(&self, query: RunQuery) -> Result<Vec<RunRow>, CliError> {
        match self.ask(Operation::Runs { query })? {
            Answer::Runs { runs } => Ok(runs),
            other => Err(unexpected(&other)),
        }
    }

    /// The run that is meant. Where none is named: at a terminal the newest open one, else the newest;
    /// a script has to say which.
    ///
    /// # Errors
    /// When there is none, or nobody can see which was taken.
    pub fn which(&self, run: Option<&str>) -> Result<String, CliError> {
        if let Some(run) = run {
            return Ok(run.to_owned());
        }
        if terminal::stdin_is_terminal() {
            for status in [OPEN.to_vec(), Vec::new()] {
                let query = RunQuery { status, limit: 1, ..RunQuery::default() };
                if let Some(found) = self.runs(query)?.pop() {
                    return Ok(found.run.to_string());
                }
            }
            let error = CliError::usage(codes::NOTHING, "there are no runs yet");
            return Err(error.hint(self.command("run FILE")));
        }
        let mut error = CliError::usage(codes::NO_RUN_NAMED, "no run was named");
        let latest = self.runs(RunQuery { limit: 5, ..RunQuery::default() })?;
        if latest.is_empty() {
            error = error.detail("this home has no runs");
        }
        for row in latest {
            let what = tree::outcome_word(row.head.status, row.head.outcome);
            let began = text::moment(row.head.created_at, text::now());
            error = error.detail(format!("{}  {}  {what}  {began}", row.run, row.head.workflow));
        }
        Err(error.hint("name one: its id or the beginning of it, @last, @last:failed, or a workflow's name"))
    }

    /// Says what an engine of this home is in trouble with: with this run, or with its store.
    pub fn say_troubles(&self, run: Option<&str>) {
        // Whoever asked has the answer; what concerns the engine is said if it can be had.
        let Ok(Answer::Engine { engine: Some(now) }) = self.ask(Operation::Engine) else { return };
        if let Some(trouble) = now.store {
            let since = text::moment(trouble.since, text::now());
            out::note(&format!(
                "nothing can be written since {since}: {}; it is tried again by itself",
                trouble.why
            ));
            if let Some(help) = trouble.help {
                out::note(&format!("help: {help}"));
            }
        }
        for trouble in now.troubles.iter().filter(|trouble| run == Some(trouble.run.as_str())) {
            out::note(&format!("run {} cannot go on: {}", trouble.run, trouble.why));
        }
    }

    /// Says which run was taken, where the command line did not.
    pub fn say_which(&self, named: Option<&str>, run: &str) {
        if named.is_none() {
            out::note(&format!("{run} (the newest)"));
        }
    }
}

/// What is said when whoever holds the home is waited for.
pub fn no_answer(waiting: &Waiting<'_>) -> String {
    match waiting.holder {
        Some(holder) => format!(
            "the engine of this home (process {}: {}) does not answer",
            holder.pid,
            text::cut(&text::clean(&holder.command), 60, "...")
        ),
        None => "this home is held by another process, which does not answer".to_owned(),
    }
}

/// Who acts, in a home to which nobody was added: as it is kept in the history. Else the people of the home say who it
/// is.
pub fn actor() -> String {
    let name =
        ["USER", "LOGNAME"].into_iter().find_map(|var| std::env::var(var).ok().filter(|v| !v.is_empty()));
    let name = name.or_else(|| stead_platform::users::name_of(stead_platform::peer::own_user()));
    format!("user:{}", name.as_deref().unwrap_or("unknown"))
}

/// Commands to go on with, for a run in this state.
pub fn next_commands(here: &Here, view: &View) -> Vec<String> {
    let run = &view.run;
    let mut next = Vec::new();
    for waits in view.waits_for.iter().filter(|waits| waits.kind == "settle").take(3) {
        let step = text::shell_word(&waits.path);
        next.push(here.command(&format!("settle {run} {step}")));
    }
    for waits in view.waits_for.iter().filter(|waits| waits.kind == "person").take(3) {
        let task = text::shell_word(&format!("{run}/{}", waits.path));
        next.push(here.command(&format!("inbox {task}")));
    }
    for waits in view.waits_for.iter().filter(|waits| waits.kind == "signal").take(3) {
        let name = text::shell_word(waits.detail.as_deref().unwrap_or_default());
        next.push(here.command(&format!("signal {run} {name} --data VALUE")));
    }
    if is_batch(view) {
        next.push(here.command(&format!("results {run}")));
    }
    match view.status {
        RunStatus::Completed => next.push(here.command(&format!("status {run}"))),
        RunStatus::Failed => {
            next.push(here.command(&format!("logs {run}")));
            next.push(here.command(&format!("status {run}")));
        }
        RunStatus::Cancelled => next.push(here.command(&format!("status {run}"))),
        _ => {
            // A server goes on by itself with what is not paused.
            let on =
                if here.server().is_some() && view.status != RunStatus::Paused { "watch" } else { "resume" };
            next.push(here.command(&format!("{on} {run}")));
            next.push(here.command(&format!("cancel {run}")));
        }
    }
    next
}

/// Whether a run has items of which each is a row.
fn is_batch(view: &View) -> bool {
    view.steps.iter().any(|step| step.items.is_some_and(|items| items.failed.is_some()))
}

/// An answer that does not belong to what was asked.
pub fn unexpected(answer: &Answer) -> CliError {
    CliError::machine(format!("this is a bug in Stead: an answer of the wrong kind came: {answer:?}"))
}
