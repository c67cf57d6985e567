//! Arguments of `batch` and `results`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// Arguments of `batch`.
#[derive(Debug, Args)]
#[command(after_help = "\
A CSV names its columns in the first row; `.jsonl` has a map per line, `.json` a list of maps. A value that does not
fit its input fails its row, not the batch.
  stead batch label --items texts.csv --parallel 8 --on-error continue -o labels.csv
  stead batch beam --sweep product -i span=4:8:0.5 -i steel=S235,S355 -i load=12")]
pub struct Batch {
    /// The workflow to run once per row: by its name (NAME, NAME@N), a file, or - for standard input
    #[arg(value_name = "NAME|FILE")]
    pub file: String,
    /// The table: a row per run, a column per input. CSV, JSON lines or a JSON list; - for standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "sweep")]
    pub items: Option<String>,
    /// Run combinations of the values given with -i instead of a table: each with each, or the first of each, then
    /// the second of each
    #[arg(long, value_name = "WAY", conflicts_with_all = ["items", "key", "ignore"])]
    pub sweep: Option<Sweep>,
    /// With --items a value for all rows, as for `run`. With --sweep values parted by commas, NAME:=JSON with a list,
    /// or a range START:END:STEP, whose end is taken when a step meets it
    #[arg(short, long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// The column that names the rows; it may be an input as well
    #[arg(long, value_name = "COLUMN")]
    pub key: Option<String>,
    /// A column that is left out
    #[arg(long, value_name = "COLUMN")]
    pub ignore: Vec<String>,
    /// Runs under way at once; by default one per processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub parallel: Option<u32>,
    /// What follows when a row fails: no further row begins and those under way are ended, or the others go on
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = OnError::Stop)]
    pub on_error: OnError,
    /// Write the results here when the batch has ended, as `stead results` does; - for standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// The project that the runs belong to
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub project: String,
    /// Read the table, say how many runs it gives and show the first, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Events as JSON, one per line, on standard output; the last line is the result
    #[arg(long)]
    pub json: bool,
    /// Leave with code 4 as soon as all that is left waits for a person or a timer (not for a retry)
    #[arg(long)]
    pub no_wait: bool,
    /// Leave with code 5 after this time, such as 90s or 2h; the batch can be resumed
    #[arg(long, value_name = "TIME", conflicts_with = "dry_run")]
    pub timeout: Option<String>,
}

/// How swept values go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sweep {
    /// Each with each; the last one named changes fastest.
    Product,
    /// The first of each, the second of each, and so on.
    Zip,
}

/// What follows when a row fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// The batch fails.
    Stop,
    /// The others go on; the batch is degraded.
    Continue,
}

/// Arguments of `results`.
#[derive(Debug, Args)]
pub struct Results {
    /// The batch: its id or the beginning of it, @last, @last:STATUS, or its workflow's name (NAME-batch)
    pub run: String,
    /// How they are written; by default by the end of the file's name, else csv
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Table>,
    /// Where they are written; by default, and for -, standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// In a CSV, what each row was given as well, in columns behind the others
    #[arg(long)]
    pub inputs: bool,
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// Comma-separated values, the first row names the columns.
    Csv,
    /// A JSON object per line.
    Jsonl,
}
