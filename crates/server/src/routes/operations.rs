//! The route of `stead --server`: every operation as the commands have it.
//!
//! The other routes are for programs of others, and stay as they are described. This one is for `stead` itself, which
//! sends the very enum of operations, as it does on the socket of a home: a command does the same here and elsewhere,
//! and nothing has to be written down twice. What an operation looks like belongs to a release, so both ends say theirs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stead_engine::limits::ANSWER_BYTES;
use stead_engine::operations::{Answer, Operation};
use stead_engine::remote::{self, Answered, PROTOCOL, Way};
use stead_engine::socket::VERSION;

use super::route::NO_OPERATION;
use super::{Route, of};
use crate::call::{Call, Reply};
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[Route::post(
    "/operations",
    NO_OPERATION,
    "Any operation, as one release of `stead` asks it: what `stead --server` uses",
    perform,
)
.takes(of::<Asked>)
.gives(of::<Told>)
.refuses(&[404, 409, 412, 422])];

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OperationAsked")]
struct Asked {
    /// Number of the protocol: another one than the server's is refused.
    protocol: u32,
    /// Release of who asks.
    release: String,
    /// The operation, by its name under `operation`. What else it has belongs to the release.
    operation: Map<String, Value>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OperationTold")]
struct Told {
    /// Number of the server's protocol.
    protocol: u32,
    /// The server's release.
    release: String,
    /// What came of it, by its name under `answer`. What else it has belongs to the release.
    answer: Map<String, Value>,
}

fn perform(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Asked { protocol, release, operation } = call.take()?;
    if protocol != PROTOCOL {
        let detail = format!("the server speaks the protocol {PROTOCOL}, and who asks {protocol}");
        return Err(misfit(&release, protocol.cmp(&PROTOCOL), detail));
    }
    let mut operation: Operation =
        serde_json::from_value(Value::Object(operation)).map_err(|error| match release == VERSION {
            true => Problem::body(error),
            false => misfit(
                &release,
                std::cmp::Ordering::Equal,
                format!("the operation cannot be understood: {error}"),
            ),
        })?;
    let why = match (remote::way(&operation), call.wished.is_some()) {
        (Way::Not(why), _) => Some((422, "H0226", why)),
        (Way::Secret, true) => Some((
            400,
            "H0221",
            "its answer has a secret, which is kept nowhere: it takes no Idempotency-Key",
        )),
        _ => None,
    };
    if let Some((status, code, why)) = why {
        return Err(Problem::new(status, code, format!("this is not asked so: {why}")));
    }
    remote::ours(&mut operation, &call.host.by, &call.host.folder.display().to_string());
    if let Operation::Start { run, .. } = &mut operation {
        // Ids of child runs are made of those of their parents: nobody else says what a run is called.
        *run = call.new_run()?;
    }
    let answer = call.ask_engine(operation).map_err(|error| {
        let fault = remote::fault(&error);
        let mut problem = Problem::from(error);
        problem.more.push(("fault", fault));
        problem
    })?;
    told(answer)
}

fn told(answer: Answer) -> Result<Reply, Problem> {
    let reply = Reply::ok(Answered::new(answer));
    let crate::call::Body::Json(body) = &reply.body else { return Ok(reply) };
    let mut counted = Counted(0);
    // Counting does not fail.
    let _ = serde_json::to_writer(&mut counted, body);
    if counted.0 > ANSWER_BYTES {
        let detail = format!("the answer has {} bytes, and an answer at most {ANSWER_BYTES}", counted.0);
        return Err(
            Problem::new(422, "H0227", detail).help("ask for less: fewer rows, or one thing at a time")
        );
    }
    Ok(reply)
}

/// Counts what is written.
struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The two ends are of releases that do not understand each other.
fn misfit(release: &str, theirs: std::cmp::Ordering, detail: String) -> Problem {
    let release: String = release.chars().filter(|c| !c.is_control()).take(40).collect();
    let help = match theirs {
        std::cmp::Ordering::Less => {
            format!("upgrade the program that asks ({release}) to the release {VERSION}")
        }
        std::cmp::Ordering::Greater => {
            format!("upgrade the server, which is of the release {VERSION}, or ask with that release")
        }
        std::cmp::Ordering::Equal => {
            format!(
                "the server is of the release {VERSION}, who asks of {release}: use the same at both ends"
            )
        }
    };
    let mut problem = Problem::new(422, "H0225", detail).help(help);
    problem.more.push(("protocol", json!(PROTOCOL)));
    problem.more.push(("release", json!(VERSION)));
    problem
}
