//! The loop: keys, answers, signals and the time come in, wishes go out, what has changed is drawn.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select};
use stead_core::limits::COMMENT_BYTES;

use super::keys::{Key, Keys};
use super::model::{Ask, State, Told, Trouble};
use super::screen::{Input, Screen};
use super::view;
use super::worker::{Asker, Worker};
use crate::error::CliError;
use crate::exit::Exit;
use crate::out;
use crate::signals::{self, Leave};
use crate::text;

/// How long a lone escape waits for the rest of a sequence.
const ESCAPE: Duration = Duration::from_millis(40);
/// How often it is looked whether something is to be saved or read again.
const TICK: Duration = Duration::from_millis(100);
/// How long is waited at the end for what is being saved.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is drawn when nothing has happened.
const SECOND: Duration = Duration::from_secs(1);

/// Shows the inbox until somebody leaves it.
///
/// # Errors
/// When the inbox cannot be read to begin with, or there is no terminal.
pub fn live(asker: &Asker) -> Result<Exit, CliError> {
    let me = asker.me()?;
    // What cannot be read is told as by every other command.
    let first = asker.page(None)?;
    let face = asker.here.out;
    let mut state = State::new(me, asker.query.everybody, face, Screen::size());
    // It was asked for above.
    let asked = state.rows.again(0);
    state.told(Told::Page(asked.flatten(), Ok(first)), text::now());
    state.listed_at = text::now();
    let leave = signals::listen()?;
    let resized = signals::resizes()?;
    let worker = Worker::begin(asker.clone())?;
    let screen = Screen::enter(face)?;
    let input = Input::begin()?;
    let mut inbox = Inbox { state, worker, screen, input, leave, resized, changed: true, leaving: None };
    let end = inbox.run();
    let Inbox { state, screen, .. } = inbox;
    drop(screen);
    unsaved(&state);
    for next in &state.next {
        out::note(&format!("next: {next}"));
    }
    Ok(end)
}

/// What could not be saved is not lost on top of it.
fn unsaved(state: &State) {
    for (task, work) in state.works.iter().filter(|(_, work)| work.is_dirty() || work.trouble.is_some()) {
        let why = work.trouble.as_deref().map_or_else(|| "there was no answer".to_owned(), text::clean);
        // Plain data always serialises.
        let draft = serde_json::to_string(&work.draft).unwrap_or_default();
        out::note(&format!("your draft of {task} is not saved: {why}"));
        out::note(&format!("it was: {}", text::clean(&draft)));
    }
}

struct Inbox {
    state: State,
    worker: Worker,
    screen: Screen,
    input: Input,
    leave: Receiver<Leave>,
    resized: Receiver<()>,
    /// Something has happened since it was drawn.
    changed: bool,
    /// It is left as soon as all is saved, at last then, with this.
    leaving: Option<(Instant, Exit)>,
}

impl Inbox {
    fn run(&mut self) -> Exit {
        let mut keys = Keys::default();
        let mut drawn = Instant::now();
        loop {
            if let Some((until, exit)) = self.leaving
                && (!self.state.is_busy() || Instant::now() >= until)
            {
                return exit;
            }
            // Ages and what is left of times go on by themselves.
            if std::mem::take(&mut self.changed) || drawn.elapsed() >= SECOND {
                let picture = view::draw(&self.state, text::now());
                self.screen.draw(&picture, self.state.size);
                drawn = Instant::now();
            }
            let wait = if keys.waits() { ESCAPE } else { TICK };
            select! {
                recv(self.input.bytes) -> bytes => match bytes {
                    Ok(bytes) => for key in keys.feed(&bytes) {
                        self.press(&key);
                    },
                    // The terminal is gone.
                    Err(_) => self.go(Exit::Done),
                },
                recv(self.worker.told) -> told => match told {
                    Ok(told) => self.take(told),
                    Err(_) => return Exit::Failed,
                },
                recv(self.leave) -> _ => self.go(Exit::Done),
                recv(self.resized) -> _ => {
                    self.changed = true;
                    self.screen.forget();
                    self.state.resize(Screen::size());
                }
                default(wait) => for key in keys.flush_waiting() {
                    self.press(&key);
                },
            }
            let asks = self.state.tick(text::now());
            self.changed |= !asks.is_empty();
            self.wish(asks);
        }
    }

    fn press(&mut self, key: &Key) {
        self.changed = true;
        let asks = self.state.key(key, text::now());
        self.wish(asks);
    }

    fn take(&mut self, told: Told) {
        self.changed = true;
        let asks = self.state.told(told, text::now());
        self.wish(asks);
    }

    fn wish(&mut self, asks: Vec<Ask>) {
        for ask in asks {
            match ask {
                Ask::Leave => self.go(Exit::Done),
                Ask::Redraw => {
                    self.changed = true;
                    self.screen.forget();
                }
                Ask::Editor(text) => {
                    let screen = &mut self.screen;
                    let edited = self.input.lend(|| screen.lend(|| edited(&text)));
                    // Ctrl-C there was meant for the editor.
                    while let Ok(Leave::Interrupt) = self.leave.try_recv() {}
                    self.state.resize(Screen::size());
                    self.take(Told::Edited(edited));
                }
                // The worker ends with this process and not before.
                other => drop(self.worker.asks.send(other)),
            }
        }
    }

    /// Leaves, as soon as what was typed is durable.
    fn go(&mut self, exit: Exit) {
        if self.leaving.is_some() {
            // Said twice: at once.
            self.leaving = Some((Instant::now(), exit));
            return;
        }
        self.leaving = Some((Instant::now() + PATIENCE, exit));
        let asks = self.state.saves(text::now(), true);
        self.wish(asks);
    }
}

/// A text, edited by the program that somebody likes for that.
fn edited(before: &str) -> Result<String, Trouble> {
    let bad = |why: String| Trouble {
        lines: vec![format!("{why}; what was there before stands")],
        ..Trouble::default()
    };
    let (path, mut file) =
        scratch().map_err(|error| bad(format!("there is no file for the editor: {error}")))?;
    let done =
        file.write_all(before.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| open_in_editor(&path));
    let edited = match done {
        Ok(status) if status.success() => read_back(&path).map_err(|error| bad(error.to_string())),
        Ok(status) => Err(bad(format!("the editor ended with {status}"))),
        Err(error) => Err(bad(format!("the editor cannot be started: {error}"))),
    };
    // In the folder for what is thrown away; if it stays, it is.
    let _ = std::fs::remove_file(&path);
    edited
}

fn open_in_editor(path: &Path) -> std::io::Result<std::process::ExitStatus> {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    // As git does: the variable may hold a program with its arguments; the file is one of its own.
    Command::new("sh").arg("-c").arg(format!("{editor} \"$@\"")).arg(&editor).arg(path).status()
}

fn scratch() -> std::io::Result<(PathBuf, std::fs::File)> {
    let mut number = 0;
    loop {
        let path = std::env::temp_dir().join(format!("stead-{}-{number}.md", std::process::id()));
        // One that is there already is somebody else's.
        match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < 1_000 => number += 1,
            Err(error) => return Err(error),
        }
    }
}

fn read_back(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    // Longer than anything it may be; that is refused where it is looked at.
    std::fs::File::open(path)?.take(16 * COMMENT_BYTES as u64).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect())
}
