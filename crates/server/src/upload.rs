//! The body of an upload on its way in: piece by piece, never all of it.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming};
use tokio::sync::mpsc;

use crate::limits;
use crate::problem::Problem;

/// A piece; none: that was all.
type Piece = Result<Option<Bytes>, Problem>;

/// A body that is taken piece by piece, on a thread that may block.
pub struct Upload {
    /// What its sender says that it is.
    pub kind: Option<String>,
    pieces: mpsc::Receiver<Piece>,
}

/// How much is taken, and how slowly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Bytes.
    pub(crate) most: u64,
    /// How long nothing may come.
    pub(crate) stall: Duration,
}

impl Upload {
    /// Begins to take a body in.
    ///
    /// # Errors
    /// When it says that it is too large: then none of it is read.
    pub(crate) fn begin(body: Incoming, kind: Option<&str>, patience: Patience) -> Result<Self, Problem> {
        if body.size_hint().lower() > patience.most {
            return Err(large(patience.most));
        }
        let (sender, pieces) = mpsc::channel(1);
        tokio::spawn(async move {
            let late = || Problem::new(408, "H0207", "the body did not come in time");
            let whole = tokio::time::timeout(limits::UPLOAD_TIME, taken(body, patience, &sender));
            let last = whole.await.unwrap_or_else(|_| Err(late()));
            // Who was to have it has gone.
            let _ = sender.send(last.map(|()| None)).await;
        });
        Ok(Self { kind: kind.map(str::to_owned), pieces })
    }

    /// The next piece; none: that was all.
    ///
    /// # Errors
    /// When it is too large, too slow, or cut off.
    pub fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        // A server that leaves sends no more.
        self.pieces.blocking_recv().unwrap_or_else(|| Err(cut_off("the server leaves")))
    }
}

fn large(most: u64) -> Problem {
    Problem::new(413, "H0203", format!("the body has more than {most} bytes"))
}

fn cut_off(why: &str) -> Problem {
    Problem::new(400, "H0208", format!("the body was cut off: {why}"))
}

async fn taken(mut body: Incoming, patience: Patience, sender: &mpsc::Sender<Piece>) -> Result<(), Problem> {
    let mut size = 0;
    loop {
        let frame = tokio::time::timeout(patience.stall, body.frame()).await;
        let slow = || {
            let time = patience.stall.as_secs_f32();
            Problem::new(408, "H0207", format!("nothing more of the body came within {time} s"))
        };
        let Some(frame) = frame.map_err(|_| slow())? else { return Ok(()) };
        let Ok(bytes) = frame.map_err(|error| cut_off(&error.to_string()))?.into_data() else { continue };
        size += bytes.len() as u64;
        if size > patience.most {
            return Err(large(patience.most));
        }
        if sender.send(Ok(Some(bytes))).await.is_err() {
            // It was refused meanwhile.
            return Ok(());
        }
    }
}
