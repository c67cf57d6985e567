//! Where operations are handed in: by the process that holds the home, and by all others over its socket.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use stead_core::Time;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::schedule;
use stead_lang::plan::{HookFormat, TriggerOn};
use stead_store::Reader;
use stead_store::access::{Key, KeyKind, Noted};
use stead_store::sqlite::SqliteReader;

use super::commands::{Command, Kept, Write, reads_of, refused, writing};
use super::signal::signal;
use crate::access::{AccessError, AccessOperation, Secret, Used};
use crate::driver::{Written, load_schedule};
use crate::error::EngineError;
use crate::executor::EndSwitch;
use crate::feed::Feed;
use crate::home::Home;
use crate::lent::Environment;
use crate::library::open::now;
use crate::limits;
use crate::live::Hub;
use crate::log::Log;
use crate::metrics::{Beside, Counts, Unready};
use crate::notify::NotificationAnswer;
use crate::notify::deliver::Notifier;
use crate::operations::{Answer, EngineNow, Operation, Receivers, StoreTrouble, Trouble};
use crate::people::{Caller, admit, by_rights, identity, system_user, would_admit};
use crate::reads::{Reads, log_text};
use crate::schedules::hook::{Delivery, Hook, Request, signed};
use crate::schedules::{Change, ScheduleAnswer, ScheduleError, ScheduleOperation};
use crate::secrets::{SecretString, Secrets};
use crate::tasks::TaskOperation;
use crate::traces::Traces;
use crate::uploads::{self, FileAnswer, FileOperation, with_uploads};

/// How often it is looked whether the run of a request is there, which takes a turn, and how long is waited between.
const RUN_LOOKS: usize = 200;
const RUN_LOOK: Duration = Duration::from_millis(1);

/// Where operations are handed in.
pub(crate) struct Desk {
    commands: Sender<Command>,
    notifier: Arc<Notifier>,
    /// One reader for all who ask: opening one costs more than most questions.
    pub(crate) reads: Mutex<Reads<SqliteReader>>,
    pub(super) checked: Mutex<VecDeque<(stead_lang::Bundle, Arc<Kept>)>>,
    /// Wishes of other processes that are being performed, by their ids.
    wishes: Mutex<HashSet<String>>,
    granted: Condvar,
    pub(crate) home: Home,
    pub(crate) feed: Arc<Feed>,
    pub(crate) live: Arc<Hub>,
    /// Since when this process holds the home.
    since: Time,
    pub(super) notices: Arc<Notices>,
    used: Used,
    /// Where a server of this process is reached.
    served: Mutex<Option<String>>,
    secrets: Arc<dyn Secrets>,
    hooks: Mutex<Hooks>,
    providers: crate::access::Providers,
}

/// Webhooks that were asked for, and how often schedules were changed since: what was read before is not kept.
#[derive(Debug, Default)]
struct Hooks {
    known: HashMap<String, Arc<Hook>>,
    changes: u64,
}

/// What the driver's thread lets others know.
#[derive(Default)]
pub(super) struct Notices {
    /// What is counted.
    pub(super) counts: Arc<Counts>,
    /// Where it is said what happens.
    pub(super) log: Log,
    /// Where spans go.
    pub(super) traces: Traces,
    /// Attempts under way, those that queue included.
    pub(super) under_way: AtomicUsize,
    /// Runs that cannot go on, and why.
    pub(super) troubles: Mutex<BTreeMap<StreamId, String>>,
    /// Where it answers over HTTP.
    pub(super) url: Mutex<Option<String>>,
    /// Why nothing can be written at the moment.
    pub(super) store: Mutex<Option<StoreTrouble>>,
}

