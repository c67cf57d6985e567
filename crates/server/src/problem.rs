//! What is answered when something is wrong: `application/problem+json` with the stable code of the error.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use stead_core::allowed::Allowed;
use stead_core::people;
use stead_core::status::RunStatus;
use stead_core::task::TaskStatus;
use stead_engine::EngineError;
use stead_engine::access::AccessError;
use stead_engine::schedules::ScheduleError;
use stead_lang::Diagnostic;
use stead_store::StoreError;
use stead_store::library::Refusal;

/// The media type of a problem.
pub const TYPE: &str = "application/problem+json";

/// Codes of the server itself, with what they mean. Those of the language (`E`), runs (`R`) and stores (`S`) keep theirs.
pub const CODES: &[(&str, &str, &str)] = &[
    (
        "H0101",
        "a request was meant for another host",
        "The server answers to the address it listens at, and to `localhost`, with its port. Another name in `Host` is how a \
         web page reaches a server on your machine that it should not reach.",
    ),
    (
        "H0102",
        "a request comes from a page of another origin",
        "`Origin` or `Sec-Fetch-Site` say that a web page from elsewhere asks. A browser of the user who runs the server is let \
         in as that user, so pages from elsewhere are not answered.",
    ),
    (
        "H0103",
        "a request comes from another user of this machine",
        "Without a token only processes of the user who runs the server are answered. Other people, and other users of the \
         machine, show one: `Authorization: Bearer TOKEN`.",
    ),
    (
        "H0104",
        "what is shown of who asks is not understood",
        "A token is sent once, as `Authorization: Bearer TOKEN`.",
    ),
    (
        "H0105",
        "a request came through a proxy to a server that knows of none",
        "`Forwarded`, `Via` or `X-Forwarded-For` say that somebody else sent it on, so it is not known whose request it is. Show \
         a token; `stead serve --public-url URL` is for a server behind a proxy.",
    ),
    (
        "H0106",
        "an address has shown too often what means nobody",
        "`Retry-After` says how long to wait. A token that is good is taken meanwhile; passwords are not looked at.",
    ),
    (
        "H0107",
        "a request of a session lacks what its page sends along",
        "With a cookie everything that changes something takes `X-CSRF-Token`: `csrf` in the answer to the sign-in and to \
         GET /session. A page of another site does not know it.",
    ),
    (
        "H0201",
        "there is nothing at this path",
        "docs/server.md lists the routes. All of them begin with /api/v1/.",
    ),
    ("H0202", "the path does not take this method", "`Allow` in the answer has those that it takes."),
    ("H0203", "the body of a request is too large", "The message has the bound."),
    (
        "H0204",
        "the body of a request has a type that is not read",
        "Say `Content-Type: application/json`, or `application/yaml`.",
    ),
    ("H0205", "the body of a request cannot be understood", "The message says what is wrong, and where."),
    ("H0206", "a parameter cannot be understood", "The message names it, and what it takes."),
    ("H0207", "the body of a request came too slowly", "Send it again; the message has the bound."),
    (
        "H0208",
        "the body of a request was cut off",
        "The connection ended before the length that was announced.",
    ),
    (
        "H0210",
        "`If-Match` names something else than what is changed",
        "It takes the etag that what is changed came with. Look at it again, and say that one.",
    ),
    (
        "H0211",
        "what is asked for is not told in the form that the client takes",
        "Live events come as server-sent events: say `Accept: text/event-stream`.",
    ),
    (
        "H0221",
        "an `Idempotency-Key` cannot be understood",
        "It takes 1 to 255 visible characters of ASCII, once. Routes whose answers have a secret, or that change nothing, take none.",
    ),
    (
        "H0222",
        "a request with this `Idempotency-Key` is being performed",
        "Ask again a little later: then its answer is there.",
    ),
    (
        "H0223",
        "another request had this `Idempotency-Key`",
        "A key is for one request: method, path, parameters and body. Take a new one, or send what was sent with it. After a day a key is \
         free again.",
    ),
    (
        "H0224",
        "a request was performed, and its answer was too large to be kept",
        "It is not performed again. Look at what it was about.",
    ),
    (
        "H0225",
        "a program of Stead of another release asks",
        "With `--server` both ends speak the same protocol: `protocol` and `release` in the answer are those of the server. Upgrade the \
         older one of the two.",
    ),
    (
        "H0226",
        "an operation is not asked for in this way",
        "POST /operations takes the operations of `stead` commands, as one release of it speaks them. The message says why this one is not \
         among them; other programs use the routes of their own.",
    ),
    (
        "H0227",
        "an answer is longer than an answer may be",
        "Ask for less: fewer rows, or one thing at a time.",
    ),
    (
        "H0228",
        "a snapshot of a list of runs is not known",
        "It is its asker's alone, for an hour, and not over a restart of the server. Ask for the list again with `snapshot=true`.",
    ),
    (
        "H0301",
        "the server has too much to do",
        "Nothing was done. `Retry-After` says when it is worth another try.",
    ),
    ("H0302", "there are too many connections", "Nothing was done. Close some, or try again later."),
    ("H0303", "too many clients follow", "Nothing was done. Ask for what is there now, or try again later."),
    (
        "H0401",
        "no address to listen at",
        "An address and a port, such as 127.0.0.1:7700. Port 0 takes a free one.",
    ),
    (
        "H0402",
        "the server is not to be reached from other machines",
        "Nobody in this home has a token, so nobody from elsewhere could show who they are. Add people \
         (`stead people add NAME --role ROLE`) and make tokens (`stead token create NAME --user NAME`), or listen at 127.0.0.1.",
    ),
    (
        "H0403",
        "an address cannot be listened at",
        "The message has what the system said; often another server is there.",
    ),
    ("H0404", "the server cannot begin", "The message has what the system said."),
    (
        "H0405",
        "the system does not tell who connects",
        "On Linux the server looks whose process connects and answers its own user without a token. Elsewhere it begins only where \
         everybody shows one: with `--public-url`, or at an address that other machines reach.",
    ),
    (
        "H0406",
        "no URL of a server",
        "`--public-url` takes a scheme, a name and perhaps a port, such as https://stead.example.org, and nothing behind them.",
    ),
    ("H0407", "it cannot be found out who may ask", "The message has what is wrong with the home."),
];

