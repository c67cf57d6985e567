//! `stead results`: what became of the rows of a batch, in order.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::Value;
use stead_engine::batch::results::{Results, RowResult};
use stead_engine::limits::RESULT_ROWS;
use stead_engine::operations::{Answer, Operation};

use crate::args::{self, Table};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, unexpected};
use crate::out;

/// Columns that every table has, before those of the outputs.
const COLUMNS: [&str; 5] = ["index", "key", "status", "outcome", "run"];

/// The column behind the outputs.
const ERROR: &str = "error";

/// Writes the results of a batch.
///
/// # Errors
/// When there is no such batch, or they cannot be written.
pub fn results(here: &Here, args: &args::Results) -> Result<Exit, CliError> {
    write(here, &args.run, args.format, args.output.as_deref(), args.inputs)?;
    Ok(Exit::Done)
}

/// Writes the results of a batch as a table: to a file that is there as a whole or not at all, or to standard output.
///
/// # Errors
/// When they cannot be read or written.
pub fn write(
    here: &Here,
    run: &str,
    format: Option<Table>,
    to: Option<&Path>,
    inputs: bool,
) -> Result<(), CliError> {
    let end = to.and_then(Path::extension).and_then(|end| end.to_str());
    let format = format.unwrap_or(match end {
        Some("jsonl" | "ndjson" | "json") => Table::Jsonl,
        _ => Table::Csv,
    });
    let first = page(here, run, 0)?;
    let Some(path) = to.filter(|path| *path != Path::new("-")) else {
        return pages(here, first, format, inputs, &mut |bytes| out::bytes(bytes));
    };
    let cannot = |error: std::io::Error| {
        CliError::usage(codes::FILE, format!("{} cannot be written: {error}", path.display()))
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let mut file = BufWriter::new(File::create(&part).map_err(cannot)?);
    let written = pages(here, first, format, inputs, &mut |bytes| file.write_all(bytes).map_err(cannot))
        .and_then(|()| file.flush().map_err(cannot))
        .and_then(|()| std::fs::rename(&part, path).map_err(cannot));
    if written.is_err() {
        // What is left of it helps nobody.
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn page(here: &Here, run: &str, after: u32) -> Result<Results, CliError> {
    let operation = Operation::Results { run: run.to_owned(), after, limit: RESULT_ROWS };
    match here.ask(operation)? {
        Answer::Results(results) => Ok(*results),
        other => Err(unexpected(&other)),
    }
}

/// Page by page, so that a million rows take no memory.
fn pages(
    here: &Here,
    first: Results,
    format: Table,
    inputs: bool,
    write: &mut dyn FnMut(&[u8]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let shape = Shape::of(&first, inputs);
    if format == Table::Csv {
        write(shape.head().as_bytes())?;
    }
    let mut results = first;
    loop {
        let mut text = Vec::new();
        for row in &results.rows {
            match format {
                Table::Csv => text.extend(shape.row(row).into_bytes()),
                Table::Jsonl => {
                    // Plain data with text keys always serialises.
                    text.extend(serde_json::to_vec(row).unwrap_or_default());
                    text.push(b'\n');
                }
            }
        }
        write(&text)?;
        let Some(last) = results.rows.last() else { return Ok(()) };
        let next = last.index + 1;
        if next >= results.total {
            return Ok(());
        }
        results = page(here, results.run.as_str(), next)?;
    }
}

/// The columns of a table.
struct Shape {
    outputs: Vec<String>,
    inputs: Vec<String>,
}

impl Shape {
    fn of(results: &Results, inputs: bool) -> Self {
        let inputs = if inputs { results.inputs.clone() } else { Vec::new() };
        Self { outputs: results.outputs.clone(), inputs }
    }

    fn head(&self) -> String {
        let mut cells: Vec<String> = COLUMNS.map(str::to_owned).to_vec();
        if self.outputs.is_empty() {
            cells.push("outputs".to_owned());
        }
        for name in &self.outputs {
            // Told apart from the columns that every table has.
            let taken = COLUMNS.contains(&name.as_str()) || name == ERROR;
            cells.push(if taken { format!("outputs.{name}") } else { name.clone() });
        }
        cells.push(ERROR.to_owned());
        cells.extend(self.inputs.iter().map(|name| format!("inputs.{name}")));
        line(cells.into_iter().map(Some))
    }

    fn row(&self, row: &RowResult) -> String {
        let value = |value: Option<&Value>| match value {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        };
        let mut cells = vec![
            Some(row.index.to_string()),
            value(row.key.as_ref()),
            Some(row.status.to_string()),
            row.outcome.map(|outcome| outcome.to_string()),
            row.run.as_ref().map(ToString::to_string),
        ];
        if self.outputs.is_empty() {
            cells.push(value(row.outputs.as_ref()));
        }
        let output = |name: &String| value(row.outputs.as_ref().and_then(|all| all.get(name)));
        cells.extend(self.outputs.iter().map(output));
        cells.push(row.error.clone());
        cells.extend(self.inputs.iter().map(|name| value(row.inputs.get(name))));
        line(cells.into_iter())
    }
}

/// A line of a CSV. What is not there is empty, an empty text stands in quotes.
fn line(cells: impl Iterator<Item = Option<String>>) -> String {
    let cells: Vec<String> = cells
        .map(|cell| match cell {
            None => String::new(),
            Some(text) if needs_quotes(&text) => format!("\"{}\"", text.replace('"', "\"\"")),
            Some(text) => text,
        })
        .collect();
    cells.join(",") + "\n"
}

fn needs_quotes(text: &str) -> bool {
    text.is_empty() || text.contains([',', '"', '\n', '\r']) || text.trim() != text
}
