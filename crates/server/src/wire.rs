//! From a connection to a [`Call`], and back.

use std::convert::Infallible;
use std::future::Future as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE,
    WWW_AUTHENTICATE,
};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use stead_engine::access::{LINKS, RETURN, Secret};
use stead_engine::log::Level;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::again::{self, UnderWay};
use crate::call::{self, Body, Call, Reply};
use crate::cookie::Cookie;
use crate::door::{Client, Failures, Shown};
use crate::links::{self, Followed};
use crate::listen::Front;
use crate::metrics::{Counts, Taken};
use crate::problem::{Problem, TYPE};
use crate::seen::{At, REQUEST_ID, Seen};
use crate::sending::Sending;
use crate::server::{Host, Measures};
use crate::snapshots::Snapshots;
use crate::stall::Patient;
use crate::stream::Telling;
use crate::upload::{Patience, Upload};
use crate::watched::{self, Watched};
use crate::{guard, hooks, limits, reading, routes, stream, whole};

/// The place of a connection among the others, until it begins to follow.
type Place = Mutex<Option<OwnedSemaphorePermit>>;

/// What all connections share.
pub(crate) struct Wire {
    host: Arc<Host>,
    addr: SocketAddr,
    front: Arc<Front>,
    failures: Arc<Failures>,
    measures: Measures,
    connections: Arc<Semaphore>,
    handlers: Arc<Semaphore>,
    guesses: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    cookie: Cookie,
    streams: Arc<Semaphore>,
    under_way: UnderWay,
    counts: Counts,
    snapshots: Snapshots,
    /// Closed when the server stops; connections hold a receiver each.
    leaving: watch::Sender<bool>,
}

impl Wire {
    pub(crate) fn new(host: Host, addr: SocketAddr, measures: Measures) -> Self {
        let connections = Arc::new(Semaphore::new(measures.connections));
        let handlers = Arc::new(Semaphore::new(measures.handlers));
        let front = Arc::new(Front::new(addr, host.public.clone()));
        let cookie = Cookie::new(&front, addr.port());
        let failures = Arc::new(Failures::new(measures.failures, measures.failure_time));
        let streams = Arc::new(Semaphore::new(measures.streams));
        Self {
            host: Arc::new(host),
            addr,
            front,
            failures,
            measures,
            connections,
            handlers,
            guesses: Arc::new(Semaphore::new(limits::GUESSES)),
            uploads: Arc::new(Semaphore::new(limits::UPLOADS)),
            cookie,
            streams,
            under_way: UnderWay::default(),
            counts: Counts::default(),
            snapshots: Snapshots::default(),
            leaving: watch::Sender::new(false),
        }
    }

