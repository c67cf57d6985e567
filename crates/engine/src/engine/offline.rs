//! Operations from outside of the engine: handed to the process that holds the home, or done here where nobody does.

use std::time::{Duration, Instant};

use stead_core::effect::{AttemptError, AttemptResult, Effect, ErrorKind};
use stead_core::ids::StreamId;
use stead_core::run::Input;
use stead_core::task;
use stead_store::files::FileStore;
use stead_store::lock::{Holder, HomeLock};
use stead_store::memory::MemoryStore;
use stead_store::sqlite::{SqliteReader, SqliteStore};
use stead_store::{Store as _, StoreError};

use super::commands::{Kept as Definition, Write, called, clock, reads_of, refused, writing};
use super::desk::{check_project, done, landed, named_cause, wants_a_run};
use super::signal::signal;
use crate::access::AccessOperation;
use crate::driver::{Addressed, Driver, Given};
use crate::error::EngineError;
use crate::evidence::{Kept, Left};
use crate::executors::process::left_in;
use crate::home::Home;
use crate::limits;
use crate::operations::{Answer, Operation, Receivers};
use crate::people::{Caller, admit, by_rights};
use crate::reads::Reads;
use crate::schedules::{ScheduleAnswer, ScheduleError, ScheduleOperation};
use crate::socket::{Client, Failed};
use crate::tasks::{TaskAnswer, TaskOperation};
use crate::uploads::FileOperation;

/// What is waited for: the engine of a home.
#[derive(Debug, Clone, Copy)]
pub struct Waiting<'a> {
    /// Who holds the home, as far as it is known.
    pub holder: Option<&'a Holder>,
    /// For how long.
    pub time: Duration,
}

/// Asked now and then while something is waited for; false: not any longer.
pub type Patience<'p> = dyn FnMut(&Waiting<'_>) -> bool + 'p;

/// [`ask_home_while`], waiting as long as is usual and telling nobody.
///
/// # Errors
/// As there.
pub fn ask_home(home: &Home, operation: Operation) -> Result<Answer, EngineError> {
    ask_home_while(home, operation, &mut |waiting| waiting.time < limits::ANSWER_PATIENCE)
}

/// Performs an operation in a home. Where an engine runs it is asked. Where none does, what reads is read, and what
/// writes is done by taking the home, taking the turns, performing nothing, and leaving. An engine that comes or
/// goes meanwhile is waited for.
///
/// # Errors
/// When the operation is refused, or nobody answers who holds the home.
pub fn ask_home_while(
    home: &Home,
    operation: Operation,
    patience: &mut Patience<'_>,
) -> Result<Answer, EngineError> {
    ask_home_as(home, &Caller::here(None), operation, patience)
}

