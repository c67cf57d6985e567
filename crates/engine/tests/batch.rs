//! Batches over a whole engine: the rows of a table as child runs, and their results in pages.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use stead_core::ids::StreamId;
use stead_core::run::event::Breaks;
use stead_core::run::{Again, View};
use stead_core::status::RunStatus;
use stead_engine::batch::results::Results;
use stead_engine::batch::{self, Format, Given, Rows, Which};
use stead_engine::limits::RESULT_ROWS;
use stead_engine::operations::{Answer, Operation};
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::{Engine, Home, ask_home};
use stead_lang::Bundle;
use stead_store::Reader as _;
use stead_store::files::FileStore;
use stead_store::sqlite::SqliteStore;

const CHILD: &str = "{ stead: 1, name: one, inputs: { n: { type: integer } }, steps: [ { id: a, set: { n: '${{ inputs.n }}' } } ], outputs: { n: '${{ steps.a.output.n }}' } }";

fn ended(engine: &Engine, run: &str) -> View {
    let begun = Instant::now();
    loop {
        let Answer::Status { view } = engine.ask(Operation::Status { run: run.to_owned() }).unwrap() else {
            panic!()
        };
        if view.status.is_end() {
            return *view;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{view:#?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn p11_results_come_in_pages() {
    let count = u32::try_from(RESULT_ROWS).unwrap() * 2 + 100;
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(&folder.path().join(".stead"));
    let engine = Engine::open(&home, Arc::new(EnvironmentSecrets)).unwrap();
    let child = stead_lang::tree::read("one", CHILD, &mut Vec::new()).unwrap().root().to_json().unwrap();
    let plan = stead_lang::check(&Bundle::single("one.yml", CHILD)).plan.unwrap();
    let table: String =
        std::iter::once("n\n".to_owned()).chain((0..count).map(|n| format!("{n}\n"))).collect();
    let (given, mut keep) = (Given::default(), |_: &str| Err("no files".to_owned()));
    let rows =
        Rows::of_table(Box::new(Cursor::new(table)), Format::Csv(b','), &plan, &given, &mut keep).unwrap();
    let written = rows.write(&FileStore::attach(&home.files())).unwrap().unwrap();
    assert_eq!(written.rows, count);
    let text = batch::definition("one", &Which::Inline(child), 16, false);
    // As a command has taken it in: a hash alone is one of an upload.
    let path = FileStore::attach(&home.files()).path(&written.file.hash).unwrap();
    let inputs: Map<String, Value> =
        Map::from_iter([(batch::INPUT.to_owned(), json!({"hash": written.file.hash, "path": path}))]);
    let run = StreamId::new("r_batch");
    engine
        .ask(Operation::Start {
            run,
            bundle: Bundle::single("batch.yml", text),
            inputs,
            project: String::new(),
            folder: String::new(),
            breaks: Breaks::default(),
            by: "user:ana".into(),
        })
        .unwrap();
    let view = ended(&engine, "r_batch");
    assert_eq!(view.status, RunStatus::Completed, "{view:#?}");
    assert_eq!(view.outputs.unwrap()["completed"], json!(count));
    engine.stop().unwrap();
    // Where no engine runs they are read from the store.
    let page = |after: u32, limit: usize| -> Results {
        match ask_home(&home, Operation::Results { run: "r_batch".into(), after, limit }).unwrap() {
            Answer::Results(results) => *results,
            other => panic!("{other:?}"),
        }
    };
    let first = page(0, usize::MAX);
    assert_eq!((first.total, first.rows.len()), (count, RESULT_ROWS), "a page is bounded");
    assert_eq!((first.inputs, first.outputs), (vec!["n".to_owned()], vec!["n".to_owned()]));
    let last = page(count - 3, 500);
    assert_eq!(last.rows.iter().map(|row| row.index).collect::<Vec<_>>(), [count - 3, count - 2, count - 1]);
    assert!(last.rows.iter().all(|row| row.outputs == Some(json!({"n": row.index}))), "{last:#?}");
    assert!(page(count, 10).rows.is_empty());
    assert_eq!(page(7, 2).rows[1].inputs["n"], json!(8));
}

#[test]
fn a_long_batch_that_is_tried_again_is_not_read_whole_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(&folder.path().join(".stead"));
    let engine = Engine::open(&home, Arc::new(EnvironmentSecrets)).unwrap();
    let child =
        CHILD.replace("steps: [", "steps: [ { id: look, if: inputs.n == 5, file: { read: go.txt } },");
    let child = stead_lang::tree::read("one", &child, &mut Vec::new()).unwrap().root().to_json().unwrap();
    let rows: String = (0..600).map(|n| format!("{{\"inputs\": {{\"n\": {n}}}}}\n")).collect();
    let files = FileStore::attach(&home.files());
    let hash = files.put(rows.as_bytes()).unwrap().hash;
    // As a command has taken it in: a hash alone is one of an upload.
    let path = files.path(&hash).unwrap();
    let run = StreamId::new("r_batch");
    let start = Operation::Start {
        run: run.clone(),
        bundle: Bundle::single("b.yml", batch::definition("one", &Which::Inline(child), 16, false)),
        inputs: Map::from_iter([(batch::INPUT.to_owned(), json!({ "hash": hash, "path": path }))]),
        project: String::new(),
        folder: folder.path().display().to_string(),
        breaks: Breaks::default(),
        by: "user:ana".into(),
    };
    engine.ask(start).unwrap();
    assert_eq!(ended(&engine, "r_batch").outputs.unwrap()["failed"], json!(1));
    std::fs::write(folder.path().join("go.txt"), "").unwrap();
    let (again, inputs) = (Again::Failed, Map::new());
    let by = "user:ana".to_owned();
    engine.ask(Operation::Retry { run: "r_batch".into(), by, again, inputs, dry_run: false }).unwrap();
    let view = ended(&engine, "r_batch");
    assert_eq!(view.outputs.unwrap()["failed"], json!(0));
    engine.stop().unwrap();
    let loaded = SqliteStore::open_read_only(&home.database()).unwrap().load(&run).unwrap().unwrap();
    let behind: u64 = loaded.rows.iter().map(|row| row.count).sum();
    assert!(loaded.snapshot.is_some() && behind < 20, "{behind} of {} events are read back", view.seq);
    let text =
        loaded.rows.iter().map(|row| String::from_utf8_lossy(&row.events).into_owned()).collect::<String>();
    assert!(!text.contains("run_reopened"), "{text}");
}
