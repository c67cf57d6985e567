//! A request as a route gets it.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_engine::EngineError;
use stead_engine::access::Secret;
use stead_engine::engine::draw_run;
use stead_engine::operations::{Answer, Operation};
use stead_engine::tasks::{TaskAnswer, TaskOperation};
use stead_lang::diagnostic::nearest;

use crate::again::Wished;
use crate::cookie::Cookie;
use crate::limits;
use crate::problem::Problem;
use crate::reading;
use crate::reading::Reading;
use crate::routes::route::Param;
use crate::server::Host;
use crate::snapshots::Snapshots;
use crate::stream::Subscription;
use crate::upload::Upload;

/// A request, read.
pub struct Call<'a> {
    /// Who performs operations.
    pub host: &'a Host,
    /// What stands in the path, by name.
    pub path: Vec<(&'static str, String)>,
    /// Parameters, in order.
    pub query: Vec<(String, String)>,
    /// The etag that `If-Match` has.
    pub if_match: Option<String>,
    /// The client takes a stream of events, and nothing else.
    pub stream: bool,
    /// Where it goes on: `Last-Event-ID`.
    pub last_event: Option<String>,
    /// What the engine knows its operations by, where it has an `Idempotency-Key`.
    pub wished: Option<Wished>,
    /// What a session is carried by.
    pub cookie: &'a Cookie,
    /// Of a session: what its page sends along with what changes something.
    pub csrf: Option<String>,
    /// What a browser was given to keep while it signs in elsewhere.
    pub kept: Option<Secret>,
    /// The body; an empty object where there is none.
    pub body: Value,
    /// Lists that were told.
    pub snapshots: &'a Snapshots,
    /// The body of a route that takes a file.
    pub upload: Option<Upload>,
}

/// What is told.
pub enum Body {
    /// Data.
    Json(Value),
    /// Bytes of another kind, said as `Content-Type` has it.
    Bytes(&'static str, Vec<u8>),
    /// Events as they come, until the client goes.
    Live(Box<Subscription>),
    /// What is read as it is sent.
    Read(Box<Reading>),
}

impl Body {
    /// Nothing.
    pub const NONE: Self = Self::Bytes("", Vec::new());
}

impl Default for Body {
    fn default() -> Self {
        Self::Json(Value::Null)
    }
}

/// An answer that is well.
pub struct Reply {
    /// Of HTTP.
    pub status: u16,
    /// Where what was made can be found.
    pub location: Option<String>,
    /// Names what is told.
    pub etag: Option<String>,
    /// What a browser is to carry from now on.
    pub cookie: Option<String>,
    /// How a client is to keep what is told.
    pub disposition: Option<String>,
    /// What a page may do that stands for itself.
    pub policy: Option<String>,
    /// What is told.
    pub body: Body,
    /// It is what was told before, to the same request.
    pub replayed: bool,
}

/// Digits of the hash that an etag ends with.
const HASH_DIGITS: usize = 16;

/// An etag as it stands in a header.
fn tag(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("W/").unwrap_or(text).trim_matches('"')
}

/// The version in an etag that `If-Match` has: what stands before the hash.
pub(crate) fn version(text: &str) -> String {
    let tag = tag(text);
    match tag.rsplit_once('-') {
        Some((version, hash)) if hash.len() == HASH_DIGITS => version.to_owned(),
        _ => tag.to_owned(),
    }
}

/// A body in which nothing stands.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoBody {}

impl Reply {
    /// Names what is told: by its version where it has one, and by all that is told, which depends on who asks. What is
    /// known already is not told again.
    pub(crate) fn named(mut self, known: Option<&str>) -> Self {
        let Body::Json(told) = &self.body else { return self };
        let hash = blake3::hash(&serde_json::to_vec(told).unwrap_or_default());
        let hash = &hash.to_hex()[..HASH_DIGITS];
        let etag = match &self.etag {
            Some(version) => format!("{version}-{hash}"),
            None => hash.to_owned(),
        };
        let same =
            known.is_some_and(|known| known.split(',').any(|one| tag(one) == etag || one.trim() == "*"));
        if same {
            (self.status, self.body) = (304, Body::NONE);
        }
        self.etag = Some(etag);
        self
    }

    /// What was asked for.
    pub fn ok<T: Serialize>(told: T) -> Self {
        // Plain data with text keys always serialises.
        let told = serde_json::to_value(told).unwrap_or_default();
        let body = Body::Json(told);
        Self {
            status: 200,
            location: None,
            etag: None,
            cookie: None,
            disposition: None,
            policy: None,
            body,
            replayed: false,
        }
    }

    /// Something that was made.
    pub fn made<T: Serialize>(location: String, told: T) -> Self {
        Self { status: 201, location: Some(location), ..Self::ok(told) }
    }

    /// What is read as it is sent.
    pub fn read(reading: Reading) -> Self {
        let disposition = Some(reading::disposition(&reading.name));
        Self { disposition, body: Body::Read(Box::new(reading)), ..Self::ok(()) }
    }

