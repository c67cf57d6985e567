//! Kill everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::Value;
use stead_core::run::{StepNow, View};
use stead_core::status::{Outcome, RunStatus, StepStatus};
use stead_engine::operations::{Answer, Operation};

use crate::cases::{self, Case};
use crate::program::{At, Trial, killed};
use crate::servers::Servers;

/// Points that each commit crosses.
pub(crate) const COMMIT: [&str; 2] = ["commit.before", "commit.after"];
/// The point that each effect crosses, between its end and its result.
pub(crate) const EFFECT: &str = "effect.after";

/// What a run came to, without what may differ.
#[derive(Debug, PartialEq)]
pub(crate) struct Came {
    pub(crate) status: RunStatus,
    outcome: Option<Outcome>,
    outputs: Option<Value>,
    error: Option<String>,
    steps: Vec<(String, StepStatus, Option<Outcome>)>,
    runs: usize,
    /// Steps that were performed: the path, and in how many places (items, child runs).
    performed: BTreeMap<String, usize>,
}

/// What an undisturbed run came to, and the points it crossed.
struct Plain {
    came: Came,
    crossed: BTreeMap<String, u64>,
}

pub(crate) fn came(case: &Case, trial: &Trial) -> Came {
    let view = trial.top().unwrap_or_else(|| panic!("there is no run\n{}", trial.said()));
    let View { status, outcome, outputs, error, .. } = view;
    let outputs = match (outputs, case.tells_time) {
        (Some(outputs), true) => {
            Some(Value::from(outputs.to_string().replace(|c: char| c.is_ascii_digit(), "#")))
        }
        (outputs, _) => outputs,
    };
    let (mut steps, mut asides) = (Vec::new(), Vec::new());
    flatten(&view.steps, &mut steps);
    flatten(&view.asides, &mut asides);
    // A probe runs where an attempt was lost, and nowhere else.
    asides.retain(|(path, ..)| !path.ends_with("!verify"));
    steps.extend(asides);
    let mut performed = BTreeMap::new();
    for key in trial.ran().into_keys() {
        let (_, path) = key.split_once('/').unwrap();
        *performed.entry(path.to_owned()).or_default() += 1;
    }
    trial.verify();
    let error = error.map(|error| format!("{} at {}", error.kind_word(), error.step));
    Came { status, outcome, outputs, error, steps, runs: trial.runs().len(), performed }
}

fn flatten(all: &[StepNow], into: &mut Vec<(String, StepStatus, Option<Outcome>)>) {
    for step in all {
        into.push((step.path.clone(), step.status, step.outcome));
        flatten(&step.inside, into);
    }
}

trait KindWord {
    fn kind_word(&self) -> String;
}

impl KindWord for stead_core::run::StepError {
    fn kind_word(&self) -> String {
        serde_json::to_value(self.kind).unwrap().as_str().unwrap().to_owned()
    }
}

fn start(case: &Case) -> Vec<String> {
    let mut args = vec!["run".to_owned(), case.file.display().to_string(), "--json".to_owned()];
    for input in &case.inputs {
        args.extend(["-i".to_owned(), input.clone()]);
    }
    args
}

fn undisturbed(case: &Case, folder: &Path) -> Plain {
    let mut trial = Trial::new(folder);
    cases::check_out(trial.folder());
    let args = start(case);
    trial.call(&args.iter().map(String::as_str).collect::<Vec<_>>(), None);
    let came = came(case, &trial);
    let fails = ["fails", "undo", "budgets", "booking.yml"].contains(&case.name.as_str());
    let status = if fails { RunStatus::Failed } else { RunStatus::Completed };
    assert_eq!(came.status, status, "{}: {came:?}\n{}", case.name, trial.said());
    for (key, times) in trial.ran() {
        let (_, path) = key.split_once('/').unwrap();
        assert_eq!(times, case.times.get(path).copied().unwrap_or(1), "{}: {key}", case.name);
    }
    Plain { came, crossed: trial.crossed() }
}

/// What has happened in all trials.
#[derive(Debug, Default)]
struct Tally {
    kills: AtomicUsize,
    /// Parked steps that had happened, and that had not.
    done: AtomicUsize,
    again: AtomicUsize,
    /// Of the first, those whose program is known to have ended well.
    known: AtomicUsize,
}

