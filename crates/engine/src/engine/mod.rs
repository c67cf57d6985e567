//! The engine of a home: the driver on a thread of its own, executors around it.

mod commands;
pub(crate) mod desk;
mod held;
mod offline;
mod once;
mod outside;
mod recovery;
mod signal;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};
use stead_core::ids::StreamId;
use stead_store::access::{Key, KeyKind};
use stead_store::files::FileStore;
use stead_store::lock::HomeLock;
use stead_store::sqlite::{SqliteReader, SqliteStore};

pub use offline::draw_run;
pub use offline::{Patience, Waiting, ask_home, ask_home_as, ask_home_while};
pub(crate) use offline::{chance, read_store, wait_for_place, wish};
pub use once::{Keyed, Known};

use commands::{Command, called, clock, reads_of};
use desk::{Desk, Notices, lock};
use outside::Outside;
use recovery::Beside;
use turns::{Loop, Retry};

use crate::access::{AccessError, LinkNow, Proof, Secret};
use crate::attempts::{Attempts, Stop};
use crate::driver::{Driver, Written};
use crate::error::EngineError;
use crate::evidence::Left;
use crate::executors::process::left_in;
use crate::feed::Feed;
use crate::home::Home;
use crate::live::{Cursor, Live, Wish};
use crate::log::Log;
use crate::metrics::Unready;
use crate::notify::{Book, deliver::Notifier};
use crate::operations::{Answer, EngineNow, Operation};
use crate::people::{Caller, Step};
use crate::reads::Reads;
use crate::schedules::hook::{Delivery, Request};
use crate::settings::Settings;
use crate::socket::{Listening, Server};
use crate::traces::Traces;
use crate::uploads::Staged;

/// Ends what a stopping engine waits for.
#[derive(Clone)]
pub struct Hurry(Arc<Attempts>, Arc<Notifier>);

impl Hurry {
    /// Ends all attempts, whatever their effect. Nothing is told of them.
    pub fn now(&self) {
        self.0.stop_as(Stop::Now);
        self.1.hurry();
    }
}

/// Asks an engine of this process, from any thread. Once that has stopped, it only says so.
#[derive(Clone)]
pub struct Asker {
    desk: Arc<Desk>,
    caller: Caller,
}

impl Asker {
    /// Performs an operation. What writes is durable when this returns.
    ///
    /// # Errors
    /// When the operation is refused, or the engine has stopped.
    pub fn ask(&self, operation: Operation) -> Result<Answer, EngineError> {
        self.desk.ask(&self.caller, operation)
    }

    /// Follows what is written, behind a cursor; without one a run from its beginning, and lists from now on. `wake`
    /// is called, on threads of the engine, when there may be more; it must not take long.
    ///
    /// # Errors
    /// When who asks may not look at it, when there is no such run, or for a cursor that is ahead of the journal.
    pub fn live(
        &self,
        wish: Wish,
        after: Option<Cursor>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Live, EngineError> {
        Live::open(&self.desk, self.caller.clone(), wish, after, Box::new(wake))
    }

    /// Refuses an operation that would be refused for who asks; nothing is done. What it is about need not be there.
    ///
    /// # Errors
    /// As the operation itself would be refused.
    pub fn would_admit(&self, mut operation: Operation) -> Result<(), EngineError> {
        self.desk.would_admit(&self.caller, &mut operation)
    }

    /// A file on its way into the home: it is kept by [`FileOperation::Upload`](crate::uploads::FileOperation).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn stage(&self) -> Result<Staged, EngineError> {
        Staged::begin(&self.desk.home)
    }

    /// The same for another process of this user: a step's program acts as that.
    #[must_use]
    pub fn of_process(&self, process: u32) -> Self {
        Self { desk: self.desk.clone(), caller: self.caller.clone().from(&Step::around(process)) }
    }

    /// Whether whoever asks is a program of a step.
    pub fn is_step(&self) -> bool {
        self.caller.step().is_some()
    }

    /// The same for who carries a secret: somebody of the people, as the secret says.
    ///
    /// # Errors
    /// When it means nobody, or did once; and for a program of a step, which acts as that.
    pub fn of_secret(&self, secret: &Secret) -> Result<Self, EngineError> {
        Ok(self.opened(KeyKind::Token, secret)?.0)
    }

    /// The same for a browser that carries a session.
    ///
    /// # Errors
    /// As there.
    pub fn of_session(&self, secret: &Secret) -> Result<Self, EngineError> {
        Ok(self.opened(KeyKind::Session, secret)?.0)
    }

    /// The same for who has a link to a task, and what that is to. It gives nothing but this task.
    ///
    /// # Errors
    /// As there.
    pub fn of_link(&self, secret: &Secret) -> Result<(Self, LinkNow), EngineError> {
        let (asker, key) = self.opened(KeyKind::Link, secret)?;
        let shown = key.task.ok_or(AccessError::Unknown)?;
        let (task, version) = (shown.task, shown.version);
        Ok((asker, LinkNow { task, version, user: key.person, expires_at: key.expires_at }))
    }

