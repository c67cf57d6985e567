//! What a terminal sends, as keys.

use crate::limits;

/// A key that was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Key {
    Char(char),
    Ctrl(char),
    Enter,
    CtrlEnter,
    AltEnter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    PageUp,
    PageDown,
    /// Text that was pasted.
    Paste(String),
}

/// Makes keys of bytes, which come in pieces of any size.
#[derive(Debug, Default)]
pub struct Keys {
    left: Vec<u8>,
}

const PASTE: &[u8] = b"\x1b[200~";
const PASTED: &[u8] = b"\x1b[201~";

impl Keys {
    /// Takes bytes in; gives what they have made whole.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.left.extend_from_slice(bytes);
        let mut keys = Vec::new();
        while let Some((key, used)) = first(&self.left) {
            self.left.drain(..used);
            keys.extend(key);
        }
        keys
    }

    /// Whether an escape may be a key of its own, or the beginning of a sequence: nothing more came for a moment.
    pub fn waits(&self) -> bool {
        !self.left.is_empty() && !self.left.starts_with(PASTE)
    }

    /// [`flush`](Self::flush), unless it is a paste that still comes.
    pub fn flush_waiting(&mut self) -> Vec<Key> {
        if self.waits() { self.flush() } else { Vec::new() }
    }

    /// Takes what is there as it is: nothing more belongs to it.
    pub fn flush(&mut self) -> Vec<Key> {
        let left = std::mem::take(&mut self.left);
        match &*left {
            [0x1b] => vec![Key::Esc],
            [0x1b, b'[' | b'O', ..] | [] => Vec::new(),
            // An escape, and a key that was pressed soon after it.
            [0x1b, rest @ ..] => [vec![Key::Esc], self.feed(rest)].concat(),
            _ => Vec::new(),
        }
    }
}

/// The first key and how many bytes it takes; `None` where more has to come. A key of nothing is one that is not known.
fn first(bytes: &[u8]) -> Option<(Option<Key>, usize)> {
    let byte = *bytes.first()?;
    let key = match byte {
        0x1b => return escape(bytes),
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x7f | 0x08 => Key::Backspace,
        1..=26 => Key::Ctrl(char::from(b'a' + byte - 1)),
        0 | 28..=31 => return Some((None, 1)),
        b' '..=b'~' => Key::Char(char::from(byte)),
        _ => return letter(bytes),
    };
    Some((Some(key), 1))
}

/// A letter beyond ASCII.
fn letter(bytes: &[u8]) -> Option<(Option<Key>, usize)> {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((None, 1)),
    };
    let Some(whole) = bytes.get(..length) else {
        let goes_on = bytes[1..].iter().all(|byte| (0x80..0xc0).contains(byte));
        return if goes_on { None } else { Some((None, 1)) };
    };
    match std::str::from_utf8(whole) {
        // Control characters of the second block, and marks that turn the direction of writing, are no letters.
        Ok(text) => Some((text.chars().next().filter(|c| !c.is_control()).map(Key::Char), length)),
        Err(_) => Some((None, 1)),
    }
}

fn escape(bytes: &[u8]) -> Option<(Option<Key>, usize)> {
    if bytes.starts_with(PASTE) {
        return pasted(bytes);
    }
    match bytes.get(1)? {
        b'[' => {
            let end = bytes.iter().skip(2).position(|byte| (0x40..=0x7e).contains(byte));
            let Some(end) = end else {
                // No key is that long.
                return if bytes.len() > 32 { Some((None, bytes.len())) } else { None };
            };
            let numbers = std::str::from_utf8(&bytes[2..2 + end]).unwrap_or_default();
            Some((sequence(numbers, bytes[2 + end]), end + 3))
        }
        b'O' => Some((sequence("", *bytes.get(2)?), 3)),
        b'\r' | b'\n' => Some((Some(Key::AltEnter), 2)),
        // Alt and a key, which means nothing here; or an escape and that key.
        0x1b => Some((Some(Key::Esc), 1)),
        _ => None,
    }
}

fn sequence(numbers: &str, end: u8) -> Option<Key> {
    let mut parts = numbers.split(';').map(|part| part.parse::<u32>().unwrap_or(0));
    let (one, two, three) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next());
    Some(match end {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'Z' => Key::BackTab,
        b'M' if numbers.is_empty() => Key::Enter,
        // As `modifyOtherKeys` of xterm tells it, and as the protocol of kitty does.
        b'~' if one == 27 => modified(three?, two)?,
        b'u' => modified(one, two)?,
        b'~' => match one {
            1 | 7 => Key::Home,
            4 | 8 => Key::End,
            3 => Key::Delete,
            5 => Key::PageUp,
            6 => Key::PageDown,
            _ => return None,
        },
        _ => return None,
    })
}