    /// A text of a media type.
    pub fn text(kind: &'static str, text: impl Into<Vec<u8>>) -> Self {
        Self { body: Body::Bytes(kind, text.into()), ..Self::ok(()) }
    }
}

/// What a refused operation was about: how that stands is told along.
enum About {
    Run(String),
    Task(String),
}

impl About {
    fn of(operation: &Operation) -> Option<Self> {
        match operation {
            Operation::Task(TaskOperation::Act { task, .. } | TaskOperation::Draft { task, .. }) => {
                Some(Self::Task(task.clone()))
            }
            other => other.run().filter(|_| other.writes()).map(|run| Self::Run(run.to_owned())),
        }
    }
}

impl Call<'_> {
    /// Has an operation performed.
    ///
    /// # Errors
    /// When it is refused; of a run it is told how that stands.
    pub fn ask(&self, operation: Operation) -> Result<Answer, Problem> {
        let about = About::of(&operation);
        self.ask_engine(operation).map_err(|error| {
            let refused = matches!(error, EngineError::Refused { .. });
            let mut problem = Problem::from(error);
            match about.filter(|_| refused || problem.status == 412) {
                Some(About::Run(run)) => {
                    if let Ok(Answer::Status { view }) = self.host.asker.ask(Operation::Status { run }) {
                        problem.more.push(("current_status", json!(view.status)));
                        problem.more.push(("allowed_actions", json!(view.allowed_actions)));
                    }
                }
                Some(About::Task(task)) => {
                    let show = TaskOperation::Show { task, by: self.by() };
                    if let Ok(Answer::Task(TaskAnswer::Task { task })) =
                        self.host.asker.ask(Operation::Task(show))
                    {
                        problem.more.push(("current_status", json!(task.head.status)));
                        problem.more.push(("allowed_actions", json!(task.allowed_actions)));
                    }
                }
                None => {}
            }
            problem
        })
    }

    /// [`ask`](Self::ask), with what the engine says as it is.
    pub(crate) fn ask_engine(&self, operation: Operation) -> Result<Answer, EngineError> {
        match &self.wished {
            Some(wished) if operation.writes() => {
                self.host.asker.ask_wished(&wished.next(), wished.is_again(), operation)
            }
            _ => self.host.asker.ask(operation),
        }
    }

    /// The id of the run that is started: always the same for the same `Idempotency-Key`.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new_run(&self) -> Result<StreamId, Problem> {
        match &self.wished {
            Some(wished) => Ok(wished.run()),
            None => Ok(draw_run()?),
        }
    }

    /// What stands in the path under this name.
    pub fn named(&self, name: &str) -> String {
        let found = self.path.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Who acts, where nobody was added to the home.
    pub fn by(&self) -> String {
        self.host.by.clone()
    }

    /// The body as what a route takes.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<T, Problem> {
        // A list would be taken for the fields in their order.
        if !self.body.is_object() {
            return Err(Problem::body("it takes an object"));
        }
        serde_json::from_value(std::mem::take(&mut self.body)).map_err(Problem::body)
    }

    /// All values of a parameter.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.query.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter; the last one counts.
    pub fn text(&self, name: &str) -> Option<String> {
        self.all(name).last().map(str::to_owned)
    }

    /// A parameter that is a number.
    ///
    /// # Errors
    /// When it is none.
    pub fn number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Problem::parameter(name, "it takes a number"))
    }

    /// A parameter that is said or not: `true` or `false`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::parameter(name, "it takes true or false")),
        }
    }

    /// A parameter that is a time: RFC 3339, or milliseconds since 1970.
    ///
    /// # Errors
    /// When it is none.
    pub fn time(&self, name: &str) -> Result<Option<Time>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let moment = || text.parse::<jiff::Timestamp>().map(|at| at.as_millisecond());
        text.parse::<Time>().or_else(|_| moment()).map(Some).map_err(|_| {
            Problem::parameter(
                name,
                "it takes a time such as 2026-11-21T20:00:00Z, or milliseconds since 1970",
            )
        })
    }

    /// A parameter that takes words of a list, several of them parted by commas.
    ///
    /// # Errors
    /// When one is not of the list.
    pub fn words<W: std::str::FromStr + Copy + 'static>(
        &self,
        name: &str,
        all: &'static [W],
        word: fn(W) -> &'static str,
    ) -> Result<Vec<W>, Problem> {
        let given = self.all(name).flat_map(|list| list.split(','));
        let read = |one: &str| {
            let known: Vec<&str> = all.iter().copied().map(word).collect();
            one.parse()
                .map_err(|_| Problem::parameter(name, format!("`{one}` is none of {}", known.join(", "))))
        };
        given.map(read).collect()
    }

    /// How many rows come before a page.
    ///
    /// # Errors
    /// When it is no number.
    pub fn skip(&self) -> Result<usize, Problem> {
        Ok(self.number::<u32>("skip")?.map_or(0, |skip| skip as usize))
    }

    /// How many rows a page has.
    ///
    /// # Errors
    /// When it is no number, or too many.
    pub fn page(&self) -> Result<usize, Problem> {
        match self.number("limit")?.unwrap_or(limits::PAGE_USUAL) {
            rows @ 1..=limits::PAGE => Ok(rows),
            _ => Err(Problem::parameter("limit", format!("a page has 1 to {} rows", limits::PAGE))),
        }
    }

    /// Refuses parameters that the route does not know: they would be passed over in silence.
    ///
    /// # Errors
    /// With the first of them.
    pub(crate) fn knows(&self, known: &[Param]) -> Result<(), Problem> {
        let known: Vec<&str> = known.iter().map(|param| param.name).collect();
        let Some((strange, _)) = self.query.iter().find(|(name, _)| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let shown: String = strange.chars().take(100).collect();
        let problem = Problem::new(400, "H0206", format!("there is no parameter `{shown}` here"));
        Err(match (nearest(&shown, known.iter().copied()), known.as_slice()) {
            (Some(near), _) => problem.help(format!("did you mean `{near}`?")),
            (None, []) => problem.help("this route takes none"),
            (None, known) => problem.help(format!("it takes {}", known.join(", "))),
        })
    }
}