impl Desk {
    pub(super) fn new(
        home: &Home,
        commands: Sender<Command>,
        notices: Arc<Notices>,
        feed: Arc<Feed>,
        since: Time,
        secrets: Arc<dyn Secrets>,
        notifier: Arc<Notifier>,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            commands,
            notifier,
            reads: Mutex::new(reads_of(home)?),
            checked: Mutex::default(),
            wishes: Mutex::default(),
            granted: Condvar::new(),
            home: home.clone(),
            live: Arc::new(Hub::new(home.clone(), feed.clone())),
            feed,
            since,
            notices,
            used: Used::default(),
            secrets,
            hooks: Mutex::default(),
            served: Mutex::default(),
            providers: crate::access::Providers::default(),
        })
    }

    /// Performs an operation. What writes is durable when this returns.
    pub(crate) fn ask(&self, caller: &Caller, mut operation: Operation) -> Result<Answer, EngineError> {
        admit(&mut lock(&self.reads), &self.home, caller, &mut operation)?;
        let mut answer = self.perform(caller, operation, None)?;
        by_rights(&mut lock(&self.reads), &self.home, caller, &mut answer);
        Ok(answer)
    }

    /// Says where a server of this process is reached.
    pub(super) fn served_at(&self, url: String) {
        *lock(&self.served) = Some(url);
    }

    /// What is known of who carries a secret of a kind. A program of a step carries none.
    pub(super) fn opened(&self, caller: &Caller, kind: KeyKind, secret: &Secret) -> Result<Key, EngineError> {
        if let Some(step) = caller.step() {
            return Err(AccessError::OfStep { user: step.id() }.into());
        }
        let key = crate::access::opened(lock(&self.reads).reader_mut(), kind, secret)?;
        self.used.key(&self.home, &key, now());
        Ok(key)
    }

    /// Who has signed a request for a webhook. Whoever has not hears the same whether there is one of that name.
    pub(super) fn signed(&self, hook: &str, request: Request<'_>) -> Result<Delivery, EngineError> {
        let known = self.hook(hook)?;
        // Of one that is not there it is reckoned as well.
        let (format, secret) = match &known {
            None => (HookFormat::Standard, None),
            Some(known) => {
                let untold =
                    |why: String| EngineError::from(ScheduleError::HookSecret { hook: hook.to_owned(), why });
                let control = EndSwitch::new().map_err(|error| untold(error.to_string()))?;
                let secret = self.secrets.get(&known.secret, None, &control);
                (known.format, Some(secret.map_err(|error| untold(error.to_string()))?))
            }
        };
        let text = secret.as_ref().map_or("none", SecretString::expose);
        let delivery = signed(format, text, request, now()).filter(|_| known.is_some());
        delivery.ok_or_else(|| ScheduleError::HookUnknown.into())
    }

    /// A webhook that was turned on.
    fn hook(&self, name: &str) -> Result<Option<Arc<Hook>>, EngineError> {
        let changes = {
            let hooks = lock(&self.hooks);
            if let Some(hook) = hooks.known.get(name) {
                return Ok(Some(hook.clone()));
            }
            hooks.changes
        };
        let state = load_schedule(lock(&self.reads).reader_mut(), &StreamId::schedule(name))?;
        let state = state.filter(|state| state.status != schedule::Status::Off);
        let Some(TriggerOn::Hook { secret, format, .. }) =
            state.and_then(|state| state.spec).map(|spec| spec.on)
        else {
            return Ok(None);
        };
        let hook = Arc::new(Hook { secret, format });
        let mut hooks = lock(&self.hooks);
        // Those that are on are bounded.
        if hooks.changes == changes && hooks.known.len() < limits::SCHEDULES {
            hooks.known.insert(name.to_owned(), hook.clone());
        }
        Ok(Some(hook))
    }

    /// Schedules were changed: what is known of webhooks may be so no more.
    fn hooks_changed(&self) {
        let mut hooks = lock(&self.hooks);
        hooks.changes += 1;
        hooks.known.clear();
    }

    /// A request of a webhook becomes a run; one that came before is that run already.
    fn deliver(&self, operation: Operation) -> Result<Answer, EngineError> {
        let Operation::Schedule(ScheduleOperation::Deliver { hook, id, .. }) = &operation else {
            return Err(EngineError::bug(&"another operation was taken for one that delivers"));
        };
        let cause = schedule::Cause::Delivery { id: id.clone(), at: 0 };
        let run = cause.run(&StreamId::schedule(hook));
        let answer = Answer::Schedule(ScheduleAnswer::Delivered { run: run.clone() });
        let mut reads = lock(&self.reads);
        if reads.exists(&run)? {
            return Ok(answer);
        }
        let (stream, write) = writing(operation, &mut reads)?;
        drop(reads);
        match self.write(&stream, write, None) {
            Ok(()) => {
                // It is durable that it is started; who looks for it should find it.
                for _ in 0..RUN_LOOKS {
                    if lock(&self.reads).exists(&run)? {
                        break;
                    }
                    std::thread::sleep(RUN_LOOK);
                }
                Ok(answer)
            }
            Err(EngineError::Refused { id, why }) => Err(match why.as_str() {
                schedule::HOOK_FULL => ScheduleError::HookFull.into(),
                schedule::NOT_ON => ScheduleError::HookUnknown.into(),
                schedule::HOOK_PAUSED | schedule::HALTED => EngineError::Refused { id, why },
                _ => ScheduleError::HookMisfit { why }.into(),
            }),
            Err(EngineError::NoRun { .. }) => Err(ScheduleError::HookUnknown.into()),
            Err(error) => Err(error),
        }
    }

    /// Notes that somebody was not let in.
    pub(super) fn note_refused(&self, from: &str, code: &str) {
        let (who, refused) = (from.to_owned(), Some(code.to_owned()));
        let note = Noted { at: now(), who, what: "ask".to_owned(), refused, ..Noted::default() };
        self.used.note(&self.home, note);
    }

    /// Refuses who is somebody of this home no more.
    pub(crate) fn still_admitted(&self, caller: &Caller) -> Result<(), EngineError> {
        identity(&mut lock(&self.reads), &self.home, caller, None).map(drop)
    }

    /// Lets an operation through, or says why not; nothing is done.
    pub(crate) fn admit(&self, caller: &Caller, operation: &mut Operation) -> Result<(), EngineError> {
        admit(&mut lock(&self.reads), &self.home, caller, operation)
    }

    /// Whether an operation would be let through, or why not.
    pub(super) fn would_admit(&self, caller: &Caller, operation: &mut Operation) -> Result<(), EngineError> {
        would_admit(&mut lock(&self.reads), &self.home, caller, operation)
    }

    /// Who acts where nobody was added to the home.
    pub(crate) fn alone(&self) -> String {
        format!("user:{}", system_user())
    }

    /// Refuses whoever may not look at these runs; at all, when none is named. Of one that is not there yet nothing
    /// can be seen.
    pub(crate) fn may_follow(&self, caller: &Caller, runs: &[StreamId]) -> Result<(), EngineError> {
        let mut reads = lock(&self.reads);
        if runs.is_empty() {
            return admit(
                &mut reads,
                &self.home,
                caller,
                // Of all projects: a list of runs would be held to those that somebody may look at.
                &mut Operation::Engine,
            );
        }
        for run in runs {
            if reads.exists(run)? {
                admit(&mut reads, &self.home, caller, &mut Operation::Status { run: run.to_string() })?;
            }
        }
        Ok(())
    }

    /// Performs an operation that another process has given an id. Asked again it is not performed again.
    pub(crate) fn ask_as(
        &self,
        caller: &Caller,
        id: &str,
        again: bool,
        mut operation: Operation,
    ) -> Result<Answer, EngineError> {
        if !operation.writes() {
            return self.ask(caller, operation);
        }
        admit(&mut lock(&self.reads), &self.home, caller, &mut operation)?;
        let mut wishes = lock(&self.wishes);
        while !wishes.insert(id.to_owned()) {
            // The first time it was asked is not over yet.
            wishes = self.granted.wait(wishes).unwrap_or_else(PoisonError::into_inner);
        }
        drop(wishes);
        let before = if again { landed(&mut lock(&self.reads), id, &operation) } else { Ok(None) };
        let answer = match before {
            Ok(None) => self.perform(caller, operation, Some((id, again))),
            Ok(Some(answer)) => Ok(answer),
            Err(error) => Err(error),
        };
        lock(&self.wishes).remove(id);
        self.granted.notify_all();
        answer
    }

    /// What was admitted.
    fn perform(
        &self,
        caller: &Caller,
        operation: Operation,
        wish: Option<(&str, bool)>,
    ) -> Result<Answer, EngineError> {
        // By which key somebody acts stands in the journal, beside who it is.
        let marked = match (caller.key(), wish) {
            (Some(key), Some((id, _))) => Some(named_cause(key, id)),
            (Some(key), None) => Some(key.to_owned()),
            (None, wish) => wish.map(|(id, _)| id.to_owned()),
        };
        let id = marked.as_deref();
        match operation {
            Operation::Start { run, bundle, inputs, project, folder, breaks, by } => {
                check_project(&project)?;
                let kept = self.checked(bundle)?;
                let inputs = with_uploads(&self.home, &kept.plan, inputs, &by)?;
                let inputs = stead_lang::inputs::check_inputs(&kept.plan, &inputs)
                    .map_err(|diagnostics| EngineError::Invalid { diagnostics })?;
                let inputs = inputs.into_iter().collect();
                self.write(&run, Write::Start { kept, inputs, project, folder, breaks, by }, id)?;
                return Ok(Answer::Started { run });
            }
            Operation::Schedule(
                operation @ (ScheduleOperation::TurnOn { .. } | ScheduleOperation::Add { .. }),
            ) => {
                return self.turn_on(&operation, wish);
            }
            Operation::LogText { run, step, attempt, part } => {
                let (run, file) = lock(&self.reads).log_of(&run, &step, attempt)?;
                return log_text(run, file, &part);
            }
            Operation::Schedule(ScheduleOperation::Deliver { .. }) => return self.deliver(operation),
            Operation::Engine => return Ok(Answer::Engine { engine: Some(self.now()) }),
            Operation::Metrics => return Ok(Answer::Metrics { text: self.counted()? }),
            Operation::Library(operation) => {
                return crate::library::ask(&self.home, operation)
                    .map(|answer| Answer::Library(Box::new(answer)));
            }
            Operation::People(operation) => {
                let answer = crate::people::ask(&self.home, caller, operation)?;
                return Ok(Answer::People(Box::new(answer)));
            }
            Operation::Access(operation) => {
                let served = lock(&self.served).clone();
                let answer = match operation {
                    AccessOperation::BeginSignIn { .. } | AccessOperation::FinishSignIn { .. } => self
                        .providers
                        .ask(&self.home, caller, operation, &*self.secrets, served.as_deref())?,
                    operation => crate::access::ask(&self.home, caller, operation, served.as_deref())?,
                };
                return Ok(Answer::Access(Box::new(answer)));
            }
            Operation::Notifications(operation) => {
                let answer = crate::notify::ask(&self.home, operation)?;
                if let NotificationAnswer::Retried { notification } = &answer {
                    self.notifier.again(&notification.rule);
                }
                return Ok(Answer::Notifications(Box::new(answer)));
            }
            Operation::File(FileOperation::Upload { file, staged, by, .. }) => {
                uploads::keep(&self.home, &staged, &file, &by)?;
                return Ok(Answer::File(Box::new(FileAnswer::Uploaded { file })));
            }
            Operation::Task(TaskOperation::Draft { task, draft, based_on, by }) => {
                return crate::tasks::draft(&self.home, &task, draft, based_on.as_deref(), &by)
                    .map(Answer::Task);
            }
            _ => {}
        }
        let mut reads = lock(&self.reads);
        if let Some(answer) = reads.ask(&operation)? {
            return Ok(answer);
        }
        if let Operation::Signal { to, .. } = &operation {
            let runs = reads.receivers(to)?;
            drop(reads);
            let one = matches!(to, Receivers::Run(_));
            return signal(runs, one, &operation, |run, write| match wish {
                // Of several runs some may have it already.
                Some((wished, true)) if lock(&self.reads).was_caused(run, &named_cause("", wished))? => {
                    Ok(())
                }
                _ => self.write(run, write, id),
            });
        }
        let now = wants_a_run(&operation);
        let (run, write) = writing(operation, &mut reads)?;
        drop(reads);
        let written = self.write(&run, write, id);
        if run.kind() == StreamKind::Schedule {
            self.hooks_changed();
        }
        written?;
        done(&mut lock(&self.reads), run, now)
    }

    /// Turns schedules on, one after the other: each is a stream of its own.
    fn turn_on(
        &self,
        operation: &ScheduleOperation,
        wish: Option<(&str, bool)>,
    ) -> Result<Answer, EngineError> {
        let (ScheduleOperation::TurnOn { bundle, project, .. }
        | ScheduleOperation::Add { bundle, project, .. }) = operation
        else {
            return Err(EngineError::bug(&"another operation was taken for one that turns on"));
        };
        check_project(project)?;
        let kept = self.checked(bundle.clone())?;
        let mut ids = Vec::new();
        for spec in crate::schedules::specs(&kept.plan, operation)? {
            let id = StreamId::schedule(&spec.name);
            ids.push(id.clone());
            if let Some((wish, true)) = wish
                && lock(&self.reads).was_caused(&id, &named_cause("", wish))?
            {
                continue;
            }
            let input = Box::new(schedule::Input::TurnOn(Box::new(spec)));
            let write = Write::Schedule { kept: Some(kept.clone()), input };
            let written = self.write(&id, write, wish.map(|(id, _)| id));
            self.hooks_changed();
            written?;
        }
        let schedules = lock(&self.reads).schedules_of(&ids)?;
        Ok(Answer::Schedule(ScheduleAnswer::On { schedules }))
    }

    /// Has something written, and waits until it is durable.
    fn write(&self, run: &StreamId, write: Write, id: Option<&str>) -> Result<(), EngineError> {
        let (reply, answer) = bounded(1);
        let id = id.map(str::to_owned);
        let command = Command::Write { stream: run.clone(), write, id, reply };
        self.commands.send(command).map_err(|_| leaving())?;
        answer.recv().map_err(|_| leaving())?.map_err(|refusal| refused(run, refusal))
    }

    /// A definition, checked. Starting many runs of one checks it once.
    fn checked(&self, bundle: stead_lang::Bundle) -> Result<Arc<Kept>, EngineError> {
        let mut known = lock(&self.checked);
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

    /// Programs of a run and its child runs see this environment from now on. `lender` is gone when the terminal is.
    pub(crate) fn lend(
        &self,
        run: StreamId,
        environment: Environment,
        lender: Weak<()>,
    ) -> Result<(), EngineError> {
        let size = environment.bytes();
        if size > limits::LENT_BYTES {
            let why = format!("an environment of {size} bytes is more than {}", limits::LENT_BYTES);
            return Err(EngineError::NotTaken { why });
        }
        let (reply, answer) = bounded(1);
        let command = Command::Lend { run, environment: Arc::new(environment), lender, reply };
        self.commands.send(command).map_err(|_| leaving())?;
        match answer.recv().map_err(|_| leaving())? {
            true => Ok(()),
            false => {
                let why = format!("environments are lent for {} runs already", limits::LENT_RUNS);
                Err(EngineError::NotTaken { why })
            }
        }
    }

    /// Events as they become durable, from now on.
    pub(super) fn follow(&self) -> Result<Receiver<Written>, EngineError> {
        let (sender, receiver) = unbounded();
        let (known, sure) = bounded(1);
        self.commands.send(Command::Follow(sender, known)).map_err(|_| leaving())?;
        sure.recv().map_err(|_| leaving())?;
        Ok(receiver)
    }

    /// Whether it takes turns and can write.
    pub(super) fn ready(&self) -> Result<(), Unready> {
        self.notices.counts.driven()?;
        match &*lock(&self.notices.store) {
            Some(_) => Err(Unready::Unwritable),
            None => Ok(()),
        }
    }

    /// Where it is said what happens.
    pub(super) fn log(&self) -> &Log {
        &self.notices.log
    }

    /// Where spans go.
    pub(super) fn traces(&self) -> &Traces {
        &self.notices.traces
    }

    /// What was counted.
    fn counted(&self) -> Result<String, EngineError> {
        let beside = Beside {
            under_way: self.notices.under_way.load(Ordering::Relaxed),
            stuck: lock(&self.notices.troubles).len(),
            inputs: self.commands.len(),
            subscribers: self.live.subscribers(),
            dropped: self.notices.log.dropped(),
            writable: lock(&self.notices.store).is_none(),
        };
        self.notices.counts.told(&self.home, &beside)
    }

    /// What the engine is doing.
    pub(crate) fn now(&self) -> EngineNow {
        let troubles = lock(&self.notices.troubles);
        let troubles = troubles.iter().map(|(run, why)| Trouble { run: run.clone(), why: why.clone() });
        EngineNow {
            pid: std::process::id(),
            version: crate::socket::VERSION.to_owned(),
            since: self.since,
            url: lock(&self.notices.url).clone(),
            under_way: self.notices.under_way.load(Ordering::Relaxed),
            troubles: troubles.collect(),
            store: lock(&self.notices.store).clone(),
        }
    }
}

