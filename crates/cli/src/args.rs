//! The command line: what can be said, and its help.

mod access;
mod batch;
mod documents;
mod import;
mod library;
mod notifications;
mod people;
mod schedule;
mod server;
mod tasks;

use std::path::PathBuf;

pub use access::{
    Audit, Link, Password, PasswordCommand, PasswordRemove, PasswordSet, Token, TokenCommand, TokenCreate,
    TokenList, TokenRevoke,
};
pub use batch::{Batch, OnError, Results, Sweep, Table};
pub use documents::Documents;
pub use import::Import;
pub use library::{Describe, Diff, Export, History, Named, Rename, Save, Show, Workflows};
pub use notifications::{NotificationRetry, Notifications, NotificationsCommand};

pub use people::{
    GroupAdd, GroupCommand, GroupEdit, GroupNamed, Listed, People, PeopleCommand, PeopleHistory, Person,
    PersonAdd, PersonEdit,
};

pub use schedule::{
    Schedule, ScheduleAdd, ScheduleBackfill, ScheduleCommand, ScheduleList, ScheduleNamed, ScheduleNext,
    ScheduleOn, SchedulePause, ScheduleShow,
};
pub use server::{Login, Logout, Whoami};
pub use tasks::{AnswerArgs, Approve, Delegate, Inbox, Skip, Task};

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use stead_core::status::{Outcome, RunStatus};

/// Workflows whose steps are programs and people, and that survive crashes.
#[derive(Debug, Parser)]
#[command(name = "stead", version, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done, 1 the run failed, 2 usage or validation, 3 cancelled, \
4 the run waits, 5 out of time watching, 6 the home or its engine failed, 130 left by Ctrl-C.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What holds for all commands.
    #[command(flatten)]
    pub global: Global,
}