/// The schema of a problem as `to_json` makes it; tests hold every answer against it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Body {
    /// Always `about:blank`: `code` says what it is.
    r#type: String,
    /// What the status means.
    title: String,
    /// Of HTTP.
    status: u16,
    /// Stable; `stead explain CODE` tells more.
    code: String,
    /// What is wrong, in one sentence.
    detail: String,
    /// What to try.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    /// How the run or task stands that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_status: Option<Standing>,
    /// What may be done about it now, and why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_actions: Option<Vec<Allowed>>,
    /// All that is wrong with a definition or with inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<Vec<Diagnostic>>,
    /// All that is wrong with a form.
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<String>>,
    /// What a name may mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Vec<String>>,
    /// Of /operations: the same as `stead` reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Map<String, Value>>,
    /// Of /operations, where the release of who asks does not fit: the number of the server's protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<u32>,
    /// The server's release, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
}

/// The status of a run or of a task.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "CurrentStatus")]
#[expect(dead_code, reason = "it is a schema")]
pub(crate) enum Standing {
    /// Of a run.
    Run(RunStatus),
    /// Of a task.
    Task(TaskStatus),
}

/// What is wrong with a request, or came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Of HTTP.
    pub status: u16,
    /// Stable; `stead explain` knows it.
    pub code: Box<str>,
    /// What is wrong, in one sentence.
    pub detail: String,
    /// What to try.
    pub help: Option<String>,
    /// What a program may want to know besides.
    pub more: Vec<(&'static str, Value)>,
    /// Methods that the path takes.
    pub allow: Option<Box<str>>,
    /// Seconds after which it is worth another try.
    pub retry_after: Option<u16>,
    /// What a browser carries is good for nothing: it is to let go of it.
    pub lets_go: bool,
}

