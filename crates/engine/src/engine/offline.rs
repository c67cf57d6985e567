//! Operations where no engine runs.

use stead_core::effect::{AttemptError, AttemptResult, Effect, ErrorKind};
use stead_core::ids::StreamId;
use stead_core::run::Input;
use stead_store::StoreError;
use stead_store::files::FileStore;
use stead_store::lock::HomeLock;
use stead_store::sqlite::{SqliteReader, SqliteStore};

use super::commands::{Write, called, clock, reads_of, refused, writing};
use super::signal::signal;
use crate::driver::{Addressed, Driver};
use crate::error::EngineError;
use crate::home::Home;
use crate::operations::{Answer, Operation, Receivers};
use crate::reads::Reads;

/// Performs an operation in a home whose engine may not run: reads as they are, writes by taking the home,
/// taking the turns, performing nothing, and leaving.
///
/// # Errors
/// When the operation is refused, or another process holds the home.
pub fn ask_home(home: &Home, operation: Operation) -> Result<Answer, EngineError> {
    if !home.database().exists() {
        return match operation {
            Operation::Runs { query } => match query.parent.or(query.after) {
                Some(id) => Err(EngineError::NoRun { id }),
                None => Ok(Answer::Runs { runs: Vec::new() }),
            },
            Operation::Cancel { run: id, .. }
            | Operation::Settle { run: id, .. }
            | Operation::Pause { run: id, .. }
            | Operation::Retry { run: id, .. }
            | Operation::Resume { run: id, .. }
            | Operation::Status { run: id }
            | Operation::Events { run: id, .. }
            | Operation::Logs { run: id }
            | Operation::Definition { run: id }
            | Operation::Signal { to: Receivers::Run(id), .. } => Err(EngineError::NoRun { id }),
            Operation::Signal { to: Receivers::Where { workflow, .. }, .. } => {
                Err(EngineError::NobodyFound { wanted: workflow })
            }
            Operation::Start { .. } => Err(EngineError::Stopped("a run is started by an engine".into())),
        };
    }
    let mut reads = current(home)?;
    if let Some(answer) = reads.ask(&operation)? {
        return Ok(answer);
    }
    if let Operation::Signal { to, .. } = &operation {
        let mut alone = Alone::take(home)?;
        // With the home in hand, so that nobody starts or ends meanwhile.
        let runs = reads.receivers(to)?;
        drop(reads);
        let one = matches!(to, Receivers::Run(_));
        return signal(runs, one, &operation, |run, write| alone.write(run, write));
    }
    let (run, write) = writing(operation, &mut reads)?;
    drop(reads);
    Alone::take(home)?.write(&run, write)?;
    Ok(Answer::Done { run })
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
    driver: Driver<SqliteStore>,
    _lock: HomeLock,
}

impl Alone {
    fn take(home: &Home) -> Result<Self, EngineError> {
        let lock = HomeLock::take(home.root(), &called(), clock(0))?;
        let store = SqliteStore::open(&home.database())?;
        let mut driver = Driver::new(store, FileStore::open(&home.files())?)?;
        driver.perform_nothing();
        Ok(Self { driver, _lock: lock })
    }

    /// Takes the turns that follow from an input.
    fn write(&mut self, stream: &StreamId, write: Write) -> Result<(), EngineError> {
        let driver = &mut self.driver;
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
                    let (path, number) = (attempt.path.clone(), attempt.number);
                    let message = "the engine that performed it is gone".to_owned();
                    let error = Some(AttemptError { kind: ErrorKind::Lost, message });
                    let result = AttemptResult { error, ..AttemptResult::default() };
                    let input = Input::AttemptEnded { path, number, result };
                    driver.push(Addressed {
                        stream: attempt.stream.clone(),
                        input,
                        revision: None,
                        token: 0,
                    });
                    lost.push(attempt);
                }
            }
        }
        crate::attempts::recover_strays(&lost);
        answer.map_err(|refusal| refused(stream, refusal))
    }
}
