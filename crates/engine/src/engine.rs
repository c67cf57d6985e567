//! The engine of a home: the driver on a thread of its own, executors around it.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use serde_json::Value;
use stead_core::Time;
use stead_core::effect::{AttemptId, AttemptResult, Effect, Execute};
use stead_core::ids::StreamId;
use stead_core::run::{Input, turn::SettleInput};
use stead_store::files::FileStore;
use stead_store::lock::HomeLock;
use stead_store::sqlite::{SqliteReader, SqliteStore};
use stead_store::{Reader, Store};

use crate::attempts::Attempts;
use crate::driver::{Addressed, Driver, Refusal, Stepped, Written};
use crate::error::EngineError;
use crate::executor::{EndSwitch, Executor};
use crate::executors::{Noop, ProcessExecutor};
use crate::failpoint;
use crate::home::Home;
use crate::limits;
use crate::operations::{Answer, Operation, Settlement};
use crate::reads::Reads;
use crate::secrets::Secrets;

/// The engine of a home. Exactly one process has it.
pub struct Engine {
    commands: Sender<Command>,
    thread: Option<JoinHandle<Result<(), EngineError>>>,
    under_way: Arc<AtomicUsize>,
    recovered: Vec<StreamId>,
    home: Home,
    reads: Mutex<Reads<SqliteReader>>,
    checked: Mutex<VecDeque<(stead_lang::Bundle, Arc<Kept>)>>,
    _lock: HomeLock,
}

/// What the driver's thread is told.
enum Command {
    /// An operation that writes. The run it is about is found already.
    Write { stream: StreamId, write: Write, reply: Sender<Result<(), Refusal>> },
    /// An attempt has ended.
    Result(AttemptId, AttemptResult),
    /// Somebody wants to know what is written from now on.
    Follow(Sender<Written>),
    /// Stop: attempts are ended, what is under way is made again by the next engine.
    Stop,
}

enum Write {
    Start { kept: Arc<Kept>, inputs: Vec<(String, Value)>, project: String, folder: String },
    Input(Input),
}

impl Engine {
    /// Takes the home, recovers what its last engine left, and begins.
    ///
    /// # Errors
    /// When another process holds the home, or the store cannot be opened.
    pub fn open(home: &Home, secrets: Arc<dyn Secrets>) -> Result<Self, EngineError> {
        home.make()?;
        let lock = HomeLock::take(home.root(), &called(), clock(0))?;
        let store = SqliteStore::open(&home.database())?;
        let files = FileStore::open(&home.files())?;
        let mut driver = Driver::new(store, files)?;
        let lost = driver.open_attempts()?;
        crate::attempts::recover_strays(&lost);
        crate::attempts::clear_work_folder(&home.work()).map_err(|e| EngineError::Home {
            what: "cannot clear the folder",
            path: home.work().display().to_string(),
            why: e.to_string(),
        })?;
        let recovered = driver.recover()?;
        let (commands, inbox) = unbounded();
        let under_way = Arc::new(AtomicUsize::new(0));
        let outside = Outside::new(home.clone(), secrets, commands.clone(), under_way.clone())?;
        let thread = std::thread::Builder::new().name("driver".into());
        let thread = thread
            .spawn(move || Loop { driver, outside, inbox, replies: HashMap::new(), next: 1, last: 0 }.run());
        let thread = thread.map_err(|e| EngineError::Stopped(e.to_string()))?;
        let reads = Mutex::new(reads_of(home)?);
        Ok(Self {
            commands,
            thread: Some(thread),
            under_way,
            recovered,
            home: home.clone(),
            reads,
            checked: Mutex::default(),
            _lock: lock,
        })
    }

    /// Performs an operation. What writes is durable when this returns.
    ///
    /// # Errors
    /// When the operation is refused, or the engine has stopped.
    pub fn ask(&self, operation: Operation) -> Result<Answer, EngineError> {
        if let Operation::Start { run, bundle, inputs, project, folder } = operation {
            let kept = self.checked(bundle)?;
            let inputs = stead_lang::inputs::check_inputs(&kept.plan, &inputs)
                .map_err(|diagnostics| EngineError::Invalid { diagnostics })?;
            let inputs = inputs.into_iter().collect();
            self.write(&run, Write::Start { kept, inputs, project, folder })?;
            return Ok(Answer::Started { run });
        }
        // One reader for all who ask: opening one costs more than most questions.
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = reads.ask(&operation)? {
            return Ok(answer);
        }
        let (run, write) = writing(operation, &mut reads)?;
        drop(reads);
        self.write(&run, write)?;
        Ok(Answer::Done { run })
    }

