//! What a run says it waits for is what wakes it.

use serde_json::{Value, json};

use crate::project::{Project, finish, signal};

/// What the newest run of the project waits for, and when the engine wakes it.
struct Waits {
    run: String,
    status: Value,
    of: Vec<Value>,
    due: Value,
}

impl Waits {
    fn of(project: &Project) -> Self {
        let view = project.stead("status @last --json").is(0).json();
        let due = project.last()["due"].clone();
        let of = view["waits_for"].as_array().unwrap().clone();
        Self { run: view["run"].as_str().unwrap().to_owned(), status: view["status"].clone(), of, due }
    }

    /// That it waits for this one thing, and until when.
    #[track_caller]
    fn one(&self, status: &str, kind: &str, path: &str) -> (i64, Option<i64>) {
        assert_eq!(self.status, status, "{:?}", self.of);
        let [one] = self.of.as_slice() else { panic!("{:?}", self.of) };
        assert_eq!((&one["kind"], &one["path"]), (&json!(kind), &json!(path)), "{one}");
        (one["since"].as_i64().unwrap(), one["until"].as_i64())
    }
}

fn started(name: &str, text: &str, args: &str, code: i32) -> Project {
    let project = Project::new().workflow(name, text);
    project.stead(&format!("run {name}.yml {args}")).is(code);
    project
}

const HOUR: i64 = 3_600_000;

#[test]
fn a_timer_says_when_it_fires() {
    let project = started("t", "steps: [ { id: w, wait: { for: 1h } } ]\n", "--no-wait", 4);
    let waits = Waits::of(&project);
    let (since, until) = waits.one("waiting", "timer", "w");
    assert_eq!((until, &waits.due), (Some(since + HOUR), &json!(since + HOUR)));
    // A short one is over when it said.
    let project = started("t", "steps: [ { id: w, wait: { for: 1s } } ]\n", "--no-wait", 4);
    let (_, until) = Waits::of(&project).one("waiting", "timer", "w");
    project.stead("resume @last").is(0);
    let view = project.stead("status @last --json").is(0).json();
    assert!(view["steps"][0]["ended_at"].as_i64() >= until, "{view}");
}

#[test]
fn a_deadline_that_comes_first_is_said() {
    let within = "steps:\n  - id: g\n    deadline: 10m\n    on_error: continue\n    steps: [ { id: w, wait: { for: 1h } } ]\n";
    let own = "steps: [ { id: w, deadline: 10m, wait: { for: 1h } } ]\n";
    let signal =
        "steps:\n  - { id: g, deadline: 10m, steps: [ { id: w, timeout: 1h, wait: { signal: go } } ] }\n";
    let run = "deadline: 10m\nsteps: [ { id: w, wait: { for: 1h } } ]\n";
    for (text, path) in [(within, "g/w"), (own, "w"), (signal, "g/w"), (run, "w")] {
        let project = started("d", text, "--no-wait", 4);
        let waits = Waits::of(&project);
        let kind = if text.contains("signal") { "signal" } else { "timer" };
        let (since, until) = waits.one("waiting", kind, path);
        assert_eq!(until, waits.due.as_i64(), "{text}");
        assert!(until.is_some_and(|until| until - since <= 600_000), "{text}");
    }
}

#[test]
fn a_retry_says_when_it_tries_again() {
    let text = "steps: [ { id: r, retry: { attempts: 2, wait: 30m, jitter: 0 }, run: 'test -e good' } ]\n";
    let project = started("r", text, "--timeout 1s", 5);
    let waits = Waits::of(&project);
    let (_, until) = waits.one("waiting", "retry", "r");
    assert!(until.is_some() && until == waits.due.as_i64(), "{:?} {:?}", waits.of, waits.due);
}

