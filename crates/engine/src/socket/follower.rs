//! Telling one client what is written.

use std::borrow::Cow;
use std::collections::HashSet;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use serde_json::value::RawValue;
use stead_core::ids::StreamId;
use stead_store::sqlite::SqliteStore;
use stead_store::{Position, Reader as _, Row};

use super::frame::{self, FrameError};
use super::words::{Reply, Told};
use crate::engine::desk::Desk;
use crate::feed::More;
use crate::limits;
use crate::live::parent_of;

/// Tells what is written until the client or the engine goes. The stream's time limit for writing says how long a
/// client may take nothing.
pub(super) fn serve(
    mut stream: &UnixStream,
    runs: Vec<StreamId>,
    after: Option<Position>,
    desk: &Desk,
) -> Result<(), FrameError> {
    let failed = |error: stead_store::StoreError| FrameError::Io(std::io::Error::other(error));
    let mut reader = SqliteStore::open_read_only(&desk.home.database()).map_err(failed)?;
    let mut wanted = Wanted { all: runs.is_empty(), runs: runs.into_iter().collect() };
    // From now on is from before this client hears that it is so.
    let mut at = after.or_else(|| desk.feed.newest());
    frame::write(&mut stream, &Reply::Following, limits::ANSWER_BYTES, &mut |_| false)?;
    let mut ticked: Option<Instant> = None;
    loop {
        if ticked.is_none_or(|ticked| ticked.elapsed() >= limits::FOLLOW_TICK) {
            let told = Told::Now { engine: desk.now() };
            frame::write(&mut stream, &told, limits::ANSWER_BYTES, &mut |_| false)?;
            ticked = Some(Instant::now());
        }
        match desk.feed.wait(at, limits::FOLLOW_TICK) {
            More::Nothing => {}
            More::Over => return Ok(()),
            More::Behind(behind) => {
                let rows = reader.journal_after(behind, limits::FOLLOW_ROWS).map_err(failed)?;
                at = Some(rows.last().map_or(behind, |(_, row)| row.position));
                for (run, row) in rows {
                    if wanted.takes(&run, &row) {
                        tell(stream, run, &row)?;
                    }
                }
            }
        }
    }
}

fn tell(mut stream: &UnixStream, run: StreamId, row: &Row) -> Result<(), FrameError> {
    let events: &RawValue = serde_json::from_slice(&row.events).map_err(FrameError::Malformed)?;
    let told = Told::Written {
        run,
        position: row.position,
        seq: row.seq,
        at: row.at,
        events: Cow::Borrowed(events),
    };
    frame::write(&mut stream, &told, limits::ANSWER_BYTES, &mut |_| false)
}

/// The runs that somebody follows.
struct Wanted {
    all: bool,
    runs: HashSet<StreamId>,
}

impl Wanted {
    /// Whether a row is of one of them, or of one that such a one has started.
    fn takes(&mut self, run: &StreamId, row: &Row) -> bool {
        if self.all || self.runs.contains(run) {
            return true;
        }
        // A run says in its first event who started it.
        let child = row.seq == 1 && parent_of(row).is_some_and(|parent| self.runs.contains(&parent));
        child && self.runs.insert(run.clone())
    }
}
