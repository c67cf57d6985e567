//! A table or a sweep as JSON lines, typed by the inputs of the workflow that is to run.
//!
//! A line is `{"inputs": {...}}`, with `"key"` where a column names the rows. They are made as they are read, so that a
//! table of any length takes no memory. What is wrong with the table as such is an error, and nothing is run. A value
//! that is none of its input's type stays the text it was: its run says so, and is the result of this row.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use serde_json::{Map, Value, json};
use stead_lang::diagnostic::nearest;
use stead_lang::inputs::read_input;
use stead_lang::plan::{Input, InputKind, Plan};
use stead_store::files::{FileRef, FileStore};

use super::csv::{Cell, Csv};
use super::json::Json;
use super::sweep::Combinations;
use super::table::{Format, TableError};
use crate::error::EngineError;
use crate::limits;

/// What is said of the rows beside the table.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Values that each row has.
    pub fixed: Map<String, Value>,
    /// The column that names the rows.
    pub key: Option<String>,
    /// Columns that are left out.
    pub ignore: Vec<String>,
}

/// Takes the file of an input in, by its path: the value that steps get, or why there is none.
pub type Keep<'k> = dyn FnMut(&str) -> Result<Value, String> + 'k;

/// Rows as JSON lines, made as they are read.
pub struct Rows<'a> {
    plan: &'a Plan,
    given: &'a Given,
    keep: &'a mut Keep<'a>,
    source: Source<'a>,
    line: Vec<u8>,
    read: usize,
    count: u32,
    /// Inputs that some row of JSON has.
    seen: BTreeSet<String>,
    failed: Option<TableError>,
}

enum Source<'a> {
    Csv { csv: Csv<Box<dyn BufRead + 'a>>, columns: Vec<Column> },
    Json(Json<Box<dyn BufRead + 'a>>),
    Sweep(Combinations),
}

/// What a column of a CSV is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Column {
    /// Which input.
    input: Option<usize>,
    key: bool,
}

/// What became of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The lines, by hash.
    pub file: FileRef,
    /// How many.
    pub rows: u32,
    /// Of a sweep: how many combinations were there before, and are left out.
    pub doubled: u64,
}

/// What a table would give.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// The first rows, as their lines would be.
    pub first: Vec<Value>,
    /// How many there are.
    pub rows: u32,
    /// Of a sweep: how many combinations were there before, and are left out.
    pub doubled: u64,
}

impl<'a> Rows<'a> {
    /// The rows of a table.
    ///
    /// # Errors
    /// When its columns do not fit the inputs.
    pub fn of_table(
        reader: Box<dyn BufRead + 'a>,
        format: Format,
        plan: &'a Plan,
        given: &'a Given,
        keep: &'a mut Keep<'a>,
    ) -> Result<Self, TableError> {
        let source = match format {
            Format::Csv(comma) => {
                let mut csv = Csv::new(reader, comma);
                let Some((line, head)) = csv.next()? else {
                    return Err(TableError::new("it is empty").help("the first row names the columns"));
                };
                let columns = columns(plan, given, line, &head)?;
                Source::Csv { csv, columns }
            }
            Format::Lines => Source::Json(Json::new(reader, false)),
            Format::List => Source::Json(Json::new(reader, true)),
        };
        Ok(Self::new(source, plan, given, keep))
    }

    /// The rows of a sweep.
    ///
    /// # Errors
    /// When an input is missing.
    pub fn of_sweep(
        combinations: Combinations,
        plan: &'a Plan,
        given: &'a Given,
        keep: &'a mut Keep<'a>,
    ) -> Result<Self, TableError> {
        let there = |name: &str| combinations.names().any(|swept| swept == name);
        missing(plan, given, there, "none of them is given")?;
        Ok(Self::new(Source::Sweep(combinations), plan, given, keep))
    }

    fn new(source: Source<'a>, plan: &'a Plan, given: &'a Given, keep: &'a mut Keep<'a>) -> Self {
        let (line, read, count, seen, failed) = (Vec::new(), 0, 0, BTreeSet::new(), None);
        Self { plan, given, keep, source, line, read, count, seen, failed }
    }

    /// Keeps all rows as one file by hash.
    ///
    /// # Errors
    /// When something is wrong with the table, or the file cannot be kept.
    pub fn write(mut self, files: &FileStore) -> Result<Result<Written, TableError>, EngineError> {
        let file = files.put_from(&mut self);
        if let Some(failed) = self.failed {
            return Ok(Err(failed));
        }
        let file = file?;
        Ok(self.whole().map(|doubled| Written { file, rows: self.count, doubled }))
    }

