//! The page of the tables, for people.

use std::fmt::Write as _;

use super::{Dialect, Verdict};

/// `docs/import.md`.
pub fn page() -> String {
    let mut out = String::from(INTRO);
    for dialect in Dialect::all() {
        // Writing to a text cannot fail.
        let _ = write!(out, "\n## `{}`: {}\n\n", dialect.name(), dialect.title());
        out.push_str("| field | becomes | |\n| --- | --- | --- |\n");
        for field in dialect.fields() {
            let word = match field.verdict {
                Verdict::Kept => "",
                verdict => verdict.words(),
            };
            let help = field.help.map(|help| format!("; {help}")).unwrap_or_default();
            let becomes = format!("{}{help}", field.becomes).replace('|', "\\|");
            let _ = writeln!(out, "| `{}` | {becomes} | {word} |", field.at);
        }
    }
    out
}

const INTRO: &str = "# Definitions of other tools

`stead import FILE` writes a native definition of one that was made for another tool, and reports what became of each of its constructs:
*kept*, *changed* (it is there in another way, or means something a little different) or *not expressible*, with the reason and what to do about it.
Nothing is left out without a word: a field that is not known, or that does nothing in its place, is reported as well.

```
stead import chain.json                 # the definition on standard output, the report on standard error
stead import chain.json -o chain.yml    # into a file, which has to be new; --force writes over one
stead import chain.json --json          # definition, report and findings as one JSON document
stead import changelog.pflow.md         # any of the dialects below
stead import .orch/roles/planner.md     # a role by itself: a workflow of one agent
stead import flow.txt --from chain      # for files that do not show what they are
```

The dialect is found by the shape of the file, not by its name. The definition is checked as any other. What it needs of the language that this version
does not have yet is said by the check (`E0501`, `E0502`) and counted at the end of the report: such a definition can be kept, and runs with a later version.

Files that a definition names are read beside it: the profiles of a stage workflow (`stages/STAGE.PROFILE.yml`), its roles (`roles/ROLE.md`, there or beside its folder), workflows
that pflow's nodes call, tables of a batch.

What another tool leaves to chance gets the safe value here, and a line in the report. The tables say what becomes of each field where the report says nothing else; what depends on
the values is said in the report only.
";
