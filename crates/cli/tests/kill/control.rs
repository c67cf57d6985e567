//! Kill while somebody steers a run: retry, pause, resume and cancel.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use stead_core::status::RunStatus;

use crate::cases::Case;
use crate::everywhere::{COMMIT, Came, EFFECT, came};
use crate::program::{At, Trial, killed};

/// What is said to the program, one call after the other.
struct Play {
    case: Case,
    calls: Vec<Vec<String>>,
}

/// What a play came to, how often each key was performed, and which points each call crossed.
struct Plain {
    came: Came,
    ran: BTreeMap<String, usize>,
    crossed: Vec<BTreeMap<String, u64>>,
}

const RAN: &str = r#"echo "$STEAD_KEY" >> ran"#;

fn plays(folder: &Path) -> Vec<Play> {
    let fails = format!(
        r"
steps:
  - {{ id: a, run: '{RAN}; echo 1' }}
  - {{ id: each, foreach: {{ in: '${{{{ [1, 2] }}}}' }}, run: '{RAN}; [ $N = 1 ] || test -e good', env: {{ N: '${{{{ item }}}}' }} }}
  - {{ id: after, run: '{RAN}; echo $V', env: {{ V: '${{{{ steps.a.output }}}}' }} }}
finally:
  - {{ id: tidy, run: '{RAN}' }}
outputs: {{ after: '${{{{ steps.after.output }}}}' }}
"
    );
    let undoes = format!(
        r"
steps:
  - {{ id: a, run: '{RAN}; echo 1', undo: {{ run: '{RAN}' }} }}
  - {{ id: b, run: '{RAN}; test -e good' }}
  - {{ id: c, run: '{RAN}' }}
"
    );
    let waits = format!(
        r"
steps:
  - {{ id: a, run: '{RAN}; echo 1', undo: {{ run: '{RAN}' }} }}
  - {{ id: w, wait: {{ signal: go }} }}
  - {{ id: b, run: '{RAN}' }}
finally:
  - {{ id: tidy, run: '{RAN}' }}
"
    );
    let documents = format!(
        r"
scopes: {{ all: {{}}, part: {{ parent: all }} }}
documents:
  list: {{ schema: {{ type: array }}, accept: {{ by: ['role:pm'], revise: 1 }} }}
  text: {{ scope: part, accept: {{ by: ['role:pm'], revise: 1 }} }}
  whole: {{}}
steps:
  - {{ id: list, produces: list, run: '{RAN}; echo [1, 2]', parse: json }}
  - id: parts
    foreach: {{ in: '${{{{ steps.list.output }}}}', key: '${{{{ string(item) }}}}', scope: part }}
    produces: text
    run: '{RAN}; echo $N $SAID'
    env: {{ N: '${{{{ item }}}}', SAID: '${{{{ feedback }}}}' }}
  - {{ id: whole, needs: documents, produces: whole, run: '{RAN}; echo $V', env: {{ V: '${{{{ text(steps.parts.output) }}}}' }} }}
outputs: {{ whole: '${{{{ steps.whole.output }}}}' }}
"
    );
    let plays: [(&str, &str, &[&str]); 7] = [
        ("retried", &fails, &["run FILE --json", "retry @last --json"]),
        ("again", &fails, &["run FILE --json", "retry @last --from a --json"]),
        ("undone", &undoes, &["run FILE --json", "retry @last --json"]),
        ("stepwise", &fails, &["run FILE --pause-each --json", "resume @last --json", "resume @last --json"]),
        (
            "paused",
            &waits,
            &[
                "run FILE --no-wait --json",
                "pause @last --json",
                "resume @last --no-wait --json",
                "signal @last go --json",
                "resume @last --json",
            ],
        ),
        (
            "documents",
            &documents,
            &[
                "run FILE --json",
                "reject @last/list/accept -m again --json",
                "resume @last --json",
                "approve @last/list/accept~2 --json",
                "resume @last --json",
                "reject @last/parts[1]/accept -m more --json",
                "resume @last --json",
                "approve @last/parts[1]/accept~2 --json",
                "resume @last --json",
                "approve @last/parts[2]/accept --json",
                "resume @last --json",
            ],
        ),
        ("cancelled", &waits, &["run FILE --no-wait --json", "cancel @last --json", "resume @last --json"]),
    ];
    let play = |(name, text, calls): (&str, &str, &[&str])| {
        let file = folder.join(format!("{name}.yml"));
        std::fs::write(&file, format!("stead: 1\nname: {name}\n{}", text.trim_start())).unwrap();
        let named = |word: &str| if word == "FILE" { file.display().to_string() } else { word.to_owned() };
        let calls = calls.iter().map(|call| call.split(' ').map(named).collect()).collect();
        let case = Case {
            name: name.to_owned(),
            file: file.clone(),
            inputs: Vec::new(),
            times: BTreeMap::new(),
            once: Vec::new(),
            tells_time: false,
        };
        Play { case, calls }
    };
    plays.into_iter().map(play).collect()
}

/// How often the key of each path was performed: the runs of two plays have different names.
fn performed(trial: &Trial) -> BTreeMap<String, usize> {
    trial.ran().into_iter().map(|(key, times)| (key.split_once('/').unwrap().1.to_owned(), times)).collect()
}

/// Calls the program; what a run failed for is put right after the first call.
fn call(trial: &mut Trial, words: &[String], kill: Option<At<'_>>) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let killed = killed(trial.call(&words, kill));
    assert!(!killed || kill.is_some(), "{}", trial.said());
    killed
}

fn put_right(trial: &Trial, number: usize) {
    if number == 0 && trial.top().is_some_and(|view| view.status.is_end() || view.status == RunStatus::Paused)
    {
        std::fs::write(trial.folder().join("good"), "").unwrap();
    }
}

