//! Definitions of other tools: what becomes of samples, and of what is no definition at all.
//!
//! `STEAD_EXPECT=write cargo nextest run -p stead-lang import` writes what is expected anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use stead_lang::bundle::{Called, Missing, Source};
use stead_lang::import::{Dialect, Imported, NotImported, Verdict, import, page};
use stead_lang::tree::{ReadProblem, read, text_of};
use stead_lang::{check, gather, limits};

use crate::common::shown;
use crate::stand_in::{replaced, with_stand_ins};

pub(crate) fn folder(dialect: Dialect) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(dialect.name())
}

/// The names of the samples of a dialect.
pub(crate) fn samples(dialect: Dialect) -> Vec<String> {
    let entries = std::fs::read_dir(folder(dialect)).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let mut names: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn imported(dialect: Dialect, name: &str) -> Imported {
    let mut read =
        |path: &str| text_of(std::fs::read(folder(dialect).join(path)).map_err(|_| ReadProblem::NotFound)?);
    import(name, None, &mut read).unwrap_or_else(|why| panic!("{name}: {why:?}"))
}

/// What is made of a text.
pub(crate) fn made(text: &str) -> Imported {
    attempt(text).unwrap_or_else(|why| panic!("{text}\n{why:?}"))
}

pub(crate) fn attempt(text: &str) -> Result<Imported, NotImported> {
    let mut read =
        |path: &str| if path == "t.json" { Ok(text.to_owned()) } else { Err(ReadProblem::NotFound) };
    import("t.json", None, &mut read)
}

/// Compares with what stands in a file, or writes it there.
fn expect(path: &Path, found: &str) {
    if std::env::var_os("STEAD_EXPECT").is_some_and(|value| value == "write") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        return std::fs::write(path, found).unwrap();
    }
    let wanted = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, wanted, "{}: not what is expected there", path.display());
}

/// The texts of all samples.
pub(crate) fn texts() -> Vec<String> {
    every()
        .iter()
        .map(|(dialect, name)| std::fs::read_to_string(folder(*dialect).join(name)).unwrap())
        .collect()
}

fn every() -> Vec<(Dialect, String)> {
    Dialect::all().flat_map(|dialect| samples(dialect).into_iter().map(move |name| (dialect, name))).collect()
}

#[test]
fn import_makes_of_each_sample_what_stands_beside_it() {
    for (dialect, name) in every() {
        let imported = imported(dialect, &name);
        assert_eq!(imported.dialect, dialect, "{name}");
        let expected = folder(dialect).join("expected");
        expect(&expected.join(format!("{name}.yml")), &imported.yaml);
        expect(&expected.join(format!("{name}.txt")), &imported.report.text());
        // The same again, whoever asks.
        assert_eq!(self::imported(dialect, &name).yaml, imported.yaml);
    }
    for dialect in Dialect::all() {
        assert!(samples(dialect).len() >= 5, "{dialect:?}");
    }
}

/// A definition among the files beside a sample.
struct Beside {
    text: String,
    folder: PathBuf,
}

impl Source for Beside {
    fn read(&mut self, path: &str) -> Result<String, ReadProblem> {
        match path {
            "t.json" => Ok(self.text.clone()),
            path => text_of(std::fs::read(self.folder.join(path)).map_err(|_| ReadProblem::NotFound)?),
        }
    }

    fn named(&mut self, name: &str, _: Option<u32>) -> Result<Called, Missing> {
        Ok(Called::File(format!("workflows/{name}.yml")))
    }
}

#[test]
fn import_makes_definitions_that_check_but_for_what_is_not_built() {
    for (dialect, name) in every() {
        let imported = imported(dialect, &name);
        let (_, others) = imported.findings();
        assert!(others.is_empty(), "{name}\n{}\n{}", imported.yaml, shown(&imported.checked));
        // With programs in the place of those actions, their expressions are checked too.
        let document = read("t", &imported.yaml, &mut Vec::new()).unwrap();
        let whole = with_stand_ins(document.root().to_json().unwrap(), &replaced());
        let text = serde_json::to_string_pretty(&whole).unwrap();
        let checked = check(&gather("t.json", &mut Beside { text, folder: folder(dialect) }));
        let left: Vec<_> =
            checked.diagnostics.iter().filter(|found| !found.code.starts_with("E05")).collect();
        assert!(left.is_empty(), "{name}\n{}\n{}", imported.yaml, shown(&checked));
    }
}

