//! Operations asked of a server elsewhere, each counting once.

use std::fs::File;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Remote;
use super::error::RemoteError;
use super::send::{Broken, Content, Request, Told, older};
use super::words::{Asked, PATH, PROTOCOL, Way, way};
use crate::access::{AccessAnswer, AccessOperation};
use crate::engine::{Patience, Waiting, wish};
use crate::error::EngineError;
use crate::library::{LibraryAnswer, LibraryOperation};
use crate::limits;
use crate::net::parameter;
use crate::operations::{Answer, Operation};
use crate::people::{PeopleAnswer, PeopleOperation};
use crate::tasks::{TaskAnswer, TaskOperation};

/// Waits before it is asked again, the first and the longest.
const WAITS: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// Why nothing came of an operation.
#[derive(Debug)]
pub(crate) enum Failed {
    /// There was no connection: nothing was sent.
    Unreached(RemoteError),
    /// The answer was lost, or it is not there yet: to be asked again with the same id.
    Lost(RemoteError),
    /// The server has too much to do: so many seconds.
    Busy(Box<EngineError>, Option<u64>),
    /// Somebody does not want to wait any longer.
    GaveUp,
    /// It answered.
    Engine(EngineError),
}

impl Remote {
    /// Performs an operation at the server, once, whatever becomes of answers on the way.
    ///
    /// # Errors
    /// When it is refused, or the server does not answer for longer than somebody wants to wait.
    pub fn perform(&self, operation: Operation, patience: &mut Patience<'_>) -> Result<Answer, EngineError> {
        match &operation {
            Operation::Access(AccessOperation::SetPassword { .. }) => self.set_password(&operation, patience),
            _ => match page(&mut operation.clone()) {
                Some((0 | limits::REMOTE_PAGE.., _)) => self.all(operation, patience),
                _ => self.one(&operation, patience),
            },
        }
    }

    fn one(&self, operation: &Operation, patience: &mut Patience<'_>) -> Result<Answer, EngineError> {
        let (id, since) = (wish()?, Instant::now());
        let changes = way(operation) != Way::Reads;
        let mut wait = WAITS[0];
        // What is known of a request that was sent: that the server is gone since says less.
        let mut lost: Option<RemoteError> = None;
        loop {
            let mut waits = |_: &Waiting<'_>| patience(&Waiting { holder: None, time: since.elapsed() });
            let (error, least): (EngineError, _) = match self.ask(&id, operation, &mut waits) {
                Ok(answer) => return Ok(answer),
                Err(Failed::Engine(error)) => return Err(error),
                Err(Failed::GaveUp) => return Err(self.no_answer(changes).into()),
                // Nothing was sent, this time or ever: that is said at once.
                Err(Failed::Unreached(error)) => match &lost {
                    None => return Err(error.into()),
                    Some(lost) => (lost.clone().into(), None),
                },
                // It has no id by which it would count once.
                Err(Failed::Lost(error)) if way(operation) == Way::Secret => return Err(error.into()),
                Err(Failed::Lost(error)) => {
                    lost = Some(error.clone());
                    (error.into(), None)
                }
                Err(Failed::Busy(error, least)) => (*error, least),
            };
            let wanted = wait.max(Duration::from_secs(least.unwrap_or_default()).min(limits::REMOTE_WAIT));
            let until = Instant::now() + wanted;
            while Instant::now() < until {
                if !patience(&Waiting { holder: None, time: since.elapsed() }) {
                    return Err(error);
                }
                std::thread::sleep(WAITS[0].min(until.saturating_duration_since(Instant::now())));
            }
            wait = (wait * 2).min(WAITS[1]);
        }
    }

    /// A list that is longer than the server tells at once, page by page.
    fn all(&self, mut operation: Operation, patience: &mut Patience<'_>) -> Result<Answer, EngineError> {
        let Some((wanted, _)) = page(&mut operation) else { return self.one(&operation, patience) };
        let wanted = if wanted == 0 { usize::MAX } else { wanted };
        let mut whole: Option<Answer> = None;
        let mut count = 0;
        loop {
            let piece = limits::REMOTE_PAGE.min(wanted - count);
            if let Some((_, limit)) = page(&mut operation) {
                *limit = piece;
            }
            let mut answer = self.one(&operation, patience)?;
            let told = go_on(&mut operation, &mut answer);
            count += told;
            join(&mut whole, answer);
            if told < piece || count >= wanted {
                return whole.ok_or_else(|| EngineError::bug(&"no page"));
            }
        }
    }