    /// Has something written, and waits until it is durable.
    fn write(&self, run: &StreamId, write: Write) -> Result<(), EngineError> {
        let (reply, answer) = bounded(1);
        let command = Command::Write { stream: run.clone(), write, reply };
        self.commands.send(command).map_err(|_| self.stopped())?;
        answer.recv().map_err(|_| self.stopped())?.map_err(|refusal| refused(run, refusal))
    }

    /// A definition, checked. Starting many runs of one checks it once.
    fn checked(&self, bundle: stead_lang::Bundle) -> Result<Arc<Kept>, EngineError> {
        let mut known = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, kept)) = known.iter().find(|(before, _)| *before == bundle) {
            return Ok(kept.clone());
        }
        let kept = Arc::new(Kept::check(&bundle)?);
        known.push_back((bundle, kept.clone()));
        if known.len() > limits::DEFINITIONS_CHECKED {
            known.pop_front();
        }
        Ok(kept)
    }

    /// Events as they become durable, from now on.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub fn follow(&self) -> Result<Receiver<Written>, EngineError> {
        let (sender, receiver) = unbounded();
        self.commands.send(Command::Follow(sender)).map_err(|_| self.stopped())?;
        Ok(receiver)
    }

    /// Attempts under way, of all runs.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Whether it has stopped, which it does by itself only when something is wrong: [`stop`](Self::stop) says
    /// what.
    pub fn has_stopped(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Runs that the last engine left open and that go on now.
    pub fn recovered(&self) -> &[StreamId] {
        &self.recovered
    }

    /// Ends all attempts, waits for that, and leaves the home. Open runs go on with its next engine.
    ///
    /// # Errors
    /// When the engine had stopped before because of one.
    pub fn stop(mut self) -> Result<(), EngineError> {
        // A driver that has stopped already says why below.
        let _ = self.commands.send(Command::Stop);
        self.join()
    }

    fn join(&mut self) -> Result<(), EngineError> {
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(panic)) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                Err(EngineError::Bug(text.unwrap_or("the driver panicked").to_owned()))
            }
        }
    }

    /// Answers of operations that read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn reads(&self) -> Result<Reads<SqliteReader>, EngineError> {
        reads_of(&self.home)
    }

    fn stopped(&self) -> EngineError {
        EngineError::Stopped("it does not take operations any more".into())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        // Errors were the business of `stop`; this is the way out of a caller that failed already.
        let _ = self.join();
    }
}

fn reads_of(home: &Home) -> Result<Reads<SqliteReader>, EngineError> {
    let reader = SqliteStore::open_read_only(&home.database())?;
    Ok(Reads::new(reader, FileStore::attach(&home.files()), home.clone()))
}

/// Performs an operation in a home whose engine may not run: reads as they are, writes by taking the home,
/// taking the turns, performing nothing, and leaving.
///
/// # Errors
/// When the operation is refused, or another process holds the home.
pub fn ask_home(home: &Home, operation: Operation) -> Result<Answer, EngineError> {
    if !home.database().exists() {
        return match operation {
            Operation::Runs { .. } => Ok(Answer::Runs { runs: Vec::new() }),
            Operation::Cancel { run: id, .. }
            | Operation::Settle { run: id, .. }
            | Operation::Status { run: id }
            | Operation::Events { run: id, .. }
            | Operation::Logs { run: id } => Err(EngineError::NoRun { id }),
            Operation::Start { .. } => Err(EngineError::Stopped("a run is started by an engine".into())),
        };
    }
    let mut reads = reads_of(home)?;
    if let Some(answer) = reads.ask(&operation)? {
        return Ok(answer);
    }
    let (stream, write) = writing(operation, &mut reads)?;
    drop(reads);
    let _lock = HomeLock::take(home.root(), &called(), clock(0))?;
    let store = SqliteStore::open(&home.database())?;
    let mut driver = Driver::new(store, FileStore::open(&home.files())?)?;
    let now = clock(0);
    let Write::Input(input) = write else {
        return Err(EngineError::Bug("a start without an engine".into()));
    };
    driver.push(Addressed { stream: stream.clone(), input, revision: None, token: 1 });
    let mut answer = Ok(());
    let mut lost = Vec::new();
    while driver.is_busy() {
        let stepped = driver.step(now)?;
        for (_, said) in stepped.answers {
            answer = said;
        }
        for (effect, _) in stepped.effects {
            // Nobody performs it. What was being ended is over: its engine is gone.
            if let Effect::End { attempt, .. } = effect {
                let (path, number, result) = (attempt.path.clone(), attempt.number, AttemptResult::default());
                let input = Input::AttemptEnded { path, number, result };
                driver.push(Addressed { stream: attempt.stream.clone(), input, revision: None, token: 0 });
                lost.push(attempt);
            }
        }
    }
    crate::attempts::recover_strays(&lost);
    answer.map_err(|refusal| refused(&stream, refusal))?;
    Ok(Answer::Done { run: stream })
}

