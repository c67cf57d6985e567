//! The engine of a home: the driver on a thread of its own, executors around it.

mod commands;
mod offline;
mod outside;
mod signal;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use stead_core::ids::StreamId;
use stead_store::files::FileStore;
use stead_store::lock::HomeLock;
use stead_store::sqlite::{SqliteReader, SqliteStore};

pub use offline::ask_home;

use commands::{Command, Kept, Write, called, clock, reads_of, refused, writing};
use outside::Outside;
use turns::Loop;

use crate::attempts::{Attempts, Stop};
use crate::driver::{Driver, Written};
use crate::error::EngineError;
use crate::home::Home;
use crate::limits;
use crate::operations::{Answer, Operation, Receivers};
use crate::reads::Reads;
use crate::settings::Settings;

/// Ends what a stopping engine waits for.
#[derive(Clone)]
pub struct Hurry(Arc<Attempts>);

impl Hurry {
    /// Ends all attempts, whatever their effect. Nothing is told of them.
    pub fn now(&self) {
        self.0.stop_as(Stop::Now);
    }
}

/// The engine of a home. Exactly one process has it.
pub struct Engine {
    commands: Sender<Command>,
    thread: Mutex<Option<JoinHandle<Result<(), EngineError>>>>,
    under_way: Arc<AtomicUsize>,
    attempts: Arc<Attempts>,
    troubles: Arc<Mutex<BTreeMap<StreamId, String>>>,
    recovered: Vec<StreamId>,
    home: Home,
    reads: Mutex<Reads<SqliteReader>>,
    checked: Mutex<VecDeque<(stead_lang::Bundle, Arc<Kept>)>>,
    _lock: HomeLock,
}

impl Engine {
    /// Takes the home, recovers what its last engine left, and begins.
    ///
    /// # Errors
    /// When another process holds the home, or the store cannot be opened.
    pub fn open(home: &Home, settings: impl Into<Settings>) -> Result<Self, EngineError> {
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
        let outside = Outside::new(home.clone(), settings.into(), commands.clone(), under_way.clone());
        let attempts = outside.attempts.clone();
        let troubles = outside.troubles.clone();
        let thread = std::thread::Builder::new().name("driver".into());
        let thread = thread
            .spawn(move || Loop { driver, outside, inbox, replies: HashMap::new(), next: 1, last: 0 }.run());
        let thread = thread.map_err(|e| EngineError::Stopped(e.to_string()))?;
        let reads = Mutex::new(reads_of(home)?);
        Ok(Self {
            commands,
            thread: Mutex::new(Some(thread)),
            under_way,
            attempts,
            troubles,
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
        if let Operation::Start { run, bundle, inputs, project, folder, breaks } = operation {
            check_project(&project)?;
            let kept = self.checked(bundle)?;
            let inputs = stead_lang::inputs::check_inputs(&kept.plan, &inputs)
                .map_err(|diagnostics| EngineError::Invalid { diagnostics })?;
            let inputs = inputs.into_iter().collect();
            self.write(&run, Write::Start { kept, inputs, project, folder, breaks })?;
            return Ok(Answer::Started { run });
        }
        // One reader for all who ask: opening one costs more than most questions.
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = reads.ask(&operation)? {
            return Ok(answer);
        }
        if let Operation::Signal { to, .. } = &operation {
            let runs = reads.receivers(to)?;
            drop(reads);
            let one = matches!(to, Receivers::Run(_));
            return signal::signal(runs, one, &operation, |run, write| self.write(run, write));
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
        let (known, wait) = bounded(1);
        self.commands.send(Command::Follow(sender, known)).map_err(|_| self.stopped())?;
        // Nothing is written from here on that the receiver misses.
        wait.recv().map_err(|_| self.stopped())?;
        Ok(receiver)
    }

    /// Attempts under way, of all runs.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Whether it has stopped, which it does by itself only when something is wrong: [`stop`](Self::stop) says
    /// what.
    pub fn has_stopped(&self) -> bool {
        self.thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .is_none_or(JoinHandle::is_finished)
    }

    /// Why a run cannot go on: something of it cannot be read. It stays as it is, and holds up no other.
    pub fn trouble(&self, run: &StreamId) -> Option<String> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).get(run).cloned()
    }

    /// Runs that the last engine left open and that go on now.
    pub fn recovered(&self) -> &[StreamId] {
        &self.recovered
    }

    /// Ends attempts, waits for that, and leaves the home. Open runs go on with its next engine. What must not be
    /// cut off in the middle (`effect: once`) is let finish, which may take as long as its time-out: see
    /// [`hurry`](Self::hurry).
    ///
    /// # Errors
    /// When the engine had stopped before because of one.
    pub fn stop(self) -> Result<(), EngineError> {
        // A driver that has stopped already says why below.
        let _ = self.commands.send(Command::Stop);
        self.wait()
    }

    /// A handle by which a stop that takes too long is made to end what it waits for: such steps are parked.
    pub fn hurry(&self) -> Hurry {
        Hurry(self.attempts.clone())
    }

    /// Waits until it has stopped, and says why it did by itself. The first who asks is told.
    ///
    /// # Errors
    /// What stopped it: the store that cannot be written, say.
    pub fn wait(&self) -> Result<(), EngineError> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread.map(JoinHandle::join) {
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

    /// Its channel is closed: the driver is on its way out, and knows why.
    fn stopped(&self) -> EngineError {
        match self.wait() {
            Err(error) => error,
            Ok(()) => EngineError::Stopped("it does not take operations any more".into()),
        }
    }
}

/// Refuses what cannot be the name of a project. An empty one is none.
fn check_project(name: &str) -> Result<(), EngineError> {
    let why = if name.len() > limits::PROJECT_BYTES {
        "it is too long"
    } else if name.chars().any(char::is_control) {
        "it has control characters"
    } else if name.trim() != name {
        "it begins or ends with a space"
    } else {
        return Ok(());
    };
    Err(EngineError::Project { name: name.chars().take(40).collect(), why })
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        // Nobody asked for this stop, so nothing is waited for that can be ended.
        self.attempts.stop_as(Stop::Now);
        // Errors were the business of `stop`; this is the way out of a caller that failed already.
        let _ = self.wait();
    }
}