#[test]
fn import_knows_no_field_that_is_in_no_sample() {
    for dialect in Dialect::all() {
        let mut met = BTreeSet::new();
        for name in samples(dialect) {
            met.extend(imported(dialect, &name).report.entries.into_iter().map(|entry| entry.construct));
        }
        for field in dialect.fields().iter().filter(|field| !field.is_part()) {
            assert!(met.contains(field.at), "`{}` of {} is in no sample", field.at, dialect.name());
        }
    }
}

#[test]
fn import_reports_every_key_of_the_source() {
    for (dialect, name) in every() {
        let text = std::fs::read_to_string(folder(dialect).join(&name)).unwrap();
        let document = dialect.tree("t", &text, &mut Vec::new()).unwrap();
        let report = imported(dialect, &name).report;
        let told: BTreeSet<&str> = report.entries.iter().map(|entry| entry.path.as_str()).collect();
        let mut open = vec![document.root()];
        while let Some(node) = open.pop() {
            for inner in node.items().chain(node.entries().map(|entry| entry.value)) {
                open.push(inner);
                let path = inner.path();
                // Itself, what is around it, or what is in it.
                let around = path.match_indices('/').any(|(at, _)| told.contains(&path[..at]));
                let within = told.range(path.as_str()..).next().is_some_and(|next| next.starts_with(&path));
                let empty = inner.items().len() + inner.entries().len() == 0 && inner.raw().is_none();
                assert!(around || within || empty, "{name}: nothing is said of {path}");
            }
        }
    }
}

#[test]
fn import_fits_each_sample_to_one_dialect() {
    for (dialect, name) in every() {
        let text = std::fs::read_to_string(folder(dialect).join(&name)).unwrap();
        for other in Dialect::all().filter(|other| *other != dialect) {
            let mut read = |_: &str| Ok(text.clone());
            let got = import(&name, Some(other), &mut read);
            assert!(matches!(got, Err(NotImported::Unknown(_))), "{name} is taken for {}", other.name());
        }
    }
}

