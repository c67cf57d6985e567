//! Definitions as people write them, with what the language has in the places where it is of use.

use std::path::{Path, PathBuf};

use stead_lang::graph::{Format, graph};
use stead_lang::tree::{ReadProblem, read, text_of};
use stead_lang::{Bundle, check, collect, expanded, keys};

use crate::common::shown;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/definitions/whole")
}

/// Each definition with the files it names.
fn all() -> Vec<Bundle> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    let read = |name: &str| std::fs::read(folder().join(name)).map_err(|_| ReadProblem::NotFound);
    names.iter().map(|name| collect(name, &mut |path| text_of(read(path)?))).collect()
}

#[test]
fn they_are_in_order() {
    let all = all();
    assert!(all.len() >= 11);
    for bundle in all {
        let checked = check(&bundle);
        assert!(checked.plan.is_some() && checked.diagnostics.is_empty(), "{}", shown(&checked));
        let plan = checked.plan.unwrap();
        for format in [Format::Text, Format::Mermaid, Format::Dot] {
            let drawn = graph(&plan, format);
            assert!(plan.steps.iter().all(|step| drawn.contains(&step.id)), "{drawn}");
        }
        // Written out, it is the same.
        let mut whole = bundle.clone();
        whole.files.insert(bundle.entry.clone(), expanded(&bundle).unwrap());
        assert_eq!(
            check(&whole).plan.map(|p| p.revision.clone()),
            Some(plan.revision.clone()),
            "{}",
            bundle.entry
        );
    }
}

#[test]
fn the_schema_takes_them() {
    let validator = jsonschema::validator_for(&keys::schema()).unwrap();
    for bundle in all() {
        let text = &bundle.files[&bundle.entry];
        let value = read("t", text, &mut Vec::new()).unwrap().root().to_json().unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", bundle.entry);
    }
}
