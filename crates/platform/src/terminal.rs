//! Terminals: whether there is one, how large it is, and what it can show.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{self, OptionalActions, Termios};

/// Size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters per line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// Size of the terminal behind a descriptor; `None` when it is none, or does not know its size.
pub fn size(fd: impl AsFd) -> Option<Size> {
    let told = rustix::termios::tcgetwinsize(fd).ok()?;
    (told.ws_col > 0 && told.ws_row > 0).then_some(Size { columns: told.ws_col, rows: told.ws_row })
}

/// Whether standard input is a terminal: only then may a command ask something.
pub fn stdin_is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

/// Whether standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether the locale says that text is UTF-8, so that signs beyond ASCII may be printed.
pub fn locale_is_utf8() -> bool {
    utf8_named(|name| std::env::var_os(name))
}

/// POSIX: the first of these that is set and not empty decides.
fn utf8_named<T: AsRef<OsStr>>(var: impl Fn(&str) -> Option<T>) -> bool {
    let set = |name| var(name).filter(|value| !value.as_ref().is_empty());
    let Some(value) = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")) else {
        // macOS starts programs from its desktop without a locale, and everything there is UTF-8.
        return cfg!(target_os = "macos");
    };
    let value = value.as_ref().to_string_lossy().to_ascii_lowercase();
    value.contains("utf-8") || value.contains("utf8")
}

/// A terminal whose keys come one by one, unseen and without a meaning to the system: Ctrl-C is a key. Given back as it
/// was when this is dropped.
#[derive(Debug)]
pub struct Raw {
    was: Termios,
}

impl Raw {
    /// Makes the terminal at standard input so.
    ///
    /// # Errors
    /// When there is none.
    pub fn enter() -> std::io::Result<Self> {
        let was = termios::tcgetattr(std::io::stdin())?;
        let raw = Self { was };
        raw.again()?;
        Ok(raw)
    }

    /// Makes it so again, after it was [given back](Self::give_back).
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn again(&self) -> std::io::Result<()> {
        let mut raw = self.was.clone();
        raw.make_raw();
        Ok(termios::tcsetattr(std::io::stdin(), OptionalActions::Drain, &raw)?)
    }

    /// Gives it back for a while, to another program.
    pub fn give_back(&self) {
        // A terminal that is gone needs nothing back.
        let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Drain, &self.was);
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Whether something can be read from standard input, or it was closed; waits for it so long.
///
/// # Errors
/// When it cannot be waited for.
pub fn readable(time: Duration) -> std::io::Result<bool> {
    let stdin = std::io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    let time = Timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    };
    match poll(&mut fds, Some(&time)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(vars: &[(&str, &str)]) -> bool {
        utf8_named(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_first_variable_that_is_set_decides() {
        assert!(of(&[("LANG", "en_US.UTF-8")]));
        assert!(of(&[("LANG", "de_DE.utf8")]));
        assert!(!of(&[("LANG", "C")]));
        assert!(!of(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
        assert!(of(&[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C")]));
    }

    #[test]
    fn a_file_has_no_size_in_characters() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(size(&file), None);
    }
}
