//! The engine's end.

use std::collections::HashMap;
use std::io::{self, PipeReader, PipeWriter, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use stead_platform::peer;
use stead_store::lock::HomeLock;

use super::frame::{self, FrameError};
use super::words::{Call, Fault, Hello, Reply};
use super::{follower, place};
use crate::engine::desk::Desk;
use crate::error::EngineError;
use crate::home::Home;
use crate::limits;
use crate::people::Step;
use crate::settings::Measures;

/// Stack of a thread that serves one connection.
const STACK: usize = 512 * 1024;

/// A socket that is listened on. It is taken away when this is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    listener: UnixListener,
    path: PathBuf,
}

impl Listening {
    /// Listens on the socket of a home whose lock is held.
    pub(crate) fn on(home: &Home, lock: &mut HomeLock) -> Result<Self, EngineError> {
        let (listener, path) = place::listen(home, lock)?;
        Ok(Self { listener, path })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // What stays behind is replaced by the next engine.
        let _ = place::remove_stale(&self.path);
    }
}

/// Lets others in and serves them, each on a thread of its own.
pub(crate) struct Server {
    shared: Arc<Shared>,
    accepting: Mutex<Option<JoinHandle<()>>>,
    wake: PipeWriter,
}

struct Shared {
    desk: Arc<Desk>,
    /// Bytes of one answer.
    answer: usize,
    /// How long a client may take in nothing.
    stall: Duration,
    connections: Mutex<Connections>,
    fewer: Condvar,
}

#[derive(Default)]
struct Connections {
    closing: bool,
    next: u64,
    open: HashMap<u64, Connection>,
}

struct Connection {
    stream: Arc<UnixStream>,
    /// Something of it is being done: it is let finish.
    busy: bool,
}

impl Server {
    /// Serves from now on.
    pub(crate) fn begin(
        listening: Listening,
        desk: Arc<Desk>,
        measures: &Measures,
    ) -> Result<Self, EngineError> {
        let cannot = |error: io::Error| EngineError::Socket {
            path: listening.path.display().to_string(),
            why: error.to_string(),
        };
        let (woken, wake) = io::pipe().map_err(cannot)?;
        listening.listener.set_nonblocking(true).map_err(cannot)?;
        let shared = Arc::new(Shared {
            desk,
            answer: measures.answer_bytes,
            stall: measures.stall,
            connections: Mutex::default(),
            fewer: Condvar::new(),
        });
        let serving = shared.clone();
        let path = listening.path.display().to_string();
        let thread = std::thread::Builder::new().name("socket".into());
        let thread = thread
            .spawn(move || accept(&listening, &woken, &serving))
            .map_err(|error| EngineError::Socket { path, why: error.to_string() })?;
        Ok(Self { shared, accepting: Mutex::new(Some(thread)), wake })
    }