#[test]
fn a_child_is_named_and_says_itself_what_it_waits_for() {
    let text = "steps:\n  - { id: c, timeout: 2h, workflow: { inline: { stead: 1, name: kid, steps: [ { id: w, wait: { signal: go } } ] } } }\n";
    let project = started("p", text, "--no-wait", 4);
    let row = project.stead("runs --workflow p --json").is(0).json();
    let waits = &row["waits_for"][0];
    assert_eq!((&waits["kind"], &waits["path"]), (&json!("child"), &json!("c")));
    assert_eq!(waits["until"], row["due"]);
    let kid = waits["detail"].as_str().unwrap().to_owned();
    let view = project.stead(&format!("status {kid} --json")).is(0).json();
    assert_eq!(
        (&view["waits_for"][0]["kind"], &view["waits_for"][0]["path"]),
        (&json!("signal"), &json!("w"))
    );
    assert_eq!(view["waits_for"][0]["until"], Value::Null, "nothing but the signal ends it");
    project.stead(&format!("signal {kid} go")).is(0);
    project.stead("resume").is(0);
    let row = project.stead("runs --workflow p --json").is(0).json();
    assert_eq!((&row["status"], &row["waits_for"]), (&json!("completed"), &json!([])));
}

#[test]
fn a_signal_is_named_with_its_time_out() {
    let text = "steps: [ { id: w, timeout: 1h, wait: { signal: paid } } ]\n";
    let project = started("s", text, "--no-wait", 4);
    let waits = Waits::of(&project);
    let (since, until) = waits.one("waiting", "signal", "w");
    assert_eq!((until, &waits.due), (Some(since + HOUR), &json!(since + HOUR)));
    assert_eq!(waits.of[0]["detail"], "paid");
    project.stead(&format!("signal {} paid", waits.run)).is(0);
    project.stead("resume @last").is(0);
}

#[test]
fn a_pause_says_who_and_a_break_says_where() {
    let text = "steps: [ { id: a, run: 'true' }, { id: w, wait: { for: 1h } } ]\n";
    let project = started("p", text, "--pause-at w", 4);
    let waits = Waits::of(&project);
    assert_eq!(waits.one("paused", "resume", "w").1, None);
    project.stead("resume @last --no-wait").is(4);
    Waits::of(&project).one("waiting", "timer", "w");
    project.stead("pause @last").is(0);
    let waits = Waits::of(&project);
    let kinds: Vec<&Value> = waits.of.iter().map(|one| &one["kind"]).collect();
    assert_eq!((waits.status, kinds), (json!("paused"), vec![&json!("resume"), &json!("timer")]));
    assert_eq!(waits.of[0]["detail"], "paused by user:ana");
    project.stead("resume @last --no-wait").is(4);
    Waits::of(&project).one("waiting", "timer", "w");
}

#[test]
fn an_attempt_that_nobody_knows_of_waits_for_a_word() {
    let text = "steps: [ { id: pay, effect: once, run: 'touch begun; sleep 60' } ]\n";
    let project = Project::new().workflow("o", text);
    let child = project.spawn("run o.yml");
    project.wait_for_file("begun");
    signal(&child, "KILL");
    finish(child);
    project.stead("resume o").is(4);
    let waits = Waits::of(&project);
    assert_eq!(waits.one("waiting", "settle", "pay").1, None);
    project.stead(&format!("settle {} pay --done 1", waits.run)).is(0);
    project.stead("resume o").is(0);
}

#[test]
fn programs_without_a_place_wait_for_one() {
    let text = "steps:\n  - id: each\n    foreach: { in: '${{ inputs.all }}', parallel: 1000 }\n    run: 'echo x >> begun; until [ -e go ]; do sleep 0.02; done'\n";
    let places = stead_platform::machine::cpu_count() * stead_engine::limits::PROCESSES_PER_CPU;
    let all: Vec<usize> = (0..places + 3).collect();
    let project = Project::new().workflow("q", &format!("inputs: {{ all: {{ type: array }} }}\n{text}"));
    let mut command = project.command();
    command.args(["run", "q.yml", "-i"]).arg(format!("all:={}", json!(all)));
    let running =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    project.wait_for("all places taken", |project| project.text("begun").lines().count() == places);
    let of = Waits::of(&project).of;
    assert_eq!(of.iter().filter(|one| one["kind"] == "slot").count(), 3, "{of:?}");
    assert!(of.iter().all(|one| one["until"].is_null()), "{of:?}");
    let project = project.with("go", "");
    finish(running).is(0);
    assert_eq!(project.text("begun").lines().count(), places + 3);
}
