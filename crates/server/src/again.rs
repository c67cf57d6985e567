//! Requests that come again: with `Idempotency-Key` one is performed once, and answered as it was the first time.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_core::ids::StreamId;
use stead_engine::engine::{Asker, Keyed};

use crate::call::{Body, Reply};
use crate::limits;
use crate::problem::{Problem, TYPE};

/// The header of a request.
pub(crate) const HEADER: &str = "idempotency-key";
/// The header of an answer that was given before.
pub(crate) const REPLAYED: &str = "idempotency-replayed";

/// Requests with a key that are being performed: who asks, and their key.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderWay(Arc<Mutex<HashSet<(String, String)>>>);

/// One of them, until this is dropped.
struct Performing<'u> {
    all: &'u UnderWay,
    name: (String, String),
}

impl UnderWay {
    fn begin(&self, who: &str, key: &str) -> Option<Performing<'_>> {
        let name = (who.to_owned(), key.to_owned());
        // A set, whole after every step.
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        // Made only of one that has begun: dropping it ends that.
        begun.then(|| Performing { all: self, name })
    }
}

impl Drop for Performing<'_> {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// What the engine knows the operations of a request by that has a key.
#[derive(Debug)]
pub struct Wished {
    id: String,
    again: bool,
    count: Cell<u32>,
}

impl Wished {
    /// Whether the request may have been performed before.
    pub fn is_again(&self) -> bool {
        self.again
    }

    /// The id of the next operation that changes something. A request that comes again has the same in the same order.
    pub fn next(&self) -> String {
        self.count.set(self.count.get() + 1);
        format!("{}.{}", self.id, self.count.get())
    }

    /// The id of the run that the request starts.
    pub fn run(&self) -> StreamId {
        let hash = blake3::hash(format!("run\n{}", self.id).as_bytes());
        let mut chance = [0; 10];
        chance.copy_from_slice(&hash.as_bytes()[..10]);
        StreamId::run(chance)
    }
}

/// The key of a request.
///
/// # Errors
/// When it is none, or there are two.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all(HEADER).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let wrong =
        |why: &str| Problem::new(400, "H0221", format!("Idempotency-Key cannot be understood: {why}"));
    if all.next().is_some() {
        return Err(wrong("it is there twice"));
    }
    let text = value.to_str().unwrap_or_default();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    match text.len() {
        1..=limits::IDEMPOTENCY_KEY if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"') => {
            Ok(Some(text.to_owned()))
        }
        _ => Err(wrong(&format!(
            "it takes 1 to {} visible characters of ASCII, no quotes among them",
            limits::IDEMPOTENCY_KEY
        ))),
    }
}

/// What is asked: another request under the same key is refused.
pub(crate) fn request(method: &str, target: &str, body: &[u8]) -> String {
    let mut hash = blake3::Hasher::new();
    for part in [method.as_bytes(), target.as_bytes(), body] {
        hash.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hash.finalize().to_hex().to_string()
}

/// An answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    etag: Option<String>,
    /// What was told; of a problem what it looked like.
    body: Value,
}

/// Performs a request with a key, or answers as it was answered.
pub(crate) fn once(
    asker: &Asker,
    under_way: &UnderWay,
    key: &str,
    request: &str,
    perform: impl FnOnce(Wished) -> Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    let who = asker.who()?;
    let Some(_performing) = under_way.begin(&who, key) else {
        let problem = Problem::new(409, "H0222", "a request with this Idempotency-Key is being performed");
        let problem = problem.help("ask again a little later: then its answer is there");
        return Err(Problem { retry_after: Some(1), ..problem });
    };
    let (keyed, known) = asker.note_asked(&who, key, request)?;
    let again = known.is_some();
    if let Some(known) = known {
        if !keyed.is(request) {
            return Err(Problem::new(422, "H0223", "another request had this Idempotency-Key")
                .help("a key is for one request: take a new one, or send what was sent with it"));
        }
        match known.answer.as_deref() {
            Some([]) => {
                return Err(Problem::new(
                    409,
                    "H0224",
                    "the request was performed; its answer was too large to be kept",
                )
                .help("look at what it was about"));
            }
            Some(answer) => {
                let kept: Kept = serde_json::from_slice(answer).map_err(|_| crate::routes::unexpected())?;
                return Ok(replayed(kept));
            }
            None => {}
        }
    }
    let reply = perform(Wished { id: keyed.wish().to_owned(), again, count: Cell::new(0) });
    match &reply {
        Ok(Reply { status, location, etag, body: Body::Json(body), .. }) => {
            let kept =
                Kept { status: *status, location: location.clone(), etag: etag.clone(), body: body.clone() };
            keep(asker, &keyed, &kept)?;
        }
        // As the state was that it met; asked again it is told the same.
        Err(problem) if matches!(problem.status, 404 | 409 | 412 | 422) => {
            let (location, etag, body) = (None, None, problem.to_json());
            keep(asker, &keyed, &Kept { status: problem.status, location, etag, body })?;
        }
        // Nothing was done, and it may be otherwise soon; or it is right with other words.
        Err(problem) if problem.status < 500 && !again => asker.forget_asked(&keyed)?,
        // What came of it is not known.
        Ok(_) | Err(_) => {}
    }
    reply
}

fn keep(asker: &Asker, keyed: &Keyed, kept: &Kept) -> Result<(), Problem> {
    // Plain data with text keys always serialises.
    Ok(asker.keep_answer(keyed, &serde_json::to_vec(kept).unwrap_or_default())?)
}

fn replayed(kept: Kept) -> Reply {
    let Kept { status, location, etag, body } = kept;
    let body = match status {
        // Plain data with text keys always serialises.
        400.. => Body::Bytes(TYPE, serde_json::to_vec(&body).unwrap_or_default()),
        _ => Body::Json(body),
    };
    Reply { status, location, etag, replayed: true, body, ..Reply::ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(all: &[&str]) -> Result<Option<String>, Box<str>> {
        let mut headers = HeaderMap::new();
        for value in all {
            headers.append(HEADER, value.parse().unwrap());
        }
        key(&headers).map_err(|problem| problem.code)
    }

    #[test]
    fn p11_keys_of_requests_are_bounded() {
        let long = "k".repeat(limits::IDEMPOTENCY_KEY);
        assert_eq!(read(&[&long]), Ok(Some(long.clone())));
        assert_eq!(read(&["\"a-b\""]), Ok(Some("a-b".to_owned())));
        assert_eq!(read(&[]), Ok(None));
        let longer = format!("{long}k");
        for wrong in [&[longer.as_str()][..], &[""], &["a b"], &["a", "a"], &["\"\""], &["a\"b"], &["\"a"]] {
            assert_eq!(read(wrong), Err("H0221".into()), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_asked_is_told_apart() {
        let one = request("POST", "/a", b"bc");
        for (target, body) in [("/ab", &b"c"[..]), ("/a", b"bd"), ("/a?x", b"bc")] {
            assert_ne!(request("POST", target, body), one);
        }
        assert_eq!(request("POST", "/a", b"bc"), one);
    }

    #[test]
    fn one_is_performed_at_a_time() {
        let all = UnderWay::default();
        let first = all.begin("ana", "k");
        assert!(first.is_some() && all.begin("ana", "k").is_none());
        assert!(all.begin("ana", "k").is_none(), "who was refused does not end it");
        assert!(all.begin("bo", "k").is_some(), "keys are somebody's");
        drop(first);
        assert!(all.begin("ana", "k").is_some());
    }
}
