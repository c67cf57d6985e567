//! What the engine keeps at hand, and what it refuses before anything is written.

use serde_json::Map;
use stead_core::run::event::Breaks;
use stead_lang::Bundle;

use super::*;
use crate::limits;
use crate::secrets::EnvironmentSecrets;

fn start(engine: &Engine, run: &str, number: usize, project: &str) -> Result<Answer, EngineError> {
    let text = format!("stead: 1\nname: w{number}\nsteps:\n  - {{ id: w, wait: {{ for: 1h }} }}\n");
    engine.ask(Operation::Start {
        run: StreamId::new(run),
        bundle: Bundle::single("w.yml", text),
        inputs: Map::new(),
        project: project.to_owned(),
        folder: String::new(),
        breaks: Breaks::default(),
        by: "user:ana".into(),
    })
}

#[test]
fn p11_definitions_at_hand_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(&Home::at(folder.path()), Arc::new(EnvironmentSecrets)).unwrap();
    let at_hand = || engine.desk.checked.lock().unwrap().len();
    for number in 0..limits::DEFINITIONS_CHECKED + 5 {
        start(&engine, &format!("r_{number}"), number, "").unwrap();
        assert_eq!(at_hand(), (number + 1).min(limits::DEFINITIONS_CHECKED));
    }
    // One that is not at hand any more is checked again, one that is stands there once.
    for (run, number) in [("r_first", 0), ("r_last", limits::DEFINITIONS_CHECKED + 4)] {
        start(&engine, run, number, "").unwrap();
        assert_eq!(at_hand(), limits::DEFINITIONS_CHECKED);
    }
    engine.stop().unwrap();
}

#[test]
fn p11_names_of_projects_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(&Home::at(folder.path()), Arc::new(EnvironmentSecrets)).unwrap();
    let name = |bytes: usize| "p".repeat(bytes);
    start(&engine, "r_a", 0, &name(limits::PROJECT_BYTES)).unwrap();
    let error = start(&engine, "r_b", 0, &name(limits::PROJECT_BYTES + 1)).unwrap_err();
    assert!(matches!(error, EngineError::Project { .. }), "{error}");
    assert!(error.to_string().contains("too long"), "{error}");
    let Answer::Runs { runs } = engine.ask(Operation::Runs { query: Default::default() }).unwrap() else {
        panic!("not the runs")
    };
    assert_eq!(runs.iter().map(|row| row.run.to_string()).collect::<Vec<_>>(), ["r_a"]);
    engine.stop().unwrap();
}
