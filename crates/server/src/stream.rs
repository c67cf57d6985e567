//! Events as they come: server-sent events, as HTML has them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::Value;
use stead_engine::EngineError;
use stead_engine::live::{Live, Next, Told, Wish};
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::time::Instant;

use crate::call::{Body, Call, Reply};
use crate::limits;
use crate::problem::Problem;

/// The type of their body.
pub const KIND: &str = "text/event-stream";

/// A client that follows what is written.
pub struct Subscription {
    live: Live,
    /// Called when there may be more.
    woken: Arc<Notify>,
}

impl Call<'_> {
    /// Begins to tell what is written, behind `Last-Event-ID` or the parameter `position`.
    ///
    /// # Errors
    /// When the place cannot be understood or is not there, or when who asks may not look.
    pub fn follow(&self, wish: Wish) -> Result<Reply, Problem> {
        let wrong = |name: &str| Problem::parameter(name, "it takes the id of an event that was told");
        let after = match (&self.last_event, self.text("position")) {
            // Of a client that has seen none yet it is empty.
            (Some(id), _) if !id.is_empty() => Some(id.parse().map_err(|()| wrong("Last-Event-ID"))?),
            (_, Some(position)) => Some(position.parse().map_err(|()| wrong("position"))?),
            _ => None,
        };
        let woken = Arc::new(Notify::new());
        let wake = woken.clone();
        let live = self.host.asker.live(wish, after, move || wake.notify_one())?;
        let subscription = Subscription { live, woken };
        let body = Body::Live(Box::new(subscription));
        Ok(Reply { body, ..Reply::ok(Value::Null) })
    }
}

/// Tells one client.
pub(crate) struct Telling {
    pub(crate) handlers: Arc<Semaphore>,
    pub(crate) leaving: watch::Receiver<bool>,
    pub(crate) sender: mpsc::Sender<Bytes>,
    pub(crate) heartbeat: Duration,
    /// The least time between two pieces.
    pub(crate) pause: Duration,
}

impl Telling {
    /// Until the client goes, the server leaves, or there is nothing more.
    pub(crate) async fn all(mut self, subscription: Subscription) {
        let Subscription { mut live, woken } = subscription;
        let (heartbeat, pause) = (self.heartbeat, self.pause);
        let looks = live.looks();
        let begin = format!("retry: {}\n\n", limits::STREAM_RETRY.as_millis());
        if !self.send(begin).await {
            return;
        }
        let mut told_at = Instant::now();
        while !*self.leaving.borrow() {
            let Ok(turn) = self.handlers.clone().acquire_owned().await else { return };
            let asked = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                let next = live.take();
                (live, next)
            });
            // A bug in what is told ends this stream and no other.
            let Ok((same, next)) = asked.await else { return };
            live = same;
            match next {
                Ok(Next::Told(told)) => {
                    if !self.send(frame(&told)).await {
                        return;
                    }
                    // What comes meanwhile is told at once behind it.
                    if !self.rests(tokio::time::sleep(pause)).await {
                        return;
                    }
                    told_at = Instant::now();
                }
                Ok(Next::More) => {}
                Ok(Next::Nothing) => {
                    let at_most = if looks { limits::STREAM_LOOK } else { heartbeat };
                    if !self.rests(tokio::time::timeout(at_most, woken.notified())).await {
                        return;
                    }
                    if told_at.elapsed() >= heartbeat {
                        told_at = Instant::now();
                        if !self.send(":\n\n".into()).await {
                            return;
                        }
                    }
                }
                Ok(Next::Over) => return,
                Err(error) => {
                    // Whether the client hears it or not, this is the end.
                    let _ = self.send(problem(error)).await;
                    return;
                }
            }
        }
    }

    /// `false`: the client has gone.
    async fn send(&self, text: String) -> bool {
        self.sender.send(text.into()).await.is_ok()
    }

    /// Waits; `false`: the client has gone, or the server leaves.
    async fn rests(&mut self, what: impl Future) -> bool {
        let mut what = pin!(what);
        let mut closed = pin!(self.sender.closed());
        let mut leaving = pin!(self.leaving.wait_for(|leaving| *leaving));
        std::future::poll_fn(|cx| {
            if closed.as_mut().poll(cx).is_ready() || leaving.as_mut().poll(cx).is_ready() {
                return Poll::Ready(false);
            }
            what.as_mut().poll(cx).map(|_| true)
        })
        .await
    }
}

fn frame(told: &Told) -> String {
    // JSON has no line breaks outside of its texts, and there they are written otherwise.
    format!("id: {}\nevent: {}\ndata: {}\n\n", told.cursor, told.kind, told.data)
}

fn problem(error: EngineError) -> String {
    format!("event: problem\ndata: {}\n\n", Problem::from(error).to_json())
}