/// [`ask_home_while`], for somebody.
///
/// # Errors
/// As there.
pub fn ask_home_as(
    home: &Home,
    caller: &Caller,
    mut operation: Operation,
    patience: &mut Patience<'_>,
) -> Result<Answer, EngineError> {
    let stored = home.database().exists();
    if !stored {
        admit(&mut Reads::light(MemoryStore::new(), home), home, caller, &mut operation)?;
    }
    // Where a server is, its own process knows.
    if let Operation::Access(AccessOperation::Link { .. }) = &operation
        && let Some(client) = Client::connect(home, caller, patience)?
    {
        return client.ask(&wish()?, false, &operation, patience).map_err(|failed| match failed {
            Failed::Engine(error) => error,
            Failed::Lost | Failed::GaveUp => client.no_answer(),
            Failed::TooLong => EngineError::bug(&"an answer that is too long"),
        });
    }
    // Plain transactions, which any process makes.
    let plain = matches!(
        operation,
        Operation::Library(_)
            | Operation::People(_)
            | Operation::Access(_)
            | Operation::Notifications(_)
            | Operation::Task(TaskOperation::Draft { .. })
    );
    if plain {
        if stored {
            admit(&mut current(home)?, home, caller, &mut operation)?;
        }
        return match operation {
            Operation::Library(operation) => {
                crate::library::ask(home, operation).map(|answer| Answer::Library(Box::new(answer)))
            }
            Operation::People(operation) => {
                crate::people::ask(home, caller, operation).map(|answer| Answer::People(Box::new(answer)))
            }
            Operation::Access(operation) => crate::access::ask(home, caller, operation, None)
                .map(|answer| Answer::Access(Box::new(answer))),
            Operation::Notifications(asked) => {
                // Who delivers is told, where there is somebody.
                if let Some(answer) = told(home, caller, &Operation::Notifications(asked.clone()), patience) {
                    return answer;
                }
                let operation = asked;
                crate::notify::ask(home, operation).map(|answer| Answer::Notifications(Box::new(answer)))
            }
            Operation::Task(TaskOperation::Draft { task, draft, based_on, by }) => {
                crate::tasks::draft(home, &task, draft, based_on.as_deref(), &by).map(Answer::Task)
            }
            _ => Err(EngineError::bug(&"another operation")),
        };
    }
    let turns_on = matches!(
        operation,
        Operation::Schedule(ScheduleOperation::TurnOn { .. } | ScheduleOperation::Add { .. })
    );
    if !stored && turns_on {
        // The store is made: nothing need have run here before.
        home.make()?;
        let _lock = HomeLock::take(home.root(), &called(), clock(0))?;
        drop(SqliteStore::open(&home.database())?);
    } else if !stored {
        return without_store(operation);
    }
    if let Operation::File(FileOperation::Upload { .. }) = &operation {
        admit(&mut current(home)?, home, caller, &mut operation)?;
        return Err(EngineError::Stopped("a file is uploaded to a server".into()));
    }
    if !operation.writes() {
        return read(home, caller, &operation, patience);
    }
    if let Operation::Start { .. } = operation {
        return Err(EngineError::Stopped("a run is started by an engine".into()));
    }
    // `@last` may be another run when it is asked again.
    if let Some(name) = operation.name_mut()
        && StreamId::run_in_full(name).is_none()
    {
        *name = current(home)?.find(name)?.to_string();
    }
    let id = wish()?;
    let mut again = false;
    let since = Instant::now();
    loop {
        if let Some(client) = Client::connect(home, caller, patience)? {
            match client.ask(&id, again, &operation, patience) {
                Ok(answer) => return Ok(answer),
                Err(Failed::Lost) => again = true,
                Err(Failed::GaveUp) => return Err(client.no_answer()),
                Err(Failed::TooLong) => return Err(EngineError::bug(&"an answer that is too long")),
                Err(Failed::Engine(error)) => return Err(error),
            }
        }
        match alone(home, caller, &id, again, &operation) {
            Err(EngineError::Store(held @ (StoreError::Held { .. } | StoreError::HeldByUnknown { .. }))) => {
                wait_for_place(home, since, held, patience)?;
            }
            other => return other,
        }
    }
}

/// What the engine of a home says, where one answers.
fn told(
    home: &Home,
    caller: &Caller,
    operation: &Operation,
    patience: &mut Patience<'_>,
) -> Option<Result<Answer, EngineError>> {
    let mut patience = |waiting: &Waiting<'_>| patience(waiting) && waiting.time < limits::READ_PATIENCE;
    let client = Client::connect(home, caller, &mut patience).ok().flatten()?;
    match client.ask("", false, operation, &mut patience) {
        Ok(answer) => Some(Ok(answer)),
        Err(Failed::Engine(error @ EngineError::Told { .. })) => Some(Err(error)),
        Err(_) => None,
    }
}

/// Waits a moment for who holds a home to answer, or to leave.
pub(crate) fn wait_for_place(
    home: &Home,
    since: Instant,
    held: StoreError,
    patience: &mut Patience<'_>,
) -> Result<(), EngineError> {
    let time = since.elapsed();
    let holder = HomeLock::holder(home.root());
    if !patience(&Waiting { holder: holder.as_ref(), time }) {
        return Err(held.into());
    }
    // One that comes or goes takes a few milliseconds.
    std::thread::sleep((time / 8).clamp(Duration::from_millis(1), Duration::from_millis(50)));
    Ok(())
}

