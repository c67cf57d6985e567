//! The threads that perform attempts.
//!
//! Attempts start in the order in which they were asked for, as far as the places of their kind allow; the
//! rest queues. Threads are made when they are needed, used again, and end when they had nothing to do.

use std::any::Any;
use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stead_core::effect::{AttemptId, AttemptResult, EndReason, ErrorKind, Execute};

use crate::executor::{Control, EndSwitch, Executor, Place, Slot, ended_early, failed};
use crate::limits::{CONNECTIONS_AT_ONCE, PROCESSES_PER_CPU, THREAD_IDLE};

/// What is told of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// It begins: it was queued until now. One that must happen once waits for [`Attempts::begin`] first.
    Started(AttemptId),
    /// It has ended.
    Ended(AttemptId, AttemptResult),
}

/// Who is told. Called on the attempt's thread; it hands on and does not wait.
pub type Reporter = Arc<dyn Fn(Report) + Send + Sync>;

/// How many attempts run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// Processes on this machine.
    pub processes: usize,
    /// Calls to others.
    pub connections: usize,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            processes: stead_platform::machine::cpu_count() * PROCESSES_PER_CPU,
            connections: CONNECTIONS_AT_ONCE,
        }
    }
}

/// How it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// What runs is waited for and its results are told; what is queued does not begin and nothing is
    /// told of it.
    Finish,
    /// What runs is ended with its whole tree, and nothing is told of it: to the journal it is an attempt
    /// that was under way when the engine went, and its step's `effect` decides. What must not be cut off in
    /// the middle is waited for, and its result told.
    End,
    /// As `End`, and nothing is waited for that can be ended.
    Now,
}

/// Performs attempts in threads. Dropping it ends what runs, as [`Stop::End`].
pub struct Attempts {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to do, or to stop for.
    work: Condvar,
    /// Something has ended.
    done: Condvar,
    /// Something may begin, or never will.
    begin: Condvar,
    places: Places,
    /// How long a thread waits for something to do.
    idle: Duration,
    report: Reporter,
}

#[derive(Default)]
struct State {
    queued: [VecDeque<Job>; 2],
    /// Attempts that were queued and may begin now.
    begun: HashSet<AttemptId>,
    running: HashMap<AttemptId, Running>,
    /// Of `running`, by kind.
    taken: [usize; 2],
    threads: usize,
    /// Threads that wait for work. One that was woken counts until it has the lock again.
    waiting: usize,
    stopped: Option<Stop>,
}

struct Running {
    switch: Arc<EndSwitch>,
    once: bool,
}

struct Job {
    /// It does not begin before it is said to: it was queued, and must happen once.
    held: bool,
    execute: Execute,
    place: Place,
    executor: Arc<dyn Executor>,
}

/// What became of an attempt that was to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is here already, or all is being stopped: nothing will be told of it.
    No,
    /// There is a place for it.
    Begins,
    /// It waits for one; [`Report::Started`] tells when it has it.
    Queued,
}

impl Attempts {
    /// With the usual places, telling results only. Without threads, until there is something to do.
    pub fn new(ended: impl Fn(AttemptId, AttemptResult) + Send + Sync + 'static) -> Self {
        let report = move |report| {
            if let Report::Ended(attempt, result) = report {
                ended(attempt, result);
            }
        };
        Self::with(Places::default(), Arc::new(report))
    }

    /// With so many places, telling all.
    pub fn with(places: Places, report: Reporter) -> Self {
        Self::with_idle(places, report, THREAD_IDLE)
    }

    fn with_idle(places: Places, report: Reporter, idle: Duration) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
            begin: Condvar::new(),
            places: Places { processes: places.processes.max(1), connections: places.connections.max(1) },
            idle,
            report,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Performs an attempt when there is a place for it.
    pub fn start(&self, execute: Execute, executor: Arc<dyn Executor>, place: Place) -> Taken {
        self.start_as(execute, executor, place, false)
    }

    /// Performs an attempt that has queued elsewhere until now: [`Report::Started`] tells when it begins.
    pub fn start_queued(&self, execute: Execute, executor: Arc<dyn Executor>, place: Place) -> Taken {
        match self.start_as(execute, executor, place, true) {
            Taken::Begins => Taken::Queued,
            other => other,
        }
    }

