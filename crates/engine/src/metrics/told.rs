//! What is told when somebody asks.

use std::sync::atomic::Ordering;

use stead_core::status::{Outcome, RunStatus};
use stead_platform::own;
use stead_store::Reader as _;
use stead_store::jobs::JobReader as _;
use stead_store::sqlite::SqliteReader;

use super::kept::{ACTIONS, Counts, DELIVERIES, KINDS, RESULTS, STARTERS};
use super::text::{Counter, Family, Kind, Text, seconds};
use crate::error::EngineError;
use crate::home::Home;
use crate::limits;
use crate::notify;

macro_rules! families {
    ($($name:ident = $kind:ident $text:literal [$($label:literal)*] $help:literal;)+) => {
        $(static $name: Family =
            Family { name: $text, kind: Kind::$kind, labels: &[$($label),*], help: $help };)+

        /// All that an engine tells.
        pub static FAMILIES: &[&Family] = &[$(&$name),+];
    };
}

families! {
    BUILD = Gauge "stead_build_info" ["version" "os" "arch"] "The release that answers; always 1";
    RUNS = Gauge "stead_runs" ["status"] "Runs that have not ended";
    STARTED = Counter "stead_runs_started_total" ["by"] "Runs that began: by a request, a schedule or webhook, another run";
    ENDED = Counter "stead_runs_ended_total" ["outcome"] "Runs that ended";
    STUCK = Gauge "stead_runs_stuck" [] "Runs that cannot go on because something of theirs cannot be read";
    TASKS = Gauge "stead_tasks_open" [] "Gates and questions that nobody has decided yet";
    ATTEMPTS = Gauge "stead_attempts" ["state"] "Attempts under way: that run, and that wait for a place";
    ATTEMPTS_STARTED = Counter "stead_attempts_started_total" ["action"] "Attempts that were begun";
    ATTEMPTS_ENDED = Counter "stead_attempts_ended_total" ["action" "result"] "Attempts that ended: ok, or the kind of their error";
    ATTEMPT_TIME = Histogram "stead_attempt_duration_seconds" ["action"] "Time of attempts, from when they had a place";
    TURNS = Counter "stead_turns_total" ["stream"] "Turns that were written, by the kind of their stream";
    COMMIT_TIME = Histogram "stead_commit_duration_seconds" [] "Time that commits took to be durable";
    UNWRITTEN = Counter "stead_commits_failed_total" [] "Commits that failed; nothing of them was written";
    WRITABLE = Gauge "stead_store_writable" [] "1, or 0 where the last that was tried could not be written";
    BUSY = Counter "stead_driver_busy_seconds_total" [] "Time in which the one thread that takes turns was at work";
    INPUTS = Gauge "stead_driver_inputs_waiting" [] "Inputs that wait for that thread";
    POSITION = Gauge "stead_journal_position" [] "The newest position of the journal";
    JOURNAL_BYTES = Counter "stead_journal_bytes_total" [] "Bytes of events that were written";
    FILE_BYTES = Gauge "stead_store_file_bytes" ["file"] "Size of the database and of its write-ahead log";
    FREE = Gauge "stead_home_free_bytes" [] "Bytes that are free on the disk of the home";
    SUBSCRIBERS = Gauge "stead_live_subscribers" [] "Clients that follow runs or lists live";
    WAITING = Gauge "stead_notifications_waiting" [] "Notifications to be delivered, counted to 10,000";
    DELIVERIES_MADE = Counter "stead_notification_deliveries_total" ["result"] "Tries to deliver a notification";
    LOG_DROPPED = Counter "stead_log_lines_dropped_total" [] "Lines of the server's own log that nobody took in time";
    CPU = Counter "process_cpu_seconds_total" [] "Time of processors, user and system";
    RESIDENT = Gauge "process_resident_memory_bytes" [] "Memory in use";
    VIRTUAL = Gauge "process_virtual_memory_bytes" [] "Memory asked for";
    OPEN_FDS = Gauge "process_open_fds" [] "Open files and connections";
    MAX_FDS = Gauge "process_max_fds" [] "How many may be open";
    THREADS = Gauge "process_threads" [] "Threads";
    BEGAN = Gauge "process_start_time_seconds" [] "When the process began, in seconds since 1970";
}

/// What others know beside the counts.
pub(crate) struct Beside {
    pub(crate) under_way: usize,
    pub(crate) stuck: usize,
    pub(crate) inputs: usize,
    pub(crate) subscribers: usize,
    pub(crate) dropped: u64,
    pub(crate) writable: bool,
}

fn each(text: &mut Text, family: &'static Family, words: &[&str], counts: &[Counter]) {
    let mut samples = text.family(family);
    for (word, count) in words.iter().zip(counts) {
        samples.number(&[word], count.get());
    }
}