    /// Goes through all rows and keeps nothing but the first few.
    ///
    /// # Errors
    /// When something is wrong with the table.
    pub fn look(mut self, first: usize) -> Result<Looked, TableError> {
        let mut rows: Vec<Value> = Vec::new();
        while self.next()? {
            if rows.len() < first {
                rows.extend(serde_json::from_slice::<Value>(&self.line));
            }
        }
        let doubled = self.whole()?;
        Ok(Looked { first: rows, rows: self.count, doubled })
    }

    /// Whether what was read to its end was a table; how many rows were left out, for they were there before.
    fn whole(&self) -> Result<u64, TableError> {
        if self.count == 0 {
            let error = TableError::new("it has no rows");
            return Err(error.help("the first row of a CSV names the columns, the others have their values"));
        }
        match &self.source {
            Source::Json(_) => {
                let there = |name: &str| self.seen.contains(name);
                missing(self.plan, self.given, there, "no row has it").map(|()| 0)
            }
            Source::Sweep(combinations) => Ok(combinations.doubled()),
            Source::Csv { .. } => Ok(0),
        }
    }

    /// Makes the next line. Says whether there was one.
    fn next(&mut self) -> Result<bool, TableError> {
        let (at, inputs, key) = match &mut self.source {
            Source::Csv { csv, columns } => {
                let Some((line, cells)) = csv.next()? else { return Ok(false) };
                if cells.len() != columns.len() {
                    let message = format!(
                        "the row has {} values, and there are {} columns",
                        cells.len(),
                        columns.len()
                    );
                    let help = "a value with a comma or a line break in it stands in quotes";
                    return Err(TableError::at(line, message).help(help));
                }
                let mut inputs = Map::new();
                let mut key = None;
                for (cell, column) in cells.into_iter().zip(columns) {
                    if column.key {
                        key = Some(Value::from(cell.text.as_str()));
                    }
                    if let Some(input) = column.input.map(|at| &self.plan.inputs[at])
                        && let Some(value) = typed(input, cell)
                    {
                        inputs.insert(input.name.clone(), value);
                    }
                }
                (line, inputs, key)
            }
            Source::Json(json) => {
                let Some((line, value)) = json.next()? else { return Ok(false) };
                let Value::Object(mut inputs) = value else {
                    let help = "a row is a map: {\"input\": value}";
                    return Err(TableError::at(line, "the row is no map").help(help));
                };
                let key = self.given.key.as_ref().and_then(|key| inputs.get(key).cloned());
                let known = |name: &String| self.plan.inputs.iter().any(|input| input.name == *name);
                let left_out =
                    |name: &String| self.given.ignore.contains(name) || self.given.key.as_ref() == Some(name);
                inputs.retain(|name, _| known(name) || !left_out(name));
                inputs.retain(|name, _| !self.given.ignore.contains(name));
                if let Some(name) = inputs.keys().find(|name| !known(name)) {
                    return Err(TableError { line: Some(line), ..unknown(self.plan, &[name.as_str()]) });
                }
                if let Some(name) = inputs.keys().find(|name| self.given.fixed.contains_key(*name)) {
                    return Err(TableError { line: Some(line), ..twice(name) });
                }
                for name in
                    inputs.keys().filter(|name| !self.seen.contains(*name)).cloned().collect::<Vec<_>>()
                {
                    self.seen.insert(name);
                }
                (line, inputs, key)
            }
            Source::Sweep(combinations) => {
                let Some((inputs, key)) = combinations.next() else { return Ok(false) };
                (u64::from(self.count) + 1, inputs, Some(Value::from(key)))
            }
        };
        let inputs = self.kept(at, inputs)?;
        let mut row = json!({ "inputs": inputs });
        if let Some(key) = key {
            row["key"] = key;
        }
        // Plain data with text keys always serialises.
        self.line = serde_json::to_vec(&row).unwrap_or_default();
        if self.line.len() > limits::LINE_BYTES {
            let message = format!("the row has more than {} bytes as JSON", limits::LINE_BYTES);
            return Err(TableError::at(at, message).help("give large values as inputs of type `file`"));
        }
        self.line.push(b'\n');
        self.read = 0;
        if self.count >= stead_core::limits::FOREACH_LINES {
            let message = format!("there are more than {} rows", stead_core::limits::FOREACH_LINES);
            return Err(TableError::at(at, message).help("run it in parts"));
        }
        self.count += 1;
        Ok(true)
    }

    /// With the values that each row has, and with files taken in.
    fn kept(&mut self, line: u64, mut inputs: Map<String, Value>) -> Result<Map<String, Value>, TableError> {
        for input in self.plan.inputs.iter().filter(|input| input.kind == InputKind::File) {
            if let Some(Value::String(path)) = inputs.get(&input.name) {
                let kept = (self.keep)(path)
                    .map_err(|why| TableError::at(line, format!("the file of `{}`: {why}", input.name)))?;
                inputs.insert(input.name.clone(), kept);
            }
        }
        for (name, value) in &self.given.fixed {
            inputs.insert(name.clone(), value.clone());
        }
        Ok(inputs)
    }
}

