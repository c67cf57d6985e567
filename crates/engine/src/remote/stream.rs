//! Server-sent events, as a client reads them.

use std::io::{self, BufRead, Read as _};

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// What it is; empty: a sign of life.
    pub(super) kind: String,
    /// From where to go on behind it.
    pub(super) id: String,
    /// As JSON.
    pub(super) data: String,
}

/// The next event, or a line that stands for none; nothing when the stream has ended. A line of more bytes than `most`
/// is an error.
pub(super) fn next(reader: &mut impl BufRead, most: usize) -> io::Result<Option<Event>> {
    let mut event = Event::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(most as u64 + 1).read_until(b'\n', &mut line)?;
        if read > most {
            return Err(io::Error::other(format!("an event of more than {most} bytes came")));
        }
        if line.last() != Some(&b'\n') {
            // An event that was cut off did not come.
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            return Ok(Some(event));
        }
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut event.kind),
            "id" => value.clone_into(&mut event.id),
            "data" => {
                if !event.data.is_empty() {
                    event.data.push('\n');
                }
                event.data.push_str(value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_one_by_one_and_what_was_cut_off_did_not_come() {
        let text = "retry: 1000\n\nid: 7\nevent: journal\ndata: {\"a\":1}\n\n:\n\nid: 8\nevent: journal\r\ndata: {}\n";
        let mut reader = text.as_bytes();
        let mut next = || next(&mut reader, 100).unwrap();
        assert_eq!(next(), Some(Event::default()));
        let (kind, id, data) = ("journal".to_owned(), "7".to_owned(), "{\"a\":1}".to_owned());
        assert_eq!(next(), Some(Event { kind, id, data }));
        assert_eq!(next(), Some(Event::default()));
        assert_eq!(next(), None);
    }

    #[test]
    fn p11_a_line_of_a_stream_is_bounded() {
        let line = |length: usize| format!("data: {}\n\n", "x".repeat(length));
        assert_eq!(next(&mut line(93).as_bytes(), 100).unwrap().unwrap().data.len(), 93);
        assert!(next(&mut line(94).as_bytes(), 100).unwrap_err().to_string().contains("more than 100"));
    }
}
