//! The fields of a batch, and what becomes of them.

use crate::import::table::{Field, changed, kept, lost, part};

pub(super) static FIELDS: &[Field] = &[
    kept("name", "`name`, in kebab-case"),
    kept("batch_id", "`name`, where there is none"),
    kept("description", "`description`"),
    changed("version", "nothing: the language has a version of its own, `stead: 1`"),
    lost("created_at", "the library knows when a workflow was saved")
        .help("`stead save FILE` keeps it there"),
    kept("file_path", "`calc.file`"),
    kept("source_file_path", "`calc.file`, where nothing else names it"),
    part("inputs", "`calc.inputs`, and the lists that `foreach` goes through"),
    kept("inputs[].alias", "a key of `calc.inputs`"),
    part("inputs[].value", "its value; several become an input of the workflow that `foreach` goes through"),
    kept("inputs[].value.start", "the first value of a range"),
    kept("inputs[].value.end", "the end of the range, which is taken when a step meets it"),
    kept("inputs[].value.step", "from one value of the range to the next; without it 1"),
    kept("inputs[].value.csv", "the file whose values are read now; they are the default of the input"),
    kept("inputs[].value.column", "the column whose values are read"),
    kept("inputs[].units", "`unit` beside the value; without it the sheet's own"),
    kept("inputs[].path", "(a row) `calc.file`; rows of one file and of the same names are one step"),
    part("inputs[].*", "(a row) a value, by its name"),
    kept("inputs[].*.value", "(a row) the value"),
    kept("inputs[].*.units", "(a row) `unit` beside the value"),
    kept("mode", "`product` (each value once) or `zip` in `foreach.in`"),
    part("output_units", "`calc.outputs`"),
    kept("output_units.*", "`unit` of that output"),
    kept("export_pdf", "`calc.export.pdf`, with the values in its name"),
    kept("export_mcdx", "`calc.export.sheet`, with the values in its name"),
    lost("output_dir", "exported files are kept by hash with the run")
        .help("copy them out by a `file` step at the end"),
    lost("output_dir_mode", "exported files are kept by hash with the run"),
    lost("overwrite_existing", "nothing is overwritten: each run keeps its own files"),
];
