//! Files that are made from the code, committed, and checked to be current.

use crate::run::{cargo, output, root};

/// Where each comes from: file, what `stead` prints it.
const FILES: &[(&str, &[&str])] = &[
    ("docs/workflow.schema.json", &["schema"]),
    ("docs/reference.md", &["schema", "--reference"]),
    ("docs/codes.md", &["explain", "--markdown"]),
];

pub(crate) fn run(check: bool) -> Result<(), String> {
    let mut stale = Vec::new();
    for (file, args) in FILES {
        let mut all = vec!["run", "--quiet", "--package", "stead", "--features", super::test::FEATURES, "--"];
        all.extend_from_slice(args);
        let text = output(&mut cargo(&all))?;
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
