//! A journal that cannot be so, though its hashes fit: the run stops with the place, and the others go on.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};
use stead_core::effect::Effect;
use stead_core::ids::StreamId;
use stead_core::run::Input;
use stead_core::run::event::Breaks;
use stead_core::status::RunStatus;
use stead_engine::driver::{Addressed, Driver};
use stead_lang::Bundle;
use stead_store::files::FileStore;
use stead_store::memory::MemoryStore;
use stead_store::{Commit, Reader as _, Store as _};

const BODY: &str = "\
stead: 1
name: test
steps:
  - id: g
    steps:
      - { id: a, noop: 1 }
  - { id: all, foreach: { in: [1, 2] }, noop: 1 }
  - { id: w, wait: { for: 1h } }
";

fn id(name: &str) -> StreamId {
    StreamId::new(name)
}

/// Brings all runs on as far as they come at once; says which could not go on, and why.
fn brought_on(driver: &mut Driver<MemoryStore>, now: i64) -> Vec<(StreamId, String)> {
    let mut troubles = Vec::new();
    while driver.is_busy() || driver.due().is_some_and(|due| due <= now) {
        let stepped = driver.step(now).unwrap();
        troubles.extend(stepped.troubles);
        for (effect, _) in stepped.effects {
            let Effect::Execute(job) = effect else { continue };
            let (stream, path, number) = (job.attempt.stream, job.attempt.path, job.attempt.number);
            let result = stead_core::effect::AttemptResult::default();
            let input = Input::AttemptEnded { path, number, result };
            driver.push(Addressed::to(stream, input));
        }
    }
    troubles
}

/// Two runs that wait, one of which has such an event behind what happened.
fn with_event(event: &Value) -> (Driver<MemoryStore>, tempfile::TempDir) {
    let bundle = Bundle::single("test.yml", BODY);
    let plan = stead_lang::check(&bundle).plan.unwrap();
    let mut store = MemoryStore::new();
    store.put_definition(&plan.revision, &serde_json::to_vec(&bundle).unwrap()).unwrap();
    let files = tempfile::tempdir().unwrap();
    let mut driver = Driver::new(store.reopen(), FileStore::open(files.path()).unwrap()).unwrap();
    for name in ["r_bad", "r_good"] {
        let (project, folder, breaks) = (String::new(), String::new(), Breaks::default());
        let input = Input::Start { inputs: Vec::new(), project, folder, breaks, by: "user:ana".into() };
        let revision = Some(plan.revision.clone());
        driver.push(Addressed { revision, ..Addressed::to(id(name), input) });
    }
    assert_eq!(brought_on(&mut driver, 1_000), []);
    drop(driver);
    let last = store.head(&id("r_bad")).unwrap().unwrap().seq;
    let fence = store.take_fence().unwrap();
    let commit = Commit {
        stream: id("r_bad"),
        expected_seq: last + 1,
        count: 1,
        events: serde_json::to_vec(&json!([event])).unwrap(),
        at: 1_000,
        cause: "damage".into(),
        messages: Vec::new(),
        taken: Vec::new(),
        due: None,
        head: None,
        open: None,
        task: None,
        jobs: Vec::new(),
    };
    store.commit(fence, &[commit]).unwrap();
    let driver = Driver::new(store.reopen(), FileStore::attach(files.path())).unwrap();
    (driver, files)
}

#[test]
fn p2_what_cannot_have_happened_stops_its_run_with_the_place() {
    let failed = json!({ "kind": "exit", "message": "no", "step": "g", "outcome": "error" });
    for (event, why) in [
        (json!({ "type": "step_exploded", "path": "g" }), "unknown variant `step_exploded`"),
        (json!({ "type": "step_completed" }), "missing field `path`"),
        (
            json!({ "type": "run_created", "workflow": "x", "revision": "y", "inputs": [] }),
            "is there already",
        ),
        (json!({ "type": "run_resumed", "by": "ana" }), ""),
        (json!({ "type": "run_reopened", "by": "ana", "drop": [], "reopen": [] }), "the run is running"),
        (json!({ "type": "step_failed", "path": "g", "error": failed }), "`g` was completed and is failed"),
        (json!({ "type": "group_started", "path": "g" }), "`g` has begun already"),
        (json!({ "type": "attempt_began", "path": "g", "number": 1 }), "`g` has made no attempt"),
        (
            json!({ "type": "run_completed", "outcome": "error", "outputs": { "value": {} } }),
            "with the outcome error",
        ),
        (json!({ "type": "step_skipped", "path": "elsewhere" }), "`elsewhere` is no step of its definition"),
        (json!({ "type": "group_started", "path": "w/x" }), "`w/x` is no step of its definition"),
        (
            json!({ "type": "attempt_started", "path": "all[x]", "number": 1 }),
            "`all` is over, and something inside is not",
        ),
        (json!({ "type": "step_skipped", "path": "g[" }), "`g[` is not what its definition says"),
        (json!({ "type": "step_skipped", "path": "g~2" }), "`g~2` is not what its definition says"),
        (json!({ "type": "step_skipped", "path": "all#1" }), "`all` has more items than have begun"),
        // That shows only in what would follow: nothing of it is written.
        (
            json!({
                "type": "block_ending",
                "path": "",
                "ending": { "status": "completed", "outcome": "error" },
            }),
            "what would follow does not fit to what it tells: the run is completed with the outcome error",
        ),
        (
            json!({ "type": "loop_started", "path": "g[x]", "max": 1, "min": 1 }),
            "`g` is over, and something inside is not",
        ),
    ] {
        let (mut driver, _files) = with_event(&event);
        let timed = driver.recover().unwrap();
        let now = 4_000_000;
        let troubles = brought_on(&mut driver, now);
        let status = driver.store().head(&id("r_good")).unwrap().unwrap().head.status;
        assert_eq!(status, RunStatus::Completed, "{event}: {timed:?}");
        if why.is_empty() {
            // One that changes nothing may stand there.
            assert_eq!(troubles, [], "{event}");
            continue;
        }
        let (run, said) = troubles.first().unwrap_or_else(|| panic!("{event} is not noticed"));
        assert_eq!(*run, id("r_bad"));
        assert!(
            said.contains(why) && said.contains("the journal of r_bad cannot be read at event"),
            "{said}"
        );
    }
}
