//! A signal that is sent by the program, killed while it does so, and sent again.

use stead_core::status::RunStatus;

use crate::program::{At, Trial, killed};

#[test]
fn p2_a_signal_with_an_id_counts_once_wherever_its_sender_is_killed() {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let kills: [Option<At<'_>>; 3] = [Some(("commit.before", 1)), Some(("commit.after", 1)), None];
    for kill in kills {
        let mut trial = Trial::new(folder.path());
        let text = "stead: 1\nname: two\nsteps:\n  - { id: a, wait: { signal: go } }\n  - { id: b, wait: { signal: go } }\n";
        std::fs::write(trial.folder().join("two.yml"), text).unwrap();
        let left = trial.call(&["run", "two.yml"], None);
        assert_eq!(left.code(), Some(4), "{}", trial.said());
        let run = trial.top().unwrap().run.to_string();
        for id in ["1", "2"] {
            let words = ["signal", &run, "go", "--id", id, "--data", id];
            assert_eq!(killed(trial.call(&words, kill)), kill.is_some(), "{}", trial.said());
            // Whoever got no answer sends it again.
            for _ in 0..2 {
                assert!(trial.call(&words, None).success(), "{}", trial.said());
            }
        }
        assert!(trial.call(&["resume", &run], None).success(), "{}", trial.said());
        let view = trial.top().unwrap();
        assert_eq!(view.status, RunStatus::Completed);
        assert_eq!(view.outputs, Some(serde_json::json!({"a": 1, "b": 2})), "{}", trial.said());
        assert_eq!(view.signals_kept, 0);
        trial.verify();
    }
}