#[test]
fn import_says_of_what_is_unknown_that_it_is_dropped() {
    let imported =
        made(r#"{"files": [{"file_path": "a.mcdx", "positoin": 3, "inputs": 7}], "stop_on_eror": true}"#);
    let of = |construct: &str| {
        let found = imported.report.entries.iter().find(|entry| entry.construct == construct);
        found.unwrap_or_else(|| panic!("{construct}: {}", imported.report.text()))
    };
    let typo = of("stop_on_eror");
    assert_eq!(typo.verdict, Verdict::NotExpressible);
    assert_eq!(typo.help.as_deref(), Some("did you mean `stop_on_error`?"));
    assert_eq!((typo.line, typo.column, typo.path.as_str()), (1, 66, "/stop_on_eror"));
    assert_eq!(of("files[].positoin").help.as_deref(), Some("did you mean `position`?"));
    assert!(of("files[].inputs").why.contains("a list is expected, and this is a single value"));
}

#[test]
fn import_refuses_what_is_no_definition_and_says_why() {
    for text in [
        "",
        "hello",
        "[1, 2]",
        "{}",
        "42",
        "null",
        "{\"a\": {\"files\": []}}",
        "{\"files\": 3}",
        "{\"files\": [1]}",
    ] {
        match attempt(text) {
            Err(NotImported::Unknown(tried)) => {
                assert_eq!(tried.len(), Dialect::all().count());
                assert!(tried.iter().all(|(_, why)| !why.is_empty()));
            }
            Err(NotImported::Broken(problems, _)) => assert!(!problems.is_empty()),
            other => panic!("{text}: {other:?}"),
        }
    }
    for text in ["{\"files\": [", "{\"a\": 1, \"a\": 2}", "a: b: c", "\u{0}"] {
        assert!(matches!(attempt(text), Err(NotImported::Broken(..))), "{text}");
    }
}

#[test]
fn p11_import_is_bounded() {
    // Deep, and larger than a document may be: refused before anything is made of it.
    let deep = format!("{{\"files\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
    assert!(matches!(attempt(&deep), Err(NotImported::Broken(..))));
    let large = format!("{{\"files\": [\"{}\"]}}", "x".repeat(limits::DOCUMENT_BYTES));
    assert!(matches!(attempt(&large), Err(NotImported::Broken(..))));
    // Many unknown keys: counted where they are not listed.
    let many: Vec<String> = (0..limits::IMPORT_ENTRIES + 50).map(|n| format!("\"k{n}\": 1")).collect();
    let imported = made(&format!("{{\"files\": [{{\"file_path\": \"a\"}}], {}}}", many.join(", ")));
    assert_eq!(imported.report.entries.len(), limits::IMPORT_ENTRIES);
    assert!(imported.report.omitted >= 50);
    let comments = imported.yaml.lines().filter(|line| line.starts_with('#')).count();
    assert_eq!(comments, limits::IMPORT_NOTES + 1);
    // Many stages.
    let stages: Vec<String> = (0..=limits::IMPORT_STAGES).map(|n| format!("\"s{n}\"")).collect();
    let imported = made(&format!("{{\"workflow\": {{\"stages\": [{}]}}}}", stages.join(", ")));
    assert!(imported.yaml.contains("id: s19") && !imported.yaml.contains("id: s20"));
    assert!(imported.report.text().contains("at most 20 stages are taken"));
    // Many nodes of one stage.
    let nodes: String = (0..=limits::IMPORT_GRAPH).map(|n| format!("  - {{ id: n{n} }}\n")).collect();
    let mut read = |path: &str| match path {
        "t.yml" => Ok("workflow: { stages: [a] }\na: { profile: many }\n".to_owned()),
        _ => Ok(format!("graph:\n{nodes}")),
    };
    let imported = import("t.yml", None, &mut read).unwrap();
    assert!(imported.yaml.contains("n199") && !imported.yaml.contains("n200"));
    assert!(imported.report.text().contains("too many nodes"));
    // Many steps of a workflow of annotation, each of which leads to all.
    let steps: String = (0..=limits::IMPORT_GRAPH)
        .map(|n| format!("  - {{ id: s{n}, step_type: annotation, settings: {{ threshold: 0.5 }} }}\n"))
        .collect();
    let ways: String = (0..limits::IMPORT_GRAPH)
        .flat_map(|from| (0..8).map(move |by| (from, (from * 7 + by * 11) % limits::IMPORT_GRAPH)))
        .map(|(from, to)| format!("  - {{ from: s{from}, to: s{to}, condition: on_disagreement }}\n"))
        .collect();
    let imported = made(&format!("steps:\n{steps}transitions:\n{ways}"));
    assert!(imported.yaml.contains("id: s199") && !imported.yaml.contains("s200"));
    assert!(imported.report.text().contains("at most 200 steps are taken"));
    // Many documents, and many nodes of a plan.
    let steps: Vec<String> = (0..=limits::IMPORT_GRAPH)
        .map(|n| format!("{{\"step_id\": \"d{n}\", \"produces\": \"d{n}\"}}"))
        .collect();
    let imported = made(&format!("{{\"document_types\": {{}}, \"steps\": [{}]}}", steps.join(", ")));
    assert!(imported.yaml.contains("id: d199\n") && !imported.yaml.contains("d200"));
    assert!(imported.report.text().contains("at most 200 steps are taken"));
    let nodes: Vec<String> =
        (0..=limits::IMPORT_GRAPH).map(|n| format!("{{\"node_id\": \"n{n}\"}}")).collect();
    let edges: Vec<String> = (0..limits::IMPORT_GRAPH)
        .map(|n| format!("{{\"from\": \"n{n}\", \"to\": \"n{}\"}}", n + 1))
        .collect();
    let imported = made(&format!("{{\"nodes\": [{}], \"edges\": [{}]}}", nodes.join(", "), edges.join(", ")));
    assert!(imported.yaml.contains("id: n199\n") && !imported.yaml.contains("n200"));
    assert!(imported.report.text().contains("too many nodes"));
    // Many steps of one name: each gets its own, those beyond the bound are reported.
    let files = vec!["{\"file_path\": \"a\"}"; limits::STEPS + 1].join(", ");
    let imported = made(&format!("{{\"files\": [{files}]}}"));
    assert!(
        imported.report.text().contains("a workflow has at most 10000 steps"),
        "{}",
        imported.report.text()
    );
}

#[test]
fn import_keeps_texts_of_others_from_becoming_expressions() {
    let text = r#"{"name": "${{ 1 }}", "files": [{"file_path": "${{ secrets.A }}.mcdx", "inputs": [{"alias": "${{ a", "value": "${{ run.id }}", "units": "${{ x }}"}]}],
        "conditions": [{"expression": "a > 1", "after_step": 0, "message": "${{ run.id }}"}]}"#;
    let imported = made(text);
    assert_eq!(imported.yaml.replace("$${{", "").matches("${{").count(), 1, "{}", imported.yaml);
    assert!(imported.yaml.contains("$${{ run.id }}"));
}

#[test]
fn import_has_a_page_with_every_field() {
    let page = page();
    for dialect in Dialect::all() {
        assert!(page.contains(&format!("`{}`: {}", dialect.name(), dialect.title())));
        assert!(dialect.fields().iter().all(|field| page.contains(&format!("`{}`", field.at))));
        assert_eq!(Dialect::named(dialect.name()), Some(dialect));
    }
}