    /// Takes connections for ever.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((stream, theirs)) = listener.accept().await else {
                // No more files may be open, say: that passes when a connection ends.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            match self.connections.clone().try_acquire_owned() {
                Ok(place) => {
                    let (wire, leaving) = (self.clone(), self.leaving.subscribe());
                    tokio::spawn(async move {
                        wire.connection(stream, theirs, leaving, place).await;
                    });
                }
                Err(_) => {
                    self.counts.one_too_many();
                    refuse(stream, self.measures.connections).await;
                }
            }
        }
    }

    /// Tells all connections to close after the request they are at, and waits for that.
    pub(crate) async fn drained(&self) {
        self.leaving.send_replace(true);
        self.leaving.closed().await;
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        theirs: SocketAddr,
        mut leaving: watch::Receiver<bool>,
        place: OwnedSemaphorePermit,
    ) {
        let ours = stream.local_addr().unwrap_or(self.addr);
        let client = Arc::new(Client::new(theirs, ours));
        let place = Arc::new(Mutex::new(Some(place)));
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(Patient::new(stream, self.measures.stall));
        let wire = self.clone();
        let service = service_fn(move |request| {
            let (wire, client, place) = (wire.clone(), client.clone(), place.clone());
            async move {
                let believed = wire.front.public.is_some() && theirs.ip().is_loopback();
                let seen = Arc::new(Seen::new(request.method(), request.headers(), believed));
                let reply = wire.answer(request, client, &seen).await;
                let reply = reply.and_then(|reply| wire.streaming(reply, &place));
                let code = reply.as_ref().err().map(|problem| problem.code.clone());
                let mut response = sent(reply, &wire.cookie);
                if let Ok(id) = HeaderValue::from_str(&seen.id) {
                    response.headers_mut().insert(REQUEST_ID, id);
                }
                let status = response.status().as_u16();
                wire.counts.answered(&seen, status, seen.begun.elapsed());
                seen.answered(wire.host.asker.log(), status, code.as_deref());
                seen.traced(wire.host.asker.traces(), status);
                Ok::<_, Infallible>(response)
            }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.measures.head_time)
            .max_buf_size(limits::HEAD_BYTES)
            .serve_connection(io, service);
        let mut connection = std::pin::pin!(connection);
        // The other one is let go when it has heard; this one says that the connection is not over.
        let _open = leaving.clone();
        let mut left = std::pin::pin!(async move { leaving.wait_for(|leaving| *leaving).await.map(|_| ()) });
        let mut told = false;
        // Whatever went wrong on the way: nobody is there to be told.
        let _ = std::future::poll_fn(|cx| {
            if !told && left.as_mut().poll(cx).is_ready() {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
            connection.as_mut().poll(cx)
        })
        .await;
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        client: Arc<Client>,
        seen: &Arc<Seen>,
    ) -> Result<Reply, Problem> {
        let (head, body) = request.into_parts();
        let watched = Watched::of(head.uri.path());
        if let Some(watched) = watched {
            seen.is_at(watched.at());
            Watched::takes(head.method.as_str())?;
            // Whoever asks so has no name of ours and no token, and gets an answer however much there is to do.
            match watched {
                Watched::Live => return Ok(watched::live()),
                Watched::Ready => return Ok(watched::ready(&self.host.asker)),
                Watched::Metrics => {}
            }
        }
        let ip = match self.addr {
            SocketAddr::V4(addr) => addr.ip().to_string(),
            SocketAddr::V6(addr) => format!("[{}]", addr.ip()),
        };
        let authority = head.uri.authority().map(|authority| authority.as_str());
        let linked = head.uri.path().strip_prefix(LINKS);
        // Others send a browser to these, which do nothing but for who shows what was made for them.
        let opened = (linked.is_some() && matches!(head.method, Method::GET | Method::HEAD))
            || (head.uri.path() == RETURN && head.method == Method::GET);
        if linked.is_some() {
            seen.is_at(links::AT);
        }
        guard::admit(&head.headers, authority, self.addr.port(), &ip, &self.front, opened)?;
        let shown = Shown::of(&head.headers, client.theirs(), &self.front, &self.cookie);
        seen.is_from(shown.from);
        if let Some(secret) = linked {
            let (method, secret) = (head.method.clone(), Secret::new(secret));
            let body =
                if opened { Vec::new() } else { self.body(body, self.measures.body_bytes).await?.to_vec() };
            let (host, failures, from) = (self.host.clone(), self.failures.clone(), shown.from);
            let followed = Followed { method, secret, body };
            return self.performed(move || Ok(client.linked(&host, from, &followed, &failures))).await;
        }
        if watched == Some(Watched::Metrics) {
            return self.measured(client, shown, seen.clone()).await;
        }
        if let Some(hook) = hooks::named(head.method.as_str(), head.uri.path()) {
            seen.is_at(hooks::AT);
            return self.delivered(hook?, head.headers, body, shown).await;
        }
        let (route, path) = routes::find(head.method.as_str(), head.uri.path())?;
        seen.is_at(At::route(route));
        let query = call::query(head.uri.query().unwrap_or_default())?;
        let text =
            |name: HeaderName| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let if_match = text(IF_MATCH).map(call::version);
        let known = text(IF_NONE_MATCH).map(str::to_owned);
        let stream = text(ACCEPT).is_some_and(|kinds| kinds.trim() == stream::KIND);
        let last_event = text(HeaderName::from_static("last-event-id")).map(str::to_owned);
        let key = if route.method == "POST" { again::key(&head.headers)? } else { None };
        if key.is_some() && !route.is_keyed() {
            return Err(Problem::new(400, "H0221", "this route takes no Idempotency-Key"));
        }
        if route.uploads {
            let patience = Patience { most: self.measures.upload_bytes, stall: self.measures.stall };
            let upload = Upload::begin(body, text(CONTENT_TYPE), patience)?;
            let (host, front, failures) = (self.host.clone(), self.front.clone(), self.failures.clone());
            let (cookie, snapshots) = (self.cookie.clone(), self.snapshots.clone());
            let seen = seen.clone();
            // They have places of their own, for they may take long.
            return self
                .performed_at(&self.uploads, move || {
                    let carried = shown.carries_session();
                    let opened = client.host(&host, &front, shown, true, &failures);
                    let (host, csrf) = opened.map_err(|problem| Problem {
                        lets_go: problem.lets_go || (problem.status == 401 && carried),
                        ..problem
                    })?;
                    seen.is_by(&host.asker, Level::Info);
                    let (cookie, snapshots, upload) = (&cookie, &snapshots, Some(upload));
                    let (if_match, stream, last_event, wished) = (None, false, None, None);
                    let body = Value::Null;
                    let mut call = Call {
                        host: &host,
                        path,
                        query,
                        if_match,
                        stream,
                        last_event,
                        wished,
                        cookie,
                        csrf,
                        kept: None,
                        body,
                        snapshots,
                        upload,
                    };
                    call.knows(route.query)?;
                    (route.perform)(&mut call)
                })
                .await;
        }
        let bytes = self.body(body, self.measures.body_bytes).await?;
        let target = head.uri.path_and_query().map(|target| target.as_str()).unwrap_or_default();
        let key = key.map(|key| (key, again::request(route.method, target, &bytes)));
        let read = if route.whole { whole::body } else { call::body };
        let body = read(text(CONTENT_TYPE), &bytes)?;
        drop(bytes);
        // They do not take the places of all others.
        let _guess = if route.guessed { Some(self.turn(&self.guesses).await?) } else { None };
        let (host, front, failures) = (self.host.clone(), self.front.clone(), self.failures.clone());
        let (under_way, seen) = (self.under_way.clone(), seen.clone());
        let (cookie, writes) = (self.cookie.clone(), head.method != Method::GET);
        let snapshots = self.snapshots.clone();
        let kept = cookie.kept(&head.headers);
        self.performed(move || {
            let from = shown.from;
            if route.guessed {
                failures.spare(from)?;
            }
            let carried = shown.carries_session();
            let opened = match route.open {
                true => Ok((client.stranger(&host), None)),
                false => client.host(&host, &front, shown, writes, &failures),
            };
            let (host, csrf) = opened.map_err(|problem| match problem.status == 401 && carried {
                true => Problem { lets_go: true, ..problem },
                false => problem,
            })?;
            if !route.open {
                seen.is_by(&host.asker, Level::Info);
            }
            let cookie = &cookie;
            let wished = None;
            let mut call = Call {
                host: &host,
                path,
                query,
                if_match,
                stream,
                last_event,
                wished,
                cookie,
                csrf,
                kept,
                body,
                snapshots: &snapshots,
                upload: None,
            };
            if !route.others {
                call.knows(route.query)?;
            }
            let reply = match key {
                None => (route.perform)(&mut call),
                Some((key, request)) => again::once(&host.asker, &under_way, &key, &request, |wished| {
                    call.wished = Some(wished);
                    (route.perform)(&mut call)
                }),
            };
            if reply.is_err() && !route.open {
                seen.is_by(&host.asker, Level::Warn);
            }
            let reply = reply.map_err(|problem| match route.guessed {
                true => client.guessed(&host, from, problem, &failures),
                false => problem,
            })?;
            Ok(if route.etag { reply.named(known.as_deref()) } else { reply })
        })
        .await
    }

    /// A place among those who do something, when it is one's turn.
    async fn turn(&self, places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
        let busy =
            || Problem::new(503, "H0301", "the server has too much to do").help("try again a little later");
        let turn = tokio::time::timeout(self.measures.turn_time, places.clone().acquire_owned()).await;
        turn.map_err(|_| busy())?.map_err(|_| busy())
    }

    /// What blocks, on a thread of its own.
    async fn performed(
        &self,
        what: impl FnOnce() -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        self.performed_at(&self.handlers, what).await
    }

    /// The same, at one of some places.
    async fn performed_at(
        &self,
        places: &Arc<Semaphore>,
        what: impl FnOnce() -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let turn = self.turn(places).await?;
        let performed = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            what()
        });
        performed.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// What is counted, for whoever may look at all there is.
    async fn measured(&self, client: Arc<Client>, shown: Shown, seen: Arc<Seen>) -> Result<Reply, Problem> {
        let taken = Taken {
            connections: self.measures.connections - self.connections.available_permits(),
            streams: self.measures.streams - self.streams.available_permits(),
        };
        let own = self.counts.told(&taken);
        let (host, front, failures) = (self.host.clone(), self.front.clone(), self.failures.clone());
        self.performed(move || {
            let (host, _) = client.host(&host, &front, shown, false, &failures)?;
            seen.is_by(&host.asker, Level::Info);
            watched::metrics(&host.asker, &own)
        })
        .await
    }

    /// A request of a webhook. Who sends it is asked for nothing but its signature.
    async fn delivered(
        &self,
        hook: String,
        headers: HeaderMap,
        body: Incoming,
        shown: Shown,
    ) -> Result<Reply, Problem> {
        let bytes = self.body(body, self.measures.hook_bytes).await?;
        let (host, failures) = (self.host.clone(), self.failures.clone());
        self.performed(move || hooks::deliver(&host, &failures, shown.from, hook, &headers, &bytes)).await
    }

    /// Events go on beside: they have places of their own, and leave that of their connection to another one.
    fn streaming(&self, mut reply: Reply, connection: &Place) -> Result<(Reply, Option<Sending>), Problem> {
        if let Body::Read(_) = &reply.body
            && let Body::Read(reading) = std::mem::take(&mut reply.body)
        {
            let (sender, pieces) = mpsc::channel(1);
            let length = reading.length;
            reply.body = Body::Bytes(reading.kind, Vec::new());
            tokio::spawn(reading::all(*reading, self.handlers.clone(), sender));
            return Ok((reply, Some(Sending::Read(pieces, length))));
        }
        if !matches!(reply.body, Body::Live(_)) {
            return Ok((reply, None));
        }
        let many = || {
            Problem::new(503, "H0303", format!("{} clients follow already", self.measures.streams))
                .help("try again later, or ask for what is there now")
        };
        let place = self.streams.clone().try_acquire_owned().map_err(|_| many())?;
        drop(connection.lock().unwrap_or_else(PoisonError::into_inner).take());
        let Body::Live(subscription) = std::mem::take(&mut reply.body) else { return Ok((reply, None)) };
        let (sender, pieces) = mpsc::channel(1);
        let (handlers, leaving) = (self.handlers.clone(), self.leaving.subscribe());
        let (heartbeat, pause) = (self.measures.heartbeat, self.measures.stream_pause);
        let told = Telling { handlers, leaving, sender, heartbeat, pause };
        tokio::spawn(async move {
            told.all(*subscription).await;
            drop(place);
        });
        Ok((reply, Some(Sending::Pieces(pieces))))
    }

    async fn body(&self, body: Incoming, most: usize) -> Result<Bytes, Problem> {
        let large = || Problem::new(413, "H0203", format!("the body has more than {most} bytes"));
        // Said beforehand: then none of it is read.
        if body.size_hint().lower() > most as u64 {
            return Err(large());
        }
        let read = tokio::time::timeout(self.measures.body_time, Limited::new(body, most).collect()).await;
        match read {
            Err(_) => {
                let time = self.measures.body_time.as_secs_f32();
                Err(Problem::new(408, "H0207", format!("the body did not come within {time} s")))
            }
            Ok(Ok(read)) => Ok(read.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(large()),
            Ok(Err(error)) => Err(Problem::new(400, "H0208", format!("the body was cut off: {error}"))),
        }
    }
}

fn panicked() -> Problem {
    Problem::new(500, "R0999", "this is a bug in Stead: a route panicked").help("please report it")
}

/// Tells one connection too many.
async fn refuse(mut stream: TcpStream, most: usize) {
    let problem = Problem::new(503, "H0302", format!("there are {most} connections already"));
    let body = problem.to_json().to_string();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: {TYPE}\r\ncontent-length: {}\r\nretry-after: 1\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // It fits into what the system keeps for a new connection, so it does not wait.
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

/// What a page of ours may do: load what lies beside it, and ask this server.
const PAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn sent(mut reply: Result<(Reply, Option<Sending>), Problem>, cookie: &Cookie) -> Response<Sending> {
    // Plain data with text keys always serialises.
    let json = |body: &Value| Sending::whole(serde_json::to_vec(body).unwrap_or_default());
    let (status, kind, body) = match &mut reply {
        Ok((reply, pieces)) => match (std::mem::take(&mut reply.body), pieces.take()) {
            (Body::Bytes(kind, _), Some(pieces)) => (reply.status, kind, pieces),
            (_, Some(pieces)) => (reply.status, stream::KIND, pieces),
            (Body::Bytes(kind, bytes), None) => (reply.status, kind, Sending::whole(bytes)),
            (Body::Json(body), None) => (reply.status, "application/json", json(&body)),
            // Its pieces stand beside it.
            (Body::Live(_) | Body::Read(_), None) => (500, "application/json", Sending::whole(Vec::new())),
        },
        Err(problem) => (problem.status, TYPE, json(&problem.to_json())),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !kind.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGES));
    // The address of a page may be a secret.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let mut add = |name, value: Option<String>| {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    };
    match reply {
        Ok((reply, _)) => {
            add(HeaderName::from_static(again::REPLAYED), reply.replayed.then(|| "true".to_owned()));
            add(LOCATION, reply.location);
            add(SET_COOKIE, reply.cookie);
            add(CONTENT_DISPOSITION, reply.disposition);
            add(CONTENT_SECURITY_POLICY, reply.policy);
            add(ETAG, reply.etag.map(|etag| format!("\"{etag}\"")));
        }
        Err(problem) => {
            add(SET_COOKIE, problem.lets_go.then(|| cookie.clear()));
            add(ALLOW, problem.allow.map(String::from));
            let wait = problem.retry_after.or_else(|| (problem.status == 503).then_some(1));
            add(RETRY_AFTER, wait.map(|seconds| seconds.to_string()));
            add(WWW_AUTHENTICATE, (problem.status == 401).then(|| "Bearer realm=\"stead\"".to_owned()));
        }
    }
    response
}