impl Read for Rows<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.line.len() {
            match self.next() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(error) => {
                    self.failed = Some(error);
                    return Err(io::Error::other("the table cannot be read"));
                }
            }
        }
        let piece = &self.line[self.read..];
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        self.read += length;
        Ok(length)
    }
}

/// The value of a cell; `None` where there is none.
fn typed(input: &Input, cell: Cell) -> Option<Value> {
    let is_text = input.kind == InputKind::String;
    if cell.text.is_empty() && !cell.quoted && (!is_text || input.default.is_some()) {
        return None;
    }
    // What is none of its type stays a text, which does not fit.
    Some(read_input(input, &cell.text).unwrap_or(Value::String(cell.text)))
}

fn columns(plan: &Plan, given: &Given, line: u64, head: &[Cell]) -> Result<Vec<Column>, TableError> {
    let mut columns = Vec::new();
    let mut strange = Vec::new();
    for (at, cell) in head.iter().enumerate() {
        let name = cell.text.trim();
        if name.is_empty() {
            return Err(TableError::at(line, format!("column {} has no name", at + 1))
                .help("the first row names the columns"));
        }
        if head[..at].iter().any(|before| before.text.trim() == name) {
            return Err(TableError::at(line, format!("the column `{name}` is there twice")));
        }
        if given.fixed.contains_key(name) {
            return Err(TableError { line: Some(line), ..twice(name) });
        }
        let key = given.key.as_deref() == Some(name);
        let ignored = given.ignore.iter().any(|ignored| ignored == name);
        let input = plan.inputs.iter().position(|input| input.name == name).filter(|_| !ignored);
        if input.is_none() && !key && !ignored {
            strange.push(name);
        }
        columns.push(Column { input, key });
    }
    if !strange.is_empty() {
        let mut error = TableError { line: Some(line), ..unknown(plan, &strange) };
        if strange == [head[0].text.trim()] && head.len() == 1 && strange[0].contains([';', '\t']) {
            error.help =
                Some("values are parted by commas, or by tabs in a file that ends in .tsv".to_owned());
        }
        return Err(error);
    }
    let names: Vec<&str> = head.iter().map(|cell| cell.text.trim()).collect();
    for wanted in given.key.iter().chain(&given.ignore) {
        if !names.contains(&wanted.as_str()) {
            let error = TableError::at(line, format!("there is no column `{wanted}`"));
            return Err(match nearest(wanted, names.iter().copied()) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("its columns are {}", names.join(", "))),
            });
        }
    }
    let there = |name: &str| columns.iter().any(|c| c.input.is_some_and(|at| plan.inputs[at].name == name));
    missing(plan, given, there, "there is no such column")
        .map_err(|e| TableError { line: Some(line), ..e })?;
    Ok(columns)
}

/// Inputs that every run needs, and that no row has.
fn missing(plan: &Plan, given: &Given, there: impl Fn(&str) -> bool, why: &str) -> Result<(), TableError> {
    let required = plan.inputs.iter().filter(|input| input.default.is_none());
    let lacks = |input: &&Input| !there(&input.name) && !given.fixed.contains_key(&input.name);
    let missing: Vec<&str> = required.filter(lacks).map(|input| input.name.as_str()).collect();
    match missing.as_slice() {
        [] => Ok(()),
        [one] => Err(TableError::new(format!("`{}` needs the input `{one}`, and {why}", plan.name))
            .help(format!("give it to all rows: -i {one}=VALUE"))),
        many => {
            let names: Vec<String> = many.iter().map(|name| format!("`{name}`")).collect();
            let what = format!("`{}` needs the inputs {}, and {why}", plan.name, names.join(", "));
            Err(TableError::new(what).help("what all rows have is given with -i NAME=VALUE"))
        }
    }
}

fn unknown(plan: &Plan, names: &[&str]) -> TableError {
    let known = || plan.inputs.iter().map(|input| input.name.as_str());
    let all: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let what = if names.len() == 1 { "input" } else { "inputs" };
    let mut error = TableError::new(format!("`{}` has no {what} {}", plan.name, all.join(", ")));
    for name in names {
        if let Some(near) = nearest(name, known()) {
            error.details.push(format!("`{name}`: did you mean `{near}`?"));
        }
    }
    let inputs: Vec<&str> = known().collect();
    error.details.push(match inputs.is_empty() {
        true => "it takes none".to_owned(),
        false => format!("its inputs are {}", inputs.join(", ")),
    });
    error.help(
        "a column that is not meant for it is left out with --ignore NAME, or names the rows with --key NAME",
    )
}

fn twice(name: &str) -> TableError {
    TableError::new(format!("`{name}` is a column, and given with -i as well")).help("give it once")
}