    fn opened(&self, kind: KeyKind, secret: &Secret) -> Result<(Self, Key), EngineError> {
        let key = self.desk.opened(&self.caller, kind, secret)?;
        let caller = Caller::proven(Proof::Key(key.id.clone()));
        Ok((Self { desk: self.desk.clone(), caller }, key))
    }

    /// Says where a server of this process is reached: links lead there.
    pub fn served_at(&self, url: String) {
        self.desk.served_at(url);
    }

    /// The same for a request of a webhook that is signed as that wants it: it delivers, and nothing else. With it what
    /// the request is.
    ///
    /// # Errors
    /// When it is not, or there is no such webhook, which is told alike; and when its secret is not to be had.
    pub fn of_hook(&self, hook: &str, request: Request<'_>) -> Result<(Self, Delivery), EngineError> {
        let delivery = self.desk.signed(hook, request)?;
        let caller = Caller::proven(Proof::Hook(hook.to_owned()));
        Ok((Self { desk: self.desk.clone(), caller }, delivery))
    }

    /// The same for who carries nothing and has to: it is told who it is not, and nothing else.
    #[must_use]
    pub fn of_nobody(&self) -> Self {
        Self { desk: self.desk.clone(), caller: Caller::proven(Proof::Nothing) }
    }

    /// Notes that somebody was not let in, who came from an address. It is written beside, and what comes faster than
    /// that is dropped.
    pub fn note_refused(&self, from: &str, code: &str) {
        self.desk.note_refused(from, code);
    }

    /// Whether anybody could be known here by what they carry.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_anybody_known(&self) -> Result<bool, EngineError> {
        crate::access::has_any(&self.desk.home)
    }

    /// Whether the engine takes turns and can write. It gives away nothing of anybody, so nobody is asked who they are,
    /// and costs nothing.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self) -> Result<(), Unready> {
        self.desk.ready()
    }

    /// Where it is said what happens.
    pub fn log(&self) -> &Log {
        self.desk.log()
    }

    /// Where spans go.
    pub fn traces(&self) -> &Traces {
        self.desk.traces()
    }

    /// Whether whoever asks is still let in: a token may have been revoked or have run out since, a person removed.
    /// Cheap; who sends for longer than a moment asks before each piece. What may be seen it does not say.
    ///
    /// # Errors
    /// When they are not.
    pub fn still_admitted(&self) -> Result<(), EngineError> {
        self.desk.still_admitted(&self.caller)
    }
}

/// The engine of a home. Exactly one process has it.
pub struct Engine {
    commands: Sender<Command>,
    thread: Mutex<Option<JoinHandle<Result<(), EngineError>>>>,
    attempts: Arc<Attempts>,
    recovered: Vec<StreamId>,
    desk: Arc<Desk>,
    /// Who asks at this process.
    caller: Caller,
    server: Server,
    beside: Beside,
    notifier: Arc<Notifier>,
    /// Given back last.
    _lock: HomeLock,
}

impl Engine {
    /// Takes the home, listens on its socket, and begins; what the last engine left is brought on beside.
    ///
    /// # Errors
    /// When another process holds the home, or the store cannot be opened.
    pub fn open(home: &Home, settings: impl Into<Settings>) -> Result<Self, EngineError> {
        Self::take_over(home, settings.into(), &[])
    }

