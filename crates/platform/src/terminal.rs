//! Terminals: whether there is one, how large it is, and what it can show.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::os::fd::AsFd;

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