/// A name for something that is wanted, drawn by chance.
pub(crate) fn wish() -> Result<String, EngineError> {
    Ok(chance::<12>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The id of a new run, drawn by chance.
///
/// # Errors
/// When the system gives no random bytes.
pub fn draw_run() -> Result<StreamId, EngineError> {
    Ok(StreamId::run(chance()?))
}

pub(crate) fn chance<const N: usize>() -> Result<[u8; N], EngineError> {
    let mut chance = [0; N];
    let mut filled = 0;
    while filled < chance.len() {
        match rustix::rand::getrandom(&mut chance[filled..], rustix::rand::GetRandomFlags::empty()) {
            Ok(read) => filled += read,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                return Err(EngineError::Stopped(format!("the system gives no random bytes: {error}")));
            }
        }
    }
    Ok(chance)
}

fn without_store(operation: Operation) -> Result<Answer, EngineError> {
    match operation {
        Operation::Runs { query } => match query.parent.or(query.after) {
            Some(id) => Err(EngineError::NoRun { id }),
            None => Ok(Answer::Runs { runs: Vec::new() }),
        },
        Operation::Engine => Ok(Answer::Engine { engine: None }),
        Operation::Metrics => Err(uncounted()),
        Operation::Schedule(ScheduleOperation::List { .. }) => {
            Ok(Answer::Schedule(ScheduleAnswer::Schedules { schedules: Vec::new() }))
        }
        Operation::Schedule(ScheduleOperation::Preview { cron, zone, after, count }) => {
            let times = crate::schedules::preview(&cron, &zone, after, count)?;
            Ok(Answer::Schedule(ScheduleAnswer::Times(Box::new(times))))
        }
        Operation::Schedule(operation) => {
            let name = operation.schedule().unwrap_or_default().to_owned();
            Err(ScheduleError::Unknown { name, nearest: None }.into())
        }
        Operation::Limits { .. } => Ok(Answer::Limits { limits: Vec::new(), unread: Vec::new() }),
        Operation::Start { .. } => Err(EngineError::Stopped("a run is started by an engine".into())),
        Operation::Signal { to: Receivers::Where { workflow, .. }, .. } => {
            Err(EngineError::NobodyFound { wanted: workflow })
        }
        Operation::Task(TaskOperation::List { query, .. })
            if query.run.is_none() && query.after.is_none() =>
        {
            Ok(Answer::Task(TaskAnswer::Tasks { tasks: Vec::new() }))
        }
        Operation::Task(
            TaskOperation::Show { task, .. }
            | TaskOperation::Act { task, .. }
            | TaskOperation::Draft { task, .. },
        ) => Err(EngineError::NoTask { wanted: task, why: "nothing was run here yet".to_owned() }),
        Operation::Task(TaskOperation::List { query, .. }) => {
            Err(EngineError::NoRun { id: query.run.or(query.after).unwrap_or_default() })
        }
        Operation::File(FileOperation::Find { run: None, hash, .. }) => Err(EngineError::NoFile { hash }),
        other => Err(EngineError::NoRun { id: other.run().unwrap_or_default().to_owned() }),
    }
}

/// Who counts is not there.
fn uncounted() -> EngineError {
    EngineError::Stopped("nobody holds the home, so nothing is counted".into())
}

/// What reads is told by the engine, which knows more than the store; without one, or with one that does not answer,
/// by the store.
fn read(
    home: &Home,
    caller: &Caller,
    operation: &Operation,
    patience: &mut Patience<'_>,
) -> Result<Answer, EngineError> {
    let mut patience = |waiting: &Waiting<'_>| patience(waiting) && waiting.time < limits::READ_PATIENCE;
    let told = match Client::connect(home, caller, &mut patience) {
        Ok(Some(client)) => client.ask("", false, operation, &mut patience),
        Ok(None) => Err(Failed::Lost),
        Err(error) => Err(Failed::Engine(error)),
    };
    match told {
        Ok(answer) => return Ok(answer),
        Err(Failed::Engine(
            EngineError::OtherRelease { .. }
            | EngineError::NoAnswer { .. }
            | EngineError::Socket { .. }
            | EngineError::NotTaken { .. },
        ))
        | Err(Failed::Lost | Failed::GaveUp | Failed::TooLong) => {}
        Err(Failed::Engine(error)) => return Err(error),
    }
    read_store(home, caller, operation)
}

/// What reads, told by the store.
pub(crate) fn read_store(home: &Home, caller: &Caller, operation: &Operation) -> Result<Answer, EngineError> {
    let mut reads = current(home)?;
    // Whose inbox it is depends on who asks.
    let mut operation = operation.clone();
    admit(&mut reads, home, caller, &mut operation)?;
    match &operation {
        Operation::Engine => Ok(Answer::Engine { engine: None }),
        Operation::Metrics => Err(uncounted()),
        operation => {
            let answer = reads.ask(operation)?;
            let mut answer = answer.ok_or_else(|| EngineError::bug(&"a read that reads nothing"))?;
            by_rights(&mut reads, home, caller, &mut answer);
            Ok(answer)
        }
    }
}

/// Does it here: the home is taken, the turns are taken, nothing is performed, and the home is left.
fn alone(
    home: &Home,
    caller: &Caller,
    id: &str,
    again: bool,
    operation: &Operation,
) -> Result<Answer, EngineError> {
    let mut reads = current(home)?;
    let mut operation = operation.clone();
    admit(&mut reads, home, caller, &mut operation)?;
    let operation = &operation;
    if let Operation::Signal { to, .. } = operation {
        let mut alone = Alone::take(home)?;
        // With the home in hand, so that nobody starts or ends meanwhile.
        let runs = reads.receivers(to)?;
        let one = matches!(to, Receivers::Run(_));
        return signal(runs, one, operation, |run, write| {
            if again && reads.was_caused(run, &named_cause("", id))? {
                return Ok(());
            }
            alone.write(run, write, id)
        });
    }
    if let Operation::Schedule(
        wanted @ (ScheduleOperation::TurnOn { bundle, project, .. }
        | ScheduleOperation::Add { bundle, project, .. }),
    ) = operation
    {
        check_project(project)?;
        let kept = std::sync::Arc::new(Definition::check(bundle)?);
        let specs = crate::schedules::specs(&kept.plan, wanted)?;
        let mut alone = Alone::take(home)?;
        let mut ids = Vec::new();
        for spec in specs {
            let stream = StreamId::schedule(&spec.name);
            ids.push(stream.clone());
            if again && reads.was_caused(&stream, &named_cause("", id))? {
                continue;
            }
            let input = Box::new(stead_core::schedule::Input::TurnOn(Box::new(spec)));
            alone.write(&stream, Write::Schedule { kept: Some(kept.clone()), input }, id)?;
        }
        let schedules = reads.schedules_of(&ids)?;
        return Ok(Answer::Schedule(ScheduleAnswer::On { schedules }));
    }
    // Before the home is taken: what is refused needs no home.
    let (run, write) = writing(operation.clone(), &mut reads)?;
    let mut alone = Alone::take(home)?;
    if again && let Some(answer) = landed(&mut reads, id, operation)? {
        return Ok(answer);
    }
    alone.write(&run, write, id)?;
    done(&mut reads, run, wants_a_run(operation))
}

/// The reads of a home. One that a release before has left is renewed first, which nobody else may do meanwhile.
fn current(home: &Home) -> Result<Reads<SqliteReader>, EngineError> {
    match reads_of(home) {
        Err(EngineError::Store(StoreError::Older { .. })) => {
            let _lock = HomeLock::take(home.root(), &called(), clock(0))?;
            drop(SqliteStore::open(&home.database())?);
            reads_of(home)
        }
        reads => reads,
    }
}

/// The home in the hands of a process that performs nothing.
struct Alone {
    home: Home,
    driver: Driver<SqliteStore>,
    /// Folders of attempts of which somebody may say now what they came to.
    kept: Kept,
    _lock: HomeLock,
}

impl Alone {
    fn take(home: &Home) -> Result<Self, EngineError> {
        let lock = HomeLock::take(home.root(), &called(), clock(0))?;
        let store = SqliteStore::open(&home.database())?;
        let mut driver = Driver::new(store, FileStore::open(&home.files())?)?;
        driver.notify(crate::notify::Book::open(home)?);
        driver.perform_nothing();
        let mut kept = Kept::default();
        // Without them it is done as well; the next engine looks for them again.
        let left = Left::of(left_in(&home.work()).unwrap_or_default());
        left.noted.into_iter().for_each(|(attempt, dir)| kept.keep(attempt, dir));
        Ok(Self { home: home.clone(), driver, kept, _lock: lock })
    }

    /// Takes the turns that follow from an input, which is wanted under a name.
    fn write(&mut self, stream: &StreamId, write: Write, id: &str) -> Result<(), EngineError> {
        let driver = &mut self.driver;
        let now = clock(0);
        let input: Given = match write {
            Write::Input(input) => input.into(),
            Write::Limit(input) => input.into(),
            Write::Task { gone, input } => {
                let gone = gone.map(|who| Addressed::to(stream.clone(), task::Input::Gone { who }));
                gone.into_iter().for_each(|gone| driver.push(gone));
                (*input).into()
            }
            Write::Schedule { kept, input } => {
                for (revision, bytes) in kept.iter().flat_map(|kept| &kept.definitions) {
                    driver.store().put_definition(revision, bytes)?;
                }
                (*input).into()
            }
            Write::Start { .. } => return Err(EngineError::Bug("a start without an engine".into())),
        };
        driver.push(Addressed { stream: stream.clone(), input, revision: None, token: 1 });
        driver.name(1, id);
        let mut answer = Ok(());
        let mut lost = Vec::new();
        while driver.is_busy() {
            let stepped = driver.step(now)?;
            self.kept.written(&stepped.written);
            for (_, said) in stepped.answers {
                answer = said;
            }
            for (effect, _) in stepped.effects {
                // Nobody performs it. What was being ended is over: its engine is gone.
                if let Effect::End { attempt, .. } = effect {
                    let (path, number) = (attempt.path.clone(), attempt.number);
                    let message = "the engine that performed it is gone".to_owned();
                    let error = Some(AttemptError { kind: ErrorKind::Lost, message });
                    let result = AttemptResult { error, ..AttemptResult::default() };
                    let input = Input::AttemptEnded { path, number, result };
                    driver.push(Addressed::to(attempt.stream.clone(), input));
                    lost.push(attempt);
                }
            }
        }
        super::recovery::end_lost(&self.home, &lost);
        answer.map_err(|refusal| refused(stream, refusal))
    }
}
