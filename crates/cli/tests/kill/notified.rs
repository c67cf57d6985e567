//! Kill around the delivery of a notification: at least once, with the same id, and never before it is durable.

use std::path::Path;

use crate::program::{Trial, killed};

const FAILS: &str = "stead: 1\nname: fails\nsteps: [ { id: a, run: [sh, -c, 'exit 3'] } ]\n";
const WELL: &str = "stead: 1\nname: well\nsteps: [ { id: a, run: [echo, '1'] } ]\n";
const RULE: &str =
    "notify:\n  - { name: file, on: run_failed, command: [sh, -c, 'echo $STEAD_NOTICE_ID >> told'] }\n";

fn trial(parent: &Path) -> Trial {
    use std::os::unix::fs::PermissionsExt as _;
    let trial = Trial::new(parent);
    let home = trial.folder().join("home");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(trial.folder().join("fails.yml"), FAILS).unwrap();
    std::fs::write(trial.folder().join("well.yml"), WELL).unwrap();
    std::fs::write(home.join("settings.yml"), RULE).unwrap();
    std::fs::set_permissions(home.join("settings.yml"), std::fs::Permissions::from_mode(0o600)).unwrap();
    trial
}

fn told(trial: &Trial) -> Vec<String> {
    let text = std::fs::read_to_string(trial.folder().join("told")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn p2_what_is_told_is_durable_and_told_at_least_once_with_one_id() {
    let parent = tempfile::tempdir().unwrap();
    let mut plain = trial(parent.path());
    assert_eq!(plain.call(&["run", "fails.yml"], None).code(), Some(1), "{}", plain.said());
    assert_eq!(told(&plain).len(), 1, "{}", plain.said());
    let crossed = plain.crossed();
    assert_eq!((crossed["notify.before"], crossed["notify.after"]), (1, 1));
    let points = ["commit.before", "commit.after", "notify.before", "notify.after"];
    for (point, number) in points.iter().flat_map(|point| (1..=crossed[*point]).map(move |n| (*point, n))) {
        let mut trial = trial(parent.path());
        let status = trial.call(&["run", "fails.yml"], Some((point, number)));
        assert!(killed(status), "{point}@{number}\n{}", trial.said());
        let before = told(&trial);
        assert_eq!(
            before.len(),
            usize::from(point == "notify.after"),
            "{point}@{number}: told before it is time"
        );
        // Whoever takes the home next goes on: with the run, and with what was to be told.
        trial.call(&["resume"], None);
        assert!(trial.call(&["run", "well.yml"], None).success(), "{}", trial.said());
        let after = told(&trial);
        let began = number > 1 || point != "commit.before";
        let most = before.len() + usize::from(began);
        assert_eq!(after.len(), most, "{point}@{number}: {after:?}\n{}", trial.said());
        assert!(after.iter().all(|id| *id == after[0] && id.starts_with("n_")), "{after:?}");
    }
}