/// Refuses what cannot be the name of a project. An empty one is none.
pub(super) fn check_project(name: &str) -> Result<(), EngineError> {
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

/// Its channel is closed: the driver is on its way out.
fn leaving() -> EngineError {
    EngineError::Stopped("it does not take operations any more".into())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these guard is whole after every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the cause of a turn's row ends with, that was taken for an operation with an id.
pub(crate) fn named_cause(cause: &str, id: &str) -> String {
    format!("{cause}:{id}")
}

/// Whether it asks a schedule for a run.
pub(super) fn wants_a_run(operation: &Operation) -> bool {
    matches!(operation, Operation::Schedule(ScheduleOperation::Change { change: Change::Now, .. }))
}

/// What is said of something that is durable. `now`: a schedule was asked for a run.
pub(super) fn done<R: Reader>(
    reads: &mut Reads<R>,
    stream: StreamId,
    now: bool,
) -> Result<Answer, EngineError> {
    match stream.kind() {
        StreamKind::Schedule => reads.schedule_changed(&stream, now).map(Answer::Schedule),
        StreamKind::Task => reads.acted(&stream).map(Answer::Task),
        _ => Ok(Answer::Done { run: stream }),
    }
}

/// The answer to an operation that was performed before, whose answer was lost on the way.
pub(super) fn landed<R: Reader>(
    reads: &mut Reads<R>,
    id: &str,
    operation: &Operation,
) -> Result<Option<Answer>, EngineError> {
    if let Operation::Start { run, .. } = operation {
        let there = reads.exists(run)?;
        return Ok(there.then(|| Answer::Started { run: run.clone() }));
    }
    if let Operation::FreePlace { project, key, run, .. } = operation {
        let there = reads.was_caused(&StreamId::limit(project, key), &named_cause("", id))?;
        return Ok(there.then(|| Answer::Done { run: StreamId::new(run) }));
    }
    if let Operation::Task(TaskOperation::Act { task, .. }) = operation {
        let task = reads.task_named(task)?.task;
        return match reads.was_caused(&task, &named_cause("", id))? {
            true => done(reads, task, false).map(Some),
            false => Ok(None),
        };
    }
    if let Operation::Schedule(wanted) = operation {
        // Of those that are turned on it is looked up one by one.
        let Some(name) = wanted.schedule() else { return Ok(None) };
        let stream = crate::schedules::named(reads.reader_mut(), name)?.id;
        return match reads.was_caused(&stream, &named_cause("", id))? {
            true => done(reads, stream, wants_a_run(operation)).map(Some),
            false => Ok(None),
        };
    }
    // Of a signal it is looked up run by run.
    let Some(run) = operation.run().filter(|_| !matches!(operation, Operation::Signal { .. })) else {
        return Ok(None);
    };
    let run = reads.find(run)?;
    let there = reads.was_caused(&run, &named_cause("", id))?;
    Ok(there.then_some(Answer::Done { run }))
}