    /// Asks once. `id` names what is wanted: with the same it counts once.
    pub(crate) fn ask(
        &self,
        id: &str,
        operation: &Operation,
        patience: &mut Patience<'_>,
    ) -> Result<Answer, Failed> {
        let way = way(operation);
        if let Way::Not(why) = way {
            return Err(Failed::Engine(RemoteError::Elsewhere { why }.into()));
        }
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if way == Way::Writes {
            headers.push(("idempotency-key".to_owned(), id.to_owned()));
        }
        // Plain data with text keys always serialises.
        let body = Content::Bytes(serde_json::to_vec(&Asked::new(operation)).unwrap_or_default());
        let (path, most) = (PATH.to_owned(), limits::ANSWER_BYTES);
        let told =
            self.told(Request { method: "POST", path, headers, body, most }, way != Way::Reads, patience)?;
        #[derive(Deserialize)]
        struct Envelope {
            protocol: u32,
            release: String,
            answer: Value,
        }
        let envelope: Envelope =
            serde_json::from_slice(&told.body).map_err(|_| Failed::Engine(self.strange(&told).into()))?;
        let (theirs, server) = (envelope.release, self.origin().to_owned());
        let why = match envelope.protocol {
            PROTOCOL => match serde_json::from_value::<Answer>(envelope.answer) {
                Ok(answer) => return Ok(answer),
                Err(error) => format!("its answer cannot be understood: {error}"),
            },
            other => format!("it speaks the protocol {other}, this program {PROTOCOL}"),
        };
        let older = older(envelope.protocol, &theirs);
        Err(Failed::Engine(RemoteError::OtherRelease { server, theirs, why, older }.into()))
    }

    /// Sends a request; what the server refuses is told apart from what went wrong on the way.
    fn told(&self, request: Request, changes: bool, patience: &mut Patience<'_>) -> Result<Told, Failed> {
        let since = Instant::now();
        let server = || self.origin().to_owned();
        let mut waits = || patience(&Waiting { holder: None, time: since.elapsed() });
        let told = self.send(request, &mut waits).map_err(|broken| match broken {
            Broken::Unreached(error) => Failed::Unreached(error),
            Broken::Off(why) => Failed::Lost(RemoteError::Lost { server: server(), why, changes }),
            Broken::GaveUp => Failed::GaveUp,
            Broken::Wrong(error) => Failed::Engine(error.into()),
        })?;
        if (200..300).contains(&told.status) && told.kind.starts_with("application/json") {
            return Ok(told);
        }
        if told.status < 400 {
            return Err(Failed::Engine(self.strange(&told).into()));
        }
        let error = self.refused(&told);
        // The first time it was asked is not over yet, or the server has too much to do.
        match error.code() {
            "H0222" | "H0301" | "H0302" => Err(Failed::Busy(error.into(), told.retry_after)),
            _ => Err(Failed::Engine(error)),
        }
    }

    pub(crate) fn no_answer(&self, changes: bool) -> RemoteError {
        RemoteError::NoAnswer { server: self.origin().to_owned(), changes }
    }

    /// Sends a file with which a run of a project is to be started, read as it is sent; gives what an input of type `file`
    /// names it by. Sent again it is the same.
    ///
    /// # Errors
    /// When it is refused, or the connection breaks off.
    pub fn upload(
        &self,
        file: File,
        name: &str,
        project: &str,
        patience: &mut Patience<'_>,
    ) -> Result<Value, EngineError> {
        #[derive(Deserialize)]
        struct Made {
            hash: String,
            name: String,
            size: u64,
        }
        let headers = vec![("content-type".to_owned(), "application/octet-stream".to_owned())];
        let path = format!("/api/v1/files?name={}&project={}", parameter(name), parameter(project));
        let (body, most) = (Content::File(file), limits::REMOTE_PROBLEM_BYTES);
        let told = self.told(Request { method: "POST", path, headers, body, most }, false, patience);
        let told = told.map_err(|failed| self.failed(failed, false))?;
        let Made { hash, name, size } =
            serde_json::from_slice(&told.body).map_err(|_| self.strange(&told))?;
        Ok(json!({"hash": hash, "name": name, "size": size}))
    }

    fn failed(&self, failed: Failed, changes: bool) -> EngineError {
        match failed {
            Failed::Unreached(error) | Failed::Lost(error) => error.into(),
            Failed::Busy(error, _) => *error,
            Failed::Engine(error) => error,
            Failed::GaveUp => self.no_answer(changes).into(),
        }
    }