    fn start_as(
        &self,
        execute: Execute,
        executor: Arc<dyn Executor>,
        place: Place,
        has_queued: bool,
    ) -> Taken {
        let mut state = self.shared.lock();
        let known = state.running.contains_key(&execute.attempt)
            || state.queued.iter().flatten().any(|job| job.execute.attempt == execute.attempt);
        if known || state.stopped.is_some() {
            return Taken::No;
        }
        let kind = index(executor.slot());
        let queued = self.shared.free(&state, kind) <= state.queued[kind].len();
        let held = (queued || has_queued) && execute.once;
        state.queued[kind].push_back(Job { held, execute, place, executor });
        self.shared.wake(&mut state, kind);
        if queued { Taken::Queued } else { Taken::Begins }
    }

    /// Lets an attempt begin that was queued and must happen once. That it begins has to be durable: else one
    /// that the journal takes for queued is handed out again by the next engine, and happens twice.
    pub fn begin(&self, attempt: &AttemptId) {
        let mut state = self.shared.lock();
        if state.running.contains_key(attempt) {
            state.begun.insert(attempt.clone());
            self.shared.begin.notify_all();
        }
    }

    /// Ends an attempt. Its result is told as that of any other; of one that is queued at once. An attempt
    /// that is not here has told its result already, or will.
    pub fn end(&self, attempt: &AttemptId, reason: EndReason) {
        let mut state = self.shared.lock();
        if let Some(running) = state.running.get(attempt) {
            running.switch.end(reason);
            self.shared.begin.notify_all();
            return;
        }
        for queue in &mut state.queued {
            if let Some(at) = queue.iter().position(|job| job.execute.attempt == *attempt) {
                queue.remove(at);
                drop(state);
                (self.shared.report)(Report::Ended(attempt.clone(), ended_early(reason)));
                return;
            }
        }
    }

    /// How many attempts run. One that has just ended may not be told of yet.
    pub fn running(&self) -> usize {
        self.shared.lock().running.len()
    }

    /// How many attempts wait for a place.
    pub fn queued(&self) -> usize {
        self.shared.lock().queued.iter().map(VecDeque::len).sum()
    }

    /// Ends what runs and returns when nothing does any more: [`Stop::End`].
    pub fn stop(&self) {
        self.stop_as(Stop::End);
    }