/// A definition that was checked, as it is kept.
struct Kept {
    plan: Arc<stead_lang::plan::Plan>,
    /// Bytes by revision: its own and its children's.
    definitions: Vec<(String, Vec<u8>)>,
}

impl Kept {
    fn check(bundle: &stead_lang::Bundle) -> Result<Self, EngineError> {
        let checked = stead_lang::check(bundle);
        let Some(plan) = checked.plan else {
            return Err(EngineError::Invalid { diagnostics: checked.diagnostics });
        };
        let mut definitions = Vec::new();
        for (revision, bundle) in checked.children.iter().chain([(&plan.revision, bundle)]) {
            definitions
                .push((revision.clone(), serde_json::to_vec(bundle).map_err(|e| EngineError::bug(&e))?));
        }
        Ok(Self { plan, definitions })
    }
}

/// What an operation writes, and to which stream.
fn writing<R: Reader>(operation: Operation, reads: &mut Reads<R>) -> Result<(StreamId, Write), EngineError> {
    Ok(match operation {
        Operation::Start { .. } => return Err(EngineError::Stopped("a run is started by an engine".into())),
        Operation::Cancel { run, by, reason } => {
            (reads.find(&run)?, Write::Input(Input::Cancel { by, reason }))
        }
        Operation::Settle { run, step, verdict, by } => {
            let verdict = match verdict {
                Settlement::Done(value) => SettleInput::Done(value),
                Settlement::Again => SettleInput::Again,
                Settlement::Failed => SettleInput::Failed,
            };
            (reads.find(&run)?, Write::Input(Input::Settle { path: step, verdict, by }))
        }
        Operation::Runs { .. }
        | Operation::Status { .. }
        | Operation::Events { .. }
        | Operation::Logs { .. } => {
            return Err(EngineError::Bug("an operation that reads was to be written".into()));
        }
    })
}

/// How this process was called, for whoever finds the home held.
fn called() -> String {
    std::env::args().collect::<Vec<_>>().join(" ")
}

fn refused(stream: &StreamId, refusal: Refusal) -> EngineError {
    match refusal {
        Refusal::Refused(why) => EngineError::Refused { id: stream.to_string(), why },
        Refusal::Unknown => EngineError::NoRun { id: stream.to_string() },
        Refusal::Store(why) => EngineError::Stopped(why),
    }
}

/// Milliseconds since 1970, never less than before.
fn clock(last: Time) -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Time::try_from(now.as_millis()).unwrap_or(Time::MAX).max(last)
}

/// The driver's thread.
struct Loop {
    driver: Driver<SqliteStore>,
    outside: Outside,
    inbox: Receiver<Command>,
    replies: HashMap<u64, Sender<Result<(), Refusal>>>,
    next: u64,
    last: Time,
}

impl Loop {
    fn run(mut self) -> Result<(), EngineError> {
        let result = self.turns();
        // Whoever waits for an answer learns that there is none by the closing of the channel.
        self.replies.clear();
        self.outside.attempts.stop();
        result
    }

    fn turns(&mut self) -> Result<(), EngineError> {
        loop {
            if !self.gather()? {
                return Ok(());
            }
            self.last = clock(self.last);
            let stepped = match self.driver.step(self.last) {
                Ok(stepped) => stepped,
                Err(error) => {
                    for (_, reply) in self.replies.drain() {
                        let _ = reply.send(Err(Refusal::Store(error.to_string())));
                    }
                    return Err(error);
                }
            };
            self.perform(stepped);
        }
    }

