//! What can be said about named workflows.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Arguments of `save`.
#[derive(Debug, Args)]
pub struct Save {
    /// The definition; all files that it names are kept with it
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Its name in the library; else the one in its text
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Why: kept in the history
    #[arg(short, long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub message: String,
    /// A label; several: all of them. They take the place of those it has
    #[arg(long = "label", value_name = "WORD", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// The revision that this text was made from; else what it was when it was last saved from this file or
    /// exported to it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub based_on: Option<u32>,
    /// Keep it though it has errors. It cannot be run
    #[arg(long)]
    pub draft: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `workflows`.
#[derive(Debug, Args)]
pub struct Workflows {
    /// Only those in which each word begins one of name, labels, description or steps: the best first
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Only those with this label
    #[arg(long, value_name = "WORD")]
    pub label: Option<String>,
    /// Those that were deleted
    #[arg(long, conflicts_with = "words")]
    pub deleted: bool,
    /// At most so many; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Go on behind this name: the next page
    #[arg(long, value_name = "NAME", conflicts_with = "words")]
    pub after: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The workflow, and a revision of it
    #[arg(value_name = "NAME[@N]")]
    pub saved: String,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `history`.
#[derive(Debug, Args)]
pub struct History {
    /// The workflow
    #[arg(value_name = "NAME")]
    pub saved: String,
    /// At most so many changes; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Without the newest so many: the next page
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub skip: usize,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// A revision in the library, NAME for its newest, or a file
    #[arg(value_name = "NAME[@N]|FILE")]
    pub from: String,
    /// The other one
    #[arg(value_name = "NAME[@N]|FILE")]
    pub to: String,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `describe`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("said").required(true).multiple(true))]
pub struct Describe {
    /// The workflow
    #[arg(value_name = "NAME")]
    pub saved: String,
    /// What it is for; '' leaves it to its own text again
    #[arg(long, value_name = "TEXT", group = "said")]
    pub description: Option<String>,
    /// A label; several: all of them. They take the place of those it has
    #[arg(long = "label", value_name = "WORD", value_delimiter = ',', group = "said")]
    pub labels: Vec<String>,
    /// Take all labels off
    #[arg(long, conflicts_with = "labels", group = "said")]
    pub no_labels: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `delete` and `restore`.
#[derive(Debug, Args)]
pub struct Named {
    /// The workflow
    #[arg(value_name = "NAME")]
    pub saved: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `rename`.
#[derive(Debug, Args)]
pub struct Rename {
    /// The workflow
    #[arg(value_name = "NAME")]
    pub saved: String,
    /// Its new name
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The workflow, and a revision of it
    #[arg(value_name = "NAME[@N]")]
    pub saved: String,
    /// Where: a file, or a folder for a definition with the files that it names. Without it the definition is
    /// printed
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub to: Option<PathBuf>,
    /// Write over files that have another text
    #[arg(long)]
    pub force: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}