    /// Lets nobody in any more, lets what is being answered finish, and returns when nobody is connected. The
    /// driver has stopped.
    pub(crate) fn close(&self) {
        let thread = self.accepting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        // One byte into an empty pipe that is open at both ends neither fails nor waits.
        let _ = (&self.wake).write_all(b"!");
        let mut connections = self.shared.lock();
        connections.closing = true;
        for connection in connections.open.values().filter(|connection| !connection.busy) {
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
        let until = Instant::now() + limits::CLOSE_TIME;
        while !connections.open.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Whoever does not take its answer now asks the next engine.
                connections.open.values().for_each(|c| drop(c.stream.shutdown(Shutdown::Both)));
                break;
            }
            let waited = self.shared.fewer.wait_timeout(connections, left);
            connections = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(connections);
        // It only fails when letting somebody in has panicked, and then nobody is let in either.
        let _ = thread.join();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Connections> {
        // A list of streams, whole after every step.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Books a connection; nothing for one too many.
    fn enter(&self, stream: &Arc<UnixStream>) -> Option<u64> {
        let mut connections = self.lock();
        if connections.closing || connections.open.len() >= limits::CONNECTIONS {
            return None;
        }
        let id = connections.next;
        connections.next += 1;
        connections.open.insert(id, Connection { stream: stream.clone(), busy: false });
        Some(id)
    }

    /// Notes whether something is being done; false: nothing is to be begun any more.
    fn busy(&self, id: u64, busy: bool) -> bool {
        let mut connections = self.lock();
        let goes_on = !connections.closing;
        if let Some(connection) = connections.open.get_mut(&id) {
            connection.busy = busy;
        }
        goes_on
    }

    fn exit(&self, id: u64) {
        self.lock().open.remove(&id);
        self.fewer.notify_all();
    }
}

/// Lets others in until it is woken.
fn accept(listening: &Listening, woken: &PipeReader, shared: &Arc<Shared>) {
    loop {
        let mut fds = [PollFd::new(&listening.listener, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // Nothing is left to wait with; those who come meet a closed door and say so.
            Err(_) => return,
        }
        if !fds[1].revents().is_empty() {
            return;
        }
        match listening.listener.accept() {
            Ok((stream, _)) => let_in(stream, shared),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // No descriptor is free, say. They wait in the system's queue.
            Err(_) => std::thread::sleep(limits::FOLLOW_TICK / 10),
        }
    }
}

fn let_in(stream: UnixStream, shared: &Arc<Shared>) {
    // Somebody too many, or without a thread to serve it, finds the connection closed and comes again.
    if stream.set_nonblocking(false).is_err() {
        return;
    }
    let stream = Arc::new(stream);
    let Some(id) = shared.enter(&stream) else { return };
    let serving = shared.clone();
    let thread = std::thread::Builder::new().name("client".into()).stack_size(STACK);
    let serve = move || {
        // A client that breaks off is its own business.
        let _ = serve(&stream, id, &serving);
        serving.exit(id);
    };
    if thread.spawn(serve).is_err() {
        shared.exit(id);
    }
}

/// Serves one connection to its end.
fn serve(mut stream: &UnixStream, id: u64, shared: &Shared) -> Result<(), FrameError> {
    stream.set_read_timeout(Some(limits::HELLO_TIME))?;
    stream.set_write_timeout(Some(shared.stall))?;
    let never = &mut |_| false;
    let theirs: Hello = frame::read(&mut stream, 4096, never)?;
    let mut ours = Hello::ours();
    if peer::user_of(stream).is_some_and(|user| user != peer::own_user()) {
        ours.refused = Some("this home belongs to another user".to_owned());
    }
    frame::write(&mut stream, &ours, limits::ANSWER_BYTES, never)?;
    if ours.refused.is_some() || !theirs.fits() {
        return Ok(());
    }
    stream.set_read_timeout(None)?;
    let here = Arc::new(());
    let steps = peer::process_of(stream).map(Step::around).unwrap_or_default();
    loop {
        let call: Call<'_> = match frame::read(&mut stream, limits::REQUEST_BYTES, never) {
            Err(FrameError::Malformed(error)) => {
                return fault(stream, &EngineError::NotTaken { why: error.to_string() });
            }
            Err(FrameError::TooLong { size, limit }) => {
                let why = format!("a request of {size} bytes is longer than {limit}");
                return fault(stream, &EngineError::NotTaken { why });
            }
            other => other?,
        };
        if !shared.busy(id, true) {
            return Ok(());
        }
        let done = match call {
            Call::Ask { id, again, operation, caller } => {
                let caller = caller.from(&steps);
                let answer = shared.desk.ask_as(&caller, &id, again, operation.into_owned());
                answer.map(|answer| Reply::Answer { answer })
            }
            Call::Lend { run, environment } => {
                shared.desk.lend(run, environment.into_owned(), Arc::downgrade(&here)).map(|()| Reply::Lent)
            }
            Call::Follow { runs, after, caller } => {
                let caller = caller.from(&steps);
                if let Err(error) = shared.desk.may_follow(&caller, &runs) {
                    return fault(stream, &error);
                }
                return follower::serve(stream, runs, after, &shared.desk);
            }
        };
        match done {
            Ok(reply) => match frame::write(&mut stream, &reply, shared.answer, never) {
                Err(FrameError::TooLong { .. }) => tell(stream, Fault::TooLong)?,
                other => other?,
            },
            // It was not performed: the next engine is asked.
            Err(EngineError::Stopped(_)) => return Ok(()),
            Err(error) => fault(stream, &error)?,
        }
        if !shared.busy(id, false) {
            return Ok(());
        }
    }
}

fn fault(stream: &UnixStream, error: &EngineError) -> Result<(), FrameError> {
    tell(stream, Fault::of(error))
}

fn tell(mut stream: &UnixStream, fault: Fault) -> Result<(), FrameError> {
    let reply = Reply::Fault { fault };
    frame::write(&mut stream, &reply, limits::ANSWER_BYTES, &mut |_| false)
}
