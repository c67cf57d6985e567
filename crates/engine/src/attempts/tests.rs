use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};
use stead_core::ids::StreamId;

use super::*;
use crate::executor::Control;
use crate::executors::ProcessExecutor;
use crate::secrets::EnvironmentSecrets;

/// What is performed in place of a real one.
struct Scripted<F>(Slot, F);

impl<F: Fn(&Execute, &dyn Control) -> AttemptResult + Send + Sync> Executor for Scripted<F> {
    fn name(&self) -> &'static str {
        "scripted"
    }
    fn slot(&self) -> Slot {
        self.0
    }
    fn perform(&self, job: &Execute, _: &Place, control: &dyn Control) -> AttemptResult {
        (self.1)(job, control)
    }
}

fn scripted(
    slot: Slot,
    what: impl Fn(&Execute, &dyn Control) -> AttemptResult + Send + Sync + 'static,
) -> Arc<dyn Executor> {
    Arc::new(Scripted(slot, what))
}

/// Gives back its path when it was ended.
fn until_ended(slot: Slot) -> Arc<dyn Executor> {
    scripted(slot, |_, control| {
        let mut fds = [rustix::event::PollFd::from_borrowed_fd(control.fd(), rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut fds, None).unwrap();
        ended_early(control.ended().unwrap())
    })
}

fn id(path: &str) -> AttemptId {
    AttemptId { stream: StreamId::new("r_pool"), path: path.to_owned(), number: 1 }
}

fn execute(path: &str, request: Value) -> Execute {
    Execute {
        attempt: id(path),
        executor: String::new(),
        request,
        secrets: Vec::new(),
        key: String::new(),
        once: false,
        again: false,
    }
}

fn place(home: &Path) -> Place {
    Place {
        project: home.to_owned(),
        dir: home.join("work/a"),
        log: home.join("a.log"),
        files: home.join("files"),
        lent: None,
        trace: None,
    }
}

fn pool(processes: usize, connections: usize) -> (Attempts, Receiver<Report>) {
    let (sender, receiver) = channel();
    let report: Reporter = Arc::new(move |report| sender.send(report).unwrap());
    (Attempts::with(Places { processes, connections }, report), receiver)
}

fn start(attempts: &Attempts, path: &str, executor: &Arc<dyn Executor>) -> bool {
    let taken =
        attempts.start(execute(path, Value::Null), Arc::clone(executor), place(Path::new("/nowhere")));
    taken != Taken::No
}

fn kind(report: Report) -> (AttemptId, Option<ErrorKind>) {
    match report {
        Report::Ended(id, result) => (id, result.error.map(|error| error.kind)),
        Report::Started(id) => panic!("{id} started"),
    }
}

#[test]
fn no_more_than_the_places_run_and_the_rest_follows_in_order() {
    let (attempts, reports) = pool(2, 1);
    let waiting = until_ended(Slot::Process);
    for path in ["a", "b", "c", "d"] {
        assert!(start(&attempts, path, &waiting));
    }
    let mut begun = [reports.recv().unwrap(), reports.recv().unwrap()];
    begun.sort_by_key(|report| format!("{report:?}"));
    assert_eq!(begun, [Report::Started(id("a")), Report::Started(id("b"))]);
    assert_eq!((attempts.running(), attempts.queued()), (2, 2));
    // A place of another kind is free.
    assert!(start(&attempts, "call", &scripted(Slot::Connection, |_, _| AttemptResult::default())));
    assert_eq!(reports.recv().unwrap(), Report::Started(id("call")));
    assert_eq!(kind(reports.recv().unwrap()), (id("call"), None));

    attempts.end(&id("b"), EndReason::Cancelled);
    assert_eq!(kind(reports.recv().unwrap()), (id("b"), Some(ErrorKind::Cancelled)));
    assert_eq!(reports.recv().unwrap(), Report::Started(id("c")));
    attempts.stop();
    assert!(reports.try_recv().is_err(), "what was stopped with the engine is not told of");
    assert!(!start(&attempts, "e", &waiting));
}

/// That a queued one begins is durable before it does: a next engine would take it for one that has not begun.
#[test]
fn p2_what_must_happen_once_waits_behind_the_queue_until_it_may_begin() {
    let (attempts, reports) = pool(1, 1);
    let begun = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&begun);
    let noting = scripted(Slot::Process, move |job, _| {
        noted.lock().unwrap().push(job.attempt.path.clone());
        AttemptResult::default()
    });
    let once = |path: &str| Execute { once: true, ..execute(path, Value::Null) };
    let start = |path: &str, executor| attempts.start(once(path), executor, place(Path::new("/nowhere")));
    assert_eq!(start("a", until_ended(Slot::Process)), Taken::Begins);
    assert_eq!(reports.recv().unwrap(), Report::Started(id("a")));
    for path in ["b", "c", "d"] {
        assert_eq!(start(path, Arc::clone(&noting)), Taken::Queued);
    }
    attempts.end(&id("a"), EndReason::Timeout);
    assert_eq!(kind(reports.recv().unwrap()), (id("a"), Some(ErrorKind::Timeout)));
    // It has its place, and does nothing with it.
    assert_eq!(reports.recv().unwrap(), Report::Started(id("b")));
    attempts.end(&id("b"), EndReason::Cancelled);
    assert_eq!(kind(reports.recv().unwrap()), (id("b"), Some(ErrorKind::Cancelled)));
    assert_eq!(reports.recv().unwrap(), Report::Started(id("c")));
    assert!(begun.lock().unwrap().is_empty());
    attempts.begin(&id("c"));
    assert_eq!(kind(reports.recv().unwrap()), (id("c"), None));
    // An engine that stops leaves one that was not let begin to the next, as if it were queued.
    assert_eq!(reports.recv().unwrap(), Report::Started(id("d")));
    attempts.stop_as(Stop::Finish);
    assert!(reports.try_recv().is_err());
    assert_eq!(*begun.lock().unwrap(), ["c"]);
}