/// What holds for all commands.
#[derive(Debug, Args)]
pub struct Global {
    /// When to colour: `auto` looks at the terminal, NO_COLOR and CLICOLOR_FORCE.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// The home: where runs are kept. Else STEAD_HOME, `.stead` here or above, or the user's data folder.
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub home: Option<PathBuf>,
    /// A server that is asked in the place of a home: `https://stead.example.org`. Else STEAD_SERVER. The token is that of
    /// `stead login`, of STEAD_TOKEN, or of the file that STEAD_TOKEN_FILE names.
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url, conflicts_with = "home")]
    pub server: Option<String>,
    /// Let the token go to the server over plain HTTP, which everybody on the way can read. Else STEAD_PLAIN_HTTP=1.
    #[arg(long, global = true)]
    pub plain_http: bool,
    /// Act as one of the people of this home, which has to be yours and closed to others.
    #[arg(long = "as", global = true, value_name = "NAME")]
    pub identity: Option<String>,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// By the terminal and the environment.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a home and a first workflow in this folder
    Init(Init),
    /// Find everything that is wrong with definitions
    Check(Check),
    /// Make a definition of one that was made for another tool, and say what became of each construct
    Import(Import),
    /// Draw the order of a definition's steps
    Graph(Graph),
    /// Tell more about the code of an error
    Explain(Explain),
    /// Print the JSON Schema of the definition language
    Schema,
    /// Run a workflow and follow it to its end
    Run(Run),
    /// Hold the home, and answer over HTTP until it is told to leave
    Serve(Serve),
    /// Look on as runs go on, wherever they are performed; it touches nothing
    Watch(Watch),
    /// Show in a browser what the server of the home has to show: its routes, or a run
    Open(Open),
    /// Run a workflow once per row of a table, or per combination of values
    Batch(Batch),
    /// Write what became of the rows of a batch, in order
    Results(Results),
    /// Show what a run's documents say, how they stand, and what two versions differ in
    Documents(Documents),
    /// Go on with runs that were left or interrupted
    Resume(Resume),
    /// End a run: what is under way is ended, then the run is cancelled
    Cancel(Cancel),
    /// Show what is known of an attempt whose end is not known, and say what it came to
    Settle(Settle),
    /// Begin nothing new in a run until it is resumed
    Pause(Pause),
    /// Go on with a run that has ended: what failed runs again
    Retry(Retry),
    /// Send a signal to a run that waits for it, or will
    Signal(Signal),
    /// List runs, the newest first
    Runs(Runs),
    /// Show a run: its steps, what it waits for, what to do next
    Status(Status),
    /// Show what the programs of a run printed
    Logs(Logs),
    /// Show who has the places that runs share, and who waits for one
    Limits(Limits),
    /// Turn on what starts runs by itself, at times or by requests; list it, pause it, see what comes next
    Schedule(Schedule),
    /// List the people of this home; add them, say which groups and roles they have
    People(People),
    /// Make, list and revoke tokens: by them programs elsewhere are known to the server
    Token(Token),
    /// Set a password, with which one signs in at a browser, or take it away
    Password(Password),
    /// Make a link to an open task: a page on which one person accepts, rejects or answers without signing in
    Link(Link),
    /// Log in to a server: try a token, and keep it for `--server`
    Login(Login),
    /// Forget the token for a server
    Logout(Logout),
    /// Say who you are, and where
    Whoami(Whoami),
    /// List who did what, and who was refused, the newest first: for admins
    Audit(Audit),
    /// List what was told by the rules in settings.yml, and what could not be; or try one again
    Notifications(Notifications),
    /// Open your inbox at a terminal, list it elsewhere; or show one task with all that is shown
    Inbox(Inbox),
    /// Accept what a gate shows
    Approve(Approve),
    /// Reject what a gate shows, and say why
    Reject(Approve),
    /// Answer the questions of a run
    Answer(AnswerArgs),
    /// Say that you work on a task, so that others leave it alone
    Claim(Task),
    /// Give a task back that you have claimed
    Release(Task),
    /// Say that you will not act on a task
    Skip(Skip),
    /// Give your part in a task to somebody else
    Delegate(Delegate),
    /// Save a definition in the library: as a new workflow, or as the next revision of one
    Save(Save),
    /// List the workflows of the library, or find some by words
    Workflows(Workflows),
    /// Show a workflow of the library: what it takes and gives, how its runs went
    Show(Show),
    /// List what was done to a workflow, the newest first
    History(History),
    /// Show what is different between two revisions, or a revision and a file
    Diff(Diff),
    /// Say something about a workflow, beside its text
    Describe(Describe),
    /// Give a workflow of the library another name
    Rename(Rename),
    /// Delete a workflow of the library; it is kept and can be restored
    Delete(Named),
    /// Take a deleted workflow back
    Restore(Named),
    /// Print a revision as it was written, or write it with the files that it names
    Export(Export),
    /// Print what a shell needs to complete commands, runs, steps and files
    Completions(Completions),
    /// Print the manual, or write all its pages into a folder
    Man(Man),
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The project's folder
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Definitions: files, and workflows by their names
    #[arg(required = true, value_name = "NAME|FILE")]
    pub files: Vec<String>,
    /// How to write the findings
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Print the one definition as it is once templates and aliases are put in: YAML that means the same
    #[arg(long, conflicts_with = "format")]
    pub expand: bool,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// Arguments of `graph`.
#[derive(Debug, Args)]
pub struct Graph {
    /// The definition: a workflow by its name (NAME, NAME@N), or a file
    #[arg(value_name = "NAME|FILE")]
    pub file: String,
    /// How it is drawn
    #[arg(long, value_enum, default_value_t = Drawing::Text)]
    pub format: Drawing,
}

