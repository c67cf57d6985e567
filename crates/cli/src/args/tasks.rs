//! What can be said about what people are asked.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Arguments of `inbox`.
#[derive(Debug, Args)]
#[command(after_help = crate::inbox::bindings::help())]
pub struct Inbox {
    /// Show this one: its id, RUN/STEP, or a run that asks for one thing only. Without it the inbox is opened, or listed
    pub task: Option<String>,
    /// What anybody is asked, not only you
    #[arg(long, conflicts_with = "task")]
    pub all: bool,
    /// What is over, and you had a part in; the newest first
    #[arg(long, conflicts_with = "task")]
    pub done: bool,
    /// Only what this run asks, and the runs that it has started
    #[arg(long, value_name = "RUN", conflicts_with = "task")]
    pub run: Option<String>,
    /// At most so many; 0: all. Without it 50
    #[arg(long, value_name = "N", conflicts_with = "task")]
    pub limit: Option<usize>,
    /// Only those that come after this one
    #[arg(long, value_name = "TASK", conflicts_with = "task")]
    pub after: Option<String>,
    /// The plain list at a terminal, too, instead of the whole screen
    #[arg(long, conflicts_with = "task")]
    pub plain: bool,
    /// JSON: an object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `approve`.
#[derive(Debug, Args)]
pub struct Approve {
    /// What is decided on: its id, RUN/STEP, or a run that asks for one thing only
    pub task: String,
    /// Why, in your words
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    /// What the form asks for: NAME=VALUE, NAME=@FILE, or NAME:=JSON
    #[arg(short, long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Do not ask whether this is meant
    #[arg(short, long)]
    pub yes: bool,
    /// Only what was looked at: its version, as `stead inbox TASK --json` names it
    #[arg(long, value_name = "HASH")]
    pub seen: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `answer`.
#[derive(Debug, Args)]
pub struct AnswerArgs {
    /// Whose questions: the task's id, RUN/STEP, or a run that asks for one thing only
    pub task: String,
    /// An answer: ID=VALUE, ID=@FILE, or ID:=JSON. At a terminal those that are missing are asked for
    #[arg(short, long = "input", value_name = "ID=VALUE")]
    pub inputs: Vec<String>,
    /// A file with all answers: a JSON object, - for standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input_file: Option<PathBuf>,
    /// Anything beside
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Keep it as a draft, for you only, and hand nothing in; what the draft has already stays
    #[arg(long, conflicts_with_all = ["seen", "forget"])]
    pub draft: bool,
    /// Throw your draft of it away, and hand nothing in
    #[arg(long, conflicts_with_all = ["inputs", "input_file", "message", "seen"])]
    pub forget: bool,
    /// Only what was looked at: its version
    #[arg(long, value_name = "HASH")]
    pub seen: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `claim` and `release`.
#[derive(Debug, Args)]
pub struct Task {
    /// The task: its id, RUN/STEP, or a run that asks for one thing only
    pub task: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `skip`.
#[derive(Debug, Args)]
pub struct Skip {
    /// The task: its id, RUN/STEP, or a run that asks for one thing only
    pub task: String,
    /// Why
    #[arg(short, long, value_name = "TEXT")]
    pub message: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `delegate`.
#[derive(Debug, Args)]
pub struct Delegate {
    /// The task: its id, RUN/STEP, or a run that asks for one thing only
    pub task: String,
    /// Whom it is given to
    #[arg(value_name = "NAME")]
    pub person: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}