/// Resumes the run until it has ended.
fn to_the_end(trial: &mut Trial) {
    for round in 0.. {
        let view = trial.top().unwrap();
        if view.status.is_end() {
            return;
        }
        assert!(round < 20, "it does not come to its end\n{}", trial.said());
        trial.call(&["resume", &view.run.to_string(), "--json"], None);
    }
}

fn undisturbed(play: &Play, folder: &Path) -> Plain {
    let mut trial = Trial::new(folder);
    let mut crossed = Vec::new();
    let mut before = BTreeMap::new();
    for (number, words) in play.calls.iter().enumerate() {
        call(&mut trial, words, None);
        put_right(&trial, number);
        let now = trial.crossed();
        let count = |point: &String, n: u64| n - before.get(point).copied().unwrap_or(0);
        crossed.push(now.iter().map(|(point, n)| (point.clone(), count(point, *n))).collect());
        before = now;
    }
    to_the_end(&mut trial);
    let came = came(&play.case, &trial);
    let status = match &*play.case.name {
        "cancelled" => RunStatus::Cancelled,
        _ => RunStatus::Completed,
    };
    assert_eq!(came.status, status, "{}: {came:?}\n{}", play.case.name, trial.said());
    Plain { came, ran: performed(&trial), crossed }
}

/// What is said after a call was killed: the same again, unless it held; `resume` where that goes on with it.
fn again<'w>(words: &'w [String], trial: &Trial, before: Option<RunStatus>) -> Option<&'w [String]> {
    let Some(view) = trial.top() else { return Some(words) };
    let (ended, paused) = (view.status.is_end(), view.status == RunStatus::Paused);
    match &*words[0] {
        // It is there: nobody starts another one.
        "run" => (!ended && !paused).then_some(&[]),
        "retry" if before == Some(view.status) => Some(words),
        "retry" => (!ended).then_some(&[]),
        "pause" => (!ended && !paused).then_some(words),
        _ => (!ended).then_some(words),
    }
}

/// One call is killed at a place, and said again until it holds, killed once more on the way if there is a
/// second place.
fn disturbed(play: &Play, plain: &Plain, at: usize, places: &[At<'_>], folder: &Path) -> usize {
    let mut trial = Trial::new(folder);
    let resume = ["resume".to_owned(), "@last".to_owned(), "--json".to_owned()];
    let (mut kills, mut settled) = (0, BTreeMap::new());
    for (number, words) in play.calls.iter().enumerate() {
        let before = trial.top().map(|view| view.status);
        let mut next = Some(&words[..]);
        let places = if number == at { places } else { &[] };
        for place in places.iter().copied().map(Some).chain([None]) {
            let Some(said) = next else { break };
            let died = call(&mut trial, if said.is_empty() { &resume } else { said }, place);
            if !died {
                break;
            }
            kills += 1;
            let ran = performed(&trial);
            for key in trial.succeeded() {
                let (_, path) = key.split_once('/').unwrap();
                if let Some(times) = ran.get(path) {
                    settled.entry(path.to_owned()).or_insert(*times);
                }
            }
            next = again(words, &trial, before);
        }
        put_right(&trial, number);
    }
    to_the_end(&mut trial);
    let what = || format!("{}, call {at} killed at {places:?}\n{}", play.case.name, trial.said());
    assert_eq!(came(&play.case, &trial), plain.came, "{}", what());
    let ran = performed(&trial);
    assert_eq!(ran.keys().collect::<Vec<_>>(), plain.ran.keys().collect::<Vec<_>>(), "{}", what());
    for (key, times) in &ran {
        let expected = plain.ran[key];
        assert!((expected..=expected + kills).contains(times), "{key} ran {times} times: {}", what());
        if let Some(before) = settled.get(key) {
            assert_eq!(times, before, "P1: {key} ran again, its result was durable: {}", what());
        }
    }
    kills
}

#[test]
fn p1_p2_killed_while_it_is_steered_a_run_comes_to_the_same() {
    let begun = Instant::now();
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (mut kills, mut trials) = (0, 0);
    let mut by_command: BTreeMap<String, usize> = BTreeMap::new();
    for play in plays(folder.path()) {
        let plain = undisturbed(&play, folder.path());
        for (at, crossed) in plain.crossed.iter().enumerate() {
            // Started anew with `resume` it would be followed, and it waits for a signal.
            if at == 0 && play.calls[at].iter().any(|word| word == "--no-wait") {
                continue;
            }
            let mut number = 0;
            for point in COMMIT.into_iter().chain([EFFECT]) {
                for n in 1..=crossed.get(point).copied().unwrap_or(0) {
                    let then = [(COMMIT[0], 1), (COMMIT[1], 1), (EFFECT, 1)][number % 3];
                    let places = [(point, n), then];
                    let places = if number % 2 == 0 { &places[..1] } else { &places[..] };
                    let died = disturbed(&play, &plain, at, places, folder.path());
                    *by_command.entry(play.calls[at][0].clone()).or_default() += died;
                    (kills, trials, number) = (kills + died, trials + 1, number + 1);
                }
            }
        }
    }
    eprintln!("{kills} kills in {trials} plays, {} s: {by_command:?}", begun.elapsed().as_secs());
    // Commits may fall together now and then, and the last crossings are not reached.
    assert!(kills >= trials, "{kills} kills in {trials} plays");
    for command in ["run", "retry", "pause", "resume", "signal", "cancel", "approve", "reject"] {
        assert!(by_command.contains_key(command), "no `{command}` was killed: {by_command:?}");
    }
    crate::everywhere::nothing_is_left(folder.path());
}