#[test]
fn p11_usual_places_are_bounded() {
    let (sender, reports) = channel();
    let report: Reporter = Arc::new(move |report| sender.send(report).unwrap());
    let attempts = Attempts::with(Places::default(), report);
    let processes = stead_platform::machine::cpu_count() * PROCESSES_PER_CPU;
    for (slot, most) in [(Slot::Process, processes), (Slot::Connection, CONNECTIONS_AT_ONCE)] {
        let waiting = until_ended(slot);
        let (before, queued) = (attempts.running(), attempts.queued());
        for n in 0..most + 2 {
            assert!(start(&attempts, &format!("{slot:?}/{n}"), &waiting));
        }
        for _ in 0..most {
            assert!(matches!(reports.recv().unwrap(), Report::Started(_)));
        }
        assert_eq!((attempts.running(), attempts.queued()), (before + most, queued + 2));
    }
}

#[test]
fn an_attempt_that_queues_can_be_ended() {
    let (attempts, reports) = pool(1, 1);
    let waiting = until_ended(Slot::Process);
    start(&attempts, "a", &waiting);
    start(&attempts, "b", &waiting);
    assert_eq!(reports.recv().unwrap(), Report::Started(id("a")));
    attempts.end(&id("b"), EndReason::Timeout);
    assert_eq!(kind(reports.recv().unwrap()), (id("b"), Some(ErrorKind::Timeout)));
    attempts.end(&id("unknown"), EndReason::Timeout);
    assert_eq!(attempts.queued(), 0);
}

#[test]
fn an_attempt_is_performed_once_at_a_time() {
    let (attempts, reports) = pool(1, 1);
    let waiting = until_ended(Slot::Process);
    assert!(start(&attempts, "a", &waiting));
    assert!(!start(&attempts, "a", &waiting));
    assert!(start(&attempts, "b", &waiting));
    assert!(!start(&attempts, "b", &waiting));
    assert_eq!(reports.recv().unwrap(), Report::Started(id("a")));
}

