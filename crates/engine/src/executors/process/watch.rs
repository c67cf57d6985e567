//! One thread watches one program: its pipes, its end, the order to end it, and what it leaves behind.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, ChildStderr, ChildStdout, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use stead_core::effect::EndReason;
use stead_platform::process::{ProcessId, Signal, Tree, exit_watch, stopped_by};

use super::feed::Feed;
use super::launch::Launched;
use super::sink::Sink;
use crate::executor::Control;
use crate::limits::ProcessLimits;
use crate::logs::LogStream;

/// Bytes read at once: what a pipe holds.
const READ: usize = 64 * 1024;
/// How often it is looked where nothing tells: for the end of a program without a descriptor for it, and
/// for the end of what it left behind.
const LOOK: Duration = Duration::from_millis(10);
/// How often it is looked for what was forked while the others were told to end.
const AGAIN: Duration = Duration::from_millis(50);
/// How long after the first KILL a process that does not end (it hangs in the kernel) is waited for.
const GIVE_UP: Duration = Duration::from_secs(10);
/// How many of what was left behind are named.
const NAMED: usize = 8;
/// How often it is looked whether a terminal's signal stopped the program.
const STOPPED_LOOK: Duration = Duration::from_secs(1);
/// Signals of a terminal to a program that wants to read from it or set it, while it is not its own.
const TTIN: i32 = 21;
const TTOU: i32 = 22;

/// How a program ended.
pub(super) struct Ended {
    /// `None`: not even KILL ended it.
    pub(super) status: Option<ExitStatus>,
    /// Why it was ended, if it did not end by itself.
    pub(super) why: Option<Why>,
    pub(super) sink: Sink,
}

/// Why a program was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It was ordered.
    Ordered(EndReason),
    /// It asked for the terminal and was stopped for that: it would wait for ever.
    Terminal,
}

/// The tree is being ended.
struct Ending {
    /// Those that were told.
    known: HashSet<ProcessId>,
    /// When to tell those that were forked meanwhile.
    tell_at: Instant,
    kill_at: Instant,
    give_up_at: Instant,
    killed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Control,
    Exit,
    Out,
    Err,
    Feed,
}