    /// By its own route, where guesses are counted.
    fn set_password(
        &self,
        operation: &Operation,
        patience: &mut Patience<'_>,
    ) -> Result<Answer, EngineError> {
        #[derive(Deserialize)]
        struct Set {
            user: String,
        }
        #[derive(Serialize)]
        struct Body<'a> {
            password: &'a crate::access::Secret,
            #[serde(skip_serializing_if = "Option::is_none")]
            user: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            current: Option<&'a crate::access::Secret>,
        }
        let Operation::Access(AccessOperation::SetPassword { user, password, current }) = operation else {
            return Err(EngineError::bug(&"another operation"));
        };
        let body = Body { password, user: user.as_deref(), current: current.as_ref() };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        // Plain data with text keys always serialises.
        let body = Content::Bytes(serde_json::to_vec(&body).unwrap_or_default());
        let (path, most) = ("/api/v1/password".to_owned(), limits::REMOTE_PROBLEM_BYTES);
        let told = self.told(Request { method: "PUT", path, headers, body, most }, true, patience);
        let told = told.map_err(|failed| self.failed(failed, true))?;
        let Set { user } = serde_json::from_slice(&told.body).map_err(|_| self.strange(&told))?;
        Ok(Answer::Access(Box::new(AccessAnswer::PasswordSet { user })))
    }
}

/// How many rows of a list are wanted, where it has pages.
fn page(operation: &mut Operation) -> Option<(usize, &mut usize)> {
    let limit = match operation {
        Operation::Runs { query } => &mut query.limit,
        Operation::Task(TaskOperation::List { query, .. }) => &mut query.limit,
        // The best come first: then there are no pages.
        Operation::Library(LibraryOperation::Workflows { filter }) if filter.words.is_none() => {
            &mut filter.limit
        }
        Operation::Library(LibraryOperation::History { limit, .. })
        | Operation::People(PeopleOperation::Changes { limit, .. }) => limit,
        _ => return None,
    };
    Some((*limit, limit))
}

/// The next page begins behind this one; how many rows this one has.
fn go_on(operation: &mut Operation, answer: &mut Answer) -> usize {
    match (operation, answer) {
        (Operation::Runs { query }, Answer::Runs { runs }) => {
            query.after = runs.last().map(|row| row.run.to_string());
            runs.len()
        }
        (Operation::Task(TaskOperation::List { query, .. }), Answer::Task(TaskAnswer::Tasks { tasks })) => {
            query.after = tasks.last().map(|row| row.task.to_string());
            tasks.len()
        }
        (Operation::Library(operation), Answer::Library(answer)) => match (operation, &mut **answer) {
            (LibraryOperation::Workflows { filter }, LibraryAnswer::Workflows { workflows }) => {
                filter.after = workflows.last().map(|row| row.workflow.name.clone());
                workflows.len()
            }
            (LibraryOperation::History { skip, .. }, LibraryAnswer::History { changes, .. }) => {
                *skip += changes.len();
                changes.len()
            }
            _ => 0,
        },
        (Operation::People(PeopleOperation::Changes { skip, .. }), Answer::People(answer)) => {
            let PeopleAnswer::Changes { changes } = &**answer else { return 0 };
            *skip += changes.len();
            changes.len()
        }
        _ => 0,
    }
}

/// Puts a page behind those before it.
fn join(whole: &mut Option<Answer>, more: Answer) {
    let Some(whole) = whole else {
        *whole = Some(more);
        return;
    };
    match (whole, more) {
        (Answer::Runs { runs }, Answer::Runs { runs: more }) => runs.extend(more),
        (Answer::Task(TaskAnswer::Tasks { tasks }), Answer::Task(TaskAnswer::Tasks { tasks: more })) => {
            tasks.extend(more);
        }
        (Answer::Library(whole), Answer::Library(more)) => match (&mut **whole, *more) {
            (LibraryAnswer::Workflows { workflows }, LibraryAnswer::Workflows { workflows: more }) => {
                workflows.extend(more);
            }
            (LibraryAnswer::History { changes, .. }, LibraryAnswer::History { changes: more, .. }) => {
                changes.extend(more);
            }
            _ => {}
        },
        (Answer::People(whole), Answer::People(more)) => {
            if let (PeopleAnswer::Changes { changes }, PeopleAnswer::Changes { changes: more }) =
                (&mut **whole, *more)
            {
                changes.extend(more);
            }
        }
        _ => {}
    }
}