/// A key with what was held down beside it: 1 and a bit each for shift (1), alt (2), control (4).
fn modified(code: u32, held: u32) -> Option<Key> {
    let held = held.saturating_sub(1);
    Some(match (code, held & 7) {
        (13, 4..) => Key::CtrlEnter,
        (13, 1..=3) => Key::AltEnter,
        (13, _) => Key::Enter,
        (27, _) => Key::Esc,
        (9, 1) => Key::BackTab,
        (9, _) => Key::Tab,
        (127, _) => Key::Backspace,
        (code, 4) => Key::Ctrl(char::from_u32(code).filter(char::is_ascii_lowercase)?),
        (code, 0 | 1) => Key::Char(char::from_u32(code).filter(|c| !c.is_control())?),
        _ => return None,
    })
}

fn pasted(bytes: &[u8]) -> Option<(Option<Key>, usize)> {
    let body = &bytes[PASTE.len()..];
    let end = body.windows(PASTED.len()).position(|window| window == PASTED);
    let (end, used) = match end {
        Some(end) => (end, PASTE.len() + end + PASTED.len()),
        None if body.len() > limits::PASTE_BYTES => (limits::PASTE_BYTES, bytes.len()),
        None => return None,
    };
    let text = String::from_utf8_lossy(&body[..end.min(limits::PASTE_BYTES)]);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    Some((Some(Key::Paste(text)), used))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys::default();
        let mut got = keys.feed(bytes);
        got.extend(keys.flush());
        got
    }

    #[test]
    fn terminals_of_several_kinds_are_understood() {
        assert_eq!(
            keys(b"aZ \r\n\t\x7f\x08"),
            [
                Key::Char('a'),
                Key::Char('Z'),
                Key::Char(' '),
                Key::Enter,
                Key::Enter,
                Key::Tab,
                Key::Backspace,
                Key::Backspace
            ]
        );
        assert_eq!(
            keys(b"\x1b[A\x1bOB\x1b[5~\x1b[3~\x1b[1;5H\x1b[Z"),
            [Key::Up, Key::Down, Key::PageUp, Key::Delete, Key::Home, Key::BackTab]
        );
        // xterm, kitty; Alt and Enter everywhere.
        for ctrl_enter in [&b"\x1b[27;5;13~"[..], b"\x1b[13;5u"] {
            assert_eq!(keys(ctrl_enter), [Key::CtrlEnter]);
        }
        assert_eq!(
            keys(b"\x1b\r\x1b[13;2u\x1b[115;5u\x1b[27u"),
            [Key::AltEnter, Key::AltEnter, Key::Ctrl('s'), Key::Esc]
        );
        assert_eq!(keys("é日🙂".as_bytes()), [Key::Char('é'), Key::Char('日'), Key::Char('🙂')]);
        // What is no key is none: an answer of the terminal, half a letter, control characters of the second block.
        assert_eq!(keys(b"\x1b[?1;2c\xff\xc3(\xc2\x9bq"), [Key::Char('('), Key::Char('q')]);
    }

    #[test]
    fn an_escape_is_one_when_nothing_follows() {
        assert_eq!(keys(b"\x1b"), [Key::Esc]);
        assert_eq!(keys(b"\x1b\x1b"), [Key::Esc, Key::Esc]);
        assert_eq!(keys(b"\x1bj"), [Key::Esc, Key::Char('j')]);
        let mut parts = Keys::default();
        for byte in b"\x1b[" {
            assert_eq!(parts.feed(&[*byte]), []);
            assert!(parts.waits());
        }
        assert_eq!(parts.feed(b"6~"), [Key::PageDown]);
        assert!(!parts.waits());
    }

    #[test]
    fn p11_what_is_pasted_is_one_text_and_bounded() {
        assert_eq!(keys(b"\x1b[200~a\r\nq\x1b[201~x"), [Key::Paste("a\nq".into()), Key::Char('x')]);
        let mut long = b"\x1b[200~".to_vec();
        long.resize(limits::PASTE_BYTES + 100, b'a');
        let got = keys(&long);
        assert!(matches!(&got[..], [Key::Paste(text)] if text.len() == limits::PASTE_BYTES));
    }
}
