//! What can be said about definitions of other tools.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The definition of another tool
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Which tool's it is, where the file does not show it
    #[arg(long, value_name = "DIALECT", value_parser = clap::builder::PossibleValuesParser::new(stead_lang::import::Dialect::all().map(|dialect| dialect.name())))]
    pub from: Option<String>,
    /// Write the definition to this file, which has to be new
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Write over the file that is there
    #[arg(long, requires = "to")]
    pub force: bool,
    /// Definition, report and findings as one JSON document
    #[arg(long)]
    pub json: bool,
}
