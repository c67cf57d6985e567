//! Arguments of `documents`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Arguments of `documents`.
#[derive(Debug, Args)]
#[command(
    after_help = "With a document it is shown: the version that others build on, or the newest, or with @N that of a number.
With two, what is different from the first to the second."
)]
pub struct Documents {
    /// The run: its id or the beginning of it, @last, @last:STATUS, or its workflow's name
    pub run: String,
    /// A document of it, with the keys of its scopes: `design[E-2]`, or a version of it: `design[E-2]@1`
    #[arg(value_name = "DOCUMENT")]
    pub document: Option<String>,
    /// Another one, or another version
    #[arg(value_name = "OTHER", requires = "document")]
    pub other: Option<String>,
    /// Write all documents that others build on into this folder, one file each
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, conflicts_with_all = ["document", "other"])]
    pub export: Option<PathBuf>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}
