//! Two processes that want something of one task at once, in a home with an engine and in one without: one of them
//! gets it, the other is told who did.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Child;
use std::time::Duration;

use serde_json::Value;

use crate::project::{Got, Project, finish};

/// Rounds of each race.
const ROUNDS: u64 = 10;
/// At once.
const TOGETHER: u64 = 4;

/// A home with people and a run that asks at a gate with these keys; with an engine, where another run keeps one.
struct Round {
    project: Project,
    engine: Option<Child>,
    nth: u64,
}

impl Round {
    fn begin(nth: u64, engine: bool, step: &str) -> Self {
        let project = Project::new()
            .workflow(
                "one",
                &format!("steps:\n  - id: ship\n    {step}\n  - {{ id: after, run: echo x >> shipped }}\n"),
            )
            .workflow(
                "slow",
                "steps:\n  - { id: slow, run: 'touch begun; until [ -e go ]; do sleep 0.05; done' }\n",
            );
        std::fs::set_permissions(project.path(".stead"), std::fs::Permissions::from_mode(0o700)).unwrap();
        let people = ["bo", "cy", "di"].map(|name| format!("people add {name} --role approver"));
        for command in people {
            project.stead(&command).is(0);
        }
        let engine = engine.then(|| {
            let child = project.spawn("run slow.yml");
            project.wait_for_file("begun");
            child
        });
        project.stead("run one.yml").is(4);
        Self { project, engine, nth }
    }

    /// Both commands at once, begun in turns in this order and the other one.
    fn both(&self, [a, b]: [&str; 2]) -> [Got; 2] {
        if self.nth.is_multiple_of(2) {
            let (a, b) = (self.project.spawn(a), self.project.spawn(b));
            [finish(a), finish(b)]
        } else {
            let (b, a) = (self.project.spawn(b), self.project.spawn(a));
            [finish(a), finish(b)]
        }
    }

    fn run(&self) -> String {
        let got = self.project.stead("runs --json --workflow one");
        let run: Value = serde_json::from_str(got.out.lines().next().unwrap()).unwrap();
        run["run"].as_str().unwrap().to_owned()
    }

    /// How the task ended: the events of its stream that say so are one.
    fn task(&self, run: &str) -> Value {
        self.project.stead(&format!("inbox {run}/ship --json")).is(0).json()
    }

    fn end(self, run: &str) -> Value {
        if let Some(engine) = self.engine {
            std::fs::write(self.project.path("go"), "").unwrap();
            finish(engine).is(0);
        }
        self.project.stead(&format!("resume {run}"));
        self.project.stead(&format!("status {run} --json")).is(0).json()
    }
}

/// Rounds of a race, a few of them at once, half of them with an engine.
fn rounds(step: &str, round: impl Fn(Round) + Sync) {
    std::thread::scope(|scope| {
        for part in 0..TOGETHER {
            let round = &round;
            scope.spawn(move || {
                for nth in (0..2 * ROUNDS).filter(|nth| nth % TOGETHER == part) {
                    round(Round::begin(nth, nth >= ROUNDS, step));
                }
            });
        }
    });
}

/// Of two commands the one that did it, and the one that was too late.
fn one_of(got: [Got; 2]) -> (usize, Got) {
    let [a, b] = got;
    match (a.code, b.code) {
        (0, 1) => (0, b),
        (1, 0) => (1, a),
        _ => panic!("of two exactly one does it:\n{a:?}\n{b:?}"),
    }
}

#[test]
fn p4_two_last_votes_of_two_processes() {
    rounds("approve: { title: Ship it?, quorum: 2 }", |round| {
        let run = round.run();
        round.project.stead(&format!("--as bo approve {run}")).is(0);
        let votes = [format!("--as cy approve {run}/ship"), format!("--as di reject {run}/ship -m no")];
        let (first, late) = one_of(round.both([&votes[0], &votes[1]]));
        let told = ["the task was accepted at", "the task was rejected at"][first];
        late.says("R0203").says(told).says(["user:bo, user:cy", "by user:di"][first]);
        assert_eq!(round.task(&run)["ended"], ["accepted", "rejected"][first]);
        let project = round.project.path("shipped");
        let view = round.end(&run);
        assert_eq!(view["outcome"], ["ok", "rejected"][first], "{project:?}");
    });
}

#[test]
fn p4_two_claims_of_two_processes() {
    rounds("approve: { title: Ship it? }", |round| {
        let run = round.run();
        let claims = [format!("--as cy claim {run}/ship"), format!("--as di claim {run}/ship")];
        let (first, late) = one_of(round.both([&claims[0], &claims[1]]));
        let name = ["cy", "di"][first];
        late.says("R0203").says(&format!("user:{name} works on it, until"));
        let task = round.task(&run);
        assert_eq!(
            (&task["status"], &task["claimed"][0]),
            (&"claimed".into(), &format!("user:{name}").into())
        );
        round.project.stead(&format!("--as {name} approve {run}/ship")).is(0);
        assert_eq!(round.end(&run)["outcome"], "ok");
    });
}

#[test]
fn p4_a_decision_and_a_cancel_of_two_processes() {
    rounds("approve: { title: Ship it? }", |round| {
        let run = round.run();
        let both = [format!("--as cy approve {run}/ship"), format!("cancel {run}")];
        let [approve, cancel] = round.both([&both[0], &both[1]]);
        let ended = round.task(&run)["ended"].clone();
        match approve.code {
            0 => assert_eq!(ended, "accepted"),
            _ => {
                approve.is(1).says("R0203").says("the task was withdrawn at");
                assert_eq!((ended.as_str(), cancel.code), (Some("withdrawn"), 0));
            }
        }
        let view = round.end(&run);
        // What was decided stands; the run goes its way, or is cancelled.
        let way = (view["outcome"].as_str().unwrap(), ended.as_str().unwrap());
        assert!(matches!(way, ("cancelled", _) | ("ok", "accepted")), "{view}");
    });
}

#[test]
fn p4_a_decision_and_the_time_out_with_real_processes() {
    rounds("timeout: 1s\n    approve: { title: Ship it?, on_timeout: reject }", |round| {
        let run = round.run();
        // About when its time is over: before, at the same moment, or after.
        std::thread::sleep(Duration::from_millis(700 + round.nth % ROUNDS * 50));
        let approve = round.project.stead(&format!("--as cy approve {run}/ship"));
        let ended = round.task(&run)["ended"].clone();
        match approve.code {
            0 => assert_eq!(ended, "accepted"),
            _ => {
                approve.is(1).says("R0203").says("rejected at").says("by the engine, as it has timed out");
                assert_eq!(ended, "rejected");
            }
        }
        let view = round.end(&run);
        assert_eq!(view["outcome"], if ended == "accepted" { "ok" } else { "rejected" });
    });
}
