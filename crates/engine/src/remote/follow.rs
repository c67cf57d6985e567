//! Hearing what is written at a server elsewhere. A connection that breaks off is made again by itself, and goes on where
//! it was.

use std::io::BufReader;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use serde::Deserialize;
use serde_json::value::RawValue;
use stead_core::Time;
use stead_core::effect::EndReason;
use stead_core::ids::StreamId;
use stead_store::Position;

use super::send::{Broken, Told};
use super::stream::{Event, next};
use super::{Remote, RemoteError};
use crate::driver::Written;
use crate::engine::Waiting;
use crate::error::EngineError;
use crate::executor::{Control as _, EndSwitch};
use crate::limits;
use crate::net::Body;
use crate::operations::{Answer, Operation};
use crate::socket::Link;

/// The first wait before a stream that was lost is asked for again.
const WAIT: Duration = Duration::from_millis(250);

/// What is heard of a server elsewhere, until this is dropped.
#[derive(Debug, Clone)]
pub struct Follow {
    /// What is written.
    pub written: Receiver<Written>,
    /// News of the connection, and of the engine behind it.
    pub link: Receiver<Link>,
    _hangs_up: Arc<HangUp>,
}

#[derive(Debug)]
struct HangUp(Arc<EndSwitch>);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.end(EndReason::Cancelled);
    }
}

/// The stream of one run.
struct Line {
    remote: Remote,
    run: StreamId,
    /// Everything up to here was heard.
    cursor: Option<String>,
    rows: Sender<Written>,
    news: Sender<Link>,
    /// Nobody listens any more.
    stop: Arc<EndSwitch>,
    pulse: Arc<Pulse>,
}

/// When something was heard last, and what breaks the connection off.
#[derive(Debug, Default)]
struct Pulse(Mutex<Option<(Instant, Arc<EndSwitch>)>>);

impl Pulse {
    fn set(&self, now: Option<(Instant, Arc<EndSwitch>)>) {
        // One value, whole after every step.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn beats(&self) {
        if let Some((at, _)) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            *at = Instant::now();
        }
    }

    /// Breaks a connection off on which nothing was heard for too long, or that nobody listens to.
    fn look(&self, over: bool) {
        if let Some((at, end)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && (over || at.elapsed() >= limits::REMOTE_SILENCE)
        {
            end.end(EndReason::Cancelled);
        }
    }
}

/// Why a stream is over.
enum Over {
    /// Nobody listens any more.
    Unheard,
    /// It broke off: why.
    Off(String),
    /// It is refused.
    Refused(EngineError),
}

/// A row as it is told.
#[derive(Deserialize)]
struct Row<'a> {
    position: Position,
    run: StreamId,
    seq: u64,
    at: Time,
    #[serde(borrow)]
    events: &'a RawValue,
}

impl Remote {
    /// Hears what is written of runs and of those they start, from behind a position, else from their beginning.
    ///
    /// # Errors
    /// When this process can have no more threads or descriptors, or too many runs are followed.
    pub fn follow(&self, runs: &[StreamId], after: Option<Position>) -> Result<Follow, EngineError> {
        if runs.len() > limits::REMOTE_FOLLOWED {
            let why =
                format!("more than {} runs at once are not followed at a server", limits::REMOTE_FOLLOWED);
            return Err(EngineError::NotTaken { why });
        }
        let cannot = |error: std::io::Error| EngineError::Stopped(error.to_string());
        let stop = Arc::new(EndSwitch::new().map_err(cannot)?);
        let hangs_up = Arc::new(HangUp(stop.clone()));
        let (rows, written) = bounded(limits::FOLLOW_QUEUE);
        let (news, link) = bounded(limits::FOLLOW_QUEUE);
        let mut pulses = Vec::new();
        for run in runs {
            let pulse = Arc::new(Pulse::default());
            pulses.push(pulse.clone());
            let mut line = Line {
                remote: self.clone(),
                run: run.clone(),
                cursor: after.map(|position| position.to_string()),
                rows: rows.clone(),
                news: news.clone(),
                stop: stop.clone(),
                pulse,
            };
            let thread = std::thread::Builder::new().name("follow".into());
            thread.spawn(move || line.hear()).map_err(cannot)?;
        }
        let remote = self.clone();
        let thread = std::thread::Builder::new().name("pulse".into());
        thread.spawn(move || watch(&remote, &pulses, &news, &stop)).map_err(cannot)?;
        Ok(Follow { written, link, _hangs_up: hangs_up })
    }
}

/// Looks after the streams, and asks now and then what the engine is doing.
fn watch(remote: &Remote, pulses: &[Arc<Pulse>], news: &Sender<Link>, stop: &EndSwitch) {
    let mut asks = true;
    let mut asked = Instant::now();
    loop {
        let over = rests(stop, Duration::from_secs(1));
        pulses.iter().for_each(|pulse| pulse.look(over));
        if over {
            return;
        }
        if !asks || asked.elapsed() < limits::REMOTE_LOOK {
            continue;
        }
        let mut patience =
            |waiting: &Waiting<'_>| stop.ended().is_none() && waiting.time < limits::REMOTE_LOOK;
        let link = match remote.ask("", &Operation::Engine, &mut patience) {
            Ok(Answer::Engine { engine: Some(engine) }) => Some(Link::Now(Box::new(engine))),
            Err(super::Failed::Engine(_)) => {
                // Who may only look at one project is told of that, and not of the engine.
                asks = false;
                None
            }
            _ => None,
        };
        if link.is_some_and(|link| news.send(link).is_err()) {
            return;
        }
        asked = Instant::now();
    }
}