impl Problem {
    /// A problem of the server's own.
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        let (code, detail) = (code.into(), detail.into());
        Self {
            status,
            code,
            detail,
            help: None,
            more: Vec::new(),
            allow: None,
            retry_after: None,
            lets_go: false,
        }
    }

    /// With something to try.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A body that cannot be understood.
    pub fn body(why: impl std::fmt::Display) -> Self {
        Self::new(400, "H0205", format!("the body cannot be understood: {why}"))
    }

    /// A parameter that cannot be understood.
    pub fn parameter(name: &str, why: impl std::fmt::Display) -> Self {
        Self::new(400, "H0206", format!("the parameter `{name}` cannot be understood: {why}"))
    }

    /// As it is sent.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "type": "about:blank",
            "title": title(self.status),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        });
        if let Some(help) = &self.help {
            json["help"] = json!(help);
        }
        for (name, value) in &self.more {
            json[*name] = value.clone();
        }
        json
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let mut problem = Self::new(status_of(&error), error.code(), error.to_string());
        problem.help = error.help();
        if let EngineError::Schedule(ScheduleError::HookFull) = &error {
            problem.retry_after = Some(crate::limits::HOOK_RETRY);
        }
        match &error {
            EngineError::Invalid { diagnostics } => {
                problem.more.push(("diagnostics", json!(diagnostics)));
                problem.help = None;
            }
            EngineError::FormMisfit { problems, .. } => {
                problem.more.push(("problems", json!(problems)));
            }
            EngineError::Ambiguous { found, .. } => problem.more.push(("found", json!(found))),
            _ => {}
        }
        problem
    }
}

/// The status of HTTP for what the engine says.
fn status_of(error: &EngineError) -> u16 {
    match error {
        EngineError::NoRun { .. }
        | EngineError::NoTask { .. }
        | EngineError::NoDocument { .. }
        | EngineError::NoLog { .. }
        | EngineError::NoFile { .. }
        | EngineError::NoNotification { failed: false, .. }
        | EngineError::NobodyFound { .. }
        | EngineError::Store(StoreError::Library(Refusal::Unknown { .. } | Refusal::NoRevision { .. }))
        | EngineError::Store(StoreError::People(
            people::Refusal::Unknown { .. } | people::Refusal::UnknownGroup { .. },
        )) => 404,
        EngineError::Access(error) => match error {
            error if error.is_unknown() => 401,
            AccessError::NoToken { .. } | AccessError::NoProvider { .. } => 404,
            AccessError::NoPeople
            | AccessError::NoSession
            | AccessError::NotAsked { .. }
            | AccessError::NoServer => 409,
            AccessError::Busy | AccessError::Provider { .. } => 503,
            AccessError::NoPlace | AccessError::NoPath => 400,
            AccessError::Name { .. }
            | AccessError::Role { .. }
            | AccessError::Past
            | AccessError::Password { .. } => 422,
            _ => 403,
        },
        EngineError::Schedule(ScheduleError::Unknown { .. }) => 404,
        EngineError::Schedule(ScheduleError::HookUnknown) => 401,
        EngineError::Schedule(ScheduleError::HookFull) => 429,
        EngineError::Schedule(ScheduleError::HookSecret { .. }) => 500,
        EngineError::Schedule(_) => 422,
        EngineError::People(_) => 403,
        EngineError::Ambiguous { .. } | EngineError::LogPattern { .. } => 400,
        EngineError::Invalid { .. }
        | EngineError::FormMisfit { .. }
        | EngineError::UploadName { .. }
        | EngineError::Project { .. }
        | EngineError::TooManyFound { .. }
        | EngineError::Library(_)
        | EngineError::Store(StoreError::People(
            people::Refusal::Name { .. } | people::Refusal::TooMany { .. },
        )) => 422,
        EngineError::Ahead { .. } | EngineError::Store(StoreError::DraftChanged { .. }) => 412,
        EngineError::Refused { .. }
        | EngineError::UploadsMany { .. }
        | EngineError::NoNotification { .. }
        | EngineError::Store(
            StoreError::Library(_)
            | StoreError::People(_)
            | StoreError::DraftLate { .. }
            | StoreError::DraftsMany { .. }
            | StoreError::KeyTaken { .. }
            | StoreError::KeysMany { .. },
        ) => 409,
        EngineError::Unwritten { .. }
        | EngineError::Stopped(_)
        | EngineError::NotTaken { .. }
        | EngineError::NoAnswer { .. }
        | EngineError::Store(
            StoreError::Full { .. }
            | StoreError::Busy { .. }
            | StoreError::ReadOnly { .. }
            | StoreError::Io { .. },
        ) => 503,
        _ => 500,
    }
}

pub(crate) fn title(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        303 => "See Other",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