    /// [`open`](Self::open), by a process that was carried until now: `own` are its runs, for which nobody else is
    /// going to lend an environment.
    ///
    /// # Errors
    /// As there.
    pub fn take_over(home: &Home, settings: Settings, own: &[&StreamId]) -> Result<Self, EngineError> {
        let (measures, caller) = (settings.measures.clone(), settings.caller.clone());
        home.make()?;
        let book = Book::open(home)?;
        let since = clock(0);
        let mut lock = HomeLock::take(home.root(), &called(), since)?;
        // At once: whoever finds the home held waits there for an answer.
        let listening = Listening::on(home, &mut lock)?;
        let mut store = SqliteStore::open_with(&home.database(), &measures.store)?;
        if let Some(faults) = measures.faults.clone() {
            store = store.with_faults(faults);
        }
        let mut driver = Driver::new(store, FileStore::open(&home.files())?)?;
        crate::uploads::begin(home)?;
        driver.notify(book.clone());
        let log = settings.log.clone();
        let notices =
            Arc::new(Notices { log: log.clone(), traces: settings.traces.clone(), ..Notices::default() });
        let feed = Arc::<Feed>::default();
        let counts = notices.counts.clone();
        driver.count(counts.clone())?;
        let recovered = driver.recover()?;
        let (commands, inbox) = unbounded();
        let notifier = Notifier::new(
            home,
            book,
            settings.secrets.clone(),
            settings.public.clone(),
            measures.notify.clone(),
            (counts.clone(), log),
        );
        let desk = Desk::new(
            home,
            commands.clone(),
            notices.clone(),
            feed.clone(),
            since,
            settings.secrets.clone(),
            notifier.clone(),
        )?;
        let mut outside = Outside::new(home.clone(), settings, commands.clone(), notices, feed);
        let mut waited = crate::carried::waited_for(home);
        waited.retain(|run| !own.contains(&run));
        outside.held.expect(waited, measures.lend_wait);
        // Nothing is under way yet: whatever carries a mark, or has a folder, is a dead engine's.
        let strays = if recovered.is_empty() { Vec::new() } else { recovery::strays(home) };
        outside.held.strays(&strays);
        outside.looked_for_strays = !recovered.is_empty();
        let left = left_in(&home.work()).map_err(|e| EngineError::Home {
            what: "cannot read the folder",
            path: home.work().display().to_string(),
            why: e.to_string(),
        })?;
        let left = Left::of(left);
        for (attempt, dir) in &left.noted {
            outside.kept.keep(attempt.clone(), dir.clone());
        }
        let beside = outside.beside.clone();
        recovery::end_beside(&beside, strays, left, home, measures.stray_grace, commands.clone())?;
        let attempts = outside.attempts.clone();
        let turns = Loop {
            driver,
            outside,
            inbox,
            replies: HashMap::new(),
            next: 1,
            last: 0,
            leaving: false,
            retry: Retry::new(measures.retry),
            counts,
            notifier: notifier.clone(),
        };
        let thread = std::thread::Builder::new().name("driver".into()).spawn(move || turns.run());
        let thread = thread.map_err(|e| EngineError::Stopped(e.to_string()))?;
        let desk = Arc::new(desk);
        let server = Server::begin(listening, desk.clone(), &measures)?;
        Ok(Self {
            commands,
            thread: Mutex::new(Some(thread)),
            attempts,
            recovered,
            desk,
            caller,
            server,
            beside,
            notifier,
            _lock: lock,
        })
    }

    /// Performs an operation. What writes is durable when this returns.
    ///
    /// # Errors
    /// When the operation is refused, or the engine has stopped.
    pub fn ask(&self, operation: Operation) -> Result<Answer, EngineError> {
        match self.desk.ask(&self.caller, operation) {
            Err(EngineError::Stopped(why)) => Err(self.wait().err().unwrap_or(EngineError::Stopped(why))),
            other => other,
        }
    }

    /// Somebody who asks without having the engine.
    pub fn asker(&self) -> Asker {
        Asker { desk: self.desk.clone(), caller: self.caller.clone() }
    }

    /// [`ask`](Self::ask), for a wish that may have been asked for before.
    pub(crate) fn ask_as(&self, id: &str, again: bool, operation: Operation) -> Result<Answer, EngineError> {
        match self.desk.ask_as(&self.caller, id, again, operation) {
            Err(EngineError::Stopped(why)) => Err(self.wait().err().unwrap_or(EngineError::Stopped(why))),
            other => other,
        }
    }

    /// Events as they become durable, from now on.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub fn follow(&self) -> Result<Receiver<Written>, EngineError> {
        self.desk.follow()
    }

    /// Attempts under way.
    pub fn under_way(&self) -> usize {
        self.desk.notices.under_way.load(Ordering::Relaxed)
    }

    /// Says where it answers over HTTP.
    pub fn serves(&self, url: &str) {
        *lock(&self.desk.notices.url) = Some(url.to_owned());
    }

    /// What it is doing.
    pub fn now(&self) -> EngineNow {
        self.desk.now()
    }

    /// Whether it has stopped: because it was told to leave, or by itself when something is wrong, and then
    /// [`stop`](Self::stop) says what.
    pub fn has_stopped(&self) -> bool {
        lock(&self.thread).as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Why a run cannot go on: something of it cannot be read. It stays as it is, and holds up no other.
    pub fn trouble(&self, run: &StreamId) -> Option<String> {
        lock(&self.desk.notices.troubles).get(run).cloned()
    }

    /// Runs that the last engine left open and that go on now.
    pub fn recovered(&self) -> &[StreamId] {
        &self.recovered
    }

    /// It stops as soon as no attempt is under way: between the end of one and the beginning of what follows. Until
    /// then it goes on as before.
    pub fn leave_when_quiet(&self) {
        // A driver that has stopped already says why when asked.
        let _ = self.commands.send(Command::Leave);
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
        let result = self.wait();
        self.notifier.leave();
        self.server.close();
        self.beside.join();
        result
    }

    /// A handle by which a stop that takes too long is made to end what it waits for: such steps are parked.
    pub fn hurry(&self) -> Hurry {
        Hurry(self.attempts.clone(), self.notifier.clone())
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
        reads_of(&self.desk.home)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        // Nobody asked for this stop, so nothing is waited for that can be ended.
        self.attempts.stop_as(Stop::Now);
        // Errors were the business of `stop`; this is the way out of a caller that failed already.
        let _ = self.wait();
        self.notifier.hurry();
        self.notifier.leave();
        self.server.close();
    }
}