/// How a graph is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Drawing {
    /// A tree, for the terminal.
    Text,
    /// A flowchart of Mermaid.
    Mermaid,
    /// A digraph of Graphviz.
    Dot,
    /// Nodes, edges and groups, as JSON.
    Json,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The code, such as E0104; without it all codes are listed
    pub code: Option<String>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The definition: a workflow by its name (NAME, NAME@N), a file, or - for standard input
    #[arg(value_name = "NAME|FILE")]
    pub file: String,
    /// An input: NAME=TEXT (read by its type), NAME:=JSON, NAME=@FILE (the file's text, or the file itself
    /// for a `file` input); NAME=@@TEXT for a text that begins with @
    #[arg(short, long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Inputs from a JSON or YAML file; `-i` goes before it
    #[arg(long, value_name = "FILE")]
    pub input_file: Option<PathBuf>,
    /// The project that the run belongs to
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub project: String,
    /// Show what would run, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Pause before each step; `stead resume` goes on to the next
    #[arg(long)]
    pub pause_each: bool,
    /// Pause before this step: ids joined by `/`, as in `review/draft`
    #[arg(long, value_name = "STEP")]
    pub pause_at: Vec<String>,
    /// How to follow it.
    #[command(flatten)]
    pub follow: Follow,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen: an address of this machine and a port; port 0 takes a free one. Where other machines reach
    /// it, every request needs a token
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7700")]
    pub listen: String,
    /// The address by which others reach it through a proxy, such as `https://stead.example.org`. Every request then
    /// needs a token
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// What is said on standard error as it happens: `error`, `warn`, `info` (each request), `debug`
    #[arg(long, value_name = "LEVEL", default_value = "warn", value_parser = ["error", "warn", "info", "debug"])]
    pub log: String,
    /// How it is said: lines for people, or JSON, an object per line
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub log_format: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// How a run is followed.
#[derive(Debug, Clone, Args)]
pub struct Follow {
    /// Events as JSON, one per line, on standard output; the last line is the result
    #[arg(long)]
    pub json: bool,
    /// Leave with code 4 as soon as the run waits for a person or a timer (not for a retry)
    #[arg(long)]
    pub no_wait: bool,
    /// Leave with code 5 after this time, such as 90s or 2h; the run can be resumed
    #[arg(long, value_name = "TIME", conflicts_with = "dry_run")]
    pub timeout: Option<String>,
    /// Print only this output: a text as it is, anything else as JSON
    #[arg(short, long, value_name = "NAME", conflicts_with = "json")]
    pub output: Option<String>,
}

/// Arguments of `open`.
#[derive(Debug, Args)]
pub struct Open {
    /// The run; without it the page that lists the routes and tries them
    pub run: Option<String>,
    /// Only print the address
    #[arg(long)]
    pub print: bool,
}

/// Until when runs are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// Until all of them have ended.
    Done,
    /// Until one of them has failed, or all have ended.
    Failed,
    /// Until all of them wait or have ended.
    Waiting,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
#[command(after_help = "Ctrl-C leaves; the runs go on as they would.")]
pub struct Watch {
    /// The runs: as everywhere, or the addresses at which a server shows them. Without any: those that are open, and
    /// those that begin meanwhile
    #[arg(value_name = "RUN", conflicts_with = "workflow")]
    pub runs: Vec<String>,
    /// Only runs of this workflow
    #[arg(long, value_name = "NAME")]
    pub workflow: Option<String>,
    /// When to leave
    #[arg(long, value_enum, default_value_t = Until::Done)]
    pub until: Until,
    /// How long to wait for a run to begin when none is open
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub grace: String,
    /// Leave with code 5 after this time, such as 90s or 2h
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Show only steps that run, wait or failed
    #[arg(long)]
    pub compact: bool,
    /// Events as JSON, one per line, on standard output; the last lines are the results
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// The run: its id or the beginning of it, @last, @last:STATUS, or a workflow's name. Without it all
    /// open runs of the home
    pub run: Option<String>,
    /// Events as JSON, one per line, on standard output; the last line is the result
    #[arg(long)]
    pub json: bool,
    /// Leave with code 4 as soon as the run waits for a person or a timer (not for a retry)
    #[arg(long)]
    pub no_wait: bool,
    /// Leave with code 5 after this time, such as 90s or 2h; the run can be resumed
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Print only this output: a text as it is, anything else as JSON
    #[arg(short, long, value_name = "NAME", conflicts_with = "json", requires = "run")]
    pub output: Option<String>,
}

