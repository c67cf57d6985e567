//! The thread that sends spans.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use serde_json::json;
use stead_core::effect::EndReason;

use super::config::Config;
use super::span::{self, Span};
use crate::executor::EndSwitch;
use crate::limits;
use crate::log::{Level, Log};
use crate::metrics::text::Counter;
use crate::net::{Body, Call, CallError, Client, NetworkPolicy, reason};

/// Bytes of the head of an answer.
const HEAD: usize = 64 * 1024;

/// Who leaves: until when it waits, and by what it hears that all is sent.
pub(super) type Leave = (Instant, Sender<()>);

/// Sends what waits.
pub(super) struct Exporter {
    config: Config,
    client: Arc<Client>,
    spans: Receiver<Span>,
    leave: Receiver<Leave>,
    dropped: Arc<Counter>,
    log: Log,
    /// How many were told to be dropped.
    told: u64,
    /// The last could not be sent.
    fails: bool,
    /// Waits before spans are sent again.
    waits: &'static [Duration],
}

/// Why a batch was not taken.
enum NotSent {
    /// It may be the next time.
    Now(String),
    /// It would be the same the next time.
    Ever(String),
}

impl Exporter {
    pub(super) fn new(
        config: Config,
        spans: Receiver<Span>,
        leave: Receiver<Leave>,
        dropped: Arc<Counter>,
        log: Log,
    ) -> Self {
        // Whoever runs the server says where they go.
        let client = Client::new(NetworkPolicy::OWN, limits::TRACE_TIME, HEAD);
        Self { config, client, spans, leave, dropped, log, told: 0, fails: false, waits: limits::TRACE_WAITS }
    }

    pub(super) fn run(mut self) {
        let mut batch = Vec::new();
        let mut since = Instant::now();
        loop {
            let wait = match batch.is_empty() {
                true => limits::TRACE_WAIT,
                false => limits::TRACE_WAIT.saturating_sub(since.elapsed()),
            };
            let mut over = None;
            select! {
                recv(self.spans) -> span => match span {
                    Ok(span) => {
                        if batch.is_empty() {
                            since = Instant::now();
                        }
                        batch.push(span);
                        if batch.len() < limits::TRACE_BATCH && since.elapsed() < limits::TRACE_WAIT {
                            continue;
                        }
                    }
                    Err(_) => return,
                },
                recv(self.leave) -> leave => match leave {
                    Ok(leave) => over = Some(leave),
                    Err(_) => return,
                },
                default(wait) => {}
            }
            if over.is_none() {
                over = self.send(&batch);
                batch.clear();
            }
            self.tell();
            if let Some((until, done)) = over {
                self.last(batch, until);
                self.tell();
                // Whoever waited may have gone.
                let _ = done.send(());
                return;
            }
        }
    }

    /// Sends a batch, again where that may help. Who leaves meanwhile is given back.
    fn send(&mut self, batch: &[Span]) -> Option<Leave> {
        let mut waits = self.waits.iter();
        let mut leave = None;
        while !batch.is_empty() {
            let Some(why) = self.sent(batch, limits::TRACE_TIME).err() else { break };
            let wait = waits.next().filter(|_| matches!(why, NotSent::Now(_)) && leave.is_none());
            let Some(wait) = wait else {
                self.failed(batch.len(), why);
                break;
            };
            leave = self.leave.recv_timeout(*wait).ok();
        }
        leave
    }

