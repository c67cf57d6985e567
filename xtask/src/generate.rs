//! Files that are made from the code, committed, and checked to be current.

use crate::run::{cargo, output, root};

/// Each file, the crate and its example that print it, and what that calls it.
const FILES: &[(&str, &str, &str, &str)] = &[
    ("docs/workflow.schema.json", "stead-lang", "generate", "schema"),
    ("docs/reference.md", "stead-lang", "generate", "reference"),
    ("docs/codes.md", "stead-lang", "generate", "codes"),
    ("docs/import.md", "stead-lang", "generate", "import"),
    ("docs/openapi.json", "stead-server", "describe", "openapi"),
];

pub(crate) fn run(check: bool) -> Result<(), String> {
    let mut stale = Vec::new();
    for (file, package, example, name) in FILES {
        let args = ["run", "--quiet", "--package", package, "--example", example, "--", name];
        let text = output(&mut cargo(&args))?;
        let path = root().join(file);
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        if before == text {
            continue;
        }
        if check {
            stale.push(*file);
        } else {
            std::fs::write(&path, text).map_err(|e| format!("{file}: {e}"))?;
            eprintln!("wrote {file}");
        }
    }
    match stale.is_empty() {
        true => Ok(()),
        false => Err(format!("not current: {}. Run `cargo xtask gen` and commit.", stale.join(", "))),
    }
}