pub(super) struct Watch<'a> {
    child: Child,
    tree: Leash,
    exit: Option<OwnedFd>,
    feed: Option<Feed>,
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
    sink: Sink,
    control: &'a dyn Control,
    limits: &'a ProcessLimits,
    terminal: bool,
    ordered: bool,
    status: Option<ExitStatus>,
    why: Option<Why>,
    /// Set when the program has ended: what it left may go on until then.
    leftover_until: Option<Instant>,
    ending: Option<Ending>,
    /// The tree is gone, and its pipes are not closed yet.
    gone_since: Option<Instant>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        launched: Launched,
        sink: Sink,
        control: &'a dyn Control,
        limits: &'a ProcessLimits,
        terminal: bool,
    ) -> Self {
        let Launched { mut child, tree, stdin } = launched;
        let pipe = child.stdin.take();
        Self {
            tree: Leash { tree, held: true },
            exit: exit_watch(&child),
            feed: pipe.zip(stdin).and_then(|(pipe, bytes)| Feed::new(pipe, bytes)),
            out: child.stdout.take(),
            err: child.stderr.take(),
            child,
            sink,
            control,
            limits,
            terminal,
            ordered: false,
            status: None,
            why: None,
            leftover_until: None,
            ending: None,
            gone_since: None,
        }
    }

    /// Returns when nothing of the program is left.
    pub(super) fn run(mut self) -> Ended {
        let mut buffer = vec![0; READ];
        while !self.is_over() {
            let ready = self.wait();
            if ready.contains(&Source::Control) {
                self.take_order();
            }
            if ready.contains(&Source::Feed) && self.feed.as_mut().is_some_and(Feed::write) {
                self.feed = None;
            }
            if ready.contains(&Source::Out)
                && read(&mut self.out, &mut buffer, LogStream::Out, &mut self.sink)
            {
                self.out = None;
            }
            if ready.contains(&Source::Err)
                && read(&mut self.err, &mut buffer, LogStream::Err, &mut self.sink)
            {
                self.err = None;
            }
            if self.status.is_none() {
                self.look_at_program();
            }
        }
        self.tree.held = false;
        self.sink.finish();
        Ended { status: self.status, why: self.why, sink: self.sink }
    }

    /// Waits until something happens, or something is due.
    fn wait(&mut self) -> Vec<Source> {
        // While more comes at once the log is written in large pieces; before a pause it is brought up to date.
        if self.sink.is_behind() {
            let ready = self.poll(Some(Duration::ZERO));
            if !ready.is_empty() {
                return ready;
            }
            self.sink.flush();
        }
        let look = self.status.is_some() || self.ending.is_some() || self.exit.is_none();
        let tick = if look { Some(LOOK) } else { self.terminal.then_some(STOPPED_LOOK) };
        self.poll(tick)
    }

    /// What is ready; nothing: the time was over first.
    fn poll(&self, timeout: Option<Duration>) -> Vec<Source> {
        let control = (!self.ordered).then(|| self.control.fd());
        let exit = self.exit.as_ref().filter(|_| self.status.is_none());
        let (sources, mut fds): (Vec<Source>, Vec<PollFd<'_>>) = [
            (Source::Control, control),
            (Source::Exit, exit.map(AsFd::as_fd)),
            (Source::Out, self.out.as_ref().map(AsFd::as_fd)),
            (Source::Err, self.err.as_ref().map(AsFd::as_fd)),
            (Source::Feed, self.feed.as_ref().map(Feed::fd)),
        ]
        .into_iter()
        .filter_map(|(source, fd): (Source, Option<BorrowedFd<'_>>)| {
            let flags = if source == Source::Feed { PollFlags::OUT } else { PollFlags::IN };
            Some((source, PollFd::from_borrowed_fd(fd?, flags)))
        })
        .unzip();
        let timeout = timeout.map(|t| Timespec {
            tv_sec: t.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: t.subsec_nanos().into(),
        });
        // Interrupted by a signal, or out of memory: what was due is looked at, and all is asked again.
        if poll(&mut fds, timeout.as_ref()).is_err() {
            return Vec::new();
        }
        sources
            .into_iter()
            .zip(&fds)
            .filter(|(_, fd)| !fd.revents().is_empty())
            .map(|(source, _)| source)
            .collect()
    }

    fn take_order(&mut self) {
        let Some(reason) = self.control.ended() else { return };
        self.ordered = true;
        if self.status.is_some() {
            // Its result stands; what it left need not be waited for.
            self.leftover_until = Some(Instant::now());
        } else if self.ending.is_none() {
            let why = match reason {
                EndReason::Timeout => "its time is over",
                EndReason::Cancelled => "cancelled",
                EndReason::Paused => "the run is paused",
            };
            self.end(Why::Ordered(reason), why);
        }
    }

    /// Whether the program has ended, or was stopped for asking for the terminal.
    fn look_at_program(&mut self) {
        match self.child.try_wait() {
            Ok(Some(status)) => {
                self.status = Some(status);
                self.leftover_until = Some(Instant::now() + self.limits.leftover_grace);
            }
            Ok(None) => {
                let stopped = self.terminal && self.ending.is_none();
                if stopped && matches!(stopped_by(&self.child), Some(TTIN | TTOU)) {
                    self.end(Why::Terminal, "it waits for the terminal, which a step does not have");
                }
            }
            // Somebody else has reaped it (an embedding program that waits for all its children).
            Err(_) => {
                self.status = Some(ExitStatus::default());
                self.leftover_until = Some(Instant::now());
                self.sink.note("the exit code was taken by another part of this process");
            }
        }
    }

    fn end(&mut self, why: Why, text: &str) {
        self.why = Some(why);
        self.sink.note(&format!("ended: {text}"));
        self.term();
    }

    fn term(&mut self) {
        let told = self.tree.tree.signal(Signal::Term);
        let now = Instant::now();
        let kill_at = now + self.limits.end_grace;
        self.ending = Some(Ending {
            known: told.into_iter().map(|member| member.id).collect(),
            tell_at: now + AGAIN,
            kill_at,
            give_up_at: kill_at + GIVE_UP,
            killed: false,
        });
    }

    /// Whether all is over. Takes the next step towards that when it is due.
    fn is_over(&mut self) -> bool {
        let now = Instant::now();
        let waited_enough = self.leftover_until.is_some_and(|until| now >= until);
        let silent = self.out.is_none() && self.err.is_none();
        // Looking at those that are known is cheaper than looking for all.
        let lives = self.ending.as_ref().is_some_and(|ending| ending.known.iter().any(|id| id.is_alive()));
        if self.status.is_some() && (silent || waited_enough) && !lives && self.tree.tree.is_gone() {
            // What is still in the pipes is read, and their end comes a moment after that of the last writer.
            let gone = *self.gone_since.get_or_insert(now);
            if !silent && now < gone + self.limits.leftover_grace {
                return false;
            }
            if !silent {
                self.sink.note("a process that is not of this step keeps its output open: no more is read");
            }
            return true;
        }
        match &mut self.ending {
            None if waited_enough => {
                self.note_leftovers();
                self.term();
            }
            None => {}
            Some(ending) if now >= ending.give_up_at => {
                self.sink.note("given up: not even KILL ended all of it");
                return true;
            }
            Some(ending) if now >= ending.kill_at => {
                if !ending.killed {
                    ending.killed = true;
                    self.sink.note("TERM did not end all of it: KILL");
                }
                // Again after a while, for what was forked meanwhile.
                ending.kill_at = now + AGAIN;
                self.tree.tree.signal(Signal::Kill);
            }
            Some(ending) if now >= ending.tell_at => {
                self.tree.tree.term_new(&mut ending.known);
                ending.tell_at = now + AGAIN;
            }
            Some(_) => {}
        }
        false
    }

    fn note_leftovers(&mut self) {
        let left = self.tree.tree.members();
        let mut names: Vec<String> =
            left.iter().take(NAMED).map(|member| format!("{} ({})", member.name, member.id.pid)).collect();
        if left.len() > NAMED {
            names.push("…".to_owned());
        }
        let what = if names.is_empty() { "something".to_owned() } else { names.join(", ") };
        self.sink.note(&format!("left behind by the program and ended: {what}"));
    }
}

/// Ends the tree if its watcher panics: nothing else would.
struct Leash {
    tree: Tree,
    held: bool,
}

impl Drop for Leash {
    fn drop(&mut self) {
        if self.held {
            self.tree.signal(Signal::Kill);
        }
    }
}

/// Reads once. Returns whether there will be no more.
fn read<F: AsFd>(from: &mut Option<F>, buffer: &mut [u8], stream: LogStream, sink: &mut Sink) -> bool {
    let Some(fd) = from else { return false };
    match rustix::io::read(fd.as_fd(), &mut *buffer) {
        Ok(0) => true,
        Ok(length) => {
            sink.take(stream, &buffer[..length]);
            false
        }
        Err(Errno::INTR | Errno::AGAIN) => false,
        Err(_) => true,
    }
}