    /// Sends what is left, each batch once.
    fn last(&mut self, mut batch: Vec<Span>, until: Instant) {
        loop {
            batch.extend(self.spans.try_iter().take(limits::TRACE_BATCH.saturating_sub(batch.len())));
            if batch.is_empty() {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.sent(&batch, left.min(limits::TRACE_TIME)) {
                Ok(()) => batch.clear(),
                Err(why) => {
                    let rest = self.spans.try_iter().count();
                    return self.failed(batch.len() + rest, why);
                }
            }
        }
    }

    /// So many are lost. That a collector takes nothing is said once, until it does again.
    fn failed(&mut self, spans: usize, why: NotSent) {
        self.dropped.add(spans as u64);
        let (NotSent::Now(why) | NotSent::Ever(why)) = why;
        if !std::mem::replace(&mut self.fails, true) {
            self.log.note(Level::Warn, "traces.failed", &[("why", json!(why))]);
        }
    }

    /// Says how many were dropped since that was said.
    fn tell(&mut self) {
        let now = self.dropped.get();
        if now > self.told {
            self.log.note(Level::Warn, "traces.dropped", &[("spans", json!(now - self.told))]);
            self.told = now;
        }
    }

    fn sent(&mut self, batch: &[Span], time: Duration) -> Result<(), NotSent> {
        let body = span::request(&self.config.resource, batch).to_string();
        let mut headers = self.config.headers.clone();
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        let (url, client) = (&self.config.url, &self.client);
        let call = Call { method: "POST", url, headers: &headers, body: Body::Bytes(body.as_bytes()) };
        let no_thread = |error: std::io::Error| NotSent::Now(error.to_string());
        let switch = EndSwitch::new().map_err(no_thread)?;
        let (done, waits) = bounded::<()>(0);
        let answer = std::thread::scope(|scope| {
            let ending = || {
                if waits.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                    switch.end(EndReason::Timeout);
                }
            };
            // Without a thread for it nothing is begun that could wait for ever.
            let watch = std::thread::Builder::new().name("traces".into()).spawn_scoped(scope, ending);
            watch.map_err(no_thread)?;
            let status = client.call(call, &switch).map(|answer| answer.status);
            drop(done);
            status.map_err(|error| match error {
                CallError::Request(why) => NotSent::Ever(why),
                CallError::Network(why) => NotSent::Now(why),
            })
        })?;
        let said = reason(answer).map(|reason| format!(" ({reason})")).unwrap_or_default();
        let why = format!("{} answered {answer}{said}", url.host());
        match answer {
            200..=299 => {
                self.fails = false;
                Ok(())
            }
            // Those that the protocol has tried again.
            429 | 502..=504 => Err(NotSent::Now(why)),
            _ => Err(NotSent::Ever(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::super::{config, span::Kind};
    use super::*;

    fn exporter(collector: &TcpListener) -> (Exporter, Sender<Span>, Sender<Leave>) {
        let url = format!("http://{}", collector.local_addr().unwrap());
        let get = |name: &str| (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| url.clone());
        let config = config::read(get).unwrap().unwrap();
        let ((spans, queued), (leave, leaving)) = (bounded(limits::TRACE_QUEUE), bounded(1));
        let exporter = Exporter::new(config, queued, leaving, Arc::default(), Log::default());
        (exporter, spans, leave)
    }

    fn span() -> Span {
        let (name, attributes) = (String::new(), Vec::new());
        let (trace, id, kind) = ([1; 16], [1; 8], Kind::Internal);
        Span { trace, id, parent: None, kind, name, begun: 1, ended: 2, failed: false, attributes }
    }

    /// Reads a request, answers it, and gives its body back.
    fn answer(mut stream: TcpStream, status: &str) -> String {
        let mut text = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let read = stream.read(&mut piece).unwrap();
            text.extend(&piece[..read]);
            let all = String::from_utf8_lossy(&text).into_owned();
            let Some((head, body)) = all.split_once("\r\n\r\n") else { continue };
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse::<usize>().unwrap() {
                write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").unwrap();
                return body.to_owned();
            }
        }
    }

    #[test]
    fn what_a_collector_does_not_take_is_sent_again_and_then_lost() {
        let collector = TcpListener::bind("127.0.0.1:0").unwrap();
        let (mut exporter, _spans, _leave) = exporter(&collector);
        const SHORT: Duration = Duration::from_millis(1);
        exporter.waits = &[SHORT, SHORT];
        let answers = ["503 x", "429 x", "200 x", "503 x", "503 x", "503 x", "400 x"];
        let serves =
            std::thread::spawn(move || answers.map(|status| answer(collector.accept().unwrap().0, status)));
        for lost in [0, 1, 2] {
            assert!(exporter.send(&[span()]).is_none());
            assert_eq!(exporter.dropped.get(), lost);
        }
        let bodies = serves.join().unwrap();
        assert!(bodies.iter().all(|body| body == &bodies[0]), "each time the same");
    }

    #[test]
    fn p11_a_collector_has_its_time() {
        // It takes the connection, and says nothing.
        let collector = TcpListener::bind("127.0.0.1:0").unwrap();
        let (mut exporter, ..) = exporter(&collector);
        assert!(matches!(exporter.sent(&[span()], Duration::from_millis(50)), Err(NotSent::Now(_))));
    }

    #[test]
    fn whoever_leaves_sends_all_that_waits() {
        let collector = TcpListener::bind("127.0.0.1:0").unwrap();
        let (exporter, spans, leave) = exporter(&collector);
        for _ in 0..limits::TRACE_BATCH + 1 {
            spans.send(span()).unwrap();
        }
        let serves =
            std::thread::spawn(move || [(); 2].map(|()| answer(collector.accept().unwrap().0, "200 x")));
        let (done, sent) = bounded(1);
        leave.send((Instant::now() + Duration::from_secs(20), done)).unwrap();
        exporter.run();
        sent.recv().unwrap();
        let count = |body: &String| body.matches("spanId").count();
        assert_eq!(serves.join().unwrap().iter().map(count).sum::<usize>(), limits::TRACE_BATCH + 1);
    }
}
