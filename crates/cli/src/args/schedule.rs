//! What can be said about what starts runs by itself.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use stead_lang::plan::{Missed, Overlap};

/// Arguments of `schedule`.
#[derive(Debug, Args)]
#[command(
    after_help = "A schedule starts runs while an engine holds the home: `stead serve` is one that stays. \
What fell due meanwhile is settled when one comes, as `missed` says."
)]
pub struct Schedule {
    /// What to do.
    #[command(subcommand)]
    pub command: ScheduleCommand,
}

/// The commands of `schedule`.
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// Turn on what a workflow declares under `triggers`; its runs are started in your name
    On(ScheduleOn),
    /// Turn on times that no definition declares
    Add(Box<ScheduleAdd>),
    /// List the schedules that are on: rule, next times, last result
    List(ScheduleList),
    /// Show one: its next times, changes of the clock among them, and what it did
    Show(ScheduleShow),
    /// Start nothing until it is resumed, or until a time
    Pause(SchedulePause),
    /// Go on with one that is paused; what came meanwhile does not count
    Resume(ScheduleNamed),
    /// Leave its next time out
    Skip(ScheduleNamed),
    /// Start a run now, beside the rule
    Run(ScheduleNamed),
    /// Start what was due in a time that has passed, one after the other
    Backfill(ScheduleBackfill),
    /// Turn it off; runs under way go on
    Off(ScheduleNamed),
    /// Print the next times of a rule
    Next(ScheduleNext),
}

/// Arguments of `schedule on`.
#[derive(Debug, Args)]
pub struct ScheduleOn {
    /// The workflow: NAME, NAME@N, or a file
    #[arg(value_name = "NAME|FILE")]
    pub file: String,
    /// Only the trigger that is called so
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// The project that its runs belong to
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub project: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `schedule add`.
#[derive(Debug, Args)]
pub struct ScheduleAdd {
    /// The workflow: NAME, NAME@N, or a file
    #[arg(value_name = "NAME|FILE")]
    pub file: String,
    /// The times: MINUTE HOUR DAY MONTH WEEKDAY, or @hourly, @daily, @weekly, @monthly, @yearly
    #[arg(long, value_name = "RULE")]
    pub cron: String,
    /// The time zone whose clocks count
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub tz: String,
    /// What the schedule is called; without it as the workflow
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// At a time when a run before is under way: leave it out, let it wait, or cancel that run
    #[arg(long, value_name = "WHAT", default_value = "skip")]
    pub overlap: OverlapWord,
    /// Of times that passed while no engine ran: none counts, the newest, or all
    #[arg(long, value_name = "WHAT", default_value = "latest")]
    pub missed: MissedWord,
    /// Over how long the starts are spread, such as 5m
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub jitter: String,
    /// An input of its runs, as `stead run` takes it
    #[arg(short, long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Inputs from a JSON or YAML file; `-i` goes before it
    #[arg(long, value_name = "FILE")]
    pub input_file: Option<PathBuf>,
    /// The project that its runs belong to
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub project: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// The words of `--overlap`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum OverlapWord {
    /// Leave it out.
    Skip,
    /// Let it wait.
    Queue,
    /// Cancel the run.
    Cancel,
}

impl From<OverlapWord> for Overlap {
    fn from(word: OverlapWord) -> Self {
        match word {
            OverlapWord::Skip => Overlap::Skip,
            OverlapWord::Queue => Overlap::Queue,
            OverlapWord::Cancel => Overlap::Cancel,
        }
    }
}

/// The words of `--missed`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum MissedWord {
    /// None counts.
    None,
    /// The newest.
    Latest,
    /// All.
    All,
}

impl From<MissedWord> for Missed {
    fn from(word: MissedWord) -> Self {
        match word {
            MissedWord::None => Missed::None,
            MissedWord::Latest => Missed::Latest,
            MissedWord::All => Missed::All,
        }
    }
}

/// Arguments of `schedule list`.
#[derive(Debug, Args)]
pub struct ScheduleList {
    /// Only those of this project; '' for those of none
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `schedule show`.
#[derive(Debug, Args)]
pub struct ScheduleShow {
    /// The schedule
    #[arg(value_name = "SCHEDULE")]
    pub schedule: String,
    /// How many of its next times
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub count: usize,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of commands that name a schedule and nothing more.
#[derive(Debug, Args)]
pub struct ScheduleNamed {
    /// The schedule
    #[arg(value_name = "SCHEDULE")]
    pub schedule: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `schedule pause`.
#[derive(Debug, Args)]
pub struct SchedulePause {
    /// The schedule
    #[arg(value_name = "SCHEDULE")]
    pub schedule: String,
    /// Until then: 2h (from now), or 2027-03-28, 2027-03-28T06:00 by its clock, or an instant such as 2027-03-28T06:00:00Z
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `schedule backfill`.
#[derive(Debug, Args)]
pub struct ScheduleBackfill {
    /// The schedule
    #[arg(value_name = "SCHEDULE")]
    pub schedule: String,
    /// From then on: 2d (ago), 2027-03-01 by its clock, or an instant such as 2027-03-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// To before then, written the same
    #[arg(long, value_name = "TIME")]
    pub to: String,
    /// Say how many runs that are, and start none
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask whether this is meant
    #[arg(short, long)]
    pub yes: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `schedule next`.
#[derive(Debug, Args)]
pub struct ScheduleNext {
    /// The rule: "0 2 * * *"
    #[arg(value_name = "RULE")]
    pub cron: String,
    /// The time zone whose clocks count
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub tz: String,
    /// How many times
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub count: usize,
    /// Behind then instead of now: 2027-03-28 by that clock, or an instant
    #[arg(long, value_name = "TIME")]
    pub after: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

impl Schedule {
    /// Whether the answer is for programs.
    pub(super) fn json(&self) -> bool {
        match &self.command {
            ScheduleCommand::On(args) => args.json,
            ScheduleCommand::Add(args) => args.json,
            ScheduleCommand::List(args) => args.json,
            ScheduleCommand::Show(args) => args.json,
            ScheduleCommand::Pause(args) => args.json,
            ScheduleCommand::Resume(args)
            | ScheduleCommand::Skip(args)
            | ScheduleCommand::Run(args)
            | ScheduleCommand::Off(args) => args.json,
            ScheduleCommand::Backfill(args) => args.json,
            ScheduleCommand::Next(args) => args.json,
        }
    }
}
