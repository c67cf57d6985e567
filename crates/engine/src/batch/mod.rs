//! Batches: a workflow run once per row of a table, or per combination of swept values.
//!
//! | module | what |
//! | --- | --- |
//! | [`rows`] | a table or a sweep as JSON lines, typed by the inputs of the workflow |
//! | [`table`] | the formats: CSV, JSON lines, a JSON list; each read as a stream |
//! | [`sweep`] | lists and ranges of values, their product or their zip |
//! | [`results`] | what became of each row, in order |
//!
//! A batch is a run like any other: its one step is a `foreach` over the lines of a file, each of which starts a child
//! run. Whatever holds for runs holds for it: pause, cancel, resume, retry of what failed, kill -9. Nothing here knows
//! how a batch goes on.

mod csv;
mod json;
pub mod results;
pub mod rows;
pub mod sweep;
pub mod table;

use serde_json::{Value, json};

pub use rows::{Given, Rows, Written};
pub use table::{Format, TableError};

/// The step whose items are the rows.
pub const STEP: &str = "row";

/// The input that is the file of rows.
pub const INPUT: &str = "rows";

/// Length of the name of a workflow, at most.
const NAME_CHARS: usize = 50;

/// The workflow that a batch runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Which {
    /// By its name: `NAME` or `NAME@N`.
    Name(String),
    /// By its file, relative to the definition of the batch.
    Path(String),
    /// The definition itself.
    Inline(Value),
}

/// The definition of a batch: text that is checked, pinned and kept as any other.
pub fn definition(child: &str, which: &Which, parallel: u32, stop: bool) -> String {
    let mut workflow = match which {
        Which::Name(name) => json!({ "name": name }),
        Which::Path(path) => json!({ "path": path }),
        Which::Inline(text) => json!({ "inline": text }),
    };
    workflow["inputs"] = json!("${{ item.inputs }}");
    let count = |name: &str| json!(format!("${{{{ steps.{STEP}.output.{name} }}}}"));
    let text = json!({
        "stead": 1,
        "name": name(child),
        "description": format!("Runs {child} once for each row."),
        "inputs": { INPUT: { "type": "file", "description": "A line of JSON for each row: its inputs, and its key" } },
        "steps": [{
            "id": STEP,
            "foreach": {
                "in": format!("${{{{ inputs.{INPUT} }}}}"),
                "parse": "jsonl",
                "parallel": parallel,
                "join": if stop { "all" } else { "settled" },
            },
            "workflow": workflow,
        }],
        "outputs": {
            "total": count("total"),
            "completed": count("completed"),
            "failed": count("failed"),
            "cancelled": count("cancelled"),
        },
    });
    // Plain data with text keys always serialises.
    serde_json::to_string_pretty(&text).unwrap_or_default()
}

/// What the runs of batches of a workflow are called.
fn name(child: &str) -> String {
    const END: &str = "-batch";
    let room = NAME_CHARS - END.len();
    let beginning: String = child.chars().take(room).collect();
    format!("{}{END}", beginning.trim_end_matches('-'))
}

#[cfg(test)]
mod tests;