impl Counts {
    /// All of it, as text.
    pub(crate) fn told(&self, home: &Home, beside: &Beside) -> Result<String, EngineError> {
        let mut text = Text::new();
        let version = [crate::socket::VERSION, std::env::consts::OS, std::env::consts::ARCH];
        text.family(&BUILD).number(&version, 1);
        self.runs_told(&mut text, beside);
        self.attempts_told(&mut text, beside);
        self.driver_told(&mut text, beside);
        self.store_told(&mut text, home)?;
        text.family(&SUBSCRIBERS).number(&[], beside.subscribers);
        each(&mut text, &DELIVERIES_MADE, &DELIVERIES, &self.deliveries);
        text.family(&LOG_DROPPED).number(&[], beside.dropped);
        process_told(&mut text);
        Ok(text.into_string())
    }

    fn runs_told(&self, text: &mut Text, beside: &Beside) {
        let mut runs = text.family(&RUNS);
        for status in RunStatus::ALL.iter().filter(|status| !status.is_end()) {
            runs.number(&[status.as_str()], self.runs[*status as usize].load(Ordering::Relaxed));
        }
        each(text, &STARTED, &STARTERS, &self.started);
        let outcomes: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
        each(text, &ENDED, &outcomes, &self.ended);
        text.family(&STUCK).number(&[], beside.stuck);
        text.family(&TASKS).number(&[], self.tasks.load(Ordering::Relaxed));
    }

    fn attempts_told(&self, text: &mut Text, beside: &Beside) {
        let running = usize::try_from(self.running.load(Ordering::Relaxed)).unwrap_or(0);
        text.family(&ATTEMPTS)
            .number(&["running"], running)
            .number(&["waiting"], beside.under_way.saturating_sub(running));
        let actions = ACTIONS.map(|(action, _)| action);
        each(text, &ATTEMPTS_STARTED, &actions, &self.attempts_started);
        let mut ended = text.family(&ATTEMPTS_ENDED);
        for (action, results) in actions.iter().zip(&self.attempts_ended) {
            for (result, count) in RESULTS.iter().zip(results) {
                // What never was is left out, but for what all hope for: by that it can be seen that nothing has failed.
                if count.get() > 0 || *result == "ok" {
                    ended.number(&[action, result], count.get());
                }
            }
        }
        let mut times = text.family(&ATTEMPT_TIME);
        for (action, time) in actions.iter().zip(&self.attempts_time).filter(|(_, time)| time.count() > 0) {
            times.times(&[action], time);
        }
    }

    fn driver_told(&self, text: &mut Text, beside: &Beside) {
        each(text, &TURNS, &KINDS, &self.turns);
        text.family(&COMMIT_TIME).times(&[], &self.commits);
        text.family(&UNWRITTEN).number(&[], self.unwritten.get());
        text.family(&WRITABLE).number(&[], u8::from(beside.writable));
        text.family(&BUSY).number(&[], seconds(self.busy.get()));
        text.family(&INPUTS).number(&[], beside.inputs);
    }

    fn store_told(&self, text: &mut Text, home: &Home) -> Result<(), EngineError> {
        // On a connection of its own: nobody else who reads waits for it.
        let mut reader = SqliteReader::open(&home.database())?;
        text.family(&POSITION).number(&[], reader.newest()?);
        text.family(&JOURNAL_BYTES).number(&[], self.journal_bytes.get());
        let database = home.database();
        let mut log = database.clone().into_os_string();
        log.push("-wal");
        let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |found| found.len());
        text.family(&FILE_BYTES)
            .number(&["database"], size(&database))
            .number(&["log"], size(std::path::Path::new(&log)));
        let mut free = text.family(&FREE);
        if let Some(bytes) = own::free_bytes(home.root()) {
            free.number(&[], bytes);
        }
        let waiting = reader.jobs_waiting(notify::KIND, limits::NOTIFICATIONS_COUNTED)?;
        text.family(&WAITING).number(&[], waiting);
        Ok(())
    }
}

fn process_told(text: &mut Text) {
    let usage = own::usage();
    let mut number = |family, number: Option<String>| {
        let mut samples = text.family(family);
        if let Some(number) = number {
            samples.number(&[], number);
        }
    };
    let whole = |number: Option<u64>| number.map(|number| number.to_string());
    let parted = |number: Option<f64>| number.map(|number| number.to_string());
    number(&CPU, parted(usage.cpu_seconds));
    number(&RESIDENT, whole(usage.resident_bytes));
    number(&VIRTUAL, whole(usage.virtual_bytes));
    number(&OPEN_FDS, whole(usage.open_files));
    number(&MAX_FDS, whole(usage.most_files));
    number(&THREADS, whole(usage.threads));
    number(&BEGAN, parted(usage.start_seconds));
}