#[test]
fn a_panic_is_told_as_a_bug_and_the_thread_goes_on() {
    let (attempts, reports) = pool(1, 1);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    start(&attempts, "a", &scripted(Slot::Process, |_, _| panic!("index {} is not there", 7)));
    start(&attempts, "b", &scripted(Slot::Process, |_, _| AttemptResult::default()));
    assert_eq!(reports.recv().unwrap(), Report::Started(id("a")));
    let Report::Ended(_, result) = reports.recv().unwrap() else { panic!() };
    std::panic::set_hook(hook);
    let error = result.error.unwrap();
    assert!(
        error.message.contains("bug in Stead") && error.message.contains("index 7 is not there"),
        "{error:?}"
    );
    assert_eq!(reports.recv().unwrap(), Report::Started(id("b")));
    assert_eq!(kind(reports.recv().unwrap()), (id("b"), None));
}

#[test]
fn finishing_waits_for_what_runs_and_begins_nothing() {
    let (attempts, reports) = pool(1, 1);
    let (go, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    start(
        &attempts,
        "a",
        &scripted(Slot::Process, move |_, _| {
            gate.lock().unwrap().recv().unwrap();
            AttemptResult { output: Some(json!(1)), ..AttemptResult::default() }
        }),
    );
    start(&attempts, "b", &until_ended(Slot::Process));
    assert_eq!(reports.recv().unwrap(), Report::Started(id("a")));
    std::thread::scope(|scope| {
        let stop = scope.spawn(|| attempts.stop_as(Stop::Finish));
        // Stopping has begun when nothing queues any more.
        while attempts.queued() > 0 {
            std::thread::yield_now();
        }
        go.send(()).unwrap();
        stop.join().unwrap();
    });
    assert_eq!(kind(reports.recv().unwrap()), (id("a"), None));
    assert!(reports.try_recv().is_err());
}

#[test]
fn a_thread_without_work_ends_and_another_is_made_when_there_is_some() {
    let (sender, reports) = channel();
    let report: Reporter = Arc::new(move |report| sender.send(report).unwrap());
    let attempts = Attempts::with_idle(Places::default(), report, Duration::from_millis(1));
    let at_once = scripted(Slot::Process, |_, _| AttemptResult::default());
    for path in ["a", "b"] {
        assert!(start(&attempts, path, &at_once));
        assert_eq!(reports.recv().unwrap(), Report::Started(id(path)));
        assert_eq!(kind(reports.recv().unwrap()), (id(path), None));
        while attempts.shared.lock().threads > 0 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn many_attempts_from_many_threads_all_end() {
    let (attempts, reports) = pool(3, 5);
    let running = Arc::new(Mutex::new((0i32, 0i32)));
    let seen = Arc::clone(&running);
    let executor = scripted(Slot::Process, move |_, _| {
        let mut counts = seen.lock().unwrap();
        counts.0 += 1;
        counts.1 = counts.1.max(counts.0);
        drop(counts);
        std::thread::yield_now();
        seen.lock().unwrap().0 -= 1;
        AttemptResult::default()
    });
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (attempts, executor) = (&attempts, &executor);
            scope.spawn(move || {
                for n in 0..250 {
                    assert!(start(attempts, &format!("{thread}/{n}"), executor));
                }
            });
        }
    });
    let ended = reports.iter().filter(|report| matches!(report, Report::Ended(..))).take(1000).count();
    assert_eq!(ended, 1000);
    assert!(running.lock().unwrap().1 <= 3);
}

#[test]
fn stopping_ends_real_process_trees() {
    let home = tempfile::tempdir().unwrap();
    let (attempts, reports) = pool(4, 1);
    let executor: Arc<dyn Executor> = Arc::new(ProcessExecutor::new(Arc::new(EnvironmentSecrets)));
    let attempt =
        AttemptId { stream: StreamId::new("r_stop"), path: std::process::id().to_string(), number: 1 };
    let mut execute = execute("", json!({"script": {"text": "setsid sleep 60 & echo up; sleep 60"}}));
    execute.attempt = attempt.clone();
    let place = place(home.path());
    let log = place.log.clone();
    assert_eq!(attempts.start(execute, executor, place), Taken::Begins);
    while !std::fs::read_to_string(&log).is_ok_and(|text| text.contains("up")) {
        std::thread::yield_now();
    }
    attempts.stop();
    assert_eq!(stead_platform::process::find_by_attempt(|a| a == attempt.to_string()), []);
    assert_eq!(reports.try_iter().collect::<Vec<_>>(), [Report::Started(attempt)]);
}