/// Arguments of `cancel`.
#[derive(Debug, Args)]
pub struct Cancel {
    /// The run
    pub run: String,
    /// Why: kept in the history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// End what undoes the run and its `finally` as well
    #[arg(long)]
    pub force: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `pause`.
#[derive(Debug, Args)]
pub struct Pause {
    /// The run
    pub run: String,
    /// End what is under way as well; it is made again when the run goes on. Steps with `effect: once` end by
    /// themselves
    #[arg(long)]
    pub now: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `retry`.
#[derive(Debug, Args)]
pub struct Retry {
    /// The run: its id or the beginning of it, @last, @last:STATUS, or a workflow's name
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub run: Option<String>,
    /// This step, item or iteration runs again as well, and all that follows from it
    #[arg(long, value_name = "STEP", conflicts_with_all = ["only", "all"])]
    pub from: Option<String>,
    /// This step, item or iteration runs again as well, and nothing else
    #[arg(long, value_name = "STEP", conflicts_with = "all")]
    pub only: Option<String>,
    /// All failed runs of the home, or of `--workflow`
    #[arg(long)]
    pub all: bool,
    /// With `--all`: those of this workflow
    #[arg(long, value_name = "NAME", requires = "all")]
    pub workflow: Option<String>,
    /// Another value of an input: NAME=TEXT, NAME:=JSON or NAME=@FILE, as for `run`
    #[arg(short, long = "input", value_name = "NAME=VALUE", conflicts_with = "all")]
    pub inputs: Vec<String>,
    /// Show what would run again, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How to follow it.
    #[command(flatten)]
    pub follow: Follow,
}

/// Arguments of `settle`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("verdict").requires("step"))]
pub struct Settle {
    /// The run: its id or the beginning of it, @last, @last:STATUS, or a workflow's name
    pub run: String,
    /// Path of the step, as `stead status` shows it; without it all that wait to be settled are shown
    pub step: Option<String>,
    /// It happened. VALUE becomes the step's output: JSON where it is JSON, else text; without it null
    #[arg(long, value_name = "VALUE", num_args = 0..=1, default_missing_value = "null", group = "verdict")]
    pub done: Option<String>,
    /// It did not happen: run it again
    #[arg(long, group = "verdict")]
    pub again: bool,
    /// The step failed
    #[arg(long, group = "verdict")]
    pub failed: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `signal`.
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub struct Signal {
    /// The run: its id or the beginning of it, @last, @last:STATUS, or a workflow's name
    #[arg(required_unless_present = "workflow", conflicts_with = "workflow")]
    pub run: Option<String>,
    /// The signal's name: what the run waits for
    pub name: String,
    /// All open runs of this workflow that are found by --where
    #[arg(long, value_name = "WORKFLOW", requires = "keys")]
    pub workflow: Option<String>,
    /// The value of an input with `index: true`; several: all have to fit
    #[arg(long = "where", value_name = "INPUT=VALUE", value_parser = key, requires = "workflow")]
    pub keys: Vec<(String, String)>,
    /// What comes with it, the output of the wait: JSON where it is JSON, else text
    #[arg(long, value_name = "VALUE", conflicts_with = "data_file")]
    pub data: Option<String>,
    /// The same from a file, which holds JSON; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub data_file: Option<String>,
    /// Only waits of this step instance and inside it take it: a path as `stead status` shows it
    #[arg(long, value_name = "PATH")]
    pub step: Option<String>,
    /// An id of your own: sent again with it, the signal counts once
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

fn key(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as INPUT=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Arguments of `runs`.
#[derive(Debug, Args)]
pub struct Runs {
    /// Only these: pending, running, waiting, paused, completed, failed, cancelled, or open for all that
    /// have not ended
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = statuses)]
    pub status: Vec<Statuses>,
    /// Only runs that ended so: ok, degraded, stopped_early, error, rejected, exhausted, timed_out, cancelled
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',', value_parser = outcome)]
    pub outcome: Vec<Outcome>,
    /// Only runs of this workflow
    #[arg(long, value_name = "NAME")]
    pub workflow: Option<String>,
    /// Only runs of this project; '' for those of none
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Only runs whose input with `index: true` has this value; several: all have to fit
    #[arg(long = "where", value_name = "INPUT=VALUE", value_parser = key)]
    pub keys: Vec<(String, String)>,
    /// Child runs too
    #[arg(long)]
    pub all: bool,
    /// Only the child runs of this run
    #[arg(long, value_name = "RUN", conflicts_with = "all")]
    pub parent: Option<String>,
    /// Only runs that this person or agent has started; an agent of a step: agent:RUN/STEP
    #[arg(long, value_name = "NAME")]
    pub starter: Option<String>,
    /// Only runs created at this time or later: 2h (ago), 2026-03-01, 2026-03-01T12:00 (both local), or an
    /// instant such as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only runs created before this time, written the same
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only runs with this text in id, workflow, project or error, in either case
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Go on behind this run: the next page
    #[arg(long, value_name = "RUN")]
    pub after: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// The statuses behind one word of `--status`.
#[derive(Debug, Clone)]
pub struct Statuses(pub Vec<RunStatus>);

/// Those that have not ended.
pub const OPEN: &[RunStatus] =
    &[RunStatus::Pending, RunStatus::Running, RunStatus::Waiting, RunStatus::Paused];

/// The words of `--status`.
pub const STATUSES: &[&str] =
    &["open", "pending", "running", "waiting", "paused", "completed", "failed", "cancelled"];
/// The words of `--outcome`.
pub const OUTCOMES: &[&str] =
    &["ok", "degraded", "stopped_early", "error", "rejected", "exhausted", "timed_out", "cancelled"];

fn statuses(word: &str) -> Result<Statuses, String> {
    if word == "open" {
        return Ok(Statuses(OPEN.to_vec()));
    }
    let words: Vec<&str> = RunStatus::ALL.iter().map(|status| status.as_str()).collect();
    let status = word.parse().map_err(|()| format!("it is one of open, {}", words.join(", ")))?;
    Ok(Statuses(vec![status]))
}

fn outcome(word: &str) -> Result<Outcome, String> {
    let words: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
    word.parse().map_err(|()| format!("it is one of {}", words.join(", ")))
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// The run: its id or the beginning of it, @last, @last:STATUS, or a workflow's name
    pub run: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// One line; without a run the numbers of running, waiting and failed ones, for prompts
    #[arg(long, conflicts_with = "json")]
    pub short: bool,
}

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// The run, and a step of it behind a slash
    #[arg(value_name = "RUN[/STEP]")]
    pub run: Option<String>,
    /// Go on with what is printed from now on, until the run ends
    #[arg(short, long)]
    pub follow: bool,
    /// Only this step and what is inside it
    #[arg(long, value_name = "PATH")]
    pub step: Option<String>,
    /// Only this try
    #[arg(long, value_name = "N")]
    pub attempt: Option<u32>,
    /// Only lines that match this regular expression
    #[arg(long, value_name = "RE")]
    pub grep: Option<String>,
    /// Only steps that failed: the default for a failed run
    #[arg(long, conflicts_with = "all")]
    pub failed: bool,
    /// All steps, of a failed run too
    #[arg(long)]
    pub all: bool,
    /// The time before each line
    #[arg(long, short = 't')]
    pub timestamps: bool,
    /// One JSON object per line
    #[arg(long, conflicts_with = "raw")]
    pub json: bool,
    /// The bytes as they were printed
    #[arg(long, conflicts_with_all = ["grep", "timestamps"])]
    pub raw: bool,
    /// Only the last so many lines
    #[arg(short = 'n', long = "lines", value_name = "N")]
    pub lines: Option<usize>,
    /// Only lines printed at this time or later: 10m (ago), 2026-03-01, 2026-03-01T12:00 (both local), or an instant
    /// such as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only lines printed before this time, written the same
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// Arguments of `limits`.
#[derive(Debug, Args)]
pub struct Limits {
    /// Only the places for this key, each with who has it or waits for it
    pub key: Option<String>,
    /// Only those of this project; '' for runs of none
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Take the place back from this run, which cannot go on and so cannot give it back; the next one gets it
    #[arg(long, value_name = "RUN", requires = "key")]
    pub free: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "For bash: stead completions bash > ~/.local/share/bash-completion/completions/stead
For zsh, in ~/.zshrc: source <(stead completions zsh)
For fish: stead completions fish > ~/.config/fish/completions/stead.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Shells that can be told how to complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "their names")]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Elvish => "elvish",
            Shell::Fish => "fish",
            Shell::Powershell => "powershell",
            Shell::Zsh => "zsh",
        }
    }
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = "To read it: stead man | man -l -
To install it: stead man ~/.local/share/man/man1")]
pub struct Man {
    /// Where the pages are written: stead.1 and one for each command
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
}