/// Waits; whether it is over meanwhile.
fn rests(stop: &EndSwitch, time: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::from_borrowed_fd(stop.fd(), PollFlags::IN)];
    let timeout =
        Timespec { tv_sec: time.as_secs().try_into().unwrap_or(1), tv_nsec: time.subsec_nanos().into() };
    // Woken early it looks again.
    let _ = poll(&mut fds, Some(&timeout));
    stop.ended().is_some()
}

impl Line {
    fn hear(&mut self) {
        let (mut away, mut wait) = (false, WAIT);
        loop {
            let over = self.once(&mut away, &mut wait);
            self.pulse.set(None);
            if self.stop.ended().is_some() {
                return;
            }
            let why = match over {
                Over::Unheard => return,
                Over::Refused(error) => {
                    let (code, message) = (error.code().to_owned(), error.to_string());
                    let (help, blame) = (error.help(), error.blame());
                    let _ = self.news.send(Link::Refused { code, message, help, blame });
                    return;
                }
                Over::Off(why) => why,
            };
            if !std::mem::replace(&mut away, true) && self.news.send(Link::Away(why)).is_err() {
                return;
            }
            if rests(&self.stop, wait) {
                return;
            }
            wait = (wait * 2).min(limits::REMOTE_WAIT);
        }
    }

    /// Hears as long as one connection lasts.
    fn once(&mut self, away: &mut bool, wait: &mut Duration) -> Over {
        let end = match EndSwitch::new() {
            Ok(end) => Arc::new(end),
            Err(error) => return Over::Off(error.to_string()),
        };
        self.pulse.set(Some((Instant::now(), end.clone())));
        let mut headers = vec![("accept".to_owned(), "text/event-stream".to_owned())];
        headers.extend(self.cursor.iter().map(|cursor| ("last-event-id".to_owned(), cursor.clone())));
        let path = format!("/api/v1/runs/{}/events?children=true", self.run);
        let inner = &self.remote.0;
        let answer = match inner.call("GET", &path, &headers, Body::None, &end) {
            Ok(answer) => answer,
            Err(Broken::Off(why)) => return Over::Off(why),
            Err(Broken::Unreached(error)) => return Over::Off(error.to_string()),
            Err(Broken::GaveUp) => return Over::Unheard,
            Err(Broken::Wrong(error)) => return Over::Refused(error.into()),
        };
        let kind = answer.header("content-type").unwrap_or_default().to_owned();
        if answer.status != 200 || !kind.starts_with("text/event-stream") {
            let status = answer.status;
            let mut body = Vec::new();
            let mut reader = std::io::Read::take(answer.body, limits::REMOTE_PROBLEM_BYTES as u64);
            if let Err(error) = std::io::Read::read_to_end(&mut reader, &mut body) {
                return Over::Off(error.to_string());
            }
            let told = Told { status, kind, retry_after: None, body };
            let error = self.remote.refused(&told);
            // A proxy says so while the server behind it is begun again; one with too much to do says so itself.
            return match status {
                429 | 500.. => Over::Off(error.to_string()),
                _ => Over::Refused(error),
            };
        }
        *wait = WAIT;
        let mut reader = BufReader::new(answer.body);
        loop {
            let event = match next(&mut reader, limits::ANSWER_BYTES) {
                Ok(Some(event)) => event,
                Ok(None) => return Over::Off("the server closed the connection".to_owned()),
                Err(error) => return Over::Off(error.to_string()),
            };
            self.pulse.beats();
            if std::mem::take(away) && self.news.send(Link::Back).is_err() {
                return Over::Unheard;
            }
            if let Some(over) = self.take(event) {
                return over;
            }
        }
    }

    fn take(&mut self, event: Event) -> Option<Over> {
        match event.kind.as_str() {
            "journal" => {
                let rows: Vec<Row<'_>> = match serde_json::from_str(&event.data) {
                    Ok(rows) => rows,
                    Err(error) => {
                        let (server, what) =
                            (self.remote.origin().to_owned(), format!("{error} in a stream"));
                        return Some(Over::Refused(RemoteError::NotStead { server, what }.into()));
                    }
                };
                for Row { position, run, seq, at, events } in rows {
                    let events = events.get().as_bytes().into();
                    if self.rows.send(Written { stream: run, position, seq, at, events }).is_err() {
                        return Some(Over::Unheard);
                    }
                }
            }
            "problem" => {
                let kind = "application/problem+json".to_owned();
                let status = serde_json::from_str::<Status>(&event.data).map_or(500, |told| told.status);
                let told = Told { status, kind, retry_after: None, body: event.data.into_bytes() };
                let error = self.remote.refused(&told);
                return Some(if status >= 500 { Over::Off(error.to_string()) } else { Over::Refused(error) });
            }
            _ => {}
        }
        if !event.id.is_empty() {
            self.cursor = Some(event.id);
        }
        None
    }
}

#[derive(Deserialize)]
struct Status {
    status: u16,
}
