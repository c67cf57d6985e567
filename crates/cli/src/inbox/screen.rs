//! The terminal: its modes, which are given back however this ends; what is drawn; and the bytes of its keys.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use stead_platform::terminal::{self, Raw, Size};

use super::view::Picture;
use crate::error::CliError;
use crate::face::Face;

/// A screen of its own, paste as one text, and keys told apart that otherwise look alike (terminals that do not know
/// how leave it).
const ENTER: &str = "\x1b[?1049h\x1b[?2004h\x1b[>1u\x1b[?25l\x1b[H\x1b[2J";
/// All of it back.
const LEAVE: &str = "\x1b[<u\x1b[?2004l\x1b[?25h\x1b[?1049l";

/// The whole screen.
pub struct Screen {
    raw: Raw,
    face: Face,
    drawn: Vec<String>,
    cursor: Option<(usize, usize)>,
}

impl Screen {
    /// Takes the screen.
    ///
    /// # Errors
    /// When there is no terminal.
    pub fn enter(face: Face) -> Result<Self, CliError> {
        let raw = Raw::enter();
        let raw = raw.map_err(|e| CliError::machine(format!("the terminal cannot be used: {e}")))?;
        // A bug is to be readable, on the screen that was there before.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            say(LEAVE);
            before(panic);
        }));
        say(ENTER);
        Ok(Self { raw, face, drawn: Vec::new(), cursor: None })
    }

    /// How large it is.
    pub fn size() -> Size {
        terminal::size(std::io::stdout()).unwrap_or(Size { columns: 80, rows: 24 })
    }

    /// Draws what has changed.
    pub fn draw(&mut self, picture: &Picture, size: Size) {
        let columns = usize::from(size.columns).saturating_sub(1);
        let mut out = String::new();
        self.drawn.resize(picture.lines.len(), "\0".to_owned());
        for (row, line) in picture.lines.iter().enumerate() {
            let line = line.render(columns, self.face);
            if self.drawn[row] != line {
                // Writing to a text does not fail.
                let _ = write!(out, "\x1b[{};1H{line}\x1b[K", row + 1);
                self.drawn[row] = line;
            }
        }
        if out.is_empty() && self.cursor == picture.cursor {
            return;
        }
        self.cursor = picture.cursor;
        match picture.cursor {
            Some((row, column)) => {
                let _ = write!(out, "\x1b[{};{}H\x1b[?25h", row + 1, column + 1);
            }
            None => out.push_str("\x1b[?25l"),
        }
        say(&out);
    }

    /// Draws all of it next time: the size is another one, or somebody else has written.
    pub fn forget(&mut self) {
        self.drawn.clear();
        say("\x1b[H\x1b[2J");
    }

    /// Gives the terminal to another program meanwhile.
    pub fn lend<T>(&mut self, work: impl FnOnce() -> T) -> T {
        say(LEAVE);
        self.raw.give_back();
        let done = work();
        // One that is gone is noticed by the keys.
        let _ = self.raw.again();
        say(ENTER);
        self.drawn.clear();
        done
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        say(LEAVE);
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // A terminal that is gone is noticed by the keys.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The bytes of keys, read by a thread that can be told to leave them to another program.
pub struct Input {
    /// As they come; closed when the terminal is.
    pub bytes: Receiver<Vec<u8>>,
    pause: Arc<AtomicBool>,
    paused: Receiver<()>,
    go: Sender<()>,
}

impl Input {
    /// Begins to read.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub fn begin() -> Result<Self, CliError> {
        let (sender, bytes) = unbounded();
        let (rests, paused) = bounded(1);
        let (go, going) = bounded(1);
        let pause = Arc::new(AtomicBool::new(false));
        let wanted = pause.clone();
        let read = move || {
            use std::io::Read as _;
            loop {
                if wanted.swap(false, Ordering::AcqRel) && (rests.send(()).is_err() || going.recv().is_err())
                {
                    return;
                }
                match terminal::readable(Duration::from_millis(50)) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(_) => return,
                }
                let mut piece = [0; 4096];
                match std::io::stdin().lock().read(&mut piece) {
                    Ok(read @ 1..) if sender.send(piece[..read].to_vec()).is_ok() => {}
                    _ => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("keys".into()).spawn(read);
        thread.map_err(|e| CliError::machine(format!("there can be no thread for keys: {e}")))?;
        Ok(Self { bytes, pause, paused, go })
    }

    /// Leaves the keys to another program meanwhile.
    pub fn lend<T>(&self, work: impl FnOnce() -> T) -> T {
        self.pause.store(true, Ordering::Release);
        // Where the thread has gone nobody reads anyway.
        let _ = self.paused.recv();
        let done = work();
        let _ = self.go.send(());
        done
    }
}