impl Command {
    /// Whether the answer, and so an error too, is to be JSON.
    pub fn json(&self) -> bool {
        match self {
            Command::Run(args) => args.follow.json,
            Command::Batch(args) => args.json,
            Command::Serve(args) => args.json,
            Command::Watch(args) => args.json,
            Command::Resume(args) => args.json,
            Command::Cancel(args) => args.json,
            Command::Settle(args) => args.json,
            Command::Pause(args) => args.json,
            Command::Retry(args) => args.follow.json,
            Command::Signal(args) => args.json,
            Command::Runs(args) => args.json,
            Command::Status(args) => args.json,
            Command::Logs(args) => args.json,
            Command::Limits(args) => args.json,
            Command::Schedule(args) => args.json(),
            Command::Documents(args) => args.json,
            Command::People(args) => args.json(),
            Command::Audit(args) => args.json,
            Command::Login(args) => args.json,
            Command::Logout(args) => args.json,
            Command::Whoami(args) => args.json,
            Command::Link(args) => args.json,
            Command::Password(args) => match &args.command {
                PasswordCommand::Set(args) => args.json,
                PasswordCommand::Remove(args) => args.json,
            },
            Command::Notifications(args) => match &args.command {
                Some(NotificationsCommand::Retry(args)) => args.json,
                None => args.json,
            },
            Command::Token(args) => match &args.command {
                TokenCommand::Create(args) => args.json,
                TokenCommand::List(args) => args.json,
                TokenCommand::Revoke(args) => args.json,
            },
            Command::Inbox(args) => args.json,
            Command::Approve(args) | Command::Reject(args) => args.json,
            Command::Answer(args) => args.json,
            Command::Claim(args) | Command::Release(args) => args.json,
            Command::Skip(args) => args.json,
            Command::Delegate(args) => args.json,
            Command::Check(args) => args.format == Format::Json,
            Command::Import(args) => args.json,
            Command::Save(args) => args.json,
            Command::Workflows(args) => args.json,
            Command::Show(args) => args.json,
            Command::History(args) => args.json,
            Command::Diff(args) => args.json,
            Command::Describe(args) => args.json,
            Command::Rename(args) => args.json,
            Command::Delete(args) | Command::Restore(args) => args.json,
            Command::Export(args) => args.json,
            Command::Init(_)
            | Command::Open(_)
            | Command::Graph(_)
            | Command::Results(_)
            | Command::Explain(_)
            | Command::Schema
            | Command::Completions(_)
            | Command::Man(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn words_that_are_offered_are_those_that_are_taken() {
        let statuses = ["open"].into_iter().chain(super::RunStatus::ALL.iter().map(|status| status.as_str()));
        assert_eq!(super::STATUSES, statuses.collect::<Vec<_>>());
        let outcomes: Vec<&str> = super::Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
        assert_eq!(super::OUTCOMES, outcomes);
    }

    #[test]
    fn the_command_line_holds_together() {
        super::Cli::command().debug_assert();
    }
}
