//! How long a library of ten thousand workflows takes to list, search and load: `cargo run --release -p stead-store
//! --example library [FOLDER]`.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for whoever runs it")]

use std::time::Instant;

use stead_store::library::{Library as _, LibraryReader as _, Save, WorkflowFilter};
use stead_store::sqlite::SqliteStore;

const WORKFLOWS: usize = 10_000;

/// Words as descriptions have them: few frequent ones, many rare ones.
fn words(seed: usize, count: usize) -> String {
    let word = |at: usize| {
        let n = (seed * 7919 + at * 104_729) % 5_000;
        // Every other word is one of fifty.
        format!("word{}", if at.is_multiple_of(2) { n % 50 } else { n })
    };
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}

fn main() {
    let base = std::env::args().nth(1).map_or_else(std::env::temp_dir, std::path::PathBuf::from);
    let folder = tempfile::tempdir_in(base).unwrap();
    let path = folder.path().join("library.db");
    let mut store = SqliteStore::open(&path).unwrap();
    let begun = Instant::now();
    for n in 0..WORKFLOWS {
        let save = Save {
            name: format!("workflow-{n:05}"),
            revision: format!("{n:064}"),
            bytes: words(n, 300).into_bytes(),
            by: "user:ana".to_owned(),
            at: 1_760_000_000_000,
            description: words(n, 15),
            steps: (0..10).map(|step| words(n * 10 + step, 2)).collect(),
            labels: Some(vec![format!("label{}", n % 7)]),
            ..Save::default()
        };
        store.save(&save).unwrap();
    }
    let each = begun.elapsed().as_secs_f64() * 1e3 / WORKFLOWS as f64;
    println!("{:44} {each:9.2} ms each", "saved, one transaction each");
    let mut reader = store.reader().unwrap();
    let list = |limit: usize| WorkflowFilter { limit, ..WorkflowFilter::default() };
    let wanted = |text: &str| WorkflowFilter { words: Some(text.to_owned()), ..list(50) };
    let mut timed = |what: &str, filter: &WorkflowFilter| {
        let mut all = Vec::new();
        for _ in 0..20 {
            let begun = Instant::now();
            let found = reader.workflows(filter).unwrap();
            all.push((begun.elapsed().as_secs_f64() * 1e3, found.len()));
        }
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        println!("{what:44} {:9.2} ms, {} found", all[all.len() / 2].0, all[0].1);
    };
    timed("50 of them, by name", &list(50));
    timed("the last 50", &WorkflowFilter { after: Some("workflow-09949".to_owned()), ..list(50) });
    timed("all of them", &list(0));
    timed("a word that a few have", &wanted("word4711"));
    timed("a word that many have", &wanted("word7"));
    timed("two words that many have", &wanted("word7 word12"));
    timed("what all begin with", &wanted("workflow"));
    timed("a name", &wanted("workflow-04711"));
    let begun = Instant::now();
    for n in 0..100 {
        reader.kept(&format!("workflow-{:05}", n * 97), None).unwrap().unwrap();
    }
    println!("{:44} {:9.2} ms", "one loaded", begun.elapsed().as_secs_f64() * 10.0);
}