    /// Stops, and returns when nothing runs any more and all is told. Stopping again may make it harder.
    /// Not to be called by the reporter, whose thread would wait for itself.
    pub fn stop_as(&self, how: Stop) {
        let mut state = self.shared.lock();
        let how = state.stopped.map_or(how, |before| before.max(how));
        state.stopped = Some(how);
        state.queued = Default::default();
        if how != Stop::Finish {
            for running in state.running.values().filter(|running| how == Stop::Now || !running.once) {
                running.switch.end(EndReason::Cancelled);
            }
        }
        self.shared.work.notify_all();
        self.shared.begin.notify_all();
        while state.threads > 0 {
            state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Attempts {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// The state is whole after every step under its lock, so that a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many queued jobs of a kind have a place.
    fn startable(&self, state: &State, kind: usize) -> usize {
        self.free(state, kind).min(state.queued[kind].len())
    }

    /// Places of a kind that nothing runs in.
    fn free(&self, state: &State, kind: usize) -> usize {
        [self.places.processes, self.places.connections][kind].saturating_sub(state.taken[kind])
    }

    /// Sees to it that as many threads wait as there are jobs that can begin: a thread takes jobs until it
    /// finds none, so none is forgotten.
    fn wake(self: &Arc<Self>, state: &mut State, kind: usize) {
        let startable: usize = (0..state.queued.len()).map(|kind| self.startable(state, kind)).sum();
        if startable <= state.waiting {
            self.work.notify_one();
            return;
        }
        let shared = Arc::clone(self);
        let spawned = std::thread::Builder::new().name("attempt".to_owned()).spawn(move || shared.serve());
        match spawned {
            Ok(_) => state.threads += 1,
            // Those that are busy will take it when they are done.
            Err(_) if state.threads > 0 => {}
            Err(error) => self.refuse(state, kind, &error),
        }
    }

    fn refuse(&self, state: &mut State, kind: usize, error: &std::io::Error) {
        if let Some(job) = state.queued[kind].pop_back() {
            let message = format!("cannot start a thread for the attempt: {error}");
            (self.report)(Report::Ended(job.execute.attempt, failed(ErrorKind::Exit, message)));
        }
    }

    /// A thread: performs what is queued until there was nothing for a while.
    fn serve(self: Arc<Self>) {
        let mut state = self.lock();
        let mut idled = false;
        loop {
            if let Some((kind, job)) = self.next(&mut state) {
                state = self.perform(state, kind, &job);
                idled = false;
            } else if idled || state.stopped.is_some() {
                break;
            } else {
                state.waiting += 1;
                let (woken, timeout) =
                    self.work.wait_timeout(state, self.idle).unwrap_or_else(PoisonError::into_inner);
                state = woken;
                state.waiting -= 1;
                idled = timeout.timed_out();
            }
        }
        state.threads -= 1;
        self.done.notify_all();
    }

    fn next(&self, state: &mut State) -> Option<(usize, Job)> {
        let kind = (0..state.queued.len()).find(|&kind| self.startable(state, kind) > 0)?;
        state.queued[kind].pop_front().map(|job| (kind, job))
    }

    fn perform<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        kind: usize,
        job: &Job,
    ) -> MutexGuard<'a, State> {
        let attempt = job.execute.attempt.clone();
        let switch = match EndSwitch::new() {
            Ok(switch) => Arc::new(switch),
            Err(error) => {
                drop(state);
                let message = format!("cannot begin the attempt: {error}");
                (self.report)(Report::Ended(attempt, failed(ErrorKind::Exit, message)));
                return self.lock();
            }
        };
        state.taken[kind] += 1;
        let running = Running { switch: Arc::clone(&switch), once: job.execute.once };
        state.running.insert(attempt.clone(), running);
        drop(state);

        (self.report)(Report::Started(attempt.clone()));
        let result = match self.held(job, &*switch) {
            Some(instead) => instead,
            None => {
                let perform = || job.executor.perform(&job.execute, &job.place, &*switch);
                let performed = catch_unwind(AssertUnwindSafe(perform));
                Some(performed.unwrap_or_else(|panic| bug(job.executor.name(), &*panic)))
            }
        };

        let mut state = self.lock();
        state.taken[kind] -= 1;
        state.running.remove(&attempt);
        state.begun.remove(&attempt);
        // One that came to its own end before it was told to has a result like any other.
        let silenced = state.stopped > Some(Stop::Finish) && switch.ended().is_some();
        if let Some(result) = result.filter(|_| !silenced) {
            drop(state);
            (self.report)(Report::Ended(attempt, result));
            state = self.lock();
        }
        state
    }
}

impl Shared {
    /// Waits until an attempt may begin that must not begin before the journal knows. What comes instead of
    /// performing it: the result of one that was ended first; none, where all is being stopped.
    fn held(&self, job: &Job, control: &dyn Control) -> Option<Option<AttemptResult>> {
        let mut state = self.lock();
        while job.held && !state.begun.contains(&job.execute.attempt) {
            if state.stopped.is_some() {
                return Some(None);
            }
            if let Some(reason) = control.ended() {
                return Some(Some(ended_early(reason)));
            }
            state = self.begin.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }
}

fn index(slot: Slot) -> usize {
    match slot {
        Slot::Process => 0,
        Slot::Connection => 1,
    }
}

/// The result of an attempt whose executor panicked. It is an error like that of a program, so that
/// `on_error` and `undo` work; the message says whose fault it is.
fn bug(executor: &str, panic: &(dyn Any + Send)) -> AttemptResult {
    let what = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    failed(
        ErrorKind::Exit,
        format!(
            "a bug in Stead: the executor `{executor}` panicked: {what}\nplease report it with the log of the engine"
        ),
    )
}

#[cfg(test)]
mod tests;
