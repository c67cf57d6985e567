//! `stead graph`: the order of a definition's steps, drawn.

use stead_lang::graph::Format;

use crate::args::{Drawing, Graph};
use crate::definition::ready;
use crate::error::CliError;
use crate::exit::Exit;
use crate::here::Here;
use crate::out;

/// Draws a definition.
///
/// # Errors
/// When it has errors, or cannot be written.
pub fn graph(here: &Here, args: &Graph) -> Result<Exit, CliError> {
    let ready = ready(here, &args.file)?;
    let format = match args.format {
        Drawing::Text => Format::Text,
        Drawing::Mermaid => Format::Mermaid,
        Drawing::Dot => Format::Dot,
        Drawing::Json => Format::Json,
    };
    out::answer(&stead_lang::graph::graph(&ready.plan, format))?;
    Ok(Exit::Done)
}