/// The parameters of a query, decoded.
///
/// # Errors
/// With the first that is no text.
pub(crate) fn query(text: &str) -> Result<Vec<(String, String)>, Problem> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    let read = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let plain = |text: &str| decoded(&text.replace('+', " "));
        Some((plain(name)?, plain(value)?))
    };
    let wrong = |part: &str| {
        let shown: String = part.chars().take(100).collect();
        Problem::new(400, "H0206", format!("the parameter `{shown}` is no encoded text"))
    };
    parts.map(|part| read(part).ok_or_else(|| wrong(part))).collect()
}

/// A text with `%xx` put back; `None` where that is none.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let [high, low, behind @ ..] = rest else { return None };
        let digit = |byte: u8| (byte as char).to_digit(16);
        bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

/// The type of a body, without what is said of it.
fn named(kind: Option<&str>) -> String {
    kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a body is YAML by its type.
pub(crate) fn is_yaml(kind: Option<&str>) -> bool {
    matches!(named(kind).as_str(), "application/yaml" | "application/x-yaml" | "text/yaml")
}

/// What a body holds, by its type. An empty one is an empty object.
///
/// # Errors
/// When the type is not read, or it is not of that type.
pub(crate) fn body(kind: Option<&str>, bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match named(kind).as_str() {
        "application/json" => serde_json::from_slice(bytes).map_err(Problem::body),
        _ if is_yaml(kind) => yaml(bytes),
        other => {
            let shown: String = other.chars().take(100).collect();
            let detail = match shown.as_str() {
                "" => "the body has no type".to_owned(),
                shown => format!("bodies of the type {shown} are not read"),
            };
            Err(Problem::new(415, "H0204", detail)
                .help("say Content-Type: application/json, or application/yaml"))
        }
    }
}

fn yaml(bytes: &[u8]) -> Result<Value, Problem> {
    let text = std::str::from_utf8(bytes).map_err(Problem::body)?;
    let mut problems = Vec::new();
    let document = stead_lang::tree::read("body", text, &mut problems);
    if let Some(problem) = problems.first() {
        let at = problem.span;
        return Err(Problem::body(format!("{} (line {}, column {})", problem.message, at.line, at.column)));
    }
    match document {
        None => Err(Problem::body("it holds nothing")),
        Some(document) => {
            document.root().to_json().map_err(|_| Problem::body("JSON has no value for something in it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_read_and_what_is_not_is_refused() {
        assert_eq!(decoded("a%20b%2Fc").as_deref(), Some("a b/c"));
        for wrong in ["%", "%2", "%zz", "%ff", "%+1", "%é0"] {
            assert_eq!(decoded(wrong), None, "{wrong}");
        }
        let read = query("a=1&b=x+y%3D&&c").unwrap();
        let text = |pair: &(String, String)| format!("{}={}", pair.0, pair.1);
        assert_eq!(read.iter().map(text).collect::<Vec<_>>(), ["a=1", "b=x y=", "c="]);
        assert_eq!(query("a=%f").unwrap_err().code.as_ref(), "H0206");
    }

    #[test]
    fn a_body_is_read_by_its_type() {
        let json = serde_json::json!({"a": [1, "b"]});
        assert_eq!(body(Some("application/json; charset=utf-8"), b"{\"a\":[1,\"b\"]}").unwrap(), json);
        assert_eq!(body(Some("application/yaml"), b"a: [1, b]\n").unwrap(), json);
        assert_eq!(body(None, b"").unwrap(), serde_json::json!({}));
        assert_eq!(body(None, b"{}").unwrap_err().status, 415);
        assert_eq!(body(Some("text/plain"), b"{}").unwrap_err().status, 415);
        for (kind, bytes) in
            [("application/json", &b"{"[..]), ("application/yaml", b"a: [1"), ("application/yaml", b"\xff")]
        {
            assert_eq!(body(Some(kind), bytes).unwrap_err().code.as_ref(), "H0205", "{kind}");
        }
    }
}