/// Starts a run and kills it at the first place, its resume at the second, and so on; then brings it to its
/// end.
fn disturbed(case: &Case, plain: &Plain, folder: &Path, places: &[At<'_>], tally: &Tally) {
    let mut trial = Trial::new(folder);
    cases::check_out(trial.folder());
    let args = start(case);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut kills = 0;
    // How often each key had run when its result became durable, at the latest.
    let mut settled: BTreeMap<String, usize> = BTreeMap::new();
    for place in places {
        let words = if trial.top().is_some() { &["resume", "--json"][..] } else { &args };
        if !killed(trial.call(words, Some(*place))) {
            continue;
        }
        kills += 1;
        let ran = trial.ran();
        for key in trial.durable() {
            let times = ran.get(&key).copied().unwrap_or(0);
            settled.entry(key).or_insert(times);
        }
    }
    if trial.top().is_none() {
        // Nothing was durable, so nobody was told of a run: it is started again.
        trial.call(&args, None);
    }
    for round in 0.. {
        assert!(round < 20, "{}: it does not come to its end\n{}", case.name, trial.said());
        let view = trial.top().unwrap();
        if view.status.is_end() {
            break;
        }
        let parked: Vec<String> = view
            .waits_for
            .into_iter()
            .filter(|waits| waits.kind == "settle")
            .map(|waits| waits.path)
            .collect();
        for path in &parked {
            let happened = settle(case, &mut trial, path, tally);
            let count = if happened { &tally.done } else { &tally.again };
            count.fetch_add(1, Ordering::Relaxed);
        }
        let run = view.run.to_string();
        // With and without a name.
        let words = if round % 2 == 0 { vec!["resume", "--json"] } else { vec!["resume", &*run, "--json"] };
        trial.call(&words, None);
    }
    let now = came(case, &trial);
    let what = || format!("{}, killed at {places:?}\n{}", case.name, trial.said());
    assert_eq!(now, plain.came, "{}", what());
    for (key, times) in trial.ran() {
        let (_, path) = key.split_once('/').unwrap();
        let expected = case.times.get(path).copied().unwrap_or(1);
        let most = match case.once.iter().any(|(step, _)| *step == path) {
            true => expected,
            false => expected + kills,
        };
        assert!(
            (expected..=most).contains(&times),
            "{key} ran {times} times, {expected} to {most}: {}",
            what()
        );
        if let Some(before) = settled.get(&key) {
            assert_eq!(times, *before, "{key} ran again, its result was durable: {}", what());
        }
    }
    tally.kills.fetch_add(kills, Ordering::Relaxed);
}

/// Somebody looks whether a parked step has happened, and says so.
fn settle(case: &Case, trial: &mut Trial, path: &str, tally: &Tally) -> bool {
    let (_, printed) = case.once.iter().find(|(step, _)| *step == path).expect("only `once` steps park");
    let run = trial.top().unwrap().run.to_string();
    let happened = trial.ran().contains_key(&format!("{run}/{path}"));
    let ask = Operation::Evidence { run: run.clone(), step: Some(path.to_owned()) };
    let Some(Answer::Evidence { evidence, .. }) = trial.ask(&ask) else { panic!("{}", trial.said()) };
    let end = evidence[0].process.as_ref().and_then(|process| process.end.clone());
    if end.is_some_and(|end| end.exit_code == Some(0)) {
        assert!(happened, "it has ended well and did nothing: {evidence:#?}\n{}", trial.said());
        tally.known.fetch_add(1, Ordering::Relaxed);
    }
    let verdict = if happened { vec!["--done", printed] } else { vec!["--again"] };
    let status = trial.call(&[&["settle", &run, path], &verdict[..]].concat(), None);
    assert!(status.success(), "{}", trial.said());
    happened
}

/// All ways in which a run is killed.
fn places(plain: &Plain) -> Vec<Vec<At<'static>>> {
    let count = |point: &str| plain.crossed.get(point).copied().unwrap_or(0);
    let mut all: Vec<Vec<At<'static>>> = Vec::new();
    for point in COMMIT.into_iter().chain([EFFECT]) {
        all.extend((1..=count(point)).map(|n| vec![(point, n)]));
    }
    // In recovery: at the first commits and effects of the engine that comes, and of the one after that.
    let then: [At<'static>; 5] =
        [(COMMIT[0], 1), (COMMIT[1], 1), (EFFECT, 1), (COMMIT[0], 2), (COMMIT[1], 2)];
    for n in 1..=count(COMMIT[0]) {
        for (turn, second) in then.into_iter().enumerate() {
            let first = if turn % 2 == 0 { COMMIT[1] } else { COMMIT[0] };
            let third = then[(turn + usize::try_from(n).unwrap()) % then.len()];
            all.push(vec![(first, n), second, third]);
        }
    }
    all
}

#[test]
fn p2_killed_anywhere_and_resumed_a_run_comes_to_the_same() {
    let begun = Instant::now();
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let servers = Servers::start();
    let cases = cases::write(folder.path(), &servers);
    let plains: Vec<Plain> = cases.iter().map(|case| undisturbed(case, folder.path())).collect();
    let mut work = Vec::new();
    for (case, plain) in cases.iter().zip(&plains) {
        work.extend(places(plain).into_iter().map(|places| (case, plain, places)));
    }
    let commits: u64 = plains.iter().filter_map(|plain| plain.crossed.get(COMMIT[0])).sum();
    let (next, tally) = (AtomicUsize::new(0), Tally::default());
    std::thread::scope(|scope| {
        // One more than there are processors: the programs wait for each other and for the disk.
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4) + 1 {
            scope.spawn(|| {
                while let Some((case, plain, places)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    disturbed(case, plain, folder.path(), places, &tally);
                }
            });
        }
    });
    let Tally { kills, done, again, known } = tally;
    let (kills, done, again) = (kills.into_inner(), done.into_inner(), again.into_inner());
    let known = known.into_inner();
    eprintln!(
        "{kills} kills in {} runs of definitions with {commits} commits, {} s; {done} lost steps had happened, {known} of them with a known end, {again} had not",
        work.len(),
        begun.elapsed().as_secs()
    );
    assert!(kills as u64 >= 3 * commits, "{kills} kills for {commits} commits");
    assert!(known > 0, "no end of a lost step was known");
    assert!(done > 0 && again > 0, "no `once` step was lost: {done} had happened, {again} had not");
    nothing_is_left(folder.path());
}

/// No program that a killed engine had started lives on.
pub(crate) fn nothing_is_left(folder: &Path) {
    let left: BTreeSet<String> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let cwd = std::fs::read_link(path.join("cwd")).ok()?;
            cwd.starts_with(folder).then(|| {
                let command = std::fs::read(path.join("cmdline")).unwrap_or_default();
                format!("{} {}", path.display(), String::from_utf8_lossy(&command).replace('\0', " "))
            })
        })
        .collect();
    assert!(left.is_empty(), "{left:#?}");
}