    /// Takes what has come; waits when there is nothing to do. False: stop.
    fn gather(&mut self) -> Result<bool, EngineError> {
        if !self.driver.is_busy() {
            let wait = match self.driver.due() {
                // Looked at again before it is due: a clock that was set, or a machine that slept, shows then.
                Some(due) => {
                    let left = u64::try_from(due.saturating_sub(clock(self.last))).unwrap_or(0);
                    Duration::from_millis(left).min(limits::CLOCK_LOOK)
                }
                None => limits::CLOCK_LOOK,
            };
            match self.inbox.recv_timeout(wait) {
                Ok(command) => {
                    if !self.command(command)? {
                        return Ok(false);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
            }
        }
        for _ in 0..limits::BATCH {
            let Ok(command) = self.inbox.try_recv() else { break };
            if !self.command(command)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn command(&mut self, command: Command) -> Result<bool, EngineError> {
        match command {
            Command::Write { stream, write, reply } => {
                let token = self.next;
                self.next += 1;
                self.replies.insert(token, reply);
                let (input, revision) = match write {
                    Write::Input(input) => (input, None),
                    Write::Start { kept, inputs, project, folder } => {
                        let revision = self.keep(&kept)?;
                        (Input::Start { inputs, project, folder }, Some(revision))
                    }
                };
                self.driver.push(Addressed { stream, input, revision, token });
            }
            Command::Result(attempt, result) => {
                self.outside.under_way.fetch_sub(1, Ordering::Relaxed);
                self.driver.push(ended(attempt, result));
            }
            Command::Follow(sender) => self.outside.followers.push(sender),
            Command::Stop => return Ok(false),
        }
        Ok(true)
    }

    /// Keeps a definition and those of its children, once per engine.
    fn keep(&mut self, kept: &Kept) -> Result<String, EngineError> {
        let revision = kept.plan.revision.clone();
        if !self.driver.plans().has(&revision) {
            for (revision, bytes) in &kept.definitions {
                self.driver.store().put_definition(revision, bytes)?;
            }
            self.driver.plans().put(kept.plan.clone());
        }
        Ok(revision)
    }

    fn perform(&mut self, stepped: Stepped) {
        for (token, answer) in stepped.answers {
            if let Some(reply) = self.replies.remove(&token) {
                // Whoever asked may have gone.
                let _ = reply.send(answer);
            }
        }
        for written in stepped.written {
            self.outside.tell(&written);
        }
        for (effect, folder) in stepped.effects {
            match effect {
                Effect::Execute(job) => {
                    if let Some(result) = self.outside.execute(job, &folder) {
                        self.driver.push(result);
                    }
                }
                Effect::End { attempt, reason } => self.outside.attempts.end(&attempt, reason),
            }
        }
    }
}

fn ended(attempt: AttemptId, result: AttemptResult) -> Addressed {
    let AttemptId { stream, path, number } = attempt;
    Addressed { stream, input: Input::AttemptEnded { path, number, result }, revision: None, token: 0 }
}

/// Executors, attempts under way, and those who follow.
struct Outside {
    home: Home,
    executors: HashMap<&'static str, Arc<dyn Executor>>,
    attempts: Attempts,
    followers: Vec<Sender<Written>>,
    under_way: Arc<AtomicUsize>,
    /// What the driver performs itself is never told to end.
    never: EndSwitch,
}

impl Outside {
    fn new(
        home: Home,
        secrets: Arc<dyn Secrets>,
        commands: Sender<Command>,
        under_way: Arc<AtomicUsize>,
    ) -> Result<Self, EngineError> {
        let all: [Arc<dyn Executor>; 2] = [Arc::new(Noop), Arc::new(ProcessExecutor::new(secrets))];
        let executors = all.into_iter().map(|executor| (executor.name(), executor)).collect();
        let attempts = Attempts::new(move |attempt, result| {
            failpoint::cross("effect.after");
            // Without a driver nobody wants the result; the next engine makes the attempt again.
            let _ = commands.send(Command::Result(attempt, result));
        });
        let never = EndSwitch::new().map_err(|e| EngineError::Stopped(e.to_string()))?;
        Ok(Self { home, executors, attempts, followers: Vec::new(), under_way, never })
    }

    /// Starts an attempt; gives the result back at once when there is nothing to wait for.
    fn execute(&mut self, job: Execute, folder: &str) -> Option<Addressed> {
        let Some(executor) = self.executors.get(job.executor.as_str()) else {
            let error = stead_core::effect::AttemptError {
                kind: stead_core::effect::ErrorKind::Lost,
                message: format!("this engine has no executor `{}`", job.executor),
            };
            return Some(ended(
                job.attempt,
                AttemptResult { error: Some(error), ..AttemptResult::default() },
            ));
        };
        let place = self.home.place(&job.attempt, folder);
        if executor.immediate() {
            let result = executor.perform(&job, &place, &self.never);
            failpoint::cross("effect.after");
            return Some(ended(job.attempt, result));
        }
        self.under_way.fetch_add(1, Ordering::Relaxed);
        if !self.attempts.start(job, executor.clone(), place) {
            // It is here already, or all is being stopped: either way nothing will be told of this one.
            self.under_way.fetch_sub(1, Ordering::Relaxed);
        }
        None
    }

    fn tell(&mut self, written: &Written) {
        self.followers.retain(|follower| follower.send(written.clone()).is_ok());
    }
}
