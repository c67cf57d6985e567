//! A step's process tree is over when the step is over.

use std::time::Duration;

use stead_core::effect::EndReason;

use super::*;

/// Runs a script, ends it once it has printed `up`, and returns what came of it. `Bench::run` checks that
/// nothing is left.
fn end(bench: &Bench, text: &str, reason: EndReason) -> AttemptResult {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| bench.script(text));
        bench.wait_for_log("up");
        bench.switch.end(reason);
        run.join().unwrap()
    })
}

fn notes(bench: &Bench) -> Vec<String> {
    bench.log().into_iter().filter(|(stream, _)| *stream == LogStream::Note).map(|(_, text)| text).collect()
}

#[test]
fn a_timeout_ends_the_whole_tree() {
    let bench = Bench::new();
    let tree = "sleep 60 & setsid sleep 60 & (setsid bash -c 'sleep 60; :' &) ; env -u STEAD_ATTEMPT sleep 60 & \
                echo up; wait";
    let result = end(&bench, tree, EndReason::Timeout);
    assert_eq!(result.exit_code, Some(128 + 15));
    assert_eq!(error(result, ErrorKind::Timeout), "its time was over: ended by signal 15 (TERM)\nup");
    assert_eq!(notes(&bench), ["ended: its time is over"]);
}

#[test]
fn a_program_may_clean_up_when_it_is_cancelled() {
    let bench = Bench::new();
    let text = "trap 'echo cleaned; exit 0' TERM; echo up; while :; do sleep 0.01; done";
    let result = end(&bench, text, EndReason::Cancelled);
    assert_eq!(result.exit_code, Some(0));
    assert!(error(result, ErrorKind::Cancelled).starts_with("cancelled: exit code 0\n"));
    assert!(bench.log_text().contains(" o cleaned\n"));
}

#[test]
fn one_that_ignores_term_is_killed() {
    let mut bench = Bench::new();
    bench.limits.end_grace = Duration::from_millis(100);
    let text = "trap '' TERM; setsid sleep 60 & echo up; while :; do sleep 0.01; done";
    let result = end(&bench, text, EndReason::Cancelled);
    assert_eq!(error(result, ErrorKind::Cancelled), "cancelled: ended by signal 9 (KILL)\nup");
    assert_eq!(notes(&bench), ["ended: cancelled", "TERM did not end all of it: KILL"]);
}

#[test]
fn one_that_is_stopped_is_ended_too() {
    let bench = Bench::new();
    let result = end(&bench, "echo up; kill -STOP $$; echo never", EndReason::Timeout);
    assert_eq!(error(result, ErrorKind::Timeout), "its time was over: ended by signal 15 (TERM)\nup");
}

#[test]
fn what_a_program_leaves_behind_is_ended() {
    let mut bench = Bench::new();
    bench.limits.leftover_grace = Duration::from_millis(50);
    for (left, name) in [
        ("sleep 60 &", "holds the pipes"),
        ("setsid sleep 60 &", "holds the pipes in its own session"),
        ("sleep 60 >/dev/null 2>&1 &", "is quiet in the group"),
        ("setsid sleep 60 >/dev/null 2>&1 </dev/null &", "is quiet in its own session"),
    ] {
        let result = bench.script(&format!("{left} echo done"));
        assert_eq!(output(result), json!("done"), "{name}");
        let note = notes(&bench).pop().unwrap();
        assert!(note.starts_with("left behind by the program and ended: sleep ("), "{name}: {note}");
    }
}

#[test]
fn what_ends_by_itself_soon_may() {
    let bench = Bench::new();
    assert_eq!(output(bench.script("(sleep 0.05; echo late) & echo early")), json!("early\nlate"));
    assert_eq!(notes(&bench), Vec::<String>::new());
}

#[test]
fn a_leftover_that_prints_for_ever_is_no_reason_to_read_for_ever() {
    let mut bench = Bench::new();
    bench.limits.leftover_grace = Duration::from_millis(50);
    bench.limits.log = 100_000;
    let result = bench.run(json!({"script": {"text": "yes & echo done"}, "parse": "none"}));
    assert_eq!(result.error, None);
}

#[test]
fn an_attempt_that_was_ended_before_it_began_starts_nothing() {
    let bench = Bench::new();
    bench.switch.end(EndReason::Timeout);
    let result = bench.script("touch started");
    assert_eq!(error(result, ErrorKind::Timeout), "its time was over before it began");
    assert!(!bench.project().join("started").exists());
}

#[test]
fn a_result_that_was_there_first_stands() {
    let mut bench = Bench::new();
    bench.limits.leftover_grace = Duration::from_secs(60);
    let bench = bench;
    let result = std::thread::scope(|scope| {
        let run = scope.spawn(|| bench.script("sleep 50 & echo up; exit 0"));
        bench.wait_for_log("up");
        // Whatever comes first now, nothing waits for the minute.
        while stead_platform::process::find_by_attempt(|a| a == bench.attempt.to_string()).len() > 1 {
            std::thread::yield_now();
        }
        bench.switch.end(EndReason::Cancelled);
        run.join().unwrap()
    });
    assert_eq!(output(result), json!("up"));
}

#[test]
fn one_that_waits_for_the_terminal_fails_and_says_so() {
    let bench = Bench::new();
    let mut executor = bench.executor();
    executor.terminal = true;
    // What the system does to a program that reads from a terminal that is not its own.
    let job = bench.job(json!({"script": {"text": "kill -TTIN $$; echo never"}}));
    let result = executor.perform(&job, &bench.place(), &bench.switch);
    assert!(error(result, ErrorKind::Exit).starts_with("it asked for the terminal"));
    assert_eq!(bench.survivors(), Vec::<String>::new());
}
